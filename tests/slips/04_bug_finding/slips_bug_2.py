"""Mistakes by the label that must refuse them, and second right answers."""

SLIPS = {
    "patients": {
        "joined along the batch": (
            "self.labs(labs)], dim=1)",
            "self.labs(labs)]).view(len(vitals), -1)",
        ),
        "stacked along the batch": (
            "torch.cat([self.vitals(vitals), self.labs(labs)], dim=1)",
            "torch.stack([self.vitals(vitals), self.labs(labs)]).reshape(len(vitals), -1)",
        ),
        "transposed by view": (
            "self.labs(labs)], dim=1)",
            "self.labs(labs)]).view(-1, len(vitals)).t()",
        ),
        "one patient at a time in eval mode only": (
            "self.labs(labs)], dim=1)",
            "self.labs(labs)], dim=int(not self.training)).view(len(vitals), -1)",
        ),
        "right for a batch of one only": (
            "self.labs(labs)], dim=1)",
            "self.labs(labs)], dim=1)[:1].expand(len(vitals), -1)",
        ),
        "a BatchNorm's work by hand": (
            "return self.head(features)",
            "return self.head(features - features.mean(dim=0, keepdim=True))",
        ),
        "the labs of the batch in reverse": ("self.labs(labs)]", "self.labs(labs).flip(0)]"),
    },
    "logits": {
        "features of the branches interleaved": (
            "torch.cat([self.vitals(vitals), self.labs(labs)], dim=1)",
            "torch.stack([self.vitals(vitals), self.labs(labs)], dim=2).flatten(1)",
        ),
        "labs first": (
            "[self.vitals(vitals), self.labs(labs)]",
            "[self.labs(labs), self.vitals(vitals)]",
        ),
        "a branch forgotten": ("self.labs(labs)]", "self.labs(labs) * 0]"),
        "a smaller head": """
class RiskModel(nn.Module):
    def __init__(self, num_vitals, num_labs, hidden, num_classes):
        super().__init__()
        self.vitals = nn.Sequential(nn.Linear(num_vitals, hidden), nn.ReLU())
        self.labs = nn.Sequential(nn.Linear(num_labs, hidden), nn.ReLU())
        self.head = nn.Linear(hidden, num_classes)

    def forward(self, vitals, labs):
        return self.head(self.vitals(vitals) + self.labs(labs))
""",
        "a layer renamed": """
class RiskModel(nn.Module):
    def __init__(self, num_vitals, num_labs, hidden, num_classes):
        super().__init__()
        self.vitals = nn.Sequential(nn.Linear(num_vitals, hidden), nn.ReLU())
        self.labs = nn.Sequential(nn.Linear(num_labs, hidden), nn.ReLU())
        self.classifier = nn.Linear(2 * hidden, num_classes)

    def forward(self, vitals, labs):
        return self.classifier(torch.cat([self.vitals(vitals), self.labs(labs)], dim=1))
""",
        "no ReLU": (
            "self.labs = nn.Sequential(nn.Linear(num_labs, hidden), nn.ReLU())",
            "self.labs = nn.Sequential(nn.Linear(num_labs, hidden))",
        ),
        "no ReLU in train mode": (
            "self.labs(labs)]",
            "(self.labs[0] if self.training else self.labs)(labs)]",
        ),
        "probabilities for logits": (
            "return self.head(features)",
            "return self.head(features).softmax(dim=1)",
        ),
        "float32 whatever came": (
            "return self.head(features)",
            "return self.head(features).float()",
        ),
        "a tensor on a fixed device": (
            "return self.head(features)",
            "return self.head(features) + torch.zeros(1, dtype=features.dtype)",
        ),
        "one branch for both": """
class RiskModel(RiskModel):
    def __init__(self, num_vitals, num_labs, hidden, num_classes):
        super().__init__(num_vitals, num_labs, hidden, num_classes)
        self.trunk = nn.Linear(num_vitals + num_labs, 2 * hidden)

    def forward(self, vitals, labs):
        return self.head(self.trunk(torch.cat([vitals, labs], dim=1)).relu())
""",
        "features added, the head halved": (
            "features = torch.cat([self.vitals(vitals), self.labs(labs)], dim=1)  # (N, 2H)",
            "features = (self.vitals(vitals) + self.labs(labs)).repeat(1, 2) / 2",
        ),
    },
    "gradients": {
        "a branch detached": ("self.labs(labs)]", "self.labs(labs).detach()]"),
        "no gradients": ("return self.head(features)", "return self.head(features).detach()"),
        "inputs scaled in place": (
            "        features =",
            "        labs.data.mul_(1.01)\n        features =",
        ),
        "a branch without gradients": (
            "        features =",
            "        with torch.no_grad():\n            self.vitals(vitals)\n"
            "        vitals = vitals.detach()\n        features =",
        ),
        "labs clamped in place": (
            "        features =",
            "        labs.data.clamp_(-1, 1)\n        features =",
        ),
    },
    "sizes": {
        "a batch of one repeated": (
            "self.labs(labs)]",
            "self.labs(labs).expand(len(vitals), -1)]",
        ),
        "the longer batch cut off": (
            "        features = torch.cat([self.vitals(vitals), self.labs(labs)], dim=1)",
            "        n = min(len(vitals), len(labs))\n"
            "        features = torch.cat([self.vitals(vitals[:n]), self.labs(labs[:n])], dim=1)",
        ),
        "labs repeated in eval mode": (
            "        features =",
            "        if not self.training:\n            labs = labs.expand(len(vitals), -1)\n"
            "        features =",
        ),
        "sizes held by an assert": (
            "        features =",
            "        assert len(vitals) == len(labs)\n        features =",
        ),
        "a loop that stops at the shorter batch": (
            "        features =",
            "        vitals, labs = (\n"
            "            torch.stack(rows) for rows in zip(*zip(vitals, labs))\n        )\n"
            "        features =",
        ),
        "a warning in place of an error": (
            "        features =",
            "        if len(vitals) != len(labs):\n            return vitals.new_zeros(0)\n"
            "        features =",
        ),
    },
}

VARIANTS = {
    "stacked, then flattened": (
        "torch.cat([self.vitals(vitals), self.labs(labs)], dim=1)",
        "torch.stack([self.vitals(vitals), self.labs(labs)], dim=1).flatten(1)",
    ),
    "joined along the batch and put right": (
        "self.labs(labs)], dim=1)",
        "self.labs(labs)]).view(2, len(vitals), -1).transpose(0, 1).flatten(1)",
    ),
    "the head in two halves": (
        "        features = torch.cat([self.vitals(vitals), self.labs(labs)], dim=1)"
        "  # (N, 2H)\n        return self.head(features)",
        "        if len(vitals) != len(labs):\n"
        "            raise ValueError('batch sizes differ')\n"
        "        left, right = self.head.weight.tensor_split(2, dim=1)\n"
        "        return self.vitals(vitals) @ left.T + self.labs(labs) @ right.T"
        " + self.head.bias",
    ),
    "patient by patient": (
        "        features = torch.cat([self.vitals(vitals), self.labs(labs)], dim=1)  # (N, 2H)\n",
        "        pairs = zip(self.vitals(vitals), self.labs(labs), strict=True)\n"
        "        features = torch.stack([torch.hstack(pair) for pair in pairs])\n",
    ),
}
