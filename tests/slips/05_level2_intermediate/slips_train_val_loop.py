"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "steps": {
        "gradients cleared after the step": (
            "        optimizer.zero_grad()\n        loss = criterion(model(x), y)\n"
            "        loss.backward()\n        optimizer.step()\n",
            "        loss = criterion(model(x), y)\n        loss.backward()\n"
            "        optimizer.step()\n        optimizer.zero_grad()\n",
        ),
        "gradients cleared once an epoch": (
            "    for x, y in loader:\n        x, y = x.to(device), y.to(device)\n"
            "        optimizer.zero_grad()\n",
            "    optimizer.zero_grad()\n"
            "    for x, y in loader:\n        x, y = x.to(device), y.to(device)\n",
        ),
        "a look at each training batch in eval mode": (
            "        optimizer.zero_grad()\n",
            "        with torch.no_grad():\n            model.eval()(x)\n"
            "        model.train()\n        optimizer.zero_grad()\n",
        ),
        "gradients never cleared": ("        optimizer.zero_grad()\n", ""),
        "gradients cleared after backward": (
            "        optimizer.zero_grad()\n        loss = criterion(model(x), y)\n"
            "        loss.backward()\n",
            "        loss = criterion(model(x), y)\n        loss.backward()\n"
            "        optimizer.zero_grad()\n",
        ),
        "no step": ("        optimizer.step()\n", ""),
        "one step an epoch": (
            "        optimizer.step()\n        total += loss.item() * len(y)\n"
            "        seen += len(y)\n",
            "        total += loss.item() * len(y)\n        seen += len(y)\n    optimizer.step()\n",
        ),
        "training loss after the step": (
            "        total += loss.item() * len(y)",
            "        total += criterion(model(x), y).item() * len(y)",
        ),
        "an optimizer of its own": (
            "    model.train()\n",
            "    model.train()\n    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n",
        ),
        "gradients clipped": (
            "        optimizer.step()\n",
            "        nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n        optimizer.step()\n",
        ),
        "no step where a gradient is not finite": (
            "        optimizer.step()\n",
            "        grads = [p.grad for p in model.parameters() if p.grad is not None]\n"
            "        if all(grad.isfinite().all() for grad in grads):\n"
            "            optimizer.step()\n",
        ),
        "last short batch skipped": (
            "        optimizer.zero_grad()\n",
            "        if len(y) == 1 < seen:\n            continue\n        optimizer.zero_grad()\n",
        ),
    },
    "loss": {
        "training loss: mean of batch means": (
            "        total += loss.item() * len(y)\n        seen += len(y)\n",
            "        total += loss.item()\n        seen += 1\n",
        ),
        "the length of the loader's dataset asked": (
            "    return total / seen\n",
            "    return total / len(loader.dataset)\n",
        ),
        "accuracy first": ("return total / seen, hits / seen", "return hits / seen, total / seen"),
        "a list instead of a tuple": (
            "return total / seen, hits / seen",
            "return [total / seen, hits / seen]",
        ),
        "tensors instead of floats": (
            "return total / seen, hits / seen",
            "return torch.tensor(total / seen), torch.tensor(hits / seen)",
        ),
        "validation loss: mean of batch means": (
            "        total += criterion(logits, y).item() * len(y)\n",
            "        total += criterion(logits, y).item() * 13 / 3\n",
        ),
        "validation loss: sum": (
            "return total / seen, hits / seen",
            "return total, hits / seen",
        ),
        "validation: cross entropy, whatever criterion is": (
            "criterion(logits, y).item()",
            "nn.functional.cross_entropy(logits, y).item()",
        ),
        "validation divides by len(loader)": (
            "return total / seen, hits / seen",
            "return total / len(loader), hits / seen",
        ),
        "training loss of the last batch": (
            "        total += loss.item() * len(y)\n        seen += len(y)\n",
            "        total, seen = loss.item(), 1\n",
        ),
        "training loss as a tensor": ("total += loss.item()", "total += loss.detach()"),
        "training loss divided by the number of batches": (
            "    return total / seen\n\n\n@torch",
            "    return total / len(loader)\n\n\n@torch",
        ),
        "losses rounded": (
            "return total / seen, hits / seen",
            "return round(total / seen, 4), hits / seen",
        ),
    },
    "accuracy": {
        "accuracy of the last batch": ("        hits += (logits", "        hits = (logits"),
        "the largest logit compared, not its index": (
            "logits.argmax(dim=1)",
            "logits.max(dim=1).values",
        ),
        "accuracy per batch": (
            "        hits += (logits.argmax(dim=1) == y).sum().item()\n",
            "        hits += (logits.argmax(dim=1) == y).float().mean().item() * 13 / 3\n",
        ),
        "number of hits": ("return total / seen, hits / seen", "return total / seen, float(hits)"),
        "accuracy in percent": ("hits / seen\n", "100 * hits / seen\n"),
        "smallest logit": ("logits.argmax", "logits.argmin"),
        "argmax over the batch": (
            "            hits += (logits.argmax(dim=1) == y).sum().item()",
            "            hits += (logits.argmax(dim=0)[: len(y)] == y[: "
            "logits.shape[1]]).sum().item()",
        ),
        "logits above zero counted": (
            "(logits.argmax(dim=1) == y)",
            "((logits[:, 0] > 0) == (y == 0))",
        ),
    },
    "untouched": {
        "gradients recorded in validation": ("@torch.no_grad()\ndef validate", "def validate"),
        "gradients recorded, outputs detached": (
            "            logits = model(x)",
            "            with torch.enable_grad():\n                logits = model(x).detach()",
        ),
        "parameters frozen and unfrozen": """
def validate(model, loader, criterion, device, validate=validate.__wrapped__):
    model.requires_grad_(False)
    try:
        return validate(model, loader, criterion, device)
    finally:
        model.requires_grad_(True)
""",
        "gradients of None made zeros": (
            "    model.eval()\n",
            "    model.eval()\n"
            "    for p in model.parameters():\n"
            "        p.grad = torch.zeros_like(p) if p.grad is None else p.grad\n",
        ),
        "validation in train mode": ("    model.eval()\n", ""),
        "validation with frozen Dropout, live BatchNorm": (
            "    model.eval()\n",
            "    for module in model.modules():\n"
            "        if isinstance(module, nn.Dropout):\n            module.eval()\n",
        ),
        "validation forgets the gradients": (
            "    model.eval()\n",
            "    model.eval()\n    model.zero_grad()\n",
        ),
        "validation freezes the parameters": (
            "    model.eval()\n",
            "    model.eval().requires_grad_(False)\n",
        ),
        "a second look for the accuracy": (
            "        hits += (logits.argmax",
            "        hits += (model(x).argmax",
        ),
        "a step of nothing in validation": (
            "            seen += len(y)\n    finally:",
            "            model.zero_grad(set_to_none=False)\n            seen += len(y)\n"
            "    finally:",
        ),
        "running statistics reset": (
            "    model.eval()\n",
            "    model.eval()\n    for module in model.modules():\n"
            "        if isinstance(module, nn.BatchNorm1d):\n"
            "            module.reset_running_stats()\n",
        ),
    },
    "history": {
        "losses in history rounded": ("append(train_loss)", "append(round(train_loss, 4))"),
        "the best weights put back at the end": """
import copy

def train_for_epochs(model, train_loader, val_loader, criterion, optimizer, device, epochs):
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    best, lowest = copy.deepcopy(model.state_dict()), float("inf")
    for _ in range(epochs):
        loss = train_one_epoch(model, train_loader, criterion, optimizer, device)
        history["train_loss"].append(loss)
        loss, accuracy = validate(model, val_loader, criterion, device)
        history["val_loss"].append(loss)
        history["val_acc"].append(accuracy)
        if loss < lowest:
            best, lowest = copy.deepcopy(model.state_dict()), loss
    model.load_state_dict(best)
    return history
""",
        "validates before training": """
def train_for_epochs(model, train_loader, val_loader, criterion, optimizer, device, epochs):
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    for _ in range(epochs):
        loss, accuracy = validate(model, val_loader, criterion, device)
        history["val_loss"].append(loss)
        history["val_acc"].append(accuracy)
        history["train_loss"].append(
            train_one_epoch(model, train_loader, criterion, optimizer, device)
        )
    return history
""",
        "validates once, at the end": (
            "        val_loss, val_acc = validate(model, val_loader, criterion, device)\n"
            '        history["train_loss"].append(train_loss)\n',
            '        history["train_loss"].append(train_loss)\n'
            "    if epochs:\n"
            "        val_loss, val_acc = validate(model, val_loader, criterion, device)\n",
        ),
        "one epoch less": ("in range(epochs)", "in range(1, epochs)"),
        "one epoch more": ("in range(epochs)", "in range(epochs + 1)"),
        "history of the last epoch": (
            '        history["train_loss"].append(train_loss)',
            '        history["train_loss"] = [train_loss]',
        ),
        "best accuracy so far in history": (
            '        history["val_acc"].append(val_acc)',
            '        history["val_acc"].append(max([val_acc, *history["val_acc"]]))',
        ),
        "one history for all calls": (
            '{"train_loss": [], "val_loss": [], "val_acc": []}',
            "vars(train_for_epochs).setdefault(\n"
            '        "history", {"train_loss": [], "val_loss": [], "val_acc": []}\n    )',
        ),
        "a key for the training accuracy": (
            "    return history",
            '    return history | {"train_acc": history["val_acc"]}',
        ),
        "other keys": (
            "    return history",
            '    return {"val_accuracy": history.pop("val_acc"), **history}',
        ),
        "loss and accuracy swapped in history": (
            "val_loss, val_acc = validate",
            "val_acc, val_loss = validate",
        ),
        "a list of rows": (
            "    return history",
            "    return [dict(zip(history, row)) for row in zip(*history.values())]",
        ),
        "a fresh optimizer for every epoch": (
            "    for _ in range(epochs):\n",
            "    for _ in range(epochs):\n"
            "        optimizer = torch.optim.SGD(optimizer.param_groups, momentum=0.9)\n",
        ),
    },
    "mode": {
        "training in whatever mode it is": ("    model.train()\n", ""),
        "parts left in eval mode": ("    model.train()\n", "    model.training or model.train()\n"),
        "gradients off for good": (
            "@torch.no_grad()\ndef validate(",
            "def validate(*args):\n"
            "    torch.set_grad_enabled(False)\n"
            "    return _validate(*args)\n\n\ndef _validate(",
        ),
        "train mode once, before all epochs": """
def train_one_epoch(model, loader, criterion, optimizer, device):
    total, seen = 0.0, 0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total, seen = total + loss.item() * len(y), seen + len(y)
    return total / seen

def train_for_epochs(model, train_loader, val_loader, criterion, optimizer, device, epochs):
    model.train()
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    for _ in range(epochs):
        history["train_loss"].append(
            train_one_epoch(model, train_loader, criterion, optimizer, device)
        )
        model.eval()
        loss, accuracy = validate(model, val_loader, criterion, device)
        history["val_loss"].append(loss)
        history["val_acc"].append(accuracy)
    return history
""",
        "validates on the training data": (
            "validate(model, val_loader, criterion",
            "validate(model, train_loader, criterion",
        ),
        "trains on the validation data": (
            "train_one_epoch(model, train_loader, criterion",
            "train_one_epoch(model, val_loader, criterion",
        ),
        "training loss validated afterwards": (
            '        history["train_loss"].append(train_loss)',
            "        train_loss, _ = validate(model, train_loader, criterion, device)\n"
            '        history["train_loss"].append(train_loss)',
        ),
        "eval mode for the direct children only": (
            "    model.eval()\n",
            "    model.training = False\n    for child in model.children():\n"
            "        child.training = False\n",
        ),
        "train mode once, loops written out": """
def train_for_epochs(model, train_loader, val_loader, criterion, optimizer, device, epochs):
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    model.train()
    for _ in range(epochs):
        total, seen = 0.0, 0
        for x, y in train_loader:
            x, y = x.to(device), y.to(device)
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            total, seen = total + loss.item() * len(y), seen + len(y)
        model.eval()
        loss, accuracy = validate(model, val_loader, criterion, device)
        history["train_loss"].append(total / seen)
        history["val_loss"].append(loss)
        history["val_acc"].append(accuracy)
    return history
""",
    },
    "device": {
        "validation: labels not moved": (
            "            x, y = x.to(device), y.to(device)\n            logits",
            "            x = x.to(device)\n            logits",
        ),
        "validation on features of another dtype": (
            "logits = model(x)",
            "logits = model(x.float())",
        ),
        "validation: features not moved": (
            "            x, y = x.to(device), y.to(device)\n            logits",
            "            y = y.to(device)\n            logits",
        ),
        "training: batch not moved": (
            "        x, y = x.to(device), y.to(device)\n        optimizer",
            "        optimizer",
        ),
        "the GPU if there is one, whatever device says": (
            "    modes = [",
            "    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')\n"
            "    modes = [",
        ),
        "training: features made float32": (
            "        loss = criterion(model(x), y)",
            "        loss = criterion(model(x.float()), y)",
        ),
    },
    "restored": {
        "mode not given back": ("module.training = training", "pass"),
        "always back to train mode": ("module.training = training", "module.training = True"),
        "the model's mode given to all its modules": (
            "        for module, training in modes:\n            module.training = training",
            "        model.train(modes[0][1])",
        ),
        "only the model's own flag given back": (
            "        for module, training in modes:\n            module.training = training",
            "        model.training = modes[0][1]",
        ),
        "mode not given back if the loader raises": (
            "    finally:\n        for module, training in modes:\n"
            "            module.training = training\n",
            "    except ZeroDivisionError:\n        pass\n"
            "    for module, training in modes:\n        module.training = training\n",
        ),
        "no batch: mode not given back": (
            "            seen += len(y)\n    finally:\n",
            "            seen += len(y)\n        if seen == 0:\n            raise ValueError\n"
            "    except KeyError:\n        pass\n    else:\n",
        ),
        "gradients switched off and on": """
def validate(model, loader, criterion, device, validate=validate.__wrapped__):
    torch.set_grad_enabled(False)
    try:
        return validate(model, loader, criterion, device)
    finally:
        torch.set_grad_enabled(True)
""",
        "training ends in eval mode": (
            '    if seen == 0:\n        raise ValueError("the training',
            '    model.eval()\n    if seen == 0:\n        raise ValueError("the training',
        ),
        "left in eval mode": ("    return history", "    model.eval()\n    return history"),
        "modes given back after an Exception, not after Ctrl-C": (
            "    finally:\n        for module, training in modes:\n"
            "            module.training = training\n",
            "    except Exception:\n        for module, training in modes:\n"
            "            module.training = training\n        raise\n"
            "    for module, training in modes:\n        module.training = training\n",
        ),
        "modes of the direct children only": (
            "in model.modules()]",
            "in [model, *model.children()]]",
        ),
        "grad mode set to True, not given back": """
def validate(model, loader, criterion, device, validate=validate.__wrapped__):
    torch.set_grad_enabled(False)
    try:
        return validate(model, loader, criterion, device)
    finally:
        torch.set_grad_enabled(True)
""",
        "grad mode given back, but not after an error": """
def validate(model, loader, criterion, device, validate=validate.__wrapped__):
    before = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    result = validate(model, loader, criterion, device)
    torch.set_grad_enabled(before)
    return result
""",
        "errors of the loader swallowed": (
            "    finally:\n        for module",
            "    except ValueError:\n        pass\n    finally:\n        for module",
        ),
    },
    "iterables": {
        "batches of the first epoch kept": (
            "    for _ in range(epochs):\n",
            "    train_loader = list(train_loader)\n    for _ in range(epochs):\n",
        ),
        "length of the loader asked": (
            "    model.train()\n",
            "    model.train()\n    if len(loader) == 0:\n        raise ValueError('no batch')\n",
        ),
        "loader read twice": (
            "    model.train()\n",
            "    model.train()\n    if not list(loader):\n        raise ValueError('no batch')\n",
        ),
        "squeezed logits of a batch of one": (
            "            logits = model(x)  # (B, K)\n",
            "            logits = model(x).squeeze(0)\n            if logits.dim() == 1:\n"
            "                logits = logits[None, None][:, 0, :1]\n"
            "                continue\n",
        ),
    },
    "empty": {
        "empty training: an assert": (
            'raise ValueError("the training loader gave no batch")',
            'raise AssertionError("the training loader gave no batch")',
        ),
        "an epoch without training batches": """
def train_for_epochs(*args, inner=train_for_epochs):
    try:
        return inner(*args)
    except ValueError:
        return {key: [float("nan")] * args[-1] for key in ("train_loss", "val_loss", "val_acc")}
""",
        "an epoch without validation batches": (
            "        val_loss, val_acc = validate(model, val_loader, criterion, device)\n",
            "        try:\n"
            "            val_loss, val_acc = validate(model, val_loader, criterion, device)\n"
            "        except ValueError:\n"
            "            val_loss, val_acc = float('nan'), float('nan')\n",
        ),
        "empty validation gives zeros": (
            '        raise ValueError("the validation loader gave no batch")',
            "        return 0.0, 0.0",
        ),
        "empty training gives zero": (
            '        raise ValueError("the training loader gave no batch")',
            "        return 0.0",
        ),
        "empty training divides by zero": (
            '        raise ValueError("the training loader gave no batch")',
            "        pass",
        ),
    },
    "groups": {
        "only the first parameter group cleared": (
            "        optimizer.zero_grad()\n",
            "        for p in optimizer.param_groups[0]['params']:\n            p.grad = None\n",
        ),
        "all groups set to the first group's rate": (
            "        optimizer.zero_grad()\n",
            "        for group in optimizer.param_groups:\n"
            "            group['lr'] = optimizer.param_groups[0]['lr']\n"
            "        optimizer.zero_grad()\n",
        ),
    },
    "losses": {
        "validation: batches of NaN left out": (
            "            total += criterion(logits, y).item() * len(y)\n",
            "            loss = criterion(logits, y)\n            if loss.isnan():\n"
            "                continue\n            total += loss.item() * len(y)\n",
        ),
        "training: batches of non-finite loss skipped": (
            "        loss.backward()\n",
            "        if not torch.isfinite(loss):\n            continue\n        loss.backward()\n",
        ),
        "validation: sum kept in the loss's dtype": (
            "            total += criterion(logits, y).item() * len(y)\n",
            "            loss = criterion(logits, y).detach()\n"
            "            total = float(torch.as_tensor(total).to(loss) + loss * len(y))\n",
        ),
        "training: sum kept in the loss's dtype": (
            "        total += loss.item() * len(y)\n",
            "        total = float(torch.as_tensor(total).to(loss) + loss.detach() * len(y))\n",
        ),
    },
}

