"""What the solutions of level 05 keep beyond their checks."""

import copy
import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from practice.exercises import ROOT, load

LEVEL = ROOT / "05_level2_intermediate"


@pytest.fixture(scope="module")
def loops():
    return load(LEVEL / "solution_train_val_loop.py")


@pytest.fixture(scope="module")
def parts():
    return load(LEVEL / "solution_backbone_head.py")


@pytest.fixture(scope="module")
def resuming():
    return load(LEVEL / "solution_resume.py")


@pytest.fixture(scope="module")
def checkpoints():
    return load(LEVEL / "solution_checkpoint.py")


@pytest.fixture(scope="module")
def transfer():
    return load(LEVEL / "solution_transfer_learning.py")


def blobs(n=60):
    """Two classes that a line can part."""
    y = torch.arange(n) % 2
    return TensorDataset(torch.randn(n, 4) + 3 * y[:, None], y)


def classifier(device="cpu", dtype=torch.float32):
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).to(device, dtype)


@pytest.mark.parametrize("batch_size", [1, 7, 60, 100])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_validation_does_not_depend_on_the_batches(loops, device, batch_size, dtype):
    x, y = blobs().tensors
    model = classifier(device, dtype)
    loader = DataLoader(TensorDataset(x.to(dtype), y), batch_size)
    got = loops["validate"](model, loader, nn.CrossEntropyLoss(), device)
    logits = model(x.to(device, dtype)).cpu()
    loss = nn.functional.cross_entropy(logits, y).item()
    accuracy = (logits[:, 1] > logits[:, 0]).eq(y.bool()).double().mean().item()
    assert got == pytest.approx((loss, accuracy), abs=1e-4)


def test_validation_of_a_bfloat16_model_is_finite(loops, device):
    model, dataset = classifier(device, torch.bfloat16), blobs()
    loader = DataLoader(TensorDataset(dataset.tensors[0].bfloat16(), dataset.tensors[1]), 8)
    loss, accuracy = loops["validate"](model, loader, nn.CrossEntropyLoss(), device)
    assert 0 < loss < 100 and 0 <= accuracy <= 1


@pytest.mark.parametrize("autocast", [False, True])
def test_it_learns_what_can_be_learned(loops, device, autocast):
    model = classifier(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    train, val = DataLoader(blobs(), 16, shuffle=True), DataLoader(blobs(), 16)
    if autocast:  # in the model: around many steps it would go on using its first copy of weights
        model.forward = torch.autocast(device.type, torch.bfloat16)(model.forward)
    history = loops["train_for_epochs"](
        model, train, val, nn.CrossEntropyLoss(), optimizer, device, 6
    )
    assert history["train_loss"][-1] < 0.5 * history["train_loss"][0]
    assert history["val_acc"][-1] > 0.9
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert all(p.grad.isfinite().all() for p in model.parameters())


def run(loops, val, calls, device="cpu"):
    torch.manual_seed(3)
    model = classifier(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    train = [tuple(t[i : i + 16] for t in blobs().tensors) for i in range(0, 60, 16)]
    histories = [
        loops["train_for_epochs"](
            model, train, val, nn.CrossEntropyLoss(), optimizer, torch.device(device), epochs
        )
        for epochs in calls
    ]
    return model.state_dict(), {key: sum((h[key] for h in histories), []) for key in histories[0]}


def test_two_calls_equal_one_and_validation_data_do_not_matter(loops):
    val, others = [blobs(9).tensors], [(torch.randn(2, 4), torch.tensor([0, 1]))] * 3
    state, history = run(loops, val, [5])
    split_state, split_history = run(loops, val, [2, 3])
    other_state, other_history = run(loops, others, [5])
    assert history == split_history
    assert history["train_loss"] == other_history["train_loss"]
    for key, value in state.items():
        assert torch.equal(value, split_state[key]) and torch.equal(value, other_state[key])


def test_batch_with_labels_of_another_length_raises(loops):
    model, bad = classifier(), [(torch.randn(3, 4), torch.tensor([0, 1]))]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError):
        loops["train_one_epoch"](model, bad, nn.CrossEntropyLoss(), optimizer, torch.device("cpu"))
    with pytest.raises(ValueError):
        loops["validate"](model, bad, nn.CrossEntropyLoss(), torch.device("cpu"))


@pytest.mark.parametrize("N", [1, 2, 9])
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1, 1), (3, 2, 7, 5, 4)])
def test_every_image_is_classified_alone(parts, device, N, sizes):
    model = parts["BackboneHeadClassifier"](*sizes).to(device)
    x = torch.randn(N, *sizes[:3], device=device)
    out, order = model(x), torch.randperm(N)
    assert out.shape == (N, sizes[4]) and out.device == x.device
    alone = torch.cat([model(image[None]) for image in x])
    torch.testing.assert_close(out, alone, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(model(x[order]), out[order], atol=1e-4, rtol=1e-4)


def test_gradients_are_exact(parts):
    model = parts["BackboneHeadClassifier"](2, 2, 3, 4, 3).double()
    x = torch.randn(2, 2, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, *_: model(x), (x, *model.parameters()))


def test_size_is_counted_by_hand(parts):
    model = parts["BackboneHeadClassifier"](3, 8, 6, 10, 5)
    count = [sum(p.numel() for p in part.parameters()) for part in (model.backbone, model.head)]
    assert count == [(3 * 8 * 6 + 1) * 10, (10 + 1) * 5]


def test_frozen_backbone_stays_and_the_head_trains(parts, device):
    model = parts["BackboneHeadClassifier"](1, 2, 2, 16, 2).to(device)
    model.backbone.requires_grad_(False)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    x, y = (t.to(device) for t in blobs().tensors)
    optimizer = torch.optim.SGD((p for p in model.parameters() if p.requires_grad), lr=0.3)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x.view(-1, 1, 2, 2)), y).backward()
        optimizer.step()
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key]) == key.startswith("backbone."), key
    assert (model(x.view(-1, 1, 2, 2)).argmax(dim=1) == y).float().mean() > 0.9


