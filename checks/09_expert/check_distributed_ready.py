"""What challenge_distributed_ready.py requires, in one process."""

import os
import random
from contextlib import ExitStack, contextmanager
from functools import partial
from unittest.mock import patch

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler

from checks.tools import equal, same


def environment(get_rank, get_world_size):
    for rank, size, want in ((None, None, (0, 1)), ("11", "12", (11, 12)), (None, "2", (0, 2))):
        for group in (None, (1, 3)):
            gives("rank and W", lambda: (get_rank(), get_world_size()), rank, size, want, group)


def model(setup_model_for_distributed):
    def send(tensor, device=None, dtype=None, *_, **__):  # there may be no GPU
        sent[tensor.data_ptr()] = str(device)
        return tensor.type(dtype) if dtype else tensor

    def to_cuda(tensor, device=None, *_, **__):
        return send(tensor, f"cuda:{device}" if isinstance(device, int) else device or "cuda")

    def construct(self, module, device_ids=None, *_, **__):  # there are no other processes
        nn.Module.__init__(self)
        self.module = module
        ids = [str(device) if i is None else str(i).replace("cuda:", "") for i in device_ids or ()]
        wraps.append((f"wrapped, device_ids {ids}", dict(sent)))

    for W, group in ((1, None), (2, None), (1, (0, 1)), (2, (1, 2))):
        for device, ids in (("cpu", []), ("xpu", []), ("cuda", ["cuda"]), ("cuda:1", ["1"])):
            sent, wraps, net = {}, [], nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).eval()
            net.scale = nn.Parameter(torch.ones(2).double(), False)  # no layer's own
            before = {name: (t.data_ptr(), t.clone()) for name, t in net.state_dict().items()}
            with (
                machine(str(W - 1), str(W), group) as where,
                patch.multiple(torch.Tensor, to=send, cuda=to_cuda),
                patch.object(DistributedDataParallel, "__init__", construct),
                patch.object(torch.cuda, "set_device", lambda device: None),
            ):
                out = setup_model_for_distributed(net, torch.device(device))
            what = f"{where}: setup_model_for_distributed, {device}"
            wrapped = f"wrapped, device_ids {ids}" if W > 1 and group else "not wrapped"
            equal(f"{what}:", ", ".join(wrap for wrap, _ in wraps) or "not wrapped", wrapped)
            is_net = (getattr(out, "module", None) if wraps else out) is net
            want = f"the model itself{', wrapped' * len(wraps)}"
            assert is_net, f"{what} gave {type(out).__name__}, want {want}"
            came = [net.training, net.scale.requires_grad, *(type(layer).__name__ for layer in net)]
            equal(
                f"{what}: training, scale.requires_grad, layers:",
                came,
                [False, False, "Linear", "BatchNorm1d"],
            )
            by_then, when = wraps[0][1] if wraps else sent, ", before it is wrapped" * len(wraps)
            for name, t in net.state_dict().items():
                place, old = before[name]
                to = by_then.get(place, "no device")
                assert to == device, f"{what}: {name} is sent to {to}, want {device}{when}"
                same(t, old, f"{what}: {name}")


def arguments(create_dataloader_distributed_ready):
    loaders_give(
        create_dataloader_distributed_ready,
        ("2", "3", {}, [2, 5, 8]),
        ("2", "3", {"rank": 0}, [0, 3, 6]),
        ("2", "3", {"world_size": 4}, [2, 6, 1]),
        ("2", "3", {"rank": 0, "world_size": 1}, [*range(9)]),
        (None, None, {"rank": 1, "world_size": 3}, [1, 4, 7]),
    )


def alone(create_dataloader_distributed_ready):
    def two_epochs(seed=1, drawn=0, shuffle=True):
        torch.manual_seed(seed)
        with machine():
            loader = create_dataloader_distributed_ready(range(7), 4, shuffle=shuffle)
        torch.rand(drawn)
        return [batches(loader), batches(loader)]

    what, orders = "W 1, 7 samples, batch_size 4: two epochs", two_epochs()
    equal(f"{what} without shuffle:", two_epochs(shuffle=False), [[[0, 1, 2, 3], [4, 5, 6]]] * 2)
    for epoch in orders:
        equal(f"{what} shuffled, samples sorted:", sorted(sum(epoch, [])), [*range(7)])
    equal(f"{what} shuffled, after the same torch seed:", two_epochs(), orders)
    assert orders[0] != orders[1], f"{what} shuffled: twice {orders[0]}, want another order"
    for how, other in ("torch.manual_seed(2)", {"seed": 2}), ("one draw more", {"drawn": 1}):
        is_new = two_epochs(**other) != orders
        assert is_new, f"{what} shuffled, torch.manual_seed(1): {orders}, with {how} the same"


def shares(create_dataloader_distributed_ready):
    for N, W, sizes in ((5, 3, [2]), (21, 4, [4, 2]), (24, 4, [4, 2]), (2, 5, [1])):
        for shuffle in (False, True):
            make = partial(create_dataloader_distributed_ready, range(N), 4, shuffle=shuffle)
            hands = [batches(make(rank, W)) for rank in range(W)]
            what = f"{N} samples, {W} ranks, batch_size 4, shuffle {shuffle}: batches {hands}"
            equal(f"{what}, sizes:", [[len(b) for b in hand] for hand in hands], [sizes] * W)
            order = [i for turn in zip(*(sum(h, []) for h in hands), strict=True) for i in turn]
            first = sorted(order[:N]) if shuffle else order[:N]
            equal(f"{what}, {'sorted, ' * shuffle}the first {N} in turn:", first, [*range(N)])
            equal(f"{what}, all in turn:", order, (order[:N] * W)[: len(order)])


