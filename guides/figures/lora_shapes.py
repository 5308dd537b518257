"""Drawn to scale: B and A together hold a small part of the numbers of the frozen W."""

from style import GREEN, INK, ORANGE, PALE, Data, board, save, start
from torch import nn

SIZE, RANK = 768, 32


def data() -> Data:
    w = nn.Linear(SIZE, SIZE, bias=False, device="meta").weight
    a = nn.Linear(SIZE, RANK, bias=False, device="meta").weight
    b = nn.Linear(RANK, SIZE, bias=False, device="meta").weight
    return {
        "W": [*w.shape, w.numel()],
        "B": [*b.shape, b.numel()],
        "A": [*a.shape, a.numel()],
        "percent": [round(100 * (a.numel() + b.numel()) / w.numel(), 2)],
    }


def draw(data: Data, folder: str | None = None) -> None:
    from matplotlib.patches import Rectangle

    figure = start(8, 3.6)
    axes = figure.add_subplot()
    board(axes, 2400, 1060)
    for name, left, color in (("W", 60, PALE), ("B", 1180, ORANGE), ("A", 1420, GREEN)):
        rows, columns, count = data[name]
        axes.add_patch(Rectangle((left, 200), columns, rows, facecolor=color, edgecolor=INK))
        lines = f"{name}: {rows} x {columns}\n{count:,} numbers"
        if name == "W":
            axes.text(left, 100, lines, va="center")
            axes.text(left + columns / 2, 200 + rows / 2, "frozen", ha="center", va="center")
        elif name == "B":
            axes.text(left - 60, 100, lines, va="center")
        else:
            axes.text(left + 180, 300, lines, va="top")
    axes.text(990, 580, "+  s", ha="center", va="center", fontsize=14)
    axes.text(1330, 580, "times", ha="center", va="center")
    share = f"trained: B and A, {data['percent'][0]:.1f} %\nof the numbers in W"
    axes.text(1600, 580, share, va="center")
    save(figure, __file__, data, folder)


if __name__ == "__main__":
    draw(data())
