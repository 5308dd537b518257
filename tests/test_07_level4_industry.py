"""What the solutions of level 07 keep beyond their checks."""

import copy
import importlib
import importlib.util
import json
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

from practice.exercises import ROOT, load

LEVEL = ROOT / "07_level4_industry"
PIPELINE = LEVEL / "solution_full_pipeline.py"
F, K = 6, 3


@pytest.fixture(scope="module")
def pipeline():
    return load(PIPELINE)


@pytest.fixture(scope="module")
def stopping():
    return load(LEVEL / "solution_early_stopping.py")


@pytest.fixture(scope="module")
def schedule():
    return load(LEVEL / "solution_lr_scheduler.py")["train_with_scheduler"]


class InBf16(nn.Module):
    """Autocast around forward alone."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        with torch.autocast(x.device.type, dtype=torch.bfloat16):
            return self.inner(x).float()


def classifier(norm=True):
    layers = nn.Linear(F, 16), nn.BatchNorm1d(16) if norm else nn.Identity(), nn.ReLU()
    return nn.Sequential(*layers, nn.Linear(16, K))


def rows(n, batch_size, dtype=torch.float32, **options):
    """Rows whose label is the largest of their first features."""
    x = torch.randn(n, F)
    return DataLoader(TensorDataset(x.to(dtype), x[:, :K].argmax(dim=1)), batch_size, **options)


# challenge_full_pipeline


def test_the_best_model_is_as_good_on_rows_that_chose_nothing(pipeline, tmp_path):
    best = pipeline["run_full_pipeline"](8, tmp_path)
    model = pipeline["SignalNet"]()
    model.load_state_dict(torch.load(tmp_path / "best.pt", weights_only=True)["model"])
    test_set = pipeline["SignalDataset"](600, rows_seed=1)
    _, accuracy = pipeline["evaluate"](model, DataLoader(test_set, 100))
    assert accuracy > 0.8 and accuracy == pytest.approx(best, abs=0.12)
    recalls = [
        pipeline["evaluate"](model, DataLoader(Subset(test_set, range(k, k + 200)), 100))[1]
        for k in (0, 200, 400)  # the rows are sorted by label
    ]
    assert sum(recalls) / 3 == pytest.approx(accuracy) and min(recalls) > 0.5


def test_each_epoch_is_logged(pipeline, tmp_path, caplog):
    with caplog.at_level("INFO"):
        best = pipeline["run_full_pipeline"](3, tmp_path)
    assert len(caplog.messages) == 3
    assert caplog.messages[-1].endswith(f"best {best:.3f}")


@pytest.mark.parametrize("epochs", [1, 4])
def test_another_program_finds_the_accuracy_again(pipeline, tmp_path, epochs):
    best = pipeline["run_full_pipeline"](epochs, tmp_path)
    saved = torch.load(tmp_path / "best.pt", weights_only=True)
    assert saved["val_acc"] == best
    model = pipeline["SignalNet"]()
    model.load_state_dict(saved["model"])
    pipeline["set_seed"]()
    _, val_loader = pipeline["build_dataloaders"]()
    loss, accuracy = pipeline["evaluate"](model, val_loader)
    assert accuracy == best and 0 < loss < 1.1


@pytest.mark.parametrize(
    ("sizes", "n_val"),
    [((2, 1, 0.5), 1), ((7, 64, 0.43), 3), ((31, 31, 0.03), 1), ((60, 7, 0.999), None)],
)
def test_parts_of_any_size(pipeline, sizes, n_val):
    if n_val is None:
        with pytest.raises(ValueError):
            pipeline["build_dataloaders"](*sizes)
        return
    train, val = pipeline["build_dataloaders"](*sizes)
    both = [sum(len(y) for _, y in loader) for loader in (train, val)]
    assert both == [sizes[0] - n_val, n_val]
    assert all(len(y) <= sizes[1] for loader in (train, val) for _, y in loader)


def test_a_seed_fixes_the_initial_weights(pipeline):
    states = []
    for seed in (3, 3, 4):
        pipeline["set_seed"](seed)
        states.append(pipeline["SignalNet"]().state_dict()["0.weight"])
    assert torch.equal(states[0], states[1]) and not torch.equal(states[0], states[2])


@pytest.mark.parametrize("N", [1, 2, 9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_network(pipeline, device, N, dtype):
    model = pipeline["SignalNet"]().to(device, dtype).train(N > 1)
    out = model(torch.randn(N, 16, device=device, dtype=dtype))
    assert out.shape == (N, 3) and out.dtype == dtype
    out.square().sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    with torch.autocast(device.type, dtype=torch.bfloat16):
        assert model.float().eval()(torch.randn(N, 16, device=device)).dtype == torch.bfloat16
    with pytest.raises(RuntimeError):
        model(torch.randn(N, 15, device=device))
    assert model.to("meta")(torch.randn(N, 16, device="meta")).is_meta


# challenge_early_stopping


@pytest.mark.parametrize("batch_size", [1, 7, 64])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_model_that_is_left_has_the_best_accuracy(stopping, device, batch_size, dtype):
    model = classifier(norm=batch_size > 1).to(device, dtype)
    train, val = rows(max(21, batch_size), batch_size, dtype, shuffle=True), rows(37, 5, dtype)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    best, stopped = stopping["early_stopping_loop"](
        model, train, val, nn.CrossEntropyLoss(), optimizer, device, 8, 2
    )
    assert 1 <= stopped <= 8 and type(stopped) is int
    assert stopping["accuracy"](model, val, device) == best
    assert all(p.isfinite().all() for p in model.parameters())


def test_early_stopping_learns_in_bf16_autocast(stopping, device):
    model = InBf16(classifier()).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    best, _ = stopping["early_stopping_loop"](
        model, rows(200, 20), rows(100, 50), nn.CrossEntropyLoss(), optimizer, device, 10, 3
    )
    assert best > 0.6


@pytest.mark.parametrize("patience", [1, 4])
def test_without_learning_it_stops_after_patience(stopping, device, patience):
    model = classifier(norm=False).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    args = nn.CrossEntropyLoss(), optimizer, device, 50, patience
    _, stopped = stopping["early_stopping_loop"](model, rows(4, 2), rows(9, 4), *args)
    assert stopped == patience + 1


def test_tied_parameters_stay_tied(stopping, device):
    model = nn.Sequential(nn.Linear(F, F), nn.ReLU(), nn.Linear(F, F))
    model[2].weight = model[0].weight
    model.to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    stopping["early_stopping_loop"](
        model, rows(20, 5), rows(20, 5), nn.CrossEntropyLoss(), optimizer, device, 6, 1
    )
    assert model[2].weight is model[0].weight
    before = model[0].weight.clone()
    model(torch.randn(4, F, device=device)).sum().backward()
    optimizer.step()
    assert not torch.equal(before, model[2].weight)


def test_early_stopping_refuses_rows_of_another_width(stopping, device):
    model = nn.Linear(F + 1, K).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    args = nn.CrossEntropyLoss(), optimizer, device, 2, 1
    with pytest.raises(RuntimeError):
        stopping["early_stopping_loop"](model, rows(8, 4), rows(8, 4), *args)


# challenge_lr_scheduler


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize(
    ("epochs", "step_size", "gamma"), [(1, 1, 0.5), (4, 3, 0.2), (5, 1, 0.9), (3, 7, 0.1)]
)
def test_schedule_equals_closed_form(schedule, device, dtype, epochs, step_size, gamma):
    loader, criterion = rows(13, 4, dtype), nn.CrossEntropyLoss()
    model = classifier(norm=False).to(device, dtype)
    twin = copy.deepcopy(model)
    final = schedule(model, loader, criterion, device, epochs, 0.1, step_size, gamma)
    assert final == pytest.approx(0.1 * gamma ** (epochs // step_size))
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(epochs):
        optimizer.param_groups[0]["lr"] = 0.1 * gamma ** (epoch // step_size)
        for x, y in loader:
            twin.zero_grad()
            criterion(twin(x.to(device)), y.to(device)).backward()
            optimizer.step()
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(p, q)
        assert p.isfinite().all()


def test_schedule_in_bf16_autocast_learns(schedule, device):
    model, loader = InBf16(classifier()).to(device), rows(200, 20)
    schedule(model, loader, nn.CrossEntropyLoss(), device, 10, 0.1, 5, 0.1)
    hits = [(model.eval()(x.to(device)).argmax(1).cpu() == y).float() for x, y in loader]
    assert torch.cat(hits).mean() > 0.7


def test_frozen_parameters_stay_and_state_dict_goes_on(schedule, device):
    model, loader = classifier().to(device), rows(20, 5)
    model[0].requires_grad_(False)
    before = copy.deepcopy(model.state_dict())
    schedule(model, loader, nn.CrossEntropyLoss(), device, 2, 0.1, 1, 0.5)
    other = classifier().to(device)
    other.load_state_dict(model.state_dict())
    x = torch.randn(3, F, device=device)
    assert torch.equal(model.eval()(x), other.eval()(x))
    moved = [not torch.equal(before[k], v) for k, v in model.state_dict().items()]
    assert moved[:2] == [False, False] and all(moved[2:])


def test_negative_rate_and_other_widths_are_refused(schedule, device):
    model, criterion = classifier().to(device), nn.CrossEntropyLoss()
    with pytest.raises(ValueError):
        schedule(model, rows(8, 4), criterion, device, 1, -0.1, 1, 0.5)
    with pytest.raises(RuntimeError):
        schedule(nn.Linear(F + 1, K).to(device), rows(8, 4), criterion, device, 1, 0.1, 1, 0.5)


# challenge_export

ONNX = [
    name for name in ("onnx", "onnxscript", "onnxruntime") if not importlib.util.find_spec(name)
]
SIZES = 1, 2, 7


@pytest.fixture(scope="module")
def export():
    return load(LEVEL / "solution_export.py")


@pytest.fixture(scope="module")
def pixel_net(export):
    torch.manual_seed(0)
    return export["PixelNet"](5, 3)  # in train mode


def batches_of_pixels():
    torch.manual_seed(1)
    return [torch.rand(n, 5) * limit for n in SIZES for limit in (1, 255)]


@pytest.mark.slow
def test_a_fresh_process_without_the_class_gives_the_same(export, pixel_net, tmp_path):
    export["export_model"](pixel_net, torch.rand(1, 5), tmp_path / "net.pt2")
    inputs, net = batches_of_pixels(), copy.deepcopy(pixel_net).eval()
    program = f"""
