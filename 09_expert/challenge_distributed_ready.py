"""Ready for many processes: the same script alone, or as one of W that torchrun started.

Each of the W processes (ranks) holds a model of its own and works on its own share of the samples.

    get_world_size                       W: the variable WORLD_SIZE, 1 if absent
    get_rank                             the variable RANK, 0 if absent
    setup_model_for_distributed          the same model, only moved to device; then wrapped in
                                         DistributedDataParallel if W > 1 and torch's process group
                                         is initialized (here its size may stand for W)
    create_dataloader_distributed_ready  a DataLoader of this rank's samples: batch_size of them a
                                         step, the last short batch kept

Every call reads the environment anew, whatever a process group says. Text that int() refuses, W
below 1 and a rank outside 0 .. W - 1: ValueError with the variable's name and value; get_rank needs
a valid W too. device_ids is [device] for a cuda device, otherwise there are none.
For a loader, a rank and a world_size that are given (0 too) replace their variables, which are then
not read and may be invalid; out of range: ValueError. Making a loader draws and seeds nothing.
W = 1: with shuffle a new order each epoch, drawn from torch's global generator; else dataset order.
W > 1: loader.sampler is a DistributedSampler. Sample i of the epoch's order goes to rank i % W, and
from its beginning again until each rank has ceil(N / W) of the N samples. With shuffle,
sampler.set_epoch(e) gives a new order, the same for the same e whatever the processes' seeds are;
without, it is the dataset's.

Ask yourself: what if one rank has a batch more than the others, or shuffles in its own way?
Docs: https://docs.pytorch.org/docs/stable/notes/ddp.html
"""

import os
import random
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Dataset, DistributedSampler, TensorDataset


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


def check(
    get_rank, get_world_size, setup_model_for_distributed, create_dataloader_distributed_ready
):
    torch.manual_seed(0)
    check_environment(get_rank, get_world_size)
    check_model(setup_model_for_distributed)
    check_one_process(create_dataloader_distributed_ready)
    check_many_processes(create_dataloader_distributed_ready)
    check_arguments(create_dataloader_distributed_ready)


def check_environment(get_rank, get_world_size):
    for rank, size, want in (
        (None, None, (0, 1)),
        ("0", "1", (0, 1)),
        ("11", "12", (11, 12)),
        ("0", "12", (0, 12)),
        (None, "2", (0, 2)),
        (" 1 ", "+2", (1, 2)),
    ):
        for grouped in (False, True):
            what = f"RANK {rank!r}, WORLD_SIZE {size!r}, process group of 3: {grouped}"
            with environment(rank, size), process_group(3) if grouped else nullcontext():
                got = accepted(what, lambda: (get_rank(), get_world_size()))
            assert got == want, f"{what}: rank and world size {got}, want {want}"
    for text in ("two", "2.5", "", "-4", "0"):
        for name, function in (("get_world_size", get_world_size), ("get_rank", get_rank)):
            with environment("0", text):
                check_refused(name, function, "WORLD_SIZE", text)
    for text, size in (("one", "3"), ("1.5", "3"), ("", "3"), ("-1", "3"), ("3", "3"), ("5", None)):
        with environment(text, size):
            check_refused("get_rank", get_rank, "RANK", text)


def check_model(setup_model_for_distributed):
    made = []

    def construct(self, module, device_ids=None, *others, **more):
        nn.Module.__init__(self)
        self.module = module
        made.append((getattr(module, "sent", None), device_ids))

    with (  # there is no second process to construct it together with, and there may be no GPU
        patch.object(DistributedDataParallel, "__init__", construct),
        patch.object(torch.cuda, "set_device", lambda device: None),
    ):
        for W, grouped in ((1, False), (2, False), (1, True)):
            what = f"setup_model_for_distributed, W = {W}, process group initialized: {grouped}"
            model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
            with environment("0", str(W)), process_group(W) if grouped else nullcontext():
                out = setup_model_for_distributed(model, torch.device("meta"))
            assert out is model, f"{what}: gave a {type(out).__name__}, want the model itself"
            stayed = [name for name, value in out.state_dict().items() if not value.is_meta]
            assert not stayed, f"{what}, device meta: {stayed} were not moved, want all on meta"
        for name in ("cpu", "xpu", "cuda", "cuda:1"):
            device = torch.device(name)
            what = f"setup_model_for_distributed, {device}, W = 2, process group initialized: True"
            model = Traveler(3, 2).eval()
            norm = model.norm
            with environment("0", "2"), process_group(2):
                out = setup_model_for_distributed(model, device)
            assert isinstance(out, DistributedDataParallel) and out.module is model, (
                f"{what}: gave a {type(out).__name__}, want DistributedDataParallel around it"
            )
            assert model.norm is norm, (
                f"{what}: its {norm} is now {model.norm}, want the same object"
            )
            assert not model.training, f"{what}: came in eval mode, is in train mode, want eval"
            sent, ids = made[-1]
            assert sent == device, (
                f"{what}: wrapped when sent to {sent}, want first sent to {device}"
            )
            got = [f"cuda:{i}" if type(i) is int else str(i) for i in ids or ()]
            want = [name] if device.type == "cuda" else []
            if ids == [None]:  # means the current GPU, as "cuda" does
                got = ["cuda"]
            assert got == want, f"{what}: device_ids is {ids}, want {want or None}"
    model = nn.Linear(3, 2)
    with environment("0", "two"):
        call = partial(setup_model_for_distributed, model, torch.device("cpu"))
        check_refused("setup_model_for_distributed", call, "WORLD_SIZE", "two", unless=model)


