"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "parameters": {
        "weights of zero": (
            "out)\n\n    def forward",
            "out)\n        nn.init.zeros_(self.linear.weight)\n\n    def forward",
        ),
        "no bias": ("in_a + in_b, out)", "in_a + in_b, out, bias=False)"),
        "two layers": (
            "nn.Linear(in_a + in_b, out)",
            "nn.Sequential(nn.Linear(in_a + in_b, out), nn.Linear(out, out))",
        ),
        "layer in a list": """
class ConcatBlock(nn.Module):
    def __init__(self, in_a, in_b, out):
        super().__init__()
        self.layers = [nn.Linear(in_a + in_b, out)]

    def forward(self, a, b):
        return self.layers[0](torch.cat([a, b], dim=-1))
""",
        "a new layer in each call": """
class ConcatBlock(nn.Module):
    def __init__(self, in_a, in_b, out):
        super().__init__()
        self.out = out

    def forward(self, a, b):
        joined = torch.cat([a, b], dim=-1)
        return nn.Linear(joined.shape[-1], self.out)(joined)
""",
        "a layer that waits for its first input": (
            "nn.Linear(in_a + in_b, out)",
            "nn.LazyLinear(out)",
        ),
        "weights from N(0, 1)": (
            "out)\n\n    def forward",
            "out)\n        nn.init.normal_(self.linear.weight)\n\n    def forward",
        ),
        "frozen bias": (
            "out)\n\n    def forward",
            "out)\n        self.linear.bias.requires_grad_(False)\n\n    def forward",
        ),
        "the same numbers in each block": (
            "super().__init__()",
            "super().__init__()\n        torch.manual_seed(0)",
        ),
        "weights from Xavier's formula": (
            "out)\n\n    def forward",
            "out)\n        nn.init.xavier_uniform_(self.linear.weight)\n\n    def forward",
        ),
        "bias of zero": (
            "out)\n\n    def forward",
            "out)\n        nn.init.zeros_(self.linear.bias)\n\n    def forward",
        ),
        "a second layer that is never used": (
            "self.linear = nn.Linear(in_a + in_b, out)",
            "self.linear = nn.Linear(in_a + in_b, out)\n        self.spare = nn.Linear(in_a, out)",
        ),
        "a layer for each input": """
class ConcatBlock(nn.Module):
    def __init__(self, in_a, in_b, out):
        super().__init__()
        self.of_a, self.of_b = nn.Linear(in_a, out), nn.Linear(in_b, out)

    def forward(self, a, b):
        return self.of_a(a) + self.of_b(b)
""",
        "a bilinear layer": """
class ConcatBlock(nn.Module):
    def __init__(self, in_a, in_b, out):
        super().__init__()
        self.layer = nn.Bilinear(in_a, in_b, out)

    def forward(self, a, b):
        return self.layer(a, b)
""",
        "a layer made in the first call": """
class ConcatBlock(nn.Module):
    def __init__(self, in_a, in_b, out):
        super().__init__()
        self.layer, self.out = None, out

    def forward(self, a, b):
        joined = torch.cat([a, b], dim=-1)
        self.layer = self.layer or nn.Linear(joined.shape[-1], self.out).to(joined)
        return self.layer(joined)
""",
        "weight of shape (in, out)": """
class ConcatBlock(nn.Module):
    def __init__(self, in_a, in_b, out):
        super().__init__()
        like = nn.Linear(in_a + in_b, out)
        self.W, self.b = nn.Parameter(like.weight.detach().T.clone()), like.bias

    def forward(self, a, b):
        return torch.cat([a, b], dim=-1) @ self.W + self.b
""",
    },
    "values": {
        "b first": ("torch.cat([a, b], dim=-1)", "torch.cat([b, a], dim=-1)"),
        "a forgotten": ("torch.cat([a, b], dim=-1)", "torch.cat([torch.zeros_like(a), b], dim=-1)"),
        "b of the wrong sample": (
            "torch.cat([a, b], dim=-1)",
            "torch.cat([a, b.roll(1, 0) if b.ndim > 1 else b], dim=-1)",
        ),
        "a ReLU": ("dim=-1))", "dim=-1)).relu()"),
        "result clamped": ("dim=-1))", "dim=-1)).clamp(-10, 10)"),
        "a and b interleaved": (
            "torch.cat([a, b], dim=-1)",
            "torch.cat([a[..., :1], b, a[..., 1:]], dim=-1)",
        ),
        "features normalized first": (
            "torch.cat([a, b], dim=-1)",
            "nn.functional.layer_norm(torch.cat([a, b], dim=-1), [self.linear.in_features])",
        ),
        "bias added twice": ("dim=-1))", "dim=-1)) + self.linear.bias"),
        "a ReLU on the inputs": ("[a, b], dim=-1)", "[a, b], dim=-1).relu()"),
    },
    "leading": {
        "sizes of 1 squeezed away": ("dim=-1))", "dim=-1)).squeeze()"),
        "cat on dim 1": ("[a, b], dim=-1", "[a, b], dim=1"),
        "cat on the batch dim": ("[a, b], dim=-1", "[a, b], dim=0"),
        "batch flattened": (
            "torch.cat([a, b], dim=-1)",
            "torch.cat([a.flatten(0, -2), b.flatten(0, -2)], dim=-1)",
        ),
        "positions averaged": (
            "dim=-1))",
            "dim=-1)).flatten(1, -2).mean(1) if a.ndim > 2 else "
            "self.linear(torch.cat([a, b], dim=-1))",
        ),
        "two dims demanded": (
            "        return self.linear",
            "        if a.ndim != 2:\n"
            "            raise ValueError('a is no batch')\n"
            "        return self.linear",
        ),
        "hstack": ("torch.cat([a, b], dim=-1)", "torch.hstack([a, b])"),
        "all dims of a sample flattened": (
            "torch.cat([a, b], dim=-1)",
            "torch.cat([t.reshape(len(t), -1) for t in (a, b)], dim=1)",
        ),
        "last size of 1 squeezed away": ("dim=-1))", "dim=-1)).squeeze(-1)"),
    },
    "gradients": {
        "gradient of b cut": ("[a, b]", "[a, b.detach()]"),
        "gradients in train mode only": (
            "return self.linear",
            "with torch.set_grad_enabled(self.training):\n            return self.linear",
        ),
        "gradient of a cut": ("[a, b]", "[a.detach(), b]"),
        "weight used without its gradient": (
            "self.linear(torch.cat([a, b], dim=-1))",
            "nn.functional.linear(torch.cat([a, b], dim=-1), self.linear.weight.data, "
            "self.linear.bias)",
        ),
        "no gradients at all": (
            "        return self.linear",
            "        with torch.no_grad():\n            return self.linear",
        ),
    },
    "sizes": {
        "one layer for each, batch of one repeated": (
            "self.linear(torch.cat([a, b], dim=-1))",
            "a @ self.linear.weight[:, : self.in_a].T + nn.functional.linear("
            "b, self.linear.weight[:, self.in_a :], self.linear.bias)",
        ),
        "expanded to one batch": (
            "return self.linear",
            "lead = torch.broadcast_shapes(a.shape[:-1], b.shape[:-1])\n"
            "        a, b = a.expand(*lead, -1), b.expand(*lead, -1)\n        return self.linear",
        ),
        "rows flattened and restored": (
            "self.linear(torch.cat([a, b], dim=-1))",
            "self.linear(torch.cat([a.reshape(-1, self.in_a), b.reshape(-1, b.shape[-1])], 1))"
            ".reshape(*a.shape[:-1], self.linear.out_features)",
        ),
        "b reshaped to the batch of a": (
            "return self.linear",
            "b = b.reshape(*a.shape[:-1], self.linear.in_features - self.in_a)\n"
            "        return self.linear",
        ),
        "one b for the whole batch": (
            "return self.linear",
            "if b.ndim == 1:\n            b = b.expand(*a.shape[:-1], -1)\n"
            "        return self.linear",
        ),
        "missing dims of b filled in front": (
            "return self.linear",
            "while b.ndim < a.ndim:\n            b = b.unsqueeze(0)\n        return self.linear",
        ),
        "missing dims of b expanded": (
            "return self.linear",
            "if b.ndim < a.ndim:\n            b = b.expand(*a.shape[:-1], -1)\n"
            "        return self.linear",
        ),
        "missing dims of a filled in front": (
            "return self.linear",
            "while a.ndim < b.ndim:\n            a = a.unsqueeze(0)\n        return self.linear",
        ),
        "one b for all positions": (
            "return self.linear",
            "if b.ndim == 2 and a.ndim == 3:\n"
            "            b = b.unsqueeze(1).expand(-1, a.shape[1], -1)\n        return self.linear",
        ),
        "longer batch cut off": (
            "        return self.linear",
            "        n = min(len(a), len(b))\n"
            "        if a.ndim > 1 and b.ndim > 1:\n"
            "            a, b = a[:n], b[:n]\n"
            "        return self.linear",
        ),
        "only the first sizes compared": (
            "        return self.linear",
            "        if a.shape[:1] == b.shape[:1] and a.ndim == b.ndim > 2:\n"
            "            b = b.expand(*a.shape[:-1], -1)\n"
            "        return self.linear",
        ),
    },
    "features": {
        "swapped inputs not noticed": ("if a.shape[-1] != self.in_a:", "if False:"),
        "a bare assert as a guard": (
            "if a.shape[-1] != self.in_a:\n            raise ValueError(",
            "assert a.shape[-1] == self.in_a, (",
        ),
        "too many features cut off": (
            "return self.linear",
            "b = b[..., : self.linear.in_features - self.in_a]\n        return self.linear",
        ),
        "missing features filled with zeros": (
            "        return self.linear",
            "        b = nn.functional.pad(b, (0, self.linear.in_features - self.in_a "
            "- b.shape[-1]))\n        return self.linear",
        ),
        "swapped inputs put right": (
            "        if a.shape[-1] != self.in_a:",
            "        if b.shape[-1] == self.in_a:\n"
            "            a, b = b, a\n"
            "        if a.shape[-1] != self.in_a:",
        ),
        "swapped inputs noticed in a batch only": (
            "if a.shape[-1] != self.in_a:",
            "if a.ndim > 1 and a.shape[-1] != self.in_a:",
        ),
        "only the sum of features compared": (
            "if a.shape[-1] != self.in_a:",
            "if a.shape[-1] + b.shape[-1] != self.linear.in_features:",
        ),
    },
    "dtypes": {
        "float32 whatever came": ("[a, b], dim=-1))", "[a, b], dim=-1)).float()"),
        "computed in float32 and cast back": (
            "self.linear(torch.cat([a, b], dim=-1))",
            "nn.functional.linear(torch.cat([a, b], dim=-1).float(), "
            "self.linear.weight.float(), self.linear.bias.float()).to(a.dtype)",
        ),
        "float64 whatever came": ("dim=-1))", "dim=-1)).double()"),
        "a buffer in float32": (
            "torch.cat([a, b], dim=-1)",
            "torch.cat([a, b], dim=-1) * torch.ones(self.linear.in_features, device=a.device)",
        ),
    },
    "inputs": {
        "dropout": (
            "torch.cat([a, b], dim=-1)",
            "nn.functional.dropout(torch.cat([a, b], dim=-1), 0.1, self.training)",
        ),
        "joined on the CPU": (
            "torch.cat([a, b], dim=-1)",
            "torch.cat([a, b], dim=-1, out=torch.empty(*a.shape[:-1], self.linear.in_features))",
        ),
        "a normalized in place": (
            "return self.linear",
            "a -= a.detach().mean()\n        return self.linear",
        ),
        "moved to the CPU": ("[a, b]", "[a.cpu(), b.cpu()]"),
        "b scaled in place": (
            "        return self.linear",
            "        b.data.mul_(0.5)\n        return self.linear",
        ),
        "a viewed as rows": ("[a, b]", "[a.view(-1).view(a.shape), b]"),
        "half as much in eval mode": ("dim=-1))", "dim=-1)) * (1.0 if self.training else 0.5)"),
    },
}

