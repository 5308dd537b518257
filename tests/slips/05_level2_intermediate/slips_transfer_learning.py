"""Mistakes by the label that must refuse them, and second right answers."""

STRIP = """        while name.startswith(PREFIXES):
            name = name.partition(".")[2]
"""
SHAPE = """        elif value.shape != own[name].shape:
            skipped[name] = f"shape {tuple(value.shape)}, want {tuple(own[name].shape)}"
"""
LOAD = "    model.load_state_dict(fitting, strict=False)\n"
STAYS = '        return any(name == one or name.startswith(f"{one}.") for one in trainable)\n'
REQUIRES = "        p.requires_grad_(id(p) in trained)\n"
NONE = "        if id(p) not in trained:\n            p.grad = None\n"
HAS = '        if getattr(module, "running_mean", None) is not None:\n'
HOLD = """            if not hasattr(module, "is_frozen"):
                module.register_forward_pre_hook(hold_statistics)
            module.is_frozen = id(module) not in free
"""
UNKNOWN = """    if unknown:
        raise ValueError(f"no module or parameter is called {', '.join(unknown)}")
"""
KEEP = 'features.append(output.flatten(1).to("cpu", copy=True))'
RESTORE = """        for module, training in modes.items():
            module.training = training
"""
RETURN = "    return torch.cat(features), torch.cat(labels)"

