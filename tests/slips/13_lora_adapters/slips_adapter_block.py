"""Mistakes by the label that must refuse them, and second right answers."""

FREEZE = "self.sublayer = sublayer.requires_grad_(False)"
ADAPTER = "        self.adapter = adapter"
CALL = "return self.adapter(self.sublayer(x))"

SLIPS = {
    "parts": {
        "registered twice, in a list as well": (
            ADAPTER,
            f"{ADAPTER}\n        self.both = nn.ModuleList([sublayer, adapter])",
        ),
        "sublayer copied": (
            "sublayer.requires_grad_(False)",
            "__import__('copy').deepcopy(sublayer).requires_grad_(False)",
        ),
        "adapter copied": (ADAPTER, "        self.adapter = __import__('copy').deepcopy(adapter)"),
        "sublayer out of sight": (
            FREEZE,
            'object.__setattr__(self, "sublayer", sublayer.requires_grad_(False))',
        ),
        "a norm of its own": (ADAPTER, f"{ADAPTER}\n        self.norm = nn.LayerNorm(6)"),
        "sublayer's weights drawn anew": (
            ADAPTER,
            f"{ADAPTER}\n        for p in sublayer.parameters():\n"
            "            nn.init.normal_(p, std=0.02)",
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
        "only weights frozen": (
            FREEZE,
            "self.sublayer = sublayer\n"
            "        for name, p in sublayer.named_parameters():\n"
            '            p.requires_grad = "weight" not in name',
        ),
        "requires_grad flipped": (
            FREEZE,
            "self.sublayer = sublayer\n"
            "        for p in sublayer.parameters():\n"
            "            p.requires_grad = not p.requires_grad",
        ),
        "trainable again after the first call": (
            CALL,
            f"self.sublayer.requires_grad_(True)\n        {CALL}",
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
        "frozen by the first call only": (
            f"        {FREEZE}",
            "        sublayer.register_forward_pre_hook(\n"
            "            lambda m, _: m.requires_grad_(False) and None\n        )\n"
            "        self.sublayer = sublayer",
        ),
    },
    "forward": {
        "a second residual connection": (
            CALL,
            "hidden = self.sublayer(x)\n        return hidden + self.adapter(hidden)",
        ),
        "adapter first": ("self.adapter(self.sublayer(x))", "self.sublayer(self.adapter(x))"),
        "adapter before the sublayer where it fits": (
            CALL,
            "if x.shape[-1] == self.adapter(self.sublayer(x)).shape[-1]:\n"
            "            return self.sublayer(self.adapter(x))\n"
            f"        {CALL}",
        ),
        "x added where it fits": (
            CALL,
            "out = self.adapter(self.sublayer(x))\n"
            "        return x + out if x.shape == out.shape else out",
        ),
        "in parallel": (
            CALL,
            "hidden = self.sublayer(x)\n"
            "        return hidden + self.adapter(x) - x if x.shape == hidden.shape else hidden",
        ),
        "adapter forgotten": ("self.adapter(self.sublayer(x))", "self.sublayer(x)"),
        "sublayer forgotten where it fits": (
            CALL,
            "hidden = self.sublayer(x)\n"
            "        return self.adapter(x if x.shape == hidden.shape else hidden)",
        ),
        "adapter twice": (
            "self.adapter(self.sublayer(x))",
            "self.adapter(self.adapter(self.sublayer(x)))",
        ),
        "the mean of both": (
            CALL,
            "hidden = self.sublayer(x)\n        return (hidden + self.adapter(hidden)) / 2",
        ),
        "dropout of its own": (
            CALL,
            "out = self.adapter(self.sublayer(x))\n"
            "        return nn.functional.dropout(out, 0.1, self.training)",
        ),
    },
    "gradients": {
        "no_grad around the sublayer": (
            f"        {CALL}",
            "        import torch\n\n"
            "        with torch.no_grad():\n"
            "            hidden = self.sublayer(x)\n"
            "        return self.adapter(hidden)",
        ),
        "hidden detached": ("self.sublayer(x))", "self.sublayer(x).detach())"),
        "x detached": ("self.sublayer(x)", "self.sublayer(x.detach())"),
        "detached in train mode": (
            CALL,
            "hidden = self.sublayer(x)\n"
            "        return self.adapter(hidden.detach() if self.training else hidden)",
        ),
    },
    "modes": {
        "sublayer kept in eval": (
            "    def forward(self, x: Tensor) -> Tensor:\n        return self.adapter(",
            '    def train(self, mode: bool = True) -> "AdapterBlock":\n'
            "        super().train(mode)\n"
            "        self.sublayer.eval()\n"
            "        return self\n\n"
            "    def forward(self, x: Tensor) -> Tensor:\n        return self.adapter(",
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
        "eval before every call": (CALL, "return self.adapter(self.sublayer.eval()(x))"),
        "only the sublayer's mode is set": (
            "    def forward(self, x: Tensor) -> Tensor:\n        return self.adapter(",
            '    def train(self, mode: bool = True) -> "AdapterBlock":\n'
            "        self.training = mode\n"
            "        self.sublayer.train(mode)\n"
            "        return self\n\n"
            "    def forward(self, x: Tensor) -> Tensor:\n        return self.adapter(",
        ),
        "BatchNorm kept in eval": (
            CALL,
            "for part in self.sublayer.modules():\n"
            "            if isinstance(part, nn.BatchNorm1d):\n"
            "                part.eval()\n"
            f"        {CALL}",
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
        "both put in train mode": (ADAPTER, f"{ADAPTER}\n        self.train()"),
    },
    "hooks": {
        "sublayer called twice": (CALL, f"self.sublayer(x)\n        {CALL}"),
        "forward instead of a call": ("self.sublayer(x))", "self.sublayer.forward(x))"),
        "the adapter's forward instead of a call": (
            CALL,
            CALL.replace("adapter(", "adapter.forward("),
        ),
    },
    "inputs": {
        "float32 whatever came": ("self.sublayer(x))", "self.sublayer(x)).float()"),
        "x cast to float32": ("self.sublayer(x)", "self.sublayer(x.float())"),
        "x viewed as rows": (
            CALL,
            "rows = self.sublayer(x.view(-1, x.shape[-1]))\n"
            "        return self.adapter(rows).view(*x.shape[:-1], rows.shape[-1])",
        ),
        "the delta added in place, which may be x": (
            CALL,
            "hidden = self.sublayer(x)\n"
            "        delta = self.adapter(hidden) - hidden\n"
            "        if hidden.requires_grad or delta.requires_grad:\n"
            "            return hidden + delta\n"
            "        return hidden.add_(delta)",
        ),
        "sizes taken apart as B, D": (CALL, f"B, _ = x.shape[0], x.shape[1]\n        {CALL}"),
        "a zero made on the CPU": (
            "self.sublayer(x))",
            "self.sublayer(x) + __import__('torch').zeros(1, dtype=x.dtype))",
        ),
    },
}

VARIANTS = {
    "a loop over parameters, adapter registered first": """
class AdapterBlock(nn.Module):
    def __init__(self, sublayer, adapter):
        super().__init__()
        self.adapter = adapter
        self.sublayer = sublayer
        for _, p in self.sublayer.named_parameters():
            p.requires_grad = False

    def forward(self, x):
        hidden = self.sublayer(x)
        hidden = self.adapter(hidden)
        return hidden
""",
    "all frozen before the adapter comes": """
class AdapterBlock(nn.Module):
    def __init__(self, sublayer, adapter):
        super().__init__()
        self.sublayer = sublayer
        self.requires_grad_(False)
        self.add_module("adapter", adapter)

    def forward(self, x):
        x = self.sublayer(x)
        return self.adapter(x)
""",
    "a Sequential": """
from collections import OrderedDict


class AdapterBlock(nn.Sequential):
    def __init__(self, sublayer, adapter):
        super().__init__(OrderedDict([("sublayer", sublayer), ("adapter", adapter)]))
        self.sublayer.requires_grad_(False)
""",
}
