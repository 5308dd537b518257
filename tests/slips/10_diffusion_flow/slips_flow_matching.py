"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

VIEW = "t = t.view(-1, *[1] * (x0.ndim - 1))  # (N, 1, ...)"
LINE = "return (1 - t).to(x0.dtype) * x0 + t.to(x0.dtype) * x1"
LOSS = "return F.mse_loss(model_output, x1 - x0)"
EULER = "x = x + model(x, x.new_full(x.shape[:1], i / steps)) / steps"
HALF = "middle = x + model(x, x.new_full(x.shape[:1], i / steps)) / (2 * steps)"
FULL = "x = x + model(middle, x.new_full(x.shape[:1], (i + 0.5) / steps)) / steps"
CHECKED = "if x0.shape != x1.shape or t.shape != x0.shape[:1]:"
DETACHED = """
def euler_sample(model, x0, steps):
    x = x0
    for i in range(steps):
        x = x + model(x, x.new_full(x.shape[:1], i / steps)) / steps
    return x.detach()
"""

SLIPS = {
    "path": {
        "t beside the width where N is the width": (
            VIEW,
            "t = t if len(t) == x0.shape[-1] else t.view(-1, *[1] * (x0.ndim - 1))",
        ),
        "t beside the width": (VIEW, ""),
        "t for two dims only": (VIEW, "t = t[:, None] if x0.ndim > 1 else t"),
        "one t for all": (VIEW, "t = t[0]"),
        "the mean of t for all": (VIEW, "t = t.mean()"),
        "time reversed": (LINE, "return t.to(x0.dtype) * x0 + (1 - t).to(x0.dtype) * x1"),
        "as in diffusion": (
            LINE,
            "return (1 - t).sqrt().to(x0.dtype) * x0 + t.sqrt().to(x0.dtype) * x1",
        ),
        "some noise left at t = 1": (
            LINE,
            "return (1 - (1 - 1e-3) * t).to(x0.dtype) * x0 + t.to(x0.dtype) * x1",
        ),
        "noise not faded": (LINE, "return x0 + t.to(x0.dtype) * x1"),
        "x0 plus t times the velocity of the other way": (
            LINE,
            "return x0 + t.to(x0.dtype) * (x0 - x1)",
        ),
        "t squared": (LINE, "return (1 - t * t).to(x0.dtype) * x0 + (t * t).to(x0.dtype) * x1"),
    },
    "loss": {
        "sign reversed": (LOSS, "return F.mse_loss(model_output, x0 - x1)"),
        "data as the target": (LOSS, "return F.mse_loss(model_output, x1)"),
        "noise as the target": (LOSS, "return F.mse_loss(model_output, x0)"),
        "sum": (LOSS, "return F.mse_loss(model_output, x1 - x0, reduction='sum')"),
        "mean over samples, sum over features": (
            LOSS,
            "return (model_output - (x1 - x0)).square().sum() / len(x0)",
        ),
        "absolute error": (LOSS, "return F.l1_loss(model_output, x1 - x0)"),
        "weighed by t": (
            LOSS,
            "t = t.view(-1, *[1] * (x0.ndim - 1)).to(x0.dtype)\n"
            "    return (t * (model_output - (x1 - x0)).square()).mean()",
        ),
        "weighed by 1 / (1 - t)": (
            LOSS,
            "t = t.view(-1, *[1] * (x0.ndim - 1)).to(x0.dtype)\n"
            "    return ((model_output - (x1 - x0)).square() / (1 - t)).mean()",
        ),
        "half of it": (LOSS, "return F.mse_loss(model_output, x1 - x0) / 2"),
        "a Python float": (LOSS, "return F.mse_loss(model_output, x1 - x0).item()"),
        "no graph": (LOSS, "return F.mse_loss(model_output.detach(), x1 - x0)"),
        "a loss for each sample": (
            LOSS,
            "return (model_output - (x1 - x0)).square().flatten(1).mean(dim=1)",
        ),
        "Huber": (LOSS, "return 2 * F.huber_loss(model_output, x1 - x0, delta=10.0)"),
        "root": (LOSS, "return F.mse_loss(model_output, x1 - x0).sqrt()"),
    },
    "euler": {
        "velocity at the end of the step": (
            EULER,
            EULER.replace("i / steps))", "(i + 1) / steps))"),
        ),
        "the last step at t = 1": (EULER, EULER.replace("i / steps))", "i / max(steps - 1, 1)))")),
        "time reversed": (EULER, EULER.replace("i / steps))", "1 - i / steps))")),
        "sign reversed": (EULER, EULER.replace("x + model", "x - model")),
        "step of 1": (EULER, EULER.replace(") / steps", ")")),
        "one step more by rounding": (
            f"for i in range(steps):\n        {EULER}",
            "for t in torch.arange(0, 1, 1 / steps, dtype=torch.float64).tolist():\n"
            "        x = x + model(x, x.new_full(x.shape[:1], t)) / steps",
        ),
        "one step too few": (
            f"for i in range(steps):\n        {EULER}",
            f"for i in range(max(steps - 1, 1)):\n        {EULER}",
        ),
        "one step too many": (
            f"for i in range(steps):\n        {EULER}",
            f"for i in range(steps + 1):\n        {EULER}",
        ),
        "t as a step's number": (EULER, EULER.replace("i / steps))", "float(i)))")),
        "t as a scalar": (EULER, EULER.replace("x.shape[:1]", "()")),
        "t as a column": (EULER, EULER.replace("x.shape[:1]", "(len(x), 1)")),
        "t for one sample": (EULER, EULER.replace("x.shape[:1]", "(1,)")),
        "velocity of the start all the way": (EULER, EULER.replace("model(x,", "model(x0,")),
        "midpoint in its place": (EULER, f"{HALF}\n        {FULL}"),
        "a batch of one squeezed": (
            f"{EULER}\n    return x\n",
            f"{EULER}\n    return x.squeeze(0) if x.ndim > 1 else x\n",
        ),
        "the result clamped": (
            f"{EULER}\n    return x\n",
            f"{EULER}\n    return x.clamp(-1, 1)\n",
        ),
        "one jump to x1 at the end": (
            EULER,
            EULER.replace("/ steps\n", "/ steps\n")
            + "\n    x = x + 0 * model(x, x.new_full(x.shape[:1], 1.0))",
        ),
    },
    "midpoint": {
        "Euler in its place": (f"{HALF}\n        {FULL}", EULER),
        "Euler with half steps": (
            f"{HALF}\n        {FULL}",
            f"{HALF}\n        x = middle + "
            "model(middle, x.new_full(x.shape[:1], (i + 0.5) / steps)) / (2 * steps)",
        ),
        "added to the middle": (FULL, FULL.replace("x = x +", "x = middle +")),
        "middle at the start's time": (FULL, FULL.replace("(i + 0.5) / steps", "i / steps")),
        "Heun": (
            f"{HALF}\n        {FULL}",
            "first = model(x, x.new_full(x.shape[:1], i / steps))\n"
            "        second = model(x + first / steps, x.new_full(x.shape[:1], (i + 1) / steps))\n"
            "        x = x + (first + second) / (2 * steps)",
        ),
        "a whole step to the middle": (HALF, HALF.replace("/ (2 * steps)", "/ steps")),
        "velocity of x at the middle's time": (FULL, FULL.replace("model(middle,", "model(x,")),
        "one step more by rounding": (
            f"for i in range(steps):\n        {HALF}\n        {FULL}",
            "for t in torch.arange(0, 1, 1 / steps, dtype=torch.float64).tolist():\n"
            "        middle = x + model(x, x.new_full(x.shape[:1], t)) / (2 * steps)\n"
            "        x = x + model(middle, x.new_full(x.shape[:1], t + 0.5 / steps)) / steps",
        ),
        "half a step in all": (FULL, FULL.replace("/ steps)) / steps", "/ steps)) / (2 * steps)")),
        "sign reversed": (FULL, FULL.replace("x + model", "x - model")),
        "steps counts the calls": (
            f"for i in range(steps):\n        {HALF}",
            f"steps = max(steps // 2, 1)\n    for i in range(steps):\n        {HALF}",
        ),
        "no middle in the last step": (
            f"{HALF}\n        {FULL}",
            f"{HALF}\n        if i == steps - 1:\n            return {EULER[4:]}\n        {FULL}",
        ),
    },
    "shapes": {
        "no errors in the path": (CHECKED, "if False:"),
        "t alone minded": (CHECKED, "if t.shape != x0.shape[:1]:"),
        "x0 and x1 alone minded": (CHECKED, "if x0.shape != x1.shape:"),
        "length of t alone minded": (CHECKED, "if x0.shape != x1.shape or t.numel() != len(x0):"),
        "t of one number let through": (
            CHECKED,
            "if x0.shape != x1.shape or t.shape not in (x0.shape[:1], (1,)):",
        ),
        "numbers of elements compared": (
            CHECKED,
            "if x0.numel() != x1.numel() or t.shape != x0.shape[:1]:",
        ),
        "no errors in the loss": (
            "if not model_output.shape == x0.shape == x1.shape:",
            "if False:",
        ),
        "the output alone minded": (
            "if not model_output.shape == x0.shape == x1.shape:",
            "if model_output.shape != x0.shape:",
        ),
        "x0 and x1 alone minded in the loss": (
            "if not model_output.shape == x0.shape == x1.shape:",
            "if x0.shape != x1.shape:",
        ),
        "an assert": (
            'raise ValueError(f"model_output, x0, x1 are {shapes}, want one shape")',
            "raise AssertionError(shapes)",
        ),
    },
    "dtypes": {
        "t's dtype decides": (LINE, "return (1 - t) * x0 + t * x1"),
        "t cast to float32": (LINE, LINE.replace("t.to(x0.dtype)", "t.float()")),
        "computed in float32": (
            LINE,
            "return ((1 - t.float()) * x0.float() + t.float() * x1.float()).to(x0.dtype)",
        ),
        "float32 times for the model": (
            EULER,
            EULER.replace(
                "x.new_full(x.shape[:1], i / steps)", "torch.full(x.shape[:1], i / steps)"
            ),
        ),
        "times on the CPU": (
            FULL,
            FULL.replace(
                "x.new_full(x.shape[:1], (i + 0.5) / steps)",
                "torch.full(x.shape[:1], (i + 0.5) / steps, dtype=x.dtype)",
            ),
        ),
        "a loss in float32": (LOSS, "return F.mse_loss(model_output.float(), (x1 - x0).float())"),
        "samples rounded": (f"{EULER}\n    return x\n", f"{EULER}\n    return x.float().to(x0)\n"),
        "samples in float32": (
            f"    x = x0\n    for i in range(steps):\n        {HALF}",
            f"    x = x0.float()\n    for i in range(steps):\n        {HALF}",
        ),
    },
    "limits": {
        "graph kept by Euler": ("@torch.no_grad()\ndef euler_sample", "def euler_sample"),
        "graph kept by the midpoint rule": (
            "@torch.no_grad()\ndef midpoint_sample",
            "def midpoint_sample",
        ),
        "the result alone detached": DETACHED,
        "no graph of the model alone": """
def euler_sample(model, x0, steps):
    x = x0
    for i in range(steps):
        with torch.no_grad():
            velocity = model(x, x.new_full(x.shape[:1], i / steps))
        x = x + velocity / steps
    return x
""",
        "noise changed in place": (EULER, EULER.replace("x = x + model", "x += model")),
        "noise changed in place by the midpoint rule": (
            FULL,
            FULL.replace("x = x + model", "x += model"),
        ),
        "x0 changed in place": (LINE, "return x0.mul_((1 - t).to(x0.dtype)) + t.to(x0.dtype) * x1"),
        "the output changed in place": (
            LOSS,
            "return (model_output.sub_(x1 - x0) if not model_output.requires_grad "
            "else model_output - (x1 - x0)).square().mean()",
        ),
        "a seed set": (
            f"    x = x0\n    for i in range(steps):\n        {EULER}",
            f"    torch.manual_seed(0)\n    x = x0\n    for i in range(steps):\n        {EULER}",
        ),
        "grad mode not given back after an error": (
            "@torch.no_grad()\ndef euler_sample",
            "@lambda f: lambda *a, **k: (m := torch.is_grad_enabled(), "
            "torch.set_grad_enabled(False), f(*a, **k), torch.set_grad_enabled(m))[2]\n"
            "def euler_sample",
        ),
        "grad mode switched off for good": (
            "@torch.no_grad()\ndef midpoint_sample",
            "@lambda f: lambda *a: (torch.set_grad_enabled(False), f(*a))[1]\ndef midpoint_sample",
        ),
    },
}