def epochs(create_dataloader_distributed_ready):
    loaders, deals, what = [], [], "24 samples, 3 ranks, each with a torch seed of its own: shares"
    for i, epoch in enumerate((0, 1, 0)):
        for rank in range(3):
            torch.manual_seed(10 * i + rank)
            with patch("time.time", lambda seconds=1e9 + 10 * i + rank: seconds):
                loaders.append(create_dataloader_distributed_ready(range(24), 8, rank, 3))
            sampler = getattr(loaders[rank], "sampler", None)
            kind = type(sampler).__name__
            assert isinstance(sampler, DistributedSampler), f"W 3: loader.sampler is a {kind}"
            sampler.set_epoch(epoch)
            deals.append(sorted(sum(batches(loaders[rank]), [])))
        equal(f"{what} {deals[-3:]}, together:", sorted(sum(deals[-3:], [])), [*range(24)])
    assert deals[:3] != deals[3:6], f"{what} in epochs 0 and 1 {deals[:3]}, want others in 1"
    equal(f"{what} after set_epoch(0), 1 and 0 again:", deals[6:], deals[:3])


def malformed(
    get_rank, get_world_size, setup_model_for_distributed, create_dataloader_distributed_ready
):
    net = nn.Linear(3, 2)
    calls = {
        "get_world_size": get_world_size,
        "get_rank": get_rank,
        "loader": partial(create_dataloader_distributed_ready, range(9), 9),
        "setup_model_for_distributed": lambda: setup_model_for_distributed(net, net.weight.device),
    }
    for text in ("two", "2.5", "", "-4", "0"):
        for what, call in calls.items():
            gives(what, call, "0", text, {"WORLD_SIZE": text}, or_this=net)
    for text, size in (("one", "3"), ("1.5", "3"), ("", "3"), ("-1", "3"), ("3", "3"), ("5", None)):
        for what in ("get_rank", "loader"):
            gives(what, calls[what], text, size, {"RANK": text})
    gives("get_rank", get_rank, " 1 ", "+2", 1)


def given(create_dataloader_distributed_ready):
    wrong = (1, 1), (-1, 1), (3, 3), (-1, 3), (0, 0), (3, None)
    loaders_give(
        create_dataloader_distributed_ready,
        *(("0", "3", {"rank": rank, "world_size": W}, {}) for rank, W in wrong),
        ("two", "3", {"rank": 1}, [1, 4, 7]),
        ("two", "three", {"rank": 1, "world_size": 3}, [1, 4, 7]),
        ("2", "three", {"world_size": 3}, [2, 5, 8]),
        ("2", None, {"world_size": 3}, [2, 5, 8]),
        ("3", "4", {"world_size": 3}, {"RANK": "3"}),
        ("one", "4", {"world_size": 3}, {"RANK": "one"}),
        ("0", "-4", {"rank": 0}, {"WORLD_SIZE": "-4"}),
    )


def generators(create_dataloader_distributed_ready):
    for W in (1, 3):
        drawn = []
        for make in (create_dataloader_distributed_ready, lambda *_: None):
            for seed in (torch.manual_seed, random.seed, np.random.seed):
                seed(12345)
            make(range(8), 4, 0, W)
            draws = torch.rand(()).item(), random.random(), np.random.random()
            drawn.append([f"{draw:.3f}" for draw in draws])
        equal(f"next numbers of torch, random, numpy after a loader for W {W}:", *drawn)


CORE = (environment, model, arguments, alone, shares, epochs)
EDGES = (malformed, given, generators)


class Pretend(dist.ProcessGroup):
    """A process group whose other ranks do not exist."""

    def __init__(self, store, rank, size, timeout):
        super().__init__(rank, size)


if not hasattr(dist.Backend, "PRETEND"):
    dist.Backend.register_backend("pretend", Pretend, devices=["cpu"])


@contextmanager
def machine(rank=None, size=None, group=None):
    """torchrun's variables with these values, None: absent; and a process group (rank, size)."""
    ours = {"RANK": rank, "WORLD_SIZE": size, "LOCAL_RANK": "7"}
    kept = {name: value for name, value in (os.environ | ours).items() if value is not None}
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, kept, clear=True))
        stack.callback(lambda: dist.is_initialized() and dist.destroy_process_group())
        if group:
            options = {"store": dist.HashStore(), "rank": group[0], "world_size": group[1]}
            dist.init_process_group("pretend", **options)
        where = ", in a process group as rank {} of {}".format(*group) if group else ""
        yield f"RANK {rank!r}, WORLD_SIZE {size!r}{where}"


def batches(loader):
    return [batch.tolist() for batch in loader]


def loaders_give(create_loader, *table):
    for rank, size, given, want in table:
        call = partial(create_loader, range(9), 9, shuffle=False, **given)
        gives(f"samples of a loader given {given}", call, rank, size, want, (1, 4))


def gives(what, call, rank, size, want, group=None, or_this=None):
    """It gives want, or the last argument; if want is a dict, a ValueError with its words."""
    with machine(rank, size, group) as where:
        try:
            got = call()
            got = sum(batches(got), []) if isinstance(got, DataLoader) else got
        except NotImplementedError:
            raise
        except Exception as error:
            got = f"{type(error).__name__}: {error}"
    is_right = got == want or got is or_this is not None
    if isinstance(want, dict):
        words = ["ValueError", *want, *want.values()]
        is_right |= all(word in str(got) for word in words)
        want = "ValueError" + "".join(f" that names {n} and {text!r}" for n, text in want.items())
    assert is_right, f"{where}: {what}: {got}, want {want}"
