"""Mistakes by the label that must refuse them, and second right answers."""

LOSS = "        loss = nn.functional.cross_entropy(model(x), y) / len(micro_batches)\n"
BACK = "        loss.backward()\n"
CLIP = "    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n"
STEP = "    optimizer.step()\n"
RETURN = "    return norm.item()"
WHOLE = "    norm = nn.utils.clip_grad_norm_(model.parameters(), torch.inf)\n"
EACH = "        nn.utils.clip_grad_norm_(model.parameters(), {})\n"

SLIPS = {
    "gradient": {
        "the last micro-batch alone is clipped, the others as they are": (
            CLIP,
            CLIP.replace("max_norm)", "max_norm * len(micro_batches))"),
        ),
        "as handed out": (CLIP, "    " + CLIP),
        "after each micro-batch and at the end": (BACK, BACK + EACH.format("max_norm")),
        "a part of max_norm for each": (BACK, BACK + EACH.format("max_norm / len(micro_batches)")),
        "max_norm grows with the micro-batches": (
            LOSS + BACK + CLIP,
            "        loss = nn.functional.cross_entropy(model(x), y) / len(micro_batches)\n"
            "        loss.backward()\n        share = locals().get('share', 0) + 1\n    "
            + CLIP.replace("max_norm)", "max_norm * share / len(micro_batches))"),
        ),
        "before each backward": (BACK, EACH.format("max_norm") + BACK),
        "each alone, then added": (
            LOSS + BACK + CLIP,
            LOSS + "        grads = torch.autograd.grad(loss, list(model.parameters()))\n"
            "        long = torch.stack([g.norm() for g in grads]).norm()\n"
            "        for p, g in zip(model.parameters(), grads, strict=True):\n"
            "            g = g * (max_norm / long).clamp(max=1)\n"
            "            p.grad = g if p.grad is None else p.grad + g\n" + WHOLE,
        ),
        "each alone, then added and clipped": (
            LOSS + BACK + CLIP,
            LOSS + "        grads = torch.autograd.grad(loss, list(model.parameters()))\n"
            "        long = torch.stack([g.norm() for g in grads]).norm()\n"
            "        for p, g in zip(model.parameters(), grads, strict=True):\n"
            "            g = g * (max_norm / long).clamp(max=1)\n"
            "            p.grad = g if p.grad is None else p.grad + g\n" + CLIP,
        ),
        "the list is emptied": (
            "    for x, y in micro_batches:\n" + LOSS,
            "    count = len(micro_batches)\n    while micro_batches:\n"
            "        x, y = micro_batches.pop(0)\n" + LOSS.replace("len(micro_batches)", "count"),
        ),
        "gradients of 0 are left out": (
            CLIP,
            CLIP + "    for p in model.parameters():\n        if not p.grad.any():\n"
            "            p.grad = None\n",
        ),
        "the sum is clipped, then divided": (
            LOSS + BACK + CLIP,
            LOSS.replace(" / len(micro_batches)", "")
            + BACK
            + CLIP
            + "    for p in model.parameters():\n        p.grad /= len(micro_batches)\n"
            "    norm /= len(micro_batches)\n",
        ),
        "not clipped": (CLIP, WHOLE),
        "clipped after the step": (CLIP + STEP, WHOLE + STEP + CLIP.replace("norm =", "_ =")),
        "always as long as max_norm": (
            CLIP,
            WHOLE + "    for p in model.parameters():\n        p.grad *= max_norm / norm\n",
        ),
        "each parameter alone": (
            CLIP,
            WHOLE + "    for p in model.parameters():\n"
            "        nn.utils.clip_grad_norm_([p], max_norm)\n",
        ),
        "each group alone": (
            CLIP,
            WHOLE + "    for group in optimizer.param_groups:\n"
            '        nn.utils.clip_grad_norm_(group["params"], max_norm)\n',
        ),
        "the first group alone": (
            CLIP,
            WHOLE + '    nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], max_norm)\n',
        ),
        "each number alone": (
            CLIP,
            WHOLE + "    nn.utils.clip_grad_value_(model.parameters(), max_norm)\n",
        ),
        "the largest number": (
            CLIP,
            WHOLE + "    nn.utils.clip_grad_norm_(model.parameters(), max_norm, torch.inf)\n",
        ),
        "the loss is not divided": (LOSS, LOSS.replace(" / len(micro_batches)", "")),
        "divided by the samples": (
            LOSS,
            LOSS.replace("len(micro_batches)", "len(micro_batches) / len(y)"),
        ),
        "the loss is clipped": (LOSS, LOSS + "        loss = loss.clamp(max=max_norm)\n"),
        "a smaller max_norm": (CLIP, CLIP.replace("max_norm)", "max_norm / 2)")),
        "max_norm 1": (CLIP, CLIP.replace("max_norm)", "1.0)")),
        "old gradients stay": ("    optimizer.zero_grad()\n", ""),
        "old gradients times 0: NaN stays": (
            "    optimizer.zero_grad()\n",
            "    for p in model.parameters():\n"
            "        p.grad = None if p.grad is None else p.grad * 0\n",
        ),
        "cleared in each micro-batch": (BACK, "        optimizer.zero_grad()\n" + BACK),
        "inside, with the norm's kind named": (
            LOSS + BACK + CLIP,
            LOSS + BACK + "    " + CLIP.replace("max_norm)", "max_norm, 2.0)"),
        ),
        "each number cut off at 1": (
            CLIP,
            CLIP + "    for p in model.parameters():\n        p.grad.clamp_(-1, 1)\n",
        ),
    },
    "norm": {
        "after it is shortened": (RETURN, "    return min(norm.item(), max_norm)"),
        "a tensor": (RETURN, "    return norm"),
        "squared": (RETURN, "    return norm.item() ** 2"),
        "times the number of micro-batches": (
            RETURN,
            "    return norm.item() * len(micro_batches)",
        ),
        "of the first parameter": (
            CLIP,
            "    norm = next(model.parameters()).grad.norm()\n" + CLIP.replace("norm =", "_ ="),
        ),
        "the loss": (RETURN, "    return loss.item()"),
        "rounded": (RETURN, "    return round(norm.item(), 2)"),
        "the factor": (RETURN, "    return min(1.0, max_norm / norm.item())"),
    },
    "steps": {
        "train mode not set": ("    model.train()\n", ""),
        "eval mode": ("    model.train()\n", "    model.eval()\n"),
        "the model alone": ("    model.train()\n", "    model.training = True\n"),
        "a smaller rate": (
            STEP,
            '    for group in optimizer.param_groups:\n        group["lr"] *= 0.5\n' + STEP,
        ),
        "momenta cleared": (STEP, "    optimizer.state.clear()\n" + STEP),
        "decay in addition": (
            STEP,
            STEP + "    with torch.no_grad():\n        for p in model.parameters():\n"
            "            p *= 0.99\n",
        ),
        "a step by hand in addition": (
            STEP,
            STEP + "    for p in model.parameters():\n        p.data -= 0.01 * p.grad\n",
        ),
        "weights put back after a long step": (
            STEP,
            "    old = [p.detach().clone() for p in model.parameters()]\n"
            + STEP
            + "    if norm > max_norm:\n        for p, was in zip(model.parameters(), old):\n"
            "            p.data.lerp_(was, 0.5)\n",
        ),
        "eval mode after the first": (BACK, BACK + "        model.eval()\n"),
    },
    "memory": {
        "losses added up, one backward": (
            LOSS + BACK,
            LOSS + "        total = loss + (locals().get('total') or 0)\n    total.backward()\n",
        ),
        "the graphs retained": (
            BACK,
            "        loss.backward(retain_graph=True)\n"
            "        kept = [*(locals().get('kept') or []), loss]\n",
        ),
        "all logits, then one loss": (
            LOSS + BACK,
            "        logits = [*(locals().get('logits') or []), model(x)]\n"
            "    y = torch.cat([y for _, y in micro_batches])\n"
            "    nn.functional.cross_entropy(torch.cat(logits), y).backward()\n",
        ),
    },
}

