"""Mistakes by the label that must refuse them, and second right answers."""

FORWARD = """\
        parts: list[nn.Module] = [self.encoder, self.norm]
        if not return_features:
            parts.append(self.head)
        for part in parts:
            x = part(x)
        return x
"""


def features_then(result: str) -> tuple[str, str]:
    """Hunt 6 without its loop."""
    return FORWARD, f"        features = self.norm(self.encoder(x))\n        return {result}\n"


SLIPS = {
    "learning": {
        "all weights start at 0": (
            "        self.head = nn.Linear(in_dim, num_classes)\n",
            "        self.head = nn.Linear(in_dim, num_classes)\n"
            "        for p in self.parameters():\n            nn.init.zeros_(p)\n",
        ),
        "the head fed the raw input": features_then(
            "features if return_features else self.head(x)"
        ),
        "LayerNorm of the input": features_then(
            "features if return_features else self.head(self.norm(x))"
        ),
        "the last part handed the input too": (
            "            x = part(x)\n        return x",
            "            out = part(x)\n        return out",
        ),
    },
    "outputs": {
        "the head fed input and features": features_then(
            "features if return_features else self.head(x + features)"
        ),
        "the raw input in eval mode": features_then(
            "features if return_features else self.head(features if self.training else x)"
        ),
        "LayerNorm left out for the head": features_then(
            "features if return_features else self.head(self.encoder(x))"
        ),
        "LayerNorm left out": ("[self.encoder, self.norm]", "[self.encoder]"),
        "LayerNorm first": ("[self.encoder, self.norm]", "[self.norm, self.encoder]"),
        "only the first part handed on": (
            "            x = part(x)\n        return x",
            "            out = part(x)\n            x = out if part is self.encoder else x\n"
            "        return out",
        ),
        "features in eval mode": (
            "        for part in parts:\n            x = part(x)\n",
            "        self.encoder.eval()\n        for part in parts:\n            x = part(x)\n"
            "        self.encoder.train(self.training)\n",
        ),
        "the encoder put in the model's mode": (
            "        for part",
            "        self.encoder.train(self.training)\n        for part",
        ),
        "features that are the logits": ("if not return_features", "if True"),
        "features before LayerNorm": features_then(
            "self.encoder(x) if return_features else self.head(features)"
        ),
        "features and logits always": features_then("self.head(features), features"),
        "features with the logits": features_then(
            "(features, self.head(features)) if return_features else self.head(features)"
        ),
        "more dropout": ("nn.Dropout(0.1)", "nn.Dropout(0.5)"),
        "no dropout": ("nn.Dropout(0.1)", "nn.Identity()"),
        "no BatchNorm": ("nn.BatchNorm1d(hidden)", "nn.Identity()"),
        "a new head": (
            "self.head = nn.Linear(in_dim, num_classes)",
            "self.head = nn.Sequential(nn.Linear(in_dim, in_dim), nn.Linear(in_dim, num_classes))",
        ),
        "x changed": ("        for part", "        x = x.data.add_(0.1)\n        for part"),
        "probabilities for logits": features_then(
            "features if return_features else self.head(features).softmax(dim=1)"
        ),
        "a tensor on a fixed device": """
import torch

class DeepClassifier(DeepClassifier):
    def forward(self, x, return_features=False):
        return super().forward(x, return_features) + torch.zeros(1, dtype=x.dtype)
""",
        "an activation on top of the features": features_then(
            "features.relu() if return_features else self.head(features.relu())"
        ),
        "a residual around the encoder": features_then(
            "features if return_features else self.head(self.norm(x + self.encoder(x)))"
        ),
        "an encoder by hand without its BatchNorm": """
class DeepClassifier(DeepClassifier):
    def forward(self, x, return_features=False):
        for part in (self.encoder[0], *self.encoder[2:], self.norm):
            x = part(x)
        return x if return_features else self.head(x)
""",
        "float32 whatever came": ("        return x", "        return x.float()"),
        "another momentum in BatchNorm": (
            "nn.BatchNorm1d(hidden)",
            "nn.BatchNorm1d(hidden, momentum=0.01)",
        ),
    },
    "gradients": {
        "features given out detached": features_then(
            "features.detach() if return_features else self.head(features)"
        ),
        "features detached": features_then(
            "features if return_features else self.head(features.detach())"
        ),
        "encoder without gradients": (
            "x = part(x)",
            "x = part(x).detach() if part is self.encoder else part(x)",
        ),
        "no gradients": ("x = part(x)", "x = part(x).detach()"),
        "x detached": ("        for part", "        x = x.detach()\n        for part"),
        "encoder under no_grad": """
import torch

class DeepClassifier(DeepClassifier):
    def forward(self, x, return_features=False):
        with torch.no_grad():
            h = self.encoder(x)
        features = self.norm(h)
        return features if return_features else self.head(features)
""",
        "x clamped in place": (
            "        for part",
            "        x.data.clamp_(-1, 1)\n        for part",
        ),
    },
    "one_pass": {
        "a second pass in eval mode": (
            "        for part in parts:\n",
            "        if not self.training:\n            self.encoder(x)\n"
            "        for part in parts:\n",
        ),
        "two passes through the encoder": features_then(
            "features if return_features else self.head(self.norm(self.encoder(x)))"
        ),
        "left in eval mode": (
            "        for part in parts:\n",
            "        if return_features:\n            self.eval()\n        for part in parts:\n",
        ),
        "a second pass for the features": features_then(
            "self.norm(self.encoder.eval()(x)) if return_features else self.head(features)"
        ),
        "left in train mode": (
            "            x = part(x)\n        return x",
            "            x = part(x)\n        self.norm.train()\n        return x",
        ),
    },
}

VARIANTS = {
    "no loop": features_then("features if return_features else self.head(features)"),
    "always all parts, the last one not always used": (
        "            x = part(x)\n        return x",
        "            x, out = part(x), x\n        return x",
    ),
    "a method for the features": """
class DeepClassifier(DeepClassifier):
    def features(self, x):
        for part in (*self.encoder, self.norm):
            x = part(x)
        return x

    def forward(self, x, return_features=False):
        x = self.features(x)
        return x if return_features else nn.functional.linear(x, self.head.weight, self.head.bias)
""",
    "head made first, a name for each result": """
class DeepClassifier(nn.Module):
    def __init__(self, in_dim, hidden, num_classes):
        super().__init__()
        self.head = nn.Linear(in_dim, num_classes)
        self.norm = nn.LayerNorm(in_dim)
        layers = [nn.Linear(in_dim, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(0.1)]
        self.encoder = nn.Sequential(*layers, nn.Linear(hidden, in_dim))

    def forward(self, x, return_features=False):
        h = self.encoder(x)
        features = self.norm(h)
        if return_features:
            return features
        return self.head(features)
""",
}
