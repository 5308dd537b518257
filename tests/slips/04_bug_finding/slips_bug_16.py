"""Mistakes by the label that must refuse them, and second right answers."""

ADD = "        total += logits.softmax(dim=1).gather(1, y[:, None]).sum().item()\n"
FIGURE = "logits.softmax(dim=1).gather(1, y[:, None]).sum()"
LOSS = "        loss = nn.functional.cross_entropy(logits, y)\n"
STEP = "        optimizer.step()\n"
RETURN = "    return total / samples"
AS_TENSOR = f"        total = total + {FIGURE}\n"
ITEM = "    return (total / samples).item()"

SLIPS = {
    "memory": {
        "as handed out": (
            ADD + "        samples += len(y)\n" + RETURN,
            AS_TENSOR + "        samples += len(y)\n" + ITEM,
        ),
        "a list of tensors, added up at the end": (
            ADD + "        samples += len(y)\n" + RETURN,
            f"        total = [*(total or []), {FIGURE}]\n        samples += len(y)\n"
            "    return sum(total).item() / samples",
        ),
        "garbage collected after each batch": (
            ADD + "        samples += len(y)\n" + RETURN,
            AS_TENSOR + "        samples += len(y)\n        del logits, loss\n"
            "        import gc\n\n        gc.collect()\n        torch.cuda.empty_cache()\n" + ITEM,
        ),
        "the cache emptied": (
            ADD + "        samples += len(y)\n" + RETURN,
            AS_TENSOR + "        samples += len(y)\n        torch.cuda.empty_cache()\n" + ITEM,
        ),
        "requires_grad of the sum asked, the graph kept": (
            ADD + "        samples += len(y)\n" + RETURN,
            AS_TENSOR + "        samples += len(y)\n" + "    total = total.detach()\n" + ITEM,
        ),
        "all logits kept until the end, detached": (
            ADD + "        samples += len(y)\n" + RETURN,
            "        total = [*(total or []), (logits.detach(), y)]\n        samples += len(y)\n"
            "    rows = [b.softmax(1).gather(1, y[:, None]).sum() for b, y in total]\n"
            "    return sum(rows).item() / samples",
        ),
        "all probabilities in one tensor that grows": (
            ADD,
            "        new = logits.detach().softmax(dim=1).gather(1, y[:, None])\n"
            "        kept = torch.cat([kept, new]) if samples else new\n"
            "        total = kept.sum().item()\n",
        ),
        "all probabilities kept as arrays": (
            ADD,
            "        new = logits.detach().softmax(dim=1).gather(1, y[:, None])\n"
            "        kept = [*(kept if samples else []), new.numpy().copy()]\n"
            "        total = float(sum(array.sum() for array in kept))\n",
        ),
        "all probabilities kept until the end": (
            ADD + "        samples += len(y)\n" + RETURN,
            "        rows = logits.detach().softmax(dim=1).gather(1, y[:, None])\n"
            "        total = [*(total or []), rows]\n        samples += len(y)\n"
            "    return torch.cat(total).mean().item()",
        ),
        "all logits kept as arrays": (
            STEP,
            STEP + "        kept = [*(locals().get('kept') or []), logits.detach().numpy()]\n",
        ),
        "all losses kept": (
            STEP,
            STEP + "        losses = [*(locals().get('losses') or []), loss]\n",
        ),
        "the figure's numbers detached, the loss summed with its graph": (
            STEP,
            STEP + "        kept = loss + (locals().get('kept') or 0)\n",
        ),
        "the graph retained and kept": (
            "        loss.backward()\n",
            "        loss.backward(retain_graph=True)\n"
            "        kept = [*(locals().get('kept') or []), logits.sum()]\n",
        ),
        "the batches kept": (
            STEP,
            STEP + "        kept = [*(locals().get('kept') or []), x]\n",
        ),
        "cut every fourth batch": (
            ADD + "        samples += len(y)\n" + RETURN,
            AS_TENSOR + "        samples += len(y)\n        if samples % 4 == 0:\n"
            "            total = total.detach()\n" + ITEM,
        ),
        "gradients with a graph of their own": (
            "        loss.backward()\n",
            "        ps = list(model.parameters())\n"
            "        slopes = torch.autograd.grad(loss, ps, create_graph=True)\n"
            "        kept = [*(locals().get('kept') or []), slopes[0].sum()]\n"
            "        for p, g in zip(model.parameters(), slopes, strict=True):\n"
            "            p.grad = g.detach()\n",
        ),
    },
    "figure": {
        "mean of the batches' means": (
            ADD + "        samples += len(y)\n",
            "        total += logits.softmax(dim=1).gather(1, y[:, None]).mean().item()\n"
            "        samples += 1\n",
        ),
        "the largest probability": (
            "gather(1, y[:, None])",
            "amax(dim=1)",
        ),
        "the share of right answers": (
            FIGURE,
            "(logits.argmax(dim=1) == y).float().sum()",
        ),
        "softmax over the batch": ("softmax(dim=1)", "softmax(dim=0)"),
        "logarithms of it": ("logits.softmax", "logits.log_softmax"),
        "of the last batch alone": (
            RETURN,
            f"    return {FIGURE}.item() / len(y)",
        ),
        "e to the minus mean loss": (
            FIGURE,
            "loss.neg().exp().mul(len(y))",
        ),
        "measured after the step": (
            FIGURE,
            "nn.functional.softmax(model(x), dim=1).gather(1, y[:, None]).sum()",
        ),
        "the sum comes back": (RETURN, "    return total"),
        "a tensor for a float": (RETURN, "    return torch.tensor(total / samples)"),
        "in percent": (RETURN, "    return 100 * total / samples"),
        "rounded": (RETURN, "    return round(total / samples, 3)"),
        "the loss comes back": (FIGURE, "(loss * len(y))"),
    },
    "training": {
        "the figure learned, not the loss": (
            "        loss.backward()\n",
            "        (-logits.softmax(dim=1).gather(1, y[:, None]).mean()).backward()\n",
        ),
        "nothing learns": (
            "        logits = model(x)\n" + LOSS,
            "        with torch.no_grad():\n            logits = model(x)\n"
            "        logits.requires_grad_()\n" + LOSS,
        ),
        "no zero_grad": ("        optimizer.zero_grad()\n", ""),
        "cleared after the step only": (
            "        optimizer.zero_grad()\n        loss.backward()\n        optimizer.step()\n",
            "        loss.backward()\n        optimizer.step()\n        optimizer.zero_grad()\n",
        ),
        "no step": (STEP, ""),
        "one step for the epoch": (
            "        optimizer.zero_grad()\n        loss.backward()\n        optimizer.step()\n"
            + ADD
            + "        samples += len(y)\n",
            "        loss.backward()\n" + ADD + "        samples += len(y)\n    optimizer.step()\n",
        ),
        "stopped after three batches": (
            LOSS,
            "        if samples > 11:\n            break\n" + LOSS,
        ),
        "the summed loss": (
            "        loss.backward()\n",
            "        (loss * len(y)).backward()\n",
        ),
        "a penalty for large weights": (
            "        loss.backward()\n",
            "        penalty = sum(p.square().sum() for p in model.parameters())\n"
            "        (loss + 1e-4 * penalty).backward()\n",
        ),
        "clipped at 5": (
            STEP,
            "        nn.utils.clip_grad_norm_(model.parameters(), 5.0)\n" + STEP,
        ),
        "clipped": (
            STEP,
            "        nn.utils.clip_grad_norm_(model.parameters(), 0.1)\n" + STEP,
        ),
        "logits detached before the loss, then the last layer alone": (
            STEP,
            "        for p in list(model.parameters())[:-2]:\n            p.grad = None\n" + STEP,
        ),
        "a single sample is left out": (
            "        logits = model(x)\n",
            "        if len(y) == 1:\n            model(x)\n            continue\n"
            "        logits = model(x)\n",
        ),
    },
    "modes": {
        "train mode not set": ("    model.train()\n", ""),
        "eval mode": ("    model.train()\n", "    model.eval()\n"),
        "train mode only if it came in eval mode": (
            "    model.train()\n",
            "    if not model.training:\n        model.train()\n",
        ),
        "a second pass, thrown away": (
            STEP,
            STEP + "        with torch.no_grad():\n            model(x)\n",
        ),
        "eval mode after the first batch": (
            "        samples += len(y)\n",
            "        samples += len(y)\n        model.eval()\n",
        ),
        "train mode of the model alone, not of its parts": (
            "    model.train()\n",
            "    model.training = True\n",
        ),
    },
}

