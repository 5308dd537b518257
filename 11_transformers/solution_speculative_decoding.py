"""Speculative decoding: accept by p / q, draw again from what q gave too little of.

Why it works: a token x comes out in two ways. Proposed and accepted: q(x) min(1, p(x) / q(x)) =
min(p(x), q(x)). Drawn after a rejection: max(p(x) - q(x), 0), as the probability of a rejection is
just what normalizing divides by. Together p(x). With p = 0.2, 0.8 and q = 0.4, 0.6: 0 comes out
in 0.4 * 0.5 = 0.2 of all cases; in 0.2 more it is rejected, and p - q leaves token 1 alone.
Say in the interview:
- A decode step reads all weights for one token. K + 1 positions in one pass cost about the same.
- Exact, not nearly: a bad draft costs time, never quality. p and q are those after temperature and
  filters, the ones that are really drawn from.
- Row i is conditioned on proposals 0 to i - 1, so after a rejection all later rows are worthless.
- u q < p needs no division: right for q = 0, and for p = q = 0 it says no.
- A round gives 1 token at least, K + 1 at most; (1 - a^(K+1)) / (1 - a) if each is accepted with
  probability a: 2.77 for a = 0.7 and K = 4.
Asked next: "The caches?" Cut both back to the tokens that stay. "Greedy?" p is one-hot: accept
while the proposal is the target's argmax. "How large is a?" The sum of min(p, q), 1 minus the total
variation distance.
Common slips: q / p; p drawn from again after a rejection, so that x comes twice as often; going on
after a rejection; a bonus after one; Python's min(1, nan) is 1.
May be left out if you say so: zeros, sizes.
"""

import torch
from torch import Tensor


def speculative_decode(
    target_probs: Tensor,
    draft_probs: Tensor,
    draft_tokens: Tensor,
    generator: torch.Generator | None = None,
) -> list[int]:
    """(K, V) or (K + 1, V), (K, V), (K,) -> 1 to K + 1 tokens. ValueError: rows do not fit."""
    K = len(draft_tokens)
    if len(draft_probs) != K or len(target_probs) not in (K, K + 1):
        got = f"{len(target_probs)} and {len(draft_probs)}"
        raise ValueError(f"{got} rows of target and draft for {K} proposals")
    proposed = draft_tokens.long()[:, None]  # (K, 1)
    p = target_probs[:K].gather(1, proposed).squeeze(1)  # (K,)
    q = draft_probs.gather(1, proposed).squeeze(1)
    u = torch.rand(K, generator=generator, dtype=torch.float64, device=p.device)
    n = int((u * q < p).cumprod(dim=0).sum())  # those before the first rejection
    tokens: list[int] = draft_tokens[:n].tolist()
    if n < K:
        rest = (target_probs[n] - draft_probs[n]).clamp(min=0)
        rest = rest if rest.any() else target_probs[n]
    elif len(target_probs) > K:
        rest = target_probs[K]
    else:
        return tokens
    return [*tokens, int(torch.multinomial(rest, 1, generator=generator))]


# Something to look at: how many tokens a pass of the target gives, by draft.
if __name__ == "__main__":
    torch.manual_seed(0)
    V, K, rounds = 50, 4, 300
    scores = 2 * torch.randn(V, V)  # the next token depends on the last one
    target = scores.softmax(dim=-1)
    for noise in (0.0, 0.5, 1.0, 3.0):
        draft = (scores + noise * torch.randn(V, V)).softmax(dim=-1)
        text = [0]
        for _ in range(rounds):
            proposals = [text[-1]]
            for _ in range(K):
                proposals.append(int(torch.multinomial(draft[proposals[-1]], 1)))
            rows = torch.tensor(proposals)
            text += speculative_decode(target[rows], draft[rows[:K]], rows[1:])
        a = torch.minimum(target, draft).sum(dim=-1)[text].mean()
        print(
            f"draft with noise {noise}: about {a:.0%} of the proposals are good, "
            f"{(len(text) - 1) / rounds:.2f} tokens per pass of the target (1 without a draft)"
        )


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
