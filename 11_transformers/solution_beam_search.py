"""Beam search: all candidates of a step in one list, sorted by sum; what is finished is set aside.

Why it works: greedy cannot take back a first token that only leads to unlikely ones. With 0.4 and
0.6 for the first token and 0.9 and 0.4 for the best second one, greedy gets 0.6 * 0.4 = 0.24, two
beams find 0.4 * 0.9 = 0.36. All candidates of a step are equally long, so sums compare them; only
in the result do lengths differ. Of one beginning at most beam_width tokens can be kept.
Say in the interview:
- Sums of logs: the product of 1,000 probabilities is 0 in every dtype.
- Each token makes a sum lower, so short sequences win. Dividing by n ** 0.6 or so helps long ones:
  -2 for 2 tokens and -2.4 for 4 become -1 and -0.6 at a penalty of 1.
- Finished ones no longer grow, but they are compared at the end: a short one may be the best.
- A real one runs all beams as one batch and reorders the KV cache by the beams that were kept.
- Not exact: a beginning that falls out of the beam is lost. It is for translation or speech; open
  text is sampled, as the likeliest text is dull.
Asked next: "When may one stop early?" Without penalty, when the best finished sum is no lower than
the best unfinished: log-probabilities only take away. "Is wider better?" For the sums, mostly;
translations get worse, as very short ones win. "Several results?" Sort, do not take the maximum.
Common slips: finished ones extended; the search ends at the first eos; the k best of each beam, not
of all; the start counted in n; max(scores)'s place in the finished list alone.
May be left out if you say so: ties, sizes.
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
    """The best sequence, start_token first; log_prob_fn: (n,) int64 -> (V,) log-probabilities."""
    beams: list[tuple[float, list[int]]] = [(0.0, [start_token])]
    finished = []
    for _ in range(max_len):
        candidates = []
        for total, tokens in beams:
            log_probs = log_prob_fn(torch.tensor(tokens)).double()  # (V,)
            best, order = log_probs.sort(descending=True, stable=True)
            pairs = zip(best[:beam_width].tolist(), order[:beam_width].tolist(), strict=True)
            candidates += [(total + more, [*tokens, token]) for more, token in pairs]
        candidates.sort(key=lambda one: one[0], reverse=True)  # stable: equal ones stay in order
        kept = candidates[:beam_width]
        finished += [one for one in kept if one[1][-1] == eos_token]
        beams = [one for one in kept if one[1][-1] != eos_token]
    every = finished + beams
    return max(every, key=lambda one: one[0] / max(1, len(one[1]) - 1) ** length_penalty)[1]


# Something to look at: what a wider beam and the penalty find.
if __name__ == "__main__":
    torch.manual_seed(0)
    V, eos = 20, 19
    table = (2.5 * torch.randn(V, V)).log_softmax(dim=-1)  # the next token by the last one
    table[:, eos] = -3.0
    for penalty in (0.0, 1.0):
        for width in (1, 2, 5, 50):
            found = beam_search(lambda tokens: table[tokens[-1]], 0, 15, width, eos, penalty)
            total = sum(table[a, b].item() for a, b in zip(found, found[1:], strict=False))
            print(
                f"penalty {penalty}, width {width:2}: {len(found) - 1:2} tokens, "
                f"sum {total:6.2f}, per token {total / (len(found) - 1):.2f}"
            )


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
