"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

ALL_OF_IT = "    return torch.where(count > 0, len(labels) / (num_classes * count.clamp(min=1)), 0)"
BALANCED = """
def balanced_sampler(labels, generator=None):
    labels = labels.long()
    count = torch.bincount(labels)
    return RETURN
"""
SQRT = BALANCED.replace("balanced", "sqrt")

SLIPS = {
    "weights": {
        "float64": (
            "len(labels) / (num_classes * count.clamp(min=1))",
            "len(labels) / (num_classes * count.clamp(min=1).double())",
        ),
        "1 / n_k, not normalized": (
            "len(labels) / (num_classes * count.clamp(min=1))",
            "1 / count.clamp(min=1)",
        ),
        "N / n_k, without the K": ("(num_classes * count.clamp(min=1))", "count.clamp(min=1)"),
        "normalized to a sum of 1": (
            ALL_OF_IT,
            "    weight = torch.where(count > 0, 1 / count.clamp(min=1), 0)\n"
            "    return weight / weight.sum()",
        ),
        "normalized to a sum of K": (
            ALL_OF_IT,
            "    weight = torch.where(count > 0, 1 / count.clamp(min=1), 0)\n"
            "    return weight / weight.sum() * num_classes",
        ),
        "normalized to a largest weight of 1": (
            ALL_OF_IT,
            "    weight = torch.where(count > 0, 1 / count.clamp(min=1), 0)\n"
            "    return weight / weight.max()",
        ),
        "the share of each class": (
            "len(labels) / (num_classes * count.clamp(min=1))",
            "count / len(labels)",
        ),
        "square root of the weights": (
            "len(labels) / (num_classes * count.clamp(min=1))",
            "(len(labels) / (num_classes * count.clamp(min=1))).sqrt()",
        ),
        "whole numbers": (
            "len(labels) / (num_classes * count.clamp(min=1))",
            "len(labels) // (num_classes * count.clamp(min=1))",
        ),
        "a weight per sample": (
            ALL_OF_IT,
            "    count = count[labels]\n    return len(labels) / (num_classes * count)",
        ),
        "others per sample of the class": (
            "len(labels) / (num_classes * count.clamp(min=1))",
            "(len(labels) - count) / count.clamp(min=1)",
        ),
        "at most 10": ("count.clamp(min=1)), 0)", "count.clamp(min=1)), 0).clamp(max=10)"),
        "one added to each count": ("count.clamp(min=1)), 0)", "(count + 1)), 0)"),
        "in the order of size": (
            "    return torch.where(count > 0",
            "    count = count.sort(descending=True).values\n    return torch.where(count > 0",
        ),
    },
    "absent": {
        "inf for an absent class": (
            ALL_OF_IT,
            "    return len(labels) / (num_classes * count)",
        ),
        "inf made the largest number": (
            ALL_OF_IT,
            "    return (len(labels) / (num_classes * count)).nan_to_num()",
        ),
        "an absent class counted as one sample": (
            "torch.where(count > 0, len(labels) / (num_classes * count.clamp(min=1)), 0)",
            "len(labels) / (num_classes * count.clamp(min=1))",
        ),
        "K without the absent classes": (
            "(num_classes * count.clamp(min=1))",
            "((count > 0).sum() * count.clamp(min=1))",
        ),
        "weight 1 for an absent class": ("count.clamp(min=1)), 0)", "count.clamp(min=1)), 1)"),
        "absent classes at the end left out": (", minlength=num_classes)", ")"),
        "absent classes left out": (
            "count = torch.bincount(labels, minlength=num_classes)",
            "count = labels.unique(return_counts=True)[1]",
        ),
        "a small number added to each count": (
            ALL_OF_IT,
            "    return len(labels) / (num_classes * (count + 1e-8))",
        ),
    },
    "balanced": {
        "every sample equally likely": BALANCED.replace(
            "RETURN",
            "WeightedRandomSampler([1.0] * len(labels), len(labels), generator=generator)",
        ),
        "a weight per class given per sample": BALANCED.replace(
            "RETURN",
            "WeightedRandomSampler((1 / count).tolist(), len(labels), generator=generator)",
        ),
        "weighed by n_k": BALANCED.replace(
            "RETURN",
            "WeightedRandomSampler(count[labels].tolist(), len(labels), generator=generator)",
        ),
        "by the square root": (
            "power_sampler(labels, 0, generator)",
            "power_sampler(labels, 0.5, generator)",
        ),
        "rare classes more likely than the others": (
            "power_sampler(labels, 0, generator)",
            "power_sampler(labels, -1, generator)",
        ),
        "never below 0.02": BALANCED.replace(
            "RETURN",
            "WeightedRandomSampler((1 / count)[labels].clamp(min=0.02).tolist(), len(labels), "
            "generator=generator)",
        ),
        "weights in the order of the classes": BALANCED.replace(
            "RETURN",
            "WeightedRandomSampler((1 / count)[labels.sort().values].tolist(), len(labels), "
            "generator=generator)",
        ),
        "one minus the share": BALANCED.replace(
            "RETURN",
            "WeightedRandomSampler((1.01 - count / len(labels))[labels].tolist(), len(labels), "
            "generator=generator)",
        ),
        "a plain random sampler": BALANCED.replace(
            "RETURN", "torch.utils.data.RandomSampler(labels, generator=generator)"
        ),
        "a list of indices": BALANCED.replace(
            "RETURN",
            "list(WeightedRandomSampler((1 / count)[labels].tolist(), len(labels), "
            "generator=generator))",
        ),
    },
    "sqrt": {
        "balanced in full": (
            "power_sampler(labels, 0.5, generator)",
            "power_sampler(labels, 0, generator)",
        ),
        "the data's own shares": (
            "power_sampler(labels, 0.5, generator)",
            "power_sampler(labels, 1, generator)",
        ),
        "weighed by the square root of n_k": SQRT.replace(
            "RETURN",
            "WeightedRandomSampler(count[labels].sqrt().tolist(), len(labels), "
            "generator=generator)",
        ),
        "the cube root": (
            "power_sampler(labels, 0.5, generator)",
            "power_sampler(labels, 1 / 3, generator)",
        ),
        "half balanced, half as it is": SQRT.replace(
            "RETURN",
            "WeightedRandomSampler((1 / count[labels] + 1 / len(labels)).tolist(), len(labels), "
            "generator=generator)",
        ),
        "logarithm for the root": SQRT.replace(
            "RETURN",
            "WeightedRandomSampler((count[labels].add(1).log() / count[labels]).tolist(), "
            "len(labels), generator=generator)",
        ),
        "root of the weights of a class, per class": SQRT.replace(
            "RETURN",
            "WeightedRandomSampler(count.pow(-0.5).tolist(), len(labels), generator=generator)",
        ),
    },
    "epoch": {
        "replacement=False": (
            "len(labels), generator",
            "len(labels), replacement=False, generator",
        ),
        "one draw too few": (
            "weights.tolist(), len(labels)",
            "weights.tolist(), max(1, len(labels) - 1)",
        ),
        "draws as the largest class has samples": (
            "weights.tolist(), len(labels)",
            "weights.tolist(), int(size.max())",
        ),
        "largest class times the number of classes": (
            "weights.tolist(), len(labels)",
            "weights.tolist(), int(size.max()) * len(labels.unique())",
        ),
        "equally many draws per class": (
            "weights.tolist(), len(labels)",
            "weights.tolist(), len(labels) // len(labels.unique()) * len(labels.unique())",
        ),
        "a draw per class": (
            "weights.tolist(), len(labels)",
            "weights.tolist(), len(labels.unique())",
        ),
        "twice as many draws": (
            "weights.tolist(), len(labels)",
            "weights.tolist(), 2 * len(labels)",
        ),
    },
    "draws": {
        "generator ignored": (", generator=generator)", ")"),
        "a seed of its own": (
            ", generator=generator)",
            ", generator=generator or torch.Generator().manual_seed(0))",
        ),
        "the global generator seeded": (
            "    labels = labels.long()",
            "    torch.manual_seed(0)\n    labels = labels.long()",
        ),
        "drawn once, when it is made": """
class Once(WeightedRandomSampler):
    def __iter__(self):
        if not hasattr(self, "drawn"):
            self.drawn = list(super().__iter__())
        return iter(self.drawn)

def power_sampler(labels, power, generator):
    labels = labels.long()
    weights = torch.bincount(labels)[labels].double() ** (power - 1)
    return Once(weights.tolist(), len(labels), generator=generator)
""",
        "a draw to shuffle the weights first": (
            "    weights = size",
            "    torch.rand((), generator=generator)\n    weights = size",
        ),
        "numpy's random": """
import numpy as np

class Numpy(WeightedRandomSampler):
    def __iter__(self):
        p = self.weights.numpy() / self.weights.numpy().sum()
        return iter(np.random.choice(len(p), self.num_samples, p=p).tolist())

def power_sampler(labels, power, generator):
    labels = labels.long()
    weights = torch.bincount(labels)[labels].double() ** (power - 1)
    return Numpy(weights.tolist(), len(labels), generator=generator)
""",
        "the generator for the balanced one only": (
            "power_sampler(labels, 0.5, generator)",
            "power_sampler(labels, 0.5, None)",
        ),
    },
    "gaps": {
        "counts of the classes that occur, read by label": (
            "torch.bincount(labels)[labels].double()",
            "labels.unique(return_counts=True)[1][labels].double()",
        ),
        "number of classes taken from the kinds": (
            "torch.bincount(labels)[labels].double()",
            "torch.stack([(labels == k).sum() for k in range(len(labels.unique()))])"
            "[labels].double()",
        ),
        "labels numbered anew in place": (
            "    labels = labels.long()",
            "    for new, old in enumerate(labels.unique()):\n"
            "        labels[labels == old] = new\n"
            "    labels = labels.long()",
        ),
        "absent classes share, too": (
            "    weights = size ** (power - 1)",
            "    weights = size ** (power - 1)\n"
            "    weights[0] += (torch.bincount(labels) == 0).sum()",
        ),
    },
    "types": {
        "uint8 labels read as a mask": ("labels.long()  #", "labels  #"),
        "counted in the dtype of the labels": (
            "count = torch.bincount(labels, minlength=num_classes)  # (K,)",
            "count = labels.new_zeros(num_classes)\n"
            "    count = count.index_add(0, labels.long(), torch.ones_like(labels)).long()",
        ),
        "labels of another dtype refused": (
            "    count = torch.bincount(labels, minlength",
            "    if labels.dtype != torch.int64:\n        raise TypeError('labels')\n"
            "    count = torch.bincount(labels, minlength",
        ),
        "255 + 1 in uint8": (
            "    labels = labels.long()  # uint8 would be read as a mask\n"
            "    size = torch.bincount(labels)[labels]",
            "    K, labels = int(labels.max() + 1), labels.long()\n"
            "    size = torch.nn.functional.one_hot(labels, K).sum(dim=0)[labels]",
        ),
        "weights in the labels' dtype": (
            "len(labels) / (num_classes * count.clamp(min=1)), 0)",
            "len(labels) / (num_classes * count.clamp(min=1)), 0)"
            ".to(torch.float32 if labels.dtype == torch.int64 else labels.dtype)",
        ),
    },
}