SLIPS = {
    "load": {
        "strict=False alone, shapes not compared": (SHAPE, ""),
        "as many numbers are enough": (
            "value.shape != own[name].shape",
            "value.numel() != own[name].numel()",
        ),
        "what differs in shape is broadcast": (
            "        elif value.shape != own[name].shape:\n",
            "        elif value.numel() == 1:\n"
            "            fitting[name] = value.expand_as(own[name])\n"
            "        elif value.shape != own[name].shape:\n",
        ),
        "parameters alone, no buffers": (
            "    own = model.state_dict(keep_vars=True)",
            "    own = dict(model.named_parameters(remove_duplicate=False))",
        ),
        "missing names are not told": (
            '            skipped.setdefault(name, "missing")\n',
            "            pass\n",
        ),
        "missing and unexpected swapped": ('= "unexpected"', '= "missing"'),
        "unexpected names are not told": (
            '            skipped[name] = "unexpected"\n',
            "            pass\n",
        ),
        "both shapes swapped": (
            "{tuple(value.shape)}, want {tuple(own[name].shape)}",
            "{tuple(own[name].shape)}, want {tuple(value.shape)}",
        ),
        "a shape as torch.Size": ("shape {tuple(value.shape)}", "shape {value.shape}"),
        "nothing copied": (LOAD, ""),
        "all or nothing": (LOAD, "    if not skipped:\n        model.load_state_dict(fitting)\n"),
        "loaded says all names of the model": (
            "    return [name for name in own if name not in skipped], skipped",
            "    return list(own), skipped",
        ),
        "floating-point entries alone": (
            "            fitting[name] = value\n",
            "            if value.is_floating_point():\n                fitting[name] = value\n",
        ),
    },
    "prefixes": {
        "no prefixes": (STRIP, ""),
        "one prefix alone is taken off": ("while name.startswith", "if name.startswith"),
        "module. alone": ('("module.", "_orig_mod.")', '("module.",)'),
        "_orig_mod. alone": ('("module.", "_orig_mod.")', '("_orig_mod.",)'),
        "replaced anywhere in the name": (
            STRIP,
            '        name = name.replace("module.", "").replace("_orig_mod.", "")\n',
        ),
        "each prefix once, in one order": (
            STRIP,
            '        name = name.removeprefix("module.").removeprefix("_orig_mod.")\n',
        ),
        "a pattern whose dot fits any letter": (
            STRIP,
            '        import re\n\n        name = re.sub(r"^(module.|_orig_mod.)+", "", name)\n',
        ),
        "lstrip takes letters": (STRIP, '        name = name.lstrip("module._orig_")\n'),
        "only if the first name has one": (
            STRIP,
            "        if next(iter(state_dict)).startswith(PREFIXES):\n"
            "            while name.startswith(PREFIXES):\n"
            '                name = name.partition(".")[2]\n',
        ),
        "only if all names have one": (
            STRIP,
            "        if all(one.startswith(PREFIXES) for one in state_dict):\n"
            "            while name.startswith(PREFIXES):\n"
            '                name = name.partition(".")[2]\n',
        ),
        "the last part after the prefix": (
            STRIP,
            "        for prefix in PREFIXES:\n            name = name.rpartition(prefix)[2]\n",
        ),
    },
    "freeze": {
        "the first part of the name": (
            STAYS,
            '        return name in trainable or name.split(".")[0] in trainable\n',
        ),
        "part of a name is enough": (
            STAYS,
            "        return any(one in name for one in trainable)\n",
        ),
        "the beginning of a name is enough": (
            STAYS,
            "        return any(name.startswith(one) for one in trainable)\n",
        ),
        "whole modules alone, no parameters": (
            'name == one or name.startswith(f"{one}.")',
            'name.startswith(f"{one}.")',
        ),
        "parameters alone, no modules": (STAYS, "        return name in trainable\n"),
        "any part of the name": (
            STAYS,
            '        return any(one in name.split(".") for one in trainable)\n',
        ),
        "what trains is not switched on": (
            REQUIRES,
            "        if id(p) not in trained:\n            p.requires_grad_(False)\n",
        ),
        "nothing is switched off": (
            REQUIRES,
            "        if id(p) in trained:\n            p.requires_grad_()\n",
        ),
        "weights alone": (
            "if stays(name)}\n    for p",
            "if stays(name) and p.dim() > 1}\n    for p",
        ),
        "all parameters come back": (
            "    return list(trained.values())",
            "    return list(params.values())",
        ),
        "a generator comes back": (
            "    return list(trained.values())",
            "    return (p for p in trained.values())",
        ),
        "names come back": (
            "    return list(trained.values())",
            "    return [name for name, p in params.items() if id(p) in trained]",
        ),
        "frozen and trainable swapped": (
            REQUIRES,
            "        p.requires_grad_(id(p) not in trained)\n",
        ),
        "an empty list trains all": (
            "    def stays(",
            "    trainable = trainable or list(params)\n\n    def stays(",
        ),
        "what came frozen stays frozen": (
            REQUIRES,
            "        p.requires_grad_(p.requires_grad and id(p) in trained)\n",
        ),
    },
    "norms": {
        "BatchNorm1d and 2d, no other": (
            HAS,
            "        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):\n",
        ),
        "requires_grad alone": (HAS + HOLD, "        pass\n"),
        "eval once, undone by train()": (HOLD, "            module.train(id(module) in free)\n"),
        "momentum 0": (HOLD, "            module.momentum = 0.1 if id(module) in free else 0.0\n"),
        "all norms frozen": (
            "module.is_frozen = id(module) not in free",
            "module.is_frozen = True",
        ),
        "BatchNorm2d alone": (HAS, "        if isinstance(module, nn.BatchNorm2d):\n"),
        "the type compared, subclasses missed": (
            HAS,
            "        if type(module) in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d):\n",
        ),
        "norms without statistics, too": (
            HAS,
            "        if isinstance(module, nn.modules.batchnorm._NormBase):\n"
            "            module.track_running_stats = True\n"
            "            if module.running_mean is None:\n"
            "                module.running_mean = torch.zeros(module.num_features)\n"
            "                module.running_var = torch.ones(module.num_features)\n",
        ),
        "by frozen parameters: norms without any are missed": (
            "id(module) not in free",
            "any(not p.requires_grad for p in module.parameters())",
        ),
        "a norm named by itself is frozen": (
            "if stays(name)}\n    for module",
            'if any(name.startswith(f"{one}.") for one in trainable)}\n    for module',
        ),
        "a norm inside what is named is frozen": (
            "if stays(name)}\n    for module",
            "if name in trainable}\n    for module",
        ),
        "statistics put back after each pass": (
            "        norm.eval()",
            "        norm.momentum = 0.0\n        norm.num_batches_tracked -= 1",
        ),
        "the running statistics are dropped": (
            HOLD,
            "            if id(module) not in free:\n"
            "                module.track_running_stats = False\n"
            "                module.running_mean = module.running_var = None\n"
            "                module.num_batches_tracked = None\n",
        ),
        "free norms always in train mode": (
            "        norm.eval()",
            "        norm.eval()\n    else:\n        norm.train()",
        ),
        "all frozen parts in eval mode, Dropout too": (
            HAS,
            "        if not list(module.children()):\n",
        ),
    },
    "features": {
        "train mode": ("        model.eval()\n", ""),
        "the layer alone in eval mode": (
            "        model.eval()\n",
            "        model.get_submodule(layer).eval()\n",
        ),
        "not copied: a later layer overwrites it": (
            KEEP,
            "features.append(output.flatten(1).cpu())",
        ),
        "the graph kept": ("@torch.no_grad()\n", ""),
        "inference mode": ("@torch.no_grad()", "@torch.inference_mode()"),
        "not flattened": ("output.flatten(1)", "output"),
        "squeezed": ("output.flatten(1)", "output.squeeze()"),
        "flattened from the right": ("output.flatten(1)", "output.flatten(0, -2)"),
        "the layer's input": ("features.append(output.", "features.append(inputs[0]."),
        "the model's output": (
            "            model(x.to(device))\n",
            "            features.append(model(x.to(device)).flatten(1).to('cpu', copy=True))\n"
            "            features.pop(-2)\n",
        ),
        "the last batch left out": (
            RETURN,
            "    return torch.cat(features[:-1]), torch.cat(labels[:-1])",
        ),
        "a mean per batch": ("output.flatten(1)", "output.flatten(1).mean(0, keepdim=True)"),
        "x not moved": ("model(x.to(device))", "model(x)"),
        "back on the device": (
            RETURN,
            "    return torch.cat(features).to(device), torch.cat(labels).to(device)",
        ),
        "y of the last batch first": (
            RETURN,
            "    return torch.cat(features), torch.cat(labels[::-1])",
        ),
        "the hook stays": ("        hook.remove()\n", ""),
        "all hooks of the layer are removed": (
            "        hook.remove()\n",
            "        model.get_submodule(layer)._forward_hooks.clear()\n",
        ),
        "the model stays frozen": (
            "        model.eval()\n",
            "        model.eval().requires_grad_(False)\n",
        ),
        "the modes are not given back": (RESTORE, ""),
        "all in train mode afterwards": (RESTORE, "        model.train()\n"),
        "the mode of the whole model alone is given back": (
            RESTORE,
            "        model.train(modes[model])\n",
        ),
        "the loader read twice": (
            "        for x, y in loader:\n",
            "        labels = [y for _, y in loader]\n        labels = []\n"
            "        for x, y in loader:\n",
        ),
        "y as a new tensor of numbers": (
            "torch.cat(labels)",
            "torch.tensor([one for y in labels for one in y.tolist()])",
        ),
        "float32, whatever the layer gave": (
            '.to("cpu", copy=True)',
            '.to("cpu", torch.float32, copy=True)',
        ),
    },
    "kept": {
        "parameters replaced by those of state_dict": (
            "strict=False)",
            "strict=False, assign=True)",
        ),
        "data replaced, memory shared": (
            LOAD,
            "    for name, value in fitting.items():\n"
            "        own[name].data = value.to(own[name].dtype)\n",
        ),
        "data replaced by a copy": (
            LOAD,
            "    for name, value in fitting.items():\n        own[name].data = value.clone()\n",
        ),
        "buffers replaced by copies": (
            LOAD,
            LOAD + "    for name, value in fitting.items():\n"
            "        path, _, last = name.rpartition('.')\n"
            "        if last in model.get_submodule(path)._buffers:\n"
            "            setattr(model.get_submodule(path), last, value.clone())\n",
        ),
        "names of state_dict changed in place": (
            "    for name, value in state_dict.items():\n",
            "    nn.modules.utils.consume_prefix_in_state_dict_if_present(state_dict, 'module.')\n"
            "    for name, value in state_dict.items():\n",
        ),
        "state_dict emptied": (
            "    filled = {id(",
            "    for name in list(state_dict):\n        del state_dict[name]\n    filled = {id(",
        ),
        "what is loaded trains": (
            LOAD,
            LOAD + "    for p in model.parameters():\n        p.requires_grad_()\n",
        ),
        "the model takes the dtype of state_dict": (
            LOAD,
            "    model.to(next(v.dtype for v in fitting.values() if v.is_floating_point()))\n"
            + LOAD,
        ),
    },
    "tied": {
        "the other name is missing": (
            "        if id(tensor) not in filled:\n",
            "        if name not in fitting:\n",
        ),
        "named_parameters: the first name alone": (
            "model.named_parameters(remove_duplicate=False)",
            "model.named_parameters()",
        ),
        "named_modules: the first name alone": (
            "model.named_modules(remove_duplicate=False)",
            "model.named_modules()",
        ),
        "the last name decides": (
            "    for p in params.values():\n" + REQUIRES,
            "    for name, p in params.items():\n        p.requires_grad_(stays(name))\n"
            "    for p in ():\n",
        ),
        "frozen wherever one name is frozen": (
            "    for p in params.values():\n",
            "    for name, p in params.items():\n        if not stays(name):\n"
            "            trained.pop(id(p), None)\n    for p in params.values():\n",
        ),
        "twice in the list": (
            "    return list(trained.values())",
            "    return [p for name, p in params.items() if stays(name)]",
        ),
        "tensors compared by what state_dict() detaches": (
            "model.state_dict(keep_vars=True)",
            "model.state_dict()",
        ),
    },
    "again": {
        "old gradients stay": (NONE, ""),
        "old gradients become 0": (
            "            p.grad = None\n",
            "            p.grad = p.grad if p.grad is None else torch.zeros_like(p)\n",
        ),
        "all gradients are cleared, the list's alone stay none": (
            NONE,
            "        if id(p) in trained:\n            p.grad = None\n",
        ),
        "a frozen norm stays frozen": (
            "            module.is_frozen = id(module) not in free\n",
            "            module.is_frozen = getattr(module, 'is_frozen', False) or "
            "id(module) not in free\n",
        ),
        "what was free once stays free": (
            "            module.is_frozen = id(module) not in free\n",
            "            module.is_frozen = getattr(module, 'is_frozen', True) and "
            "id(module) not in free\n",
        ),
        "unknown names are ignored": (UNKNOWN, ""),
        "KeyError for an unknown name": ('raise ValueError(f"no', 'raise KeyError(f"no'),
        "refused only if all names are unknown": (
            "    if unknown:\n",
            "    if unknown == list(trainable):\n",
        ),
        "refused when all is frozen already": (
            UNKNOWN,
            "    model.requires_grad_(False)\n" + UNKNOWN,
        ),
        "a beginning counts as known": (
            "if name not in modules and name not in params]",
            "if not any(key.startswith(name) for key in params)]",
        ),
    },
}

