"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

RATES = "rates = max_period ** (-torch.arange(half, device=t.device, dtype=torch.float32) / half)"
ANGLES = "angles = t.float()[:, None] * rates  # (N, dim // 2)"
WAVES = "waves = torch.cat([angles.cos(), angles.sin()], dim=1)"
PAD = "return F.pad(waves, (0, dim % 2))  # (N, dim)"
SIX = "six = self.modulation(F.silu(c))[:, None]  # (N, 1, 6 D), the same for all tokens"
CHUNK = "shift_a, scale_a, gate_a, shift_m, scale_m, gate_m = six.chunk(6, dim=-1)"
FIRST = "x = x + gate_a * self.attention(normed(x) * (1 + scale_a) + shift_a)"
SECOND = "return x + gate_m * self.mlp(normed(x) * (1 + scale_m) + shift_m)"
SDPA = "out = F.scaled_dot_product_attention(q, k, v)"
VIEW = "W(x).view(N, L, self.num_heads, -1).transpose(1, 2)"
JOIN = "return self.W_o(out.transpose(1, 2).reshape(x.shape))"
MLP = "return self.fc2(F.gelu(self.fc1(x)))"
NORM = "return F.layer_norm(x, x.shape[-1:], eps=1e-6)"
ZERO = """        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)
"""

