"""Mistakes by the label that must refuse them, and second right answers."""

ZERO_WEIGHT = "nn.init.zeros_(self.up.weight)"
ZERO_BIAS = "nn.init.zeros_(self.up.bias)"
DOWN = "self.down = nn.Linear(d_model, bottleneck_dim)"
DELTA = "self.up(self.down(x).relu())"
CALL = "delta = self.forward_delta(x)"

SLIPS = {
    "parts": {
        "bottleneck at most d_model": (
            DOWN,
            f"bottleneck_dim = min(bottleneck_dim, d_model)\n        {DOWN}",
        ),
        "down without a bias": (DOWN, DOWN.replace(")", ", bias=False)")),
        "up without a bias": (
            f"self.up = nn.Linear(bottleneck_dim, d_model)\n        {ZERO_WEIGHT}\n"
            f"        {ZERO_BIAS}",
            f"self.up = nn.Linear(bottleneck_dim, d_model, bias=False)\n        {ZERO_WEIGHT}",
        ),
        "a learned gate at zero": (
            ZERO_WEIGHT,
            f"{ZERO_WEIGHT}\n        self.gate = nn.Parameter(self.up.weight.new_zeros(1))",
        ),
        "a layer norm in it": (
            ZERO_BIAS,
            f"{ZERO_BIAS}\n        self.norm = nn.LayerNorm(d_model)",
        ),
        "up frozen": (ZERO_BIAS, "nn.init.zeros_(self.up.bias).requires_grad_(False)"),
        "m above d_model refused": (
            "if bottleneck_dim < 1:",
            "if not 1 <= bottleneck_dim <= d_model:",
        ),
        "up shared by all adapters of a size": (
            "self.up = nn.Linear(bottleneck_dim, d_model)",
            'kept, size = globals().setdefault("kept", {}), (bottleneck_dim, d_model)\n'
            "        self.up = kept.setdefault(size, nn.Linear(*size))",
        ),
        "up is down's weight transposed": (
            f"        {ZERO_WEIGHT}\n",
            f"        {ZERO_WEIGHT}\n        self.up.weight = nn.Parameter(self.down.weight.T)\n"
            "        self.up.weight.requires_grad_(False)\n",
        ),
    },
    "start": {
        "up random": (f"        {ZERO_WEIGHT}\n        {ZERO_BIAS}\n", ""),
        "up's bias left random": (f"        {ZERO_BIAS}\n", ""),
        "up's weight left random": (f"        {ZERO_WEIGHT}\n", ""),
        "up nearly zero": (ZERO_WEIGHT, "nn.init.normal_(self.up.weight, std=1e-3)"),
        "down zero, up random": (ZERO_WEIGHT, "nn.init.zeros_(self.down.weight)"),
        "down and up zero": (
            ZERO_WEIGHT,
            f"{ZERO_WEIGHT}\n        nn.init.zeros_(self.down.weight)",
        ),
        "down the same number everywhere": (
            ZERO_WEIGHT,
            f"{ZERO_WEIGHT}\n        nn.init.constant_(self.down.weight, 0.01)",
        ),
        "up's bias starts at one": (ZERO_BIAS, "nn.init.ones_(self.up.bias)"),
    },
    "delta": {
        "no nonlinearity": (DELTA, "self.up(self.down(x))"),
        "residual in the delta as well": (f"return {DELTA}", f"return x + {DELTA}"),
        "GELU": (DELTA, "self.up(nn.functional.gelu(self.down(x)))"),
        "leaky ReLU": (DELTA, "self.up(nn.functional.leaky_relu(self.down(x)))"),
        "ReLU after up": (DELTA, "self.up(self.down(x)).relu()"),
        "ReLU after up as well": (DELTA, f"{DELTA}.relu()"),
        "ReLU before down": (DELTA, "self.up(self.down(x.relu()))"),
        "ReLU before down, in place": (DELTA, "self.up(self.down(x.relu_()))"),
        "up's bias left out": (DELTA, "self.down(x).relu() @ self.up.weight.T + 0 * self.up.bias"),
        "tanh": (DELTA, "self.up(self.down(x).tanh())"),
        "a layer norm before down": (
            DELTA,
            "self.up(self.down(nn.functional.layer_norm(x, x.shape[-1:])).relu())",
        ),
        "delta scaled by m": (DELTA, f"{DELTA} / self.up.in_features"),
    },
    "residual": {
        "no residual by default": ("residual: bool = True", "residual: bool = False"),
        "residual whatever was asked": ("x + delta if residual else delta", "x + delta"),
        "no residual at all": ("x + delta if residual else delta", "delta"),
        "residual inverted": (
            "x + delta if residual else delta",
            "delta if residual else x + delta",
        ),
        "x itself without residual": (
            "x + delta if residual else delta",
            "x + delta if residual else x",
        ),
        "delta subtracted": ("x + delta if residual", "x - delta if residual"),
        "ReLU of the sum": ("x + delta if residual", "(x + delta).relu() if residual"),
        "nothing returned without residual": (
            "return x + delta if residual else delta",
            "if residual:\n            return x + delta",
        ),
        "x added twice": ("x + delta if residual", "x + x + delta if residual"),
    },
    "training": {
        "detached without residual": (
            "x + delta if residual else delta",
            "x + delta if residual else delta.detach()",
        ),
        "dropout": (
            DELTA,
            "self.up(nn.functional.dropout(self.down(x).relu(), 0.1, self.training))",
        ),
        "x changed in place": ("x + delta if residual", "x.add_(delta) if residual"),
        "x detached in the sum": ("x + delta if residual", "x.detach() + delta if residual"),
        "x detached": (CALL, "delta = self.forward_delta(x.detach())"),
        "no delta while up is zero": (
            f"        {CALL}",
            f"        {CALL}\n"
            "        if not self.up.weight.any():\n"
            "            return x if residual else x * 0",
        ),
        "detached in eval mode": (
            f"        {CALL}",
            f"        {CALL}\n        delta = delta if self.training else delta.detach()",
        ),
        "delta detached": ("x + delta if residual", "x + delta.detach() if residual"),
        "down under no_grad": (
            f"        return {DELTA}",
            "        import torch\n\n        with torch.no_grad():\n"
            "            hidden = self.down(x).relu()\n        return self.up(hidden)",
        ),
        "no adapter in eval mode": (
            f"        {CALL}",
            f"        if not self.training and residual:\n            return x\n        {CALL}",
        ),
        "weights read through .data": (
            f"return {DELTA}",
            "return nn.functional.linear(self.down(x).relu(), self.up.weight.data, self.up.bias)",
        ),
    },
    "draws": {
        "a seed of its own": (
            DOWN,
            f"import torch\n\n        torch.manual_seed(0)\n        {DOWN}",
        ),
        "a generator of its own": (
            ZERO_WEIGHT,
            f"{ZERO_WEIGHT}\n        import torch\n\n        with torch.no_grad():\n"
            "            own = torch.Generator()\n            own.seed()\n"
            "            self.down.weight.normal_(generator=own)",
        ),
        "one row repeated": (
            ZERO_WEIGHT,
            f"{ZERO_WEIGHT}\n        self.down.weight.data[:] = self.down.weight.data[:1].clone()",
        ),
        "the identity at the start of down": (
            ZERO_WEIGHT,
            f"{ZERO_WEIGHT}\n        nn.init.eye_(self.down.weight)",
        ),
    },
    "inputs": {
        "a zero made on the CPU": (
            "x + delta if",
            "x + delta + __import__('torch').zeros(x.shape[-1], dtype=x.dtype) if",
        ),
        "x changed in place where no gradient is needed": (
            "        return x + delta if residual else delta",
            "        if residual and not delta.requires_grad:\n"
            "            return x.add_(delta)\n"
            "        return x + delta if residual else delta",
        ),
        "only more than one size": (
            CALL,
            "delta = self.forward_delta(x.flatten(0, -2)).view(x.shape)",
        ),
        "reshaped back with -1": (DELTA, f"{DELTA}.reshape(*x.shape[:-1], -1)"),
        "x viewed as rows": (
            f"return {DELTA}",
            "rows = x.view(-1, x.shape[-1])\n"
            "        return self.up(self.down(rows).relu()).view(x.shape)",
        ),
        "sizes taken apart as B, L, D": (
            f"return {DELTA}",
            f"*rest, length, width = x.shape\n        return {DELTA}",
        ),
    },
    "dtypes": {
        "float32 whatever came": ("x + delta if", "(x + delta).float() if"),
        "a float32 zero in a ReLU by hand": (
            DELTA,
            "self.up(__import__('torch').maximum(self.down(x), __import__('torch').zeros(1)))",
        ),
        "x cast to float32": ("self.down(x).relu()", "self.down(x.float()).relu()"),
        "bfloat16 added up in float32": (
            "x + delta if",
            "x + (delta if delta.dtype.itemsize > 2 else delta.float()) if",
        ),
    },
    "errors": {
        "a bottleneck of nothing": ("if bottleneck_dim < 1:", "if bottleneck_dim < 0:"),
        "bottleneck asserted": (
            "if bottleneck_dim < 1:\n            raise ValueError(",
            "assert bottleneck_dim >= 1, (",
        ),
        "bottleneck not tested": ("if bottleneck_dim < 1:", "if False:"),
        "x of last size 1 repeated": (
            CALL,
            f"x = x.expand(*x.shape[:-1], self.down.in_features)\n        {CALL}",
        ),
        "einsum, which repeats a last size of 1": (
            "self.down(x).relu()",
            "(x[..., None, :] * self.down.weight).sum(-1).add(self.down.bias).relu()",
        ),
    },
}

