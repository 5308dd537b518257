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
        "magnitude as a column": (
            "base.weight.norm(dim=1))",
            "base.weight.norm(dim=1, keepdim=True))",
        ),
        "magnitude as a buffer": (
            "self.magnitude = nn.Parameter(base.weight.norm(dim=1))",
            'self.register_buffer("magnitude", base.weight.norm(dim=1))',
        ),
        "magnitude a plain tensor": (
            "nn.Parameter(base.weight.norm(dim=1))",
            "base.weight.norm(dim=1)",
        ),
        "magnitude of each column": (
            "nn.Parameter(base.weight.norm(dim=1))",
            "nn.Parameter(base.weight.norm(dim=0))",
        ),
        "one magnitude for all": ("base.weight.norm(dim=1))", "base.weight.norm())"),
        "scale in the state dict": (
            "self.scale = scale",
            'self.register_buffer("scale", base.weight.new_tensor(scale))',
        ),
        "first norms in the state dict": (
            "self.scale = scale",
            'self.scale = scale\n        self.register_buffer("first", base.weight.norm(dim=1))',
        ),
        "factors transposed": (
            "new_empty(rank, base.in_features)",
            "new_empty(base.in_features, rank)",
        ),
        "base's weight registered again": (
            "self.scale = scale",
            "self.scale = scale\n        self.weight = base.weight",
        ),
    },
    "start": {
        "magnitude of ones": ("base.weight.norm(dim=1))", "torch.ones_like(base.weight[:, 0]))"),
        "magnitude of zeros": ("base.weight.norm(dim=1))", "torch.zeros_like(base.weight[:, 0]))"),
        "sums of squares without the root": (
            "base.weight.norm(dim=1))",
            "base.weight.square().sum(1))",
        ),
        "sums of magnitudes": (
            "nn.Parameter(base.weight.norm(dim=1))",
            "nn.Parameter(base.weight.norm(1, 1))",
        ),
        "base's rows set to length 1": (
            "self.train(base.training)",
            "self.train(base.training)\n        base.weight.data /= self.magnitude.data[:, None]",
        ),
        "B of ones": ("new_zeros(", "new_ones("),
        "both factors zero": (
            "nn.init.normal_(self.lora_A, std=base.in_features**-0.5)",
            "nn.init.zeros_(self.lora_A)",
        ),
        "A of ones": ("normal_(self.lora_A, std=base.in_features**-0.5)", "ones_(self.lora_A)"),
        "lengths of columns": (
            "V.norm(dim=1)  # (out,)",
            "V.norm(dim=0).mean().expand(len(V))",
        ),
        "a fixed seed of its own": (
            "nn.init.normal_(self.lora_A, std=base.in_features**-0.5)",
            "g = torch.Generator().manual_seed(0)\n"
            "        nn.init.normal_(self.lora_A, std=base.in_features**-0.5, generator=g)",
        ),
    },
    "value": {
        "0 taken for the default": ("self.scale = scale", "self.scale = scale or 1.0"),
        "norms of W alone": (
            "V = self.base.weight + self.scale * self.lora_B @ self.lora_A",
            "V = self.base.weight",
        ),
        "norms of the start": (
            "lengths = V.norm(dim=1)  # (out,)",
            "lengths = self.__dict__.setdefault('first', V.norm(dim=1))",
        ),
        "not divided by the norms": ("self.magnitude / lengths * y", "self.magnitude * y"),
        "magnitude left out": ("self.magnitude / lengths * y", "y"),
        "change of the direction left out": ("+ F.linear(low, self.lora_B)  # (*, out)", ""),
        "change added after the lengths": (
            "y = F.linear(x, self.base.weight) + F.linear(low, self.lora_B)  # (*, out)\n"
            "        y = self.magnitude / lengths * y",
            "y = self.magnitude / lengths * F.linear(x, self.base.weight)\n"
            "        y = y + F.linear(low, self.lora_B)",
        ),
        "scale left out": ("low = self.scale * F", "low = F"),
        "scale left out of the norms": ("self.scale * self.lora_B @", "self.lora_B @"),
        "scale divided by the rank": ("self.scale = scale", "self.scale = scale / rank"),
        "scale rounded": ("self.scale = scale", "self.scale = round(scale, 1)"),
        "another default scale": ("scale: float = 1.0", "scale: float = 2.0"),
        "bias left out": (
            "return y if self.base.bias is None else y + self.base.bias",
            "return y if self.base.bias is None else y + self.base.bias.detach() * 0",
        ),
        "bias scaled, too": (
            "y + self.base.bias",
            "y + self.magnitude / lengths * self.base.bias",
        ),
        "all of y divided by the one length": (
            "lengths = V.norm(dim=1)",
            "lengths = V.norm(dim=1).mean()",
        ),
        "magnitude's sign lost": (
            "self.magnitude / lengths * y",
            "self.magnitude.abs() / lengths * y",
        ),
        "norms not below 0.01": ("V.norm(dim=1)  # (out,)", "V.norm(dim=1).clamp_min(0.01)"),
        "a small number added to the norms": ("V.norm(dim=1)  # (out,)", "V.norm(dim=1) + 1e-2"),
        "base's numbers remembered": (
            "low = self.scale * F",
            "kept = self.__dict__.setdefault('kept', [self.base.bias])\n"
            "        if kept[0] is not None:\n            self.base.bias.data = kept[0].data\n"
            "        low = self.scale * F",
        ),
        "magnitude as a factor of the first lengths": """
class DoRALinear(DoRALinear):
    def forward(self, x):
        first = self.base.weight.norm(dim=1)
        V = self.base.weight + self.scale * self.lora_B @ self.lora_A
        W = V * (self.magnitude / first)[:, None]
        return F.linear(x, W, self.base.bias)
""",
    },
    "frozen": {
        "base still trains": ("base.requires_grad_(False)", "base"),
        "only the base's weight is frozen": (
            "self.base = base.requires_grad_(False)",
            "self.base = base\n        base.weight.requires_grad_(False)",
        ),
        "magnitude frozen": (
            "nn.Parameter(base.weight.norm(dim=1))",
            "nn.Parameter(base.weight.norm(dim=1), requires_grad=False)",
        ),
        "all frozen": (
            "self.train(base.training)",
            "self.train(base.training).requires_grad_(False)",
        ),
        "requires_grad set on the module": (
            "self.base = base.requires_grad_(False)",
            "self.base = base\n        self.base.requires_grad = False",
        ),
        "magnitude detached": (
            "y = self.magnitude / lengths * y",
            "y = self.magnitude.detach() / lengths * y",
        ),
    },
    "training": {
        "norms in the graph": ("with torch.no_grad():", "if True:"),
        "V detached as a whole": """
class DoRALinear(DoRALinear):
    def forward(self, x):
        V = self.base.weight + self.scale * self.lora_B @ self.lora_A
        low = F.linear(F.linear(x, self.scale * self.lora_A), self.lora_B)
        y = self.magnitude / V.detach().norm(dim=1) * F.linear(x, self.base.weight)
        y = y + (self.magnitude / V.detach().norm(dim=1)).detach() * low
        return y if self.base.bias is None else y + self.base.bias
""",
        "norms in the graph in eval mode": (
            "with torch.no_grad():",
            "with torch.set_grad_enabled(not self.training):",
        ),
        "norms in the graph in train mode": (
            "with torch.no_grad():",
            "with torch.set_grad_enabled(self.training):",
        ),
        "base of a detached x": (
            "F.linear(x, self.base.weight) +",
            "F.linear(x.detach(), self.base.weight) +",
        ),
        "change of a detached x": ("F.linear(x, self.lora_A)", "F.linear(x.detach(), self.lora_A)"),
        "half of the gradient of x": (
            "y = self.magnitude / lengths * y",
            "y = self.magnitude / lengths * y.detach()"
            " + (self.magnitude / lengths).detach() * (y - y.detach()) * 0.5",
        ),
        "norms in A's gradient alone": (
            "with torch.no_grad():  # a constant for the gradient\n"
            "            V = self.base.weight + self.scale * self.lora_B @ self.lora_A",
            "if True:\n"
            "            V = self.base.weight + self.scale * self.lora_B.detach() @ self.lora_A",
        ),
        "norms in B's gradient alone": (
            "with torch.no_grad():  # a constant for the gradient\n"
            "            V = self.base.weight + self.scale * self.lora_B @ self.lora_A",
            "if True:\n"
            "            V = self.base.weight + self.scale * self.lora_B @ self.lora_A.detach()",
        ),
    },
    "zeros": {
        "rows of zeros told by the magnitude": (
            "lengths.where(lengths > 0, 1)",
            "lengths.where(self.magnitude != 0, 1)",
        ),
        "divided by zero": ("lengths = lengths.where(lengths > 0, 1)", "pass"),
        "NaN set to zero afterwards": (
            "lengths = lengths.where(lengths > 0, 1)  # a row of zeros stays one\n"
            "        low = self.scale * F.linear(x, self.lora_A)  # (*, r)\n"
            "        y = F.linear(x, self.base.weight) + F.linear(low, self.lora_B)  # (*, out)\n"
            "        y = self.magnitude / lengths * y",
            "pass\n"
            "        low = self.scale * F.linear(x, self.lora_A)  # (*, r)\n"
            "        y = F.linear(x, self.base.weight) + F.linear(low, self.lora_B)  # (*, out)\n"
            "        y = (self.magnitude / lengths * y).nan_to_num()",
        ),
        "such rows left as they are for ever": (
            "        y = self.magnitude / lengths * y\n",
            "        dead = self.base.weight.norm(dim=1) == 0\n"
            "        y = torch.where(dead, 0 * y, self.magnitude / lengths * y)\n",
        ),
        "bias lost there": (
            "y + self.base.bias",
            "y + self.base.bias * (V.norm(dim=1) > 0)",
        ),
    },
    "draws": {
        "A by the number of outputs": ("std=base.in_features**-0.5", "std=base.out_features**-0.5"),
        "A far too large": (", std=base.in_features**-0.5", ""),
        "A far too small": ("std=base.in_features**-0.5", "std=1e-3 * base.in_features**-0.5"),
        "A uniform from 0": (
            "normal_(self.lora_A, std=base.in_features**-0.5)",
            "uniform_(self.lora_A)",
        ),
        "a seed of the clock": (
            "nn.init.normal_(self.lora_A, std=base.in_features**-0.5)",
            "g = torch.Generator()\n        g.seed()\n"
            "        nn.init.normal_(self.lora_A, std=base.in_features**-0.5, generator=g)",
        ),
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
        "only rank 0 refused": ("rank < 1", "rank == 0"),
    },
    "dtypes": {
        "float32 magnitude": ("base.weight.norm(dim=1))", "base.weight.float().norm(dim=1))"),
        "factors on the CPU": (
            "base.weight.new_zeros(base.out_features, rank)",
            'base.weight.new_zeros(base.out_features, rank, device="cpu")',
        ),
        "result in float32": (
            "return y if self.base.bias is None else y +",
            "y = y.float()\n        return y if self.base.bias is None else y +",
        ),
        "a new float32 bias where base has none": (
            "return y if self.base.bias is None else y + self.base.bias",
            "zeros = torch.zeros(len(lengths))\n"
            "        return y + (zeros if self.base.bias is None else self.base.bias)",
        ),
        "norms in float32": ("lengths = V.norm(dim=1)", "lengths = V.float().norm(dim=1)"),
        "factors in the default dtype": (
            "base.weight.new_zeros(base.out_features, rank)",
            "torch.zeros(base.out_features, rank, device=base.weight.device)",
        ),
        "norms through float16": ("V.norm(dim=1)  # (out,)", "V.norm(dim=1).half().to(V)"),
    },
    "inputs": {
        "batches of a size only": (
            "low = self.scale * F",
            "x = x.reshape(len(x), -1, x.shape[-1]).view_as(x) if x.ndim > 1 else x\n"
            "        low = self.scale * F",
        ),
        "x taken apart by view": (
            "low = self.scale * F",
            "x.view(-1, x.shape[-1]) if x.numel() else x\n        low = self.scale * F",
        ),
        "x clamped in place": (
            "low = self.scale * F",
            "x.data.clamp_(-1.0, 1.0)\n        low = self.scale * F",
        ),
        "x with a batch only": ("low = self.scale * F", "x.shape[1]\n        low = self.scale * F"),
    },
    "modes": {
        "train mode whatever base's": ("self.train(base.training)", "self.train()"),
        "the base alone in eval mode": (
            "        low = self.scale * F",
            "        if not self.training:\n            return self.base(x)\n"
            "        low = self.scale * F",
        ),
        "eval mode": ("self.train(base.training)", "self.eval()"),
        "base set to eval": ("self.train(base.training)", "base.eval()"),
        "norms remembered in eval mode": (
            "lengths = V.norm(dim=1)  # (out,)",
            "if self.training or 'kept' not in self.__dict__:\n"
            "                self.__dict__['kept'] = V.norm(dim=1)\n"
            "            lengths = self.__dict__['kept']",
        ),
    },
}

