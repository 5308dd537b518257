"""Mistakes by the label that must refuse them, and second right answers."""

CLEAR = "        optimizer.zero_grad()\n"
FORWARD = "        loss = nn.functional.cross_entropy(model(x), y)\n"
STEP = "        optimizer.step()\n"

SLIPS = {
    "steps": {
        "never cleared": (CLEAR, ""),
        "as handed out": (
            "    for x, y in batches:\n        optimizer.zero_grad()\n",
            "    optimizer.zero_grad()\n    for x, y in batches:\n",
        ),
        "gradients times 0: NaN stays": (
            CLEAR,
            "        for p in model.parameters():\n            if p.grad is not None:\n"
            "                p.grad.mul_(0)\n",
        ),
        "clipped in place of cleared": (
            CLEAR,
            "        nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n",
        ),
        "cleared and clipped": (
            STEP,
            "        nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n" + STEP,
        ),
        "cleared after the step only": (
            CLEAR + FORWARD + "        loss.backward()\n        optimizer.step()\n",
            FORWARD
            + "        loss.backward()\n        optimizer.step()\n        optimizer.zero_grad()\n",
        ),
        "cleared after backward": (
            "        loss.backward()\n",
            "        loss.backward()\n        optimizer.zero_grad()\n",
        ),
        "cleared in every second batch": (
            CLEAR,
            "        if len(losses) % 2 == 0:\n            optimizer.zero_grad()\n",
        ),
        "gradients divided by the number of batches so far": (
            CLEAR + FORWARD + "        loss.backward()\n",
            "        loss = nn.functional.cross_entropy(model(x), y)\n        loss.backward()\n"
            "        for p in model.parameters():\n            p.grad /= len(losses) + 1\n",
        ),
        "gradients halved in place of cleared": (
            CLEAR,
            "        for p in model.parameters():\n            if p.grad is not None:\n"
            "                p.grad *= 0.5\n",
        ),
        "only the first group is cleared": (
            CLEAR,
            '        for p in optimizer.param_groups[0]["params"]:\n            p.grad = None\n',
        ),
        "only the weights are cleared, not the biases": (
            CLEAR,
            "        for p in model.parameters():\n            if p.dim() > 1:\n"
            "                p.grad = None\n",
        ),
        "a penalty for large weights": (
            "        loss.backward()\n",
            "        penalty = sum(p.square().sum() for p in model.parameters())\n"
            "        (loss + 1e-4 * penalty).backward()\n",
        ),
        "a smaller rate": (
            STEP,
            '        for group in optimizer.param_groups:\n            group["lr"] = 0.01\n' + STEP,
        ),
        "the rate sinks": (
            STEP,
            STEP + '        for group in optimizer.param_groups:\n            group["lr"] *= 0.9\n',
        ),
        "momentum switched off": (
            "    losses = []\n",
            "    losses = []\n    for group in optimizer.param_groups:\n"
            '        group["momentum"] = 0.0\n',
        ),
        "batches whose loss is not finite are left out": (
            "        loss.backward()\n        optimizer.step()\n",
            "        if loss.isfinite():\n            loss.backward()\n"
            "            optimizer.step()\n",
        ),
        "stopped when the loss is not finite": (
            "        losses.append(loss.item())\n",
            "        losses.append(loss.item())\n        if not loss.isfinite():\n"
            "            break\n",
        ),
        "stopped when the loss grows": (
            "        losses.append(loss.item())\n",
            "        losses.append(loss.item())\n"
            "        if losses[-1] > 2 * losses[0]:\n            break\n",
        ),
        "gradients that are not finite made 0": (
            STEP,
            "        for p in model.parameters():\n            p.grad.nan_to_num_(0, 0, 0)\n"
            + STEP,
        ),
        "the loss is cut off at 10": (
            "        loss.backward()\n",
            "        loss.clamp(max=10).backward()\n",
        ),
        "a large loss is left out": (
            "        loss.backward()\n        optimizer.step()\n",
            "        loss.backward()\n        if loss < 5:\n            optimizer.step()\n",
        ),
        "an optimizer of its own": (
            "    losses = []\n",
            "    losses = []\n"
            "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)\n",
        ),
        "the summed loss": (
            "        loss.backward()\n",
            "        (loss * len(y)).backward()\n",
        ),
        "the loss is divided by the batches so far": (
            "        loss.backward()\n",
            "        (loss / (len(losses) + 1)).backward()\n",
        ),
        "momentum cleared along with the gradients": (
            CLEAR,
            CLEAR + "        optimizer.state.clear()\n",
        ),
        "a single sample is left out": (
            CLEAR,
            "        if len(y) == 1:\n            continue\n" + CLEAR,
        ),
        "gradients detached, not cleared": (
            CLEAR,
            "        for p in model.parameters():\n            if p.grad is not None:\n"
            "                p.grad.detach_()\n",
        ),
        "step before backward": (
            "        loss.backward()\n        optimizer.step()\n",
            "        optimizer.step()\n        loss.backward()\n",
        ),
        "one step for all batches": (
            CLEAR + FORWARD + "        loss.backward()\n        optimizer.step()\n"
            "        losses.append(loss.item())\n",
            FORWARD + "        loss.backward()\n        losses.append(loss.item())\n"
            "    optimizer.step()\n    optimizer.zero_grad()\n",
        ),
    },
    "later": {
        "momentum cleared at the start of each call": (
            "    losses = []\n",
            "    losses = []\n    optimizer.state.clear()\n",
        ),
        "the best weights are put back at the end": (
            "    return losses",
            "    best = min(range(len(losses)), key=losses.__getitem__)\n"
            "    with torch.no_grad():\n        for p in model.parameters():\n"
            "            p.mul_(1.0 if best == len(losses) - 1 else 0.99)\n    return losses",
        ),
        "the rate is halved for the next call": (
            "    return losses",
            "    for group in optimizer.param_groups:\n"
            '        group["lr"] *= 0.5\n    return losses',
        ),
    },
    "losses": {
        "tensors for floats": ("loss.item()", "loss.detach()"),
        "measured after the step": (
            "        losses.append(loss.item())\n",
            "        with torch.no_grad():\n"
            "            loss = nn.functional.cross_entropy(model(x), y)\n"
            "        losses.append(loss.item())\n",
        ),
        "sums in place of means": ("loss.item()", "loss.item() * len(y)"),
        "rounded": ("loss.item()", "round(loss.item(), 3)"),
        "a running mean": (
            "    return losses",
            "    return [sum(losses[: i + 1]) / (i + 1) for i in range(len(losses))]",
        ),
        "the last loss alone": ("    return losses", "    return losses[-1]"),
        "large losses cut off": (
            "loss.item()",
            "min(loss.item(), 1.0)",
        ),
    },
    "modes": {
        "train mode not set": ("    model.train()\n", ""),
        "eval mode": ("    model.train()\n", "    model.eval()\n"),
        "train mode of the model alone, not of its parts": (
            "    model.train()\n",
            "    model.training = True\n",
        ),
        "train mode only if it came in eval mode": (
            "    model.train()\n",
            "    if not model.training:\n        model.train()\n",
        ),
        "a second pass for the loss that comes back": (
            "        loss.backward()\n",
            "        with torch.no_grad():\n            model(x)\n        loss.backward()\n",
        ),
        "eval mode after the first batch": (
            "        losses.append(loss.item())\n",
            "        losses.append(loss.item())\n        model.eval()\n",
        ),
    },
    "stream": {
        "all batches taken at once": ("in batches:", "in list(batches):"),
        "asks for the number of batches": (
            "    losses = []\n",
            "    losses = []\n    print(end=str(len(batches))[:0])\n",
        ),
        "looks one batch ahead": (
            "    for x, y in batches:\n",
            "    stream = iter(batches)\n    coming = next(stream, None)\n"
            "    while coming is not None:\n        (x, y), coming = coming, next(stream, None)\n",
        ),
        "by index": (
            "    for x, y in batches:\n",
            "    for i in range(len(batches)):\n        x, y = batches[i]\n",
        ),
    },
}

