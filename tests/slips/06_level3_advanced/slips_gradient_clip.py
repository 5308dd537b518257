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
        "no step": ("        optimizer.step()\n", ""),
        "steps by hand": (
            "optimizer.step()",
            "with torch.no_grad():\n"
            "            for p in model.parameters():\n"
            "                if p.grad is not None:\n"
            "                    p -= 0.1 * p.grad",
        ),
        "batches in another order": (
            "for x, y in loader:",
            "for x, y in reversed(list(loader)):",
        ),
        "loss after the step": (
            "loss.item() * len(y)",
            "criterion(model(x), y).item() * len(y)",
        ),
        "a batch of one skipped": (
            "        x, y = x.to(device)",
            "        if len(y) == 1:\n            continue\n        x, y = x.to(device)",
        ),
        "a second step where the gradient was clipped": (
            "        nn.utils.clip_grad_norm_(params, max_norm)\n        optimizer.step()\n",
            "        optimizer.step()\n"
            "        nn.utils.clip_grad_norm_(params, max_norm)\n"
            "        optimizer.step()\n",
        ),
    },
    "gradients": {
        "zero_grad after the step only": (
            "        optimizer.zero_grad()\n        loss = criterion(model(x), y)\n"
            "        loss.backward()\n"
            "        nn.utils.clip_grad_norm_(params, max_norm)\n"
            "        optimizer.step()\n",
            "        loss = criterion(model(x), y)\n        loss.backward()\n"
            "        nn.utils.clip_grad_norm_(params, max_norm)\n"
            "        optimizer.step()\n        optimizer.zero_grad()\n",
        ),
        "short gradients made longer": (
            "nn.utils.clip_grad_norm_(params, max_norm)",
            "grads = [p.grad for p in params if p.grad is not None]\n"
            "        norm = sum(g.pow(2).sum() for g in grads).sqrt()\n"
            "        for g in grads:\n"
            "            g.mul_(max_norm / (norm + 1e-6))",
        ),
        "no zero_grad": ("        optimizer.zero_grad()\n", ""),
        "zero_grad after backward": (
            "        loss.backward()\n",
            "        loss.backward()\n        optimizer.zero_grad()\n",
        ),
        "zero_grad once an epoch": (
            "        optimizer.zero_grad()\n",
            "        if not seen:\n            optimizer.zero_grad()\n",
        ),
        "gradient of the sum": (
            "loss.backward()",
            "(loss * len(y)).backward()",
        ),
    },
    "norm": {
        "another default": ("max_norm: float = 1.0", "max_norm: float = 5.0"),
        "each layer by itself": (
            "        nn.utils.clip_grad_norm_(params, max_norm)\n",
            "        for layer in model.modules():\n"
            "            own = list(layer.parameters(recurse=False))\n"
            "            nn.utils.clip_grad_norm_(own, max_norm) if own else None\n",
        ),
        "the shorter gradient not stored": (
            "nn.utils.clip_grad_norm_(params, max_norm)",
            "grads = [p.grad for p in params if p.grad is not None]\n"
            "        norm = torch.stack([g.norm() for g in grads]).norm()\n"
            "        for g in grads:\n"
            "            g = g * (max_norm / norm).clamp(max=1)",
        ),
        "not clipped": ("        nn.utils.clip_grad_norm_(params, max_norm)\n", ""),
        "clipped after the step": (
            "        nn.utils.clip_grad_norm_(params, max_norm)\n        optimizer.step()\n",
            "        optimizer.step()\n        nn.utils.clip_grad_norm_(params, max_norm)\n",
        ),
        "clipped before backward": (
            "        loss.backward()\n        nn.utils.clip_grad_norm_(params, max_norm)\n",
            "        nn.utils.clip_grad_norm_(params, max_norm)\n        loss.backward()\n",
        ),
        "clipped once an epoch": (
            "        nn.utils.clip_grad_norm_(params, max_norm)\n",
            "        if not seen:\n            nn.utils.clip_grad_norm_(params, max_norm)\n",
        ),
        "clipped by value": ("clip_grad_norm_(", "clip_grad_value_("),
        "each parameter by itself": (
            "nn.utils.clip_grad_norm_(params, max_norm)",
            "[nn.utils.clip_grad_norm_(p, max_norm) for p in params]",
        ),
        "parameters clipped, not gradients": (
            "nn.utils.clip_grad_norm_(params, max_norm)",
            "with torch.no_grad():\n"
            "            for p in model.parameters():\n"
            "                p.clamp_(-max_norm, max_norm)",
        ),
        "sum of the values taken for the norm": (
            "max_norm)\n        optimizer",
            "max_norm, 1.0)\n        optimizer",
        ),
        "largest value taken for the norm": (
            "max_norm)\n        optimizer",
            "max_norm, float('inf'))\n        optimizer",
        ),
        "default always": ("params, max_norm)", "params, 1.0)"),
        "squared norm": (
            "nn.utils.clip_grad_norm_(params, max_norm)",
            "grads = [p.grad for p in params if p.grad is not None]\n"
            "        norm = sum(g.pow(2).sum() for g in grads)\n"
            "        for g in grads:\n"
            "            g.mul_((max_norm / (norm + 1e-6)).clamp(max=1))",
        ),
        "norms added instead of squares": (
            "nn.utils.clip_grad_norm_(params, max_norm)",
            "grads = [p.grad for p in params if p.grad is not None]\n"
            "        norm = sum(g.norm() for g in grads)\n"
            "        for g in grads:\n"
            "            g.mul_((max_norm / (norm + 1e-6)).clamp(max=1))",
        ),
        "long gradients dropped": (
            "        nn.utils.clip_grad_norm_(params, max_norm)\n        optimizer.step()\n",
            "        if nn.utils.clip_grad_norm_(params, max_norm) < max_norm:\n"
            "            optimizer.step()\n",
        ),
        "long gradients set to zero": (
            "nn.utils.clip_grad_norm_(params, max_norm)",
            "if nn.utils.clip_grad_norm_(params, max_norm) > max_norm:\n"
            "            optimizer.zero_grad(set_to_none=False)",
        ),
        "loss clipped": ("loss.backward()", "loss.clamp(max=max_norm).backward()"),
        "clipped twice, by value first": (
            "nn.utils.clip_grad_norm_(params, max_norm)",
            "nn.utils.clip_grad_value_(params, max_norm)\n"
            "        nn.utils.clip_grad_norm_(params, max_norm)",
        ),
        "the default is a tenth": (
            "max_norm: float = 1.0",
            "max_norm: float = 0.1",
        ),
        "a limit that is a whole number": (
            "nn.utils.clip_grad_norm_(params, max_norm)",
            "nn.utils.clip_grad_norm_(params, round(max_norm) or max_norm)",
        ),
        "a large eps in the factor": (
            "nn.utils.clip_grad_norm_(params, max_norm)",
            "grads = [p.grad for p in params if p.grad is not None]\n"
            "        norm = torch.stack([g.norm() for g in grads]).norm()\n"
            "        for g in grads:\n"
            "            g.mul_((max_norm / (norm + 0.01)).clamp(max=1))",
        ),
    },
    "short": {
        "divided by a norm of zero": (
            "nn.utils.clip_grad_norm_(params, max_norm)",
            "grads = [p.grad for p in params if p.grad is not None]\n"
            "        norm = sum(g.pow(2).sum() for g in grads).sqrt()\n"
            "        for g in grads:\n"
            "            g.div_(norm).mul_(norm.clamp(max=max_norm))",
        ),
        "gradients of 0 replaced by 1": (
            "        optimizer.step()\n",
            "        for p in params:\n"
            "            if p.grad is not None and p.grad.abs().sum() == 0:\n"
            "                p.grad.fill_(1.0)\n"
            "        optimizer.step()\n",
        ),
        "an infinite max_norm not expected": (
            "nn.utils.clip_grad_norm_(params, max_norm)",
            "grads = [p.grad for p in params if p.grad is not None]\n"
            "        norm = torch.stack([g.norm() for g in grads]).norm()\n"
            "        for g in grads:\n"
            "            g.mul_(max_norm).div_(max(norm, torch.tensor(max_norm)))",
        ),
    },
    "mode": {
        "train mode only where the outer module is not in it": (
            "    model.train()\n",
            "    if not model.training:\n        model.train()\n",
        ),
        "train mode not set": ("    model.train()\n", ""),
        "eval mode": ("model.train()", "model.eval()"),
        "only the outer module in train mode": ("model.train()", "model.training = True"),
        "given back in eval mode": (
            "    return total / seen",
            "    model.eval()\n    return total / seen",
        ),
        "mode given back": """
def train_one_epoch_with_clip(
    model, loader, criterion, optimizer, device, max_norm=1.0, plain=train_one_epoch_with_clip
):
    before = model.training
    mean = plain(model, loader, criterion, optimizer, device, max_norm)
    model.train(before)
    return mean
""",
    },
    "loss": {
        "weighted with the loader's batch size": (
            "loss.item() * len(y)",
            "loss.item() * (getattr(loader, 'batch_size', None) or len(y))",
        ),
        "clipped loss reported": ("loss.item() * len(y)", "min(loss.item(), max_norm) * len(y)"),
        "mean of batch means": (
            "total += loss.item() * len(y)\n        seen += len(y)",
            "total += loss.item()\n        seen += 1",
        ),
        "length of the loader": ("total / seen", "total / len(loader)"),
        "loss of the last batch": ("return total / seen", "return loss.item()"),
        "a tensor returned": ("loss.item() * len(y)", "loss.detach() * len(y)"),
        "sum not divided": (
            "return total / seen",
            "return total",
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
            "        x, y = x.to(device), y.to(device)",
        ),
        "output squeezed": (
            "criterion(model(x), y)",
            "criterion(model(x).squeeze(), y)",
        ),
    },
    "iterables": {
        "loader read twice": (
            "    total, seen = 0.0, 0\n",
            "    total, seen = 0.0, 0\n    first = next(iter(loader), None)\n",
        ),
        "loader with a length expected": (
            "    total, seen = 0.0, 0\n",
            "    total, seen = 0.0 * len(loader), 0\n",
        ),
        "elements counted, not samples": (
            "total += loss.item() * len(y)\n        seen += len(y)",
            "total += loss.item() * y.numel()\n        seen += y.numel()",
        ),
    },
    "groups": {
        "first parameter group only": (
            "params, max_norm",
            'optimizer.param_groups[0]["params"], max_norm',
        ),
        "each group by itself": (
            "nn.utils.clip_grad_norm_(params, max_norm)",
            "for group in optimizer.param_groups:\n"
            '            nn.utils.clip_grad_norm_(group["params"], max_norm)',
        ),
        "parameters without gradient not expected": (
            "nn.utils.clip_grad_norm_(params, max_norm)",
            "norm = sum((p.grad**2).sum() for p in params).sqrt()\n"
            "        for p in params:\n"
            "            p.grad.mul_((max_norm / (norm + 1e-6)).clamp(max=1))",
        ),
        "only the first parameter group cleared": (
            "        optimizer.zero_grad()\n",
            "        for p in optimizer.param_groups[0]['params']:\n            p.grad = None\n",
        ),
        "limit shared out over the groups": (
            "nn.utils.clip_grad_norm_(params, max_norm)",
            "parts = optimizer.param_groups\n"
            "        for group in parts:\n"
            "            nn.utils.clip_grad_norm_(group['params'], max_norm / "
            "len(parts) ** 0.5)",
        ),
    },
    "frozen": {
        "norm over the model's parameters, frozen ones too": (
            "clip_grad_norm_(params",
            "clip_grad_norm_(model.parameters()",
        ),
    },
    "losses": {
        "an error where the loss is not finite": (
            "        loss.backward()",
            "        if not loss.isfinite():\n            raise RuntimeError('not finite')\n"
            "        loss.backward()",
        ),
        "batches of infinite loss skipped": (
            "        loss.backward()",
            "        if not loss.isfinite():\n            continue\n        loss.backward()",
        ),
        "losses that are not finite left out of the mean": (
            "total += loss.item() * len(y)",
            "total += loss.nan_to_num(0.0, 0.0, 0.0).item() * len(y)",
        ),
        "sum kept in the loss's dtype": (
            "        total += loss.item() * len(y)\n        seen += len(y)\n",
            "        total = total + loss.detach() * len(y)\n"
            "        seen += len(y)\n"
            "    total = float(total)\n",
        ),
        "a loss of zero taken for an empty loader": (
            "if seen == 0:",
            "if not total:",
        ),
    },
    "errors": {
        "max_norm 0 taken for no clipping": (
            "if max_norm <= 0:",
            "max_norm = max_norm or torch.inf\n    if max_norm <= 0:",
        ),
        "None for no batch": (
            'raise ValueError("the loader gave no batch")',
            "return None",
        ),
        "max_norm not looked at": ("if max_norm <= 0:", "if False:"),
        "only a negative max_norm refused": ("if max_norm <= 0:", "if max_norm < 0:"),
        "max_norm looked at too late": (
            "    if max_norm <= 0:  #",
            "    model.train()\n    if max_norm <= 0:  #",
        ),
        "no batch, no error": ("if seen == 0:", "if False:"),
        "the last loss asked for where there was no batch": (
            '    if seen == 0:\n        raise ValueError("the loader gave no batch")\n',
            "    loss.item()\n",
        ),
        "0.0 for no batch": (
            'raise ValueError("the loader gave no batch")',
            "return 0.0",
        ),
        "max_norm looked at after the first read": (
            "    if max_norm <= 0:  #",
            "    loader = list(loader)\n    if max_norm <= 0:  #",
        ),
        "an assert instead of ValueError": (
            "    if max_norm <= 0:  # torch would go up the gradient for a negative "
            "one\n"
            '        raise ValueError(f"max_norm is {max_norm}, want a positive '
            'number")\n',
            "    assert max_norm > 0\n",
        ),
    },
}

