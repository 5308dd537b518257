"""What the solutions of level 06 keep beyond their checks."""

import copy
import pickle
from collections.abc import Mapping

import pytest
import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.data import ConcatDataset, DataLoader, IterableDataset, Subset

from practice.exercises import ROOT, load

LEVEL = ROOT / "06_level3_advanced"


@pytest.fixture(scope="module")
def classifier():
    return load(LEVEL / "solution_multi_input.py")["MultiInputClassifier"]


@pytest.fixture(scope="module")
def clip():
    return load(LEVEL / "solution_gradient_clip.py")["train_one_epoch_with_clip"]


@pytest.fixture(scope="module")
def monitors():
    return load(LEVEL / "solution_gradient_monitor.py")


@pytest.fixture(scope="module")
def accumulate():
    return load(LEVEL / "solution_gradient_accumulation.py")["train_one_epoch_accum"]


@pytest.fixture(scope="module")
def amp():
    return load(LEVEL / "solution_mixed_precision.py")["train_one_epoch_amp"]


@pytest.fixture(scope="module")
def hunted():
    names = "accumulate", "step", "accumulate_and_clip"
    return [load(LEVEL / f"solution_bug_{n}.py")[name] for n, name in enumerate(names, 1)]


@pytest.fixture(scope="module")
def checkpointed():
    return load(LEVEL / "solution_gradient_checkpointing.py")["CheckpointedBlock"]


@pytest.fixture(scope="module")
def chunked():
    return load(LEVEL / "solution_chunked_cross_entropy.py")["chunked_cross_entropy"]


@pytest.fixture(scope="module")
def low():
    return load(LEVEL / "solution_low_precision.py")


@pytest.fixture(scope="module")
def paths_dataset():
    return load(LEVEL / "solution_custom_dataset_paths.py")["PathLabelDataset"]


def distance(a, b):
    pairs = zip(a.parameters(), b.parameters(), strict=True)
    return sum((p - q).detach().double().pow(2).sum() for p, q in pairs).sqrt().item()


