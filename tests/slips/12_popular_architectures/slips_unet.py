"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

JOIN = "x = self.merge[i](torch.cat([skip, x], dim=1))"
PAD = "x = F.pad(x, (0, columns, 0, rows))"
POOL = "x = F.max_pool2d(x, 2)"
TAKE = "            skips.append(x)\n"
HEAD = "return self.head(x)"
UP = "x, skip = self.up[i](x), skips[i]"
BOTTOM = "x = self.bottom(x)"
MODULES = "        self.head = nn.Conv2d(base, out_channels, 1)\n"
FIRST = "        least = 2 ** len(self.down)\n"
TOO_SMALL = "min(x.shape[-2:]) < least"
WIDTHS = "[base * 2**i for i in range(depth + 1)]"

SLIPS = {
    "parts": {
        "widths grow by base": (WIDTHS, "[base * (i + 1) for i in range(depth + 1)]"),
        "the same width on every level": (WIDTHS, "[base for i in range(depth + 1)]"),
        "base 64 by default": ("base: int = 32", "base: int = 64"),
        "four levels by default": ("depth: int = 3", "depth: int = 4"),
        "levels in a plain list": (
            "self.down = nn.ModuleList(DoubleConv(before[i], widths[i]) for i in range(depth))",
            "self.down = [DoubleConv(before[i], widths[i]) for i in range(depth)]",
        ),
        "no bias in the transposed convolution": ("2, stride=2)", "2, stride=2, bias=False)"),
        "kernel 3 in up": (
            "low, c, 2, stride=2)",
            "low, c, 3, stride=2, padding=1, output_padding=1)",
        ),
        "channels not halved on the way up": ("(low, c, 2, stride=2)", "(low, low, 2, stride=2)"),
        "interpolation for up": (
            "nn.ConvTranspose2d(low, c, 2, stride=2) for",
            "nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(low, c, 1)) for",
        ),
        "head of kernel 3": ("base, out_channels, 1)", "base, out_channels, 3, padding=1)"),
        "images of three channels": ("[in_channels, *widths]", "[3, *widths]"),
        "bottom as wide as the last level": (
            "self.bottom = DoubleConv(widths[-2], widths[-1])",
            "self.bottom = DoubleConv(widths[-2], widths[-2])",
        ),
        "way up listed from the bottom": (
            MODULES,
            MODULES + "        self.up = nn.ModuleList(reversed(self.up))\n",
        ),
        "a batch norm for the head": (
            MODULES,
            MODULES + "        self.norm = nn.BatchNorm2d(base)\n",
        ),
        "a level called twice": ("x = level(x)", "level(x)\n            x = level(x)"),
        "up frozen": (MODULES, MODULES + "        self.up.requires_grad_(False)\n"),
    },
    "down": {
        "x centered first": (FIRST, "        x = x - x.mean()\n" + FIRST),
        "average pooling": (POOL, "x = F.avg_pool2d(x, 2)"),
        "no pooling but every second pixel": (POOL, "x = x[:, :, ::2, ::2]"),
        "pooling of 3 with stride 2": (POOL, "x = F.max_pool2d(x, 3, 2, 1)"),
        "pooled maps shifted": (POOL, POOL + " - 0.1"),
        "dropout at the bottom": (BOTTOM, "x = self.bottom(F.dropout(x, 0.1))"),
    },
    "up": {
        "bottom's result halved": (BOTTOM, BOTTOM + " * 0.5"),
        "dropout on the way up": (UP, "x, skip = self.up[i](F.dropout(x, 0.1)), skips[i]"),
        "skip added behind merge": (JOIN, JOIN + " + skip * (i > 0)"),
    },
    "skips": {
        "the first image's skip for all": (
            JOIN,
            JOIN.replace("[skip, x]", "[skip[:1].expand_as(x), x]"),
        ),
        "what comes from below first": (JOIN, JOIN.replace("[skip, x]", "[x, skip]")),
        "no skip": (JOIN, JOIN.replace("[skip, x]", "[torch.zeros_like(skip), x]")),
        "what comes from below twice": (JOIN, JOIN.replace("[skip, x]", "[x, x]")),
        "the skip twice": (JOIN, JOIN.replace("[skip, x]", "[skip, skip]")),
        "skip added to what comes from below": (
            JOIN,
            JOIN.replace("[skip, x]", "[skip, skip + x]"),
        ),
        "skip after pooling, enlarged again": (
            TAKE,
            "            skips.append(F.interpolate(F.max_pool2d(x, 2), scale_factor=2))\n",
        ),
        "channels shuffled": (
            JOIN,
            "x = self.merge[i](torch.stack([skip, x], dim=2).flatten(1, 2))",
        ),
        "ReLU on what comes from below": (JOIN, JOIN.replace("[skip, x]", "[skip, x.relu()]")),
        "skips of the call before": (
            "        skips = []\n",
            "        skips = self.__dict__.setdefault('skips', [])\n",
        ),
    },
    "logits": {
        "softmax in the model": (HEAD, HEAD + ".softmax(1)"),
        "argmax in the model": (HEAD, HEAD + ".argmax(1)"),
        "ReLU on the logits": (HEAD, HEAD + ".relu()"),
        "probabilities in eval mode": (
            HEAD,
            "return self.head(x) if self.training else self.head(x).sigmoid()",
        ),
        "the class axis squeezed for one class": (HEAD, HEAD + ".squeeze(1)"),
        "dropout in front of the head": (
            HEAD,
            "return self.head(F.dropout(x, 0.1, self.training))",
        ),
        "the image added in front of the head": (HEAD, "return self.head(x + skips[0])"),
    },
    "sizes": {
        "sizes off by one": (PAD, "skip = skip[:, :, : x.shape[2], : x.shape[3]]"),
        "the bias in place of zeros": (
            UP,
            "skip = skips[i]\n            x = self.up[i](x, output_size=skip.shape[2:])",
        ),
        "zeros in front": (PAD, "x = F.pad(x, (columns, 0, rows, 0))"),
        "rows and columns swapped": (PAD, "x = F.pad(x, (0, rows, 0, columns))"),
        "the last row repeated": (PAD, 'x = F.pad(x, (0, columns, 0, rows), mode="replicate")'),
        "interpolated to the skip's size": (PAD, "x = F.interpolate(x, size=skip.shape[2:])"),
        "pooling rounds up": (POOL, "x = F.max_pool2d(x, 2, ceil_mode=True)"),
        "nothing for odd sides": (PAD, "pass"),
        "joined, then padded": (
            f"{PAD}\n            {JOIN}",
            "cut = skip[:, :, : x.shape[2], : x.shape[3]]\n            x = self.merge[i]("
            "F.pad(torch.cat([cut, x], dim=1), (0, columns, 0, rows)))",
        ),
        "pooling in windows that share a row": (
            POOL,
            "x = F.adaptive_max_pool2d(x, (x.shape[2] // 2, x.shape[3] // 2))",
        ),
        "pooling drops the first row": (
            POOL,
            "x = F.max_pool2d(x[:, :, x.shape[2] % 2 :, x.shape[3] % 2 :], 2)",
        ),
        "padded by the skip": (
            PAD,
            f"low = x\n            {PAD}\n            x = torch.where("
            "F.pad(torch.ones_like(low), (0, columns, 0, rows)) > 0, x, skip)",
        ),
        "multiples of 2**depth only": (
            TOO_SMALL,
            TOO_SMALL + " or x.shape[2] % least or x.shape[3] % least",
        ),
    },
    "errors": {
        "any side": (TOO_SMALL, "False"),
        "height only": (TOO_SMALL, "x.shape[2] < least"),
        "width only": (TOO_SMALL, "x.shape[3] < least"),
        "half of what is needed": (TOO_SMALL, TOO_SMALL + " // 2"),
        "depth 0": ("if depth < 1:", "if depth < 0:"),
        "area": (TOO_SMALL, "x.shape[2] * x.shape[3] < least**2"),
        "RuntimeError for small images": (
            'raise ValueError(f"x is',
            'raise RuntimeError(f"x is',
        ),
    },
    "anywhere": {
        "float32 inside": (FIRST, "        x = x.float()\n" + FIRST),
        "logits in float32": (HEAD, HEAD + ".float()"),
        "x clamped in place": (FIRST, "        x.clamp_(-9, 0.5)\n" + FIRST),
        "skips without their graph": (TAKE, TAKE.replace("(x)", "(x.detach())")),
        "way up without its graph": (BOTTOM, BOTTOM.replace("(x)", "(x.detach())")),
        "zeros made on the CPU": (
            PAD,
            "low = x\n            x = torch.zeros(skip.shape, dtype=x.dtype)\n"
            "            x[:, :, : low.shape[2], : low.shape[3]] = low",
        ),
        "x must be contiguous": (FIRST, "        x = x.view(-1).view(x.shape)\n" + FIRST),
        "no gradient in eval mode": (
            FIRST,
            "        x = x if self.training else x.detach()\n" + FIRST,
        ),
        "result rounded": (HEAD, "return (self.head(x) * 1e6).round() / 1e6"),
    },
}

