"""What challenge_detection.py requires: numbers by hand; torchvision for many boxes."""

import sys

import torch
import torchvision
from torch.overrides import TorchFunctionMode

from checks.tools import Forbidden, attempt, call_of, close, equal, result_of, unchanged

UNIT, WIDE = [0.0, 0, 2, 2], [0.0, 0, 4, 1]
BOXES = [UNIT, WIDE, [1.0, 0, 3, 2], [1.0, 1, 2, 2], [2.0, 0, 4, 2], [2.0, 2, 3, 3], [5.0, 6, 9, 7]]
CHAIN = [[0.0, 0, 10, 1], [2.0, 0, 12, 1], [4.0, 0, 14, 1], [20.0, 0, 30, 1]]  # 0.67, 0.43


def iou(box_iou):
    pairs = [([a], [b]) for a in BOXES for b in BOXES]
    drawn_pairs = [(drawn(n), drawn(m) + 3) for n, m in ((3, 5), (4, 4), (1, 6))]
    small = drawn(5) / 10  # less than a pixel
    drawn_pairs.append((small, small[:2]))
    for one, two in pairs + drawn_pairs:
        one, two = torch.as_tensor(one), torch.as_tensor(two)
        what = call_of("box_iou", *((one, two) if len(two) > 1 else (one.tolist(), two.tolist())))
        want = [[overlap(a, b) for b in two.tolist()] for a in one.tolist()]
        close(result_of(what, box_iou, one, two).double(), torch.tensor(want).double(), what, 1e-4)


def nms(nms):
    for boxes, threshold, want in (
        (CHAIN, 0.6, [0, 2, 3]),  # 2 is dropped by none that is kept
        (CHAIN, 0.66667, [0, 1, 2, 3]),
        (CHAIN, 0.4, [0, 3]),
        ([UNIT, [0.0, 0, 2, 1], [0.0, 0, 1, 1]], 0.5, [0, 1, 2]),  # IoU 0.5, 0.25, 0.5
        ([UNIT, [0.0, 0, 2, 1], [0.0, 0, 1, 1]], 0.499999, [0, 2]),
        ([UNIT, [0.0, 0, 2, 1], [0.0, 0, 1, 1]], 0.25, [0, 2]),
        ([UNIT, UNIT, UNIT], 0.99, [0]),
        ([UNIT, UNIT, UNIT], 1.0, [0, 1, 2]),
        ([UNIT, [2.0, 0, 4, 2], [1.5, 0, 2, 2]], 0.0, [0, 1]),
        ([UNIT], 0.5, [0]),
    ):
        scores = torch.linspace(2.5, -1.5, len(boxes))
        picked(
            f"nms({boxes}, scores falling, {threshold})", nms, boxes, scores, threshold, want=want
        )
    for n, threshold in ((40, 0.1), (23, 0.45), (16, 0.6)):
        boxes, scores = drawn(n), torch.rand(n)
        want = sorted(torchvision.ops.nms(boxes, scores, threshold).tolist())
        got = attempt(f"nms of {n} boxes", nms, boxes, scores, threshold).tolist()
        equal(f"nms of {n} boxes, {threshold}: sorted indices", sorted(got), want)


def order(nms, batched_nms):
    apart = [[10.0 * i, 0, 10.0 * i + 5, 5] for i in range(4)]
    twice = [*apart, *apart]
    for boxes, scores, want in (
        (apart, [0.1, 0.9, 0.4, 0.6], [1, 3, 2, 0]),
        (apart, [0.5, 0.5, 0.5001, 0.5], [2, 0, 1, 3]),
        (apart, [-0.5, -2.0, -1.0, 3.0], [3, 0, 2, 1]),
        (twice, [0.5, 0.2, 0.5, 0.5, 0.5, 0.8, 0.5, 0.9], [7, 5, 0, 2]),
        (apart * 30, [0.5] * 120, [0, 1, 2, 3]),
    ):
        shown = scores if len(scores) < 9 else "all equal"
        what, given = f"{len(boxes)} boxes, scores {shown}, threshold 0.5", torch.tensor(scores)
        picked(f"nms, {what}", nms, boxes, given, 0.5, want=want)
        for labels in ([7, 4, 1, -2], [3, 3, 3, 3]) if boxes is apart else ():
            told = f"batched_nms, {what}, labels {labels}"
            picked(told, batched_nms, boxes, given, torch.tensor(labels), 0.5, want=want)
    row, given = [[10.0 * i, 0, 10.0 * i + 5, 5] for i in range(20)], torch.tensor([0.5] * 20)
    what = "batched_nms, 20 boxes apart, scores all equal, labels 0, 1, 0, 1, ..., threshold 0.5"
    picked(what, batched_nms, row, given, torch.arange(20) % 2, 0.5, want=[*range(20)])