SLIPS = {
    "waves": {
        "half - 1 in the exponents": (RATES, RATES.replace("/ half", "/ max(half - 1, 1)")),
        "dim in the exponents": (RATES, RATES.replace("/ half", "/ dim")),
        "2 i in the exponents": (RATES, RATES.replace("/ half", "* 2 / half")),
        "rates from the slowest": (ANGLES, ANGLES.replace("* rates", "* rates.flip(0)")),
        "rates that begin below 1": (
            RATES,
            RATES.replace("torch.arange(half,", "torch.arange(1, half + 1,"),
        ),
        "sines first": (
            WAVES,
            WAVES.replace("angles.cos(), angles.sin()", "angles.sin(), angles.cos()"),
        ),
        "interleaved": (
            WAVES,
            "waves = torch.stack([angles.cos(), angles.sin()], dim=2).flatten(1)",
        ),
        "odd dim without its 0": (PAD, "return waves"),
        "the 0 in front": (PAD, PAD.replace("(0, dim % 2)", "(dim % 2, 0)")),
        "the last sine repeated": (
            PAD,
            "return torch.cat([waves, waves[:, -1:][:, : dim % 2]], dim=1)",
        ),
        "max_period ignored": (RATES, RATES.replace("max_period **", "10000 **")),
        "divided by the rates": (ANGLES, ANGLES.replace("* rates", "/ rates")),
        "fractions cut off": (ANGLES, ANGLES.replace("t.float()", "t.long().float()")),
        "t scaled to 0 to 1": (ANGLES, ANGLES.replace("t.float()", "(t.float() / 1000)")),
        "2 pi": (ANGLES, ANGLES.replace("* rates", "* rates * 2 * torch.pi")),
        "full periods of 1 only where dim is even": (
            "half = dim // 2",
            "half = (dim + 1) // 2 if dim % 2 else dim // 2",
        ),
    },
    "weights": {
        "rounded up": ("int(hidden_size * mlp_ratio)", "round(hidden_size * mlp_ratio + 0.4)"),
        "norms with weights": (
            "self.num_heads = num_heads",
            "self.num_heads = num_heads\n        self.norm = nn.LayerNorm(hidden_size)",
        ),
        "no biases in the attention": (
            "self.W_q = nn.Linear(hidden_size, hidden_size)",
            "self.W_q = nn.Linear(hidden_size, hidden_size, bias=False)",
        ),
        "mlp_ratio ignored": ("int(hidden_size * mlp_ratio)", "4 * hidden_size"),
        "frozen modulation": (
            ZERO,
            ZERO + "        self.modulation.requires_grad_(False)\n",
        ),
        "an unused Linear more": (
            ZERO,
            ZERO + "        self.spare = nn.Linear(hidden_size, hidden_size)\n",
        ),
        "SiLU and Linear in one module": (
            ZERO,
            ZERO + "        self.modulation = nn.Sequential(nn.SiLU(), self.modulation)\n"
            "        self.modulation.weight = self.modulation[1].weight\n",
        ),
    },
    "identity": {
        "modulation as drawn": (ZERO, ""),
        "its weight alone zero": (ZERO, "        nn.init.zeros_(self.modulation.weight)\n"),
        "its bias alone zero": (ZERO, "        nn.init.zeros_(self.modulation.bias)\n"),
        "gates that start at 1": (
            ZERO,
            ZERO
            + "        nn.init.ones_(self.modulation.bias[2 * hidden_size : 3 * hidden_size])\n",
        ),
        "W_o and fc2 zero": (
            ZERO,
            ZERO
            + "        nn.init.zeros_(self.W_o.weight)\n        nn.init.zeros_(self.fc2.weight)\n",
        ),
        "W_o and fc2 zero, not the modulation": (
            ZERO,
            "".join(
                f"        nn.init.zeros_(self.{name})\n"
                for name in ("W_o.weight", "W_o.bias", "fc2.weight", "fc2.bias")
            ),
        ),
        "biases zero": (
            ZERO,
            ZERO + "        nn.init.zeros_(self.W_q.bias)\n        nn.init.zeros_(self.fc1.bias)\n",
        ),
        "almost zero": (
            ZERO,
            "        nn.init.normal_(self.modulation.weight, std=1e-3)\n"
            "        nn.init.zeros_(self.modulation.bias)\n",
        ),
        "drawn from a fixed seed": (
            "        self.W_q =",
            "        torch.manual_seed(0)\n        self.W_q =",
        ),
    },
    "block": {
        "1 + missing": (FIRST, FIRST.replace("(1 + scale_a)", "scale_a")),
        "1 + missing in the MLP": (SECOND, SECOND.replace("(1 + scale_m)", "scale_m")),
        "no gate on the attention": (FIRST, FIRST.replace("gate_a * ", "(gate_a != 0) * ")),
        "no gate on the MLP": (SECOND, SECOND.replace("gate_m * ", "(gate_m != 0) * ")),
        "1 + gate": (FIRST, FIRST.replace("gate_a *", "(1 + gate_a) * (gate_a != 0) *")),
        "gate on x too": (
            FIRST,
            "x = torch.where(gate_a == 0, x, gate_a * (x + self.attention("
            "normed(x) * (1 + scale_a) + shift_a)))",
        ),
        "scale before shift in the order": (
            CHUNK,
            "scale_a, shift_a, gate_a, scale_m, shift_m, gate_m = six.chunk(6, dim=-1)",
        ),
        "shifts, scales, gates in the order": (
            CHUNK,
            "shift_a, shift_m, scale_a, scale_m, gate_a, gate_m = six.chunk(6, dim=-1)",
        ),
        "the MLP's first in the order": (
            CHUNK,
            "shift_m, scale_m, gate_m, shift_a, scale_a, gate_a = six.chunk(6, dim=-1)",
        ),
        "six interleaved": (
            CHUNK,
            "shift_a, scale_a, gate_a, shift_m, scale_m, gate_m = "
            "six.unflatten(-1, (-1, 6)).unbind(-1)",
        ),
        "SiLU forgotten": (SIX, SIX.replace("F.silu(c)", "c")),
        "SiLU after the Linear": (
            SIX,
            SIX.replace("self.modulation(F.silu(c))", "F.silu(self.modulation(c))"),
        ),
        "shift before scale": (
            FIRST,
            FIRST.replace(
                "normed(x) * (1 + scale_a) + shift_a", "(normed(x) + shift_a) * (1 + scale_a)"
            ),
        ),
        "approximate GELU": (MLP, MLP.replace("self.fc1(x))", "self.fc1(x), approximate='tanh')")),
        "ReLU": (MLP, MLP.replace("F.gelu", "F.relu")),
        "no residual around the attention": (
            FIRST,
            FIRST.replace("x = x + gate_a", "x = (gate_a == 0) * x + gate_a"),
        ),
        "branches in parallel": (
            f"{FIRST}\n        {SECOND}",
            f"first = {FIRST[8:]}\n        {SECOND} + first",
        ),
        "norm after the branch": (
            FIRST,
            "x = x + gate_a * normed(self.attention(x * (1 + scale_a) + shift_a))",
        ),
        "no norm before the MLP": (SECOND, SECOND.replace("normed(x)", "x")),
        "eps of 1e-5": (NORM, NORM.replace("1e-6", "1e-5")),
        "unbiased variance": (
            NORM,
            "away = x - x.mean(dim=-1, keepdim=True)\n"
            "    return away / (x.var(dim=-1, keepdim=True) + 1e-6).sqrt()",
        ),
        "RMS norm": (NORM, "return x * (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt()"),
        "norm over tokens and features": (NORM, NORM.replace("x.shape[-1:]", "x.shape[1:]")),
        "heads cut through the tokens": (
            VIEW,
            "W(x).view(N, self.num_heads, L, -1)",
        ),
        "heads not joined in order": (
            JOIN,
            JOIN.replace("out.transpose(1, 2).reshape", "out.reshape"),
        ),
        "heads interleaved": (
            VIEW,
            "W(x).view(N, L, -1, self.num_heads).permute(0, 3, 1, 2)",
        ),
        "one head": (VIEW, VIEW.replace("self.num_heads", "1")),
        "softmax over the queries": (
            SDPA,
            "out = (q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(dim=-2) @ v",
        ),
        "causal": (SDPA, SDPA.replace("q, k, v)", "q, k, v, is_causal=True)")),
        "scaled by D": (SDPA, SDPA.replace("q, k, v)", "q, k, v, scale=x.shape[-1] ** -0.5)")),
        "not scaled": (SDPA, SDPA.replace("q, k, v)", "q, k, v, scale=1.0)")),
        "W_o forgotten": (
            JOIN,
            JOIN.replace(
                "self.W_o(out.transpose(1, 2).reshape(x.shape))",
                "out.transpose(1, 2).reshape(x.shape)",
            ),
        ),
        "keys as values": (SDPA, SDPA.replace("q, k, v)", "q, k, k)")),
    },
    "samples": {
        "c beside the tokens where L is N": (
            SIX,
            "six = self.modulation(F.silu(c))\n"
            "        six = six if x.shape[0] == x.shape[1] else six[:, None]",
        ),
        "the mean of c": (SIX, SIX.replace("F.silu(c)", "F.silu(c).mean(0, keepdim=True)")),
        "the first c for all": (SIX, SIX.replace("[:, None]", "[:1, None]")),
        "norm over the batch": (
            NORM,
            "return (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-6).sqrt()",
        ),
        "noise in train mode": (
            SECOND,
            "x = F.dropout(x, 0.1, self.training)\n        " + SECOND,
        ),
        "batch statistics in train mode": (
            SECOND,
            "x = x + (x.mean(0) * 0.1 if self.training else 0)\n        " + SECOND,
        ),
    },
    "dtypes": {
        "angles in t's dtype": (
            ANGLES,
            "angles = t[:, None] * rates.to(t.dtype if t.is_floating_point() else torch.float32)\n"
            "    angles = angles.float()",
        ),
        "waves in t's dtype": (
            PAD,
            "waves = waves.to(t.dtype) if t.is_floating_point() else waves\n    " + PAD,
        ),
        "block in float32": (
            SIX,
            "dtype, x, c = x.dtype, x.float(), c.float()\n        " + SIX,
        ),
        "norm in float32": (
            NORM,
            NORM.replace("(x, ", "(x.float(), ").replace("1e-6)", "1e-6).to(x.dtype)"),
        ),
        "result in float32": (SECOND, SECOND.replace("return x", "return x.float()")),
        "softmax in float32": (
            SDPA,
            "scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5\n"
            "        out = scores.softmax(dim=-1, dtype=torch.float32).to(q.dtype) @ v",
        ),
        "GELU in float32": (
            MLP,
            MLP.replace("F.gelu(self.fc1(x))", "F.gelu(self.fc1(x).float()).to(x.dtype)"),
        ),
    },
    "inputs": {
        "rates on the CPU": (RATES, RATES.replace("device=t.device, ", "")),
        "x changed in place": (FIRST, FIRST.replace("x = x +", "x +=")),
        "c changed in place": (SIX, SIX.replace("F.silu(c)", "F.silu(c, inplace=True)")),
        "c without gradients": (SIX, SIX.replace("F.silu(c)", "F.silu(c.detach())")),
        "x without gradients in a branch": (
            FIRST,
            FIRST.replace("normed(x)", "normed(x.detach())"),
        ),
        "t changed in place": (
            ANGLES,
            "t = t.mul_(1.0 + 1e-6) if t.is_floating_point() else t\n    " + ANGLES,
        ),
        "a table on the CPU in the block": (
            SIX,
            "x = x + torch.zeros(x.shape[-1], dtype=x.dtype)\n        " + SIX,
        ),
    },
    "errors": {
        "no error": ("if hidden_size % num_heads:", "if False:"),
        "RuntimeError": (
            'raise ValueError(f"{num_heads} heads do not',
            'raise RuntimeError(f"{num_heads} heads do not',
        ),
        "an assert": (
            'raise ValueError(f"{num_heads} heads do not divide hidden_size {hidden_size}")',
            "raise AssertionError(num_heads)",
        ),
        "too many heads let through": (
            "if hidden_size % num_heads:",
            "if hidden_size % num_heads and num_heads < hidden_size:",
        ),
    },
}

