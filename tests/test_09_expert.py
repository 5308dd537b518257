"""What the solutions of level 09 keep beyond their checks, one of them in two processes."""

import os
import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import distributed_run
import pytest
import torch
import torch.distributed as dist
from distributed_run import LIMIT, LIMIT_AFTER_DEATH, backend_and_device, process_group
from learner import as_handed_out, name_of
from sources import run_as_script
from torch import nn
from torch.nn import functional as F
from torch.utils.data import TensorDataset

from checks.world import World
from practice.exercises import ROOT, check_of, load, solution_of
from practice.why import why

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


@pytest.mark.slow
@needs_posix
@pytest.mark.parametrize(
    "proof",
    [
        "ranks [0, 1]",
        "gradients of 4 steps equal those of one process",
        "shares are disjoint, cover the set and change with set_epoch",
        "DDP by hand, [4, 2] batches: 4 losses equal those of one process",
        "FSDP, 34 of 58 numbers: losses equal, rank 0 alone wrote the weights",
    ],
)
def test_two_processes_prove(run_with_a_death, proof):
    _, out, err = run_with_a_death
    assert proof in out.splitlines(), err


@pytest.mark.slow
@needs_posix
def test_killed_rank_ends_the_other_with_an_error(run_with_a_death):
    """And before its limit: by then the kernel would have ended it, nothing destroyed."""
    status, out, err = run_with_a_death
    assert status == 1, err
    assert "lose_last_rank" in err and "SIGKILL" in err, err
    assert out.splitlines()[-1] == "process group destroyed: True", err


@pytest.fixture(scope="module")
def muon():
    return load(LEVEL / "solution_custom_optimizer.py")


@pytest.mark.parametrize("shape", [(64, 32), (32, 64), (48, 48), (128, 4)])
def test_newton_schulz_is_near_the_nearest_orthogonal_matrix(muon, device, shape):
    G = torch.randn(shape, device=device)
    out = muon["newton_schulz"](G)
    U, _, V = torch.linalg.svd(G, full_matrices=False)
    values = torch.linalg.svdvals(out)
    assert values.min() > 0.6 and values.max() < 1.2
    assert F.cosine_similarity(out.flatten(), (U @ V).flatten(), dim=0) > 0.96


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch.optim.Muon came with torch 2.9")
@pytest.mark.parametrize("options", [{}, {"nesterov": False, "momentum": 0.8}])
def test_muon_steps_as_the_library_s(muon, options):
    """torch computes it in bfloat16."""
    mine, other = (nn.Parameter(torch.linspace(-1, 1, 96).view(12, 8)) for _ in range(2))
    pair = muon["Muon"]([mine], **options), torch.optim.Muon([other], **options)
    for _ in range(5):
        mine.grad = other.grad = torch.randn(12, 8)
        for optimizer in pair:
            optimizer.step()
    torch.testing.assert_close(mine, other, atol=1e-3, rtol=0)
    assert (mine - torch.linspace(-1, 1, 96).view(12, 8)).abs().max() > 2e-3


def test_muon_and_adamw_train_a_network_under_a_scheduler(muon, device):
    model = nn.Sequential(nn.Embedding(9, 8), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3))
    model.to(device)
    matrices, others = muon["split_params"](model)
    assert [tuple(p.shape) for p in matrices] == [(8, 8)]
    pair = muon["Muon"](matrices, lr=0.05), torch.optim.AdamW(others, lr=0.02)
    rates = torch.optim.lr_scheduler.StepLR(pair[0], 10, 0.5)
    ids = torch.arange(9, device=device)
    for _ in range(40):
        loss = F.cross_entropy(model(ids), ids % 3)
        loss.backward()
        for optimizer in pair:
            optimizer.step()
            optimizer.zero_grad()
        rates.step()
    assert loss < 0.2
    assert pair[0].param_groups[0]["lr"] == pytest.approx(0.05 / 16)


# --- many ranks as threads -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_hand():
    return load(LEVEL / "solution_ddp_training.py")


@pytest.fixture(scope="module")
def sharded():
    return load(LEVEL / "solution_fsdp.py")


