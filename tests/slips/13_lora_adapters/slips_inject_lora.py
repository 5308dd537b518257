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
        "a copy returned": (
            "    if not linear_names:",
            "    model = __import__('copy').deepcopy(model)\n    if not linear_names:",
        ),
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
        "base copied": (
            "LoRALinear(m, rank, scale)",
            "LoRALinear(__import__('copy').deepcopy(m), rank, scale)",
        ),
        "the name set on the model itself": (
            "model.set_submodule(name, wrappers[m])",
            "model._modules[name] = wrappers[m]",
        ),
        "a wrapper around a new layer": (
            "LoRALinear(m, rank, scale)",
            "LoRALinear(nn.Linear(m.in_features, m.out_features, m.bias is not None), rank, scale)",
        ),
        "matched by the name's end, dots and all": (
            "chosen = [layers[name] for name in linear_names]",
            "chosen = [m for n, m in layers.items() if any(f'.{n}'.endswith(f'.{s}')"
            " for s in linear_names)]",
        ),
        "names as substrings": (
            "chosen = [layers[name] for name in linear_names]",
            "chosen = [m for n, m in layers.items() if any(name in n for name in linear_names)]",
        ),
        "getattr with a dotted name": (
            "chosen = [layers[name] for name in linear_names]",
            "chosen = [getattr(model, name) for name in linear_names]",
        ),
    },
    "returned": {
        "all of the model in params": (
            "    return model, params",
            "    return model, list(model.parameters())",
        ),
        "biases train too": (
            "    return model, params",
            "    biases = [m.base.bias for m in adapters if m.base.bias is not None]\n"
            "    for p in biases:\n        p.requires_grad_()\n"
            "    return model, params + biases",
        ),
        "only lora_B in params": ("for p in (m.lora_A, m.lora_B)", "for p in (m.lora_B,)"),
        "a generator": ("    return model, params", "    return model, iter(params)"),
        "the model alone": ("    return model, params", "    return model"),
        "a list": ("    return model, params", "    return [model, params]"),
        "names used up": (
            "    return model, params",
            "    linear_names.clear()\n    return model, params",
        ),
        "a tuple of parameters": ("    return model, params", "    return model, tuple(params)"),
        "the wrappers in place of their parameters": (
            "    return model, params",
            "    return model, [m for m in model.modules() if hasattr(m, 'base')]",
        ),
        "names sorted in place": (
            "    return model, params",
            "    linear_names.sort()\n    return model, params",
        ),
        "all parameters of the wrappers": (
            "for p in (m.lora_A, m.lora_B)",
            "for p in m.parameters()",
        ),
    },
    "frozen": {
        "the model's own parameters not frozen": (
            "    model.requires_grad_(False)\n",
            "    for part in model.children():\n        part.requires_grad_(False)\n",
        ),
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
        "eval mode in place of freezing": ("model.requires_grad_(False)", "model.eval()"),
        "requires_grad set on the modules": (
            "    model.requires_grad_(False)\n",
            "    for m in model.modules():\n        m.requires_grad = False\n",
        ),
        "whole wrappers train": (
            "        p.requires_grad_()\n",
            "        p.requires_grad_()\n    for m in wrappers.values():\n"
            "        m.requires_grad_()\n",
        ),
    },
    "start": {
        "norm layers in eval mode": (
            "    return model, params",
            "    for m in model.modules():\n        if isinstance(m, nn.BatchNorm1d):\n"
            "            m.eval()\n    return model, params",
        ),
        "the model's mode set": ("    return model, params", "    return model.train(), params"),
        "the start is not the base": (
            "        p.requires_grad_()\n",
            "        nn.init.normal_(p.requires_grad_(), std=0.1)\n",
        ),
        "values of the base changed a little": (
            "    return model, params",
            "    for m in wrappers:\n        m.weight.data.mul_(1.001)\n    return model, params",
        ),
        "running statistics reset": (
            "    return model, params",
            "    for m in model.modules():\n        if isinstance(m, nn.BatchNorm1d):\n"
            "            m.reset_running_stats()\n    return model, params",
        ),
    },
    "unknown": {
        "only the last name looked at": (
            "for name in linear_names if name not in layers",
            "for name in linear_names[-1:] if name not in layers",
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
        "bases told by their name": ("m not in inside", 'not name.endswith("base")'),
        "parameters listed for the layers": (
            "{list(layers)}",
            "{[n for n, _ in model.named_parameters()]}",
        ),
        "only the last part of each layer's name listed": (
            "{list(layers)}",
            "{[n.rpartition('.')[2] for n in layers]}",
        ),
        "the name found by its end": (
            "    unknown = [name for name in linear_names if name not in layers]",
            "    ends = {n.rpartition('.')[2]: m for n, m in layers.items()}\n"
            "    layers = {**ends, **layers}\n"
            "    unknown = [name for name in linear_names if name not in layers]",
        ),
        "only the layers that are not named listed": (
            "{list(layers)}",
            "{[n for n in layers if n not in linear_names]}",
        ),
    },
    "again": {
        "only the new adapters train": (
            "for m in adapters for p",
            "for m in wrappers.values() for p",
        ),
        "only the new adapters in params": (
            "    return model, params",
            "    return model, [p for m in wrappers.values() for p in (m.lora_A, m.lora_B)]",
        ),
        "a second call starts again": (
            "LoRALinear(m, rank, scale) for m in chosen if isinstance(m, nn.Linear)",
            'LoRALinear(getattr(m, "base", m), rank, scale) for m in chosen',
        ),
        "the base inside a wrapper": (" and m not in inside", ""),
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
        "bases listed for their layers": (
            "{list(layers)}",
            "{[n for n, m in model.named_modules() if isinstance(m, nn.Linear)]}",
        ),
        "earlier wrappers in train mode": (
            "    return model, params",
            "    for m in chosen:\n        if isinstance(m, LoRALinear):\n"
            "            m.train()\n    return model, params",
        ),
        "each name wrapped as it comes, in a loop": """
def inject_lora(model, linear_names, rank, scale=1.0):
    if not linear_names:
        raise ValueError("no names")
    kinds = (nn.Linear, LoRALinear)
    layers = {n: m for n, m in model.named_modules(remove_duplicate=False)}
    layers = {n: m for n, m in layers.items() if n and isinstance(m, kinds)}
    unknown = [n for n in linear_names if n not in layers]
    if unknown:
        raise KeyError(f"{unknown}, there are {list(layers)}")
    model.requires_grad_(False)
    params = []
    for name in linear_names:
        old = model.get_submodule(name)
        new = LoRALinear(old, rank, scale)
        for place in [n for n, m in layers.items() if m is layers[name]]:
            model.set_submodule(place, new)
        params += [new.lora_A, new.lora_B]
    return model, params
""",
        "names of an earlier call refused": ("nn.Linear | LoRALinear) and m", "nn.Linear) and m"),
    },
    "shared": {
        "shared parameters twice": (
            "adapters = [m for m in model.modules() if isinstance(m, LoRALinear)]",
            "adapters = [m for _, m in model.named_modules(remove_duplicate=False)"
            " if isinstance(m, LoRALinear)]",
        ),
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
    },
    "kinds": {
        "told by the parameter's name": (
            "    return model, params",
            "    for n, p in model.named_parameters():\n"
            '        p.requires_grad = "lora_" in n\n'
            "    return model, [p for p in model.parameters() if p.requires_grad]",
        ),
        "subclasses missed": (
            "isinstance(m, nn.Linear | LoRALinear) and m",
            "type(m) in (nn.Linear, LoRALinear) and m",
        ),
        "subclasses not wrapped": (
            "for m in chosen if isinstance(m, nn.Linear)",
            "for m in chosen if type(m) is nn.Linear",
        ),
        "wrappers in float32": (
            "LoRALinear(m, rank, scale) for",
            "LoRALinear(m, rank, scale).float() for",
        ),
        "a child None looked into": """
def inject_lora(model, linear_names, rank, scale=1.0):
    known = {}
    bases = {m.base for m in model.modules() if isinstance(m, LoRALinear)}

    def walk(module, path):
        for key, child in module._modules.items():
            here = path + [key]
            if isinstance(child, LoRALinear | nn.Linear):
                if child not in bases:
                    known[".".join(here)] = child
            else:
                walk(child, here)

    walk(model, [])
    if not linear_names:
        raise ValueError("linear_names is empty")
    if set(linear_names) - known.keys():
        raise KeyError(f"{linear_names} not in {sorted(known)}")
    chosen = dict.fromkeys(known[n] for n in linear_names if isinstance(known[n], nn.Linear))
    new = {m: LoRALinear(m, rank, scale) for m in chosen}
    for path, child in known.items():
        if child in new:
            parent, _, key = path.rpartition(".")
            model.get_submodule(parent)._modules[key] = new[child]
    model.requires_grad_(False)
    adapters = [m for m in model.modules() if isinstance(m, LoRALinear)]
    return model, [p.requires_grad_() for m in adapters for p in (m.lora_A, m.lora_B)]
""",
    },
    "errors": {
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
        "the model itself": ("if name and isinstance", "if isinstance"),
        "an assert for no names": (
            '    if not linear_names:\n        raise ValueError("no names: nothing would train")',
            '    assert linear_names, "no names"',
        ),
        "frozen before the rank is known to be right": (
            "    wrappers = {m: Lo",
            "    model.requires_grad_(False)\n    wrappers = {m: Lo",
        ),
        "modes set before the names are read": (
            "    inside = {",
            "    model.train()\n    inside = {",
        ),
    },
}

VARIANTS = {
    "bases told by the path, adapted where a model holds them elsewhere": (
        "m not in inside",
        "not isinstance(model.get_submodule(name.rpartition('.')[0]), LoRALinear)",
    ),
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
    pairs = [(m, LoRALinear(m, rank=rank, scale=scale)) for m in found if isinstance(m, nn.Linear)]
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
}
