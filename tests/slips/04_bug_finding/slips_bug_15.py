"""Mistakes by the label that must refuse them, and second right answers."""

MADE = "nn.Sequential(nn.Linear(a, b), nn.ReLU()) for a, b in pairs"
HIDDEN = f"        self.hidden = nn.ModuleList({MADE})\n"
PLAIN = f"        self.hidden = [{MADE}]\n"
FORWARD = "            x = layer(x)\n"
HEAD = "        self.head = nn.Linear(widths[-2], widths[-1])\n"
RETURN = "        return self.head(x)"

SLIPS = {
    "logits": {
        "no ReLU at all": ("nn.Sequential(nn.Linear(a, b), nn.ReLU())", "nn.Linear(a, b)"),
        "ReLU after the last layer, too": ("self.head(x)", "self.head(x).relu()"),
        "softmax at the end": ("self.head(x)", "self.head(x).softmax(dim=1)"),
        "LeakyReLU": ("nn.ReLU()", "nn.LeakyReLU()"),
        "GELU": ("nn.ReLU()", "nn.GELU()"),
        "ReLU before the layer": (
            "nn.Sequential(nn.Linear(a, b), nn.ReLU())",
            "nn.Sequential(nn.ReLU(), nn.Linear(a, b))",
        ),
        "Dropout added": ("nn.ReLU()", "nn.ReLU(), nn.Dropout(0.1)"),
        "inputs added to the result where they fit": (
            FORWARD,
            "            x = layer(x) + x if layer(x).shape == x.shape else layer(x)\n",
        ),
        "LayerNorm without weights": (
            "nn.ReLU()",
            "nn.ReLU(), nn.LayerNorm(b, elementwise_affine=False)",
        ),
        "ReLU6": ("nn.ReLU()", "nn.ReLU6()"),
        "axes of size 1 squeezed away": ("self.head(x)", "self.head(x).squeeze()"),
        "the last ReLU forgotten": (
            RETURN,
            "        return self.head(x)\n\n    def __setattr__(self, name, value):\n"
            '        if name == "hidden" and len(value):\n'
            "            value[-1][1] = nn.Identity()\n"
            "        super().__setattr__(name, value)",
        ),
    },
    "parameters": {
        "the head first": (
            HIDDEN + HEAD,
            HEAD + HIDDEN,
        ),
        "as handed out": (HIDDEN, PLAIN),
        "a tuple in place of the list": (HIDDEN, f"        self.hidden = tuple({MADE})\n"),
        "a dict in place of the list": (
            HIDDEN + HEAD + "\n    def forward(self, x: Tensor) -> Tensor:\n"
            "        for layer in self.hidden:\n",
            f"        self.hidden = dict(enumerate({MADE}))\n"
            + HEAD
            + "\n    def forward(self, x: Tensor) -> Tensor:\n"
            "        for layer in self.hidden.values():\n",
        ),
        "only the first hidden layer registered": (
            HIDDEN,
            PLAIN + "        self.first = self.hidden[0] if self.hidden else None\n",
        ),
        "the last one of the loop registered": (
            HIDDEN,
            PLAIN + "        for layer in self.hidden:\n            self.layer = layer\n",
        ),
        "one layer used again where the widths agree": (
            HEAD,
            HEAD + "        for i in range(1, len(self.hidden)):\n"
            "            one, two = self.hidden[i - 1][0], self.hidden[i][0]\n"
            "            if one.weight.shape == two.weight.shape:\n"
            "                self.hidden[i] = self.hidden[i - 1]\n",
        ),
        "registered from the end": (
            HIDDEN,
            PLAIN + "        for i, layer in reversed(list(enumerate(self.hidden))):\n"
            '            self.add_module(f"layer{i}", layer)\n',
        ),
        "parameters() extended by hand, after the head": (
            HIDDEN + HEAD,
            PLAIN + HEAD + "\n    def parameters(self, recurse=True):\n"
            "        yield from self.head.parameters()\n"
            "        for layer in self.hidden:\n            yield from layer.parameters()\n",
        ),
        "no biases": ("nn.Linear(a, b), nn.ReLU()", "nn.Linear(a, b, bias=False), nn.ReLU()"),
        "hidden layers run without gradients": (
            FORWARD,
            "            x = layer(x.detach())\n",
        ),
        "hidden layers frozen": (
            HEAD,
            HEAD + "        self.hidden.requires_grad_(False)\n",
        ),
        "normalization with weights added": ("nn.ReLU()", "nn.ReLU(), nn.LayerNorm(b)"),
        "copies of the parameters registered": (
            HIDDEN,
            PLAIN + "        params = [p for layer in self.hidden for p in layer.parameters()]\n"
            "        copies = [nn.Parameter(p.detach().clone()) for p in params]\n"
            "        self.params = nn.ParameterList(copies)\n",
        ),
        "registered as buffers": (
            HIDDEN,
            PLAIN + "        for i, layer in enumerate(self.hidden):\n"
            "            for name, p in layer[0].named_parameters():\n"
            '                self.register_buffer(f"{name}{i}", p.data)\n',
        ),
    },
    "start": {
        "one layer copied": (
            HEAD,
            HEAD + "        import copy\n\n        for i in range(1, len(self.hidden)):\n"
            "            if self.hidden[i][0].weight.shape == self.hidden[0][0].weight.shape:\n"
            "                self.hidden[i] = copy.deepcopy(self.hidden[0])\n",
        ),
        "a fixed seed": (
            "        super().__init__()\n",
            "        super().__init__()\n        import torch\n\n        torch.manual_seed(0)\n",
        ),
        "drawn from a normal distribution": (
            HEAD,
            HEAD + "        for layer in self.hidden:\n"
            "            nn.init.normal_(layer[0].weight)\n",
        ),
        "biases begin at 0": (
            HEAD,
            HEAD + "        for p in self.parameters():\n            if p.dim() == 1:\n"
            "                nn.init.zeros_(p)\n",
        ),
        "the head begins at 0": (HEAD, HEAD + "        nn.init.zeros_(self.head.weight)\n"),
        "a smaller start for deep networks": (
            HEAD,
            HEAD + "        for p in self.parameters():\n            p.data /= len(widths)\n",
        ),
    },
    "checkpoint": {
        "saved twice, under two names": (
            HEAD,
            HEAD + "        self.layers = nn.ModuleList([*self.hidden, self.head])\n",
        ),
        "parameters() extended by hand": (
            HIDDEN + HEAD,
            PLAIN + HEAD + "\n    def parameters(self, recurse=True):\n"
            "        for layer in self.hidden:\n            yield from layer.parameters()\n"
            "        yield from self.head.parameters()\n",
        ),
        "named_parameters() extended by hand": (
            HIDDEN + HEAD,
            PLAIN
            + HEAD
            + "\n    def named_parameters(self, prefix='', recurse=True, remove_duplicate=True):\n"
            "        for i, layer in enumerate(self.hidden):\n"
            "            yield from layer.named_parameters(f'{i}')\n"
            "        yield from self.head.named_parameters('head')\n",
        ),
        "state_dict() gives the head alone": (
            RETURN,
            RETURN + "\n\n    def state_dict(self, *args, **more):\n"
            "        return self.head.state_dict(*args, **more)\n\n"
            "    def load_state_dict(self, state, *args, **more):\n"
            "        return self.head.load_state_dict(state)",
        ),
        "what does not fit is left out without a word": (
            HEAD,
            HEAD + "\n    def load_state_dict(self, state_dict, strict=False, assign=False):\n"
            '        kept = {k: v for k, v in state_dict.items() if k.startswith("head")}\n'
            "        return super().load_state_dict(kept, strict=False)\n",
        ),
    },
    "moves": {
        "parameters registered, not the layers": (
            HIDDEN,
            PLAIN + "        params = [p for layer in self.hidden for p in layer.parameters()]\n"
            "        self.params = nn.ParameterList(params)\n",
        ),
        "to() forgets the list": (
            HIDDEN + HEAD,
            PLAIN + HEAD + "\n    def named_parameters(self, prefix='', recurse=True, "
            "remove_duplicate=True):\n"
            "        for i, layer in enumerate(self.hidden):\n"
            "            yield from layer.named_parameters(f'{i}')\n"
            "        yield from self.head.named_parameters('head')\n\n"
            "    def state_dict(self, *args, **more):\n"
            "        return {k: p.detach() for k, p in self.named_parameters()}\n\n"
            "    def load_state_dict(self, state, *args, **more):\n"
            "        for k, p in self.named_parameters():\n"
            "            p.data.copy_(state[k])\n",
        ),
        "results made float32": ("self.head(x)", "self.head(x).float()"),
        "a mask made on the CPU": (
            FORWARD,
            "            x = layer(x)\n            import torch\n\n"
            "            x = x * torch.ones(x.shape[1]).to(x.dtype)\n",
        ),
        "a deep copy shares the layers": (
            RETURN,
            RETURN + "\n\n    def __deepcopy__(self, memo):\n"
            "        import copy\n\n        return copy.copy(self)",
        ),
    },
    "widths": {
        "widths used up": (
            HEAD,
            "        last = widths.pop()\n        self.head = nn.Linear(widths[-1], last)\n",
        ),
        "two numbers refused": (
            "        super().__init__()\n",
            "        super().__init__()\n        if len(widths) < 3:\n"
            "            raise ValueError(widths)\n",
        ),
        "lists only": (
            "        super().__init__()\n",
            "        super().__init__()\n        widths = widths + []\n",
        ),
        "widths looked up in the forward pass": (
            HEAD + "\n    def forward(self, x: Tensor) -> Tensor:\n",
            HEAD + "        self.widths = widths\n\n"
            "    def forward(self, x: Tensor) -> Tensor:\n"
            "        if x.shape[1] != self.widths[0]:\n"
            "            raise ValueError(tuple(x.shape))\n",
        ),
    },
}