def check_one_process(create_loader):
    dataset, runs = TensorDataset(torch.arange(11)), []
    what = "create_dataloader_distributed_ready, W = 1, 11 samples, batch_size 4"
    for drawn in (0, 0, 1):
        torch.manual_seed(1)
        with environment():
            loader = made(what, create_loader, dataset, 4)
            plain = made(what, create_loader, dataset, 4, shuffle=False)
        torch.rand(drawn)
        got, want = batches(plain), [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]
        assert got == want, f"{what}, shuffle=False: {got}, want {want}"
        runs.append([batches(loader) for _ in range(2)])
        for epoch in runs[-1]:
            sizes = [len(batch) for batch in epoch]
            assert sizes == [4, 4, 3], f"{what}: batches of {sizes}, want [4, 4, 3]"
            assert sorted(sum(epoch, [])) == [*range(11)], f"{what}: {epoch}, want each sample once"
    assert runs[0][0] != runs[0][1], f"{what}, shuffled: two epochs in the same order {runs[0][0]}"
    assert runs[0] == runs[1], f"{what}, shuffled: torch.manual_seed(1) twice, but {runs[:2]}"
    assert runs[0] != runs[2], f"{what}, shuffled: {runs[0]} whatever torch's generator had drawn"


def check_many_processes(create_loader):
    W, batch_size = 4, 4
    for N in (21, 24):
        what = f"create_dataloader_distributed_ready, W = {W}, {N} samples, batch_size {batch_size}"

        def deal(epoch, N=N, what=what, **how):
            """The batches of each rank; every process has a seed of its own."""
            hands = []
            for rank in range(W):
                torch.manual_seed(10 * epoch + rank)
                dataset = TensorDataset(torch.arange(N))
                loader = made(what, create_loader, dataset, batch_size, rank, W, **how)
                sampler = loader.sampler
                assert isinstance(sampler, DistributedSampler), (
                    f"{what}: its sampler is {sampler}, want a DistributedSampler"
                )
                sampler.set_epoch(epoch)
                hands.append(batches(loader))
            return hands

        plain, first, second = deal(3, shuffle=False), deal(0), deal(1)
        for hands in (plain, first, second):
            sizes = [[len(batch) for batch in hand] for hand in hands]
            assert sizes == [[4, 2]] * W, f"{what}: batches of {sizes}, want [4, 2] for each rank"
            turns = zip(*(sum(hand, []) for hand in hands), strict=True)
            order = [i for turn in turns for i in turn]
            shown = f"{what}: one of each rank in turn gives {order}"
            assert sorted(order[:N]) == [*range(N)], f"{shown}, want first each sample once"
            assert order[N:] == order[: -N % W], f"{shown}, want its first again in the end"
            if hands is plain:
                assert order[:N] == [*range(N)], (
                    f"{shown} without shuffle, want the dataset's order"
                )
        shares = [[sorted(sum(hand, [])) for hand in hands] for hands in (plain, first, second)]
        assert shares[0] != shares[1], (
            f"{what}, shuffled: {first} are the shares without, want others"
        )
        assert shares[1] != shares[2], (
            f"{what}, shuffled: epochs 0 and 1 both deal {shares[1]}, want a new order"
        )
        again = deal(0)
        assert again == first, f"{what}, shuffled: set_epoch(0) gave {first}, next time {again}"


