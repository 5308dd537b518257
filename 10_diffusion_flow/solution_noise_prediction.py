"""Noise prediction: sines of t, projected to one number per channel, added before a nonlinearity.

Why it works: sines of many rates give every step its own vector, neighbors similar ones; a Linear
makes it one shift per channel for all pixels of that sample, and the SiLU after the sum lets t
decide what becomes of the image. Angles stay float32 until their sines: a bfloat16 knows no 999.
The slowest of 16 rates is 1e-4: over 1000 steps its angle grows by 0.1, so no two steps look alike.
Say in the interview:
- Weights are shared over all steps; t costs O(t_dim * hidden) per sample and no memory per step,
  unlike a table.
- Real models are U-Nets with attention and add t in every block. Three 3x3 convolutions see 7x7
  pixels, too few for large images.
Asked next: "Why no BatchNorm?" Samples of a batch have different t, its mean mixes them; GroupNorm
does not. "Scale and shift instead of a shift?" FiLM, as most U-Nets do; it is a little stronger.
Common slips: t forgotten; t as a raw number or cast to bfloat16; t added after the last
nonlinearity, so that it only shifts the result; a sigmoid or tanh at the end, though noise has no
bound.
May be left out if you say so: the shape error, and float32 angles in bfloat16.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class NoisePredictionNet(nn.Module):
    def __init__(self, in_channels: int, t_dim: int = 32, hidden: int = 64) -> None:
        super().__init__()
        self.t_dim = t_dim
        self.embed = nn.Linear(t_dim, hidden)
        self.first = nn.Conv2d(in_channels, hidden, kernel_size=3, padding=1)
        self.middle = nn.Conv2d(hidden, hidden, kernel_size=3, padding=1)
        self.last = nn.Conv2d(hidden, in_channels, kernel_size=3, padding=1)

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        N, _, _, _ = x_t.shape
        if t.shape != (N,):
            raise ValueError(f"t is {tuple(t.shape)}, want {(N,)}")
        rates = torch.logspace(0, -4, self.t_dim // 2, device=t.device)
        angles = t[:, None] * rates  # (N, t_dim / 2)
        waves = torch.cat([angles.sin(), angles.cos()], dim=1)  # (N, t_dim)
        shift = self.embed(waves.to(x_t.dtype))[:, :, None, None]  # (N, hidden, 1, 1)
        h = F.silu(self.first(x_t) + shift)  # (N, hidden, H, W)
        h = F.silu(self.middle(h))
        return self.last(h)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
