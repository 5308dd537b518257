"""Mistakes by the label that must refuse them, and second right answers."""

SLIPS = {
    "learning": {
        "all weights start at 0": (
            "        self.head = nn.Linear(hidden, num_classes)\n",
            "        self.head = nn.Linear(hidden, num_classes)\n"
            "        for p in self.parameters():\n            nn.init.zeros_(p)\n",
        ),
        "joined along the width": """
class ConditionalCNN(nn.Module):
    def __init__(self, in_c, cond_dim, hidden, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(in_c, hidden, kernel_size=3, padding=1)
        self.head = nn.Linear(hidden, num_classes)

    def forward(self, x, cond):
        N, C, H, W = x.shape
        planes = cond[:, None, None, :].expand(N, C, H, -1)
        return self.head(self.conv(torch.cat([x, planes], dim=3)).relu().mean(dim=(2, 3)))
""",
        "joined along the height": """
class ConditionalCNN(nn.Module):
    def __init__(self, in_c, cond_dim, hidden, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(in_c, hidden, kernel_size=3, padding=1)
        self.head = nn.Linear(hidden, num_classes)

    def forward(self, x, cond):
        N, C, H, W = x.shape
        planes = cond[:, None, :, None].expand(N, C, -1, W)
        return self.head(self.conv(torch.cat([x, planes], dim=2)).relu().mean(dim=(2, 3)))
""",
        "joined after the convolution": """
class ConditionalCNN(nn.Module):
    def __init__(self, in_c, cond_dim, hidden, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(in_c, hidden, kernel_size=3, padding=1)
        self.head = nn.Linear(hidden + cond_dim, num_classes)

    def forward(self, x, cond):
        maps = self.conv(x).relu().mean(dim=(2, 3))
        return self.head(torch.cat([maps, cond], dim=1))
""",
        "the condition at one pixel": (
            "cond[:, :, None, None].expand(-1, -1, H, W)",
            "torch.nn.functional.pad(cond[:, :, None, None], (0, W - 1, 0, H - 1))",
        ),
        "one instruction for all": (
            "cond[:, :, None, None].expand(-1, -1, H, W)",
            "cond[:1, :, None, None].expand(len(cond), -1, H, W)",
        ),
        "the instruction of the next picture": (
            "cond[:, :, None, None]",
            "cond.roll(1, 0)[:, :, None, None]",
        ),
        "the condition not used at all": ("[x, planes]", "[x, 0 * planes]"),
        "the mean of all instructions": (
            "cond[:, :, None, None].expand(-1, -1, H, W)",
            "cond.mean(dim=0)[:, None, None].expand(len(cond), -1, H, W)",
        ),
    },
    "logits": {
        "the condition first": ("[x, planes]", "[planes, x]"),
        "the condition repeated in the wrong order": (
            "cond[:, :, None, None].expand(-1, -1, H, W)",
            "cond.repeat(1, H * W).view(len(cond), -1, H, W)",
        ),
        "the condition seen beyond the border too": (
            "self.conv(torch.cat([x, planes], dim=1))",
            "torch.nn.functional.conv2d(torch.cat([torch.nn.functional.pad(x, (1, 1, 1, 1)),"
            " cond[:, :, None, None].expand(-1, -1, H + 2, W + 2)], dim=1),"
            " self.conv.weight, self.conv.bias)",
        ),
        "no padding": (
            "self.conv = nn.Conv2d(in_c + cond_dim, hidden, kernel_size=3, padding=1)",
            "self.conv = nn.Conv2d(in_c + cond_dim, hidden, kernel_size=3)",
        ),
        "the condition dropped in eval mode": (
            "        planes =",
            "        cond = cond if self.training else cond * 0\n        planes =",
        ),
        "pictures of one row forgotten": (
            "expand(-1, -1, H, W)",
            "expand(-1, -1, H, W if H > 1 else 1)",
        ),
        "planes on a fixed device": (
            "cond[:, :, None, None].expand(-1, -1, H, W)",
            "cond[:, :, None, None] * torch.ones(H, W, dtype=x.dtype)",
        ),
        "a head of another class": """
class Head(nn.Module):
    def __init__(self, hidden, num_classes):
        super().__init__()
        linear = nn.Linear(hidden, num_classes)
        self.weight, self.bias = linear.weight, linear.bias

    def forward(self, h):
        return nn.functional.linear(h, self.weight, self.bias)

class ConditionalCNN(ConditionalCNN):
    def __init__(self, in_c, cond_dim, hidden, num_classes):
        super().__init__(in_c, cond_dim, hidden, num_classes)
        self.head = Head(hidden, num_classes)
""",
        "a 1x1 convolution": ("kernel_size=3, padding=1", "kernel_size=1"),
        "no ReLU": (".relu()", ""),
        "the maximum of the pixels": ("maps.mean(dim=(2, 3))", "maps.amax(dim=(2, 3))"),
        "the sum of the pixels": ("maps.mean(dim=(2, 3))", "maps.sum(dim=(2, 3))"),
        "the mean before the ReLU": (
            ".relu()\n        return self.head(maps.mean(dim=(2, 3)))",
            "\n        return self.head(maps.mean(dim=(2, 3)).relu())",
        ),
        "one size of picture only": (".expand(-1, -1, H, W)", ".expand(-1, -1, 5, 6)"),
        "float32 whatever came": ("maps.mean(dim=(2, 3)))", "maps.mean(dim=(2, 3))).float()"),
        "the condition added to the pixels": """
class ConditionalCNN(nn.Module):
    def __init__(self, in_c, cond_dim, hidden, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(in_c, hidden, kernel_size=3, padding=1)
        self.embed = nn.Linear(cond_dim, in_c)
        self.head = nn.Linear(hidden, num_classes)

    def forward(self, x, cond):
        x = x + self.embed(cond)[:, :, None, None]
        return self.head(self.conv(x).relu().mean(dim=(2, 3)))
""",
        "the border mirrored": (
            "kernel_size=3, padding=1)",
            'kernel_size=3, padding=1, padding_mode="replicate")',
        ),
        "BatchNorm added": """
class ConditionalCNN(ConditionalCNN):
    def __init__(self, in_c, cond_dim, hidden, num_classes):
        super().__init__(in_c, cond_dim, hidden, num_classes)
        self.norm = nn.BatchNorm2d(in_c, affine=False)

    def forward(self, x, cond):
        return super().forward(self.norm(x), cond)
""",
    },
    "gradients": {
        "the condition detached": ("cond[:, :, None, None]", "cond.detach()[:, :, None, None]"),
        "no gradients": ("maps.mean(dim=(2, 3)))", "maps.mean(dim=(2, 3))).detach()"),
        "an input changed": (
            "        planes =",
            "        x.data.clamp_(-1, 1)\n        planes =",
        ),
        "the picture detached": ("[x, planes]", "[x.detach(), planes]"),
        "the mean without gradients to conv": (
            "self.head(maps.mean(dim=(2, 3)))",
            "self.head(maps.detach().mean(dim=(2, 3)))",
        ),
    },
    "sizes": {
        "a batch of one repeated": ("expand(-1, -1, H, W)", "expand(N, -1, H, W)"),
        "a single picture repeated": (
            "torch.cat([x, planes], dim=1)",
            "torch.cat([x.expand(len(cond), -1, -1, -1), planes], dim=1)",
        ),
        "sizes held by an assert": (
            "        planes =",
            "        assert len(x) == len(cond)\n        planes =",
        ),
        "a batch of one repeated in eval mode": (
            "        planes =",
            "        cond = cond if self.training else cond.expand(N, -1)\n        planes =",
        ),
        "the longer batch cut off": (
            "        N, C, H, W = x.shape\n",
            "        n = min(len(x), len(cond))\n        x, cond = x[:n], cond[:n]\n"
            "        N, C, H, W = x.shape\n",
        ),
    },
}

