"""What the solutions of level 01 keep beyond their checks."""

import copy
import pickle
import random
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    IterableDataset,
    Subset,
    get_worker_info,
    random_split,
)

from practice.exercises import ROOT, load

LEVEL = ROOT / "01_data_processing"


@pytest.fixture(scope="module")
def tensors():
    return load(LEVEL / "solution_1_tensors.py")


@pytest.fixture(scope="module")
def ops():
    return load(LEVEL / "solution_3_tensor_ops.py")


@pytest.fixture(scope="module")
def images():
    return load(LEVEL / "solution_4_image_ops.py")


@pytest.fixture(scope="module")
def means():
    return load(LEVEL / "solution_5_kmeans.py")


@pytest.fixture(scope="module")
def padded():
    return load(LEVEL / "solution_6_padded_batches.py")


@pytest.fixture(scope="module")
def series():
    return load(LEVEL / "solution_7_sliding_windows.py")


@pytest.fixture(scope="module")
def sound():
    return load(LEVEL / "solution_10_spectrogram.py")


@pytest.fixture(scope="module")
def imbalance():
    return load(LEVEL / "solution_8_class_imbalance.py")


@pytest.fixture(scope="module")
def loading():
    return load(LEVEL / "solution_9_fast_loading.py")


@pytest.fixture(scope="module")
def hunt():
    return load(LEVEL / "solution_bug_1.py")


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


@pytest.mark.parametrize("shape", [(), (5,), (2, 0, 3), (2, 3, 4, 5)])
@pytest.mark.parametrize("K", [1, 9])
def test_one_hot_equals_the_library_s(ops, device, shape, K):
    labels = torch.randint(K, shape, device=device)
    got = ops["one_hot"](labels, K)
    assert torch.equal(got, nn.functional.one_hot(labels, K).float())
    assert got.device == labels.device


@pytest.mark.parametrize(("N", "K"), [(1, 1), (64, 10), (5, 1000)])
def test_picked_log_probabilities_are_the_cross_entropy(ops, device, N, K):
    logits, labels = torch.randn(N, K, device=device), torch.randint(K, (N,), device=device)
    got = -ops["pick_by_label"](logits.log_softmax(dim=1), labels).mean()
    torch.testing.assert_close(got, nn.functional.cross_entropy(logits, labels))


