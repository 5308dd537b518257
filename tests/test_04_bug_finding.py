"""The fixed functions and models of the bug hunts, beyond what their checks look at."""

import contextlib
import copy
import math
import multiprocessing
import pickle
import sys

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

from checks.workers import in_this_process
from practice.exercises import ROOT, load


def solution(n):
    return load(ROOT / "04_bug_finding" / f"solution_bug_{n}.py")


ProductDataset = solution(1)["ProductDataset"]
RiskModel = solution(2)["RiskModel"]
ConditionalCNN = solution(3)["ConditionalCNN"]
DeepClassifier = solution(6)["DeepClassifier"]
train_epoch = solution(8)["train_epoch"]
train_step = solution(4)["train_step"]
validate = solution(5)["validate"]
GatedResidual = solution(7)["GatedResidual"]
fit_validated = solution(9)["fit"]
fit_scheduled = solution(10)["fit"]
fit_batches = solution(11)["fit"]
classify_step = solution(12)["train_step"]
to_tokens = solution(13)["to_tokens"]
mse_step = solution(14)["mse_step"]
DeepNet = solution(15)["DeepNet"]
run_epoch = solution(16)["run_epoch"]
adapt = solution(18)["adapt"]
spam_step = solution(19)["train_step"]
train_on_stream = solution(20)["train_on_stream"]


def risk_model(device="cpu", n=3):
    data = torch.randn(n, 6, device=device), torch.randn(n, 2, device=device)
    return RiskModel(6, 2, 5, 4).to(device), data


def conditional_cnn(device="cpu", n=3):
    data = torch.randn(n, 2, 7, 4, device=device), torch.randn(n, 5, device=device)
    return ConditionalCNN(2, 5, 6, 4).to(device), data


def deep_classifier(device="cpu", n=3):
    return DeepClassifier(6, 9, 4).to(device), (torch.randn(n, 6, device=device),)


MODELS = pytest.mark.parametrize("make", [risk_model, conditional_cnn, deep_classifier])


# the three models


@MODELS
@pytest.mark.parametrize("n", [1, 2, 6])
def test_model_gives_one_row_of_finite_logits_a_sample(make, n, device):
    model, data = make(device, n)
    logits = model.eval()(*data)
    assert logits.shape == (n, 4)
    assert logits.isfinite().all()
    assert logits.device.type == device.type


@MODELS
def test_an_empty_batch_gives_no_rows(make):
    model, data = make(n=0)
    assert model.eval()(*data).shape == (0, 4)


@MODELS
def test_every_parameter_learns(make, device):
    model, data = make(device)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    nn.functional.cross_entropy(model(*data), torch.arange(3, device=device)).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    optimizer.step()
    for name, p in model.named_parameters():
        if name != "encoder.0.bias":  # BatchNorm takes its mean away again
            assert not torch.equal(p, before[name]), name


@MODELS
def test_no_sample_sees_another(make):
    model, data = make(n=4)
    data = tuple(t.requires_grad_() for t in data)
    model.eval()(*data)[2].sum().backward()
    for t in data:
        assert t.grad[2].abs().sum() > 0
        assert t.grad[[0, 1, 3]].abs().sum() == 0


@MODELS
def test_another_order_of_the_batch_gives_that_order(make):
    model, data = make(n=5)
    order = torch.tensor([3, 0, 4, 2, 1])
    shuffled = model.eval()(*(t[order] for t in data))
    torch.testing.assert_close(shuffled, model(*data)[order])


@MODELS
def test_under_autocast_it_stays_near_float32(make, device):
    model, data = make(device)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        logits = model.eval()(*data)
    assert logits.dtype == torch.bfloat16
    torch.testing.assert_close(logits.float(), model(*data), atol=0.05, rtol=0.05)


@MODELS
def test_a_checkpoint_brings_the_same_logits_back(make):
    model, data = make()
    model(*data)  # BatchNorm has statistics now
    other, _ = make()
    assert not torch.allclose(model.eval()(*data), other.eval()(*data))
    other.load_state_dict(model.state_dict())
    torch.testing.assert_close(other(*data), model(*data), rtol=0, atol=0)