VARIANTS = {
    "a Sequential, zeros without init, down near zero": """
class BottleneckAdapter(nn.Sequential):
    def __init__(self, d_model, bottleneck_dim):
        if bottleneck_dim <= 0:
            raise ValueError(bottleneck_dim)
        super().__init__()
        self.add_module("down", nn.Linear(d_model, bottleneck_dim))
        self.add_module("act", nn.ReLU(inplace=True))
        self.add_module("up", nn.Linear(bottleneck_dim, d_model))
        nn.init.normal_(self.down.weight, std=0.01)
        nn.init.zeros_(self.down.bias)
        for p in self.up.parameters():
            p.data.zero_()

    def forward_delta(self, x):
        return super().forward(x)

    def forward(self, x, residual=True):
        return x * residual + super().forward(x)
""",
    "matrix products by hand": """
class BottleneckAdapter(nn.Module):
    def __init__(self, d_model, bottleneck_dim):
        super().__init__()
        if not bottleneck_dim > 0:
            raise ValueError("bottleneck_dim")
        self.down, self.up = nn.Linear(d_model, bottleneck_dim), nn.Linear(bottleneck_dim, d_model)
        with torch.no_grad():
            torch.nn.init.xavier_normal_(self.down.weight)
            self.up.weight.fill_(0)
            self.up.bias.fill_(0)

    def forward_delta(self, x):
        return self(x, residual=False)

    def forward(self, x, residual=True):
        hidden = (x @ self.down.weight.T + self.down.bias).clamp(min=0)
        delta = hidden @ self.up.weight.mT + self.up.bias
        if not residual:
            return delta
        return torch.add(x, delta)


import torch
""",
    "up made before down": (
        f"        {DOWN}\n        self.up = nn.Linear(bottleneck_dim, d_model)\n",
        f"        self.up = nn.Linear(bottleneck_dim, d_model)\n        {DOWN}\n",
    ),
    "a textbook answer": """
class BottleneckAdapter(nn.Module):
    def __init__(self, d_model, bottleneck_dim):
        super().__init__()
        if bottleneck_dim < 1:
            raise ValueError("bottleneck_dim must be at least 1")
        self.down = nn.Linear(d_model, bottleneck_dim)
        self.relu = nn.ReLU()
        self.up = nn.Linear(bottleneck_dim, d_model)
        nn.init.kaiming_normal_(self.down.weight, nonlinearity="relu")
        nn.init.constant_(self.up.weight, 0.0)
        nn.init.constant_(self.up.bias, 0.0)

    def forward_delta(self, x):
        x = self.down(x)
        x = self.relu(x)
        return self.up(x)

    def forward(self, x, residual=True):
        if residual:
            return self.forward_delta(x) + x
        return self.forward_delta(x)
""",
}
