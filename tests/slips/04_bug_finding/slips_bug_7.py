"""Mistakes by the label that must refuse them, and second right answers."""

SLIPS = {
    "values": {
        "a sum for a product": ("h = h * torch", "h = h + torch"),
        "product dropped": (
            "h = h * torch.sigmoid(self.gate(y))",
            "h * torch.sigmoid(self.gate(y))",
        ),
        "gate dropped": ("        h = h * torch.sigmoid(self.gate(y))\n", ""),
        "tanh dropped": ("torch.tanh(self.value(y))", "self.value(y)"),
        "tanh after the gate": (
            "h = torch.tanh(self.value(y))  # (*, H)\n"
            "        h = h * torch.sigmoid(self.gate(y))\n",
            "h = self.value(y) * torch.sigmoid(self.gate(y))\n        h = torch.tanh(h)\n",
        ),
        "residual dropped": ("        h += x\n        return h", "        return h"),
        "residual after the norm": ("h += x", "h += y"),
        "x overwritten": ("        h += x\n        return h", "        x += h\n        return x"),
        "float64 lost": ("return h", "return h.float()"),
        "RMSNorm": ("nn.LayerNorm(dim)", "nn.RMSNorm(dim)"),
        "another eps": ("nn.LayerNorm(dim)", "nn.LayerNorm(dim, eps=1e-6)"),
        "no weights in the norm": (
            "nn.LayerNorm(dim)",
            "nn.LayerNorm(dim, elementwise_affine=False)",
        ),
        "no bias": ("nn.Linear(hidden, dim)", "nn.Linear(hidden, dim, bias=False)"),
        "a wider block": (
            "        super().__init__()\n",
            "        super().__init__()\n        hidden *= 2\n",
        ),
        "Dropout added": (
            "        return h\n",
            "        return nn.functional.dropout(h, 0.1, self.training)\n",
        ),
        "gate and value swapped": (
            "h = torch.tanh(self.value(y))  # (*, H)\n        h = h * torch.sigmoid(self.gate(y))",
            "h = torch.tanh(self.gate(y))\n        h = h * torch.sigmoid(self.value(y))",
        ),
        "the residual added twice": ("h += x\n", "h += x\n        h = h + x\n"),
        "float32 on the way": (
            "y = self.norm(x)\n",
            "y = self.norm(x).float().to(x.dtype)\n",
        ),
    },
    "gradients": {
        "gate detached outside float64": (
            "h = h * torch.sigmoid(self.gate(y))",
            "g = torch.sigmoid(self.gate(y))\n"
            "        h = h * (g if x.dtype == torch.float64 else g.detach())",
        ),
        "still in place": ("h = h * torch", "h *= torch"),
        "in place by name": (
            "h = h * torch.sigmoid(self.gate(y))",
            "h.mul_(torch.sigmoid(self.gate(y)))",
        ),
        "the product written into a slice": (
            "h = h * torch.sigmoid(self.gate(y))",
            "h[...] = h * torch.sigmoid(self.gate(y))",
        ),
        "the gate overwritten in its place": (
            "h = h * torch.sigmoid(self.gate(y))",
            "g = torch.sigmoid(self.gate(y))\n        g *= h\n        h = g",
        ),
        "past autograd with .data": ("h = h * torch", "h.data *= torch"),
        "in place without recording": (
            "h = h * torch.sigmoid(self.gate(y))",
            "with torch.no_grad():\n            h *= torch.sigmoid(self.gate(y))",
        ),
        "values detached": ("h = h * torch", "h = h.detach() * torch"),
        "gate detached": ("torch.sigmoid(self.gate(y))", "torch.sigmoid(self.gate(y)).detach()"),
        "gate's input detached": ("self.gate(y)", "self.gate(y.detach())"),
        "cloned from .data": (
            "h = h * torch.sigmoid(self.gate(y))",
            "h = h.data.clone()\n        h *= torch.sigmoid(self.gate(y))",
        ),
        "tanh cut out of the graph": (
            "h = torch.tanh(self.value(y))  # (*, H)",
            "h = torch.tanh(self.value(y)).detach().requires_grad_()",
        ),
        "residual detached": ("h += x", "h += x.detach()"),
        "out overwritten without recording": ("h += x", "h.data += x"),
        "half the block without gradients": (
            "h = torch.tanh(self.value(y))  # (*, H)\n",
            "with torch.no_grad():\n            h = torch.tanh(self.value(y))\n",
        ),
        "in place in eval mode": (
            "h = h * torch.sigmoid(self.gate(y))",
            "g = torch.sigmoid(self.gate(y))\n        h = h * g if self.training else h.mul_(g)",
        ),
        "in place where x needs no gradient": (
            "h = h * torch.sigmoid(self.gate(y))",
            "g = torch.sigmoid(self.gate(y))\n        h = h * g if x.requires_grad else h.mul_(g)",
        ),
        "a custom function whose backward forgets the gate": """
class Gated(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value, gate):
        h, g = torch.tanh(value), torch.sigmoid(gate)
        ctx.save_for_backward(h, g)
        return h * g

    @staticmethod
    def backward(ctx, grad):
        h, g = ctx.saved_tensors
        return grad * (1 - h * h), grad * h * g * (1 - g)

class GatedResidual(GatedResidual):
    def forward(self, x):
        y = self.norm(x)
        return self.out(Gated.apply(self.value(y), self.gate(y))) + x
""",
        "gradients only if x wants one": (
            "        y = self.norm(x)\n",
            "        if not x.requires_grad:\n            x = x.clone().requires_grad_()\n"
            "            with torch.no_grad():\n                return self.forward(x)\n"
            "        y = self.norm(x)\n",
        ),
        "x detached": ("y = self.norm(x)", "y = self.norm(x.detach())"),
        "tanh on a copy of the values without a graph": (
            "h = torch.tanh(self.value(y))  # (*, H)",
            "h = torch.tanh(self.value(y).clone().detach())",
        ),
    },
    "frozen": {
        "in place where value is frozen": (
            "h = h * torch.sigmoid(self.gate(y))",
            "g = torch.sigmoid(self.gate(y))\n"
            "        h = h * g if self.value.weight.requires_grad else h.mul_(g)",
        ),
        "in place where the gate is frozen": (
            "h = h * torch.sigmoid(self.gate(y))",
            "g = torch.sigmoid(self.gate(y))\n"
            "        h = h * g if self.gate.weight.requires_grad else h.mul_(g)",
        ),
    },
}

