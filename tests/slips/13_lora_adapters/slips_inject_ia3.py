"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "exchanged": {
        "the base copied": ("IA3Linear(m)", "IA3Linear(__import__('copy').deepcopy(m))"),
        "a copy returned": (
            "    if not linear_names:",
            "    model = __import__('copy').deepcopy(model)\n    if not linear_names:",
        ),
        "all layers adapted": (
            "chosen = [layers[name] for name in linear_names]",
            "chosen = list(layers.values())",
        ),
        "the name set on the model itself": (
            "model.set_submodule(name, wrappers[m])",
            "model._modules[name] = wrappers[m]",
        ),
        "a wrapper around a new layer": (
            "IA3Linear(m)",
            "IA3Linear(nn.Linear(m.in_features, m.out_features, m.bias is not None))",
        ),
        "matched by the name's end": (
            "chosen = [layers[name] for name in linear_names]",
            'chosen = [m for n, m in layers.items() if n.rpartition(".")[2] in'
            ' {s.rpartition(".")[2] for s in linear_names}]',
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
        "params alone": ("    return model, params", "    return params"),
        "biases train too": (
            "    return model, params",
            "    biases = [p for n, p in model.named_parameters() if 'bias' in n]\n"
            "    for p in biases:\n        p.requires_grad_()\n"
            "    return model, params + biases",
        ),
        "the model alone": ("    return model, params", "    return model"),
        "names used up": (
            "    return model, params",
            "    linear_names.clear()\n    return model, params",
        ),
        "parameters called scale": (
            "[m.scale for m in model.modules() if isinstance(m, IA3Linear)]",
            "list(model.parameters())[:1]",
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
        "the start is not the base": (
            "        p.requires_grad_()\n",
            "        nn.init.zeros_(p.requires_grad_())\n",
        ),
        "the model's mode set": ("    return model, params", "    return model.train(), params"),
        "norm layers in eval mode": (
            "    return model, params",
            "    for m in model.modules():\n        if isinstance(m, nn.BatchNorm1d):\n"
            "            m.eval()\n    return model, params",
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
        "KeyError without the layers": (", there are {list(layers)}", ""),
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
        "AttributeError for unknown names": ("raise KeyError", "raise AttributeError"),
        "only the top level's layers listed": (
            "{list(layers)}",
            "{[n for n, _ in model.named_children()]}",
        ),
        "only the layers that are not named listed": (
            "{list(layers)}",
            "{[n for n in layers if n not in linear_names]}",
        ),
    },
    "again": {
        "only the new adapters": (
            "[m.scale for m in model.modules() if isinstance(m, IA3Linear)]",
            "[m.scale for m in wrappers.values()]",
        ),
        "a second call starts again": (
            "IA3Linear(m) for m in chosen if isinstance(m, nn.Linear)",
            'IA3Linear(getattr(m, "base", m)) for m in chosen',
        ),
        "the base inside a wrapper": (" and m not in inside", ""),
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
        "bases listed for their layers": (
            "{list(layers)}",
            "{[n for n, m in model.named_modules() if isinstance(m, nn.Linear)]}",
        ),
        "earlier wrappers in train mode": (
            "    return model, params",
            "    for m in chosen:\n        if isinstance(m, IA3Linear):\n"
            "            m.train()\n    return model, params",
        ),
        "each name wrapped as it comes, in a loop": """
def inject_ia3(model, linear_names):
    if not linear_names:
        raise ValueError("no names")
    kinds = (nn.Linear, IA3Linear)
    layers = {n: m for n, m in model.named_modules(remove_duplicate=False)}
    layers = {n: m for n, m in layers.items() if n and isinstance(m, kinds)}
    unknown = [n for n in linear_names if n not in layers]
    if unknown:
        raise KeyError(f"{unknown}, there are {list(layers)}")
    model.requires_grad_(False)
    params = []
    for name in linear_names:
        old = model.get_submodule(name)
        new = IA3Linear(old)
        for place in [n for n, m in layers.items() if m is layers[name]]:
            model.set_submodule(place, new)
        params += [new.scale]
    return model, params
""",
        "names of an earlier call refused": ("nn.Linear | IA3Linear) and m", "nn.Linear) and m"),
    },
    "shared": {
        "shared factors twice": (
            "[m.scale for m in model.modules() if isinstance(m, IA3Linear)]",
            "[m.scale for _, m in model.named_modules(remove_duplicate=False)"
            " if isinstance(m, IA3Linear)]",
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
    },
    "kinds": {
        "told by the parameter's name": (
            "    return model, params",
            "    for n, p in model.named_parameters():\n"
            '        p.requires_grad = n.endswith(".scale")\n'
            "    return model, [p for p in model.parameters() if p.requires_grad]",
        ),
        "subclasses missed": (
            "isinstance(m, nn.Linear | IA3Linear) and m",
            "type(m) in (nn.Linear, IA3Linear) and m",
        ),
        "subclasses not wrapped": (
            "for m in chosen if isinstance(m, nn.Linear)",
            "for m in chosen if type(m) is nn.Linear",
        ),
        "wrappers in float32": ("IA3Linear(m) for", "IA3Linear(m).float() for"),
        "a child None looked into": """
def inject_ia3(model, linear_names):
    names, known = list(dict.fromkeys(linear_names)), {}
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
    if set(names) - known.keys():
        raise KeyError(f"{names} not in {sorted(known)}")
    new = {known[n]: IA3Linear(known[n]) for n in names if isinstance(known[n], nn.Linear)}
    for path, child in known.items():
        if child in new:
            parent, _, key = path.rpartition(".")
            model.get_submodule(parent)._modules[key] = new[child]
    for p in model.parameters():
        p.requires_grad_(False)
    return model, [m.scale.requires_grad_() for m in dict.fromkeys(
        m for m in model.modules() if isinstance(m, IA3Linear))]
""",
    },
    "errors": {
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
        "the model itself": ("if name and isinstance", "if isinstance"),
        "an assert for no names": (
            '    if not linear_names:\n        raise ValueError("no names: nothing would train")',
            '    assert linear_names, "no names"',
        ),
    },
}

VARIANTS = {
    "bases told by the path, adapted where a model holds them elsewhere": (
        "m not in inside",
        "not isinstance(model.get_submodule(name.rpartition('.')[0]), IA3Linear)",
    ),
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
            elif child is not None:
                walk(child, here)

    walk(model, [])
    if not names:
        raise ValueError("linear_names is empty")
    if names - known.keys():
        raise KeyError(f"{sorted(names - known.keys())} not in {sorted(known)}")
    new = {known[n]: IA3Linear(known[n]) for n in names if isinstance(known[n], nn.Linear)}
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
}
