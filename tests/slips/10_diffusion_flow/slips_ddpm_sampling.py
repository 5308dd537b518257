"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

OWN_X0 = """
def ddim_step(x_t, noise_pred, alpha_bar_t, alpha_bar_prev):
    x0 = (x_t - (1 - alpha_bar_t) ** 0.5 * noise_pred) / alpha_bar_t**0.5
    return alpha_bar_prev**0.5 * x0 + (1 - alpha_bar_prev) ** 0.5 * noise_pred


def ddpm_step(x_t, noise_pred, t, alpha_bars, noise):
    kept = alpha_bars[t]
    before = alpha_bars[t - 1] if t > 0 else kept * 0 + 1
    alpha = kept / before
    mean = (x_t - (1 - alpha) / (1 - kept) ** 0.5 * noise_pred) / alpha**0.5
    return mean + ((1 - alpha) * (1 - before) / (1 - kept)) ** 0.5 * noise
"""
OWN_STEP = """
@torch.no_grad()
def sample(model, shape, alpha_bars, steps=None, generator=None):
    T = len(alpha_bars)
    steps = T if steps is None else steps
    times = [round((T - 1) * (1 - i / max(steps - 1, 1))) for i in range(steps)]
    x = torch.empty(shape, dtype=alpha_bars.dtype, device=alpha_bars.device)
    x.normal_(generator=generator)
    for i, t in enumerate(times):
        now = alpha_bars[t]
        then = alpha_bars[times[i + 1]] if i + 1 < steps else torch.ones_like(now)
        noise = model(x, torch.tensor([t] * len(x), device=x.device))
        x = (then / now).sqrt() * (x - (1 - now).sqrt() * noise) + (1 - then).sqrt() * noise
    return x
"""

