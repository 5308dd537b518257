"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

WEIGHT = (
    "self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-bound, bound))"
)
BIAS = "self.bias = nn.Parameter(torch.empty(out_features).uniform_(-bound, bound))"
BUFFER = '        self.register_buffer("seen", torch.tensor(0))\n'
COUNT = "            self.seen += x.shape[:-1].numel()\n"
PRODUCT = "        y = x @ self.weight.T\n"
RESULT = "        return y if self.bias is None else y + self.bias\n"
FAN = "    fan_in = weight[0].numel()\n"
FILL = "    return weight.normal_(0, (2 / fan_in) ** 0.5)\n"
HELD = "        return torch.where(ids.unsqueeze(-1) == self.padding_idx, rows.detach(), rows)\n"
ZERO = "        if padding_idx is not None:\n            self.weight.data[padding_idx] = 0\n"

SLIPS = {
    "parameters": {
        "a parameter that nothing uses": (
            "        self.padding_idx = padding_idx\n",
            "        self.padding_idx = padding_idx\n"
            "        self.scale = nn.Parameter(torch.ones(()))\n",
        ),
        "weight a plain tensor": (
            WEIGHT,
            WEIGHT.replace("nn.Parameter(", "(").replace("bound))", "bound).requires_grad_())"),
        ),
        "bias a plain tensor": (
            '        self.register_parameter("bias", None)\n'
            f"        if bias:\n            {BIAS}\n",
            "        self.bias = torch.empty(out_features).uniform_(-bound, bound) "
            "if bias else None\n",
        ),
        "bias of zeros where none is wanted": (
            f"        if bias:\n            {BIAS}\n",
            f"        {BIAS}\n        if not bias:\n            self.bias.data.zero_()\n",
        ),
        "seen a parameter": (
            BUFFER,
            "        self.seen = nn.Parameter(torch.tensor(0), requires_grad=False)\n",
        ),
        "no attribute bias": (
            '        self.register_parameter("bias", None)\n',
            "        self.with_bias = bias\n",
        ),
        "bias (1, out_features)": (BIAS, BIAS.replace("(out_features)", "(1, out_features)")),
        "weight (in_features, out_features)": (
            WEIGHT,
            WEIGHT.replace("out_features, in_features", "in_features, out_features"),
        ),
        "padding without training": (
            ZERO,
            "        self.weight.requires_grad_(padding_idx is None)\n" + ZERO,
        ),
    },
    "by_hand": {
        "linear of the library": (PRODUCT, "        y = nn.functional.linear(x, self.weight)\n"),
        "linear of the library in eval mode": (
            PRODUCT,
            PRODUCT + "        if not self.training:\n"
            "            return nn.functional.linear(x, self.weight, self.bias)\n",
        ),
        "embedding of the library": (
            "        rows = self.weight[ids]\n",
            "        rows = nn.functional.embedding(ids, self.weight)\n",
        ),
        "the weight of an nn.Linear": (
            WEIGHT,
            "self.weight = nn.Linear(in_features, out_features).weight",
        ),
        "the weight of an nn.Embedding": (
            "nn.Parameter(torch.randn(num_embeddings, embedding_dim))",
            "nn.Embedding(num_embeddings, embedding_dim).weight",
        ),
        "embedding of the library for the padding": (
            HELD,
            "        return nn.functional.embedding(ids, self.weight, self.padding_idx)\n",
        ),
        "a subclass of nn.Embedding": (
            "class MyEmbedding(nn.Module):",
            "class MyEmbedding(nn.Embedding):\n"
            "    def __init__(self, n, d, padding_idx=None):\n"
            "        super().__init__(n, d, padding_idx)\n"
            "        self.padding_idx = padding_idx if padding_idx is None else padding_idx % n\n"
            "\n\nclass Other(nn.Module):",
        ),
    },
    "forward": {
        "weight not transposed": (PRODUCT, "        y = x @ self.weight.view(x.shape[-1], -1)\n"),
        "bias forgotten": (RESULT, "        return y\n"),
        "no bias in eval mode": (
            RESULT,
            RESULT.replace("self.bias is None", "self.bias is None or not self.training"),
        ),
        "F.linear's rows made flat": (
            RESULT,
            RESULT.replace(
                "        return",
                "        y = y.flatten(0, -2) if y.ndim > 2 else y\n        return",
            ),
        ),
        "mm, which takes (N, D) only": (PRODUCT, "        y = torch.mm(x, self.weight.T)\n"),
        "x in float32": (PRODUCT, "        y = (x.float() @ self.weight.T.float()).to(x.dtype)\n"),
        "the weight without gradient": (PRODUCT, "        y = x @ self.weight.data.T\n"),
        "x without gradient": (PRODUCT, "        y = x.detach() @ self.weight.T\n"),
        "bias added in place to x": (
            PRODUCT,
            "        y = x @ self.weight.T\n        x.data.mul_(1.5)\n",
        ),
        "rows without gradient": ("self.weight[ids]", "self.weight.detach()[ids]"),
    },
    "start": {
        "standard normal": (WEIGHT, WEIGHT.replace("uniform_(-bound, bound)", "normal_()")),
        "a normal with the same deviation": (
            WEIGHT,
            WEIGHT.replace("uniform_(-bound, bound)", "normal_(0, bound / 3**0.5)"),
        ),
        "bound of the outputs": ("bound = in_features**-0.5", "bound = out_features**-0.5"),
        "row 0 zero without padding": (ZERO, "        self.weight.data[padding_idx or 0] = 0\n"),
        "bias zero": (BIAS, BIAS.replace("uniform_(-bound, bound)", "zero_()")),
        "a fixed seed": (
            "        bound = in_features**-0.5\n",
            "        bound = in_features**-0.5\n        torch.manual_seed(0)\n",
        ),
        "embedding with the linear layer's range": (
            "torch.randn(num_embeddings, embedding_dim)",
            "torch.randn(num_embeddings, embedding_dim) * embedding_dim**-0.5",
        ),
    },
    "kaiming": {
        "fan_out": (FAN, "    fan_in = weight.shape[0]\n"),
        "window of a kernel left out": (FAN, "    fan_in = weight.shape[1]\n"),
        "variance as deviation": (FILL, FILL.replace(" ** 0.5", "")),
        "1/fan_in": (FILL, FILL.replace("2 / ", "1 / ")),
        "uniform": (
            FILL,
            "    bound = (6 / fan_in) ** 0.5\n    return weight.uniform_(-bound, bound)\n",
        ),
        "a copy filled": (
            FILL,
            FILL.replace("weight.normal_", "weight.flatten().normal_").replace("return ", "")
            + "    return weight\n",
        ),
        "a new tensor": (FILL, "    return torch.randn_like(weight) * (2 / fan_in) ** 0.5\n"),
        "data given back": (FILL, FILL.replace("weight.normal_", "weight.data.normal_")),
        "recorded": ("@torch.no_grad()\n", ""),
        "every parameter made trainable": (
            FILL,
            FILL[:-1] + ".requires_grad_(isinstance(weight, nn.Parameter))\n",
        ),
        "truncated at two deviations": (
            FILL,
            "    s = (2 / fan_in) ** 0.5\n    return weight.normal_(0, s).clamp_(-2 * s, 2 * s)\n",
        ),
    },
    "seen": {
        "seen a plain attribute": (BUFFER, "        self.seen = torch.tensor(0)\n"),
        "seen not saved": (BUFFER, BUFFER.replace("(0))", "(0), persistent=False)")),
        "seen shared by all layers": (
            BUFFER,
            '        self.register_buffer("seen", SimpleLinear.__dict__.get("one"))\n'
            "        if self.seen is None:\n"
            "            SimpleLinear.one = self.seen = torch.tensor(0)\n",
        ),
        "seen a float": (BUFFER, BUFFER.replace("(0)", "(0.0)")),
        "counted in eval mode, too": ("        if self.training:\n", "        if True:\n"),
        "counted with gradients only": (
            "if self.training:",
            "if self.training and torch.is_grad_enabled():",
        ),
        "calls counted": (COUNT, "            self.seen += 1\n"),
        "len(x)": (COUNT, "            self.seen += len(x) if x.ndim > 1 else 1\n"),
        "the last call's rows": (
            COUNT,
            COUNT.replace("+=", "=").replace("x.shape", "0 * self.seen + x.shape"),
        ),
        "a new tensor on the CPU": (
            COUNT,
            "            self.seen = torch.tensor(int(self.seen) + x.shape[:-1].numel()) "
            "if not x.is_meta else torch.tensor(0)\n",
        ),
        "not counted without bias": (
            "if self.training:",
            "if self.training and self.bias is not None:",
        ),
        "no seen without bias": (
            BUFFER + "\n",
            BUFFER.replace("self.reg", "if bias:\n            self.reg") + "\n",
        ),
        "an x with one size not counted": (
            "if self.training:",
            "if self.training and x.ndim > 1:",
        ),
    },
    "padding": {
        "the padding row trained": (HELD, "        return rows\n"),
        "the padding row random": (ZERO, ""),
        "0 is no padding": (
            "        if self.padding_idx is None:\n",
            "        if not self.padding_idx:\n",
        ),
        "row 0 random": (
            "        if padding_idx is not None:\n            self",
            "        if padding_idx:\n            self",
        ),
        "a negative one never found": (
            "            padding_idx %= num_embeddings\n",
            "            pass\n",
        ),
        "the padding row trained in eval mode": (
            "        if self.padding_idx is None:\n",
            "        if self.padding_idx is None or not self.training:\n",
        ),
        "zeroed again in eval mode": (
            "        rows = self.weight[ids]\n",
            "        if self.padding_idx is not None and not self.training:\n"
            "            self.weight.data[self.padding_idx] = 0\n"
            "        rows = self.weight[ids]\n",
        ),
        "the result zero": (
            HELD,
            HELD.replace("rows.detach(), rows", "torch.zeros_like(rows), rows"),
        ),
    },
    "shown": {
        "without extra_repr": (
            "    def extra_repr(self) -> str:\n        sizes",
            "    def other(self) -> str:\n        sizes",
        ),
        "without bias": (
            '        return f"{sizes}, bias={self.bias is not None}"',
            "        return sizes",
        ),
        "the bias itself": ("bias={self.bias is not None}", "bias={self.bias}"),
        "padding always": ('"" if self.padding_idx is None else f"', 'f"'),
    },
}

