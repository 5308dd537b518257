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
        "step of the optimizer as well": (
            "scaler.step(optimizer)",
            "scaler.step(optimizer)\n        optimizer.step()",
        ),
        "first batch only": ("        seen += len(y)\n", "        seen += len(y)\n        break\n"),
        "a batch of one skipped": (
            "        x, y = x.to(device)",
            "        if len(y) == 1:\n            continue\n        x, y = x.to(device)",
        ),
        "a step of its own where nothing is scaled": (
            "        scaler.step(optimizer)\n",
            "        scaler.step(optimizer)\n"
            "        if not on_cuda:\n"
            "            optimizer.step()\n",
        ),
        "an extra forward pass for the loss": (
            "total += loss.item()",
            "total += criterion(model(x), y).item()",
        ),
    },
    "autocast": {
        "loss outside autocast": (
            "            loss = criterion(model(x), y)\n",
            "            output = model(x)\n        loss = criterion(output, y)\n",
        ),
        "model outside autocast": (
            "        with torch.autocast(device.type, dtype=dtype):\n"
            "            loss = criterion(model(x), y)\n",
            "        output = model(x)\n"
            "        with torch.autocast(device.type, dtype=dtype):\n"
            "            loss = criterion(output, y)\n",
        ),
        "backward inside autocast": (
            "y)\n        scaler.scale(loss).backward()",
            "y)\n            scaler.scale(loss).backward()",
        ),
        "autocast around the whole epoch": (
            "    for x, y in loader:\n"
            "        x, y = x.to(device), y.to(device)\n"
            "        optimizer.zero_grad()\n"
            "        with torch.autocast(device.type, dtype=dtype):\n"
            "            loss = criterion(model(x), y)\n"
            "        scaler.scale(loss).backward()\n"
            "        if max_norm is not None:\n"
            "            scaler.unscale_(optimizer)\n"
            "            nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n"
            "        scaler.step(optimizer)\n"
            "        scaler.update()\n"
            "        total += loss.item() * len(y)\n"
            "        seen += len(y)\n",
            "    with torch.autocast(device.type, dtype=dtype):\n"
            "        for x, y in loader:\n"
            "            x, y = x.to(device), y.to(device)\n"
            "            optimizer.zero_grad()\n"
            "            loss = criterion(model(x), y)\n"
            "            scaler.scale(loss).backward()\n"
            "            if max_norm is not None:\n"
            "                scaler.unscale_(optimizer)\n"
            "                nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n"
            "            scaler.step(optimizer)\n"
            "            scaler.update()\n"
            "            total += loss.item() * len(y)\n"
            "            seen += len(y)\n",
        ),
        "autocast left on": (
            "        with torch.autocast(device.type, dtype=dtype):\n"
            "            loss = criterion(model(x), y)\n",
            "        autocast = torch.autocast(device.type, dtype=dtype)\n"
            "        autocast.__enter__()\n"
            "        loss = criterion(model(x), y)\n",
        ),
        "autocast switched on again at the end": (
            "    if seen == 0:\n",
            "    torch.set_autocast_enabled(device.type, True)\n    if seen == 0:\n",
        ),
        "model in half precision instead": (
            "        with torch.autocast(device.type, dtype=dtype):\n"
            "            loss = criterion(model(x), y)\n",
            "        loss = criterion(model.bfloat16()(x.bfloat16()), y)\n",
        ),
        "no autocast": ("dtype=dtype):", "dtype=dtype, enabled=False):"),
        "no autocast on the CPU": ("dtype=dtype):", "dtype=dtype, enabled=on_cuda):"),
        "no autocast on cuda": ("dtype=dtype):", "dtype=dtype, enabled=not on_cuda):"),
        "autocast of cuda everywhere": ("torch.autocast(device.type,", 'torch.autocast("cuda",'),
        "float16 on the CPU": ("torch.float16 if on_cuda else torch.bfloat16", "torch.float16"),
        "bfloat16 on cuda": ("torch.float16 if on_cuda else torch.bfloat16", "torch.bfloat16"),
        "the GPU there is decides, not the argument": (
            'device.type == "cuda"',
            "torch.cuda.is_available()",
        ),
        "model in half precision under autocast": (
            "    model.train()\n",
            "    model.train().to(dtype if not on_cuda else torch.bfloat16)\n",
        ),
        "autocast of the CPU everywhere": ("torch.autocast(device.type,", 'torch.autocast("cpu",'),
        "autocast around forward alone": (
            "            loss = criterion(model(x), y)\n",
            "            output = model(x)\n        loss = criterion(output.float(), y)\n",
        ),
        "step inside autocast": (
            "        scaler.step(optimizer)\n",
            "        with torch.autocast(device.type, dtype=dtype):\n"
            "            scaler.step(optimizer)\n",
        ),
        "the default dtype of autocast, changed before": (
            "torch.autocast(device.type, dtype=dtype)",
            "torch.autocast(device.type, dtype=torch.float16)",
        ),
    },
    "scaling": {
        "a scale of one's own": ("enabled=on_cuda)", "enabled=on_cuda, init_scale=1024.0)"),
        "no scaler": ("enabled=on_cuda", "enabled=False"),
        "a scaler on the CPU too": ("GradScaler(enabled=on_cuda)", "GradScaler(device.type)"),
        "a scaler of cuda on the CPU": ("GradScaler(enabled=on_cuda)", "GradScaler()"),
        "scaled gradients used": (
            "        scaler.step(optimizer)\n        scaler.update()\n",
            "        optimizer.step()\n",
        ),
        "gradients divided by the scale once more": (
            "        scaler.step(optimizer)\n",
            "        scaler.unscale_(optimizer) if max_norm is None else None\n"
            "        for p in model.parameters():\n"
            "            if p.grad is not None:\n"
            "                p.grad /= scaler.get_scale()\n"
            "        scaler.step(optimizer)\n",
        ),
    },
    "skips": {
        "scaler updated only where gradients are clipped": (
            "        scaler.update()\n",
            "        if max_norm is not None:\n            scaler.update()\n",
        ),
        "scaler updated before the step": (
            "        scaler.step(optimizer)\n        scaler.update()\n",
            "        scaler.update()\n        scaler.step(optimizer)\n",
        ),
        "steps skipped on the CPU too": (
            "        scaler.step(optimizer)\n",
            "        finite = all(p.grad.isfinite().all() for p in model.parameters())\n"
            "        if not on_cuda and not finite:\n"
            "            optimizer.zero_grad()\n"
            "        else:\n"
            "            scaler.step(optimizer)\n",
        ),
        "a constant factor instead of a scaler": (
            "        scaler.scale(loss).backward()\n",
            "        (loss * (65536 if on_cuda else 1)).backward()\n"
            "        for p in model.parameters():\n"
            "            p.grad /= 65536 if on_cuda else 1\n"
            "        scaler = torch.amp.GradScaler(enabled=False)\n",
        ),
        "a scale that never shrinks": (
            "enabled=on_cuda)",
            "enabled=on_cuda, backoff_factor=0.9999999)",
        ),
        "a new scaler for every batch": (
            "        optimizer.zero_grad()\n",
            "        optimizer.zero_grad()\n"
            "        scaler = torch.amp.GradScaler(enabled=on_cuda)\n",
        ),
        "unscaled, but no look for inf": (
            "        scaler.step(optimizer)\n",
            "        if max_norm is None:\n"
            "            scaler.unscale_(optimizer)\n"
            "        optimizer.step()\n",
        ),
        "no step on the CPU where the norm is not finite": (
            "nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n",
            "norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n"
            "            if not on_cuda and not norm.isfinite():\n"
            "                continue\n",
        ),
        "error where the norm is not finite": (
            "max_norm)\n        scaler",
            "max_norm, error_if_nonfinite=True)\n        scaler",
        ),
        "scaler never updated": ("        scaler.update()\n", ""),
        "scaler updated once an epoch": (
            "        scaler.update()\n"
            "        total += loss.item() * len(y)\n"
            "        seen += len(y)\n",
            "        total += loss.item() * len(y)\n        seen += len(y)\n    scaler.update()\n",
        ),
        "step without the scaler": ("scaler.step(optimizer)", "optimizer.step()"),
        "scale halved after every batch": (
            "        scaler.update()\n",
            "        scaler.update(scaler.get_scale() / 2 if on_cuda else None)\n",
        ),
        "a look at the loss instead of the gradients": (
            "        scaler.step(optimizer)\n",
            "        scaler.step(optimizer) if not on_cuda else None\n"
            "        if on_cuda and loss.isfinite():\n"
            "            scaler.unscale_(optimizer) if max_norm is None else None\n"
            "            optimizer.step()\n",
        ),
        "inf replaced by zero": (
            "        scaler.step(optimizer)\n",
            "        for p in model.parameters():\n"
            "            if p.grad is not None and not p.grad.isfinite().all():\n"
            "                p.grad.zero_()\n"
            "        scaler.step(optimizer)\n",
        ),
    },
    "clip": {
        "clip before unscale": ("            scaler.unscale_(optimizer)\n", ""),
        "gradients unscaled twice": (
            "        if max_norm is not None:\n",
            "        scaler.unscale_(optimizer)\n        if max_norm is not None:\n",
        ),
        "each layer clipped by itself": (
            "            nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n",
            "            for layer in model.modules():\n"
            "                own = list(layer.parameters(recurse=False))\n"
            "                nn.utils.clip_grad_norm_(own, max_norm) if own else None\n",
        ),
        "unscale after the clip": (
            "            scaler.unscale_(optimizer)\n"
            "            nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n",
            "            nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n"
            "            scaler.unscale_(optimizer)\n",
        ),
        "never clipped": ("if max_norm is not None:", "if False:"),
        "always clipped": (
            "        if max_norm is not None:\n",
            "        max_norm = max_norm or 1.0\n        if max_norm is not None:\n",
        ),
        "each parameter clipped by itself": (
            "            nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n",
            "            for p in model.parameters():\n"
            "                nn.utils.clip_grad_norm_(p, max_norm)\n",
        ),
        "values clipped": ("clip_grad_norm_", "clip_grad_value_"),
        "short gradients lengthened": (
            "            nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n",
            "            norm = nn.utils.clip_grad_norm_(model.parameters(), torch.inf)\n"
            "            for p in model.parameters():\n"
            "                p.grad *= max_norm / norm\n",
        ),
        "clipped to max_norm times the scale": (
            "            scaler.unscale_(optimizer)\n"
            "            nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n",
            "            nn.utils.clip_grad_norm_(\n"
            "                model.parameters(), max_norm * scaler.get_scale() ** "
            "0.5\n"
            "            )\n",
        ),
        "clipped on cuda only": (
            "if max_norm is not None:",
            "if max_norm is not None and on_cuda:",
        ),
        "another default": (
            "max_norm: float | None = None",
            "max_norm: float | None = 1.0",
        ),
    },
    "gradients": {
        "zero_grad after the step only": (
            "        optimizer.zero_grad()\n"
            "        with torch.autocast(device.type, dtype=dtype):\n"
            "            loss = criterion(model(x), y)\n"
            "        scaler.scale(loss).backward()\n"
            "        if max_norm is not None:\n"
            "            scaler.unscale_(optimizer)\n"
            "            nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n"
            "        scaler.step(optimizer)\n",
            "        with torch.autocast(device.type, dtype=dtype):\n"
            "            loss = criterion(model(x), y)\n"
            "        scaler.scale(loss).backward()\n"
            "        if max_norm is not None:\n"
            "            scaler.unscale_(optimizer)\n"
            "            nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n"
            "        scaler.step(optimizer)\n"
            "        optimizer.zero_grad()\n",
        ),
        "old gradients kept": ("        optimizer.zero_grad()\n", ""),
        "zero_grad before the step": (
            "        scaler.step(optimizer)\n",
            "        optimizer.zero_grad()\n        scaler.step(optimizer)\n",
        ),
        "zero_grad once an epoch": (
            "        optimizer.zero_grad()\n",
            "        if not seen:\n            optimizer.zero_grad()\n",
        ),
        "gradient of the sum": (
            "scaler.scale(loss)",
            "scaler.scale(loss * len(y))",
        ),
    },
    "mode": {
        "train mode forgotten": ("    model.train()\n", ""),
        "eval mode": ("model.train()", "model.eval()"),
        "train mode of the whole only": ("model.train()", "model.training = True"),
        "eval mode after": ("    return total", "    model.eval()\n    return total"),
        "mode given back": """
def train_one_epoch_amp(
    model, loader, criterion, optimizer, device, max_norm=None, plain=train_one_epoch_amp
):
    before = model.training
    mean = plain(model, loader, criterion, optimizer, device, max_norm)
    model.train(before)
    return mean
""",
    },
    "loss": {
        "scaled loss reported": (
            "total += loss.item() * len(y)",
            "total += scaler.scale(loss).item() * len(y)",
        ),
        "mean of batch means": (
            "total += loss.item() * len(y)\n        seen += len(y)",
            "total += loss.item()\n        seen += 1",
        ),
        "skipped batches not counted": (
            "        scaler.update()\n        total",
            "        scale = scaler.get_scale()\n"
            "        scaler.update()\n"
            "        if scaler.get_scale() < scale:\n"
            "            continue\n"
            "        total",
        ),
        "a tensor returned": ("return total / seen", "return torch.tensor(total / seen)"),
        "sum returned": ("return total / seen", "return total"),
        "length of the loader": ("return total / seen", "return total / len(loader)"),
        "weighted with the size of the first batch": (
            "total += loss.item() * len(y)\n        seen += len(y)",
            "first = first if seen else len(y)\n"
            "        total += loss.item() * first\n"
            "        seen += first",
        ),
    },
    "device": {
        "output cast before the loss": ("criterion(model(x), y)", "criterion(model(x).float(), y)"),
        "batch not moved": ("x.to(device), y.to(device)", "x, y"),
        "labels not moved": ("x.to(device), y.to(device)", "x.to(device), y"),
        "inputs not moved": ("x.to(device), y.to(device)", "x, y.to(device)"),
        "labels cast to int64": ("y.to(device)", "y.to(device).long()"),
        "inputs cast to float32": ("x.to(device),", "x.to(device).float(),"),
        "batch in half precision": ("x.to(device),", "x.to(device, dtype),"),
    },
    "fresh": {
        "one scaler for all calls": (
            "    scaler = torch.amp.GradScaler(enabled=on_cuda)\n",
            "    if not hasattr(nn, '_scaler') or nn._scaler.is_enabled() != on_cuda:\n"
            "        nn._scaler = torch.amp.GradScaler(enabled=on_cuda)\n"
            "    scaler = nn._scaler\n",
        ),
    },
    "index": {
        "cuda with an index not seen": (
            'device.type == "cuda"',
            'device == torch.device("cuda")',
        ),
        "cuda with an index not seen in its name": (
            'device.type == "cuda"',
            'str(device) == "cuda"',
        ),
    },
    "iterables": {
        "loader read twice": ("    total = 0.0\n", "    total = 0.0 * len(list(loader))\n"),
        "loader with a length expected": (
            "    total = 0.0\n",
            "    total = 0.0 * len(loader)\n",
        ),
        "elements counted, not samples": (
            "total += loss.item() * len(y)\n        seen += len(y)",
            "total += loss.item() * y.numel()\n        seen += y.numel()",
        ),
    },
    "groups": {
        "only the first parameter group clipped": (
            "clip_grad_norm_(model.parameters(), max_norm)",
            "clip_grad_norm_(optimizer.param_groups[0]['params'], max_norm)",
        ),
        "each parameter group clipped by itself": (
            "            nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n",
            "            for group in optimizer.param_groups:\n"
            "                nn.utils.clip_grad_norm_(group['params'], max_norm)\n",
        ),
        "only the first parameter group cleared": (
            "        optimizer.zero_grad()\n",
            "        for p in optimizer.param_groups[0]['params']:\n            p.grad = None\n",
        ),
    },
    "losses": {
        "batches with a NaN loss skipped": (
            "        scaler.scale(loss).backward()\n",
            "        if loss.isnan():\n            continue\n"
            "        scaler.scale(loss).backward()\n",
        ),
        "infinite losses not counted": (
            "        total += loss.item() * len(y)\n",
            "        total += loss.nan_to_num(posinf=0.0).item() * len(y)\n",
        ),
        "batches with an infinite loss skipped": (
            "        scaler.scale(loss).backward()\n",
            "        if not loss.isfinite():\n            continue\n"
            "        scaler.scale(loss).backward()\n",
        ),
        "sum kept in the loss's dtype": (
            "        total += loss.item() * len(y)\n        seen += len(y)\n",
            "        total = total + loss.detach() * len(y)\n"
            "        seen += len(y)\n"
            "    total = float(total)\n",
        ),
        "losses that are not finite left out of the mean": (
            "total += loss.item() * len(y)\n        seen += len(y)",
            "if not loss.isfinite():\n"
            "            continue\n"
            "        total += loss.item() * len(y)\n"
            "        seen += len(y)",
        ),
        "a loss of zero taken for an empty loader": (
            "if seen == 0:",
            "if not total:",
        ),
    },
    "empty": {
        "ValueError on cuda only": (
            "if seen == 0:",
            "if seen == 0 and not on_cuda:\n        return 0.0\n    if seen == 0:",
        ),
        "no ValueError": ("    if seen == 0:\n", "    if False:\n"),
        "0.0 for no batch": (
            '        raise ValueError("the loader gave no batch")',
            "        return 0.0",
        ),
        "None for no batch": (
            'raise ValueError("the loader gave no batch")',
            "return None",
        ),
    },
}

