"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "order": {
        "last short group not stepped": (
            "        optimizer.step()\n",
            "        if len(group) == accum_steps:\n            optimizer.step()\n",
        ),
        "last short group not trained on": (
            "        samples = sum(",
            "        if len(group) < accum_steps:\n            break\n        samples = sum(",
        ),
        "a step for every batch": (
            "        optimizer.step()\n        seen",
            "            optimizer.step()\n        seen",
        ),
        "no step": ("        optimizer.step()\n", ""),
        "stepped at the first batch of a group": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps <= 0:
        raise ValueError(accum_steps)
    model.train()
    total, seen = 0.0, 0
    optimizer.zero_grad()
    for i, (x, y) in enumerate(loader):
        x, y = x.to(device), y.to(device)
        loss = criterion(model(x), y)
        (loss / accum_steps).backward()
        if i % accum_steps == 0:
            optimizer.step()
            optimizer.zero_grad()
        total += loss.item() * len(y)
        seen += len(y)
    if seen == 0:
        raise ValueError("no batch")
    return total / seen
""",
        "one step more after full groups": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps <= 0:
        raise ValueError(accum_steps)
    model.train()
    total, seen, samples, i = 0.0, 0, 0, 0

    def step():
        for p in model.parameters():
            if p.grad is not None:
                p.grad /= max(samples, 1)
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)

    optimizer.zero_grad()
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        loss = criterion(model(x), y)
        (loss * len(y)).backward()
        total += loss.item() * len(y)
        seen, samples, i = seen + len(y), samples + len(y), i + 1
        if i % accum_steps == 0:
            step()
            samples = 0
    step()
    if seen == 0:
        raise ValueError("no batch")
    return total / seen
""",
        "group joined for one forward pass": (
            "        samples = sum(",
            "        group = [tuple(torch.cat(parts) for parts in zip(*group))]\n"
            "        samples = sum(",
        ),
        "groups of one more": ("islice(batches, accum_steps)", "islice(batches, accum_steps + 1)"),
        "steps by hand": (
            "optimizer.step()",
            "with torch.no_grad():\n"
            "            for p in model.parameters():\n"
            "                if p.grad is not None:\n"
            "                    p -= 0.05 * p.grad",
        ),
        "batches in another order": (
            "batches = iter(loader)",
            "batches = iter(list(loader)[::-1])",
        ),
        "no step where a gradient is not finite": (
            "        optimizer.step()\n",
            "        grads = [p.grad for p in model.parameters() if p.grad is not None]\n"
            "        if all(grad.isfinite().all() for grad in grads):\n"
            "            optimizer.step()\n",
        ),
        "a batch of one skipped": (
            "            x, y = x.to(device)",
            "            if len(y) == 1:\n"
            "                continue\n"
            "            x, y = x.to(device)",
        ),
        "loss after the step": (
            "            total += loss.item() * len(y)\n        optimizer.step()\n",
            "        optimizer.step()\n"
            "        total += sum(criterion(model(x), y).item() * len(y) for x, y in "
            "group)\n",
        ),
        "a step before the first group": (
            "    while group",
            "    optimizer.step()\n    while group",
        ),
        "the last step only where a group is short": (
            "        optimizer.step()\n",
            "        if len(group) == accum_steps:\n"
            "            optimizer.step()\n"
            "        elif len(group) > 1:\n"
            "            optimizer.step()\n",
        ),
    },
    "gradients": {
        "zero_grad after the step only": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps <= 0:
        raise ValueError(accum_steps)
    model.train()
    total, seen = 0.0, 0
    batches = iter(loader)
    while group := list(islice(batches, accum_steps)):
        samples = sum(len(y) for _, y in group)
        for x, y in group:
            x, y = x.to(device), y.to(device)
            loss = criterion(model(x), y)
            (loss * len(y) / samples).backward()
            total += loss.item() * len(y)
        optimizer.step()
        optimizer.zero_grad()
        seen += samples
    if seen == 0:
        raise ValueError("no batch")
    return total / seen
""",
        "samples counted on from group to group": (
            "loss * len(y) / samples",
            "loss * len(y) / (seen + samples)",
        ),
        "losses not divided": ("loss * len(y) / samples", "loss"),
        "gradient of the sum over the samples": ("loss * len(y) / samples", "loss * len(y)"),
        "zero_grad for every batch": (
            "            x, y = x.to(device)",
            "            optimizer.zero_grad()\n            x, y = x.to(device)",
        ),
        "no zero_grad": ("        optimizer.zero_grad()\n", ""),
        "zero_grad once an epoch": (
            "        optimizer.zero_grad()\n",
            "        if not seen:\n            optimizer.zero_grad()\n",
        ),
        "zero_grad between backward and step": (
            "        optimizer.step()\n",
            "        optimizer.zero_grad()\n        optimizer.step()\n",
        ),
        "gradients clipped": (
            "        optimizer.step()\n",
            "        nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n        optimizer.step()\n",
        ),
        "only the last batch of a group": (
            "            (loss * len(y)",
            "            optimizer.zero_grad()\n            (loss * len(y)",
        ),
    },
    "mode": {
        "train mode not set": ("    model.train()\n", ""),
        "only the outer module in train mode": ("model.train()", "model.training = True"),
        "given back in eval mode": (
            "    return total / seen",
            "    model.eval()\n    return total / seen",
        ),
        "eval mode": (
            "    model.train()\n",
            "    model.eval()\n",
        ),
        "mode given back": """
def train_one_epoch_accum(
    model, loader, criterion, optimizer, device, accum_steps, plain=train_one_epoch_accum
):
    before = model.training
    mean = plain(model, loader, criterion, optimizer, device, accum_steps)
    model.train(before)
    return mean
""",
    },
    "loss": {
        "weighted with the loader's batch size": (
            "total += loss.item() * len(y)",
            "total += loss.item() * (getattr(loader, 'batch_size', None) or len(y))",
        ),
        "mean of batch means in each group, weighed by samples": (
            "total += loss.item() * len(y)",
            "total += loss.item() * samples / len(group)",
        ),
        "divided loss reported": (
            "total += loss.item() * len(y)",
            "total += loss.item() / accum_steps * len(y)",
        ),
        "mean of batch means reported": (
            "total += loss.item() * len(y)\n        optimizer.step()\n        seen += samples",
            "total += loss.item()\n        optimizer.step()\n        seen += len(group)",
        ),
        "last batch of each group reported": (
            "            total += loss.item() * len(y)\n",
            "        total += loss.item() * samples\n",
        ),
        "a tensor returned": ("loss.item() * len(y)", "loss.detach() * len(y)"),
        "mean of the groups' means": (
            "            total += loss.item() * len(y)\n"
            "        optimizer.step()\n"
            "        seen += samples",
            "            total += loss.item() * len(y) / samples\n"
            "        optimizer.step()\n"
            "        seen += 1",
        ),
    },
    "device": {
        "batch left where it was": ("x.to(device), y.to(device)", "x, y"),
        "input cast to the model's dtype": (
            "x.to(device), y.to(device)",
            "x.to(device, next(model.parameters()).dtype), y.to(device)",
        ),
        "float labels cast to float32": (
            "x.to(device), y.to(device)",
            "x.to(device), y.to(device).float() if y.is_floating_point() else y.to(device)",
        ),
        "labels left where they were": ("x.to(device), y.to(device)", "x.to(device), y"),
        "moved to the GPU if there is one": (
            "x, y = x.to(device), y.to(device)",
            "device = 'cuda' if torch.cuda.is_available() else 'cpu'\n"
            "            x, y = x.to(device), y.to(device)",
        ),
    },
    "last": {
        "last group divided by accum_steps, each sample alike": (
            "loss * len(y) / samples",
            "loss * len(y) / samples * len(group) / accum_steps",
        ),
        "last group scaled like a full one": (
            "loss * len(y) / samples",
            "loss / accum_steps",
        ),
        "the loop of most tutorials": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps <= 0:
        raise ValueError(accum_steps)
    model.train()
    total, seen = 0.0, 0
    optimizer.zero_grad()
    for i, (x, y) in enumerate(loader):
        x, y = x.to(device), y.to(device)
        loss = criterion(model(x), y)
        (loss / accum_steps).backward()
        if (i + 1) % accum_steps == 0 or i + 1 == len(loader):
            optimizer.step()
            optimizer.zero_grad()
        total += loss.item() * len(y)
        seen += len(y)
    if seen == 0:
        raise ValueError("no batch")
    return total / seen
""",
        "last group by its number of batches, full ones by samples": (
            "loss * len(y) / samples",
            "loss * len(y) / samples if len(group) == accum_steps else loss",
        ),
    },
    "uneven": {
        "mean of means of full groups, by samples in the last": (
            "loss * len(y) / samples",
            "loss / accum_steps if len(group) == accum_steps else loss * len(y) / samples",
        ),
        "a mean of batch means": ("loss * len(y) / samples", "loss / len(group)"),
        "the size of the first batch taken for all": (
            "loss * len(y) / samples",
            "loss * len(y) / (len(group[0][1]) * len(group))",
        ),
    },
    "iterables": {
        "elements counted, not samples": (
            "total += loss.item() * len(y)\n        optimizer.step()\n        seen += samples",
            "total += loss.item() * y.numel()\n"
            "        optimizer.step()\n"
            "        seen += sum(y.numel() for _, y in group)",
        ),
        "loader with a length expected": (
            "    batches = iter(loader)\n",
            "    batches, last = iter(loader), len(loader) % accum_steps\n",
        ),
        "loader read again for every group": (
            "while group := list(islice(batches, accum_steps)):",
            "for i in range(0, len(list(loader)), accum_steps):\n"
            "        group = list(islice(loader, i, i + accum_steps))",
        ),
        "loader read twice": (
            "    batches = iter(loader)\n",
            "    next(iter(loader), None)\n    batches = iter(loader)\n",
        ),
    },
    "groups": {
        "parameters without gradient not expected": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps <= 0:
        raise ValueError(accum_steps)
    model.train()
    total, seen = 0.0, 0
    batches = iter(loader)
    while group := list(islice(batches, accum_steps)):
        samples = sum(len(y) for _, y in group)
        optimizer.zero_grad()
        for x, y in group:
            x, y = x.to(device), y.to(device)
            loss = criterion(model(x), y)
            (loss * len(y)).backward()
            total += loss.item() * len(y)
        for p in model.parameters():
            p.grad /= samples
        optimizer.step()
        seen += samples
    if seen == 0:
        raise ValueError("no batch")
    return total / seen
""",
        "only the first parameter group cleared": (
            "        optimizer.zero_grad()\n",
            "        for p in optimizer.param_groups[0]['params']:\n            p.grad = None\n",
        ),
        "only the first parameter group divided": (
            "            (loss * len(y) / samples).backward()\n"
            "            total += loss.item() * len(y)\n",
            "            (loss * len(y)).backward()\n"
            "            total += loss.item() * len(y)\n"
            "        for p in optimizer.param_groups[0]['params']:\n"
            "            p.grad = p.grad / samples if p.grad is not None else None\n",
        ),
    },
    "losses": {
        "batches of NaN loss skipped": (
            "            (loss * len(y)",
            "            if loss.isnan():\n                continue\n            (loss * len(y)",
        ),
        "batches of infinite loss skipped": (
            "            (loss * len(y)",
            "            if not loss.isfinite():\n"
            "                continue\n"
            "            (loss * len(y)",
        ),
        "no backward where the loss is not finite": (
            "            (loss * len(y) / samples).backward()\n",
            "            if loss.isfinite():\n"
            "                (loss * len(y) / samples).backward()\n",
        ),
        "losses that are not finite left out of the mean": (
            "total += loss.item() * len(y)",
            "total += loss.nan_to_num(0.0, 0.0, 0.0).item() * len(y)",
        ),
        "sum kept in the loss's dtype": (
            "            total += loss.item() * len(y)\n"
            "        optimizer.step()\n"
            "        seen += samples\n",
            "            total = total + loss.detach() * len(y)\n"
            "        optimizer.step()\n"
            "        seen += samples\n"
            "    total = float(total)\n",
        ),
        "a loss of zero taken for an empty loader": (
            "if seen == 0:",
            "if not total:",
        ),
    },
    "memory": {
        "all batches read first": (
            "batches = iter(loader)",
            "batches = iter(list(loader))",
        ),
        "every batch kept": (
            "        samples = sum(",
            "        kept = [*kept, *group] if seen else group\n        samples = sum(",
        ),
        "losses summed for one backward pass": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps <= 0:
        raise ValueError(accum_steps)
    model.train()
    total, seen = 0.0, 0
    batches = iter(loader)
    while group := list(islice(batches, accum_steps)):
        samples = sum(len(y) for _, y in group)
        optimizer.zero_grad()
        loss = sum(criterion(model(x.to(device)), y.to(device)) * len(y) for x, y in group)
        (loss / samples).backward()
        optimizer.step()
        total += loss.item()
        seen += samples
    if seen == 0:
        raise ValueError("no batch")
    return total / seen
""",
        "graphs kept in the sum": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps <= 0:
        raise ValueError(accum_steps)
    model.train()
    total, seen = 0.0, 0
    batches = iter(loader)
    while group := list(islice(batches, accum_steps)):
        samples = sum(len(y) for _, y in group)
        optimizer.zero_grad()
        for x, y in group:
            x, y = x.to(device), y.to(device)
            loss = criterion(model(x), y)
            (loss * len(y) / samples).backward()
            total = total + loss * len(y)
        optimizer.step()
        seen += samples
    if seen == 0:
        raise ValueError("no batch")
    return (total / seen).item()
""",
        "two batches for one backward pass": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps <= 0:
        raise ValueError(accum_steps)
    model.train()
    total, seen = 0.0, 0
    batches = iter(loader)
    while group := list(islice(batches, accum_steps)):
        samples = sum(len(y) for _, y in group)
        optimizer.zero_grad()
        for i in range(0, len(group), 4):
            part = [
                criterion(model(x.to(device)), y.to(device)) * len(y) for x, y in group[i : i + 4]
            ]
            (sum(part) / samples).backward()
            total += sum(loss.item() for loss in part)
        optimizer.step()
        seen += samples
    if seen == 0:
        raise ValueError("no batch")
    return total / seen
""",
    },
    "errors": {
        "only an accum_steps of 0 refused": ("if accum_steps <= 0:", "if not accum_steps:"),
        "None for no batch": (
            'raise ValueError("the loader gave no batch")',
            "return None",
        ),
        "accum_steps not looked at": ("if accum_steps <= 0:", "if False:"),
        "only a negative accum_steps refused": ("if accum_steps <= 0:", "if accum_steps < 0:"),
        "accum_steps of zero taken for one": (
            '        raise ValueError(f"accum_steps is {accum_steps}, want at least 1")\n',
            "        accum_steps = 1\n",
        ),
        "accum_steps looked at too late": (
            "    if accum_steps <= 0:",
            "    model.train()\n    if accum_steps <= 0:",
        ),
        "no batch, no error": ("if seen == 0:", "if False:"),
        "0.0 for no batch": (
            'raise ValueError("the loader gave no batch")',
            "return 0.0",
        ),
        "accum_steps looked at after the first read": (
            "    if accum_steps <= 0:",
            "    loader = list(loader)\n    if accum_steps <= 0:",
        ),
        "an assert instead of ValueError": (
            "    if accum_steps <= 0:\n"
            '        raise ValueError(f"accum_steps is {accum_steps}, want at least '
            '1")\n',
            "    assert accum_steps > 0\n",
        ),
    },
}