import torch
net = torch.export.load("net.pt2").module()
print([net(torch.tensor(x)).tolist() for x in {[x.tolist() for x in inputs]}])
"""
    command = [sys.executable, "-c", program]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    for got, x in zip(json.loads(told), inputs, strict=True):
        torch.testing.assert_close(torch.tensor(got), net(x).detach())


@pytest.mark.slow
def test_a_convolutional_net_with_batch_norm(export, tmp_path):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.LazyLinear(2))
    net(torch.randn(4, 3, 6, 6))
    export["export_model"](net, torch.randn(1, 3, 6, 6), tmp_path / "net.pt2")
    loaded = export["load_exported"](tmp_path / "net.pt2")
    assert all(part.training for part in net.modules())
    for n in SIZES:
        x = torch.randn(n, 3, 6, 6)
        torch.testing.assert_close(loaded(x), copy.deepcopy(net).eval()(x))


def test_torchscript_runs_and_is_told_to_be_deprecated(export, tmp_path):
    net = nn.Sequential(nn.Linear(5, 4), nn.Dropout(0.5))  # a class in a file 07_... it cannot name
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        export["export_torchscript"](net, torch.rand(2, 5), tmp_path / "net.pt")
        loaded = torch.jit.load(str(tmp_path / "net.pt"))
    assert torch.__version__ < (2, 14) or any("deprecated" in str(one.message) for one in told)
    assert net.training
    for x in batches_of_pixels():
        torch.testing.assert_close(loaded(x), copy.deepcopy(net).eval()(x))


@pytest.mark.slow
@pytest.mark.skipif(bool(ONNX), reason=f"needs {', '.join(ONNX)} of requirements-dev.txt")
def test_onnx_runtime_gives_the_same(export, pixel_net, tmp_path):
    runtime = importlib.import_module("onnxruntime")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        export["export_onnx"](pixel_net, torch.rand(1, 5), tmp_path / "net.onnx")
    session = runtime.InferenceSession(tmp_path / "net.onnx")
    (given,) = session.get_inputs()
    assert pixel_net.training
    for x in batches_of_pixels():
        (got,) = session.run(None, {given.name: x.numpy()})
        torch.testing.assert_close(torch.from_numpy(got), copy.deepcopy(pixel_net).eval()(x))


# challenge_batched_inference


def test_a_thread_polls_while_others_submit():
    server_of = load(LEVEL / "solution_batched_inference.py")["BatchingServer"]
    net, x = classifier(), torch.randn(60, F)
    server, lock, end = (
        server_of(net, 8, 0.001, time.monotonic),
        threading.Lock(),
        threading.Event(),
    )

    def serve():
        while not end.is_set():
            with lock:
                server.poll()

    def ask(rows):
        for i in rows:
            with lock:
                futures[i] = server.submit(x[i])
        return [futures[i].result(timeout=30) for i in rows]

    futures = {}
    with ThreadPoolExecutor(4) as pool:
        pool.submit(serve)
        parts = [pool.submit(ask, range(k, 60, 3)) for k in range(3)]
        answers = {
            i: out
            for k, p in enumerate(parts)
            for i, out in zip(range(k, 60, 3), p.result(), strict=True)
        }
        end.set()
    want = net.eval()(x)
    torch.testing.assert_close(torch.stack([answers[i] for i in range(60)]), want)


@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (1, 4, 4)])
@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.bfloat16])
def test_requests_of_any_shape_and_dtype(shape, dtype):
    server_of = load(LEVEL / "solution_batched_inference.py")["BatchingServer"]
    server = server_of(nn.Identity(), 2, 1.0, lambda: 0.0)
    inputs = [torch.randn(shape).to(dtype) for _ in range(2)]
    futures = [server.submit(x) for x in inputs]
    assert server.poll() == 2
    for x, future in zip(inputs, futures, strict=True):
        torch.testing.assert_close(future.result(timeout=0), x, rtol=0, atol=0)


# challenge_tuning


@pytest.fixture(scope="module")
def tuning():
    return load(LEVEL / "solution_tuning.py")


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.AdamW, torch.optim.RMSprop])
def test_training_goes_on_as_if_there_had_been_no_range_test(tuning, kind):
    def trained(tested):
        torch.manual_seed(0)
        model, loader = classifier(), rows(40, 8)
        optimizer = kind(model.parameters(), lr=0.01)
        for epoch in range(2):
            if tested and epoch:
                tuning["lr_range_test"](
                    model, loader, nn.CrossEntropyLoss(), optimizer, 1e-5, 100, 50
                )
            for x, y in loader:
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(x), y).backward()
                optimizer.step()
        return model.state_dict()

    torch.testing.assert_close(trained(True), trained(False), rtol=0, atol=0)


def test_the_loss_falls_and_then_explodes(tuning):
    model, loader = classifier(norm=False), rows(200, 20, shuffle=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    rates, losses = tuning["lr_range_test"](
        model, loader, nn.CrossEntropyLoss(), optimizer, 1e-3, 1e4, 100
    )
    assert len(rates) == len(losses) < 100
    assert min(losses) < 0.7 * losses[0]
    assert losses[-1] > 4 * min(losses)


def test_halving_finds_a_good_rate_for_less(tuning):
    x = torch.randn(64, 3)
    y, spent = x @ torch.tensor([1.0, -2.0, 3.0]), []

    def train(rate, budget, w):
        w = torch.zeros(3) if w is None else w
        for _ in range(budget):
            spent.append(rate)
            w = w - rate * 2 * x.T @ (x @ w - y) / len(x)
        return float(((x @ w - y) ** 2).mean()), w

    rates = [1e-4, 1e-3, 1e-2, 0.1, 0.3, 1.0, 3.0, 10.0]
    assert tuning["successive_halving"](train, rates, [5, 10, 20, 40]) in (0.1, 0.3)
    assert len(spent) == 160
