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
        "a new base": (
            "base.requires_grad_(False)",
            "nn.Linear(base.in_features, base.out_features).requires_grad_(False)",
        ),
        "scale in the state dict": (
            "self.scale = scale",
            'self.register_buffer("scale", base.weight.new_tensor(scale))',
        ),
        "scale trains": (
            "self.scale = scale",
            "self.scale = nn.Parameter(base.weight.new_tensor(scale))",
        ),
        "factors transposed": (
            "new_empty(rank, base.in_features)",
            "new_empty(base.in_features, rank)",
        ),
        "layers for factors": """
class LoRALinear(nn.Module):
    def __init__(self, base, rank, scale=1.0):
        super().__init__()
        self.base, self.scale = base.requires_grad_(False), scale
        self.lora_A = nn.Linear(base.in_features, rank, bias=False)
        self.lora_B = nn.Linear(rank, base.out_features, bias=False)
        nn.init.zeros_(self.lora_B.weight)

    def forward(self, x):
        return self.base(x) + self.scale * self.lora_B(self.lora_A(x))
""",
        "base not registered": ("self.base = base.req", 'self.__dict__["base"] = base.req'),
        "base's weight and bias registered again": (
            "self.scale = scale",
            "self.scale = scale\n        self.weight, self.bias = base.weight, base.bias",
        ),
    },
    "start": {
        "B random too": ("new_zeros(", "new_empty("),
        "both factors zero": (
            "nn.init.normal_(self.lora_A, std=base.in_features**-0.5)",
            "nn.init.zeros_(self.lora_A)",
        ),
        "A zero, B random": (
            "nn.init.normal_(self.lora_A, std=base.in_features**-0.5)",
            "nn.init.zeros_(self.lora_A)\n        nn.init.normal_(self.lora_B)",
        ),
        "A of ones": ("normal_(self.lora_A, std=base.in_features**-0.5)", "ones_(self.lora_A)"),
        "base left out": ("self.base(x) + ", ""),
        "bias twice": ("F.linear(low, self.lora_B)", "F.linear(low, self.lora_B, self.base.bias)"),
        "batches only": ("F.linear(x, self.lora_A)", "x.mm(self.lora_A.T)"),
        "a fixed seed of its own": (
            "nn.init.normal_(self.lora_A, std=base.in_features**-0.5)",
            "g = __import__('torch').Generator().manual_seed(0)\n"
            "        nn.init.normal_(self.lora_A, std=base.in_features**-0.5, generator=g)",
        ),
        "columns, B (A x^T)": (
            "F.linear(low, self.lora_B)",
            "self.scale * (self.lora_B @ (self.lora_A @ x.t())).t()",
        ),
    },
    "value": {
        "scale divided by the rank": ("self.scale = scale", "self.scale = scale / rank"),
        "scale left out": ("self.scale * F.linear", "F.linear"),
        "scale twice": ("F.linear(low, self.lora_B)", "self.scale * F.linear(low, self.lora_B)"),
        "scale on the base too": (
            "self.base(x) + F.linear(low, self.lora_B)",
            "self.scale * (self.base(x) + F.linear(x @ self.lora_A.T, self.lora_B))",
        ),
        "0 taken for the default": ("self.scale = scale", "self.scale = scale or 1.0"),
        "ReLU between the factors": ("F.linear(low, ", "F.linear(low.relu(), "),
        "dropout between the factors": (
            "F.linear(low, ",
            "F.linear(F.dropout(low, 0.1, self.training), ",
        ),
        "base's numbers remembered": """
class LoRALinear(nn.Module):
    def __init__(self, base, rank, scale=1.0):
        super().__init__()
        if rank < 1:
            raise ValueError
        self.base, self.scale = base.requires_grad_(False), scale
        self.frozen = base.weight.clone(), base.bias
        self.lora_A = nn.Parameter(base.weight.new_empty(rank, base.in_features))
        self.lora_B = nn.Parameter(base.weight.new_zeros(base.out_features, rank))
        nn.init.normal_(self.lora_A, std=base.in_features**-0.5)
        self.train(base.training)

    def forward(self, x):
        low = self.scale * F.linear(x, self.lora_A)
        return F.linear(x, *self.frozen) + F.linear(low, self.lora_B)
""",
        "x scaled in place": (
            "self.scale * F.linear(x, self.lora_A)",
            "F.linear(x.data.mul_(self.scale), self.lora_A)",
        ),
        "base's parameters remembered": (
            "self.base(x) +",
            "F.linear(x, *self.__dict__.setdefault('kept', (self.base.weight, self.base.bias))) +",
        ),
        "base's bias remembered": (
            "self.base(x) +",
            "F.linear(x, self.base.weight,"
            " self.__dict__.setdefault('kept', [self.base.bias])[0]) +",
        ),
        "another default scale": ("scale: float = 1.0", "scale: float = 2.0"),
        "bias left out": (
            "self.base(x) +",
            "F.linear(x, self.base.weight) +",
        ),
        "bias scaled, too": (
            "F.linear(low, self.lora_B)",
            "F.linear(low, self.lora_B)"
            " + (0 if self.base.bias is None else (self.scale - 1) * self.base.bias)",
        ),
    },
    "frozen": {
        "base still trains": ("base.requires_grad_(False)", "base"),
        "only the base's weight is frozen": (
            "self.base = base.requires_grad_(False)",
            "self.base = base\n        base.weight.requires_grad_(False)",
        ),
        "all frozen": (
            "self.train(base.training)",
            "self.train(base.training).requires_grad_(False)",
        ),
        "requires_grad set on the module": (
            "self.base = base.requires_grad_(False)",
            "self.base = base\n        self.base.requires_grad = False",
        ),
        "low features detached": ("F.linear(low, ", "F.linear(low.detach(), "),
        "lora_A frozen": (
            "self.train(base.training)",
            "self.train(base.training).lora_A.requires_grad_(False)",
        ),
        "base's weight follows in each forward pass": (
            "low = self.scale",
            "self.base.weight.data.add_(self.lora_B.data @ self.lora_A.data, alpha=0.01)\n"
            "        low = self.scale",
        ),
    },
    "training": {
        "factors detached in eval mode": (
            "return self.base(x) + F.linear(low, self.lora_B)",
            "low = F.linear(low, self.lora_B)\n"
            "        return self.base(x) + (low if self.training else low.detach())",
        ),
        "base detached from x": ("self.base(x) +", "self.base(x).detach() +"),
        "base of a detached x": ("self.base(x) +", "self.base(x.detach()) +"),
        "base called under no_grad": (
            "return self.base(x) + F.linear(low, self.lora_B)",
            "with __import__('torch').no_grad():\n            out = self.base(x)\n"
            "        return out + F.linear(low, self.lora_B)",
        ),
        "change of a detached x": (
            "F.linear(x, self.lora_A)",
            "F.linear(x.detach(), self.lora_A)",
        ),
    },
    "draws": {
        "A by the number of outputs": ("std=base.in_features**-0.5", "std=base.out_features**-0.5"),
        "A uniform from 0": (
            "normal_(self.lora_A, std=base.in_features**-0.5)",
            "uniform_(self.lora_A)",
        ),
        "A far too large": (", std=base.in_features**-0.5", ""),
        "A of a fixed size": ("std=base.in_features**-0.5", "std=0.02"),
        "one row of A for all": (
            "nn.init.normal_(self.lora_A, std=base.in_features**-0.5)",
            "nn.init.normal_(self.lora_A, std=base.in_features**-0.5)\n"
            "        self.lora_A.data[:] = self.lora_A.data[0]",
        ),
        "a seed of the clock": (
            "nn.init.normal_(self.lora_A, std=base.in_features**-0.5)",
            "g = __import__('torch').Generator()\n        g.seed()\n"
            "        nn.init.normal_(self.lora_A, std=base.in_features**-0.5, generator=g)",
        ),
        "standard deviation 1 / rank": ("std=base.in_features**-0.5", "std=1 / rank"),
    },
    "ranks": {
        "rank 0 accepted": ("rank < 1", "rank < 0"),
        "large ranks refused": (
            "rank < 1",
            "not 0 < rank <= min(base.in_features, base.out_features)",
        ),
        "rank not checked": ("rank < 1", "False"),
        "rank limited": (
            "        self.base =",
            "        rank = min(rank, base.in_features, base.out_features)\n        self.base =",
        ),
        "assert for ValueError": (
            'if rank < 1:\n            raise ValueError(f"rank is {rank}, want 1 or more")',
            "assert rank >= 1",
        ),
        "only rank 0 refused": ("rank < 1", "rank == 0"),
        "B like the first columns of the weight": (
            "base.weight.new_zeros(base.out_features, rank)",
            "__import__('torch').zeros_like(base.weight[:, :rank])",
        ),
    },
    "dtypes": {
        "float32 factors": (
            "base.weight.new_empty(rank, base.in_features)",
            "base.weight.new_empty(rank, base.in_features).float()",
        ),
        "factors on the CPU": (
            "base.weight.new_zeros(base.out_features, rank)",
            'base.weight.new_zeros(base.out_features, rank, device="cpu")',
        ),
        "result in float32": ("return self.base(x)", "return self.base(x).float()"),
        "a Parameter, then moved": (
            "nn.Parameter(base.weight.new_zeros(base.out_features, rank))",
            "nn.Parameter(base.weight.new_zeros(base.out_features, rank, device='cpu'))"
            ".to(base.weight.device)",
        ),
        "scale in float32": (
            "self.scale = scale",
            'self.register_buffer("scale", __import__("torch").tensor(scale), persistent=False)',
        ),
        "factors in the default dtype": (
            "base.weight.new_zeros(base.out_features, rank)",
            "__import__('torch').zeros(base.out_features, rank, device=base.weight.device)",
        ),
    },
    "inputs": {
        "batches of a size only": (
            "F.linear(x, self.lora_A)",
            "F.linear(x.reshape(len(x), -1, x.shape[-1]).view_as(x) if x.ndim > 1 else x,"
            " self.lora_A)",
        ),
        "x taken apart by view": (
            "low = self.scale * F.linear(x, self.lora_A)",
            "low = self.scale * F.linear(x.view(-1, x.shape[-1]), self.lora_A)\n"
            "        low = low.view(*x.shape[:-1], -1) if x.numel() else F.linear(x, self.lora_A)",
        ),
        "x with a batch only": (
            "low = self.scale",
            "x.shape[1]\n        low = self.scale",
        ),
        "x clamped in place": (
            "low = self.scale",
            "x.data.clamp_(-1.0, 1.0)\n        low = self.scale",
        ),
    },
    "modes": {
        "train mode whatever base's": ("self.train(base.training)", "self.train()"),
        "only in train mode": (
            "return self.base(x) +",
            "if not self.training:\n            return self.base(x)\n        return self.base(x) +",
        ),
        "eval mode": ("self.train(base.training)", "self.eval()"),
        "base set to eval": ("self.train(base.training)", "base.eval()"),
        "merged into base by eval()": """
class LoRALinear(LoRALinear):
    merged = False

    def train(self, mode=True):
        super().train(mode)
        if mode == self.merged:
            self.merged = not mode
            with torch.no_grad():
                self.base.weight += (-1 if mode else 1) * self.scale * self.lora_B @ self.lora_A
        return self

    def forward(self, x):
        return self.base(x) if self.merged else super().forward(x)

import torch
""",
    },
    "memory": {
        "merged weight in forward": (
            "return self.base(x) + F.linear(low, self.lora_B)",
            "change = self.scale * self.lora_B @ self.lora_A\n"
            "        return F.linear(x, self.base.weight + change, self.base.bias)",
        ),
        "merged weight in eval mode": (
            "return self.base(x) + F.linear(low, self.lora_B)",
            "if not self.training:\n"
            "            change = self.scale * self.lora_B @ self.lora_A\n"
            "            return F.linear(x, self.base.weight + change, self.base.bias)\n"
            "        return self.base(x) + F.linear(low, self.lora_B)",
        ),
        "merged weight under no_grad": (
            "return self.base(x) + F.linear(low, self.lora_B)",
            "if not __import__('torch').is_grad_enabled():\n"
            "            change = self.scale * self.lora_B @ self.lora_A\n"
            "            return F.linear(x, self.base.weight + change, self.base.bias)\n"
            "        return self.base(x) + F.linear(low, self.lora_B)",
        ),
    },
}

