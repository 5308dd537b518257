"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

OVERLAP = "(end - start).clamp(min=0).prod(dim=2)"
DIVIDE = "overlap / union.masked_fill(union == 0, 1)"
UNION = "area1[:, None] + area2 - overlap"
AREAS = "((b[:, 2:] - b[:, :2]).prod(dim=1) for b in (boxes1, boxes2))"
WIDER = "(b if b.dtype == torch.float64 else b.float() for b in (boxes1, boxes2))"
SORT = "scores.argsort(descending=True, stable=True)"
KEEP = "(iou <= iou_threshold) | (labels[left] != labels[best])"
END = "return torch.cat(kept) if kept else left"
STEP = "        best, left = left[:1], left[1:]\n"
PLAIN = "return batched_nms(boxes, scores, torch.zeros_like(scores), iou_threshold)"
LOOP = "    left, kept = "
IMPORT = "import torchvision\n\n\n"
SHIFTED = """
def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    left, kept = scores.argsort(descending=True, stable=True), []
    while len(left):
        best, left = left[:1], left[1:]
        kept.append(best)
        left = left[box_iou(boxes[best], boxes[left])[0] <= iou_threshold]
    return torch.cat(kept) if kept else left


def batched_nms(boxes: Tensor, scores: Tensor, labels: Tensor, iou_threshold: float) -> Tensor:
    if not len(boxes):
        return labels
    shift = labels * (boxes.max() + 1)
    return nms(boxes + shift[:, None], scores, iou_threshold)
"""
MATRIX = """
def batched_nms(boxes: Tensor, scores: Tensor, labels: Tensor, iou_threshold: float) -> Tensor:
    order = scores.argsort(descending=True, stable=True)
    drops = box_iou(boxes, boxes)[order][:, order] > iou_threshold
    drops &= labels[order][:, None] == labels[order]
    gone = torch.zeros(len(order), dtype=torch.bool, device=order.device)
    for i in range(len(order)):
        gone[i + 1 :] |= drops[i, i + 1 :] & ~gone[i]
    return order[~gone]
"""
PER_LABEL = """
def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    order = torch.sort(scores, descending=True, stable=True)[1]
    kept: list[int] = []
    while order.numel() > 0:
        kept.append(int(order[0]))
        ious = box_iou(boxes[order[:1]], boxes[order[1:]]).squeeze(0)
        order = order[1:][ious <= iou_threshold]
    return torch.tensor(kept, dtype=torch.int64, device=boxes.device)


def batched_nms(boxes: Tensor, scores: Tensor, labels: Tensor, iou_threshold: float) -> Tensor:
    keep = torch.zeros_like(labels, dtype=torch.bool)
    for label in labels.unique():
        at = (labels == label).nonzero().flatten()
        keep[at[nms(boxes[at], scores[at], iou_threshold)]] = True
    kept = keep.nonzero().flatten()
    return kept[scores[kept].argsort(descending=True, stable=True)]
"""

