"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "merged": {
        "0 taken for no scale": ("layer.scale * (layer", "(layer.scale or 1) * (layer"),
        "A B for B A": (
            "layer.lora_B.to(wide) @ layer.lora_A.to(wide)",
            "layer.lora_A.to(wide) @ layer.lora_B.to(wide)",
        ),
        "scale left out": ("layer.scale * (layer", "1 * (layer"),
        "scale twice": ("layer.scale * (layer", "layer.scale**2 * (layer"),
        "scale divided by the rank": (
            "layer.scale * (layer",
            "layer.scale / layer.lora_A.shape[0] * (layer",
        ),
        "the change subtracted": ("to(wide) + change", "to(wide) - change"),
        "the change alone": ("copy_(layer.base.weight.to(wide) + change)", "copy_(change)"),
        "the base alone": ("(layer.base.weight.to(wide) + change)", "(layer.base.weight)"),
        "the change transposed": (
            "to(wide) + change)",
            "to(wide) + (change.T if change.shape[0] == change.shape[1] else change))",
        ),
        "bias forgotten": (
            "merged = copy.deepcopy(layer.base)",
            "merged = nn.Linear(layer.base.in_features, layer.base.out_features, bias=False,\n"
            "        device=layer.base.weight.device, dtype=layer.base.weight.dtype)",
        ),
        "bias where there was none": (
            "    return merged\n",
            "    if merged.bias is None:\n"
            "        merged.bias = nn.Parameter(merged.weight.new_zeros(len(merged.weight)))\n"
            "    return merged\n",
        ),
        "a new bias": (
            "    return merged\n",
            "    if merged.bias is not None:\n        merged.reset_parameters()\n"
            "        merged.weight.copy_(layer.base.weight.to(wide) + change)\n    return merged\n",
        ),
        "the bias scaled, too": (
            "    return merged\n",
            "    if merged.bias is not None:\n        merged.bias *= layer.scale\n"
            "    return merged\n",
        ),
        "merged into the base itself": ("copy.deepcopy(layer.base)", "layer.base"),
        "the adapter emptied": (
            "    return merged\n",
            "    layer.lora_B.zero_()\n    return merged\n",
        ),
        "a LoRALinear comes back": (
            "    return merged\n",
            "    out = copy.deepcopy(layer)\n    out.base = merged\n    out.lora_B.zero_()\n"
            "    return out\n",
        ),
        "the layer a child of the merged one": (
            'vars(merged)["unmerged"] = layer',
            "merged.unmerged = layer",
        ),
        "the old weight as a buffer": (
            "    return merged\n",
            "    merged.register_buffer('old', layer.base.weight.clone())\n    return merged\n",
        ),
        "the layer frozen": (
            "    return merged\n",
            "    layer.requires_grad_(False)\n    return merged\n",
        ),
        "an earlier result given again": """
def merge(layer, first=merge):
    return vars(layer).setdefault("done", first(layer))
""",
        "sizes exchanged": (
            "    return merged\n",
            "    merged.in_features, merged.out_features = merged.weight.shape\n"
            "    return merged\n",
        ),
    },
    "undone": {
        "subtracts the change": (
            '    return vars(layer)["unmerged"]',
            '    back = vars(layer)["unmerged"]\n'
            "    with torch.no_grad():\n"
            "        change = back.scale * back.lora_B @ back.lora_A\n"
            "        back.base.weight.copy_(layer.weight - change)\n"
            "    return back",
        ),
        "the base alone comes back": (
            'return vars(layer)["unmerged"]',
            'return vars(layer)["unmerged"].base',
        ),
        "a new LoRALinear": (
            'return vars(layer)["unmerged"]',
            'return copy.deepcopy(vars(layer)["unmerged"])',
        ),
        "one memory for all layers": """
last = []


def merge(layer, first=merge):
    last[:] = [layer]
    merged = first(layer)
    vars(merged)["last"] = last
    return merged


def unmerge(layer, first=unmerge):
    first(layer)
    return vars(layer)["last"][0]
""",
        "all of it trains": (
            '    return vars(layer)["unmerged"]',
            '    return vars(layer)["unmerged"].requires_grad_(True)',
        ),
        "remembered until it is undone once": """
seen = {}


def unmerge(layer, first=unmerge):
    back = first(layer)
    if id(back) in seen and not isinstance(back, type(None)):
        return seen[id(back)].base
    seen[id(back)] = back
    return back
""",
        "back in train mode": (
            'return vars(layer)["unmerged"]',
            'return vars(layer)["unmerged"].train()',
        ),
        "the adapter emptied": (
            '    return vars(layer)["unmerged"]',
            '    vars(layer)["unmerged"].lora_B.data.zero_()\n    return vars(layer)["unmerged"]',
        ),
    },
    "model": {
        "nothing returned": (
            "            model.set_submodule(name, merged[module])\n    return model",
            "            model.set_submodule(name, merged[module])",
        ),
        "children only": (
            "model.named_modules(remove_duplicate=False)]",
            "model.named_children()]",
        ),
        "a copy": (
            "    for name, module in [*model",
            "    model = copy.deepcopy(model)\n"
            "    merged = {m: merge(m) for m in model.modules() if isinstance(m, LoRALinear)}\n"
            "    for name, module in [*model",
        ),
        "only the first": (
            "            model.set_submodule(name, merged[module])\n",
            "            model.set_submodule(name, merged[module])\n            break\n",
        ),
        "all linear layers made anew": (
            "        if isinstance(module, LoRALinear):\n            model",
            "        if type(module) is nn.Linear and not name.endswith('.base'):\n"
            "            model.set_submodule(name, copy.deepcopy(module))\n"
            "        if isinstance(module, LoRALinear):\n            model",
        ),
        "the base in its place": ("merged[module])", "module.base)"),
        "cannot be undone": ("merged[module])", "copy.deepcopy(merged[module]))"),
        "the base inside": (
            "            model.set_submodule(name, merged[module])",
            "            module.base = merged[module]\n            module.lora_B.data.zero_()",
        ),
        "merged in place and still adapted": (
            "            model.set_submodule(name, merged[module])",
            "            module.base = merged[module]",
        ),
        "the names' first part only": (
            "            model.set_submodule(name, merged[module])",
            "            setattr(model, name, merged[module])",
        ),
        "into eval mode": ("    return model\n", "    return model.eval()\n"),
        "all of it frozen": ("    return model\n", "    return model.requires_grad_(False)\n"),
        "undone once only": (
            'return vars(layer)["unmerged"]',
            'return vars(layer).pop("unmerged")',
        ),
        "a second call merges anew": (
            "    for name, module in [*model",
            "    for name, m in [*model.named_modules()]:\n"
            "        if 'unmerged' in vars(m):\n"
            "            model.set_submodule(name, merge(unmerge(m)))\n"
            "    for name, module in [*model",
        ),
    },
    "state": {
        "buffers missing": (
            "for name, t in moved_by_training(model).items()}",
            "for name, t in moved_by_training(model).items() if isinstance(t, nn.Parameter)}",
        ),
        "the whole state": (
            "name: t.detach().clone() for name, t in moved_by_training(model)",
            "name: t.detach().clone() for name, t in model.state_dict()",
        ),
        "what requires gradients": (
            "for name, t in moved_by_training(model).items()}",
            "for name, t in model.named_parameters() if t.requires_grad}",
        ),
        "only lora_B": (
            "for name, t in moved_by_training(model).items()}",
            "for name, t in moved_by_training(model).items() if 'lora_A' not in name}",
        ),
        "all buffers, those not saved, too": (
            "for name, t in moved_by_training(model).items()}",
            "for name, t in [*moved_by_training(model).items(), *model.named_buffers()]}",
        ),
        "BatchNorm's buffers alone": (
            "for name, t in moved_by_training(model).items()}",
            "for name, t in moved_by_training(model).items()"
            " if isinstance(t, nn.Parameter) or '.running_' in name or '.num_batches' in name}",
        ),
        "only buffers of floats": (
            "for name, t in moved_by_training(model).items()}",
            "for name, t in moved_by_training(model).items() if t.is_floating_point()}",
        ),
        "names of the last part": (
            "return {name: t.detach().clone()",
            "return {name.rpartition('.')[2]: t.detach().clone()",
        ),
        "names without the layer's": (
            "return {name: t.detach().clone()",
            "return {name.replace('.lora', '_lora'): t.detach().clone()",
        ),
        "in half precision": ("t.detach().clone()", "t.detach().clone().half()"),
        "the base's bias, too": (
            "if id(t) in factors or not",
            "if id(t) in factors or n.endswith('base.bias') or not",
        ),
        "the model's other parameters, too": (
            "if id(t) in factors or not",
            "if 'base' not in n or not",
        ),
        "only with a dot before the name": (
            "for name, t in moved_by_training(model).items()}",
            "for name, t in moved_by_training(model).items()"
            " if '.lora_' in name or '.running' in name or '.num' in name}",
        ),
        "the merged product in it": (
            "    return {name: t.detach().clone() for name, t in moved_by_training(model).items()}",
            "    state = {n: t.detach().clone() for n, t in moved_by_training(model).items()}\n"
            "    for n, m in model.named_modules():\n"
            "        if isinstance(m, LoRALinear):\n"
            "            state[n + '.weight'] = (m.lora_B @ m.lora_A).detach()\n"
            "    return state",
        ),
    },
    "loaded": {
        "new Parameters": (
            "        t.copy_(state[name])",
            "        owner, _, last = name.rpartition('.')\n"
            "        if isinstance(t, nn.Parameter):\n"
            "            new = nn.Parameter(state[name].clone())\n"
            "            setattr(model.get_submodule(owner), last, new)\n"
            "        else:\n"
            "            t.copy_(state[name])",
        ),
        "buffers not loaded": (
            "        t.copy_(state[name])",
            "        if isinstance(t, nn.Parameter):\n            t.copy_(state[name])",
        ),
        "only lora_B loaded": (
            "        t.copy_(state[name])",
            "        if 'lora_A' not in name:\n            t.copy_(state[name])",
        ),
        "the first layer only": (
            "    for name, t in own.items():",
            "    for name, t in list(own.items())[:5]:",
        ),
        "into eval mode": (
            "        t.copy_(state[name])",
            "        t.copy_(state[name])\n    model.eval()",
        ),
        "what is loaded trains again": (
            "        t.copy_(state[name])",
            "        t.copy_(state[name])\n"
            "        if isinstance(t, nn.Parameter):\n            t.requires_grad_()",
        ),
        "nothing loaded": ("        t.copy_(state[name])", "        t.clone().copy_(state[name])"),
        "added to what is there": ("t.copy_(state[name])", "t.add_(state[name])"),
        "by position": (
            "    for name, t in own.items():\n        t.copy_(state[name])",
            "    for t, new in zip(own.values(), state.values()):\n        t.copy_(new)",
        ),
        "state emptied": ("t.copy_(state[name])", "t.copy_(state.pop(name))"),
        "counters not loaded": (
            "        t.copy_(state[name])",
            "        if t.is_floating_point():\n            t.copy_(state[name])",
        ),
        "the state merged, too": (
            "        t.copy_(state[name])",
            "        t.copy_(state[name])\n"
            "    for m in model.modules():\n"
            "        if isinstance(m, LoRALinear):\n"
            "            m.base.weight += m.scale * m.lora_B @ m.lora_A",
        ),
    },
    "foreign": {
        "missing buffers skipped": (
            "    if missing or unknown:\n",
            "    own = {n: t for n, t in own.items() if n in state}\n"
            "    missing = {n for n in missing if 'lora' in n}\n    if missing or unknown:\n",
        ),
        "strict=False": (
            "    if missing or unknown:\n",
            "    own = {n: t for n, t in own.items() if n in state}\n"
            "    state = {n: t for n, t in state.items() if n in own}\n    if False:\n",
        ),
        "unknown names skipped": (
            "    if missing or unknown:\n",
            "    state = {n: t for n, t in state.items() if n in own}\n    if missing:\n",
        ),
        "missing names skipped": (
            "    if missing or unknown:\n",
            "    own = {n: t for n, t in own.items() if n in state}\n    if unknown:\n",
        ),
        "only the number of names compared": (
            "if missing or unknown:",
            "if len(own) != len(state):",
        ),
        "shapes broadcast": ("    if other:", "    if False:"),
        "only the number of dims compared": (
            "t.shape != own[name].shape",
            "t.ndim != own[name].ndim",
        ),
        "only the number of elements compared": (
            "t.shape != own[name].shape",
            "t.numel() != own[name].numel()",
        ),
        "shapes of buffers not compared": (
            "if t.shape != own[name].shape}",
            "if t.shape != own[name].shape and 'lora' in name}",
        ),
        "only the first other shape told": (
            '    if other:\n        raise ValueError(f"other shapes than the model\'s: {other}")',
            "    for name, shape in other.items():\n        raise ValueError((name, shape))",
        ),
        "RuntimeError, as load_state_dict": ("raise KeyError(", "raise RuntimeError("),
        "KeyError for shapes": ('raise ValueError(f"other', 'raise KeyError(f"other'),
        "no names in the KeyError": (
            'f"missing: {sorted(missing)}, unknown: {sorted(unknown)}"',
            '"names differ"',
        ),
        "only the first name": ("unknown: {sorted(unknown)}", "unknown: {sorted(unknown)[:1]}"),
        "missing names not told": ("missing: {sorted(missing)}, ", ""),
        "no names in the ValueError": (
            'f"other shapes than the model\'s: {other}"',
            '"other shapes"',
        ),
        "any name of the model will do": (
            "state.keys() - own.keys()",
            "state.keys() - model.state_dict().keys()\n"
            "    state = {n: t for n, t in state.items() if n in own}",
        ),
    },
    "places": {
        "the first place only": (
            "model.named_modules(remove_duplicate=False)",
            "model.named_modules()",
        ),
        "a merged layer for each place": ("merged[module])", "merge(module))"),
        "by a name with lora_": (
            "if id(t) in factors or not isinstance(t, nn.Parameter)]",
            "if 'lora_' in n or not isinstance(t, nn.Parameter)]",
        ),
        "names of lora_A cut out": (
            "if id(t) in factors or not isinstance(t, nn.Parameter)]",
            "if 'lora_A' in n or 'lora_B' in n or not isinstance(t, nn.Parameter)]",
        ),
        "what is below base left out": (
            "if id(t) in factors or not isinstance(t, nn.Parameter)]",
            "if 'base.' not in n and (id(t) in factors or not isinstance(t, nn.Parameter))]",
        ),
        "not below a LoRALinear's name": (
            "        if isinstance(module, LoRALinear):\n            model",
            "        if isinstance(module, LoRALinear) and 'lora_' not in name:\n            model",
        ),
        "not below what is called base": (
            "        if isinstance(module, LoRALinear):\n            model",
            "        if isinstance(module, LoRALinear) and 'base' not in name:\n            model",
        ),
    },
    "precision": {
        "computed in 16 bits": (
            "wide = torch.promote_types(merged.weight.dtype, torch.float32)",
            "wide = merged.weight.dtype",
        ),
        "the change rounded, then the sum": ("+ change)", "+ change.to(merged.weight.dtype))"),
        "float32 comes out": (
            "    return merged\n",
            "    merged.weight = nn.Parameter(layer.base.weight.to(wide) + change)\n"
            "    return merged\n",
        ),
        "float64 in float32": (
            "wide = torch.promote_types(merged.weight.dtype, torch.float32)",
            "wide = torch.float32",
        ),
        "on the CPU": (
            "merged = copy.deepcopy(layer.base)",
            "merged = nn.Linear(layer.base.in_features, layer.base.out_features,\n"
            "        layer.base.bias is not None).to(layer.base.weight.dtype)\n"
            "    if merged.bias is not None:\n        merged.bias.copy_(layer.base.bias)",
        ),
        "the bias in float32": (
            "    return merged\n",
            "    if merged.bias is not None:\n        merged.bias.data = merged.bias.to(wide)\n"
            "    return merged\n",
        ),
    },
    "apart": {
        "the bias shared": (
            "    return merged\n",
            "    if merged.bias is not None:\n        merged.bias = layer.base.bias\n"
            "    return merged\n",
        ),
        "references in the state": ("t.detach().clone()", "t.detach()"),
        "the graph in the state": ("t.detach().clone()", "t.clone()"),
        "Parameters in the state": ("t.detach().clone()", "t"),
        "only buffers cloned": (
            "t.detach().clone()",
            "(t.detach() if isinstance(t, nn.Parameter) else t.clone())",
        ),
        "the state's tensors become the model's": (
            "        t.copy_(state[name])",
            "        t.data = state[name]",
        ),
    },
    "errors": {
        "unknown names found after copying": (
            "    if missing or unknown:\n",
            "    for name in own if not missing else []:\n"
            "        if own[name].shape == state[name].shape:\n"
            "            own[name].copy_(state[name])\n"
            "    if missing or unknown:\n",
        ),
        "copied until the first error": """
@torch.no_grad()
def load_lora(model, state):
    own = moved_by_training(model)
    for name, t in own.items():
        if name not in state:
            raise KeyError(sorted(own.keys() ^ state.keys()))
        if state[name].shape != t.shape:
            raise ValueError(name)
        t.copy_(state[name])
    if state.keys() - own.keys():
        raise KeyError(sorted(own.keys() ^ state.keys()))
""",
        "names before, shapes while copying": """
@torch.no_grad()
def load_lora(model, state):
    own = moved_by_training(model)
    if own.keys() != state.keys():
        raise KeyError(sorted(own.keys() ^ state.keys()))
    for name, t in own.items():
        if state[name].shape != t.shape:
            raise ValueError(name)
        t.copy_(state[name])
""",
        "unmerge gives any layer back": (
            '        raise ValueError(f"{layer} was not made by merge")',
            "        return layer",
        ),
        "AttributeError for other layers": (
            'raise ValueError(f"{layer}',
            'raise AttributeError(f"{layer}',
        ),
    },
}

