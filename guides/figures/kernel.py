"""A 3x3 kernel moves by two places, and each window gives one number: the sum of nine products."""

import torch
from style import BLUE, COLORS, GREEN, GROUND, INK, ORANGE, PURPLE, Data, board, cells, save
from style import start as begin
from torch.nn.functional import conv2d


def data() -> Data:
    draw = torch.Generator().manual_seed(1)
    image = torch.randint(0, 4, (5, 5), generator=draw)
    kernel = torch.tensor([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    result = conv2d(image[None, None].float(), kernel[None, None].float(), stride=2)
    return {
        "image": image.tolist(),
        "kernel": kernel.tolist(),
        "stride": [2],
        "result": result[0, 0].int().tolist(),
    }


def draw(data: Data, folder: str | None = None) -> None:
    from matplotlib.patches import Rectangle

    figure = begin(8, 3.5)
    axes = figure.add_subplot()
    board(axes, 16, 7)
    stride = data["stride"][0]
    axes.text(2.9, 0.5, "image: 5 x 5", ha="center", va="center")
    cells(axes, data["image"], (0.4, 1))
    axes.text(8.4, 0.5, "kernel: 3 x 3", ha="center", va="center")
    cells(axes, data["kernel"], (6.9, 2), [[GROUND] * 3] * 3)
    axes.add_patch(Rectangle((6.9, 2), 3, 3, fill=False, edgecolor=INK))
    axes.text(13.2, 0.5, "result: 2 x 2", ha="center", va="center")
    cells(axes, data["result"], (12.2, 2.5), [[BLUE, ORANGE], [GREEN, PURPLE]])
    axes.text(6.15, 3.5, "*", ha="center", va="center", fontsize=16)
    axes.text(11.05, 3.5, "=", ha="center", va="center", fontsize=16)
    for n, color in enumerate(COLORS):
        i, j = divmod(n, 2)
        inset = 0.07 + 0.05 * n
        corner = (0.4 + stride * j + inset, 1 + stride * i + inset)
        side = 3 - 2 * inset
        axes.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=color, linewidth=2))
    window = [row[:3] for row in data["image"][:3]]
    products = [
        f"{k}·{v}" if k >= 0 else f"({k})·{v}"
        for ks, vs in zip(data["kernel"], window, strict=True)
        for k, v in zip(ks, vs, strict=True)
        if k
    ]
    text = f"upper left window: {' + '.join(products)} = {data['result'][0][0]}"
    axes.text(0.4, 6.6, text, va="center", color=BLUE)
    save(figure, __file__, data, folder)


if __name__ == "__main__":
    draw(data())
