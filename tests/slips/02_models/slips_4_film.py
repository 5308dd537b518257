"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "parts": {
        "linear starts at zero too": ("in (*self.scale.parameters(),", "in (*self.parameters(),"),
        "one projection for both": (
            "self.scale = nn.Linear(cond_dim, out_dim)\n"
            "        self.shift = nn.Linear(cond_dim, out_dim)",
            "self.scale = self.shift = nn.Linear(cond_dim, out_dim)",
        ),
        "input modulated": """
class ConditionalLinear(nn.Module):
    def __init__(self, in_dim, cond_dim, out_dim):
        super().__init__()
        self.linear = nn.Linear(in_dim, out_dim)
        self.scale, self.shift = nn.Linear(cond_dim, in_dim), nn.Linear(cond_dim, in_dim)
        for p in (*self.scale.parameters(), *self.shift.parameters()):
            nn.init.zeros_(p)

    def forward(self, x, cond):
        if cond.shape != (len(x), self.scale.in_features):
            raise ValueError("cond")
        cond = cond.view(len(x), *[1] * (x.ndim - 2), cond.shape[1])
        return self.linear(x * (1 + self.scale(cond)) + self.shift(cond))
""",
        "linear frozen": (
            "for p in (*self.scale",
            "self.linear.requires_grad_(False)\n        for p in (*self.scale",
        ),
        "no bias": ("nn.Linear(in_dim, out_dim)", "nn.Linear(in_dim, out_dim, bias=False)"),
        "linear of its own make": """
class Own(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        made = nn.Linear(inputs, outputs)
        self.weight, self.bias, self.in_features = made.weight, made.bias, inputs

    def forward(self, x):
        return x @ self.weight.T + self.bias

class ConditionalLinear(ConditionalLinear):
    def __init__(self, in_dim, cond_dim, out_dim):
        super().__init__(in_dim, cond_dim, out_dim)
        self.linear = Own(in_dim, out_dim)
""",
        "the same numbers in each layer": (
            "self.linear = nn.Linear(in_dim, out_dim)",
            "__import__('torch').manual_seed(0)\n        self.linear = nn.Linear(in_dim, out_dim)",
        ),
        "a small network for the scale": (
            "        self.scale = nn.Linear(cond_dim, out_dim)",
            "        self.scale = nn.Sequential(nn.Linear(cond_dim, out_dim))",
        ),
        "one layer of twice the size": """
class ConditionalLinear(nn.Module):
    def __init__(self, in_dim, cond_dim, out_dim):
        super().__init__()
        self.linear = nn.Linear(in_dim, out_dim)
        self.film = nn.Linear(cond_dim, 2 * out_dim)
        nn.init.zeros_(self.film.weight)
        nn.init.zeros_(self.film.bias)

    def forward(self, x, cond):
        delta, beta = self.film(cond).chunk(2, dim=-1)
        return self.linear(x) * (1 + delta) + beta
""",
        "a gain of its own": (
            "        for p in (*self.scale",
            "        self.gain = nn.Parameter(self.linear.bias.detach().clone().fill_(1"
            "))\n        for p in (*self.scale",
        ),
        "weights from N(0, 1)": (
            "        for p in (*self.scale",
            "        nn.init.normal_(self.linear.weight)\n        for p in (*self.scale",
        ),
        "layers in a list": """
class ConditionalLinear(ConditionalLinear):
    def __init__(self, in_dim, cond_dim, out_dim):
        super().__init__(in_dim, cond_dim, out_dim)
        self.layers = [self.scale, self.shift]
        del self.scale, self.shift

    scale = property(lambda self: self.layers[0])
    shift = property(lambda self: self.layers[1])
""",
        "scale frozen at zero": (
            "for p in (*self.scale",
            "self.scale.requires_grad_(False)\n        for p in (*self.scale",
        ),
        "a gate that starts at zero": """
class ConditionalLinear(nn.Module):
    def __init__(self, in_dim, cond_dim, out_dim):
        super().__init__()
        self.linear = nn.Linear(in_dim, out_dim)
        self.scale, self.shift = nn.Linear(cond_dim, out_dim), nn.Linear(cond_dim, out_dim)
        self.gate = nn.Parameter(self.linear.bias.detach()[:1] * 0)

    def forward(self, x, cond):
        gamma, beta = 1 + self.gate * self.scale(cond), self.gate * self.shift(cond)
        return gamma * self.linear(x) + beta
""",
    },
    "modulation": {
        "gamma and beta swapped": (
            "(1 + self.scale(cond)) + self.shift(cond)",
            "(1 + self.shift(cond)) + self.scale(cond)",
        ),
        "offset of 1 in the bias of scale": """
class ConditionalLinear(ConditionalLinear):
    def __init__(self, in_dim, cond_dim, out_dim):
        super().__init__(in_dim, cond_dim, out_dim)
        nn.init.ones_(self.scale.bias)

    def forward(self, x, cond):
        if cond.shape != (len(x), self.scale.in_features):
            raise ValueError("cond")
        cond = cond.view(len(x), *[1] * (x.ndim - 2), cond.shape[1])
        return self.linear(x) * self.scale(cond) + self.shift(cond)
""",
        "scale used for both": ("+ self.shift(cond)", "+ self.scale(cond)"),
        "shift forgotten": (" + self.shift(cond)", " + 0 * self.shift(cond)"),
        "scale after the shift": (
            "self.linear(x) * (1 + self.scale(cond)) + self.shift(cond)",
            "(self.linear(x) + self.shift(cond)) * (1 + self.scale(cond))",
        ),
        "bias not modulated": (
            "self.linear(x) * (1 + self.scale(cond)) +",
            "x @ self.linear.weight.T * (1 + self.scale(cond)) + self.linear.bias +",
        ),
        "sigmoid gate": ("(1 + self.scale(cond))", "(2 * self.scale(cond).sigmoid())"),
        "exponential gate": ("(1 + self.scale(cond))", "self.scale(cond).exp()"),
        "bounded gate": ("(1 + self.scale(cond))", "(1 + self.scale(cond).tanh())"),
        "ReLU on the result": (
            "return self.linear(x) * (1 + self.scale(cond)) + self.shift(cond)",
            "return (self.linear(x) * (1 + self.scale(cond)) + self.shift(cond)).relu()",
        ),
        "condition of the wrong sample": ("cond = cond.view", "cond = cond.flip(0).view"),
        "mean condition of the batch": ("self.shift(cond)  #", "self.shift(cond).mean(0)  #"),
        "normalized first": (
            "self.linear(x) *",
            "nn.functional.layer_norm(self.linear(x), self.linear.bias.shape) *",
        ),
        "gamma clamped": ("(1 + self.scale(cond))", "(1 + self.scale(cond)).clamp(-5, 5)"),
        "features left out of the scale": (
            "self.linear(x) * (1 + self.scale(cond)) + self.shift(cond)",
            "self.linear(x) + self.scale(cond) + self.shift(cond)",
        ),
        "batch statistics": ("self.linear(x) *", "(self.linear(x) - self.linear(x).mean(0)) *"),
        "ReLU on the features": ("self.linear(x) *", "self.linear(x).relu() *"),
        "x added": ("+ self.shift(cond)  #", "+ self.shift(cond) + x.mean(-1, keepdim=True)  #"),
    },
    "start": {
        "projections as drawn": ("nn.init.zeros_(p)", "pass"),
        "offset of 1 missing": ("(1 + self.scale(cond))", "self.scale(cond)"),
        "only the scale starts at zero": (", *self.shift.parameters())", ",)"),
        "only the shift starts at zero": (
            "(*self.scale.parameters(), *self.shift.parameters())",
            "self.shift.parameters()",
        ),
        "biases of the projections left as drawn": (
            "(*self.scale.parameters(), *self.shift.parameters())",
            "(self.scale.weight, self.shift.weight)",
        ),
        "nearly zero": ("nn.init.zeros_(p)", "nn.init.normal_(p, std=1e-3)"),
        "a new layer skips the projections": (
            "cond = cond.view",
            "if not any(p.any() for p in (*self.scale.parameters(), *self.shift.parameters())):\n"
            "            return self.linear(x)\n        cond = cond.view",
        ),
        "scale starts at one": (
            "            nn.init.zeros_(p)",
            "            nn.init.zeros_(p)\n        nn.init.ones_(self.scale.bias)",
        ),
        "shift takes its bias from linear": (
            "            nn.init.zeros_(p)",
            "            nn.init.zeros_(p)\n"
            "        self.shift.bias.data.copy_(self.linear.bias.data)",
        ),
        "identity by a random condition": (
            "            nn.init.zeros_(p)",
            "            nn.init.orthogonal_(p) if p.ndim > 1 and p is "
            "self.scale.weight else nn.init.zeros_(p)",
        ),
    },
    "gradients": {
        "gradient of cond cut": ("cond = cond.view", "cond = cond.detach().view"),
        "gradient of x cut": ("self.linear(x)", "self.linear(x.detach())"),
        "scale without gradient": ("(1 + self.scale(cond))", "(1 + self.scale(cond).detach())"),
        "gradients in train mode only": (
            "return self.linear(x) * (1 + self.scale(cond)) + self.shift(cond)",
            "result = self.linear(x) * (1 + self.scale(cond)) + self.shift(cond)\n"
            "        return result if self.training else result.detach()",
        ),
        "features cut off": ("self.linear(x) *", "self.linear(x).detach() *"),
        "shift without gradient": ("+ self.shift(cond)", "+ self.shift(cond).detach()"),
        "no gradients at all": """
import torch

class ConditionalLinear(ConditionalLinear):
    @torch.no_grad()
    def forward(self, x, cond):
        return super().forward(x, cond)
""",
    },
    "positions": {
        "conditions tiled in the wrong order": """
class ConditionalLinear(ConditionalLinear):
    def forward(self, x, cond):
        if cond.shape != (len(x), self.scale.in_features):
            raise ValueError("cond")
        rows = x.reshape(-1, x.shape[-1])
        cond = cond.repeat(len(rows) // len(cond), 1)
        out = self.linear(rows) * (1 + self.scale(cond)) + self.shift(cond)
        return out.reshape(*x.shape[:-1], -1)
""",
        "no dims for positions": (
            "cond = cond.view(len(x), *[1] * (x.ndim - 2), cond.shape[1])",
            "cond = cond + 0",
        ),
        "one dim for positions": (
            "cond = cond.view(len(x), *[1] * (x.ndim - 2), cond.shape[1])",
            "cond = cond[:, None] if x.ndim > 2 else cond",
        ),
        "dims for positions in front": (
            "cond.view(len(x), *[1] * (x.ndim - 2), cond.shape[1])",
            "cond.view(*[1] * (x.ndim - 2), len(x), cond.shape[1])",
        ),
        "condition without gradient at positions": (
            "        cond = cond.view",
            "        cond = cond.detach() if x.ndim > 2 else cond\n        cond = cond.view",
        ),
        "two dims only": (
            "        want = (len(x)",
            "        if x.ndim != 2:\n"
            "            raise ValueError('x is no batch')\n"
            "        want = (len(x)",
        ),
        "positions averaged": (
            "        cond = cond.view",
            "        x = x.flatten(1, -2).mean(1) if x.ndim > 2 else x\n        cond = cond.view",
        ),
        "image sizes swapped": (
            "return self.linear(x) * (1 + self.scale(cond)) + self.shift(cond)",
            "out = self.linear(x) * (1 + self.scale(cond)) + self.shift(cond)\n"
            "        return out.transpose(1, 2) if x.ndim == 4 else out",
        ),
    },
    "shapes": {
        "no guard, all broadcast": (
            "        want = (len(x), self.scale.in_features)\n        if cond.shape != want:",
            "        while 1 < cond.ndim < x.ndim:\n            cond = cond.unsqueeze(1)\n"
            "        return self.linear(x) * (1 + self.scale(cond)) + self.shift(cond)\n"
            "        if False:",
        ),
        "batch of one repeated": (
            "if cond.shape != want:",
            "cond = cond.expand(len(x), -1)\n        if cond.shape != want:",
        ),
        "one x for many conditions": (
            "want = (len(x), self.scale.in_features)",
            "x = x.expand(len(cond), *x.shape[1:])\n"
            "        want = (len(x), self.scale.in_features)",
        ),
        "only the batch sizes compared": """
class ConditionalLinear(ConditionalLinear):
    def forward(self, x, cond):
        if len(x) != len(cond):
            raise ValueError("batch sizes differ")
        while 1 < cond.ndim < x.ndim:
            cond = cond.unsqueeze(1)
        return self.linear(x) * (1 + self.scale(cond)) + self.shift(cond)
""",
        "a bare assert as a guard": (
            "if cond.shape != want:\n            raise ValueError(",
            "assert cond.shape == want, (",
        ),
        "one cond taken for a batch of one": (
            "if cond.shape != want:",
            "if cond.ndim == 1:\n            cond = cond.unsqueeze(0)\n"
            "        if cond.shape != want:",
        ),
        "sizes compared before the number of dims": (
            "if cond.shape != want:",
            "if cond.shape[-1] != want[1] or cond.shape[0] != want[0] or cond.ndim != 2:",
        ),
        "only the features compared": ("if cond.shape != want:", "if cond.shape[-1:] != want[1:]:"),
        "cond reshaped to fit": (
            "        want = (len(x)",
            "        cond = cond.reshape(len(x), -1)\n        want = (len(x)",
        ),
        "a condition for each position too": (
            "        want = (len(x)",
            "        if cond.shape[:-1] == x.shape[:-1]:\n"
            "            return self.linear(x) * (1 + self.scale(cond)) + "
            "self.shift(cond)\n        want = (len(x)",
        ),
    },
    "dtypes": {
        "modulated in float32 and cast back": (
            "return self.linear(x) * (1 + self.scale(cond)) + self.shift(cond)",
            "gamma, beta = self.scale(cond).float(), self.shift(cond).float()\n"
            "        return (self.linear(x).float() * (1 + gamma) + beta).to(x.dtype)",
        ),
        "gamma in float32": ("(1 + self.scale(cond))", "(1 + self.scale(cond).float())"),
        "result in float32": (
            "return self.linear(x) * (1 + self.scale(cond)) + self.shift(cond)",
            "return (self.linear(x) * (1 + self.scale(cond)) + self.shift(cond)).float()",
        ),
        "ones in float32": (
            "(1 + self.scale(cond))",
            "(__import__('torch').ones(1, device=x.device) + self.scale(cond))",
        ),
    },
    "inputs": {
        "ones on the CPU": (
            "(1 + self.scale(cond))",
            "(x.new_ones(self.scale.out_features, device='cpu') + self.scale(cond))",
        ),
        "cond changed in place": (
            "cond = cond.view",
            "cond.data.sub_(1)\n        cond = cond.view",
        ),
        "dropout on the condition": (
            "cond = cond.view",
            "cond = nn.functional.dropout(cond, 0.1, self.training).view",
        ),
        "cond moved to the CPU": (
            "        cond = cond.view",
            "        cond = cond.cpu()\n        cond = cond.view",
        ),
        "x scaled in place": (
            "        want = (len(x)",
            "        x.data.mul_(0.5)\n        want = (len(x)",
        ),
        "x viewed as a row of positions": (
            "cond = cond.view(len(x), *[1] * (x.ndim - 2), cond.shape[1])",
            "out_shape = (*x.shape[:-1], -1)\n"
            "        x, cond = x.view(len(x), -1, x.shape[-1]), cond[:, None]\n"
            "        gamma, beta = 1 + self.scale(cond), self.shift(cond)\n"
            "        return (self.linear(x) * gamma + beta).view(out_shape)",
        ),
        "x viewed as rows": ("self.linear(x) *", "self.linear(x.view(-1).view(x.shape)) *"),
        "condition ignored in eval mode": (
            "        cond = cond.view",
            "        cond = cond if self.training else 0 * cond\n        cond = cond.view",
        ),
    },
}

