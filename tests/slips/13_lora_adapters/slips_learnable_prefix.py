"""Mistakes by the label that must refuse them, and second right answers."""

DRAWN = "torch.randn(prefix_len, d_model)"
PARAMETER = f"nn.Parameter({DRAWN} * 0.02)"
SHOWN = "self.prefix.to(x.dtype).expand(len(x), -1, -1)"
CAT = "return torch.cat([prefix, x], dim=1)"
TEST = "if x.ndim != 3:"

SLIPS = {
    "parts": {
        "an embedding and positions": (
            f"self.prefix = {PARAMETER}",
            f"self.prefix = {PARAMETER}\n"
            '        self.register_buffer("positions", torch.arange(prefix_len))',
        ),
        "a plain tensor": (PARAMETER, f"{DRAWN} * 0.02"),
        "a buffer": (
            f"self.prefix = {PARAMETER}",
            f'self.register_buffer("prefix", {DRAWN} * 0.02)',
        ),
        "a batch dim in the parameter": (DRAWN, "torch.randn(1, prefix_len, d_model)"),
        "P and D swapped": (DRAWN, "torch.randn(d_model, prefix_len)"),
        "frozen": (PARAMETER, f"nn.Parameter({DRAWN} * 0.02, requires_grad=False)"),
        "an Embedding": """
class LearnablePrefix(nn.Module):
    def __init__(self, prefix_len, d_model):
        super().__init__()
        if prefix_len < 1:
            raise ValueError(prefix_len)
        self.prefix = nn.Embedding(prefix_len, d_model)
        nn.init.normal_(self.prefix.weight, std=0.02)

    def forward(self, x):
        prefix = self.prefix.weight.to(x.dtype).expand(len(x), -1, -1)
        return torch.cat([prefix, x], dim=1)
""",
        "an MLP that nobody uses": (
            f"self.prefix = {PARAMETER}",
            f"self.prefix = {PARAMETER}\n        self.mlp = nn.Linear(d_model, d_model)",
        ),
        "kept in a buffer by the call": (
            f"        {CAT}",
            f'        self.register_buffer("last", prefix.detach())\n        {CAT}',
        ),
    },
    "start": {
        "zeros": ("torch.randn(prefix_len", "torch.zeros(prefix_len"),
        "not initialized": ("torch.randn(prefix_len", "torch.empty(prefix_len"),
        "uniform": ("torch.randn(prefix_len", "torch.rand(prefix_len"),
        "uniform of the same deviation": (
            f"{DRAWN} * 0.02",
            "(torch.rand(prefix_len, d_model) - 0.5) * 0.02 * 12**0.5",
        ),
        "standard normal": (" * 0.02", ""),
        "0.02 as the mean": (" * 0.02", " + 0.02"),
        "0.02 as the variance": (" * 0.02", " * 0.02**0.5"),
        "Xavier": (" * 0.02", " * (2 / (prefix_len + d_model)) ** 0.5"),
        "divided by the square root of D": (" * 0.02", " / d_model**0.5"),
        "one vector repeated": (DRAWN, "torch.randn(1, d_model).repeat(prefix_len, 1)"),
        "a generator of its own": (
            DRAWN,
            "torch.randn(prefix_len, d_model, generator=torch.Generator().manual_seed(0))",
        ),
        "a seed of its own": (
            f"        self.prefix = {PARAMETER}",
            f"        torch.manual_seed(0)\n        self.prefix = {PARAMETER}",
        ),
    },
    "forward": {
        "prefix last": ("[prefix, x]", "[x, prefix]"),
        "on the batch dim": ("dim=1)", "dim=0)"),
        "on the feature dim": ("dim=1)", "dim=2)"),
        "prefix before the first sequence only": (
            CAT,
            "keep = torch.arange(len(x), device=x.device) == 0\n"
            "        return torch.cat([prefix * keep[:, None, None], x], dim=1)",
        ),
        "cut off at L": ("dim=1)  #", "dim=1)[:, : x.shape[1]]  #"),
        "x's first P vectors replaced": ("[prefix, x]", "[prefix, x[:, prefix.shape[1] :]]"),
        "positions added": (
            CAT,
            "out = torch.cat([prefix, x], dim=1)\n"
            "        return out + torch.arange(out.shape[1]).to(x)[:, None]",
        ),
        "prefix added to x": (
            CAT,
            "return torch.cat([prefix, x + self.prefix.mean(0).to(x.dtype)], dim=1)",
        ),
        "prefix added to the first P of x": (CAT, "return x + prefix[:, :1]"),
        "only while training": (
            "        prefix = self.prefix",
            "        if not self.training:\n            return x\n        prefix = self.prefix",
        ),
        "expanded in train mode only": (
            SHOWN,
            "self.prefix.to(x.dtype).expand(len(x) if self.training else 1, -1, -1)",
        ),
        "prefix in reverse": (CAT, "return torch.cat([prefix.flip(1), x], dim=1)"),
        "dropout on the prefix": (
            CAT,
            "prefix = nn.functional.dropout(prefix, 0.1, self.training)\n        " + CAT,
        ),
        "not expanded": (SHOWN, "self.prefix.to(x.dtype)[None]"),
    },
    "gradients": {
        "no gradient in eval mode": (
            SHOWN,
            "(self.prefix if self.training else self.prefix.detach())"
            ".to(x.dtype).expand(len(x), -1, -1)",
        ),
        "gradient of the mean": (
            CAT,
            "n = max(len(x), 1)\n"
            "        prefix = prefix / n + prefix.detach() * (1 - 1 / n)\n"
            f"        {CAT}",
        ),
        "x's gradient cut": ("[prefix, x], dim=1)", "[prefix, x.detach()], dim=1)"),
        "prefix's gradient cut": ("self.prefix.to(", "self.prefix.data.to("),
        "the first values kept": (
            f"        prefix = {SHOWN}",
            "        if not hasattr(self, 'seen'):\n"
            "            self.seen = self.prefix.detach().to(x.dtype)\n"
            "        prefix = self.seen.expand(len(x), -1, -1)",
        ),
        "only the first sequence trains it": (
            CAT,
            "prefix = torch.cat([prefix[:1], prefix[1:].detach()])\n        " + CAT,
        ),
    },
    "dtypes": {
        "dtype promoted by cat": ("self.prefix.to(x.dtype)", "self.prefix"),
        "x cast to prefix's dtype": (
            "[prefix, x], dim=1)",
            "[prefix, x.to(self.prefix.dtype)], dim=1)",
        ),
        "cast by way of bfloat16": (
            f"prefix = {SHOWN}",
            "prefix = self.prefix.to(torch.bfloat16).to(x.dtype).expand(len(x), -1, -1)",
        ),
        "the module cast to x's dtype": ("self.prefix.to(x.dtype)", "self.to(x.dtype).prefix"),
        "the first cast kept": (
            f"        prefix = {SHOWN}",
            "        if not hasattr(self, 'cast'):\n"
            "            self.cast = self.prefix.to(x.dtype)\n"
            "        prefix = self.cast.expand(len(x), -1, -1)",
        ),
        "a float32 result made first": (
            CAT,
            "out = torch.empty(len(x), prefix.shape[1] + x.shape[1], x.shape[2])\n"
            "        out[:, : prefix.shape[1]], out[:, prefix.shape[1] :] = prefix, x\n"
            "        return out",
        ),
    },
    "inputs": {
        "stacked, at least one": (
            SHOWN,
            "self.prefix.to(x.dtype).expand(max(len(x), 1), -1, -1)",
        ),
        "a loop over sequences, stacked": (
            CAT,
            "return torch.stack([torch.cat([p, s]) for p, s in zip(prefix, x)])",
        ),
        "x viewed as rows": (CAT, f"x = x.view(-1, x.shape[-1]).view(x.shape)\n        {CAT}"),
        "x's first vectors overwritten": (
            CAT,
            "out = torch.cat([prefix, x], dim=1)\n"
            "        if not out.requires_grad:\n            x.zero_()\n        return out",
        ),
    },
    "memory": {
        "prefix repeated": (".expand(len(x), -1, -1)", ".repeat(len(x), 1, 1)"),
        "stacked once for each sequence": (
            SHOWN,
            "torch.stack([self.prefix.to(x.dtype)] * max(len(x), 1))[: len(x)]",
        ),
        "expand made contiguous": ("(len(x), -1, -1)", "(len(x), -1, -1).contiguous()"),
        "cast after cat": (
            f"prefix = {SHOWN}",
            "prefix = self.prefix.expand(len(x), -1, -1)\n"
            "        return torch.cat([prefix, x], dim=1).to(x.dtype)",
        ),
        "x made contiguous": ("[prefix, x]", "[prefix, x.contiguous()]"),
        "x copied": ("[prefix, x]", "[prefix, x.clone()]"),
    },
    "errors": {
        "a prefix of nothing": ("if prefix_len < 1:", "if prefix_len < 0:"),
        "prefix_len asserted": (
            "if prefix_len < 1:\n            raise ValueError(",
            "assert prefix_len >= 1, (",
        ),
        "one vector too long is cut": (
            "[prefix, x], dim=1)",
            "[prefix, x[..., : prefix.shape[-1]]], dim=1)",
        ),
        "x of last size 1 repeated": (
            "        prefix = self.prefix",
            "        x = x.expand(*x.shape[:-1], self.prefix.shape[1])\n"
            "        prefix = self.prefix",
        ),
        "one sequence without a batch accepted": (
            f"        {TEST}",
            f"        x = x if x.ndim > 2 else x.unsqueeze(0)\n        {TEST}",
        ),
        "no test of the number of sizes": (TEST, "if False:"),
    },
}

