"""Mistakes that each check must refuse, and second right answers that it must accept.

An edit is (text in the solution, text in its place), or Python text that defines some of the
solution's names anew.
"""

SLIPS = {
    "challenge_1_concatenation": {
        "cat on dim 1": ("[a, b], dim=-1", "[a, b], dim=1"),
        "cat on the batch": ("[a, b], dim=-1", "[a, b], dim=0"),
        "b first": ("torch.cat([a, b], dim=-1)", "torch.cat([b, a], dim=-1)"),
        "a forgotten": ("torch.cat([a, b], dim=-1)", "torch.cat([torch.zeros_like(a), b], dim=-1)"),
        "b of the wrong sample": (
            "torch.cat([a, b], dim=-1)",
            "torch.cat([a, b.roll(1, 0) if b.ndim > 1 else b], dim=-1)",
        ),
        "swapped inputs not noticed": ("if a.shape[-1] != self.in_a:", "if False:"),
        "assert for an error": (
            "if a.shape[-1] != self.in_a:\n            raise ValueError(",
            "assert a.shape[-1] == self.in_a, (",
        ),
        "too many features cut off": (
            "return self.linear",
            "b = b[..., : self.linear.in_features - self.in_a]\n        return self.linear",
        ),
        "one layer for each, batch of one repeated": (
            "self.linear(torch.cat([a, b], dim=-1))",
            "a @ self.linear.weight[:, : self.in_a].T + nn.functional.linear("
            "b, self.linear.weight[:, self.in_a :], self.linear.bias)",
        ),
        "expanded to one batch": (
            "return self.linear",
            "lead = torch.broadcast_shapes(a.shape[:-1], b.shape[:-1])\n"
            "        a, b = a.expand(*lead, -1), b.expand(*lead, -1)\n        return self.linear",
        ),
        "batch flattened": (
            "torch.cat([a, b], dim=-1)",
            "torch.cat([a.flatten(0, -2), b.flatten(0, -2)], dim=-1)",
        ),
        "a ReLU": ("dim=-1))", "dim=-1)).relu()"),
        "dropout": (
            "torch.cat([a, b], dim=-1)",
            "nn.functional.dropout(torch.cat([a, b], dim=-1), 0.1, self.training)",
        ),
        "no bias": ("in_a + in_b, out)", "in_a + in_b, out, bias=False)"),
        "two layers": (
            "nn.Linear(in_a + in_b, out)",
            "nn.Sequential(nn.Linear(in_a + in_b, out), nn.Linear(out, out))",
        ),
        "layer in a list": """
class ConcatBlock(nn.Module):
    def __init__(self, in_a, in_b, out):
        super().__init__()
        self.layers = [nn.Linear(in_a + in_b, out)]

    def forward(self, a, b):
        return self.layers[0](torch.cat([a, b], dim=-1))
""",
        "a new layer in each call": """
class ConcatBlock(nn.Module):
    def __init__(self, in_a, in_b, out):
        super().__init__()
        self.out = out

    def forward(self, a, b):
        joined = torch.cat([a, b], dim=-1)
        return nn.Linear(joined.shape[-1], self.out)(joined)
""",
        "a layer that waits for its first input": (
            "nn.Linear(in_a + in_b, out)",
            "nn.LazyLinear(out)",
        ),
        "weights of zero": (
            "out)\n\n    def forward",
            "out)\n        nn.init.zeros_(self.linear.weight)\n\n    def forward",
        ),
        "weights from N(0, 1)": (
            "out)\n\n    def forward",
            "out)\n        nn.init.normal_(self.linear.weight)\n\n    def forward",
        ),
        "frozen bias": (
            "out)\n\n    def forward",
            "out)\n        self.linear.bias.requires_grad_(False)\n\n    def forward",
        ),
        "float32 whatever came": ("[a, b], dim=-1))", "[a, b], dim=-1)).float()"),
        "gradient of b cut": ("[a, b]", "[a, b.detach()]"),
        "joined on the CPU": (
            "torch.cat([a, b], dim=-1)",
            "torch.cat([a, b], dim=-1, out=torch.empty(*a.shape[:-1], self.linear.in_features))",
        ),
        "a normalized in place": (
            "return self.linear",
            "a -= a.detach().mean()\n        return self.linear",
        ),
        "rows flattened and restored": (
            "self.linear(torch.cat([a, b], dim=-1))",
            "self.linear(torch.cat([a.reshape(-1, self.in_a), b.reshape(-1, b.shape[-1])], 1))"
            ".reshape(*a.shape[:-1], self.linear.out_features)",
        ),
        "b reshaped to the batch of a": (
            "return self.linear",
            "b = b.reshape(*a.shape[:-1], self.linear.in_features - self.in_a)\n"
            "        return self.linear",
        ),
        "one b for the whole batch": (
            "return self.linear",
            "if b.ndim == 1:\n            b = b.expand(*a.shape[:-1], -1)\n"
            "        return self.linear",
        ),
        "missing axes of b filled in front": (
            "return self.linear",
            "while b.ndim < a.ndim:\n            b = b.unsqueeze(0)\n        return self.linear",
        ),
        "missing axes of b expanded": (
            "return self.linear",
            "if b.ndim < a.ndim:\n            b = b.expand(*a.shape[:-1], -1)\n"
            "        return self.linear",
        ),
        "missing axes of a filled in front": (
            "return self.linear",
            "while a.ndim < b.ndim:\n            a = a.unsqueeze(0)\n        return self.linear",
        ),
        "one b for all positions": (
            "return self.linear",
            "if b.ndim == 2 and a.ndim == 3:\n"
            "            b = b.unsqueeze(1).expand(-1, a.shape[1], -1)\n        return self.linear",
        ),
        "gradients in train mode only": (
            "return self.linear",
            "with torch.set_grad_enabled(self.training):\n            return self.linear",
        ),
        "result clamped": ("dim=-1))", "dim=-1)).clamp(-10, 10)"),
        "the same values in each block": (
            "super().__init__()",
            "super().__init__()\n        torch.manual_seed(0)",
        ),
    },
    "challenge_2_conditioning": {
        "ReLU after cat": (
            "hidden = self.embed(x).relu()  # (*, h)\n"
            "        return self.classify(torch.cat([hidden, c], dim=-1))",
            "hidden = self.embed(x)\n"
            "        return self.classify(torch.cat([hidden, c], dim=-1).relu())",
        ),
        "no ReLU": (".relu()", ""),
        "GELU": ("self.embed(x).relu()", "nn.functional.gelu(self.embed(x))"),
        "ReLU6": ("self.embed(x).relu()", "nn.functional.relu6(self.embed(x))"),
        "condition first": ("[hidden, c]", "[c, hidden]"),
        "condition joined to x": """
class ConditionalMLP(nn.Module):
    def __init__(self, in_dim, c_dim, h, num_classes):
        super().__init__()
        self.embed = nn.Linear(in_dim + c_dim, h)
        self.classify = nn.Linear(h, num_classes)

    def forward(self, x, c):
        return self.classify(self.embed(torch.cat([x, c], dim=-1)).relu())
""",
        "condition ignored": ("[hidden, c]", "[hidden, torch.zeros_like(c)]"),
        "condition with layers of its own": """
class ConditionalMLP(nn.Module):
    def __init__(self, in_dim, c_dim, h, num_classes):
        super().__init__()
        self.embed, self.embed_c = nn.Linear(in_dim, h), nn.Linear(c_dim, h)
        self.classify = nn.Linear(2 * h, num_classes)

    def forward(self, x, c):
        return self.classify(torch.cat([self.embed(x).relu(), self.embed_c(c)], dim=-1))
""",
        "softmax": ("dim=-1))  # (*, h + c_dim)", "dim=-1)).softmax(-1)  # (*, h + c_dim)"),
        "softmax in eval mode": (
            "return self.classify(torch.cat([hidden, c], dim=-1))",
            "logits = self.classify(torch.cat([hidden, c], dim=-1))\n"
            "        return logits if self.training else logits.softmax(-1)",
        ),
        "log-softmax": ("dim=-1))  # (*, h + c_dim)", "dim=-1)).log_softmax(-1)  # (*, h + c_dim)"),
        "ReLU on the logits": ("dim=-1))  # (*, h + c_dim)", "dim=-1)).relu()  # (*, h + c_dim)"),
        "dropout": (
            "self.embed(x).relu()",
            "nn.functional.dropout(self.embed(x).relu(), 0.1, self.training)",
        ),
        "cat on dim 1": ("[hidden, c], dim=-1", "[hidden, c], dim=1"),
        "batch of one repeated": (
            "return self.classify",
            "c = c.expand(*hidden.shape[:-1], -1)\n        return self.classify",
        ),
        "two products, batch of one repeated": (
            "self.classify(torch.cat([hidden, c], dim=-1))",
            "nn.functional.linear(hidden, self.classify.weight[:, : hidden.shape[-1]], "
            "self.classify.bias) + c @ self.classify.weight[:, hidden.shape[-1] :].T",
        ),
        "no bias": ("nn.Linear(in_dim, h)", "nn.Linear(in_dim, h, bias=False)"),
        "no bias in the head": ("c_dim, num_classes)\n", "c_dim, num_classes, bias=False)\n"),
        "head without room for c": ("nn.Linear(h + c_dim,", "nn.Linear(h,"),
        "head initialized to zero": (
            "c_dim, num_classes)\n",
            "c_dim, num_classes)\n        nn.init.zeros_(self.classify.bias)\n",
        ),
        "gradient of c cut": ("[hidden, c]", "[hidden, c.detach()]"),
        "gradient of x cut": ("self.embed(x)", "self.embed(x.detach())"),
        "first layer frozen": ("self.embed(x).relu()", "self.embed(x).relu().detach()"),
        "float32 whatever came": ("dim=-1))  # (*, h + c_dim)", "dim=-1)).float()  # (*, h"),
        "c clipped in place": (
            "hidden = self",
            "c.data.clamp_(0)\n        hidden = self",
        ),
        "x rectified": ("self.embed(x)", "self.embed(x.relu())"),
        "noise tensor on the CPU": (".relu()", ".relu() + torch.zeros(1, device='cpu')"),
        "rows flattened and restored": (
            "self.classify(torch.cat([hidden, c], dim=-1))",
            "self.classify(torch.cat([hidden.flatten(0, -2) if hidden.ndim > 1 else hidden[None], "
            "c.reshape(-1, c.shape[-1])], 1)).reshape(*x.shape[:-1], self.classify.out_features)",
        ),
        "c reshaped to the batch of x": (
            "return self.classify",
            "size = self.classify.in_features - self.embed.out_features\n"
            "        c = c.reshape(*x.shape[:-1], size)\n        return self.classify",
        ),
        "one c for the whole batch": (
            "return self.classify",
            "if c.ndim == 1:\n            c = c.expand(*x.shape[:-1], -1)\n"
            "        return self.classify",
        ),
        "missing axes of c expanded": (
            "return self.classify",
            "if c.ndim < x.ndim:\n            c = c.expand(*x.shape[:-1], -1)\n"
            "        return self.classify",
        ),
        "one c for all positions": (
            "return self.classify",
            "if c.ndim == 2 and x.ndim == 3:\n"
            "            c = c.unsqueeze(1).expand(-1, x.shape[1], -1)\n"
            "        return self.classify",
        ),
        "condition clamped": ("[hidden, c]", "[hidden, c.clamp(-5, 5)]"),
        "gradients in train mode only": (
            "return self.classify",
            "with torch.set_grad_enabled(self.training):\n            return self.classify",
        ),
        "the same values in each model": (
            "super().__init__()",
            "super().__init__()\n        torch.manual_seed(0)",
        ),
    },
    "challenge_3_connecting": {
        "head fed the raw input": ("self.decoder(features)", "self.decoder(x)"),
        "head fed the raw input where it fits": (
            "self.decoder(features)",
            "self.decoder(x if x.shape == features.shape else features)",
        ),
        "parts in a list": """
class FullModel(nn.Module):
    def __init__(self, in_dim, hidden, out_dim):
        super().__init__()
        self.parts = [Encoder(in_dim, hidden), Decoder(hidden, out_dim)]

    encoder = property(lambda self: self.parts[0])
    decoder = property(lambda self: self.parts[1])

    def forward(self, x):
        return self.decoder(self.encoder(x))
""",
        "parts in a Sequential too": """
class FullModel(nn.Module):
    def __init__(self, in_dim, hidden, out_dim):
        super().__init__()
        self.encoder, self.decoder = Encoder(in_dim, hidden), Decoder(hidden, out_dim)
        self.net = nn.Sequential(self.encoder, self.decoder)

    def forward(self, x):
        return self.net(x)
""",
        "old parts kept in a list": """
class FullModel(nn.Module):
    def __init__(self, in_dim, hidden, out_dim):
        super().__init__()
        self.encoder, self.decoder = Encoder(in_dim, hidden), Decoder(hidden, out_dim)
        self.parts = [self.encoder, self.decoder]

    def forward(self, x):
        for part in self.parts:
            x = part(x)
        return x
""",
        "parts under other names": """
class FullModel(nn.Module):
    def __init__(self, in_dim, hidden, out_dim):
        super().__init__()
        self.net = nn.Sequential(Encoder(in_dim, hidden), Decoder(hidden, out_dim))

    encoder = property(lambda self: self.net[0])
    decoder = property(lambda self: self.net[1])

    def forward(self, x):
        return self.net(x)
""",
        "parts built anew in each call": (
            "self.encoder(x)",
            "Encoder(x.shape[-1], self.encoder.linear.out_features)(x)",
        ),
        "inside of this encoder used": ("self.encoder(x)  #", "self.encoder.linear(x).relu()  #"),
        "forward called by name": ("self.encoder(x)", "self.encoder.forward(x)"),
        "forward of the head called by name": (
            "self.decoder(features)",
            "self.decoder.forward(features)",
        ),
        "encoder called twice": (
            "return self.decoder(features)",
            "features = self.encoder(x)\n        return self.decoder(features)",
        ),
        "x flattened": ("self.encoder(x)", "self.encoder(x.flatten(1) if x.ndim > 2 else x)"),
        "x cast": ("self.encoder(x)", "self.encoder(x.float())"),
        "x cast to the decoder's dtype": (
            "self.encoder(x)",
            "self.encoder(x.to(next(self.decoder.parameters()).dtype))",
        ),
        "encoder of one type only": (
            "features = self.encoder(x)",
            "if not isinstance(self.encoder, Encoder):\n"
            "            raise TypeError\n        features = self.encoder(x)",
        ),
        "positions flattened and restored": (
            "features = self.encoder(x)  # (*, hidden)\n        return self.decoder(features)",
            "features = self.encoder(x.reshape(-1, x.shape[-1]))\n"
            "        return self.decoder(features).reshape(*x.shape[:-1], -1)",
        ),
        "features cast to the dtype of x": (
            "self.decoder(features)",
            "self.decoder(features.to(x.dtype))",
        ),
        "features rectified once more": ("self.decoder(features)", "self.decoder(features.relu())"),
        "features detached": ("self.decoder(features)", "self.decoder(features.detach())"),
        "encoder without gradients": """
import torch

class FullModel(FullModel):
    def forward(self, x):
        with torch.no_grad():
            features = self.encoder(x)
        return self.decoder(features)
""",
        "encoder in eval mode": ("self.encoder(x)", "self.encoder.eval()(x)"),
        "mode not passed on": (
            "def forward(self, x: Tensor) -> Tensor:\n        features",
            "def train(self, mode=True):\n        self.training = mode\n        return self\n\n"
            "    def forward(self, x: Tensor) -> Tensor:\n        features",
        ),
        "no ReLU": ("self.linear(x).relu()", "self.linear(x)"),
        "ReLU in the decoder": ("self.linear(features)", "self.linear(features).relu()"),
        "softmax in the decoder": ("self.linear(features)", "self.linear(features).softmax(-1)"),
        "ReLU in the model": ("self.decoder(features)", "self.decoder(features).relu()"),
        "ReLU only in the model": """
class Encoder(nn.Module):
    def __init__(self, in_dim, hidden):
        super().__init__()
        self.linear = nn.Linear(in_dim, hidden)

    def forward(self, x):
        return self.linear(x)

class FullModel(nn.Module):
    def __init__(self, in_dim, hidden, out_dim):
        super().__init__()
        self.encoder, self.decoder = Encoder(in_dim, hidden), Decoder(hidden, out_dim)

    def forward(self, x):
        return self.decoder(self.encoder(x).relu())
""",
        "no bias": ("nn.Linear(in_dim, hidden)", "nn.Linear(in_dim, hidden, bias=False)"),
        "no bias in the decoder": (
            "nn.Linear(hidden, out_dim)",
            "nn.Linear(hidden, out_dim, bias=False)",
        ),
        "decoder initialized to zero": (
            "self.linear = nn.Linear(hidden, out_dim)",
            "self.linear = nn.Linear(hidden, out_dim)\n        nn.init.zeros_(self.linear.weight)",
        ),
        "sizes of the parts swapped": ("Decoder(hidden, out_dim)\n", "Decoder(out_dim, hidden)\n"),
        "input rectified in place": (
            "return self.linear(x).relu()",
            "x.data.relu_()\n        return self.linear(x).relu()",
        ),
        "a third layer": (
            "        self.decoder = Decoder(hidden, out_dim)",
            "        self.decoder = Decoder(hidden, out_dim)\n"
            "        self.norm = nn.LayerNorm(hidden)",
        ),
        "features squeezed": ("self.decoder(features)", "self.decoder(features.squeeze())"),
        "result squeezed": ("self.decoder(features)", "self.decoder(features).squeeze()"),
        "a batch made of one sample": (
            "features = self.encoder(x)",
            "if x.ndim == 1:\n            return self.decoder(self.encoder(x[None]))[0]\n"
            "        features = self.encoder(x)",
        ),
        "features in rows for the decoder": (
            "self.decoder(features)",
            "self.decoder(features.reshape(-1, features.shape[-1]))"
            ".reshape(*features.shape[:-1], -1)",
        ),
        "x moved to the first parameter's device": (
            "self.encoder(x)",
            "self.encoder(x.to(next(self.parameters()).device))",
        ),
        "x moved to the encoder's device": (
            "self.encoder(x)",
            "self.encoder(x.to(next(self.encoder.parameters()).device))",
        ),
        "features cast to the decoder's dtype": (
            "self.decoder(features)",
            "self.decoder(features.to(next(self.decoder.parameters()).dtype))",
        ),
        "no graph through a frozen encoder": """
import torch

class FullModel(FullModel):
    def forward(self, x):
        with torch.set_grad_enabled(any(p.requires_grad for p in self.encoder.parameters())):
            features = self.encoder(x)
        return self.decoder(features)
""",
        "only a new encoder noticed": """
class FullModel(FullModel):
    seen = None

    def forward(self, x):
        if self.seen != id(self.encoder):
            self.seen, parts = id(self.encoder), (self.encoder, self.decoder)
            self.call = lambda x: parts[1](parts[0](x))
        return self.call(x)
""",
        "a layer that waits for its first input": (
            "nn.Linear(hidden, out_dim)",
            "nn.LazyLinear(out_dim)",
        ),
    },
    "challenge_4_film": {
        "offset of 1 missing": ("(1 + self.scale(cond))", "self.scale(cond)"),
        "offset of 1 in the bias": """
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
        "gamma and beta swapped": (
            "(1 + self.scale(cond)) + self.shift(cond)",
            "(1 + self.shift(cond)) + self.scale(cond)",
        ),
        "one projection for both": (
            "self.scale = nn.Linear(cond_dim, out_dim)\n"
            "        self.shift = nn.Linear(cond_dim, out_dim)",
            "self.scale = self.shift = nn.Linear(cond_dim, out_dim)",
        ),
        "scale used for both": ("+ self.shift(cond)", "+ self.scale(cond)"),
        "shift forgotten": (" + self.shift(cond)", " + 0 * self.shift(cond)"),
        "scale after the shift": (
            "self.linear(x) * (1 + self.scale(cond)) + self.shift(cond)",
            "(self.linear(x) + self.shift(cond)) * (1 + self.scale(cond))",
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
        "bias not modulated": (
            "self.linear(x) * (1 + self.scale(cond)) +",
            "x @ self.linear.weight.T * (1 + self.scale(cond)) + self.linear.bias +",
        ),
        "projections as drawn": ("nn.init.zeros_(p)", "pass"),
        "only the scale starts at zero": (", *self.shift.parameters())", ",)"),
        "only the shift starts at zero": (
            "(*self.scale.parameters(), *self.shift.parameters())",
            "self.shift.parameters()",
        ),
        "biases of the projections left as drawn": (
            "(*self.scale.parameters(), *self.shift.parameters())",
            "(self.scale.weight, self.shift.weight)",
        ),
        "linear starts at zero too": ("in (*self.scale.parameters(),", "in (*self.parameters(),"),
        "nearly zero": ("nn.init.zeros_(p)", "nn.init.normal_(p, std=1e-3)"),
        "sigmoid gate": ("(1 + self.scale(cond))", "(2 * self.scale(cond).sigmoid())"),
        "exponential gate": ("(1 + self.scale(cond))", "self.scale(cond).exp()"),
        "bounded gate": ("(1 + self.scale(cond))", "(1 + self.scale(cond).tanh())"),
        "ReLU": (
            "return self.linear(x) * (1 + self.scale(cond)) + self.shift(cond)",
            "return (self.linear(x) * (1 + self.scale(cond)) + self.shift(cond)).relu()",
        ),
        "condition of the wrong sample": ("cond = cond.view", "cond = cond.flip(0).view"),
        "mean condition of the batch": ("self.shift(cond)  #", "self.shift(cond).mean(0)  #"),
        "no axes for positions": (
            "cond = cond.view(len(x), *[1] * (x.ndim - 2), cond.shape[1])",
            "cond = cond + 0",
        ),
        "one axis for positions": (
            "cond = cond.view(len(x), *[1] * (x.ndim - 2), cond.shape[1])",
            "cond = cond[:, None] if x.ndim > 2 else cond",
        ),
        "axes for positions in front": (
            "cond.view(len(x), *[1] * (x.ndim - 2), cond.shape[1])",
            "cond.view(*[1] * (x.ndim - 2), len(x), cond.shape[1])",
        ),
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
        "a new layer skips the projections": (
            "cond = cond.view",
            "if not any(p.any() for p in (*self.scale.parameters(), *self.shift.parameters())):\n"
            "            return self.linear(x)\n        cond = cond.view",
        ),
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
        "assert for an error": (
            "if cond.shape != want:\n            raise ValueError(",
            "assert cond.shape == want, (",
        ),
        "gradient of cond cut": ("cond = cond.view", "cond = cond.detach().view"),
        "gradient of x cut": ("self.linear(x)", "self.linear(x.detach())"),
        "scale without gradient": ("(1 + self.scale(cond))", "(1 + self.scale(cond).detach())"),
        "linear frozen": (
            "for p in (*self.scale",
            "self.linear.requires_grad_(False)\n        for p in (*self.scale",
        ),
        "ones on the CPU": (
            "(1 + self.scale(cond))",
            "(x.new_ones(self.scale.out_features, device='cpu') + self.scale(cond))",
        ),
        "gamma in float32": ("(1 + self.scale(cond))", "(1 + self.scale(cond).float())"),
        "cond changed in place": (
            "cond = cond.view",
            "cond.data.sub_(1)\n        cond = cond.view",
        ),
        "dropout on the condition": (
            "cond = cond.view",
            "cond = nn.functional.dropout(cond, 0.1, self.training).view",
        ),
        "no bias": ("nn.Linear(in_dim, out_dim)", "nn.Linear(in_dim, out_dim, bias=False)"),
        "normalized first": (
            "self.linear(x) *",
            "nn.functional.layer_norm(self.linear(x), self.linear.bias.shape) *",
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
        "gamma clamped": ("(1 + self.scale(cond))", "(1 + self.scale(cond)).clamp(-5, 5)"),
        "gradients in train mode only": (
            "return self.linear(x) * (1 + self.scale(cond)) + self.shift(cond)",
            "result = self.linear(x) * (1 + self.scale(cond)) + self.shift(cond)\n"
            "        return result if self.training else result.detach()",
        ),
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
        "the same values in each layer": (
            "self.linear = nn.Linear(in_dim, out_dim)",
            "__import__('torch').manual_seed(0)\n        self.linear = nn.Linear(in_dim, out_dim)",
        ),
    },
}

VARIANTS = {
    "challenge_1_concatenation": {
        "a product for each input": """
class ConcatBlock(nn.Module):
    def __init__(self, in_a, in_b, out):
        super().__init__()
        self.sizes = (in_a, in_b)
        self.layer = nn.Linear(sum(self.sizes), out)

    def forward(self, a, b):
        if (a.shape[-1], b.shape[-1]) != self.sizes or a.shape[:-1] != b.shape[:-1]:
            raise RuntimeError(f"{a.shape} and {b.shape}")
        for_a, for_b = self.layer.weight.split(self.sizes, dim=1)
        return nn.functional.linear(a, for_a, self.layer.bias) + nn.functional.linear(b, for_b)
""",
        "parameters by hand, joined by slices": """
class ConcatBlock(nn.Module):
    def __init__(self, in_a, in_b, out):
        super().__init__()
        bound = (in_a + in_b) ** -0.5
        self.shift = nn.Parameter(torch.empty(out).uniform_(-bound, bound))
        self.matrix = nn.Parameter((2 * torch.rand(out, in_a + in_b) - 1) * bound)
        self.in_a, self.in_b = in_a, in_b

    def forward(self, a, b):
        if list(a.shape) != [*b.shape[:-1], self.in_a] or b.shape[-1] != self.in_b:
            raise ValueError("sizes do not fit")
        joined = a.new_empty(*a.shape[:-1], self.in_a + self.in_b)
        joined[..., : self.in_a] = a
        joined[..., self.in_a :] = b
        return torch.einsum("...i,oi->...o", joined, self.matrix) + self.shift
""",
        "a linear layer that joins first": """
class ConcatBlock(nn.Linear):
    def __init__(self, in_a, in_b, out):
        super().__init__(in_a + in_b, out)
        self.in_b = in_b

    def forward(self, a, b):
        if b.size(-1) != self.in_b:
            raise ValueError(f"b has {b.size(-1)} features")
        return super().forward(torch.concat((a, b), dim=a.ndim - 1))
""",
    },
    "challenge_2_conditioning": {
        "sequential and in-place ReLU": """
class ConditionalMLP(nn.Module):
    def __init__(self, in_dim, c_dim, h, num_classes):
        super().__init__()
        self.fc = nn.Linear(h + c_dim, num_classes)
        self.trunk = nn.Sequential(nn.Linear(in_dim, h), nn.ReLU(inplace=True))

    def forward(self, x, c):
        return self.fc(torch.cat((self.trunk(x), c), -1))
""",
        "the condition as a bias": """
class ConditionalMLP(nn.Module):
    def __init__(self, in_dim, c_dim, h, num_classes):
        super().__init__()
        self.h, self.c_dim = h, c_dim
        self.layers = nn.ModuleList([nn.Linear(in_dim, h), nn.Linear(h + c_dim, num_classes)])

    def forward(self, x, c):
        if x.shape[:-1] != c.shape[:-1]:
            raise ValueError(f"{x.shape} beside {c.shape}")
        first, last = self.layers
        hidden = torch.clamp(first(x), min=0)
        of_hidden, of_c = last.weight.split([self.h, self.c_dim], dim=1)
        return hidden @ of_hidden.mT + nn.functional.linear(c, of_c, last.bias)
""",
    },
    "challenge_3_connecting": {
        "all of them Sequential": """
from collections import OrderedDict

class Encoder(nn.Sequential):
    def __init__(self, in_dim, hidden):
        super().__init__(nn.Linear(in_dim, hidden), nn.ReLU(inplace=True))

class Decoder(nn.Linear):
    def __init__(self, hidden, out_dim):
        super().__init__(hidden, out_dim)

class FullModel(nn.Sequential):
    def __init__(self, in_dim, hidden, out_dim):
        parts = {"encoder": Encoder(in_dim, hidden), "decoder": Decoder(hidden, out_dim)}
        super().__init__(OrderedDict(parts))
""",
        "parts looked up by name, parameters by hand": """
import torch

class Part(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        bound = inputs**-0.5
        self.b = nn.Parameter(torch.empty(outputs).uniform_(-bound, bound))
        self.W = nn.Parameter(torch.empty(outputs, inputs).uniform_(-bound, bound))

    def forward(self, x):
        return x @ self.W.T + self.b

class Encoder(Part):
    def forward(self, x):
        return super().forward(x).clamp(min=0)

class Decoder(Part):
    pass

class FullModel(nn.Module):
    def __init__(self, in_dim, hidden, out_dim):
        super().__init__()
        self.add_module("decoder", Decoder(hidden, out_dim))
        self.add_module("encoder", Encoder(in_dim, hidden))

    def forward(self, x):
        for name in ("encoder", "decoder"):
            x = getattr(self, name)(x)
        return x
""",
    },
    "challenge_4_film": {
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
    },
}
