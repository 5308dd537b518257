"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

OUT = "torch.where(kept, x, 0) * scale"
SPLIT = "(decaying if p.ndim >= 2 and id(p) not in spared else others).append(p)"
LOOP = "    for p in model.parameters():  # each once, tied ones too\n"
LERP = "average.lerp_(now.to(average), 1 - self.decay)"
OWN = "own = {name: t.clone() for name, t in tensors_of(model).items()}\n"
FINALLY = """        try:
            fill(model, self.average)
            yield
        finally:
            fill(model, own)
"""

SLIPS = {
    "dropout": {
        "no 1 / (1 - p)": (OUT, "torch.where(kept, x, 0) * (scale > 0)"),
        "scaled by 1 / p": ("1 / (1 - self.p) if self.p < 1", "1 / max(self.p, 0.5) if self.p < 1"),
        "scaled by 1 - p": ("1 / (1 - self.p) if self.p < 1", "(1 - self.p) if self.p < 1"),
        "scaled in eval mode instead": (
            "            return x\n",
            "            return x * (1 - self.p)\n",
        ),
        "p is the share that is kept": (
            "torch.rand(x.shape, device=x.device) >= self.p",
            "torch.rand(x.shape, device=x.device) < self.p",
        ),
        "one mask for the whole batch": ("torch.rand(x.shape,", "torch.rand(x.shape[1:],"),
        "one mask per row": (
            "torch.rand(x.shape,",
            "torch.rand((*x.shape[:-1], 1) if x.ndim > 1 else x.shape,",
        ),
        "one draw for all": ("torch.rand(x.shape,", "torch.rand((),"),
        "the same mask in each call": (
            "        kept = torch.rand(x.shape, device=x.device)",
            "        draws = torch.Generator().manual_seed(0)\n"
            "        kept = torch.rand(x.shape, generator=draws)",
        ),
        "normal draws": ("torch.rand(x.shape", "torch.randn(x.shape"),
        "noise in eval mode": ("if not self.training:", "if False:"),
        "none under no_grad": (
            "if not self.training:",
            "if not (self.training and torch.is_grad_enabled()):",
        ),
        "drawn in eval mode, too": (
            "        if not self.training:\n            return x\n        kept = "
            "torch.rand(x.shape, device=x.device) >= self.p  # never with p = 1",
            "        kept = torch.rand(x.shape, device=x.device) >= self.p\n"
            "        if not self.training:\n            return x",
        ),
        "the library's dropout": (
            OUT,
            "nn.functional.dropout(x, self.p, self.training)",
        ),
        "0.1 by default": ("p: float = 0.5", "p: float = 0.1"),
        "x changed in place": (OUT, "x.detach().mul_(kept) * scale + 0 * x"),
        "exactly a share p of the numbers": (
            "torch.rand(x.shape, device=x.device) >= self.p",
            "(torch.arange(x.numel()) % 100 >= 100 * self.p).view(x.shape)",
        ),
        "gradient cut in eval mode": ("            return x\n", "            return x.detach()\n"),
        "gradient cut": (OUT, "torch.where(kept, x.detach() + 0 * x, 0) * scale"),
    },
    "groups": {
        "only matrices of exactly two dims": ("p.ndim >= 2", "p.ndim == 2"),
        "all decay": (SPLIT, "decaying.append(p)"),
        "vectors decay": ("p.ndim >= 2", "p.ndim < 2"),
        "by the name weight": """
def param_groups(model, weight_decay):
    decaying = [p for n, p in model.named_parameters() if n.endswith("weight")]
    others = [p for n, p in model.named_parameters() if not n.endswith("weight")]
    return [dict(params=decaying, weight_decay=weight_decay), dict(params=others, weight_decay=0.0)]
""",
        "linear layers only": """
def param_groups(model, weight_decay):
    linear = {id(m.weight) for m in model.modules() if isinstance(m, nn.Linear)}
    decaying = [p for p in model.parameters() if id(p) in linear]
    others = [p for p in model.parameters() if id(p) not in linear]
    return [dict(params=decaying, weight_decay=weight_decay), dict(params=others, weight_decay=0.0)]
""",
        "frozen left out": (LOOP, LOOP + "        if not p.requires_grad:\n            continue\n"),
        "tied twice": (
            LOOP,
            "    for _, p in model.named_parameters(remove_duplicate=False):\n",
        ),
        "tied left out": (
            LOOP,
            "    names = [id(p) for _, p in model.named_parameters(remove_duplicate=False)]\n"
            + LOOP
            + "        if names.count(id(p)) > 1:\n            continue\n",
        ),
        "only direct children": (
            LOOP,
            "    for p in (p for m in model.children() for p in m.parameters(recurse=False)):\n",
        ),
        "parameters of modules without children only": (
            LOOP,
            "    leaves = [m for m in model.modules() if not list(m.children())]\n"
            "    for p in dict.fromkeys(p for m in leaves for p in m.parameters()):\n",
        ),
        "sorted by size": (
            LOOP,
            "    for p in sorted(model.parameters(), key=lambda p: -p.numel()):\n",
        ),
        "sorted by name": (
            LOOP,
            "    for _, p in sorted(model.named_parameters()):\n",
        ),
        "decay of 0.01 whatever is asked": (
            '"weight_decay": weight_decay}',
            '"weight_decay": 0.01}',
        ),
        "decay for the others left to the default": (
            '{"params": others, "weight_decay": 0.0}',
            '{"params": others}',
        ),
        "groups swapped": (
            '        {"params": decaying, "weight_decay": weight_decay},\n'
            '        {"params": others, "weight_decay": 0.0},\n',
            '        {"params": others, "weight_decay": 0.0},\n'
            '        {"params": decaying, "weight_decay": weight_decay},\n',
        ),
        "an empty group left out": (
            "    return [\n"
            '        {"params": decaying, "weight_decay": weight_decay},\n'
            '        {"params": others, "weight_decay": 0.0},\n    ]',
            "    both = [\n"
            '        {"params": decaying, "weight_decay": weight_decay},\n'
            '        {"params": others, "weight_decay": 0.0},\n    ]\n'
            '    return [group for group in both if group["params"]]',
        ),
        "an empty group of matrices left out": (
            '        {"params": decaying, "weight_decay": weight_decay},',
            '        *([{"params": decaying, "weight_decay": weight_decay}] if decaying else []),',
        ),
        "a 0-dim parameter lost": (SPLIT, SPLIT + " if p.ndim else None"),
        "embeddings spared": (
            "nn.LayerNorm | nn.RMSNorm",
            "nn.LayerNorm | nn.RMSNorm | nn.Embedding",
        ),
    },
    "average": {
        "decay and 1 - decay swapped": (LERP, "average.lerp_(now.to(average), self.decay)"),
        "the mean of all": (
            LERP,
            "self.seen = getattr(self, 'seen', 1) + 1\n"
            "                average.lerp_(now.to(average), 1 / self.seen)",
        ),
        "the first update replaces the copy": (
            "        for name, now in tensors_of(model).items():\n            average",
            "        if not getattr(self, 'begun', False):\n"
            "            self.begun = True\n"
            "            self.average = {name: wide(t) for name, t in tensors_of(model).items()}\n"
            "            return\n"
            "        for name, now in tensors_of(model).items():\n            average",
        ),
        "begins at 0": (
            "wide(t) for name, t in tensors_of(model).items()}\n\n    def",
            "0 * wide(t) for name, t in tensors_of(model).items()}\n\n    def",
        ),
        "bias correction": (
            LERP,
            "self.n = getattr(self, 'n', 0) + 1\n"
            "                rest = (1 - self.decay) / (1 - self.decay**self.n)\n"
            "                average.lerp_(now.to(average), rest)",
        ),
        "warm-up of the decay": (
            LERP,
            "self.n = getattr(self, 'n', 0) + 1\n"
            "                d = min(self.decay, (1 + self.n) / (10 + self.n))\n"
            "                average.lerp_(now.to(average), 1 - d)",
        ),
        "0.99 by default": ("decay: float = 0.999", "decay: float = 0.99"),
        "shares storage with the model": (
            "    return t.float() if small else t.clone()",
            "    return t.float() if small else t",
        ),
        "graph kept": """
class EMA:
    def __init__(self, model, decay=0.999):
        self.decay = decay
        self.average = {n: wide(t) for n, t in tensors_of(model).items()}

    def update(self, model):
        for name, p in [*model.named_parameters(), *model.named_buffers()]:
            old = self.average[name]
            if old.is_floating_point():
                self.average[name] = self.decay * old + (1 - self.decay) * p
            else:
                self.average[name] = p.clone()

    @contextmanager
    def averaged(self, model):
        own = {name: t.clone() for name, t in tensors_of(model).items()}
        try:
            fill(model, {n: t.detach() for n, t in self.average.items()})
            yield
        finally:
            fill(model, own)
""",
        "the model moved to the average": (
            LERP,
            LERP + "\n                now.copy_(average)",
        ),
        "one average for all models": (
            "        self.average = {name: wide(t)",
            "        EMA.average = {name: wide(t)",
        ),
        "frozen parameters not copied": (
            "fill(model, self.average)\n            yield",
            "fill(model, own)\n            yield",
        ),
        "only direct parameters": (
            "tensors = [*model.named_parameters(), *model.named_buffers()]",
            "tensors = [*model.named_parameters(recurse=False), *model.named_buffers()]",
        ),
        "weights only, no biases": (
            "tensors = [*model.named_parameters(), *model.named_buffers()]",
            'tensors = [t for t in model.named_parameters() if not t[0].endswith("bias")]\n'
            "    tensors += [*model.named_buffers()]",
        ),
        "frozen parameters left out": (
            "tensors = [*model.named_parameters(), *model.named_buffers()]",
            "tensors = [t for t in model.named_parameters() if t[1].requires_grad]\n"
            "    tensors += [*model.named_buffers()]",
        ),
        "the model of the beginning, whatever is given": (
            "        self.decay = decay\n",
            "        self.decay = decay\n"
            "        self.update = lambda other, own=model: EMA.update(self, own)\n",
        ),
        "only in train mode": (
            "        for name, now in tensors_of(model).items():\n            average",
            "        model = model if model.training else nn.Module()\n"
            "        for name, now in tensors_of(model).items():\n            average",
        ),
        "float64 averaged in float32": (
            "    return t.float() if small else t.clone()",
            "    wider = t.dtype == torch.float64\n"
            "    return t.float() if small or wider else t.clone()",
        ),
        "updated when it is looked at": (
            "        own = {name: t.clone() for name",
            "        self.update(model)\n        own = {name: t.clone() for name",
        ),
    },
    "given_back": {
        "no finally": (
            FINALLY,
            "        fill(model, self.average)\n        yield\n        fill(model, own)\n",
        ),
        "except Exception only": (
            FINALLY,
            "        fill(model, self.average)\n        try:\n            yield\n"
            "        except Exception:\n            fill(model, own)\n            raise\n"
            "        fill(model, own)\n",
        ),
        "the error swallowed": (
            FINALLY,
            "        fill(model, self.average)\n        try:\n            yield\n"
            "        except ValueError:\n            pass\n"
            "        finally:\n            fill(model, own)\n",
        ),
        "never given back": (
            "        finally:\n            fill(model, own)",
            "        finally:\n            pass",
        ),
        "a backup that shares storage": ("own = {name: t.clone() for", "own = {name: t for"),
        "other parameters in their place": (
            "            fill(model, self.average)\n            yield",
            "            for module in model.modules():\n"
            "                for name, p in [*module.named_parameters(recurse=False)]:\n"
            "                    setattr(module, name, nn.Parameter(p.detach().clone()))\n"
            "            fill(model, self.average)\n            yield",
        ),
        "gradients left off": (
            "            fill(model, self.average)\n            yield",
            "            fill(model, self.average)\n            torch.set_grad_enabled(False)\n"
            "            yield",
        ),
        "gradients on afterwards": (
            "            fill(model, own)",
            "            fill(model, own)\n            torch.set_grad_enabled(True)",
        ),
        "eval mode left on": (
            "            fill(model, self.average)\n            yield",
            "            fill(model.eval(), self.average)\n            yield",
        ),
        "train mode for all afterwards": (
            "            fill(model, own)",
            "            fill(model.train(), own)",
        ),
        "gradients cleared": (
            "            fill(model, self.average)\n            yield",
            "            model.zero_grad()\n"
            "            fill(model, self.average)\n            yield",
        ),
        "all unfrozen afterwards": (
            "            fill(model, own)",
            "            fill(model.requires_grad_(True), own)",
        ),
        "swapped with the average, and not back": (
            FINALLY,
            "        fill(model, self.average)\n        self.average = own\n        try:\n"
            "            yield\n        finally:\n            fill(model, own)\n",
        ),
        "given back with rounding": (
            "            fill(model, own)",
            "            fill(model, {n: t.half().to(t.dtype) for n, t in own.items()})",
        ),
    },
    "limits": {
        "p = 1 is 0 times inf": (
            "scale = 1 / (1 - self.p) if self.p < 1 else 0.0",
            "scale = 1 / torch.tensor(1.0 - self.p)",
        ),
        "p = 1 divides by 0": ("1 / (1 - self.p) if self.p < 1 else 0.0", "1 / (1 - self.p)"),
        "p = 1 without a gradient": (
            "        kept = torch.rand",
            "        if self.p == 1:\n            return torch.zeros_like(x)\n"
            "        kept = torch.rand",
        ),
        "p = 1 gives zeros in eval mode, too": (
            "        if not self.training:",
            "        if self.p == 1:\n            return x * 0\n        if not self.training:",
        ),
        "p = 1 refused": ("if not 0 <= p <= 1:", "if not 0 <= p < 1:"),
        "p = 0 refused": ("if not 0 <= p <= 1:", "if not 0 < p <= 1:"),
        "any p": ("if not 0 <= p <= 1:", "if False:"),
        "p above 1 let through": ("if not 0 <= p <= 1:", "if p < 0:"),
        "p below 0 let through": ("if not 0 <= p <= 1:", "if p > 1:"),
        "mask on the CPU": ("torch.rand(x.shape, device=x.device)", "torch.rand(x.shape)"),
        "float32 in, float32 out": (OUT, "torch.where(kept, x.float(), 0) * scale"),
        "no number without dims": ("torch.rand(x.shape,", "torch.rand(*x.shape,"),
        "mask of float32": (OUT, "x * (kept.float() * scale)"),
    },
    "norms": {
        "by dims alone": ("id(p) not in spared", "True"),
        "RMSNorm decays": ("nn.LayerNorm | nn.RMSNorm", "nn.LayerNorm"),
        "LayerNorm decays": ("nn.LayerNorm | nn.RMSNorm", "nn.RMSNorm"),
        "a bias of two dims decays": ('name == "bias" or isinstance', "isinstance"),
        "the very class only": (
            "isinstance(module, nn.LayerNorm | nn.RMSNorm)",
            "type(module) in (nn.LayerNorm, nn.RMSNorm)",
        ),
        "every name with bias in it": ('name == "bias"', '"bias" in name'),
        "every name that ends with bias": ('name == "bias"', 'name.endswith("bias")'),
        "a norm without weights": (
            "    decaying, others",
            "    plain = [m for m in model.modules() if isinstance(m, nn.LayerNorm)]\n"
            "    spared |= {id(m.weight) for m in plain if m.weight.ndim}\n"
            "    decaying, others",
        ),
        "by the name of the norm's class": (
            "isinstance(module, nn.LayerNorm | nn.RMSNorm)",
            '"Norm" in type(module).__name__',
        ),
        "every name with norm in it": (
            "id(p) not in spared",
            'id(p) not in spared | {id(q) for n, q in model.named_parameters() if "norm" in n}',
        ),
    },
    "state": {
        "float buffers copied": (
            "if average.is_floating_point():",
            "if average.is_floating_point() and 'running' not in name:",
        ),
        "buffers not averaged": (
            "tensors = [*model.named_parameters(), *model.named_buffers()]",
            "tensors = [*model.named_parameters()]",
        ),
        "only buffers that are saved": (
            "    return {name: t.detach() for name, t in tensors}",
            "    tensors = [(n, t) for n, t in tensors if n in model.state_dict()]\n"
            "    return {name: t.detach() for name, t in tensors}",
        ),
        "integer buffers averaged": (
            "                average.copy_(now)",
            "                average.copy_(self.decay * average + (1 - self.decay) * now)",
        ),
        "integer buffers as in the beginning": (
            "                average.copy_(now)",
            "                pass",
        ),
        "tied weights twice": """
import copy

class EMA:
    def __init__(self, model, decay=0.999):
        self.decay, self.shadow = decay, copy.deepcopy(model)
        if any(p.dtype == torch.bfloat16 for p in model.parameters()):
            self.shadow.float()

    @torch.no_grad()
    def update(self, model):
        now = model.state_dict()
        for name, average in self.shadow.state_dict().items():
            if average.is_floating_point():
                average.lerp_(now[name].to(average), 1 - self.decay)
            else:
                average.copy_(now[name])

    @contextmanager
    def averaged(self, model):
        own = {name: t.clone() for name, t in tensors_of(model).items()}
        try:
            fill(model, tensors_of(self.shadow))
            yield
        finally:
            fill(model, own)
""",
        "averaged in bfloat16": ("return t.float() if small else t.clone()", "return t.clone()"),
        "bfloat16 buffers averaged in bfloat16": (
            "name: wide(t) for name, t in tensors_of(model).items()}\n\n    def",
            "n: t.clone() if n in dict(model.named_buffers()) else wide(t) "
            "for n, t in tensors_of(model).items()}\n\n    def",
        ),
        "in float32 only if the first parameter is bfloat16": (
            "name: wide(t) for name, t in tensors_of(model).items()}\n\n    def",
            "n: wide(t) if next(model.parameters()).dtype == torch.bfloat16 else t.clone() "
            "for n, t in tensors_of(model).items()}\n\n    def",
        ),
        "float32 within averaged": (
            "            fill(model, self.average)\n            yield",
            "            fill(model, self.average)\n"
            "            for p in model.parameters():\n"
            "                p.data = p.data.float() if p.dtype == torch.bfloat16 else p.data\n"
            "            yield",
        ),
    },
    "inside": {
        "the average itself in the model": """
class EMA:
    def __init__(self, model, decay=0.999):
        self.decay = decay
        self.average = {name: wide(t) for name, t in tensors_of(model).items()}

    def update(self, model):
        for name, now in tensors_of(model).items():
            average = self.average[name]
            if average.is_floating_point():
                average.lerp_(now.to(average), 1 - self.decay)
            else:
                average.copy_(now)

    @contextmanager
    def averaged(self, model):
        tensors = [*model.named_parameters(), *model.named_buffers()]
        own = {name: t.data for name, t in tensors}
        try:
            for name, t in tensors:
                same = self.average[name].dtype == t.dtype
                t.data = self.average[name] if same else self.average[name].to(t.dtype)
            yield
        finally:
            for name, t in tensors:
                t.data = own[name]
""",
        "what was done is kept": (
            "            yield\n        finally:\n            fill(model, own)",
            "            yield\n        finally:\n"
            "            moved = any((t != self.average[n].to(t.dtype)).any() for n, t in "
            "tensors_of(model).items())\n"
            "            if not moved:\n                fill(model, own)",
        ),
        "one backup for all, lost when entered again": (
            f"        {OWN}{FINALLY}",
            f"        self.{OWN}{FINALLY.replace('own', 'self.own')}",
        ),
        "the average taken back from the model": (
            "            yield\n        finally:\n            fill(model, own)",
            "            yield\n        finally:\n"
            "            for n, t in tensors_of(model).items():\n"
            "                if self.average[n].dtype == t.dtype:\n"
            "                    self.average[n].copy_(t)\n"
            "            fill(model, own)",
        ),
    },
}

