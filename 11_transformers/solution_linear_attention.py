"""Linear attention: f(q) . f(k) in the place of exp(q . k), so that a product may be regrouped.

Why it works: (f(Q) f(K)^T) V = f(Q) (f(K)^T V). The left way makes L x L weights, the right way a
(D, E) sum. With L = 10,000 and D = E = 64: 1.3e10 mult-adds against 8.2e7. A weighted mean needs
the sum of its weights, too: f(q) . z. For causal the sums end at token i, so they are a state that
each token adds to: a recurrent network. Chunks are between the two: within a chunk the (c, c)
weights with a triangle, for all before it one product with the state. That is
L c (D + E) mult-adds more than the recurrence, but few large products in the place of L small ones.
Say in the interview:
- Decoding costs the same for token 10 and token 100,000; there is no cache that grows.
- The price: a state of D * E numbers cannot hold every token apart. Copying an exact word from far
  back is what softmax does better; so models mix a few layers of softmax attention in.
- A cumulative sum of all f(k_j) v_j^T is right, and takes L * D * E numbers: more than L x L, if
  D * E is more than L.
Asked next: "Why elu + 1?" Positive, so that no denominator is 0, and its gradient does not vanish
below 0 as that of relu. "What do newer ones change?" The old state is scaled down before the new
token (RetNet, Mamba-2, GLA), or the old value of that key is taken out first (DeltaNet); both keep
the chunks. "Numbers far below 0?" elu(-20) + 1 is 0 in float32, as elu(-20) is -1 there; exp(-20)
is not.
Common slips: no denominator, or one over all tokens in the causal form; the chunk's own part
without its triangle, or counted again in the state; the state updated after it was read; scores
divided by sqrt(D), which nothing here asks for.
May be left out if you say so: half precision, whose sums need float32.
"""

import torch
from torch import Tensor

State = tuple[Tensor, Tensor]


def linear_attention(Q: Tensor, K: Tensor, V: Tensor, causal: bool = False) -> Tensor:
    """(*, L_q, D), (*, L_k, D), (*, L_k, E) -> (*, L_q, E)."""
    if causal:
        return chunked_linear_attention(Q, K, V, chunk_size=64)
    q, (S, z) = feature(Q), summed(feature(K), wide(V))
    return (q @ S / (q @ z[..., None])).to(Q.dtype)


def linear_attention_step(
    state: State | None, q: Tensor, k: Tensor, v: Tensor
) -> tuple[Tensor, State]:
    """State (*, D, E) and (*, D); (*, D), (*, D), (*, E) -> (*, E) and the next state."""
    f, new = feature(q)[..., None, :], summed(feature(k)[..., None, :], wide(v)[..., None, :])
    S, z = new if state is None else (state[0] + new[0], state[1] + new[1])
    out = f @ S / (f @ z[..., None])  # (*, 1, E)
    return out.squeeze(-2).to(q.dtype), (S, z)


def chunked_linear_attention(Q: Tensor, K: Tensor, V: Tensor, chunk_size: int) -> Tensor:
    """(*, L, D), (*, L, D), (*, L, E) -> (*, L, E), causal."""
    outs = []
    chunks = zip(*(t.split(chunk_size, dim=-2) for t in (Q, K, V)), strict=True)
    S, z = summed(feature(K[..., :0, :]), wide(V[..., :0, :]))  # of no token: zeros
    for q, k, v in chunks:
        q, k, v = feature(q), feature(k), wide(v)
        weights = (q @ k.mT).tril()  # (*, c, c), of this chunk
        total = weights.sum(-1, keepdim=True) + q @ z[..., None]
        outs.append((weights @ v + q @ S) / total)
        new = summed(k, v)
        S, z = S + new[0], z + new[1]
    return torch.cat(outs, dim=-2).to(Q.dtype)


def summed(k: Tensor, v: Tensor) -> State:
    """(*, L, D), (*, L, E) -> (*, D, E), (*, D)."""
    return k.mT @ v, k.sum(-2)


def feature(x: Tensor) -> Tensor:
    """elu(x) + 1, also where elu(x) is -1 but for rounding."""
    x = wide(x)
    return torch.where(x > 0, x + 1, x.clamp(max=0).exp())


def wide(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


# Something to look at: time that grows with L, and time that grows with its square.
if __name__ == "__main__":
    import time

    print("milliseconds, causal, D = E = 64")
    for length in (512, 1024, 2048):
        Q, K, V = (torch.randn(length, 64) for _ in range(3))
        start = time.perf_counter()
        weights = (Q @ K.mT / 8).masked_fill(torch.ones(length, length).triu(1) > 0, -torch.inf)
        weights.softmax(-1) @ V
        middle = time.perf_counter()
        linear_attention(Q, K, V, causal=True)
        end = time.perf_counter()
        told = f"softmax {1e3 * (middle - start):6.1f}, linear {1e3 * (end - middle):6.1f}"
        print(f"L = {length:4}: {told}; a cache {2 * 64 * length:,} numbers, a state {64 * 65:,}")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
