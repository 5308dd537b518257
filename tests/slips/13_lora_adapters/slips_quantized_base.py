"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "levels": {
        "float64": ("(levels / above[0]).float()", "levels / above[0]"),
        "a grid of equal steps": """
def nf4_levels():
    return torch.linspace(-1, 1, 16)
""",
        "a grid of signed integers": """
def nf4_levels():
    return torch.arange(-8, 8) / 7.0
""",
        "quantiles at 16 equal steps, no 0": """
def nf4_levels():
    levels = torch.special.ndtri(torch.linspace(1 - 0.9677083, 0.9677083, 16))
    return levels / levels.max()
""",
        "8 below and 7 above": ("for n in (8, 7)", "for n in (7, 8)"),
        "another outermost quantile": ("1 - (1 / 32 + 1 / 30) / 2", "1 - 1 / 32"),
        "rounded to two digits": (
            "(levels / above[0]).float()",
            "(levels / above[0]).float().round(decimals=2)",
        ),
        "not divided by the largest": ("(levels / above[0]).float()", "levels.float()"),
        "0.5 kept": (
            "levels = torch.cat([-below, above.new_zeros(1), above.flip(0)])",
            "levels = torch.cat([-below, above.new_zeros(2), above.flip(0)])",
        ),
        "not sorted": ("above.flip(0)])", "above])"),
        "descending": ("(levels / above[0]).float()", "(levels / above[0]).float().flip(0)"),
        "erfinv for ndtri": (
            "torch.special.ndtri(torch.linspace(highest, 0.5, n + 1, dtype=torch.float64)[:-1])",
            "torch.special.erfinv(torch.linspace(highest, 0.0, n + 1, dtype=torch.float64)[:-1])",
        ),
    },
    "quantized": {
        "the level below instead of the nearest": (
            "torch.bucketize(grouped.to(wide) / size, middles)",
            "(torch.bucketize(grouped.to(wide) / size, levels, right=True) - 1)",
        ),
        "rounded on a grid": (
            "torch.bucketize(grouped.to(wide) / size, middles)",
            "((grouped.to(wide) / size + 1) * 7.5).round().long()",
        ),
        "not divided by absmax": ("grouped.to(wide) / size, middles", "grouped.to(wide), middles"),
        "absmax of the whole weight": (
            "absmax = grouped.abs().amax(1)",
            "absmax = grouped.abs().amax().expand(blocks).clone()",
        ),
        "absmax without abs": ("grouped.abs().amax(1)", "grouped.amax(1)"),
        "the order in memory": (
            "weight.detach().reshape(-1)",
            "torch.as_strided(weight.detach(), (weight.numel(),), (1,))",
        ),
        "blocks down the columns": (
            "flat = weight.detach().reshape(-1)",
            "flat = weight.detach().movedim(-1, 0).reshape(-1)",
        ),
        "block_size ignored": ("    flat = weight", "    block_size = 64\n    flat = weight"),
        "another default": (
            "def quantize_nf4(weight: Tensor, block_size: int = 64)",
            "def quantize_nf4(weight: Tensor, block_size: int = 32)",
        ),
        "absmax as a column": (
            "codes[1::2], absmax",
            "codes[1::2], absmax[:, None]",
        ),
        "codes one too high": (
            "middles).view(-1)[:n]",
            "middles).view(-1)[:n].add(1).clamp(max=15)",
        ),
        "weight made absolute in place": (
            "    return codes[::2] << 4",
            "    weight.detach().abs_()\n    return codes[::2] << 4",
        ),
        "the standard deviation for absmax": ("grouped.abs().amax(1)", "grouped.std(1)"),
        "middles of the wrong pairs": ("(levels[1:] + levels[:-1]) / 2", "levels[:-1]"),
        "middles of the bit pattern: 8 levels": (
            "middles).view(-1)[:n]",
            "middles).view(-1)[:n] // 2 * 2",
        ),
    },
    "packed": {
        "int64": ("codes[::2] << 4 | codes[1::2]", "(codes[::2] << 4 | codes[1::2]).long()"),
        "low half first": ("codes[::2] << 4 | codes[1::2]", "codes[1::2] << 4 | codes[::2]"),
        "a code a byte": ("codes[::2] << 4 | codes[1::2]", "codes"),
        "halves of the row instead of neighbors": (
            "codes[::2] << 4 | codes[1::2]",
            "codes[: len(codes) // 2] << 4 | codes[len(codes) // 2 :]",
        ),
        "added without the shift": ("codes[::2] << 4 | codes[1::2]", "codes[::2] + codes[1::2]"),
        "signed codes": (
            "codes[::2] << 4 | codes[1::2]",
            "(codes[::2] ^ 8) << 4 | codes[1::2] ^ 8",
        ),
    },
    "restored": {
        "absmax forgotten": (
            "levels[codes] * absmax.repeat_interleave(block_size)[:n]",
            "levels[codes] * absmax[0]",
        ),
        "low half first": ("[packed >> 4, packed & 15], 1", "[packed & 15, packed >> 4], 1"),
        "halves one after the other": (
            "[packed >> 4, packed & 15], 1",
            "[packed >> 4, packed & 15], 0",
        ),
        "absmax repeated as a whole": (
            "absmax.repeat_interleave(block_size)[:n]",
            "absmax.repeat(block_size)[:n]",
        ),
        "another default": (
            "shape: tuple[int, ...], block_size: int = 64\n",
            "shape: tuple[int, ...], block_size: int = 32\n",
        ),
        "always float32": (
            "levels = nf4_levels().to(packed.device, absmax.dtype)",
            "levels, absmax = nf4_levels().to(packed.device), absmax.float()",
        ),
        "flat": ("[:n]).view(shape)", "[:n])"),
        "transposed": (
            "[:n]).view(shape)",
            "[:n]).view(shape[::-1]).permute(*range(len(shape) - 1, -1, -1))",
        ),
        "codes counted from -8": ("levels[codes]", "levels[codes - 8]"),
        "divided by absmax": ("levels[codes] * absmax", "levels[codes] / absmax"),
    },
    "stored": {
        "base kept": (
            "        self.lora_A =",
            "        self.base = base.requires_grad_(False)\n        self.lora_A =",
        ),
        "base kept out of sight": (
            "        self.lora_A =",
            "        self.kept = (base,)\n        self.lora_A =",
        ),
        "W restored once": (
            "        self.lora_A =",
            "        self.W = dequantize_nf4(packed, absmax, self.shape, block_size)\n"
            "        self.lora_A =",
        ),
        "W as a buffer that is not saved": (
            "        self.lora_A =",
            "        W = dequantize_nf4(packed, absmax, self.shape, block_size)\n"
            '        self.register_buffer("W", W, persistent=False)\n        self.lora_A =',
        ),
        "codes are not saved": (
            'self.register_buffer("packed", packed)',
            'self.register_buffer("packed", packed, persistent=False)',
        ),
        "codes as a plain attribute": (
            'self.register_buffer("packed", packed)',
            "self.packed = packed",
        ),
        "absmax is not saved": (
            'self.register_buffer("absmax", absmax)',
            'self.register_buffer("absmax", absmax, persistent=False)',
        ),
        "bias is not saved": (
            "None if base.bias is None else base.bias.detach())",
            "None if base.bias is None else base.bias.detach(), persistent=False)",
        ),
        "levels in the state dict": (
            "        self.lora_A =",
            '        self.register_buffer("levels", nf4_levels())\n        self.lora_A =',
        ),
        "a code a byte": (
            '        self.register_buffer("packed", packed)',
            '        self.register_buffer("packed", packed.repeat_interleave(2))',
        ),
        "default blocks in the layer": (
            "packed, absmax = quantize_nf4(base.weight, block_size)",
            "self.block_size = 64\n        packed, absmax = quantize_nf4(base.weight)",
        ),
        "a zero bias where base has none": (
            "None if base.bias is None else base.bias.detach()",
            "base.weight.new_zeros(base.out_features) if base.bias is None else base.bias.detach()",
        ),
        "W kept in eval mode": """
class QLoRALinear(QLoRALinear):
    def forward(self, x):
        if self.training:
            vars(self).pop("W", None)
            return super().forward(x)
        if "W" not in vars(self):
            W = dequantize_nf4(self.packed, self.absmax, self.shape, self.block_size)
            vars(self)["W"] = W
        low = self.scale * F.linear(x, self.lora_A)
        return F.linear(x, self.W, self.bias) + F.linear(low, self.lora_B)
""",
        "W remembered at the first call": """
class QLoRALinear(QLoRALinear):
    def forward(self, x):
        if "W" not in vars(self):
            W = dequantize_nf4(self.packed, self.absmax, self.shape, self.block_size)
            vars(self)["W"] = W
        low = self.scale * F.linear(x, self.lora_A)
        return F.linear(x, self.W, self.bias) + F.linear(low, self.lora_B)
""",
    },
    "value": {
        "scale left out": ("low = self.scale * F", "low = F"),
        "scale divided by the rank": (
            "scale, block_size\n        packed",
            "scale / rank, block_size\n        packed",
        ),
        "0 taken for the default": (
            "scale, block_size\n        packed",
            "scale or 1.0, block_size\n        packed",
        ),
        "scale on the base, too": ("return y + F", "return self.scale * y + F"),
        "another default scale": (
            "scale: float = 1.0, block_size: int = 64\n    ) -> None",
            "scale: float = 2.0, block_size: int = 64\n    ) -> None",
        ),
        "another default block": (
            "scale: float = 1.0, block_size: int = 64\n    ) -> None",
            "scale: float = 1.0, block_size: int = 32\n    ) -> None",
        ),
        "bias left out": ("self.lora_B, self.bias)", "self.lora_B)"),
        "bias twice": (
            "        return y + F",
            "        y = y if self.bias is None else y + self.bias\n        return y + F",
        ),
        "LoRA in train mode only": (
            "low = self.scale * F",
            "low = self.scale * self.training * F",
        ),
        "a seed of its own": (
            "        nn.init.normal_(self.lora_A",
            "        torch.manual_seed(0)\n        nn.init.normal_(self.lora_A",
        ),
        "A far too large": (", std=base.in_features**-0.5", ""),
        "A by the number of outputs": ("std=base.in_features**-0.5", "std=base.out_features**-0.5"),
        "LoRA left out": (
            "return y + F.linear(low, self.lora_B, self.bias)",
            "return y + (0 if self.bias is None else self.bias)",
        ),
        "B of ones": ("base.weight.new_zeros(", "base.weight.new_ones("),
        "A of ones": (
            "nn.init.normal_(self.lora_A, std=base.in_features**-0.5)",
            "nn.init.ones_(self.lora_A)",
        ),
        "batches only": ("        y = Froz", "        x.shape[1]\n        y = Froz"),
        "the adapter rounded to 4 bits, too": (
            "F.linear(x, self.lora_A)  #",
            "F.linear(x, dequantize_nf4(*quantize_nf4(self.lora_A), self.lora_A.shape))  #",
        ),
        "bias in 4 bits": (
            "None if base.bias is None else base.bias.detach()",
            "None if base.bias is None else"
            " dequantize_nf4(*quantize_nf4(base.bias), base.bias.shape)",
        ),
    },
    "training": {
        "no gradient to x": (
            "return grad @ W, None, None, None, None",
            "return None, None, None, None, None",
        ),
        "base called with x detached": (
            "        y = FrozenLinear.apply(x,",
            "        y = FrozenLinear.apply(x.detach(),",
        ),
        "base called under no_grad": (
            "        y = Froz",
            "        with torch.no_grad():\n            y = Froz",
        ),
        "LoRA of x detached": (
            "F.linear(x, self.lora_A)  #",
            "F.linear(x.detach(), self.lora_A)  #",
        ),
        "absmax trains": (
            'self.register_buffer("absmax", absmax)',
            "self.absmax = nn.Parameter(absmax)",
        ),
        "bias trains": (
            'self.register_buffer("bias", None if base.bias is None else base.bias.detach())',
            "self.bias = base.bias",
        ),
        "A frozen": (
            "nn.Parameter(base.weight.new_empty(rank, base.in_features))",
            "nn.Parameter(base.weight.new_empty(rank, base.in_features), requires_grad=False)",
        ),
        "low features detached": ("F.linear(low, self", "F.linear(low.detach(), self"),
        "one row refused": (
            "return grad @ W,",
            "return (grad.mT.mT @ W if grad.shape[1] else grad),",
        ),
        "W transposed where it is square": (
            "return grad @ W,",
            "return grad @ (W.mT if W.shape[0] == W.shape[1] else W),",
        ),
        "gradient of x not through absmax": ("return grad @ W,", "return grad @ W.sign(),"),
    },
    "blocks": {
        "the short last block left out": (
            "math.ceil(flat.numel() / block_size)",
            "max(1, flat.numel() // block_size)",
        ),
        "the last code in the low half": (
            "codes = F.pad(codes, (0, n % 2)).to(torch.uint8)",
            "codes = torch.cat([codes[: n - n % 2], codes.new_zeros(n % 2), codes[n - n % 2 :]])"
            ".to(torch.uint8)",
        ),
        "absmax of the filling, too": (
            "codes[1::2], absmax",
            "codes[1::2], F.pad(absmax, (0, n % 2))",
        ),
        "the last code dropped": (
            "codes = F.pad(codes, (0, n % 2)).to(torch.uint8)",
            "codes = codes[: n - n % 2].to(torch.uint8)",
        ),
        "block_size from the lengths": (
            "absmax.repeat_interleave(block_size)[:n]",
            "absmax.repeat_interleave(-(-n // len(absmax)))[:n]",
        ),
        "filled with ones": (
            "F.pad(flat, (0, blocks * block_size - n))",
            "F.pad(flat, (0, blocks * block_size - n), value=1e9)",
        ),
        "uneven weights refused": (
            "    flat = weight",
            "    if weight.numel() % block_size:\n        raise ValueError('uneven')\n"
            "    flat = weight",
        ),
        "codes of the filling kept": ("middles).view(-1)[:n]", "middles).view(-1)"),
    },
    "zeros": {
        "0 / 0": (
            "size = absmax.where(absmax > 0, 1).to(wide)[:, None]",
            "size = absmax.to(wide)[:, None]",
        ),
        "the least float32 added, 0 in float16": (
            "size = absmax.where(absmax > 0, 1).to(wide)[:, None]",
            "size = (absmax + torch.finfo(torch.float32).tiny).to(wide)[:, None]",
        ),
        "a small number added to absmax": (
            "size = absmax.where(absmax > 0, 1).to(wide)[:, None]",
            "size = (absmax + 1e-12).to(wide)[:, None]",
        ),
        "absmax at least 1e-8": (
            "size = absmax.where(absmax > 0, 1).to(wide)[:, None]",
            "size = absmax.to(wide).clamp_min(1e-8)[:, None]",
        ),
        "absmax 1 for a block of zeros, code 8": (
            "codes = torch.bucketize(grouped.to(wide) / size, middles).view(-1)[:n]",
            "codes = torch.bucketize(grouped.to(wide) / size, middles)\n"
            "    codes[absmax == 0], absmax[absmax == 0] = 8, 1\n    codes = codes.view(-1)[:n]",
        ),
    },
    "dtypes": {
        "compared in 16 bits": (
            "wide = torch.promote_types(weight.dtype, torch.float32)",
            "wide = weight.dtype",
        ),
        "levels on the CPU when quantizing": (
            "nf4_levels().to(weight.device, wide)",
            "nf4_levels().to(wide)",
        ),
        "levels on the CPU in forward": (
            "        return F.linear(x, dequantize_nf4(packed, absmax, *how))",
            "        (out, n), size = how\n"
            "        codes = torch.stack([packed >> 4, packed & 15], 1).view(-1)[: out * n].int()\n"
            "        W = nf4_levels().to(x.dtype)[codes]\n"
            "        W = W * absmax.repeat_interleave(size)[: out * n]\n"
            "        return F.linear(x, W.view(out, n))",
        ),
        "factors on the CPU": (
            "base.weight.new_empty(rank, base.in_features)",
            "torch.empty(rank, base.in_features, dtype=base.weight.dtype)",
        ),
        "absmax always float32": ("codes[1::2], absmax", "codes[1::2], absmax.float()"),
        "factors in the default dtype": (
            "base.weight.new_zeros(base.out_features, rank)",
            "torch.zeros(base.out_features, rank)",
        ),
        "levels on the CPU when restoring": (
            "nf4_levels().to(packed.device, absmax.dtype)",
            "nf4_levels().to(absmax.dtype)",
        ),
        "absmax through float16": (
            "absmax = grouped.abs().amax(1)  #",
            "absmax = grouped.abs().amax(1).half()  #",
        ),
        "y in float32": (
            "return y + F.linear(low, self.lora_B, self.bias)",
            "return (y + F.linear(low, self.lora_B, self.bias)).float()",
        ),
    },
    "memory": {
        "F.linear keeps W": (
            "y = FrozenLinear.apply(x, self.packed, self.absmax, self.shape, self.block_size)",
            "W = dequantize_nf4(self.packed, self.absmax, self.shape, self.block_size)\n"
            "        y = F.linear(x, W)",
        ),
        "W saved for backward": (
            "        ctx.how = how\n",
            "        ctx.how = how\n        ctx.W = dequantize_nf4(packed, absmax, *how)\n",
        ),
        "codes of a byte kept": (
            "        ctx.how = how\n",
            "        ctx.how = how\n"
            "        ctx.codes = torch.stack([packed >> 4, packed & 15], 1).view(-1)\n",
        ),
        "in train mode W is kept": (
            "        y = Froz",
            "        if self.training:\n"
            "            how = self.shape, self.block_size\n"
            "            W = dequantize_nf4(self.packed, self.absmax, *how)\n"
            "            low = self.scale * F.linear(x, self.lora_A)\n"
            "            return F.linear(x, W, self.bias) + F.linear(low, self.lora_B)\n"
            "        y = Froz",
        ),
    },
}

