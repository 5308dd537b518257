"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "parameters": {
        "a second name for the layer in the head": (
            "        self.linear = nn.Linear(hidden, num_classes)\n",
            "        self.linear = nn.Linear(hidden, num_classes)\n"
            "        self.weight = self.linear.weight\n",
        ),
        "backbone frozen from the start": (
            "self.backbone = Backbone(c_in, h, w, hidden)",
            "self.backbone = Backbone(c_in, h, w, hidden).requires_grad_(False)",
        ),
        "a buffer beside the weights": (
            "        self.linear = nn.Linear(hidden, num_classes)\n",
            "        self.linear = nn.Linear(hidden, num_classes)\n"
            "        self.register_buffer('start', self.linear.bias.detach().clone())\n",
        ),
    },
    "backbone": {
        "no ReLU in the backbone": ("start_dim=1)).relu()", "start_dim=1))"),
        "ReLU before the layer": (
            "self.linear(x.flatten(start_dim=1)).relu()",
            "self.linear(x.flatten(start_dim=1).relu())",
        ),
        "another nonlinearity": ("start_dim=1)).relu()", "start_dim=1)).tanh()"),
        "dropout in the backbone": (
            "start_dim=1)).relu()",
            "start_dim=1)).relu() * (0.5 + 0.5 * (not self.training))",
        ),
        "squeeze of a batch of one": ("start_dim=1)).relu()", "start_dim=1)).relu().squeeze(0)"),
        "no bias in the backbone": ("c_in * h * w, hidden)", "c_in * h * w, hidden, bias=False)"),
        "height and width swapped in the guard": (
            "self.image = (c_in, h, w)",
            "self.image = (c_in, w, h)",
        ),
        "channels last": ("x.flatten(start_dim=1)", "x.movedim(1, -1).flatten(start_dim=1)"),
        "batch flattened too": ("x.flatten(start_dim=1)", "x.flatten()"),
        "channels averaged": (
            "self.linear(x.flatten(start_dim=1))",
            "self.linear(x.mean(dim=1, keepdim=True).expand_as(x).flatten(start_dim=1))",
        ),
        "images rescaled in place": (
            "        return self.linear(x.flatten(start_dim=1))",
            "        x.data.sub_(x.mean())\n        return self.linear(x.flatten(start_dim=1))",
        ),
        "a layer that waits for its first images": (
            "nn.Linear(c_in * h * w, hidden)",
            "nn.LazyLinear(hidden)",
        ),
        "columns before rows": ("x.flatten(start_dim=1)", "x.mT.flatten(start_dim=1)"),
        "leaky ReLU": (
            "return self.linear(x.flatten(start_dim=1)).relu()",
            "return nn.functional.leaky_relu(self.linear(x.flatten(start_dim=1)))",
        ),
    },
    "head": {
        "softmax in the head": (
            "        return self.linear(features)",
            "        return self.linear(features).softmax(dim=1)",
        ),
        "log-softmax in the head": (
            "        return self.linear(features)",
            "        return self.linear(features).log_softmax(dim=1)",
        ),
        "ReLU on the logits": (
            "        return self.linear(features)",
            "        return self.linear(features).relu()",
        ),
        "no bias in the head": (
            "nn.Linear(hidden, num_classes)",
            "nn.Linear(hidden, num_classes, bias=False)",
        ),
        "weight with a column for each output": """
import torch

class Head(nn.Module):
    def __init__(self, hidden, num_classes):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(hidden, num_classes))
        self.bias = nn.Parameter(torch.zeros(num_classes))

    def forward(self, features):
        return features @ self.weight + self.bias
""",
        "a hidden layer in the head": """
class Head(nn.Module):
    def __init__(self, hidden, num_classes):
        super().__init__()
        self.linear = nn.Sequential(
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, num_classes)
        )

    def forward(self, features):
        return self.linear(features)
""",
        "features rectified once more": ("self.linear(features)", "self.linear(features.relu())"),
    },
    "parts": {
        "plain layers for parts": (
            "self.head = Head(hidden, num_classes)",
            "self.head = nn.Linear(hidden, num_classes)",
        ),
        "a second name for both parts": (
            "        self.head = Head(hidden, num_classes)\n",
            "        self.head = Head(hidden, num_classes)\n"
            "        self.net = nn.Sequential(self.backbone, self.head)\n",
        ),
        "a second name for the head": (
            "        self.head = Head(hidden, num_classes)\n",
            "        self.head = Head(hidden, num_classes)\n        self.classifier = self.head\n",
        ),
        "parts under other names": """
class BackboneHeadClassifier(nn.Module):
    def __init__(self, c_in, h, w, hidden, num_classes):
        super().__init__()
        self.encoder = Backbone(c_in, h, w, hidden)
        self.classifier = Head(hidden, num_classes)

    def forward(self, x):
        return self.classifier(self.encoder(x))
""",
        "head kept out of the registry": (
            "self.head = Head(hidden, num_classes)",
            'object.__setattr__(self, "head", Head(hidden, num_classes))',
        ),
    },
    "connection": {
        "head fed the raw image where it fits": (
            "return self.head(self.backbone(x))",
            "features, flat = self.backbone(x), x.flatten(1)\n"
            "        return self.head(flat if flat.shape == features.shape else features)",
        ),
        "features cut in the classifier": (
            "self.head(self.backbone(x))",
            "self.head(self.backbone(x)[:, :6])",
        ),
        "head fed the raw image": """
class BackboneHeadClassifier(nn.Module):
    def __init__(self, c_in, h, w, hidden, num_classes):
        super().__init__()
        self.backbone = Backbone(c_in, h, w, hidden)
        self.head = Head(c_in * h * w, num_classes)

    def forward(self, x):
        self.backbone(x)
        return self.head(x.flatten(1))
""",
        "softmax in the classifier": (
            "return self.head(self.backbone(x))",
            "return self.head(self.backbone(x)).softmax(dim=1)",
        ),
        "batch of one squeezed in the classifier": (
            "return self.head(self.backbone(x))",
            "return self.head(self.backbone(x)).squeeze(0)",
        ),
    },
    "gradients": {
        "no graph in eval mode": (
            "        return self.head(self.backbone(x))",
            "        import torch\n"
            "        with torch.set_grad_enabled(self.training):\n"
            "            return self.head(self.backbone(x))",
        ),
        "backbone without gradients": (
            "        return self.head(self.backbone(x))",
            "        import torch\n"
            "        with torch.no_grad():\n            features = self.backbone(x)\n"
            "        return self.head(features)",
        ),
        "backbone detached": (
            "self.head(self.backbone(x))",
            "self.head(self.backbone(x).detach())",
        ),
        "no graph where the backbone is frozen": (
            "        return self.head(self.backbone(x))",
            "        import torch\n"
            "        with torch.set_grad_enabled(next(self.backbone.parameters()).requires_grad):\n"
            "            features = self.backbone(x)\n        return self.head(features)",
        ),
    },
    "swap": {
        "images looked at by the classifier, too": (
            "        return self.head(self.backbone(x))",
            "        self.__dict__.setdefault('image', self.backbone.image)\n"
            "        if x.shape[1:] != self.image:\n"
            "            raise ValueError(f'x has shape {tuple(x.shape)}')\n"
            "        return self.head(self.backbone(x))",
        ),
        "features flattened in front of the head": (
            "self.head(self.backbone(x))",
            "self.head(self.backbone(x).flatten(1))",
        ),
        "the first head kept for eval mode": (
            "        return self.head(self.backbone(x))",
            "        first = self.__dict__.setdefault('first', [self.head])[0]\n"
            "        return (self.head if self.training else first)(self.backbone(x))",
        ),
        "runs an own list of the parts": """
class BackboneHeadClassifier(nn.Module):
    def __init__(self, c_in, h, w, hidden, num_classes):
        super().__init__()
        self.backbone = Backbone(c_in, h, w, hidden)
        self.head = Head(hidden, num_classes)
        self.parts = [self.backbone, self.head]

    def forward(self, x):
        for part in self.parts:
            x = part(x)
        return x
""",
        "layers reached into": (
            "return self.head(self.backbone(x))",
            "return self.head.linear(self.backbone(x))",
        ),
        "parts of one type only": (
            "        return self.head(self.backbone(x))",
            "        if not isinstance(self.head, Head):\n"
            "            raise TypeError('head must be a Head')\n"
            "        return self.head(self.backbone(x))",
        ),
    },
    "images": {
        "images of the wrong size refused by luck only": ("x.shape[1:] != self.image", "False"),
        "only the number of pixels is looked at": (
            "x.shape[1:] != self.image",
            "x[0].numel() != self.linear.in_features",
        ),
        "only the last three sizes are looked at": (
            "        if x.shape[1:] != self.image:\n",
            "        x = x.reshape(-1, *x.shape[-3:])\n        if x.shape[1:] != self.image:\n",
        ),
        "assert as a guard": (
            "        if x.shape[1:] != self.image:\n            raise ValueError(",
            "        assert x.shape[1:] == self.image, (",
        ),
    },
    "calls": {
        "forward called by name": (
            "self.head(self.backbone(x))",
            "self.head.forward(self.backbone.forward(x))",
        ),
        "backbone run twice": (
            "self.head(self.backbone(x))",
            "self.head((self.backbone(x) + self.backbone(x)) / 2)",
        ),
    },
    "dtypes": {
        "logits in float32": (
            "return self.head(self.backbone(x))",
            "return self.head(self.backbone(x)).float()",
        ),
        "float32 whatever came": ("x.flatten(start_dim=1))", "x.flatten(start_dim=1).float())"),
        "x rounded to half precision": (
            "x.flatten(start_dim=1)",
            "x.half().to(x.dtype).flatten(start_dim=1)",
        ),
    },
    "inputs": {
        "view on strided images": ("x.flatten(start_dim=1)", "x.view(len(x), -1)"),
        "x moved to the CPU": ("x.flatten(start_dim=1)", "x.cpu().flatten(start_dim=1)"),
        "more features in train mode": (
            "return self.head(self.backbone(x))",
            "return self.head(self.backbone(x) + 1e-3 * self.training)",
        ),
    },
}

