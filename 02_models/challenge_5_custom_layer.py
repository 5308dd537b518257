"""A layer of your own: two of torch's, as if nobody had written them yet.

    y = x W^T + b

    SimpleLinear(in_features, out_features, bias=True)
        weight (out_features, in_features), bias (out_features,)
        forward(x)       (*, in_features) -> (*, out_features)
    MyEmbedding(num_embeddings, embedding_dim, padding_idx=None)
        weight (num_embeddings, embedding_dim)
        forward(ids)     int64 (*) -> (*, embedding_dim)
    kaiming_init(weight)  (out, in) or (out, in, kH, kW) -> weight

Core, what an interview asks:

    parameters  weight and bias are the only ones. With bias=False, layer.bias is None.
    by_hand     Neither is, makes or calls torch's Linear or Embedding.
    forward     x W^T + b of each row, and of each id its row of weight.
    start       SimpleLinear draws all numbers evenly from +-1/sqrt(in_features), MyEmbedding
                from N(0, 1).
    kaiming     Fills weight in place from N(0, 2/fan_in) and gives it back. fan_in: how many
                numbers of the input one output sees. requires_grad stays, without a graph.
    seen        SimpleLinear's seen, an int64 tensor (), counts the rows of x, in train mode only.
                It is saved and moves with the layer.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    padding     Row padding_idx starts as zeros, and its gradient is zero. A negative one counts
                from the end.
    shown       They print as SimpleLinear(in_features=3, out_features=2, bias=True),
                MyEmbedding(5, 2) and MyEmbedding(5, 2, padding_idx=0).

Easy, 25 minutes. Try one alone: python FILE kaiming
Paper: He et al. 2015, section 2.2, https://arxiv.org/abs/1502.01852
"""

import torch
from torch import Tensor, nn


class SimpleLinear(nn.Module):
    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        raise NotImplementedError("SimpleLinear.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("SimpleLinear.forward")


class MyEmbedding(nn.Module):
    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None
    ) -> None:
        raise NotImplementedError("MyEmbedding.__init__")

    def forward(self, ids: Tensor) -> Tensor:
        raise NotImplementedError("MyEmbedding.forward")


def kaiming_init(weight: Tensor) -> Tensor:
    raise NotImplementedError("kaiming_init")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    layer = SimpleLinear(2, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, 4.0]]))
        layer.bias.fill_(5.0)
    got = layer(torch.tensor([[1.0, 0.0], [1.0, 1.0]])).tolist()
    assert got == [[8.0], [12.0]], got  # 3 + 5 and 3 + 4 + 5
    assert layer.seen.item() == 2, layer.seen  # rows
    table = MyEmbedding(3, 2, padding_idx=0)
    rows = table(torch.tensor([0, 2, 2])).tolist()
    assert rows == [[0, 0], table.weight[2].tolist(), table.weight[2].tolist()], rows


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
