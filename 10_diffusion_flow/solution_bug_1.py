"""Bug hunt 1: each column of a picture was noised to another picture's step.

Symptom  all pictures of a batch get the same mix of picture and noise, whatever their step.
Cause    alpha_bar[t] is (N,). Broadcasting lines up dims from the right, so it met the width. With
         N == W that is no error: column j of each picture got the factors of sample j. The squares
         of both factors still add up to 1 (0.8 * 0.8 + 0.6 * 0.6), so even the variance was right.
Fix      give the factors three trailing dims of 1: (N, 1, 1, 1).
Spot it  never test with a batch as large as a side of the image; with other sizes torch raises.
         Ask of each factor which dim it belongs to, and look at one sample alone: it must come out
         the same as inside its batch.

Asked next
    "Why are the roots taken before the cast?" In bfloat16 0.9999 is 1, and 1 - 1 leaves no noise.
    "Why two roots?" With variance 1 of x0 and noise, alpha_bar + (1 - alpha_bar) = 1 stays.
Left out here, if you say so: values of t outside the table; the indexing raises, or counts from
the end for negative ones.
"""

import torch
from torch import Tensor


def make_x_t(
    x0: Tensor, t: Tensor, alpha_bar: Tensor, epsilon: Tensor, device: torch.device | str
) -> Tensor:
    """x0 (N, C, H, W), each picture noised to its step in t (N,), by the table alpha_bar (T,)."""
    if t.shape != x0.shape[:1] or epsilon.shape != x0.shape:
        raise ValueError(f"x0 {x0.shape}, t {t.shape}, epsilon {epsilon.shape} do not match")
    x0, epsilon = x0.to(device), epsilon.to(device)
    kept = alpha_bar.to(device)[t.to(device)].view(-1, 1, 1, 1)  # (N, 1, 1, 1)
    signal, noise = kept.sqrt().to(x0.dtype), (1 - kept).sqrt().to(x0.dtype)
    return signal * x0 + noise * epsilon


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
