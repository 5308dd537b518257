"""What the solutions of level 03 keep beyond their checks."""

import copy

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
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


# --- losses ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def losses():
    return load(ROOT / "03_training" / "solution_losses.py")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("n, k", [(1, 2), (7, 7), (64, 1000), (5, 1)])
def test_losses_equal_the_library_on_any_size(losses, device, dtype, n, k):
    tol = {torch.float32: 1e-5, torch.float64: 1e-10, torch.bfloat16: 5e-2}[dtype]
    logits = (3 * torch.randn(n, k)).to(device, dtype)
    targets, y = torch.randint(k, (n,), device=device), torch.rand(n, k).to(device, dtype)
    weight = torch.rand(k).to(device, dtype)
    for got, want in (
        (losses["my_softmax"](logits, 0), logits.softmax(0)),
        (
            losses["cross_entropy_loss"](logits, targets, label_smoothing=0.2),
            nn.functional.cross_entropy(logits, targets, label_smoothing=0.2),
        ),
        (
            losses["bce_with_logits"](logits, y, weight),
            nn.functional.binary_cross_entropy_with_logits(logits, y, pos_weight=weight),
        ),
        (losses["huber_loss"](logits, y, 0.7), nn.functional.huber_loss(logits, y, delta=0.7)),
        (
            losses["focal_loss"](logits, targets, 1.0, 0.0),
            nn.functional.cross_entropy(logits, targets),
        ),
    ):
        assert got.dtype == dtype
        torch.testing.assert_close(got, want, rtol=tol, atol=tol)


@pytest.mark.parametrize("sizes", [[10000], [1] * 50, [3, 0, 997, 9000]], ids=str)
def test_the_entropy_does_not_depend_on_the_chunks(losses, device, sizes):
    logits = (20 * torch.randn(sum(sizes), dtype=torch.float64)).to(device)
    want = torch.distributions.Categorical(logits=logits).entropy()
    got = losses["streaming_entropy"](iter(logits.split(sizes)))
    torch.testing.assert_close(got, want)


def test_a_classifier_learns_with_the_loss_by_hand(losses, device):
    x, y = samples(128)
    model, y = classifier().to(device), torch.where(torch.arange(128) % 5 == 0, 255, y)
    optimizer = SGD(model.parameters(), lr=0.5)
    for _ in range(30):
        optimizer.zero_grad()
        loss = losses["cross_entropy_loss"](model(x.to(device)), y.to(device), 255)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.5


# --- optimizers -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def optimizers():
    return load(ROOT / "03_training" / "solution_optimizers.py")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("name", "library", "options"),
    [
        ("MySGD", torch.optim.SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
        ("MySGD", torch.optim.SGD, {"lr": 0.1}),
        ("MyAdam", torch.optim.Adam, {"lr": 0.01}),
        ("MyAdamW", torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.2}),
    ],
)
def test_an_optimizer_by_hand_trains_as_the_library(
    optimizers, train_one_epoch, device, name, library, options, dtype
):
    x, y = samples(40)
    model = classifier(norm=False).to(device, dtype)
    twin = copy.deepcopy(model)
    mine = optimizers[name](model.parameters(), **options)
    other = library(twin.parameters(), **options)
    batches = list(zip(x.to(dtype).split(8), y.split(8), strict=True))
    losses = [
        [train_one_epoch(m, batches, nn.CrossEntropyLoss(), o, device) for _ in range(4)]
        for m, o in ((model, mine), (twin, other))
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    for got, want in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(got, want, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["MySGD", "MyAdam", "MyAdamW"])
def test_an_optimizer_by_hand_leaves_what_is_frozen_and_steps_what_is_tied_once(
    optimizers, device, name
):
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)).to(device)
    model[2].weight = model[1].weight
    model[0].requires_grad_(False)
    frozen, twin = model[0].weight.clone(), copy.deepcopy(model)
    mine = optimizers[name]([p for layer in model for p in layer.parameters()], lr=0.1)
    other = optimizers[name](twin.parameters(), lr=0.1)
    for _ in range(3):
        x = torch.randn(5, 4, device=device)
        for m, optimizer in ((model, mine), (twin, other)):
            optimizer.zero_grad()
            m(x).square().mean().backward()
            optimizer.step()
    assert torch.equal(model[0].weight, frozen)
    torch.testing.assert_close(model.state_dict(), twin.state_dict())


