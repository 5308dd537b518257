"""Conditioning: a second input that joins halfway.

Side information, such as a language, joins the hidden features:
hidden = relu(x W1^T + b1), logits = [hidden, c] W2^T + b2.

    ConditionalMLP(in_dim, c_dim, h, num_classes)
    forward(x, c) -> logits
        x         (*, in_dim)         * any leading sizes, the same of x and of c
        c         (*, c_dim)
        logits    (*, num_classes)    x, c, model and logits share dtype and device

Core, what an interview asks:

    parameters  W1 (h, in_dim), b1 (h,), W2 (num_classes, h + c_dim) and b2 (num_classes,), under
                any names, trainable, drawn as by nn.Linear.
    logits      Raw, in train and in eval mode: no softmax, no limits.
    hidden      ReLU of a linear layer on x alone. It meets the first h columns of W2.
    condition   c as it came, negative numbers too. It meets the last c_dim columns of W2.
    leading     Any sizes work, none and 0 included.
    gradients   They reach x, c and all parameters, in train and in eval mode.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    sizes       RuntimeError or ValueError for other numbers of features or unequal leading sizes,
                1 beside N included.
    dtypes      float32, float64 and bfloat16, as exact as they allow.
    inputs      Any strides, any device, never changed. Both modes give the same.

Easy, 15 minutes. Try one alone: python FILE hidden
Guide: PyTorch_Mastery_Guide, "Conditioning".
https://distill.pub/2018/feature-wise-transformations/
"""

import torch
from torch import Tensor, nn


class ConditionalMLP(nn.Module):
    def __init__(self, in_dim: int, c_dim: int, h: int, num_classes: int) -> None:
        raise NotImplementedError("ConditionalMLP.__init__")

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        raise NotImplementedError("ConditionalMLP.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    model = ConditionalMLP(in_dim=1, c_dim=1, h=2, num_classes=3)
    by_shape = {tuple(p.shape): p for p in model.parameters()}  # whatever their names
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
        by_shape[2, 1].copy_(torch.tensor([[1.0], [-1.0]]))  # W1: hidden is relu of [x, -x]
        by_shape[3, 3].copy_(torch.eye(3))  # W2 shows [hidden, c]

    got = model(torch.tensor([[4.0]]), torch.tensor([[5.0]])).tolist()
    assert got == [[4, 0, 5]], got

    got = model(torch.tensor([[4.0]]), torch.tensor([[-5.0]])).tolist()
    assert got == [[4, 0, -5]], got


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