def test_backbone_moves_to_a_task_with_other_classes(parts):
    old, new = (parts["BackboneHeadClassifier"](2, 3, 4, 5, k) for k in (6, 3))
    x = torch.randn(7, 2, 3, 4)
    new.backbone.load_state_dict(old.backbone.state_dict())
    assert torch.equal(new.backbone(x), old.backbone(x))
    with pytest.raises(RuntimeError):
        new.load_state_dict(old.state_dict())


def test_classifier_under_autocast(parts, device):
    model = parts["BackboneHeadClassifier"](2, 3, 4, 5, 6).to(device)
    with torch.autocast(device.type, torch.bfloat16):
        out = model(torch.randn(7, 2, 3, 4, device=device))
    assert out.dtype == torch.bfloat16
    out.float().square().sum().backward()
    assert all(p.grad.isfinite().all() and p.grad.any() for p in model.parameters())


def started(kind=torch.optim.SGD, device="cpu", dtype=torch.float32, **options):
    model = classifier(device, dtype)
    optimizer = kind(model.parameters(), **{"lr": 0.1, **options})
    steps(model, optimizer, 2)
    return model, optimizer


def steps(model, optimizer, n):
    p = next(model.parameters())
    for i in range(n):
        torch.manual_seed(i)
        optimizer.zero_grad()
        model(torch.randn(5, 4).to(p)).square().mean().backward()
        optimizer.step()