def test_a_label_that_is_no_class_is_refused(ops):
    for label in (-1, 3):
        with pytest.raises(RuntimeError):
            ops["pick_by_label"](torch.zeros(1, 3), torch.tensor([label]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("N", "M", "D"), [(1, 1, 1), (50, 60, 7), (0, 3, 2)])
def test_distances_equal_the_library_s(ops, device, dtype, N, M, D):
    a, b = (torch.randn(n, D, dtype=dtype, device=device) for n in (N, M))
    want = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").square()
    torch.testing.assert_close(ops["pairwise_sq_dist"](a, b), want, rtol=1e-4, atol=1e-5)


def test_means_without_a_mask_and_of_one_group_are_the_plain_mean(ops, device):
    x = torch.randn(30, 4, 5, device=device)
    for dim in (None, 0, 1, -1):
        torch.testing.assert_close(ops["masked_mean"](x, x == x, dim), x.mean(dim))
    one = torch.zeros(30, dtype=torch.int64, device=device)
    torch.testing.assert_close(ops["segment_mean"](x[:, 0], one, 2)[0], x[:, 0].mean(dim=0))
    assert not ops["segment_mean"](x[:0, 0], one[:0], 2).any()


def test_the_ops_have_the_right_gradients(ops):
    x, y = (torch.randn(n, 3, dtype=torch.float64, requires_grad=True) for n in (5, 4))
    index = torch.tensor([0, 2, 2, 1, 0])
    assert torch.autograd.gradcheck(lambda t: ops["pick_by_label"](t, index), x)
    assert torch.autograd.gradcheck(lambda t: ops["masked_mean"](t, x > 0, 1), x)
    assert torch.autograd.gradcheck(lambda t: ops["segment_mean"](t, index, 4), x)
    assert torch.autograd.gradcheck(ops["pairwise_sq_dist"], (x, y))


@pytest.mark.parametrize("sizes", [(3, 32, 32), (2, 1, 5, 9), (4, 3, 17, 1)])
def test_image_functions_equal_torchvision_s(images, device, sizes):
    from torchvision.transforms.v2 import functional as library

    x = torch.rand(sizes, device=device)
    for size in ((8, 8), (40, 3), (sizes[-2], 2 * sizes[-1])):
        want = library.resize(x, list(size), antialias=True)
        torch.testing.assert_close(images["resize"](x, size), want, rtol=1e-4, atol=1e-5)
    mean, std = ([0.1 * (c + 1) for c in range(sizes[-3])] for _ in range(2))
    got = images["standardize"](x, mean, std)
    torch.testing.assert_close(got, library.normalize(x, mean, std))


def test_a_saved_picture_comes_back_as_the_library_reads_it(images, tmp_path):
    import numpy as np
    from PIL import Image
    from torchvision.transforms.v2 import functional as library

    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    picture = Image.open(tmp_path / "picture.png")
    got = images["to_float_chw"](torch.from_numpy(np.asarray(picture).copy()))
    want = library.to_dtype(library.pil_to_tensor(picture), scale=True)
    torch.testing.assert_close(got, want)


def test_minmax_of_a_batch_is_minmax_of_each(images, device):
    x = torch.randn(5, 3, 4, 6, device=device) * torch.arange(5, device=device).view(5, 1, 1, 1)
    got = images["minmax"](x)
    assert not got[0].any() and got.isfinite().all()
    assert torch.equal(got, torch.stack([images["minmax"](one) for one in x]))


@pytest.mark.parametrize("size", [1, 7, 24, 33])
def test_a_pair_stays_a_pair_at_any_size(images, device, size):
    mask = torch.randint(3, (50, 41), device=device) * 100
    flat = torch.stack([mask > 50, mask > 150]).float()
    for train in (True, False):
        x, y = images["PairedTransform"](size, train)(flat, mask)
        assert (x.shape, y.shape) == ((2, size, size), (size, size))
        assert (x.device, y.device, y.dtype) == (mask.device, mask.device, torch.int64)
        assert x.min() >= 0 and x.max() <= 1 + 1e-6
    side = size + size // 8
    square = mask[:side, :side]
    x, y = images["PairedTransform"](size)(square[None].float(), square)
    assert torch.equal(x[0], y.float())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("N", "D", "k"), [(1, 1, 1), (200, 2, 6), (64, 100, 64), (30, 5, 2)])
def test_more_updates_never_make_the_clusters_worse(means, dtype, N, D, k):
    data, last = torch.randn(N, D, dtype=dtype), float("inf")
    for updates in range(8):
        torch.manual_seed(3)
        centroids, assignments = means["kmeans"](data, k, updates, tol=0)
        assert (centroids.shape, centroids.dtype) == ((k, D), dtype)
        inertia = (data - centroids[assignments]).square().sum().item()
        assert inertia <= last * (1 + 1e-5) + 1e-6
        last = inertia


def test_clusters_far_apart_are_found_from_every_start(means):
    corners = torch.tensor([[0.0, 0.0], [100.0, 0.0], [0.0, 100.0]])
    rows = corners.repeat_interleave(20, dim=0) + torch.randn(60, 2)
    for _ in range(20):
        _, assignments = means["kmeans"](rows, 3)
        assert [len(part.unique()) for part in assignments.split(20)] == [1, 1, 1]
        assert len(assignments.unique()) == 3


def test_the_linear_layer_and_one_neighbor_agree(means):
    X, x = torch.randn(30, 8), torch.randn(100, 8)
    layer = nn.Linear(8, 30)
    layer.load_state_dict(dict(zip(("weight", "bias"), means["nearest_as_linear"](X), strict=True)))
    assert torch.equal(layer(x).argmax(dim=1), means["knn_predict"](X, torch.arange(30), x, k=1))


@pytest.mark.skipif(sys.platform == "win32", reason="no fork on Windows")
def test_a_loader_with_workers_takes_the_collate_function(padded):
    rows = [(torch.arange(1, n + 1), n) for n in (3, 1, 5, 2, 4)]
    sent = pickle.loads(pickle.dumps(padded["pad_collate"]))  # as to a worker that is spawned
    loader = DataLoader(rows, 2, collate_fn=sent, num_workers=2, multiprocessing_context="fork")
    found = [(tuple(x.shape), n.tolist(), y.tolist()) for x, n, y in loader]
    assert found == [((2, 3), [3, 1], [3, 1]), ((2, 5), [5, 2], [5, 2]), ((1, 4), [4], [4])]


