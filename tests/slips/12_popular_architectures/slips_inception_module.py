"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

CAT = "torch.cat([branch(x) for branch in self.branches], dim=1)"
ALL = "[branch(x) for branch in self.branches]"
POOL = "pool = nn.MaxPool2d(kernel_size=3, stride=1, padding=1)"
FOURTH = "nn.Sequential(pool, conv_relu(in_c, pool_proj, 1))"

SLIPS = {
    "layers": {
        "mean of the data set as a buffer": (
            "    def forward",
            ("        self.register_buffer('mean', torch.zeros(in_c, 1, 1))\n\n    def forward"),
        ),
        "3x3 for the 5x5, as in torchvision": (
            "conv_relu(c5x5_reduce, c5x5, 5)",
            "conv_relu(c5x5_reduce, c5x5, 3)",
        ),
        "two 3x3 for the 5x5, as in Inception v2": (
            "conv_relu(c5x5_reduce, c5x5, 5)",
            "conv_relu(c5x5_reduce, c5x5, 3), conv_relu(c5x5, c5x5, 3)",
        ),
        "dilated 3x3 for the 5x5": (
            "conv_relu(c5x5_reduce, c5x5, 5))",
            "nn.Conv2d(c5x5_reduce, c5x5, 3, padding=2, dilation=2), nn.ReLU())",
        ),
        "lazy convolutions": ("nn.Conv2d(in_c, out_c,", "nn.LazyConv2d(out_c,"),
        "no projection": (
            FOURTH,
            "nn.Sequential(pool)",
        ),
        "no reduction": (
            ("nn.Sequential(conv_relu(in_c, c3x3_reduce, 1), conv_relu(c3x3_reduce, c3x3, 3))"),
            "conv_relu(in_c, c3x3, 3)",
        ),
        "reduction by a 3x3": (
            "conv_relu(in_c, c5x5_reduce, 1)",
            "conv_relu(in_c, c5x5_reduce, 3)",
        ),
        "one reduction for both branches": (
            "conv_relu(in_c, c5x5_reduce, 1), conv_relu(c5x5_reduce, c5x5, 5)",
            "conv_relu(in_c, c3x3_reduce, 1), conv_relu(c3x3_reduce, c5x5, 5)",
        ),
        "batch norm, as in torchvision": (
            "padding=padding), nn.ReLU())",
            ("padding=padding, bias=False), nn.BatchNorm2d(out_c, eps=0.001), nn.ReLU())"),
        ),
        "batch norm besides the bias": (
            "padding=padding), nn.ReLU())",
            "padding=padding), nn.BatchNorm2d(out_c), nn.ReLU())",
        ),
        "branches in a plain list": (("nn.ModuleList(\n            ["), ("list(\n            [")),
        "the 1x1 convolutions on x as one layer": (
            "    def forward",
            (
                "        self.joined = nn.Conv2d(in_c, c1x1 + c3x3_reduce + "
                "c5x5_reduce, 1)\n"
                "\n"
                "    def forward"
            ),
        ),
        "reductions and outputs swapped": (
            "conv_relu(in_c, c3x3_reduce, 1), conv_relu(c3x3_reduce, c3x3, 3)",
            "conv_relu(in_c, c3x3, 1), conv_relu(c3x3, c3x3_reduce, 3)",
        ),
    },
    "biases": {
        "convolutions without bias": ("padding=padding)", "padding=padding, bias=False)"),
        "no bias in the reductions": (
            "    def forward",
            (
                "        for i in (1, 2):\n"
                "            self.branches[i][0][0].register_parameter('bias', None)\n"
                "\n"
                "    def forward"
            ),
        ),
    },
    "shapes": {
        "a batch of one squeezed": (
            f"        return {CAT}",
            f"        return {CAT}.squeeze(0)",
        ),
        "branches summed": (
            CAT,
            f"sum(nn.functional.pad(y, (0, 0, 0, 0, 0, 40 - y.shape[1])) for y in {ALL})",
        ),
        "joined along the width": ("in self.branches], dim=1)", "in self.branches], dim=-1)"),
        "padding 1 everywhere": ("kernel_size // 2", "1"),
        "pooling with the default stride": ("kernel_size=3, stride=1,", "kernel_size=3,"),
        "nothing returned": ("return torch.cat", "torch.cat"),
        "mirrored border in the pooling, which one pixel has not": (
            POOL,
            ("pool = nn.Sequential(nn.ReflectionPad2d(1), nn.MaxPool2d(kernel_size=3, stride=1))"),
        ),
        "images of one pixel refused": (
            "        return torch.cat",
            (
                "        if x.shape[-1] < 2:\n"
                "            raise ValueError('too small')\n"
                "        return torch.cat"
            ),
        ),
    },
    "order": {
        "branches in another order": ("in self.branches]", "in self.branches[::-1]]"),
        "branches 2 and 3 swapped": (
            "for branch in self.branches]",
            "for branch in (self.branches[i] for i in (0, 2, 1, 3))]",
        ),
        "pooling branch second": (
            "for branch in self.branches]",
            "for branch in (self.branches[i] for i in (0, 3, 1, 2))]",
        ),
        "softmax over the branches": (
            "in self.branches], dim=1)",
            "in self.branches], 1).softmax(1)",
        ),
        "reduced branches first": (
            "for branch in self.branches]",
            "for branch in (self.branches[i] for i in (1, 2, 0, 3))]",
        ),
        "channels shuffled": (
            "for branch in self.branches], dim=1)",
            "for branch in self.branches], dim=1).flip(1)",
        ),
    },
    "relu": {
        "no ReLU": (", padding=padding), nn.ReLU())", ", padding=padding))"),
        "no ReLU after the reductions": """
class InceptionModule(InceptionModule):
    def __init__(self, *sizes):
        super().__init__(*sizes)
        for i in (1, 2):
            self.branches[i][0][1] = nn.Identity()
""",
        "no ReLU after the reduction of the 5x5": (
            "    def forward",
            ("        self.branches[2][0].pop(1)\n\n    def forward"),
        ),
        "no ReLU after the projection": (
            "    def forward",
            ("        self.branches[3][1].pop(1)\n\n    def forward"),
        ),
        "no ReLU after the 1x1 branch": (
            "    def forward",
            ("        self.branches[0].pop(1)\n\n    def forward"),
        ),
        "ReLU before the convolution": (
            "nn.Conv2d(in_c, out_c, kernel_size, padding=padding), nn.ReLU()",
            "nn.ReLU(), nn.Conv2d(in_c, out_c, kernel_size, padding=padding)",
        ),
        "leaky ReLU": ("nn.ReLU())", "nn.LeakyReLU(0.1))"),
        "5x5 branch fed by a ReLU of x": (
            ALL,
            ("[branch(x.relu() if i == 2 else x) for i, branch in enumerate(self.branches)]"),
        ),
        "ReLU6": ("nn.ReLU())", "nn.ReLU6())"),
        "one ReLU at the end only": """
class InceptionModule(InceptionModule):
    def __init__(self, *sizes):
        super().__init__(*sizes)
        for i in (1, 2):
            self.branches[i][0].pop(1)

    def forward(self, x):
        return super().forward(x).relu()
""",
        "ReLU after the pooling": (
            FOURTH,
            "nn.Sequential(pool, nn.ReLU(), conv_relu(in_c, pool_proj, 1))",
        ),
        "no ReLU at the end of branch 2": (
            "conv_relu(c3x3_reduce, c3x3, 3)",
            "conv_relu(c3x3_reduce, c3x3, 3)[0]",
        ),
    },
    "branches": {
        "mirrored border": ("padding=padding)", 'padding=padding, padding_mode="replicate")'),
        "3x3 dilated": (
            "conv_relu(c3x3_reduce, c3x3, 3))",
            "nn.Conv2d(c3x3_reduce, c3x3, 3, padding=2, dilation=2), nn.ReLU())",
        ),
        "border repeated in the 5x5 only": (
            "nn.Conv2d(in_c, out_c, kernel_size, padding=padding)",
            (
                "nn.Conv2d(\n"
                "        in_c, out_c, kernel_size, padding=padding,\n"
                '        padding_mode="replicate" if kernel_size == 5 else "zeros",\n'
                "    )"
            ),
        ),
        "a shortcut from the reduction": """
class InceptionModule(InceptionModule):
    def forward(self, x):
        first, (reduce3, conv3), third, fourth = self.branches
        y = reduce3(x)
        y = conv3(y + y.roll(1, 3) - y)
        return torch.cat([first(x), y, third(x), fourth(x)], dim=1)
""",
    },
    "pooling": {
        "pooling 5x5": (
            "kernel_size=3, stride=1, padding=1",
            "kernel_size=5, stride=1, padding=2",
        ),
        "average pooling": ("nn.MaxPool2d(", "nn.AvgPool2d("),
        "pooling pads with zeros": (
            POOL,
            ("pool = nn.Sequential(nn.ZeroPad2d(1), nn.MaxPool2d(kernel_size=3, stride=1))"),
        ),
        "projection before the pooling": (
            FOURTH,
            "nn.Sequential(conv_relu(in_c, pool_proj, 1), pool)",
        ),
        "no pooling": (
            FOURTH,
            "nn.Sequential(nn.Identity(), conv_relu(in_c, pool_proj, 1))",
        ),
        "pooling over rows only": (
            "kernel_size=3, stride=1, padding=1",
            "kernel_size=(1, 3), stride=1, padding=(0, 1)",
        ),
        "smallest of the window": """
class InceptionModule(InceptionModule):
    def forward(self, x):
        pool, project = self.branches[3]
        parts = [branch(x) for branch in self.branches[:3]]
        return torch.cat([*parts, project(-pool(-x))], dim=1)
""",
        "average without the border": (
            "nn.MaxPool2d(kernel_size=3, stride=1, padding=1)",
            "nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)",
        ),
        "border wraps around in the pooling": (
            POOL,
            "pool = nn.Sequential(nn.CircularPad2d(1), nn.MaxPool2d(kernel_size=3, stride=1))",
        ),
    },
    "modes": {
        "dropout": (
            ALL,
            ("[nn.functional.dropout(branch(x), 0.1, self.training) for branch in self.branches]"),
        ),
        "ReLU in place on x": (
            ALL,
            ("[branch(nn.functional.relu(x.data, inplace=True)) for branch in self.branches]"),
        ),
        "eval mode forced": (
            "        return torch.cat",
            ("        self.eval()\n        return torch.cat"),
        ),
        "pooling branch off in train mode": (
            ALL,
            (
                "[branch(x) * (i < 3 or not self.training) for i, branch in "
                "enumerate(self.branches)]"
            ),
        ),
        "ReLU in place on x at the end": (
            f"        return {CAT}",
            (f"        out = {CAT}\n        x.data.relu_()\n        return out"),
        ),
    },
    "gradients": {
        "reduction not trained": (
            "    def forward",
            ("        self.branches[1][0].requires_grad_(False)\n\n    def forward"),
        ),
        "gradient cut in one branch": (
            ALL,
            ("[self.branches[0](x.detach()), *(branch(x) for branch in self.branches[1:])]"),
        ),
        "pooling under no_grad": (
            f"        return {CAT}",
            (
                "        with torch.no_grad():\n"
                "            pooled = self.branches[3][0](x)\n"
                "        parts = [branch(x) for branch in self.branches[:3]]\n"
                "        return torch.cat([*parts, self.branches[3][1](pooled)], dim=1)"
            ),
        ),
        "no gradient in eval mode": (
            f"return {CAT}",
            f"with torch.set_grad_enabled(self.training):\n            return {CAT}",
        ),
    },
    "low": {
        "pooling pads with -10.0": (
            POOL,
            (
                "pad = nn.ConstantPad2d(1, -10.0)\n"
                "        pool = nn.Sequential(pad, nn.MaxPool2d(kernel_size=3, "
                "stride=1))"
            ),
        ),
        "pooling pads with -1e4": (
            POOL,
            (
                "pad = nn.ConstantPad2d(1, -1e4)\n"
                "        pool = nn.Sequential(pad, nn.MaxPool2d(kernel_size=3, "
                "stride=1))"
            ),
        ),
        "pooling pads with -1e9": (
            POOL,
            (
                "pad = nn.ConstantPad2d(1, -1e9)\n"
                "        pool = nn.Sequential(pad, nn.MaxPool2d(kernel_size=3, "
                "stride=1))"
            ),
        ),
        "pooling pads with torch.finfo(torch.float32).min": (
            POOL,
            (
                "pad = nn.ConstantPad2d(1, torch.finfo(torch.float32).min)\n"
                "        pool = nn.Sequential(pad, nn.MaxPool2d(kernel_size=3, "
                "stride=1))"
            ),
        ),
        "pooling in float32": """
class InceptionModule(InceptionModule):
    def forward(self, x):
        pool, project = self.branches[3]
        parts = [branch(x) for branch in self.branches[:3]]
        pooled = pool(x.clamp(-1e30, 1e30))
        return torch.cat([*parts, project(pooled)], dim=1)
""",
    },
    "anywhere": {
        "x cast to the parameters' dtype": (
            "        return torch.cat",
            ("        x = x.to(self.branches[0][0].weight.dtype)\n        return torch.cat"),
        ),
        "float32 whatever came": ("in self.branches], dim=1)", "in self.branches], dim=1).float()"),
        "a constant made on the CPU": (
            "        return torch.cat",
            ("        x = x + torch.zeros(x.shape[1:], dtype=x.dtype)\n        return torch.cat"),
        ),
        "pixels viewed as one row": (
            "        return torch.cat",
            ("        x = x.view(len(x), x.shape[1], -1).view(x.shape)\n        return torch.cat"),
        ),
    },
}