VARIANTS = {
    "means by numpy": """
import numpy as np

def validate(model, loader, criterion, device):
    modes = {module: module.training for module in model.modules()}
    losses, hits, sizes = [], [], []
    try:
        model.eval()
        with torch.no_grad():
            for x, y in loader:
                x, y = x.to(device), y.to(device)
                logits = model(x)
                losses.append(criterion(logits, y).item())
                hits.extend(logits.argmax(-1).eq(y).tolist())
                sizes.append(len(y))
    finally:
        for module, training in modes.items():
            module.training = training
    if not sizes:
        raise ValueError("no batches")
    return np.average(losses, weights=sizes), np.mean(hits)
""",
    "sums on the device, inference mode, modes by name": """
def train_one_epoch(model, loader, criterion, optimizer, device):
    model.train()
    total, seen = torch.zeros((), device=device), 0
    for inputs, targets in loader:
        inputs = inputs.to(device, non_blocking=True)
        targets = targets.to(device=device)
        loss = criterion(model(inputs), targets)
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        total += loss.detach() * targets.size(0)
        seen += targets.size(0)
    if not seen:
        raise ValueError("empty")
    return float(total) / seen

def validate(model, loader, criterion, device):
    modes = {name: module.training for name, module in model.named_modules()}
    model.train(False)
    losses, hits = [], []
    try:
        with torch.inference_mode():
            for inputs, targets in loader:
                inputs, targets = inputs.to(device), targets.to(device)
                logits = model(inputs)
                hits.append(logits.max(1).indices.eq(targets).cpu())
                losses.append(criterion(logits, targets).to("cpu").repeat(len(targets)))
    finally:
        for name, module in model.named_modules():
            module.train(modes[name])
    if not hits:
        raise ValueError("empty")
    return torch.cat(losses).mean().item(), torch.cat(hits).double().mean().item()

def train_for_epochs(model, train_loader, val_loader, criterion, optimizer, device, epochs):
    rows = []
    for epoch in range(epochs):
        train_loss = train_one_epoch(model, train_loader, criterion, optimizer, device)
        rows.append((train_loss, *validate(model, val_loader, criterion, device)))
    columns = zip(*rows) if rows else ((), (), ())
    return dict(zip(("train_loss", "val_loss", "val_acc"), map(list, columns)))
""",
    "all in one loop, gradients switched by hand": """
from collections import defaultdict

def _pass(model, loader, criterion, device, optimizer=None):
    sums = defaultdict(float)
    with torch.set_grad_enabled(optimizer is not None):
        for x, y in loader:
            x, y = x.to(device), y.to(device)
            logits = model(x)
            loss = criterion(logits, y)
            if optimizer is not None:
                model.zero_grad()
                loss.backward()
                optimizer.step()
            right = (torch.argmax(logits, dim=-1) == y).tolist()
            sums["n"] += x.shape[0]
            sums["loss"] += float(loss) * x.shape[0]
            sums["right"] += sum(right)
    if sums["n"] == 0:
        raise ValueError(f"{loader} gave nothing")
    return sums["loss"] / sums["n"], sums["right"] / sums["n"]

def train_one_epoch(model, loader, criterion, optimizer, device):
    for module in model.modules():
        module.training = True
    return _pass(model, loader, criterion, device, optimizer)[0]

def validate(model, loader, criterion, device):
    trained = [module for module in model.modules() if module.training]
    model.eval()
    try:
        return _pass(model, loader, criterion, device)
    finally:
        for module in trained:
            module.training = True

def train_for_epochs(model, train_loader, val_loader, criterion, optimizer, device, epochs):
    history = defaultdict(list, train_loss=[], val_loss=[], val_acc=[])
    while len(history["val_acc"]) < epochs:
        history["train_loss"] += [
            train_one_epoch(model, train_loader, criterion, optimizer, device)
        ]
        loss, acc = validate(model, val_loader, criterion, device)
        history["val_loss"].append(loss)
        history["val_acc"].append(acc)
    return history
""",
    "validation on a copy": """
import copy

def validate(model, loader, criterion, device):
    judge = copy.deepcopy(model).eval().requires_grad_(False)
    total = hits = seen = 0
    for x, y in loader:
        logits = judge(x.to(device))
        y = y.to(device)
        total += len(y) * criterion(logits, y).item()
        hits += sum(int(a) == int(b) for a, b in zip(logits.argmax(1), y))
        seen += len(y)
    if seen == 0:
        raise ValueError
    return total / seen, hits / seen
""",
    "textbook with edges": """
def train_one_epoch(model, loader, criterion, optimizer, device):
    model.train()
    running_loss, total = 0.0, 0
    for inputs, labels in loader:
        inputs, labels = inputs.to(device), labels.to(device)
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item() * inputs.size(0)
        total += inputs.size(0)
    if total == 0:
        raise ValueError("empty loader")
    return running_loss / total

def validate(model, loader, criterion, device):
    was_training = {m: m.training for m in model.modules()}
    running_loss, correct, total = 0.0, 0, 0
    try:
        model.eval()
        with torch.no_grad():
            for inputs, labels in loader:
                inputs, labels = inputs.to(device), labels.to(device).long()
                outputs = model(inputs)
                _, predicted = torch.max(outputs, 1)
                correct += (predicted == labels).sum().item()
                total += labels.size(0)
                running_loss += criterion(outputs, labels).item() * labels.size(0)
    finally:
        for m, training in was_training.items():
            m.training = training
    if total == 0:
        raise ValueError("empty loader")
    return running_loss / total, correct / total
""",
}
