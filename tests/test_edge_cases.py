"""What holds of every model and loop: odd sizes, odd memory, odd values, odd batches."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from practice.exercises import ROOT, load


def solution(path):
    return load(ROOT / f"{path}.py")


# name: (a module, the shapes of its inputs for N samples)
MODELS: dict[str, Callable[[], Any]] = {
    "ConcatBlock": lambda: (
        solution("02_models/solution_1_concatenation")["ConcatBlock"](3, 5, 4),
        lambda N: [(N, 3), (N, 5)],
    ),
    "ConditionalMLP": lambda: (
        solution("02_models/solution_2_conditioning")["ConditionalMLP"](3, 5, 7, 4),
        lambda N: [(N, 3), (N, 5)],
    ),
    "FullModel": lambda: (
        solution("02_models/solution_3_connecting")["FullModel"](3, 7, 4),
        lambda N: [(N, 3)],
    ),
    "ConditionalLinear": lambda: (
        solution("02_models/solution_4_film")["ConditionalLinear"](3, 5, 4),
        lambda N: [(N, 3), (N, 5)],
    ),
    "RiskModel": lambda: (
        solution("04_bug_finding/solution_bug_2")["RiskModel"](3, 5, 7, 4),
        lambda N: [(N, 3), (N, 5)],
    ),
    "ConditionalCNN": lambda: (
        solution("04_bug_finding/solution_bug_3")["ConditionalCNN"](3, 5, 7, 4),
        lambda N: [(N, 3, 5, 7), (N, 5)],
    ),
    "DeepClassifier": lambda: (
        solution("04_bug_finding/solution_bug_6")["DeepClassifier"](3, 7, 4),
        lambda N: [(N, 3)],
    ),
}
WITH_TWO_INPUTS = [name for name, make in MODELS.items() if len(make()[1](1)) == 2]


@pytest.fixture(params=MODELS)
def model_and_shapes(request):
    model, shapes = MODELS[request.param]()
    for p in model.parameters():  # zeros of an initialization hide what is wrong with an input
        nn.init.normal_(p, std=0.5)
    return model.eval(), shapes


def test_a_sample_alone_is_the_sample_in_a_batch(model_and_shapes):
    model, shapes = model_and_shapes
    inputs = [torch.randn(s) for s in shapes(7)]
    together = model(*inputs)
    alone = torch.cat([model(*(x[i : i + 1] for x in inputs)) for i in range(7)])
    torch.testing.assert_close(alone, together)


def test_an_empty_batch_gives_an_empty_result(model_and_shapes):
    model, shapes = model_and_shapes
    assert model(*(torch.empty(s) for s in shapes(0))).shape == (0, 4)


def test_memory_layout_does_not_matter(model_and_shapes):
    model, shapes = model_and_shapes
    inputs = [torch.randn(s) for s in shapes(6)]
    strided = [torch.stack([x, torch.zeros_like(x)], dim=-1)[..., 0] for x in inputs]
    assert not any(x.is_contiguous() for x in strided)
    torch.testing.assert_close(model(*strided), model(*inputs))


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e4])
def test_large_and_tiny_values_stay_finite_forth_and_back(model_and_shapes, scale):
    model, shapes = model_and_shapes
    inputs = [(scale * torch.randn(s)).requires_grad_() for s in shapes(6)]
    out = model(*inputs)
    assert out.isfinite().all()
    grads = torch.autograd.grad(out.square().mean(), [*inputs, *model.parameters()])
    assert all(g.isfinite().all() for g in grads)


def test_inputs_and_model_are_left_as_they_were(model_and_shapes):
    model, shapes = model_and_shapes
    inputs = [torch.randn(s) for s in shapes(6)]
    before = [t.clone() for t in (*inputs, *model.state_dict().values())]
    model(*inputs)
    after = [*inputs, *model.state_dict().values()]
    assert all(torch.equal(a, b) for a, b in zip(after, before, strict=True))


@pytest.mark.parametrize("model_and_shapes", WITH_TWO_INPUTS, indirect=True)
@pytest.mark.parametrize(("N", "M"), [(6, 1), (1, 6), (6, 5), (6, 0)])
def test_batches_of_unlike_size_raise(model_and_shapes, N, M):
    model, shapes = model_and_shapes
    with pytest.raises((RuntimeError, ValueError)):
        model(torch.randn(shapes(N)[0]), torch.randn(shapes(M)[1]))


def test_a_wrong_number_of_features_raises(model_and_shapes):
    model, shapes = model_and_shapes
    (N, D, *size), *rest = shapes(6)
    with pytest.raises((RuntimeError, ValueError)):
        model(torch.randn(N, D + 1, *size), *(torch.randn(s) for s in rest))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sizes", [(1,), (1, 1, 1), (5, 1), (1, 5)])
def test_an_epoch_over_batches_of_one_counts_each_sample(sizes, dtype):
    train_one_epoch = solution("03_training/solution_training_loop")["train_one_epoch"]
    model = nn.Linear(3, 2).to(dtype)
    batches = [(torch.randn(n, 3, dtype=dtype), torch.randint(2, (n,))) for n in sizes]
    frozen = torch.optim.SGD(model.parameters(), lr=0.0)
    x, y = (torch.cat(part) for part in zip(*batches, strict=True))
    want = nn.functional.cross_entropy(model(x), y).item()
    device = torch.device("cpu")
    got = train_one_epoch(model, batches, nn.CrossEntropyLoss(), frozen, device)
    assert got == pytest.approx(want, rel=1e-5)