VARIANTS = {
    "recursion": (
        "        skips = []\n",
        "        return self.head(self.level(x, 0))\n\n"
        "    def level(self, x: Tensor, i: int) -> Tensor:\n"
        "        if i == len(self.down):\n"
        "            return self.bottom(x)\n"
        "        skip = self.down[i](x)\n"
        "        low = self.up[i](self.level(nn.MaxPool2d(2)(skip), i + 1))\n"
        "        full = skip.new_zeros(skip.shape)\n"
        "        full[:, :, : low.shape[2], : low.shape[3]] = low\n"
        "        return self.merge[i](torch.cat((skip, full), 1))\n\n"
        "    def old(self, x: Tensor) -> Tensor:\n        skips = []\n",
    ),
    "pooling by reshaping": (
        POOL,
        "h, w = x.shape[2] // 2, x.shape[3] // 2\n"
        "            x = x[:, :, : 2 * h, : 2 * w].unflatten(3, (w, 2)).unflatten(2, (h, 2))\n"
        "            x = x.amax(dim=(3, 5))",
    ),
    "skips as a stack, half of the padding in front, rounded down, parts called by keyword": (
        "        for i in reversed(range(len(skips))):\n            "
        f"{UP}\n            rows, columns = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]"
        f"  # 0 or 1\n            {PAD}\n            {JOIN}",
        "        for i in range(len(self.down) - 1, -1, -1):\n"
        "            skip, x = skips.pop(), self.up[i](x)\n"
        "            more = [skip.shape[d] - x.shape[d] for d in (3, 2)]\n"
        "            x = F.pad(x, [n for m in more for n in (m // 2, m - m // 2)])\n"
        "            x = self.merge[i](x=torch.cat([skip, x], dim=1))",
    ),
    "zeros filled in": (
        f"{UP}\n            rows, columns = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]"
        f"  # 0 or 1\n            {PAD}",
        "skip, low = skips[i], self.up[i](x)\n"
        "            x = torch.zeros_like(skip)\n"
        "            x[..., : low.shape[2], : low.shape[3]] += low",
    ),
}