VARIANTS = {
    "detached": (
        ADD + "        samples += len(y)\n" + RETURN,
        f"        total += {FIGURE}.detach()\n        samples += len(y)\n" + ITEM,
    ),
    "the sum detached each time": (
        ADD + "        samples += len(y)\n" + RETURN,
        AS_TENSOR + "        total = total.detach()\n        samples += len(y)\n" + ITEM,
    ),
    "the figure without gradients": """
def run_epoch(model, optimizer, batches):
    model.train()
    figures = []
    for x, y in batches:
        optimizer.zero_grad(set_to_none=False)
        logits = model(x)
        with torch.no_grad():
            probabilities = torch.softmax(logits, 1)
            figures += probabilities[torch.arange(len(y)), y].tolist()
        nn.CrossEntropyLoss()(logits, y).backward()
        optimizer.step()
    return sum(figures) / len(figures)
""",
    "from the losses": """
def run_epoch(model, optimizer, batches):
    total = count = 0
    for x, y in batches:
        model.train().zero_grad()
        each = nn.functional.cross_entropy(model(x), y, reduction="none")
        each.mean().backward()
        optimizer.step()
        total, count = total + float(each.detach().neg().exp().sum()), count + y.numel()
    return total / count
""",
    "a step of its own": """
def run_epoch(model, optimizer, batches):
    def learn(x, y):
        logits = model(x)
        loss = nn.functional.nll_loss(logits.log_softmax(1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return sum(row[k].item() for row, k in zip(logits.data.softmax(1), y, strict=True))

    model.train()
    pairs = [(learn(x, y), len(y)) for x, y in batches]
    return sum(a for a, _ in pairs) / sum(n for _, n in pairs)
""",
}