VARIANTS = {
    "distances to all levels": """
def quantize_nf4(weight, block_size=64):
    numbers = weight.detach().flatten()
    parts = numbers.split(block_size)
    absmax = torch.stack([part.abs().max() for part in parts])
    codes = []
    for part, largest in zip(parts, absmax.unbind()):
        part = part.double() / (largest.double() if largest else 1.0)
        codes.append((part[:, None] - nf4_levels().to(part)).abs().argmin(1))
    codes = torch.cat(codes)
    if len(codes) % 2:
        codes = torch.cat([codes, codes.new_full((1,), 7)])
    pairs = codes.view(-1, 2)
    return (pairs[:, 0] * 16 + pairs[:, 1]).to(torch.uint8), absmax
""",
    "searchsorted and a comparison of two neighbors": """
def quantize_nf4(weight, block_size=64):
    flat = weight.detach().reshape(-1)
    n = len(flat)
    short = -n % block_size
    rows = torch.cat([flat, flat.new_zeros(short)]).reshape(-1, block_size)
    absmax = rows.abs().max(dim=1).values
    safe = torch.where(absmax == 0, torch.ones_like(absmax), absmax)
    u = (rows.float() / safe.float().unsqueeze(1)).reshape(-1)[:n]
    levels = nf4_levels().to(u.device)
    up = torch.searchsorted(levels, u).clamp(1, 15)
    code = torch.where(u - levels[up - 1] <= levels[up] - u, up - 1, up)
    code = torch.cat([code, code.new_zeros(n % 2)]).to(torch.uint8)
    return torch.bitwise_or(torch.bitwise_left_shift(code[0::2], 4), code[1::2]), absmax
""",
    "checkpoint": """
class QLoRALinear(QLoRALinear):
    def restored(self, x):
        return F.linear(x, dequantize_nf4(self.packed, self.absmax, self.shape, self.block_size))

    def forward(self, x):
        from torch.utils.checkpoint import checkpoint

        y = checkpoint(self.restored, x, use_reentrant=False)
        y = y + self.scale * (x @ self.lora_A.T @ self.lora_B.T)
        return y if self.bias is None else y + self.bias
""",
    "a frozen Parameter for bias": (
        'self.register_buffer("bias", None if base.bias is None else base.bias.detach())',
        "self.bias = None if base.bias is None else base.bias.requires_grad_(False)",
    ),
    "levels as a table of the paper": """
def nf4_levels():
    above = [0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
             0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0]
    below = [-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
             -0.28444138169288635, -0.18477343022823334, -0.09105003625154495]
    return torch.tensor([*below, 0.0, *above])
""",
    "levels in a buffer that is not saved": (
        "        self.lora_A =",
        '        self.register_buffer("levels", nf4_levels(), persistent=False)\n'
        "        self.lora_A =",
    ),
    "blocks by an index": (
        "absmax.repeat_interleave(block_size)[:n]",
        "absmax[torch.arange(n, device=absmax.device) // block_size]",
    ),
}