def equal(a, b):
    for p, q in zip(a.state_dict().values(), b.state_dict().values(), strict=True):
        assert torch.equal(p.cpu(), q.cpu()) and p.dtype == q.dtype


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (torch.optim.SGD, {"momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
        (torch.optim.Adam, {"amsgrad": True}),
        (torch.optim.RMSprop, {"centered": True}),
        (torch.optim.Adagrad, {}),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_any_optimizer_and_dtype_goes_on_where_it_stopped(
    checkpoints, device, tmp_path, kind, options, dtype
):
    model, optimizer = started(kind, device, dtype, **options)
    optimizer.param_groups[0]["lr"] = 0.03  # as a scheduler does
    checkpoints["save_checkpoint"](model, optimizer, 12, tmp_path / "x.pt")
    other, others = started(kind, device, dtype)
    assert checkpoints["load_checkpoint"](tmp_path / "x.pt", other, others) == 12
    for pair in ((model, optimizer), (other, others)):
        steps(*pair, 3)
    equal(model, other)


def test_checkpoint_moves_between_devices(checkpoints, device, tmp_path):
    for source, target in (("cpu", device), (device, "cpu")):
        model, optimizer = started(device=source, momentum=0.9)
        checkpoints["save_checkpoint"](model, optimizer, 1, tmp_path / "x.pt")
        other, others = started(device=target, momentum=0.9)
        checkpoints["load_checkpoint"](tmp_path / "x.pt", other, others)
        equal(model, other)
        where = torch.device(target).type
        assert {p.device.type for p in other.parameters()} == {where}
        assert {s["momentum_buffer"].device.type for s in others.state.values()} == {where}


def test_file_is_a_snapshot(checkpoints, tmp_path):
    model, optimizer = started()
    checkpoints["save_checkpoint"](model, optimizer, 1, tmp_path / "x.pt")
    before = {key: value.clone() for key, value in model.state_dict().items()}
    steps(model, optimizer, 2)
    checkpoints["load_checkpoint"](tmp_path / "x.pt", model)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_what_a_killed_run_left_is_no_obstacle(checkpoints, tmp_path):
    model, optimizer = started()
    (tmp_path / "x.pt.partial").write_bytes(b"half a fi")
    for _ in range(2):
        checkpoints["save_checkpoint"](model, optimizer, 2, tmp_path / "x.pt")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.pt", "x.pt.partial"]
    assert (tmp_path / "x.pt.partial").read_bytes() == b"half a fi"
    assert checkpoints["load_checkpoint"](tmp_path / "x.pt", model) == 2


def test_two_threads_save_to_one_path(checkpoints, tmp_path):
    """Each file is whole, whichever comes last: none writes into the other's temporary file."""

    def save(epoch):
        model, optimizer = started(kind=torch.optim.Adam)
        for _ in range(20):
            checkpoints["save_checkpoint"](model, optimizer, epoch, tmp_path / "x.pt")
            model_too = classifier()
            assert checkpoints["load_checkpoint"](tmp_path / "x.pt", model_too) in (1, 2)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(save, (1, 2))) == [None, None]
    assert [file.name for file in tmp_path.iterdir()] == ["x.pt"]


def test_folder_in_the_place_of_the_file(checkpoints, tmp_path):
    model, optimizer = started()
    (tmp_path / "x.pt").mkdir()
    with pytest.raises(OSError):
        checkpoints["save_checkpoint"](model, optimizer, 1, tmp_path / "x.pt")
    with pytest.raises(OSError):
        checkpoints["load_checkpoint"](tmp_path / "x.pt", model)
    assert [file.name for file in tmp_path.iterdir()] == ["x.pt"]
    assert list((tmp_path / "x.pt").iterdir()) == []


def test_wherever_a_file_is_cut_it_is_refused(checkpoints, tmp_path):
    model, optimizer = started()
    path = tmp_path / "x.pt"
    checkpoints["save_checkpoint"](model, optimizer, 1, path)
    whole = path.read_bytes()
    for size in range(0, len(whole), 97):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="x.pt is no checkpoint"):
            checkpoints["load_checkpoint"](path, model, optimizer)


