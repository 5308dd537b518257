"""Batches and channels: stack makes a new dim, cat extends one, expand repeats without copying.

Why it works: expand gives the repeated dims stride 0, so D numbers a sample pose as D planes until
cat copies everything, once, into the result. expand(-1, -1, ...) leaves the batch dim alone, so a
batch of another size fails in cat instead of being repeated quietly.
Say in the interview: expand is a view with stride 0, repeat copies; stack is cat after unsqueeze;
both copy every input once: time and memory O(size of the result).
Common slips: cat for stack; repeat(1, 1, H, W), which copies twice; expand(N, ...), which gives one
sample's condition to the whole batch; torch.rand, which is uniform.
"""

import torch
from torch import Tensor


def get_device() -> torch.device:
    """CUDA where torch can use a GPU, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def create_batch_tensor(batch_size: int, channels: int, height: int, width: int) -> Tensor:
    """Standard normal float32 (N, C, H, W), made on the device instead of copied there."""
    return torch.randn(batch_size, channels, height, width, device=get_device())


def stack_batches(list_of_tensors: list[Tensor]) -> Tensor:
    """N tensors (*S) -> (N, *S). Shapes that differ: RuntimeError."""
    return torch.stack(list_of_tensors, dim=0)


def concat_along_channels(a: Tensor, b: Tensor) -> Tensor:
    """(N, C1, H, W), (N, C2, H, W) -> (N, C1 + C2, H, W). Other sizes that differ: RuntimeError."""
    return torch.cat([a, b], dim=1)


def condition_to_feature_map(x: Tensor, cond: Tensor) -> Tensor:
    """(N, C, H, W), (N, D) -> (N, C + D, H, W). Batch sizes that differ: RuntimeError."""
    planes = cond[:, :, None, None].expand(-1, -1, *x.shape[2:])  # (N, D, H, W), a view
    return torch.cat([x, planes], dim=1)


if __name__ == "__main__":
    from challenge_1_tensors import check

    check(
        get_device,
        create_batch_tensor,
        stack_batches,
        concat_along_channels,
        condition_to_feature_map,
    )
    print("PASS")
