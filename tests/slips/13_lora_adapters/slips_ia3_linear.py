"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "parts": {
        "base copied": (
            "base.requires_grad_(False)",
            "__import__('copy').deepcopy(base).requires_grad_(False)",
        ),
        "one factor for the layer": ("new_ones(base.out_features)", "new_ones(1)"),
        "factors of the inputs": """
class IA3Linear(nn.Module):
    def __init__(self, base):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.scale = nn.Parameter(base.weight.new_ones(base.in_features))
        self.train(base.training)

    def forward(self, x):
        return self.base(x * self.scale)
""",
        "shape (out, 1)": ("new_ones(base.out_features)", "new_ones(base.out_features, 1)"),
        "shape (1, out)": ("new_ones(base.out_features)", "new_ones(1, base.out_features)"),
        "a plain tensor": (
            "nn.Parameter(base.weight.new_ones(base.out_features))",
            "base.weight.new_ones(base.out_features)",
        ),
        "a buffer": (
            "self.scale = nn.Parameter(base.weight.new_ones(base.out_features))",
            'self.register_buffer("scale", base.weight.new_ones(base.out_features))',
        ),
        "base not registered": ("self.base = base.req", 'self.__dict__["base"] = base.req'),
        "scale under another name": """
class IA3Linear(IA3Linear):
    def __init__(self, base):
        super().__init__(base)
        self.ia3 = self._parameters.pop("scale")

    def forward(self, x):
        return self.base(x) * self.ia3
""",
        "ones like the bias": (
            "base.weight.new_ones(base.out_features)",
            "__import__('torch').ones_like(base.bias)",
        ),
    },
    "start": {
        "zeros": ("new_ones", "new_zeros"),
        "random": (
            "base.weight.new_ones(base.out_features)",
            "base.weight.new_empty(base.out_features).normal_(1, 0.02)",
        ),
        "one more": ("* self.scale", "* (1 + self.scale)"),
        "added": ("* self.scale", "+ self.scale"),
        "zeros, and one more in forward": """
class IA3Linear(IA3Linear):
    def __init__(self, base):
        super().__init__(base)
        nn.init.zeros_(self.scale)

    def forward(self, x):
        return self.base(x) * (1 + self.scale)
""",
    },
    "value": {
        "size of the factors": ("* self.scale", "* self.scale.abs()"),
        "bias not scaled": (
            "self.base(x) * self.scale",
            "nn.functional.linear(x, self.base.weight) * self.scale"
            " + (0 if self.base.bias is None else self.base.bias)",
        ),
        "divided": ("* self.scale", "/ self.scale"),
        "factors along the batch": (
            "* self.scale",
            "* (self.scale[:, None] if x.ndim == 2 and len(x) == len(self.scale) else self.scale)",
        ),
        "weights scaled in place": """
class IA3Linear(nn.Module):
    def __init__(self, base):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.scale = nn.Parameter(base.weight.new_ones(base.out_features))
        self.train(base.training)

    def forward(self, x):
        self.base.weight.data.mul_(self.scale.data[:, None])
        return self.base(x) + 0 * self.scale
""",
        "base's bias remembered": (
            "self.base(x)",
            "nn.functional.linear(x, self.base.weight,"
            " self.__dict__.setdefault('kept', [self.base.bias])[0])",
        ),
        "factors normalized": (
            "* self.scale",
            "* self.scale / self.scale.mean()",
        ),
    },
    "frozen": {
        "base still trains": ("base.requires_grad_(False)", "base"),
        "only the base's weight frozen": (
            "self.base = base.requires_grad_(False)",
            "self.base = base\n        base.weight.requires_grad_(False)",
        ),
        "factors frozen": (
            "self.train(base.training)",
            "self.train(base.training).requires_grad_(False)",
        ),
        "result scaled without gradient": ("* self.scale", "* self.scale.detach()"),
        "requires_grad set on the module": (
            "base.requires_grad_(False)",
            "base\n        self.base.requires_grad = False",
        ),
    },
    "training": {
        "no gradient through the base": (
            "self.base(x) * self.scale",
            "self.base(x).detach() * self.scale",
        ),
        "no gradient in eval mode": (
            "return self.base(x) * self.scale",
            "y = self.base(x) * self.scale\n        return y if self.training else y.detach()",
        ),
        "base called under no_grad": (
            "return self.base(x) * self.scale",
            "with __import__('torch').no_grad():\n            out = self.base(x)\n"
            "        return out * self.scale",
        ),
        "base of a detached x": ("self.base(x)", "self.base(x.detach())"),
    },
    "dtypes": {
        "float32 factors": (
            "base.weight.new_ones(base.out_features)",
            "base.weight.new_ones(base.out_features).float()",
        ),
        "factors on the CPU": (
            "new_ones(base.out_features)",
            'new_ones(base.out_features, device="cpu")',
        ),
        "a Parameter, then moved": (
            "nn.Parameter(base.weight.new_ones(base.out_features))",
            "nn.Parameter(base.weight.new_ones(base.out_features, device='cpu'))"
            ".to(base.weight.device)",
        ),
        "result in float32": ("self.base(x) *", "self.base(x).float() *"),
        "factors in the default dtype": (
            "base.weight.new_ones(base.out_features)",
            "__import__('torch').ones(base.out_features, device=base.weight.device)",
        ),
    },
    "inputs": {
        "batches of a size only": (
            "self.base(x)",
            "self.base(x.reshape(len(x), -1, x.shape[-1]).view_as(x) if x.ndim > 1 else x)",
        ),
        "result scaled row by row": (
            "return self.base(x) * self.scale",
            "return (self.base(x).view(-1, len(self.scale)) * self.scale).view(*x.shape[:-1], -1)",
        ),
        "x taken apart by view": (
            "self.base(x)",
            "self.base(x.view(-1, x.shape[-1])).view(*x.shape[:-1], len(self.scale))",
        ),
        "x clamped in place": ("self.base(x)", "self.base(x.data.clamp_(-1.0, 1.0))"),
        "factors as a row": ("* self.scale", "* self.scale.view(1, -1)"),
    },
    "modes": {
        "train mode whatever base's": ("self.train(base.training)", "self.train()"),
        "only in train mode": ("* self.scale", "* (self.scale if self.training else 1)"),
        "eval mode": ("self.train(base.training)", "self.eval()"),
        "base set to eval": ("self.train(base.training)", "base.eval()"),
        "merged into base by eval()": """
class IA3Linear(IA3Linear):
    merged = False

    def train(self, mode=True):
        super().train(mode)
        if mode == self.merged:
            self.merged = not mode
            with torch.no_grad():
                for p in self.base.parameters():
                    p.T.mul_(1 / self.scale if mode else self.scale)
        return self

    def forward(self, x):
        return self.base(x) if self.merged else super().forward(x)

import torch
""",
    },
    "memory": {
        "merged weight in forward": (
            "self.base(x) * self.scale",
            "nn.functional.linear(x, self.base.weight * self.scale[:, None], "
            "None if self.base.bias is None else self.base.bias * self.scale)",
        ),
        "merged weight under no_grad": (
            "        return self.base(x) * self.scale",
            "        if not __import__('torch').is_grad_enabled():\n"
            "            weight, bias = self.base.weight * self.scale[:, None], self.base.bias\n"
            "            bias = None if bias is None else bias * self.scale\n"
            "            return nn.functional.linear(x, weight, bias)\n"
            "        return self.base(x) * self.scale",
        ),
        "merged weight in eval mode": (
            "        return self.base(x) * self.scale",
            "        if not self.training:\n"
            "            weight, bias = self.base.weight * self.scale[:, None], self.base.bias\n"
            "            bias = None if bias is None else bias * self.scale\n"
            "            return nn.functional.linear(x, weight, bias)\n"
            "        return self.base(x) * self.scale",
        ),
        "a diagonal matrix": ("* self.scale", "@ self.scale.diag()"),
    },
}