class Language(nn.Module):
    """Next tokens, with the embedding's weight in the head; the deep layer may be skipped."""

    def __init__(self):
        super().__init__()
        self.words, self.norm = nn.Embedding(11, 6), nn.LayerNorm(6)
        self.deep = nn.Sequential(nn.Linear(6, 13), nn.GELU(), nn.Linear(13, 6, bias=False))
        self.head = nn.Linear(6, 11)
        self.head.weight = self.words.weight

    def forward(self, ids, skip=False):
        h = self.norm(self.words(ids))
        return self.head(h if skip else h + self.deep(h))


def train_language(model, ids, skip):
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05, weight_decay=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(ids[:, 0], skip).float(), ids[:, 1]).backward()
        getattr(model, "finish_gradient_synchronization", int)()
        optimizer.step()
    return model


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("kind", ["DDP", "FSDP"])
def test_ranks_train_a_language_model_as_one_process_does(by_hand, sharded, kind, size, skip):
    torch.manual_seed(0)
    ids, models = torch.randint(11, (4 * size, 2)), [Language() for _ in range(size)]
    twin = Language()
    twin.load_state_dict(models[0].state_dict())
    world = World(size)

    def train(model):
        mine = ids[4 * world.get_rank() :][:4]
        if kind == "DDP":
            train_language(by_hand["DDP"](model, world), mine, skip)
            return dict(model.named_parameters())
        fsdp = train_language(sharded["FSDP"](model, dist=world), mine, skip)
        return sharded["gather_full_params"](fsdp)

    train_language(twin, ids, skip)
    for got in world.run(train, each=models):
        torch.testing.assert_close(got, dict(twin.named_parameters()), rtol=1e-4, atol=1e-5)


def test_fsdp_in_bfloat16_stays_near_float32(sharded):
    model, world = Language(), World(2)
    ids = torch.randint(11, (6,))
    want, models = model(ids).detach(), [model, Language()]
    run = world.run(lambda m: sharded["FSDP"](m, torch.bfloat16, world)(ids), each=models)
    for got in run:
        assert got.dtype == torch.bfloat16
        torch.testing.assert_close(got.detach().float(), want, rtol=0.05, atol=0.05)


def test_a_layer_that_raised_is_whole_again_afterwards(sharded):
    """Its weight is gone, and nothing that is saved later is replaced."""
    world = World(1)

    def fail():
        layer = nn.Linear(3, 2)
        fsdp, kept, x = sharded["FSDP"](layer, dist=world), [], torch.ones(1, 3)
        with pytest.raises(RuntimeError):
            fsdp(torch.ones(1, 4))
        assert not hasattr(layer, "weight")
        w = torch.ones(2, 3, requires_grad=True)
        with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
            F.linear(x.requires_grad_(), w).sum().backward()
        return len(kept), fsdp(x).shape

    assert world.run(fail) == [(2, (1, 2))]


def test_all_frozen_or_nothing_to_send(by_hand):
    world = World(2)

    def train(_):
        ddp = by_hand["DDP"](nn.Linear(2, 1).requires_grad_(False), world)
        ddp.finish_gradient_synchronization()
        return [p.grad for p in ddp.parameters()]

    assert world.run(train, each=[0, 0]) == [[None, None]] * 2


@pytest.fixture(scope="module")
def quantized():
    return load(LEVEL / "solution_quantization.py")


@pytest.mark.parametrize("shape", [(1, 1), (64, 256), (7, 300)])
def test_int8_is_within_half_a_step_and_a_quarter_of_the_bytes(quantized, device, shape):
    weight = torch.randn(shape, device=device) * torch.rand(shape[0], 1, device=device).exp()
    layer = quantized["Int8Linear"](weight)
    restored = layer.weight_int8 * layer.scale
    assert ((restored - weight).abs() <= layer.scale * 0.50001).all()
    assert sum(t.nbytes for t in layer.buffers()) == shape[0] * shape[1] + 4 * shape[0]


