"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

GRADS = "    grads = [p.grad for p in parameters if p.grad is not None]\n"
NORM = "    norm = norm_of(grads)\n"
CUT = "            grad.mul_(max_norm / norm)\n"
CLIP = f"    if norm > max_norm:\n        for grad in grads:\n{CUT}    return norm\n"
KEEP = "            outputs[name] = tree_map(copied, output)\n"
HOOKS = "    hooks = [modules[name].register_forward_hook(keeping(name)) for name in names]\n"
LEAVE = """\
    try:
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()
"""
UNKNOWN = """\
    for name in names:
        if name not in modules:
            raise KeyError(f"no module {name!r}, there are {', '.join(map(repr, modules))}")
"""
START = """\
        self.grad_norms, self.update_ratios = dict[str, float](), dict[str, float]()
        self.global_norm = 0.0
        self.first_nonfinite: str | None = None
"""
BEFORE = "        self.before = {name: copied(p) for name, p in self.model.named_parameters()}\n"
FIRST = (
    "            if self.first_nonfinite is None"
    " and not all(t.isfinite().all() for t in tensors):\n"
)
WATCH = (
    "        self.hooks = [m.register_forward_hook(self.watching(name)) for name, m in modules]\n"
)
TENSORS = "            tensors = [t for t in tree_leaves(output) if isinstance(t, Tensor)]\n"
REMOVE = "        for hook in self.hooks:\n            hook.remove()\n"
GLOBAL = "        self.global_norm = norm_of(grads.values())\n"
EACH = "        self.grad_norms = {name: norm_of([grad]) for name, grad in grads.items()}\n"
CHANGE = "                change = norm_of([params[name].detach() - old])\n"
RATIO = "                self.update_ratios[name] = change / norm_of([old])\n"