@MODELS
def test_features_of_another_size_raise(make):
    model, data = make()
    for i in range(len(data)):
        wrong = [t[:, :-1] if i == j else t for j, t in enumerate(data)]
        with pytest.raises(RuntimeError):
            model.eval()(*wrong)


# 1


LINES = ["0.5,-1.25,300\n", "2,3e-2,7\n", "-0.125,4,65537\n"]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_products_come_from_an_open_file(tmp_path, dtype, batch_size):
    path = tmp_path / "sales.csv"
    path.write_text("".join(LINES), encoding="utf-8")
    with path.open(encoding="utf-8") as file:
        data = ProductDataset(file, dtype)
    batches = list(DataLoader(data, batch_size))
    assert [len(y) for _, y in batches] == [len(x) for x, _ in batches]
    assert torch.cat([y for _, y in batches]).tolist() == [300, 7, 65537]
    x = torch.cat([x for x, _ in batches])
    assert torch.equal(x, torch.tensor([[0.5, -1.25], [2, 0.03], [-0.125, 4]], dtype=dtype))


def test_products_train_an_embedding_and_a_classifier_in_bfloat16(device):
    K, lines = 300, [f"{i / 300},{i % 7},{i}" for i in range(300)]
    x, y = next(iter(DataLoader(ProductDataset(lines, torch.bfloat16), batch_size=300)))
    model = nn.Linear(2, K, dtype=torch.bfloat16, device=device)
    loss = nn.functional.cross_entropy(model(x.to(device)), y.to(device))
    assert loss.isfinite()
    assert nn.Embedding(K, 4, device=device)(y.to(device)).shape == (K, 4)


def test_products_reach_a_worker_process_whole():
    data = solution(1)["ProductDataset"](LINES, torch.bfloat16)  # pickle wants the newest module
    again = pickle.loads(pickle.dumps(data))  # as DataLoader does under spawn
    assert [int(y) for _, y in (again[i] for i in range(3))] == [300, 7, 65537]


def test_a_label_that_is_no_integer_and_a_short_line_raise():
    with pytest.raises(ValueError):
        ProductDataset(["0.5,1.5,2.5"])
    with pytest.raises(ValueError):
        ProductDataset(["0.5,1.5,2", "0.5,2"])


# 3


@pytest.mark.parametrize(("H", "W"), [(1, 9), (8, 3), (2, 2)])
def test_condition_is_the_same_at_every_pixel(H, W):
    model = ConditionalCNN(3, 2, 4, 6).double()
    x, cond = torch.randn(5, 3, H, W).double(), torch.randn(5, 2).double()
    planes = torch.stack([torch.full((H, W), v) for v in cond.flatten().tolist()]).double()
    ready = torch.hstack([x, planes.view(5, 2, H, W)])
    library = nn.Sequential(
        model.conv, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), model.head
    )
    torch.testing.assert_close(model(x, cond), library(ready))


def test_a_condition_of_zeros_leaves_the_plain_network():
    model, (x, cond) = conditional_cnn()
    plain = nn.Conv2d(2, 6, 3, padding=1)
    with torch.no_grad():
        plain.weight.copy_(model.conv.weight[:, :2])
        plain.bias.copy_(model.conv.bias)
    want = model.head(plain(x).relu().mean(dim=(2, 3)))
    torch.testing.assert_close(model(x, torch.zeros_like(cond)), want)


# 6


def test_logits_are_linear_in_the_features():
    model, (x,) = deep_classifier()
    features = model.eval()(x, return_features=True)
    want = torch.einsum("nf,kf->nk", features, model.head.weight) + model.head.bias
    torch.testing.assert_close(model(x), want)
    assert torch.allclose(features.mean(dim=1), torch.zeros(3), atol=1e-5)  # LayerNorm's


def test_a_frozen_encoder_still_feeds_the_head():
    model, (x,) = deep_classifier()
    model.encoder.requires_grad_(False)
    model(x).sum().backward()
    assert all(p.grad is None for p in model.encoder.parameters())
    assert all(p.grad is not None for p in (*model.norm.parameters(), *model.head.parameters()))