def test_int8_layers_are_saved_and_predict_as_the_model(quantized, device, tmp_path):
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)).to(device)
    kind = quantized["Int8Linear"]
    small, other = (
        nn.Sequential(kind(model[0].weight, model[0].bias), nn.ReLU(), kind(last, model[2].bias))
        for last in (model[2].weight, torch.zeros_like(model[2].weight))
    )
    torch.save(small.state_dict(), tmp_path / "small.pt")
    other.load_state_dict(torch.load(tmp_path / "small.pt", weights_only=True))
    x = torch.randn(100, 64, device=device)
    assert torch.equal(small(x), other(x))
    assert (small(x) - model(x)).abs().max() < 0.02 * model(x).abs().max()


@pytest.mark.parametrize(("shape", "size"), [((5, 128), 32), ((3, 130), 64), ((1, 1), 2)])
def test_four_bits_come_back(quantized, device, shape, size):
    weight = torch.randn(shape, device=device)
    packed, scale = quantized["quantize_groupwise"](weight, size)
    restored = quantized["dequantize_groupwise"](packed, scale, shape)
    steps = scale.repeat_interleave(size, dim=1)[:, : shape[1]]
    assert ((restored - weight).abs() <= steps * 0.50001).all()
    again = quantized["quantize_groupwise"](restored, size)
    assert torch.equal(again[0], packed)


@pytest.mark.parametrize("amount", [0.3, 0.5])
def test_a_pruned_network_still_learns(quantized, device, amount):
    model = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 2)).to(device)
    masks = [quantized["prune_magnitude"](model[i], amount) for i in (0, 2)]
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05, weight_decay=0.1)
    x = torch.randn(200, 2, device=device)
    y = (x[:, 0] * x[:, 1] > 0).long()
    for _ in range(80):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    assert loss < 0.45
    for i, mask in zip((0, 2), masks, strict=True):
        assert (~mask).sum() == round(amount * mask.numel())
        assert torch.equal(model[i].weight != 0, mask)


@pytest.fixture(scope="module")
def c_op():
    if not shutil.which("cc"):
        pytest.skip("no C compiler: no program cc is found")
    return load(LEVEL / "solution_cpp_extension.py")["fused_silu_mul"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.slow
def test_the_c_operation_is_one_of_torch(c_op, dtype, transposed):
    """The schema, the gradient, the fake against the result, and both under AOT autograd."""
    a, b = (torch.randn(4, 3, dtype=dtype) for _ in range(2))
    a, b = (a.T, b.T) if transposed else (a, b)
    torch.library.opcheck(c_op, (a.requires_grad_(), b.requires_grad_()))


def test_export_keeps_the_c_operation_as_one_node(c_op):
    class Gate(nn.Module):
        def forward(self, x):
            return c_op(*x.chunk(2, dim=-1))

    x = torch.randn(5, 8)
    exported = torch.export.export(Gate(), (x,))
    targets = [str(node.target) for node in exported.graph.nodes]
    assert targets.count("course.fused_silu_mul.default") == 1
    first, second = x.chunk(2, dim=-1)
    torch.testing.assert_close(exported.module()(x), F.silu(first) * second)


def test_a_million_numbers_in_c(c_op):
    a, b = (torch.randn(1000, 1000) for _ in range(2))
    torch.testing.assert_close(c_op(a.T, b[:, torch.arange(999, -1, -1)]), F.silu(a.T) * b.flip(1))


@pytest.mark.skipif(os.name != "posix", reason="changes PATH the POSIX way")
@pytest.mark.parametrize("path", [LEVEL / "challenge_cpp_extension.py"], ids=name_of)
@as_handed_out
def test_an_exercise_that_the_machine_cannot_try_is_skipped_and_no_pass(
    path, monkeypatch, tmp_path
):
    """Without a compiler the page says so in one line, pytest FILE skips, and why names nothing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    said = "STOPPED: skipped: it needs a C compiler, and no program cc is found\n"
    for file in (path, solution_of(path)):
        assert run_as_script(file) == (1, said, "")
    label = SimpleNamespace(check=check_of(path)["CORE"][0])
    with pytest.raises(pytest.skip.Exception, match="no program cc"):
        load(ROOT / "conftest.py")["Label"].runtest(label)
    assert why(path, load(solution_of(path))) == []
