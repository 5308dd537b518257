"""Sampling: sort once, decide how many of the best stay, put the decision back in the old order.

Why it works: in sorted order each filter keeps a beginning, so all three are a mask of places.
top_p asks what came before: a token stays if the sum before it has not reached p yet. With 0.5,
0.4 and 0.1 the sums before are 0, 0.5 and 0.9; p = 0.8 keeps the first two, also the one that
crosses 0.8. The best has 0 before it, so it stays for every p above 0.
Say in the interview:
- Temperature first: at T = 2 the same top_p keeps more tokens.
- top_k is blind to how sure the model is; top_p and min_p adapt.
- Scatter the mask, not the sorted logits: what is kept is then the old number to the bit.
- At p = 1 do nothing: in float32 the sum may reach 1 long before the last token.
Asked next: "Without a sort?" top_k and min_p need none; for top_p sort the best 1,000 or so and see
whether they reach p. "Draw without multinomial?" argmax of logits plus Gumbel noise, or a uniform
number against the cumulative sums. "Every worker writes the same?" Give each its own generator.
Common slips: the token that crosses p dropped, so that nothing may be left; the result in sorted
order; `logits < kth` keeps more than k where some are equal; an in-place -inf in the caller's
logits; division by a temperature of 0.
May be left out if you say so: ties, float16.
"""

import math

import torch
from torch import Tensor


def filter_logits(logits: Tensor, top_k: int = 0, top_p: float = 1.0, min_p: float = 0.0) -> Tensor:
    """(..., V) -> (..., V): the tokens that stay keep their logits, the others get -inf."""
    best_first, order = logits.sort(dim=-1, descending=True, stable=True)
    best_first = at_least_float32(best_first)
    keep = torch.ones_like(order, dtype=torch.bool)
    if top_k > 0:
        keep[..., top_k:] = False
    if top_p < 1:
        probs = best_first.masked_fill(~keep, -math.inf).softmax(dim=-1)
        before = torch.nn.functional.pad(probs.cumsum(dim=-1)[..., :-1], (1, 0))
        keep &= before < top_p
    if min_p > 0:
        keep &= (best_first - best_first[..., :1]).exp() >= min_p
    keep[..., :1] = True
    kept = torch.zeros_like(keep).scatter(-1, order, keep)
    return logits.masked_fill(~kept, -math.inf)


def sample_top_k_top_p(
    logits: Tensor,
    top_k: int = 0,
    top_p: float = 1.0,
    temperature: float = 1.0,
    min_p: float = 0.0,
    generator: torch.Generator | None = None,
) -> int:
    """(V,) -> the number of a token. Temperature 0: of the best one."""
    if temperature == 0:
        return int(logits.argmax())
    logits = at_least_float32(logits)
    scaled = (logits - logits.max()) / temperature  # 0 for the best: it never overflows
    probs = filter_logits(scaled, top_k, top_p, min_p).softmax(dim=-1)
    return int(torch.multinomial(probs, 1, generator=generator))


def at_least_float32(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


# Something to look at: how many tokens stay, and how the draws change with the temperature.
if __name__ == "__main__":
    torch.manual_seed(0)
    sure, unsure = (torch.arange(1000).add(1).log().mul(-s) for s in (1.5, 0.7))
    print("of 1000 tokens stay      top_k 50   top_p 0.9   min_p 0.1")
    for name, logits in (("a model that is sure", sure), ("one that is unsure", unsure)):
        left = [filter_logits(logits, *options) for options in ((50,), (0, 0.9), (0, 1.0, 0.1))]
        counts = [int(out.isfinite().sum()) for out in left]
        print(f"{name:22} {counts[0]:10} {counts[1]:11} {counts[2]:11}")
    for temperature in (0.0, 0.5, 1.0, 2.0):
        drawn = [sample_top_k_top_p(sure, top_p=0.9, temperature=temperature) for _ in range(300)]
        best = drawn.count(0) / len(drawn)
        print(
            f"temperature {temperature}, top_p 0.9: {len(set(drawn))} different tokens in 300 "
            f"draws, the best in {best:.0%}"
        )


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
