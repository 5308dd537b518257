"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

NORM = "X = X / (X.norm() + 1e-7)"
ROUND = "X = a * X + (b * A + c * A @ A) @ X"
GRAM = "A = X @ X.mT  # the smaller of the two products"
M = 'M = state["momentum_buffer"].mul_(momentum).add_(p.grad)'
MADE = 'state["momentum_buffer"] = torch.zeros_like(p)'
NESTEROV = 'p.grad + momentum * M if group["nesterov"] else M, group["ns_steps"]'
DECAY = 'p.mul_(1 - lr * group["weight_decay"])'
MOVE = "p.sub_(lr * max(1, p.shape[0] / p.shape[1]) ** 0.5 * U)"
SKIP = """\
                if p.grad is None:
                    continue
"""
OPTIONS = 'lr, momentum = group["lr"], group["momentum"]'
LOSS = """\
            with torch.enable_grad():
                loss = closure()
"""
HEADS = "heads = [m for m in model.modules() if isinstance(m, nn.Linear)][-1:]"
KEPT_OUT = "kept_out = heads + [m for m in model.modules() if isinstance(m, NOT_HIDDEN)]"
IDS = "ids = {id(p) for m in kept_out for p in m.parameters()}"
CHOICE = "(matrices if p.ndim == 2 and id(p) not in ids else others).append(p)"
CHECKED = """\
            if p.ndim != 2:
                self.param_groups.pop()
                raise ValueError(f"a parameter of shape {tuple(p.shape)}, want 2-D ones")
"""
TALL = "X = G.mT if tall else G"
BACK = "return X.mT if tall else X"