SLIPS = {
    "clip": {
        "each parameter by itself": (
            CLIP,
            "    for grad in grads:\n        own = norm_of([grad])\n        if own > max_norm:\n"
            "            grad.mul_(max_norm / own)\n    return norm\n",
        ),
        "each value": (CUT, "            grad.clamp_(-max_norm, max_norm)\n"),
        "short gradients made longer": ("    if norm > max_norm:\n", "    if norm > 0:\n"),
        "the squared norm": ("for t in tensors) ** 0.5", "for t in tensors)"),
        "the sum of the norms": (NORM, "    norm = sum(norm_of([grad]) for grad in grads)\n"),
        "the largest norm": (
            NORM,
            "    norm = max(map(norm_of, map(list, zip(grads))), default=0.0)\n",
        ),
        "the spectral norm of a matrix": (
            NORM,
            "    norm = sum(\n"
            "        (g.svd()[1].max() if g.ndim == 2 else g.norm()).item() ** 2 for g in grads\n"
            "    ) ** 0.5\n",
        ),
        "a new tensor in .grad": (
            GRADS + NORM + CLIP,
            "    params = [p for p in parameters if p.grad is not None]\n"
            "    norm = norm_of(p.grad for p in params)\n"
            "    if norm > max_norm:\n        for p in params:\n"
            "            p.grad = p.grad * (max_norm / norm)\n    return norm\n",
        ),
        "the norm after it": (CLIP, CLIP.replace("return norm", "return norm_of(grads)")),
        "a tensor given back": (
            CLIP,
            CLIP.replace("return norm", "import torch\n    return torch.tensor(norm)"),
        ),
        "frozen parameters left out": (
            GRADS,
            GRADS.replace("is not None", "is not None and p.requires_grad"),
        ),
        "new numbers in .grad.data": (
            CUT,
            "            grad.data = grad.data * (max_norm / norm)\n",
        ),
        "max_norm 0 as no limit": (
            "    if norm > max_norm:\n",
            "    if max_norm and norm > max_norm:\n",
        ),
        "rounded": (CLIP, CLIP.replace("return norm", "return round(norm, 4)")),
        "None not expected": (GRADS, "    grads = [p.grad for p in parameters]\n"),
        "parameters read twice": (
            GRADS + NORM,
            "    norm = norm_of(p.grad for p in parameters if p.grad is not None)\n" + GRADS,
        ),
        "a gradient of zeros for None": (
            GRADS,
            "    parameters = list(parameters)\n    for p in parameters:\n"
            "        if p.grad is None:\n            p.grad = p.detach() * 0\n" + GRADS,
        ),
        "always a little shorter": (
            "    if norm > max_norm:\n        for grad in grads:\n" + CUT,
            "    for grad in grads:\n        grad.mul_(min(1.0, max_norm / (norm + 1e-2)))\n",
        ),
    },
    "capture": {
        "names by their beginning": (
            HOOKS,
            "    names = [n for n in modules if n.startswith(tuple(names))]\n" + HOOKS,
        ),
        "with its graph": (KEEP, KEEP.replace("tree_map(copied, output)", "output")),
        "the inputs": (
            "            outputs[name] = tree_map(copied, output)\n",
            "            outputs[name] = tree_map(copied, inputs[0])\n",
        ),
        "the name of the last one": (
            HOOKS,
            "    hooks = [modules[n].register_forward_hook(keeping(name)) for n in names]\n",
        ),
        "all modules": (
            HOOKS,
            "    hooks = [m.register_forward_hook(keeping(n)) for n, m in modules.items()]\n",
        ),
        "children only": (
            "    modules = dict(model.named_modules(remove_duplicate=False))\n",
            '    modules = {"": model, **dict(model.named_children())}\n',
        ),
        "the model itself missing": (
            HOOKS,
            "    names = [name for name in names if name]\n" + HOOKS,
        ),
        "before the hooks of others": (HOOKS, HOOKS.replace("(name))", "(name), prepend=True)")),
        "given only at the end": (
            LEAVE,
            "    late = {}\n    try:\n        yield late\n    finally:\n"
            "        late.update(outputs)\n        for hook in hooks:\n            hook.remove()\n",
        ),
    },
    "norms": {
        "the sum of the norms": (
            GLOBAL,
            "        self.global_norm = sum(self.grad_norms.values())\n",
        ),
        "None where there is no gradient": (GLOBAL, GLOBAL[:-1] + " if grads else None\n"),
        "global_norm of the trainable ones": (
            GLOBAL,
            GLOBAL.replace(
                "grads.values()", "g for n, g in grads.items() if params[n].requires_grad"
            ),
        ),
        "0 for what has no gradient": (
            EACH,
            EACH
            + "        for name in params:\n            self.grad_norms.setdefault(name, 0.0)\n",
        ),
        "norms of the parameters": (
            EACH,
            EACH.replace("norm_of([grad])", "norm_of([params[name].data])"),
        ),
        "tensors for numbers": (EACH, EACH.replace("norm_of([grad])", "grad.norm()")),
        "what is frozen left out": (
            "if p.grad is not None}",
            "if p.grad is not None and p.requires_grad}",
        ),
        "weights only": (
            "for name, p in params.items() if p.grad is not None}",
            "for name, p in params.items() if p.grad is not None and p.ndim > 1}",
        ),
    },
    "updates": {
        "small weights left out": ("if old.any():", "if norm_of([old]) > 1e-6:"),
        "the weight itself as the copy": (BEFORE, BEFORE.replace("copied(p)", "p.detach()")),
        "a copy of when it was made": (
            '        self.model = model\n\n    def __enter__(self) -> "GradientMonitor":\n'
            + START
            + BEFORE,
            "        self.model = model\n"
            + BEFORE
            + '\n    def __enter__(self) -> "GradientMonitor":\n'
            + START,
        ),
        "difference of the norms": (
            CHANGE,
            "                change = abs(norm_of([params[name].detach()]) - norm_of([old]))\n",
        ),
        "divided by the norm after": (
            RATIO,
            RATIO.replace("norm_of([old])", "norm_of([params[name].detach()])"),
        ),
        "not divided": (RATIO, RATIO.replace(" / norm_of([old])", "")),
        "zeros not left out": ("            if old.any():\n", "            if True:\n"),
        "zeros with a small number": (
            "            if old.any():\n" + CHANGE + RATIO,
            "            if True:\n"
            + CHANGE
            + RATIO.replace("norm_of([old])", "(norm_of([old]) + 1e-12)"),
        ),
        "a sum of zero left out": ("if old.any():", "if old.sum() != 0:"),
        "what does not change left out": (RATIO, "                if change:\n    " + RATIO),
        "the gradient for the change": (
            CHANGE,
            "                grad = params[name].grad\n"
            "                change = 0 if grad is None else norm_of([grad])\n",
        ),
    },
    "nonfinite": {
        "falsy names overwritten": (
            FIRST,
            FIRST.replace("self.first_nonfinite is None", "not self.first_nonfinite"),
        ),
        "the last": (FIRST, FIRST.replace("self.first_nonfinite is None and ", "")),
        "in train mode only": (
            TENSORS,
            "            if not module.training:\n                return\n" + TENSORS,
        ),
        "the sum of an output": (FIRST, FIRST.replace("t.isfinite().all()", "t.sum().isfinite()")),
        "NaN only": (FIRST, FIRST.replace("not all(t.isfinite().all()", "any(t.isnan().any()")),
        "inf only": (FIRST, FIRST.replace("not all(t.isfinite().all()", "any(t.isinf().any()")),
        "where all numbers are inf or NaN": (
            FIRST,
            FIRST.replace("all(t.isfinite().all()", "all(t.isfinite().any()"),
        ),
        "the input": (TENSORS, TENSORS.replace("tree_leaves(output)", "tree_leaves(inputs)")),
        "modules without parts only": (
            WATCH,
            "        modules = [(n, m) for n, m in modules if not [*m.children()]]\n" + WATCH,
        ),
        "children only": (
            "modules = self.model.named_modules()",
            "modules = self.model.named_children()",
        ),
        "without the model itself": (
            WATCH,
            "        modules = [(name, m) for name, m in modules if name]\n" + WATCH,
        ),
        "'' for none": (
            REMOVE,
            REMOVE + '        self.first_nonfinite = self.first_nonfinite or ""\n',
        ),
    },
    "hooks": {
        "capture's hooks left": (
            LEAVE,
            "    yield outputs\n",
        ),
        "capture's hooks left after an error": (
            LEAVE,
            "    yield outputs\n    for hook in hooks:\n        hook.remove()\n",
        ),
        "capture swallows errors": (
            LEAVE,
            LEAVE.replace("    finally", "    except Exception:\n        pass\n    finally"),
        ),
        "capture: hooks left after KeyboardInterrupt": (
            LEAVE,
            LEAVE.replace(
                "    finally:\n        for",
                "    except Exception:\n        for hook in hooks:\n            hook.remove()\n"
                "        raise\n    else:\n        for",
            ),
        ),
        "capture removes the hooks of others": (
            LEAVE,
            LEAVE.replace(
                "            hook.remove()\n",
                "            hook.remove()\n"
                "        for m in modules.values():\n            m._forward_hooks.clear()\n",
            ),
        ),
        "the monitor sets eval mode": (
            "        return self\n",
            "        self.model.eval()\n        return self\n",
        ),
        "the monitor sets train mode": (
            "        return self\n",
            "        self.model.train()\n        return self\n",
        ),
        "capture sets eval mode, then train mode": (
            LEAVE,
            f"    model.eval()\n{LEAVE}        model.train()\n",
        ),
        "capture's hook gives a value": (
            KEEP,
            KEEP + "            return tree_map(copied, output)\n",
        ),
        "capture detaches in place": (
            KEEP,
            KEEP.replace("tree_map(copied, output)", "output.detach_()"),
        ),
        "the monitor's hooks left": (REMOVE, ""),
        "the monitor's hooks left after an error": (
            REMOVE,
            "        for hook in self.hooks if error[0] is None else []:\n"
            "            hook.remove()\n",
        ),
        "the monitor swallows errors": (
            RATIO,
            RATIO + "        return True\n",
        ),
        "gradients cleared": (REMOVE, REMOVE + "        self.model.zero_grad(set_to_none=False)\n"),
        "a hook on each parameter left": (
            REMOVE,
            REMOVE + "        for name, p in self.model.named_parameters():\n"
            "            p.requires_grad and p.register_hook(\n"
            "                lambda g, name=name: self.grad_norms.update({name: norm_of([g])}))\n",
        ),
        "NaN replaced": (
            "                self.first_nonfinite = name\n",
            "                self.first_nonfinite = name\n"
            "            return output + 0 * output.detach() + 1\n",
        ),
    },
    "outputs": {
        "tensors only": (KEEP, KEEP.replace("tree_map(copied, output)", "copied(output)")),
        "not copied": ("value.detach().clone() if", "value.detach() if"),
        "a list for a tuple": (
            KEEP,
            KEEP.replace("output)", "[*output] if isinstance(output, tuple) else output)"),
        ),
        "only tensors are looked at": (
            TENSORS,
            "            tensors = [output] if isinstance(output, Tensor) else []\n",
        ),
        "only tuples are looked at": (
            TENSORS,
            "            tensors = output if isinstance(output, tuple) else [output]\n"
            "            tensors = [t for t in tensors if isinstance(t, Tensor)]\n",
        ),
        "the first of an output only": (
            TENSORS,
            TENSORS.replace("tree_leaves(output)", "tree_leaves(output)[:1]"),
        ),
        "None not expected": (TENSORS, TENSORS.replace(" if isinstance(t, Tensor)]", "]")),
    },
    "again": {
        "the first output": (
            KEEP,
            KEEP.replace(
                "outputs[name] = tree_map(copied, output)",
                "outputs.setdefault(name, tree_map(copied, output))",
            ),
        ),
        "the first nonfinite kept for ever": (
            START,
            START.replace(
                "        self.first_nonfinite: str | None = None\n",
                '        self.first_nonfinite = getattr(self, "first_nonfinite", None)\n',
            ),
        ),
        "update ratios of the first block": (
            BEFORE,
            '        if not hasattr(self, "before"):\n    ' + BEFORE,
        ),
        "ratios of the first block kept": (
            "dict[str, float](), dict[str, float]()",
            'dict[str, float](), getattr(self, "update_ratios", {})',
        ),
        "squares summed over all blocks": (
            GLOBAL,
            '        self.total = self.__dict__.get("total", 0.0) + norm_of(grads.values()) ** 2\n'
            "        self.global_norm = self.total**0.5\n",
        ),
        "the modules of the first block": (
            "modules = self.model.named_modules()",
            'modules = self.__dict__.setdefault("modules", [*self.model.named_modules()])',
        ),
        "each module looked at once": (
            TENSORS,
            '            seen = self.__dict__.setdefault("seen", set())\n'
            "            if name in seen:\n                return\n            seen.add(name)\n"
            + TENSORS,
        ),
    },
    "names": {
        "unknown names left out": (
            UNKNOWN,
            "    names = [name for name in names if name in modules]\n",
        ),
        "nothing said of those there are": (
            UNKNOWN,
            UNKNOWN.replace(", there are {', '.join(map(repr, modules))}", ""),
        ),
        "modules with parts not listed": (
            UNKNOWN,
            UNKNOWN.replace(
                "(repr, modules)", "(repr, (n for n, m in modules.items() if not m._modules))"
            ),
        ),
        "ValueError": (UNKNOWN, UNKNOWN.replace("KeyError(", "ValueError(")),
        "hooks before the error": (
            UNKNOWN + "    outputs = dict[str, Any]()\n",
            "    for name in names:\n        if name not in modules:\n"
            "            raise KeyError(', '.join(modules))\n"
            "        modules[name].register_forward_hook(lambda *_: None)\n"
            "    outputs = dict[str, Any]()\n",
        ),
        "one name for a shared module": (
            "model.named_modules(remove_duplicate=False)",
            "model.named_modules()",
        ),
        "the first unknown name only at its turn": (
            UNKNOWN,
            UNKNOWN.replace("for name in names:", "for name in names[:1]:"),
        ),
    },
}

