"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

MAX = (
    "    return max(values, key=lambda value: (round(sum(recalls(probs >= value, y)), 9), value))\n"
)
BATCH = "        for rows in train[draw_balanced(y[train], len(train))].split(32):\n"
STEP = "            loss.backward()\n            optimizer.step()\n"
SPLIT = "    train, val, test = patient_split(patients, y)\n"
VAL = (
    "    with torch.no_grad():\n"
    "        val_probs, test_probs = (model(scaled[rows]).sigmoid() for rows in (val, test))\n"
)
FLIP = "        flip = torch.rand(len(images), generator=generator) < 0.5  # (B,)\n"
LAST = "    return train, val, test\n\n\ndef draw_balanced"

SLIPS = {
    "split": {
        "one patient at least": ("fifth = len(some) // 5", "fifth = max(1, len(some) // 5)"),
        "images split, not patients": (
            LAST,
            "    n = len(y)\n    order = torch.randperm(n, generator=generator)\n"
            "    return order[2 * (n // 5) :], order[: n // 5], order[n // 5 : 2 * (n // 5)]\n"
            "\n\ndef draw_balanced",
        ),
        "sick and well patients together": (
            "    for some in (sick, well):\n",
            "    for some in (patients.unique(),):\n",
        ),
        "not at random": (
            "some[torch.randperm(len(some), generator=generator)]",
            "some",
        ),
        "patients with an image of each class in both groups": (
            "    well = patients[~torch.isin(patients, sick)].unique()\n",
            "    well = patients[y == 0].unique()\n",
        ),
        "a patient counted for each image of class 1": (
            "sick = patients[y == 1].unique()",
            "sick = patients[y == 1]",
        ),
        "fifth rounded up": ("fifth = len(some) // 5", "fifth = -(-len(some) // 5)"),
        "val and test of equal rows": (
            "    return train, val, test\n",
            "    return train, val, val\n",
        ),
        "val first": (
            "    return train, val, test\n\n\ndef draw_b",
            "    return val, train, test\n\n\ndef draw_b",
        ),
        "patients in place of images": (
            "(torch.isin(patients, torch.cat(part)).nonzero()[:, 0] for part in parts)",
            "(torch.cat(part) for part in parts)",
        ),
        "patients numbered from 0 without gaps": (
            "    sick = patients[y == 1].unique()\n",
            "    patients = patients.clamp(max=60)\n    sick = patients[y == 1].unique()\n",
        ),
    },
    "balanced": {
        "half of the draws, exactly": (
            "    return torch.multinomial(weights, count, replacement=True, generator=generator)",
            "    kinds = torch.arange(count)[torch.randperm(count, generator=generator)] % 2\n"
            "    kinds[0] = 0 if count == 1 else kinds[0]\n"
            "    drawn = torch.rand(count, generator=generator).tolist()\n"
            "    rows = [(y == k).nonzero()[:, 0] for k in (0, 1)]\n"
            "    some = [rows[k][int(u * len(rows[k]))] for k, u in zip(kinds.tolist(), drawn)]\n"
            "    return torch.stack(some)",
        ),
        "each image equally likely": ("y.bincount()[y].double()", "torch.ones(len(y))"),
        "the square root": ("y.bincount()[y].double()", "y.bincount()[y].double().sqrt()"),
        "weights not inverted": ("1 / y.bincount()", "y.bincount()"),
        "the first of each class": (
            "    return torch.multinomial(weights, count, replacement=True, generator=generator)",
            "    kind = torch.randint(2, (count,), generator=generator)\n"
            "    return torch.stack([(y == k).nonzero()[0, 0] for k in (0, 1)])[kind]",
        ),
        "classes in turn": (
            "    return torch.multinomial(weights, count, replacement=True, generator=generator)",
            "    some = torch.rand(count, generator=generator).tolist()\n"
            "    rows = [(y == k).nonzero()[:, 0] for k in (0, 1)]\n"
            "    drawn = [rows[i % 2][int(u * len(rows[i % 2]))] for i, u in enumerate(some)]\n"
            "    return torch.stack(drawn)",
        ),
        "class 1 alone": ("    weights = 1 / y", "    weights = (y == 1) / y"),
        "the labels in place of the numbers": (
            "return torch.multinomial(weights, count, replacement=True, generator=generator)",
            "return y[torch.multinomial(weights, count, replacement=True, generator=generator)]",
        ),
    },
    "augment": {
        "the halves of a batch turned alike": (
            FLIP,
            "        flip = torch.rand((len(images) + 1) // 2, generator=generator) < 0.5\n"
            "        flip = flip.repeat(2)[: len(images)]\n",
        ),
        "half of the batch, exactly": (
            FLIP,
            "        flip = torch.randperm(len(images), generator=generator) < len(images) // 2\n",
        ),
        "one draw for the batch": (
            "torch.rand(len(images), generator=generator) < 0.5",
            "torch.rand(1, generator=generator).expand(len(images)) < 0.5",
        ),
        "left to right alone": ("for dim in (2, 3):", "for dim in (3,):"),
        "both or none": (
            FLIP,
            FLIP.replace("flip =", "flip = flip if dim == 3 else"),
        ),
        "channels turned": ("for dim in (2, 3):", "for dim in (1, 2, 3):"),
        "images mixed up": (
            "        images = torch.where(flip",
            "        images = images[torch.randperm(len(images), generator=generator)]\n"
            "        images = torch.where(flip",
        ),
        "turned with probability 1/4": (
            "generator=generator) < 0.5  #",
            "generator=generator) < 0.25  #",
        ),
        "changed in place": (
            "        images = torch.where(flip[:, None, None, None], images.flip(dim), images)\n",
            "        images[flip] = images[flip].flip(dim)\n",
        ),
        "noise added": (
            "    return images\n",
            "    return images + 0.01 * torch.randn_like(images)\n",
        ),
    },
    "threshold": {
        "best accuracy": (
            "round(sum(recalls(probs >= value, y)), 9)",
            "((probs >= value) == y).double().mean().item()",
        ),
        "0.5": (MAX, "    return 0.5\n"),
        "best recall of class 1": (
            "round(sum(recalls(probs >= value, y)), 9)",
            "recalls(probs >= value, y)[1]",
        ),
        "of several the smallest": ("y)), 9), value))", "y)), 9), -value))"),
        "larger than the value": ("recalls(probs >= value, y)", "recalls(probs > value, y)"),
        "a grid": (
            "    values = probs.unique().tolist()  # ascending\n",
            "    values = [i / 100 for i in range(101)]\n",
        ),
        "a tensor": (
            MAX,
            MAX.replace("max(", "torch.tensor(max(").replace("value))\n", "value)))\n"),
        ),
        "the smaller of the recalls": ("sum(recalls(", "min(recalls("),
        "the middle between two values": (
            MAX,
            MAX.replace("return", "best =")
            + "    below = [value for value in values if value < best]\n"
            "    return (best + below[-1]) / 2 if below else best\n",
        ),
    },
    "numbers": {
        "ties lose": ("+ 0.5 * (ones[:, None] == zeros)", ""),
        "ties win": (
            "(ones[:, None] > zeros).double() + 0.5 *",
            "(ones[:, None] > zeros).double() +",
        ),
        "AUROC of the predictions": (
            "    ones, zeros = probs[y == 1], probs[y == 0]\n",
            "    ones, zeros = predicted[y == 1], predicted[y == 0]\n",
        ),
        "confidence of class 1 alone": ("torch.maximum(probs, 1 - probs)", "probs"),
        "hits at the threshold": (
            "hits = ((probs > 0.5) == y).double()",
            "hits = (predicted == y).double()",
        ),
        "certainty in a bin of its own": (
            "(confidence * 15).ceil().long() - 1).clamp(0, 14)",
            "(confidence * 15).floor().long() - 1).clamp(0, 14)",
        ),
        "10 bins": ("(confidence * 15)", "(confidence * 10)"),
        "gaps added with their sign": ("gaps.abs().sum()", "gaps.sum().abs()"),
        "precision": (
            '"recall": recalls(predicted, y)',
            '"recall": recalls(y, predicted)',
        ),
        "larger than the threshold": ("(probs >= threshold).long()", "(probs > threshold).long()"),
        "threshold not used": ("(probs >= threshold).long()", "(probs >= 0.5).long()"),
        "mean recall as the accuracy": (
            '"accuracy": (predicted == y).double().mean().item()',
            '"accuracy": sum(recalls(predicted, y)) / 2',
        ),
        "tensors": ('.mean().item(),\n        "recall"', '.mean(),\n        "recall"'),
        "bins weigh alike": ("gaps.abs().sum().item() / len(y)", "gaps.abs().mean().item()"),
        "recalls in the other order": (
            '"recall": recalls(predicted, y)',
            '"recall": recalls(predicted, y)[::-1]',
        ),
    },
    "training": {
        "draws from all images": (
            BATCH,
            "        for rows in draw_balanced(y, len(train)).split(32):\n",
        ),
        "trained on train and val": (
            BATCH,
            "        both = torch.cat([train, val])\n"
            "        for rows in both[draw_balanced(y[both], len(train))].split(32):\n",
        ),
        "drawn once for all epochs": (
            "    for _ in range(epochs):\n" + BATCH,
            "    drawn = train[draw_balanced(y[train], len(train))]\n"
            "    for _ in range(epochs):\n"
            "        for rows in drawn.split(32):\n",
        ),
        "augmented once an epoch": (
            BATCH
            + "            loss = binary_cross_entropy_with_logits(model(augment(scaled[rows]))",
            "        turned = augment(scaled)\n"
            + BATCH
            + "            loss = binary_cross_entropy_with_logits(model(turned[rows])",
        ),
        "not balanced": (
            "train[draw_balanced(y[train], len(train))]",
            "train[torch.randperm(len(train))]",
        ),
        "not augmented": ("model(augment(scaled[rows]))", "model(scaled[rows])"),
        "classes weighed, too": (
            "y[rows].float())",
            "y[rows].float(), pos_weight=torch.tensor(9.0))",
        ),
        "no zero_grad": ("            optimizer.zero_grad()\n", ""),
        "in eval mode": ("    model.train()\n", "    model.eval()\n"),
        "the last layer alone": (
            "Adam(model.parameters()",
            "Adam(model.layers[-2].parameters()",
        ),
    },
    "scaled": {
        "mean and std of all images": ("std_mean(images[train])", "std_mean(images)"),
        "each image by its own": (
            "std, mean = torch.std_mean(images[train])",
            "std, mean = torch.std_mean(images, dim=(1, 2, 3), keepdim=True)",
        ),
        "not scaled": ("scaled = (images - mean) / std", "scaled = images"),
        "test by its own": (
            "    scaled = (images - mean) / std\n",
            "    scaled = (images - mean) / std\n    at = images[test]\n"
            "    scaled[test] = (at - at.mean()) / at.std()\n",
        ),
    },
    "measured": {
        "in train mode": ("    model.eval()\n", ""),
        "with gradients": ("    with torch.no_grad():\n", "    if True:\n"),
        "augmented, too": (
            "(model(scaled[rows]).sigmoid()",
            "(model(augment(scaled[rows])).sigmoid()",
        ),
        "turned and averaged": (
            "(model(scaled[rows]).sigmoid()",
            "((model(scaled[rows]) + model(scaled[rows].flip(3))).div(2).sigmoid()",
        ),
        "test images each epoch": (
            "    model.train()\n    for _ in range(epochs):\n",
            "    for _ in range(epochs):\n"
            "        with torch.no_grad():\n"
            "            model.eval()(scaled[test])\n"
            "        model.train()\n",
        ),
    },
    "report": {
        "threshold of test": (
            "choose_threshold(val_probs, y[val])",
            "choose_threshold(test_probs, y[test])",
        ),
        "threshold lowered": (
            '**numbers, "threshold": threshold',
            '**numbers, "threshold": threshold - 1e-3',
        ),
        "numbers of val": (
            "evaluate(test_probs, y[test], threshold)",
            "evaluate(val_probs, y[val], threshold)",
        ),
        "val and test swapped in splits": (
            '"val": val.tolist(), "test": test.tolist()',
            '"val": test.tolist(), "test": val.tolist()',
        ),
        "tensors in splits": ('"test": test.tolist()}', '"test": list(test)}'),
        "split by image": (
            SPLIT,
            "    train, val, test = patient_split(torch.arange(len(y)), y)\n",
        ),
    },
    "learns": {
        "rate 0.00001": ("lr=0.01", "lr=0.00001"),
    },
    "drawn": {
        "split without the generator": (
            "torch.randperm(len(some), generator=generator)",
            "torch.randperm(len(some))",
        ),
        "draws without the generator": (
            "replacement=True, generator=generator)",
            "replacement=True)",
        ),
        "turns without the generator": (
            "torch.rand(len(images), generator=generator)",
            "torch.rand(len(images))",
        ),
        "a generator of its own for None": (
            "    weights = 1 / y",
            "    generator = generator or torch.Generator().manual_seed(0)\n    weights = 1 / y",
        ),
        "one flip from the global generator": (
            "generator=generator) < 0.5  #",
            "generator=generator if dim == 2 else None) < 0.5  #",
        ),
        "split seeds itself": (
            "    sick = patients[y == 1].unique()\n",
            "    generator = generator or torch.Generator().manual_seed(0)\n"
            "    sick = patients[y == 1].unique()\n",
        ),
        "torch.manual_seed from the generator": (
            FLIP,
            "        torch.manual_seed(generator.initial_seed() if generator else 0)\n"
            + FLIP.replace("generator=generator", "generator=None"),
        ),
    },
    "seeded": {
        "no seed": ("    torch.manual_seed(seed)\n", ""),
        "seed 0 always": ("torch.manual_seed(seed)", "torch.manual_seed(0)"),
        "the split before the seed": (
            "    torch.manual_seed(seed)\n" + SPLIT,
            SPLIT + "    torch.manual_seed(seed)\n",
        ),
    },
    "one_class": {
        "no error of the threshold": ("    need_both(y)\n    values", "    values"),
        "no error of evaluate": ("    need_both(y)\n    probs", "    probs"),
        "AUROC 0.5 for one class": (
            "    need_both(y)\n    probs = probs.double()\n",
            '    if len(y.unique()) < 2:\n        return {"auroc": 0.5}\n'
            "    probs = probs.double()\n",
        ),
        "class 1 alone minded": ("if len(y.unique()) < 2:", "if not y.any():"),
        "another error": ("raise ValueError(", "raise RuntimeError("),
    },
}