SAVE_FOREVER = """
import sys, torch
from torch import nn
from practice.exercises import ROOT, load

save = load(ROOT / "05_level2_intermediate" / "solution_checkpoint.py")["save_checkpoint"]
model, momenta = nn.Linear(1000, 2000, bias=False), nn.Linear(1000, 1000, bias=False)
epoch = 0
while True:
    with torch.no_grad():
        model.weight.fill_(epoch)
        momenta.weight.fill_(epoch)
    save(model, momenta, epoch, sys.argv[1])  # an optimizer is anything that has a state dict
    epoch += 1
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGSTOP and SIGKILL on Windows")
def test_killed_in_the_middle_of_saving_the_file_is_whole(checkpoints, tmp_path):
    path = tmp_path / "last.pt"
    saver = subprocess.Popen([sys.executable, "-c", SAVE_FOREVER, str(path)], cwd=ROOT)
    try:
        deadline = time.monotonic() + 120
        while not path.exists():
            assert saver.poll() is None and time.monotonic() < deadline, "it never saved"
            time.sleep(0.01)
        while True:  # stop it until that happens to be in the middle of a file of 12 MB
            os.kill(saver.pid, signal.SIGSTOP)
            os.waitpid(saver.pid, os.WUNTRACED)
            if any(file.stat().st_size < 12_000_000 for file in tmp_path.iterdir()):
                break
            assert time.monotonic() < deadline, "never seen in the middle of a file"
            os.kill(saver.pid, signal.SIGCONT)
            time.sleep(0.001)
    finally:
        saver.kill()
        saver.wait()
    model, momenta = nn.Linear(1000, 2000, bias=False), nn.Linear(1000, 1000, bias=False)
    epoch = checkpoints["load_checkpoint"](path, model, momenta)
    assert (model.weight == epoch).all() and (momenta.weight == epoch).all()
    (partial,) = (file for file in tmp_path.iterdir() if file != path)
    with pytest.raises(ValueError):
        checkpoints["load_checkpoint"](partial, model)


# --- metrics --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def metrics():
    return load(LEVEL / "solution_metrics.py")


@pytest.mark.parametrize("n, k", [(1, 1), (7, 3), (4000, 10)])
def test_matrix_and_ratios_of_any_size(metrics, device, n, k):
    pred, target = torch.randint(k, (2, n), device=device)
    cm = metrics["confusion_matrix"](pred, target, k)
    assert cm.device == pred.device and cm.sum() == n
    pairs = zip(pred.split(3), target.split(3), strict=True)
    assert torch.equal(sum(metrics["confusion_matrix"](*pair, k) for pair in pairs), cm)
    accuracy = (pred == target).double().mean().item()
    for ratio in metrics["precision_recall_f1"](cm, "micro"):
        assert ratio.device == cm.device and ratio.item() == pytest.approx(accuracy)
    precision, recall, f1 = metrics["precision_recall_f1"](cm, None)
    flipped = metrics["precision_recall_f1"](cm.T, None)
    for got, want in zip((recall, precision, f1), flipped, strict=True):
        torch.testing.assert_close(got, want)


@pytest.mark.parametrize("levels", [2, 9, 10**6])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_auroc_of_many_scores(metrics, device, levels, dtype):
    scores = torch.randint(levels, (500,), device=device).to(dtype)
    targets = torch.randint(2, (500,), device=device)
    ones, zeros = (scores[targets == kind].double() for kind in (1, 0))
    wins = (ones[:, None] > zeros).double() + (ones[:, None] == zeros).double() / 2
    area = metrics["auroc"](scores, targets)
    assert area == pytest.approx(wins.mean().item())
    assert metrics["auroc"](-scores, targets) == pytest.approx(1 - area)
    assert metrics["auroc"](scores / 8 + 1, targets > 0) == pytest.approx(area, abs=0.02)


def test_calibration_falls_when_confidence_is_what_it_says(metrics, device):
    logits = 2 * torch.randn(20000, 4, device=device)
    targets = torch.distributions.Categorical(logits=logits).sample()
    honest, proud = (
        metrics["expected_calibration_error"]((t * logits).softmax(1), targets) for t in (1, 3)
    )
    assert honest < 0.03 < 0.1 < proud
    sure = torch.tensor([[1.0 + 1e-7, 0.0]], device=device)  # as a softmax may round
    zero = torch.zeros(1, dtype=torch.int64, device=device)
    assert metrics["expected_calibration_error"](sure, zero) == pytest.approx(0, abs=1e-6)


def test_a_mean_does_not_depend_on_batches_and_workers(metrics, device):
    values, workers = torch.rand(103, device=device), [metrics["MeanMetric"]() for _ in range(3)]
    for i, batch in enumerate(values.split(10)):
        workers[i % 3].update(batch.mean(), len(batch))
    for other in workers[1:]:
        workers[0].merge(other)
    assert workers[0].compute() == pytest.approx(values.mean().item(), rel=1e-5)


# transfer learning, with a model that everybody fine-tunes


@pytest.fixture
def resnets():
    torchvision = pytest.importorskip("torchvision")
    return [torchvision.models.resnet18(weights=None, num_classes=k) for k in (10, 5)]


def test_a_resnet_takes_all_but_the_head_of_a_wrapped_checkpoint(transfer, resnets):
    old, new = resnets
    state = {f"module._orig_mod.{name}": value for name, value in old.state_dict().items()}
    loaded, skipped = transfer["load_matching"](new, state)
    assert skipped == {
        "fc.weight": "shape (10, 512), want (5, 512)",
        "fc.bias": "shape (10,), want (5,)",
    }
    assert sorted([*loaded, *skipped]) == sorted(old.state_dict())
    assert all(torch.equal(new.state_dict()[n], old.state_dict()[n]) for n in loaded)


@pytest.mark.slow
def test_five_steps_leave_every_frozen_byte_of_a_resnet(transfer, resnets):
    _, model = resnets
    x, y = torch.randn(2, 3, 32, 32), torch.tensor([0, 4])
    everything = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.5)
    nn.functional.cross_entropy(model(x), y).backward()
    params = transfer["freeze"](model, ["fc", "layer4.1.bn2"])
    assert [tuple(p.shape) for p in params] == [(512,), (512,), (5, 512), (5,)]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model = pickle.loads(pickle.dumps(copy.deepcopy(model)))
    optimizers = (
        everything,
        torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.1),
    )
    for _ in range(5):
        model.train()
        optimizers[1].zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        for optimizer in optimizers:
            optimizer.step()
    moved = [n for n, value in model.state_dict().items() if not torch.equal(value, before[n])]
    norm = [f"layer4.1.bn2.{n}" for n in ("weight", "bias", "running_mean", "running_var")]
    assert moved == [*norm, "layer4.1.bn2.num_batches_tracked", "fc.weight", "fc.bias"]


@pytest.mark.parametrize(("layer", "size"), [("avgpool", 512), ("bn1", 64 * 16 * 16)])
def test_features_of_a_resnet_are_those_of_each_image_alone(transfer, resnets, layer, size, device):
    model = resnets[0].to(device).train()
    x, y = torch.randn(3, 3, 32, 32), torch.arange(3)
    loader = DataLoader(TensorDataset(x, y), batch_size=2)
    features, labels = transfer["extract_features"](model, layer, loader, device)
    assert (features.shape, labels.tolist()) == ((3, size), [0, 1, 2])
    alone = [
        transfer["extract_features"](model, layer, [(x[i : i + 1], y[i : i + 1])], device)[0]
        for i in range(3)
    ]
    torch.testing.assert_close(features, torch.cat(alone), rtol=1e-3, atol=1e-4)
    assert model.training and model.bn1.num_batches_tracked.item() == 0


# --- resume ---------------------------------------------------------------------------------------

NEW_RUN = """
import random
import numpy as np
import torch
from torch import nn