VARIANTS = {
    "capture as a class": """
class capture:
    def __init__(self, model, names):
        self.model, self.names = model, names

    def __enter__(self):
        there = {}
        for name, module in self.model.named_modules(remove_duplicate=False):
            there[name] = module
        for name in self.names:
            if name not in there:
                raise KeyError(f"{name!r} is not one of {sorted(there)}")
        self.outputs, self.handles = {}, []
        for name in self.names:
            def hook(module, args, out, name=name):
                self.outputs[name] = self.copy(out)
            self.handles.append(there[name].register_forward_hook(hook))
        return self.outputs

    def copy(self, out):
        if isinstance(out, Tensor):
            return out.clone().detach()
        if isinstance(out, dict):
            return {key: self.copy(value) for key, value in out.items()}
        if isinstance(out, (list, tuple)):
            return type(out)(self.copy(value) for value in out)
        return out

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()
        return False
""",
    "clip with torch's functions": """
import torch


@torch.no_grad()
def clip_grad_norm(parameters, max_norm):
    grads = [p.grad for p in parameters if p.grad is not None]
    if not grads:
        return 0.0
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in grads]))
    factor = max_norm / (norm + 1e-6)
    if factor < 1:
        for g in grads:
            g *= factor
    return norm.item()
""",
    "a monitor with an ExitStack": """
from contextlib import ExitStack


class GradientMonitor:
    def __init__(self, model):
        self.model = model
        self.first_nonfinite = None
        self.grad_norms, self.update_ratios, self.global_norm = {}, {}, 0.0

    def __enter__(self):
        self.stack = ExitStack()
        self.first_nonfinite = None
        for name, module in self.model.named_modules():
            handle = module.register_forward_hook(self.make(name))
            self.stack.callback(handle.remove)
        self.start = [(name, p, p.data.clone()) for name, p in self.model.named_parameters()]
        return self

    def make(self, name):
        def hook(module, args, out):
            if self.first_nonfinite is None and self.bad(out):
                self.first_nonfinite = name
        return hook

    def bad(self, out):
        if isinstance(out, Tensor):
            return bool((~out.isfinite()).any())
        if isinstance(out, dict):
            out = out.values()
        return hasattr(out, "__iter__") and any(self.bad(o) for o in out)

    def __exit__(self, kind, value, trace):
        self.stack.close()
        self.grad_norms, self.update_ratios = {}, {}
        total = 0.0
        for name, p, old in self.start:
            if p.grad is not None:
                self.grad_norms[name] = p.grad.norm().item()
                total += self.grad_norms[name] ** 2
            size = old.norm().item()
            if size > 0:
                self.update_ratios[name] = (p.data - old).norm().item() / size
        self.global_norm = total ** 0.5
""",
    "the norm in float64": (
        "sum(t.norm().item() ** 2 for t in tensors) ** 0.5",
        "sum(float(t.double().pow(2).sum()) for t in tensors) ** 0.5",
    ),
}
