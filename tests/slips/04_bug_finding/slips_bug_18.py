"""Mistakes by the label that must refuse them, and second right answers."""

HEAD = "    model.head = nn.Linear(old.in_features, 5).to(old.weight)\n"
NEW = "    new = dict(zip(old.parameters(), model.head.parameters(), strict=True))\n"
PLACE = '        group["params"] = [new.get(p, p) for p in group["params"]]\n'
GROUPS = "    for group in optimizer.param_groups:\n" + PLACE
POP = "    for p in new:\n        optimizer.state.pop(p, None)\n"
FIX = NEW + GROUPS + POP
CLEAR = "        optimizer.zero_grad()\n"
STEP = "        optimizer.step()\n"
FORWARD = "        loss = nn.functional.cross_entropy(model(x), y)\n"
BACKWARD = "        loss.backward()\n"
ADD = '    optimizer.add_param_group({"params": model.head.parameters()})\n'
WITHOUT = (
    "    for group in optimizer.param_groups:\n"
    '        group["params"] = [p for p in group["params"] if p not in set(old.parameters())]\n'
)

SLIPS = {
    "head": {
        "only if the number of classes differs": (
            HEAD,
            "    if old.out_features != 5:\n    " + HEAD,
        ),
        "the head stays": (
            HEAD,
            "    model.head.weight.data = torch.randn(5, old.in_features).to(old.weight) / 9\n"
            "    model.head.bias.data = torch.zeros(5).to(old.weight)\n",
        ),
        "as many classes as before": (HEAD, HEAD.replace("5", "old.out_features")),
        "float32 always": (HEAD, HEAD.replace(".to(old.weight)", "")),
        "the dtype alone": (HEAD, HEAD.replace(".to(old.weight)", ".to(old.weight.dtype)")),
        "the device alone": (HEAD, HEAD.replace(".to(old.weight)", ".to(old.weight.device)")),
        "the model cast to float32": (
            HEAD,
            HEAD.replace(".to(old.weight)", "") + "    model.float()\n",
        ),
        "a head of two layers": (
            HEAD,
            "    model.head = nn.Sequential(nn.Linear(old.in_features, 5)).to(old.weight)\n",
        ),
        "the old numbers in the first rows": (
            HEAD,
            HEAD + "    with torch.no_grad():\n        model.head.weight[: old.out_features]"
            " = old.weight[:5]\n",
        ),
        "a head of zeros": (
            HEAD,
            HEAD + "    nn.init.zeros_(model.head.weight)\n    nn.init.zeros_(model.head.bias)\n",
        ),
        "normal numbers": (HEAD, HEAD + "    nn.init.normal_(model.head.weight)\n"),
        "the body made anew": (
            HEAD,
            HEAD
            + "    for part in model.modules():\n"
            + "        if isinstance(part, nn.Linear) and part is not model.head:\n"
            + "            part.weight = nn.Parameter(part.weight.detach().clone())\n",
        ),
    },
    "steps": {
        "the old gradients of the body stay for the first step": (
            CLEAR + BACKWARD,
            "        if losses:\n    " + CLEAR + BACKWARD,
        ),
        "as handed out": (FIX, ""),
        "the model's gradients cleared, the head in no group": (
            FIX,
            "    optimizer.zero_grad = model.zero_grad\n",
        ),
        "an optimizer of its own": (
            FIX,
            "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)\n",
        ),
        "an optimizer of the same kind": (
            FIX,
            "    optimizer = type(optimizer)(model.parameters(), **optimizer.defaults)\n",
        ),
        "an optimizer for the head beside the given one": (
            FIX + "    losses = []\n",
            "    losses, head = [], torch.optim.SGD(model.head.parameters(), lr=0.1)\n"
            "    optimizer.register_step_post_hook(lambda *_: head.step())\n",
        ),
        "the head alone": (
            FIX,
            '    optimizer.param_groups[0]["params"] = [*model.head.parameters()]\n',
        ),
        "the weight alone": (
            FIX,
            NEW.replace("dict(zip(", "dict(list(zip(").replace("True))", "True))[:1])")
            + GROUPS
            + POP,
        ),
        "replaced in a copy of the groups": (
            GROUPS,
            "    groups = [{**group} for group in optimizer.param_groups]\n"
            "    for group in groups:\n" + PLACE,
        ),
        "the head in two groups": (
            FIX,
            WITHOUT
            + '    optimizer.param_groups[0]["params"] += [*model.head.parameters()]\n'
            + "    optimizer.register_step_post_hook(lambda *_: [p.data.sub_(0.1 * p.grad)"
            " for p in model.head.parameters()])\n",
        ),
        "the body is frozen": (
            FIX,
            FIX + "    for p in model.body.parameters():\n        p.requires_grad = False\n",
        ),
        "the state dict loaded into itself": (
            FIX,
            "    optimizer.load_state_dict(optimizer.state_dict())\n",
        ),
        "the head is replaced after the first step": (
            FIX,
            "    optimizer.register_step_post_hook(\n        lambda *_: [\n"
            '            group["params"].extend(model.head.parameters())\n'
            "            for group in optimizer.param_groups\n"
            '            if not any(p is model.head.weight for p in group["params"])\n'
            "        ]\n    )\n",
        ),
        "gradients never cleared": (CLEAR, ""),
        "cleared once, before the first batch": (
            "    for x, y in batches:\n",
            "    optimizer.zero_grad()\n    optimizer.zero_grad = lambda: None\n"
            "    for x, y in batches:\n",
        ),
        "a step by hand for the head": (
            FIX,
            "    optimizer.register_step_post_hook(lambda *_: [p.data.sub_(0.1 * p.grad)"
            " for p in model.head.parameters()])\n",
        ),
        "a larger loss": (BACKWARD, "        (5 * loss).backward()\n"),
        "a single sample is left out": (
            FORWARD,
            "        if len(y) == 1:\n            continue\n" + FORWARD,
        ),
        "two steps for each batch": (STEP, STEP + STEP),
        "gradients clipped to a norm of 5": (
            STEP,
            "        nn.utils.clip_grad_norm_(model.parameters(), 5.0)\n" + STEP,
        ),
        "whatever has the old shape is replaced": (
            FIX,
            "    by = {p.shape: q for p, q in zip(old.parameters(), model.head.parameters())}\n"
            "    for group in optimizer.param_groups:\n"
            '        group["params"] = [by.get(p.shape, p) for p in group["params"]]\n'
            "    for p in old.parameters():\n        optimizer.state.pop(p, None)\n",
        ),
        "all whose name begins with head left out": (
            FIX,
            NEW
            + "    for name, p in model.named_parameters():\n"
            + '        if name.startswith("head"):\n            new.setdefault(p, None)\n'
            + "    for group in optimizer.param_groups:\n"
            + '        found = [new.get(p, p) for p in group["params"]]\n'
            + '        group["params"] = [p for p in found if p is not None]\n'
            + POP,
        ),
        "a step is left out where the loss is not finite": (
            STEP,
            "        if loss.isfinite():\n    " + STEP,
        ),
    },
    "losses": {
        "tensors for floats": ("loss.item()", "loss.detach()"),
        "measured after the step": (
            "        losses.append(loss.item())\n",
            "        with torch.no_grad():\n    "
            + FORWARD
            + "        losses.append(loss.item())\n",
        ),
        "sums in place of means": ("loss.item()", "loss.item() * len(y)"),
        "the mean of all": ("    return losses", "    return sum(losses) / len(losses)"),
        "the last one alone": ("    return losses", "    return losses[-1:]"),
        "rounded": ("loss.item()", "round(loss.item(), 3)"),
    },
    "modes": {
        "train mode not set": ("    model.train()\n", ""),
        "eval mode": ("    model.train()\n", "    model.eval()\n"),
        "the head alone in train mode": ("    model.train()\n", "    model.head.train()\n"),
        "train mode only if it came in eval mode": (
            "    model.train()\n",
            "    if not model.training:\n        model.train()\n",
        ),
        "a second pass": (
            BACKWARD,
            "        with torch.no_grad():\n            model(x)\n" + BACKWARD,
        ),
        "train mode for the first batch": (STEP, STEP + "        model.eval()\n"),
        "eval mode for a single sample": (
            FORWARD,
            "        model.train(len(y) > 1)\n" + FORWARD,
        ),
    },
    "rates": {
        "one rate for all groups": (
            GROUPS,
            GROUPS + '        group["lr"] = optimizer.defaults["lr"]\n',
        ),
        "the default rate for the head": (
            FIX,
            WITHOUT.replace(
                "if p not in set(old.parameters())", "if all(p is not o for o in old.parameters())"
            )
            + ADD
            + POP.replace("in new", "in old.parameters()"),
        ),
        "the settings of the old weight for both": (
            FIX,
            "    own = next(\n        group for group in optimizer.param_groups\n"
            '        if any(p is old.weight for p in group["params"])\n    )\n'
            '    own = {**own, "params": list(model.head.parameters())}\n'
            "    for group in optimizer.param_groups:\n"
            '        group["params"] = [p for p in group["params"] if p is not old.weight'
            " and p is not old.bias]\n"
            "    optimizer.add_param_group(own)\n",
        ),
        "the first group for both": (
            GROUPS,
            "    for group in optimizer.param_groups:\n"
            '        group["params"] = [p for p in group["params"] if p not in new]\n'
            '    optimizer.param_groups[0]["params"] += new.values()\n',
        ),
        "the old momentum kept where the shape is the same": (
            POP,
            "    for p, q in new.items():\n        state = optimizer.state.pop(p, None)\n"
            "        if state and p.shape == q.shape:\n            optimizer.state[q] = state\n",
        ),
        "the number of Adam's steps kept": (
            POP,
            "    for p, q in new.items():\n"
            "        for name, value in optimizer.state.pop(p, {}).items():\n"
            "            value = torch.zeros_like(q) if value.ndim else value\n"
            "            optimizer.state[q][name] = value\n",
        ),
        "the momentum of all whose name begins with head dropped": (
            POP,
            POP
            + "    for name, p in model.named_parameters():\n"
            + '        if name.startswith("head"):\n            optimizer.state.pop(p, None)\n',
        ),
        "the momentum of all in the head's groups dropped": (
            GROUPS,
            "    for group in optimizer.param_groups:\n"
            '        if any(p in new for p in group["params"]):\n'
            '            for p in group["params"]:\n'
            "                optimizer.state.pop(p, None)\n" + PLACE,
        ),
        "all momentum dropped": (POP, "    optimizer.state.clear()\n"),
        "all groups made one": (
            GROUPS,
            GROUPS
            + '    optimizer.param_groups[0]["params"] = [*model.parameters()]\n'
            + "    del optimizer.param_groups[1:]\n",
        ),
        "made anew in place": (
            FIX,
            "    optimizer.__init__(model.parameters(), **optimizer.defaults)\n",
        ),
    },
    "resume": {
        "the old head stays in its group": (
            FIX,
            NEW
            + "    for group in optimizer.param_groups:\n"
            + '        group["params"] += [new[p] for p in group["params"] if p in new]\n',
        ),
        "its momentum stays": (POP, ""),
        "appended at the end of the group": (
            PLACE,
            '        mine = [new[p] for p in group["params"] if p in new]\n'
            '        group["params"] = [p for p in group["params"] if p not in new] + mine\n',
        ),
        "a group of its own with the same settings": (
            FIX,
            "    for group in list(optimizer.param_groups):\n"
            "        for p, q in zip(old.parameters(), model.head.parameters(), strict=True):\n"
            '            if any(p is one for one in group["params"]):\n'
            '                group["params"] = [one for one in group["params"] if one is not p]\n'
            '                optimizer.add_param_group({**group, "params": [q]})\n',
        ),
    },
}