VARIANTS = {
    "one Sequential": """
class DeepNet(nn.Module):
    def __init__(self, widths):
        super().__init__()
        layers = []
        for a, b in zip(widths, widths[1:]):
            layers += [nn.Linear(a, b), nn.ReLU()]
        self.net = nn.Sequential(*layers[:-1])

    def forward(self, x):
        return self.net(x)
""",
    "all layers in one ModuleList": """
import torch

class DeepNet(nn.Module):
    def __init__(self, widths):
        super().__init__()
        self.layers = nn.ModuleList()
        for i in range(len(widths) - 1):
            self.layers.append(nn.Linear(widths[i], widths[i + 1]))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return self.layers[-1](x)
""",
    "registered by name": """
class DeepNet(nn.Module):
    def __init__(self, widths):
        super().__init__()
        self.depth = len(widths) - 1
        for i in range(self.depth):
            self.add_module(f"layer{i}", nn.Linear(widths[i], widths[i + 1]))

    def forward(self, x):
        for i in range(self.depth):
            x = getattr(self, f"layer{i}")(x)
            if i < self.depth - 1:
                x = x.clamp(min=0)
        return x
""",
    "the list kept beside": (
        HIDDEN,
        PLAIN + "        self.registered = nn.Sequential(*self.hidden)\n",
    ),
    "weights in a ParameterList": """
import torch

class DeepNet(nn.Module):
    def __init__(self, widths):
        super().__init__()
        layers = [nn.Linear(a, b) for a, b in zip(widths, widths[1:])]
        self.params = nn.ParameterList(p for layer in layers for p in layer.parameters())

    def forward(self, x):
        params = list(self.params)
        for i in range(0, len(params), 2):
            x = nn.functional.linear(x.relu() if i else x, params[i], params[i + 1])
        return x
""",
}