VARIANTS = {
    "the condition through the convolution on its own": """
from torch.nn.functional import conv2d

class ConditionalCNN(ConditionalCNN):
    def forward(self, x, cond):
        if len(x) != len(cond):
            raise ValueError(f"{len(x)} pictures, {len(cond)} instructions")
        C, (H, W) = x.shape[1], x.shape[2:]
        maps = conv2d(x, self.conv.weight[:, :C], self.conv.bias, padding=1)
        planes = cond[:, :, None, None].expand(-1, -1, H, W)
        maps = maps + conv2d(planes, self.conv.weight[:, C:], padding=1)
        return self.head(maps.relu().mean(dim=(2, 3)))
""",
    "planes copied": (
        "cond[:, :, None, None].expand(-1, -1, H, W)",
        "cond.repeat_interleave(H * W, dim=1).view(*cond.shape, H, W)",
    ),
    "channels last": (
        "        planes = cond[:, :, None, None].expand(-1, -1, H, W)  # (N, D, H, W), a view\n"
        "        maps = self.conv(torch.cat([x, planes], dim=1)).relu()\n",
        "        rows = cond[:, None, None].expand(-1, H, W, -1)\n"
        "        joined = torch.cat([x.permute(0, 2, 3, 1), rows], dim=-1)\n"
        "        maps = self.conv(joined.permute(0, 3, 1, 2)).relu()\n",
    ),
    "parts as modules, pooled by the library": """
class ConditionalCNN(nn.Module):
    def __init__(self, in_c, cond_dim, hidden, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(in_c + cond_dim, hidden, (3, 3), padding="same")
        self.act, self.pool = nn.ReLU(), nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(hidden, num_classes)

    def forward(self, x, cond):
        if x.size(0) != cond.size(0):
            raise ValueError(f"{x.size(0)} pictures, {cond.size(0)} instructions")
        joined = x.new_empty(len(x), x.size(1) + cond.size(1), *x.shape[2:])
        joined[:, : x.size(1)] = x
        joined[:, x.size(1) :] = cond[..., None, None]
        return self.head(self.pool(self.act(self.conv(joined))).flatten(1))
""",
    "planes filled by broadcasting": """
class ConditionalCNN(ConditionalCNN):
    def forward(self, x, cond):
        ones = torch.ones(1, 1, *x.shape[-2:], dtype=x.dtype, device=x.device)
        planes = cond.unsqueeze(-1).unsqueeze(-1) * ones
        out = nn.functional.relu(self.conv(torch.cat((x, planes), 1)))
        return self.head(out.mean(-1).mean(-1))
""",
    "head made before conv": """
class ConditionalCNN(ConditionalCNN):
    def __init__(self, in_c, cond_dim, hidden, num_classes):
        nn.Module.__init__(self)
        self.head = nn.Linear(hidden, num_classes)
        self.conv = nn.Conv2d(in_c + cond_dim, hidden, 3, 1, 1)
""",
}