VARIANTS = {
    "cleared by the model": (CLEAR, "        model.zero_grad()\n"),
    "cleared right before backward": (
        "        optimizer.zero_grad()\n        loss = nn.functional.cross_entropy(model(x), y)\n",
        "        loss = nn.functional.cross_entropy(model(x), y)\n        optimizer.zero_grad()\n",
    ),
    "cleared to zeros, before and after": (
        "    return losses",
        "        optimizer.zero_grad(set_to_none=False)\n    return losses",
    ),
    "by autograd.grad": """
def fit(model, optimizer, batches):
    losses, criterion = [], nn.CrossEntropyLoss()
    for x, y in batches:
        model.train()
        loss = criterion(model(x), y)
        params = [p for group in optimizer.param_groups for p in group["params"]]
        for p, grad in zip(params, torch.autograd.grad(loss, params), strict=True):
            p.grad = grad
        optimizer.step()
        losses += [loss.detach().item()]
    return losses
""",
    "by a closure": """
def fit(model, optimizer, batches):
    def closure():
        optimizer.zero_grad(set_to_none=False)
        logits = model(x)
        loss = (logits.logsumexp(dim=1) - logits[torch.arange(len(y)), y]).mean()
        loss.backward()
        return loss

    model.train()
    losses = []
    for x, y in batches:
        losses.append(optimizer.step(closure).item())
    return losses
""",
}