class InBf16(nn.Module):
    """Autocast around forward alone: the casts that it keeps would miss an optimizer step."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        with torch.autocast(x.device.type, dtype=torch.bfloat16):
            return self.inner(x).float()


def batches_of(sizes, device="cpu", dtype=torch.float32):
    made = [(torch.randn(n, 4), torch.randn(n, 2)) for n in sizes]
    return [(x.to(device, dtype), y.to(device, dtype)) for x, y in made]


# challenge_multi_input


@pytest.mark.parametrize("N", [0, 1, 5])
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1, 1, 1, 1), (3, 5, 2, 4, 8, 2, 10)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_logits_and_gradients_are_finite(classifier, device, N, sizes, dtype):
    model = classifier(*sizes).to(device, dtype)
    image = torch.randn(N, *sizes[:3], device=device, dtype=dtype)
    meta = torch.randn(N, sizes[3], device=device, dtype=dtype)
    out = model(image, meta)
    assert out.shape == (N, sizes[-1]) and out.dtype == dtype
    out.sum().backward()
    assert out.isfinite().all()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_classifier_under_autocast(classifier, device):
    model = classifier(3, 8, 8, 4, 16, 8, 5).to(device)
    image, meta = torch.randn(6, 3, 8, 8, device=device), torch.randn(6, 4, device=device)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        out = model(image, meta)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out.float(), model(image, meta), rtol=5e-2, atol=5e-2)


def test_each_sample_is_judged_by_itself(classifier):
    model = classifier(2, 3, 4, 5, 6, 7, 8)
    image, meta = torch.randn(9, 2, 3, 4), torch.randn(9, 5)
    rows = [model(image[i : i + 1], meta[i : i + 1]) for i in range(9)]
    torch.testing.assert_close(model(image, meta), torch.cat(rows))


def test_state_dict_goes_to_another_classifier(classifier):
    one, other = classifier(2, 3, 4, 5, 6, 7, 8), classifier(2, 3, 4, 5, 6, 7, 8)
    inputs = torch.randn(9, 2, 3, 4), torch.randn(9, 5)
    assert not torch.equal(one(*inputs), other(*inputs))
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(*inputs), other(*inputs))


def test_frozen_convolutional_encoder_takes_part(classifier):
    model = classifier(3, 8, 6, 4, 16, 8, 5)
    model.image_encoder = nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2), nn.BatchNorm2d(16), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ).requires_grad_(False)
    model(torch.randn(6, 3, 8, 6), torch.randn(6, 4)).sum().backward()
    trained = {name for name, p in model.named_parameters() if p.grad is not None}
    assert {name.split(".")[0] for name in trained} == {"meta_encoder", "head"}


def test_classifier_learns_what_neither_input_tells_alone(classifier):
    image, meta = torch.randn(128, 1, 4, 4), torch.randn(128, 3)
    y = (image.mean(dim=(1, 2, 3)) * 4 + meta[:, 0] > 0).long()
    model = classifier(1, 4, 4, 3, 16, 8, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(40):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(image, meta), y).backward()
        optimizer.step()

    def accuracy(image, meta):
        return (model(image, meta).argmax(dim=1) == y).float().mean().item()

    assert accuracy(image, meta) > 0.95
    assert accuracy(image, meta.flip(0)) < 0.9  # another sample's meta, another sample's image
    assert accuracy(image.flip(0), meta) < 0.9


@pytest.mark.parametrize("shape", [(5, 4, 2, 3), (5, 2, 3, 4, 1), (2, 3, 4), (5, 1, 3, 8)])
def test_error_names_the_shape_that_came_and_the_one_wanted(classifier, shape):
    with pytest.raises(ValueError) as error:
        classifier(2, 3, 4, 5, 6, 7, 8)(torch.randn(shape), torch.randn(shape[0], 5))
    assert str(shape) in str(error.value) and "(2, 3, 4)" in str(error.value)


# challenge_gradient_clip


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("max_norm", [1e-3, 0.4, 1e3])
@pytest.mark.parametrize("N", [1, 7])
def test_no_step_of_sgd_is_longer_than_rate_times_max_norm(clip, device, dtype, max_norm, N):
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2)).to(device, dtype)
    batches = batches_of([N], dtype=dtype)
    moves = []
    for limit in (max_norm, float("inf")):
        trained = copy.deepcopy(model)
        optimizer = torch.optim.SGD(trained.parameters(), lr=0.5)
        clip(trained, batches, nn.MSELoss(), optimizer, device, max_norm=limit)
        moves.append(distance(trained, model))
    assert moves[0] == pytest.approx(min(0.5 * max_norm, moves[1]), rel=2e-3)


def test_clipping_keeps_an_exploding_recurrent_net_finite(clip):
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.RNN(4, 8, nonlinearity="relu", batch_first=True)
            self.head = nn.Linear(8, 1)

        def forward(self, x):
            return self.head(self.rnn(x)[0][:, -1])

    start = Last()
    with torch.no_grad():
        start.rnn.weight_hh_l0.mul_(6)
    batches = [(torch.randn(8, 20, 4), torch.randn(8, 1)) for _ in range(6)]
    finite = []
    for max_norm in (0.01, float("inf")):
        model = copy.deepcopy(start)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(2):
            clip(model, batches, nn.MSELoss(), optimizer, torch.device("cpu"), max_norm)
        finite.append(all(p.isfinite().all() for p in model.parameters()))
    assert finite == [True, False]


def test_clipped_epochs_learn_under_autocast(clip, device):
    model = InBf16(nn.Linear(4, 2)).to(device)
    batches = [(x, x[:, :2] - x[:, 2:]) for x, _ in batches_of([8, 8, 3])]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    losses = [clip(model, batches, nn.MSELoss(), optimizer, device) for _ in range(8)]
    assert losses[-1] < 0.1 * losses[0]


def test_model_of_which_nothing_is_trained_passes_through(clip):
    model = nn.Linear(4, 2).requires_grad_(False)
    scale = nn.Parameter(torch.ones(()))
    optimizer = torch.optim.SGD([scale], lr=0.1)
    loss = clip(
        model, batches_of([3]), lambda o, y: o.sum() * scale, optimizer, torch.device("cpu")
    )
    assert isinstance(loss, float) and scale.item() != 1


# challenge_gradient_accumulation


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("max_norm", [1e-3, 0.4, 1e3])
def test_clipping_by_hand_equals_the_library(monitors, device, dtype, max_norm):
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(12, 2)).to(device, dtype)
    model(torch.randn(5, 2, 4, 4, device=device, dtype=dtype)).square().sum().backward()
    twin = copy.deepcopy(model)
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        q.grad = p.grad.clone()
    got = monitors["clip_grad_norm"](model.parameters(), max_norm)
    want = nn.utils.clip_grad_norm_(twin.parameters(), max_norm).item()
    tol = 2e-2 if dtype == torch.bfloat16 else 1e-3
    assert got == pytest.approx(want, rel=tol)
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=tol, atol=1e-6)


def test_monitor_on_a_recurrent_net_that_trains(monitors, device):
    torch.manual_seed(0)
    model = nn.ModuleDict({"lstm": nn.LSTM(3, 4), "head": nn.Linear(4, 1)}).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    monitor = monitors["GradientMonitor"](model)
    for step in range(3):
        x = torch.randn(6, 2, 3, device=device)
        x[0, 0, 0] = float("inf") if step == 1 else 0.0
        with monitor, monitors["capture"](model, ["lstm"]) as outputs:
            loss = model["head"](model["lstm"](x)[0]).square().mean()
            optimizer.zero_grad()
            if step != 1:
                loss.backward()
                optimizer.step()
        out, (h, c) = outputs["lstm"]
        assert (out.shape, h.shape, c.shape) == ((6, 2, 4), (1, 2, 4), (1, 2, 4))
        if step != 1:
            assert monitor.grad_norms.keys() == dict(model.named_parameters()).keys()
            assert 0 < max(monitor.update_ratios.values()) < 0.1
    model["head"].weight.data.fill_(float("nan"))
    with monitor:
        model["head"](torch.ones(1, 4, device=device))
    assert monitor.first_nonfinite == "head"


@pytest.mark.parametrize("sizes", [[1], [5, 5, 5, 2], [1, 7, 2, 4, 3]])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.AdamW])
def test_one_group_equals_one_batch(accumulate, device, sizes, dtype, optimizer):
    model = nn.Sequential(nn.Linear(4, 6), nn.GroupNorm(2, 6), nn.ReLU(), nn.Linear(6, 2))
    model.to(device, dtype)
    batches = batches_of(sizes, dtype=dtype)
    joined = [tuple(torch.cat(parts) for parts in zip(*batches, strict=True))]
    ends, losses = [], []
    for loader, accum_steps in ((batches, len(batches)), (joined, 1), (joined, 100)):
        trained = copy.deepcopy(model)
        by = optimizer(trained.parameters(), lr=0.1, weight_decay=0.1)
        losses.append(accumulate(trained, loader, nn.MSELoss(), by, device, accum_steps))
        ends.append(trained)
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-4)
    assert distance(ends[0], model) > 1e-3
    assert max(distance(ends[0], end) for end in ends[1:]) < 1e-3


@pytest.mark.parametrize(("n", "accum_steps"), [(1, 1), (6, 1), (6, 3), (7, 3), (2, 5)])
def test_number_of_steps_is_rounded_up(accumulate, n, accum_steps):
    model, steps = nn.Linear(4, 2), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    optimizer.register_step_post_hook(lambda *_: steps.append(1))
    accumulate(
        model, batches_of([3] * n), nn.MSELoss(), optimizer, torch.device("cpu"), accum_steps
    )
    assert len(steps) == -(-n // accum_steps)


def test_loader_over_a_stream_of_unknown_length(accumulate):
    class Stream(IterableDataset):
        def __iter__(self):
            return iter([(torch.randn(4), torch.randn(2)) for _ in range(11)])

    model = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader = DataLoader(Stream(), batch_size=2)
    loss = accumulate(model, loader, nn.MSELoss(), optimizer, torch.device("cpu"), 4)
    assert 0 < loss < float("inf")


def test_accumulating_epochs_learn_under_autocast(accumulate, device):
    model = InBf16(nn.Linear(4, 2)).to(device)
    batches = [(x, x[:, :2] - x[:, 2:]) for x, _ in batches_of([4, 4, 4, 4, 3])]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    losses = [accumulate(model, batches, nn.MSELoss(), optimizer, device, 2) for _ in range(10)]
    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize("wrong", [0, -3])
def test_arguments_that_mean_nothing_are_named(clip, accumulate, wrong):
    model = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for train, name in ((clip, "max_norm"), (accumulate, "accum_steps")):
        with pytest.raises(ValueError, match=f"{name} is {wrong}"):
            train(model, batches_of([3]), nn.MSELoss(), optimizer, torch.device("cpu"), wrong)


# challenge_mixed_precision: losses so small that 65536 times their gradients fit into fp16


def small_mse(output, y):
    return 0.01 * nn.functional.mse_loss(output, y)


@pytest.mark.parametrize("max_norm", [None, 0.005])
@pytest.mark.parametrize(("optimizer", "lr"), [(torch.optim.SGD, 3.0), (torch.optim.AdamW, 0.03)])
def test_mixed_precision_learns_almost_as_float32_does(amp, device, max_norm, optimizer, lr):
    model = nn.Sequential(nn.Linear(4, 16), nn.LayerNorm(16), nn.GELU(), nn.Linear(16, 2))
    model.to(device)
    twin = copy.deepcopy(model)
    batches = [(x, x[:, :2] * x[:, 2:]) for x, _ in batches_of([16, 16, 7])]
    by, other = (optimizer(m.parameters(), lr=lr) for m in (model, twin))
    losses, wanted = [], []
    for _ in range(12):
        losses.append(amp(model, batches, small_mse, by, device, max_norm))
        total = 0.0
        for x, y in batches:
            other.zero_grad()
            loss = small_mse(twin(x.to(device)), y.to(device))
            loss.backward()
            if max_norm:
                nn.utils.clip_grad_norm_(twin.parameters(), max_norm)
            other.step()
            total += loss.item() * len(x)
        wanted.append(total / 39)
    assert losses == pytest.approx(wanted, rel=0.05)
    assert losses != wanted
    assert losses[-1] < 0.95 * losses[0]


@pytest.mark.parametrize("B", [1, 5])
def test_products_are_in_16_bits_and_what_is_kept_in_32(amp, device, B):
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 9, 4))
    model.to(device)
    seen, losses = {}, []
    for part in model:
        part.register_forward_hook(lambda part, _, out: seen.update({type(part): out.dtype}))

    def criterion(logits, y):
        losses.append(0.01 * nn.functional.cross_entropy(logits, y))
        return losses[-1]

    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    amp(model, [(torch.randn(B, 3, 5, 5), torch.randint(4, (B,)))], criterion, optimizer, device)
    half = torch.float16 if device.type == "cuda" else torch.bfloat16
    assert seen == dict.fromkeys((nn.Conv2d, nn.ReLU, nn.Flatten, nn.Linear), half)
    assert losses[0].dtype == torch.float32
    for p in model.parameters():
        assert p.dtype == p.grad.dtype == torch.float32
        assert p.grad.isfinite().all()
    moments = {t.dtype for state in optimizer.state.values() for t in state.values()}
    assert moments == {torch.float32}


def test_gradients_too_small_for_fp16_arrive(amp, device):
    model = nn.Linear(4, 2, bias=False).to(device)
    before, (x, y) = model.weight.detach().clone(), batches_of([8])[0]
    optimizer = torch.optim.SGD(model.parameters(), lr=1e9)
    amp(model, [(x, y)], lambda out, _: 1e-9 * out.float().sum(), optimizer, device)
    want = x.sum(dim=0).to(device).expand(2, 4)
    torch.testing.assert_close(before - model.weight, want, rtol=0.02, atol=0.05)


def test_an_overflow_in_fp16_costs_one_step_and_half_the_scale(amp, device):
    model, scales, steps = nn.Linear(4, 2).to(device), [], []
    factors = iter([0.01, 1e6, 0.01, 0.01])

    def criterion(out, y):
        loss = next(factors) * out.float().mean()
        loss.register_hook(lambda g: scales.append(g.item()))
        return loss

    optimizer = torch.optim.SGD(model.parameters(), lr=1e-9)
    optimizer.register_step_post_hook(lambda *_: steps.append(len(scales)))
    loss = amp(model, batches_of([4, 4, 4, 4]), criterion, optimizer, device, max_norm=1.0)
    assert abs(loss) < float("inf")
    if device.type == "cuda":
        assert scales == [65536, 65536, 32768, 32768]
        assert steps == [1, 3, 4]
    else:
        assert scales == [1, 1, 1, 1]
        assert steps == [1, 2, 3, 4]
    assert all(p.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("max_norm", [1e-4, 1e-3])
def test_a_step_is_as_long_as_its_clipped_gradient(amp, device, max_norm):
    model = nn.Linear(4, 2).to(device)
    before = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=100.0)
    amp(model, batches_of([8]), small_mse, optimizer, device, max_norm)
    pairs = zip(model.parameters(), before.parameters(), strict=True)
    moved = sum((p - q).detach().pow(2).sum() for p, q in pairs).sqrt().item()
    assert moved == pytest.approx(100 * max_norm, rel=1e-3)


def test_mixed_precision_on_batches_that_do_not_fit_raises_and_leaves_autocast(amp, device):
    model = nn.Linear(5, 2).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(RuntimeError):
        amp(model, batches_of([3]), nn.MSELoss(), optimizer, device)
    assert not torch.is_autocast_enabled(device.type)


# challenge_gradient_checkpointing


class Unchecked(nn.Sequential):
    """The block that a CheckpointedBlock is to equal, of the same submodules."""

    def __init__(self, block):
        super().__init__(*copy.deepcopy(block).children())

    def forward(self, x):
        return x + super().forward(x)


def both(checkpointed, device, depth=1, dropout=0.4):
    blocks = [checkpointed(6, 24, dropout=dropout) for _ in range(depth)]
    plain = nn.Sequential(*map(Unchecked, blocks))
    return nn.Sequential(*blocks).to(device), plain.to(device)


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("shape", [(1, 6), (0, 6), (5, 3, 6), (2, 3, 4, 6)])
def test_a_deep_stack_has_the_gradients_of_plain_blocks(checkpointed, device, shape, autocast):
    nets, x = both(checkpointed, device, depth=3), torch.randn(shape, device=device)
    found = []
    for net in nets:
        leaf = x.clone().requires_grad_()
        torch.manual_seed(3)
        with torch.autocast(device.type, torch.bfloat16, enabled=autocast):
            out = net(leaf)
        out.float().square().sum().backward()
        found.append([out, leaf.grad, *(p.grad for p in net.parameters())])
    for got, want in zip(*found, strict=True):
        torch.testing.assert_close(got, want)


def test_training_runs_as_with_plain_blocks(checkpointed, device):
    nets, x = both(checkpointed, device, depth=2), torch.randn(9, 6, device=device)
    for net in nets:
        torch.manual_seed(4)
        optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
        for _ in range(5):
            optimizer.zero_grad()
            (net(x) - x.roll(1, dims=1)).square().mean().backward()
            optimizer.step()
    for got, want in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        torch.testing.assert_close(got, want)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_a_stack_keeps_one_input_a_block(checkpointed, device, depth):
    net, plain = both(checkpointed, device, depth)
    x, kept = torch.randn(7, 6, device=device, requires_grad=True), []

    def elements(module):
        own = {p.data_ptr() for p in module.parameters()}
        kept.clear()
        with saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
            module(x)
        return sum({t.data_ptr(): t.numel() for t in kept if t.data_ptr() not in own}.values())

    assert elements(net) == depth * x.numel()
    assert elements(plain) > 10 * depth * x.numel()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_memory_of_a_gpu_between_forward_and_backward(checkpointed):
    held = []
    for net in both(checkpointed, torch.device("cuda"), depth=8):
        x = torch.randn(20000, 6, device="cuda")
        net(x).sum().backward()  # whatever is allocated once
        before = torch.cuda.memory_allocated()
        out = net(x)
        held.append(torch.cuda.memory_allocated() - before)
        del out
    assert held[0] < 0.3 * held[1]


def test_gradcheck_through_the_second_forward_pass(checkpointed):
    block = checkpointed(3, 5, dropout=0.0).double()
    x = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(block, x)
    assert torch.autograd.gradgradcheck(block, x)


def test_block_on_the_meta_device_and_state_dict(checkpointed):
    block = checkpointed(6, 24)
    assert block.to("meta")(torch.empty(4, 6, device="meta")).shape == (4, 6)
    one, other = checkpointed(6, 24), checkpointed(6, 24)
    other.load_state_dict(one.state_dict())
    x = torch.randn(4, 6)
    torch.testing.assert_close(one.eval()(x), other.eval()(x))


def test_frozen_block_lets_gradients_through(checkpointed, device):
    block = checkpointed(6, 24).to(device).requires_grad_(False)
    x = torch.randn(4, 6, device=device, requires_grad=True)
    block(x).sum().backward()
    assert x.grad.abs().min() > 0
    assert not block(x.detach()).requires_grad


def test_another_width_raises(checkpointed):
    with pytest.raises(RuntimeError):
        checkpointed(6, 24)(torch.randn(4, 7))


# challenge_custom_dataset_paths


class Folder(Mapping):
    """Opens a file when its key is read."""

    def __init__(self, root):
        self.root = root

    def __getitem__(self, path):
        return torch.load(self.root / path, weights_only=True)

    def __iter__(self):
        return (p.relative_to(self.root) for p in sorted(self.root.rglob("*.pt")))

    def __len__(self):
        return sum(1 for _ in self)


def test_dataset_on_real_files(paths_dataset, tmp_path):
    pairs = []
    for i in range(5):
        (tmp_path / f"class {i % 2}").mkdir(exist_ok=True)
        pairs.append((f"class {i % 2}/{i}.pt", i % 2))
        torch.save(torch.full((2, 2), i), tmp_path / pairs[-1][0])
    dataset = paths_dataset(iter(pairs), Folder(tmp_path), transform=lambda x: x.float() / 4)
    got = [(x.tolist(), y.item()) for x, y in dataset]
    assert got == [([[i / 4] * 2] * 2, i % 2) for i in range(5)]
    with pytest.raises(KeyError, match="7.pt"):
        paths_dataset([*pairs, (tmp_path / "7.pt", 0)], Folder(tmp_path))
    (tmp_path / pairs[3][0]).unlink()
    assert len(dataset) == 5
    with pytest.raises(FileNotFoundError, match="3.pt"):
        dataset[3]


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_open_each_file_once(paths_dataset, workers):
    files = {f"{i}.pt": torch.full((3,), float(i)) for i in range(11)}
    dataset = paths_dataset([(f"{i}.pt", i) for i in range(11)], files)
    loader = DataLoader(dataset, batch_size=4, shuffle=True, num_workers=workers)
    batches = list(loader)
    assert sorted(y for _, ys in batches for y in ys.tolist()) == list(range(11))
    assert all(torch.equal(x, y[:, None].expand(-1, 3).float()) for x, y in batches)


def test_dataset_survives_pickling(paths_dataset):
    dataset = paths_dataset(
        [("a.pt", 3), ("b.pt", 4)], {"a.pt": torch.ones(2), "b.pt": torch.zeros(2)}
    )
    again = pickle.loads(pickle.dumps(dataset))
    assert [(x.tolist(), y.item()) for x, y in again] == [([1, 1], 3), ([0, 0], 4)]


def test_dataset_inside_other_datasets(paths_dataset):
    files = {f"{i}.pt": torch.tensor(i) for i in range(6)}
    train = paths_dataset([(f"{i}.pt", i) for i in range(6)], files, transform=torch.neg)
    valid = paths_dataset([(f"{i}.pt", i) for i in range(6)], files)
    joined = ConcatDataset([Subset(train, [0, 2]), Subset(valid, [5, -1])])
    assert [x.item() for x, _ in joined] == [0, -2, 5, 5]


def test_random_transform_is_drawn_again_and_repeats_with_the_seed(paths_dataset):
    files = {"a.pt": torch.arange(50.0)}
    dataset = paths_dataset([("a.pt", 0)], files, lambda x: x[torch.randperm(50)[:3]])
    draws = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        draws.append([dataset[0][0].tolist() for _ in range(3)])
    assert draws[0] == draws[1] != draws[2]
    assert draws[0][0] != draws[0][1] != draws[0][2]


def test_no_pairs_and_unequal_shapes(paths_dataset):
    assert len(paths_dataset([], {})) == 0
    files = {"a.pt": torch.ones(2), "b.pt": torch.ones(3)}
    dataset = paths_dataset([("a.pt", 0), ("b.pt", 1)], files)
    with pytest.raises(RuntimeError, match="equal size"):
        next(iter(DataLoader(dataset, batch_size=2)))


# the three together


def test_from_paths_to_a_trained_model(amp, checkpointed, paths_dataset, device):
    x = torch.randn(40, 6)
    files = dict(zip((f"{i}.pt" for i in range(40)), x, strict=True))
    pairs = [(path, int(row[0] > row[1])) for path, row in files.items()]
    loader = DataLoader(paths_dataset(pairs, files), batch_size=9, shuffle=True)
    model = nn.Sequential(checkpointed(6, 12, dropout=0.1), nn.Linear(6, 2)).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    losses = [amp(model, loader, nn.CrossEntropyLoss(), optimizer, device) for _ in range(15)]
    assert losses[-1] < 0.5 * losses[0]


# the hunts


class Tagger(nn.Module):
    """Its states run along L, in both directions."""

    def __init__(self):
        super().__init__()
        self.embed, self.gru = (
            nn.Embedding(9, 8),
            nn.GRU(8, 8, batch_first=True, bidirectional=True),
        )
        self.head = nn.Linear(16, 9)

    def forward(self, ids):
        return self.head(self.gru(self.embed(ids))[0])


@pytest.mark.parametrize("sizes", [[1] * 6, [4, 2], [5, 1], [2, 2, 2]])
def test_however_answers_are_cut_the_gradient_is_the_same(hunted, sizes, device):
    model, ids = Tagger().to(device), torch.randint(9, (6, 12), device=device)
    labels = torch.where(
        torch.arange(12, device=device)
        < torch.tensor([[1], [12], [3], [0], [7], [2]], device=device),
        ids.flip(1),
        -100,
    )
    found = []
    for cut in ([6], sizes):
        loss = hunted[0](model, list(zip(ids.split(cut), labels.split(cut), strict=True)))
        found.append((torch.tensor(loss), *(p.grad.clone() for p in model.parameters())))
    for got, want in zip(*found, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-6)


def test_sixteen_bits_learn_as_well_as_thirty_two(hunted, device):
    x = torch.randn(256, 16, device=device)
    y = x[:, :4].argmax(dim=1)
    parts = nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 4)
    exact, losses = nn.Sequential(*parts).to(device), []
    for model in (copy.deepcopy(exact).bfloat16(), exact):
        params = list(model.parameters())
        for _ in range(200):
            loss = nn.functional.cross_entropy(model(x.to(params[0].dtype)).float(), y)
            grads = torch.autograd.grad(loss, params)
            if model is exact:
                for p, grad in zip(params, grads, strict=True):
                    p.data -= 0.02 * grad
            else:
                hunted[1](params, list(grads), 0.02)
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=0.03)


@pytest.mark.parametrize("max_norm", [0.05, 1e9])
def test_the_order_of_micro_batches_does_not_matter(hunted, max_norm, device):
    start = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3)).to(device)
    x, y = torch.randn(6, 4, 5, device=device), torch.randint(3, (6, 4), device=device)
    found = []
    for order in (range(6), range(5, -1, -1), [3, 1, 5, 0, 2, 4]):
        model = copy.deepcopy(start)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
        norm = hunted[2](model, optimizer, [(x[i], y[i]) for i in order], max_norm)
        found.append(
            torch.cat([torch.tensor([norm]), *(p.grad.flatten().cpu() for p in model.parameters())])
        )
    for other in found[1:]:
        torch.testing.assert_close(other, found[0], rtol=1e-4, atol=1e-6)


# --- timing ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def timing():
    return load(LEVEL / "solution_timing.py")


def test_times_are_in_order_and_the_callers_grad_mode_stays(timing, device):
    x, modes = torch.ones(50, 50, device=device), []

    def call():
        modes.append(torch.is_grad_enabled())
        return x @ x

    with torch.no_grad():
        timing["benchmark"](call, device, 0, 1)
    seconds = timing["benchmark"](call, device, warmup=2, repeats=5)
    assert modes == [False] + [True] * 7
    assert 0 < seconds["min"] <= seconds["median"] <= seconds["max"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_s_own_time_and_peak(timing):
    small, large = (torch.randn(n, n, device="cuda") for n in (1000, 8000))
    times = [timing["benchmark"](lambda x=x: x @ x, "cuda")["median"] for x in (small, large)]
    assert times[1] > 20 * times[0]  # 512 times the work
    before = torch.cuda.memory_allocated()
    peak = timing["peak_memory"](lambda: (large @ large).sum(), torch.device("cuda"))
    assert 0 <= peak - before - large.numel() * 4 < 64 * 2**20


# --- chunked cross entropy ---


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("chunk_size", [1, 50, 4096])
def test_a_loss_in_chunks_trains_like_the_whole_one(chunked, dtype, chunk_size, device):
    """Tied to a table of embeddings, as in a language model: its gradient comes from both ends."""
    table = nn.Embedding(90, 16, device=device, dtype=dtype)
    ids, targets = torch.randint(90, (2, 120), device=device)
    targets[::7] = -100
    loss = chunked(torch.tanh(table(ids)), table.weight, targets, chunk_size)
    got = torch.autograd.grad(loss, table.weight)[0]
    exact = table.weight.detach().double().requires_grad_()
    logits = torch.tanh(nn.functional.embedding(ids, exact)) @ exact.T
    want = nn.functional.cross_entropy(logits, targets)
    right = torch.autograd.grad(want, exact)[0]
    tol = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 0.02}[dtype]
    assert abs(loss.item() - want.item()) < tol * want.item()
    assert (got - right).norm() < tol * right.norm()
    assert got.dtype == dtype


def test_a_loss_in_chunks_without_a_graph_and_by_gradcheck(chunked):
    hidden, weight = torch.randn(9, 4), torch.randn(7, 4, requires_grad=True)
    with torch.no_grad():
        assert not chunked(hidden, weight, torch.arange(9) % 7, 4).requires_grad
    assert torch.autograd.gradcheck(
        lambda h, w: chunked(h, w, torch.tensor([0, 2, -100, 1]), 3),
        [torch.randn(n, 2, dtype=torch.float64, requires_grad=True) for n in (4, 3)],
    )


# --- low precision ---


def test_every_fp8_number_comes_back(low, device):
    """Whatever the power of two that the block is scaled by."""
    numbers = torch.arange(127, dtype=torch.uint8, device=device).view(torch.float8_e4m3fn).float()
    for power in (-120, -9, 0, 60, 118):
        x = torch.cat([numbers, -numbers, numbers.new_zeros(2)]) * 2.0**power
        assert torch.equal(low["dequantize_fp8"](*low["quantize_fp8"](x)[:2]), x)


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 1e30])
def test_an_fp8_linear_layer_is_off_by_a_few_percent(low, scale):
    x, weight = torch.randn(32, 512) * scale, torch.randn(64, 512)
    x[:, 3] *= 100
    want = (x.double() / scale) @ weight.double().T
    got = low["fp8_linear"](x, weight).double() / scale
    assert 0.001 < (got - want).norm() / want.norm() < 0.05


def test_a_linear_model_trains_in_bfloat16_with_either_cure(low):
    """Plain bfloat16 stops far from the solution."""
    x, target = torch.randn(512, 8), torch.linspace(-2, 2, 8)
    y, losses = x @ target, {}
    for cure in ("none", "stochastic", "kahan"):
        p, rest = torch.ones(8).bfloat16(), torch.zeros(8).bfloat16()
        for _ in range(600):
            update = -0.01 * (x.T @ (x @ p.float() - y)) / len(x)
            if cure == "kahan":
                low["kahan_add_"](p, update, rest)
            elif cure == "stochastic":
                p = low["stochastic_round_bf16"](p.float() + update)
            else:
                p += update.bfloat16()
        losses[cure] = (p.float() - target).norm().item()
    assert losses["kahan"] < 0.05
    assert losses["stochastic"] < 0.15
    assert losses["none"] > 3 * max(losses["kahan"], losses["stochastic"])
