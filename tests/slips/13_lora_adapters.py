"""Wrong answers that the checks of 13_lora_adapters refuse, and second right ones they accept."""

SLIPS = {
    "challenge_lora_linear": {
        "both factors zero": (
            "nn.init.normal_(self.lora_A, std=base.in_features**-0.5)",
            "nn.init.zeros_(self.lora_A)",
        ),
        "B random too": ("new_zeros(", "new_empty("),
        "A zero, B random": (
            "nn.init.normal_(self.lora_A, std=base.in_features**-0.5)",
            "nn.init.zeros_(self.lora_A)\n        nn.init.normal_(self.lora_B)",
        ),
        "A of ones": ("normal_(self.lora_A, std=base.in_features**-0.5)", "ones_(self.lora_A)"),
        "A uniform from 0": (
            "normal_(self.lora_A, std=base.in_features**-0.5)",
            "uniform_(self.lora_A)",
        ),
        "A far too large": (", std=base.in_features**-0.5", ""),
        "A of a fixed size": ("std=base.in_features**-0.5", "std=0.02"),
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
        "base copied": (
            "base.requires_grad_(False)",
            "__import__('copy').deepcopy(base).requires_grad_(False)",
        ),
        "a new base": (
            "base.requires_grad_(False)",
            "nn.Linear(base.in_features, base.out_features).requires_grad_(False)",
        ),
        "float32 factors": (
            "base.weight.new_empty(rank, base.in_features)",
            "base.weight.new_empty(rank, base.in_features).float()",
        ),
        "factors on the CPU": (
            "base.weight.new_zeros(base.out_features, rank)",
            'base.weight.new_zeros(base.out_features, rank, device="cpu")',
        ),
        "scale divided by the rank": ("self.scale = scale", "self.scale = scale / rank"),
        "scale left out": ("self.scale * F.linear", "F.linear"),
        "scale twice": ("F.linear(low, self.lora_B)", "self.scale * F.linear(low, self.lora_B)"),
        "scale on the base too": (
            "self.base(x) + F.linear(low, self.lora_B)",
            "self.scale * (self.base(x) + F.linear(x @ self.lora_A.T, self.lora_B))",
        ),
        "0 taken for the default": ("self.scale = scale", "self.scale = scale or 1.0"),
        "scale in the state dict": (
            "self.scale = scale",
            'self.register_buffer("scale", base.weight.new_tensor(scale))',
        ),
        "scale trains": (
            "self.scale = scale",
            "self.scale = nn.Parameter(base.weight.new_tensor(scale))",
        ),
        "base left out": ("self.base(x) + ", ""),
        "bias twice": ("F.linear(low, self.lora_B)", "F.linear(low, self.lora_B, self.base.bias)"),
        "base detached from x": ("self.base(x) +", "self.base(x).detach() +"),
        "base of a detached x": ("self.base(x) +", "self.base(x.detach()) +"),
        "low features detached": ("F.linear(low, ", "F.linear(low.detach(), "),
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
        "ReLU between the factors": ("F.linear(low, ", "F.linear(low.relu(), "),
        "dropout between the factors": (
            "F.linear(low, ",
            "F.linear(F.dropout(low, 0.1, self.training), ",
        ),
        "only in train mode": (
            "return self.base(x) +",
            "if not self.training:\n            return self.base(x)\n        return self.base(x) +",
        ),
        "train mode whatever base's": ("self.train(base.training)", "self.train()"),
        "eval mode": ("self.train(base.training)", "self.eval()"),
        "rank 0 accepted": ("rank < 1", "rank < 0"),
        "rank not checked": ("rank < 1", "False"),
        "large ranks refused": (
            "rank < 1",
            "not 0 < rank <= min(base.in_features, base.out_features)",
        ),
        "rank limited": (
            "        self.base =",
            "        rank = min(rank, base.in_features, base.out_features)\n        self.base =",
        ),
        "assert for ValueError": (
            'if rank < 1:\n            raise ValueError(f"rank is {rank}, want 1 or more")',
            "assert rank >= 1",
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
        "one row of A for all": (
            "nn.init.normal_(self.lora_A, std=base.in_features**-0.5)",
            "nn.init.normal_(self.lora_A, std=base.in_features**-0.5)\n"
            "        self.lora_A.data[:] = self.lora_A.data[0]",
        ),
        "batches only": ("F.linear(x, self.lora_A)", "x.mm(self.lora_A.T)"),
        "result in float32": ("return self.base(x)", "return self.base(x).float()"),
        "x scaled in place": (
            "self.scale * F.linear(x, self.lora_A)",
            "F.linear(x.data.mul_(self.scale), self.lora_A)",
        ),
        "a Parameter, then moved": (
            "nn.Parameter(base.weight.new_zeros(base.out_features, rank))",
            "nn.Parameter(base.weight.new_zeros(base.out_features, rank, device='cpu'))"
            ".to(base.weight.device)",
        ),
        "merged weight under no_grad": (
            "return self.base(x) + F.linear(low, self.lora_B)",
            "if not __import__('torch').is_grad_enabled():\n"
            "            change = self.scale * self.lora_B @ self.lora_A\n"
            "            return F.linear(x, self.base.weight + change, self.base.bias)\n"
            "        return self.base(x) + F.linear(low, self.lora_B)",
        ),
        "scale in float32": (
            "self.scale = scale",
            'self.register_buffer("scale", __import__("torch").tensor(scale), persistent=False)',
        ),
        "batches of a size only": (
            "F.linear(x, self.lora_A)",
            "F.linear(x.reshape(len(x), -1, x.shape[-1]).view_as(x) if x.ndim > 1 else x,"
            " self.lora_A)",
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
    },
    "challenge_inject_lora": {
        "nothing frozen": ("    model.requires_grad_(False)\n", ""),
        "all frozen in the end": (
            "    return model, params",
            "    model.requires_grad_(False)\n    return model, params",
        ),
        "only the adapted layers frozen": (
            "    model.requires_grad_(False)\n",
            "    for m in wrappers:\n        m.requires_grad_(False)\n",
        ),
        "only linear layers frozen": (
            "    model.requires_grad_(False)\n",
            "    for m in layers.values():\n        m.requires_grad_(False)\n",
        ),
        "only weights frozen": (
            "    model.requires_grad_(False)\n",
            "    for name, p in model.named_parameters():\n"
            '        p.requires_grad_(not name.endswith("weight"))\n',
        ),
        "biases train too": (
            "    return model, params",
            "    biases = [m.base.bias for m in adapters if m.base.bias is not None]\n"
            "    for p in biases:\n        p.requires_grad_()\n"
            "    return model, params + biases",
        ),
        "only the new adapters train": (
            "for m in adapters for p",
            "for m in wrappers.values() for p",
        ),
        "only the new adapters in params": (
            "    return model, params",
            "    return model, [p for m in wrappers.values() for p in (m.lora_A, m.lora_B)]",
        ),
        "only lora_B in params": ("for p in (m.lora_A, m.lora_B)", "for p in (m.lora_B,)"),
        "all of the model in params": (
            "    return model, params",
            "    return model, list(model.parameters())",
        ),
        "shared parameters twice": (
            "adapters = [m for m in model.modules() if isinstance(m, LoRALinear)]",
            "adapters = [m for _, m in model.named_modules(remove_duplicate=False)"
            " if isinstance(m, LoRALinear)]",
        ),
        "a generator": ("    return model, params", "    return model, iter(params)"),
        "the model alone": ("    return model, params", "    return model"),
        "a copy returned": (
            "    if not linear_names:",
            "    model = __import__('copy').deepcopy(model)\n    if not linear_names:",
        ),
        "a list": ("    return model, params", "    return [model, params]"),
        "a wrapper for each place": (
            "model.set_submodule(name, wrappers[m])",
            "model.set_submodule(name, LoRALinear(m, rank, scale))",
        ),
        "only the named place": (
            "        if m in wrappers:",
            "        if m in wrappers and name in linear_names:",
        ),
        "only the first place": (
            "model.named_modules(remove_duplicate=False)",
            "model.named_modules()",
        ),
        "a second call starts again": (
            "LoRALinear(m, rank, scale) for m in chosen if isinstance(m, nn.Linear)",
            'LoRALinear(getattr(m, "base", m), rank, scale) for m in chosen',
        ),
        "the base inside a wrapper": (" and m not in inside", ""),
        "scale forgotten": ("LoRALinear(m, rank, scale)", "LoRALinear(m, rank, 1.0)"),
        "another default scale": (
            "rank: int, scale: float = 1.0\n",
            "rank: int, scale: float = 2.0\n",
        ),
        "rank forgotten": ("LoRALinear(m, rank, scale)", "LoRALinear(m, 2, scale)"),
        "all layers adapted": (
            "chosen = [layers[name] for name in linear_names]",
            "chosen = list(layers.values())",
        ),
        "matched by the name's end": (
            "chosen = [layers[name] for name in linear_names]",
            'chosen = [m for n, m in layers.items() if n.rpartition(".")[2] in'
            ' {s.rpartition(".")[2] for s in linear_names}]',
        ),
        "unknown names skipped": (
            "    if unknown:",
            "    linear_names = [n for n in linear_names if n in layers]\n    if False:",
        ),
        "ValueError for unknown names": ("raise KeyError", "raise ValueError"),
        "AttributeError for unknown names": ("raise KeyError", "raise AttributeError"),
        "KeyError without the layers": (", there are {list(layers)}", ""),
        "only the top level's layers listed": (
            "{list(layers)}",
            "{[n for n, _ in model.named_children()]}",
        ),
        "frozen before the names are read": (
            "    if not linear_names:",
            "    model.requires_grad_(False)\n    if not linear_names:",
        ),
        "exchanged one by one": """
def inject_lora(model, linear_names, rank, scale=1.0):
    if not linear_names:
        raise ValueError("no names")
    inside = {m.base for m in model.modules() if isinstance(m, LoRALinear)}
    layers = {
        n: m
        for n, m in model.named_modules(remove_duplicate=False)
        if n and isinstance(m, nn.Linear | LoRALinear) and m not in inside
    }
    for name in linear_names:
        if name not in layers:
            raise KeyError(f"{name} is none of {list(layers)}")
        layer = layers[name]
        if isinstance(layer, nn.Linear):
            new = LoRALinear(layer, rank, scale)
            for place in [n for n, m in layers.items() if m is layer]:
                model.set_submodule(place, new)
                layers[place] = new
    model.requires_grad_(False)
    adapters = [m for m in model.modules() if isinstance(m, LoRALinear)]
    params = [p for m in adapters for p in (m.lora_A, m.lora_B)]
    return model, [p.requires_grad_() for p in params]
""",
        "no names accepted": ("    if not linear_names:", "    if False:"),
        "the model's mode set": ("    return model, params", "    return model.train(), params"),
        "names used up": (
            "    return model, params",
            "    linear_names.clear()\n    return model, params",
        ),
        "base copied": (
            "LoRALinear(m, rank, scale)",
            "LoRALinear(__import__('copy').deepcopy(m), rank, scale)",
        ),
        "norm layers in eval mode": (
            "    return model, params",
            "    for m in model.modules():\n        if isinstance(m, nn.BatchNorm1d):\n"
            "            m.eval()\n    return model, params",
        ),
        "the start is not the base": (
            "        p.requires_grad_()\n",
            "        nn.init.normal_(p.requires_grad_(), std=0.1)\n",
        ),
        "params of the named layers alone": (
            "    return model, params",
            "    named = [model.get_submodule(n) for n in dict.fromkeys(linear_names)]\n"
            "    return model, list({p: 0 for m in named for p in (m.lora_A, m.lora_B)})",
        ),
        "what was frozen stays frozen": (
            "    model.requires_grad_(False)\n",
            "    for m in [*model.modules()]:\n        if not isinstance(m, LoRALinear):\n"
            "            for p in m.parameters(False):\n                p.requires_grad = False\n"
            "    return model, [p for p in model.parameters() if p.requires_grad]\n",
        ),
        "told by the parameter's name": (
            "    return model, params",
            "    for n, p in model.named_parameters():\n"
            '        p.requires_grad = "lora_" in n\n'
            "    return model, [p for p in model.parameters() if p.requires_grad]",
        ),
        "bases told by their name": ("m not in inside", 'not name.endswith("base")'),
        "bases told by the path": (
            "m not in inside",
            "not isinstance(model.get_submodule(name.rpartition('.')[0]), LoRALinear)",
        ),
        "the model itself": ("if name and isinstance", "if isinstance"),
        "bases listed for their layers": (
            "{list(layers)}",
            "{[n for n, m in model.named_modules() if isinstance(m, nn.Linear)]}",
        ),
        "parameters listed for the layers": (
            "{list(layers)}",
            "{[n for n, _ in model.named_parameters()]}",
        ),
        "earlier wrappers in train mode": (
            "    return model, params",
            "    for m in chosen:\n        if isinstance(m, LoRALinear):\n"
            "            m.train()\n    return model, params",
        ),
    },
    "challenge_inject_lora_recursive": {
        "nothing frozen": ("    model.requires_grad_(False)\n", ""),
        "only adapted layers frozen": (
            "    model.requires_grad_(False)\n",
            "    for m in layers:\n        m.requires_grad_(False)\n",
        ),
        "all frozen in the end": (
            "    return model, params",
            "    model.requires_grad_(False)\n    return model, params",
        ),
        "only the top level": (
            "for m in model.modules() if isinstance(m, nn.Linear)",
            "for m in model.children() if isinstance(m, nn.Linear)",
        ),
        "wrapped twice": ("kept = {model, *(m.base for m in adapted)}", "kept = {model}"),
        "a linear model returned as it came": (
            "    if not adapted",
            "    if isinstance(model, nn.Linear):\n        return model, []\n    if not adapted",
        ),
        "only the first place": (
            "model.named_modules(remove_duplicate=False)",
            "model.named_modules()",
        ),
        "a wrapper for each place": (
            "model.set_submodule(name, wrappers[m])",
            "model.set_submodule(name, LoRALinear(m, rank, scale))",
        ),
        "only the new adapters": ("(*adapted, *wrappers.values())", "wrappers.values()"),
        "only the old adapters": ("(*adapted, *wrappers.values())", "adapted"),
        "lora_A alone": ("(m.lora_A, m.lora_B)]", "(m.lora_A,)]"),
        "scale forgotten": ("LoRALinear(m, rank, scale)", "LoRALinear(m, rank, 1.0)"),
        "rank forgotten": ("LoRALinear(m, rank, scale)", "LoRALinear(m, 2, scale)"),
        "another default scale": (
            "rank: int, scale: float = 1.0\n",
            "rank: int, scale: float = 2.0\n",
        ),
        "no layers accepted": ("if not adapted + layers:", "if False:"),
        "a second call refused": ("if not adapted + layers:", "if not layers:"),
        "frozen before the rank is read": (
            "    adapted = [",
            "    model.requires_grad_(False)\n    adapted = [",
        ),
        "the output layer left out": (
            "    if not adapted",
            "    layers = layers[:-1] or layers\n    if not adapted",
        ),
        "the model alone": ("    return model, params", "    return model"),
        "the model's mode set": ("    return model, params", "    return model.eval(), params"),
        "a copy returned": (
            "    adapted = [",
            "    model = __import__('copy').deepcopy(model)\n    adapted = [",
        ),
        "named_children": """
def inject_lora_recursive(model, rank, scale=1.0):
    wrappers = {}

    def walk(parent):
        for name, child in parent.named_children():
            if isinstance(child, nn.Linear):
                if child not in wrappers:
                    wrappers[child] = LoRALinear(child, rank, scale)
                setattr(parent, name, wrappers[child])
            elif not isinstance(child, LoRALinear):
                walk(child)

    if rank < 1 or isinstance(model, nn.Linear):
        raise ValueError
    if not isinstance(model, LoRALinear):
        walk(model)
    model.requires_grad_(False)
    adapters = [m for m in model.modules() if isinstance(m, LoRALinear)]
    params = [p.requires_grad_() for m in adapters for p in (m.lora_A, m.lora_B)]
    if not params:
        raise ValueError
    return model, params
""",
        "the walk enters its wrappers": """
def inject_lora_recursive(model, rank, scale=1.0):
    for name, m in list(model.named_modules()):
        if isinstance(m, nn.Linear) and name:
            model.set_submodule(name, LoRALinear(m, rank, scale))
    model.requires_grad_(False)
    params = [p for n, p in model.named_parameters() if "lora_" in n]
    return model, [p.requires_grad_() for p in params]
""",
        "recursion that returns early": """
def inject_lora_recursive(model, rank, scale=1.0):
    model.requires_grad_(False)
    params = []
    for name, child in model.named_children():
        if isinstance(child, nn.Linear):
            layer = LoRALinear(child, rank, scale)
            setattr(model, name, layer)
            params += [layer.lora_A, layer.lora_B]
        else:
            params += inject_lora_recursive(child, rank)[1]
    return model, params
""",
        "children of Sequential and of the model only": (
            "for m in model.modules() if isinstance(m, nn.Linear)",
            "for parent in model.modules() if parent is model or isinstance(parent, nn.Sequential)"
            " for m in parent.children() if isinstance(m, nn.Linear)",
        ),
        "what was frozen stays frozen": (
            "    model.requires_grad_(False)\n",
            "    new = (*adapted, *wrappers.values())\n"
            "    ids = {id(p) for m in new for p in m.parameters(False)}\n"
            "    for p in model.parameters():\n        p.requires_grad &= id(p) in ids\n"
            "    return model, [p for p in model.parameters() if p.requires_grad]\n",
        ),
        "told by the parameter's name": (
            "    return model, params",
            "    for n, p in model.named_parameters():\n"
            '        p.requires_grad = n.endswith((".lora_A", ".lora_B"))\n'
            "    return model, [p for p in model.parameters() if p.requires_grad]",
        ),
        "bases told by their name": (
            "layers = [m for m in model.modules() if isinstance(m, nn.Linear) and m not in kept]",
            "layers = [m for n, m in model.named_modules() if isinstance(m, nn.Linear)"
            ' and n.rpartition(".")[2] not in ("", "base")]',
        ),
        "earlier wrappers in train mode": (
            "    return model, params",
            "    for m in adapted:\n        m.train()\n    return model, params",
        ),
    },
    "challenge_ia3_linear": {
        "zeros": ("new_ones", "new_zeros"),
        "random": (
            "base.weight.new_ones(base.out_features)",
            "base.weight.new_empty(base.out_features).normal_(1, 0.02)",
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
        "bias not scaled": (
            "self.base(x) * self.scale",
            "nn.functional.linear(x, self.base.weight) * self.scale"
            " + (0 if self.base.bias is None else self.base.bias)",
        ),
        "one more": ("* self.scale", "* (1 + self.scale)"),
        "added": ("* self.scale", "+ self.scale"),
        "divided": ("* self.scale", "/ self.scale"),
        "size of the factors": ("* self.scale", "* self.scale.abs()"),
        "factors along the batch": (
            "* self.scale",
            "* (self.scale[:, None] if x.ndim == 2 and len(x) == len(self.scale) else self.scale)",
        ),
        "base still trains": ("base.requires_grad_(False)", "base"),
        "only the base's weight frozen": (
            "self.base = base.requires_grad_(False)",
            "self.base = base\n        base.weight.requires_grad_(False)",
        ),
        "base copied": (
            "base.requires_grad_(False)",
            "__import__('copy').deepcopy(base).requires_grad_(False)",
        ),
        "factors frozen": (
            "self.train(base.training)",
            "self.train(base.training).requires_grad_(False)",
        ),
        "float32 factors": (
            "base.weight.new_ones(base.out_features)",
            "base.weight.new_ones(base.out_features).float()",
        ),
        "factors on the CPU": (
            "new_ones(base.out_features)",
            'new_ones(base.out_features, device="cpu")',
        ),
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
        "only in train mode": ("* self.scale", "* (self.scale if self.training else 1)"),
        "train mode whatever base's": ("self.train(base.training)", "self.train()"),
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
        "merged weight in forward": (
            "self.base(x) * self.scale",
            "nn.functional.linear(x, self.base.weight * self.scale[:, None], "
            "None if self.base.bias is None else self.base.bias * self.scale)",
        ),
        "no gradient through the base": (
            "self.base(x) * self.scale",
            "self.base(x).detach() * self.scale",
        ),
        "result scaled without gradient": ("* self.scale", "* self.scale.detach()"),
        "a Parameter, then moved": (
            "nn.Parameter(base.weight.new_ones(base.out_features))",
            "nn.Parameter(base.weight.new_ones(base.out_features, device='cpu'))"
            ".to(base.weight.device)",
        ),
        "merged weight under no_grad": (
            "        return self.base(x) * self.scale",
            "        if not __import__('torch').is_grad_enabled():\n"
            "            weight, bias = self.base.weight * self.scale[:, None], self.base.bias\n"
            "            bias = None if bias is None else bias * self.scale\n"
            "            return nn.functional.linear(x, weight, bias)\n"
            "        return self.base(x) * self.scale",
        ),
        "batches of a size only": (
            "self.base(x)",
            "self.base(x.reshape(len(x), -1, x.shape[-1]).view_as(x) if x.ndim > 1 else x)",
        ),
        "base's bias remembered": (
            "self.base(x)",
            "nn.functional.linear(x, self.base.weight,"
            " self.__dict__.setdefault('kept', [self.base.bias])[0])",
        ),
    },
    "challenge_inject_ia3": {
        "nothing frozen": ("    model.requires_grad_(False)\n", ""),
        "all frozen in the end": (
            "    return model, params",
            "    model.requires_grad_(False)\n    return model, params",
        ),
        "only the adapted layers frozen": (
            "    model.requires_grad_(False)\n",
            "    for m in wrappers:\n        m.requires_grad_(False)\n",
        ),
        "only the new adapters": (
            "[m.scale for m in model.modules() if isinstance(m, IA3Linear)]",
            "[m.scale for m in wrappers.values()]",
        ),
        "shared factors twice": (
            "[m.scale for m in model.modules() if isinstance(m, IA3Linear)]",
            "[m.scale for _, m in model.named_modules(remove_duplicate=False)"
            " if isinstance(m, IA3Linear)]",
        ),
        "biases train too": (
            "    return model, params",
            "    biases = [p for n, p in model.named_parameters() if 'bias' in n]\n"
            "    for p in biases:\n        p.requires_grad_()\n"
            "    return model, params + biases",
        ),
        "the model alone": ("    return model, params", "    return model"),
        "params alone": ("    return model, params", "    return params"),
        "a copy returned": (
            "    if not linear_names:",
            "    model = __import__('copy').deepcopy(model)\n    if not linear_names:",
        ),
        "a wrapper for each place": (
            "model.set_submodule(name, wrappers[m])",
            "model.set_submodule(name, IA3Linear(m))",
        ),
        "only the named place": (
            "        if m in wrappers:",
            "        if m in wrappers and name in linear_names:",
        ),
        "only the first place": (
            "model.named_modules(remove_duplicate=False)",
            "model.named_modules()",
        ),
        "a second call starts again": (
            "IA3Linear(m) for m in chosen if isinstance(m, nn.Linear)",
            'IA3Linear(getattr(m, "base", m)) for m in chosen',
        ),
        "the base inside a wrapper": (" and m not in inside", ""),
        "all layers adapted": (
            "chosen = [layers[name] for name in linear_names]",
            "chosen = list(layers.values())",
        ),
        "unknown names skipped": (
            "    if unknown:",
            "    linear_names = [n for n in linear_names if n in layers]\n    if False:",
        ),
        "ValueError for unknown names": ("raise KeyError", "raise ValueError"),
        "KeyError without the layers": (", there are {list(layers)}", ""),
        "no names accepted": ("    if not linear_names:", "    if False:"),
        "frozen before the names are read": (
            "    if not linear_names:",
            "    model.requires_grad_(False)\n    if not linear_names:",
        ),
        "exchanged one by one": """
def inject_ia3(model, linear_names):
    if not linear_names:
        raise ValueError("no names")
    inside = {m.base for m in model.modules() if isinstance(m, IA3Linear)}
    layers = {
        n: m
        for n, m in model.named_modules(remove_duplicate=False)
        if n and isinstance(m, nn.Linear | IA3Linear) and m not in inside
    }
    for name in linear_names:
        if name not in layers:
            raise KeyError(f"{name} is none of {list(layers)}")
        layer = layers[name]
        if isinstance(layer, nn.Linear):
            new = IA3Linear(layer)
            for place in [n for n, m in layers.items() if m is layer]:
                model.set_submodule(place, new)
                layers[place] = new
    model.requires_grad_(False)
    params = [m.scale for m in model.modules() if isinstance(m, IA3Linear)]
    return model, [p.requires_grad_() for p in params]
""",
        "the model's mode set": ("    return model, params", "    return model.train(), params"),
        "names used up": (
            "    return model, params",
            "    linear_names.clear()\n    return model, params",
        ),
        "the start is not the base": (
            "        p.requires_grad_()\n",
            "        nn.init.zeros_(p.requires_grad_())\n",
        ),
        "parameters called scale": (
            "[m.scale for m in model.modules() if isinstance(m, IA3Linear)]",
            "list(model.parameters())[:1]",
        ),
        "params of the named layers alone": (
            "    return model, params",
            "    params = [model.get_submodule(n).scale for n in dict.fromkeys(linear_names)]\n"
            "    return model, list(dict.fromkeys(params))",
        ),
        "what was frozen stays frozen": (
            "    model.requires_grad_(False)\n",
            "    for m in [*model.modules()]:\n        if not isinstance(m, IA3Linear):\n"
            "            for p in m.parameters(False):\n                p.requires_grad = False\n"
            "    return model, [p for p in model.parameters() if p.requires_grad]\n",
        ),
        "told by the parameter's name": (
            "    return model, params",
            "    for n, p in model.named_parameters():\n"
            '        p.requires_grad = n.endswith(".scale")\n'
            "    return model, [p for p in model.parameters() if p.requires_grad]",
        ),
        "bases told by their name": ("m not in inside", 'not name.endswith("base")'),
        "bases told by the path": (
            "m not in inside",
            "not isinstance(model.get_submodule(name.rpartition('.')[0]), IA3Linear)",
        ),
        "the model itself": ("if name and isinstance", "if isinstance"),
        "bases listed for their layers": (
            "{list(layers)}",
            "{[n for n, m in model.named_modules() if isinstance(m, nn.Linear)]}",
        ),
        "parameters listed for the layers": (
            "{list(layers)}",
            "{[n for n, _ in model.named_parameters()]}",
        ),
        "earlier wrappers in train mode": (
            "    return model, params",
            "    for m in chosen:\n        if isinstance(m, IA3Linear):\n"
            "            m.train()\n    return model, params",
        ),
    },
    "challenge_bottleneck_adapter": {
        "up random": (
            "        nn.init.zeros_(self.up.weight)\n        nn.init.zeros_(self.up.bias)\n",
            "",
        ),
        "up's bias left random": ("        nn.init.zeros_(self.up.bias)\n", ""),
        "up's weight left random": ("        nn.init.zeros_(self.up.weight)\n", ""),
        "up nearly zero": (
            "nn.init.zeros_(self.up.weight)",
            "nn.init.normal_(self.up.weight, std=1e-3)",
        ),
        "down zero, up random": (
            "nn.init.zeros_(self.up.weight)",
            "nn.init.zeros_(self.down.weight)",
        ),
        "both zero": (
            "nn.init.zeros_(self.up.weight)",
            "nn.init.zeros_(self.up.weight)\n        nn.init.zeros_(self.down.weight)",
        ),
        "down the same everywhere": (
            "nn.init.zeros_(self.up.weight)",
            "nn.init.zeros_(self.up.weight)\n        nn.init.constant_(self.down.weight, 0.01)",
        ),
        "a seed of its own": (
            "        self.down =",
            "        import torch\n\n        torch.manual_seed(0)\n        self.down =",
        ),
        "no residual by default": ("residual: bool = True", "residual: bool = False"),
        "residual whatever was asked": ("x + delta if residual else delta", "x + delta"),
        "residual in the delta as well": (
            "return self.up(self.down(x).relu())",
            "return x + self.up(self.down(x).relu())",
        ),
        "no nonlinearity": ("self.down(x).relu()", "self.down(x)"),
        "GELU": ("self.down(x).relu()", "nn.functional.gelu(self.down(x))"),
        "ReLU after up": ("self.up(self.down(x).relu())", "self.up(self.down(x)).relu()"),
        "ReLU before down, in place": ("self.down(x).relu()", "self.down(x.relu_())"),
        "ReLU before down": ("self.down(x).relu()", "self.down(x.relu())"),
        "no bias": (
            "self.down = nn.Linear(d_model, bottleneck_dim)",
            "self.down = nn.Linear(d_model, bottleneck_dim, bias=False)",
        ),
        "a learned gate at zero": (
            "nn.init.zeros_(self.up.weight)",
            "nn.init.zeros_(self.up.weight)\n"
            "        self.gate = nn.Parameter(self.up.weight.new_zeros(1))",
        ),
        "a layer norm in it": (
            "        nn.init.zeros_(self.up.bias)",
            "        nn.init.zeros_(self.up.bias)\n        self.norm = nn.LayerNorm(d_model)",
        ),
        "dropout": (
            "self.down(x).relu()",
            "nn.functional.dropout(self.down(x).relu(), 0.1, self.training)",
        ),
        "x changed in place": ("x + delta if residual", "x.add_(delta) if residual"),
        "x changed in place where no gradient is needed": (
            "        return x + delta if residual else delta",
            "        if residual and not delta.requires_grad:\n"
            "            return x.add_(delta)\n"
            "        return x + delta if residual else delta",
        ),
        "x detached": ("delta = self.forward_delta(x)", "delta = self.forward_delta(x.detach())"),
        "float32 whatever came": ("x + delta if", "(x + delta).float() if"),
        "up frozen": (
            "nn.init.zeros_(self.up.bias)",
            "nn.init.zeros_(self.up.bias).requires_grad_(False)",
        ),
        "bottleneck at most d_model": (
            "        self.down =",
            "        bottleneck_dim = min(bottleneck_dim, d_model)\n        self.down =",
        ),
        "a bottleneck of nothing": ("if bottleneck_dim < 1:", "if bottleneck_dim < 0:"),
        "x of last size 1 repeated": (
            "delta = self.forward_delta(x)",
            "x = x.expand(*x.shape[:-1], self.down.in_features)\n"
            "        delta = self.forward_delta(x)",
        ),
        "einsum, which repeats a last size of 1": (
            "self.up(self.down(x).relu())",
            "self.up((x[..., None, :] * self.down.weight).sum(-1).add(self.down.bias).relu())",
        ),
        "only more than one size": (
            "delta = self.forward_delta(x)",
            "delta = self.forward_delta(x.flatten(0, -2)).view(x.shape)",
        ),
        "up kept for the next adapter": (
            "self.up = nn.Linear(bottleneck_dim, d_model)",
            'kept, size = globals().setdefault("kept", {}), (bottleneck_dim, d_model)\n'
            "        self.up = kept.setdefault(size, nn.Linear(*size))",
        ),
        "reshaped back with -1": (
            "self.up(self.down(x).relu())",
            "self.up(self.down(x).relu()).reshape(*x.shape[:-1], -1)",
        ),
        "no delta while up is zero": (
            "        delta = self.forward_delta(x)",
            "        delta = self.forward_delta(x)\n"
            "        if not self.up.weight.any():\n"
            "            return x if residual else x * 0",
        ),
        "detached in eval mode": (
            "        delta = self.forward_delta(x)",
            "        delta = self.forward_delta(x)\n"
            "        delta = delta if self.training else delta.detach()",
        ),
    },
    "challenge_adapter_block": {
        "sublayer not frozen": ("sublayer.requires_grad_(False)", "sublayer"),
        "an attribute named requires_grad": (
            "self.sublayer = sublayer.requires_grad_(False)",
            "self.sublayer = sublayer\n        self.sublayer.requires_grad = False",
        ),
        "eval taken for freezing": ("sublayer.requires_grad_(False)", "sublayer.eval()"),
        "frozen and put in eval": (
            "sublayer.requires_grad_(False)",
            "sublayer.requires_grad_(False).eval()",
        ),
        "adapter frozen, too": (
            "        self.adapter = adapter",
            "        self.adapter = adapter\n        self.requires_grad_(False)",
        ),
        "all of the adapter made to train": (
            "self.adapter = adapter",
            "self.adapter = adapter.requires_grad_(True)",
        ),
        "only its own parameters frozen": (
            "self.sublayer = sublayer.requires_grad_(False)",
            "self.sublayer = sublayer\n"
            "        for p in sublayer.parameters(recurse=False):\n"
            "            p.requires_grad_(False)",
        ),
        "only weights frozen": (
            "self.sublayer = sublayer.requires_grad_(False)",
            "self.sublayer = sublayer\n"
            "        for name, p in sublayer.named_parameters():\n"
            '            p.requires_grad = "weight" not in name',
        ),
        "requires_grad flipped": (
            "self.sublayer = sublayer.requires_grad_(False)",
            "self.sublayer = sublayer\n"
            "        for p in sublayer.parameters():\n"
            "            p.requires_grad = not p.requires_grad",
        ),
        "sublayer copied": (
            "sublayer.requires_grad_(False)",
            "__import__('copy').deepcopy(sublayer).requires_grad_(False)",
        ),
        "trainable again after the first call": (
            "return self.adapter(self.sublayer(x))",
            "self.sublayer.requires_grad_(True)\n        return self.adapter(self.sublayer(x))",
        ),
        "no_grad around the sublayer": (
            "        return self.adapter(self.sublayer(x))",
            "        import torch\n\n"
            "        with torch.no_grad():\n"
            "            hidden = self.sublayer(x)\n"
            "        return self.adapter(hidden)",
        ),
        "hidden detached": ("self.sublayer(x))", "self.sublayer(x).detach())"),
        "adapter first": ("self.adapter(self.sublayer(x))", "self.sublayer(self.adapter(x))"),
        "a second residual connection": (
            "return self.adapter(self.sublayer(x))",
            "hidden = self.sublayer(x)\n        return hidden + self.adapter(hidden)",
        ),
        "x added where it fits": (
            "return self.adapter(self.sublayer(x))",
            "out = self.adapter(self.sublayer(x))\n"
            "        return x + out if x.shape == out.shape else out",
        ),
        "in parallel": (
            "return self.adapter(self.sublayer(x))",
            "hidden = self.sublayer(x)\n"
            "        return hidden + self.adapter(x) - x if x.shape == hidden.shape else hidden",
        ),
        "adapter forgotten": ("self.adapter(self.sublayer(x))", "self.sublayer(x)"),
        "sublayer called twice": (
            "return self.adapter(self.sublayer(x))",
            "self.sublayer(x)\n        return self.adapter(self.sublayer(x))",
        ),
        "forward instead of a call": ("self.sublayer(x))", "self.sublayer.forward(x))"),
        "sublayer kept in eval": (
            "    def forward(",
            '    def train(self, mode: bool = True) -> "AdapterBlock":\n'
            "        super().train(mode)\n"
            "        self.sublayer.eval()\n"
            "        return self\n\n"
            "    def forward(",
        ),
        "eval before every call": (
            "return self.adapter(self.sublayer(x))",
            "return self.adapter(self.sublayer.eval()(x))",
        ),
        "sublayer out of sight": (
            "self.sublayer = sublayer.requires_grad_(False)",
            'object.__setattr__(self, "sublayer", sublayer.requires_grad_(False))',
        ),
        "registered twice, in a list as well": (
            "        self.adapter = adapter",
            "        self.adapter = adapter\n"
            "        self.both = nn.ModuleList([sublayer, adapter])",
        ),
        "a norm of its own": (
            "        self.adapter = adapter",
            "        self.adapter = adapter\n        self.norm = nn.LayerNorm(6)",
        ),
        "float32 whatever came": ("self.sublayer(x))", "self.sublayer(x)).float()"),
        "only two levels frozen": (
            "self.sublayer = sublayer.requires_grad_(False)",
            "self.sublayer = sublayer\n"
            "        for part in (sublayer, *sublayer.children()):\n"
            "            for p in part.parameters(recurse=False):\n"
            "                p.requires_grad_(False)",
        ),
        "only what is named weight or bias frozen": (
            "self.sublayer = sublayer.requires_grad_(False)",
            "self.sublayer = sublayer\n"
            "        for name, p in sublayer.named_parameters():\n"
            '            if name.endswith(("weight", "bias")):\n'
            "                p.requires_grad_(False)",
        ),
        "only the usual layers frozen": (
            "self.sublayer = sublayer.requires_grad_(False)",
            "self.sublayer = sublayer\n"
            "        for part in sublayer.modules():\n"
            "            if isinstance(part, nn.Linear | nn.LayerNorm | nn.BatchNorm1d):\n"
            "                part.requires_grad_(False)",
        ),
        "in eval for a moment": (
            "self.sublayer = sublayer.requires_grad_(False)",
            "mode = sublayer.training\n"
            "        self.sublayer = sublayer.eval().requires_grad_(False)\n"
            "        sublayer.train(mode)",
        ),
    },
    "challenge_parallel_adapter_block": {
        "sublayer not frozen": ("sublayer.requires_grad_(False)", "sublayer"),
        "an attribute named requires_grad": (
            "self.sublayer = sublayer.requires_grad_(False)",
            "self.sublayer = sublayer\n        self.sublayer.requires_grad = False",
        ),
        "eval taken for freezing": ("sublayer.requires_grad_(False)", "sublayer.eval()"),
        "adapter frozen, too": (
            "        self.adapter = adapter",
            "        self.adapter = adapter\n        self.requires_grad_(False)",
        ),
        "all of the adapter made to train": (
            "self.adapter = adapter",
            "self.adapter = adapter.requires_grad_(True)",
        ),
        "only its own parameters frozen": (
            "self.sublayer = sublayer.requires_grad_(False)",
            "self.sublayer = sublayer\n"
            "        for p in sublayer.parameters(recurse=False):\n"
            "            p.requires_grad_(False)",
        ),
        "sublayer copied": (
            "sublayer.requires_grad_(False)",
            "__import__('copy').deepcopy(sublayer).requires_grad_(False)",
        ),
        "x added once more": ("self.adapter(x, residual=False)", "self.adapter(x)"),
        "serial": ("self.adapter(x, residual=False)", "self.adapter(out, residual=False)"),
        "x added instead of the delta": ("self.adapter(x, residual=False)", "x"),
        "adapter forgotten": ("out + self.adapter(x, residual=False)", "out"),
        "sublayer forgotten": (
            "out + self.adapter(x, residual=False)",
            "x + self.adapter(x, residual=False)",
        ),
        "delta added twice": (
            "self.adapter(x, residual=False)",
            "2 * self.adapter(x, residual=False)",
        ),
        "delta subtracted": ("out + self.adapter", "out - self.adapter"),
        "no_grad around the sublayer": (
            "        out = self.sublayer(x)",
            "        import torch\n\n"
            "        with torch.no_grad():\n            out = self.sublayer(x)",
        ),
        "x detached for the adapter": ("self.adapter(x, ", "self.adapter(x.detach(), "),
        "broadcast": ("if out.shape != x.shape:", "if False:"),
        "only the last size compared": (
            "if out.shape != x.shape:",
            "if out.shape[-1] != x.shape[-1]:",
        ),
        "only the number of sizes compared": ("if out.shape != x.shape:", "if out.ndim != x.ndim:"),
        "expanded to x": (
            "        if out.shape != x.shape:",
            "        out = out.expand_as(x)\n        if out.shape != x.shape:",
        ),
        "a bare assert as a guard": (
            "        if out.shape != x.shape:\n"
            '            raise ValueError(f"sublayer gives {tuple(out.shape)}, '
            "want x's {tuple(x.shape)}\")",
            "        assert out.shape == x.shape",
        ),
        "sublayer called twice": (
            "return out + self.adapter",
            "out = self.sublayer(x)\n        return out + self.adapter",
        ),
        "forward instead of a call": ("self.sublayer(x)", "self.sublayer.forward(x)"),
        "sublayer kept in eval": (
            "    def forward(",
            '    def train(self, mode: bool = True) -> "ParallelAdapterBlock":\n'
            "        super().train(mode)\n"
            "        self.sublayer.eval()\n"
            "        return self\n\n"
            "    def forward(",
        ),
        "sublayer's result changed in place, which may be x": (
            "return out + self.adapter(x, residual=False)",
            "out += self.adapter(x, residual=False)\n        return out",
        ),
        "a learned scale": (
            "        self.adapter = adapter",
            "        self.adapter = adapter\n        self.norm = nn.LayerNorm(6)",
        ),
        "float32 whatever came": (
            "return out + self.adapter(x, residual=False)",
            "return (out + self.adapter(x, residual=False)).float()",
        ),
        "only two levels frozen": (
            "self.sublayer = sublayer.requires_grad_(False)",
            "self.sublayer = sublayer\n"
            "        for part in (sublayer, *sublayer.children()):\n"
            "            for p in part.parameters(recurse=False):\n"
            "                p.requires_grad_(False)",
        ),
        "only what is named weight or bias frozen": (
            "self.sublayer = sublayer.requires_grad_(False)",
            "self.sublayer = sublayer\n"
            "        for name, p in sublayer.named_parameters():\n"
            '            if name.endswith(("weight", "bias")):\n'
            "                p.requires_grad_(False)",
        ),
        "only the usual layers frozen": (
            "self.sublayer = sublayer.requires_grad_(False)",
            "self.sublayer = sublayer\n"
            "        for part in sublayer.modules():\n"
            "            if isinstance(part, nn.Linear | nn.LayerNorm | nn.BatchNorm1d):\n"
            "                part.requires_grad_(False)",
        ),
        "in eval for a moment": (
            "self.sublayer = sublayer.requires_grad_(False)",
            "mode = sublayer.training\n"
            "        self.sublayer = sublayer.eval().requires_grad_(False)\n"
            "        sublayer.train(mode)",
        ),
        "the sum compared with what the sublayer gives": (
            "        if out.shape != x.shape:",
            "        if (out + self.adapter(x, residual=False)).shape != out.shape:",
        ),
    },
    "challenge_lora_adapter_model": {
        "LoRA first, frozen by the block around it": """
def build_lora_adapter_model(
    d_model, d_ff, lora_rank, adapter_bottleneck, use_adapter_block=True
):
    model = block = BaseTransformerBlock(d_model, d_ff).requires_grad_(False)
    for name in ("proj_in", "proj_out"):
        block.set_submodule(name, LoRALinear(getattr(block, name), lora_rank))
    if use_adapter_block:
        model = AdapterBlock(block, BottleneckAdapter(d_model, adapter_bottleneck))
    return model, [p for p in model.parameters() if p.requires_grad]
""",
        "trainable collected before the block froze it": """
def build_lora_adapter_model(
    d_model, d_ff, lora_rank, adapter_bottleneck, use_adapter_block=True
):
    model = block = BaseTransformerBlock(d_model, d_ff).requires_grad_(False)
    for name in ("proj_in", "proj_out"):
        block.set_submodule(name, LoRALinear(getattr(block, name), lora_rank))
    trainable = [p for p in model.parameters() if p.requires_grad]
    if use_adapter_block:
        adapter = BottleneckAdapter(d_model, adapter_bottleneck)
        model = AdapterBlock(block, adapter)
        trainable += adapter.parameters()
    return model, trainable
""",
        "not frozen without an adapter": (
            "BaseTransformerBlock(d_model, d_ff).requires_grad_(False)",
            "BaseTransformerBlock(d_model, d_ff)",
        ),
        "frozen last": (
            "    return model, [",
            "    model.requires_grad_(False)\n    return model, [",
        ),
        "adapter frozen too": (
            "BottleneckAdapter(d_model, adapter_bottleneck))",
            "BottleneckAdapter(d_model, adapter_bottleneck).requires_grad_(False))",
        ),
        "always an adapter": ("    if use_adapter_block:", "    if True:"),
        "never an adapter": ("    if use_adapter_block:", "    if False:"),
        "no adapter by default": (
            "use_adapter_block: bool = True",
            "use_adapter_block: bool = False",
        ),
        "bottleneck refused where it is ignored": (
            "    model = block\n",
            "    BottleneckAdapter(d_model, adapter_bottleneck)\n    model = block\n",
        ),
        "LoRA in the MLP": ('("proj_in", "proj_out")', '("ff1", "ff2")'),
        "LoRA in all four": ('("proj_in", "proj_out")', '("proj_in", "proj_out", "ff1", "ff2")'),
        "LoRA in one projection": ('("proj_in", "proj_out")', '("proj_in",)'),
        "LoRA in the adapter too": (
            "    return model, [",
            "    if use_adapter_block:\n"
            "        model.adapter.down = LoRALinear(model.adapter.down, lora_rank)\n"
            "    return model, [",
        ),
        "rank and bottleneck swapped": (
            "LoRALinear(getattr(block, name), lora_rank)",
            "LoRALinear(getattr(block, name), adapter_bottleneck)",
        ),
        "scale of its own": (
            "getattr(block, name), lora_rank)",
            "getattr(block, name), lora_rank, 0.5)",
        ),
        "scale by the rank": (
            "getattr(block, name), lora_rank)",
            "getattr(block, name), lora_rank, 1 / lora_rank)",
        ),
        "one wrapper for both": (
            '    for name in ("proj_in", "proj_out"):\n'
            "        block.set_submodule(name, LoRALinear(getattr(block, name), lora_rank))",
            "    lora = LoRALinear(block.proj_in, lora_rank)\n"
            "    block.proj_in, block.proj_out = lora, lora",
        ),
        "adapter inside the block": (
            "        model = AdapterBlock(block, BottleneckAdapter(d_model, adapter_bottleneck))",
            "        adapter = BottleneckAdapter(d_model, adapter_bottleneck)\n"
            "        block.ff2 = AdapterBlock(block.ff2, adapter)",
        ),
        "LoRA alone in trainable": (
            "if p.requires_grad]",
            "if p.requires_grad and p.ndim == 2 and lora_rank in p.shape]",
        ),
        "all in trainable": (" if p.requires_grad]", "]"),
        "names in trainable": (
            "[p for p in model.parameters() if p.requires_grad]",
            "[n for n, p in model.named_parameters() if p.requires_grad]",
        ),
        "a generator": (
            "[p for p in model.parameters() if p.requires_grad]",
            "(p for p in model.parameters() if p.requires_grad)",
        ),
        "the model alone": (
            "return model, [p for p in model.parameters() if p.requires_grad]",
            "return model",
        ),
        "eval mode": ("    return model, [", "    model.eval()\n    return model, ["),
        "the adapter does not start as nothing": (
            "    return model, [",
            "    for p in model.parameters():\n        if not p.any():\n"
            "            nn.init.normal_(p, std=0.1)\n    return model, [",
        ),
        "a seed of its own": (
            "    block: nn.Module",
            "    import torch\n\n    torch.manual_seed(0)\n    block: nn.Module",
        ),
        "negative bottleneck refused where it is ignored": (
            "    model = block\n",
            "    if adapter_bottleneck < 0:\n        raise ValueError\n    model = block\n",
        ),
        "no AdapterBlock but a Sequential": (
            "AdapterBlock(block, BottleneckAdapter(d_model, adapter_bottleneck))",
            "nn.Sequential()\n        model.sublayer = block\n"
            "        model.adapter = BottleneckAdapter(d_model, adapter_bottleneck)",
        ),
    },
    "challenge_learnable_prefix": {
        "prefix last": ("[prefix, x]", "[x, prefix]"),
        "prefix repeated": (".expand(len(x), -1, -1)", ".repeat(len(x), 1, 1)"),
        "stacked once for each sequence": (
            "self.prefix.to(x.dtype).expand(len(x), -1, -1)",
            "torch.stack([self.prefix.to(x.dtype)] * max(len(x), 1))[: len(x)]",
        ),
        "expand made contiguous": ("(len(x), -1, -1)", "(len(x), -1, -1).contiguous()"),
        "dtype promoted by cat": ("self.prefix.to(x.dtype)", "self.prefix"),
        "x cast to prefix's dtype": (
            "[prefix, x], dim=1)",
            "[prefix, x.to(self.prefix.dtype)], dim=1)",
        ),
        "cast after cat": (
            "prefix = self.prefix.to(x.dtype).expand(len(x), -1, -1)",
            "prefix = self.prefix.expand(len(x), -1, -1)\n"
            "        return torch.cat([prefix, x], dim=1).to(x.dtype)",
        ),
        "the module cast to x's dtype": ("self.prefix.to(x.dtype)", "self.to(x.dtype).prefix"),
        "on the batch dim": ("dim=1)", "dim=0)"),
        "on the feature dim": ("dim=1)", "dim=2)"),
        "a plain tensor": (
            "nn.Parameter(torch.randn(prefix_len, d_model) * 0.02)",
            "torch.randn(prefix_len, d_model) * 0.02",
        ),
        "a buffer": (
            "self.prefix = nn.Parameter(torch.randn(prefix_len, d_model) * 0.02)",
            'self.register_buffer("prefix", torch.randn(prefix_len, d_model) * 0.02)',
        ),
        "a batch dim in the parameter": (
            "torch.randn(prefix_len, d_model)",
            "torch.randn(1, prefix_len, d_model)",
        ),
        "zeros": ("torch.randn(prefix_len", "torch.zeros(prefix_len"),
        "not initialized": ("torch.randn(prefix_len", "torch.empty(prefix_len"),
        "uniform": ("torch.randn(prefix_len", "torch.rand(prefix_len"),
        "uniform of the same deviation": (
            "torch.randn(prefix_len, d_model) * 0.02",
            "(torch.rand(prefix_len, d_model) - 0.5) * 0.02 * 12**0.5",
        ),
        "standard normal": (" * 0.02", ""),
        "one vector repeated": (
            "torch.randn(prefix_len, d_model)",
            "torch.randn(1, d_model).repeat(prefix_len, 1)",
        ),
        "a generator of its own": (
            "torch.randn(prefix_len, d_model)",
            "torch.randn(prefix_len, d_model, generator=torch.Generator().manual_seed(0))",
        ),
        "P and D swapped": ("torch.randn(prefix_len, d_model)", "torch.randn(d_model, prefix_len)"),
        "gradient of the mean": (
            "return torch.cat([prefix, x], dim=1)",
            "n = max(len(x), 1)\n"
            "        prefix = prefix / n + prefix.detach() * (1 - 1 / n)\n"
            "        return torch.cat([prefix, x], dim=1)",
        ),
        "prefix before the first sequence only": (
            "return torch.cat([prefix, x], dim=1)",
            "keep = torch.arange(len(x), device=x.device) == 0\n"
            "        return torch.cat([prefix * keep[:, None, None], x], dim=1)",
        ),
        "cut off at L": ("dim=1)  #", "dim=1)[:, : x.shape[1]]  #"),
        "x's gradient cut": ("[prefix, x], dim=1)", "[prefix, x.detach()], dim=1)"),
        "prefix's gradient cut": ("self.prefix.to(", "self.prefix.data.to("),
        "prefix added to x": (
            "return torch.cat([prefix, x], dim=1)",
            "return torch.cat([prefix, x + self.prefix.mean(0).to(x.dtype)], dim=1)",
        ),
        "only while training": (
            "        prefix = self.prefix",
            "        if not self.training:\n            return x\n        prefix = self.prefix",
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
            "        if x.ndim != 3:",
            "        x = x if x.ndim > 2 else x.unsqueeze(0)\n        if x.ndim != 3:",
        ),
        "a prefix of nothing": ("if prefix_len < 1:", "if prefix_len < 0:"),
        "the last batch size remembered": (
            "        prefix = self.prefix.to(x.dtype).expand(len(x), -1, -1)",
            "        if not hasattr(self, 'seen'):\n"
            "            self.seen = self.prefix.detach().to(x.dtype)\n"
            "        prefix = self.seen.expand(len(x), -1, -1)",
        ),
        "x made contiguous": ("[prefix, x]", "[prefix, x.contiguous()]"),
        "x copied": ("[prefix, x]", "[prefix, x.clone()]"),
        "no test of the number of sizes": ("if x.ndim != 3:", "if False:"),
        "the first cast kept": (
            "        prefix = self.prefix.to(x.dtype).expand(len(x), -1, -1)",
            "        if not hasattr(self, 'cast'):\n"
            "            self.cast = self.prefix.to(x.dtype)\n"
            "        prefix = self.cast.expand(len(x), -1, -1)",
        ),
        "expanded in train mode only": (
            "self.prefix.to(x.dtype).expand(len(x), -1, -1)",
            "self.prefix.to(x.dtype).expand(len(x) if self.training else 1, -1, -1)",
        ),
    },
    "challenge_adapter_stack": {
        "one object repeated": (
            "            BottleneckAdapter(d_model, bottleneck_dim) for _ in range(num_adapters)\n",
            "            [BottleneckAdapter(d_model, bottleneck_dim)] * num_adapters\n",
        ),
        "copies of one adapter": (
            "        self.adapters = nn.ModuleList(\n"
            "            BottleneckAdapter(d_model, bottleneck_dim) for _ in range(num_adapters)\n",
            "        one = BottleneckAdapter(d_model, bottleneck_dim)\n"
            "        self.adapters = nn.ModuleList(\n"
            "            __import__('copy').deepcopy(one) for _ in range(num_adapters)\n",
        ),
        "a plain list": ("nn.ModuleList(\n", "list(\n"),
        "one adapter too many": ("range(num_adapters)", "range(num_adapters + 1)"),
        "widths swapped": (
            "            BottleneckAdapter(d_model, bottleneck_dim)",
            "            BottleneckAdapter(bottleneck_dim, d_model)",
        ),
        "up random": (
            "range(num_adapters)\n        )",
            "range(num_adapters)\n        )\n"
            "        for adapter in self.adapters:\n"
            "            adapter.up.reset_parameters()",
        ),
        "negative ids count from the end": (
            "if adapter_id not in range(len(self.adapters)):",
            "if adapter_id >= len(self.adapters):",
        ),
        "no test of the id": (
            "        if adapter_id not in range(len(self.adapters)):\n"
            '            raise IndexError(f"adapter_id is {adapter_id}, '
            'want 0 to {len(self.adapters) - 1}")\n',
            "",
        ),
        "one too many allowed": (
            "if adapter_id not in range(len(self.adapters)):",
            "adapter_id = min(adapter_id, len(self.adapters) - 1)\n        if adapter_id < 0:",
        ),
        "modulo": (
            "        if adapter_id not in range(len(self.adapters)):",
            "        adapter_id %= len(self.adapters)\n        if adapter_id < 0:",
        ),
        "ValueError": ("raise IndexError", "raise ValueError"),
        "x as it came for an unknown id": (
            'raise IndexError(f"adapter_id is {adapter_id}, want 0 to {len(self.adapters) - 1}")',
            "return x",
        ),
        "ids from 1": ("self.adapters[adapter_id](x)", "self.adapters[adapter_id - 1](x)"),
        "always the first": ("self.adapters[adapter_id](x)", "self.adapters[0](x)"),
        "all in a row": (
            "return self.adapters[adapter_id](x)",
            "for adapter in self.adapters:\n            x = adapter(x)\n        return x",
        ),
        "all up to the id": (
            "return self.adapters[adapter_id](x)",
            "for adapter in self.adapters[: adapter_id + 1]:\n"
            "            x = adapter(x)\n        return x",
        ),
        "all run, one picked by a one-hot sum": (
            "return self.adapters[adapter_id](x)",
            "outs = [adapter(x).unsqueeze(0) for adapter in self.adapters]\n"
            "        return sum(out * (i == adapter_id) for i, out in enumerate(outs)).squeeze(0)",
        ),
        "x twice": ("return self.adapters", "return x + self.adapters"),
        "others frozen by the call": (
            "return self.adapters[adapter_id](x)",
            "for i, adapter in enumerate(self.adapters):\n"
            "            adapter.requires_grad_(i == adapter_id)\n"
            "        return self.adapters[adapter_id](x)",
        ),
        "gradients of other tasks dropped by the call": (
            "return self.adapters[adapter_id](x)",
            "self.zero_grad()\n        return self.adapters[adapter_id](x)",
        ),
        "the first id kept": (
            "        return self.adapters[adapter_id](x)",
            '        if not hasattr(self, "chosen"):\n'
            "            self.chosen = adapter_id\n"
            "        return self.adapters[self.chosen](x)",
        ),
        "shared down": (
            "range(num_adapters)\n        )",
            "range(num_adapters)\n        )\n"
            "        for adapter in self.adapters:\n"
            "            adapter.down = self.adapters[0].down",
        ),
        "x detached": ("[adapter_id](x)", "[adapter_id](x.detach())"),
        "float32 whatever came": ("[adapter_id](x)", "[adapter_id](x).float()"),
        "no adapters at all": ("if num_adapters < 1:", "if num_adapters < 0:"),
        "a base of its own": (
            "        self.adapters =",
            "        self.base = nn.Linear(d_model, d_model)\n        self.adapters =",
        ),
        "down drawn from the normal distribution": (
            "range(num_adapters)\n        )",
            "range(num_adapters)\n        )\n"
            "        for adapter in self.adapters:\n"
            "            nn.init.normal_(adapter.down.weight)",
        ),
        "down's bias zero": (
            "range(num_adapters)\n        )",
            "range(num_adapters)\n        )\n"
            "        for adapter in self.adapters:\n"
            "            nn.init.zeros_(adapter.down.bias)",
        ),
        "copies with weights of their own": (
            "        self.adapters = nn.ModuleList(\n"
            "            BottleneckAdapter(d_model, bottleneck_dim) for _ in range(num_adapters)\n"
            "        )",
            "        one = BottleneckAdapter(d_model, bottleneck_dim)\n"
            "        self.adapters = nn.ModuleList(\n"
            "            __import__('copy').deepcopy(one) for _ in range(num_adapters)\n"
            "        )\n"
            "        for adapter in self.adapters:\n"
            "            nn.init.kaiming_uniform_(adapter.down.weight, a=5**0.5)",
        ),
        "a seed of its own": (
            "        self.adapters =",
            "        __import__('torch').manual_seed(0)\n        self.adapters =",
        ),
        "a seed for each number": (
            "BottleneckAdapter(d_model, bottleneck_dim) for _ in range(num_adapters)\n",
            "(__import__('torch').manual_seed(i), BottleneckAdapter(d_model, bottleneck_dim))[1]\n"
            "            for i in range(num_adapters)\n",
        ),
        "others in eval by the call": (
            "return self.adapters[adapter_id](x)",
            "for i, adapter in enumerate(self.adapters):\n"
            "            adapter.train(i == adapter_id)\n"
            "        return self.adapters[adapter_id](x)",
        ),
        "all set to train after the call": (
            "return self.adapters[adapter_id](x)",
            "for i, adapter in enumerate(self.adapters):\n"
            "            adapter.requires_grad_(i == adapter_id)\n"
            "        out = self.adapters[adapter_id](x)\n"
            "        self.requires_grad_(True)\n"
            "        return out",
        ),
        "the chosen one set to train by the call": (
            "return self.adapters[adapter_id](x)",
            "return self.adapters[adapter_id].requires_grad_()(x)",
        ),
        "the last id in a buffer": (
            "return self.adapters[adapter_id](x)",
            'self.register_buffer("active", x.new_tensor(adapter_id))\n'
            "        return self.adapters[adapter_id](x)",
        ),
    },
}

VARIANTS = {
    "challenge_lora_linear": {
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
    },
    "challenge_inject_lora": {
        "getattr and setattr": """
def inject_lora(model, linear_names, rank, scale=1.0):
    if len(linear_names) == 0 or rank < 1:
        raise ValueError("nothing to do")
    bases = [id(m.base) for m in model.modules() if isinstance(m, LoRALinear)]
    known = {}
    for path, parent in model.named_modules(remove_duplicate=False):
        for name, child in parent._modules.items():
            if isinstance(child, (nn.Linear, LoRALinear)) and id(child) not in bases:
                known[f"{path}.{name}" if path else name] = (parent, name, child)
    for name in linear_names:
        if name not in known:
            raise KeyError(f"{name!r} is not one of: {', '.join(known)}")
    done = {}
    for name in linear_names:
        layer = known[name][2]
        if isinstance(layer, nn.Linear) and id(layer) not in done:
            done[id(layer)] = LoRALinear(layer, rank, scale)
    for parent, name, child in known.values():
        if id(child) in done:
            setattr(parent, name, done[id(child)])
    wrappers = [m for m in model.modules() if isinstance(m, LoRALinear)]
    learners = {id(p) for m in wrappers for p in m.parameters(recurse=False)}
    for p in model.parameters():
        p.requires_grad = id(p) in learners
    return model, [p for p in model.parameters() if p.requires_grad]
""",
        "all parents searched": """
def inject_lora(model, linear_names, rank, scale=1.0):
    kinds = (nn.Linear, LoRALinear)
    inside = {id(m.base) for m in model.modules() if isinstance(m, LoRALinear)}
    found, listed = [], []
    for name, m in model.named_modules(remove_duplicate=False):
        if name != "" and isinstance(m, kinds) and id(m) not in inside:
            listed.append(name)
    for name in set(linear_names):
        if name not in listed:
            raise KeyError("there are " + " ".join(listed), name)
        found.append(model.get_submodule(name))
    if not found:
        raise ValueError("linear_names is empty")
    pairs = [(m, LoRALinear(m, rank=rank, scale=scale)) for m in found if type(m) is nn.Linear]
    for old, new in reversed(pairs):
        for parent in list(model.modules()):
            if isinstance(parent, LoRALinear):
                continue
            for key in list(parent._modules):
                if parent._modules[key] is old:
                    parent._modules[key] = new
    params = []
    for p in model.parameters():
        p.requires_grad_(False)
    for m in model.modules():
        if isinstance(m, LoRALinear):
            params.extend([m.lora_B, m.lora_A])
    for p in params:
        p.requires_grad_(True)
    return model, params
""",
        "the layers' names by lines": (
            'raise KeyError(f"no linear layers {unknown}, there are {list(layers)}")',
            'raise KeyError("these are there:\\n" + "\\n".join(layers))',
        ),
    },
    "challenge_inject_lora_recursive": {
        "a real recursion": """
def inject_lora_recursive(model, rank, scale=1.0):
    wrappers = {}

    def walk(parent):
        if isinstance(parent, LoRALinear):
            return
        for name, child in list(parent._modules.items()):
            if isinstance(child, nn.Linear):
                if child not in wrappers:
                    wrappers[child] = LoRALinear(child, rank, scale)
                setattr(parent, name, wrappers[child])
            elif child is not None:
                walk(child)

    if rank < 1:
        raise ValueError("rank")
    walk(model)
    if not any(isinstance(m, LoRALinear) for m in model.modules()):
        raise ValueError("no linear layers")
    for m in model.modules():
        for p in m.parameters(recurse=False):
            p.requires_grad_(isinstance(m, LoRALinear))
    return model, [p for p in model.parameters() if p.requires_grad]
""",
        "all places, then all parents": """
def inject_lora_recursive(model, rank, scale=1.0):
    parents = [m for m in model.modules() if not isinstance(m, LoRALinear)]
    places = [(p, k, c) for p in parents for k, c in p._modules.items() if type(c) is nn.Linear]
    old = [m for m in model.modules() if isinstance(m, LoRALinear)]
    if len(places) + len(old) == 0:
        raise ValueError("nothing to adapt")
    new = {id(c): c for _, _, c in places}
    new = {key: LoRALinear(c, rank, scale=scale) for key, c in new.items()}
    for parent, key, child in places:
        parent.add_module(key, new[id(child)])
    for p in model.parameters():
        p.requires_grad = False
    params = []
    for m in [*new.values(), *old]:
        params += [m.lora_A.requires_grad_(True), m.lora_B.requires_grad_(True)]
    return model, params
""",
    },
    "challenge_ia3_linear": {
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
            "(x @ self.base.weight.T + (0 if self.base.bias is None else self.base.bias))"
            " * self.scale",
        ),
    },
    "challenge_inject_ia3": {
        "parents by hand": """
def inject_ia3(model, linear_names):
    if len(linear_names) == 0:
        raise ValueError("nothing to do")
    bases = [id(m.base) for m in model.modules() if isinstance(m, IA3Linear)]
    known = {}
    for path, parent in model.named_modules(remove_duplicate=False):
        for name, child in parent._modules.items():
            if isinstance(child, (nn.Linear, IA3Linear)) and id(child) not in bases:
                known[f"{path}.{name}" if path else name] = (parent, name, child)
    for name in linear_names:
        if name not in known:
            raise KeyError(f"{name!r} is not one of: {', '.join(known)}")
    done = {}
    for name in linear_names:
        layer = known[name][2]
        if isinstance(layer, nn.Linear) and id(layer) not in done:
            done[id(layer)] = IA3Linear(layer)
    for parent, name, child in known.values():
        if id(child) in done:
            setattr(parent, name, done[id(child)])
    params = []
    for p in model.parameters():
        p.requires_grad = False
    for m in model.modules():
        if isinstance(m, IA3Linear):
            m.scale.requires_grad = True
            params.append(m.scale)
    return model, params
""",
        "recursion over the children": """
def inject_ia3(model, linear_names):
    names, known = set(linear_names), {}
    bases = {m.base for m in model.modules() if isinstance(m, IA3Linear)}

    def walk(module, path):
        for key, child in module._modules.items():
            here = path + [key]
            if isinstance(child, IA3Linear) or isinstance(child, nn.Linear):
                if child not in bases:
                    known[".".join(here)] = child
            else:
                walk(child, here)

    walk(model, [])
    if not names:
        raise ValueError("linear_names is empty")
    if names - known.keys():
        raise KeyError(f"{sorted(names - known.keys())} not in {sorted(known)}")
    new = {known[n]: IA3Linear(known[n]) for n in names if type(known[n]) is nn.Linear}
    for path, child in known.items():
        if child in new:
            parent, _, key = path.rpartition(".")
            model.get_submodule(parent)._modules[key] = new[child]
    for p in model.parameters():
        p.requires_grad_(False)
    return model, [m.scale.requires_grad_() for m in dict.fromkeys(
        m for m in model.modules() if isinstance(m, IA3Linear))]
""",
        "the layers' names by lines": (
            'raise KeyError(f"no linear layers {unknown}, there are {list(layers)}")',
            'raise KeyError("these are there:\\n" + "\\n".join(layers))',
        ),
    },
    "challenge_bottleneck_adapter": {
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
            "        self.down = nn.Linear(d_model, bottleneck_dim)\n"
            "        self.up = nn.Linear(bottleneck_dim, d_model)\n",
            "        self.up = nn.Linear(bottleneck_dim, d_model)\n"
            "        self.down = nn.Linear(d_model, bottleneck_dim)\n",
        ),
    },
    "challenge_adapter_block": {
        "a loop over parameters, adapter registered first": """
class AdapterBlock(nn.Module):
    def __init__(self, sublayer, adapter):
        super().__init__()
        self.adapter = adapter
        self.sublayer = sublayer
        for _, p in self.sublayer.named_parameters():
            p.requires_grad = False

    def forward(self, x):
        hidden = self.sublayer(x)
        hidden = self.adapter(hidden)
        return hidden
""",
        "a Sequential": """
from collections import OrderedDict


class AdapterBlock(nn.Sequential):
    def __init__(self, sublayer, adapter):
        super().__init__(OrderedDict([("sublayer", sublayer), ("adapter", adapter)]))
        self.sublayer.requires_grad_(False)
""",
    },
    "challenge_parallel_adapter_block": {
        "forward_delta, adapter first": """
class ParallelAdapterBlock(nn.Module):
    def __init__(self, sublayer, adapter):
        super().__init__()
        self.adapter = adapter
        self.sublayer = sublayer
        for p in sublayer.parameters():
            p.requires_grad = False

    def forward(self, x):
        delta = self.adapter.forward_delta(x)
        frozen = self.sublayer(x)
        if frozen.size() != delta.size():
            raise RuntimeError("shapes")
        return frozen + delta
""",
        "the adapter's residual connection taken off again": (
            "self.adapter(x, residual=False)",
            "(self.adapter(x) - x)",
        ),
    },
    "challenge_lora_adapter_model": {
        "freeze last, by name": """
def build_lora_adapter_model(
    d_model, d_ff, lora_rank, adapter_bottleneck, use_adapter_block=True
):
    model = BaseTransformerBlock(d_model, d_ff)
    model.proj_in = LoRALinear(model.proj_in, lora_rank, 1.0)
    model.proj_out = LoRALinear(model.proj_out, lora_rank, 1.0)
    if use_adapter_block:
        model = AdapterBlock(model, BottleneckAdapter(d_model, adapter_bottleneck))
    trainable = []
    for name, p in model.named_parameters():
        p.requires_grad = "lora_" in name or name.startswith("adapter.")
        if p.requires_grad:
            trainable.insert(0, p)
    return model, trainable
""",
        "the two cases apart": """
def build_lora_adapter_model(
    d_model, d_ff, lora_rank, adapter_bottleneck, use_adapter_block=True
):
    block = BaseTransformerBlock(d_model, d_ff)
    for p in block.parameters():
        p.requires_grad_(False)
    if not use_adapter_block:
        a = block.proj_in = LoRALinear(block.proj_in, lora_rank)
        b = block.proj_out = LoRALinear(block.proj_out, lora_rank)
        return block, [a.lora_A, a.lora_B, b.lora_A, b.lora_B]
    adapter = BottleneckAdapter(d_model, adapter_bottleneck)
    outer = AdapterBlock(block, adapter)
    _, trainable = build_lora_adapter_model.__wrapped__(block, lora_rank)
    return outer, trainable + list(adapter.parameters())

def add_lora(block, rank):
    params = []
    for name in ("proj_out", "proj_in"):
        layer = LoRALinear(block.get_submodule(name), rank)
        setattr(block, name, layer)
        params += [layer.lora_A, layer.lora_B]
    return block, params

build_lora_adapter_model.__wrapped__ = add_lora
""",
    },
    "challenge_learnable_prefix": {
        "one sequence after the other": (
            "        prefix = self.prefix.to(x.dtype).expand(len(x), -1, -1)  # (B, P, D), a view\n"
            "        return torch.cat([prefix, x], dim=1)  # sizes that do not fit: RuntimeError",
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
        "a broadcast view": (
            "self.prefix.to(x.dtype).expand(len(x), -1, -1)",
            "self.prefix[None].to(x).broadcast_to(x.shape[0], *self.prefix.shape)",
        ),
    },
    "challenge_adapter_stack": {
        "appended one by one, a chained comparison": """
class AdapterStack(nn.Module):
    def __init__(self, d_model, bottleneck_dim, num_adapters):
        super().__init__()
        if num_adapters <= 0:
            raise ValueError("num_adapters")
        self.num_adapters = num_adapters
        self.adapters = nn.ModuleList()
        for _ in range(num_adapters):
            self.adapters.append(BottleneckAdapter(d_model, bottleneck_dim))

    def forward(self, x, adapter_id):
        if not 0 <= adapter_id < self.num_adapters:
            raise IndexError(adapter_id)
        for i, adapter in enumerate(self.adapters):
            if i == adapter_id:
                return adapter(x)
""",
        "a dispatch by module name": (
            "return self.adapters[adapter_id](x)",
            'return self.get_submodule(f"adapters.{adapter_id}")(x)',
        ),
        "torch's own IndexError past the end": (
            "if adapter_id not in range(len(self.adapters)):",
            "if adapter_id < 0:",
        ),
    },
}
