"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "encoder": {
        "encoder without ReLU": ("self.linear(x).relu()", "self.linear(x)"),
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
        "GELU for ReLU": ("self.linear(x).relu()", "nn.functional.gelu(self.linear(x))"),
        "features limited to 6": ("self.linear(x).relu()", "nn.functional.relu6(self.linear(x))"),
        "dropout in the encoder": (
            "self.linear(x).relu()",
            "nn.functional.dropout(self.linear(x).relu(), 0.1, self.training)",
        ),
        "ReLU before the layer": ("self.linear(x).relu()", "self.linear(x.relu())"),
        "leaky ReLU": ("self.linear(x).relu()", "nn.functional.leaky_relu(self.linear(x))"),
    },
    "decoder": {
        "ReLU in the decoder": ("self.linear(features)", "self.linear(features).relu()"),
        "softmax in the decoder": ("self.linear(features)", "self.linear(features).softmax(-1)"),
        "tanh in the decoder": ("self.linear(features)", "self.linear(features).tanh()"),
        "sigmoid in eval mode": (
            "        return self.linear(features)",
            "        result = self.linear(features)\n"
            "        return result if self.training else result.sigmoid()",
        ),
    },
    "parameters": {
        "frozen encoder": (
            "self.linear = nn.Linear(in_dim, hidden)",
            "self.linear = nn.Linear(in_dim, hidden).requires_grad_(False)",
        ),
        "no bias in the encoder": (
            "nn.Linear(in_dim, hidden)",
            "nn.Linear(in_dim, hidden, bias=False)",
        ),
        "no bias in the decoder": (
            "nn.Linear(hidden, out_dim)",
            "nn.Linear(hidden, out_dim, bias=False)",
        ),
        "decoder initialized to zero": (
            "self.linear = nn.Linear(hidden, out_dim)",
            "self.linear = nn.Linear(hidden, out_dim)\n        nn.init.zeros_(self.linear.weight)",
        ),
        "a layer that waits for its first input": (
            "nn.Linear(hidden, out_dim)",
            "nn.LazyLinear(out_dim)",
        ),
        "the same numbers in each encoder": (
            "self.linear = nn.Linear(in_dim, hidden)",
            "__import__('torch').manual_seed(0)\n        self.linear = nn.Linear(in_dim, hidden)",
        ),
        "encoder of two layers": (
            "self.linear = nn.Linear(in_dim, hidden)",
            "self.linear = nn.Linear(in_dim, hidden)\n"
            "        self.more = nn.Linear(hidden, hidden)",
        ),
        "weights from N(0, 1)": (
            "self.linear = nn.Linear(hidden, out_dim)",
            "self.linear = nn.Linear(hidden, out_dim)\n        nn.init.normal_(self.linear.weight)",
        ),
    },
    "parts": {
        "plain layers for the parts": (
            "        self.encoder = Encoder(in_dim, hidden)",
            "        self.encoder = nn.Sequential(nn.Linear(in_dim, hidden), nn.ReLU())",
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
        "a third layer": (
            "        self.decoder = Decoder(hidden, out_dim)",
            "        self.decoder = Decoder(hidden, out_dim)\n"
            "        self.norm = nn.LayerNorm(hidden)",
        ),
        "a buffer saved with the model": (
            "        self.encoder = Encoder(in_dim, hidden)",
            "        self.encoder = Encoder(in_dim, hidden)\n"
            "        self.register_buffer('version', __import__('torch').ones(1))",
        ),
        "parts in a ModuleList too": (
            "        self.decoder = Decoder(hidden, out_dim)",
            "        self.decoder = Decoder(hidden, out_dim)\n"
            "        self.parts = nn.ModuleList([self.encoder, self.decoder])",
        ),
        "parts in a dict": """
class FullModel(nn.Module):
    def __init__(self, in_dim, hidden, out_dim):
        super().__init__()
        self.parts = {"encoder": Encoder(in_dim, hidden), "decoder": Decoder(hidden, out_dim)}

    encoder = property(lambda self: self.parts["encoder"])
    decoder = property(lambda self: self.parts["decoder"])

    def forward(self, x):
        return self.decoder(self.encoder(x))
""",
        "the model an Encoder itself": """
class FullModel(Encoder):
    def __init__(self, in_dim, hidden, out_dim):
        super().__init__(in_dim, hidden)
        self.encoder, self.decoder = Encoder(in_dim, hidden), Decoder(hidden, out_dim)

    def forward(self, x):
        return self.decoder(self.encoder(x))
""",
        "an Encoder for the decoder": ("= Decoder(hidden, out_dim)", "= Encoder(hidden, out_dim)"),
    },
    "connection": {
        "head fed the raw input where it fits": (
            "self.decoder(features)",
            "self.decoder(x if x.shape == features.shape else features)",
        ),
        "sizes of the parts swapped": ("Decoder(hidden, out_dim)\n", "Decoder(out_dim, hidden)\n"),
        "head fed the raw input": ("self.decoder(features)", "self.decoder(x)"),
        "parts built anew in each call": (
            "self.encoder(x)",
            "Encoder(x.shape[-1], self.encoder.linear.out_features)(x)",
        ),
        "ReLU in the model": ("self.decoder(features)", "self.decoder(features).relu()"),
        "decoder left out": ("return self.decoder(features)", "return features"),
        "a residual around the encoder": (
            "self.decoder(features)",
            "self.decoder(features + x if x.shape == features.shape else features)",
        ),
        "dropout between the parts": (
            "self.decoder(features)",
            "self.decoder(nn.functional.dropout(features, 0.5, self.training))",
        ),
        "result normalized": ("self.decoder(features)", "self.decoder(features).softmax(-1)"),
    },
    "leading": {
        "result squeezed": ("self.decoder(features)", "self.decoder(features).squeeze()"),
        "x flattened": ("self.encoder(x)", "self.encoder(x.flatten(1) if x.ndim > 2 else x)"),
        "features squeezed": ("self.decoder(features)", "self.decoder(features.squeeze())"),
        "encoder flattens positions": (
            "self.linear(x).relu()",
            "self.linear(x.flatten(0, -2) if x.ndim > 2 else x).relu()",
        ),
        "two dims demanded": (
            "        features = self.encoder(x)",
            "        if x.ndim < 2:\n"
            "            raise ValueError('x is no batch')\n"
            "        features = self.encoder(x)",
        ),
        "sequence averaged": (
            "self.linear(features)",
            "self.linear(features.mean(1) if features.ndim > 2 else features)",
        ),
    },
    "gradients": {
        "features detached": ("self.decoder(features)", "self.decoder(features.detach())"),
        "encoder without gradients": """
import torch

class FullModel(FullModel):
    def forward(self, x):
        with torch.no_grad():
            features = self.encoder(x)
        return self.decoder(features)
""",
        "no graph through a frozen encoder": """
import torch

class FullModel(FullModel):
    def forward(self, x):
        with torch.set_grad_enabled(any(p.requires_grad for p in self.encoder.parameters())):
            features = self.encoder(x)
        return self.decoder(features)
""",
        "x detached": ("self.encoder(x)", "self.encoder(x.detach())"),
        "decoder without gradients in eval mode": """
import torch

class Decoder(Decoder):
    def forward(self, features):
        with torch.set_grad_enabled(self.training):
            return super().forward(features)
""",
        "features detached in eval mode": (
            "self.decoder(features)",
            "self.decoder(features if self.training else features.detach())",
        ),
    },
    "swap": {
        "only a new encoder noticed": """
class FullModel(FullModel):
    seen = None

    def forward(self, x):
        if self.seen != id(self.encoder):
            self.seen, parts = id(self.encoder), (self.encoder, self.decoder)
            self.call = lambda x: parts[1](parts[0](x))
        return self.call(x)
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
        "inside of this encoder used": ("self.encoder(x)  #", "self.encoder.linear(x).relu()  #"),
        "encoder of one type only": (
            "features = self.encoder(x)",
            "if not isinstance(self.encoder, Encoder):\n"
            "            raise TypeError\n        features = self.encoder(x)",
        ),
        "features rectified once more": ("self.decoder(features)", "self.decoder(features.relu())"),
        "x moved to the first parameter's device": (
            "self.encoder(x)",
            "self.encoder(x.to(next(self.parameters()).device))",
        ),
        "parts checked when set": """
class FullModel(FullModel):
    def __setattr__(self, name, value):
        if name == "encoder" and not isinstance(value, Encoder):
            raise TypeError("want an Encoder")
        super().__setattr__(name, value)
""",
        "features checked against hidden": (
            "        return self.decoder(features)",
            "        if features.shape[-1] != self.decoder.linear.in_features:\n"
            "            raise ValueError\n"
            "        return self.decoder(features)",
        ),
        "old parts kept as a spare": """
class FullModel(FullModel):
    def __init__(self, in_dim, hidden, out_dim):
        super().__init__(in_dim, hidden, out_dim)
        self.__dict__["first"] = self.encoder

    def state_dict(self, *args, **kwargs):
        found = super().state_dict(*args, **kwargs)
        if self.first is not self.encoder:
            found |= {f"first.{k}": v for k, v in self.first.state_dict().items()}
        return found
""",
        "features checked against the first hidden": """
class FullModel(FullModel):
    def __init__(self, in_dim, hidden, out_dim):
        super().__init__(in_dim, hidden, out_dim)
        self.hidden = hidden

    def forward(self, x):
        features = self.encoder(x)
        if features.shape[-1] != self.hidden:
            raise ValueError(f"{features.shape[-1]} features, want {self.hidden}")
        return self.decoder(features)
""",
    },
    "as_it_came": {
        "features cast to the dtype of x": (
            "self.decoder(features)",
            "self.decoder(features.to(x.dtype))",
        ),
        "x cast to float32": ("self.encoder(x)", "self.encoder(x.float())"),
        "x cast to the decoder's dtype": (
            "self.encoder(x)",
            "self.encoder(x.to(next(self.decoder.parameters()).dtype))",
        ),
        "positions flattened and restored": (
            "features = self.encoder(x)  # (*, hidden)\n        return self.decoder(features)",
            "features = self.encoder(x.reshape(-1, x.shape[-1]))\n"
            "        return self.decoder(features).reshape(*x.shape[:-1], -1)",
        ),
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
        "x moved to the encoder's device": (
            "self.encoder(x)",
            "self.encoder(x.to(next(self.encoder.parameters()).device))",
        ),
        "features cast to the decoder's dtype": (
            "self.decoder(features)",
            "self.decoder(features.to(next(self.decoder.parameters()).dtype))",
        ),
        "x as floats where it is integers": (
            "self.encoder(x)",
            "self.encoder(x if x.is_floating_point() else x.float())",
        ),
        "x in rows for the encoder": (
            "self.encoder(x)",
            "self.encoder(x.flatten(1) if x.ndim > 3 else x)",
        ),
        "integers refused": (
            "        features = self.encoder(x)",
            "        if not x.is_floating_point():\n"
            "            raise TypeError(f'x is {x.dtype}')\n"
            "        features = self.encoder(x)",
        ),
        "x checked against in_dim": """
class FullModel(FullModel):
    def __init__(self, in_dim, hidden, out_dim):
        super().__init__(in_dim, hidden, out_dim)
        self.in_dim = in_dim

    def forward(self, x):
        if x.shape[-1] != self.in_dim:
            raise ValueError(f"x has {x.shape[-1]} features, want {self.in_dim}")
        return super().forward(x)
""",
    },
    "calls": {
        "forward of the encoder called by name": ("self.encoder(x)", "self.encoder.forward(x)"),
        "forward of the head called by name": (
            "self.decoder(features)",
            "self.decoder.forward(features)",
        ),
        "encoder called twice": (
            "return self.decoder(features)",
            "features = self.encoder(x)\n        return self.decoder(features)",
        ),
        "decoder called twice": (
            "        return self.decoder(features)",
            "        self.decoder(features)\n        return self.decoder(features)",
        ),
        "encoder called once more for a log": (
            "        return self.decoder(features)",
            "        self.norm = self.encoder(x).detach().norm()\n"
            "        return self.decoder(features)",
        ),
    },
    "modes": {
        "encoder in eval mode": ("self.encoder(x)", "self.encoder.eval()(x)"),
        "mode not passed on": (
            "def forward(self, x: Tensor) -> Tensor:\n        features",
            "def train(self, mode=True):\n        self.training = mode\n        return self\n\n"
            "    def forward(self, x: Tensor) -> Tensor:\n        features",
        ),
        "encoder switched to train mode": (
            "self.encoder(x)",
            "self.encoder.train(self.training)(x)",
        ),
        "model put in eval mode at each call": (
            "        features = self.encoder(x)",
            "        self.eval()\n        features = self.encoder(x)",
        ),
    },
    "dtypes": {
        "result in float32": (
            "        return self.linear(features)",
            "        return self.linear(features).float()",
        ),
        "encoder in float32": (
            "return self.linear(x).relu()",
            "return nn.functional.linear(x.float(), self.linear.weight.float(), "
            "self.linear.bias.float()).relu().to(x.dtype)",
        ),
        "decoder in float32": (
            "return self.linear(features)",
            "return nn.functional.linear(features.float(), self.linear.weight.float(), "
            "self.linear.bias.float()).to(features.dtype)",
        ),
    },
    "inputs": {
        "encoder moves x to the CPU": ("self.linear(x).relu()", "self.linear(x.cpu()).relu()"),
        "input rectified in place": (
            "return self.linear(x).relu()",
            "x.data.relu_()\n        return self.linear(x).relu()",
        ),
        "x viewed as rows": (
            "self.linear(x).relu()",
            "self.linear(x.view(-1).view(x.shape)).relu()",
        ),
        "decoder halves its input in place": (
            "        return self.linear(features)",
            "        features.data.mul_(0.5)\n        return self.linear(features)",
        ),
    },
}

VARIANTS = {
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
    "textbook, decoder first": """
class FullModel(nn.Module):
    def __init__(self, in_dim, hidden, out_dim):
        super().__init__()
        self.decoder = Decoder(hidden, out_dim)
        self.encoder = Encoder(in_dim, hidden)

    def forward(self, x):
        h = self.encoder(x)
        out = self.decoder(h)
        return out
""",
    "bias first in each part": """
import torch

class Encoder(nn.Module):
    def __init__(self, in_dim, hidden):
        super().__init__()
        made = nn.Linear(in_dim, hidden)
        self.b, self.W = made.bias, made.weight

    def forward(self, x):
        return torch.relu(nn.functional.linear(x, self.W, self.b))
""",
}