VARIANTS = {
    "a product for each input": """
class ConcatBlock(nn.Module):
    def __init__(self, in_a, in_b, out):
        super().__init__()
        self.sizes = (in_a, in_b)
        self.layer = nn.Linear(sum(self.sizes), out)

    def forward(self, a, b):
        if (a.shape[-1], b.shape[-1]) != self.sizes or a.shape[:-1] != b.shape[:-1]:
            raise RuntimeError(f"{a.shape} and {b.shape}")
        for_a, for_b = self.layer.weight.split(self.sizes, dim=1)
        return nn.functional.linear(a, for_a, self.layer.bias) + nn.functional.linear(b, for_b)
""",
    "parameters by hand, joined by slices": """
class ConcatBlock(nn.Module):
    def __init__(self, in_a, in_b, out):
        super().__init__()
        bound = (in_a + in_b) ** -0.5
        self.shift = nn.Parameter(torch.empty(out).uniform_(-bound, bound))
        self.matrix = nn.Parameter((2 * torch.rand(out, in_a + in_b) - 1) * bound)
        self.in_a, self.in_b = in_a, in_b

    def forward(self, a, b):
        if list(a.shape) != [*b.shape[:-1], self.in_a] or b.shape[-1] != self.in_b:
            raise ValueError("sizes do not fit")
        joined = a.new_empty(*a.shape[:-1], self.in_a + self.in_b)
        joined[..., : self.in_a] = a
        joined[..., self.in_a :] = b
        return torch.einsum("...i,oi->...o", joined, self.matrix) + self.shift
""",
    "a linear layer that joins first": """
class ConcatBlock(nn.Linear):
    def __init__(self, in_a, in_b, out):
        super().__init__(in_a + in_b, out)
        self.in_b = in_b

    def forward(self, a, b):
        if b.size(-1) != self.in_b:
            raise ValueError(f"b has {b.size(-1)} features")
        return super().forward(torch.concat((a, b), dim=a.ndim - 1))
""",
    "numbers read to look at them": (
        "        return self.linear",
        "        if not (a.isfinite().all() and b.isfinite().all()):\n"
        "            print(a.sum().item())\n"
        "        return self.linear",
    ),
    "two layers side by side, parts in another order": """
class ConcatBlock(nn.Module):
    def __init__(self, in_a, in_b, out):
        super().__init__()
        made = nn.Linear(in_a + in_b, out)
        self.bias = made.bias
        self.weight = made.weight
        self.in_a = in_a

    def forward(self, a, b):
        if a.shape[:-1] != b.shape[:-1] or a.shape[-1] != self.in_a:
            raise ValueError(f"a {a.shape}, b {b.shape}")
        return nn.functional.linear(torch.cat([a, b], a.dim() - 1), self.weight, self.bias)
""",
}
