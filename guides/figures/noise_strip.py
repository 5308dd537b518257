"""The linear schedule loses the image well before the end, the cosine schedule evenly."""

import math

import torch
from style import BLUE, GRAY, ORANGE, Data, rounded, save, start

STEPS, SIDE, SHOWN = 1000, 24, [0, 200, 400, 600, 800, 1000]


def image() -> torch.Tensor:
    """A house, from -1 to 1."""
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    found = torch.full((SIDE, SIDE), -0.8)
    found[(y >= 11) & (y < 21) & (x >= 6) & (x < 18)] = 0.5  # walls
    found[(y < 11) & (y >= 3) & ((x - 11.5).abs() <= (y - 2) * 0.95)] = 1.0  # roof
    found[(y >= 15) & (y < 21) & (x >= 10) & (x < 14)] = -0.4  # door
    found[y >= 21] = 0.0  # ground
    return found


def data() -> Data:
    """alpha-bar at t = 0 is 1; DDPM's betas (2006.11239), and the cosine of 2102.09672."""
    betas = torch.linspace(1e-4, 0.02, STEPS, dtype=torch.float64)
    linear = [1.0, *(1 - betas).cumprod(0).tolist()]
    angle = [(t / STEPS + 0.008) / 1.008 * math.pi / 2 for t in range(STEPS + 1)]
    cosine = [math.cos(a) ** 2 / math.cos(angle[0]) ** 2 for a in angle]
    every = range(0, STEPS + 1, 25)
    noise = torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    return {
        "image": rounded(image().tolist(), 3),
        "noise": rounded(noise.tolist(), 3),
        "shown": SHOWN,
        "t": list(every),
        "linear": [round(linear[t], 4) for t in every],
        "cosine": [round(cosine[t], 4) for t in every],
    }


def draw(data: Data, folder: str | None = None) -> None:
    clean, noise = torch.tensor(data["image"]), torch.tensor(data["noise"])
    figure = start(8, 4.6)
    grid = figure.add_gridspec(3, len(SHOWN))
    axes = figure.add_subplot(grid[0, :])
    for n, name, color in ((1, "linear", BLUE), (2, "cosine", ORANGE)):
        row = [figure.add_subplot(grid[n, k]) for k in range(len(SHOWN))]
        curve = dict(zip(data["t"], data[name], strict=True))
        axes.plot(list(curve), list(curve.values()), color=color, label=name)
        axes.plot(SHOWN, [curve[t] for t in SHOWN], "o", color=color, markersize=4)
        for panel, t in zip(row, SHOWN, strict=True):
            noised = math.sqrt(curve[t]) * clean + math.sqrt(1 - curve[t]) * noise
            pixels = noised.clamp(-2, 2).tolist()
            panel.imshow(pixels, cmap="gray", vmin=-2, vmax=2, interpolation="none")
            panel.set(xticks=[], yticks=[])
            panel.spines[:].set_visible(False)
            if name == "linear":
                panel.set_title(f"t = {t:,}")
        row[0].set_ylabel(name, color=color)
    axes.axhline(0, color=GRAY, linewidth=0.6)
    axes.set_xticks(SHOWN, [f"{t:,}" for t in SHOWN])
    axes.set(xlabel="t", ylabel="alpha-bar", xlim=(0, STEPS))
    axes.legend(frameon=False)
    save(figure, __file__, data, folder)


if __name__ == "__main__":
    draw(data())
