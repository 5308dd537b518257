"""A small rate learns slowly, a larger one faster, and above a limit the loss grows without end."""

import torch
from style import BLUE, GRAY, GREEN, ORANGE, Data, rounded, save, start

COUNTS = [10, 100, 1000]
HIGHEST = 1e3  # a loss above it counts as this


def data() -> Data:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(64, 3, generator=draw, dtype=torch.float64) * torch.tensor([3.0, 1.0, 0.5])
    y = x @ torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)
    y = y + 0.1 * torch.randn(64, generator=draw, dtype=torch.float64)
    rates = torch.logspace(-4, 0, 101, dtype=torch.float64)
    w, losses = torch.zeros(len(rates), 3, dtype=torch.float64), {}
    for step in range(1, max(COUNTS) + 1):  # all rates at once: a row of w is one run
        w = w - rates[:, None] * (2 / len(x)) * ((w @ x.T - y) @ x)
        if step in COUNTS:
            loss = ((w @ x.T - y) ** 2).mean(1).nan_to_num(HIGHEST).clamp(max=HIGHEST)
            losses[f"after_{step}"] = loss.tolist()
    curvature = torch.linalg.eigvalsh(2 / len(x) * x.T @ x).max().item()
    return rounded({"rates": rates.tolist(), **losses, "limit": [2 / curvature]})


def draw(data: Data, folder: str | None = None) -> None:
    figure = start(8, 3.4)
    axes = figure.add_subplot()
    for count, color in zip(COUNTS, (ORANGE, BLUE, GREEN), strict=True):
        losses = data[f"after_{count}"]
        end = losses.index(HIGHEST) + 1
        axes.plot(data["rates"][:end], losses[:end], color=color, label=f"after {count:,} steps")
    axes.axvline(data["limit"][0], color=GRAY, linewidth=1, linestyle="--")
    limit = f"above {data['limit'][0]:.2g}\nno run\nconverges"
    axes.text(data["limit"][0] * 1.3, 0.06, limit, va="center")
    axes.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="loss")
    axes.set_xlim(1e-4, 1)
    axes.set_ylim(5e-3, HIGHEST)
    axes.legend(frameon=False, loc="upper left", ncols=3)
    save(figure, __file__, data, folder)


if __name__ == "__main__":
    draw(data())
