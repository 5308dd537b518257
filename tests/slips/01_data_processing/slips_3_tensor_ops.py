"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "pick": {
        "every axis of size 1 squeezed": (".squeeze(1)", ".squeeze()"),
        "columns picked from every row": (
            "logits.gather(1, labels[:, None]).squeeze(1)",
            "logits[:, labels]",
        ),
        "gather with labels as a row": ("labels[:, None]).squeeze(1)", "labels[None]).squeeze(0)"),
        "gather's second axis left": (".squeeze(1)", ""),
        "rows picked by label": (
            "logits.gather(1, labels[:, None]).squeeze(1)",
            "logits[labels].diagonal()",
        ),
        "largest score of each row": (
            "logits.gather(1, labels[:, None]).squeeze(1)",
            "logits.max(dim=1).values",
        ),
        "flat index with N for K": (
            "logits.gather(1, labels[:, None]).squeeze(1)",
            "logits.flatten()[torch.arange(len(labels)) * len(labels) + labels]",
        ),
        "one-hot product: 0 times -inf": (
            "logits.gather(1, labels[:, None]).squeeze(1)",
            "(logits * one_hot(labels, logits.shape[1])).sum(dim=1)",
        ),
        "log-probabilities": ("logits.gather", "logits.log_softmax(1).gather"),
        "negative log-likelihood": ("return logits.gather", "return -logits.gather"),
    },
    "one_hot": {
        "int64 instead of float32": ("classes).float()", "classes).long()"),
        "bool left": ("classes).float()", "classes)"),
        "classes on the first axis": (
            "(labels[..., None] == classes)",
            "(labels == classes[:, None])",
        ),
        "one axis of labels only": ("labels[..., None]", "labels.flatten()[:, None]"),
        "number of classes guessed from the labels": (
            "torch.arange(num_classes,",
            "torch.arange(int(labels.max()) + 1 if labels.numel() else num_classes,",
        ),
        "classes from 1": (
            "torch.arange(num_classes, ",
            "torch.arange(1, num_classes + 1, ",
        ),
        "thermometer instead of one-hot": ("== classes)", ">= classes)"),
        "scores of 0 and 1 swapped": ("== classes)", "!= classes)"),
        "sizes of 1 squeezed away": ("classes).float()", "classes).float().squeeze()"),
    },
    "masked": {
        "last axis by default": ("dim: int | None = None", "dim: int | None = -1"),
        "divided by the length": (
            "mask.sum(dim).clamp(min=1)",
            "(tensor.numel() if dim is None else tensor.shape[dim])",
        ),
        "NaN where nothing takes part": ("(dim).clamp(min=1)", "(dim)"),
        "mask inverted": ("torch.where(mask, tensor, 0)", "torch.where(mask, 0, tensor)"),
        "axis kept": (
            "return total / mask.sum(dim).clamp(min=1)",
            "mean = total / mask.sum(dim).clamp(min=1)\n"
            "    return mean if dim is None else mean.unsqueeze(dim)",
        ),
        "dim ignored": (
            "total = torch.where(mask, tensor, 0).sum(dim)",
            "dim = None\n    total = torch.where(mask, tensor, 0).sum(dim)",
        ),
        "dim counted from the end": (
            "total = torch",
            "dim = None if dim is None else -1\n    total = torch",
        ),
        "dim 0 taken for None": (
            "    total = torch.where",
            "    dim = dim or None\n    total = torch.where",
        ),
        "count of all for each slice": ("mask.sum(dim)", "mask.sum()"),
        "one added to the count": ("(dim).clamp(min=1)", "(dim).add(1)"),
        "a small number added to the count": ("(dim).clamp(min=1)", "(dim).add(1e-3)"),
        "the sum": (" / mask.sum(dim).clamp(min=1)", ""),
        "mean of means": (
            "    total = torch.where",
            "    if dim is None and tensor.ndim > 1:\n"
            "        return masked_mean(tensor, mask, -1).mean()\n"
            "    total = torch.where",
        ),
        "one where nothing takes part": (
            "return total / mask.sum(dim).clamp(min=1)",
            "count = mask.sum(dim)\n"
            "    return torch.where(count > 0, total / count.clamp(min=1), 1.0)",
        ),
    },
    "distances": {
        "not clamped: negative near 1e4": (".clamp(min=0)", ""),
        "float64 in place of the clamp": (
            "    return (squares - 2 * a @ b.T).clamp(min=0)",
            "    a, b, kind = a.double(), b.double(), a.dtype\n"
            "    squares = a.square().sum(dim=1)[:, None] + b.square().sum(dim=1)\n"
            "    return (squares - 2 * a @ b.T).to(kind)",
        ),
        "distance not squared": (".clamp(min=0)", ".clamp(min=0).sqrt()"),
        "factor 2 forgotten": ("2 * a @ b.T", "a @ b.T"),
        "sign of the product": ("squares - 2", "squares + 2"),
        "squares of b down the rows": (
            "a.square().sum(dim=1)[:, None] + b.square().sum(dim=1)",
            "a.square().sum(dim=1)[:, None] + b.square().sum(dim=1)[:, None]",
        ),
        "squares of a missing": ("a.square().sum(dim=1)[:, None] + ", ""),
        "a and b swapped": (
            "return (squares - 2 * a @ b.T).clamp(min=0)",
            "return (squares - 2 * a @ b.T).clamp(min=0).T",
        ),
        "mean over the features": (
            "return (squares - 2 * a @ b.T).clamp(min=0)",
            "return (squares - 2 * a @ b.T).clamp(min=0) / a.shape[1]",
        ),
        "city-block distance": """
def pairwise_sq_dist(a, b):
    return torch.cdist(a, b, p=1)
""",
        "row against row": """
def pairwise_sq_dist(a, b):
    return (a - b[: len(a)]).square().sum(dim=1)
""",
        "summed over the wrong axis": """
def pairwise_sq_dist(a, b):
    return (a[:, None] - b).square().sum(dim=1)
""",
        "unit rows": (
            "    squares =",
            "    a, b = torch.nn.functional.normalize(a), torch.nn.functional.normalize(b)\n"
            "    squares =",
        ),
        "never below 1": (".clamp(min=0)", ".clamp(min=1)"),
        "never below a small number": (".clamp(min=0)", ".clamp(min=1e-6)"),
    },
    "segments": {
        "NaN in an empty group": ("num_groups).clamp(min=1)", "num_groups)"),
        "the last row of each group only": (
            "index_add(0, index, wide)",
            "index_copy(0, index, wide)",
        ),
        "+= with a list of places": (
            ".index_add(0, index, wide)",
            "\n    total[index] += wide",
        ),
        "the sum of each group": ("total / count[:, None]", "total + 0 * count[:, None]"),
        "divided by the number of rows": ("total / count[:, None]", "total / len(x)"),
        "the zeros counted as a row": ("num_groups).clamp(min=1)", "num_groups) + 1"),
        "empty groups left out": (
            "mean = total / count[:, None]",
            "return (total / count[:, None])[index.unique()]",
        ),
        "empty groups at the end left out": (
            "num_groups, x.shape[1]",
            "int(index.max()) + 1, x.shape[1]",
        ),
        "groups taken for neighbors": (
            "index_add(0, index, wide)",
            "index_add(0, index.sort().values, wide)",
        ),
        "mean given back to each row": (
            "mean = total / count[:, None]",
            "return (total / count[:, None])[index]",
        ),
        "largest of each group": (
            "mean = total / count[:, None]",
            "return x.new_zeros(num_groups, x.shape[1]).scatter_reduce(0, "
            'index[:, None].expand(x.shape), x, "amax", include_self=False)',
        ),
        "the mean of all rows in an empty group": (
            "mean = total / count[:, None]",
            "return torch.where(torch.bincount(index, minlength=num_groups)[:, None] > 0, "
            "total / count[:, None], x.mean(dim=0))",
        ),
    },
    "vectorized": {
        "a loop over rows": """
def pick_by_label(logits, labels):
    if not len(labels):
        return logits[:, 0]
    return torch.stack([row[label] for row, label in zip(logits, labels)])
""",
        "a loop over classes": """
def one_hot(labels, num_classes):
    return torch.stack([(labels == k).float() for k in range(num_classes)], dim=-1)
""",
        "a loop over slices": """
def masked_mean(tensor, mask, dim=None):
    if dim is None:
        return torch.where(mask, tensor, 0).sum() / mask.sum().clamp(min=1)
    if tensor.ndim == 1:
        return masked_mean(tensor, mask)
    pairs = zip(tensor.movedim(dim, -1), mask.movedim(dim, -1))
    return torch.stack([masked_mean(t, m, -1) for t, m in pairs])
""",
        "a loop over the rows of a": """
def pairwise_sq_dist(a, b):
    return torch.stack([(row - b).square().sum(dim=1) for row in a])
""",
        "a loop over the features": """
def pairwise_sq_dist(a, b):
    return sum((a[:, d, None] - b[None, :, d]).square() for d in range(a.shape[1]))
""",
        "a loop over groups": """
def segment_mean(x, index, num_groups):
    rows = [x[index == g].sum(0) / (index == g).sum().clamp(min=1) for g in range(num_groups)]
    return torch.stack(rows)
""",
        "rows of numpy.eye": """
import numpy as np

def one_hot(labels, num_classes):
    return torch.from_numpy(np.eye(num_classes, dtype=np.float32)[np.asarray(labels)])
""",
        "rows read into a list": """
def one_hot(labels, num_classes):
    if not labels.numel():
        return torch.zeros(*labels.shape, num_classes)
    rows = [[float(k == label) for k in range(num_classes)] for label in labels.flatten().tolist()]
    return torch.tensor(rows).view(*labels.shape, num_classes)
""",
        "through numpy": """
import numpy as np

def one_hot(labels, num_classes):
    return torch.from_numpy(np.eye(num_classes, dtype=np.float32)[labels.numpy()])
""",
    },
    "hidden": {
        "mask times value": ("torch.where(mask, tensor, 0)", "(tensor * mask)"),
        "NaN of what takes part left out, too": (
            "torch.where(mask, tensor, 0).sum(dim)",
            "torch.where(mask, tensor, 0).nan_to_num(0.0, 0.0, 0.0).sum(dim)",
        ),
        "the input changed in place": (
            "torch.where(mask, tensor, 0).sum(dim)",
            "tensor.detach().masked_fill_(~mask, 0) + 0\n"
            "    total = torch.where(mask, tensor, 0).sum(dim)",
        ),
        "differences of a running sum: NaN in all later groups": """
def segment_mean(x, index, num_groups):
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    run = torch.cat([wide.new_zeros(1, x.shape[1]), wide[index.argsort()].cumsum(0)])
    count = torch.bincount(index, minlength=num_groups)
    end = count.cumsum(0)
    mean = (run[end] - run[end - count]) / count.clamp(min=1)[:, None]
    return mean.to(x.dtype) if x.is_floating_point() else mean
""",
        "nan_to_num, then the mask": (
            "torch.where(mask, tensor, 0)",
            "(tensor.nan_to_num(posinf=float('inf')) * mask)",
        ),
        "one-hot rows times x: inf in another group": (
            "wide.new_zeros(num_groups, x.shape[1]).index_add(0, index, wide)",
            "one_hot(index, num_groups).to(wide).T @ wide",
        ),
        "divided by the mask before where": (
            "torch.where(mask, tensor, 0).sum(dim)",
            "torch.where(mask, tensor / mask, 0).sum(dim)",
        ),
    },
    "types": {
        "classes on the CPU": (", device=labels.device)", ")"),
        "a table on the CPU": (
            "return (labels[..., None] == classes).float()",
            "return torch.eye(num_classes)[labels]",
        ),
        "zeros on the CPU": (
            "wide.new_zeros(num_groups, x.shape[1])",
            "torch.zeros(num_groups, x.shape[1], dtype=wide.dtype)",
        ),
        "everything in float32": (
            "torch.where(mask, tensor, 0)",
            "torch.where(mask, tensor.float(), 0)",
        ),
        "distances in float32": ("    squares =", "    a, b = a.float(), b.float()\n    squares ="),
        "distances of bfloat16 in float32": (
            "    squares =",
            "    kind = torch.promote_types(a.dtype, torch.float32)\n"
            "    a, b = a.to(kind), b.to(kind)\n"
            "    squares =",
        ),
        "cdist, which takes no bfloat16": """
def pairwise_sq_dist(a, b):
    return torch.cdist(a, b) ** 2
""",
        "sums in the dtype of x: uint8 wraps": """
def segment_mean(x, index, num_groups):
    total = x.new_zeros(num_groups, x.shape[1]).index_add(0, index, x)
    return total / torch.bincount(index, minlength=num_groups).clamp(min=1)[:, None]
""",
        "ones counted in bfloat16, which ends at 256": (
            "count = torch.bincount(index, minlength=num_groups)",
            "ones = torch.ones(len(x), dtype=torch.bfloat16, device=x.device)\n"
            "    count = ones.new_zeros(num_groups).index_add(0, index, ones)",
        ),
        "float32 sums for float64": """
def segment_mean(x, index, num_groups):
    total = torch.zeros(num_groups, x.shape[1], device=x.device).index_add(0, index, x.float())
    count = torch.bincount(index, minlength=num_groups).clamp(min=1)
    return (total / count[:, None]).to(x.dtype if x.is_floating_point() else torch.float32)
""",
        "groups in float32": ("torch.promote_types(x.dtype, torch.float32)", "torch.float32"),
        "whole numbers divided to whole numbers": (
            "return total / mask.sum(dim).clamp(min=1)",
            "return (total / mask.sum(dim).clamp(min=1)).to(tensor.dtype)",
        ),
        "groups of whole numbers": (
            "return mean.to(x.dtype) if x.is_floating_point() else mean",
            "return mean.to(x.dtype)",
        ),
        "bfloat16 becomes float32": (
            "return mean.to(x.dtype) if x.is_floating_point() else mean",
            "return mean",
        ),
        "mean() of whole numbers without dim": (
            "    total = torch.where",
            "    if dim is None:\n"
            "        return tensor[mask].mean() if mask.any() else tensor.new_zeros(())\n"
            "    total = torch.where",
        ),
        "float32 where nothing takes part": (
            "    total = torch.where",
            "    if dim is None and not mask.any():\n"
            "        return torch.tensor(0.0)\n"
            "    total = torch.where",
        ),
        "gradient cut": ("logits.gather", "logits.detach().gather"),
        "gradient of half of the distance": ("2 * a @ b.T", "2 * a.detach() @ b.T"),
        "group means without gradient": ("def segment_mean", "@torch.no_grad()\ndef segment_mean"),
    },
    "memory": {
        "all differences at once": """
def pairwise_sq_dist(a, b):
    return (a[:, None] - b).square().sum(dim=-1)
""",
        "all products at once": (
            "2 * a @ b.T",
            "2 * (a[:, None] * b).sum(dim=-1)",
        ),
        "rows repeated": """
def pairwise_sq_dist(a, b):
    left, right = a.repeat_interleave(len(b), 0), b.repeat(len(a), 1)
    return (left - right).square().sum(dim=1).view(len(a), len(b))
""",
    },
}

