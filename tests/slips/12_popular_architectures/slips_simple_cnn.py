"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

FLAT = "self.stages(x).flatten(start_dim=1)"
NORM = "BatchNorm2d(out_channels)"
SIZES = "x.shape[1:] != self.image"
HEAD = "nn.Linear(128 * 4 * 4, num_classes)"

SLIPS = {
    "layers": {
        "other widths": (
            ("conv_stage(32, 64),  # (N, 64, 8, 8)\n            conv_stage(64, 128)"),
            ("conv_stage(32, 32),  # (N, 64, 8, 8)\n            conv_stage(32, 128)"),
        ),
        "no batch norm": (f"        nn.{NORM},\n", ""),
        "another eps": (NORM, "BatchNorm2d(out_channels, eps=1e-3)"),
        "another momentum": (
            NORM,
            "BatchNorm2d(out_channels, momentum=0.9)",
        ),
        "batch norm without scale and shift": (
            NORM,
            "BatchNorm2d(out_channels, affine=False)",
        ),
        "statistics of the batch in eval mode": (
            NORM,
            "BatchNorm2d(out_channels, track_running_stats=False)",
        ),
        "instance norm": ("BatchNorm2d(out", "InstanceNorm2d(out"),
        "lazy linear layer": (HEAD, "nn.LazyLinear(num_classes)"),
        "no third stage": (
            (
                "            conv_stage(64, 128),  # (N, 128, 4, 4)\n"
                "        )\n"
                "        self.head = nn.Linear(128 * 4 * 4"
            ),
            ("        )\n        self.head = nn.Linear(64 * 8 * 8"),
        ),
        "one batch norm for all stages": """
class SimpleCNN(SimpleCNN):
    def __init__(self, in_channels: int = 3, num_classes: int = 10) -> None:
        super().__init__(in_channels, num_classes)
        norm = nn.BatchNorm2d(128)
        self.stages = nn.Sequential(
            *(
                layer
                for i in (in_channels, 128, 128)
                for layer in (
                    nn.Conv2d(i, 128, 3, padding=1, bias=False),
                    norm,
                    nn.ReLU(),
                    nn.MaxPool2d(2),
                )
            )
        )
""",
        "number of classes fixed": ("128 * 4 * 4, num_classes", "128 * 4 * 4, 10"),
        "number of input channels fixed": ("conv_stage(in_channels, 32)", "conv_stage(3, 32)"),
        "layers in a plain list": """
class SimpleCNN(nn.Module):
    def __init__(self, in_channels: int = 3, num_classes: int = 10) -> None:
        super().__init__()
        self.stages = [conv_stage(in_channels, 32), conv_stage(32, 64), conv_stage(64, 128)]
        self.head = nn.Linear(128 * 4 * 4, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        for stage in self.stages:
            x = stage(x)
        return self.head(x.flatten(start_dim=1))
""",
        "scale of the logits as a parameter": (
            "        self.head = nn.Linear(",
            ("        self.scale = nn.Parameter(Tensor([1.0]))\n        self.head = nn.Linear("),
        ),
        "mean of the data set as a buffer": (
            "        self.head = nn.Linear(",
            (
                "        self.register_buffer('mean', Tensor([0.5, 0.5, 0.5]))\n"
                "        self.head = nn.Linear("
            ),
        ),
        "5x5 convolutions": ("kernel_size=3, padding=1, bias", "kernel_size=5, padding=2, bias"),
        "a hidden linear layer": (
            f"self.head = {HEAD}",
            (
                "self.head = nn.Sequential(\n"
                "            nn.Linear(128 * 4 * 4, 256), nn.ReLU(), nn.Linear(256, "
                "num_classes)\n"
                "        )"
            ),
        ),
    },
    "biases": {
        "biased convolution before batch norm": (", bias=False)", ")"),
        "linear layer without bias": (
            HEAD,
            "nn.Linear(128 * 4 * 4, num_classes, bias=False)",
        ),
    },
    "shapes": {
        "a batch of one squeezed": (
            f"return self.head({FLAT})",
            f"return self.head({FLAT}).squeeze()",
        ),
        "a single class squeezed": (
            f"return self.head({FLAT})",
            f"return self.head({FLAT}).squeeze(-1)",
        ),
        "no padding": ("kernel_size=3, padding=1, bias", "kernel_size=3, bias"),
        "nothing returned": ("return self.head(", "self.head("),
        "probability of one class for K = 1": (
            f"self.head = {HEAD}",
            "self.head = nn.Linear(128 * 4 * 4, max(num_classes, 2))",
        ),
        "the class, not the logits": (
            f"return self.head({FLAT})",
            f"return self.head({FLAT}).argmax(dim=1)",
        ),
        "a batch of one flattened away": (
            FLAT,
            "self.stages(x).squeeze(0).flatten(start_dim=-3)",
        ),
    },
    "logits": {
        "ReLU on the logits": (
            f"return self.head({FLAT})",
            f"return self.head({FLAT}).relu()",
        ),
        "softmax in the model": (
            f"return self.head({FLAT})",
            f"return self.head({FLAT}).softmax(dim=1)",
        ),
        "log-softmax in the model": (
            f"return self.head({FLAT})",
            f"return self.head({FLAT}).log_softmax(dim=1)",
        ),
        "sigmoid in the model": (
            f"return self.head({FLAT})",
            f"return self.head({FLAT}).sigmoid()",
        ),
        "logits normalized": (
            f"return self.head({FLAT})",
            f"return nn.functional.normalize(self.head({FLAT}))",
        ),
        "log-softmax in eval mode": (
            f"        return self.head({FLAT})",
            (
                f"        logits = self.head({FLAT})\n"
                "        return logits if self.training else logits.log_softmax(dim=1)"
            ),
        ),
    },
    "stages": {
        "no ReLU": ("        nn.ReLU(),\n", ""),
        "batch norm after ReLU": (
            (f"nn.{NORM},\n        nn.ReLU(),"),
            (f"nn.ReLU(),\n        nn.{NORM},"),
        ),
        "batch norm after the pooling": (
            (f"        nn.{NORM},\n        nn.ReLU(),\n        nn.MaxPool2d(2),\n"),
            (f"        nn.ReLU(),\n        nn.MaxPool2d(2),\n        nn.{NORM},\n"),
        ),
        "average of the window": ("nn.MaxPool2d(2)", "nn.AvgPool2d(2)"),
        "overlapping windows": ("nn.MaxPool2d(2)", "nn.MaxPool2d(3, stride=2, padding=1)"),
        "strided convolution for the pooling": (
            (
                "padding=1, bias=False),\n"
                f"        nn.{NORM},\n"
                "        nn.ReLU(),\n"
                "        nn.MaxPool2d(2),\n"
            ),
            (f"padding=1, stride=2, bias=False),\n        nn.{NORM},\n        nn.ReLU(),\n"),
        ),
        "mirrored border": ("padding=1, bias", 'padding=1, padding_mode="reflect", bias'),
        "no ReLU in the last stage": (
            "        self.head = nn.Linear(",
            ("        self.stages[2].pop(2)\n        self.head = nn.Linear("),
        ),
        "sigmoid for ReLU": ("nn.ReLU()", "nn.Sigmoid()"),
        "pooling before the convolution": """
def conv_stage(in_channels, out_channels):
    return nn.Sequential(
        nn.MaxPool2d(2),
        nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )
""",
        "x normalized": ("self.stages(x)", "self.stages((x - 0.5) / 0.5)"),
        "ReLU6": ("nn.ReLU()", "nn.ReLU6()"),
        "average in the last stage": (
            "nn.MaxPool2d(2)",
            "nn.MaxPool2d(2) if out_channels < 128 else nn.AvgPool2d(2)",
        ),
        "bytes made fractions": (
            f"return self.head({FLAT})",
            f"x = x / 255 if x.max() > 1 else x\n        return self.head({FLAT})",
        ),
        "features normalized": (FLAT, f"nn.functional.normalize({FLAT})"),
    },
    "flatten": {
        "average over the pixels": (
            FLAT,
            "self.stages(x).mean(dim=(2, 3)).repeat(1, 16)",
        ),
        "channels last when flattened": (
            FLAT,
            "self.stages(x).permute(0, 2, 3, 1).flatten(start_dim=1)",
        ),
        "columns before rows when flattened": (
            FLAT,
            "self.stages(x).transpose(2, 3).flatten(start_dim=1)",
        ),
        "pixels sorted": (
            FLAT,
            "self.stages(x).flatten(start_dim=2).sort().values.flatten(start_dim=1)",
        ),
        "rows from below": ("self.stages(x).flatten", "self.stages(x).flip(2).flatten"),
    },
    "training": {
        "dropout before the last layer": (
            FLAT,
            f"nn.functional.dropout({FLAT}, 0.5, self.training)",
        ),
        "x scaled in place": (
            "        return self.head(",
            ("        x.data.sub_(0.5)\n        return self.head("),
        ),
        "eval mode forced": (
            "return self.head(self.stages(x)",
            "return self.eval().head(self.stages(x)",
        ),
        "batches not counted": """
class SimpleCNN(SimpleCNN):
    def forward(self, x):
        if x.shape[1:] != self.image:
            raise ValueError
        for conv, bn, relu, pool in self.stages:
            stats = bn.running_mean, bn.running_var
            x = conv(x)
            x = nn.functional.batch_norm(x, *stats, bn.weight, bn.bias, self.training)
            x = pool(relu(x))
        return self.head(x.flatten(1))
""",
        "batch of one in eval mode": (
            "self.stages(x).flatten",
            "self.stages.train(self.training and len(x) > 1)(x).flatten",
        ),
        "features computed twice": (
            "        return self.head(",
            ("        self.stages(x)\n        return self.head("),
        ),
        "always the statistics of the batch": """
class SimpleCNN(SimpleCNN):
    def forward(self, x):
        training = self.training
        self.train()
        out = super().forward(x)
        self.train(training)
        return out
""",
        "dropout in eval mode, too": (
            FLAT,
            f"nn.functional.dropout({FLAT}, 0.5)",
        ),
        "noise on x in train mode": (
            f"return self.head({FLAT})",
            "import torch\n        x = x + 0.1 * self.training * torch.randn_like(x)\n"
            f"        return self.head({FLAT})",
        ),
    },
    "gradients": {
        "gradient cut": ("self.stages(x).flatten", "self.stages(x).detach().flatten"),
        "features frozen": (
            "        self.head = nn.Linear(",
            ("        self.stages.requires_grad_(False)\n        self.head = nn.Linear("),
        ),
        "computed under no_grad": """
import torch


class SimpleCNN(SimpleCNN):
    def forward(self, x):
        if x.shape[1:] != self.image:
            raise ValueError
        with torch.no_grad():
            x = self.stages[0](x)
        return self.head(self.stages[1:](x).flatten(1))
""",
        "x detached for one of two gradients": (
            "self.stages(x).flatten",
            "(self.stages(x) + x.mean() - x.detach().mean()).flatten",
        ),
        "no gradient in eval mode": (
            f"return self.head({FLAT})",
            "import torch\n\n        with torch.set_grad_enabled(self.training):\n"
            f"            return self.head({FLAT})",
        ),
    },
    "images": {
        "sizes not compared": (f"if {SIZES}:", "if False:"),
        "only the number of values compared": (SIZES, "x[0].numel() != 1024 * self.image[0]"),
        "only the height compared": (SIZES, "x.shape[2] != 32"),
        "images of other size mixed": (
            f"if {SIZES}:",
            (
                "if x.ndim == 4:\n"
                "            return self.head(self.stages(x).reshape(-1, 2048))\n"
                "        else:"
            ),
        ),
        "assert for ValueError": (
            (f"if {SIZES}:\n            raise ValueError("),
            "assert x.shape[1:] == self.image, (",
        ),
        "any square image": (
            SIZES,
            "x.ndim != 4 or x.shape[2] != x.shape[3]",
        ),
        "gray images made color": (
            f"        if {SIZES}:",
            (
                "        if x.ndim == 4 and x.shape[1] == 1:\n"
                "            x = x.expand(-1, self.image[0], -1, -1)\n"
                f"        if {SIZES}:"
            ),
        ),
        "images of other size cropped": (
            f"        if {SIZES}:",
            (
                "        if x.ndim == 4 and min(x.shape[2:]) > 32:\n"
                "            x = x[..., :32, :32]\n"
                f"        if {SIZES}:"
            ),
        ),
        "width not compared": (SIZES, "x.shape[1:3] != self.image[:2]"),
        "a single image without batch accepted": (
            "        if x.shape[1:]",
            ("        if x.ndim == 3:\n            x = x[None]\n        if x.shape[1:]"),
        ),
        "images resized": (
            "        if x.shape[1:]",
            (
                "        if x.ndim == 4:\n"
                "            x = nn.functional.interpolate(x, (32, 32))\n"
                "        if x.shape[1:]"
            ),
        ),
        "average pooling to 4x4, for any size": """
class SimpleCNN(SimpleCNN):
    def forward(self, x):
        return self.head(nn.functional.adaptive_avg_pool2d(self.stages(x), 4).flatten(1))
""",
    },
    "anywhere": {
        "flattened by view": (
            FLAT,
            "self.stages(x).view(x.shape[0], -1)",
        ),
        "float32 whatever came": (
            f"self.head({FLAT})",
            f"self.head({FLAT}).float()",
        ),
        "x cast to the parameters' dtype": (
            "self.stages(x)",
            "self.stages(x.to(self.head.weight.dtype))",
        ),
        "a constant made on the CPU": (
            "self.stages(x)",
            "self.stages(x + Tensor(1, 32, 32).zero_().to(x.dtype))",
        ),
        "result rounded to float32 and back": (
            f"return self.head({FLAT})",
            f"return self.head({FLAT}).float().to(x.dtype)",
        ),
    },
}