def test_padding_and_mask_belong_together(padded):
    rows = [(torch.randn(n, 2, 3).double(), n) for n in (4, 1, 6)]
    x, lengths, y = padded["pad_collate"](rows, float("nan"))
    assert torch.equal(padded["lengths_to_mask"](lengths), ~x.isnan().any(dim=(2, 3)))
    assert torch.equal(lengths, y) and x.dtype == torch.float64
    assert padded["lengths_to_mask"](lengths, 9).sum().item() == 11


@pytest.mark.parametrize(("layers", "bias"), [(1, True), (3, False)])
def test_states_and_gradients_are_those_of_each_sequence_alone(padded, device, layers, bias):
    like = {"dtype": torch.float64, "device": device}
    gru = nn.GRU(3, 4, layers, bias, batch_first=True, bidirectional=True, **like)
    x, lengths = torch.randn(5, 7, 3, **like), torch.tensor([3, 7, 1, 7, 5], device=device)
    got = padded["last_states"](gru, x, lengths)
    alone = [gru(x[i : i + 1, :n])[1] for i, n in enumerate(lengths.tolist())]
    want = torch.cat([torch.cat([h[-2], h[-1]], dim=1) for h in alone])
    torch.testing.assert_close(got, want)
    weights = list(gru.parameters())
    grads = [torch.autograd.grad(out.square().sum(), weights) for out in (got, want)]
    torch.testing.assert_close(*grads)


def test_a_sequence_without_steps_is_refused(padded):
    gru = nn.GRU(2, 3, batch_first=True, bidirectional=True)
    with pytest.raises(RuntimeError):
        padded["last_states"](gru, torch.zeros(2, 3, 2), torch.tensor([3, 0]))


@pytest.mark.parametrize(("window", "horizon", "stride"), [(1, 1, 1), (7, 3, 2), (40, 9, 60)])
def test_each_pair_is_a_slice_of_the_series(series, device, window, horizon, stride):
    data = torch.randn(200, 3, device=device)[::2]
    x, y = series["make_windows"](data, window, horizon, stride)
    both = torch.cat([x, y], dim=1)
    assert both.device == data.device
    for i, pair in enumerate(both):
        assert torch.equal(pair, data[i * stride : i * stride + window + horizon])
    assert len(both) * stride + window + horizon > 100


@pytest.mark.parametrize(("window", "horizon"), [(1, 1), (5, 2), (12, 4)])
@pytest.mark.parametrize("fractions", [(0.2, 0.1), (0.0, 0.5), (0.15, 0.35)])
def test_no_two_parts_share_a_step(series, window, horizon, fractions):
    x, y = series["make_windows"](torch.arange(173.0)[:, None], window, horizon)
    parts = series["chronological_split"](173, window, horizon, *fractions)
    seen = [{*x[[*p]].flatten().tolist(), *y[[*p]].flatten().tolist()} for p in parts]
    assert not seen[0] & seen[1] and not seen[1] & seen[2] and not seen[0] & seen[2]
    assert max(seen[0]) < min(seen[2]) and max(seen[2]) == 172


def test_a_scaled_split_learns_nothing_of_the_test_part(series):
    data = torch.randn(100, 2)
    data[80:] += 1000
    scaler = series["Standardizer"]().fit(data[:80])
    torch.testing.assert_close(scaler.transform(data[:80]).mean(dim=0), torch.zeros(2))
    assert scaler.transform(data)[80:].min() > 500
    torch.testing.assert_close(scaler.inverse(scaler.transform(data)), data)


@pytest.mark.parametrize("K", [1, 4, 10])
def test_weighted_samples_weigh_one_on_average(imbalance, device, K):
    labels = torch.randint(K, (200,), device=device)
    weights = imbalance["class_weights"](labels, K)
    assert weights.device == labels.device and weights.dtype == torch.float32
    assert weights[labels].sum().item() == pytest.approx(200, rel=1e-4)
    logits = torch.randn(200, K, device=device)
    per_sample = nn.functional.cross_entropy(logits, labels, reduction="none")
    want = nn.functional.cross_entropy(logits, labels, weight=weights)
    torch.testing.assert_close((weights[labels] * per_sample).mean(), want)