VARIANTS = {
    "all of it out of place": ("h += x\n        return h", "return x + h"),
    "cloned before the product": (
        "h = torch.tanh(self.value(y))  # (*, H)\n        h = h * torch",
        "h = torch.tanh(self.value(y)).clone()\n        h *= torch",
    ),
    "in place where nothing is kept": (
        "h = torch.tanh(self.value(y))  # (*, H)\n        h = h * torch.sigmoid(self.gate(y))",
        "h = self.value(y).tanh_() * self.gate(y).sigmoid_()",
    ),
    "recomputed on the way back": (
        "h = torch.tanh(self.value(y))  # (*, H)\n        h = h * torch.sigmoid(self.gate(y))",
        "from torch.utils.checkpoint import checkpoint\n"
        "        h = checkpoint(\n"
        "            lambda y: torch.tanh(self.value(y)) * self.gate(y).sigmoid(),\n"
        "            y,\n"
        "            use_reentrant=False,\n"
        "        )",
    ),
    "recomputed on the way back, which .grad alone can show": (
        "        y = self.norm(x)\n"
        "        h = torch.tanh(self.value(y))  # (*, H)\n"
        "        h = h * torch.sigmoid(self.gate(y))",
        "        from torch.utils.checkpoint import checkpoint\n"
        "        y = self.norm(x).requires_grad_()\n"
        "        h = checkpoint(\n"
        "            lambda y: torch.tanh(self.value(y)) * self.gate(y).sigmoid(),\n"
        "            y,\n"
        "            use_reentrant=True,\n"
        "            preserve_rng_state=False,\n"
        "        )",
    ),
    "in one expression": (
        "h = self.out(h)  # (*, D)\n        h += x\n        return h",
        "return torch.add(x, self.out(h))",
    ),
    "names for each step": (
        "        h = torch.tanh(self.value(y))  # (*, H)\n"
        "        h = h * torch.sigmoid(self.gate(y))\n"
        "        h = self.out(h)  # (*, D)\n        h += x\n        return h\n",
        "        value = self.value(y).tanh()\n        gate = self.gate(y).sigmoid()\n"
        "        return x + self.out(value * gate)\n",
    ),
}
