"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "order": {
        "batches sorted by size": (
            "for x, y in loader:",
            "for x, y in sorted(loader, key=lambda pair: -len(pair[1])):",
        ),
        "a forward pass for the shape before the loop": (
            "    model.train()\n",
            "    model.train()\n    loader = list(loader)\n"
            "    model(loader[0][0].to(device)) if loader else None\n",
        ),
        "no step": ("        optimizer.step()\n", ""),
        "step every other batch": (
            "        optimizer.step()\n",
            "        if seen % 8 == 0:\n            optimizer.step()\n",
        ),
        "two steps": ("optimizer.step()", "optimizer.step(), optimizer.step()"),
        "one step at the end": """
def train_one_epoch(model, loader, criterion, optimizer, device):
    model.train()
    optimizer.zero_grad()
    losses = []
    for x, y in loader:
        loss = criterion(model(x.to(device)), y.to(device))
        loss.backward()
        losses += [loss.item()] * len(y)
    optimizer.step()
    return sum(losses) / len(losses)
""",
        "an optimizer of its own": (
            "    model.train()\n",
            "    model.train()\n"
            "    optimizer = torch.optim.SGD(optimizer.param_groups[0]['params'], 0.1, 0.9)\n",
        ),
        "return inside the loop": (
            "        seen += len(y)\n",
            "        seen += len(y)\n        return total / seen\n",
        ),
        "loss after the step": ("loss.item()", "criterion(model(x), y).item()"),
        "last short batch skipped": (
            "        x, y = x.to(device), y.to(device)\n",
            "        full = max(len(y), seen and 3)\n"
            "        if len(y) < full:\n            continue\n"
            "        x, y = x.to(device), y.to(device)\n",
        ),
        "no step where a gradient is not finite": (
            "        optimizer.step()\n",
            "        grads = [p.grad for p in model.parameters() if p.grad is not None]\n"
            "        if all(grad.isfinite().all() for grad in grads):\n"
            "            optimizer.step()\n",
        ),
        "a batch of one skipped": (
            "        x, y = x.to(device), y.to(device)\n",
            "        if len(y) == 1:\n            continue\n"
            "        x, y = x.to(device), y.to(device)\n",
        ),
        "order changed": ("for x, y in loader", "for x, y in reversed(list(loader))"),
    },
    "gradients": {
        "zero_grad after the step only": (
            "        optimizer.zero_grad()\n"
            "        loss = criterion(model(x), y)\n"
            "        loss.backward()\n"
            "        optimizer.step()\n",
            "        loss = criterion(model(x), y)\n"
            "        loss.backward()\n"
            "        optimizer.step()\n"
            "        optimizer.zero_grad()\n",
        ),
        "no zero_grad": ("        optimizer.zero_grad()\n", ""),
        "zero_grad between backward and step": (
            "        loss.backward()\n",
            "        loss.backward()\n        optimizer.zero_grad()\n",
        ),
        "zero_grad once an epoch": (
            "    for x, y in loader:\n        x, y = x.to(device), y.to(device)\n"
            "        optimizer.zero_grad()\n",
            "    optimizer.zero_grad()\n"
            "    for x, y in loader:\n        x, y = x.to(device), y.to(device)\n",
        ),
        "no backward": ("loss.backward()", "loss.requires_grad"),
        "step before backward": (
            "        loss.backward()\n        optimizer.step()\n",
            "        optimizer.step()\n        loss.backward()\n",
        ),
        "gradients clipped": (
            "        optimizer.step()\n",
            "        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n"
            "        optimizer.step()\n",
        ),
        "gradients clipped number by number": (
            "        optimizer.step()\n",
            "        torch.nn.utils.clip_grad_value_(model.parameters(), 1.0)\n"
            "        optimizer.step()\n",
        ),
        "gradient of the sum": ("loss.backward()", "(loss * len(y)).backward()"),
        "loss gets its arguments in the wrong order": (
            "criterion(model(x), y)",
            "criterion(y, model(x))",
        ),
    },
    "mode": {
        "train mode not set": ("    model.train()\n", ""),
        "eval mode": ("model.train()", "model.eval()"),
        "train mode for a model in eval mode only": (
            "    model.train()\n",
            "    if not model.training:\n        model.train()\n",
        ),
        "train mode for the outermost module only": ("model.train()", "model.training = True"),
        "BatchNorm kept in eval mode": (
            "    model.train()\n",
            "    model.train()\n"
            "    for part in model.modules():\n"
            "        if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)):\n"
            "            part.eval()\n",
        ),
        "train mode for the children only": (
            "model.train()",
            "[child.train() for child in model.children()]",
        ),
        "eval mode at the end": (
            "    return total / seen",
            "    model.eval()\n    return total / seen",
        ),
        "mode given back": """
def train_one_epoch(model, loader, criterion, optimizer, device, plain=train_one_epoch):
    before = model.training
    mean = plain(model, loader, criterion, optimizer, device)
    model.train(before)
    return mean
""",
    },
    "loss": {
        "weighted with the loader's batch size": (
            "loss.item() * len(y)",
            "loss.item() * (getattr(loader, 'batch_size', None) or len(y))",
        ),
        "labels always int64": ("y.to(device)", "y.to(device).long()"),
        "rounded": ("return total / seen", "return round(total / seen, 4)"),
        "a running mean of the losses": (
            "total += loss.item() * len(y)\n        seen += len(y)",
            "total = 0.9 * total + 0.1 * loss.item() if seen else loss.item()\n        seen = 1",
        ),
        "loss of the last batch": ("return total / seen", "return loss.item()"),
        "loss of the first batch": """
def train_one_epoch(model, loader, criterion, optimizer, device, plain=train_one_epoch):
    first = []
    def keeping(output, y):
        loss = criterion(output, y)
        first.append(loss.item())
        return loss
    plain(model, loader, keeping, optimizer, device)
    return first[0]
""",
        "mean of batch means": (
            "loss.item() * len(y)\n        seen += len(y)",
            "loss.item()\n        seen += 1",
        ),
        "sum of batch means over samples": ("loss.item() * len(y)", "loss.item()"),
        "sum not divided": ("return total / seen", "return total"),
        "divided by the number of batches": ("total / seen", "total / len(loader)"),
        "divided by the size of the dataset": (
            "total / seen",
            "total / len(getattr(loader, 'dataset', loader))",
        ),
        "rounded to cents": ("total / seen", "round(total / seen, 2)"),
        "a whole number": ("total += loss.item()", "total += int(loss.item())"),
        "tensor returned": ("loss.item()", "loss.detach()"),
        "mixed precision": (
            "        loss = criterion(model(x), y)\n",
            "        with torch.autocast(device.type, dtype=torch.bfloat16):\n"
            "            loss = criterion(model(x), y)\n",
        ),
    },
    "device": {
        "output squeezed": ("criterion(model(x), y)", "criterion(model(x).squeeze(), y)"),
        "output in float32": ("criterion(model(x), y)", "criterion(model(x).float(), y)"),
        "output and labels squeezed": (
            "criterion(model(x), y)",
            "criterion(model(x).squeeze(-1), y.squeeze(-1))",
        ),
        "batch not moved": ("x, y = x.to(device), y.to(device)", "x, y = x, y"),
        "labels not moved": ("x.to(device), y.to(device)", "x.to(device), y"),
        "features not moved": ("x.to(device), y.to(device)", "x, y.to(device)"),
        "moved and thrown away": (
            "x, y = x.to(device), y.to(device)",
            "x.to(device), y.to(device)",
        ),
        "moved to the GPU if there is one": (
            "x, y = x.to(device), y.to(device)",
            "device = 'cuda' if torch.cuda.is_available() else 'cpu'\n"
            "        x, y = x.to(device), y.to(device)",
        ),
        "features made float32": ("x.to(device), y", "x.to(device).float(), y"),
        "features flattened": ("model(x)", "model(x.flatten(1))"),
    },
    "iterables": {
        "elements counted, not samples": (
            "total += loss.item() * len(y)\n        seen += len(y)",
            "total += loss.item() * y.numel()\n        seen += y.numel()",
        ),
    },
    "empty": {
        "an empty loader unnoticed": ("if seen == 0:", "if False:"),
        "a bare assert on an empty loader": (
            'if seen == 0:\n        raise ValueError("the loader gave no batch")',
            "assert seen",
        ),
        "0 for an empty loader": (
            'raise ValueError("the loader gave no batch")',
            "return 0.0",
        ),
        "NaN for an empty loader": (
            'raise ValueError("the loader gave no batch")',
            'return float("nan")',
        ),
    },
    "groups": {
        "only the first parameter group cleared": (
            "        optimizer.zero_grad()\n",
            "        for p in optimizer.param_groups[0]['params']:\n            p.grad = None\n",
        ),
        "only the first parameter group stepped": (
            "        optimizer.step()\n",
            "        for group in optimizer.param_groups[1:]:\n"
            "            for p in group['params']:\n                p.grad = None\n"
            "        optimizer.step()\n",
        ),
        "the model's gradients cleared, not the optimizer's": (
            "optimizer.zero_grad()\n",
            "model.zero_grad()\n",
        ),
    },
    "losses": {
        "sum kept in the loss's dtype": (
            "        total += loss.item() * len(y)\n        seen += len(y)\n",
            "        total = total + loss.detach() * len(y)\n        seen += len(y)\n"
            "    total = float(total)\n",
        ),
        "batches of NaN left out of the mean": (
            "        total += loss.item()",
            "        if loss.isnan():\n            continue\n        total += loss.item()",
        ),
        "a loss of zero taken for an empty loader": ("if seen == 0:", "if not total:"),
        "batches of infinite loss skipped": (
            "        loss.backward()",
            "        if not torch.isfinite(loss):\n            continue\n        loss.backward()",
        ),
        "loss summed with its graph": """
def train_one_epoch(model, loader, criterion, optimizer, device):
    model.train()
    total, seen = 0, 0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss * len(y)
        seen += len(y)
    if seen == 0:
        raise ValueError("no batch")
    return total.item() / seen
""",
    },
    "memory": {
        "losses collected with their graphs": """
def train_one_epoch(model, loader, criterion, optimizer, device):
    model.train()
    losses, sizes = [], []
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad()
        losses.append(criterion(model(x), y))
        losses[-1].backward()
        optimizer.step()
        sizes.append(len(y))
    if not sizes:
        raise ValueError("no batch")
    return sum(loss.item() * size for loss, size in zip(losses, sizes)) / sum(sizes)
""",
    },
}