VARIANTS = {
    "W' as one weight": """
class DoRALinear(nn.Module):
    def __init__(self, base, rank, scale=1.0):
        if rank <= 0:
            raise ValueError("rank")
        super().__init__()
        self.base = base
        for p in base.parameters():
            p.requires_grad = False
        kind = {"dtype": base.weight.dtype, "device": base.weight.device}
        self.lora_A = nn.Parameter(torch.empty(rank, base.in_features, **kind))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank, **kind))
        self.magnitude = nn.Parameter(torch.linalg.vector_norm(base.weight.detach(), dim=1))
        nn.init.kaiming_uniform_(self.lora_A, a=5**0.5)
        self.factor = float(scale)
        self.training = base.training

    def forward(self, x):
        V = self.base.weight + self.factor * (self.lora_B @ self.lora_A)
        norm = V.detach().square().sum(1, keepdim=True).sqrt().clamp_min(1e-30)
        return F.linear(x, self.magnitude.unsqueeze(1) * (V / norm), self.base.bias)
""",
    "the base called, its bias taken off": (
        "y = F.linear(x, self.base.weight) +",
        "y = F.linear(x, self.base.weight, None) +",
    ),
    "as PEFT: (factor - 1) times the base": """
class DoRALinear(DoRALinear):
    def forward(self, x):
        change = self.scale * self.lora_B @ self.lora_A
        norm = (self.base.weight + change).norm(dim=1).detach()
        factor = self.magnitude / torch.where(norm == 0, torch.ones_like(norm), norm)
        out = F.linear(x, self.base.weight)
        low = F.linear(F.linear(x, self.lora_A), self.lora_B) * self.scale
        return self.base(x) + (factor - 1) * out + factor * low
""",
    "F.normalize of detached rows": """
class DoRALinear(DoRALinear):
    def forward(self, x):
        V = self.base.weight + self.scale * torch.einsum("or,ri->oi", self.lora_B, self.lora_A)
        size = torch.linalg.vector_norm(V, dim=1).detach()
        size = size + (size == 0)
        y = torch.einsum("...i,oi->...o", x, V) / size * self.magnitude
        return y if self.base.bias is None else y + self.base.bias
""",
    "factor on the factors": (
        "        y = self.magnitude / lengths * y\n",
        "        y = y * (self.magnitude / lengths)\n",
    ),
}
