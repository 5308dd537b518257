"""Mistakes by the label that must refuse them, and second right answers."""

FREEZE = "self.sublayer = sublayer.requires_grad_(False)"
ADAPTER = "        self.adapter = adapter"
DELTA = "self.adapter(x, residual=False)"
SUM = f"return out + {DELTA}"
OUT = "        out = self.sublayer(x)"
TEST = "if out.shape != x.shape:"
FORWARD = "    def forward(self, x: Tensor) -> Tensor:\n        out ="

SLIPS = {
    "parts": {
        "adapter copied": (ADAPTER, "        self.adapter = __import__('copy').deepcopy(adapter)"),
        "sublayer copied": (
            "sublayer.requires_grad_(False)",
            "__import__('copy').deepcopy(sublayer).requires_grad_(False)",
        ),
        "registered twice, in a list as well": (
            ADAPTER,
            f"{ADAPTER}\n        self.both = nn.ModuleList([sublayer, adapter])",
        ),
        "a norm of its own": (ADAPTER, f"{ADAPTER}\n        self.norm = nn.LayerNorm(6)"),
        "a learned scale": (
            ADAPTER,
            f"{ADAPTER}\n        self.scale = nn.Parameter(adapter.up.bias[:1] + 1)",
        ),
    },
    "frozen": {
        "sublayer not frozen": ("sublayer.requires_grad_(False)", "sublayer"),
        "an attribute named requires_grad": (
            FREEZE,
            "self.sublayer = sublayer\n        self.sublayer.requires_grad = False",
        ),
        "adapter frozen, too": (ADAPTER, f"{ADAPTER}\n        self.requires_grad_(False)"),
        "norms left to train": (
            FREEZE,
            "self.sublayer = sublayer\n"
            "        for part in sublayer.modules():\n"
            "            if not isinstance(part, nn.BatchNorm1d):\n"
            "                for p in part.parameters(recurse=False):\n"
            "                    p.requires_grad_(False)",
        ),
        "what is named norm left to train": (
            FREEZE,
            "self.sublayer = sublayer\n"
            "        for name, p in sublayer.named_parameters():\n"
            '            p.requires_grad = "norm" in name',
        ),
        "only its own parameters frozen": (
            FREEZE,
            "self.sublayer = sublayer\n"
            "        for p in sublayer.parameters(recurse=False):\n"
            "            p.requires_grad_(False)",
        ),
        "only two levels frozen": (
            FREEZE,
            "self.sublayer = sublayer\n"
            "        for part in (sublayer, *sublayer.children()):\n"
            "            for p in part.parameters(recurse=False):\n"
            "                p.requires_grad_(False)",
        ),
        "only what is named weight or bias frozen": (
            FREEZE,
            "self.sublayer = sublayer\n"
            "        for name, p in sublayer.named_parameters():\n"
            '            if name.endswith(("weight", "bias")):\n'
            "                p.requires_grad_(False)",
        ),
        "only the usual layers frozen": (
            FREEZE,
            "self.sublayer = sublayer\n"
            "        for part in sublayer.modules():\n"
            "            if isinstance(part, nn.Linear | nn.LayerNorm | nn.BatchNorm1d):\n"
            "                part.requires_grad_(False)",
        ),
        "trainable again after the first call": (
            SUM,
            f"self.sublayer.requires_grad_(True)\n        {SUM}",
        ),
    },
    "forward": {
        "x added once more": (DELTA, "self.adapter(x)"),
        "delta added before the sublayer": (
            OUT,
            f"        x = x + {DELTA}\n{OUT}\n        return out",
        ),
        "serial": (DELTA, "self.adapter(out, residual=False)"),
        "x added instead of the delta": (DELTA, "x"),
        "adapter forgotten": (f"out + {DELTA}", "out"),
        "sublayer forgotten": (f"out + {DELTA}", f"x + {DELTA}"),
        "delta added twice": (DELTA, f"2 * {DELTA}"),
        "delta subtracted": ("out + self.adapter", "out - self.adapter"),
        "the mean of both": (f"out + {DELTA}", f"(out + {DELTA}) / 2"),
        "x added as a residual": (f"out + {DELTA}", f"x + out + {DELTA}"),
        "dropout of its own on the delta": (
            DELTA,
            f"nn.functional.dropout({DELTA}, 0.1, self.training)",
        ),
    },
    "gradients": {
        "no_grad around the sublayer": (
            OUT,
            "        import torch\n\n"
            "        with torch.no_grad():\n            out = self.sublayer(x)",
        ),
        "x detached for the adapter": ("self.adapter(x, ", "self.adapter(x.detach(), "),
        "x detached for the sublayer": ("self.sublayer(x)", "self.sublayer(x.detach())"),
        "sublayer's result detached in eval mode": (
            "        if out.shape",
            "        out = out if self.training else out.detach()\n        if out.shape",
        ),
        "sublayer's result detached in train mode": (
            SUM,
            f"out = out.detach() if self.training else out\n        {SUM}",
        ),
    },
    "modes": {
        "sublayer kept in eval": (
            FORWARD,
            '    def train(self, mode: bool = True) -> "ParallelAdapterBlock":\n'
            "        super().train(mode)\n"
            "        self.sublayer.eval()\n"
            "        return self\n\n"
            f"{FORWARD}",
        ),
        "BatchNorm's momentum at 0": (
            FREEZE,
            f"{FREEZE}\n"
            "        for part in sublayer.modules():\n"
            "            if isinstance(part, nn.BatchNorm1d):\n"
            "                part.momentum = 0.0",
        ),
        "dropout switched off": (
            FREEZE,
            f"{FREEZE}\n"
            "        for part in sublayer.modules():\n"
            "            if isinstance(part, nn.Dropout):\n"
            "                part.p = 0.0",
        ),
        "eval before every call": ("self.sublayer(x)", "self.sublayer.eval()(x)"),
    },
    "shapes": {
        "all but the batch compared": (TEST, "if out.shape[1:] != x.shape[1:]:"),
        "broadcast": (TEST, "if False:"),
        "only the last size compared": (TEST, "if out.shape[-1] != x.shape[-1]:"),
        "only the number of sizes compared": (TEST, "if out.ndim != x.ndim:"),
        "only the number of elements compared": (TEST, "if out.numel() != x.numel():"),
        "expanded to x": (f"        {TEST}", f"        out = out.expand_as(x)\n        {TEST}"),
        "a bare assert as a guard": (
            f"        {TEST}\n"
            '            raise ValueError(f"sublayer gives {tuple(out.shape)}, '
            "want x's {tuple(x.shape)}\")",
            "        assert out.shape == x.shape",
        ),
        "the sum compared with what the sublayer gives": (
            f"        {TEST}",
            f"        if (out + {DELTA}).shape != out.shape:",
        ),
    },
    "kept": {
        "frozen and put in eval": (
            "sublayer.requires_grad_(False)",
            "sublayer.requires_grad_(False).eval()",
        ),
        "eval taken for freezing": ("sublayer.requires_grad_(False)", "sublayer.eval()"),
        "all of the adapter made to train": (
            "self.adapter = adapter",
            "self.adapter = adapter.requires_grad_(True)",
        ),
        "in eval for a moment": (
            FREEZE,
            "mode = sublayer.training\n"
            "        self.sublayer = sublayer.eval().requires_grad_(False)\n"
            "        sublayer.train(mode)",
        ),
    },
    "hooks": {
        "sublayer called twice": (
            "return out + self.adapter",
            "out = self.sublayer(x)\n        return out + self.adapter",
        ),
        "forward instead of a call": ("self.sublayer(x)", "self.sublayer.forward(x)"),
    },
    "inputs": {
        "sublayer's result changed in place, which may be x": (
            SUM,
            f"out += {DELTA}\n        return out",
        ),
        "float32 whatever came": (SUM, f"return (out + {DELTA}).float()"),
        "x cast to float32": (OUT, f"        x = x.float()\n{OUT}"),
        "x viewed as rows": (
            DELTA,
            "self.adapter(x.view(-1, x.shape[-1]), residual=False).view(x.shape)",
        ),
        "a zero made on the CPU": (
            SUM,
            f"return out + {DELTA} + __import__('torch').zeros(1).to(x.dtype)",
        ),
    },
}

VARIANTS = {
    "all frozen before the adapter comes, the test after the sum": """
class ParallelAdapterBlock(nn.Module):
    def __init__(self, sublayer, adapter):
        super().__init__()
        self.sublayer = sublayer
        self.requires_grad_(False)
        self.adapter = adapter

    def forward(self, x):
        h = self.sublayer(x)
        out = torch.add(h, self.adapter(x, False))
        if h.shape != x.shape:
            raise RuntimeError(f"{h.shape} and {x.shape}")
        return out


import torch
""",
    "forward_delta, adapter first": """
class ParallelAdapterBlock(nn.Module):
    def __init__(self, sublayer, adapter):
        super().__init__()
        self.adapter = adapter
        self.sublayer = sublayer
        for p in sublayer.parameters():
            p.requires_grad = False

    def forward(self, x):
        delta = self.adapter.forward_delta(x)
        frozen = self.sublayer(x)
        if frozen.size() != delta.size():
            raise RuntimeError("shapes")
        return frozen + delta
""",
    "the adapter's residual connection taken off again": (DELTA, "(self.adapter(x) - x)"),
}