def batched(batched_nms):
    for labels, threshold, want in (
        ([0, 0, 0, 0], 0.6, [0, 2, 3]),
        ([0, 1, 0, 1], 0.4, [0, 1, 3]),
        ([0, 1, 1, 1], 0.6, [0, 1, 3]),
        ([3, 2, 1, 3], 0.0, [0, 1, 2, 3]),
        ([0, 1, 2, 0], 0.1, [0, 1, 2, 3]),
    ):
        what = f"batched_nms({CHAIN}, scores falling, labels {labels}, {threshold})"
        scores, given = torch.linspace(2.5, -1.5, 4), torch.tensor(labels)
        picked(what, batched_nms, CHAIN, scores, given, threshold, want=want)
    boxes, scores, labels = drawn(40), torch.rand(40), torch.randint(3, (40,))
    want = sorted(torchvision.ops.batched_nms(boxes, scores, labels, 0.4).tolist())
    got = attempt("batched_nms of 40 boxes", batched_nms, boxes, scores, labels, 0.4).tolist()
    equal("batched_nms of 40 boxes, 3 labels, 0.4: sorted indices", sorted(got), want)


def by_hand(box_iou, nms, batched_nms):
    for n in (2, 30):
        boxes, scores, labels = drawn(n), torch.rand(n), torch.arange(n) % 3
        for function, *more in (
            (box_iou, boxes),
            (nms, scores, 0.1),
            (batched_nms, scores, labels, 0.1),
        ):
            with Torchvision() as watch:
                attempt(f"{function.__name__} of {n} boxes", function, boxes, *more)
            told = f"{function.__name__} of {n} boxes calls torchvision's"
            assert not watch.used, f"{told} {watch.used[0]}, want nothing of torchvision"


def empty(box_iou, nms, batched_nms):
    for n, m in ((0, 3), (2, 0), (0, 0)):
        what = f"box_iou of ({n}, 4) and ({m}, 4)"
        equal(f"{what}: shape", tuple(result_of(what, box_iou, drawn(n), drawn(m)).shape), (n, m))
    none, labels = torch.zeros(0), torch.zeros(0, dtype=torch.int64)
    picked("nms of no box", nms, drawn(0), none, 0.5, want=[])
    picked("batched_nms of no box", batched_nms, drawn(0), none, labels, 0.5, want=[])
    point, line = [1.0, 1, 1, 1], [0.0, 1, 2, 1]
    for one in (point, line):
        for two in (point, line, [3.0, 3, 3, 3], UNIT):
            what = f"box_iou([{one}], [{two}])"
            close(result_of(what, box_iou, torch.tensor([one]), torch.tensor([two])), [[0.0]], what)
    what, scores = "nms of the same point twice and a line", torch.tensor([0.9, 0.8, 0.7])
    picked(what, nms, [point, point, line], scores, 0.0, want=[0, 1, 2])


def labels(batched_nms):
    scores, many = torch.linspace(0.9, 0.3, 4), 2**32
    named = [5, 1, 5, 1], [-1, 1, -1, 1], [many + 7, 7, many + 7, 7], [2**24, 2**24 + 1] * 2
    for shift, size, of in (
        (0, 1, named),
        (-40, 1, named[:2]),
        (-7, 1, named[2:]),
        (1e6, 1, named[1:3]),
        (-1e6, 1, named[::3]),
        (0, 1e4, named[::3]),
    ):
        boxes = torch.tensor(CHAIN) * torch.tensor([1, 10, 1, 10]) * size + shift  # squares
        for given in of:
            what = f"batched_nms({boxes.int().tolist()}, scores falling, labels {given}"
            for threshold, want in ((0.4, [0, 1, 3]), (0.45, [0, 1, 2, 3])):
                inputs = boxes, scores, torch.tensor(given), threshold
                picked(f"{what}, {threshold})", batched_nms, *inputs, want=want)
    boxes, scores = [[-9.0, -9, 9, 9]] * 2, scores[:2]
    for given in ([0, 1], [1, 0], [0, -1]):
        what = f"batched_nms({boxes}, scores falling, labels {given}, 0.0)"
        picked(what, batched_nms, boxes, scores, torch.tensor(given), 0.0, want=[0, 1])