def made(what, create_loader, *args, **options):
    """The loader, if it is one and making it touched no generator of random numbers."""

    def states():
        _, numbers, place, *_ = np.random.get_state()
        return {
            "torch": torch.get_rng_state().tolist(),
            "random": random.getstate(),
            "numpy": (numbers.tolist(), place),
        }

    before = states()
    loader = create_loader(*args, **options)
    assert isinstance(loader, DataLoader), f"{what}: {type(loader)}, want a DataLoader"
    changed = [name for name, state in states().items() if state != before[name]]
    assert not changed, f"{what}: making it changed the random state of {changed}, want none"
    return loader


def check_arguments(create_loader):
    dataset = TensorDataset(torch.arange(9))
    for rank, size, given, want in (
        ("2", "3", {}, [2, 5, 8]),
        ("2", "3", {"rank": 0}, [0, 3, 6]),
        ("2", "3", {"world_size": 4}, [2, 6, 1]),
        ("2", "3", {"rank": 0, "world_size": 1}, [*range(9)]),
        ("two", "3", {"rank": 1}, [1, 4, 7]),
        ("two", "three", {"rank": 1, "world_size": 3}, [1, 4, 7]),
        ("2", "three", {"world_size": 3}, [2, 5, 8]),
        ("2", None, {"world_size": 3}, [2, 5, 8]),
        ("19", "20", {}, [1]),
    ):
        what = f"create_dataloader_distributed_ready, RANK {rank}, WORLD_SIZE {size}, given {given}"
        with environment(rank, size):
            call = partial(create_loader, dataset, 9, shuffle=False, **given)
            got = batches(accepted(what, call))
        assert got == [want], f"{what}: batches {got}, want {[want]}"
    for rank, size, given, name in (
        ("5", None, {}, "RANK"),
        ("3", "4", {"world_size": 3}, "RANK"),
        ("one", "4", {"world_size": 3}, "RANK"),
        ("0", "two", {}, "WORLD_SIZE"),
        ("0", "-4", {"rank": 0}, "WORLD_SIZE"),
    ):
        with environment(rank, size):
            call = partial(create_loader, dataset, 9, **given)
            what = f"create_dataloader_distributed_ready, given {given}"
            check_refused(what, call, name, os.environ[name])
    for rank, size in ((1, 1), (-1, 1), (3, 3), (-1, 3), (0, 0), (3, None)):
        what = f"create_dataloader_distributed_ready, rank={rank}, world_size={size}"
        with environment("0", "3"):
            check_refused(what, partial(create_loader, dataset, 9, rank, size))


def accepted(what, call):
    try:
        return call()
    except ValueError as error:
        raise AssertionError(f"{what}: ValueError '{error}', want none") from error


def check_refused(what, call, *words, unless=None):
    """A ValueError with these words in it, or that one result."""
    what += f" with RANK {os.environ.get('RANK')!r}, WORLD_SIZE {os.environ.get('WORLD_SIZE')!r}"
    try:
        got = call()
    except ValueError as error:
        for word in words:
            assert word in str(error), f"{what}: the ValueError says '{error}', without '{word}'"
        return
    assert got is not None and got is unless, f"{what}: {got}, want a ValueError"


def environment(rank=None, size=None):
    """torchrun's variables with these values; None means absent."""
    ours = {"RANK": rank, "WORLD_SIZE": size, "LOCAL_RANK": None}
    rest = {name: value for name, value in os.environ.items() if name not in ours}
    ours = {name: value for name, value in ours.items() if value is not None}
    return patch.dict(os.environ, rest | ours, clear=True)


@contextmanager
def process_group(W):
    """A real process group, of this process alone; asked for its size it says W."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        with patch.object(dist, "get_world_size", lambda group=None: W):
            yield
    finally:
        dist.destroy_process_group()


class Traveler(nn.Linear):
    """Notes where it was sent, without going there: there may be no GPU here."""

    sent = None

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.norm = nn.BatchNorm1d(2)

    def to(self, device, **options):
        self.sent = torch.device(device)
        return self

    def cuda(self, device=None):
        return self.to(device)


def batches(loader):
    return [rows.tolist() for (rows,) in loader]


if __name__ == "__main__":
    try:
        check(
            get_rank,
            get_world_size,
            setup_model_for_distributed,
            create_dataloader_distributed_ready,
        )
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_distributed_ready.py")