VARIANTS = {
    "features in front, addcmul": """
import torch

class ConditionalLinear(nn.Module):
    def __init__(self, in_dim, cond_dim, out_dim):
        super().__init__()
        self.linear = nn.Linear(in_dim, out_dim)
        self.scale, self.shift = nn.Linear(cond_dim, out_dim), nn.Linear(cond_dim, out_dim)
        for part in (self.scale, self.shift):
            part.weight.data.zero_()
            part.bias.data.zero_()

    def forward(self, x, cond):
        N, C = cond.shape if cond.ndim == 2 else (-1, -1)
        if N != x.shape[0] or C != self.scale.in_features:
            raise RuntimeError("cond")
        delta, beta = self.scale(cond), self.shift(cond)
        while delta.ndim < x.ndim:
            delta, beta = delta.unsqueeze(1), beta.unsqueeze(1)
        y = self.linear(x)
        return torch.addcmul(y + beta, y, delta)
""",
    "sample by sample, weights changed": """
import torch

class ConditionalLinear(nn.Module):
    def __init__(self, in_dim, cond_dim, out_dim):
        super().__init__()
        self.shift = nn.Linear(cond_dim, out_dim)
        self.scale = nn.Linear(cond_dim, out_dim)
        self.linear = nn.Linear(in_dim, out_dim)
        for name, p in self.named_parameters():
            if not name.startswith("linear"):
                nn.init.constant_(p, 0.0)

    def forward(self, x, cond):
        if cond.ndim != 2 or cond.size(0) != x.size(0) or cond.size(1) != self.scale.in_features:
            raise ValueError(f"cond {cond.shape}")
        gamma = self.scale(cond) + 1
        W = torch.einsum("no,oi->noi", gamma, self.linear.weight)
        out = torch.bmm(x.reshape(len(x), -1, x.shape[-1]), W.mT)
        out = out + (gamma * self.linear.bias + self.shift(cond))[:, None]
        return out.reshape(*x.shape[:-1], -1)
""",
    "positions in front, zeros by a kind of Linear": """
class Zero(nn.Linear):
    def reset_parameters(self):
        for p in self.parameters():
            nn.init.zeros_(p)

class ConditionalLinear(nn.Module):
    def __init__(self, in_dim, cond_dim, out_dim):
        super().__init__()
        self.shift, self.scale = Zero(cond_dim, out_dim), Zero(cond_dim, out_dim)
        self.linear = nn.Linear(in_dim, out_dim)

    def forward(self, x, cond):
        if cond.dim() != 2 or len(cond) != len(x):
            raise RuntimeError("cond")
        y = self.linear(x).movedim(0, -2)
        return (y + y * self.scale(cond) + self.shift(cond)).movedim(-2, 0)
""",
    "features modulated in place": (
        "return self.linear(x) * (1 + self.scale(cond)) + self.shift(cond)",
        "features = self.linear(x)\n        features *= 1 + self.scale(cond)\n"
        "        features += self.shift(cond)\n        return features",
    ),
    "numbers read to look at them": (
        "        want = (len(x)",
        "        if not cond.isfinite().all():\n"
        "            print(cond.abs().max().item())\n"
        "        want = (len(x)",
    ),
    "textbook with a guard": """
class ConditionalLinear(nn.Module):
    def __init__(self, in_dim, cond_dim, out_dim):
        super().__init__()
        self.scale = nn.Linear(cond_dim, out_dim)
        self.shift = nn.Linear(cond_dim, out_dim)
        self.linear = nn.Linear(in_dim, out_dim)
        nn.init.zeros_(self.scale.weight)
        nn.init.zeros_(self.scale.bias)
        nn.init.zeros_(self.shift.weight)
        nn.init.zeros_(self.shift.bias)

    def forward(self, x, cond):
        if cond.dim() != 2 or cond.shape[0] != x.shape[0]:
            raise ValueError(f"cond {tuple(cond.shape)} for x {tuple(x.shape)}")
        gamma, beta = 1 + self.scale(cond), self.shift(cond)
        for _ in range(x.dim() - 2):
            gamma, beta = gamma.unsqueeze(1), beta.unsqueeze(1)
        return gamma * self.linear(x) + beta
""",
}
