"""What the solutions of level 08 keep beyond their checks."""

import copy

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from practice.exercises import ROOT, load

LEVEL = ROOT / "08_cumulative"
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def stages():
    return load(LEVEL / "solution_two_stage.py")


@pytest.fixture
def whole():
    return load(LEVEL / "solution_end_to_end.py")


@pytest.mark.parametrize("B", [1, 2, 9])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (4, 7, 3)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_each_row_is_classified_alone_in_eval_mode(stages, device, B, sizes, dtype):
    model = stages["BackboneHead"](*sizes).to(device, dtype).eval()
    x = torch.randn(B, sizes[0], device=device, dtype=dtype)
    out = model(x)
    assert (out.shape, out.dtype, out.device) == ((B, sizes[2]), dtype, x.device)
    alone = torch.cat([model(row[None]) for row in x])
    torch.testing.assert_close(out, alone, atol=5e-2, rtol=5e-2)


def test_gradients_are_exact(stages):
    model = stages["BackboneHead"](3, 4, 2).double()
    x = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, *_: model(x), (x, *model.parameters()))


def test_parts_are_counted_by_hand_and_moved(stages):
    model = stages["BackboneHead"](6, 9, 4).to("meta")
    count = [sum(p.numel() for p in part.parameters()) for part in (model.backbone, model.head)]
    assert count == [(6 + 1) * 9 + 2 * 9, (9 + 1) * 4]
    assert all(value.is_meta for value in model.state_dict().values())


def test_parts_are_saved_alone(stages):
    old, new = stages["BackboneHead"](5, 7, 3), stages["BackboneHead"](5, 7, 6)
    x = torch.randn(8, 5)
    old(x)
    new.backbone.load_state_dict(old.backbone.state_dict())
    torch.testing.assert_close(new.eval().backbone(x), old.eval().backbone(x), rtol=0, atol=0)
    with pytest.raises(RuntimeError):
        new.load_state_dict(old.state_dict())


@pytest.mark.parametrize("shape", [(4, 6), (4,)])
def test_another_number_of_features_raises(stages, shape):
    with pytest.raises((RuntimeError, ValueError)):
        stages["BackboneHead"](5, 7, 3)(torch.randn(shape))


def test_it_runs_under_autocast(stages, device):
    model = stages["BackboneHead"](5, 7, 3).to(device)
    with torch.autocast(device.type, torch.bfloat16):
        out = model(torch.randn(6, 5, device=device))
    assert out.dtype == torch.bfloat16
    out.float().square().sum().backward()
    assert all(p.grad.isfinite().all() and p.grad.any() for p in model.parameters())


def clouds(n=60, dtype=torch.float32):
    """Images of three classes, told apart by the brightness of one of three columns."""
    y = torch.arange(n) % 3
    x = torch.randn(n, 1, 4, 3, dtype=dtype)
    x[torch.arange(n), 0, :, y] += 3
    return x, y


def batches(size, *data):
    return list(zip(*(part.split(size) for part in data), strict=True))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        convolution, norm = nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8)
        layers = convolution, norm, nn.GELU(), nn.Dropout2d(0.1), nn.Flatten()
        self.backbone, self.head = nn.Sequential(*layers), nn.Linear(8 * 12, 3)

    def forward(self, x):
        return self.head(self.backbone(x))


def train(stages, model, first, second, device=CPU, val=None, dtype=torch.float32):
    torch.manual_seed(1)
    data = clouds(dtype=dtype)
    return stages["two_stage_train"](
        model, batches(16, *data), val or batches(7, *data), nn.CrossEntropyLoss(), device,
        first, second, lr=0.01,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_convolutions_stay_and_the_new_head_learns(stages, device, dtype):
    model = Net().to(device, dtype)
    assert train(stages, model, 3, 0, device, dtype=dtype) > 0.9
    model.head = nn.Linear(8 * 12, 3).to(device, dtype)
    before = copy.deepcopy(model.state_dict())
    assert train(stages, model, 0, 5, device, dtype=dtype) > 0.9
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key]) == key.startswith("backbone."), key
        assert value.isfinite().all() and value.device.type == device.type


def test_a_model_in_bfloat16_stays_finite(stages, device):
    model = Net().to(device, torch.bfloat16)
    assert 0 <= train(stages, model, 1, 1, device, dtype=torch.bfloat16) <= 1
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    assert all(p.isfinite().all() for p in model.parameters())


