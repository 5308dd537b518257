"""At stride 1 each layer adds the same to what an output sees; strides and dilation multiply."""

import torch
from style import BLUE, GREEN, ORANGE, Data, save, start
from torch import nn

LAYERS = 6
STACKS = {  # (stride, dilation) of layer n
    "stride 1": lambda n: (1, 1),
    "stride 2 in every second layer": lambda n: (1 + n % 2, 1),
    "dilation 1, 2, 4, 8, 16, 32": lambda n: (1, 2**n),
}


def seen(layers: list[tuple[int, int]]) -> int:
    """How many inputs reach one output: those with a gradient, not those of a formula."""
    net = nn.Sequential(*(nn.Conv1d(1, 1, 3, s, dilation=d, bias=False) for s, d in layers))
    for weight in net.parameters():
        nn.init.ones_(weight)
    x = torch.zeros(1, 1, 200, requires_grad=True)
    net(x)[0, 0, 0].backward()
    assert x.grad is not None
    return int(torch.count_nonzero(x.grad))


def data() -> Data:
    return {
        name: [1] + [seen([of(n) for n in range(depth)]) for depth in range(1, LAYERS + 1)]
        for name, of in STACKS.items()
    }


def draw(data: Data, folder: str | None = None) -> None:
    figure = start(8, 3.2)
    axes = figure.add_subplot()
    for (name, widths), color in zip(data.items(), (BLUE, ORANGE, GREEN), strict=True):
        axes.plot(widths, color=color, marker="o", label=f"3x3, {name}: {widths[-1]} at the end")
    axes.set(xlabel="layers", ylabel="side of what an output sees")
    axes.legend(frameon=False)
    save(figure, __file__, data, folder)


if __name__ == "__main__":
    draw(data())
