"""Detection: IoU of all pairs by broadcasting, then a greedy loop over the boxes that are kept.

Why it works: the overlap begins at the larger of the two left edges and ends at the smaller right
edge. Where that is negative, the boxes lie apart, and each side is clamped by itself: two negative
sides would make a positive area. Boxes of 2 x 2, one shifted by 1: 2 / (4 + 4 - 2) = 1 / 3. NMS
goes through the boxes by score; labels only decide which box may drop which, so plain NMS has one.
Say in the interview:
- A detector gives many boxes per object, as neighboring anchors see the same; NMS leaves one.
- The loop runs once per kept box. All N^2 pairs at once would be fast on a GPU, and N^2 numbers.
- What is dropped drops nothing: NMS is greedy, and two neighbors of one dropped box may both stay.
Asked next: "Labels in one call of nms?" Shift the boxes of each label by more than the largest
extent, label * (max - min + 1), so that no two labels meet. Large shifts cost float32 its fraction.
"A crowd, where true boxes overlap?" Soft-NMS lowers scores instead of dropping, or a loss that
matches each object to one box (DETR) needs no NMS at all.
Common slips: clamp after the product; min and max swapped; `>=` at the threshold; indices into the
sorted boxes; the IoU of [N, 1, 4] with [N, 4] read the wrong way; areas of float16 boxes, which are
infinite from 256 x 256 pixels on; max alone as the shift, where coordinates may be negative.
May be left out if you say so: narrow dtypes, and boxes without area.
"""

import torch
from torch import Tensor


def box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """(N, 4), (M, 4) of (x1, y1, x2, y2) -> (N, M) float32, or float64 of float64 boxes."""
    boxes1, boxes2 = (b if b.dtype == torch.float64 else b.float() for b in (boxes1, boxes2))
    area1, area2 = ((b[:, 2:] - b[:, :2]).prod(dim=1) for b in (boxes1, boxes2))  # (N,), (M,)
    start = torch.maximum(boxes1[:, None, :2], boxes2[:, :2])  # (N, M, 2)
    end = torch.minimum(boxes1[:, None, 2:], boxes2[:, 2:])
    overlap = (end - start).clamp(min=0).prod(dim=2)  # (N, M)
    union = area1[:, None] + area2 - overlap
    return overlap / union.masked_fill(union == 0, 1)  # without area: 0 / 1


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """(N, 4), (N,) -> indices of the boxes kept, best score first, (kept,) int64."""
    return batched_nms(boxes, scores, torch.zeros_like(scores), iou_threshold)


def batched_nms(boxes: Tensor, scores: Tensor, labels: Tensor, iou_threshold: float) -> Tensor:
    """As nms, for each label by itself; (N, 4), (N,), (N,) -> (kept,) int64."""
    left, kept = scores.argsort(descending=True, stable=True), []
    while len(left):
        best, left = left[:1], left[1:]
        kept.append(best)
        iou = box_iou(boxes[best], boxes[left])[0]  # (left,)
        left = left[(iou <= iou_threshold) | (labels[left] != labels[best])]
    return torch.cat(kept) if kept else left


# Something to look at: noisy boxes around four objects of two labels, and those that are kept.
if __name__ == "__main__":
    from pathlib import Path

    from torchvision.utils import draw_bounding_boxes, save_image

    torch.manual_seed(0)
    true = torch.tensor(
        [[10.0, 10, 60, 50], [40, 30, 90, 80], [100, 20, 140, 90], [95, 60, 150, 110]]
    )
    labels = torch.tensor([0, 1, 0, 1]).repeat(6)
    boxes = true.repeat(6, 1) + 3 * torch.randn(24, 4)
    scores = torch.rand(24)
    kept = batched_nms(boxes, scores, labels, 0.5)
    black = torch.zeros(3, 120, 160, dtype=torch.uint8)
    colors = ["red" if label else "yellow" for label in labels.tolist()]
    all_of_them = draw_bounding_boxes(black, boxes, colors=colors)
    few = draw_bounding_boxes(black, boxes[kept], colors=[colors[i] for i in kept.tolist()])
    file = Path(__file__).resolve().parents[1] / "runs" / "detection.png"
    file.parent.mkdir(exist_ok=True)
    save_image(
        torch.stack([all_of_them, few]).repeat_interleave(2, 2).repeat_interleave(2, 3) / 255, file
    )
    print(f"{len(boxes)} boxes, {len(kept)} kept: runs/{file.name}")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