def test_other_validation_data_change_nothing_but_the_accuracy(stages):
    model = Net()
    other = copy.deepcopy(model)
    train(stages, model, 1, 2)
    accuracy = train(stages, other, 1, 2, val=[(torch.randn(3, 1, 4, 3), torch.full((3,), 9))] * 2)
    assert accuracy == 0.0
    for a, b in zip(model.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_second_call_trains_the_backbone_again(stages):
    model = Net()
    for _ in range(2):
        before = copy.deepcopy(model.state_dict())
        train(stages, model, 1, 1)
        assert not any(torch.equal(p, before[name]) for name, p in model.named_parameters())


def test_loaders_of_torch_do(stages, device):
    data = TensorDataset(*clouds())
    loaders = [DataLoader(data, 16, shuffle=True, drop_last=True), DataLoader(data, 25)]
    model, criterion = Net().to(device), nn.CrossEntropyLoss(label_smoothing=0.1)
    assert stages["two_stage_train"](model, *loaders, criterion, device, 4, 1, 0.02) > 0.8


def test_labels_that_do_not_fit_raise(stages):
    x, y = clouds(8)
    bad, good = [(x, y[:5])], [(x, y)]
    with pytest.raises(ValueError):
        stages["two_stage_train"](Net(), bad, good, nn.CrossEntropyLoss(), CPU)
    with pytest.raises(RuntimeError):
        stages["two_stage_train"](Net(), good, bad, nn.CrossEntropyLoss(), CPU)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_main_learns_and_its_file_says_the_same(whole, device, tmp_path, seed):
    metrics = whole["main"](epochs=6, seed=seed, save_dir=tmp_path, device=str(device))
    assert metrics["test_acc"] > 0.85 and min(metrics["test_recall"]) > 0.5
    assert metrics["train_loss"][-1] < 0.6 * metrics["train_loss"][0]
    file = torch.load(tmp_path / "best.pt", map_location="cpu", weights_only=True)
    assert file["val_acc"] == max(metrics["val_acc"])
    model = whole["Classifier"]().eval()
    model.load_state_dict(file["model"])
    x, y = whole["make_data"]()
    for split, want in (("val", file["val_acc"]), ("test", metrics["test_acc"])):
        rows = file["splits"][split]
        accuracy = (model(x[rows]).argmax(dim=1) == y[rows]).double().mean().item()
        assert accuracy == pytest.approx(want, abs=0.02 if device.type == "cuda" else 1e-9)


def test_a_shorter_run_is_the_beginning_of_a_longer_one(whole, tmp_path):
    short, long = (whole["main"](n, 7, tmp_path / str(n)) for n in (2, 4))
    for key in ("train_loss", "val_loss", "val_acc"):
        assert long[key][:2] == short[key]


def test_scores_are_those_of_the_whole_and_of_its_classes(whole):
    x, y = whole["make_data"]()
    loss, accuracy, recall = whole["measure"](whole["Classifier"](), x, y, "cpu")
    shares = torch.bincount(y) / len(y)
    assert accuracy == pytest.approx(
        sum(r * s for r, s in zip(recall, shares.tolist(), strict=True))
    )
    parts = [
        whole["measure"](nn.Identity(), torch.eye(3)[y[y == k]], y[y == k], "cpu") for k in range(3)
    ]
    assert loss > 0 and {part[1] for part in parts} == {1.0}


def test_main_in_bfloat16_autocast(whole, device, tmp_path):
    model = whole["Classifier"]
    model.forward = torch.autocast(device.type, torch.bfloat16)(model.forward)
    metrics = whole["main"](epochs=5, save_dir=tmp_path, device=str(device))
    file = torch.load(tmp_path / "best.pt", weights_only=True)
    assert metrics["test_acc"] > 0.8
    assert all(v.isfinite().all() for v in file["model"].values())
    assert {v.dtype for v in file["model"].values()} == {torch.float32, torch.int64}


def test_the_data_are_always_the_same(whole):
    one, other = whole["make_data"](), (torch.manual_seed(9), whole["make_data"]())[1]
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert torch.bincount(one[1]).tolist() == [140, 100, 65]


@pytest.mark.parametrize("epochs", [0, -3])
def test_no_epochs_raise(whole, tmp_path, epochs):
    with pytest.raises(ValueError, match=str(epochs)):
        whole["main"](epochs=epochs, save_dir=tmp_path / "x")


# --- scenarios: three seeds, shortened -----------------------------------------------------------


@pytest.mark.slow
def test_texts_beat_the_most_frequent_class():
    names = load(LEVEL / "solution_text_classifier.py")
    for seed in range(3):
        texts = names["make_texts"](seed)
        report = names["run"](texts[:400], texts[400:], "attention", 3, seed)
        assert report["accuracy"] >= report["baseline"] + 0.3
        assert min(report["by_length"]) >= report["baseline"] + 0.2  # long texts, too


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_pooled_text_is_that_of_its_words_alone(device, dtype):
    pooling = load(LEVEL / "solution_text_classifier.py")["AttentionPooling"](5).to(device, dtype)
    x = torch.randn(4, 7, 5, device=device, dtype=dtype)
    mask = torch.arange(7, device=device) < torch.tensor([[7], [1], [3], [0]], device=device)
    out = pooling(x, mask)
    assert (out.dtype, out.device) == (dtype, x.device)
    for i, n in enumerate((7, 1, 3)):
        alone = pooling(x[i : i + 1, :n], mask[i : i + 1, :n])
        torch.testing.assert_close(out[i : i + 1], alone)
    assert not out[3].any()


@pytest.mark.slow
def test_images_beat_guessing():
    names = load(LEVEL / "solution_medical_imaging.py")
    areas, recalls = [], []
    for seed in range(3):
        images, y, patients = names["make_images"](seed)
        report = names["run"](images, y, patients, 8, seed)
        areas.append(report["auroc"])
        recalls.append(sum(report["recall"]) / 2)
        owners = [set(patients[rows].tolist()) for rows in report["splits"].values()]
        assert sum(map(len, owners)) == len(set.union(*owners)) == 150
    assert min(areas) >= 0.85  # guessing: 0.5
    assert sum(recalls) / 3 >= 0.8  # guessing, or always 0: 0.5


def test_auroc_and_calibration_are_those_of_level_05():
    names = load(LEVEL / "solution_medical_imaging.py")
    other = load(ROOT / "05_level2_intermediate" / "solution_metrics.py")
    probs = (torch.randn(300).sigmoid() * 50).round() / 50 * 0.97 + 0.013  # ties
    y = (torch.rand(300) < probs).long()
    got = names["evaluate"](probs, y, 0.4)
    rows = torch.stack([1 - probs.double(), probs.double()], dim=1)
    assert got["auroc"] == pytest.approx(other["auroc"](probs, y))
    error = other["expected_calibration_error"](rows, y)
    assert got["calibration"] == pytest.approx(error)
    matrix = other["confusion_matrix"]((probs >= 0.4).long(), y, 2)
    _, recall, _ = other["precision_recall_f1"](matrix, average=None)
    assert got["recall"] == pytest.approx(recall.tolist())


def test_forecasts_beat_the_last_value_and_the_season():
    names = load(LEVEL / "solution_forecasting.py")
    for seed in range(3):
        report = names["run"](names["make_prices"](seed), 1, 60, 6, seed)
        best = min(report["last"]["mae"], report["seasonal"]["mae"])
        assert report["model"]["mae"] <= 0.8 * best
        assert report["model"]["direction"] >= 0.75  # a coin: 0.5


def test_forecasts_do_not_see_the_future():
    names = load(LEVEL / "solution_forecasting.py")
    prices = names["make_prices"](5)[:140]
    changed = torch.cat([prices[:120], 1000 + prices[120:]])
    pred, other = (
        names["walk_forward"](p, lambda past: names["fit"](past, 1), 1, 20)
        for p in (prices, changed)
    )
    assert pred[0] == other[0]  # the first is made before anything has changed
    assert pred[1] != other[1]


def test_windows_keep_their_dtype_and_copy_nothing(device):
    windows = load(LEVEL / "solution_forecasting.py")["make_windows"]
    series = torch.arange(50, dtype=torch.float64, device=device)
    x, y = windows(series, 7)
    assert (x.dtype, x.device, tuple(x.shape)) == (torch.float64, series.device, (43, 7))
    assert x.data_ptr() == series.data_ptr()
    assert torch.equal(x[:, -1] + 1, y)
