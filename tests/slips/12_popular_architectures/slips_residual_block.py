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
SECOND = "self.bn2(self.conv2(out))"
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
        "second convolution biased": ("out_c, 3, padding=1, bias=False", "out_c, 3, padding=1"),
        "one BN for both": (f"{BN2}out_c)", "self.bn2 = self.bn1"),
        "stride 2 by default": ("stride: int = 1", "stride: int = 2"),
        "layers under a second name": (
            "        self.shortcut: nn.Module = nn.Identity()\n",
            (
                "        self.main = nn.Sequential(self.conv1, self.bn1)\n"
                "        self.shortcut: nn.Module = nn.Identity()\n"
            ),
        ),
        "layer names of torchvision": (
            "    def forward",
            (
                "        self.downsample = self._modules.pop('shortcut')\n"
                "        self.shortcut = lambda x: self.downsample(x)\n"
                "\n"
                "    def forward"
            ),
        ),
        "4 times as many channels inside": (
            (
                "self.conv1 = nn.Conv2d(in_c, out_c, 3, stride, padding=1, bias=False)\n"
                f"        {BN1}out_c)\n"
                "        self.conv2 = nn.Conv2d(out_c, "
            ),
            (
                "self.conv1 = nn.Conv2d(in_c, 4 * out_c, 3, stride, padding=1, bias=False)\n"
                f"        {BN1}4 * out_c)\n"
                "        self.conv2 = nn.Conv2d(4 * out_c, "
            ),
        ),
        "group norm": (
            f"{BN2}out_c)",
            "self.bn2 = nn.GroupNorm(1, out_c)",
        ),
        "a factor for the main path": (
            "    def forward",
            ("        self.scale = nn.Parameter(self.bn1.weight.new_ones(1))\n\n    def forward"),
        ),
    },
    "stride": {
        "stride in the second convolution": (
            (
                "3, stride, padding=1, bias=False)\n"
                f"        {BN1}out_c)\n"
                "        self.conv2 = nn.Conv2d(out_c, out_c, 3, padding=1"
            ),
            (
                "3, padding=1, bias=False)\n"
                f"        {BN1}out_c)\n"
                "        self.conv2 = nn.Conv2d(out_c, out_c, 3, stride, padding=1"
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
        "stride in both convolutions": ("out_c, 3, padding=1", "out_c, 3, stride, padding=1"),
        "no padding": ("3, stride, padding=1", "3, stride"),
        "border repeated instead of zeros": (
            "3, stride, padding=1",
            '3, stride, padding=1, padding_mode="replicate"',
        ),
        "first convolution used twice": (SECOND, "self.bn2(self.conv1(out))"),
        "pixels left out after the convolution": """
class ResidualBlock(ResidualBlock):
    def __init__(self, in_c, out_c, stride=1):
        super().__init__(in_c, out_c, stride)
        self.conv1.stride, self.step = (1, 1), stride

    def forward(self, x):
        out = self.bn1(self.conv1(x)[..., :: self.step, :: self.step]).relu()
        return (self.bn2(self.conv2(out)) + self.shortcut(x)).relu()
""",
        "pixels left out before the convolution": """
class ResidualBlock(ResidualBlock):
    def __init__(self, in_c, out_c, stride=1):
        super().__init__(in_c, out_c, stride)
        self.conv1.stride, self.step = (1, 1), stride

    def forward(self, x):
        out = self.bn1(self.conv1(x[..., :: self.step, :: self.step])).relu()
        return (self.bn2(self.conv2(out)) + self.shortcut(x)).relu()
""",
        "stride along one axis": ("3, stride, padding=1", "3, (1, stride), padding=1"),
        "always stride 1": (
            "        super().__init__()\n",
            (
                "        super().__init__()\n"
                "        stride = 1 if in_c == out_c else min(stride, 2)\n"
            ),
        ),
    },
    "shapes": {
        "a batch of one squeezed": (
            END,
            f"{END}.squeeze(0)",
        ),
        "averaged to one pixel each": (
            END,
            "        return nn.functional.adaptive_avg_pool2d(out.relu_(), 1)",
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
        "shortcut normalized by bn2": (
            "self.shortcut(x)\n",
            "self.bn2(x) if x.shape == out.shape else self.shortcut(x)\n",
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
        "mean of both paths": (
            f"{MID}.shortcut(x)",
            "        out = (out + self.shortcut(x)) / 2",
        ),
        "ReLU on the shortcut": ("out += self.shortcut(x)", "out += self.shortcut(x).relu()"),
        "GELU at the end": (
            END,
            "        return nn.functional.gelu(out)",
        ),
        "the larger of both paths": (
            f"{MID}.shortcut(x)\n",
            "        out = out.maximum(self.shortcut(x))\n",
        ),
    },
    "main": {
        "no ReLU after the first convolution": ("(self.conv1(x)).relu_()", "(self.conv1(x))"),
        "no first BN": ("self.bn1(self.conv1(x))", "self.conv1(x)"),
        "no BN before the sum": (SECOND, "self.conv2(out)"),
        "BN before the convolution": (SECOND, "self.conv2(self.bn2(out))"),
        "ReLU before BN": (FIRST, "self.bn1(self.conv1(x).relu_())"),
        "first BN used twice": ("self.bn2(self.conv2", "self.bn1(self.conv2"),
        "pre-activation": """
class ResidualBlock(ResidualBlock):
    def forward(self, x):
        out = self.conv1(self.bn1(x).relu()) if self.bn1.num_features == x.shape[1] else x
        return self.conv2(self.bn2(out).relu()) + self.shortcut(x)
""",
        "ReLU6 in the main path": (
            FIRST,
            "self.bn1(self.conv1(x)).clamp_(0, 6)",
        ),
        "border wraps around": (
            "out_c, 3, padding=1",
            'out_c, 3, padding=1, padding_mode="circular"',
        ),
        "second convolution left out": (SECOND, "self.bn2(out)"),
        "batch norms swapped": """
class ResidualBlock(ResidualBlock):
    def forward(self, x):
        out = self.bn2(self.conv1(x)).relu()
        return (self.bn1(self.conv2(out)) + self.shortcut(x)).relu()
""",
        "dropout in eval mode, too": (
            f"        out = {SECOND}",
            f"        out = nn.functional.dropout(out, 0.1)\n        out = {SECOND}",
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
        "always the statistics of the batch": (
            SECOND,
            (
                "nn.functional.batch_norm(\n"
                "            self.conv2(out), None, None, self.bn2.weight, "
                "self.bn2.bias, True\n"
                "        )"
            ),
        ),
        "last BN in eval mode for a single image": (
            MID,
            (f"        self.bn2.train(len(x) > 1 and self.training)\n{MID}"),
        ),
        "block drops out in train mode (stochastic depth)": (
            f"{MID}.shortcut(x)\n",
            (
                "        keep = 0.8 if self.training else 1.0\n"
                "        out = out * out.new_empty(len(out), 1, 1, 1).bernoulli_(keep) "
                "/ keep + self.shortcut(x)\n"
            ),
        ),
        "train mode forced": (MID, (f"        self.train()\n{MID}")),
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
            ("        self.bn2.weight.requires_grad_(False)\n\n    def forward"),
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
        "shortcut by view": (
            "self.shortcut(x)\n",
            "self.shortcut(x.view(len(x), x.shape[1], -1).view(x.shape))\n",
        ),
    },
}

VARIANTS = {
    "shortcut looked up, sum into a new tensor": """
class ResidualBlock(nn.Module):
    def __init__(self, in_c, out_c, stride=1):
        super().__init__()
        kinds = ((in_c, stride), (out_c, 1))
        for i, (c, step) in enumerate(kinds, 1):
            conv = nn.Conv2d(c, out_c, (3, 3), (step, step), "same" if step == 1 else 1, bias=False)
            nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
            self.add_module(f"conv{i}", conv)
            self.add_module(f"bn{i}", nn.BatchNorm2d(out_c))
        nn.init.zeros_(self.bn2.weight)
        if (in_c, 1) != (out_c, stride):
            conv = nn.Conv2d(in_c, out_c, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.ModuleList([conv, nn.BatchNorm2d(out_c)])
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        identity = x
        for layer in getattr(self, "shortcut", ()):
            identity = layer(identity)
        x = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(torch.add(identity, x))


import torch
""",
    "main path as a Sequential, empty shortcut": """
class ResidualBlock(nn.Sequential):
    def __init__(self, in_c, out_c, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_c, out_c, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_c)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(out_c, out_c, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_c)
        self.shortcut = nn.Sequential()
        if not (stride == 1 and in_c == out_c):
            self.shortcut.append(nn.Conv2d(in_c, out_c, 1, stride, bias=False))
            self.shortcut.append(nn.BatchNorm2d(out_c))

    def forward(self, x):
        main = x
        for layer in (self.conv1, self.bn1, self.relu, self.conv2, self.bn2):
            main = layer(main)
        return (self.shortcut(x) + main).clamp(min=0)
""",
    "as a plain interview answer writes it": """
class ResidualBlock(nn.Module):
    def __init__(self, in_c, out_c, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_c, out_c, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_c)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(out_c, out_c, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_c)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_c != out_c:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_c, out_c, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_c),
            )

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return self.relu(out)
""",
    "assigned in another order, convolutions by functions": """
class ResidualBlock(nn.Module):
    def __init__(self, in_c, out_c, stride=1):
        super().__init__()
        self.stride, self.shortcut = stride, None
        if stride != 1 or in_c != out_c:
            down = nn.Conv2d(in_c, out_c, 1, bias=False)
            self.shortcut = nn.Sequential(down, nn.BatchNorm2d(out_c))
        self.bn2, self.bn1 = nn.BatchNorm2d(out_c), nn.BatchNorm2d(out_c)
        self.conv2 = nn.Conv2d(out_c, out_c, 3, bias=False)
        self.conv1 = nn.Conv2d(in_c, out_c, 3, bias=False)

    def forward(self, x):
        conv2d = nn.functional.conv2d
        out = self.bn1(conv2d(x, self.conv1.weight, None, self.stride, 1)).relu()
        out = self.bn2(conv2d(out, self.conv2.weight, padding=1))
        if self.shortcut is not None:
            x = self.shortcut[1](conv2d(x, self.shortcut[0].weight, stride=self.stride))
        return nn.functional.relu(out + x)
""",
}