VARIANTS = {
    "F.linear's weight as a Parameter, made by hand": """
def merge(layer):
    base = layer.base
    new = nn.Linear(base.in_features, base.out_features, base.bias is not None,
                    device=base.weight.device, dtype=base.weight.dtype)
    with torch.no_grad():
        wide = torch.float64 if base.weight.dtype == torch.float64 else torch.float32
        new.weight.copy_(torch.addmm(base.weight.to(wide), layer.lora_B.to(wide),
                                     layer.lora_A.to(wide), alpha=layer.scale))
        if base.bias is not None:
            new.bias.copy_(base.bias)
    object.__setattr__(new, "origin", (layer,))
    return new


def unmerge(layer):
    try:
        return layer.origin[0]
    except AttributeError:
        raise ValueError("not merged") from None
""",
    "a table of merged layers": """
import weakref

TABLE = weakref.WeakKeyDictionary()


def merge(layer, first=merge):
    merged = first(layer)
    del merged.__dict__["unmerged"]
    TABLE[merged] = layer
    return merged


def unmerge(layer):
    if layer not in TABLE:
        raise ValueError("not merged")
    return TABLE[layer]
""",
    "parent by parent": """
def merge_model(model):
    if isinstance(model, LoRALinear):
        return merge(model)
    done = {}
    for parent in list(model.modules()):
        if isinstance(parent, LoRALinear):
            continue
        for name, child in parent._modules.items():
            if isinstance(child, LoRALinear):
                if child not in done:
                    done[child] = merge(child)
                setattr(parent, name, done[child])
    return model
""",
    "load_state_dict after the comparison": (
        "    for name, t in own.items():\n        t.copy_(state[name])",
        "    model.load_state_dict(state, strict=False)",
    ),
    "in float64 throughout": (
        "wide = torch.promote_types(merged.weight.dtype, torch.float32)",
        "wide = torch.float64",
    ),
    "frozen": ("    return merged\n", "    return merged.requires_grad_(False)\n"),
}
