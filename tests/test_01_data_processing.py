"""What the solutions of level 01 keep beyond their checks."""

import pytest
import torch
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Subset, random_split

from practice.exercises import ROOT, load

LEVEL = ROOT / "01_data_processing"


@pytest.fixture(scope="module")
def tensors():
    return load(LEVEL / "solution_1_tensors.py")


@pytest.fixture(scope="module")
def data():
    return load(LEVEL / "solution_2_dataset.py")


def test_device_is_what_this_machine_has(tensors):
    device = tensors["get_device"]()
    assert device.type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert torch.ones(2, device=device).sum().item() == 2


@pytest.mark.parametrize("sizes", [(1, 3, 5, 7), (6, 1, 1, 1), (0, 3, 4, 5)])
def test_random_batch_of_any_size_is_a_finite_leaf(tensors, sizes):
    x = tensors["create_batch_tensor"](*sizes)
    assert x.shape == sizes
    assert x.isfinite().all()
    assert x.is_contiguous() and x.is_leaf and not x.requires_grad


@pytest.mark.parametrize("N", [1, 2, 9])
@pytest.mark.parametrize("shape", [(), (4,), (2, 3, 4, 5)])
def test_stack_and_unbind_are_inverse(tensors, device, N, shape):
    parts = [torch.randn(shape, device=device) for _ in range(N)]
    out = tensors["stack_batches"](parts)
    assert out.device == parts[0].device
    assert all(torch.equal(*pair) for pair in zip(out.unbind(), parts, strict=True))


def test_stack_of_unequal_shapes_raises(tensors):
    with pytest.raises(RuntimeError):
        tensors["stack_batches"]([torch.ones(3), torch.ones(1)])


@pytest.mark.parametrize("N", [1, 3])
@pytest.mark.parametrize("size", [(5, 4), (1, 1), (1, 6)])
def test_concat_and_split_are_inverse(tensors, device, N, size):
    a, b = (torch.randn(N, c, *size, device=device) for c in (2, 3))
    left, right = tensors["concat_along_channels"](a, b).split([2, 3], dim=1)
    assert torch.equal(left, a) and torch.equal(right, b)


@pytest.mark.parametrize(("sizes", "other"), [((3, 4), (3, 1)), ((3, 4), (5, 4))])
def test_concat_of_unequal_maps_raises(tensors, sizes, other):
    with pytest.raises(RuntimeError):
        tensors["concat_along_channels"](torch.ones(2, 1, *sizes), torch.ones(2, 1, *other))


@pytest.mark.parametrize("N", [1, 4])
@pytest.mark.parametrize("size", [(1, 1), (2, 7)])
def test_conditioned_convolution_equals_a_bias_per_sample(tensors, device, N, size):
    """A 1x1 convolution sees a constant plane as a bias."""
    like = {"device": device, "dtype": torch.float64}
    x = torch.randn(N, *size, 3, **like).permute(0, 3, 1, 2)  # channels last
    cond = torch.randn(5, N, **like).T
    conv = nn.Conv2d(3 + 5, 2, kernel_size=1, **like)
    got = conv(tensors["condition_to_feature_map"](x, cond))
    on_x, on_cond = conv.weight[:, :, 0, 0].split([3, 5], dim=1)
    want = torch.einsum("oc,nchw->nohw", on_x, x) + (cond @ on_cond.T + conv.bias)[:, :, None, None]
    torch.testing.assert_close(got, want)


def test_conditioning_under_autocast_joins_what_a_layer_made(tensors, device):
    x, embed = torch.randn(2, 3, 4, 5, device=device), nn.Linear(6, 7).to(device)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        out = tensors["condition_to_feature_map"](x.bfloat16(), embed(x.new_ones(2, 6)))
    assert out.dtype == torch.bfloat16
    out.float().sum().backward()
    assert embed.weight.grad.isfinite().all() and embed.weight.grad.abs().min() > 0


@pytest.mark.parametrize("N", [1, 2, 13])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.complex64])
def test_dataset_equals_the_library_s(data, device, N, dtype):
    X, y = torch.randn(N, 3, 2, device=device).to(dtype), torch.arange(N, device=device)
    mine, library = data["TensorDataset"](X, y), torch.utils.data.TensorDataset(X, y)
    assert len(mine) == len(library)
    for i in (0, N - 1, -N):
        assert all(torch.equal(*pair) for pair in zip(mine[i], library[i], strict=True))
        assert mine[i][0].device == X.device


def test_dataset_can_be_split_joined_and_cut(data):
    dataset = data["TensorDataset"](torch.arange(10.0)[:, None], torch.arange(10))
    parts = random_split(dataset, [7, 3])
    both = ConcatDataset([*parts, Subset(dataset, [-1])])
    labels = [int(label) for _, label in (both[i] for i in range(len(both)))]
    assert sorted(labels) == [*range(9), 9, 9]
    assert all(x.item() == label for x, label in (both[i] for i in range(len(both))))


def test_gradients_pass_from_a_batch_to_the_rows(data):
    X = torch.randn(5, 2, requires_grad=True)
    for x, _ in DataLoader(data["TensorDataset"](X, torch.arange(5)), batch_size=2):
        (3 * x).sum().backward()
    assert torch.equal(X.grad, torch.full_like(X, 3))


@pytest.mark.parametrize(("batch_size", "num_samples"), [(1, 3), (5, 5), (7, 20), (64, 6)])
def test_loader_has_the_promised_number_of_batches(data, batch_size, num_samples):
    loader = data["create_sample_loader"](batch_size, num_samples)
    assert len(loader) == -(-num_samples // batch_size) == sum(1 for _ in loader)


def test_cross_entropy_takes_the_labels_and_all_classes_come_up(data, device):
    seen = set()
    for x, y in data["create_sample_loader"](batch_size=64, num_samples=500):
        logits = 1e6 * x.to(device)  # as sure as can be of the largest feature
        assert nn.functional.cross_entropy(logits, y.to(device)).item() < 1e-3
        seen |= set(y.tolist())
    assert seen == set(range(8))


def test_every_first_row_is_equally_likely(data):
    loader = data["create_sample_loader"](batch_size=1, num_samples=4)
    rows = [x.tolist() for x, _ in (loader.dataset[i] for i in range(4))]
    firsts = [rows.index(next(iter(loader))[0][0].tolist()) for _ in range(300)]
    assert all(45 <= firsts.count(i) <= 105 for i in range(4))  # 75 ± 4 standard deviations


def test_no_sample_is_refused_rather_than_an_empty_epoch(data):
    with pytest.raises(ValueError, match="num_samples"):
        data["create_sample_loader"](num_samples=0)
