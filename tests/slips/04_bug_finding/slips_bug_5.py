"""Mistakes by the label that must refuse them, and second right answers."""

SLIPS = {
    "score": {
        "a tensor for a float": (".sum().item()", ".sum()"),
        "nothing switched": ("    model.eval()\n", ""),
        "switched at the top only": ("model.eval()", "model.training = False"),
        "children switched, not the model": (
            "model.eval()",
            "for part in model.children():\n        part.eval()",
        ),
        "Dropout modules alone": (
            "model.eval()",
            "for part in model.modules():\n"
            "        if isinstance(part, nn.Dropout):\n"
            "            part.eval()",
        ),
        "seed fixed": ("model.eval()", "torch.manual_seed(0)"),
        "seed fixed for the loop": (
            "    model.eval()\n    correct = total = 0\n    for x, y in batches:\n",
            "    correct = total = 0\n    for x, y in batches:\n        torch.manual_seed(0)\n",
        ),
        "averaged over many noisy passes": (
            "    model.eval()\n    correct = total = 0\n    for x, y in batches:\n"
            "        predicted = model(x).argmax(dim=1)  # (N,)\n",
            "    correct = total = 0\n    for x, y in batches:\n"
            "        predicted = sum(model(x) for _ in range(20)).argmax(dim=1)\n",
        ),
        "switched after the first batch": (
            "    model.eval()\n    correct = total = 0\n    for x, y in batches:\n"
            "        predicted = model(x).argmax(dim=1)  # (N,)\n",
            "    correct = total = 0\n    for x, y in batches:\n"
            "        predicted = model(x).argmax(dim=1)\n        model.eval()\n",
        ),
        "given back inside the loop": (
            "        total += len(y)\n    model.train(was_training)",
            "        total += len(y)\n        model.train(was_training)",
        ),
        "the best of ten runs": """
@torch.no_grad()
def validate(model, batches):
    batches = list(batches)
    scores = []
    for _ in range(10):
        hits = [(model(x).argmax(dim=1) == y).double() for x, y in batches]
        scores.append(torch.cat(hits).mean().item())
    return max(scores)
""",
        "norm layers alone": (
            "    model.eval()\n",
            "    for part in model.modules():\n"
            "        if isinstance(part, (nn.BatchNorm1d, nn.LayerNorm)):\n"
            "            part.eval()\n",
        ),
        "percent": ("return correct / total", "return 100 * correct / total"),
    },
    "batches": {
        "mean of the batches' accuracies": (
            "        correct += (predicted == y).sum().item()\n        total += len(y)\n",
            "        correct += (predicted == y).float().mean().item()\n        total += 1\n",
        ),
        "last batch dropped": (
            "for x, y in batches:",
            "for x, y in list(batches)[:-1]:",
        ),
        "batches read twice": (
            "return correct / total",
            "return correct / sum(len(y) for _, y in batches)",
        ),
        "as many samples as in the first batch": (
            "        total += len(y)\n",
            "        size = len(y) if not total else size\n        total += size\n",
        ),
        "a number of batches wanted": (
            "    correct = total = 0\n",
            "    correct = total = 0\n    assert len(batches)\n",
        ),
        "logits squeezed": ("model(x).argmax(dim=1)", "model(x).squeeze().argmax(dim=1)"),
    },
    "modes": {
        "mode not given back": ("    model.train(was_training)\n", ""),
        "always given back in train mode": ("model.train(was_training)", "model.train()"),
        "given back at the top only": (
            "model.train(was_training)",
            "model.training = was_training",
        ),
        "gradients recorded": ("@torch.no_grad()\n", ""),
        "gradients switched off for good": (
            "@torch.no_grad()\ndef validate(model: nn.Module, batches: "
            "Iterable[tuple[Tensor, Tensor]]) -> float:\n",
            "def validate(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> float:\n"
            "    torch.set_grad_enabled(False)\n",
        ),
        "gradients switched back on, whoever had them off": """
def validate(model, batches):
    was_training = model.training
    model.eval()
    torch.set_grad_enabled(False)
    hits = [(model(x).argmax(dim=1) == y) for x, y in batches]
    torch.set_grad_enabled(True)
    model.train(was_training)
    return torch.cat(hits).double().mean().item()
""",
        "given back to direct children only": (
            "    model.train(was_training)\n",
            "    model.training = was_training\n    for part in model.children():\n"
            "        part.training = was_training\n",
        ),
        "given back if it was in eval mode": (
            "    model.train(was_training)\n",
            "    if not was_training:\n        model.eval()\n",
        ),
    },
    "traces": {
        "Dropout's probability set to 0": (
            "model.eval()",
            "for part in model.modules():\n"
            "        if isinstance(part, nn.Dropout):\n"
            "            part.p = 0.0\n"
            "    model.eval()",
        ),
        "parameters frozen for good": (
            "    model.eval()\n",
            "    model.eval()\n    model.requires_grad_(False)\n",
        ),
        "parameters frozen, then all of them thawed": (
            "    model.train(was_training)\n",
            "    model.train(was_training)\n    model.requires_grad_(True)\n",
        ),
        "gradients cleared": ("    model.eval()\n", "    model.eval()\n    model.zero_grad()\n"),
        "gradients zeroed": (
            "    model.eval()\n",
            "    model.eval()\n    model.zero_grad(set_to_none=False)\n",
        ),
        "seed fixed besides": (
            "    model.eval()\n",
            "    model.eval()\n    torch.manual_seed(0)\n",
        ),
        "a note left on the model": (
            "    return correct / total",
            "    model.accuracy = correct / total\n    return correct / total",
        ),
        "statistics of the validation data kept": (
            "    model.train(was_training)\n",
            "    model.train(was_training)\n    for part in model.modules():\n"
            "        if isinstance(part, nn.BatchNorm1d):\n"
            "            part.num_batches_tracked += 1\n",
        ),
        "a random order of the batches": (
            "    for x, y in batches:\n",
            "    given = list(batches)\n"
            "    for i in torch.randperm(len(given)).tolist():\n        x, y = given[i]\n",
        ),
    },
}

VARIANTS = {
    "mean by numpy": """
import numpy as np

def validate(model, batches):
    with torch.inference_mode():
        modes = {name: m.training for name, m in model.named_modules()}
        model.train(False)
        hits = [(model(x).max(1).indices == y).numpy() for x, y in batches]
        for name, m in model.named_modules():
            m.training = modes[name]
    return np.mean(np.concatenate(hits))
""",
    "each module's own mode given back": """
def validate(model, batches):
    modes = {m: m.training for m in model.modules()}
    model.train(False)
    hits = []
    try:
        with torch.inference_mode():
            for x, y in batches:
                hits += (model(x).max(dim=-1).indices == y).tolist()
    finally:
        for m, mode in modes.items():
            m.training = mode
    return sum(hits) / len(hits)
""",
    "on a copy": """
import copy

@torch.no_grad()
def validate(model, batches):
    served = copy.deepcopy(model).eval()
    hits = torch.cat([(served(x).argmax(1) == y).double() for x, y in batches])
    return float(hits.mean())
""",
    "no_grad as a context, back in train mode if it came so": """
def validate(model, batches):
    training = model.training
    model.eval()
    hits, seen = 0.0, 0
    with torch.no_grad():
        for x, y in batches:
            logits = model(x)
            hits += (logits.argmax(-1) == y).float().sum().item()
            seen += y.size(0)
    if training:
        model.train()
    return hits / seen
""",
}
