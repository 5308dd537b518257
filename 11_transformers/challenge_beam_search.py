"""Beam search: extend several beginnings at once, and keep the best of all that comes out.

    beam_search(log_prob_fn, start_token, max_len, beam_width, eos_token, length_penalty=0.0)
        log_prob_fn    called with (n,) int64, a sequence so far, start_token first;
                       gives (V,) float: the log-probability of each next token
        comes back     the best sequence found, a list of int, start_token first

Core, what an interview asks:

    greedy    beam_width 1 appends the likeliest token until that is eos_token, at most max_len
              times.
    beams     A step extends each unfinished sequence by every token, and keeps the beam_width best
              of all of these by the sum of log-probabilities.
    finished  Kept ones that end in eos_token are finished: they are set aside, never extended, and
              take no place in later steps.
    result    After max_len steps, or when none is unfinished, the best of the finished and the
              unfinished ones comes back.
    penalty   For this, sums are divided by n ** length_penalty; n counts the tokens after the
              start, eos_token included.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    work       log_prob_fn is called at most once per unfinished sequence and step.
    ties       If sums are equal, the better beginning wins, then the lower token; in the result,
               the sequence that finished first.
    sizes      beam_width may be above V, log-probabilities -inf. max_len 0 gives the start alone.
    precision  Sums are float64, whatever dtype log_prob_fn gives.

Medium, 30 minutes. Try one alone: python FILE beams
"""

from collections.abc import Callable

import torch
from torch import Tensor


def beam_search(
    log_prob_fn: Callable[[Tensor], Tensor],
    start_token: int,
    max_len: int,
    beam_width: int,
    eos_token: int,
    length_penalty: float = 0.0,
) -> list[int]:
    raise NotImplementedError("beam_search")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    likely = {(0,): [0, 0.4, 0.6, 0], (0, 1): [0, 0, 0.1, 0.9], (0, 2): [0, 0.3, 0.3, 0.4]}

    def log_prob_fn(tokens: Tensor) -> Tensor:
        return torch.tensor(likely.get(tuple(tokens.tolist()), [0.25] * 4)).log()

    got = beam_search(log_prob_fn, 0, max_len=2, beam_width=1, eos_token=3)
    assert got == [0, 2, 3], got  # 0.6 * 0.4 = 0.24
    got = beam_search(log_prob_fn, 0, max_len=2, beam_width=2, eos_token=3)
    assert got == [0, 1, 3], got  # 0.4 * 0.9 = 0.36


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
