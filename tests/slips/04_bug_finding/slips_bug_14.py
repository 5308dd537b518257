"""Mistakes by the label that must refuse them, and second right answers."""

VIEW = "y.view_as(predictions)"
ERRORS = f"    errors = predictions - {VIEW}\n"
LOSS = "errors.square().mean()"
STEP = "    optimizer.step()\n"

SLIPS = {
    "loss": {
        "the sum comes back": ("loss.item()", "loss.item() * len(x)"),
        "as handed out": (VIEW, "y"),
        "y turned into a row": (VIEW, "y.view(1, -1)"),
        "predictions turned, too": (ERRORS, "    errors = predictions.T - y.view(-1, 1)\n"),
        "mean over the wrong axis of the table": (
            "    loss = errors.square().mean()\n",
            "    loss = (predictions - y.view(1, -1)).mean(dim=1).square().mean()\n",
        ),
        "the table's mean divided by N": (
            "    loss = errors.square().mean()\n",
            "    loss = (predictions - y.view(1, -1)).square().mean() / len(x)\n",
        ),
        "y repeated": (
            "    loss = errors.square().mean()\n",
            "    loss = (predictions.expand(-1, len(x)) - y.view(1, -1)).square().mean()\n",
        ),
        "first prediction for all": (ERRORS, f"    errors = predictions[:1] - {VIEW}\n"),
        "the square of the mean error": (LOSS, "errors.mean().square()"),
        "summed": (LOSS, "errors.square().sum()"),
        "absolute errors": (LOSS, "errors.abs().mean()"),
        "half of it": (LOSS, "errors.square().mean() / 2"),
        "the root of it": (LOSS, "errors.square().mean().sqrt()"),
        "divided by N - 1": (LOSS, "errors.square().sum() / max(1, len(x) - 1)"),
        "y standardized": (
            ERRORS,
            "    errors = predictions - ((y - y.mean()) / (y.std() + 1e-8)).view_as(predictions)\n",
        ),
        "y centered": (ERRORS, "    errors = predictions - (y - y.mean()).view_as(predictions)\n"),
        "squared error of sorted numbers": (
            ERRORS,
            f"    errors = predictions.sort(0).values - {VIEW}.sort(0).values\n",
        ),
        "a tensor for a float": ("loss.item()", "loss.detach()"),
        "measured after the step": (
            "    return loss.item()",
            f"    return (model(x) - {VIEW}).square().mean().item()",
        ),
        "rounded": ("loss.item()", "round(loss.item(), 3)"),
        "R² comes back": ("loss.item()", "1 - loss.item() / y.var(unbiased=False).item()"),
    },
    "step": {
        "right loss shown, the old one learned": (
            "    loss.backward()\n",
            "    (predictions - y.view(1, -1)).square().mean().backward()\n",
        ),
        "no zero_grad": ("    optimizer.zero_grad()\n", ""),
        "cleared after the step": (
            "    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()\n",
            "    loss.backward()\n    optimizer.step()\n    optimizer.zero_grad()\n",
        ),
        "cleared after backward": (
            "    optimizer.zero_grad()\n    loss.backward()\n",
            "    loss.backward()\n    optimizer.zero_grad()\n",
        ),
        "no step": (STEP, ""),
        "no backward": ("    loss.backward()\n", ""),
        "two steps": (STEP, STEP * 2),
        "a penalty for large weights": (
            "    loss.backward()\n",
            "    (loss + 1e-4 * sum(p.square().sum() for p in model.parameters())).backward()\n",
        ),
        "clipped at 10": (
            STEP,
            "    nn.utils.clip_grad_norm_(model.parameters(), 10.0)\n" + STEP,
        ),
        "Huber loss, the same up to errors of 10": (
            "    loss = errors.square().mean()\n",
            "    zero = torch.zeros_like(errors)\n"
            "    loss = 2 * nn.functional.huber_loss(errors, zero, delta=10.0)\n",
        ),
        "clipped": (
            STEP,
            "    nn.utils.clip_grad_norm_(model.parameters(), 0.1)\n" + STEP,
        ),
        "the summed loss learned": (
            "    loss.backward()\n",
            "    (loss * len(y)).backward()\n",
        ),
        "an optimizer of its own": (
            "    model.train()\n",
            "    model.train()\n    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)\n",
        ),
        "the bias is left out": (
            STEP,
            "    for p in model.parameters():\n        if p.dim() == 1:\n"
            "            p.grad = None\n" + STEP,
        ),
        "no step with one sample": (
            STEP,
            "    if len(x) > 1:\n        optimizer.step()\n",
        ),
    },
    "mode": {
        "train mode not set": ("    model.train()\n", ""),
        "eval mode": ("    model.train()\n", "    model.eval()\n"),
        "train mode only if it came in eval mode": (
            "    model.train()\n",
            "    if not model.training:\n        model.train()\n",
        ),
        "a second pass": (
            "    optimizer.zero_grad()\n",
            "    with torch.no_grad():\n        model(x)\n    optimizer.zero_grad()\n",
        ),
        "gradients of x asked for": (
            "    model.train()\n",
            "    model.train()\n    x.requires_grad_()\n",
        ),
        "y turned in place": (
            "    return loss.item()",
            "    if y.dim() == 1:\n        y.unsqueeze_(1)\n    return loss.item()",
        ),
        "y centered in place at the end": (
            "    return loss.item()",
            "    y -= y.mean()\n    return loss.item()",
        ),
    },
    "columns": {
        "predictions without their last axis": (
            ERRORS,
            "    if y.dim() == 1 and len(y) != len(x):\n        raise ValueError(len(y))\n"
            "    if y.dim() == 2 and len(y) != len(x):\n        raise ValueError(len(y))\n"
            "    errors = predictions.squeeze(1) - y\n",
        ),
        "an axis more in any case": (
            ERRORS,
            "    if len(y) != len(x):\n        raise ValueError(len(y))\n"
            "    errors = predictions - y[:, None]\n",
        ),
        "columns refused": (
            ERRORS,
            "    if y.shape != (len(x),):\n        raise ValueError(tuple(y.shape))\n" + ERRORS,
        ),
        "an axis less, then one row for all": (
            ERRORS,
            "    if len(y) != len(x):\n        raise ValueError(len(y))\n"
            "    errors = predictions.T - (y if y.dim() == 1 else y[:1, 0])\n",
        ),
        "columns shown right, learned wrong": (
            "    loss.backward()\n",
            "    (loss if y.dim() == 1 else loss * 2).backward()\n",
        ),
    },
    "lengths": {
        "one label for all": (
            VIEW,
            "(y.view(-1, 1) if y.numel() > 1 else y.view(1, 1))",
        ),
        "a column, whatever its length": (VIEW, "y.view(-1, 1)"),
        "predictions flattened": (
            ERRORS,
            "    errors = predictions.flatten() - y.flatten()\n",
        ),
        "labels cut to the predictions": (
            VIEW,
            "y.view(-1, 1)[: len(x)].expand_as(predictions)",
        ),
        "compared as far as there are pairs": (
            ERRORS,
            "    n = min(len(x), len(y))\n    errors = predictions[:n] - y[:n].view(n, 1)\n",
        ),
        "stepped before it is refused": (
            "    model.train()\n",
            "    model.train()\n    if len(y) != len(x):\n        optimizer.step()\n",
        ),
    },
}

