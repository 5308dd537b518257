"""RoPE: each pair of features is the hand of a clock; a score sees the angle between two hands.

Why it works: the pair (a, b) is the complex number a + b j, and turning by w is a product with
e^(j w). The score of a pair is the real part of q times the conjugate of k; with q turned by p r
and k by n r it gets the factor e^(j (p - n) r): only the distance is left. Query (1, 0) at 3 and
key (1, 0) at 1 score cos 2 = -0.42, and so they do at 1003 and 1001. Lengths do not change. For
D = 128 the rates r go from 1 to 1/8660: one turn in 6 tokens, and in 54,410.
Say in the interview:
- Positions are added to nothing and V is not turned: only scores know where a token stood.
- With a KV cache the keys are kept turned, and new tokens come with positions from P on.
- linear scaling makes all hands s times slower, and neighbors harder to tell apart. ntk leaves the
  fastest as it is and slows the slowest s times: theta grows by s^(D / (D - 2)).
- Angles need many digits: bfloat16 cannot tell 256 from 257; float32 is off by 0.004 at 100,000.
Asked next: "Why do loaded weights give nonsense?" Pairs (2i, 2i + 1) in the paper and Meta's code,
(i, i + d/2) in Hugging Face's. Scores are sums over features, so the rows of W_q and W_k may be
sorted anew, head by head; V and W_o stay. "Left-padded prompts?" A row of positions per sample.
"Beyond the trained length?" The slow hands reach angles never seen: scale, then train a little.
Common slips: i / D for 2i / D, so that rates end at 1/100; positions along the head axis of
(B, H, L, D); (B, L) angles that meet (B, H, L, D) one axis too late; the halves layout.
May be left out if you say so: float64 angles, the errors.
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
    """Two of (..., L, D) -> the same shapes. ValueError: D is odd, unknown scaling."""
    kind, s = scaling or ("linear", 1.0)
    if kind not in ("linear", "ntk"):
        raise ValueError(f"scaling {kind!r}, want 'linear' or 'ntk'")
    d = q.shape[-1]
    if d % 2 or k.shape[-1] != d:
        raise ValueError(f"q has {d} features, k {k.shape[-1]}, want the same even number")
    if kind == "ntk":
        theta, s = theta * s ** (d / max(d - 2, 1)), 1.0  # one pair alone has rate 1 anyhow
    pairs = torch.arange(0, d, 2, dtype=torch.float64, device=q.device)
    rates = theta ** (-pairs / d) / s  # (D/2,)
    return turned(q, positions, rates), turned(k, positions, rates)


def turned(x: Tensor, positions: Tensor | None, rates: Tensor) -> Tensor:
    """(..., L, D), (L,) or (B, L), (D/2,) -> (..., L, D)."""
    if positions is None:
        positions = torch.arange(x.shape[-2], device=x.device)
    angles = positions[..., None] * rates  # (L, D/2) or (B, L, D/2), float64
    if angles.dim() == 3:
        angles = angles.view(len(angles), *[1] * (x.dim() - 3), *angles.shape[1:])
    a, b = x.to(torch.promote_types(x.dtype, torch.float32)).unflatten(-1, (-1, 2)).unbind(-1)
    cos, sin = angles.cos().to(a.dtype), angles.sin().to(a.dtype)
    return torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2).to(x.dtype)


def to_half_layout(weight: Tensor, num_heads: int) -> Tensor:
    """(H d, D) or (H d,) -> the same shape. ValueError: rows are no multiple of 2 num_heads."""
    if len(weight) % (2 * num_heads):
        raise ValueError(f"{len(weight)} rows are not {num_heads} heads of an even size")
    pairs = weight.unflatten(0, (num_heads, -1, 2))  # (H, d/2, 2, ...)
    return pairs.transpose(1, 2).flatten(0, 2)


# Something to look at: scores of equal tokens, by position. Only the distance counts.
if __name__ == "__main__":
    from pathlib import Path

    from torchvision.utils import save_image

    ones = torch.ones(128, 64)
    for scaling in (None, ("linear", 4.0), ("ntk", 4.0)):
        queries, keys = apply_rope(ones, ones, scaling=scaling)
        scores = queries @ keys.T / 64
        line = "  ".join(f"{scores[100, 100 - far]:5.2f}" for far in (0, 1, 2, 4, 16, 64))
        print(f"score at distance 0, 1, 2, 4, 16, 64, scaling {scaling}: {line}")
    file = Path(__file__).resolve().parents[1] / "runs" / "rope.png"
    file.parent.mkdir(exist_ok=True)
    heat = (apply_rope(ones, ones)[0] @ apply_rope(ones, ones)[1].T / 64 + 1) / 2
    save_image(heat.repeat_interleave(4, dim=0).repeat_interleave(4, dim=1), file)
    print(f"128 queries down, 128 keys across, the same along each diagonal: runs/{file.name}")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