VARIANTS = {
    "clipped by hand": """
def accumulate_and_clip(model, optimizer, micro_batches, max_norm):
    model.train().zero_grad(set_to_none=True)
    for x, y in micro_batches:
        (nn.functional.cross_entropy(model(x), y) / len(micro_batches)).backward()
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    norm = sum(float(g.double().square().sum()) for g in grads) ** 0.5
    if norm > max_norm:
        for g in grads:
            g.mul_(max_norm / norm)
    optimizer.step()
    return norm
""",
    "divided at the end": """
def accumulate_and_clip(model, optimizer, micro_batches, max_norm):
    optimizer.zero_grad(set_to_none=False)
    params = [p for group in optimizer.param_groups for p in group["params"]]
    for p in params:
        p.grad = None
    model.train()
    for x, y in micro_batches:
        nn.CrossEntropyLoss()(model(x), y).backward()
    for p in params:
        p.grad /= len(micro_batches)
    norm = nn.utils.clip_grad_norm_(params, max_norm=max_norm, norm_type=2)
    optimizer.step()
    return float(norm)
""",
    "clipped in the loop, at the last alone": (
        BACK + CLIP,
        BACK + "        done = locals().get('done', 0) + 1\n"
        "        if done == len(micro_batches):\n        " + CLIP,
    ),
    "sums over all samples": (
        LOSS,
        "        n = sum(len(y) for _, y in micro_batches)\n"
        '        loss = nn.functional.cross_entropy(model(x), y, reduction="sum") / n\n',
    ),
}
