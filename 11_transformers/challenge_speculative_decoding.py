"""Speculative decoding: a small model proposes tokens, a large one judges all in one pass.

    speculative_decode(target_probs, draft_probs, draft_tokens, generator=None) -> list of int
        draft_tokens   (K,) integers, the proposals; the small model drew each from a row of
        draft_probs    (K, V) float, its distributions q
        target_probs   (K, V) or (K + 1, V) float, the large model's p after i proposals

The tokens are distributed as if the large model had drawn them itself.

Core, what an interview asks:

    accept   Proposal x is accepted with probability min(1, p(x) / q(x)), independent of others.
    order    The first rejected proposal and all behind it are forgotten; those before stay.
    replace  A token drawn from max(p - q, 0), normalized, replaces the rejected one.
    bonus    If all are accepted and p has a row K + 1, a token drawn from it follows.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    zeros    If q(x) is 0, x is accepted if p(x) > 0. If no p - q is positive, p is drawn from.
    small    Probabilities of 1e-30 and, in float64, differences of 1e-12 count, too.
    sizes    K may be 0. ValueError if the rows are not K or K + 1 and K.
    inputs   Random numbers come from generator alone; None: the global one. Any float dtype and
             strides, int32 or int64 tokens; inputs stay as they are.

Hard, 35 minutes. Try one alone: python FILE accept
Paper: https://arxiv.org/abs/2211.17192, algorithm 1
"""

import torch
from torch import Tensor


def speculative_decode(
    target_probs: Tensor,
    draft_probs: Tensor,
    draft_tokens: Tensor,
    generator: torch.Generator | None = None,
) -> list[int]:
    raise NotImplementedError("speculative_decode")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    q = torch.tensor([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0]])
    proposals = torch.tensor([1, 0])
    got = speculative_decode(q, q, proposals)  # p = q: all are accepted
    assert got == [1, 0], got

    p = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.5, 0.5]])  # 0 cannot come second; p - q is 0, 0.5
    got = speculative_decode(p, q, proposals)
    assert got == [1, 2], got

    last = torch.tensor([[0.0, 0.0, 1.0]])
    got = speculative_decode(torch.cat([q, last]), q, proposals)
    assert got == [1, 0, 2], got


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
