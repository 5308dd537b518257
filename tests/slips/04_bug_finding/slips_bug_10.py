"""Mistakes by the label that must refuse them, and second right answers."""

SLIPS = {
    "rates": {
        "stepped every batch and every epoch": (
            "            optimizer.step()\n",
            "            optimizer.step()\n            scheduler.step()\n",
        ),
        "still every batch": (
            "            samples += len(y)\n        scheduler.step()\n",
            "            samples += len(y)\n            scheduler.step()\n",
        ),
        "never stepped": ("        scheduler.step()\n", ""),
        "stepped once a call": (
            "        scheduler.step()\n        history.append(total / samples)\n",
            "        history.append(total / samples)\n    scheduler.step()\n",
        ),
        "stepped before the epoch": (
            "        total, samples = 0.0, 0\n",
            "        scheduler.step()\n        total, samples = 0.0, 0\n",
        ),
        "stepped in the first batch": (
            "            total += loss.item() * len(y)\n            samples += len(y)\n"
            "        scheduler.step()\n",
            "            if not samples:\n                scheduler.step()\n"
            "            total += loss.item() * len(y)\n            samples += len(y)\n",
        ),
        "stepped twice": ("        scheduler.step()\n", "        scheduler.step()\n" * 2),
        "step size stretched": (
            "    history = []\n    model.train()\n",
            "    history = []\n    model.train()\n"
            '    if hasattr(scheduler, "step_size"):\n'
            "        scheduler.step_size *= len(batches)\n",
        ),
        "the first rate put back": (
            "            loss = nn",
            "            for group in optimizer.param_groups:\n"
            '                group["lr"] = group["initial_lr"]\n'
            "            loss = nn",
        ),
        "a new schedule for each call": (
            "    history = []\n    model.train()\n",
            "    history = []\n    model.train()\n"
            "    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)\n",
        ),
        "stepped after the short batch": (
            "            samples += len(y)\n        scheduler.step()\n",
            "            samples += len(y)\n            if len(y) < 16:\n"
            "                scheduler.step()\n",
        ),
        "stepped every fourth batch": (
            "        scheduler.step()\n",
            "        for _ in batches[::4]:\n            scheduler.step()\n",
        ),
        "the first group's rate alone": (
            "        scheduler.step()\n",
            "        second = optimizer.param_groups[1:]\n"
            '        kept = [group["lr"] for group in second]\n'
            "        scheduler.step()\n"
            "        for group, lr in zip(second, kept, strict=True):\n"
            '            group["lr"] = lr\n',
        ),
        "all groups at the first group's rate": (
            "        scheduler.step()\n",
            "        scheduler.step()\n        for group in optimizer.param_groups:\n"
            '            group["lr"] = optimizer.param_groups[0]["lr"]\n',
        ),
        "stepped only if the loss fell": (
            "        scheduler.step()\n",
            "        if not history or total / samples < history[-1]:\n"
            "            scheduler.step()\n            scheduler.step()\n",
        ),
    },
    "later": {
        "stepped before each epoch, not after": (
            "        scheduler.step()\n        history.append(total / samples)\n",
            "        history.append(total / samples)\n"
            "        if len(history) < epochs:\n            scheduler.step()\n",
        ),
        "schedule by the total epoch of this call": (
            "        scheduler.step()\n",
            "        scheduler.last_epoch = len(history)\n        scheduler.step()\n",
        ),
        "the schedule starts anew with each call": (
            "    history = []\n    model.train()\n",
            "    history = []\n    model.train()\n    scheduler.last_epoch = -1\n"
            "    for group in optimizer.param_groups:\n"
            '        group["lr"] = group["initial_lr"]\n    scheduler.step()\n',
        ),
        "the rate put back at the end": (
            "    return history",
            "    for group in optimizer.param_groups:\n"
            '        group["lr"] = group["initial_lr"]\n    return history',
        ),
    },
    "training": {
        "no zero_grad": ("            optimizer.zero_grad()\n", ""),
        "an optimizer of its own": (
            "    history = []\n",
            "    history = []\n"
            "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)\n",
        ),
        "optimizer not stepped": ("            optimizer.step()\n", ""),
        "gradients cleared after the step only": (
            "            optimizer.zero_grad()\n            loss.backward()\n"
            "            optimizer.step()\n",
            "            loss.backward()\n            optimizer.step()\n"
            "            optimizer.zero_grad()\n",
        ),
        "train mode not set": ("    model.train()\n", ""),
        "last batch dropped": ("in batches:", "in batches[:-1]:"),
        "epochs in the wrong order": ("in batches:", "in batches[::-1]:"),
        "left in eval mode after the first epoch": (
            "        scheduler.step()\n",
            "        scheduler.step()\n        model.eval()\n",
        ),
        "one step for the whole epoch": (
            "            optimizer.zero_grad()\n            loss.backward()\n"
            "            optimizer.step()\n            total",
            "            loss.backward()\n            total",
        ),
        "a pass of its own for the loss that comes back": (
            "            total += loss.item() * len(y)\n",
            "            with torch.no_grad():\n                model(x)\n"
            "            total += loss.item() * len(y)\n",
        ),
        "the summed loss": (
            "            loss.backward()\n",
            "            (loss * len(y)).backward()\n",
        ),
    },
    "losses": {
        "loss of the last batch": ("total / samples", "loss.item()"),
        "mean of the batches' means": ("total / samples", "total / len(batches)"),
        "means added up": (
            "total += loss.item() * len(y)\n            samples += len(y)",
            "total += loss.item()\n            samples += 1",
        ),
        "tensors for floats": ("loss.item() * len(y)", "loss.detach() * len(y)"),
        "losses after the step": (
            "            total += loss.item() * len(y)\n",
            "            with torch.no_grad():\n"
            "                loss = nn.functional.cross_entropy(model(x), y)\n"
            "            total += loss.item() * len(y)\n",
        ),
        "sums not reset": (
            "    for _ in range(epochs):\n        total, samples = 0.0, 0\n",
            "    total, samples = 0.0, 0\n    for _ in range(epochs):\n",
        ),
        "losses rounded": ("total / samples)", "round(total / samples, 4))"),
        "sums in place of means": ("total / samples", "total"),
    },
}