VARIANTS = {
    "by comparing with each class": """
def class_weights(labels, num_classes):
    weights = torch.zeros(num_classes)
    for k in range(num_classes):
        n = int((labels == k).sum())
        if n:
            weights[k] = labels.numel() / (num_classes * n)
    return weights

def balanced_sampler(labels, generator=None):
    classes, places, counts = labels.unique(return_inverse=True, return_counts=True)
    chances = 1.0 / counts[places]
    return WeightedRandomSampler(chances, labels.numel(), replacement=True, generator=generator)

def sqrt_sampler(labels, generator=None):
    _, places, counts = torch.unique(labels, return_inverse=True, return_counts=True)
    return WeightedRandomSampler(counts.double().rsqrt()[places], len(places), True, generator)
""",
    "with Counter": """
from collections import Counter

def class_weights(labels, num_classes):
    counts = Counter(labels.tolist())
    n = [counts[k] for k in range(num_classes)]
    return torch.tensor([len(labels) / (num_classes * m) if m else 0.0 for m in n])

def balanced_sampler(labels, generator=None):
    labels = labels.tolist()
    counts = Counter(labels)
    chances = [100 / counts[k] for k in labels]
    return WeightedRandomSampler(chances, len(labels), generator=generator)

def sqrt_sampler(labels, generator=None):
    labels = labels.tolist()
    counts = Counter(labels)
    chances = [counts[k] ** 0.5 / counts[k] / len(labels) for k in labels]
    return WeightedRandomSampler(chances, len(labels), generator=generator)
""",
    "through the class weights": """
def class_weights(labels, num_classes):
    n = torch.nn.functional.one_hot(labels.long(), num_classes).sum(dim=0).float()
    weight = labels.shape[0] / (num_classes * n)
    weight[n == 0] = 0
    return weight

def balanced_sampler(labels, generator=None):
    labels = labels.to(torch.int64)
    weights = class_weights(labels, int(labels.max()) + 1)
    return WeightedRandomSampler(weights[labels], len(labels), generator=generator)

def sqrt_sampler(labels, generator=None):
    sampler = balanced_sampler(labels, generator)
    sampler.weights = sampler.weights.sqrt()
    return sampler
""",
    "a table of pairs, a class of its own": """
class Drawn(WeightedRandomSampler):
    pass

def class_weights(labels, num_classes):
    same = labels[None] == torch.arange(num_classes, device=labels.device)[:, None]
    return (same.sum(dim=1) * num_classes / len(labels)).reciprocal().nan_to_num(posinf=0.0)

def power_sampler(labels, power, generator):
    n = (labels[:, None] == labels).sum(dim=1)
    return Drawn(n.float().pow(power - 1), len(labels), generator=generator)
""",
}
