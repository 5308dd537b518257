"""The column and the row are repeated, without a copy, until both have shape (3, 4)."""

import torch
from style import BLUE, GREEN, ORANGE, Data, board, cells, save, start


def data() -> Data:
    a, b = torch.tensor([[0], [10], [20]]), torch.tensor([1, 2, 3, 4])
    wide_a, wide_b = torch.broadcast_tensors(a, b)
    return {
        "a": a.tolist(),
        "b": b.tolist(),
        "a_repeated": wide_a.tolist(),
        "b_repeated": wide_b.tolist(),
        "a_strides": list(wide_a.stride()),
        "b_strides": list(wide_b.stride()),
        "sum": (a + b).tolist(),
    }


def draw(data: Data, folder: str | None = None) -> None:
    figure = start(8, 2.5)
    axes = figure.add_subplot()
    board(axes, 16, 5)
    columns = [[j > 0 for j in range(4)] for _ in range(3)]
    rows = [[i > 0 for _ in range(4)] for i in range(3)]
    for left, key, color, faint, title in (
        (0.2, "a_repeated", BLUE, columns, "a: (3, 1)"),
        (5.9, "b_repeated", ORANGE, rows, "b: (4,)"),
        (11.6, "sum", GREEN, None, "a + b: (3, 4)"),
    ):
        axes.text(left + 2, 0.5, title, ha="center", va="center")
        cells(axes, data[key], (left, 1), [[color] * 4] * 3, faint)
    axes.text(5.05, 2.5, "+", ha="center", va="center", fontsize=16)
    axes.text(10.75, 2.5, "=", ha="center", va="center", fontsize=16)
    for left, key in ((0.2, "a_strides"), (5.9, "b_strides")):
        text = f"repeated: strides {tuple(data[key])}"
        axes.text(left + 2, 4.5, text, ha="center", va="center")
    save(figure, __file__, data, folder)


if __name__ == "__main__":
    draw(data())
