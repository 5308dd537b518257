"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SHORTCUT = (
    "            self.shortcut = nn.Sequential(\n"
    "                nn.Conv2d(in_c, out_c, 1, stride, bias=False), nn.BatchNorm2d(out_c)\n"
    "            )\n"
)
SUM = "        out += self.shortcut(x)\n        return out.relu_()"
END = "        return out.relu_()"
MID = "        out += self"
IF = "stride != 1 or in_c != out_c"
FIRST = "self.bn1(self.conv1(x)).relu_()"
SECOND = "self.bn2(self.conv2(out)).relu_()"
THIRD = "self.bn3(self.conv3(out))"
BN1 = "self.bn1 = nn.BatchNorm2d("
BN2 = "self.bn2 = nn.BatchNorm2d("

SLIPS = {
    "names": {
        "shortcut without BN": (
            SHORTCUT,
            (
                "            conv = nn.Conv2d(in_c, out_c, 1, stride, bias=False)\n"
                "            self.shortcut = nn.Sequential(conv)\n"
            ),
        ),
        "shortcut with a bias": ("1, stride, bias=False", "1, stride"),
        "3x3 shortcut": ("out_c, 1, stride, bias", "out_c, 3, stride, padding=1, bias"),
        "shortcut pools, then a convolution": (
            SHORTCUT,
            (
                "            self.shortcut = nn.Sequential(\n"
                "                nn.AvgPool2d(stride, ceil_mode=True),\n"
                "                nn.Conv2d(in_c, out_c, 1, bias=False),\n"
                "                nn.BatchNorm2d(out_c),\n"
                "            )\n"
            ),
        ),
        "shortcut only where channels change": (IF, "in_c != out_c"),
        "shortcut only where the size changes": (IF, "stride != 1"),
        "shortcut only for stride 2": (IF, "stride == 2 or in_c != out_c"),
        "shortcut only for more channels": ("or in_c != out_c", "or in_c < out_c"),
        "shortcut only where both change": ("stride != 1 or in_c", "stride != 1 and in_c"),
        "a convolution in every shortcut": (f"if {IF}:", "if True:"),
        "another momentum": (
            BN1,
            f"{BN1}momentum=0.01, num_features=",
        ),
        "another epsilon": (
            BN2,
            f"{BN2}eps=1e-3, num_features=",
        ),
        "no running statistics": (
            BN2,
            f"{BN2}track_running_stats=False, num_features=",
        ),
        "biased convolution before BN": (
            "3, stride, padding=1, bias=False",
            "3, stride, padding=1",
        ),
        "last convolution biased": ("mid_c, out_c, 1, bias=False", "mid_c, out_c, 1"),
        "a grouped 3x3": ("3, stride, padding=1,", "3, stride, padding=1, groups=mid_c,"),
        "out_c fixed at four times mid_c": (
            "        super().__init__()\n",
            ("        super().__init__()\n        out_c = 4 * mid_c\n"),
        ),
        "shortcut decided by mid_c": ("or in_c != out_c", "or in_c != mid_c"),
        "one BN for both narrow layers": (f"{BN2}mid_c)", "self.bn2 = self.bn1"),
        "out_c and mid_c swapped": (
            "out_c: int, mid_c: int, stride",
            "mid_c: int, out_c: int, stride",
        ),
        "stride 2 by default": ("stride: int = 1", "stride: int = 2"),
        "no 3x3 at all": ("3, stride, padding=1, bias", "1, stride, bias"),
        "mid_c as a factor": (
            "        super().__init__()\n",
            ("        super().__init__()\n        mid_c = out_c // 4 or 1\n"),
        ),
        "1x1 convolutions as linear layers": (
            "self.conv3 = nn.Conv2d(mid_c, out_c, 1, bias=False)",
            "self.conv3 = nn.Linear(mid_c, out_c, bias=False)",
        ),
        "group norm": (
            "self.bn3 = nn.BatchNorm2d(out_c)",
            "self.bn3 = nn.GroupNorm(1, out_c)",
        ),
        "a factor for the main path": (
            "    def forward",
            ("        self.scale = nn.Parameter(self.bn1.weight.new_ones(1))\n\n    def forward"),
        ),
    },
    "stride": {
        "stride in the first 1x1 convolution": (
            (
                "mid_c, 1, bias=False)\n"
                f"        {BN1}mid_c)\n"
                "        self.conv2 = nn.Conv2d(mid_c, mid_c, 3, stride"
            ),
            (
                "mid_c, 1, stride, bias=False)\n"
                f"        {BN1}mid_c)\n"
                "        self.conv2 = nn.Conv2d(mid_c, mid_c, 3, 1"
            ),
        ),
        "shortcut without the stride": (
            "nn.Conv2d(in_c, out_c, 1, stride,",
            "nn.Conv2d(in_c, out_c, 1,",
        ),
        "ReLU6 after the first convolution": (
            FIRST,
            "nn.functional.relu6(self.bn1(self.conv1(x)))",
        ),
        "stride in the last 1x1 convolution": (
            (
                "3, stride, padding=1, bias=False)\n"
                f"        {BN2}mid_c)\n"
                "        self.conv3 = nn.Conv2d(mid_c, out_c, 1,"
            ),
            (
                "3, padding=1, bias=False)\n"
                f"        {BN2}mid_c)\n"
                "        self.conv3 = nn.Conv2d(mid_c, out_c, 1, stride,"
            ),
        ),
        "stride twice": ("(in_c, mid_c, 1, bias", "(in_c, mid_c, 1, stride, bias"),
        "no stride": ("3, stride, padding=1", "3, padding=1"),
        "no padding": ("3, stride, padding=1", "3, stride"),
        "1x1 convolution padded": ("mid_c, out_c, 1, bias", "mid_c, out_c, 1, padding=1, bias"),
        "ReLU6 after the 3x3": (
            SECOND,
            "nn.functional.relu6(self.bn2(self.conv2(out)))",
        ),
        "pixels left out after the 3x3": """
class BottleneckBlock(BottleneckBlock):
    def __init__(self, in_c, out_c, mid_c, stride=1):
        super().__init__(in_c, out_c, mid_c, stride)
        self.conv2.stride, self.step = (1, 1), stride

    def forward(self, x):
        out = self.conv2(self.bn1(self.conv1(x)).relu())[..., :: self.step, :: self.step]
        return (self.bn3(self.conv3(self.bn2(out).relu())) + self.shortcut(x)).relu()
""",
        "pixels left out before the 3x3": """
class BottleneckBlock(BottleneckBlock):
    def __init__(self, in_c, out_c, mid_c, stride=1):
        super().__init__(in_c, out_c, mid_c, stride)
        self.conv2.stride, self.step = (1, 1), stride

    def forward(self, x):
        out = self.bn1(self.conv1(x))[..., :: self.step, :: self.step].relu()
        out = self.bn2(self.conv2(out)).relu()
        return (self.bn3(self.conv3(out)) + self.shortcut(x)).relu()
""",
    },
    "shapes": {
        "a batch of one squeezed": (
            END,
            f"{END}.squeeze(0)",
        ),
        "images of one pixel refused": (
            MID,
            (f"        if x.shape[-1] < 2:\n            raise ValueError('too small')\n{MID}"),
        ),
    },
    "shortcut": {
        "shortcut mirrored": ("self.shortcut(x)\n", "self.shortcut(x.flip(3))\n"),
        "no shortcut": (f"{MID}.shortcut(x)\n", ""),
        "shortcut reads x after a ReLU": ("self.shortcut(x)\n", "self.shortcut(x.clamp(min=0))\n"),
        "shortcut normalized by bn3": (
            "self.shortcut(x)\n",
            "self.bn3(x) if x.shape == out.shape else self.shortcut(x)\n",
        ),
        "BN of the shortcut not called": (
            "self.shortcut(x)\n",
            "(self.shortcut[0](x) if isinstance(self.shortcut, nn.Sequential) else x)\n",
        ),
    },
    "sum": {
        "ReLU before the sum": (
            SUM,
            "        return out.relu() + self.shortcut(x)",
        ),
        "ReLU before and after the sum": (
            SUM,
            "        return (out.relu() + self.shortcut(x)).relu()",
        ),
        "no ReLU at the end": (END, "        return out"),
        "shortcut with ReLU": (
            SHORTCUT,
            (
                "            self.shortcut = nn.Sequential(\n"
                "                nn.Conv2d(in_c, out_c, 1, stride, bias=False), "
                "nn.BatchNorm2d(out_c), nn.ReLU()\n"
                "            )\n"
            ),
        ),
        "shortcut subtracted": ("out += self.shortcut(x)", "out -= self.shortcut(x)"),
        "shortcut multiplied": ("out += self.shortcut(x)", "out *= self.shortcut(x)"),
        "leaky ReLU": (
            END,
            "        return nn.functional.leaky_relu(out)",
        ),
        "ReLU6 after the sum": (
            END,
            "        return nn.functional.relu6(out)",
        ),
        "sums cut off at 20": (END, "        return out.clamp(0, 20)"),
        "ReLU after the last BN": (THIRD, f"{THIRD}.relu_()"),
        "mean of both paths": (
            f"{MID}.shortcut(x)",
            "        out = (out + self.shortcut(x)) / 2",
        ),
        "ReLU on the shortcut": ("out += self.shortcut(x)", "out += self.shortcut(x).relu()"),
        "the larger of both paths": (
            f"{MID}.shortcut(x)\n",
            "        out = out.maximum(self.shortcut(x))\n",
        ),
    },
    "main": {
        "no ReLU after the first convolution": ("(self.conv1(x)).relu_()", "(self.conv1(x))"),
        "no first BN": ("self.bn1(self.conv1(x))", "self.conv1(x)"),
        "no ReLU after the 3x3": ("(self.conv2(out)).relu_()", "(self.conv2(out))"),
        "no BN before the sum": (THIRD, "self.conv3(out)"),
        "first BN used twice": ("self.bn2(self.conv2", "self.bn1(self.conv2"),
        "border wraps around": (
            "3, stride, padding=1,",
            '3, stride, padding=1, padding_mode="circular",',
        ),
        "border repeated instead of zeros": (
            "3, stride, padding=1,",
            '3, stride, padding=1, padding_mode="replicate",',
        ),
        "ReLU before BN": (
            SECOND,
            "self.bn2(self.conv2(out).relu_())",
        ),
        "GELU after the first convolution": (
            FIRST,
            "nn.functional.gelu(self.bn1(self.conv1(x)))",
        ),
        "3x3 left out": (
            SECOND,
            ("self.bn2(out if self.conv2.stride == (1, 1) else self.conv2(out)).relu_()"),
        ),
        "dropout in eval mode, too": (
            f"        out = {SECOND}",
            f"        out = nn.functional.dropout(out, 0.1)\n        out = {SECOND}",
        ),
        "first two batch norms swapped": (
            f"{FIRST}  # (N, mid_c, H, W)\n        out = {SECOND}",
            "self.bn2(self.conv1(x)).relu_()\n        out = self.bn1(self.conv2(out)).relu_()",
        ),
    },
    "input": {
        "the sum kept in x where x needs no gradient": (
            f"{MID}.shortcut(x)\n",
            (
                "        y = self.shortcut(x)\n"
                "        out = y + out if x.requires_grad else y.add_(out)\n"
            ),
        ),
        "the sum kept in x": (
            SUM,
            ("        x = self.shortcut(x)\n        x += out\n        return x.relu_()"),
        ),
        "input clipped in place": (MID, (f"        x.relu_()\n{MID}")),
        "ReLU in place on x after the sum": (
            END,
            (f"        x.relu_()\n{END}"),
        ),
        "the identity added in place": (
            f"{MID}.shortcut(x)\n",
            "        out = self.shortcut(x).add_(out)\n",
        ),
    },
    "training": {
        "the shortcut computed twice": (
            "out += self.shortcut(x)",
            "out += (self.shortcut(x) + self.shortcut(x)) / 2",
        ),
        "dropout in training": (
            END,
            "        return nn.functional.dropout(out.relu_(), 0.1, self.training)",
        ),
        "eval mode forced": (MID, (f"        self.eval()\n{MID}")),
        "eval mode for a single image": (
            MID,
            (f"        self.train(self.training and len(x) > 1)\n{MID}"),
        ),
        "eval mode for single pixels": (
            MID,
            (f"        if x.shape[2:] == (1, 1):\n            self.eval()\n{MID}"),
        ),
        "last BN in eval mode for a single image": (
            MID,
            (f"        self.bn3.train(len(x) > 1 and self.training)\n{MID}"),
        ),
        "always the statistics of the batch": (
            THIRD,
            (
                "nn.functional.batch_norm(\n"
                "            self.conv3(out), None, None, self.bn3.weight, "
                "self.bn3.bias, True\n"
                "        )"
            ),
        ),
        "block drops out in train mode (stochastic depth)": (
            f"{MID}.shortcut(x)\n",
            (
                "        keep = 0.8 if self.training else 1.0\n"
                "        out = out * out.new_empty(len(out), 1, 1, 1).bernoulli_(keep) "
                "/ keep + self.shortcut(x)\n"
            ),
        ),
    },
    "gradients": {
        "shortcut cut off from the gradient in eval mode": (
            "self.shortcut(x)\n",
            "self.shortcut(x if self.training else x.detach())\n",
        ),
        "shortcut cut off from the gradient": ("self.shortcut(x)\n", "self.shortcut(x.detach())\n"),
        "main path cut off from the gradient": (
            FIRST,
            "self.bn1(self.conv1(x.detach())).relu_()",
        ),
        "scales of the last BN frozen": (
            "    def forward",
            ("        self.bn3.weight.requires_grad_(False)\n\n    def forward"),
        ),
        "no gradient in eval mode": (
            END,
            "        return out.relu_() if self.training else out.relu_().detach()",
        ),
    },
    "anywhere": {
        "float32 whatever came": (END, f"{END}.float()"),
        "x cast to the parameters' dtype": (
            "        out = self.bn1",
            ("        x = x.to(self.bn1.weight.dtype)\n        out = self.bn1"),
        ),
        "a constant made on the CPU": (
            MID,
            (f"        out = out + Tensor(1, 1, 2).zero_()[..., :1].to(x.dtype)\n{MID}"),
        ),
        "1x1 convolution by view": (
            "self.shortcut(x)\n",
            "self.shortcut(x.view(len(x), x.shape[1], -1).view(x.shape))\n",
        ),
    },
}