def test_batchnorm_refuses_to_train_on_one_point():
    model, (x,) = deep_classifier(n=1)
    with pytest.raises(ValueError):
        model(x)


# 8


@pytest.fixture
def blobs(device):
    """Three classes that a linear model can tell apart, labels (N, 1)."""
    y = torch.randint(0, 3, (50, 1), device=device)
    x = 6 * torch.eye(3, 4, device=device)[y[:, 0]] + torch.randn(50, 4, device=device)
    return TensorDataset(x, y)


def linear(device, lr):
    model = nn.Linear(4, 3, device=device)
    return model, torch.optim.SGD(model.parameters(), lr=lr)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 49, 50])
def test_without_learning_the_figures_do_not_depend_on_the_batches(blobs, device, batch_size):
    model, optimizer = linear(device, lr=0.0)
    loss, accuracy = train_epoch(model, DataLoader(blobs, batch_size), optimizer)
    x, y = blobs.tensors
    logits = model(x)
    assert accuracy == pytest.approx((logits.argmax(1) == y.flatten()).double().mean().item())
    assert loss == pytest.approx(nn.functional.cross_entropy(logits, y.flatten()).item(), rel=1e-5)


def test_training_tells_the_classes_apart(blobs, device):
    model, optimizer = linear(device, lr=0.1)
    loader = DataLoader(blobs, batch_size=8, shuffle=True)
    figures = [train_epoch(model, loader, optimizer) for _ in range(10)]
    assert figures[-1][0] < figures[0][0]
    assert figures[-1][1] > 0.95


def test_huge_logits_give_a_finite_loss(blobs, device):
    model, optimizer = linear(device, lr=0.0)
    with torch.no_grad():
        model.weight.mul_(1e4)
    loss, _ = train_epoch(model, DataLoader(blobs, batch_size=16), optimizer)
    assert 0 < loss < float("inf")


def test_a_whole_epoch_under_autocast(blobs, device):
    model, optimizer = linear(device, lr=0.1)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        loss, accuracy = train_epoch(model, DataLoader(blobs, batch_size=16), optimizer)
    assert 0 < loss < 5
    assert 0 <= accuracy <= 1
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in model.parameters())


def test_a_label_out_of_range_raises(device):
    if device.type == "cuda":
        pytest.skip("an index out of range kills the CUDA context")
    model, optimizer = linear(device, lr=0.1)
    with pytest.raises(RuntimeError):
        train_epoch(model, [(torch.randn(2, 4), torch.tensor([[0], [3]]))], optimizer)


def small_cnn():
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    )


def images(n, dtype=torch.float32):
    return torch.randn(n, 2, 5, 6, dtype=dtype), torch.randint(0, 3, (n,))


def cut(x, y, size):
    return list(zip(x.split(size), y.split(size), strict=True))


# hunt 4: train_step


@pytest.mark.parametrize("n", [1, 7])
@pytest.mark.parametrize("make", [torch.optim.AdamW, torch.optim.SGD, torch.optim.RMSprop])
def test_train_step_learns_a_batch_from_the_cpu(device, make, n):
    model = small_cnn().to(device)
    optimizer, (x, y) = make(model.parameters(), lr=0.02), images(n)
    losses = [train_step(model, optimizer, x, y) for _ in range(15)]
    assert losses[-1].device.type == device.type
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_train_step_on_meta_keeps_dtype_and_device(dtype):
    model = small_cnn().to("meta", dtype)
    loss = train_step(model, torch.optim.Adam(model.parameters()), *images(2, dtype))
    assert (loss.shape, loss.dtype, loss.is_meta) == ((), dtype, True)
    assert all(p.grad.dtype == dtype for p in model.parameters())


def test_train_step_under_autocast_keeps_float32_gradients(device):
    model = small_cnn().to(device)
    with torch.autocast(device.type, torch.bfloat16):
        loss = train_step(model, torch.optim.SGD(model.parameters(), lr=0.1), *images(4))
    assert loss.isfinite()
    grads = [p.grad for p in model.parameters()]
    assert all(g.dtype == torch.float32 and g.isfinite().all() for g in grads)