VARIANTS = {
    "by nll_loss, cdist and index_reduce": """
from torch.nn.functional import nll_loss

def pick_by_label(logits, labels):
    return -nll_loss(logits, labels, reduction="none")

def pairwise_sq_dist(a, b):
    wide = torch.promote_types(a.dtype, torch.float32)
    return torch.cdist(a.to(wide), b.to(wide)).square().to(a.dtype)

def segment_mean(x, index, num_groups):
    kind = x.dtype if x.is_floating_point() else torch.float32
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    out = torch.zeros(num_groups, x.size(1), dtype=wide.dtype, device=x.device)
    return out.index_reduce(0, index, wide, "mean", include_self=False).to(kind)
""",
    "by advanced indexing, the library and scatter": """
import torch.nn.functional as F

def pick_by_label(logits, labels):
    return logits[torch.arange(len(labels), device=logits.device), labels]

def one_hot(labels, num_classes):
    return F.one_hot(labels, num_classes).to(torch.float32)

def masked_mean(tensor, mask, dim=None):
    dims = tuple(range(tensor.ndim)) if dim is None else dim
    kept = tensor.masked_fill(~mask, 0)
    return kept.sum(dims) / torch.clamp(mask.sum(dims), min=1)

def pairwise_sq_dist(a, b):
    return torch.cdist(a.double(), b.double()).pow(2).to(a)

def segment_mean(x, index, num_groups):
    kind = x.dtype if x.is_floating_point() else torch.float32
    work = x.double()
    sums = work.new_zeros((num_groups, x.size(1)))
    sums = sums.scatter_add(0, index.unsqueeze(1).expand_as(work), work)
    counts = torch.zeros(num_groups, dtype=torch.float64, device=x.device)
    counts = counts.index_add(0, index, torch.ones_like(index, dtype=torch.float64))
    return (sums / counts.clamp(min=1).unsqueeze(1)).to(kind)
""",
    "by one-hot rows": """
def pick_by_label(logits, labels):
    return torch.take_along_dim(logits, labels.unsqueeze(-1), dim=-1)[..., 0]

def one_hot(labels, num_classes):
    out = torch.zeros(*labels.shape, num_classes, device=labels.device)
    return out.scatter_(-1, labels.unsqueeze(-1), 1.0)

def masked_mean(tensor, mask, dim=None):
    if dim is None:
        tensor, mask, dim = tensor.reshape(-1), mask.reshape(-1), 0
    total = torch.where(mask, tensor, torch.zeros_like(tensor)).sum(dim=dim)
    count = mask.sum(dim=dim)
    return torch.where(count == 0, torch.zeros_like(total), total / count.clamp(min=1))

def pairwise_sq_dist(a, b):
    product = torch.einsum("nd,md->nm", a, b)
    aa = torch.einsum("nd,nd->n", a, a).unsqueeze(1)
    bb = torch.einsum("md,md->m", b, b).unsqueeze(0)
    return torch.relu(aa + bb - 2 * product)

def segment_mean(x, index, num_groups):
    wide = x.double() if x.dtype == torch.float64 else x.float()
    groups = one_hot(index, num_groups).to(wide.dtype)
    sizes = groups.sum(dim=0).clamp(min=1)
    mean = torch.where(groups.T[..., None] > 0, wide, 0).sum(dim=1) / sizes[:, None]
    return mean.bfloat16() if x.dtype == torch.bfloat16 else mean
""",
    "by eye and scatter_reduce": """
def one_hot(labels, num_classes):
    return torch.eye(num_classes, device=labels.device)[labels]

def masked_mean(tensor, mask, dim=None):
    if not tensor.is_floating_point():
        tensor = tensor.to(torch.float32)
    kept = torch.where(mask, tensor, tensor.new_zeros(()))
    n = mask.sum() if dim is None else mask.sum(dim=dim)
    s = kept.sum() if dim is None else kept.sum(dim=dim)
    return s / n.clamp_min(1)

def segment_mean(x, index, num_groups):
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    out = torch.zeros(num_groups, x.shape[1], dtype=wide.dtype, device=x.device)
    places = index[:, None].expand(-1, x.shape[1])
    out = out.scatter_reduce(0, places, wide, reduce="mean", include_self=False)
    return out.to(x.dtype) if x.is_floating_point() else out
""",
    "centered distances, their size by abs": """
def pairwise_sq_dist(a, b):
    middle = a.mean(dim=0)
    a, b = a - middle, b - middle
    both = (a * a).sum(1, keepdim=True) + (b * b).sum(1, keepdim=True).transpose(0, 1)
    return torch.addmm(both, a, b.transpose(0, 1), alpha=-2).abs()
""",
}
