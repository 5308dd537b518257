"""What the solutions of level 06 keep beyond their checks."""

import copy

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

from practice.exercises import ROOT, load

LEVEL = ROOT / "06_level3_advanced"


@pytest.fixture(scope="module")
def classifier():
    return load(LEVEL / "solution_multi_input.py")["MultiInputClassifier"]


@pytest.fixture(scope="module")
def clip():
    return load(LEVEL / "solution_gradient_clip.py")["train_one_epoch_with_clip"]


@pytest.fixture(scope="module")
def accumulate():
    return load(LEVEL / "solution_gradient_accumulation.py")["train_one_epoch_accum"]


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
