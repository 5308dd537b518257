"""RoPE: turn queries and keys by their positions, so that scores depend on distances alone.

    apply_rope(q, k, positions=None, theta=10000.0, scaling=None) -> (q, k), turned
        q, k       (..., L, D)
        positions  whole numbers, (L,) or (B, L); None: 0 to L - 1
        scaling    None, ("linear", s) or ("ntk", s)
    to_half_layout(weight, num_heads) -> its rows in another order
        weight     of W_q or W_k, (H d, D), or its bias, (H d,)

Core, what an interview asks:

    turn       At position p, features (2i, 2i + 1) = (a, b) become
               (a cos w - b sin w, a sin w + b cos w), w = p theta^(-2i / D).
    positions  (L,) serves all samples; (B, L) has a row for each, the first axis of q and k.
               Any order, gaps, repeats.
    scaling    linear: p / s replaces p. ntk: theta s^(D / (D - 2)) replaces theta.
    layout     Other code pairs features (i, i + d/2) of a head: the new order of rows gives it
               the same scores.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    apart      q and k may differ in heads, and in L if positions is None.
    precision  Results keep the dtypes. Up to position 100,000, features up to 1 are right to 1e-5
               in float32, 1e-9 in float64, 0.03 in bfloat16.
    inputs     Any strides and devices; no input changes; gradients flow.
    refused    ValueError: D or d is odd, an unknown scaling, rows that num_heads does not divide.

Medium, 25 minutes. Try one alone: python FILE turn
Paper: https://arxiv.org/abs/2104.09864, section 3.2
"""

import torch
from torch import Tensor


def apply_rope(
    q: Tensor,
    k: Tensor,
    positions: Tensor | None = None,
    theta: float = 10000.0,
    scaling: tuple[str, float] | None = None,
) -> tuple[Tensor, Tensor]:
    """Two of (..., L, D) -> the same shapes."""
    raise NotImplementedError("apply_rope")


def to_half_layout(weight: Tensor, num_heads: int) -> Tensor:
    """(H d, D) or (H d,) -> the same shape."""
    raise NotImplementedError("to_half_layout")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    x = torch.tensor([[1.0, 0.0, 0.0, 1.0]]).expand(3, 4)  # rates 1 and 0.01
    q, _ = apply_rope(x, x)
    first = q[0].tolist()  # position 0: not turned
    assert first == [1, 0, 0, 1], first
    second = [round(n, 2) for n in q[1].tolist()]  # cos 1, sin 1, -sin 0.01, cos 0.01
    assert second == [0.54, 0.84, -0.01, 1.0], second

    _, k = apply_rope(x, x, positions=torch.tensor([7, 1, 0]))
    assert torch.equal(k[1], q[1]), k[1].tolist()
    assert k[2].tolist() == [1, 0, 0, 1], k[2].tolist()

    rows = to_half_layout(torch.arange(4.0)[:, None], num_heads=1).flatten().tolist()
    assert rows == [0, 2, 1, 3], rows


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