def test_a_loader_gives_balanced_batches(imbalance, data):
    labels = torch.tensor([0] * 900 + [1] * 90 + [2] * 10)
    dataset = data["TensorDataset"](torch.arange(1000.0)[:, None], labels)
    generator = torch.Generator().manual_seed(0)
    for name, want in (("balanced_sampler", [1, 1, 1]), ("sqrt_sampler", [30, 90**0.5, 10**0.5])):
        sampler = imbalance[name](labels, generator)
        drawn = torch.cat([y for _, y in DataLoader(dataset, 50, sampler=sampler)])
        got = torch.bincount(drawn, minlength=3) / 1000
        torch.testing.assert_close(got, torch.tensor(want) / sum(want), rtol=0, atol=0.09)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int64])
def test_samplers_take_labels_as_files_give_them(imbalance, device, dtype):
    labels = torch.tensor([200, 7, 7, 7], device=device).to(dtype)
    chances = imbalance["balanced_sampler"](labels).weights
    torch.testing.assert_close(chances, torch.tensor([3.0, 1, 1, 1]).double() / 3)


# --- fast loading ---------------------------------------------------------------------------------


class Noted(IterableDataset):
    """The samples of a stream: each with its worker, the worker's seed, and what it then draws."""

    def __init__(self, stream):
        self.stream, self.rng = stream, np.random.default_rng(0)

    def __iter__(self):
        worker = get_worker_info().id
        for sample in self.stream:
            drawn = random.random(), np.random.random(), self.rng.random()
            yield sample, worker, torch.initial_seed(), *drawn


def seen(loading, start, n, rank, epochs):
    """What real workers of a loader gave: for each epoch the order and the parts of a sample."""
    stream = loading["ShardedStream"](n, 5, rank, 2)
    loader = loading["make_loader"](Noted(stream), 4, 2, torch.device("cpu"))
    loader.multiprocessing_context = start
    for epoch in epochs:
        stream.set_epoch(epoch)
        yield [torch.cat(part).tolist() for part in zip(*loader, strict=True)]


def in_one_process(loading, n, rank, epoch):
    stream = loading["ShardedStream"](n, 5, rank, 2)
    stream.set_epoch(epoch)
    return list(stream)


@pytest.mark.skipif(sys.platform == "win32", reason="no fork on Windows")
def test_forked_workers_of_two_ranks_load_each_sample_once_in_each_epoch(loading):
    n, runs = 29, []
    for rank in (0, 1):
        runs.append([*seen(loading, "fork", n, rank, (0, 1))])
        for epoch, (samples, workers, seeds, *drawn) in enumerate(runs[-1]):
            assert sorted(samples) == sorted(in_one_process(loading, n, rank, epoch))
            assert abs(workers.count(0) - workers.count(1)) <= 1
            base = seeds[0] - workers[0]
            assert all(s == base + w for s, w in zip(seeds, workers, strict=True))
            assert all(len(set(draws)) == len(samples) for draws in drawn)  # no two alike
    for epoch in (0, 1):
        assert sorted(runs[0][epoch][0] + runs[1][epoch][0]) == [*range(n)]
    assert runs[0][0][0] != runs[0][1][0]
    for kind in (3, 4, 5):  # the workers live on, and so do their generators
        assert not set(runs[0][0][kind]) & set(runs[0][1][kind])


