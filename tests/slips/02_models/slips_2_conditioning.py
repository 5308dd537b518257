"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "parameters": {
        "bias of the head initialized to zero": (
            "c_dim, num_classes)\n",
            "c_dim, num_classes)\n        nn.init.zeros_(self.classify.bias)\n",
        ),
        "condition joined to x": """
class ConditionalMLP(nn.Module):
    def __init__(self, in_dim, c_dim, h, num_classes):
        super().__init__()
        self.embed = nn.Linear(in_dim + c_dim, h)
        self.classify = nn.Linear(h, num_classes)

    def forward(self, x, c):
        return self.classify(self.embed(torch.cat([x, c], dim=-1)).relu())
""",
        "condition with layers of its own": """
class ConditionalMLP(nn.Module):
    def __init__(self, in_dim, c_dim, h, num_classes):
        super().__init__()
        self.embed, self.embed_c = nn.Linear(in_dim, h), nn.Linear(c_dim, h)
        self.classify = nn.Linear(2 * h, num_classes)

    def forward(self, x, c):
        return self.classify(torch.cat([self.embed(x).relu(), self.embed_c(c)], dim=-1))
""",
        "no bias": ("nn.Linear(in_dim, h)", "nn.Linear(in_dim, h, bias=False)"),
        "no bias in the head": ("c_dim, num_classes)\n", "c_dim, num_classes, bias=False)\n"),
        "head without room for c": ("nn.Linear(h + c_dim,", "nn.Linear(h,"),
        "the same numbers in each model": (
            "super().__init__()",
            "super().__init__()\n        torch.manual_seed(0)",
        ),
        "a layer that waits for its first input": (
            "nn.Linear(h + c_dim, num_classes)",
            "nn.LazyLinear(num_classes)",
        ),
        "weights from N(0, 1)": (
            "c_dim, num_classes)\n",
            "c_dim, num_classes)\n        nn.init.normal_(self.embed.weight)\n",
        ),
        "first layer frozen": (
            "c_dim, num_classes)\n",
            "c_dim, num_classes)\n        self.embed.requires_grad_(False)\n",
        ),
        "a third layer": (
            "c_dim, num_classes)\n",
            "c_dim, num_classes)\n        self.norm = nn.LayerNorm(h)\n",
        ),
        "a last layer for each input": """
class ConditionalMLP(nn.Module):
    def __init__(self, in_dim, c_dim, h, num_classes):
        super().__init__()
        self.embed = nn.Linear(in_dim, h)
        self.of_hidden, self.of_c = nn.Linear(h, num_classes), nn.Linear(c_dim, num_classes)

    def forward(self, x, c):
        return self.of_hidden(self.embed(x).relu()) + self.of_c(c)
""",
        "x and c in each other's place": """
class ConditionalMLP(nn.Module):
    def __init__(self, in_dim, c_dim, h, num_classes):
        super().__init__()
        self.embed = nn.Linear(c_dim, h)
        self.classify = nn.Linear(h + in_dim, num_classes)

    def forward(self, x, c):
        return self.classify(torch.cat([self.embed(c).relu(), x], dim=-1))
""",
    },
    "logits": {
        "logits clamped for safety": (
            "dim=-1))  # (*, h + c_dim)",
            "dim=-1)).clamp(-1e4, 1e4)  # (*, h + c_dim)",
        ),
        "softmax": ("dim=-1))  # (*, h + c_dim)", "dim=-1)).softmax(-1)  # (*, h + c_dim)"),
        "softmax in eval mode": (
            "return self.classify(torch.cat([hidden, c], dim=-1))",
            "logits = self.classify(torch.cat([hidden, c], dim=-1))\n"
            "        return logits if self.training else logits.softmax(-1)",
        ),
        "log-softmax": ("dim=-1))  # (*, h + c_dim)", "dim=-1)).log_softmax(-1)  # (*, h + c_dim)"),
        "ReLU on the logits": ("dim=-1))  # (*, h + c_dim)", "dim=-1)).relu()  # (*, h + c_dim)"),
        "tanh on the logits": ("dim=-1))  # (*, h + c_dim)", "dim=-1)).tanh()  # (*, h + c_dim)"),
        "argmax in eval mode": (
            "return self.classify(torch.cat([hidden, c], dim=-1))",
            "logits = self.classify(torch.cat([hidden, c], dim=-1))\n"
            "        return logits if self.training else logits.argmax(-1)",
        ),
        "sigmoid": ("dim=-1))  # (*, h + c_dim)", "dim=-1)).sigmoid()  # (*, h + c_dim)"),
    },
    "hidden": {
        "no ReLU": (".relu()", ""),
        "GELU": ("self.embed(x).relu()", "nn.functional.gelu(self.embed(x))"),
        "hidden features limited to 100": ("self.embed(x).relu()", "self.embed(x).clamp(0, 100)"),
        "ReLU6": ("self.embed(x).relu()", "nn.functional.relu6(self.embed(x))"),
        "dropout": (
            "self.embed(x).relu()",
            "nn.functional.dropout(self.embed(x).relu(), 0.1, self.training)",
        ),
        "x rectified": ("self.embed(x)", "self.embed(x.relu())"),
        "leaky ReLU": (".relu()", ".relu() - 0.01 * self.embed(x).neg().relu()"),
        "hidden features normalized": (
            ".relu()",
            ".relu()\n        hidden = nn.functional.layer_norm(hidden, hidden.shape[-1:])",
        ),
        "condition added to hidden too": (".relu()", ".relu() + c.sum(-1, keepdim=True)"),
        "ReLU before the layer": ("self.embed(x).relu()", "self.embed(x.relu())"),
        "tanh for ReLU": (".relu()", ".tanh()"),
    },
    "condition": {
        "ReLU after cat": (
            "hidden = self.embed(x).relu()  # (*, h)\n"
            "        return self.classify(torch.cat([hidden, c], dim=-1))",
            "hidden = self.embed(x)\n"
            "        return self.classify(torch.cat([hidden, c], dim=-1).relu())",
        ),
        "condition first": ("[hidden, c]", "[c, hidden]"),
        "condition ignored": ("[hidden, c]", "[hidden, torch.zeros_like(c)]"),
        "condition clamped": ("[hidden, c]", "[hidden, c.clamp(-100, 100)]"),
        "condition squashed": ("[hidden, c]", "[hidden, c.tanh()]"),
        "condition of another sample": ("[hidden, c]", "[hidden, c.flip(0)]"),
        "condition normalized": ("[hidden, c]", "[hidden, nn.functional.normalize(c, dim=-1)]"),
        "condition as one-hot": (
            "[hidden, c]",
            "[hidden, nn.functional.one_hot(c.argmax(-1), c.shape[-1]).to(c) + 0 * c]",
        ),
        "condition gated by x": ("[hidden, c]", "[hidden, c * (hidden.sum(-1, keepdim=True) < 1)]"),
    },
    "leading": {
        "cat on the second dim from the left for images": (
            "dim=-1)",
            "dim=1 if hidden.ndim > 2 else -1)",
        ),
        "cat on dim 1": ("[hidden, c], dim=-1", "[hidden, c], dim=1"),
        "sizes of 1 squeezed away": (
            "dim=-1))  # (*, h + c_dim)",
            "dim=-1)).squeeze()  # (*, h + c_dim)",
        ),
        "one row a sample": (
            "self.embed(x).relu()",
            "self.embed(x.flatten(1) if x.ndim > 2 else x).relu()",
        ),
        "two dims demanded": (
            "        hidden = self",
            "        if x.ndim != 2:\n"
            "            raise ValueError('x is no batch')\n"
            "        hidden = self",
        ),
        "all dims of a sample flattened": (
            "        hidden = self",
            "        x, c = (t.reshape(len(t), -1) for t in (x, c))\n        hidden = self",
        ),
    },
    "gradients": {
        "gradient of c cut": ("[hidden, c]", "[hidden, c.detach()]"),
        "gradient of x cut": ("self.embed(x)", "self.embed(x.detach())"),
        "first layer cut off from the gradients": (
            "self.embed(x).relu()",
            "self.embed(x).relu().detach()",
        ),
        "gradients in train mode only": (
            "return self.classify",
            "with torch.set_grad_enabled(self.training):\n            return self.classify",
        ),
        "hidden taken out of the graph": ("[hidden, c]", "[hidden.data, c]"),
        "no gradients at all": (
            "        return self.classify",
            "        with torch.no_grad():\n            return self.classify",
        ),
    },
    "sizes": {
        "batch of one repeated": (
            "return self.classify",
            "c = c.expand(*hidden.shape[:-1], -1)\n        return self.classify",
        ),
        "two products, batch of one repeated": (
            "self.classify(torch.cat([hidden, c], dim=-1))",
            "nn.functional.linear(hidden, self.classify.weight[:, : hidden.shape[-1]], "
            "self.classify.bias) + c @ self.classify.weight[:, hidden.shape[-1] :].T",
        ),
        "rows flattened and restored": (
            "self.classify(torch.cat([hidden, c], dim=-1))",
            "self.classify(torch.cat([hidden.flatten(0, -2) if hidden.ndim > 1 else hidden[None], "
            "c.reshape(-1, c.shape[-1])], 1)).reshape(*x.shape[:-1], self.classify.out_features)",
        ),
        "c reshaped to the batch of x": (
            "return self.classify",
            "size = self.classify.in_features - self.embed.out_features\n"
            "        c = c.reshape(*x.shape[:-1], size)\n        return self.classify",
        ),
        "one c for the whole batch": (
            "return self.classify",
            "if c.ndim == 1:\n            c = c.expand(*x.shape[:-1], -1)\n"
            "        return self.classify",
        ),
        "missing dims of c expanded": (
            "return self.classify",
            "if c.ndim < x.ndim:\n            c = c.expand(*x.shape[:-1], -1)\n"
            "        return self.classify",
        ),
        "one c for all positions": (
            "return self.classify",
            "if c.ndim == 2 and x.ndim == 3:\n"
            "            c = c.unsqueeze(1).expand(-1, x.shape[1], -1)\n"
            "        return self.classify",
        ),
        "longer batch cut off": (
            "        return self.classify",
            "        if c.ndim > 1 and hidden.ndim > 1:\n"
            "            hidden, c = hidden[: len(c)], c[: len(hidden)]\n"
            "        return self.classify",
        ),
        "one x for many conditions": (
            "        return self.classify",
            "        if len(x) == 1:\n"
            "            hidden = hidden.expand(*c.shape[:-1], -1)\n"
            "        return self.classify",
        ),
        "features of c filled up": (
            "        return self.classify",
            "        c = nn.functional.pad(c, (0, self.classify.in_features - "
            "self.embed.out_features - c.shape[-1]))\n        return self.classify",
        ),
        "a bare assert as a guard": (
            "        hidden = self",
            "        assert x.shape[:-1] == c.shape[:-1]\n        hidden = self",
        ),
    },
    "dtypes": {
        "float32 whatever came": ("dim=-1))  # (*, h + c_dim)", "dim=-1)).float()  # (*, h"),
        "hidden in float32": (
            "[hidden, c]",
            "[nn.functional.linear(x.float(), self.embed.weight.float(), "
            "self.embed.bias.float()).relu().to(x.dtype), c]",
        ),
        "c cast to float32": ("[hidden, c]", "[hidden, c.float()]"),
    },
    "inputs": {
        "c moved to the CPU": ("[hidden, c]", "[hidden, c.cpu()]"),
        "c clipped in place": (
            "hidden = self",
            "c.data.clamp_(0)\n        hidden = self",
        ),
        "a tensor made on the CPU": (".relu()", ".relu() + torch.zeros(1, device='cpu')"),
        "x normalized in place": (
            "        hidden = self",
            "        x.data.mul_(0.5)\n        hidden = self",
        ),
        "x viewed as rows": ("self.embed(x)", "self.embed(x.view(-1).view(x.shape))"),
    },
}