VARIANTS = {
    "one sequence after the other": (
        f"        prefix = {SHOWN}  # (B, P, D), a view\n"
        f"        {CAT}  # sizes that do not fit: RuntimeError",
        "        if x.ndim != 3 or x.shape[2] != self.prefix.shape[1]:\n"
        "            raise ValueError(x.shape)\n"
        "        prefix = self.prefix.type_as(x)\n"
        "        if len(x) == 0:\n"
        "            return x.new_empty(0, len(prefix) + x.shape[1], x.shape[2])\n"
        "        return torch.stack([torch.cat((prefix, sequence)) for sequence in x])",
    ),
    "written into an empty result": """
class LearnablePrefix(nn.Module):
    def __init__(self, prefix_len, d_model):
        super().__init__()
        if prefix_len <= 0:
            raise ValueError(prefix_len)
        self.prefix = nn.Parameter(torch.empty(prefix_len, d_model))
        nn.init.trunc_normal_(self.prefix, std=0.02)

    def forward(self, x):
        B, L, D = x.shape
        P, d_model = self.prefix.shape
        if D != d_model:
            raise ValueError(f"x has {D} features, want {d_model}")
        out = x.new_empty(B, P + L, D)
        out[:, :P] = self.prefix
        out[:, P:] = x
        return out
""",
    "a textbook answer": """
class LearnablePrefix(nn.Module):
    def __init__(self, prefix_len, d_model):
        super().__init__()
        if prefix_len < 1:
            raise ValueError("prefix_len must be at least 1")
        self.prefix = nn.Parameter(torch.empty(prefix_len, d_model))
        nn.init.normal_(self.prefix, mean=0.0, std=0.02)

    def forward(self, x):
        if x.dim() != 3:
            raise ValueError("x must be (B, L, D)")
        batch = x.size(0)
        prefix = self.prefix.unsqueeze(0).to(dtype=x.dtype).expand(batch, -1, -1)
        return torch.cat((prefix, x), dim=1)
""",
    "a broadcast view": (
        SHOWN,
        "self.prefix[None].to(x).broadcast_to(x.shape[0], *self.prefix.shape)",
    ),
}
