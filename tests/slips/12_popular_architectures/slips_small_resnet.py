"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

HEAD = "self.fc(x.mean(dim=(2, 3)))"
MEAN = "x.mean(dim=(2, 3))"
STEM = "x = self.bn1(self.conv1(x)).relu_()"
FC = "nn.Linear(64, num_classes)"

SLIPS = {
    "names": {
        "1000 classes by default": ("num_classes: int = 10", "num_classes: int = 1000"),
        "a head made for 32x32": (FC, "nn.Linear(64 * 8 * 8, num_classes)"),
        "number of classes fixed": (FC, "nn.Linear(64, 10)"),
        "head without bias": (
            FC,
            "nn.Linear(64, num_classes, bias=False)",
        ),
        "stem with a bias": ("(3, 16, 3, padding=1, bias=False)", "(3, 16, 3, padding=1)"),
        "stem of ImageNet": ("(3, 16, 3, padding=1,", "(3, 16, 7, 2, padding=3,"),
        "stride 2 in the first stage": ("stage(16, 16, stride=1)", "stage(16, 16, stride=2)"),
        "every block strided": (
            "ResidualBlock(out_c, out_c))",
            "ResidualBlock(out_c, out_c, stride))",
        ),
        "stride in the second block": (
            "ResidualBlock(in_c, out_c, stride), ResidualBlock(out_c, out_c))",
            "ResidualBlock(in_c, out_c), ResidualBlock(out_c, out_c, stride))",
        ),
        "three blocks in a stage": (
            "ResidualBlock(out_c, out_c))",
            "ResidualBlock(out_c, out_c), ResidualBlock(out_c, out_c))",
        ),
        "one block in a stage": (", ResidualBlock(out_c, out_c))", ")"),
        "twice the width": (
            ("stage(16, 32, stride=2)\n        self.layer3 = stage(32, 64, stride=2)"),
            ("stage(16, 64, stride=2)\n        self.layer3 = stage(64, 64, stride=2)"),
        ),
        "a stage in a plain list": (
            "self.layer3 = stage(32, 64, stride=2)",
            "self.layer3 = list(stage(32, 64, stride=2))",
        ),
        "gray images": ("nn.Conv2d(3, 16", "nn.Conv2d(1, 16"),
        "one logit for two classes": (
            FC,
            "nn.Linear(64, num_classes if num_classes > 2 else 1)",
        ),
        "one block twice in the first stage": (
            "        self.layer2 = stage(16, 32, stride=2)\n",
            (
                "        self.layer1[1] = self.layer1[0]\n"
                "        self.layer2 = stage(16, 32, stride=2)\n"
            ),
        ),
        "names of a Sequential": (
            f"        self.fc = {FC}",
            f"        self.head = self.fc = {FC}",
        ),
        "another momentum in the stem": (
            "self.bn1 = nn.BatchNorm2d(16)",
            "self.bn1 = nn.BatchNorm2d(16, momentum=0.01)",
        ),
        "projection in the first stage, too": (
            "        self.layer2 = stage(16, 32, stride=2)\n",
            (
                "        self.layer1[0].shortcut = nn.Sequential(\n"
                "            nn.Conv2d(16, 16, 1, bias=False), nn.BatchNorm2d(16)\n"
                "        )\n"
                "        self.layer2 = stage(16, 32, stride=2)\n"
            ),
        ),
    },
    "sizes": {
        "stride 1 in the last stage": ("stage(32, 64, stride=2)", "stage(32, 64, stride=1)"),
        "stem with stride 2": ("(3, 16, 3, padding=1,", "(3, 16, 3, 2, padding=1,"),
        "pooling behind the stem": (
            STEM,
            "x = nn.functional.max_pool2d(self.bn1(self.conv1(x)).relu_(), 3, 2, 1)",
        ),
        "no padding in the stem": ("(3, 16, 3, padding=1,", "(3, 16, 3, padding=0,"),
        "no halving in the second stage": (
            "        self.fc = nn",
            (
                "        self.layer2[0].conv1.stride = "
                "self.layer2[0].shortcut[0].stride = (1, 1)\n"
                "        self.fc = nn"
            ),
        ),
    },
    "shapes": {
        "a batch of one squeezed": (
            MEAN,
            "nn.functional.adaptive_avg_pool2d(x, 1).squeeze()",
        ),
        "scores squeezed": (
            HEAD,
            f"{HEAD}.squeeze(1)",
        ),
        "average over a window of 8": (MEAN, "nn.functional.avg_pool2d(x, 8).flatten(1)"),
        "a single image without N": (
            HEAD,
            f"self.fc({MEAN}.squeeze(0))",
        ),
        "one score where K is 1": (
            f"        return {HEAD}",
            (f"        out = {HEAD}\n        return out[:, 0] if out.shape[1] == 1 else out"),
        ),
    },
    "logits": {
        "ReLU on the logits": (HEAD, f"{HEAD}.relu()"),
        "softmax in the model": (
            HEAD,
            f"{HEAD}.softmax(dim=1)",
        ),
        "log-softmax in the model": (
            HEAD,
            f"{HEAD}.log_softmax(dim=1)",
        ),
        "softmax in eval mode": (
            f"        return {HEAD}",
            (f"        out = {HEAD}\n        return out if self.training else out.softmax(1)"),
        ),
        "sigmoid in the model": (
            HEAD,
            f"{HEAD}.sigmoid()",
        ),
        "logits clipped": (
            HEAD,
            f"{HEAD}.clamp(-1, 1)",
        ),
        "negative logits cut off in train mode": (
            f"        return {HEAD}",
            (f"        out = {HEAD}\n        return out.relu() if self.training else out"),
        ),
    },
    "mean": {
        "maximum for the mean": (MEAN, "x.amax(dim=(2, 3))"),
        "sum for the mean": (MEAN, "x.sum(dim=(2, 3))"),
        "the center pixel": (MEAN, "x[:, :, x.shape[2] // 2, x.shape[3] // 2]"),
        "mean over windows of 8": (
            MEAN,
            "nn.functional.avg_pool2d(x, 8, ceil_mode=True)[:, :, 0, 0]",
        ),
        "mean of the largest of each row": (MEAN, "x.amax(dim=3).mean(dim=2)"),
        "mean of at most 8 rows": (MEAN, "x[:, :, :8].mean(dim=(2, 3))"),
        "mean of the pixels above 0": (
            MEAN,
            "x.sum(dim=(2, 3)) / (x > 0).sum(dim=(2, 3)).clamp(min=1)",
        ),
        "features normalized": (MEAN, f"nn.functional.normalize({MEAN})"),
        "median for the mean": (MEAN, "x.flatten(2).median(2).values"),
        "mean of 4x4 windows": (
            MEAN,
            "nn.functional.adaptive_avg_pool2d(x, 4).mean(dim=(2, 3))",
        ),
    },
    "stem": {
        "no ReLU behind the stem": (STEM, "x = self.bn1(self.conv1(x))"),
        "ReLU6 behind the stem": (
            STEM,
            "x = nn.functional.relu6(self.bn1(self.conv1(x)))",
        ),
        "no BN in the stem": (STEM, "x = self.conv1(x).relu_()"),
        "ReLU before BN": (
            STEM,
            "x = self.bn1(self.conv1(x).relu_())",
        ),
        "border repeated in the stem": (
            "(3, 16, 3, padding=1,",
            '(3, 16, 3, padding=1, padding_mode="replicate",',
        ),
        "leaky ReLU behind the stem": (
            STEM,
            "x = nn.functional.leaky_relu(self.bn1(self.conv1(x)), 0.1)",
        ),
        "bytes made fractions": (
            STEM,
            "x = self.bn1(self.conv1(x / 255 if x.max() > 1 else x)).relu_()",
        ),
    },
    "stages": {
        "a shortcut around the first stage": (
            "self.layer2(self.layer1(x))",
            "self.layer2(x + self.layer1(x))",
        ),
        "a stage left out": ("        x = self.layer3(x)", "        x = x.repeat(1, 2, 1, 1)"),
        "first stage left out": ("self.layer2(self.layer1(x))", "self.layer2(x)"),
        "second block of the last stage left out": ("x = self.layer3(x)", "x = self.layer3[0](x)"),
        "given block changed: no ReLU at the end": (
            "        return out.relu_()\n",
            "        return out\n",
        ),
    },
    "input": {
        "x scaled in place where it needs no gradient": (
            f"        {STEM}",
            (
                "        y = self.bn1(self.conv1(x)).relu_()\n"
                "        if not x.requires_grad and not self.training:\n"
                "            x.zero_()\n"
                "        x = y"
            ),
        ),
        "input normalized in place": (
            "        x = self.bn1(",
            ("        x -= x.mean()\n        x = self.bn1("),
        ),
    },
    "training": {
        "dropout before the head": (
            HEAD,
            f"self.fc(nn.functional.dropout({MEAN}, 0.5, self.training))",
        ),
        "first stage twice": ("self.layer1(x))", "self.layer1(self.layer1(x)))"),
        "train mode forced": (
            "        x = self.bn1(",
            ("        self.train()\n        x = self.bn1("),
        ),
        "eval mode forced": (
            "        x = self.bn1(",
            ("        self.eval()\n        x = self.bn1("),
        ),
        "eval mode for a single image": (
            "        x = self.bn1(",
            ("        self.train(self.training and len(x) > 1)\n        x = self.bn1("),
        ),
        "a single image as in eval mode": """
class SmallResNet(SmallResNet):
    def forward(self, x):
        training = self.training
        self.train(training and len(x) > 1)
        out = super().forward(x)
        self.train(training)
        return out
""",
        "eval mode for single pixels": (
            "        x = self.bn1(",
            ("        if x.shape[2:] == (1, 1):\n            self.eval()\n        x = self.bn1("),
        ),
        "last stage recomputed in backward": """
import torch.utils.checkpoint


class SmallResNet(SmallResNet):
    def forward(self, x):
        x = self.layer2(self.layer1(self.bn1(self.conv1(x)).relu_()))
        x = torch.utils.checkpoint.checkpoint(self.layer3, x, use_reentrant=False)
        return self.fc(x.mean(dim=(2, 3)))
""",
        "stem in eval mode (frozen statistics)": (
            "        x = self.bn1(",
            ("        self.bn1.eval()\n        x = self.bn1("),
        ),
        "noise on x in train mode": (
            STEM,
            "import torch\n        noise = 0.1 * self.training * torch.randn_like(x)\n"
            "        x = self.bn1(self.conv1(x + noise)).relu_()",
        ),
    },
    "gradients": {
        "backbone frozen": (
            f"        return {HEAD}",
            "        return self.fc(x.detach().mean(dim=(2, 3)))",
        ),
        "stem frozen": (
            "        self.layer1 = stage",
            ("        self.conv1.requires_grad_(False)\n        self.layer1 = stage"),
        ),
        "gradient cut between the stages": (
            "self.layer2(self.layer1(x))",
            "self.layer2(self.layer1(x).detach())",
        ),
        "head alone trained on half of the mean": (
            MEAN,
            f"({MEAN} + x.mean(dim=(2, 3)).detach()) / 2",
        ),
        "no gradient in eval mode": (
            f"return {HEAD}",
            f"return {HEAD} if self.training else {HEAD}.detach()",
        ),
    },
    "anywhere": {
        "float32 logits": (HEAD, f"{HEAD}.float()"),
        "x cast to the parameters' dtype": (
            "        x = self.bn1(",
            ("        x = x.to(self.fc.weight.dtype)\n        x = self.bn1("),
        ),
        "a constant made on the CPU": (
            "        x = self.bn1(",
            ("        x = x + Tensor(1, 1, 2).zero_()[..., :1].to(x.dtype)\n        x = self.bn1("),
        ),
        "pixels viewed as one row": (
            "        x = self.bn1(",
            ("        x = x.view(len(x), 3, -1).view(x.shape)\n        x = self.bn1("),
        ),
    },
}

