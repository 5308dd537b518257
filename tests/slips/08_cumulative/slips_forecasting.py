"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

STARTS = "    return range(cut - window), range(cut, num_steps - window)\n"
WRONG = "    wrong = torch.relu(-(pred - last) * torch.sign(target - last))\n"
MEAN = "    return ((pred - target).square() + weight * wrong).mean()\n"
STEP = "            loss.backward()\n            optimizer.step()\n"
STATS = "    std, mean = torch.std_mean(past[:-VAL])\n"
LOSS = "            loss = directional_loss(model(x[rows]), y[rows], x[rows, -1])\n"
VALS = "            val_loss = directional_loss(model(x[rows]), y[rows], x[rows, -1]).item()\n"
KEEP = "            best, kept = val_loss, deepcopy(model.state_dict())\n"
ASK = "        return (model(scaled[None]) * std + mean).item()\n"
LOOP = "        for rows in torch.randperm(len(train)).split(32):\n"

SLIPS = {
    "windows": {
        "one window too many": ("series[:-1].unfold", "series.unfold"),
        "the last window lost": (
            "    return series[:-1].unfold(0, window, 1), series[window:]\n",
            "    return series[:-2].unfold(0, window, 1), series[window:-1]\n",
        ),
        "the target in the window": (
            "    return series[:-1].unfold(0, window, 1), series[window:]\n",
            "    return series.unfold(0, window, 1), series[window - 1 :]\n",
        ),
        "windows without overlap": ("unfold(0, window, 1)", "unfold(0, window, window)"),
        "targets one step late": ("series[window:]\n", "series[window:].roll(-1)\n"),
        "windows read backward": ("unfold(0, window, 1),", "unfold(0, window, 1).flip(1),"),
        "window axis first": ("unfold(0, window, 1),", "unfold(0, window, 1).T,"),
    },
    "split": {
        "48 val steps always": ("num_steps - val_steps", "num_steps - VAL"),
        "windows that overlap": (STARTS, "    return range(cut), range(cut, num_steps - window)\n"),
        "a target in val": ("range(cut - window),", "range(cut - window + 1),"),
        "val windows that begin in train": ("range(cut, num", "range(cut - window, num"),
        "a last val window without target": (
            "num_steps - window)\n",
            "num_steps - window + 1)\n",
        ),
        "the last val window lost": ("num_steps - window)\n", "num_steps - window - 1)\n"),
        "val windows counted, not steps": (
            "    cut = num_steps - val_steps\n",
            "    cut = num_steps - val_steps - window\n",
        ),
        "a gap of a window": ("range(cut - window),", "range(cut - 2 * window),"),
        "WINDOW in place of window": (
            "range(cut - window), range(cut, num_steps - window)",
            "range(cut - WINDOW), range(cut, num_steps - WINDOW)",
        ),
        "val first": (STARTS, "    return range(cut, num_steps - window), range(cut - window)\n"),
        "every window apart": ("range(cut - window),", "range(0, cut - window, window),"),
    },
    "loss": {
        "weight not used": ("weight * wrong", "0.5 * wrong"),
        "the right side punished": ("torch.relu(-(pred", "torch.relu((pred"),
        "another default": ("weight: float = 0.5", "weight: float = 1.0"),
        "signs compared, no gradient": (
            WRONG,
            "    wrong = ((pred - last).sign() * (target - last).sign() < 0).float()\n",
        ),
        "times the move of the target": ("* torch.sign(target - last))", "* (target - last))"),
        "direction from 0": (
            WRONG,
            "    wrong = torch.relu(-pred * torch.sign(target - last))\n",
        ),
        "no move counts": (
            WRONG,
            "    side = torch.where(target > last, 1.0, -1.0)\n"
            "    wrong = torch.relu(-(pred - last) * side)\n",
        ),
        "sum in place of the mean": ("weight * wrong).mean()", "weight * wrong).sum()"),
        "absolute error": ("(pred - target).square()", "(pred - target).abs()"),
        "mean over the wrong ones": (
            MEAN,
            "    n = (wrong > 0).sum().clamp(min=1)\n"
            "    return (pred - target).square().mean() + weight * wrong.sum() / n\n",
        ),
        "square of the wrong side": ("weight * wrong)", "weight * wrong.square())"),
    },
    "scores": {
        "steps without a move counted": ("right[moved]", "right"),
        "squared error": (
            "(pred - target).abs().double().mean()",
            "(pred - target).square().double().mean()",
        ),
        "from step to step of pred": (
            "    right = torch.sign(pred - last)",
            "    right = torch.sign(pred.diff(prepend=last[:1]))",
        ),
        "pred at last is right": (
            "    right = torch.sign(pred - last) == torch.sign(target - last)\n",
            "    right = (pred - last) * (target - last) >= 0\n",
        ),
        "upward moves alone": (
            "    right = torch.sign(pred - last) == torch.sign(target - last)\n",
            "    right = (pred > last) & (target > last)\n",
        ),
        "pred and target on a side of 0": (
            "torch.sign(pred - last) == torch.sign(target - last)",
            "torch.sign(pred) == torch.sign(target)",
        ),
        "relative error": (
            "(pred - target).abs().double()",
            "((pred - target) / target).abs().double()",
        ),
        "tensors": (".abs().double().mean().item()", ".abs().double().mean()"),
        "down counts as not up": (
            "    right = torch.sign(pred - last) == torch.sign(target - last)\n",
            "    right = (pred > last) == (target > last)\n",
        ),
    },
    "training": {
        "not shuffled": ("torch.randperm(len(train))", "torch.arange(len(train))"),
        "val windows trained on": (
            LOOP,
            "        every = torch.tensor([*train, *val])\n"
            "        for rows in every[torch.randperm(len(every))].split(32):\n",
        ),
        "the last short batch dropped": (
            LOSS,
            "            if len(rows) < 32:\n                continue\n" + LOSS,
        ),
        "squared error alone": (LOSS, LOSS.replace("-1])", "-1], 0.0)")),
        "last is the value before it": (LOSS, LOSS.replace("x[rows, -1]", "x[rows, -2]")),
        "no zero_grad": ("            optimizer.zero_grad()\n", ""),
        "eval mode after the first epoch": (
            "    for _ in range(epochs):\n        model.train()\n",
            "    model.train()\n    for _ in range(epochs):\n",
        ),
        "the gradient clipped": (
            "            optimizer.step()\n",
            "            nn.utils.clip_grad_norm_(model.parameters(), 0.01)\n"
            "            optimizer.step()\n",
        ),
        "stopped after an epoch without a better val loss": (
            KEEP,
            KEEP + "        else:\n            break\n",
        ),
    },
    "scaled": {
        "mean and std of all train windows": (
            STATS,
            "    std, mean = torch.std_mean(make_windows(past[:-VAL], WINDOW)[0])\n",
        ),
        "mean and std of past": (STATS, "    std, mean = torch.std_mean(past)\n"),
        "not scaled": (STATS, "    std, mean = torch.tensor(1.0), torch.tensor(0.0)\n"),
        "each forecast by its own window": (
            "        scaled = (history[-WINDOW:] - mean) / std\n",
            "        std, mean = torch.std_mean(history[-WINDOW:])\n"
            "        scaled = (history[-WINDOW:] - mean) / std\n",
        ),
        "forecasts by all of history": (
            "        scaled = (history[-WINDOW:] - mean) / std\n",
            "        std, mean = torch.std_mean(history)\n"
            "        scaled = (history[-WINDOW:] - mean) / std\n",
        ),
    },
    "best": {
        "the best epoch not copied": ("deepcopy(model.state_dict())", "model.state_dict()"),
        "the best of squared errors": (VALS, VALS.replace("-1]).item", "-1], 0.0).item")),
        "val loss in price units": (
            VALS,
            VALS.replace("model(x[rows])", "model(x[rows]) * std").replace(
                "y[rows], x[rows, -1]", "y[rows] * std, x[rows, -1] * std"
            ),
        ),
        "the later val windows decide": (
            VALS,
            VALS.replace("model(x[rows])", "model(x[rows])[16:]")
            .replace("y[rows]", "y[rows[16:]]")
            .replace("x[rows, -1]", "x[rows[16:], -1]"),
        ),
        "val in train mode": ("        model.eval()\n", ""),
        "the last val window left out": (
            "rows = torch.tensor(val)",
            "rows = torch.tensor(val[:-1])",
        ),
        "weights not put back": ("    model.load_state_dict(kept)\n", ""),
        "val windows in which train steps lie": (
            "rows = torch.tensor(val)",
            "rows = torch.arange(len(train), len(x))",
        ),
    },
    "forecast": {
        "a tensor": (ASK, ASK.replace(".item()", "[0]")),
        "in scaled units": (ASK, "        return model(scaled[None]).item()\n"),
        "the first window": ("history[-WINDOW:]", "history[:WINDOW]"),
        "one step old": (
            "(history[-WINDOW:] - mean)",
            "(history.roll(1)[-WINDOW:] - mean)",
        ),
        "in train mode": (
            "    model.load_state_dict(kept)\n",
            "    model.load_state_dict(kept)\n    model.train()\n",
        ),
    },
    "walk": {
        "fitted on all of series": ("fit(series[:start])", "fit(series)"),
        "fitted once": (
            "        predict = fit(series[:start])\n",
            "        predict = predict if found else fit(series[:start])\n",
        ),
        "fitted on the fold, too": ("fit(series[:start])", "fit(series[: start + size])"),
        "forecast from the step itself": (
            "predict(series[:step])",
            "predict(series[: step + 1])",
        ),
        "forecast from the fold's start": ("predict(series[:step])", "predict(series[:start])"),
        "fitted before each step": (
            "[predict(series[:step])",
            "[fit(series[:step])(series[:step])",
        ),
        "folds from the beginning": (
            "range(len(series) - folds * size, len(series), size)",
            "range(size, size + folds * size, size)",
        ),
        "folds in the other order": (
            "range(len(series) - folds * size, len(series), size):",
            "reversed(range(len(series) - folds * size, len(series), size)):",
        ),
        "a fold less": (
            "range(len(series) - folds * size, len(series), size)",
            "range(len(series) - folds * size, len(series) - size, size)",
        ),
        "fitted on a sliding window": ("fit(series[:start])", "fit(series[start - 8 : start])"),
    },
    "seeded": {
        "all forecasts by the last net": (
            ASK,
            ASK.replace("(model", "(fit.model") + "\n    fit.model = model\n",
        ),
        "no seed": ("    torch.manual_seed(seed)\n", ""),
        "seed 0 always": ("torch.manual_seed(seed)", "torch.manual_seed(0)"),
    },
    "report": {
        "a season late": ("series[-n - PERIOD : -PERIOD]", "series[-n - PERIOD - 1 : -PERIOD - 1]"),
        "last value of the target": (
            "series[-n:], series[-n - 1 : -1],",
            "series[-n:], series[-n:],",
        ),
        "the baselines swapped": (
            '"last": last, "seasonal": season}',
            '"last": season, "seasonal": last}',
        ),
        "direction of baselines from the season": (
            "score(one, target, last)",
            "score(one, target, season)",
        ),
        "epochs not passed on": ("fit(past, epochs, seed)", "fit(past, 12, seed)"),
        "the season before the first step": (
            "series[-n - PERIOD : -PERIOD]",
            "series[-n - PERIOD : -n][torch.arange(n) % PERIOD]",
        ),
        "nothing printed": ("        print(f", "        str(f"),
        "direction first": (
            "mae {one['mae']:.3f}  direction {one['direction']:.3f}",
            "direction {one['direction']:.3f}  mae {one['mae']:.3f}",
        ),
    },
    "learns": {
        "rate 0.00001": ("lr=0.01", "lr=0.00001"),
        "not trained": ("        model.train()\n", "        model.train()\n        break\n"),
    },
    "flat": {
        "divided by 0": ("    std = std.clamp(min=1e-6)\n", ""),
        "the clamp on the wrong side": ("std.clamp(min=1e-6)", "std.clamp(max=1e6)"),
    },
}
VARIANTS = {
    "split as lists": """
def split_starts(num_steps, window, val_steps):
    every = range(num_steps - window)
    first = num_steps - val_steps
    return [s for s in every if s + window < first], [s for s in every if s >= first]
""",
    "loss with where": """
def directional_loss(pred, target, last, weight=0.5):
    opposite = (pred - last) * (target - last) < 0
    penalty = torch.where(opposite, (pred - last).abs(), torch.zeros_like(pred))
    return nn.functional.mse_loss(pred, target) + weight * penalty.mean()
""",
    "val batch by batch, on the CPU a copy": (
        VALS,
        "            parts = [\n"
        "                len(r) * directional_loss(model(x[r]), y[r], x[r, -1]).item()\n"
        "                for r in rows.split(9)\n"
        "            ]\n"
        "            val_loss = sum(parts) / len(rows)\n",
    ),
    "all fits first": """
def walk_forward(series, fit, folds, size):
    first = len(series) - folds * size
    made = [fit(series[: first + k * size]) for k in range(folds)]
    steps = range(first, len(series))
    return torch.tensor([made[(t - first) // size](series[:t]) for t in steps])
""",
}