def types(box_iou, nms, batched_nms):
    scores, given = torch.tensor([0.9, 0.8, 0.7]), torch.tensor([1, 1, 0])
    sides = {"float16": 16384, "bfloat16": 512, "uint8": 200, "int16": 30000, "int32": 60000}
    for name, side in {**sides, "int64": 60000, "float64": 512}.items():
        half = side // 2
        boxes = [[0, 0, side, side], [0, 0, side, half], [0, 0, half, half]]
        boxes = torch.tensor(boxes, dtype=getattr(torch, name))
        exact = torch.float64 if name == "float64" else torch.float32
        what, want = (
            f"{name} boxes {boxes.int().tolist()}",
            torch.tensor([[1, 0.5, 0.25]]).to(exact),
        )
        got = result_of(f"box_iou, {what}", box_iou, boxes[:1], boxes)
        close(got, want, f"box_iou, the first of {what}, and all", 1e-3)
        picked(f"nms, {what}, 0.4", nms, boxes, scores, 0.4, want=[0, 2])
        picked(f"batched_nms, {what}, 0.4", batched_nms, boxes, scores, given, 0.4, want=[0, 2])
    fine = torch.tensor([[0, 0, 1, 1], [1e-9, 0, 1, 1]], dtype=torch.float64)
    for side in (1, 1e-5):
        fine_iou = 1 - box_iou(fine * side, fine * side)[0, 1].item()
        told = f"box_iou, float64, boxes of side {side} that differ by 1e-09 of it"
        assert abs(fine_iou - 1e-9) < 1e-12, f"{told}: 1 - IoU {fine_iou:.3g}, want 1e-09"
    far, told = fine * 3 + 1e9, "float64, two boxes of 3 x 3 pixels at 1e9, IoU 1, threshold 0.9"
    picked(f"nms, {told}", nms, far, scores[:2], 0.9, want=[0])
    picked(f"batched_nms, {told}", batched_nms, far, scores[:2], given[:2], 0.9, want=[0])


def scale(box_iou, nms, batched_nms):
    def count(n):
        boxes, scores, labels = drawn(n), torch.rand(n), torch.arange(n) % (n // 4)
        for function, *more in (
            (box_iou, boxes),
            (nms, scores, 1.0),
            (batched_nms, scores, labels, 1.0),
        ):
            name = function.__name__
            with Forbidden("") as watch, unchanged(name, boxes, scores, labels):
                attempt(f"{name} of {n} boxes", function, boxes, *more)
            yield name, watch.seen

    for (name, few), (_, many) in zip(count(5), count(15), strict=True):
        most = few if name == "box_iou" else 4 * few + 20
        told = f"{name}, calls to torch for 5 boxes {few}, for 15 boxes, all kept, {many}"
        assert few > 0 and many <= most, f"{told}, want at most {most}"
    given = drawn(12), torch.rand(12), torch.arange(12) % 2
    apart = given[0].mT.contiguous().mT, *(torch.stack([t, t], 1)[:, 0] for t in given[1:])
    what = "not contiguous"
    close(box_iou(apart[0], apart[0]), box_iou(given[0], given[0]), f"box_iou, {what}")
    for function, n in ((nms, 2), (batched_nms, 3)):
        want = function(*given[:n], 0.4).tolist()
        picked(f"{function.__name__}, {what}", function, *apart[:n], 0.4, want=want)


CORE = (iou, nms, order, batched, by_hand)
EDGES = (empty, labels, types, scale)


class Torchvision(TorchFunctionMode):
    """Notes functions of torchvision that call torch, or its own operations."""

    def __init__(self):
        super().__init__()
        self.used = list[str]()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        frame = sys._getframe(1)
        while frame.f_code is not attempt.__code__:  # which has called the answer
            if str(frame.f_globals.get("__name__")).split(".")[0] == "torchvision":
                self.used.append(frame.f_code.co_name)
            frame = frame.f_back
        if str(func).startswith("torchvision."):
            self.used.append(str(func))
        return func(*args, **(kwargs or {}))


def drawn(n):
    """Boxes (n, 4) with sides from 1 to 9 in 20 x 20 pixels."""
    start = torch.rand(n, 2) * 12
    return torch.cat([start, start + 1 + torch.rand(n, 2) * 8], dim=1)


def overlap(one, two):
    """The IoU of two boxes, in Python's numbers."""
    sides = [max(0.0, min(one[i + 2], two[i + 2]) - max(one[i], two[i])) for i in (0, 1)]
    both = sides[0] * sides[1]
    union = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (one, two)) - both
    return both / union if union else 0.0


def picked(what, function, boxes, *more, want):
    """The indices that it gives for boxes, a list or a tensor; int64, as many as it keeps."""
    boxes = boxes if isinstance(boxes, torch.Tensor) else torch.tensor(boxes)
    got = result_of(what, function, boxes.clone(), *more)
    equal(what, got.tolist(), want)
    equal(f"{what}: dtype", got.dtype, torch.int64)