VARIANTS = {
    "Bernoulli mask, groups by comprehension, a deep copy": """
import copy
from collections import OrderedDict

class MyDropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if p < 0.0 or p > 1.0:
            raise ValueError(f"p {p}")
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return x * 0
        mask = torch.empty_like(x, dtype=torch.float32).bernoulli_(1 - self.p)
        return x * mask.div_(1 - self.p).to(x.dtype)

def param_groups(model, weight_decay):
    never = set()
    for module in model.modules():
        if isinstance(module, (nn.LayerNorm, nn.RMSNorm)):
            never.update(module.parameters(recurse=False))
    yes, no = OrderedDict(), OrderedDict()
    for name, p in model.named_parameters():
        spare = p.dim() < 2 or name.split(".")[-1] == "bias" or p in never
        (no if spare else yes)[name] = p
    return [dict(params=list(yes.values()), weight_decay=weight_decay),
            dict(params=list(no.values()), weight_decay=0)]

class EMA:
    def __init__(self, model, decay=0.999):
        self.decay = decay
        self.shadow = copy.deepcopy(model).requires_grad_(False)
        for p in [*self.shadow.parameters(), *self.shadow.buffers()]:
            if p.dtype == torch.bfloat16:
                p.data = p.data.float()

    @torch.no_grad()
    def update(self, model):
        for s, p in zip(self.shadow.parameters(), model.parameters()):
            s.mul_(self.decay).add_(p.to(s.dtype), alpha=1 - self.decay)
        for s, b in zip(self.shadow.buffers(), model.buffers()):
            if b.dtype.is_floating_point:
                s.mul_(self.decay).add_(b, alpha=1 - self.decay)
            else:
                s.copy_(b)

    @contextmanager
    def averaged(self, model):
        backup = copy.deepcopy([*model.parameters(), *model.buffers()])
        with torch.no_grad():
            for p, s in zip(model.parameters(), self.shadow.parameters()):
                p.copy_(s)
            for p, s in zip(model.buffers(), self.shadow.buffers()):
                p.copy_(s)
        try:
            yield model
        finally:
            with torch.no_grad():
                for p, own in zip([*model.parameters(), *model.buffers()], backup):
                    p.copy_(own)
""",
    "a class as context manager, its data exchanged": """
class EMA:
    class Within:
        def __init__(self, ema, model):
            self.ema, self.model = ema, model

        def __enter__(self):
            self.own = []
            for name, t in [*self.model.named_parameters(), *self.model.named_buffers()]:
                self.own.append((t, t.data))
                t.data = self.ema.values[name].to(t.dtype, copy=True)

        def __exit__(self, *error):
            for t, data in self.own:
                t.data = data
            return False

    def __init__(self, model, decay=0.999):
        self.decay, self.values = decay, {}
        for name, t in [*model.named_parameters(), *model.named_buffers()]:
            t = t.detach()
            self.values[name] = t.double() + 0.0 if t.is_floating_point() else t.clone()

    def update(self, model):
        with torch.no_grad():
            for name, t in [*model.named_parameters(), *model.named_buffers()]:
                if t.is_floating_point():
                    old = self.values[name]
                    self.values[name] = self.decay * old + (1 - self.decay) * t.double()
                else:
                    self.values[name] = t.clone()

    def averaged(self, model):
        return EMA.Within(self, model)
""",
    "a sum of comparisons, a generator of draws": """
class MyDropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        assert isinstance(p, (int, float))
        if not (p >= 0 and p <= 1):
            raise ValueError("p must be between 0 and 1")
        self.p = p

    def forward(self, x):
        if self.training is False:
            return x
        drop = torch.rand_like(x, dtype=torch.float) < self.p
        out = x.masked_fill(drop, 0)
        return out if self.p == 1 else out / (1 - self.p)
""",
    "groups in one pass over modules": """
def param_groups(model, weight_decay):
    groups = {True: [], False: []}
    kinds = {}
    for module in model.modules():
        for name, p in module._parameters.items():
            if p is not None:
                spare = name == "bias" or isinstance(module, (nn.LayerNorm, nn.RMSNorm))
                kinds[p] = kinds.get(p, False) or spare or p.ndim <= 1
    for p in model.parameters():
        groups[kinds[p]].append(p)
    rates = {False: weight_decay, True: 0.0}
    return [{"params": groups[k], "weight_decay": rate} for k, rate in rates.items()]
""",
}