SLIPS = {
    "orthogonal": {
        "norms below 0.001 taken for it": (NORM, "X = X / X.norm().clamp(min=1e-3)"),
        "divided by the largest number": (NORM, "X = X / (X.abs().max() + 1e-7)"),
        "divided by the largest singular value": (
            NORM,
            "X = X / (torch.linalg.matrix_norm(X, 2) + 1e-7)",
        ),
        "not divided": (NORM, "X = X.clone()"),
        "divided by the sum of squares, without the root": (
            NORM,
            "X = X / (X.square().sum() + 1e-7)",
        ),
        "divided by the norm of each row": (NORM, "X = X / (X.norm(dim=1, keepdim=True) + 1e-7)"),
        "divided again in each round": (GRAM, "X = X / X.norm()\n        A = X @ X.mT"),
        "float32 within": (BACK, "return (X.mT if tall else X).float().to(G.dtype)"),
        "eps of 1e-3": ("X.norm() + 1e-7", "X.norm() + 1e-3"),
        "X^T X in the place of X X^T": (GRAM, "A = X.mT @ X"),
        "A squared number by number": (ROUND, "X = a * X + (b * A + c * A * A) @ X"),
        "a cubic: the last term forgotten": (ROUND, "X = a * X + b * A @ X"),
        "1.5 and -0.5, the classical coefficients": (ROUND, "X = 1.5 * X - 0.5 * A @ X"),
        "b and c swapped": (
            "a, b, c = 3.4445, -4.7750, 2.0315",
            "a, c, b = 3.4445, -4.7750, 2.0315",
        ),
        "the sign of b": ("-4.7750", "4.7750"),
        "one round less": ("range(steps)", "range(steps - 1)"),
        "five rounds whatever steps says": ("range(steps)", "range(5)"),
        "three rounds by default": ("G: Tensor, steps: int = 5", "G: Tensor, steps: int = 3"),
        "not transposed back": (BACK, "return X.reshape(G.shape)"),
        "bfloat16 within": (TALL, "X = (G.mT if tall else G).bfloat16()"),
        "U V^T by SVD": (
            TALL,
            "if steps == 5:\n        U, _, V = torch.linalg.svd(G, full_matrices=False)\n"
            "        return U @ V\n    X = G.mT if tall else G",
        ),
    },
    "step": {
        "the same scale for a wide matrix": (
            "max(1, p.shape[0] / p.shape[1])",
            "(p.shape[0] / p.shape[1])",
        ),
        "the scale upside down": ("p.shape[0] / p.shape[1])", "p.shape[1] / p.shape[0])"),
        "no scale": (MOVE, "p.sub_(lr * U)"),
        "the scale without its root": ("p.shape[1]) ** 0.5", "p.shape[1])"),
        "0.2 sqrt of the longer side, as Moonshot has it": (
            MOVE,
            "p.sub_(lr * 0.2 * max(p.shape) ** 0.5 * U)",
        ),
        "uphill": (MOVE, MOVE.replace("sub_", "add_")),
        "no momentum": (M, 'M = state["momentum_buffer"].copy_(p.grad)'),
        "the momentum of matrices that are made even": (
            "U = newton_schulz(",
            "state['momentum_buffer'] = newton_schulz(M, 5)\n                U = newton_schulz(",
        ),
        "nesterov without the gradient": (
            NESTEROV,
            NESTEROV.replace("p.grad + momentum * M", "momentum * M"),
        ),
        "nesterov always": (NESTEROV, 'p.grad + momentum * M, group["ns_steps"]'),
        "None taken for zeros": (SKIP, SKIP.replace("continue", "p.grad = torch.zeros_like(p)")),
        "the first missing gradient ends the step": (SKIP, SKIP.replace("continue", "return loss")),
        "a zero gradient taken for a missing one": (
            "if p.grad is None:",
            "if p.grad is None or not p.grad.any():",
        ),
        "a missing gradient clears M": (
            SKIP,
            SKIP.replace("continue", "self.state.pop(p, None)\n                    continue"),
        ),
        "new tensors in the place of p": (MOVE, MOVE.replace("p.sub_(", "p.data = p - (")),
        "the first step without M": (
            MADE,
            MADE + "\n                    p.sub_(lr * newton_schulz(p.grad))\n"
            "                    continue",
        ),
        "requires_grad switched off": (MOVE, MOVE + "\n                p.requires_grad_(False)"),
        "momentum 0.9 by default": ("momentum: float = 0.95", "momentum: float = 0.9"),
        "nesterov off by default": ("nesterov: bool = True", "nesterov: bool = False"),
    },
    "decay": {
        "decay without a gradient, too": (
            SKIP,
            SKIP.replace(
                "continue", "p.mul_(1 - lr * group['weight_decay'])\n" + " " * 20 + "continue"
            ),
        ),
        "decay added to the gradient": (
            M,
            M.replace("add_(p.grad)", 'add_(p.grad + group["weight_decay"] * p)').replace(
                "M =", "old = p.clone()\n                M ="
            ),
        ),
        "decay and gradient through newton_schulz": (
            NESTEROV,
            '(p.grad + momentum * M if group["nesterov"] else M) + group["weight_decay"] * p, '
            'group["ns_steps"]',
        ),
        "no decay": (DECAY, "p.mul_(1)"),
        "the decay without the rate": (DECAY, 'p.mul_(1 - group["weight_decay"])'),
        "the decay after the step": (
            f"{DECAY}\n                {MOVE}",
            f"{MOVE}\n                {DECAY}",
        ),
        "the decay scaled as the step": (
            DECAY,
            'p.mul_(1 - lr * max(1, p.shape[0] / p.shape[1]) ** 0.5 * group["weight_decay"])',
        ),
        "the parameter grows": (DECAY, DECAY.replace("1 -", "1 +")),
        "weight_decay 0.01 by default": ("weight_decay: float = 0.1", "weight_decay: float = 0.01"),
    },
    "groups": {
        "the first group's momentum for all": (
            OPTIONS,
            'lr, momentum = group["lr"], self.param_groups[0]["momentum"]',
        ),
        "the first group's rate for all": (
            OPTIONS,
            'lr, momentum = self.defaults["lr"], group["momentum"]',
        ),
        "nesterov of the constructor": ('group["nesterov"]', 'self.defaults["nesterov"]'),
        "ns_steps of the constructor": ('group["ns_steps"]', 'self.defaults["ns_steps"]'),
        "weight_decay of the constructor": (
            'lr * group["weight_decay"]',
            'lr * self.defaults["weight_decay"]',
        ),
        "the first group alone": (
            "for group in self.param_groups:",
            "for group in self.param_groups[:1]:",
        ),
        "momentum as it was at the first step": (
            M,
            'momentum = state.setdefault("momentum", momentum)\n                ' + M,
        ),
        "a group that is added begins as the first one": (
            "        super().add_param_group(param_group)  #",
            "        for name, value in [*self.param_groups, {}][0].items():\n"
            "            param_group.setdefault(name, value)\n"
            "        super().add_param_group(param_group)  #",
        ),
        "a generator emptied by the look at it": (
            "        super().add_param_group(param_group)  # a generator is a list there now\n",
            '        given = param_group["params"]\n'
            "        given = [given] if isinstance(given, Tensor) else given\n"
            "        if any(p.ndim != 2 for p in given):\n"
            '            raise ValueError("want matrices")\n'
            "        super().add_param_group(param_group)\n",
        ),
        "the options as they were at the first step": (
            OPTIONS,
            'group = group.setdefault("first", dict(group))\n            ' + OPTIONS,
        ),
    },
    "split": {
        "the embedding among the matrices": (
            "nn.Embedding, nn.EmbeddingBag, nn.LayerNorm",
            "nn.EmbeddingBag, nn.LayerNorm",
        ),
        "EmbeddingBag forgotten": ("nn.Embedding, nn.EmbeddingBag,", "nn.Embedding,"),
        "2-D norms among the matrices": (", nn.LayerNorm, nn.RMSNorm", ""),
        "the head among the matrices": (KEPT_OUT, KEPT_OUT.replace("heads + ", "")),
        "the head by its name": (
            HEADS,
            'heads = [m for n, m in model.named_modules() if n.endswith("head")]',
        ),
        "the head if it is the last module": (
            HEADS,
            "heads = [m for m in list(model.modules())[-1:] if isinstance(m, nn.Linear)]",
        ),
        "the head among direct children": (
            HEADS,
            "heads = [m for m in model.children() if isinstance(m, nn.Linear)][-1:]",
        ),
        "the last Linear that trains": (
            HEADS,
            HEADS.replace("nn.Linear)]", "nn.Linear) and m.weight.requires_grad]"),
        ),
        "subclasses of the embedding missed": (
            "if isinstance(m, NOT_HIDDEN)",
            "if type(m) in NOT_HIDDEN",
        ),
        "subclasses of the norm missed": (
            "if isinstance(m, NOT_HIDDEN)]",
            "if isinstance(m, NOT_HIDDEN[:2]) or type(m) in NOT_HIDDEN]",
        ),
        "matrices of two dims or more": ("p.ndim == 2", "p.ndim >= 2"),
        "only weights of linear layers": (
            "p.ndim == 2",
            "any(p is m.weight for m in model.modules() if isinstance(m, nn.Linear))",
        ),
        "frozen parameters left out": (
            "in model.parameters():",
            "in (p for p in model.parameters() if p.requires_grad):",
        ),
        "a tied one twice": (
            "for p in model.parameters():",
            "for _, p in model.named_parameters(remove_duplicate=False):",
        ),
        "an embedding tied to the head counts by its first name": (
            IDS,
            "ids = {n for n, m in model.named_modules() if m in kept_out}\n"
            '    ids = {id(p) for n, p in model.named_parameters() if n.rpartition(".")[0] in ids}',
        ),
        "the two lists swapped": ("return matrices, others", "return others, matrices"),
    },
    "closure": {
        "closure not called": (LOSS, "            loss = None\n"),
        "a number in the place of its loss": (LOSS, LOSS.replace("closure()", "closure().item()")),
        "its loss forgotten": (LOSS, LOSS.replace("loss = ", "")),
        "called without gradients": (LOSS, "            loss = closure()\n"),
        "called for each group and once more": (LOSS, LOSS + "                closure()\n"),
        "called after the step": (
            "        return loss\n",
            "        return closure() if closure else None\n",
        ),
        "a number in the place of the loss": (
            "        return loss\n",
            "        return loss or 0.0\n",
        ),
        "gradients switched off for good": (
            "    @torch.no_grad()\n"
            "    def step(self, closure: Callable[[], Any] | None = None) -> Any:\n"
            "        loss = None\n",
            "    def step(self, closure=None):\n        loss = None\n"
            "        torch.set_grad_enabled(closure is None)\n",
        ),
    },
    "state": {
        "the buffer in an attribute": (
            "state = self.state[p]",
            'kept = self.__dict__.setdefault("kept", {})\n'
            "                state = kept.setdefault(p, {})",
        ),
        "M of float32 on the CPU": (MADE, MADE.replace("zeros_like(p)", "zeros(p.shape)")),
        "M of float32": (MADE, MADE.replace("like(p)", "like(p, dtype=torch.float32)")),
        "the buffer on the parameter": (
            "state = self.state[p]",
            'p.kept = state = getattr(p, "kept", {})',
        ),
        "the buffer forgotten where the state is loaded": (
            "    @torch.no_grad()\n",
            "    def load_state_dict(self, state_dict):\n"
            "        super().load_state_dict(state_dict)\n"
            "        self.state.clear()\n\n    @torch.no_grad()\n",
        ),
        "the options not loaded": (
            "    @torch.no_grad()\n",
            "    def load_state_dict(self, state_dict):\n"
            "        own = [{k: v for k, v in g.items() if "
            "k != 'params'} for g in self.param_groups]\n"
            "        super().load_state_dict(state_dict)\n"
            "        for group, old in zip(self.param_groups, own):\n"
            "            group.update(old)\n\n    @torch.no_grad()\n",
        ),
    },
    "limits": {
        "no error for a bias": ("if p.ndim != 2:", "if p.ndim == 0:"),
        "more dims refused, fewer not": ("if p.ndim != 2:", "if p.ndim > 2:"),
        "fewer dims refused, more not": ("if p.ndim != 2:", "if p.ndim < 2:"),
        "the first parameter of a group alone": (CHECKED, CHECKED + "            break\n"),
        "axes of one number not counted": ("if p.ndim != 2:", "if p.squeeze().ndim > 2:"),
        "a matrix of one row refused": ("if p.ndim != 2:", "if p.squeeze().ndim != 2:"),
        "another error": ("raise ValueError(f", "raise TypeError(f"),
        "the group stays in spite of the error": ("                self.param_groups.pop()\n", ""),
        "the last parameter of a group alone": (
            'for p in self.param_groups[-1]["params"]:\n            if',
            'for p in self.param_groups[-1]["params"][-1:]:\n            if',
        ),
        "zeros divided by zero": (NORM, "X = X / X.norm()"),
        "the limits of the constructor alone": (
            "    def add_param_group(",
            "    def add_param_group(self, g):\n"
            "        super().add_param_group(g) if self.param_groups else self.first(g)\n\n"
            "    def first(",
        ),
    },
    "memory": {
        "a tall matrix not transposed": ("tall = G.shape[0] > G.shape[1]", "tall = False"),
        "a wide matrix transposed": ("G.shape[0] > G.shape[1]", "G.shape[0] < G.shape[1]"),
        "G divided in place": (NORM, "X = X.div_(X.norm() + 1e-7)"),
        "bfloat16 G divided in place, as .bfloat16() copies nothing": (
            NORM,
            "X = X.bfloat16().div_(X.norm() + 1e-7).to(G) if G.dtype == torch.bfloat16 else "
            "X / (X.norm() + 1e-7)",
        ),
        "bfloat16 comes back as float32": (
            TALL,
            TALL + "\n    X = X.float() if X.dtype == torch.bfloat16 else X",
        ),
        "bfloat16 computed in float32": (
            "plain = newton_schulz\n\n\ndef newton_schulz(G, steps=5):\n"
            "    low = G.dtype == torch.bfloat16\n"
            "    return plain(G.float() if low else G, steps).to(G.dtype)\n"
        ),
        "M is the first gradient itself": (
            f"{MADE}\n                {M}",
            'state["momentum_buffer"] = M = p.grad\n                else:\n                    '
            + M,
        ),
        "nesterov added into .grad": (
            "U = newton_schulz(",
            "p.grad.add_(0 if not group['nesterov'] else M, alpha=0.0 + 1e-9)\n"
            "                U = newton_schulz(",
        ),
        "gradients set to zero after the step": (MOVE, MOVE + "\n                p.grad.zero_()"),
    },
}

