"""Bug hunt 1: each column of a picture was noised to another picture's step.

Symptom  all pictures of a batch get the same mix of picture and noise, whatever their step.
Cause    alpha_bar[t] is (N,). Broadcasting lines up dims from the right, so it met the width. With
         N == W that is no error: column j of each picture got the factors of sample j. The squares
         of both factors still added up to 1, so even the variance was right.
Fix      give the factors three trailing dims of 1: (N, 1, 1, 1).
Spot it  never test with a batch as large as a side of the image; with other sizes torch raises.
         Ask of each factor which dim it belongs to, and look at one sample alone: it must come out
         the same as inside its batch.
"""

import torch
from torch import Tensor


def make_x_t(
    x0: Tensor, t: Tensor, alpha_bar: Tensor, epsilon: Tensor, device: torch.device | str
) -> Tensor:
    if t.shape != x0.shape[:1] or epsilon.shape != x0.shape:
        raise ValueError(f"x0 {x0.shape}, t {t.shape}, epsilon {epsilon.shape} do not match")
    x0, epsilon = x0.to(device), epsilon.to(device)
    kept = alpha_bar.to(device)[t.to(device)].view(-1, 1, 1, 1)  # (N, 1, 1, 1)
    signal, noise = kept.sqrt().to(x0.dtype), (1 - kept).sqrt().to(x0.dtype)
    return signal * x0 + noise * epsilon


if __name__ == "__main__":
    from buggy_code_1 import check

    check(make_x_t)
    print("PASS")
