"""Ready for many processes: one script, alone or under torchrun.

Each process (rank) reads its share of the N samples.

    get_rank(), get_world_size()                 ints, the second is W
    setup_model_for_distributed(model, device)   nn.Module
    create_dataloader_distributed_ready(...)     this rank's DataLoader

Core, what an interview asks:

    environment  The variables RANK (0 if absent) and WORLD_SIZE (1 if absent), read at each call,
                 whatever a process group says.
    model        The model is only moved to device. If W > 1 and the process group is initialized,
                 DistributedDataParallel then wraps it; device_ids is [device] for cuda alone.
    arguments    A given rank or world_size replaces its variable.
    alone        W = 1: with shuffle a new order per epoch from torch's global generator, otherwise
                 the dataset's. The last short batch is kept.
    shares       W > 1: sample i of the epoch's order goes to rank i % W, and on from
                 its beginning until each has ceil(N / W).
    epochs       loader.sampler is a DistributedSampler. set_epoch(e) shuffles by e alone,
                 alike on all ranks.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    malformed    W below 1, a rank outside 0 .. W - 1, text that int() refuses: ValueError with the
                 variable's name and value.
    given        Arguments out of range: ValueError. A replaced variable may be invalid.
    generators   Making a loader draws and seeds nothing.

Hard, 30 minutes. Try one alone: python FILE shares
"""

import os
from typing import Any
from unittest.mock import patch

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset


def get_rank() -> int:
    raise NotImplementedError("get_rank")


def get_world_size() -> int:
    raise NotImplementedError("get_world_size")


def setup_model_for_distributed(model: nn.Module, device: torch.device) -> nn.Module:
    raise NotImplementedError("setup_model_for_distributed")


def create_dataloader_distributed_ready(
    dataset: Dataset[Any],
    batch_size: int,
    rank: int | None = None,
    world_size: int | None = None,
    shuffle: bool = True,
) -> DataLoader[Any]:
    raise NotImplementedError("create_dataloader_distributed_ready")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    with patch.dict(os.environ, RANK="2", WORLD_SIZE="3"):  # as torchrun sets them
        place = get_rank(), get_world_size()
        assert place == (2, 3), place

    samples = TensorDataset(torch.arange(5))  # 3 ranks: 0 3, 1 4 and 2 0
    loader = create_dataloader_distributed_ready(samples, 2, rank=2, world_size=3, shuffle=False)
    got = [batch.tolist() for (batch,) in loader]
    assert got == [[2, 0]], got


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