VARIANTS = {
    "x0 plus t times the velocity": (
        LINE,
        "return x0 + t.to(x0.dtype) * (x1 - x0)",
    ),
    "x1 minus what is left of the way": (
        LINE,
        "return x1 - (1 - t).to(x0.dtype) * (x1 - x0)",
    ),
    "a loop over the samples": (
        f"{VIEW}\n    {LINE}",
        "return torch.stack([(1 - float(s)) * a + float(s) * b for a, b, s in zip(x0, x1, t)])",
    ),
    "loss by hand": (LOSS, "return (model_output - x1 + x0).pow(2).mean()"),
    "time carried along": (
        f"for i in range(steps):\n        {EULER}",
        "t, h = torch.zeros_like(x0.flatten(1)[:, 0]) if x0.ndim > 1 else torch.zeros_like(x0), "
        "1 / steps\n    for _ in range(steps):\n        x, t = x + h * model(x, t), t + h",
    ),
    "times from a table": (
        f"for i in range(steps):\n        {EULER}",
        "times = torch.linspace(0, 1, steps + 1, dtype=x0.dtype, device=x0.device)\n"
        "    for a, b in zip(times[:-1], times[1:]):\n"
        "        x = x + (b - a) * model(x, a.expand(len(x)))",
    ),
    "inference mode": (
        "@torch.no_grad()\ndef euler_sample",
        "@torch.inference_mode()\ndef euler_sample",
    ),
}
