"""What checks of samplers share: a target with a closed form, and how samples are held against it.

The exact guesses for a mixture of Gaussians stand in for a trained network, so that a right sampler
gives the mixture up to chance and the length of its steps. Chance is allowed 6 standard errors.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from checks.tools import equal, result_of, share_is

SIGMAS = 6


def near(what: str, got: Tensor, want: Tensor, error: Tensor | float) -> None:
    """One number, up to 6 standard errors."""
    slack = float(SIGMAS * error)
    right = abs(got - want) < slack
    assert right, f"{what} {got.item():.3f}, want {want.item():.3f} ± {slack:.3f}"


class Mixture:
    """Component k has this share of the weight and is N(means[k], sizes[k]^2 I)."""

    def __init__(self, weights: list[float], means: list[list[float]], sizes: list[float]) -> None:
        self.weights, self.means, self.sizes = map(torch.tensor, (weights, means, sizes))
        self.mean = self.weights @ self.means
        away = self.means - self.mean
        squares = away**2 + self.sizes[:, None] ** 2  # (K, D), of x - mean in each component
        own = away**4 + 6 * (away * self.sizes[:, None]) ** 2 + 3 * self.sizes[:, None] ** 4
        each = squares[:, :, None] * squares[:, None]  # (K, D, D)
        each.diagonal(dim1=1, dim2=2).copy_(own)
        inside = (self.weights * self.sizes**2).sum() * torch.eye(len(self.mean))
        self.covariance = (self.weights[:, None] * away).T @ away + inside
        products = torch.tensordot(self.weights, each, 1) - self.covariance**2
        self.errors = self.covariance.diagonal().sqrt(), products.sqrt()  # of a single draw

    def clean(self, x: Tensor, a: Tensor | float, b: Tensor | float) -> Tensor:
        """E[data | x] for x (N, D) = a data + b noise."""
        to = x.dtype
        weights, means, sizes = (p.to(to) for p in (self.weights, self.means, self.sizes))
        wide = a**2 * sizes**2 + b**2  # (K,)
        away = x[:, None] - a * means  # (N, K, D)
        log_odds = weights.log() - x.shape[1] / 2 * wide.log() - away.square().sum(2) / (2 * wide)
        guesses = means + (a * sizes**2 / wide)[:, None] * away
        return (log_odds.softmax(dim=1)[:, :, None] * guesses).sum(dim=1)

    def noise(self, x: Tensor, alpha_bar: Tensor) -> Tensor:
        """What a perfect network guesses."""
        a, b = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
        return (x - a * self.clean(x, a, b)) / b

    def velocity(self, x: Tensor, t: Tensor | float) -> Tensor:
        """E[data - noise | x] for x = (1 - t) noise + t data, t below 1."""
        return (self.clean(x, t, 1 - t) - x) / (1 - t)

    def judges(self, what: str, samples: Tensor) -> None:
        """Weights, mean and covariance are the mixture's, up to 6 standard errors."""
        n = len(samples)
        equal(f"{what}: shape", tuple(samples.shape), (n, len(self.mean)))
        assert samples.isfinite().all(), f"{what}: NaN or inf among them, want numbers"
        nearest = torch.cdist(samples, self.means.to(samples)).argmin(dim=1)
        pairs = zip(self.weights, self.means, strict=True)
        for k, (weight, mean) in enumerate(pairs if len(self.weights) > 1 else ()):
            place = [round(m, 2) for m in mean.tolist()]
            share_is(nearest == k, weight.item(), f"{what}, the share nearest to {place}")
        for name, got, want, error in (
            ("mean", samples.mean(dim=0), self.mean, self.errors[0]),
            ("covariance", torch.cov(samples.T), self.covariance, self.errors[1]),
        ):
            for at in torch.cartesian_prod(*[torch.arange(len(want))] * want.ndim).view(
                -1, want.ndim
            ):
                at = tuple(at.tolist())
                near(f"{what}, {name} {list(at)}:", got[at], want[at], error[at] / n**0.5)


TWO = Mixture([0.3, 0.7], [[-1.5, 0.5], [1.0, -0.5]], [0.3, 0.4])


def keeps_grad_mode(call: str, run: Callable[[Callable[..., Tensor]], Any]) -> None:
    """run(model) leaves the grad mode as it is where the model raises."""

    def fails(x: Tensor, t: Tensor) -> Tensor:
        raise KeyError

    for grad in (True, False):
        with torch.set_grad_enabled(grad):
            with suppress(KeyError):
                run(fails)
            what = f"{call}, the model raises KeyError: the grad mode after it is"
            equal(what, torch.is_grad_enabled(), grad)


def guessed(x: Tensor, t: Tensor) -> Tensor:
    """What stands in for a model where its answer need only depend on all that it gets."""
    return 0.3 * x + (0.1 * t.to(x.dtype) + 0.2).view(-1, *[1] * (x.ndim - 1))


def follow(
    call: str, sampler: Callable[..., Any], shape: tuple[int, ...], *inputs: Any, **more: Any
) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """What the sampler gives with `guessed` as the model, and what it calls that with."""
    seen = []

    def model(x: Tensor, t: Tensor) -> Tensor:
        seen.append((x.detach().clone(), t.clone()))
        return guessed(x, t)

    out = result_of(call, sampler, model, *inputs, **more)
    shapes = {tuple(t.shape) for t in (out, *(x for x, _ in seen))}
    equal(f"{call}: shapes of x and of the result", shapes, {shape})
    return out, seen