SLIPS = {
    "x0": {
        "clamped, in predict_x0 alone": OWN_X0
        + """
def predict_x0(x_t, noise_pred, alpha_bar_t):
    return ((x_t - (1 - alpha_bar_t) ** 0.5 * noise_pred) / alpha_bar_t**0.5).clamp(-1, 1)
""",
        "roots forgotten": (
            "(x_t - (1 - alpha_bar_t) ** 0.5 * noise_pred) / alpha_bar_t**0.5",
            "(x_t - (1 - alpha_bar_t) * noise_pred) / alpha_bar_t",
        ),
        "not divided": ("noise_pred) / alpha_bar_t**0.5", "noise_pred)"),
        "only the noise divided": (
            "(x_t - (1 - alpha_bar_t) ** 0.5 * noise_pred) / alpha_bar_t**0.5",
            "x_t - (1 - alpha_bar_t) ** 0.5 * noise_pred / alpha_bar_t**0.5",
        ),
        "1 - root": ("(x_t - (1 - alpha_bar_t) ** 0.5", "(x_t - (1 - alpha_bar_t**0.5)"),
        "noise added": ("(x_t - (1 - alpha_bar_t)", "(x_t + (1 - alpha_bar_t)"),
        "clamped to -1 and 1": (
            "noise_pred) / alpha_bar_t**0.5",
            "noise_pred).div(alpha_bar_t**0.5).clamp(-1, 1)",
        ),
        "a small number added to the divisor": (
            "noise_pred) / alpha_bar_t**0.5",
            "noise_pred) / (alpha_bar_t**0.5 + 1e-3)",
        ),
        "alpha_bar as a tensor alone": OWN_X0
        + """
def predict_x0(x_t, noise_pred, alpha_bar_t):
    return (x_t - (1 - alpha_bar_t).sqrt() * noise_pred) / alpha_bar_t.sqrt()
""",
    },
    "ddpm": {
        "beta as the variance": (
            "variance = (1 - alpha) * (1 - before) / (1 - kept)",
            "variance = (1 - alpha) * (t > 0)",
        ),
        "beta as the variance, at t = 0 too": (
            "variance = (1 - alpha) * (1 - before) / (1 - kept)",
            "variance = 1 - alpha",
        ),
        "no root of the variance": ("variance**0.5 * noise", "variance * noise"),
        "no noise": (" + variance**0.5 * noise", ""),
        "noise drawn anew": ("variance**0.5 * noise", "variance**0.5 * torch.randn_like(x_t)"),
        "the last entry before step 0": (
            "alpha_bars[t - 1] if t > 0 else torch.ones_like(kept)",
            "alpha_bars[t - 1]",
        ),
        "the first entry before step 0": (
            "alpha_bars[t - 1] if t > 0 else torch.ones_like(kept)",
            "alpha_bars[max(t - 1, 0)]",
        ),
        "a variance of 1e-20 at t = 0": (
            "variance**0.5 * noise",
            "variance.clamp(min=1e-20) ** 0.5 * noise",
        ),
        "no noise at t = 1 either": ("variance**0.5 * noise", "variance**0.5 * noise * (t > 1)"),
        "alpha_bar for alpha": ("alpha = kept / before", "alpha = kept"),
        "alpha_bars taken for alphas": (
            "kept = alpha_bars[t]\n",
            "alpha_bars = alpha_bars.cumprod(0)\n    kept = alpha_bars[t]\n",
        ),
        "1 - alpha_bar before and after exchanged": (
            "(1 - alpha) * (1 - before) / (1 - kept)",
            "(1 - alpha) * (1 - kept) / (1 - before).clamp(min=1e-6) * (t > 0)",
        ),
        "mean without the root of alpha": (
            "of_x_t = alpha**0.5 * (1 - before)",
            "of_x_t = alpha * (1 - before)",
        ),
        "mean without the root of alpha_bar": (
            "of_x0 = before**0.5 * (1 - alpha)",
            "of_x0 = before * (1 - alpha)",
        ),
        "root of the level of t": ("of_x0 = before**0.5", "of_x0 = kept**0.5"),
        "the predicted x0 noised again": (
            "return of_x0 * x0 + of_x_t * x_t + variance**0.5 * noise",
            "return before**0.5 * x0 + (1 - before) ** 0.5 * noise",
        ),
        "betas clipped at 0.999": ("alpha = kept / before", "alpha = (kept / before).clamp(1e-3)"),
        "x0 clamped": (
            "return of_x0 * x0 + of",
            "return of_x0 * x0.clamp(-1, 1) + of",
        ),
    },
    "ddim": {
        "levels exchanged in ddim_step alone": OWN_STEP
        + """
def ddim_step(x_t, noise_pred, alpha_bar_t, alpha_bar_prev):
    x0 = (x_t - (1 - alpha_bar_prev) ** 0.5 * noise_pred) / alpha_bar_prev**0.5
    return alpha_bar_t**0.5 * x0 + (1 - alpha_bar_t) ** 0.5 * noise_pred
""",
        "roots forgotten": (
            "alpha_bar_prev**0.5 * x0 + (1 - alpha_bar_prev) ** 0.5 * noise_pred",
            "alpha_bar_prev * x0 + (1 - alpha_bar_prev) * noise_pred",
        ),
        "level of t for the noise": (
            "(1 - alpha_bar_prev) ** 0.5 * noise_pred",
            "(1 - alpha_bar_t) ** 0.5 * noise_pred",
        ),
        "level of t for x0": ("return alpha_bar_prev**0.5", "return alpha_bar_t**0.5"),
        "fresh noise": (
            "(1 - alpha_bar_prev) ** 0.5 * noise_pred",
            "(1 - alpha_bar_prev) ** 0.5 * torch.randn_like(noise_pred)",
        ),
        "no noise": (" + (1 - alpha_bar_prev) ** 0.5 * noise_pred", ""),
        "levels exchanged": (
            "x0 = predict_x0(x_t, noise_pred, alpha_bar_t)\n    return alpha",
            "alpha_bar_t, alpha_bar_prev = alpha_bar_prev, alpha_bar_t\n"
            "    x0 = predict_x0(x_t, noise_pred, alpha_bar_t)\n    return alpha",
        ),
        "clamped x0 in ddim_step alone": OWN_STEP
        + """
def ddim_step(x_t, noise_pred, alpha_bar_t, alpha_bar_prev):
    x0 = predict_x0(x_t, noise_pred, alpha_bar_t).clamp(-1, 1)
    return alpha_bar_prev**0.5 * x0 + (1 - alpha_bar_prev) ** 0.5 * noise_pred
""",
        "levels as tensors alone": OWN_STEP
        + """
def ddim_step(x_t, noise_pred, alpha_bar_t, alpha_bar_prev):
    x0 = predict_x0(x_t, noise_pred, alpha_bar_t)
    return alpha_bar_prev.sqrt() * x0 + (1 - alpha_bar_prev).sqrt() * noise_pred
""",
    },
    "times": {
        "times rounded down": (".round().int()", ".int()"),
        "a jump ends at the level before t": (
            "levels[i], levels[i + 1])",
            "levels[i], alpha_bars[t - 1] if t else 1.0)",
        ),
        "the last step ends at alpha_bars[0]": (
            "alpha_bars.new_ones(1)])",
            "alpha_bars[:1]])",
        ),
        "times from 0 up": (".round().int().tolist()", ".round().int().tolist()[::-1]"),
        "time 0 left out": (
            "torch.linspace(T - 1, 0, T if steps is None else steps)",
            "torch.linspace(T - 1, 0, (T if steps is None else steps) + 1)[:-1]",
        ),
        "the first of the times, not even ones": (
            "torch.linspace(T - 1, 0, T if steps is None else steps)",
            "torch.arange(T - 1, T - 1 - (T if steps is None else steps), -1).float()",
        ),
        "steps from T // steps": (
            "torch.linspace(T - 1, 0, T if steps is None else steps)",
            "torch.arange(0, T, T // (steps or T)).flip(0)[: steps or T].float()",
        ),
        "t from 1": ("torch.full(shape[:1], t,", "torch.full(shape[:1], t + 1,"),
        "t as a float": (
            "torch.full(shape[:1], t, device=device)",
            "torch.full(shape[:1], float(t), device=device)",
        ),
        "t as a share of T": (
            "torch.full(shape[:1], t, device=device)",
            "torch.full(shape[:1], t / T, device=device)",
        ),
        "t as a scalar": ("torch.full(shape[:1], t,", "torch.full((), t,"),
        "t as an int": ("torch.full(shape[:1], t, device=device)", "t"),
        "t for one sample": ("torch.full(shape[:1], t,", "torch.full((1,), t,"),
        "t as a column": ("torch.full(shape[:1], t,", "torch.full((shape[0], 1), t,"),
        "index of the call as t": ("torch.full(shape[:1], t,", "torch.full(shape[:1], i,"),
        "steps ignored": ("T if steps is None else steps", "T"),
        "50 steps by default": (
            "T if steps is None else steps",
            "min(T, 5) if steps is None else steps",
        ),
        "the last x0 clamped": (
            "    return x\n\n\n# Something",
            "    return x.clamp(-1, 1)\n\n\n# Something",
        ),
        "one call too many, at the end": (
            "    return x\n\n\n# Something",
            "    return x - 0 * model(x, torch.full(shape[:1], 0))\n\n\n# Something",
        ),
    },
    "samples": {
        "uniform start": (
            "torch.randn(shape, generator=generator, dtype=alpha_bars.dtype, device=device)",
            "torch.rand(shape, generator=generator, dtype=alpha_bars.dtype, device=device)",
        ),
        "uniform start of variance 1": (
            "torch.randn(shape, generator=generator, dtype=alpha_bars.dtype, device=device)",
            "(torch.rand(shape, generator=generator, dtype=alpha_bars.dtype, device=device) - 0.5) "
            "* 12**0.5",
        ),
        "one start for all samples": (
            "torch.randn(shape, generator=generator, dtype=alpha_bars.dtype, device=device)",
            "torch.randn((1, *shape[1:]), generator=generator, dtype=alpha_bars.dtype, "
            "device=device).repeat(shape[0], *[1] * (len(shape) - 1))",
        ),
        "one number for each sample": (
            "torch.randn(shape, generator=generator, dtype=alpha_bars.dtype, device=device)",
            "torch.randn((shape[0], *[1] * (len(shape) - 1)), generator=generator, "
            "dtype=alpha_bars.dtype, device=device).repeat(1, *shape[1:])",
        ),
        "start scaled by the level": (
            "torch.randn(shape, generator=generator, dtype=alpha_bars.dtype, device=device)",
            "torch.randn(shape, generator=generator, dtype=alpha_bars.dtype, device=device) "
            "* (1 - alpha_bars[-1] ** 0.25)",
        ),
        "start of standard deviation 0.8": (
            "torch.randn(shape, generator=generator, dtype=alpha_bars.dtype, device=device)",
            "0.8 * torch.randn(shape, generator=generator, dtype=alpha_bars.dtype, device=device)",
        ),
        "fresh noise in each step": (
            "levels[i], levels[i + 1])",
            "levels[i], levels[i + 1])\n        x = x + 0.1 * torch.randn_like(x)",
        ),
    },
    "draws": {
        "generator ignored": ("generator=generator, dtype", "dtype"),
        "a fixed seed": (
            "    x = torch.randn(",
            "    generator = generator or torch.Generator().manual_seed(0)\n    x = torch.randn(",
        ),
        "the global generator seeded": (
            "    x = torch.randn(",
            "    torch.manual_seed(0)\n    x = torch.randn(",
        ),
        "a number of the global generator wasted": (
            "    x = torch.randn(",
            "    torch.rand(1)\n    x = torch.randn(",
        ),
        "noise of size 0 drawn in each step": (
            "levels[i], levels[i + 1])",
            "levels[i], levels[i + 1])\n        x = x + 0 * x.new_empty(shape).normal_("
            "generator=generator)",
        ),
    },
    "dtypes": {
        "the next level in float32": (
            "levels[i], levels[i + 1])",
            "levels[i], levels[i + 1].float())",
        ),
        "float32 start": ("dtype=alpha_bars.dtype, device=device)", "device=device)"),
        "start on the CPU": (
            "dtype=alpha_bars.dtype, device=device)",
            "dtype=alpha_bars.dtype)",
        ),
        "t on the CPU": ("torch.full(shape[:1], t, device=device)", "torch.full(shape[:1], t)"),
        "computed in float32": (
            "    return (x_t - (1 - alpha_bar_t)",
            "    x_t = x_t.float()\n    return (x_t - (1 - alpha_bar_t)",
        ),
        "a float's level in float32": OWN_X0
        + """
def predict_x0(x_t, noise_pred, alpha_bar_t):
    level = torch.as_tensor(alpha_bar_t)
    return (x_t - (1 - level) ** 0.5 * noise_pred) / level**0.5
""",
        "rounded to float32 and back": (
            "return of_x0 * x0 + of_x_t * x_t + variance**0.5 * noise",
            "return (of_x0 * x0 + of_x_t * x_t + variance**0.5 * noise).float().to(x_t.dtype)",
        ),
        "table in float32": ("    kept = alpha_bars[t]\n", "    kept = alpha_bars.float()[t]\n"),
        "table cast to x_t's dtype": (
            "    kept = alpha_bars[t]\n",
            "    alpha_bars = alpha_bars[:, None].to(x_t.dtype).expand(-1, 4)\n"
            "    kept = alpha_bars.float()[t]\n",
        ),
        "levels of one dim": (
            "    x0 = predict_x0(x_t, noise_pred, alpha_bar_t)\n    return",
            "    alpha_bar_prev = torch.as_tensor(alpha_bar_prev).reshape(1)\n"
            "    x0 = predict_x0(x_t, noise_pred, alpha_bar_t)\n    return",
        ),
    },
    "limits": {
        "graph kept": ("@torch.no_grad()\n", ""),
        "grad mode switched off for good": (
            "@torch.no_grad()\n",
            "@lambda f: lambda *a, **k: (torch.set_grad_enabled(False), f(*a, **k))[1]\n",
        ),
        "grad mode not given back after an error": (
            "@torch.no_grad()\n",
            "@lambda f: lambda *a, **k: (m := torch.is_grad_enabled(), "
            "torch.set_grad_enabled(False), f(*a, **k), torch.set_grad_enabled(m))[2]\n",
        ),
        "the result alone detached": (
            "@torch.no_grad()\n",
            "@lambda f: lambda *a, **k: f(*a, **k).detach()\n",
        ),
        "x_t changed in place": (
            "return of_x0 * x0 + of_x_t * x_t + variance**0.5 * noise",
            "return x_t.mul_(of_x_t).add_(of_x0 * x0 + variance**0.5 * noise)",
        ),
        "the guess changed in place": (
            "return alpha_bar_prev**0.5 * x0 + (1 - alpha_bar_prev) ** 0.5 * noise_pred",
            "return noise_pred.mul_((1 - alpha_bar_prev) ** 0.5).add_(alpha_bar_prev**0.5 * x0)",
        ),
        "the table changed in place": (
            "    x = torch.randn(",
            "    alpha_bars.clamp_(max=0.9)\n    x = torch.randn(",
        ),
    },
}

