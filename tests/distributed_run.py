"""Several processes use the solutions of 09_expert that are for many ranks, and prove them.

    torchrun --standalone --nproc-per-node 2 tests/distributed_run.py           ends well
    torchrun --standalone --nproc-per-node 2 tests/distributed_run.py --kill    the last rank dies

Rank 0 prints one line for each thing that was proven. With --kill the last rank is then killed
while the others wait for it: they have to end by themselves, with an error.
"""

import gc
import os
import signal
import sys
import tempfile
import weakref
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

# DistributedDataParallel imports this; its default arguments then hold the group of that moment for
# good, gloo's threads included, and a thread that runs at the interpreter's exit can abort it.
import torch.distributed.nn
from torch import nn
from torch.utils.data import TensorDataset

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from practice.exercises import ROOT, load

LIMIT, LIMIT_AFTER_DEATH = 90, 45  # seconds until the kernel ends a process, whatever it hangs in
SOLUTION = load(ROOT / "09_expert" / "solution_distributed_ready.py")
BY_HAND = load(ROOT / "09_expert" / "solution_ddp_training.py")
SHARDED = load(ROOT / "09_expert" / "solution_fsdp.py")
BATCH_SIZE = 4


def limit_time(seconds):
    if hasattr(signal, "alarm"):  # not on Windows
        signal.alarm(seconds)


def backend_and_device():
    """nccl and GPU LOCAL_RANK, where each process of this machine gets its own; otherwise gloo."""
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if gpus >= int(os.environ["LOCAL_WORLD_SIZE"]):
        return "cpu:gloo,cuda:nccl", torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return "gloo", torch.device("cpu")


@contextmanager
def process_group(backend, **rendezvous):
    """The process group, for as long as the block runs, and destroyed however it ends."""
    dist.init_process_group(backend, timeout=timedelta(seconds=30), **rendezvous)
    try:
        yield
    finally:
        dist.destroy_process_group()


def samples(n):
    draw = torch.Generator().manual_seed(n)
    return TensorDataset(
        torch.arange(n), torch.randn(n, 5, generator=draw), torch.randn(n, 2, generator=draw)
    )


def network(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 2))


def step(model, optimizer, x, y):
    """One step of training; the gradients that it used."""
    optimizer.zero_grad()
    nn.functional.mse_loss(model(x), y).backward()
    grads = [p.grad.cpu().clone() for p in model.parameters()]
    optimizer.step()
    return grads


def everyone(value):
    """The values of all ranks."""
    values = [None] * dist.get_world_size()
    dist.all_gather_object(values, value)
    return values


def prove_ranks():
    mine = SOLUTION["get_rank"](), SOLUTION["get_world_size"]()
    assert mine == (dist.get_rank(), dist.get_world_size()), mine
    return f"ranks {sorted(rank for rank, _ in everyone(mine))}"


def prove_gradients(device):
    """All ranks train; one process that is given their batches joined gets the same gradients."""
    data = samples(11)
    model = network(seed=dist.get_rank())  # rank 0's weights have to win
    model = SOLUTION["setup_model_for_distributed"](model, device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loader = SOLUTION["create_dataloader_distributed_ready"](data, BATCH_SIZE)
    steps = []
    for epoch in range(2):
        loader.sampler.set_epoch(epoch)
        for rows, x, y in loader:
            steps.append((rows, step(model, optimizer, x.to(device), y.to(device))))

    twin = network(seed=0)
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.9)
    for ranks in zip(*everyone(steps), strict=True):
        joined = torch.cat([rows for rows, _ in ranks])
        want = step(twin, optimizer, *data[joined][1:])
        for _, got in ranks:
            torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-6)
    weights = [p.detach().cpu() for p in model.parameters()]
    torch.testing.assert_close(weights, list(twin.parameters()), rtol=1e-4, atol=1e-6)
    return f"gradients of {len(steps)} steps equal those of one process"


def prove_shares():
    """Disjoint, together all samples, and dealt out anew each epoch."""
    torch.manual_seed(dist.get_rank())  # the shares must not depend on the process's seed
    W = dist.get_world_size()
    for n in (6 * W, 6 * W - 1):
        loader = SOLUTION["create_dataloader_distributed_ready"](samples(n), BATCH_SIZE)
        shares = []
        for epoch in (0, 1, 0):
            loader.sampler.set_epoch(epoch)
            mine = torch.cat([rows for rows, _, _ in loader]).tolist()
            dealt = everyone(mine)
            assert [len(share) for share in dealt] == [6] * W, dealt
            assert set().union(*dealt) == set(range(n)), dealt
            assert n < 6 * W or len(set(sum(dealt, []))) == 6 * W, dealt
            shares.append(dealt)
        assert shares[0] == shares[2], "the same epoch in another order"
        assert set(shares[0][0]) != set(shares[1][0]), "every epoch has the same shares"
    return "shares are disjoint, cover the set and change with set_epoch"


def squares(model, x, y):
    """The sum of the rows' losses."""
    return nn.functional.mse_loss(model(x), y, reduction="none").mean(dim=1).sum()


