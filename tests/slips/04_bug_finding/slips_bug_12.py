"""Mistakes by the label that must refuse them, and second right answers."""

LOSS = "nn.functional.cross_entropy(logits, y)"
LOGITS = "    logits = model(x)  # (N, K)\n"
STEP = "    optimizer.step()\n"

SLIPS = {
    "loss": {
        "a tensor for a float": ("loss.item()", "loss.detach()"),
        "as handed out": ("model(x)  # (N, K)", "torch.softmax(model(x), dim=1)"),
        "softmax over the batch": ("model(x)  # (N, K)", "torch.softmax(model(x), dim=0)"),
        "the floor taken off the loss": (
            "    return loss.item()",
            "    floor = torch.tensor(1 + (logits.shape[1] - 1) / 2.718281828).log().item()\n"
            "    probabilities = nn.functional.cross_entropy(logits.detach().softmax(1), y)\n"
            "    return probabilities.item() - floor",
        ),
        "nll of probabilities": (LOSS, "nn.functional.nll_loss(logits.softmax(dim=1), y)"),
        "nll of logits": (LOSS, "nn.functional.nll_loss(logits, y)"),
        "probabilities made sharper": (
            LOSS,
            "nn.functional.cross_entropy(10 * logits.softmax(dim=1), y)",
        ),
        "logits made sharper": (LOSS, "nn.functional.cross_entropy(2 * logits, y)"),
        "sigmoid in place of softmax": (
            LOSS,
            "nn.functional.cross_entropy(logits.sigmoid(), y)",
        ),
        "squared error of the probabilities": (
            LOSS,
            "(logits.softmax(dim=1) - torch.eye(logits.shape[1]).to(logits)[y]).square().mean()",
        ),
        "binary cross entropy of each class": (
            LOSS,
            "nn.functional.binary_cross_entropy_with_logits(\n"
            "        logits, torch.eye(logits.shape[1]).to(logits)[y]\n    )",
        ),
        "label smoothing": (
            LOSS,
            "nn.functional.cross_entropy(logits, y, label_smoothing=0.1)",
        ),
        "summed": (LOSS, 'nn.functional.cross_entropy(logits, y, reduction="sum")'),
        "multi-margin loss": (LOSS, "nn.functional.multi_margin_loss(logits, y)"),
        "log_softmax over the batch": (
            LOSS,
            "nn.functional.nll_loss(logits.log_softmax(dim=0), y)",
        ),
        "probabilities clipped from below at 0.1": (
            LOSS,
            "nn.functional.nll_loss(logits.softmax(dim=1).clamp(min=0.1).log(), y)",
        ),
        "the share of wrong answers": (
            "loss.item()",
            "(logits.argmax(dim=1) != y).float().mean().item()",
        ),
        "measured after the step": (
            "loss.item()",
            "nn.functional.cross_entropy(model(x), y).item()",
        ),
        "the sum comes back": ("loss.item()", "loss.item() * len(y)"),
        "rounded": ("loss.item()", "round(loss.item(), 3)"),
    },
    "step": {
        "no zero_grad": ("    optimizer.zero_grad()\n", ""),
        "right loss shown, the old one learned": (
            "    loss.backward()\n",
            "    nn.functional.cross_entropy(logits.softmax(dim=1), y).backward()\n",
        ),
        "cleared after the step": (
            "    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()\n",
            "    loss.backward()\n    optimizer.step()\n    optimizer.zero_grad()\n",
        ),
        "cleared after backward": (
            "    optimizer.zero_grad()\n    loss.backward()\n",
            "    loss.backward()\n    optimizer.zero_grad()\n",
        ),
        "gradients times 0: NaN stays": (
            "    optimizer.zero_grad()\n",
            "    for p in model.parameters():\n        if p.grad is not None:\n"
            "            p.grad.mul_(0)\n",
        ),
        "no step": (STEP, ""),
        "no backward": ("    loss.backward()\n", ""),
        "two steps": (STEP, STEP * 2),
        "a penalty for large weights": (
            "    loss.backward()\n",
            "    (loss + 1e-4 * sum(p.square().sum() for p in model.parameters())).backward()\n",
        ),
        "clipped at 5": (
            STEP,
            "    nn.utils.clip_grad_norm_(model.parameters(), 5.0)\n" + STEP,
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
        "a larger rate": (
            STEP,
            '    for group in optimizer.param_groups:\n        group["lr"] *= 2\n' + STEP,
        ),
        "no step where all answers are right": (
            STEP,
            "    if (logits.argmax(dim=1) != y).any():\n        optimizer.step()\n",
        ),
        "the last layer learns alone": (
            STEP,
            "    for p in list(model.parameters())[:-2]:\n        p.grad = None\n" + STEP,
        ),
        "the temperature put into the gradient": (
            "    loss.backward()\n",
            "    (loss * logits.shape[1]).backward()\n",
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
        "inputs standardized in place": (LOGITS, "    x -= x.mean()\n" + LOGITS),
        "gradients of x asked for": (
            "    model.train()\n",
            "    model.train()\n    x.requires_grad_()\n",
        ),
        "labels written over": (
            "    return loss.item()",
            "    value = loss.item()\n    y.copy_(logits.argmax(dim=1) + 1)\n    return value",
        ),
    },
    "far": {
        "logarithm of the softmax": (
            LOSS,
            "nn.functional.nll_loss(logits.softmax(dim=1).log(), y)",
        ),
        "a small number under the logarithm": (
            LOSS,
            "nn.functional.nll_loss((logits.softmax(dim=1) + 1e-12).log(), y)",
        ),
        "probabilities clipped from below": (
            LOSS,
            "nn.functional.nll_loss(logits.softmax(dim=1).clamp(min=1e-9).log(), y)",
        ),
        "exponentials by hand": (
            LOSS,
            "(logits.exp().sum(dim=1).log() - logits.gather(1, y[:, None])[:, 0]).mean()",
        ),
        "logits clipped": (LOSS, "nn.functional.cross_entropy(logits.clamp(-50, 50), y)"),
        "a loss that is not finite is 0": (
            LOSS,
            "nn.functional.nll_loss(logits.softmax(dim=1).log(), y).nan_to_num(0, 0, 0)",
        ),
        "gradients that are not finite are 0": (
            "    loss.backward()\n    optimizer.step()\n",
            "    loss = nn.functional.nll_loss(logits.softmax(dim=1).log(), y)\n"
            "    loss.backward()\n    for p in model.parameters():\n"
            "        p.grad.nan_to_num_(0, 0, 0)\n    optimizer.step()\n",
        ),
        "the largest loss is 100": (LOSS, LOSS + ".clamp(max=100)"),
    },
}

VARIANTS = {
    "log_softmax, then nll_loss": (
        LOSS,
        "nn.functional.nll_loss(logits.log_softmax(dim=1), y)",
    ),
    "log_softmax before cross_entropy": (
        LOSS,
        "nn.functional.cross_entropy(torch.log_softmax(logits, dim=1), y)",
    ),
    "logsumexp by hand": """
def train_step(model, optimizer, x, y):
    model.train().zero_grad()
    logits = model(x)
    right = logits[torch.arange(len(y)), y]
    loss = (logits.logsumexp(dim=1) - right).mean()
    loss.backward()
    optimizer.step()
    return loss.item()
""",
    "means over a list of samples": """
def train_step(model, optimizer, x, y):
    model.train()
    optimizer.zero_grad(set_to_none=False)
    each = [-row.log_softmax(0)[label] for row, label in zip(model(x), y.tolist(), strict=True)]
    loss = sum(each) / len(each)
    loss.backward()
    optimizer.step()
    return loss.detach().item()
""",
    "one-hot labels": (
        LOSS,
        "nn.functional.cross_entropy(logits, torch.eye(logits.shape[1]).to(logits)[y])",
    ),
}
