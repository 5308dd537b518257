"""Low precision: a scale for each block, a draw for each rounding, a second number for the rest.

Why it works: a block's largest number becomes 448, the end of e4m3, so a normal number is off by
1/16 of itself at most; 17.5 lies between 16 and 18. One outlier spoils its own block only: with a
scale for all, 1,000 beside 0.001 would leave 0.001 as 0. Rounding 1 + 0.15 steps up in 15 of 100
cases keeps the mean; to the nearest it never moves.
Say in the interview: FP8 is for the products, never for sums: quantize, multiply, add in float32.
bfloat16 is the upper half of float32's bits, so random bits added to the lower half carry into the
upper half as often as they should; the sign is a bit of its own, so this holds for negatives, too.
Kahan: the rounding error of each step is kept in a second bfloat16 and added next time. That is 4
bytes per weight, as many as float32, but the weight itself is bfloat16 already.
Asked next: Why e4m3 and not e5m2? More fraction, less range; the scales are for the range. e5m2
was for gradients. What do MX formats change? Blocks of 32, and scales that are powers of two.
When does stochastic rounding hurt? It adds noise, so keep the last layers and norms in float32.
Common slips: scale upside down; 0 / 0; a sum in bfloat16; one draw for the whole tensor; NaN plus
random bits may be -0.0; the compensation overwritten instead of added.
May be left out if you say so: the smallest blocks, the short row.
"""

import torch
from torch import Tensor

FP8 = torch.float8_e4m3fn
LARGEST = torch.finfo(FP8).max  # 448
TINY = torch.finfo(torch.float32).tiny


def quantize_fp8(x: Tensor, block_size: int = 128) -> tuple[Tensor, Tensor]:
    """(..., n) -> (..., n) in FP8, (..., blocks) float32. n no multiple of blocks: ValueError."""
    n = x.shape[-1]
    block_size = min(block_size, n)
    if n % block_size:
        raise ValueError(f"the last axis has {n} numbers, want a multiple of {block_size}")
    blocks = x.float().unflatten(-1, (-1, block_size))
    scale = blocks.abs().amax(dim=-1, keepdim=True) / LARGEST  # (..., blocks, 1)
    scale = torch.where(scale < TINY, 1, scale)  # zeros, or next to nothing
    q = (blocks / scale).clamp(-LARGEST, LARGEST).to(FP8)  # else old torch may give NaN
    return q.flatten(-2), scale.squeeze(-1)


def dequantize_fp8(q: Tensor, scale: Tensor) -> Tensor:
    """(..., n) in FP8, (..., blocks) -> (..., n) float32."""
    blocks = q.float().unflatten(-1, (scale.shape[-1], -1))
    return (blocks * scale[..., None]).flatten(-2)


def fp8_linear(x: Tensor, weight: Tensor, block_size: int = 128) -> Tensor:
    """(..., K), (out, K) -> (..., out) float32; a chip with FP8 multiplies block by block."""
    wide = [dequantize_fp8(*quantize_fp8(t, block_size)) for t in (x, weight)]
    return wide[0] @ wide[1].mT


def stochastic_round_bf16(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """float32 -> bfloat16, up or down at random so that the mean is x."""
    noise = torch.randint(1 << 16, x.shape, generator=generator, device=x.device, dtype=torch.int32)
    bits = (x.view(torch.int32) + noise) & -(1 << 16)  # bfloat16 is the upper half
    return torch.where(x.isfinite(), bits.view(torch.float32), x).bfloat16()


@torch.no_grad()
def kahan_add_(p: Tensor, update: Tensor, compensation: Tensor) -> Tensor:
    """Adds update to p in place; compensation, also bfloat16, is what p still lacks."""
    exact = p.float() + (compensation.float() + update.float())
    p.copy_(exact)
    compensation.copy_(exact - p.float())
    return p


# Something to look at: outliers in blocks, and what is left of 1,000 small updates.
if __name__ == "__main__":
    torch.manual_seed(0)
    x = torch.randn(64, 512)
    x[:, 7] = 100_000
    for block_size in (512, 128, 32):
        off = dequantize_fp8(*quantize_fp8(x, block_size)) - x
        share = (off.norm() / x[:, 8:].norm()).item()
        print(f"an outlier per row, blocks of {block_size:3}: all else is off by {share:.1%}")

    update = torch.full((256,), -6e-4)
    plain, drawn, kahan = (torch.ones(256).bfloat16() for _ in range(3))
    rest = torch.zeros_like(kahan)
    for _ in range(1000):
        plain += update.bfloat16()
        drawn = stochastic_round_bf16(drawn.float() + update)
        kahan_add_(kahan, update, rest)
    print("1.0 after 1,000 updates of -0.0006, exactly 0.4; the mean of 256 weights in bfloat16:")
    for name, weights in (("nearest", plain), ("stochastic", drawn), ("Kahan", kahan)):
        print(f"    {name:10} {weights.float().mean():.4f}")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
