"""One row of memory holds the numbers; x and x.T are two ways to walk through it."""

import torch
from style import COLORS, Data, board, cells, save, start


def data() -> Data:
    x = torch.arange(12).reshape(3, 4)
    return {
        "memory": x.flatten().tolist(),
        "x": x.tolist(),
        "x_strides": list(x.stride()),
        "x_T": x.T.tolist(),
        "x_T_strides": list(x.T.stride()),
        "same_memory": [x.data_ptr() == x.T.data_ptr()],
    }


def draw(data: Data, folder: str | None = None) -> None:
    figure = start(8, 4.0)
    axes = figure.add_subplot()
    board(axes, 16, 7.9)
    color = {value: COLORS[i] for i, row in enumerate(data["x"]) for value in row}
    axes.text(2, 0.6, "memory: one row of 12 numbers", va="center")
    cells(axes, [data["memory"]], (2, 1), [[color[value] for value in data["memory"]]])
    for name, left in (("x", 2), ("x_T", 10)):
        grid, strides = data[name], tuple(data[f"{name}_strides"])
        shape = (len(grid), len(grid[0]))
        axes.text(left, 2.75, f"{name.replace('_', '.')}: shape {shape},", va="center")
        axes.text(left, 3.3, f"strides {strides}", va="center")
        cells(axes, grid, (left, 3.7), [[color[value] for value in row] for row in grid])
        i, j = strides
        step = " + ".join(f"{n} {k}" if n > 1 else k for n, k in ((i, "i"), (j, "j")))
        below = 3.7 + len(grid) + 0.3
        axes.text(left + len(grid[0]) + 0.3, below - 1, f"[i, j] is at\nplace {step}", va="center")
    save(figure, __file__, data, folder)


if __name__ == "__main__":
    draw(data())