VARIANTS = {
    "sequential and in-place ReLU": """
class ConditionalMLP(nn.Module):
    def __init__(self, in_dim, c_dim, h, num_classes):
        super().__init__()
        self.fc = nn.Linear(h + c_dim, num_classes)
        self.trunk = nn.Sequential(nn.Linear(in_dim, h), nn.ReLU(inplace=True))

    def forward(self, x, c):
        return self.fc(torch.cat((self.trunk(x), c), -1))
""",
    "the condition as a bias": """
class ConditionalMLP(nn.Module):
    def __init__(self, in_dim, c_dim, h, num_classes):
        super().__init__()
        self.h, self.c_dim = h, c_dim
        self.layers = nn.ModuleList([nn.Linear(in_dim, h), nn.Linear(h + c_dim, num_classes)])

    def forward(self, x, c):
        if x.shape[:-1] != c.shape[:-1]:
            raise ValueError(f"{x.shape} beside {c.shape}")
        first, last = self.layers
        hidden = torch.clamp(first(x), min=0)
        of_hidden, of_c = last.weight.split([self.h, self.c_dim], dim=1)
        return hidden @ of_hidden.mT + nn.functional.linear(c, of_c, last.bias)
""",
    "head first, textbook functional": """
class ConditionalMLP(nn.Module):
    def __init__(self, in_dim, c_dim, h, num_classes):
        super().__init__()
        self.fc2 = nn.Linear(h + c_dim, num_classes)
        self.fc1 = nn.Linear(in_dim, h)

    def forward(self, x, c):
        assert self.fc1.bias.isfinite().all()
        h = nn.functional.relu(self.fc1(x))
        h = torch.cat([h, c], dim=-1)
        return self.fc2(h)
""",
}
