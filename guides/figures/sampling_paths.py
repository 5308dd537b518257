"""Both samplers carry the same starts to the two modes; no two paths of a sampler cross."""

import math

import torch
from style import BLUE, GRAY, ORANGE, Data, save, start

MODES, WIDTH, STEPS, KEPT = (-1.0, 1.0), 0.1, 400, 10  # every tenth step is drawn
SIZE = 16


def clean_given(x: torch.Tensor, a: float, b: float) -> torch.Tensor:
    """E[x0 | x] for x = a x0 + b noise, with x0 from two narrow Gaussians: Bayes' rule, exact."""
    modes = torch.tensor(MODES, dtype=x.dtype)
    spread = (a * WIDTH) ** 2 + b**2
    off = x[:, None] - a * modes
    share = torch.softmax(-(off**2) / (2 * spread), 1)
    return (share * (modes + a * WIDTH**2 / spread * off)).sum(1)


def data() -> Data:
    odds = (torch.arange(SIZE, dtype=torch.float64) + 0.5) / SIZE
    starts = math.sqrt(2) * torch.erfinv(2 * odds - 1)  # evenly through a standard normal
    ddim, flow = [starts], [starts]
    for n in range(STEPS):
        now, then = (math.pi / 2 * (1 - k / STEPS) for k in (n, n + 1))  # the angle: noise to data
        x = ddim[-1]
        guess = clean_given(x, math.cos(now), math.sin(now))
        noise = (x - math.cos(now) * guess) / math.sin(now)
        ddim.append(math.cos(then) * guess + math.sin(then) * noise)
        x, s = flow[-1], n / STEPS
        velocity = (clean_given(x, s, 1 - s) - x) / (1 - s)
        flow.append(x + velocity / STEPS)
    return {
        "progress": [round(n / STEPS, 4) for n in range(0, STEPS + 1, KEPT)],
        "ddim": [[round(v, 3) for v in x.tolist()] for x in ddim[::KEPT]],
        "flow": [[round(v, 3) for v in x.tolist()] for x in flow[::KEPT]],
    }


def draw(data: Data, folder: str | None = None) -> None:
    figure = start(8, 3.3)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, name in zip(panels, ("ddim", "flow"), strict=True):
        for path in zip(*data[name], strict=True):
            color = ORANGE if path[-1] > 0 else BLUE
            axes.plot(data["progress"], path, color=color, linewidth=1.2)
        for mode in MODES:
            axes.axhline(mode, color=GRAY, linewidth=0.6, linestyle="--")
        left, right = axes.set_xticks([0, 1], ["noise", "data"])
        left.label1.set_ha("left")
        right.label1.set_ha("right")
        axes.set_xlim(0, 1)
    panels[0].set_title("DDIM, cosine schedule")
    panels[1].set_title("flow matching")
    panels[0].set_ylabel("x")
    save(figure, __file__, data, folder)


if __name__ == "__main__":
    draw(data())