VARIANTS = {
    "textbook with the error": """
def train_one_epoch(model, loader, criterion, optimizer, device):
    model.train()
    running_loss, num_samples = 0.0, 0
    for inputs, targets in loader:
        inputs = inputs.to(device)
        targets = targets.to(device)
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()
        running_loss += loss.item() * inputs.size(0)
        num_samples += inputs.size(0)
    if num_samples == 0:
        raise ValueError("empty loader")
    return running_loss / num_samples
""",
    "sum kept on the device": """
def train_one_epoch(model, loader, criterion, optimizer, device):
    model.train()
    total, count = torch.zeros((), device=device), 0
    for batch, (inputs, targets) in enumerate(loader):
        inputs = inputs.to(device, non_blocking=True)
        targets = targets.to(device, non_blocking=True)
        loss = criterion(model(inputs), targets)
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        total += loss.detach() * inputs.size(0)
        count += inputs.size(0)
    if not count:
        raise ValueError("no batches")
    return (total / count).item()
""",
    "mean by numpy": """
import numpy as np

def train_one_epoch(model, loader, criterion, optimizer, device):
    model.train()
    losses, weights = [], []
    for x, y in loader:
        x, y = (t.to(device=device) for t in (x, y))
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
        weights.append(x.shape[0])
    if not losses:
        raise ValueError("no batches")
    return np.average(losses, weights=weights)
""",
    "closure": """
def train_one_epoch(model, loader, criterion, optimizer, device):
    for part in model.modules():
        part.train()
    mean = samples = 0
    for batch in loader:
        x, y = (t.to(device) for t in batch)

        def closure():
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            return loss

        samples += y.shape[0]
        mean += (optimizer.step(closure).item() - mean) * y.shape[0] / samples
    if samples == 0:
        raise ValueError("no batches")
    return mean
""",
    "gradients assigned": """
def train_one_epoch(model, loader, criterion, optimizer, device):
    model.train()
    params = [p for group in optimizer.param_groups for p in group["params"]]
    losses, sizes = [], []
    for x, y in loader:
        loss = criterion(model(x.to(device)), y.to(device))
        for p, grad in zip(params, torch.autograd.grad(loss, params, allow_unused=True)):
            p.grad = grad
        optimizer.step()
        losses.append(loss.detach().double())
        sizes.append(len(y))
    if not losses:
        raise ValueError("no batches")
    weights = torch.tensor(sizes, dtype=torch.float64) / sum(sizes)
    return float(torch.stack(losses).cpu() @ weights)
""",
    "cleared before the loop and after each step": """
def train_one_epoch(model, loader, criterion, optimizer, device):
    model = model.to(device).train()
    optimizer.zero_grad()
    history = []
    for x, y in list(loader):
        loss = criterion(model(x.to(device)), y.to(device))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        history += [loss.item()] * len(x)
    if not history:
        raise ValueError("no batches")
    return sum(history) / len(history)
""",
}