# --- learning rate schedules ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def schedules():
    return load(ROOT / "03_training" / "solution_lr_schedule.py")


@pytest.mark.parametrize("warm, total, low", [(1, 2, 0.0), (10, 50, 0.1), (49, 50, 0.5)])
def test_the_scheduler_equals_the_librarys_own(schedules, warm, total, low):
    mine, library = (SGD([nn.Parameter(torch.zeros(1))], lr=2) for _ in range(2))
    got = schedules["WarmupCosine"](mine, warm, total, low)
    rise = LinearLR(library, 1e-9, total_iters=warm)
    fall = CosineAnnealingLR(library, total - warm, low * 2)
    want = SequentialLR(library, [rise, fall], [warm])
    for _ in range(total + 1):
        assert got.get_last_lr() == pytest.approx(want.get_last_lr(), abs=1e-6)
        for optimizer, scheduler in ((mine, got), (library, want)):
            optimizer.step()
            scheduler.step()


def test_a_schedule_of_a_million_steps_goes_up_once_and_down_once(schedules):
    for name, more in (("cosine_lr_schedule", ()), ("wsd_lr_schedule", (300_000,))):
        steps = range(0, 1_200_000, 1_000)
        rates = [schedules[name](s, 1_000_000, 50_000, *more, 3e-4, 3e-5) for s in steps]
        top = rates.index(max(rates))
        assert rates[: top + 1] == sorted(rates[: top + 1])
        assert rates[top:] == sorted(rates[top:], reverse=True)
        assert (max(rates), rates[-1], top) == (3e-4, 3e-5, 50)


def test_adam_trains_with_it_and_a_scaled_rate(schedules, device):
    x, y = samples(128)
    model = classifier().to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
    scheduler = schedules["WarmupCosine"](optimizer, 5, 40)
    start = copy.deepcopy(model.state_dict())
    for step in range(40):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x.to(device)), y.to(device))
        loss.backward()
        optimizer.step()
        scheduler.step()
        if step == 0:  # at rate 0
            assert torch.equal(model[0].weight, start["0.weight"])
    assert loss.item() < 0.3 and scheduler.get_last_lr() == [0.0]


# --- regularization -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def regularization():
    return load(ROOT / "03_training" / "solution_regularization.py")


@pytest.mark.parametrize("shape", [(), (0, 3), (100_000,), (20, 30, 2, 50)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_dropout_of_any_shape_keeps_the_mean(regularization, device, shape, dtype):
    layer, x = regularization["MyDropout"](0.3), torch.ones(shape, device=device, dtype=dtype)
    out = layer(x)
    assert (out.shape, out.dtype, out.device) == (x.shape, dtype, x.device)
    kept = out[out != 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / 0.7), rtol=0.01, atol=0)
    if x.numel() > 1000:
        assert out.double().mean().item() == pytest.approx(1, abs=0.03)


def test_adamw_with_the_groups_decays_matrices_alone(regularization, device):
    model = classifier().to(device)
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.AdamW(regularization["param_groups"](model, 0.5), lr=0.1)
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    for name, p in model.named_parameters():
        torch.testing.assert_close(p, before[name] * (0.95 if p.ndim == 2 else 1))
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 6


def test_ema_equals_the_librarys_own(regularization, device):
    model = classifier().to(device)
    ema = regularization["EMA"](model, 0.9)
    library = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9), use_buffers=True
    )
    library.update_parameters(model)  # the first one copies
    optimizer, (x, y) = SGD(model.parameters(), lr=0.1), samples(32)
    for _ in range(5):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x.to(device)), y.to(device)).backward()
        optimizer.step()
        ema.update(model)
        library.update_parameters(model)
    own = copy.deepcopy(model.state_dict())
    with ema.averaged(model):
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                torch.testing.assert_close(value, library.module.state_dict()[name])
        assert not torch.equal(model[0].weight, own["0.weight"])
    for name, value in model.state_dict().items():
        assert torch.equal(value, own[name])