VARIANTS = {
    "pooling module, stages in a loop": """
class SmallResNet(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, stride=1, padding="same", bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        c_in = 16
        for i, (c, s) in enumerate([(16, 1), (32, 2), (64, 2)], start=1):
            blocks = [ResidualBlock(c_in, c, s), ResidualBlock(c, c, 1)]
            setattr(self, f"layer{i}", nn.Sequential(*blocks))
            c_in = c
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(c_in, num_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(self.avgpool(x).flatten(1))
""",
    "one Sequential of all parts": """
class SmallResNet(nn.Sequential):
    def __init__(self, num_classes=10):
        def pair(a, b, s):
            return nn.Sequential(ResidualBlock(a, b, s), ResidualBlock(b, b))

        super().__init__()
        self.add_module("conv1", nn.Conv2d(3, 16, 3, padding=1, bias=False))
        self.add_module("bn1", nn.BatchNorm2d(16))
        self.add_module("relu", nn.ReLU())
        self.add_module("layer1", pair(16, 16, 1))
        self.add_module("layer2", pair(16, 32, 2))
        self.add_module("layer3", pair(32, 64, 2))
        self.add_module("pool", nn.AdaptiveAvgPool2d(1))
        self.add_module("flat", nn.Flatten())
        self.add_module("fc", nn.Linear(64, num_classes))
""",
    "as a plain interview answer writes it": """
class SmallResNet(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        self.layer1 = self._stage(16, 16, 1)
        self.layer2 = self._stage(16, 32, 2)
        self.layer3 = self._stage(32, 64, 2)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(64, num_classes)

    def _stage(self, in_c, out_c, stride):
        return nn.Sequential(ResidualBlock(in_c, out_c, stride), ResidualBlock(out_c, out_c, 1))

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer1(x)
        x = self.layer2(x)
        x = self.layer3(x)
        x = self.pool(x)
        x = x.view(x.size(0), -1)
        return self.fc(x)
""",
    "assigned in another order, block by block": """
class SmallResNet(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.fc = nn.Linear(64, num_classes)
        for i, (a, b) in reversed(list(enumerate([(16, 16), (16, 32), (32, 64)], 1))):
            blocks = [ResidualBlock(a, b, 1 if i == 1 else 2), ResidualBlock(b, b)]
            setattr(self, f"layer{i}", nn.ModuleList(blocks))
        self.bn1 = nn.BatchNorm2d(16)
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)

    def forward(self, x):
        x = nn.functional.relu(self.bn1(self.conv1(x)))
        for block in (*self.layer1, *self.layer2, *self.layer3):
            x = block(x)
        return self.fc(x.flatten(2).mean(-1))
""",
}
