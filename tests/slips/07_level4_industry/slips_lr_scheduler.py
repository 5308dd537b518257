"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

BATCHES = """        for x, y in loader:
            optimizer.zero_grad()
            criterion(model(x.to(device)), y.to(device)).backward()
            optimizer.step()
"""
LOOP = f"""    for _ in range(epochs):
{BATCHES}        scheduler.step()
"""

SLIPS = {
    "order": {
        "a batch skipped if its loss is NaN": (
            "            criterion(model(x.to(device)), y.to(device)).backward()\n",
            "            loss = criterion(model(x.to(device)), y.to(device))\n"
            "            if not loss.isfinite():\n                continue\n"
            "            loss.backward()\n",
        ),
        "an iterator made once for all epochs": (
            "    model.train()\n",
            "    model.train()\n    loader = iter(loader)\n",
        ),
        "no step": ("            optimizer.step()\n", ""),
        "one step an epoch": (
            "            optimizer.step()\n        scheduler.step()\n",
            "        optimizer.step()\n        scheduler.step()\n",
        ),
        "one epoch too few": ("range(epochs)", "range(epochs - 1)"),
        "a look in eval mode after each step": (
            "            optimizer.step()\n",
            "            optimizer.step()\n            with torch.no_grad():\n"
            "                model.eval()(x.to(device))\n            model.train()\n",
        ),
        "batches sorted by size": (
            "for x, y in loader:",
            "for x, y in sorted(loader, key=lambda pair: -len(pair[1])):",
        ),
        "batches in another order": (
            "for x, y in loader:",
            "for x, y in reversed(list(loader)):",
        ),
        "one epoch too many": (
            "range(epochs)",
            "range(epochs + 1)",
        ),
        "two steps per batch": (
            "            optimizer.step()\n",
            "            optimizer.step()\n            optimizer.step()\n",
        ),
        "an evaluation after each epoch": (
            "        scheduler.step()\n",
            "        scheduler.step()\n"
            "        model.eval()\n"
            "        with torch.no_grad():\n"
            "            for x, _ in loader:\n"
            "                model(x.to(device))\n"
            "        model.train()\n",
        ),
    },
    "gradients": {
        "zero_grad after the step only": (
            "            optimizer.zero_grad()\n"
            "            criterion(model(x.to(device)), y.to(device)).backward()\n"
            "            optimizer.step()\n",
            "            criterion(model(x.to(device)), y.to(device)).backward()\n"
            "            optimizer.step()\n"
            "            optimizer.zero_grad()\n",
        ),
        "gradients clipped": (
            "            optimizer.step()\n",
            "            nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n"
            "            optimizer.step()\n",
        ),
        "no zero_grad": ("            optimizer.zero_grad()\n", ""),
        "zero_grad once an epoch": (
            LOOP,
            LOOP.replace("            optimizer.zero_grad()\n", "").replace(
                "        for x, y", "        optimizer.zero_grad()\n        for x, y"
            ),
        ),
        "zero_grad between backward and step": (
            "            optimizer.step()\n",
            "            optimizer.zero_grad()\n            optimizer.step()\n",
        ),
        "gradient of the sum": (
            "criterion(model(x.to(device)), y.to(device)).backward()",
            "(len(y) * criterion(model(x.to(device)), y.to(device))).backward()",
        ),
    },
    "schedule": {
        "schedule told before the epoch": (
            LOOP,
            "    for _ in range(epochs):\n        scheduler.step()\n" + BATCHES,
        ),
        "schedule told only every step_size epochs": (
            "        scheduler.step()\n",
            "        if (_ + 1) % step_size == 0:\n            scheduler.step()\n",
        ),
        "gamma before the first epoch too": (
            LOOP,
            "    for epoch in range(epochs):\n"
            "        if epoch % step_size == 0:\n"
            "            optimizer.param_groups[0]['lr'] *= gamma\n" + BATCHES,
        ),
        "schedule told the number of the epoch that ended": (
            "        scheduler.step()\n",
            "        scheduler.step(_)\n",
        ),
        "schedule told after every batch": (
            "            optimizer.step()\n        scheduler.step()\n",
            "            optimizer.step()\n            scheduler.step()\n",
        ),
        "schedule never told": ("        scheduler.step()\n", ""),
        "schedule told twice": (
            "        scheduler.step()\n",
            "        scheduler.step()\n        scheduler.step()\n",
        ),
        "a schedule for each epoch": (
            LOOP,
            "    for _ in range(epochs):\n"
            "        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size, gamma)\n"
            + BATCHES
            + "        scheduler.step()\n",
        ),
        "off by one epoch": (
            LOOP,
            "    for epoch in range(epochs):\n"
            "        optimizer.param_groups[0]['lr'] = lr * gamma ** ((epoch + 1) // step_size)\n"
            + BATCHES,
        ),
        "the rate falls a little in every epoch": (
            LOOP,
            "    for epoch in range(1, epochs + 1):\n"
            + BATCHES
            + "        optimizer.param_groups[0]['lr'] = lr * gamma ** (epoch / step_size)\n",
        ),
        "gamma in every epoch": (
            "StepLR(optimizer, step_size=step_size, gamma=gamma)",
            "ExponentialLR(optimizer, gamma=gamma)",
        ),
        "gamma once": (
            "StepLR(optimizer, step_size=step_size, gamma=gamma)",
            "MultiStepLR(optimizer, milestones=[step_size], gamma=gamma)",
        ),
        "torch's own gamma": (", gamma=gamma)", ")"),
        "cosine": (
            "StepLR(optimizer, step_size=step_size, gamma=gamma)",
            "CosineAnnealingLR(optimizer, T_max=max(1, epochs))",
        ),
        "the rate put back": (
            "        scheduler.step()\n",
            "        scheduler.step()\n        optimizer.param_groups[0]['lr'] = lr\n",
        ),
        "a floor for the rate": (
            "        scheduler.step()\n",
            "        scheduler.step()\n        for group in optimizer.param_groups:\n"
            "            group['lr'] = max(group['lr'], 1e-3)\n",
        ),
        "two schedules on one optimizer": (
            "        scheduler.step()\n",
            "        scheduler.step()\n"
            "        second = scheduler\n"
            "        if second.last_epoch % step_size == 0:\n"
            "            for group in optimizer.param_groups:\n"
            "                group['lr'] *= gamma\n",
        ),
        "momentum that remembers the rates": """
def train_with_scheduler(model, loader, criterion, device, epochs, lr, step_size, gamma):
    if step_size < 1:
        raise ValueError(step_size)
    model.train()
    params = list(model.parameters())
    speed = [torch.zeros_like(p) for p in params]
    for epoch in range(epochs):
        rate = lr * gamma ** (epoch // step_size)
        for x, y in loader:
            loss = criterion(model(x.to(device)), y.to(device))
            grads = torch.autograd.grad(loss, params, allow_unused=True)
            with torch.no_grad():
                for p, v, g in zip(params, speed, grads):
                    if g is not None:
                        p -= v.mul_(0.9).add_(rate * g)
    return lr * gamma ** (epochs // step_size)
""",
        "the first batch of an epoch with the rate before": (
            "    for _ in range(epochs):\n"
            "        for x, y in loader:\n"
            "            optimizer.zero_grad()\n"
            "            criterion(model(x.to(device)), y.to(device)).backward()\n"
            "            optimizer.step()\n"
            "        scheduler.step()\n",
            "    for epoch in range(epochs):\n"
            "        for i, (x, y) in enumerate(loader):\n"
            "            optimizer.zero_grad()\n"
            "            criterion(model(x.to(device)), y.to(device)).backward()\n"
            "            optimizer.step()\n"
            "            if epoch and i == 0:\n"
            "                scheduler.step()\n"
            "    if epochs:\n"
            "        scheduler.step()\n",
        ),
        "a floor far below": (
            "        scheduler.step()\n",
            "        scheduler.step()\n"
            "        for group in optimizer.param_groups:\n"
            "            group['lr'] = max(group['lr'], 1e-6)\n",
        ),
        "no rate above the first": (
            "        scheduler.step()\n",
            "        scheduler.step()\n"
            "        for group in optimizer.param_groups:\n"
            "            group['lr'] = min(group['lr'], lr)\n",
        ),
    },
    "optimizer": {
        "a new optimizer for each rate": (
            LOOP,
            "    for epoch in range(1, epochs + 1):\n"
            + BATCHES
            + "        if epoch % step_size == 0:\n"
            "            rate = optimizer.param_groups[0]['lr'] * gamma\n"
            "            optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)\n",
        ),
        "rates given to LambdaLR, which wants factors": (
            "StepLR(optimizer, step_size=step_size, gamma=gamma)",
            "LambdaLR(optimizer, lambda e: lr * gamma ** (e // step_size))",
        ),
        "a new optimizer in each epoch": (
            LOOP,
            "    for epoch in range(epochs):\n"
            "        rate = lr * gamma ** (epoch // step_size)\n"
            "        optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)\n"
            + BATCHES
            + "    optimizer.param_groups[0]['lr'] = lr * gamma ** (epochs // step_size)\n",
        ),
        "no momentum": (", momentum=0.9)", ")"),
        "other momentum": ("momentum=0.9", "momentum=0.99"),
        "Nesterov": ("momentum=0.9", "momentum=0.9, nesterov=True"),
        "dampening": ("momentum=0.9", "momentum=0.9, dampening=0.9"),
        "Adam": ("SGD(model.parameters(), lr=lr, momentum=0.9)", "Adam(model.parameters(), lr=lr)"),
        "weights alone, no biases": (
            "SGD(model.parameters()",
            "SGD([p for p in model.parameters() if p.ndim > 1]",
        ),
        "weight decay": ("momentum=0.9", "momentum=0.9, weight_decay=1e-2"),
        "momentum cleared at each change of the rate": (
            "        scheduler.step()\n",
            "        scheduler.step()\n"
            "        if scheduler.last_epoch % step_size == 0:\n"
            "            optimizer.state.clear()\n",
        ),
    },
    "mode": {
        "train mode not set": ("    model.train()\n", ""),
        "eval mode": ("    model.train()\n", "    model.eval()\n"),
        "train mode for the outermost module only": ("model.train()", "model.training = True"),
        "eval mode in the end": (
            "    return optimizer",
            "    model.eval()\n    return optimizer",
        ),
        "train mode in the first epoch only": (
            "    for _ in range(epochs):\n",
            "    for epoch in range(epochs):\n        model.train(epoch == 0)\n",
        ),
    },
    "result": {
        "get_lr in place of get_last_lr": (
            'return optimizer.param_groups[0]["lr"]',
            "return scheduler.get_lr()[0]",
        ),
        "schedule not told after the last epoch": (
            "        scheduler.step()\n",
            "        if _ < epochs - 1:\n            scheduler.step()\n",
        ),
        "the rate of the last epoch returned": (
            LOOP,
            "    for epoch in range(epochs):\n"
            "        optimizer.param_groups[0]['lr'] = lr * gamma ** (epoch // step_size)\n"
            + BATCHES,
        ),
        "the given rate returned": ('return optimizer.param_groups[0]["lr"]', "return lr"),
        "a list of rates": (
            'return optimizer.param_groups[0]["lr"]',
            "return scheduler.get_last_lr()",
        ),
        "the rate as a tensor": (
            'return optimizer.param_groups[0]["lr"]',
            'return torch.tensor(optimizer.param_groups[0]["lr"])',
        ),
        "rounded": (
            'return optimizer.param_groups[0]["lr"]',
            'return round(optimizer.param_groups[0]["lr"], 6)',
        ),
        "nothing returned": (
            'return optimizer.param_groups[0]["lr"]',
            "return None",
        ),
    },
    "device": {
        "features not moved": ("x.to(device)", "x"),
        "labels not moved": ("y.to(device)", "y"),
        "moved to the GPU if there is one": (
            "    model.train()\n",
            "    device = 'cuda' if torch.cuda.is_available() else 'cpu'\n    model.train()\n",
        ),
        "features cast to float32": (
            "x.to(device)",
            "x.to(device).float()",
        ),
        "float labels cast to float32": (
            "y.to(device)",
            "y.to(device).float() if y.is_floating_point() else y.to(device)",
        ),
    },
    "iterables": {
        "batches of the first epoch for all": (
            "    model.train()\n",
            "    model.train()\n    loader = list(loader) if epochs else []\n",
        ),
        "batches of one sample skipped": (
            "            optimizer.zero_grad()\n",
            "            if len(y) == 1:\n                continue\n"
            "            optimizer.zero_grad()\n",
        ),
        "loader with a length expected": (
            "    model.train()\n",
            "    batches = len(loader) if epochs else 0\n    model.train()\n",
        ),
        "loader read once before training": (
            "    model.train()\n",
            "    model.train()\n    first = next(iter(loader)) if epochs else None\n",
        ),
    },
    "layers": {
        "parameters without gradient not expected": (
            "            optimizer.step()\n",
            "            for p in model.parameters():\n"
            "                p.grad.nan_to_num_()\n"
            "            optimizer.step()\n",
        ),
        "the model in float32": ("    model.train()\n", "    model.float().train()\n"),
    },
    "none": {
        "at least one epoch": (
            "range(epochs)",
            "range(max(1, epochs))",
        ),
        "an error for 0 epochs": (
            "    model.train()\n",
            "    if epochs < 1:\n        raise ValueError(epochs)\n    model.train()\n",
        ),
        "loader read before the first epoch": (
            "    model.train()\n",
            "    model.train()\n    if epochs == 0:\n        list(loader)\n",
        ),
    },
    "errors": {
        "None for a step_size of 0": (
            'raise ValueError(f"step_size is {step_size}, want 1 or more")',
            "return None",
        ),
        "step_size 0 not refused": ("    if step_size < 1:", "    if step_size < 0:"),
        "step_size 0 taken for never": (
            "    if step_size < 1:",
            "    step_size = step_size or epochs + 1\n    if step_size < 1:",
        ),
        "negative step_size not refused": ("    if step_size < 1:", "    if step_size == 0:"),
        "step_size looked at after a pass": (
            "    if step_size < 1:",
            "    for x, _ in loader if step_size < 1 else []:\n"
            "        model(x.to(device))\n    if step_size < 1:",
        ),
        "step_size looked at in train mode": (
            "    if step_size < 1:",
            "    model.train()\n    if step_size < 1:",
        ),
        "an assert instead of ValueError": (
            "    if step_size < 1:  # StepLR divides by zero, or decays in every "
            "epoch\n"
            '        raise ValueError(f"step_size is {step_size}, want 1 or more")\n',
            "    assert step_size > 0\n",
        ),
    },
}