VARIANTS = {
    "six attributes, one ReLU at the end": """
class InceptionModule(nn.Module):
    def __init__(
        self,
        in_c: int,
        c1x1: int,
        c3x3_reduce: int,
        c3x3: int,
        c5x5_reduce: int,
        c5x5: int,
        pool_proj: int,
    ) -> None:
        super().__init__()
        self.pool_proj = nn.Conv2d(in_c, pool_proj, 1)
        self.conv5 = nn.Conv2d(c5x5_reduce, c5x5, 5, padding="same")
        self.conv3 = nn.Conv2d(c3x3_reduce, c3x3, 3, padding="same")
        self.reduce5 = nn.Conv2d(in_c, c5x5_reduce, 1)
        self.reduce3 = nn.Conv2d(in_c, c3x3_reduce, 1)
        self.conv1 = nn.Conv2d(in_c, c1x1, 1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        b2, b3 = self.conv3(self.relu(self.reduce3(x))), self.conv5(self.relu(self.reduce5(x)))
        b4 = self.pool_proj(nn.functional.max_pool2d(x, 3, 1, 1))
        return self.relu(torch.cat((self.conv1(x), b2, b3, b4), -3))
""",
    "the 1x1 convolutions on x run as one": """
class InceptionModule(InceptionModule):
    def forward(self, x: Tensor) -> Tensor:
        one, (reduce3, conv3), (reduce5, conv5), (_, proj) = self.branches
        firsts = [one[0], reduce3[0], reduce5[0]]
        weight, bias = (torch.cat([getattr(m, k) for m in firsts]) for k in ("weight", "bias"))
        sizes = [m.out_channels for m in firsts]
        b1, b2, b3 = nn.functional.conv2d(x, weight, bias).relu().split(sizes, dim=1)
        padded = nn.functional.pad(x, (1, 1, 1, 1), value=float("-inf"))
        pooled = padded.unfold(2, 3, 1).unfold(3, 3, 1).amax((-2, -1))
        return torch.cat([b1, conv3(b2), conv5(b3), proj(pooled)], dim=1)
""",
    "border repeated for the pooling, branches assigned from the last to the first": """
class InceptionModule(nn.Module):
    def __init__(self, in_c, c1x1, c3x3_reduce, c3x3, c5x5_reduce, c5x5, pool_proj):
        super().__init__()
        self.d = nn.Conv2d(in_c, pool_proj, 1)
        self.c2 = nn.Conv2d(c5x5_reduce, c5x5, 5, padding=2)
        self.c1 = nn.Conv2d(in_c, c5x5_reduce, 1)
        self.b2 = nn.Conv2d(c3x3_reduce, c3x3, 3, padding=1)
        self.b1 = nn.Conv2d(in_c, c3x3_reduce, 1)
        self.a = nn.Conv2d(in_c, c1x1, 1)

    def forward(self, x):
        relu, pad = nn.functional.relu, nn.functional.pad
        padded = pad(x, (1, 1, 1, 1), mode="replicate")
        pooled = nn.functional.max_pool2d(padded, 3, stride=1)
        parts = self.a(x), self.b2(relu(self.b1(x))), self.c2(relu(self.c1(x))), self.d(pooled)
        return torch.cat([relu(part) for part in parts], dim=1)
""",
    "as a plain interview answer writes it": """
class InceptionModule(nn.Module):
    def __init__(self, in_c, c1x1, c3x3_reduce, c3x3, c5x5_reduce, c5x5, pool_proj):
        super().__init__()
        self.branch1 = nn.Sequential(nn.Conv2d(in_c, c1x1, 1), nn.ReLU(inplace=True))
        self.branch2 = nn.Sequential(
            nn.Conv2d(in_c, c3x3_reduce, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(c3x3_reduce, c3x3, 3, padding=1),
            nn.ReLU(inplace=True),
        )
        self.branch3 = nn.Sequential(
            nn.Conv2d(in_c, c5x5_reduce, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(c5x5_reduce, c5x5, 5, padding=2),
            nn.ReLU(inplace=True),
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1),
            nn.Conv2d(in_c, pool_proj, 1),
            nn.ReLU(inplace=True),
        )

    def forward(self, x):
        return torch.cat(
            [self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], dim=1
        )
""",
}
