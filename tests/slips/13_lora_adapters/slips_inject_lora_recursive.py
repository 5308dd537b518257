"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "exchanged": {
        "scale 0 taken for the default": (
            "LoRALinear(m, rank, scale)",
            "LoRALinear(m, rank, scale or 1.0)",
        ),
        "only the top level": (
            "for m in model.modules() if isinstance(m, nn.Linear)",
            "for m in model.children() if isinstance(m, nn.Linear)",
        ),
        "scale forgotten": ("LoRALinear(m, rank, scale)", "LoRALinear(m, rank, 1.0)"),
        "rank forgotten": ("LoRALinear(m, rank, scale)", "LoRALinear(m, 2, scale)"),
        "another default scale": (
            "rank: int, scale: float = 1.0\n",
            "rank: int, scale: float = 2.0\n",
        ),
        "the output layer left out": (
            "    if not adapted",
            "    layers = layers[:-1] or layers\n    if not adapted",
        ),
        "a copy returned": (
            "    adapted = [",
            "    model = __import__('copy').deepcopy(model)\n    adapted = [",
        ),
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
        "a wrapper around a new layer": (
            "{m: LoRALinear(m, rank, scale) for",
            "{m: LoRALinear(nn.Linear(m.in_features, m.out_features, m.bias is not None),"
            " rank, scale) for",
        ),
        "the base copied": (
            "LoRALinear(m, rank, scale)",
            "LoRALinear(__import__('copy').deepcopy(m), rank, scale)",
        ),
        "containers copied": (
            "    return model, params",
            "    for name, m in list(model.named_children()):\n"
            "        if isinstance(m, nn.Sequential):\n"
            "            setattr(model, name, nn.Sequential(*m).train(m.training))\n"
            "    return model, params",
        ),
        "layers without a bias left out": (
            "if isinstance(m, nn.Linear) and m not in kept",
            "if isinstance(m, nn.Linear) and m not in kept and m.bias is not None",
        ),
        "layers smaller than the rank left out": (
            "if isinstance(m, nn.Linear) and m not in kept",
            "if isinstance(m, nn.Linear) and m not in kept and min(m.weight.shape) >= rank",
        ),
        "only inside torch's own containers": (
            "for m in model.modules() if isinstance(m, nn.Linear)",
            "for parent in model.modules()"
            " if parent is model or type(parent).__module__.startswith('torch.')"
            " for m in parent.children() if isinstance(m, nn.Linear)",
        ),
    },
    "returned": {
        "a generator": ("    return model, params", "    return model, iter(params)"),
        "a wrapper for each place": (
            "model.set_submodule(name, wrappers[m])",
            "model.set_submodule(name, LoRALinear(m, rank, scale))",
        ),
        "only the old adapters": ("(*adapted, *wrappers.values())", "adapted"),
        "lora_A alone": ("(m.lora_A, m.lora_B)]", "(m.lora_A,)]"),
        "the model alone": ("    return model, params", "    return model"),
        "a tuple of parameters": ("    return model, params", "    return model, tuple(params)"),
        "all of the model in params": (
            "    return model, params",
            "    return model, list(model.parameters())",
        ),
        "params alone": ("    return model, params", "    return params"),
    },
    "frozen": {
        "the model's own parameters not frozen": (
            "    model.requires_grad_(False)\n",
            "    for part in model.children():\n        part.requires_grad_(False)\n",
        ),
        "nothing frozen": ("    model.requires_grad_(False)\n", ""),
        "only adapted layers frozen": (
            "    model.requires_grad_(False)\n",
            "    for m in layers:\n        m.requires_grad_(False)\n",
        ),
        "all frozen in the end": (
            "    return model, params",
            "    model.requires_grad_(False)\n    return model, params",
        ),
        "eval mode in place of freezing": ("model.requires_grad_(False)", "model.eval()"),
        "only weights frozen": (
            "    model.requires_grad_(False)\n",
            "    for name, p in model.named_parameters():\n"
            '        p.requires_grad_(not name.endswith("weight"))\n',
        ),
        "frozen layers left out": (
            "if isinstance(m, nn.Linear) and m not in kept",
            "if isinstance(m, nn.Linear) and m not in kept and m.weight.requires_grad",
        ),
        "whole wrappers train": (
            "        p.requires_grad_()\n",
            "        p.requires_grad_()\n    for m in wrappers.values():\n"
            "        m.requires_grad_()\n",
        ),
    },
    "start": {
        "the model's mode set": ("    return model, params", "    return model.eval(), params"),
        "the start is not the base": (
            "        p.requires_grad_()\n",
            "        nn.init.normal_(p.requires_grad_(), std=0.1)\n",
        ),
        "norm layers in eval mode": (
            "    return model, params",
            "    for m in model.modules():\n        if isinstance(m, nn.BatchNorm1d):\n"
            "            m.eval()\n    return model, params",
        ),
    },
    "none": {
        "a linear model returned as it came": (
            "    if not adapted",
            "    if isinstance(model, nn.Linear):\n        return model, []\n    if not adapted",
        ),
        "no layers accepted": ("if not adapted + layers:", "if False:"),
        "the walk enters its wrappers": """
def inject_lora_recursive(model, rank, scale=1.0):
    for name, m in list(model.named_modules()):
        if isinstance(m, nn.Linear) and name:
            model.set_submodule(name, LoRALinear(m, rank, scale))
    model.requires_grad_(False)
    params = [p for n, p in model.named_parameters() if "lora_" in n]
    return model, [p.requires_grad_() for p in params]
""",
        "an assert for no layers": (
            'if not adapted + layers:\n        raise ValueError(f"no linear layer inside'
            ' a {type(model).__name__}")',
            "assert adapted + layers",
        ),
        "KeyError for no layers": ('raise ValueError(f"no', 'raise KeyError(f"no'),
        "a linear model wrapped": (
            "    adapted = [",
            "    if isinstance(model, nn.Linear):\n"
            "        model = nn.Sequential(model)\n    adapted = [",
        ),
    },
    "again": {
        "wrapped twice": ("kept = {model, *(m.base for m in adapted)}", "kept = {model}"),
        "only the new adapters": ("(*adapted, *wrappers.values())", "wrappers.values()"),
        "a second call refused": ("if not adapted + layers:", "if not layers:"),
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
        "earlier wrappers in train mode": (
            "    return model, params",
            "    for m in adapted:\n        m.train()\n    return model, params",
        ),
        "a textbook recursion": """
def inject_lora_recursive(model, rank, scale=1.0):
    params = []

    def walk(parent):
        for name, child in parent.named_children():
            if isinstance(child, nn.Linear):
                layer = LoRALinear(child, rank, scale)
                setattr(parent, name, layer)
                params.extend([layer.lora_A, layer.lora_B])
            else:
                walk(child)

    model.requires_grad_(False)
    walk(model)
    if not params:
        raise ValueError("no linear layers")
    return model, params
""",
    },
    "shared": {
        "only the first place": (
            "model.named_modules(remove_duplicate=False)",
            "model.named_modules()",
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
        "shared parameters twice": (
            "for m in (*adapted, *wrappers.values()) for p",
            "for _, m in model.named_modules(remove_duplicate=False)"
            " if isinstance(m, LoRALinear) for p",
        ),
    },
    "kinds": {
        "bases told by their name": (
            "layers = [m for m in model.modules() if isinstance(m, nn.Linear) and m not in kept]",
            "layers = [m for n, m in model.named_modules() if isinstance(m, nn.Linear)"
            ' and n.rpartition(".")[2] not in ("", "base")]',
        ),
        "subclasses missed": (
            "if isinstance(m, nn.Linear) and m not in kept",
            "if type(m) is nn.Linear and m not in kept",
        ),
        "a child None looked into": """
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
            else:
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
        "wrappers in float32": (
            "{m: LoRALinear(m, rank, scale) for",
            "{m: LoRALinear(m, rank, scale).float() for",
        ),
    },
    "errors": {
        "frozen before the rank is read": (
            "    adapted = [",
            "    model.requires_grad_(False)\n    adapted = [",
        ),
        "frozen before the layers are counted": (
            "    if not adapted",
            "    model.requires_grad_(False)\n    if not adapted",
        ),
    },
}

VARIANTS = {
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
    places = [(p, k, c) for p in parents for k, c in p._modules.items() if isinstance(c, nn.Linear)]
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
}