VARIANTS = {
    "the rate set by hand": """
def train_with_scheduler(model, loader, criterion, device, epochs, lr, step_size, gamma):
    if step_size <= 0:
        raise ValueError("step_size")
    params = [p for p in model.parameters()]
    optimizer = torch.optim.SGD(params, lr, 0.9)
    for epoch in range(epochs):
        for group in optimizer.param_groups:
            group["lr"] = lr * gamma ** (epoch // step_size)
        model.train()
        total = 0.0
        for inputs, targets in loader:
            loss = criterion(model(inputs.to(device)), targets.to(device))
            model.zero_grad()
            loss.backward()
            optimizer.step()
            if not math.isfinite(loss.item()) or not loss.isfinite():
                raise FloatingPointError("the loss is not finite")
            total += loss.item() * len(targets)
    return lr * gamma ** (epochs // step_size)

import math
""",
    "LambdaLR and a closure": """
def train_with_scheduler(model, loader, criterion, device, epochs, lr, step_size, gamma):
    if step_size < 1:
        raise ValueError(step_size)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, foreach=False)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda e: gamma ** (e // step_size))
    for module in model.modules():
        module.train()
    for _ in range(epochs):
        for x, y in list(loader):
            def closure(x=x.to(device), y=y.to(device)):
                optimizer.zero_grad()
                loss = criterion(model(x), y)
                loss.backward()
                return loss
            optimizer.step(closure)
        scheduler.step()
    return float(scheduler.get_last_lr()[-1])
""",
    "milestones, momentum in plain code": """
@torch.no_grad()
def move(params, speed, grads, rate):
    for p, v, g in zip(params, speed, grads):
        v.mul_(0.9).add_(g)
        p.sub_(v, alpha=rate)

def train_with_scheduler(model, loader, criterion, device, epochs, lr, step_size, gamma):
    if step_size < 1:
        raise ValueError(step_size)
    params = list(model.parameters())
    speed = [torch.zeros_like(p) for p in params]
    left = step_size
    for _ in range(epochs):
        for x, y in loader:
            loss = criterion(model.train()(x.to(device)), y.to(device))
            grads = torch.autograd.grad(loss, params, allow_unused=True)
            grads = [torch.zeros_like(p) if g is None else g for p, g in zip(params, grads)]
            move(params, speed, grads, lr)
        left -= 1
        if left == 0:
            lr, left = lr * gamma, step_size
    return lr
""",
    "textbook with a report": """
def train_with_scheduler(model, loader, criterion, device, epochs, lr, step_size, gamma):
    if step_size < 1:
        raise ValueError("step_size must be at least 1")
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size, gamma)
    history = []
    for epoch in range(epochs):
        model.train()
        running, count = 0.0, 0
        for inputs, targets in loader:
            inputs, targets = inputs.to(device), targets.to(device)
            optimizer.zero_grad()
            outputs = model(inputs)
            loss = criterion(outputs, targets)
            loss.backward()
            optimizer.step()
            running += loss.item() * inputs.size(0)
            count += inputs.size(0)
        scheduler.step()
        history.append((epoch, running / max(count, 1), scheduler.get_last_lr()[0]))
    return scheduler.get_last_lr()[0]
""",
}