# --- autograd -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def value():
    return load(ROOT / "03_training" / "solution_autograd.py")["Value"]


def test_a_network_of_values_trains_as_torch_does(value):
    x = torch.randn(12, 2, dtype=torch.float64).tolist()
    y = [float(a * b > 0) for a, b in x]
    weights = torch.randn(4, 4, dtype=torch.float64)
    mine = [[value(w) for w in row] for row in weights.tolist()]
    twin = weights.clone().requires_grad_()

    def loss_of(rows):
        total = 0
        for (a, b), target in zip(x, y, strict=True):
            hidden = [(row[0] * a + row[1] * b + row[2]).tanh() * row[3] for row in rows]
            chance = 1 / (1 + (-sum(hidden)).exp())
            total = total - (chance if target else 1 - chance).log()
        return total / len(y)

    losses = []
    for _ in range(30):
        loss, other = loss_of(mine), loss_of(twin)
        loss.backward()
        (grad,) = torch.autograd.grad(other, twin)
        for row, grads in zip(mine, grad.tolist(), strict=True):
            assert [w.grad for w in row] == pytest.approx(grads, rel=1e-9, abs=1e-9)
        for w in (w for row in mine for w in row):
            w.data, w.grad = w.data - 0.5 * w.grad, 0.0
        with torch.no_grad():
            twin -= 0.5 * grad
        losses.append(loss.data)
    assert losses[-1] < 0.8 * losses[0]


# --- linear models --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def linear_models():
    return load(ROOT / "03_training" / "solution_linear_models.py")


def test_the_three_ways_agree_with_the_line_behind_the_data(linear_models, device):
    X, w = torch.randn(100, 3, device=device), torch.tensor([2.0, -1.0, 0.5], device=device)
    y, model = X @ w + 3, linear_models["LinearRegression"]()
    for method, more in (
        (model.closed_form, ()),
        (model.gradient_descent, (0.05, 800)),
        (model.nn_linear, (0.05, 800)),
    ):
        got, b = method(X, y, *more)
        assert (got.shape, b.shape, got.device) == ((3,), (), X.device)
        torch.testing.assert_close(got, w, atol=1e-3, rtol=0)
        assert b.item() == pytest.approx(3, abs=1e-3)


def test_logistic_regression_ends_where_newton_does(linear_models, device):
    X, l2 = torch.randn(60, 3, dtype=torch.float64, device=device), 0.1
    y = (X[:, 0] + 0.5 * torch.randn(60, dtype=torch.float64, device=device) > 0.3).long()
    model = linear_models["LogisticRegression"](lr=1.0, steps=500, l2=l2).fit(X, y)
    A, theta = torch.cat([X, torch.ones_like(X[:, :1])], 1), X.new_zeros(4)
    penalty = l2 * torch.diag(X.new_tensor([1, 1, 1, 0]))
    for _ in range(10):
        p = torch.sigmoid(A @ theta)
        hessian = A.T @ (A * (p * (1 - p))[:, None]) / 60 + penalty
        theta = theta - torch.linalg.solve(hessian, A.T @ (p - y) / 60 + penalty @ theta)
    torch.testing.assert_close(torch.cat([model.w, model.b[None]]), theta, atol=1e-6, rtol=0)
    assert ((model.predict_proba(X) > 0.5) == y).double().mean() > 0.8