VARIANTS = {
    "rates by exp and log": (
        RATES,
        "steps = torch.arange(half, device=t.device) / half\n"
        "    rates = torch.exp(-torch.log(torch.tensor(float(max_period))).item() * steps)",
    ),
    "attention by hand": (
        SDPA,
        "out = (q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(dim=-1) @ v",
    ),
    "attention by einsum, no transposes": (
        SDPA,
        "scores = torch.einsum('nhqd,nhkd->nhqk', q * q.shape[-1] ** -0.5, k)\n"
        "        out = torch.einsum('nhqk,nhkd->nhqd', scores.softmax(-1), v)",
    ),
    "six by unflatten": (
        f"{SIX}\n        {CHUNK}",
        "six = self.modulation(c * torch.sigmoid(c)).unflatten(1, (6, 1, -1))\n"
        "        shift_a, scale_a, gate_a, shift_m, scale_m, gate_m = six.unbind(dim=1)",
    ),
    "norm by hand": (
        NORM,
        "away = x - x.mean(dim=-1, keepdim=True)\n"
        "    return away / (away.square().mean(dim=-1, keepdim=True) + 1e-6).sqrt()",
    ),
    "norms as modules without parameters": (
        ZERO,
        ZERO + "        self.norm = nn.LayerNorm(hidden_size, 1e-6, elementwise_affine=False)\n",
    ),
}