VARIANTS = {
    "each step in a formula of its own": OWN_X0,
    "sample in a formula of its own": OWN_STEP,
    "the state carried on as x0 and noise": (
        "        x = ddim_step(x, noise, levels[i], levels[i + 1])",
        "        x0 = predict_x0(x, noise, levels[i])\n"
        "        x = x0 * levels[i + 1] ** 0.5 + noise * (1 - levels[i + 1]) ** 0.5",
    ),
    "variance as the difference of precisions": (
        "variance = (1 - alpha) * (1 - before) / (1 - kept)",
        "variance = (1 - before) - alpha * (1 - before) ** 2 / (1 - kept)",
    ),
    "DDPM as DDIM with eta 1": (
        "return of_x0 * x0 + of_x_t * x_t + variance**0.5 * noise",
        "rest = (1 - before - variance).clamp(min=0) ** 0.5\n"
        "    return before**0.5 * x0 + rest * noise_pred + variance**0.5 * noise",
    ),
    "grad mode by set_grad_enabled": ("@torch.no_grad()", "@torch.set_grad_enabled(False)"),
    "start drawn on the CPU and moved": (
        "dtype=alpha_bars.dtype, device=device)",
        "dtype=alpha_bars.dtype).to(device)",
    ),
    "inference mode": ("@torch.no_grad()", "@torch.inference_mode()"),
}