@pytest.mark.parametrize("n, ranks", [(1, 1), (1000, 7), (3, 5)])
def test_a_stream_stopped_anywhere_gives_what_is_left(loading, n, ranks):
    whole, parts = [], []
    for rank in range(ranks):
        first, stream, other = (loading["ShardedStream"](n, 2, rank, ranks) for _ in range(3))
        first.set_epoch(4)
        stream.set_epoch(4)
        whole += list(first)
        samples = iter(stream)
        parts += [next(samples) for _ in range(n // ranks // 2)]
        other.load_state_dict(copy.deepcopy(stream.state_dict()))
        other.set_epoch(4)
        parts += list(other)
    assert parts == whole and sorted(whole) == [*range(n)]


def test_a_batch_is_pinned_where_there_is_a_gpu(loading, device):
    (batch,) = loading["make_loader"](loading["ShardedStream"](3), 4, 0, device)
    assert batch.is_pinned() == (device.type == "cuda")
    assert sorted(batch.to(device, non_blocking=True).tolist()) == [0, 1, 2]


# --- buggy_code_1, and both in workers that start anew --------------------------------------------


class Texts(Noted):
    """What is noted of a sample, and the row of that number."""

    def __init__(self, stream, rows):
        super().__init__(stream)
        self.rows = rows

    def __iter__(self):
        for noted in super().__iter__():
            ids, label = self.rows[noted[0]]
            yield *noted, ids.sum(), label


@pytest.mark.slow
def test_a_spawned_worker_gets_stream_and_texts(loading, hunt):
    n, words = 13, [f"w{i}" for i in range(9)]
    texts = [" ".join(words[: i % 10]) + " unknown" for i in range(n)]
    rows = hunt["TextDataset"](texts, list(range(n)), words)
    stream = loading["ShardedStream"](n, 5, 0, 2)
    loader = loading["make_loader"](Texts(stream, rows), 4, 1, torch.device("cpu"))
    loader.multiprocessing_context = "spawn"
    for epoch in (0, 1):  # the same worker
        stream.set_epoch(epoch)
        noted = [torch.cat(part).tolist() for part in zip(*loader, strict=True)]
        samples, workers, seeds, *drawn, sums, labels = noted
        assert samples == in_one_process(loading, n, 0, epoch) and labels == samples
        assert sorted(samples + in_one_process(loading, n, 1, epoch)) == [*range(n)]
        assert sums == [rows[i][0].sum().item() for i in samples]
        assert set(workers) == {0} and len(set(seeds)) == 1
        assert all(len(set(draws)) == len(samples) for draws in drawn)
    assert len(rows.ids) == 9


def test_a_text_alone_is_what_it_is_in_a_batch(hunt):
    rows = hunt["TextDataset"](["a b", "B c"], [3, 4], ["b", "a"])
    ids, labels = next(iter(DataLoader(rows, batch_size=2)))
    assert ids.tolist() == [[3, 2], [2, 1]] and labels.tolist() == [3, 4]
    assert [row[0].tolist() for row in rows] == ids.tolist()  # and iterating ends


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n_fft", [2, 400, 512])
@pytest.mark.parametrize("hop", [1, 160, 600])
def test_power_is_the_library_s(sound, device, dtype, n_fft, hop):
    wave = torch.randn(2, 1600, dtype=dtype, device=device)
    window = torch.hann_window(n_fft, dtype=dtype, device=device)
    want = torch.stft(wave, n_fft, hop, window=window, return_complex=True).abs().square()
    got = sound["stft_power"](wave, n_fft, hop)
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-3)
    assert torch.equal(sound["stft_power"](wave[0], n_fft, hop), got[0])


def test_a_tone_is_loudest_in_its_own_filter(sound, device):
    seconds = torch.arange(8000, device=device) / 8000
    loudest = []
    for hertz in (200, 500, 1000, 2000, 3500):
        wave = torch.cos(2 * torch.pi * hertz * seconds)
        mel = sound["log_mel"](wave, 512, 128, 20, 8000)
        assert mel.shape == (20, 63) and mel.isfinite().all()
        loudest.append(mel[:, 30].argmax().item())
        bank = sound["mel_filterbank"](20, 512, 8000)
        assert loudest[-1] == bank[round(hertz * 512 / 8000)].argmax().item()
    assert loudest == sorted(set(loudest))


def test_filters_cover_every_frequency_between_the_first_and_the_last_peak(sound):
    bank = sound["mel_filterbank"](40, 1024, 16000)
    total = bank.sum(dim=1)
    inside = torch.arange(bank[:, 0].argmax() + 1, bank[:, -1].argmax())
    torch.testing.assert_close(total[inside], torch.ones(len(inside)))
    assert bank.min() == 0 and bank.max() <= 1


def test_gradients_reach_the_wave_even_where_it_is_silent(sound):
    wave = torch.zeros(2, 400)
    wave[0] = torch.randn(400)
    wave.requires_grad_()
    masked = sound["spec_augment"](sound["log_mel"](wave, 64, 16, 8, 8000), 2, 3)
    masked.sum().backward()
    assert wave.grad.isfinite().all() and wave.grad[0].any() and not wave.grad[1].any()
