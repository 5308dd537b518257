"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SGD = "            p -= self.lr * (p.grad + self.momentum * v if self.nesterov else v)\n"
VELOCITY = "            v.mul_(self.momentum).add_(p.grad)\n"
ADAM = "            p -= self.lr * m / (v.sqrt() + self.eps)\n"
M_HAT = "            m = self.m[i] / (1 - b1 ** self.t[i])\n"
V_HAT = "            v = self.v[i] / (1 - b2 ** self.t[i])\n"
DECAY = "                p.mul_(1 - self.lr * self.weight_decay)\n"
ONCE = "    return list({id(p): p for p in params}.values())\n"
SKIP = "            if p.grad is None:\n                continue\n"
COUNT = "            self.t[i] += 1\n"
BEGIN = "        for p, v in zip(self.params, self.v, strict=True):\n"
MADE = "        self.v = [torch.zeros_like(p) for p in self.params]\n\n"
CLEAR = "            p.grad = torch.zeros_like(p.grad)\n"

SLIPS = {
    "sgd": {
        "uphill": (SGD, SGD.replace("p -=", "p +=")),
        "momentum as a running mean": (
            VELOCITY,
            VELOCITY.replace("add_(p.grad)", "add_((1 - self.momentum) * p.grad)"),
        ),
        "the rate inside the velocity and outside": (
            VELOCITY,
            VELOCITY.replace("add_(p.grad)", "add_(self.lr * p.grad)"),
        ),
        "no velocity: plain steps": (VELOCITY, "            v.copy_(p.grad)\n"),
        "nesterov ignored": (SGD, "            p -= self.lr * v\n"),
        "nesterov always": (SGD, "            p -= self.lr * (p.grad + self.momentum * v)\n"),
        "nesterov without the gradient": (
            SGD,
            SGD.replace("p.grad + self.momentum * v if", "self.momentum * v if"),
        ),
        "nesterov adds the whole velocity": (SGD, SGD.replace("self.momentum * v if", "v if")),
        "nesterov with the velocity of the step before": (
            VELOCITY + SGD,
            "            ahead = p.grad + self.momentum * v\n"
            + VELOCITY
            + "            p -= self.lr * (ahead if self.nesterov else v)\n",
        ),
        "one velocity per shape": (
            BEGIN + SKIP,
            "        by_shape = {p.shape: v for p, v in zip(self.params, self.v)}\n"
            "        for p in self.params:\n            v = by_shape[p.shape]\n" + SKIP,
        ),
        "the velocity forgotten between steps": (VELOCITY, "            v = p.grad.clone()\n"),
        "a gradient of zero skipped": (
            BEGIN + SKIP,
            BEGIN + SKIP.replace("is None:", "is None or not p.grad.any():"),
        ),
        "a gradient of zero skipped by nesterov": (
            VELOCITY,
            VELOCITY + "            if self.nesterov and not p.grad.any():\n"
            "                continue\n",
        ),
        "velocity kept on the parameter, for the next optimizer, too": (
            VELOCITY,
            "            p.v = v = getattr(p, 'v', v)\n" + VELOCITY,
        ),
        "momentum 0.9 by default": (
            "lr: float, momentum: float = 0.0",
            "lr: float, momentum: float = 0.9",
        ),
        "nesterov by default": ("nesterov: bool = False", "nesterov: bool = True"),
    },
    "adam": {
        "eps 1e-6 by default": (
            "eps: float = 1e-8\n    ) -> None:\n        self.params",
            "eps: float = 1e-6\n    ) -> None:\n        self.params",
        ),
        "no bias correction": (M_HAT + V_HAT, "            m, v = self.m[i], self.v[i]\n"),
        "no bias correction of m": (M_HAT, "            m = self.m[i]\n"),
        "no bias correction of v": (V_HAT, "            v = self.v[i]\n"),
        "t from 0": (
            "            self.t[i] += 1\n",
            "            self.t[i] += self.m[i].ne(0).any().item()\n",
        ),
        "corrected by the beta itself, not its power": (
            M_HAT + V_HAT,
            "            m = self.m[i] / (1 - b1)\n            v = self.v[i] / (1 - b2)\n",
        ),
        "corrected values kept as the state": (
            M_HAT,
            "            m = self.m[i] = self.m[i] / (1 - b1 ** self.t[i])\n",
        ),
        "eps inside the root": (ADAM, "            p -= self.lr * m / (v + self.eps).sqrt()\n"),
        "eps added before the correction": (
            ADAM,
            "            p -= self.lr * m / (v.sqrt() + self.eps / (1 - b2 ** self.t[i]) ** 0.5)\n",
        ),
        "divided by v, not its root": (ADAM, "            p -= self.lr * m / (v + self.eps)\n"),
        "eps forgotten": (ADAM, "            p -= self.lr * m / v.sqrt().clamp(min=1e-30)\n"),
        "the mean of the gradient in v, not of its square": (
            "(1 - b2) * p.grad**2",
            "(1 - b2) * p.grad.abs()",
        ),
        "v sums the squares as Adagrad": (
            "mul_(b2).add_((1 - b2) * p.grad**2)",
            "add_((1 - b2) * p.grad**2)",
        ),
        "the betas swapped": ("b1, b2 = self.betas", "b2, b1 = self.betas"),
        "b1 and 1 - b1 swapped": (
            "self.m[i].mul_(b1).add_((1 - b1) * p.grad)",
            "self.m[i].mul_(1 - b1).add_(b1 * p.grad)",
        ),
        "m not used: the plain gradient": (M_HAT, "            m = p.grad\n"),
        "a t that every parameter moves": (
            "            self.t[i] += 1\n",
            "            self.t = [max(self.t) + 1] * len(self.t)\n",
        ),
        "uphill": (ADAM, ADAM.replace("p -=", "p +=")),
        "a gradient of zero skipped": (
            SKIP + COUNT,
            SKIP.replace("is None:", "is None or not p.grad.any():") + COUNT,
        ),
        "lr 1e-2 by default": (
            "params: Params, lr: float = 1e-3, betas: Betas = (0.9, 0.999), eps",
            "params: Params, lr: float = 1e-2, betas: Betas = (0.9, 0.999), eps",
        ),
        "betas (0.9, 0.99) by default": (
            "lr: float = 1e-3, betas: Betas = (0.9, 0.999), eps",
            "lr: float = 1e-3, betas: Betas = (0.95, 0.99), eps",
        ),
        "state kept on the parameter, for the next optimizer, too": (
            COUNT,
            "            self.m[i], self.v[i], self.t[i] = getattr(\n"
            "                p, 'kept', (self.m[i], self.v[i], self.t[i]))\n"
            + COUNT
            + "            p.kept = self.m[i], self.v[i], self.t[i]\n",
        ),
        "a norm of the whole tensor in v": (
            "(1 - b2) * p.grad**2",
            "(1 - b2) * (p.grad**2).mean()",
        ),
    },
    "adamw": {
        "no decay": (DECAY, "                pass\n"),
        "the decay goes through the moments": (
            """\
            if p.grad is not None:
                p.mul_(1 - self.lr * self.weight_decay)
        super().step()
""",
            """\
            if p.grad is not None:
                p.grad = p.grad + self.weight_decay * p
        super().step()
        for p in self.params:
            if p.grad is not None:
                p.grad = p.grad - self.weight_decay * p
""",
        ),
        "the decay without the rate": (DECAY, "                p.mul_(1 - self.weight_decay)\n"),
        "the decay after the step": (
            """\
        for p in self.params:
            if p.grad is not None:
                p.mul_(1 - self.lr * self.weight_decay)
        super().step()
""",
            """\
        super().step()
        for p in self.params:
            if p.grad is not None:
                p.mul_(1 - self.lr * self.weight_decay)
""",
        ),
        "the parameter grows": (DECAY, DECAY.replace("1 -", "1 +")),
        "the decay by the sign of the parameter": (
            DECAY,
            "                p.sub_(self.lr * self.weight_decay * p.sign())\n",
        ),
        "matrices only": (DECAY, "                if p.ndim > 1:\n    " + DECAY),
        "weight_decay 0 by default": ("weight_decay: float = 1e-2", "weight_decay: float = 0.0"),
        "the decay halved": (DECAY, DECAY.replace("self.weight_decay", "self.weight_decay / 2")),
    },
    "in_place": {
        "SGD exchanges the memory": (SGD, SGD.replace("p -= ", "p.data = p - ")),
        "SGD makes new tensors": (SGD, SGD.replace("p -= ", "p = p - ")),
        "Adam makes new tensors": (
            ADAM,
            "            p = p - self.lr * m / (v.sqrt() + self.eps)\n",
        ),
        "copies are kept and moved": (
            ONCE,
            "    return [p.detach().clone().requires_grad_() for p in dict.fromkeys(params)]\n",
        ),
        "gradients switched off for good": (
            "    @torch.no_grad()\n    def step(self) -> None:\n" + BEGIN,
            "    def step(self) -> None:\n        torch.set_grad_enabled(False)\n" + BEGIN,
        ),
        "requires_grad switched off": (SGD, "            p.requires_grad_(False)\n" + SGD),
        "step inside the graph": (
            "    @torch.no_grad()\n    def step(self) -> None:\n        b1, b2",
            "    def step(self) -> None:\n        b1, b2",
        ),
    },
    "zero_grad": {
        "set to None": (CLEAR, "            p.grad = None\n"),
        "times 0: NaN stays": (CLEAR, "            p.grad.mul_(0)\n"),
        "made in inference mode: no backward can add to it": (
            "def clear(params: Params) -> None:",
            "@torch.inference_mode()\ndef clear(params: Params) -> None:",
        ),
        "one zero, expanded": (
            "p.grad = torch.zeros_like(p.grad)",
            "p.grad = p.new_zeros(()).expand_as(p).detach()",
        ),
        "nothing happens": (CLEAR, "            torch.zeros_like(p.grad)\n"),
        "ones": (CLEAR, "            p.grad = torch.ones_like(p.grad)\n"),
        "the first parameter only": (CLEAR, CLEAR + "            break\n"),
        "matrices only": (
            "        if p.grad is not None:\n" + CLEAR,
            "        if p.grad is not None and p.ndim > 1:\n" + CLEAR,
        ),
        "the parameters are cleared": (CLEAR, "            p.data = torch.zeros_like(p)\n"),
    },
    "missing": {
        "Adam takes None for zeros": (
            SKIP + COUNT,
            SKIP.replace("continue", "p.grad = torch.zeros_like(p)") + COUNT,
        ),
        "SGD takes None for zeros": (
            BEGIN + SKIP,
            BEGIN + SKIP.replace("continue", "p.grad = torch.zeros_like(p)"),
        ),
        "SGD crashes where .grad is None": (BEGIN + SKIP, BEGIN),
        "one t for all parameters": (
            "        for i, p in enumerate(self.params):\n" + SKIP + COUNT,
            "        self.t = [self.t[0] + 1] * len(self.t)\n"
            "        for i, p in enumerate(self.params):\n" + SKIP,
        ),
        "decayed without a gradient": ("            if p.grad is not None:\n" + DECAY, DECAY[4:]),
        "stops at the first None": (BEGIN + SKIP, BEGIN + SKIP.replace("continue", "return")),
        "the parameters with gradients at the first step only": (
            BEGIN + SKIP,
            "        self.has = getattr(self, 'has', [p.grad is not None for p in self.params])\n"
            "        for p, v, has in zip(self.params, self.v, self.has):\n"
            "            if p.grad is None or not has:\n                continue\n",
        ),
        "zero_grad crashes where .grad is None": (
            "        if p.grad is not None:\n            p.grad = torch",
            "        if True:\n            p.grad = torch",
        ),
        "zero_grad makes zeros of None": (
            "        if p.grad is not None:\n" + CLEAR,
            "        if True:\n            p.grad = torch.zeros_like(p)\n",
        ),
        "state forgotten where .grad is None": (
            BEGIN + SKIP,
            BEGIN + SKIP.replace("    continue", "    v.zero_()\n                continue"),
        ),
    },
    "once": {
        "a generator is read once, then empty": (ONCE, "    return params\n"),
        "a tensor that comes twice is moved twice": (ONCE, "    return list(params)\n"),
        "an error for a tensor that comes twice": (
            ONCE,
            "    params = list(params)\n    if len({id(p) for p in params}) < len(params):\n"
            "        raise ValueError('a parameter comes twice')\n    return params\n",
        ),
        "a generator has no length": (ONCE, "    assert len(params)\n" + ONCE),
    },
    "gradients": {
        "the decay is added to .grad": (
            "        super().step()\n",
            "        super().step()\n        for p in self.params:\n"
            "            if p.grad is not None:\n"
            "                p.grad.add_(self.weight_decay * p)\n",
        ),
        "the first velocity is .grad itself": (
            VELOCITY,
            """\
            if self.momentum and not v.any():
                v = p.grad
                self.v = [v if q is p else w for q, w in zip(self.params, self.v)]
            else:
                v.mul_(self.momentum).add_(p.grad)
""",
        ),
        "nesterov in place of .grad": (
            SGD,
            """\
            if self.nesterov:
                v = p.grad.add_(self.momentum * v)
            p -= self.lr * v
""",
        ),
        "cleared after the step": (ADAM, ADAM + "            p.grad = torch.zeros_like(p)\n"),
        "squared in place": (
            "            self.v[i].mul_(b2).add_((1 - b2) * p.grad**2)\n",
            "            self.v[i].mul_(b2).add_((1 - b2) * p.grad.square_())\n",
        ),
        "the gradient clipped in place": (
            "            self.t[i] += 1\n",
            "            self.t[i] += 1\n            p.grad.clamp_(-9, 9)\n",
        ),
    },
    "device": {
        "velocity on the CPU": (
            "        self.v = [torch.zeros_like(p) for p in self.params]\n\n",
            "        self.v = [torch.zeros(p.shape, dtype=p.dtype) for p in self.params]\n\n",
        ),
        "m on the CPU": (
            "self.m = [torch.zeros_like(p)",
            "self.m = [torch.zeros(p.shape, dtype=p.dtype)",
        ),
        "the first parameter's dtype for all": (
            MADE,
            MADE.replace("like(p)", "like(p, dtype=self.params[0].dtype)"),
        ),
        "the first parameter's device for all": (
            MADE,
            MADE.replace("like(p)", "like(p, device=self.params[0].device)"),
        ),
        "velocity in float32": (
            "        self.v = [torch.zeros_like(p) for p in self.params]\n\n",
            "        self.v = [torch.zeros_like(p, dtype=torch.float32) for p in self.params]\n\n",
        ),
        "m in float32": (
            "self.m = [torch.zeros_like(p)",
            "self.m = [torch.zeros_like(p, dtype=torch.float32)",
        ),
        "the gradient cast to float32": (VELOCITY, VELOCITY.replace("p.grad", "p.grad.float()")),
    },
}

