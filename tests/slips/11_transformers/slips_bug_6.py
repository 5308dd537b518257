"""Mistakes by the label that must refuse them, and second right answers."""

KIND = "    if isinstance(module, nn.Linear | nn.Embedding):\n"
DRAW = "        nn.init.normal_(module.weight, std=0.02)\n"
BIAS = "    if isinstance(module, nn.Linear) and module.bias is not None:\n"
ZERO = "        nn.init.zeros_(module.bias)\n"
APPLY = "        self.apply(init_weights)\n"
NEW = "        module.weight = nn.Parameter(0.02 * module.weight.detach().clone().normal_())\n"
TIE = "        self.head.weight = self.token.weight\n"


def draw(lines):
    return DRAW, "        import torch\n\n" + lines


def then(lines):
    return DRAW, "        import torch\n\n" + DRAW + lines


def also(lines):
    return ZERO, ZERO + lines


SLIPS = {
    "model": {
        "a head without bias gets a weight of its own": then(
            "        if isinstance(module, nn.Linear) and module.bias is None:\n"
            "            own = nn.Parameter(module.weight.detach().clone())\n"
            "            module.weight = own.requires_grad_(module.weight.requires_grad)\n"
        ),
        "as handed out": draw(NEW),
        "as handed out, tied again by the model": """
import torch

def init_weights(module):
    if isinstance(module, nn.Linear | nn.Embedding):
        module.weight = nn.Parameter(0.02 * torch.randn_like(module.weight))
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)

Plain = globals().get("Plain", TinyLM)

class TinyLM(Plain):
    def __init__(self, vocab_size, d_model):
        super().__init__(vocab_size, d_model)
        self.head.weight = self.token.weight

    def apply(self, function):
        super().apply(function)
        self.head.weight = self.token.weight
        return self
""",
        "tied again by the names of TinyLM": (
            DRAW + BIAS + ZERO,
            NEW + BIAS + ZERO + "    if isinstance(module, TinyLM):\n"
            "        module.head.weight = module.token.weight\n",
        ),
        "the head left out of the model": (TIE, ""),
        "tied by numbers alone": (
            TIE,
            "        self.head.weight = nn.Parameter(self.token.weight.detach())\n",
        ),
        "the model begins with its table alone": (
            APPLY,
            "        nn.init.normal_(self.token.weight, std=0.02)\n",
        ),
        "new weights for tables alone": draw(
            "        if isinstance(module, nn.Embedding):\n    "
            + NEW
            + "        else:\n    "
            + DRAW
        ),
        "new weights for Linears alone": draw(
            "        if isinstance(module, nn.Linear):\n    " + NEW + "        else:\n    " + DRAW
        ),
        "every bias made where there was none": (
            BIAS + ZERO,
            "    if isinstance(module, nn.Linear):\n"
            "        module.bias = nn.Parameter(module.weight.new_zeros(module.out_features))\n",
        ),
        "biases taken away": (ZERO, "        module.bias = None\n"),
        "a new weight in eval mode": then(
            "        if not module.training and isinstance(module, nn.Embedding):\n"
            "            module.weight = nn.Parameter(module.weight.detach().clone())\n"
        ),
    },
    "optimizer": {
        "a new parameter, the same for all that shared": """
import torch

NEW = {}

def init_weights(module):
    if isinstance(module, nn.Linear | nn.Embedding):
        old = module.weight
        if id(old) not in NEW:
            new = nn.Parameter(0.02 * torch.randn_like(old), requires_grad=old.requires_grad)
            new.grad = old.grad
            NEW[id(old)] = old, new
        module.weight = NEW[id(old)][1]
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
""",
        "a new bias": (
            ZERO,
            "        old = module.bias\n"
            "        new = nn.Parameter(0 * old.detach(), requires_grad=old.requires_grad)\n"
            "        module.bias, new.grad = new, old.grad\n",
        ),
        "a new bias where gradients are asked for": (
            ZERO,
            "        if module.bias.requires_grad and module.bias.grad is None:\n"
            "            module.bias = nn.Parameter(0 * module.bias.detach())\n"
            "        else:\n    " + ZERO,
        ),
        "a hook that stops the gradient": then(
            "        if module.weight.requires_grad:\n"
            "            module.weight.register_hook(torch.zeros_like)\n"
        ),
    },
    "values": {
        "uniform": draw("        nn.init.uniform_(module.weight, -0.0346, 0.0346)\n"),
        "0.02 as the variance": (DRAW, DRAW.replace("0.02", "0.02**0.5")),
        "0.02 squared": (DRAW, DRAW.replace("0.02", "0.02**2")),
        "biases times 0": (ZERO, "        module.bias.data.mul_(0)\n"),
        "weights times 0, then noise": draw(
            "        module.weight.data.mul_(0).add_(0.02 * torch.randn_like(module.weight))\n"
        ),
        "begun once, with a mark": (
            KIND,
            "    if getattr(module, 'begun', False):\n        return\n"
            "    module.begun = True\n" + KIND,
        ),
        "Xavier": draw("        nn.init.xavier_normal_(module.weight)\n"),
        "tables at 1, as torch has them": then(
            "        if isinstance(module, nn.Embedding):\n"
            "            nn.init.normal_(module.weight)\n"
        ),
        "Linears left as they are": (
            KIND,
            KIND.replace("nn.Linear | nn.Embedding", "nn.Embedding"),
        ),
        "tables left as they are": (KIND, KIND.replace("nn.Linear | nn.Embedding", "nn.Linear")),
        "old weights made smaller": draw(
            "        with torch.no_grad():\n            module.weight.mul_(0.02)\n"
        ),
        "biases left as they are": (BIAS + ZERO, ""),
        "biases drawn, too": (ZERO, "        nn.init.normal_(module.bias, std=0.02)\n"),
        "row 0 of tables set to 0": then(
            "        if isinstance(module, nn.Embedding):\n            module.weight.data[0] = 0\n"
        ),
        "one seed for all": then("        torch.manual_seed(0)\n"),
        "a mean of 0.02": (DRAW, DRAW.replace("std=0.02", "mean=0.02, std=0.02")),
        "cut at two standard deviations": draw(
            "        nn.init.trunc_normal_(module.weight, std=0.02, a=-0.04, b=0.04)\n"
        ),
        "a generator of its own": draw(
            "        own = torch.Generator().manual_seed(module.weight.numel())\n"
            "        nn.init.normal_(module.weight, std=0.02, generator=own)\n"
        ),
        "a crash without bias": (BIAS, BIAS.replace(" and module.bias is not None", "")),
        "biases of 1": (ZERO, ZERO.replace("zeros_", "ones_")),
    },
    "others": {
        "norms begin anew, too": also(
            "    if isinstance(module, nn.LayerNorm):\n        nn.init.ones_(module.weight)\n"
        ),
        "all that has a weight": (
            KIND,
            "    if isinstance(getattr(module, 'weight', None), nn.Parameter):\n",
        ),
        "biases of all": (
            BIAS,
            "    if isinstance(getattr(module, 'bias', None), nn.Parameter):\n",
        ),
        "reset_parameters of all": (
            KIND,
            "    if isinstance(module, nn.EmbeddingBag | nn.Conv1d):\n"
            "        module.reset_parameters()\n" + KIND,
        ),
        "everything put in train mode": also("    module.train()\n"),
        "everything put in eval mode": also("    module.eval()\n"),
        "gradients on afterwards": draw(
            "        torch.set_grad_enabled(False)\n"
            "        module.weight.normal_(std=0.02)\n"
            "        torch.set_grad_enabled(True)\n"
        ),
        "parameters of the model itself": also(
            "    for p in module.parameters(recurse=False):\n"
            "        if p.dim() == 1 and not isinstance(module, nn.Linear):\n"
            "            nn.init.zeros_(p)\n"
        ),
        "running means begin anew": also(
            "    if isinstance(module, nn.BatchNorm1d):\n        module.running_mean.fill_(0.5)\n"
        ),
        "a buffer more": also(
            "    import torch\n\n    module.register_buffer('begun', torch.ones(1))\n"
        ),
    },
    "frozen": {
        "all weights ask for gradients": then("        module.weight.requires_grad_(True)\n"),
        "all biases ask for gradients": also("        module.bias.requires_grad_(True)\n"),
        "weights in float32": draw(
            "        module.weight.data = 0.02 * torch.randn(module.weight.shape)\n"
        ),
        "gradients dropped": then("        module.weight.grad = None\n"),
        "gradients set to zero": then(
            "        if module.weight.grad is not None:\n            module.weight.grad.zero_()\n"
        ),
        "frozen weights left out": (
            KIND,
            "    frozen = hasattr(module, 'weight') and not module.weight.requires_grad\n"
            + KIND.replace("if ", "if not frozen and "),
        ),
        "frozen biases left out": (BIAS, BIAS[:-2] + " and module.bias.requires_grad:\n"),
        "a graph kept": draw(
            "        drawn = 0.02 * torch.randn_like(module.weight) + 0 * module.weight\n"
            "        del module.weight\n        module.weight = drawn\n"
        ),
    },
    "kinds": {
        "these two classes alone": (KIND, "    if type(module) in (nn.Linear, nn.Embedding):\n"),
        "subclasses of Linear left out": (
            KIND,
            "    if type(module) is nn.Linear or isinstance(module, nn.Embedding):\n",
        ),
        "subclasses of Embedding left out": (
            KIND,
            "    if type(module) is nn.Embedding or isinstance(module, nn.Linear):\n",
        ),
        "biases of Linear alone": (
            BIAS,
            "    if type(module) is nn.Linear and module.bias is not None:\n",
        ),
        "all that is inside, too": """
def init_weights(module):
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            nn.init.normal_(part.weight, std=0.02)
        if isinstance(part, nn.Linear) and part.bias is not None:
            nn.init.zeros_(part.bias)
""",
        "children of a layer, too": also(
            "    if isinstance(module, nn.Linear):\n"
            "        for part in module.children():\n            init_weights(part)\n"
        ),
    },
}

VARIANTS = {
    "under no_grad": draw(
        "        with torch.no_grad():\n            module.weight.normal_(0.0, 0.02)\n"
    ),
    "data": draw("        module.weight.data.normal_(mean=0.0, std=0.02)\n"),
    "0 in the row of padding_idx": then(
        "        if getattr(module, 'padding_idx', None) is not None:\n"
        "            module.weight.data[module.padding_idx] = 0\n"
    ),
    "another storage": draw(
        "        module.weight.data = 0.02 * torch.randn_like(module.weight)\n"
    ),
    "copied": draw(
        "        with torch.no_grad():\n"
        "            module.weight.copy_(0.02 * torch.randn_like(module.weight))\n"
    ),
    "tied after apply": (
        TIE + APPLY,
        APPLY + TIE,
    ),
    "two branches": (
        KIND + DRAW + BIAS + ZERO,
        "    if isinstance(module, nn.Embedding):\n"
        + DRAW
        + "    elif isinstance(module, nn.Linear):\n"
        + DRAW
        + "        if module.bias is not None:\n            module.bias.data.zero_()\n",
    ),
}