VARIANTS = {
    "with @, kaiming, scale at the end": """
class LoRALinear(nn.Module):
    def __init__(self, base, rank, scale=1.0):
        super().__init__()
        if rank <= 0:
            raise ValueError("rank")
        self.base = base
        for p in base.parameters():
            p.requires_grad = False
        kind = {"dtype": base.weight.dtype, "device": base.weight.device}
        self.lora_A = nn.Parameter(torch.empty(rank, base.in_features, **kind))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank, **kind))
        nn.init.kaiming_uniform_(self.lora_A, a=5**0.5)
        self.scale = float(scale)
        self.training = base.training

    def forward(self, x):
        return self.base(x) + (x @ self.lora_A.T @ self.lora_B.T) * self.scale

import torch
""",
    "einsum, signs": """
class LoRALinear(nn.Module):
    def __init__(self, base, rank, scale=1.0):
        if rank < 1:
            raise ValueError("rank")
        super().__init__()
        self.base = base
        base.requires_grad_(False)
        signs = torch.randint(0, 2, (rank, base.in_features)) * 2 - 1
        self.lora_A = nn.Parameter(signs.to(base.weight) / base.in_features**0.5)
        self.lora_B = nn.Parameter(torch.zeros_like(base.weight[:, :1]).repeat(1, rank))
        self.factor = scale
        self.train(base.training)

    def forward(self, x):
        low = torch.einsum("...i,ri->...r", x, self.lora_A)
        high = torch.einsum("...r,or->...o", low, self.lora_B)
        return torch.add(self.base(x), high, alpha=self.factor)

import torch
""",
    "the bias last": (
        "return self.base(x) + F.linear(low, self.lora_B)  # (*, out)",
        "out = F.linear(x, self.base.weight) + F.linear(low, self.lora_B)\n"
        "        return out if self.base.bias is None else out + self.base.bias",
    ),
    "base added in place": (
        "return self.base(x) + F.linear(low, self.lora_B)",
        "return F.linear(low, self.lora_B).add_(self.base(x))",
    ),
}