VARIANTS = {
    "norm and factor by hand": """
def train_one_epoch_with_clip(model, loader, criterion, optimizer, device, max_norm=1.0):
    if max_norm <= 0:
        raise ValueError("max_norm must be positive")
    params = [p for group in optimizer.param_groups for p in group["params"]]
    model.train()
    losses, sizes = [], []
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad(set_to_none=False)
        loss = criterion(model(x), y)
        loss.backward()
        norm = sum(p.grad.norm().item() ** 2 for p in params if p.grad is not None) ** 0.5
        if norm > max_norm:
            for p in params:
                if p.grad is not None:
                    p.grad.mul_(max_norm / norm)
        optimizer.step()
        losses.append(loss.item())
        sizes.append(y.shape[0])
    if not sizes:
        raise ValueError("empty loader")
    return sum(a * b for a, b in zip(losses, sizes)) / sum(sizes)
""",
    "gradients asked for, cut and handed over": """
def train_one_epoch_with_clip(model, loader, criterion, optimizer, device, max_norm=1.0):
    if max_norm <= 0:
        raise ValueError("max_norm must be positive")
    model.train()
    total = n = 0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        loss = criterion(model(x), y)
        params = [p for p in model.parameters() if p.requires_grad]
        grads = torch.autograd.grad(loss, params, allow_unused=True)
        flat = torch.cat([g.flatten() for g in grads if g is not None])
        factor = (max_norm / torch.linalg.vector_norm(flat)).clamp(max=1.0)
        for p, g in zip(params, grads):
            p.grad = None if g is None else g * factor
        optimizer.step()
        total += loss.item() * len(x)
        n += len(x)
    if n == 0:
        raise ValueError("empty loader")
    return total / n
""",
    "a closure, and the loss summed on the device": """
def train_one_epoch_with_clip(model, loader, criterion, optimizer, device, max_norm=1.0):
    if not max_norm > 0:
        raise ValueError("max_norm must be positive")
    model.train()
    total, n = torch.zeros((), device=device), 0
    optimizer.zero_grad()
    for x, y in loader:
        x, y = x.to(device), y.to(device)

        def closure():
            loss = criterion(model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), max_norm, error_if_nonfinite=True)
            return loss

        model.zero_grad()
        loss = optimizer.step(closure)
        total = total + loss.detach().to(device) * len(y)
        n += len(y)
    if n == 0:
        raise ValueError("empty loader")
    return total.item() / n
""",
    "textbook, the parameters that are not frozen clipped": """
def train_one_epoch_with_clip(model, loader, criterion, optimizer, device, max_norm=1.0):
    if max_norm <= 0:
        raise ValueError("max_norm must be > 0")
    model.train()
    running_loss, num_samples = 0.0, 0
    for inputs, targets in loader:
        inputs, targets = inputs.to(device), targets.to(device)
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, targets)
        loss.backward()
        trainable = [p for p in model.parameters() if p.requires_grad]
        total_norm = torch.nn.utils.clip_grad_norm_(trainable, max_norm)
        optimizer.step()
        running_loss += loss.item() * inputs.size(0)
        num_samples += inputs.size(0)
    if num_samples == 0:
        raise ValueError("loader is empty")
    return running_loss / num_samples
""",
}