VARIANTS = {
    "names and functions, ReLU after the pooling": """
class SimpleCNN(nn.Module):
    def __init__(self, in_channels: int = 3, num_classes: int = 10) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.fc = nn.Linear(2048, num_classes)
        self.bn3, self.bn2, self.bn1 = nn.BatchNorm2d(128), nn.BatchNorm2d(64), nn.BatchNorm2d(32)
        self.conv1 = nn.Conv2d(in_channels, 32, (3, 3), (1, 1), "same", bias=False)
        self.conv2 = nn.Conv2d(32, 64, (3, 3), (1, 1), "same", bias=False)
        self.conv3 = nn.Conv2d(64, 128, (3, 3), (1, 1), "same", bias=False)

    def forward(self, x: Tensor) -> Tensor:
        N, C, H, W = x.shape
        if C != self.in_channels or H != 32 or W != 32:
            raise RuntimeError(f"{(C, H, W)}")
        for conv, bn in (
            (self.conv1, self.bn1),
            (self.conv2, self.bn2),
            (self.conv3, self.bn3),
        ):
            x = nn.functional.relu_(nn.functional.max_pool2d(bn(conv(x)), 2, 2))
        return self.fc(x.reshape(N, -1))
""",
    "one Sequential, windows by view": """
class Halve(nn.Module):
    def forward(self, x):
        N, C, H, W = x.shape
        return x.reshape(N, C, H // 2, 2, W // 2, 2).amax((3, 5))

class SimpleCNN(nn.Sequential):
    def __init__(self, in_channels: int = 3, num_classes: int = 10) -> None:
        layers, self_in = [], in_channels
        for width in (32, 64, 128):
            layers += [nn.Conv2d(self_in, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)]
            layers += [nn.ReLU(inplace=True), Halve()]
            self_in = width
        super().__init__(*layers, nn.Flatten(), nn.Linear(128 * 16, num_classes))
        self.size = (in_channels, 32, 32)

    def forward(self, x: Tensor) -> Tensor:
        if tuple(x.shape[1:]) != self.size:
            raise ValueError(tuple(x.shape))
        return super().forward(x)
""",
    "as a plain interview answer writes it": """
import torch


class SimpleCNN(nn.Module):
    def __init__(self, in_channels=3, num_classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 32, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 64, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.conv3 = nn.Conv2d(64, 128, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(128)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc = nn.Linear(128 * 4 * 4, num_classes)

    def forward(self, x):
        if x.dim() != 4 or x.shape[-2:] != (32, 32):
            raise ValueError("want 32x32 images")
        x = self.pool(nn.functional.relu(self.bn1(self.conv1(x))))
        x = self.pool(nn.functional.relu(self.bn2(self.conv2(x))))
        x = self.pool(nn.functional.relu(self.bn3(self.conv3(x))))
        return self.fc(torch.flatten(x, 1))
""",
}
