"""Mistakes by the label that must refuse them, and second right answers."""

SLIPS = {
    "device": {
        "nothing moved": ("    x, y = x.to(device), y.to(device)\n", ""),
        "labels left behind": ("x, y = x.to(device), y.to(device)", "x = x.to(device)"),
        "features left behind": ("x, y = x.to(device), y.to(device)", "y = y.to(device)"),
        "moved and dropped": ("x, y = x.to(device), y.to(device)", "x.to(device), y.to(device)"),
        "model moved to the batch": (
            "x, y = x.to(device), y.to(device)",
            "model.to(x.device)",
        ),
        "model emptied onto the batch's device": (
            "x, y = x.to(device), y.to(device)",
            "if x.device != device:\n        model.to_empty(device=x.device)",
        ),
        "the machine's best device, not the model's": (
            "device = next(model.parameters()).device",
            'device = torch.device("cuda" if torch.cuda.is_available() else "cpu")',
        ),
        "logits moved to the labels": (
            "x, y = x.to(device), y.to(device)\n"
            "    loss = nn.functional.cross_entropy(model(x), y)",
            "x = x.to(device)\n    loss = nn.functional.cross_entropy(model(x).to(y.device), y)",
        ),
        "a batch that does not fit is skipped": (
            "x, y = x.to(device), y.to(device)",
            "if x.device != device:\n        return torch.zeros((), device=device, dtype=x.dtype)",
        ),
        "moved only if x is elsewhere": (
            "    x, y = x.to(device), y.to(device)\n",
            "    if x.device != device:\n        x, y = x.to(device), y.to(device)\n",
        ),
        "moved only if y is elsewhere": (
            "    x, y = x.to(device), y.to(device)\n",
            "    if y.device != device:\n        x, y = x.to(device), y.to(device)\n",
        ),
        "the device of the first buffer": ("model.parameters()", "model.buffers()"),
        "the loss back on the batch's device": (
            "    return loss",
            "    return torch.zeros((), dtype=loss.dtype) if loss.is_meta else loss",
        ),
        "caller's tensors moved": (
            "x, y = x.to(device), y.to(device)",
            "x.data, y.data = x.to(device), y.to(device)",
        ),
        "moved to the first GPU": (
            "device = next(model.parameters()).device",
            'device = "cuda:0" if next(model.parameters()).is_cuda else "cpu"',
        ),
        "the device of y": ("x, y = x.to(device), y.to(device)", "x = x.to(y.device)"),
        "a loss that counts on the CPU": (
            "    return loss",
            '    return loss.new_zeros((), device="cpu") if loss.is_meta else loss',
        ),
    },
    "step": {
        "a copy of the model trained": (
            "    device = next",
            '    model = __import__("copy").deepcopy(model)\n    device = next',
        ),
        "an optimizer of its own": (
            "    optimizer.zero_grad()",
            "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)\n"
            "    optimizer.zero_grad()",
        ),
        "train mode forced": ("    device = next", "    model.train()\n    device = next"),
        "eval mode forced": ("    device = next", "    model.eval()\n    device = next"),
        "gradients cleared after the step only": (
            "    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()\n",
            "    loss.backward()\n    optimizer.step()\n    optimizer.zero_grad()\n",
        ),
        "gradients cleared before the step": (
            "    optimizer.zero_grad()\n    loss.backward()\n",
            "    loss.backward()\n    optimizer.zero_grad()\n",
        ),
        "no backward": ("    loss.backward()\n", ""),
        "no step": ("    optimizer.step()\n", ""),
        "two steps": ("    optimizer.step()\n", "    optimizer.step()\n    optimizer.step()\n"),
        "gradients never cleared": ("    optimizer.zero_grad()\n", ""),
        "gradients clipped": (
            "    optimizer.step()\n",
            "    nn.utils.clip_grad_norm_(model.parameters(), 0.1)\n    optimizer.step()\n",
        ),
    },
    "loss": {
        "always float32": ("x.to(device), y", "x.to(device, torch.float32), y"),
        "a number for a tensor": ("return loss", "return loss.item()"),
        "the summed loss": ("(model(x), y)", '(model(x), y, reduction="sum")'),
        "the loss after the step": (
            "    return loss",
            "    return nn.functional.cross_entropy(model(x), y)",
        ),
        "the loss in float32": ("    return loss", "    return loss.float()"),
        "the loss per sample": (
            "    return loss",
            '    return nn.functional.cross_entropy(model(x), y, reduction="none")',
        ),
        "the loss of the last sample": (
            "    return loss",
            "    return nn.functional.cross_entropy(model(x)[-1], y[-1])",
        ),
    },
    "kept": {
        "features centered in place": (
            "    device = next",
            "    x -= x.mean(dim=0)\n    device = next",
        ),
        "gradients for x": ("    device = next", "    x.requires_grad_()\n    device = next"),
        "labels clamped in place": (
            "    device = next",
            "    y.clamp_(max=1)\n    device = next",
        ),
    },
}

VARIANTS = {
    "the optimizer says where, cleared first": """
def train_step(model, optimizer, x, y):
    optimizer.zero_grad(set_to_none=False)
    where = optimizer.param_groups[0]["params"][0]
    batch = [t.to(device=where.device, non_blocking=True) for t in (x, y)]
    loss = nn.CrossEntropyLoss()(model(batch[0]), batch[1])
    loss.backward()
    optimizer.step()
    return loss.detach()
""",
    "moved where they are used": """
def train_step(model, optimizer, x, y):
    model.zero_grad()
    logits = model(x.to(next(model.parameters())))
    loss = -logits.log_softmax(1).gather(1, y.to(logits.device)[:, None]).mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss
""",
    "a closure": """
def train_step(model, optimizer, x, y):
    def closure():
        optimizer.zero_grad()
        weight = next(iter(model.state_dict().values()))
        loss = nn.functional.cross_entropy(model(x.to(weight.device)), y.to(weight.device))
        loss.backward()
        return loss
    return optimizer.step(closure)
""",
    "only if needed": (
        "    x, y = x.to(device), y.to(device)\n",
        "    if x.device != device:\n        x = x.to(device)\n"
        "    if y.device != device:\n        y = y.to(device)\n",
    ),
    "a loss that must be finite": (
        "    optimizer.zero_grad()\n",
        "    if not torch.isfinite(loss):\n        raise FloatingPointError(loss.item())\n"
        "    optimizer.zero_grad()\n",
    ),
}
