"""What the solutions of level 07 keep beyond their checks."""

import copy

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