VARIANTS = {
    "Sequentials": """
class Backbone(nn.Sequential):
    def __init__(self, c_in, h, w, hidden):
        super().__init__(
            nn.Flatten(-3), nn.Linear(c_in * h * w, hidden, bias=True), nn.ReLU(inplace=True)
        )
        self.c_in, self.h, self.w = c_in, h, w

    def forward(self, x):
        n, c, h, w = x.shape
        if (c, h, w) != (self.c_in, self.h, self.w):
            raise RuntimeError(f"images of {(c, h, w)}")
        return super().forward(x)

class Head(nn.Linear):
    def __init__(self, hidden, num_classes):
        super().__init__(hidden, num_classes)

class BackboneHeadClassifier(nn.Module):
    def __init__(self, c_in, h, w, hidden, num_classes):
        super().__init__()
        self.head = Head(hidden, num_classes)
        self.backbone = Backbone(c_in, h, w, hidden)

    def forward(self, x):
        features = self.backbone(x)
        logits = self.head(features)
        return logits
""",
    "a convolution as large as the image": """
class Backbone(nn.Module):
    def __init__(self, c_in, h, w, hidden):
        super().__init__()
        self.conv = nn.Conv2d(c_in, hidden, kernel_size=(h, w))

    def forward(self, x):
        if x.dim() != 4 or x.shape[-2:] != self.conv.kernel_size:
            raise ValueError(tuple(x.shape))
        return self.conv(x).clamp(min=0).reshape(len(x), -1)
""",
    "parameters by hand": """
import math
import torch

class Layer(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.w = nn.Parameter((torch.rand(n_out, n_in) * 2 - 1) / math.sqrt(n_in))
        self.b = nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return torch.einsum("ni,oi->no", x, self.w) + self.b

class Backbone(Layer):
    def __init__(self, c_in, h, w, hidden):
        super().__init__(c_in * h * w, hidden)
        self.size = [c_in, h, w]

    def forward(self, x):
        if list(x.shape[1:]) != self.size:
            raise ValueError(x.shape)
        return nn.functional.relu(super().forward(x.reshape(x.shape[0], -1)))

class Head(Layer):
    pass
""",
}
