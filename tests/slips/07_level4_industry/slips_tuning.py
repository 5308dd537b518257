"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

RATE = "start_lr * (end_lr / start_lr) ** (i / max(1, steps - 1))"
GROUPS = """            for group in optimizer.param_groups:
                group["lr"] = rates[-1]
"""
TEST = "if not math.isfinite(losses[-1]) or losses[-1] > EXPLODES * smallest:\n"
STOP = f"""            {TEST}                break
"""
SMALLEST = "            smallest = min(smallest, losses[-1])\n"
STEP = """            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
"""
ENDLESS = "    while True:\n        yield from loader\n"
COPY = "copy.deepcopy((model.state_dict(), optimizer.state_dict()))"
MODES = """        for part, mode in modes.items():
            part.training = mode
"""
LOAD_MODEL = "        model.load_state_dict(states[0])\n"
LOAD_OPTIMIZER = "        optimizer.load_state_dict(states[1])\n"
TRAIN = "train(configs[i], budget, states[i])"
RANK = "(True, 0.0, i) if math.isnan(loss) else (False, loss, i)"
KEPT = "[: max(1, int(len(states) * keep))]"
KEEP = "        states = {i: states[i] for i in best}\n"
BEST = "    return configs[best[0]]\n"


SLIPS = {
    "rates": {
        "the first group alone": (
            GROUPS,
            '            optimizer.param_groups[0]["lr"] = rates[-1]\n',
        ),
        "linear": (RATE, "start_lr + (end_lr - start_lr) * i / max(1, steps - 1)"),
        "end_lr is not reached": (RATE, RATE.replace("max(1, steps - 1)", "steps")),
        "one step ahead": (RATE, RATE.replace("(i / max(1, steps - 1))", "((i + 1) / steps)")),
        "a factor of 10": (RATE, "start_lr * 10**i"),
        "the rate returned, but not set": (GROUPS, ""),
        "set after the step": (
            GROUPS + "            x, y = next(batches)\n            loss = criterion(model(x), y)\n"
            "            losses.append(loss.item())\n" + STOP + SMALLEST + STEP,
            "            x, y = next(batches)\n            loss = criterion(model(x), y)\n"
            "            losses.append(loss.item())\n" + STOP + SMALLEST + STEP + GROUPS,
        ),
        "a share of each group's own rate": (
            'group["lr"] = rates[-1]',
            'group["lr"] *= rates[-1] / start_lr',
        ),
        "logarithms returned": (
            "    return rates, losses",
            "    return [math.log10(rate) for rate in rates], losses",
        ),
        "rounded": ("    return rates, losses", "    return [round(r, 6) for r in rates], losses"),
        "never above 1": (RATE, f"min(1.0, {RATE})"),
        "one step more": ("range(steps):", "range(steps + 1):"),
    },
    "steps": {
        "eval mode": ("        model.train()\n", "        model.eval()\n"),
        "train mode not set": ("        model.train()\n", ""),
        "train mode of the outermost module only": (
            "        model.train()\n",
            "        model.training = True\n",
        ),
        "gradients add up": ("            optimizer.zero_grad()\n", ""),
        "cleared after backward": (
            STEP,
            "            loss.backward()\n            optimizer.zero_grad()\n"
            "            optimizer.step()\n",
        ),
        "old gradients in the first step": (
            STEP,
            "            loss.backward()\n            optimizer.step()\n"
            "            optimizer.zero_grad()\n",
        ),
        "the batches of the first pass for ever": (
            ENDLESS,
            "    import itertools\n\n    return itertools.cycle(loader)\n",
        ),
        "the first batch for ever": (
            ENDLESS,
            "    batch = next(iter(loader))\n    while True:\n        yield batch\n",
        ),
        "one pass": (
            "        for i in range(steps):\n",
            "        for i in range(min(steps, 2)):\n",
        ),
        "the loss after the step": (
            STEP,
            STEP + "            with torch.no_grad():\n"
            "                losses[-1] = criterion(model(x), y).item()\n",
        ),
        "running mean of the losses": (
            "    return rates, losses",
            "    return rates, [sum(losses[: i + 1]) / (i + 1) for i in range(len(losses))]",
        ),
        "sum over the batch": ("losses.append(loss.item())", "losses.append(loss.item() * len(y))"),
        "tensors": ("losses.append(loss.item())", "losses.append(loss.detach())"),
        "an optimizer of its own": (
            "            optimizer.step()\n",
            "            torch.optim.SGD(model.parameters(), lr=rates[-1]).step()\n",
        ),
        "no step after the last batch": (
            "            optimizer.step()\n",
            "            if i < steps - 1:\n                optimizer.step()\n",
        ),
        "clipped": (
            "            optimizer.step()\n",
            "            nn.utils.clip_grad_norm_(model.parameters(), 2.0)\n"
            "            optimizer.step()\n",
        ),
    },
    "explodes": {
        "goes on to the end": (STOP, ""),
        "4 times the first loss": (
            SMALLEST,
            "            smallest = losses[0]\n",
        ),
        "4 times the loss before": (SMALLEST, "            smallest = losses[-1]\n"),
        "4 times is too much": (TEST, TEST.replace(">", ">=")),
        "a smallest of 0 is none": (
            TEST,
            TEST.replace("losses[-1] > EXPLODES", "smallest and losses[-1] > EXPLODES"),
        ),
        "not before the third": (TEST, TEST.replace("smallest:", "smallest and i > 1:")),
        "twice": (TEST, TEST.replace("EXPLODES", "2")),
        "NaN not seen": (TEST, "if losses[-1] > EXPLODES * smallest:\n"),
        "inf alone": (TEST, TEST.replace("not math.isfinite", "math.isinf")),
        "-inf not seen": (
            TEST,
            "if not losses[-1] < math.inf or losses[-1] > EXPLODES * smallest:\n",
        ),
        "NaN alone": (
            TEST,
            "if math.isnan(losses[-1]) or EXPLODES * smallest < losses[-1] < math.inf:\n",
        ),
        "the last loss left out": (
            STOP,
            f"            {TEST}                rates.pop(), losses.pop()\n                break\n",
        ),
        "its rate left out": (
            STOP,
            f"            {TEST}                rates.pop()\n                break\n",
        ),
        "a step on it": (STOP + SMALLEST + STEP, STEP + STOP + SMALLEST),
        "the smallest with the new one before": (
            SMALLEST,
            "            smallest = min([v for v in losses[-2:] if v > 0.75], default=1)\n",
        ),
    },
    "restored": {
        "an optimizer that was new keeps its moments": (
            LOAD_OPTIMIZER,
            "        if states[1]['state']:\n    " + LOAD_OPTIMIZER,
        ),
        "references in place of copies": (COPY, "(model.state_dict(), optimizer.state_dict())"),
        "a flat copy": (COPY, "(dict(model.state_dict()), copy.copy(optimizer.state_dict()))"),
        "the optimizer's state not copied": (
            COPY,
            "(copy.deepcopy(model.state_dict()), optimizer.state_dict())",
        ),
        "the model not restored": (LOAD_MODEL, ""),
        "the optimizer not restored": (LOAD_OPTIMIZER, ""),
        "the rates alone": (
            LOAD_OPTIMIZER,
            "        for group, old in zip(optimizer.param_groups, states[1]['param_groups']):\n"
            "            group['lr'] = old['lr']\n",
        ),
        "moments, not rates": (
            LOAD_OPTIMIZER,
            LOAD_OPTIMIZER + "        for group in optimizer.param_groups:\n"
            "            group['lr'] = states[1]['param_groups'][0]['lr']\n",
        ),
        "moments cleared": (LOAD_OPTIMIZER, LOAD_OPTIMIZER + "        optimizer.state.clear()\n"),
        "parameters, no buffers": (
            LOAD_MODEL,
            "        for name, p in model.named_parameters():\n"
            "            p.data.copy_(states[0][name])\n",
        ),
        "modes not restored": (MODES, ""),
        "eval mode afterwards": (MODES, "        model.eval()\n"),
        "train mode afterwards": (MODES, "        model.train()\n"),
        "the mode of the whole for all": (MODES, "        model.train(modes[model])\n"),
        "restored unless it explodes": (
            LOAD_MODEL,
            "        if not math.isnan(losses[-1]):\n    " + LOAD_MODEL,
        ),
        "new parameters": (
            LOAD_MODEL,
            "        model.load_state_dict(states[0], assign=True)\n",
        ),
    },
    "rungs": {
        "always a half": (KEPT, "[: max(1, len(states) // 2)]"),
        "the largest loss": (RANK, "(True, 0.0, i) if math.isnan(loss) else (False, -loss, i)"),
        "rounded up": (KEPT, "[: math.ceil(len(states) * keep)]"),
        "rounded to nearest": (KEPT, "[: max(1, round(len(states) * keep))]"),
        "none left": (KEPT, "[: int(len(states) * keep)]"),
        "that share is dropped": (KEPT, "[: max(1, len(states) - int(len(states) * keep))]"),
        "the best of the first rung": (
            KEEP,
            KEEP + "        first = locals().get('first', best[0])\n        best[0] = first\n",
        ),
        "the best of any rung": (
            "            ranks[i] = ",
            "            loss = min(loss, locals().setdefault('lows', {}).get(i, loss))\n"
            "            lows = {**locals().get('lows', {}), i: loss}\n"
            "            ranks[i] = ",
        ),
        "all rungs with the first budget": (TRAIN, TRAIN.replace("budget", "budgets[0]")),
        "budgets from 0 again": (
            TRAIN,
            TRAIN.replace("budget,", "sum(budgets[: 1 + list(budgets).index(budget)]),"),
        ),
        "ends when one is left": (
            KEEP,
            KEEP + "        if len(states) == 1:\n            break\n",
        ),
        "no halving": (KEEP, ""),
        "its number": (BEST, "    return best[0]\n"),
        "config and state": (BEST, "    return configs[best[0]], states[best[0]]\n"),
        "the first of those left": (BEST, "    return configs[min(best)]\n"),
        "budget per config shared": (
            TRAIN,
            TRAIN.replace("budget,", "budget // len(states) or 1,"),
        ),
    },
    "resumed": {
        "always from None": (TRAIN, TRAIN.replace("states[i])", "None)")),
        "the state of the config before": (
            "loss, states[i] = " + TRAIN,
            "loss, state = train(configs[i], budget, locals().get('state'))",
        ),
        "states mixed up by the sorting": (
            KEEP,
            "        states = dict(zip(sorted(best), [states[i] for i in best]))\n",
        ),
        "the first state for ever": (
            "loss, states[i] = " + TRAIN,
            "loss, state = " + TRAIN + "\n            states[i] = states[i] or state",
        ),
        "equal configs share a state": (
            TRAIN,
            "train(configs[i], budget, states[configs.index(configs[i])])",
        ),
        "an empty state at first": (TRAIN, TRAIN.replace("states[i])", "states[i] or {})")),
        "the result as a whole": (
            "            loss, states[i] = " + TRAIN + "\n",
            "            states[i] = " + TRAIN + "\n            loss = states[i][0]\n",
        ),
    },
    "failure": {
        "no finally": (
            "    finally:\n" + LOAD_MODEL,
            "    except ZeroDivisionError:\n        raise\n    else:\n" + LOAD_MODEL,
        ),
        "the first batch read before the try": (
            "    try:\n        model.train()\n",
            "    model.train()\n    import itertools\n\n"
            "    batches = itertools.chain([next(batches)], batches)\n    try:\n",
        ),
        "errors, but no interrupt": (
            "    finally:\n" + LOAD_MODEL + LOAD_OPTIMIZER + MODES,
            "    except Exception:\n" + LOAD_MODEL + LOAD_OPTIMIZER + MODES + "        raise\n"
            "    else:\n" + LOAD_MODEL + LOAD_OPTIMIZER + MODES,
        ),
        "the error kept back": (
            "    finally:\n" + LOAD_MODEL,
            "    except BaseException:\n        pass\n    if True:\n" + LOAD_MODEL,
        ),
        "modes after the try": (
            MODES + "    return",
            "    for part, mode in modes.items():\n        part.training = mode\n    return",
        ),
    },
    "nan": {
        "NaN in sorted()": (RANK, "(False, loss, i)"),
        "NaN is best": (RANK, "(False, 0.0, i) if math.isnan(loss) else (True, loss, i)"),
        "NaN is inf": (RANK, "(False, math.inf, i) if math.isnan(loss) else (False, loss, i)"),
        "NaN is 0": (RANK, "(False, 0.0, i) if math.isnan(loss) else (False, loss, i)"),
        "the later one of two equal ones": (
            RANK,
            "(True, 0.0, -i) if math.isnan(loss) else (False, loss, -i)",
        ),
        "equal ones in the order of the rung before": (
            RANK,
            "(True, 0.0, 0) if math.isnan(loss) else (False, loss, 0)",
        ),
    },
}