VARIANTS = {
    "sums first, divided before the step": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps <= 0:
        raise ValueError("accum_steps must be positive")

    def step(samples):
        for p in model.parameters():
            if p.grad is not None:
                p.grad.div_(samples)
        optimizer.step()
        optimizer.zero_grad()

    model.train()
    optimizer.zero_grad()
    total, seen, samples, batches = 0.0, 0, 0, 0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        loss = criterion(model(x), y) * len(y)
        loss.backward()
        total += loss.item()
        seen += len(y)
        samples += len(y)
        batches += 1
        if batches == accum_steps:
            step(samples)
            samples = batches = 0
    if seen == 0:
        raise ValueError("empty loader")
    if batches:
        step(samples)
    return total / seen
""",
    "one group read ahead": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps <= 0:
        raise ValueError("accum_steps must be positive")
    batches = iter(loader)
    group = list(islice(batches, accum_steps))
    if not group:
        raise ValueError("empty loader")
    model.train()
    total, seen = 0.0, 0
    while group:
        following = list(islice(batches, accum_steps))
        samples = sum(len(x) for x, _ in group)
        optimizer.zero_grad(set_to_none=False)
        for x, y in group:
            loss = criterion(model(x.to(device)), y.to(device))
            (loss * (len(x) / samples)).backward()
            total += loss.item() * len(x)
        optimizer.step()
        seen += samples
        group = following
    return total / seen
""",
    "running mean, one batch read ahead": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps < 1:
        raise ValueError("accum_steps must be positive")
    iterator = iter(loader)
    current = next(iterator, None)
    if current is None:
        raise ValueError("empty loader")
    model.train()
    params = [p for group in optimizer.param_groups for p in group["params"]]
    mean, seen, in_group, samples = 0.0, 0, 0, 0
    while current is not None:
        x, y = (t.to(device) for t in current)
        following = next(iterator, None)
        if in_group == 0:
            optimizer.zero_grad(set_to_none=False)
        samples += len(y)
        for p in params:
            if p.grad is not None:
                p.grad *= 1 - len(y) / samples
        loss = criterion(model(x), y)
        (loss * (len(y) / samples)).backward()
        seen += len(y)
        mean += (loss.item() - mean) * len(y) / seen
        in_group += 1
        if in_group == accum_steps or following is None:
            optimizer.step()
            in_group = samples = 0
        current = following
    return mean
""",
    "gradients kept outside of grad": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps <= 0:
        raise ValueError("accum_steps must be positive")
    model.train()
    params = [p for p in model.parameters() if p.requires_grad]
    sums, samples, losses = {}, 0, []

    def step():
        for p in params:
            p.grad = sums[p] / samples if p in sums else None
        optimizer.step()
        sums.clear()

    i = 0
    for i, (x, y) in enumerate(loader, start=1):
        x, y = x.to(device), y.to(device)
        loss = criterion(model(x), y)
        for p, g in zip(params, torch.autograd.grad(loss, params, allow_unused=True)):
            if g is not None:
                sums[p] = sums.get(p, 0) + g * len(y)
        samples += len(y)
        losses += [loss.item()] * len(y)
        if i % accum_steps == 0:
            step()
            samples = 0
    if i == 0:
        raise ValueError("empty loader")
    if samples:
        step()
    return sum(losses) / len(losses)
""",
}
