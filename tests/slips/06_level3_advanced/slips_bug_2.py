"""Mistakes by the label that must refuse them, and second right answers."""

EXACT = "            exact = p.float() - lr * grad.float()\n"
NOISE = "            noise = torch.randint(1 << 16, p.shape, dtype=torch.int32, device=p.device)\n"
COPY = "            p.copy_(((exact.view(torch.int32) + noise) & -(1 << 16)).view(torch.float32))\n"
ALL = EXACT + NOISE + COPY

SLIPS = {
    "mean": {
        "one random number for a tensor": (NOISE, NOISE.replace("p.shape", "()")),
        "as handed out": (ALL, "            p -= lr * grad\n"),
        "computed in float32, cast to the nearest": (ALL, EXACT + "            p.copy_(exact)\n"),
        "computed in float64, cast to the nearest": (
            ALL,
            "            p.copy_(p.double() - lr * grad.double())\n",
        ),
        "the product in float32": (ALL, "            p -= (lr * grad.float()).bfloat16()\n"),
        "a larger rate": (ALL, "            p -= 10 * lr * grad\n"),
        "always the next number along the gradient": (
            ALL,
            "            p.copy_(torch.nextafter(p, -torch.inf * grad.sign()))\n",
        ),
        "at least the next number": (
            ALL,
            "            new = p - lr * grad\n"
            "            p.copy_(torch.where(new == p, "
            "torch.nextafter(p, p - grad.sign() * p.abs()), new))\n",
        ),
        "cut off": (NOISE, "            noise = 0\n"),
        "always away from 0": (NOISE, "            noise = (1 << 16) - 1\n"),
        "half of the noise": (NOISE, NOISE.replace("randint(1 << 16", "randint(1 << 15")),
        "twice the noise": (NOISE, NOISE.replace("randint(1 << 16", "randint(1 << 17")),
        "noise of 0 or 1": (NOISE, NOISE.replace("randint(1 << 16", "randint(2")),
        "one random number for a row": (NOISE, NOISE.replace("p.shape", "(*p.shape[:-1], 1)")),
        "one random number for a column": (NOISE, NOISE.replace("p.shape", "p.shape[1:]")),
        "noise in bfloat16, too large": (
            ALL,
            "            p -= lr * grad + 0.01 * p.abs() * (torch.rand_like(p) - 0.4)\n",
        ),
        "noise in the product": (
            ALL,
            "            p -= lr * grad * torch.rand_like(p) * 2\n",
        ),
        "rounded up or down evenly": (
            NOISE,
            "            noise = torch.randint(2, p.shape, dtype=torch.int32) * ((1 << 16) - 1)\n",
        ),
        "float16 on the way": (ALL, "            p.copy_(p.half() - lr * grad.half())\n"),
        "added": ("p.float() - lr", "p.float() + lr"),
        "the product alone is rounded at random": (
            ALL,
            "            exact = lr * grad.float()\n"
            + NOISE
            + "            p -= ((exact.view(torch.int32) + noise) & -(1 << 16))"
            ".view(torch.float32).bfloat16()\n",
        ),
        "float32 in the step alone, in place on .data": (
            ALL,
            "            p.data.copy_(p.data.float().sub_(grad.float(), alpha=lr))\n",
        ),
        "the product in bfloat16, then float32": (EXACT, EXACT.replace("grad.float()", "grad")),
        "at random only where nothing would change": (
            COPY,
            "            plain = p - lr * grad\n"
            "            noise = torch.where(plain == p, noise, 1 << 15)\n" + COPY,
        ),
        "a gap with the chance that is its share, what is above the gap as it is": (
            ALL,
            "            gap = 2.0 ** (torch.frexp(p.float()).exponent - 8)\n"
            "            by = lr * grad.float()\n"
            "            move = torch.where(by.abs() < gap, gap * by.sign(), by)\n"
            "            p.copy_(p.float() - move * (torch.rand(p.shape) < by.abs() / gap))\n",
        ),
        "random numbers in bfloat16": (
            NOISE,
            "            noise = (torch.rand_like(p).float() * (1 << 16)).int()\n",
        ),
        "a product kept above the gap": (
            ALL,
            "            least = 0.004 * p.abs()\n"
            "            move = (lr * grad).abs().maximum(least) * grad.sign()\n"
            "            p -= move\n",
        ),
    },
    "near": {
        "the first tensor alone": (
            "        for p, grad in zip(params, grads, strict=True):\n",
            "        for p, grad in [*zip(params, grads, strict=True)][:1]:\n",
        ),
        "sixteen steps in one, once in sixteen times": (
            EXACT,
            "            now = torch.randint(16, p.shape) == 0\n"
            "            exact = p.float() - 16 * now * lr * grad.float()\n",
        ),
        "two bits fewer": (
            NOISE + COPY,
            NOISE.replace("1 << 16", "1 << 18") + COPY.replace("1 << 16", "1 << 18"),
        ),
        "noise of three gaps": (
            NOISE,
            "            noise = torch.randint(1 << 16, (3, *p.shape))\n"
            "            noise = (noise.sum(0) - (1 << 16)).int()\n",
        ),
        "the gap of p, not that of the result": (
            ALL,
            EXACT + "            gap = 2.0 ** (torch.frexp(p.float()).exponent - 8)\n"
            "            down = (exact / gap).floor()\n"
            "            new = (down + (torch.rand(p.shape) < exact / gap - down)) * gap\n"
            "            p.copy_(torch.where(exact.isfinite(), new, exact))\n",
        ),
        "clamped to 100": (
            "p.float() - lr * grad.float()",
            "(p.float() - lr * grad.float()).clamp(-100, 100)",
        ),
    },
    "many": {
        "the same random numbers in each step": (
            "    with torch.no_grad():\n",
            "    torch.manual_seed(0)\n    with torch.no_grad():\n",
        ),
        "the rate of the first call": (
            EXACT,
            "            lr = step.__dict__.setdefault('lr', lr)\n" + EXACT,
        ),
        "a generator of its own, new in each step": (
            NOISE,
            NOISE.replace("dtype", "generator=torch.Generator().manual_seed(0), dtype"),
        ),
        "random numbers of the position": (
            NOISE,
            "            noise = torch.arange(p.numel()).view(p.shape) * 40503 % (1 << 16)\n"
            "            noise = noise.int()\n",
        ),
    },
    "memory": {
        "a float32 copy is left lying about": (
            COPY,
            COPY + "            p.exact = exact\n",
        ),
        "the model in float32": (
            ALL,
            "            p.data = p.data.float() - lr * grad.float()\n",
        ),
        "the list in float32": (
            "        for p, grad in zip(params, grads, strict=True):\n" + ALL,
            "        for i, (p, grad) in enumerate(zip(params, grads, strict=True)):\n"
            "            params[i] = p.float() - lr * grad.float()\n",
        ),
        "a float32 copy of each parameter is kept": (
            ALL,
            "            if not hasattr(p, 'exact'):\n                p.exact = p.float()\n"
            "            p.exact -= lr * grad.float()\n            p.copy_(p.exact)\n",
        ),
        "what was lost is kept in a second tensor": (
            ALL,
            "            exact = p.float() - lr * grad.float() + getattr(p, 'lost', 0)\n"
            "            p.copy_(exact)\n            p.lost = (exact - p.float()).bfloat16()\n",
        ),
        "another tensor in its place": (
            COPY,
            COPY.replace("p.copy_(", "p.data = (").replace(
                "(torch.float32))", "(torch.float32)).bfloat16()"
            ),
        ),
        "grads multiplied by the rate": (
            EXACT,
            "            exact = p.float() - grad.mul_(lr).float()\n",
        ),
        "grads cleared": (COPY, COPY + "            grad.zero_()\n"),
    },
    "special": {
        "NaN becomes 0": (
            EXACT,
            EXACT + "            exact = exact.nan_to_num(0, torch.inf, -torch.inf)\n",
        ),
        "inf becomes the largest number": (
            EXACT,
            EXACT + "            exact = exact.clamp(-3e38, 3e38)\n",
        ),
        "a step that is not finite is left out": (
            EXACT,
            EXACT + "            if not exact.isfinite().all():\n                continue\n",
        ),
        "gradients that are not finite count as 0": (
            "            exact = p.float()",
            "            grad = grad.nan_to_num(0, 0, 0)\n            exact = p.float()",
        ),
        "noise where nothing moves": (
            ALL,
            EXACT + "            up = torch.where(torch.rand(p.shape) < 1e-3, 1.005, 1.0)\n"
            "            exact = exact * up\n" + NOISE + COPY,
        ),
    },
}