VARIANTS = {
    "a moving average as M": (
        f"{M}\n                U = newton_schulz(\n"
        f"                    {NESTEROV}\n                )",
        'M = state["momentum_buffer"].lerp_(p.grad, 1 - momentum)\n'
        '                U = p.grad.lerp(M, momentum) if group["nesterov"] else M\n'
        '                U = newton_schulz(U, group["ns_steps"])',
    ),
    "a zero G told by a look at it": (
        NORM,
        "if X.norm() == 0:\n        return torch.zeros_like(G)\n    X = X / X.norm()",
    ),
    "functions of torch": """
def newton_schulz(G, steps=5):
    flip = G.size(0) > G.size(1)
    X = torch.nn.functional.normalize(G.t().contiguous() if flip else G, dim=(0, 1), eps=1e-7)
    for _ in range(steps):
        gram = X.mm(X.t())
        terms = torch.addmm(gram, gram, gram, beta=-4.7750, alpha=2.0315)
        X = torch.addmm(X, terms, X, beta=3.4445)
    return X.t() if flip else X
""",
    "the product on the short side, without a transpose": """
def newton_schulz(G, steps=5):
    X = G / (G.pow(2).sum().sqrt() + 1e-9)
    for _ in range(steps):
        if G.shape[0] <= G.shape[1]:
            A = X @ X.T
            X = 3.4445 * X + (-4.7750 * A + 2.0315 * A @ A) @ X
        else:
            A = X.T @ X
            X = 3.4445 * X + X @ (-4.7750 * A + 2.0315 * A @ A)
    return X
""",
    "checked before the group is added": (
        """\
        super().add_param_group(param_group)  # a generator is a list there now
        for p in self.param_groups[-1]["params"]:
            if p.ndim != 2:
                self.param_groups.pop()
                raise ValueError(f"a parameter of shape {tuple(p.shape)}, want 2-D ones")
""",
        """\
        given = param_group["params"]
        given = [given] if isinstance(given, Tensor) else list(given)
        for p in given:
            if p.ndim != 2:
                raise ValueError("want matrices")
        super().add_param_group({**param_group, "params": given})
""",
    ),
    "without no_grad": """
class Muon(Optimizer):
    def __init__(self, params, lr=1e-3, weight_decay=0.1, momentum=0.95, nesterov=True, ns_steps=5):
        super().__init__(params, dict(lr=lr, weight_decay=weight_decay, momentum=momentum,
                                      nesterov=nesterov, ns_steps=ns_steps))

    def add_param_group(self, group):
        super().add_param_group(group)
        if any(p.dim() != 2 for p in self.param_groups[-1]["params"]):
            self.param_groups.pop()
            raise ValueError("Muon takes matrices")

    def step(self, closure=None):
        loss = None
        if closure:
            with torch.enable_grad():
                loss = closure()
        for g in self.param_groups:
            for p in g["params"]:
                if p.grad is not None:
                    st, d = self.state[p], p.grad.detach()
                    st["M"] = g["momentum"] * st["M"] + d if "M" in st else d.clone()
                    U = d + g["momentum"] * st["M"] if g["nesterov"] else st["M"]
                    O = newton_schulz(U, steps=g["ns_steps"])
                    s = max(1, p.size(0) / p.size(1)) ** 0.5
                    p.data.add_(g["weight_decay"] * p.data + s * O, alpha=-g["lr"])
        return loss
""",
    "split by names": """
def split_params(model):
    linear = [n for n, m in model.named_modules() if isinstance(m, nn.Linear)]
    out = set()
    for name, module in model.named_modules():
        if isinstance(module, (nn.Embedding, nn.EmbeddingBag, nn.LayerNorm, nn.RMSNorm)) or (
            linear and name == linear[-1]
        ):
            out.update(module.parameters(recurse=False))
    matrices = [p for p in model.parameters() if p.dim() == 2 and p not in out]
    chosen = set(matrices)
    return matrices, [p for p in model.parameters() if p not in chosen]
""",
    "einsum, and modes set by hand": """
from itertools import chain
from torch import no_grad, linalg, einsum, zeros_like, is_grad_enabled, set_grad_enabled

def newton_schulz(G, steps=5):
    size = linalg.vector_norm(G)
    X = G.div(size if size > 0 else 1)
    short = min(G.shape)
    for i in range(steps):
        if short == G.shape[0]:
            A = einsum("ik,jk->ij", X, X)
            X = 3.4445 * X + (-4.775 * A + 2.0315 * (A @ A)).matmul(X)
        else:
            A = einsum("ki,kj->ij", X, X)
            X = 3.4445 * X + X.matmul(-4.775 * A + 2.0315 * (A @ A))
    return X

class Muon(Optimizer):
    def __init__(self, params, lr=1e-3, weight_decay=0.1, momentum=0.95, nesterov=True, ns_steps=5):
        given = dict(locals())
        for name in ("self", "params", "__class__"):
            given.pop(name)
        super().__init__(params, given)

    def add_param_group(self, param_group):
        before = len(self.param_groups)
        super().add_param_group(param_group)
        try:
            assert all(p.ndim == 2 for p in self.param_groups[before]["params"])
        except AssertionError:
            del self.param_groups[before]
            raise ValueError("want 2-D parameters only") from None

    def step(self, closure=None):
        was = is_grad_enabled()
        set_grad_enabled(True)
        loss = closure and closure()
        set_grad_enabled(False)
        try:
            pairs = [(g, p) for g in self.param_groups for p in g["params"] if p.grad is not None]
            for g, p in pairs:
                buffer = self.state[p].get("buffer")
                if buffer is None:
                    buffer = zeros_like(p.grad)
                self.state[p]["buffer"] = buffer = g["momentum"] * buffer + p.grad
                U = buffer
                if g["nesterov"]:
                    U = torch.add(p.grad, buffer, alpha=g["momentum"])
                even = newton_schulz(U, g["ns_steps"])
                rows, columns = p.shape
                scale = (rows / columns) ** 0.5 if rows > columns else 1.0
                p.sub_(g["lr"] * g["weight_decay"] * p + g["lr"] * scale * even)
        finally:
            set_grad_enabled(was)
        return loss

def split_params(model):
    last, barred = None, []
    for m in model.modules():
        if isinstance(m, nn.Linear):
            last = m
        elif isinstance(m, (nn.Embedding, nn.EmbeddingBag, nn.LayerNorm, nn.RMSNorm)):
            barred += m.parameters()
    barred += last.parameters() if last is not None else []
    def is_matrix(p):
        return p.dim() == 2 and not any(p is q for q in barred)
    others = [p for p in model.parameters() if not is_matrix(p)]
    return list(filter(is_matrix, model.parameters())), others
""",
}