VARIANTS = {
    "state of 16-bit parameters in float32": (
        MADE,
        MADE.replace("like(p)", "like(p, dtype=torch.promote_types(p.dtype, torch.float32))"),
    ),
    "state in a dict, made at the first step": """
class MySGD:
    def __init__(self, params, lr, momentum=0.0, nesterov=False):
        self.params = []
        for p in params:
            if not any(p is q for q in self.params):
                self.params.append(p)
        self.lr, self.momentum, self.nesterov, self.state = lr, momentum, nesterov, {}

    def step(self):
        for p in self.params:
            g = p.grad
            if g is None:
                continue
            g = g.detach()
            if self.momentum:
                buf = self.state.get(p)
                buf = g.clone() if buf is None else self.momentum * buf + g
                self.state[p] = buf
                g = g + self.momentum * buf if self.nesterov else buf
            p.data.add_(g, alpha=-self.lr)

    def zero_grad(self):
        for p in self.params:
            if p.grad is not None:
                p.grad.detach_()
                p.grad.zero_()
""",
    "the library's order of operations": """
class MyAdam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(dict.fromkeys(params))
        self.lr, self.betas, self.eps, self.state, self.decay = lr, betas, eps, {}, 0.0

    def step(self):
        b1, b2 = self.betas
        with torch.no_grad():
            for p in self.params:
                if p.grad is None:
                    continue
                if p not in self.state:
                    self.state[p] = [0, torch.zeros_like(p.data), torch.zeros_like(p.data)]
                entry = self.state[p]
                entry[0] += 1
                t, m, v = entry
                p.mul_(1 - self.lr * self.decay)
                m.lerp_(p.grad, 1 - b1)
                v.mul_(b2).addcmul_(p.grad, p.grad, value=1 - b2)
                denom = (v.sqrt() / (1 - b2**t) ** 0.5).add_(self.eps)
                p.addcdiv_(m, denom, value=-self.lr / (1 - b1**t))

    def zero_grad(self):
        for p in self.params:
            if p.grad is not None:
                p.grad.zero_()

class MyAdamW(MyAdam):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        super().__init__(params, lr, betas, eps)
        self.decay = weight_decay
""",
    "AdamW by itself": """
class MyAdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.lr, (self.b1, self.b2), self.eps, self.wd = lr, betas, eps, weight_decay
        self.groups = [{"p": p, "m": 0, "v": 0, "t": 0} for p in dict.fromkeys(params)]

    def step(self):
        for group in self.groups:
            p = group["p"]
            if p.grad is not None:
                g = p.grad.data
                group["t"] += 1
                group["m"] = self.b1 * group["m"] + (1 - self.b1) * g
                group["v"] = self.b2 * group["v"] + (1 - self.b2) * g * g
                m_hat = group["m"] / (1 - self.b1 ** group["t"])
                v_hat = group["v"] / (1 - self.b2 ** group["t"])
                p.data -= self.lr * self.wd * p.data
                p.data -= self.lr * m_hat / (v_hat**0.5 + self.eps)

    def zero_grad(self):
        for group in self.groups:
            if group["p"].grad is not None:
                group["p"].grad = torch.zeros_like(group["p"])
""",
    "SGD with copy_": (
        SGD,
        """\
            move = v
            if self.nesterov:
                move = p.grad + self.momentum * v
            p.copy_(p - self.lr * move)
""",
    ),
}
