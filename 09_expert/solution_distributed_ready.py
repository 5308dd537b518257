"""Ready for many processes: ask the environment who you are, wrap late, deal the samples out.

Why it works: every rank computes the same shuffled order from the epoch number alone and takes each
W-th sample of it, so the shares are disjoint without a word between the ranks. 21 samples on 4
ranks are 6 each: the sampler repeats 3 samples rather than give one rank a batch more, which would
wait forever for gradients of ranks that have finished.
Say in the interview: DistributedDataParallel copies rank 0's weights to all on construction and
averages gradients in backward. With equal batches of a mean loss that average is the gradient of
the joined batch, W * batch_size samples. Call set_epoch before each epoch. Wrap after moving. Save
model.module's state on rank 0 alone. Give the process group a timeout, destroy it in a finally.
What does it send? About two model sizes per step (ring all-reduce), while backward still runs.
Is the evaluation right? Not quite: repeated samples count twice. Drop them, or count the samples.
Common slips: `rank or RANK`, which takes an explicit 0 for absent; shuffle=True beside a sampler;
a seed per rank, which makes shares overlap; device_ids on the CPU; set_epoch forgotten.
You may leave out, if you say so: checks of the variables; torchrun sets them right.
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


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