VARIANTS = {
    "the neighbor is taken with the chance that is its share": """
def step(params, grads, lr):
    for p, g in zip(params, grads):
        exact = (p.detach().double() - lr * g.double())
        down = (exact.float().view(torch.int32) & ~0xFFFF).view(torch.float32)
        up = ((down.view(torch.int32)) + 0x10000).view(torch.float32)
        chance = (exact - down) / (up - down).double()
        new = torch.where(torch.rand_like(exact) < chance, up, down)
        p.data.copy_(torch.where(exact.isfinite(), new, exact.float()))
""",
    "noise as a share of the gap, then the nearest": """
@torch.no_grad()
def step(params, grads, lr):
    for p, g in zip(params, grads, strict=True):
        exact = p.to(torch.float32) - lr * g.to(torch.float32)
        gap = torch.ldexp(torch.ones_like(exact), torch.frexp(exact).exponent - 8)
        scaled = exact / gap
        floor = scaled.floor()
        new = (floor + (torch.rand(p.shape) < scaled - floor)) * gap
        p.copy_(torch.where(exact.isfinite(), new, exact))
""",
    "with a generator of its own that goes on": """
SOURCE = torch.Generator().manual_seed(3)


def step(params, grads, lr):
    with torch.no_grad():
        for p, g in zip(params, grads, strict=True):
            bits = torch.sub(p.float(), g.float(), alpha=lr).view(torch.int32)
            bits += torch.randint(0, 2**16, p.shape, dtype=torch.int32, generator=SOURCE)
            p.set_(p.copy_((bits - bits.remainder(2**16)).view(torch.float32)))
""",
}