VARIANTS = {
    "layers in a loop, shortcut None": """
class BottleneckBlock(nn.Module):
    def __init__(self, in_c, out_c, mid_c, stride=1):
        super().__init__()
        sizes = ((in_c, mid_c, 1, 1), (mid_c, mid_c, 3, stride), (mid_c, out_c, 1, 1))
        for i, (a, b, k, s) in enumerate(sizes, 1):
            setattr(self, f"conv{i}", nn.Conv2d(a, b, k, s, k // 2, bias=False))
            setattr(self, f"bn{i}", nn.BatchNorm2d(b))
        self.shortcut = None
        if in_c != out_c or stride > 1:
            down = nn.Conv2d(in_c, out_c, 1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(down, nn.BatchNorm2d(out_c))

    def forward(self, x):
        y = x
        for i in (1, 2, 3):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            if i == 3:
                y = y + (x if self.shortcut is None else self.shortcut(x))
            y = nn.functional.relu(y, inplace=True)
        return y
""",
    "the 1x1 shortcut reads a sliced input": """
class BottleneckBlock(BottleneckBlock):
    def __init__(self, in_c, out_c, mid_c, stride=1):
        super().__init__(in_c, out_c, mid_c, stride)
        self.step = stride
        if len(list(self.shortcut.children())):
            self.shortcut[0].stride = (1, 1)

    def forward(self, x):
        out = self.bn1(self.conv1(x)).relu()
        out = self.bn3(self.conv3(self.bn2(self.conv2(out)).relu()))
        return (self.shortcut(x[..., :: self.step, :: self.step]) + out).relu()
""",
    "as a plain interview answer writes it": """
class BottleneckBlock(nn.Module):
    def __init__(self, in_c, out_c, mid_c, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_c, mid_c, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(mid_c)
        self.conv2 = nn.Conv2d(mid_c, mid_c, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(mid_c)
        self.conv3 = nn.Conv2d(mid_c, out_c, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_c)
        self.relu = nn.ReLU(inplace=True)
        if stride != 1 or in_c != out_c:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_c, out_c, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_c),
            )
        else:
            self.shortcut = nn.Identity()

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(out + self.shortcut(x))
""",
}