VARIANTS = {
    "means by numpy": """
import numpy as np

def fit(model, optimizer, scheduler, batches, epochs):
    history = []
    for _ in range(epochs):
        model.train()
        each = []
        for x, y in batches:
            loss = nn.functional.cross_entropy(model(x), y, reduction="none")
            model.zero_grad()
            loss.mean().backward()
            optimizer.step()
            each += loss.tolist()
        scheduler.step()
        history.append(np.mean(each))
    return history
""",
    "stepped in the last batch": """
def fit(model, optimizer, scheduler, batches, epochs):
    history = []
    for _ in range(epochs):
        model.train()
        losses = []
        for i, (x, y) in enumerate(batches):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y, reduction="none")
            loss.mean().backward()
            optimizer.step()
            losses.append(loss.detach())
            if i == len(batches) - 1:
                scheduler.step()
        history.append(torch.cat(losses).mean().item())
    return history
""",
    "after the books are kept": (
        "        scheduler.step()\n        history.append(total / samples)\n",
        "        history.append(total / samples)\n        scheduler.step()\n",
    ),
    "the rate handed on by hand to a list of losses": """
def fit(model, optimizer, scheduler, batches, epochs):
    criterion, history = nn.CrossEntropyLoss(), []
    for _ in range(epochs):
        model.train()
        losses, weights = [], []
        for x, y in batches:
            logits = model(x)
            loss = criterion(logits, y)
            model.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            weights.append(x.shape[0])
        scheduler.step()
        pairs = zip(losses, weights, strict=True)
        history.append(sum(a * b for a, b in pairs) / sum(weights))
    return history
""",
}