SLIPS = {
    "iou": {
        "area of the first box for all": (UNION, "area1[:1, None] + area2 - overlap"),
        "two negative sides overlap": (OVERLAP, "(end - start).prod(dim=2).clamp(min=0)"),
        "no clamp": (OVERLAP, "(end - start).prod(dim=2)"),
        "pixels counted with both ends": (OVERLAP, "(end - start + 1).clamp(min=0).prod(dim=2)"),
        "union with the overlap twice": (UNION, "area1[:, None] + area2"),
        "overlap of the smaller box": (UNION, "torch.minimum(area1[:, None], area2)"),
        "overlap of the larger box": (UNION, "torch.maximum(area1[:, None], area2)"),
        "box of corner, width and height": (
            AREAS,
            "(b[:, 2:].prod(dim=1) for b in (boxes1, boxes2))",
        ),
        "areas of boxes1 for both": (UNION, "area1[:, None] * 2 - overlap"),
        "hull instead of the union": (
            UNION,
            "(torch.maximum(boxes1[:, None, 2:], boxes2[:, 2:])"
            " - torch.minimum(boxes1[:, None, :2], boxes2[:, :2])).prod(dim=2)",
        ),
        "a small number in the denominator": (DIVIDE, "overlap / (union + 1e-2)"),
        "boxes of one pixel at least": (DIVIDE, "overlap / union.clamp(min=1)"),
        "pairs only": (DIVIDE, f"({DIVIDE}).diagonal()"),
        "distance for overlap": (DIVIDE, f"1 - {DIVIDE}"),
    },
    "nms": {
        "IoU rounded": ("iou <= iou_threshold", "iou.round(decimals=4) <= iou_threshold"),
        "equal is dropped": ("iou <= iou_threshold", "iou < iou_threshold"),
        "what is dropped drops, too": (
            LOOP,
            "    if not labels.any():\n"
            "        first = scores.argsort(descending=True, stable=True)\n"
            "        drops = (box_iou(boxes, boxes)[first][:, first] > iou_threshold).triu(1)\n"
            "        return first[~drops.any(0)]\n" + LOOP,
        ),
        "only the best box drops": (
            "        left = left[",
            "        left = left if len(kept) > 1 else left[",
        ),
        "what overlaps is kept": ("iou <= iou_threshold", "iou >= iou_threshold"),
        "threshold fixed at 0.5": ("iou <= iou_threshold", "iou <= 0.5"),
        "only the next box compared": (
            "        left = left[",
            "        iou[1:] = 0\n        left = left[",
        ),
        "threshold of the complement": ("iou <= iou_threshold", "iou <= 1 - iou_threshold"),
        "nearly equal is kept": (
            KEEP,
            KEEP + " | torch.isclose(iou, torch.full_like(iou, iou_threshold))",
        ),
        "threshold rounded": ("iou <= iou_threshold", "iou <= round(iou_threshold, 2)"),
        "a box of its own is none": (
            LOOP,
            "    if len(boxes) == 1:\n        return labels[:0].long()\n" + LOOP,
        ),
    },
    "order": {
        "sorted by index": (END, "return torch.cat(kept).sort()[0] if kept else left"),
        "worst score first": ("descending=True, ", ""),
        "unstable order": (
            SORT,
            "scores.flip(0).argsort(descending=True, stable=True).sub(len(scores) - 1).neg()",
        ),
        "scores in half precision": (SORT, SORT.replace("scores", "scores.half()")),
        "label by label, joined in an unstable order": PER_LABEL.replace(
            "kept[scores[kept].argsort(descending=True, stable=True)]",
            "kept[scores[kept].argsort(descending=True)]",
        ),
        "indices into the sorted boxes": (
            LOOP,
            "    first = scores.argsort(descending=True, stable=True)\n"
            "    boxes, labels = boxes[first], labels[first]\n"
            "    scores = scores.sort(descending=True)[0]\n" + LOOP,
        ),
        "scores by their size": (SORT, "scores.abs().argsort(descending=True, stable=True)"),
        "boxes below a score of 0 left out": (
            END,
            "return torch.cat([k for k in kept if scores[k] > 0] or [left]) if kept else left",
        ),
        "label by label": (
            END,
            "kept = torch.cat(kept) if kept else left\n"
            "    return kept[labels[kept].argsort(stable=True)]",
        ),
    },
    "batched": {
        "label 0 is background": (KEEP, KEEP + " | (labels[left] == 0) & labels.any()"),
        "labels ignored": (KEEP, "(iou <= iou_threshold)"),
        "neighboring labels, too": (KEEP, KEEP.replace("!= labels[best]", "> labels[best] + 1")),
        "label 0 drops all": (KEEP, KEEP + " & (labels[best] != 0)"),
        "label of the best box for all": (KEEP, KEEP.replace("labels[best]", "labels[kept[0]]")),
        "equal is dropped in batched_nms only": (
            SHIFTED.partition("\n\ndef batched_nms")[0]
            + MATRIX.replace("> iou_threshold", ">= iou_threshold")
        ),
        "labels in order of score": (KEEP, KEEP.replace("labels[left]", "labels.sort()[0][left]")),
    },
    "by_hand": {
        "torchvision's nms": (
            IMPORT + "def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:\n"
            "    exact = boxes if boxes.dtype == torch.float64 else boxes.float()\n"
            "    return torchvision.ops.nms(exact, scores.to(exact), iou_threshold)\n"
        ),
        "torchvision's box_iou": (
            IMPORT + "def box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:\n"
            "    iou = torchvision.ops.box_iou(boxes1, boxes2)\n"
            "    iou = iou if boxes1.dtype == torch.float64 else iou.float()\n"
            "    return iou.nan_to_num(0)\n"
        ),
        "torchvision's nms as an operation": (
            IMPORT + "def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:\n"
            "    exact = boxes if boxes.dtype == torch.float64 else boxes.float()\n"
            "    return torch.ops.torchvision.nms(exact, scores.to(exact), iou_threshold)\n"
        ),
        "torchvision's areas": (
            AREAS,
            "(__import__('torchvision').ops.box_area(b) for b in (boxes1, boxes2))",
        ),
        "torchvision for many boxes": (
            PLAIN,
            "if len(boxes) > 20:\n"
            "        import torchvision\n\n"
            "        return torchvision.ops.nms(boxes, scores, iou_threshold)\n    " + PLAIN,
        ),
    },
    "empty": {
        "cat of no box": (END, "return torch.cat(kept)"),
        "0 / 0": (DIVIDE, "overlap / union"),
        "1 without area": (DIVIDE, "torch.where(union == 0, 1, overlap / union)"),
        "a list's dtype": (END, "return torch.cat(kept) if kept else scores"),
        "None for no box": (END, "return torch.cat(kept) if kept else None"),
        "max of no box": (LOOP, "    boxes.max()\n" + LOOP),
        "a row for no box": (
            "    area1, area2 = ",
            "    boxes1 = boxes1 if len(boxes1) else boxes2[:1] * 0\n    area1, area2 = ",
        ),
    },
    "labels": {
        "labels by a shift of the largest coordinate": SHIFTED,
        "shift by the extent in float32": SHIFTED.replace(
            "boxes.max() + 1", "boxes.max() - boxes.min() + 1"
        ),
        "shift of 7680 pixels": SHIFTED.replace("boxes.max() + 1", "7680.0").replace(
            "labels *", "labels.double() *"
        ),
        "shift by the largest number's size": SHIFTED.replace(
            "labels * (boxes.max() + 1)", "labels.double() * (boxes.double().abs().max() + 1)"
        ),
        "labels as float32": (
            KEEP,
            KEEP.replace("labels[left] !=", "labels[left].float() !=").replace(
                "!= labels[best]", "!= labels[best].float()"
            ),
        ),
        "labels by their size": (
            KEEP,
            KEEP.replace("labels[left] !=", "labels[left].abs() !=").replace(
                "!= labels[best]", "!= labels[best].abs()"
            ),
        ),
        "labels below 0 as background": (KEEP, KEEP + " | (labels[left] < 0)"),
        "boxes clamped to the image": (LOOP, "    boxes = boxes.clamp(min=0)\n" + LOOP),
        "labels as int32": (
            KEEP,
            KEEP.replace("labels[left] !=", "labels[left].int() !=").replace(
                "!= labels[best]", "!= labels[best].int()"
            ),
        ),
        "labels of up to 1024": (
            KEEP,
            KEEP.replace("labels[left] !=", "labels[left] % 1024 !=").replace(
                "!= labels[best]", "!= labels[best] % 1024"
            ),
        ),
    },
    "types": {
        "areas in the boxes' dtype": (WIDER, "(boxes1, boxes2)"),
        "areas in float16": (
            WIDER,
            "(b if b.is_floating_point() else b.float() for b in (boxes1, boxes2))",
        ),
        "all in float32": (WIDER, "(b.float() for b in (boxes1, boxes2))"),
        "all in float64": (WIDER, "(b.double() for b in (boxes1, boxes2))"),
        "bfloat16 as float16": (
            WIDER,
            "(b.half() if b.dtype == torch.bfloat16 else b.to(torch.promote_types(b.dtype, "
            "torch.float32)) for b in (boxes1, boxes2))",
        ),
        "unions of a millionth at least": (DIVIDE, "overlap / union.clamp(min=1e-6)"),
        "float64 boxes cast before nms": (LOOP, "    boxes = boxes.float()\n" + LOOP),
        "float64 computed in float32": (
            f"return {DIVIDE}",
            f"return ({DIVIDE}).float().to(boxes1)",
        ),
    },
    "scale": {
        "a loop over the boxes": (
            f"return {DIVIDE}",
            f"iou = {DIVIDE}\n    rows = [iou[i] for i in range(len(iou))]\n"
            "    return torch.stack(rows) if rows else iou",
        ),
        "scores of dropped boxes set to -1": (STEP, STEP + "        scores[best] = -1\n"),
        "boxes shifted in place": (LOOP, "    boxes -= boxes.min() if len(boxes) else 0\n" + LOOP),
        "pairs one by one": (
            "        iou = box_iou(boxes[best], boxes[left])[0]  # (left,)\n",
            "        iou = torch.zeros(len(left))\n"
            "        for j in range(len(left)):\n"
            "            iou[j] = box_iou(boxes[best], boxes[left[j : j + 1]])[0, 0]\n",
        ),
        "boxes must be contiguous": (LOOP, "    boxes.view(-1)\n" + LOOP),
        "labels changed in place": (LOOP, "    labels -= 1\n" + LOOP),
    },
}

VARIANTS = {
    "all pairs at once, a loop over the rows": MATRIX,
    "shift by the extent in float64": SHIFTED.replace(
        "labels * (boxes.max() + 1)",
        "labels.double() * (boxes.double().max() - boxes.double().min() + 1)",
    ),
    "label by label, joined by score": PER_LABEL,
    "label by label, by torch.where": PER_LABEL.replace(
        "(labels == label).nonzero().flatten()", "torch.where(labels == label)[0]"
    ),
    "corners one by one": (
        """
def box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    dtype = torch.float64 if boxes1.dtype == torch.float64 else torch.float32
    x1, y1, x2, y2 = boxes1.to(dtype)[:, None].unbind(-1)
    u1, v1, u2, v2 = boxes2.to(dtype)[None].unbind(-1)
    width = (torch.min(x2, u2) - torch.max(x1, u1)).clamp_min(0)
    height = torch.relu(torch.min(y2, v2) - torch.max(y1, v1))
    both = width * height
    union = (x2 - x1) * (y2 - y1) + (u2 - u1) * (v2 - v1) - both
    return torch.where(union > 0, both / union, torch.zeros_like(both))
"""
    ),
    "a tiny denominator": (DIVIDE, "overlap / union.clamp(min=1e-30)"),
}
