"""Bug hunt 1: whatever step I ask for, the pictures come out half ruined.

A colleague: "Step 0 should hardly touch a picture, the last step leave little of it. In our batches
of eight 8 x 8 pictures all look alike: half picture, half noise."

make_x_t(x0, t, alpha_bar, epsilon, device) noises each picture of a batch to its own step:

    x0         (N, C, H, W)  float32, float64 or bfloat16; any sizes from 1
    t          (N,)          int64, 0 to T - 1
    alpha_bar  (T,)          float32 or float64: the share of x0's variance left at each step
    epsilon    (N, C, H, W)  the noise, in x0's dtype
    returns    (N, C, H, W)  x_t, in x0's dtype, on `device`

Core, what an interview asks:

    mix        x_t[i] is sqrt(a)*x0[i] + sqrt(1-a)*epsilon[i], where a = alpha_bar[t[i]].
    kept       Exact gradients reach x0 and epsilon. Inputs stay as they are. No random draws.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    precision  Right in each dtype: in bfloat16 step 0 still has its noise.
    device     Inputs may be on any device, not all on one. `device` may be a string.
    sizes      ValueError where t is not (N,) or epsilon's shape not that of x0.

Run the file, fix the function, run it again.

Medium, 15 minutes. Try one alone: python FILE mix
Paper: DDPM, equation 4, https://arxiv.org/abs/2006.11239
"""

import torch
from torch import Tensor


def make_x_t(
    x0: Tensor, t: Tensor, alpha_bar: Tensor, epsilon: Tensor, device: torch.device | str
) -> Tensor:
    if t.shape != x0.shape[:1] or epsilon.shape != x0.shape:
        raise ValueError(f"x0 {x0.shape}, t {t.shape}, epsilon {epsilon.shape} do not match")
    x0, epsilon = x0.to(device), epsilon.to(device)
    kept = alpha_bar.to(device)[t.to(device)]
    signal, noise = kept.sqrt().to(x0.dtype), (1 - kept).sqrt().to(x0.dtype)
    return signal * x0 + noise * epsilon


def evidence() -> None:
    """What the colleague saw: how much each picture of a batch is like x0, and like the noise."""
    torch.manual_seed(0)
    x0, epsilon = torch.randn(2, 8, 3, 8, 8)
    t, alpha_bar = torch.tensor([0, 1, 2, 3, 4, 4, 0, 2]), [0.9999, 0.9216, 0.64, 0.36, 0.0784]
    x_t = make_x_t(x0, t, torch.tensor(alpha_bar), epsilon, "cpu")
    for i, step in enumerate(t.tolist()[:5]):
        pairs = [torch.stack([a[i].flatten(), x_t[i].flatten()]) for a in (x0, epsilon)]
        like = [torch.corrcoef(pair)[0, 1].item() for pair in pairs]
        want = alpha_bar[step] ** 0.5, (1 - alpha_bar[step]) ** 0.5
        print(
            f"picture {i} at step {step}: correlation with x0 {like[0]:.2f} (want about "
            f"{want[0]:.2f}), with epsilon {like[1]:.2f} (about {want[1]:.2f})"
        )
    print(f"x_t: mean {x_t.mean():.2f} (want about 0), variance {x_t.var():.2f} (about 1)")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
