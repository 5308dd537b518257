"""Mistakes by the label that must refuse them, and second right answers."""

LOGITS = "    logits = model(x).squeeze(1)  # (N,)\n"
LOSS = "    loss = nn.functional.binary_cross_entropy_with_logits(logits, y.to(logits.dtype))\n"
CLEAR = "    optimizer.zero_grad()\n"
BACKWARD = "    loss.backward()\n"
STEP = "    optimizer.step()\n"
RETURN = "    return loss.item()"
PROBS = "    probs, y = logits.sigmoid(), y.to(logits.dtype)\n"


def by(loss):
    """Another loss from logits and y, which is float."""
    return LOSS, f"    y = y.to(logits.dtype)\n    loss = {loss}\n"


def of(loss):
    """Another loss from probs and y, which is float."""
    return LOSS, PROBS + f"    loss = {loss}\n"


SLIPS = {
    "loss": {
        "the sum": (RETURN, "    return loss.item() * len(y)"),
        "as handed out": (LOGITS, "    logits = torch.sigmoid(model(x)).squeeze(1)\n"),
        "measured after the step": (
            RETURN,
            "    logits = model(x).squeeze(1)\n" + LOSS + RETURN,
        ),
        "a tensor": (RETURN, "    return loss.detach()"),
        "rounded": (RETURN, "    return round(loss.item(), 3)"),
        "the loss of the probabilities comes back, a right step": (
            RETURN,
            "    loss = nn.functional.binary_cross_entropy_with_logits(\n"
            "        logits.sigmoid(), y.to(logits.dtype)\n    )\n" + RETURN,
        ),
        "in bits": (RETURN, "    return loss.item() / 0.6931471805599453"),
        "the floor taken away": (
            LOGITS + LOSS,
            LOGITS.replace("model(x)", "torch.sigmoid(model(x))")
            + LOSS
            + "    loss = loss - 0.6931\n",
        ),
        "the ones alone": (
            RETURN,
            "    each = nn.functional.softplus(-logits)\n    return (each * y).mean().item()",
        ),
        "the mean of both classes' means": (
            RETURN,
            "    signs = 2 * y - 1\n    each = nn.functional.softplus(-signs * logits)\n"
            "    means = [each[y == k].mean() for k in (0, 1) if (y == k).any()]\n"
            "    return (sum(means) / len(means)).item()",
        ),
    },
    "step": {
        "the summed loss": (BACKWARD, "    (loss * len(y)).backward()\n"),
        "a step by the loss of probabilities, the right loss comes back": (
            BACKWARD,
            "    nn.functional.binary_cross_entropy_with_logits(\n"
            "        logits.sigmoid(), y.to(logits.dtype)\n    ).backward()\n",
        ),
        "ones weigh more": (
            BACKWARD,
            "    nn.functional.binary_cross_entropy_with_logits(\n"
            "        logits, y.to(logits.dtype), pos_weight=torch.tensor(11.0)\n    ).backward()\n",
        ),
        "gradients clipped to a norm of 5": (
            STEP,
            "    nn.utils.clip_grad_norm_(model.parameters(), 5.0)\n" + STEP,
        ),
        "the formula with relu, whose slope at 0 is another": by(
            "(logits.relu() - logits * y + torch.log1p(torch.exp(-logits.abs()))).mean()"
        ),
        "the old gradients stay": (CLEAR, ""),
        "cleared after backward": (CLEAR + BACKWARD, BACKWARD + CLEAR),
        "the first group alone is cleared": (
            CLEAR,
            '    for p in optimizer.param_groups[0]["params"]:\n        p.grad = None\n',
        ),
        "a larger rate": (
            STEP,
            '    for group in optimizer.param_groups:\n        group["lr"] = 1.0\n' + STEP,
        ),
        "a larger loss": (BACKWARD, "    (4 * loss).backward()\n"),
        "two steps": (STEP, STEP + STEP),
        "a single sample is left out": (
            BACKWARD + STEP,
            "    if len(y) > 1:\n        loss.backward()\n" + "    " + STEP,
        ),
        "labels smoothed": (
            BACKWARD,
            "    nn.functional.binary_cross_entropy_with_logits(\n"
            "        logits, y.to(logits.dtype) * 0.9 + 0.05\n    ).backward()\n",
        ),
        "the squared error": (
            BACKWARD,
            "    (logits.sigmoid() - y.to(logits.dtype)).square().mean().backward()\n",
        ),
        "an optimizer of its own": (
            BACKWARD,
            "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n" + BACKWARD,
        ),
    },
    "mode": {
        "train mode not set": ("    model.train()\n", ""),
        "eval mode": ("    model.train()\n", "    model.eval()\n"),
        "eval mode for a single sample": (
            "    model.train()\n",
            "    model.train(len(y) > 1)\n",
        ),
        "train mode only if it came in eval mode": (
            "    model.train()\n",
            "    if not model.training:\n        model.train()\n",
        ),
        "a second pass": (BACKWARD, "    with torch.no_grad():\n        model(x)\n" + BACKWARD),
        "x normalized in place": (LOGITS, "    x -= x.mean()\n" + LOGITS),
        "x asks for gradients": (LOGITS, "    x.requires_grad_()\n" + LOGITS),
        "y changed in place": (RETURN, "    y.neg_()\n" + RETURN),
    },
    "far": {
        "binary_cross_entropy of probabilities": of("nn.functional.binary_cross_entropy(probs, y)"),
        "logarithms of probabilities": of("-torch.where(y > 0, probs, 1 - probs).log().mean()"),
        "the logarithm of a probability and a little": of(
            "-(torch.where(y > 0, probs, 1 - probs) + 1e-7).log().mean()"
        ),
        "probabilities kept from 0 and 1": of(
            "nn.functional.binary_cross_entropy(probs.clamp(1e-6, 1 - 1e-6), y)"
        ),
        "a step is left out where the loss is not finite": (
            STEP,
            "    if loss.isfinite():\n    " + STEP,
        ),
        "logits cut off": (LOGITS, LOGITS + "    logits = logits.clamp(-20, 20)\n"),
        "the logarithm of 1 + exp": by("(1 + torch.exp((1 - 2 * y) * logits)).log().mean()"),
        "soft_margin_loss": by("nn.functional.soft_margin_loss(logits, 2 * y - 1)"),
        "not finite made 0": by(
            "(1 + torch.exp((1 - 2 * y) * logits)).log().nan_to_num(0, 0, 0).mean()"
        ),
        "back to logits": (
            LOSS,
            PROBS + "    loss = nn.functional.binary_cross_entropy_with_logits(probs.logit(), y)\n",
        ),
        "probabilities in float64": (
            LOSS,
            "    probs = logits.double().sigmoid()\n"
            "    loss = nn.functional.binary_cross_entropy(probs, y.double()).to(logits.dtype)\n",
        ),
    },
    "kind": {
        "y as it is": (
            LOSS,
            LOSS.replace(
                "y.to(logits.dtype)",
                "y if y.dtype.is_floating_point else y.long().to(logits.dtype)",
            ).replace("logits, ", "logits, y + 0.0 if y.dtype == torch.bool else "),
        ),
        "1 - y of bool": (
            LOSS,
            "    each = nn.functional.softplus(logits)\n"
            "    loss = (each * (1 - y) + nn.functional.softplus(-logits) * y).mean()\n",
        ),
        "y negative as uint8": (
            LOSS,
            "    loss = nn.functional.softplus((1 - 2 * y) * logits).mean()\n",
        ),
        "y as an index": (
            LOSS,
            "    both = torch.stack([torch.zeros_like(logits), logits], dim=1)\n"
            "    loss = nn.functional.cross_entropy(both, y)\n",
        ),
        "float32 always": (
            LOSS,
            LOSS.replace("(logits, y.to(logits.dtype))", "(logits.float(), y.float())"),
        ),
        "y must be int64": (
            LOSS,
            "    assert y.dtype == torch.int64, y.dtype\n" + LOSS,
        ),
    },
}

VARIANTS = {
    "the class of the loss, y as a column": (
        LOGITS + LOSS,
        "    y = y.unsqueeze(1).to(x.dtype)\n    loss = nn.BCEWithLogitsLoss()(model(x), y)\n",
    ),
    "two classes": by(
        "nn.functional.cross_entropy(torch.stack([0 * logits, logits], dim=1), y.long())"
    ),
    "the formula with maximum": by(
        "(torch.maximum(logits, 0 * logits) - logits * y"
        " + torch.log1p(torch.exp(-logits.abs()))).mean()"
    ),
    "softplus": by("(nn.functional.softplus(logits) - y * logits).mean()"),
    "logsigmoid, by autograd.grad": (
        LOSS + CLEAR + BACKWARD,
        "    signs = torch.where(y > 0, 1.0, -1.0).to(logits.dtype)\n"
        "    loss = -nn.functional.logsigmoid(signs * logits).mean()\n"
        "    params = list(model.parameters())\n"
        "    for p, grad in zip(params, torch.autograd.grad(loss, params), strict=True):\n"
        "        p.grad = grad\n",
    ),
}