VARIANTS = {
    "clone of a row": """
class IA3Linear(nn.Module):
    def __init__(self, base):
        super().__init__()
        self.base = base
        for p in base.parameters():
            p.requires_grad = False
        row = base.weight.detach()[:, 0]
        self.scale = nn.Parameter(torch.ones_like(row))
        self.training = base.training

    def forward(self, x):
        return torch.einsum("...o,o->...o", self.base(x), self.scale)

import torch
""",
    "library call": """
class IA3Linear(nn.Module):
    def __init__(self, base):
        super().__init__()
        self.add_module("base", base)
        base.requires_grad_(False)
        ones = torch.ones(base.out_features, dtype=base.weight.dtype, device=base.weight.device)
        self.register_parameter("scale", nn.Parameter(ones))
        self.train(base.training)

    def forward(self, x):
        out = torch.nn.functional.linear(x, self.base.weight, self.base.bias)
        return torch.mul(self.scale, out)

import torch
""",
    "the bias last": (
        "return self.base(x) * self.scale  # (*, out)",
        "out = nn.functional.linear(x, self.base.weight) * self.scale\n"
        "        return out if self.base.bias is None else out + self.base.bias * self.scale",
    ),
    "transposed, one sum": (
        "self.base(x) * self.scale",
        "(x @ self.base.weight.T + (0 if self.base.bias is None else self.base.bias)) * self.scale",
    ),
    "the product in place": ("self.base(x) * self.scale", "self.base(x).mul_(self.scale)"),
}