VARIANTS = {
    "tensors copied one by one": """
def lr_range_test(model, loader, criterion, optimizer, start_lr, end_lr, steps):
    kept = {name: t.clone() for name, t in model.state_dict().items()}
    held = copy.deepcopy(optimizer.state_dict())
    training = [m for m in model.modules() if m.training]
    factor = (end_lr / start_lr) ** (1 / (steps - 1)) if steps > 1 else 1.0
    rate, best, history = start_lr, float("inf"), []
    try:
        batches = iter(loader)
        for _ in range(steps):
            try:
                x, y = next(batches)
            except StopIteration:
                batches = iter(loader)
                x, y = next(batches)
            for group in optimizer.param_groups:
                group.update(lr=rate)
            optimizer.zero_grad(set_to_none=False)
            loss = criterion(model.train()(x), y)
            value = float(loss.detach())
            history.append((rate, value))
            if value != value or value == float("inf") or value == -float("inf"):
                break
            if value > 4 * best:
                break
            best = value if value < best else best
            loss.backward()
            optimizer.step()
            rate *= factor
    finally:
        optimizer.load_state_dict(held)
        with torch.no_grad():
            for name, t in model.state_dict().items():
                t.copy_(kept[name])
        model.eval()
        for m in training:
            m.training = True
    return [r for r, _ in history], [v for _, v in history]
""",
    "logarithms of the rates": (
        RATE,
        "math.exp(math.log(start_lr) + i / max(1, steps - 1) * math.log(end_lr / start_lr))",
    ),
    "torch.logspace": (
        RATE,
        "torch.logspace(math.log10(start_lr), math.log10(end_lr), steps, dtype=torch.double)"
        "[i].item()",
    ),
    "rungs of lists": """
def successive_halving(train, configs, budgets, keep=0.5):
    alive = [[index, config, None, None] for index, config in enumerate(configs)]
    for rung, budget in enumerate(budgets):
        for entry in alive:
            entry[2], entry[3] = train(entry[1], budget, entry[3])
        def worse(entry):
            loss = float(entry[2])
            return (1, 0, entry[0]) if loss != loss else (0, loss, entry[0])
        alive = sorted(alive, key=worse)
        if rung < len(budgets) - 1:
            del alive[max(1, math.floor(keep * len(alive))) :]
            alive.sort(key=lambda entry: entry[0])
    return alive[0][1]
""",
    "from the last config to the first": (
        "        for i in states:\n",
        "        for i in sorted(states, reverse=True):\n",
    ),
}