class Noisy:
    def __len__(self):
        return 13

    def __getitem__(self, i):
        noise = random.gauss(0, 1), np.random.normal(), torch.randn(()).item()
        return torch.tensor([float(i), *noise]), i % 3

def new(Run, seed, device="cpu"):
    torch.manual_seed(seed)
    parts = nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3)
    model = nn.Sequential(*parts).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=20)
    return Run(model, optimizer, scheduler, Noisy(), 5, 3)
"""

GO_ON = """
import sys
from practice.exercises import ROOT, load

torch.set_num_threads(1)
run = new(load(ROOT / "05_level2_intermediate" / "solution_resume.py")["Run"], 9)
run.load_state_dict(torch.load(sys.argv[1], weights_only=True))
print([run.step() for _ in range(6)])
"""


@pytest.mark.slow
def test_a_run_goes_on_bit_for_bit_in_another_process(resuming, tmp_path):
    names, threads = {}, torch.get_num_threads()
    exec(NEW_RUN, names)
    torch.set_num_threads(1)
    try:
        run = names["new"](resuming["Run"], 1)
        for _ in range(4):
            run.step()
        torch.save(run.state_dict(), tmp_path / "run.pt")
        want = [run.step() for _ in range(6)]
    finally:
        torch.set_num_threads(threads)
    code = [sys.executable, "-c", NEW_RUN + GO_ON, str(tmp_path / "run.pt")]
    child = subprocess.run(code, cwd=ROOT, capture_output=True, text=True)
    assert child.stdout.strip() == str(want), child.stderr


def test_stopped_after_each_step_of_four_epochs(resuming):
    names = {}
    exec(NEW_RUN, names)
    run, states, losses = names["new"](resuming["Run"], 1), [], []
    for _ in range(12):
        states.append(run.state_dict())
        losses.append(run.step())
    for k, state in enumerate(states):
        other = names["new"](resuming["Run"], 2)
        other.load_state_dict(state)
        assert [other.step() for _ in losses[k : k + 2]] == losses[k : k + 2]


def test_a_state_moves_between_devices(resuming, device, tmp_path):
    names = {}
    exec(NEW_RUN, names)
    for source, target in (("cpu", device), (device, "cpu")):
        run, other = (
            names["new"](resuming["Run"], seed, at) for seed, at in ((1, source), (2, target))
        )
        run.step()
        torch.save(run.state_dict(), tmp_path / "run.pt")
        other.load_state_dict(
            torch.load(tmp_path / "run.pt", map_location=target, weights_only=True)
        )
        held = other.optimizer.state.values()
        assert {s["exp_avg"].device.type for s in held} == {torch.device(target).type}
        assert other.step() > 0
