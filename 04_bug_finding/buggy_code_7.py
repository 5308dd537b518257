"""Bug hunt 7: predicts without complaint, but training crashes at the first batch.

A colleague: "I trimmed the gated block for memory. The outputs are the same to the last digit, the
demo runs, and then loss.backward() dies."

    GatedResidual(dim, hidden)  layers norm, value, gate and out, as they are given here
    block(x (*, dim))           -> (*, dim); any leading dims, in the layers' dtype (float32,
                                float64, bfloat16) and on their device

What forward computes is right: layers, names and order of operations are not the problem.

Core, what an interview asks:

    values     forward gives what it gives now. Dtype and device stay, and x is not changed.
    gradients  backward() gives every parameter, and x where it asks for one, the exact gradient of
               what forward computes: in train and eval mode, in each dtype, in a stack of two.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    frozen     The same where some parameters are frozen, up to x or gate.weight alone.

Run the file to see the crash, fix the class, run it again. Ask yourself: what does each operation
keep for the way back?

Medium, 15 minutes. Try one alone: python FILE gradients
Guide: https://docs.pytorch.org/docs/stable/notes/autograd.html (in-place operations)
Paper: Conditional Image Generation with PixelCNN Decoders, https://arxiv.org/abs/1606.05328
"""

import torch
from torch import Tensor, nn


class GatedResidual(nn.Module):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.value = nn.Linear(dim, hidden)
        self.gate = nn.Linear(dim, hidden)
        self.out = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        h = torch.tanh(self.value(y))
        h *= torch.sigmoid(self.gate(y))
        h = self.out(h)
        h += x
        return h


def evidence() -> None:
    """What the colleague saw: the block predicts, but does not train."""
    torch.manual_seed(0)
    block, x = GatedResidual(4, 6), torch.randn(5, 4)
    print(
        f"forward: out has mean {block(x).mean():.4f} and standard deviation {block(x).std():.4f}"
    )
    try:
        block(x).sum().backward()
    except RuntimeError as error:
        print(f"backward: RuntimeError: {error}")
    reached = sum(p.grad is not None for p in block.parameters())
    print(f"backward: {reached} of 8 parameters got a gradient")
    print("A right block gives the same mean and deviation, and all 8 parameters a gradient.")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
