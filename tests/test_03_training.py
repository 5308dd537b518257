"""What the solutions of level 03 keep beyond their checks."""

import copy

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from practice.exercises import ROOT, load

F, K = 6, 4
SGD = torch.optim.SGD


@pytest.fixture(scope="module")
def train_one_epoch():
    return load(ROOT / "03_training" / "solution_training_loop.py")["train_one_epoch"]


def classifier(norm=True):
    return nn.Sequential(
        nn.Linear(F, 8), nn.BatchNorm1d(8) if norm else nn.Identity(), nn.ReLU(), nn.Linear(8, K)
    )


def samples(n):
    x = torch.randn(n, F)
    return x, x[:, :K].argmax(dim=1)


@pytest.mark.parametrize(
    "make",
    [
        lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.1),
        lambda p: torch.optim.AdamW([{"params": list(p), "lr": 0.02}], amsgrad=True),
        lambda p: torch.optim.RMSprop(p, lr=0.01, centered=True),
        lambda p: SGD(p, lr=0.1, momentum=0.9, nesterov=True, maximize=True),
    ],
    ids=["Adam", "AdamW in groups", "RMSprop", "SGD uphill"],
)
def test_epochs_equal_steps_by_hand(train_one_epoch, device, make):
    x, y = samples(22)
    model, criterion = classifier().to(device), nn.CrossEntropyLoss(label_smoothing=0.1)
    twin = copy.deepcopy(model)
    mine, other = make(model.parameters()), make(twin.parameters())
    for _ in range(3):
        train_one_epoch(
            model, list(zip(x.split(8), y.split(8), strict=True)), criterion, mine, device
        )
        for xs, ys in ((x[:8], y[:8]), (x[8:16], y[8:16]), (x[16:], y[16:])):
            loss = criterion(twin(xs.to(device)), ys.to(device))
            for p, grad in zip(
                twin.parameters(), torch.autograd.grad(loss, twin.parameters()), strict=True
            ):
                p.grad = grad
            other.step()
    for got, want in zip(model.state_dict().values(), twin.state_dict().values(), strict=True):
        torch.testing.assert_close(got, want)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 10, 64])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_loss_does_not_depend_on_the_batches_when_nothing_moves(
    train_one_epoch, device, batch_size, dtype
):
    x, y = samples(10)
    model, criterion = classifier(norm=False).to(device, dtype), nn.CrossEntropyLoss()
    loader = DataLoader(TensorDataset(x.to(dtype), y), batch_size, shuffle=True)
    loss = train_one_epoch(model, loader, criterion, SGD(model.parameters(), lr=0.0), device)
    want = criterion(model(x.to(device, dtype)), y.to(device)).item()
    assert loss == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize("how", [{"shuffle": True}, {"drop_last": True}], ids=["short", "full"])
def test_one_forward_pass_for_each_batch_that_comes(train_one_epoch, device, how):
    model = classifier().to(device)
    loader = DataLoader(TensorDataset(*samples(45)), batch_size=8, **how)
    train_one_epoch(model, loader, nn.CrossEntropyLoss(), SGD(model.parameters(), lr=0.1), device)
    assert model[1].num_batches_tracked == len(loader)


def test_it_learns(train_one_epoch, device):
    x, y = samples(256)
    model = classifier().to(device)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses = [
        train_one_epoch(model, loader, nn.CrossEntropyLoss(), optimizer, device) for _ in range(8)
    ]
    assert losses[-1] < 0.4 * losses[0]
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_interrupted_training_resumes_exactly(train_one_epoch, device):
    x, y = samples(20)
    batches = list(zip(x.split(6), y.split(6), strict=True))

    def epochs(n, model, optimizer):
        return [
            train_one_epoch(model, batches, nn.CrossEntropyLoss(), optimizer, device)
            for _ in range(n)
        ]

    model = classifier().to(device)
    start = copy.deepcopy(model.state_dict())
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    whole = epochs(4, model, optimizer)

    first = classifier().to(device)
    first.load_state_dict(start)
    stopped = SGD(first.parameters(), lr=0.1, momentum=0.9)
    parts = epochs(2, first, stopped)
    second = classifier().to(device)
    second.load_state_dict(first.state_dict())
    resumed = SGD(second.parameters(), lr=0.1, momentum=0.9)
    resumed.load_state_dict(stopped.state_dict())
    parts += epochs(2, second, resumed)
    assert parts == pytest.approx(whole, rel=1e-5)


def test_model_in_bfloat16_autocast(train_one_epoch, device):
    class Autocast(nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, x):
            with torch.autocast(device.type, dtype=torch.bfloat16):
                return self.model(x)

    x, y = samples(48)
    model = Autocast(classifier()).to(device)
    before = copy.deepcopy(model.state_dict())
    batches = list(zip(x.split(16), y.split(16), strict=True))
    loss = train_one_epoch(
        model, batches, nn.CrossEntropyLoss(), SGD(model.parameters(), lr=0.1), device
    )
    assert 0 < loss < 10
    for name, p in model.named_parameters():
        assert p.dtype == torch.float32
        assert p.isfinite().all() and not torch.equal(p, before[name]), name


@pytest.mark.parametrize("shape", [(5,), (5, 3), (5, 3, 4)])
def test_regression_of_any_rank(train_one_epoch, device, shape):
    y = torch.randn(shape)
    bias = nn.ParameterList([nn.Parameter(torch.zeros(shape[1:], device=device))])
    model = nn.Module()
    model.bias, model.forward = bias, lambda x: x + bias[0]
    loss = train_one_epoch(
        model, [(y * 0, y)], nn.MSELoss(), SGD(model.parameters(), lr=0.5), device
    )
    assert loss == pytest.approx(y.square().mean().item(), rel=1e-5)
    assert bias[0].isfinite().all()


@pytest.mark.parametrize("loss", [float("inf"), float("nan")])
def test_a_loss_that_is_not_finite_is_reported_not_hidden(train_one_epoch, device, loss):
    model = nn.Linear(2, 1).to(device)
    batches = [(torch.ones(2, 2), torch.tensor([[v], [v]])) for v in (0.0, loss)]
    got = train_one_epoch(model, batches, nn.L1Loss(), SGD(model.parameters(), lr=0.1), device)
    assert not torch.tensor(got).isfinite()


@pytest.mark.parametrize("empty", [[], (), iter([])], ids=["list", "tuple", "iterator"])
def test_nothing_to_average_raises_and_moves_nothing(train_one_epoch, device, empty):
    model = nn.Linear(2, 1).to(device)
    weight = model.weight.detach().clone()
    with pytest.raises(ValueError, match="batch"):
        train_one_epoch(model, empty, nn.MSELoss(), SGD(model.parameters(), lr=0.1), device)
    assert torch.equal(model.weight, weight)


def test_labels_that_do_not_fit_raise(train_one_epoch, device):
    model = classifier().to(device)
    batch = torch.randn(4, F), torch.zeros(3, dtype=torch.int64)
    with pytest.raises(ValueError):
        train_one_epoch(
            model, [batch], nn.CrossEntropyLoss(), SGD(model.parameters(), lr=0.1), device
        )
