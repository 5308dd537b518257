"""Bug hunt 3: we tell it which camera to judge, and it hardly listens.

A colleague: "Each picture holds the channels of C cameras and comes with an instruction: judge this
one. With wrong instructions it does nearly as well."

ConditionalCNN(in_c, cond_dim, hidden, num_classes) judges picture x by cond:

    x        (N, C, H, W)      C = in_c; H, W from 1 up
    cond     (N, D)            D = cond_dim; row i is for picture i
    conv                       nn.Conv2d, 3x3, then ReLU
    head                       nn.Linear, on the mean over the H * W pixels
    returns  (N, num_classes)  logits, in the inputs' dtype, on their device

Core, what an interview asks:

    learning   Trained as in evidence(), it gets more than 90% of new pictures right.
    logits     conv sees H x W pixels of C + D values: their own C, then the D of cond; 0 beyond
               the border. No parameters but those of conv and head.
    gradients  Exact ones reach x, cond and all parameters; inputs stay as they are.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    sizes      Batches of different size raise RuntimeError or ValueError, 1 beside N included.

Train and eval mode are alike. Run the file, fix the class, run it again.

Medium, 15 minutes. Try one alone: python FILE logits
Paper: Conditional Generative Adversarial Nets, section 3.2, https://arxiv.org/abs/1411.1784
"""

import torch
from torch import Tensor, nn


class ConditionalCNN(nn.Module):
    def __init__(self, in_c: int, cond_dim: int, hidden: int, num_classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_c, hidden, kernel_size=3, padding=1)
        self.head = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor, cond: Tensor) -> Tensor:
        N, C, H, W = x.shape
        planes = cond[:, None, None, :].expand(N, C, H, -1)
        maps = self.conv(torch.cat([x, planes], dim=3)).relu()
        return self.head(maps.mean(dim=(2, 3)))


def evidence() -> None:
    """What the colleague saw: three cameras, each bright or dark; which is the one in question?"""
    torch.manual_seed(0)
    bright, which = torch.randint(0, 2, (384, 3)), torch.randint(0, 3, (384,))
    x = torch.randn(384, 3, 4, 5) + 2.0 * bright[:, :, None, None] - 1
    cond, y = torch.eye(3)[which], bright[torch.arange(384), which]
    model = ConditionalCNN(3, 3, 16, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(35):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[:128], cond[:128]), y[:128]).backward()
        optimizer.step()
    for what, told in (("right", cond[128:]), ("wrong", cond[128:].roll(1, dims=1))):
        right = (model(x[128:], told).argmax(dim=1) == y[128:]).float().mean()
        print(f"{what} instructions: {right:.1%} of new pictures right")
    print("A right model gets more than 90% right if told rightly, and about half if told wrongly.")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
