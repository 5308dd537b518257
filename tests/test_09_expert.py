"""What the solutions of level 09 keep beyond their checks, one of them in two processes."""

import os
import signal
import subprocess
import sys

import distributed_run
import pytest
import torch
import torch.distributed as dist
from distributed_run import LIMIT, LIMIT_AFTER_DEATH, backend_and_device, process_group
from torch import nn
from torch.nn import functional as F
from torch.utils.data import TensorDataset

from practice.exercises import ROOT, load

LEVEL = ROOT / "09_expert"


@pytest.fixture(scope="module")
def leaky():
    return load(LEVEL / "solution_custom_autograd.py")["leaky_relu_custom"]


@pytest.fixture(scope="module")
def ready():
    return load(LEVEL / "solution_distributed_ready.py")


@pytest.fixture
def under_torchrun(monkeypatch):
    """Sets the variables that torchrun would set; before that they are absent."""
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)

    def set_variables(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))

    return set_variables


@pytest.mark.parametrize("shape", [(1,), (1, 6), (8, 1, 5), (2, 3, 4, 5), (0, 4)])
@pytest.mark.parametrize("slope", [0.01, 0.5, 1.5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_leaky_relu_equals_the_library_s(leaky, device, shape, slope, dtype):
    x = torch.randn(shape, device=device, dtype=dtype, requires_grad=True)
    mine, library = leaky(x, slope), F.leaky_relu(x, slope)
    assert mine.device == x.device
    torch.testing.assert_close(mine, library)
    upstream = torch.randn_like(x)
    grads = [torch.autograd.grad(out, x, upstream)[0] for out in (mine, library)]
    torch.testing.assert_close(*grads)


def test_networks_learn_the_same_with_a_penalty_on_their_gradient(leaky, device):
    """The penalty goes through backward twice, as in WGAN-GP."""
    mine = nn.Sequential(nn.Linear(4, 9), nn.Linear(9, 1)).to(device, torch.float64)
    x = torch.randn(13, 4, device=device, dtype=torch.float64, requires_grad=True)
    results = []
    for activation in (leaky, F.leaky_relu):
        score = mine[1](activation(mine[0](x)))
        (slope,) = torch.autograd.grad(score.sum(), x, create_graph=True)
        loss = score.mean() + (slope.norm(dim=1) - 1).square().mean()
        results.append(torch.autograd.grad(loss, [mine[0].weight, mine[0].bias, mine[1].weight]))
    assert all(g.abs().max() > 0 for g in (results[0][0], results[0][2]))
    torch.testing.assert_close(results[0], results[1])


def test_leaky_relu_under_autocast_keeps_what_a_layer_made(leaky, device):
    layer = nn.Linear(5, 6).to(device)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        out = leaky(layer(torch.randn(1, 5, device=device)))
        assert out.dtype == torch.bfloat16
        assert leaky(torch.randn(3, device=device)).dtype == torch.float32
    out.float().sum().backward()
    assert all(p.grad.isfinite().all() and p.grad.abs().min() > 0 for p in layer.parameters())


def test_leaky_relu_remembers_one_byte_an_element_and_not_its_input(leaky):
    kept = []
    x = torch.randn(50, requires_grad=True)
    y = x.clone()
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        out = leaky(y, 0.5)
    assert [t.nbytes for t in kept] == [50]
    with torch.no_grad():
        y.neg_()  # somebody else's in-place operation later on
    (grad,) = torch.autograd.grad(out.sum(), x)
    assert grad.tolist() == [1 if number > 0 else 0.5 for number in x.tolist()]


def test_leaky_relu_without_gradients(leaky):
    x = torch.randn(4, requires_grad=True)
    with torch.inference_mode():
        assert not leaky(x).requires_grad
    assert not leaky(x.detach()).requires_grad


@pytest.mark.parametrize(("n", "W"), [(1, 3), (2, 2), (5, 2), (12, 3), (13, 3)])
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("shuffle", [True, False])
def test_ranks_have_equally_many_batches_and_cover_the_set(ready, n, W, batch_size, shuffle):
    data = TensorDataset(torch.arange(n))
    make = ready["create_dataloader_distributed_ready"]
    loaders = [make(data, batch_size, rank, W, shuffle=shuffle) for rank in range(W)]
    for loader in loaders:
        loader.sampler.set_epoch(7)
    batches = [[rows.tolist() for (rows,) in loader] for loader in loaders]
    shapes = [[len(batch) for batch in share] for share in batches]
    assert shapes == [shapes[0]] * W
    assert sum(shapes[0]) == -(-n // W)
    assert {row for share in batches for batch in share for row in batch} == set(range(n))


def test_without_set_epoch_an_epoch_repeats(ready):
    loader = ready["create_dataloader_distributed_ready"](TensorDataset(torch.arange(40)), 40, 1, 2)
    (first,), (second,) = ([rows.tolist() for (rows,) in loader] for _ in range(2))
    assert first == second


@pytest.mark.parametrize(("rank", "W"), [(0, 1), (1, 2)])
def test_batch_of_no_samples_raises(ready, rank, W):
    with pytest.raises(ValueError, match="batch_size"):
        ready["create_dataloader_distributed_ready"](TensorDataset(torch.arange(4)), 0, rank, W)


def test_alone_the_model_is_moved_in_place(ready, device, under_torchrun):
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    parameters = list(model.parameters())  # as an optimizer that was made before holds them
    out = ready["setup_model_for_distributed"](model, device)
    assert all(p is q for p, q in zip(out.parameters(), parameters, strict=True))
    with torch.autocast(device.type, dtype=torch.bfloat16):
        loss = out(torch.randn(5, 3, device=device)).square().mean()
    loss.backward()
    assert all(p.device.type == device.type and p.grad.isfinite().all() for p in parameters)


def test_a_wrapped_model_keeps_its_outputs_modes_and_weights(ready, under_torchrun):
    model, fresh = (nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)) for _ in range(2))
    x = torch.randn(6, 3)
    under_torchrun(RANK=0, WORLD_SIZE=2)
    with process_group("gloo", store=dist.HashStore(), rank=0, world_size=1):
        wrapped = ready["setup_model_for_distributed"](model, torch.device("cpu"))
        wrapped(x).square().sum().backward()
        assert all(p.grad.isfinite().all() for p in model.parameters())
        wrapped.eval()
        assert not model[1].training
        fresh.load_state_dict(wrapped.module.state_dict())
        torch.testing.assert_close(fresh.eval()(x), wrapped(x))


@pytest.mark.parametrize("error", [None, ZeroDivisionError, KeyboardInterrupt])
def test_process_group_is_destroyed_however_its_block_ends(error):
    try:
        with process_group("gloo", store=dist.HashStore(), rank=0, world_size=1):
            assert dist.is_initialized()
            if error:
                raise error
    except (ZeroDivisionError, KeyboardInterrupt) as seen:
        assert type(seen) is error
    assert not dist.is_initialized()


@pytest.mark.parametrize(("gpus", "want"), [(0, "gloo cpu"), (1, "gloo cpu"), (2, "nccl cuda:1")])
def test_each_process_gets_a_gpu_of_its_own_or_none(monkeypatch, under_torchrun, gpus, want):
    under_torchrun(LOCAL_RANK=1, LOCAL_WORLD_SIZE=2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    backend, device = backend_and_device()
    assert f"{backend.rpartition(':')[2]} {device}" == want


@pytest.fixture(scope="module")
def run_with_a_death():
    """(exit status, stdout, stderr) of two ranks under torchrun; in the end one is killed."""
    options = ["--standalone", "--local-addr=127.0.0.1", "--nproc-per-node=2"]
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            *options,
            distributed_run.__file__,
            "--kill",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        start_new_session=True,
    ) as launcher:
        try:
            out, err = launcher.communicate(timeout=30 + LIMIT + LIMIT_AFTER_DEATH)
        finally:
            end(launcher)
    return launcher.returncode, out, err


def end(launcher):
    """Told to end, torchrun ends its ranks; they have sessions of their own, and limits of time."""
    if launcher.poll() is None:
        launcher.terminate()
        try:
            launcher.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(launcher.pid, signal.SIGKILL)


needs_posix = pytest.mark.skipif(os.name != "posix", reason="kills processes the POSIX way")


@needs_posix
@pytest.mark.parametrize(
    "proof",
    [
        "ranks [0, 1]",
        "gradients of 4 steps equal those of one process",
        "shares are disjoint, cover the set and change with set_epoch",
    ],
)
def test_two_processes_prove(run_with_a_death, proof):
    _, out, err = run_with_a_death
    assert proof in out.splitlines(), err


@needs_posix
def test_killed_rank_ends_the_other_with_an_error(run_with_a_death):
    """And before its limit: by then the kernel would have ended it, nothing destroyed."""
    status, out, err = run_with_a_death
    assert status == 1, err
    assert "lose_last_rank" in err and "SIGKILL" in err, err
    assert out.splitlines()[-1] == "process group destroyed: True", err