VARIANTS = {
    "two branches": """
def train_one_epoch_amp(model, loader, criterion, optimizer, device, max_norm=None):
    scaler = torch.amp.GradScaler("cuda") if device.type == "cuda" else None
    model.train()
    losses, sizes = [], []
    for x, y in loader:
        x = x.to(device=device, non_blocking=True)
        y = y.to(device=device, non_blocking=True)
        with torch.amp.autocast(device_type=device.type):
            output = model(x)
        with torch.amp.autocast(device_type=device.type):
            loss = criterion(output, y)
        optimizer.zero_grad(set_to_none=False)
        params = list(model.parameters())
        if scaler is None:
            loss.backward()
            if max_norm is not None:
                nn.utils.clip_grad_norm_(params, max_norm)
            optimizer.step()
        else:
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            if max_norm is not None:
                nn.utils.clip_grad_norm_(params, max_norm)
            scaler.step(optimizer)
            scaler.update()
        losses.append(float(loss) * x.shape[0])
        sizes.append(x.shape[0])
    if not sizes:
        raise ValueError("empty loader")
    return sum(losses) / sum(sizes)
""",
    "clipped by hand, sum of squares": """
def train_one_epoch_amp(model, loader, criterion, optimizer, device, max_norm=None):
    cuda = device.type.startswith("cuda")
    scaler = torch.amp.GradScaler(device.type, enabled=cuda)
    model.train()
    total, seen = 0.0, 0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad()
        with torch.autocast(device.type, torch.float16 if cuda else torch.bfloat16):
            loss = criterion(model(x), y)
        scaler.scale(loss).backward()
        if max_norm is not None:
            scaler.unscale_(optimizer)
            grads = [p.grad for p in model.parameters() if p.grad is not None]
            norm = sum(g.pow(2).sum() for g in grads).sqrt()
            for g in grads:
                g *= (max_norm / (norm + 1e-6)).clamp(max=1.0)
        scaler.step(optimizer)
        scaler.update()
        total += loss.item() * x.size(0)
        seen += x.size(0)
    if not seen:
        raise ValueError("no batch")
    return total / seen
""",
    "state by hand, sum kept on the device": """
def train_one_epoch_amp(model, loader, criterion, optimizer, device, max_norm=None):
    on_cuda = device.type == "cuda"
    scaler = torch.cuda.amp.GradScaler(enabled=on_cuda)
    params = [p for group in optimizer.param_groups for p in group["params"]]
    total, seen = torch.zeros((), device=device), 0
    for part in model.modules():
        part.training = True
    for batch in loader:
        x, y = (t.cuda() if on_cuda else t for t in batch)
        for p in params:
            p.grad = None
        autocast = torch.autocast(device.type, cache_enabled=False)
        autocast.__enter__()
        try:
            loss = criterion(model(x), y)
        finally:
            autocast.__exit__(None, None, None)
        scaler.scale(loss).backward()
        if max_norm is not None:
            scaler.unscale_(optimizer)
            norm = torch.stack([p.grad.norm() for p in params]).norm()
            if norm > max_norm:
                for p in params:
                    p.grad.mul_(max_norm / norm)
        scaler.step(optimizer)
        scaler.update()
        total += loss.detach() * y.size(0)
        seen += y.size(0)
    if not seen:
        raise ValueError("no batch came")
    return (total / seen).item()
""",
    "autocast and GradScaler from torch.amp": """
from torch.amp import GradScaler, autocast

def train_one_epoch_amp(model, loader, criterion, optimizer, device, max_norm=None):
    device_type = device.type
    use_cuda = device_type == "cuda"
    amp_dtype = torch.float16 if use_cuda else torch.bfloat16
    scaler = GradScaler(device_type, enabled=use_cuda)
    model.train()
    running_loss, num_samples = 0.0, 0
    for inputs, targets in loader:
        inputs, targets = inputs.to(device), targets.to(device)
        optimizer.zero_grad(set_to_none=True)
        with autocast(device_type=device_type, dtype=amp_dtype):
            outputs = model(inputs)
            loss = criterion(outputs, targets)
        scaler.scale(loss).backward()
        if max_norm is not None:
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        scaler.step(optimizer)
        scaler.update()
        running_loss += loss.item() * inputs.size(0)
        num_samples += inputs.size(0)
    if num_samples == 0:
        raise ValueError("empty loader")
    return running_loss / num_samples
""",
    "autocast from torch": """
from torch import autocast

def train_one_epoch_amp(model, loader, criterion, optimizer, device, max_norm=None):
    scaler = torch.GradScaler() if device.type == "cuda" else None
    model.train()
    total, count = 0.0, 0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad()
        with autocast(device.type, torch.bfloat16 if scaler is None else torch.float16):
            loss = criterion(model(x), y)
        (loss if scaler is None else scaler.scale(loss)).backward()
        if scaler is not None:
            scaler.unscale_(optimizer)
        if max_norm is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        if scaler is None:
            optimizer.step()
        else:
            scaler.step(optimizer)
            scaler.update()
        total += loss.detach().float() * len(y)
        count += len(y)
    if count == 0:
        raise ValueError("empty loader")
    return float(total / count)
""",
    "the older forms of torch.cuda.amp and torch.cpu.amp": """
def train_one_epoch_amp(model, loader, criterion, optimizer, device, max_norm=None):
    cuda = device.type == "cuda"
    scaler = torch.cuda.amp.GradScaler(enabled=cuda)

    def autocast():
        if cuda:
            return torch.cuda.amp.autocast()
        return torch.cpu.amp.autocast(dtype=torch.bfloat16)

    model.train()
    total = n = 0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        with autocast():
            loss = criterion(model(x), y)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        if max_norm is not None:
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        scaler.step(optimizer)
        scaler.update()
        total += loss.item() * len(x)
        n += len(x)
    if not n:
        raise ValueError("no batches")
    return total / n
""",
    "autocast as a decorator": """
from torch.amp import GradScaler, autocast

def train_one_epoch_amp(model, loader, criterion, optimizer, device, max_norm=None):
    cuda = device.type == "cuda"

    @autocast(device.type, dtype=torch.float16 if cuda else torch.bfloat16)
    def loss_of(x, y):
        return criterion(model(x), y)

    scaler = GradScaler("cuda", enabled=cuda)
    model.train()
    losses = []
    for x, y in loader:
        optimizer.zero_grad()
        loss = loss_of(x.to(device), y.to(device))
        scaler.scale(loss).backward()
        if max_norm is not None:
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        scaler.step(optimizer)
        scaler.update()
        losses += [loss.item()] * len(y)
    if not losses:
        raise ValueError("no batches")
    return sum(losses) / len(losses)
""",
}
