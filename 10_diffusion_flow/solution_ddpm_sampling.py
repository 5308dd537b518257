"""DDPM and DDIM sampling: guess x0, then noise it again, to a level that is a little lower.

Why it works: the guess of the noise is a guess of x0, as x_t is the sum of both. Given x_t and x0,
x_{t-1} is a Gaussian by Bayes' rule: DDPM draws from it. DDIM keeps the guessed noise instead,
which has the right size at every level, so that it may jump over levels. From 0.64, x_t = 2.8 and
the noise -2 the predicted x0 is (2.8 + 0.6 * 2) / 0.8 = 5; at 0.96 it is 0.98 * 5 - 0.2 * 2 = 4.5.
Say in the interview:
- DDPM needs all T calls of the model, DDIM as many as you like; there only the start is random.
- Before step 0 alpha_bar is 1. So the variance of DDPM's last step is 0, and the last DDIM step
  returns the predicted x0.
- In a jump from t to s, alpha is alpha_bar[t] / alpha_bar[s]: never alphas of neighbors.
- Test a sampler without training: for a mixture of Gaussians the best guess is a formula.
They may ask: may the variance be beta? It is right for data N(0, 1), the posterior's for a single
point; real data lie between (DDPM, section 3.2). With many steps both agree.
They may ask: where do you clamp? The predicted x0, if the data have a range, and then the noise
has to be found again from x_t and the clamped x0.
Common slips: alpha_bars[-1] at t = 0; noise added in the last step; no root of the variance;
alpha_bars[t - 1] as the end of a jump; a loop that ends at alpha_bars[0].
May be left out if you say so: dtypes, and alpha_bar as a float.
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor


def predict_x0(x_t: Tensor, noise_pred: Tensor, alpha_bar_t: float | Tensor) -> Tensor:
    """All of one shape; alpha_bar_t a scalar, in its own precision until it meets x_t."""
    return (x_t - (1 - alpha_bar_t) ** 0.5 * noise_pred) / alpha_bar_t**0.5


def ddpm_step(x_t: Tensor, noise_pred: Tensor, t: int, alpha_bars: Tensor, noise: Tensor) -> Tensor:
    """A draw of x_{t-1} given x_t and the predicted x0, all of one shape."""
    kept = alpha_bars[t]
    before = alpha_bars[t - 1] if t > 0 else torch.ones_like(kept)
    alpha = kept / before  # what this one step keeps
    x0 = predict_x0(x_t, noise_pred, kept)
    of_x0 = before**0.5 * (1 - alpha) / (1 - kept)
    of_x_t = alpha**0.5 * (1 - before) / (1 - kept)
    variance = (1 - alpha) * (1 - before) / (1 - kept)  # 0 at t = 0
    return of_x0 * x0 + of_x_t * x_t + variance**0.5 * noise


def ddim_step(
    x_t: Tensor, noise_pred: Tensor, alpha_bar_t: float | Tensor, alpha_bar_prev: float | Tensor
) -> Tensor:
    """To the level alpha_bar_prev, which may be any; nothing is drawn."""
    x0 = predict_x0(x_t, noise_pred, alpha_bar_t)
    return alpha_bar_prev**0.5 * x0 + (1 - alpha_bar_prev) ** 0.5 * noise_pred


@torch.no_grad()
def sample(
    model: Callable[[Tensor, Tensor], Tensor],
    shape: tuple[int, ...],
    alpha_bars: Tensor,
    steps: int | None = None,
    generator: Generator | None = None,
) -> Tensor:
    """DDIM from noise to samples of this shape (N, ...), in `steps` calls of the model."""
    T, device = len(alpha_bars), alpha_bars.device
    times = torch.linspace(T - 1, 0, T if steps is None else steps).round().int().tolist()
    levels = torch.cat([alpha_bars[times], alpha_bars.new_ones(1)])
    x = torch.randn(shape, generator=generator, dtype=alpha_bars.dtype, device=device)
    for i, t in enumerate(times):
        noise = model(x, torch.full(shape[:1], t, device=device))
        x = ddim_step(x, noise, levels[i], levels[i + 1])
    return x


# Something to look at: four drawn shapes as the data, for which the best guess is a formula.
if __name__ == "__main__":
    from pathlib import Path

    from torchvision.utils import save_image

    y, x = torch.linspace(-1, 1, 16)[:, None], torch.linspace(-1, 1, 16)[None]
    drawn = ((x**2 + y**2).sqrt() - 0.6).abs() < 0.2, (x.abs() - y.abs()).abs() < 0.2
    data = torch.stack([*drawn, x.abs().maximum(y.abs()) < 0.6, y + 0 * x < 0]).flatten(1) * 2.0 - 1
    bars, seen = torch.linspace(1.55, 0.05, 101).cos().square().flip(0), list[Tensor]()

    def best(x_t: Tensor, t: Tensor) -> Tensor:
        seen.append(x_t)
        kept = bars[t[0]]
        far = (x_t[:, None] - kept.sqrt() * data).square().sum(dim=2)  # (N, 4)
        x0 = (-far / (2 - 2 * kept)).softmax(dim=1) @ data
        return (x_t - kept.sqrt() * x0) / (1 - kept).sqrt()

    end = sample(best, (8, 256), bars, 51, torch.Generator().manual_seed(0))
    strip = torch.stack([*seen[::5], end], dim=1).view(-1, 1, 16, 16)  # a row for each sample
    file = Path(__file__).resolve().parents[1] / "runs" / "ddpm_sampling.png"
    file.parent.mkdir(exist_ok=True)
    large = strip.repeat_interleave(3, dim=2).repeat_interleave(3, dim=3)
    save_image(large, file, nrow=len(strip) // 8, normalize=True, value_range=(-2, 2))
    print(f"Noise to samples, a row each: runs/{file.name}")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