VARIANTS = {
    "split by sets, a sampler, one of four turns, threshold by sorting": """
def patient_split(patients, y, generator=None):
    sick = sorted({p for p, label in zip(patients.tolist(), y.tolist()) if label})
    well = sorted({*patients.tolist()} - {*sick})
    where = {}
    for some in (sick, well):
        n = len(some) // 5
        for i, j in enumerate(torch.randperm(len(some), generator=generator).tolist()):
            where[some[j]] = 1 if i < n else 2 if i < 2 * n else 0
    owner = torch.tensor([where[p] for p in patients.tolist()])
    return tuple((owner == part).nonzero().flatten() for part in range(3))

def draw_balanced(y, count, generator=None):
    share = torch.where(y == 1, 1 / (y == 1).sum(), 1 / (y == 0).sum())
    sampler = torch.utils.data.WeightedRandomSampler(share, count, generator=generator)
    return torch.tensor(list(sampler))

def augment(images, generator=None):
    turn = torch.randint(4, (len(images),), generator=generator)
    dims = ([], [2], [3], [2, 3])
    return torch.stack([one.unsqueeze(0).flip(dims[t])[0] for one, t in zip(images, turn)])

def choose_threshold(probs, y):
    need_both(y)
    p, order = probs.double().sort(descending=True)
    hit = y[order].double().cumsum(0) / (y == 1).sum()
    miss = (1 - y[order]).double().cumsum(0) / (y == 0).sum()
    gain = hit - miss
    gain[:-1][p[:-1] == p[1:]] = -1
    return p[gain >= gain.max() - 1e-12][0].item()
""",
    "val and test in small batches": (
        "(model(scaled[rows]).sigmoid() for",
        "(torch.cat([model(part) for part in scaled[rows].split(7)]).sigmoid() for",
    ),
}