def train_by_hand(wrapped, optimizer, batches, device):
    """Steps over this rank's batches, (x, y) or None: a rank that has none left joins in with
    zeros. The losses that reduce_mean gives.
    """
    losses, W = [], dist.get_world_size()
    for batch in batches:
        optimizer.zero_grad()
        rows = torch.tensor(float(len(batch[0]) if batch else 0), device=device)
        total = torch.zeros((), device=device)
        all_rows = rows.clone()
        dist.all_reduce(all_rows)
        if batch:
            total = squares(wrapped, *(t.to(device) for t in batch))
            (total * W / all_rows).backward()
        wrapped.finish_gradient_synchronization()
        optimizer.step()
        losses.append(BY_HAND["reduce_mean"](total, int(rows)).item())
    return losses


def train_alone(model, optimizer, batches):
    losses = []
    for batch in batches:
        optimizer.zero_grad()
        x, y = (torch.cat(parts) for parts in zip(*filter(None, batch), strict=True))
        loss = squares(model, x, y) / len(x)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def uneven_batches():
    """For each step what each rank gets: rank 0 has 7 rows, the next 4, and so on, 2 in a batch."""
    _, x, y = samples(50).tensors
    parts = [
        slice(10 * rank, 10 * rank + max(1, 7 - 3 * rank)) for rank in everyone(dist.get_rank())
    ]
    ranks = [list(zip(x[part].split(2), y[part].split(2), strict=True)) for part in parts]
    steps = max(map(len, ranks))
    return [*zip(*(rank + [None] * (steps - len(rank)) for rank in ranks), strict=True)]


def prove_ddp(device):
    """Ranks of 4 and of 2 batches: nobody waits for ever, and all is as in one process."""
    steps, rank = uneven_batches(), dist.get_rank()
    model, twin = network(seed=rank).to(device), network(seed=0)
    wrapped = BY_HAND["DDP"](model)
    mine = [step[rank] for step in steps]
    losses = train_by_hand(wrapped, sgd(model), mine, device)
    want = train_alone(twin, sgd(twin), steps)
    torch.testing.assert_close(losses, want, rtol=1e-4, atol=1e-6)
    weights = [p.detach().cpu() for p in model.parameters()]
    torch.testing.assert_close(weights, list(twin.parameters()), rtol=1e-4, atol=1e-6)
    counts = [sum(map(bool, batches)) for batches in everyone(mine)]
    return f"DDP by hand, {counts} batches: {len(losses)} losses equal those of one process"


def save_once(state, folder):
    """Rank 0 writes; the others wait until the file is there."""
    if dist.get_rank() == 0:
        torch.save(state, folder / f"rank {dist.get_rank()}.pt")
    dist.barrier()


def prove_fsdp(device):
    """Slices are trained; rank 0 alone writes the whole weights, and all can read them."""
    steps, rank = [step for step in uneven_batches() if all(step)], dist.get_rank()
    twin, module = network(seed=0), network(seed=rank).to(device)
    whole = sum(p.numel() for p in module.parameters())
    fsdp = SHARDED["FSDP"](module)
    held = sum(p.numel() for p in fsdp.parameters())
    losses = train_by_hand(fsdp, sgd(fsdp), [step[rank] for step in steps], device)
    want = train_alone(twin, sgd(twin), steps)
    torch.testing.assert_close(losses, want, rtol=1e-4, atol=1e-6)
    state = {name: t.cpu() for name, t in SHARDED["gather_full_params"](fsdp).items()}
    with tempfile.TemporaryDirectory() as own:
        folder = Path(everyone(own)[0])
        save_once(state, folder)
        assert [file.name for file in folder.iterdir()] == ["rank 0.pt"], list(folder.iterdir())
        read = torch.load(folder / "rank 0.pt")
        dist.barrier()  # rank 0 does not delete it before all have read it
    torch.testing.assert_close(read, dict(twin.named_parameters()), rtol=1e-4, atol=1e-6)
    low = SHARDED["FSDP"](network(seed=0).to(device), torch.bfloat16)
    low(torch.ones(2, 5, device=device)).float().sum().backward()
    assert {p.grad.dtype for p in low.parameters() if p.grad is not None} == {torch.float32}
    return f"FSDP, {held} of {whole} numbers: losses equal, rank 0 alone wrote the weights"


def lose_last_rank():
    """Kill the last rank; what the others then wait for can never come."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # torchrun's: they must end without it
    limit_time(LIMIT_AFTER_DEATH)
    everyone("has come this far")
    if dist.get_rank() == dist.get_world_size() - 1:
        os.kill(os.getpid(), signal.SIGKILL)
    dist.all_reduce(torch.zeros(1))  # by gloo, which notices; nccl would wait for its timeout


def main(kill):
    backend, device = backend_and_device()
    if device.type == "cuda":
        torch.cuda.set_device(device)
    try:
        with process_group(backend):
            group = weakref.ref(dist.group.WORLD)
            proofs = [prove_ranks(), prove_gradients(device), prove_shares()]
            proofs += [prove_ddp(device), prove_fsdp(device)]
            if dist.get_rank() == 0:
                print(f"{backend}, {device}:", *proofs, sep="\n", flush=True)
            if kill:
                lose_last_rank()
        gc.collect()
        assert group() is None, "someone still holds the process group, and with it its threads"
    finally:
        if SOLUTION["get_rank"]() == 0:
            print(f"process group destroyed: {not dist.is_initialized()}", flush=True)


if __name__ == "__main__":
    limit_time(LIMIT)
    main(kill="--kill" in sys.argv[1:])
