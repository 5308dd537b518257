"""Ready for many processes: ask the environment who you are, wrap late, deal the samples out.

Why it works: every rank computes the same shuffled order from the epoch number alone and takes each
W-th sample of it, so that shares are disjoint without a word between the ranks. The sampler repeats
a few samples rather than give one rank a batch more: a rank that waits for the gradients of others
that have finished waits forever. DistributedDataParallel copies rank 0's weights to all on
construction and averages gradients in backward; with equal batches of a mean loss that average is
the gradient of the joined batch, W * batch_size samples.
Say in the interview: set_epoch before each epoch, or every epoch has the first one's order; wrap
after moving, make the optimizer after wrapping; save model.module's state on rank 0 alone; evaluate
without the repeated samples; init_process_group with a timeout, destroy_process_group in finally;
gradient traffic is about two model sizes a step (ring all-reduce), overlapped with backward.
Common slips: rank or RANK, which takes an explicit 0 for absent; shuffle=True beside a
sampler; one seed a rank, which makes shares overlap; device_ids on the CPU; forgetting set_epoch.
"""

import os
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Dataset, DistributedSampler


def integer_from_environment(name: str, absent: int) -> int:
    text = os.environ.get(name, absent)
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{name} must be an integer, got {text!r}") from None


def rank_from_environment(world_size: int) -> int:
    rank = integer_from_environment("RANK", 0)
    if not 0 <= rank < world_size:
        raise ValueError(f"RANK must be from 0 to {world_size - 1}, got {rank}")
    return rank


def get_rank() -> int:
    """RANK, 0 if absent. Malformed or not below the world size: ValueError."""
    return rank_from_environment(get_world_size())


def get_world_size() -> int:
    """WORLD_SIZE, 1 if absent. Malformed or below 1: ValueError."""
    world_size = integer_from_environment("WORLD_SIZE", 1)
    if world_size < 1:
        raise ValueError(f"WORLD_SIZE must be 1 or more, got {world_size}")
    return world_size


def setup_model_for_distributed(model: nn.Module, device: torch.device) -> nn.Module:
    """The model on its device, in a DistributedDataParallel if there are others to talk to."""
    model = model.to(device)
    if get_world_size() == 1 or not dist.is_initialized():
        return model
    return DistributedDataParallel(model, device_ids=[device] if device.type == "cuda" else None)


def create_dataloader_distributed_ready(
    dataset: Dataset[Any],
    batch_size: int,
    rank: int | None = None,
    world_size: int | None = None,
    shuffle: bool = True,
) -> DataLoader[Any]:
    """This rank's share of the samples. With more than one rank: sampler.set_epoch each epoch."""
    world_size = get_world_size() if world_size is None else world_size
    rank = rank_from_environment(world_size) if rank is None else rank
    if not 0 <= rank < world_size:
        raise ValueError(f"rank must be from 0 to {world_size - 1}, got {rank}")
    if world_size == 1:
        return DataLoader(dataset, batch_size=batch_size, shuffle=shuffle)
    sampler: DistributedSampler[Any] = DistributedSampler(
        dataset, num_replicas=world_size, rank=rank, shuffle=shuffle
    )
    return DataLoader(dataset, batch_size=batch_size, sampler=sampler)


if __name__ == "__main__":
    from challenge_distributed_ready import check

    check(
        get_rank,
        get_world_size,
        setup_model_for_distributed,
        create_dataloader_distributed_ready,
    )
    print("PASS")