VARIANTS = {
    "train replaced on each norm": (
        HOLD,
        "            if id(module) in free:\n"
        "                module.__dict__.pop('train', None)\n"
        "            else:\n"
        "                module.eval()\n"
        "                module.train = lambda mode=True, module=module: module\n",
    ),
    "BatchNorm by its base class": (
        HAS,
        "        if isinstance(module, nn.modules.batchnorm._BatchNorm):\n",
    ),
    "a hook on the model": (
        HOLD,
        "            if not hasattr(model, 'held'):\n"
        "                model.held = []\n"
        "                model.register_forward_pre_hook(\n"
        "                    lambda model, _: (None, [norm.eval() for norm in model.held])[0]\n"
        "                )\n"
        "            model.held = [norm for norm in model.held if norm is not module]\n"
        "            model.held += [module] * (id(module) not in free)\n",
    ),
    "train replaced on the model": """
def freeze(model, trainable):
    named = [*dict(model.named_modules(remove_duplicate=False))]
    named += [name for name, _ in model.named_parameters(remove_duplicate=False)]
    for name in trainable:
        if name not in named:
            raise ValueError(name)
    model.requires_grad_(False)
    chosen = []
    for name in trainable:
        try:
            part = model.get_submodule(name)
            chosen += [*part.parameters()]
        except AttributeError:
            chosen.append(model.get_parameter(name))
    for p in chosen:
        p.requires_grad = True
    for p in model.parameters():
        p.grad = p.grad if p.requires_grad else None
    parts = dict(model.named_modules())
    inside = {m for name in trainable if name in parts for m in parts[name].modules()}
    norms = [m for m in model.modules() if getattr(m, "running_var", None) is not None]
    frozen = [m for m in norms if m not in inside]

    def train(mode=True):
        type(model).train(model, mode)
        for m in frozen:
            m.eval()
        return model

    model.train = train
    for m in frozen:
        m.eval()
    return [p for p in model.parameters() if p.requires_grad]
""",
    "copied one by one": """
def load_matching(model, state_dict):
    def plain(name):
        for prefix in ("module.", "_orig_mod."):
            if name.startswith(prefix):
                return plain(name[len(prefix):])
        return name

    given = {plain(name): value for name, value in state_dict.items()}
    own, skipped = model.state_dict(), {}
    done = set()
    with torch.no_grad():
        for name in [*own, *given]:
            if name not in own:
                skipped[name] = "unexpected"
            elif name in given and given[name].shape == own[name].shape:
                own[name].copy_(given[name])
                done.add(own[name].data_ptr())
            elif name in given:
                a, b = tuple(given[name].shape), tuple(own[name].shape)
                skipped[name] = f"shape {a}, want {b}"
    for name in own:
        if name not in given and own[name].data_ptr() not in done:
            skipped[name] = "missing"
    return sorted(own.keys() - skipped.keys()), skipped
""",
    "features of a hook that clones": """
def extract_features(model, layer, loader, device):
    was = {m: m.training for m in model.modules()}
    got = {}
    handle = dict(model.named_modules())[layer].register_forward_hook(
        lambda m, i, out: got.update(out=out.detach().clone())
    )
    rows, ys = [], []
    model.eval()
    for x, y in loader:
        with torch.no_grad():
            model(x.to(torch.device(device)))
        rows.append(got["out"].reshape(len(x), -1).cpu())
        ys.append(y)
    handle.remove()
    for m in was:
        m.training = was[m]
    return torch.cat(rows, 0), torch.cat(ys, 0)
""",
}