VARIANTS = {
    "einsum, and empty filled by nn.init": """
class SimpleLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        nn.init.kaiming_uniform_(self.weight, a=5 ** 0.5)
        self.bias = None
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features))
            nn.init.uniform_(self.bias, -1 / in_features ** 0.5, 1 / in_features ** 0.5)
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def forward(self, x):
        out = torch.einsum("...i,oi->...o", x, self.weight)
        if self.bias is not None:
            out += self.bias
        if self.training:
            self.seen = self.seen + x[..., 0].numel()
        return out

    def extra_repr(self):
        return "in_features={}, out_features={}, bias={}".format(
            self.in_features, self.out_features, self.bias is not None)
""",
    "seen through a Python number": (
        COUNT,
        "            self.seen.fill_(self.seen.item() + x.shape[:-1].numel())\n",
    ),
    "__repr__, % and a mask on the gradient": """
class MyEmbedding(nn.Module):
    def __init__(self, num_embeddings, embedding_dim, padding_idx=None):
        super().__init__()
        self.pad = None if padding_idx is None else padding_idx % num_embeddings
        self.weight = nn.Parameter(nn.init.normal_(torch.empty(num_embeddings, embedding_dim)))
        if self.pad is not None:
            nn.init.zeros_(self.weight[self.pad])
            self.weight.register_hook(self.mask)

    def mask(self, grad):
        keep = torch.ones_like(grad)
        keep[self.pad] = 0
        return grad * keep

    def forward(self, ids):
        return self.weight.index_select(0, ids.reshape(-1)).reshape(*ids.shape, len(self.weight.T))

    def __repr__(self):
        n, d = self.weight.shape
        return f"MyEmbedding({n}, {d}" + (
            ")" if self.pad is None else f", padding_idx={self.pad})"
        )
""",
    "matmul": (PRODUCT, "        y = torch.matmul(x, self.weight.transpose(0, 1))\n"),
    "rand scaled": (
        WEIGHT,
        "self.weight = nn.Parameter((torch.rand(out_features, in_features) * 2 - 1) * bound)",
    ),
    "embedding by index_select and a hook": """
class MyEmbedding(nn.Module):
    def __init__(self, num_embeddings, embedding_dim, padding_idx=None):
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        if padding_idx is not None and padding_idx < 0:
            padding_idx += num_embeddings
        self.padding_idx = padding_idx
        weight = torch.randn(num_embeddings, embedding_dim)
        if padding_idx is not None:
            weight[padding_idx].zero_()
        self.weight = nn.Parameter(weight)

    def forward(self, ids):
        weight = self.weight
        if self.padding_idx is not None:
            keep = torch.ones(len(weight), 1, dtype=torch.bool, device=weight.device)
            keep[self.padding_idx] = False
            weight = torch.where(keep, weight, weight.detach())
        rows = weight.index_select(0, ids.reshape(-1))
        return rows.view(*ids.shape, self.embedding_dim)

    def extra_repr(self):
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        return text
""",
    "a hook on the weight": (
        f"{ZERO}\n    def forward(self, ids: Tensor) -> Tensor:\n        rows = self.weight[ids]\n"
        f"        if self.padding_idx is None:\n            return rows\n{HELD}",
        f"{ZERO}            self.weight.register_hook(self.without_padding)\n\n"
        "    def without_padding(self, grad):\n        grad = grad.clone()\n"
        "        grad[self.padding_idx] = 0\n        return grad\n\n"
        "    def forward(self, ids):\n        return self.weight[ids]\n",
    ),
    "kaiming by copy": """
def kaiming_init(weight):
    fan_in = 1
    for size in weight.shape[1:]:
        fan_in *= size
    with torch.no_grad():
        weight.copy_(torch.randn(weight.shape) * (2.0 / fan_in) ** 0.5)
    return weight
""",
    "kaiming through data": (
        FILL,
        "    weight.data = weight.data.normal_().mul_((2 / fan_in) ** 0.5)\n    return weight\n",
    ),
}