VARIANTS = {
    "in place, by index": (
        FIX,
        "    for group in optimizer.param_groups:\n"
        '        for i, p in enumerate(group["params"]):\n'
        "            for name, was in old.named_parameters():\n"
        "                if p is was:\n"
        "                    optimizer.state.pop(p, None)\n"
        '                    group["params"][i] = getattr(model.head, name)\n',
    ),
    "by ids, with a new state": (
        FIX,
        "    new = {id(old.weight): model.head.weight, id(old.bias): model.head.bias}\n"
        "    for group in optimizer.param_groups:\n"
        '        ps = group["params"]\n'
        "        ps[:] = [new.get(id(p), p) for p in ps]\n"
        "        for p in (old.weight, old.bias):\n"
        "            if p in optimizer.state:\n"
        "                del optimizer.state[p]\n",
    ),
    "all gradients set to zeros, the head's included": (
        CLEAR,
        "        model.zero_grad(set_to_none=False)\n",
    ),
    "the optimizer's dictionaries swapped by names": """
def adapt(model, optimizer, batches):
    names = {p: name for name, p in model.named_parameters()}
    held = [[names[p] for p in group["params"]] for group in optimizer.param_groups]
    weight = model.head.weight
    model.head = nn.Linear(
        model.head.in_features, 5, dtype=weight.dtype, device=weight.device
    )
    now = dict(model.named_parameters())
    for group, mine in zip(optimizer.param_groups, held, strict=True):
        group["params"] = [now[name] for name in mine]
    for p in list(optimizer.state):
        if all(p is not q for q in now.values()):
            optimizer.state.pop(p)

    def learn(x, y):
        model.train()
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return [learn(x, y) for x, y in batches]
""",
}
