"""Classifier-free guidance: one network is asked with and without the condition.

    guess = guess without + guidance_scale (guess with - guess without)

Scale 1 follows the condition, more exaggerates it. The network learns both guesses, as in training
some samples lose their condition.

    drop_condition(cond, p, null_cond, generator=None) -> as cond
    guided_prediction(model, x, t, cond, null_cond, guidance_scale) -> as x
        cond         one a sample: labels (N,) int64, or (N, ...) floats
        null_cond    the empty condition, of shape cond.shape[1:]
        model        any function (x, t, cond) -> guess, of x's shape
        x, t         (N, ...) and (N,)

Core, what an interview asks:

    drop       Each sample for itself gets null_cond as a whole with probability p, from 0 to 1.
               The others keep their condition.
    guess      The formula, for any scale. Where data are N(m, s^2 I) with the condition and
               N(m0, s^2 I) without, exact guesses lead to samples around m0 + scale (m - m0), up
               to 6 standard errors.
    one_call   One call of the model with 2N samples: each with its condition and without, in
               any order.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    draws      drop_condition draws from generator, None: the global one. Nothing else draws.
    kinds      Dtypes and devices stay, of labels too.
    learned    Gradients reach x, cond and null_cond.
    shapes     RuntimeError or ValueError for a null_cond of another shape.
    limits     No input changes.

Easy, 25 minutes. Try one alone: python FILE drop
Paper: https://arxiv.org/abs/2207.12598
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor


def drop_condition(
    cond: Tensor, p: float, null_cond: Tensor, generator: Generator | None = None
) -> Tensor:
    raise NotImplementedError("drop_condition")


def guided_prediction(
    model: Callable[[Tensor, Tensor, Tensor], Tensor],
    x: Tensor,
    t: Tensor,
    cond: Tensor,
    null_cond: Tensor,
    guidance_scale: float,
) -> Tensor:
    raise NotImplementedError("guided_prediction")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    labels, none = torch.tensor([3, 4, 5]), torch.tensor(10)
    kept, lost = (drop_condition(labels, p, none).tolist() for p in (0.0, 1.0))
    assert (kept, lost) == ([3, 4, 5], [10, 10, 10]), (kept, lost)

    def model(x: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        return x + cond[:, None]

    x, t = torch.tensor([[0.5], [0.0], [0.0]]), torch.zeros(3, dtype=torch.int64)
    guess = guided_prediction(model, x, t, labels, none, 3.0).flatten().tolist()
    assert guess == [-10.5, -8.0, -5.0], guess  # the first: 10.5 + 3 * (3.5 - 10.5)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