def test_train_step_refuses_labels_of_another_batch():
    model = small_cnn()
    with pytest.raises(ValueError, match="batch_size"):
        train_step(model, torch.optim.SGD(model.parameters(), lr=0.1), *images(4)[:1], images(3)[1])


# hunt 5: validate


class Attentive(nn.Module):
    """Dropout that no nn.Dropout module performs: inside attention and between LSTM layers."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, dropout=0.5, batch_first=True)
        self.lstm = nn.LSTM(6, 5, num_layers=2, dropout=0.5, batch_first=True)
        self.head = nn.Linear(5, 3)

    def forward(self, x):
        return self.head(self.lstm(self.attention(x, x, x)[0])[0][:, -1])


def test_validate_does_not_depend_on_the_cut(device):
    model = Attentive().to(device, torch.float64)  # no TF32, so that no tie is broken otherwise
    x = torch.randn(37, 4, 6, dtype=torch.float64, device=device)
    y = torch.randint(0, 3, (37,), device=device)
    scores = [validate(model, cut(x, y, size)) for size in (1, 8, 37)]
    assert scores == pytest.approx([scores[0]] * 3)
    assert model.training
    assert model.lstm.training


def test_validate_draws_no_random_numbers():
    model, x, y = Attentive(), torch.randn(9, 4, 6), torch.randint(0, 3, (9,))
    before = torch.get_rng_state()
    validate(model, cut(x, y, 4))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(("right", "want"), [(5, 1.0), (2, 0.4), (0, 0.0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_validate_counts(right, want, dtype):
    logits = torch.eye(5, dtype=dtype)
    y = (torch.arange(5) + (torch.arange(5) >= right)) % 5
    assert validate(nn.Identity(), cut(logits, y, 2)) == pytest.approx(want)


def test_validate_leaves_training_as_it_was():
    """Epochs with a validation after each step end where epochs without one end."""
    ends = []
    for often in (False, True):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
        optimizer, x = torch.optim.Adam(model.parameters()), torch.randn(12, 6)
        y = torch.randint(0, 3, (12,))
        for _ in range(4):
            train_step(model, optimizer, x, y)
            if often:
                validate(model, cut(3 * x + 1, y, 5))
        ends.append(model.state_dict())
    for key, value in ends[0].items():
        assert torch.equal(value, ends[1][key]), key


# hunt 7: GatedResidual


@pytest.mark.parametrize("shape", [(1, 3), (2, 1, 2, 3)])
def test_gated_residual_gradcheck_twice(shape):
    block = GatedResidual(3, 2).double()
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(block, x)
    assert torch.autograd.gradgradcheck(block, x[:1].detach().requires_grad_())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_gated_residual_trains_behind_any_layer(device, dtype):
    """What comes before it keeps its result too: the block may not write into that."""
    first = [nn.ReLU(inplace=True), nn.Tanh(), nn.Softmax(dim=-1)]
    layers = [part for layer in first for part in (layer, GatedResidual(4, 7))]
    model = nn.Sequential(nn.Linear(3, 4), *layers).to(device, dtype)
    model(torch.randn(5, 2, 3, device=device, dtype=dtype)).square().mean().backward()
    for name, p in model.named_parameters():
        assert p.grad is not None, name
        assert p.grad.dtype == dtype
        assert p.grad.isfinite().all(), name


def test_gated_residual_under_autocast(device):
    block = GatedResidual(8, 16).to(device)
    x = torch.randn(3, 8, device=device)
    with torch.autocast(device.type, torch.bfloat16):
        out = block(x)
    out.float().sum().backward()
    torch.testing.assert_close(out.float(), block(x), atol=0.05, rtol=0.05)
    assert all(p.grad.isfinite().all() for p in block.parameters())


def test_gated_residual_state_dict_round_trip():
    one, other, x = GatedResidual(4, 6), GatedResidual(4, 6), torch.randn(2, 4)
    assert not torch.equal(one(x), other(x))
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(x), other(x))


def test_gated_residual_with_a_closed_gate_is_the_identity_plus_a_bias():
    block, x = GatedResidual(4, 6), torch.randn(2, 4)
    nn.init.zeros_(block.gate.weight)
    nn.init.constant_(block.gate.bias, -200.0)
    torch.testing.assert_close(block(x), x + block.out.bias)


@pytest.mark.parametrize("scale", [1e4, 1e-4, 0.0])
def test_gated_residual_is_finite(scale):
    x = (scale * torch.randn(3, 4)).requires_grad_()
    out = GatedResidual(4, 6)(x)
    out.sum().backward()
    assert out.isfinite().all()
    assert x.grad.isfinite().all()


def test_gated_residual_refuses_another_width():
    with pytest.raises(RuntimeError):
        GatedResidual(4, 6)(torch.randn(2, 5))


# hunt 9: fit with a validation after each epoch


@pytest.mark.parametrize("size", [1, 4, 11])
def test_fit_validates_the_same_however_it_is_cut(device, size):
    ends, histories = [], []
    start, train, (x, y) = small_cnn(), cut(*images(14), 5), images(11)
    for step in (size, len(x)):
        model = copy.deepcopy(start).to(device)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
        moved = [[(a.to(device), b.to(device)) for a, b in s] for s in (train, cut(x, y, step))]
        histories.append(fit_validated(model, optimizer, *moved, 2))
        ends.append(model.state_dict())
    assert histories[0] == pytest.approx(histories[1], rel=1e-3)
    for key, value in ends[0].items():
        torch.testing.assert_close(value, ends[1][key], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("classes", [2, 5])
def test_fit_of_a_model_that_says_nothing_loses_log_k(classes, dtype):
    model = nn.Linear(3, classes).to(dtype)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    data = cut(torch.randn(9, 3, dtype=dtype), torch.randint(0, classes, (9,)), 4)
    history = fit_validated(model, torch.optim.SGD(model.parameters(), lr=0.0), data, data, 3)
    assert history == pytest.approx([math.log(classes)] * 3)


def test_fit_learns():
    x = torch.randn(80, 6)
    data = cut(x, (x[:, 0] > 0).long(), 16)
    model = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    history = fit_validated(model, optimizer, data, cut(x, (x[:, 0] > 0).long(), 3), 6)
    assert history[-1] < 0.5 * history[0]
    assert validate(model, data) > 0.9


# hunt 10: fit with a schedule


SCHEDULES = {
    "exponential": lambda o: lr_scheduler.ExponentialLR(o, gamma=0.5),
    "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=5),
    "milestones": lambda o: lr_scheduler.MultiStepLR(o, milestones=[1, 3], gamma=0.2),
    "warm-up, then decay": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, 0.25), lr_scheduler.ExponentialLR(o, 0.5)], milestones=[2]
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("size", [1, 3, 7])
def test_rate_after_some_epochs_does_not_depend_on_the_number_of_batches(name, size):
    def prepared():
        model = nn.Linear(3, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        return model, optimizer, SCHEDULES[name](optimizer)

    x, y = torch.randn(7, 3), torch.randint(0, 2, (7,))
    model, optimizer, scheduler = prepared()
    fit_scheduled(model, optimizer, scheduler, cut(x, y, size), 4)
    _, other, alone = prepared()
    for _ in range(4):
        other.step()
        alone.step()
    assert scheduler.get_last_lr() == pytest.approx(alone.get_last_lr())
    assert optimizer.param_groups[0]["lr"] == pytest.approx(other.param_groups[0]["lr"])


def test_schedule_resumes_from_state_dicts(device):
    data = [(x.to(device), y.to(device)) for x, y in cut(*images(9), 4)]

    def prepared():
        torch.manual_seed(3)
        model = small_cnn().to(device)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
        return model, optimizer, lr_scheduler.StepLR(optimizer, 2, 0.1)

    whole, resumed, first = prepared(), prepared(), prepared()
    want = fit_scheduled(*whole, data, 5)
    got = fit_scheduled(*first, data, 3)
    for new, old in zip(resumed, first, strict=True):
        new.load_state_dict(copy.deepcopy(old.state_dict()))
    got += fit_scheduled(*resumed, data, 2)
    assert got == pytest.approx(want, rel=1e-4)
    for mine, right in zip(resumed[0].parameters(), whole[0].parameters(), strict=True):
        torch.testing.assert_close(mine, right, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_scheduled_loss_is_a_mean_over_samples(dtype):
    x, y = torch.randn(8, 3, dtype=dtype), torch.randint(0, 2, (8,))
    model = nn.Linear(3, 2).to(dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    scheduler = lr_scheduler.StepLR(optimizer, 1)
    want = nn.functional.cross_entropy(model(x), y).item()
    assert fit_scheduled(model, optimizer, scheduler, cut(x, y, 3), 2) == pytest.approx([want] * 2)


def test_loops_refuse_labels_of_another_batch():
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    wrong = [(torch.randn(4, 3), torch.zeros(3, dtype=torch.int64))]
    with pytest.raises(ValueError, match="batch_size"):
        fit_scheduled(model, optimizer, lr_scheduler.StepLR(optimizer, 1), wrong, 1)
    with pytest.raises(ValueError, match="batch_size"):
        fit_validated(model, optimizer, wrong, wrong, 1)


# hunt 11: fit on a stream of batches


OPTIMIZERS = {
    "adamw": lambda params: torch.optim.AdamW(params, lr=0.02),
    "nesterov": lambda params: torch.optim.SGD(params, lr=0.05, momentum=0.9, nesterov=True),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fit_is_a_step_by_each_gradient_alone(name, device):
    torch.manual_seed(0)
    start, x, y = nn.Linear(5, 3), torch.randn(23, 5), torch.randint(0, 3, (23,))
    data = [(a.to(device), b.to(device)) for a, b in cut(x, y, 4)]
    mine, twin = copy.deepcopy(start).to(device), copy.deepcopy(start).to(device)
    fit_batches(mine, OPTIMIZERS[name](mine.parameters()), data)
    optimizer = OPTIMIZERS[name](twin.parameters())
    for a, b in data:
        loss = nn.functional.cross_entropy(twin(a), b)
        for p, grad in zip(
            twin.parameters(), torch.autograd.grad(loss, list(twin.parameters())), strict=True
        ):
            p.grad = grad
        optimizer.step()
    for p, right in zip(mine.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(p, right)


def test_fit_at_rate_zero_loses_the_same_each_time():
    x, y = torch.randn(6, 4), torch.randint(0, 3, (6,))
    model = nn.Linear(4, 3)
    losses = fit_batches(model, torch.optim.SGD(model.parameters(), lr=0.0), [(x, y)] * 5)
    assert losses == pytest.approx([losses[0]] * 5)
    assert model.weight.grad.norm().item() == pytest.approx(
        torch.autograd.grad(nn.functional.cross_entropy(model(x), y), model.weight)[0].norm().item()
    )
    assert fit_batches(model, torch.optim.SGD(model.parameters(), lr=0.1), []) == []


# hunt 12: train_step of a classifier


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_step_brings_the_loss_of_one_batch_to_zero(classes, device):
    torch.manual_seed(0)
    y = torch.arange(3 * classes, device=device) % classes
    x = 4 * torch.eye(classes, device=device)[y]
    model = nn.Linear(classes, classes).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    losses = [classify_step(model, optimizer, x, y) for _ in range(100)]
    assert losses[-1] < 0.01 < losses[0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_step_of_a_model_that_says_nothing_loses_log_k(dtype):
    model = nn.Linear(3, 7).to(dtype)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss = classify_step(model, optimizer, torch.randn(4, 3, dtype=dtype), torch.arange(4))
    assert loss == pytest.approx(math.log(7))


# hunt 13: to_tokens


@pytest.mark.parametrize("kernel", [1, 2])
def test_tokens_are_what_a_patch_embedding_gives(kernel):
    layer, x = nn.Conv2d(3, 5, kernel, stride=kernel), torch.randn(2, 3, 4, 6)
    patches = nn.functional.unfold(x, kernel, stride=kernel).transpose(1, 2)
    want = patches @ layer.weight.flatten(1).T + layer.bias
    torch.testing.assert_close(to_tokens(layer(x)), want)


@pytest.mark.parametrize("shape", [(0, 3, 2, 2), (2, 0, 3, 4), (2, 3, 0, 4), (2, 3, 4, 5)])
def test_tokens_go_back_to_the_map(shape, device):
    x = torch.randn(shape, device=device)
    n, c, h, w = shape
    tokens = to_tokens(x)
    assert tokens.shape == (n, h * w, c)
    assert torch.equal(tokens.transpose(1, 2).unflatten(2, (h, w)), x)


# hunt 14: mse_step


@pytest.mark.parametrize("column", [False, True])
def test_mse_step_fits_a_line(column, device):
    torch.manual_seed(0)
    x = torch.randn(64, 3, device=device)
    y = x @ torch.tensor([[1.0], [-2.0], [0.5]], device=device) + 0.3
    model = nn.Linear(3, 1).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    for _ in range(100):
        loss = mse_step(model, optimizer, x, y if column else y[:, 0])
    assert loss < 1e-4
    assert model.bias.item() == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("n", [1, 2, 9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_mse_step_loses_what_the_library_says(n, dtype):
    model, x = nn.Linear(3, 1).to(dtype), torch.randn(n, 3, dtype=dtype)
    y = torch.randn(n, 2, dtype=dtype)[:, 0]  # a column of a table
    want = nn.functional.mse_loss(model(x)[:, 0], y).item()
    loss = mse_step(model, torch.optim.SGD(model.parameters(), lr=0.1), x, y)
    assert loss == pytest.approx(want)


# hunt 15: DeepNet


@pytest.mark.parametrize("layers", [1, 2, 8])
def test_deep_net_has_the_parameters_of_all_layers(layers, tmp_path):
    model = DeepNet([16] * (layers + 1))
    assert sum(p.numel() for p in model.parameters()) == layers * (16 * 16 + 16)
    torch.save(model.state_dict(), tmp_path / "state.pt")
    other = DeepNet([16] * (layers + 1))
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    x = torch.randn(3, 16)
    assert torch.equal(model(x), other(x))
    assert pickle.loads(pickle.dumps(model))(x).shape == (3, 16)


def test_deep_net_learns_eight_layers(device):
    torch.manual_seed(0)
    x, y = torch.randn(32, 8, device=device), torch.randint(0, 4, (32,), device=device)
    model = DeepNet([8, *[16] * 7, 4]).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(200):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.1


# hunt 16: run_epoch


@pytest.mark.parametrize("size", [1, 4, 11])
def test_figure_does_not_depend_on_the_cut_at_rate_zero(size, device):
    torch.manual_seed(0)
    x, y = torch.randn(11, 5, device=device), torch.randint(0, 3, (11,), device=device)
    model = nn.Linear(5, 3).to(device)
    got = run_epoch(model, torch.optim.SGD(model.parameters(), lr=0.0), cut(x, y, size))
    want = model(x).softmax(dim=1)[range(11), y].mean().item()
    assert got == pytest.approx(want, rel=1e-4)


def test_figure_of_a_model_that_says_nothing_is_one_in_k():
    model = nn.Linear(5, 4)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    data = cut(torch.randn(9, 5), torch.randint(0, 4, (9,)), 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    assert run_epoch(model, optimizer, iter(data)) == pytest.approx(0.25)


def test_run_epoch_learns():
    x = torch.randn(64, 6)
    data = cut(x, x[:, :3].argmax(dim=1), 16)
    model = nn.Linear(6, 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    figures = [run_epoch(model, optimizer, data) for _ in range(20)]
    assert figures[-1] > 0.8 > 0.6 > figures[0]


# hunt 17: Noisy, with real workers


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each worker is a slow new process")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_real_workers_draw_what_those_of_the_check_draw():
    """Two epochs of the solution, and of a wrong one, whose workers repeat each other."""
    path = ROOT / "04_bug_finding" / "solution_bug_17.py"
    wrong = path.read_text(encoding="utf-8").replace(", worker_init_fn=own_generator", "")
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method("fork", force=True)
    try:
        for text, different in ((None, 40), (wrong, 12)):
            names = load(path, text)
            lists = []
            for stand_in in (False, True):
                torch.manual_seed(3)
                dataset = names["Noisy"](20)
                with in_this_process(names) if stand_in else contextlib.nullcontext():
                    lists.append(names["epoch_values"](dataset, 2, 2))
            assert lists[0] == lists[1]
            assert len({value for values in lists[0] for value in values}) == different
    finally:
        multiprocessing.set_start_method(before, force=True)


# hunt 18: adapt


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_adapted_model_learns_five_classes(name, device):
    torch.manual_seed(0)
    y = torch.arange(40, device=device) % 5
    x = torch.eye(5, device=device)[y] + 0.1 * torch.randn(40, 5, device=device)
    model = DeepClassifier(5, 16, 3).to(device)
    optimizer = OPTIMIZERS[name](model.parameters())
    held = len(optimizer.param_groups[0]["params"])
    losses = adapt(model, optimizer, [(x, y)] * 100)
    assert losses[-1] < 0.1 < 1 < losses[0]
    assert len(optimizer.param_groups[0]["params"]) == held


def test_adapted_twice_the_optimizer_holds_the_last_head():
    model = DeepClassifier(5, 8, 3)
    optimizer = torch.optim.AdamW(model.parameters())
    data = [(torch.randn(6, 5), torch.randint(0, 5, (6,)))]
    adapt(model, optimizer, data)
    adapt(model, optimizer, data)
    params = optimizer.param_groups[0]["params"]
    assert all(a is b for a, b in zip(params, model.parameters(), strict=True))
    assert set(optimizer.state) == set(params)


# hunt 19: train_step of yes and no


@pytest.mark.parametrize("n", [1, 2, 9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_spam_step_loses_what_the_library_says(n, dtype):
    model, x, y = nn.Linear(3, 1).to(dtype), torch.randn(n, 3, dtype=dtype), torch.arange(n) % 2
    want = nn.functional.binary_cross_entropy(model(x).sigmoid()[:, 0], y.to(dtype)).item()
    loss = spam_step(model, torch.optim.SGD(model.parameters(), lr=0.1), x, y)
    assert loss == pytest.approx(want)


def test_spam_step_learns_rare_ones(device):
    torch.manual_seed(0)
    x = torch.randn(100, 2, device=device)
    y = (x[:, 0] > 1.3).long()
    model = nn.Linear(2, 1).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.5)
    losses = [spam_step(model, optimizer, x, y) for _ in range(150)]
    assert losses[-1] < 0.1
    assert torch.equal(model(x)[:, 0] > 0, y == 1)


# hunt 20: train_on_stream


class Reader(nn.Module):
    def __init__(self, kind, layers=1):
        super().__init__()
        self.rnn, self.head = kind(3, 8, layers, batch_first=True), nn.Linear(8, 3)

    def forward(self, x, state):
        out, state = self.rnn(x, state)
        return self.head(out), state


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_at_rate_zero_chunks_lose_what_the_whole_sequence_loses(kind, device):
    model = Reader(kind, layers=2).to(device)
    x, y = torch.randn(4, 12, 3, device=device), torch.randint(0, 3, (4, 12), device=device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    sizes = [5, 1, 6]
    losses = train_on_stream(
        model, optimizer, zip(x.split(sizes, dim=1), y.split(sizes, dim=1), strict=True)
    )
    whole = nn.functional.cross_entropy(model(x, None)[0].flatten(0, 1), y.flatten()).item()
    mean = sum(loss * n for loss, n in zip(losses, sizes, strict=True)) / 12
    assert mean == pytest.approx(whole, rel=1e-4)


def test_a_stream_learns_what_came_in_the_chunk_before():
    torch.manual_seed(0)
    symbols = torch.randint(3, (16, 401))
    x, y = torch.eye(3)[symbols[:, 1:]].split(2, dim=1), symbols[:, :-1].split(2, dim=1)
    model = Reader(nn.LSTM)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    losses = train_on_stream(model, optimizer, zip(x, y, strict=True))
    assert sum(losses[-10:]) < 1 < losses[0]