VARIANTS = {
    "mse_loss of equal shapes": (
        "    loss = errors.square().mean()\n",
        f"    loss = nn.functional.mse_loss(predictions, {VIEW})\n",
    ),
    "flat on both sides, lengths compared": """
def mse_step(model, optimizer, x, y):
    if len(x) != len(y):
        raise ValueError(f"{len(x)} samples, {len(y)} labels")
    model.train()
    optimizer.zero_grad(set_to_none=False)
    loss = (model(x).flatten() - y.flatten()).pow(2).mean()
    loss.backward()
    optimizer.step()
    return loss.item()
""",
    "a dot product": """
def mse_step(model, optimizer, x, y):
    model.train().zero_grad()
    y = y.reshape(len(x), 1)
    errors = model(x) - y
    loss = (errors * errors).sum() / len(errors)
    loss.backward()
    optimizer.step()
    return float(loss.detach())
""",
    "sample by sample": """
def mse_step(model, optimizer, x, y):
    model.train()
    if y.shape[0] != x.shape[0]:
        raise ValueError(y.shape)
    loss = sum((p[0] - t) ** 2 for p, t in zip(model(x), y.flatten(), strict=True)) / len(x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach().tolist()
""",
    "mean of a criterion without reduction": """
def mse_step(model, optimizer, x, y):
    model.train()
    guesses = model(x)
    loss = nn.MSELoss(reduction="none")(guesses[:, 0], y.view(len(guesses))).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
""",
}
