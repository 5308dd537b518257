"""Mistakes that each check must refuse, and second right answers that it must accept.

An edit is (text in the solution, text in its place), or Python text that defines some of the
solution's names anew.
"""

SHORTCUT = """            self.shortcut = nn.Sequential(
                nn.Conv2d(in_c, out_c, 1, stride, bias=False), nn.BatchNorm2d(out_c)
            )
"""
REST = "*(ResidualBlock(out_c, out_c) for _ in range(num_blocks - 1))"
STAGE = f"return nn.Sequential(first, {REST})"
SUM = "        out += self.shortcut(x)\n        return out.relu_()"

# what the residual and the bottleneck block have in common
SHARED = {
    "ReLU before the sum": (SUM, "        return out.relu() + self.shortcut(x)"),
    "ReLU before and after the sum": (SUM, "        return (out.relu() + self.shortcut(x)).relu()"),
    "no ReLU at the end": ("        return out.relu_()", "        return out"),
    "no ReLU after the first convolution": ("(self.conv1(x)).relu_()", "(self.conv1(x))"),
    "shortcut without BN": (
        SHORTCUT,
        "            conv = nn.Conv2d(in_c, out_c, 1, stride, bias=False)\n"
        "            self.shortcut = nn.Sequential(conv)\n",
    ),
    "shortcut with a bias": ("1, stride, bias=False", "1, stride"),
    "shortcut with ReLU": (
        SHORTCUT,
        SHORTCUT.replace("(out_c)\n", "(out_c), nn.ReLU()\n"),
    ),
    "shortcut without the stride": (
        "nn.Conv2d(in_c, out_c, 1, stride,",
        "nn.Conv2d(in_c, out_c, 1,",
    ),
    "3x3 shortcut": ("out_c, 1, stride, bias", "out_c, 3, stride, padding=1, bias"),
    "shortcut pools, then a convolution": (
        SHORTCUT,
        "            self.shortcut = nn.Sequential(\n"
        "                nn.AvgPool2d(stride, ceil_mode=True),\n"
        "                nn.Conv2d(in_c, out_c, 1, bias=False),\n"
        "                nn.BatchNorm2d(out_c),\n"
        "            )\n",
    ),
    "shortcut only where channels change": ("stride != 1 or in_c != out_c", "in_c != out_c"),
    "shortcut only where the size changes": ("stride != 1 or in_c != out_c", "stride != 1"),
    "shortcut only for stride 2": ("stride != 1 or in_c != out_c", "stride == 2 or in_c != out_c"),
    "shortcut only for more channels": ("or in_c != out_c", "or in_c < out_c"),
    "shortcut only where both change": ("stride != 1 or in_c", "stride != 1 and in_c"),
    "a convolution in every shortcut": ("if stride != 1 or in_c != out_c:", "if True:"),
    "no shortcut": ("        out += self.shortcut(x)\n", ""),
    "shortcut subtracted": ("out += self.shortcut(x)", "out -= self.shortcut(x)"),
    "shortcut multiplied": ("out += self.shortcut(x)", "out *= self.shortcut(x)"),
    "the shortcut computed twice": (
        "out += self.shortcut(x)",
        "out += (self.shortcut(x) + self.shortcut(x)) / 2",
    ),
    "shortcut cut off from the gradient": ("self.shortcut(x)\n", "self.shortcut(x.detach())\n"),
    "the sum kept in x": (
        SUM,
        "        x = self.shortcut(x)\n        x += out\n        return x.relu_()",
    ),
    "input clipped in place": ("        out += self", "        x.relu_()\n        out += self"),
    "no first BN": ("self.bn1(self.conv1(x))", "self.conv1(x)"),
    "another momentum": (
        "self.bn1 = nn.BatchNorm2d(",
        "self.bn1 = nn.BatchNorm2d(momentum=0.01, num_features=",
    ),
    "another epsilon": (
        "self.bn2 = nn.BatchNorm2d(",
        "self.bn2 = nn.BatchNorm2d(eps=1e-3, num_features=",
    ),
    "no running statistics": (
        "self.bn2 = nn.BatchNorm2d(",
        "self.bn2 = nn.BatchNorm2d(track_running_stats=False, num_features=",
    ),
    "leaky ReLU": ("        return out.relu_()", "        return nn.functional.leaky_relu(out)"),
    "ReLU6 after the first convolution": (
        "self.bn1(self.conv1(x)).relu_()",
        "nn.functional.relu6(self.bn1(self.conv1(x)))",
    ),
    "ReLU6 after the sum": (
        "        return out.relu_()",
        "        return nn.functional.relu6(out)",
    ),
    "sums cut off at 20": ("        return out.relu_()", "        return out.clamp(0, 20)"),
    "dropout in training": (
        "        return out.relu_()",
        "        return nn.functional.dropout(out.relu_(), 0.1, self.training)",
    ),
    "eval mode forced": ("        out += self", "        self.eval()\n        out += self"),
    "eval mode for a single image": (
        "        out += self",
        "        self.train(self.training and len(x) > 1)\n        out += self",
    ),
    "eval mode for single pixels": (
        "        out += self",
        "        if x.shape[2:] == (1, 1):\n            self.eval()\n        out += self",
    ),
    "float32 whatever came": ("        return out.relu_()", "        return out.relu_().float()"),
}

SLIPS = {
    "challenge_simple_cnn": {
        "biased convolution before batch norm": (", bias=False)", ")"),
        "softmax in the model": (
            "return self.head(self.stages(x).flatten(start_dim=1))",
            "return self.head(self.stages(x).flatten(start_dim=1)).softmax(dim=1)",
        ),
        "log-softmax in the model": (
            "return self.head(self.stages(x).flatten(start_dim=1))",
            "return self.head(self.stages(x).flatten(start_dim=1)).log_softmax(dim=1)",
        ),
        "ReLU on the logits": (
            "return self.head(self.stages(x).flatten(start_dim=1))",
            "return self.head(self.stages(x).flatten(start_dim=1)).relu()",
        ),
        "no batch norm": ("        nn.BatchNorm2d(out_channels),\n", ""),
        "no ReLU": ("        nn.ReLU(),\n", ""),
        "batch norm after ReLU": (
            "nn.BatchNorm2d(out_channels),\n        nn.ReLU(),",
            "nn.ReLU(),\n        nn.BatchNorm2d(out_channels),",
        ),
        "batch norm after the pooling": (
            "        nn.BatchNorm2d(out_channels),\n        nn.ReLU(),\n        nn.MaxPool2d(2),\n",
            "        nn.ReLU(),\n        nn.MaxPool2d(2),\n        nn.BatchNorm2d(out_channels),\n",
        ),
        "average of the window": ("nn.MaxPool2d(2)", "nn.AvgPool2d(2)"),
        "overlapping windows": ("nn.MaxPool2d(2)", "nn.MaxPool2d(3, stride=2, padding=1)"),
        "strided convolution for the pooling": (
            "padding=1, bias=False),\n        nn.BatchNorm2d(out_channels),\n        nn.ReLU(),\n"
            "        nn.MaxPool2d(2),\n",
            "padding=1, stride=2, bias=False),\n        nn.BatchNorm2d(out_channels),\n"
            "        nn.ReLU(),\n",
        ),
        "mirrored border": ("padding=1, bias", 'padding=1, padding_mode="reflect", bias'),
        "another eps": ("BatchNorm2d(out_channels)", "BatchNorm2d(out_channels, eps=1e-3)"),
        "another momentum": (
            "BatchNorm2d(out_channels)",
            "BatchNorm2d(out_channels, momentum=0.9)",
        ),
        "batch norm without scale and shift": (
            "BatchNorm2d(out_channels)",
            "BatchNorm2d(out_channels, affine=False)",
        ),
        "statistics of the batch in eval mode": (
            "BatchNorm2d(out_channels)",
            "BatchNorm2d(out_channels, track_running_stats=False)",
        ),
        "instance norm": ("BatchNorm2d(out", "InstanceNorm2d(out"),
        "linear layer without bias": (
            "nn.Linear(128 * 4 * 4, num_classes)",
            "nn.Linear(128 * 4 * 4, num_classes, bias=False)",
        ),
        "average over the pixels": (
            "self.stages(x).flatten(start_dim=1)",
            "self.stages(x).mean(dim=(2, 3)).repeat(1, 16)",
        ),
        "channels last when flattened": (
            "self.stages(x).flatten(start_dim=1)",
            "self.stages(x).permute(0, 2, 3, 1).flatten(start_dim=1)",
        ),
        "columns before rows when flattened": (
            "self.stages(x).flatten(start_dim=1)",
            "self.stages(x).transpose(2, 3).flatten(start_dim=1)",
        ),
        "sizes not compared": ("if x.shape[1:] != self.image:", "if False:"),
        "only the number of values compared": (
            "x.shape[1:] != self.image",
            "x[0].numel() != 1024 * self.image[0]",
        ),
        "only the height compared": ("x.shape[1:] != self.image", "x.shape[2] != 32"),
        "images of other size mixed": (
            "if x.shape[1:] != self.image:",
            "if x.ndim == 4:\n            return self.head(self.stages(x).reshape(-1, 2048))\n"
            "        else:",
        ),
        "dropout before the last layer": (
            "self.stages(x).flatten(start_dim=1)",
            "nn.functional.dropout(self.stages(x).flatten(start_dim=1), 0.5, self.training)",
        ),
        "a batch of one squeezed": (
            "return self.head(self.stages(x).flatten(start_dim=1))",
            "return self.head(self.stages(x).flatten(start_dim=1)).squeeze()",
        ),
        "scaled in place": (
            "        return self.head(",
            "        x.data.sub_(0.5)\n        return self.head(",
        ),
        "other widths": (
            "conv_stage(32, 64),  # (N, 64, 8, 8)\n            conv_stage(64, 128)",
            "conv_stage(32, 32),  # (N, 64, 8, 8)\n            conv_stage(32, 128)",
        ),
        "lazy linear layer": (
            "nn.Linear(128 * 4 * 4, num_classes)",
            "nn.LazyLinear(num_classes)",
        ),
        "assert for ValueError": (
            "if x.shape[1:] != self.image:\n            raise ValueError(",
            "assert x.shape[1:] == self.image, (",
        ),
        "eval mode forced": (
            "return self.head(self.stages(x)",
            "return self.eval().head(self.stages(x)",
        ),
        "flattened by view": (
            "self.stages(x).flatten(start_dim=1)",
            "self.stages(x).view(x.shape[0], -1)",
        ),
        "any square image": (
            "x.shape[1:] != self.image",
            "x.ndim != 4 or x.shape[2] != x.shape[3]",
        ),
        "gray images made color": (
            "        if x.shape[1:] != self.image:",
            "        if x.ndim == 4 and x.shape[1] == 1:\n"
            "            x = x.expand(-1, self.image[0], -1, -1)\n"
            "        if x.shape[1:] != self.image:",
        ),
        "large images cropped": (
            "        if x.shape[1:] != self.image:",
            "        if x.ndim == 4 and min(x.shape[2:]) > 32:\n            x = x[..., :32, :32]\n"
            "        if x.shape[1:] != self.image:",
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
        "a single class squeezed": (
            "return self.head(self.stages(x).flatten(start_dim=1))",
            "return self.head(self.stages(x).flatten(start_dim=1)).squeeze(-1)",
        ),
        "no padding": ("kernel_size=3, padding=1, bias", "kernel_size=3, bias"),
        "nothing returned": ("return self.head(", "self.head("),
        "batch of one in eval mode": (
            "self.stages(x).flatten",
            "self.stages.train(self.training and len(x) > 1)(x).flatten",
        ),
        "features computed twice": (
            "        return self.head(",
            "        self.stages(x)\n        return self.head(",
        ),
        "width not compared": ("x.shape[1:] != self.image", "x.shape[1:3] != self.image[:2]"),
        "no third stage": (
            "            conv_stage(64, 128),  # (N, 128, 4, 4)\n        )\n"
            "        self.head = nn.Linear(128 * 4 * 4",
            "        )\n        self.head = nn.Linear(64 * 8 * 8",
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
        "float32 whatever came": (
            "self.head(self.stages(x).flatten(start_dim=1))",
            "self.head(self.stages(x).flatten(start_dim=1)).float()",
        ),
        "gradient cut": ("self.stages(x).flatten", "self.stages(x).detach().flatten"),
        "features frozen": (
            "        self.head = nn.Linear(",
            "        self.stages.requires_grad_(False)\n        self.head = nn.Linear(",
        ),
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
    },
    "challenge_vgg_block": {
        "no ReLU at all": (", nn.ReLU()]", "]"),
        "one ReLU for the whole block": (
            ", nn.ReLU()]\n",
            "]\n        layers.append(nn.ReLU())\n",
        ),
        "no ReLU after the last convolution": (
            "        if use_pool:",
            "        layers.pop()\n        if use_pool:",
        ),
        "ReLU before the convolution": (
            "[nn.Conv2d(c_in, c_out, kernel_size=3, padding=1), nn.ReLU()]",
            "[nn.ReLU(), nn.Conv2d(c_in, c_out, kernel_size=3, padding=1)]",
        ),
        "ReLU in place on x": (
            "return self.layers(x)",
            "return self.layers(nn.functional.relu(x.data, inplace=True))",
        ),
        "batch norm": ("nn.ReLU()]", "nn.BatchNorm2d(c_out), nn.ReLU()]"),
        "batch norm without parameters": (
            "nn.ReLU()]",
            "nn.BatchNorm2d(c_out, affine=False, track_running_stats=False), nn.ReLU()]",
        ),
        "dropout": ("nn.ReLU()]", "nn.ReLU(), nn.Dropout(0.1)]"),
        "convolution without bias": ("padding=1)", "padding=1, bias=False)"),
        "no padding": (", padding=1)", ")"),
        "mirrored border": ("padding=1)", 'padding=1, padding_mode="reflect")'),
        "5x5 convolutions": ("kernel_size=3, padding=1", "kernel_size=5, padding=2"),
        "dilated convolutions": ("padding=1)", "padding=2, dilation=2)"),
        "leaky ReLU": ("nn.ReLU()", "nn.LeakyReLU(0.01)"),
        "every convolution from in_channels": (
            "[in_channels] + [out_channels] * num_convs",
            "[in_channels] * num_convs + [out_channels]",
        ),
        "one convolution more": ("* num_convs", "* (num_convs + 1)"),
        "number of convolutions fixed": ("* num_convs", "* 2"),
        "average pooling": ("nn.MaxPool2d(2)", "nn.AvgPool2d(2)"),
        "pooling rounded up": ("nn.MaxPool2d(2)", "nn.MaxPool2d(2, ceil_mode=True)"),
        "pooling 3x3 with stride 2": ("nn.MaxPool2d(2)", "nn.MaxPool2d(3, stride=2, padding=1)"),
        "pooling with stride 1": ("nn.MaxPool2d(2)", "nn.MaxPool2d(2, stride=1)"),
        "strided convolution for the pooling": (
            "layers.append(nn.MaxPool2d(2))",
            "layers[-2].stride = (2, 2)",
        ),
        "pooling after every convolution": (
            "        if use_pool:\n            layers.append(nn.MaxPool2d(2))\n"
            "        self.layers = nn.Sequential(*layers)",
            "        pools = [nn.MaxPool2d(2) if use_pool else nn.Identity()]\n"
            "        pairs = zip(layers[::2], layers[1::2], pools * num_convs)\n"
            "        layers = [m for pair in pairs for m in pair]\n"
            "        self.layers = nn.Sequential(*layers)",
        ),
        "pooling first": ("layers.append(nn.Max", "layers.insert(0, nn.Max"),
        "always pooled": ("if use_pool:", "if True:"),
        "never pooled": ("if use_pool:", "if False:"),
        "no pooling by default": ("use_pool: bool = True", "use_pool: bool = False"),
        "three convolutions by default": ("num_convs: int = 2", "num_convs: int = 3"),
        "an empty block": ("if num_convs < 1:", "if num_convs < 0:"),
        "number of convolutions not looked at": ("if num_convs < 1:", "if False:"),
        "assert for ValueError": (
            "if num_convs < 1:\n            raise ValueError(",
            "assert num_convs >= 1, (",
        ),
        "one convolution used again and again": """
class VGGBlock(nn.Module):
    def __init__(self, in_channels, out_channels, num_convs=2, use_pool=True):
        super().__init__()
        if num_convs < 1:
            raise ValueError
        first = [nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.ReLU()]
        rest = [nn.Conv2d(out_channels, out_channels, 3, padding=1), nn.ReLU()] * (num_convs - 1)
        pool = [nn.MaxPool2d(2)] if use_pool else []
        self.layers = nn.Sequential(*first, *rest, *pool)

    def forward(self, x):
        return self.layers(x)
""",
        "layers in a plain list": (
            "self.layers = nn.Sequential(*layers)\n",
            "self.layers = lambda x: [x := layer(x) for layer in layers][-1]\n",
        ),
        "a shortcut": (
            "return self.layers(x)",
            "out = self.layers(x)\n        return out + x if out.shape == x.shape else out",
        ),
        "gradient of x cut": ("self.layers(x)", "self.layers(x.detach())"),
        "float32 whatever came": ("self.layers(x)", "self.layers(x).float()"),
        "a batch of one squeezed": ("self.layers(x)", "self.layers(x).squeeze(0)"),
        "images of one row refused": (
            "return self.layers(x)",
            "if min(x.shape[2:]) < 2:\n            raise ValueError\n        return self.layers(x)",
        ),
        "windows by as_strided": """
class VGGBlock(VGGBlock):
    def __init__(self, in_channels, out_channels, num_convs=2, use_pool=True):
        super().__init__(in_channels, out_channels, num_convs, False)
        self.use_pool = use_pool

    def forward(self, x):
        x = self.layers(x)
        n, c, h, w = x.shape
        sizes, steps = (n, c, h // 2, w // 2, 2, 2), (c * h * w, h * w, 2 * w, 2, w, 1)
        return x.as_strided(sizes, steps).amax((4, 5)) if self.use_pool else x
""",
        "lazy convolutions": ("nn.Conv2d(c_in, c_out,", "nn.LazyConv2d(c_out,"),
        "nothing returned": ("return self.layers(x)", "self.layers(x)"),
        "biases frozen": (
            "    def forward",
            "        for m in self.layers:\n            if isinstance(m, nn.Conv2d):\n"
            "                m.bias.requires_grad_(False)\n\n    def forward",
        ),
    },
    "challenge_inception_module": {
        "branches summed": (
            "torch.cat([branch(x) for branch in self.branches], dim=1)",
            "sum(nn.functional.pad(y, (0, 0, 0, 0, 0, 40 - y.shape[1])) for y in "
            "[branch(x) for branch in self.branches])",
        ),
        "branches in another order": ("in self.branches]", "in self.branches[::-1]]"),
        "branches 2 and 3 swapped": (
            "for branch in self.branches]",
            "for branch in (self.branches[i] for i in (0, 2, 1, 3))]",
        ),
        "pooling branch second": (
            "for branch in self.branches]",
            "for branch in (self.branches[i] for i in (0, 3, 1, 2))]",
        ),
        "joined along the width": ("in self.branches], dim=1)", "in self.branches], dim=-1)"),
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
            "        self.branches[2][0].pop(1)\n\n    def forward",
        ),
        "no ReLU after the projection": (
            "    def forward",
            "        self.branches[3][1].pop(1)\n\n    def forward",
        ),
        "no ReLU after the 1x1 branch": (
            "    def forward",
            "        self.branches[0].pop(1)\n\n    def forward",
        ),
        "ReLU in place on x": (
            "[branch(x) for branch in self.branches]",
            "[branch(nn.functional.relu(x.data, inplace=True)) for branch in self.branches]",
        ),
        "ReLU before the convolution": (
            "nn.Conv2d(in_c, out_c, kernel_size, padding=padding), nn.ReLU()",
            "nn.ReLU(), nn.Conv2d(in_c, out_c, kernel_size, padding=padding)",
        ),
        "leaky ReLU": ("nn.ReLU())", "nn.LeakyReLU(0.1))"),
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
        "padding 1 everywhere": ("kernel_size // 2", "1"),
        "mirrored border": (
            "padding=padding)",
            'padding=padding, padding_mode="replicate")',
        ),
        "average pooling": ("nn.MaxPool2d(", "nn.AvgPool2d("),
        "pooling with the default stride": ("kernel_size=3, stride=1,", "kernel_size=3,"),
        "pooling 5x5": ("kernel_size=3, stride=1, padding=1", "kernel_size=5, stride=1, padding=2"),
        "pooling pads with zeros": (
            "pool = nn.MaxPool2d(kernel_size=3, stride=1, padding=1)",
            "pool = nn.Sequential(nn.ZeroPad2d(1), nn.MaxPool2d(kernel_size=3, stride=1))",
        ),
        **{
            f"pooling pads with {low}": (
                "pool = nn.MaxPool2d(kernel_size=3, stride=1, padding=1)",
                f"pad = nn.ConstantPad2d(1, {low})\n"
                "        pool = nn.Sequential(pad, nn.MaxPool2d(kernel_size=3, stride=1))",
            )
            for low in ("-10.0", "-1e4", "-1e9", "torch.finfo(torch.float32).min")
        },
        "lazy convolutions": ("nn.Conv2d(in_c, out_c,", "nn.LazyConv2d(out_c,"),
        "nothing returned": ("return torch.cat", "torch.cat"),
        "projection before the pooling": (
            "nn.Sequential(pool, conv_relu(in_c, pool_proj, 1))",
            "nn.Sequential(conv_relu(in_c, pool_proj, 1), pool)",
        ),
        "no pooling": (
            "nn.Sequential(pool, conv_relu(in_c, pool_proj, 1))",
            "nn.Sequential(nn.Identity(), conv_relu(in_c, pool_proj, 1))",
        ),
        "no projection": (
            "nn.Sequential(pool, conv_relu(in_c, pool_proj, 1))",
            "nn.Sequential(pool)",
        ),
        "no reduction": (
            "nn.Sequential(conv_relu(in_c, c3x3_reduce, 1), conv_relu(c3x3_reduce, c3x3, 3))",
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
        "5x5 branch fed by a ReLU of x": (
            "[branch(x) for branch in self.branches]",
            "[branch(x.relu() if i == 2 else x) for i, branch in enumerate(self.branches)]",
        ),
        "convolutions without bias": ("padding=padding)", "padding=padding, bias=False)"),
        "batch norm, as in torchvision": (
            "padding=padding), nn.ReLU())",
            "padding=padding, bias=False), nn.BatchNorm2d(out_c, eps=0.001), nn.ReLU())",
        ),
        "batch norm besides the bias": (
            "padding=padding), nn.ReLU())",
            "padding=padding), nn.BatchNorm2d(out_c), nn.ReLU())",
        ),
        "dropout": (
            "[branch(x) for branch in self.branches]",
            "[nn.functional.dropout(branch(x), 0.1, self.training) for branch in self.branches]",
        ),
        "softmax over the branches": (
            "in self.branches], dim=1)",
            "in self.branches], 1).softmax(1)",
        ),
        "branches in a plain list": (
            "nn.ModuleList(\n            [",
            "list(\n            [",
        ),
        "reduction not trained": (
            "    def forward",
            "        self.branches[1][0].requires_grad_(False)\n\n    def forward",
        ),
        "gradient cut in one branch": (
            "[branch(x) for branch in self.branches]",
            "[self.branches[0](x.detach()), *(branch(x) for branch in self.branches[1:])]",
        ),
        "float32 whatever came": ("in self.branches], dim=1)", "in self.branches], dim=1).float()"),
    },
    "challenge_residual_block": {
        **SHARED,
        "biased convolution before BN": (
            "3, stride, padding=1, bias=False",
            "3, stride, padding=1",
        ),
        "second convolution biased": ("out_c, 3, padding=1, bias=False", "out_c, 3, padding=1"),
        "stride in the second convolution": (
            "3, stride, padding=1, bias=False)\n        self.bn1 = nn.BatchNorm2d(out_c)\n"
            "        self.conv2 = nn.Conv2d(out_c, out_c, 3, padding=1",
            "3, padding=1, bias=False)\n        self.bn1 = nn.BatchNorm2d(out_c)\n"
            "        self.conv2 = nn.Conv2d(out_c, out_c, 3, stride, padding=1",
        ),
        "stride in both convolutions": ("out_c, 3, padding=1", "out_c, 3, stride, padding=1"),
        "no padding": ("3, stride, padding=1", "3, stride"),
        "border repeated instead of zeros": (
            "3, stride, padding=1",
            '3, stride, padding=1, padding_mode="replicate"',
        ),
        "no BN before the sum": ("self.bn2(self.conv2(out))", "self.conv2(out)"),
        "BN before the convolution": ("self.bn2(self.conv2(out))", "self.conv2(self.bn2(out))"),
        "ReLU before BN": ("self.bn1(self.conv1(x)).relu_()", "self.bn1(self.conv1(x).relu_())"),
        "one BN for both": ("self.bn2 = nn.BatchNorm2d(out_c)", "self.bn2 = self.bn1"),
        "first BN used twice": ("self.bn2(self.conv2", "self.bn1(self.conv2"),
        "first convolution used twice": ("self.bn2(self.conv2(out))", "self.bn2(self.conv1(out))"),
        "stride 2 by default": ("stride: int = 1", "stride: int = 2"),
        "always the statistics of the batch": (
            "self.bn2(self.conv2(out))",
            "nn.functional.batch_norm(\n"
            "            self.conv2(out), None, None, self.bn2.weight, self.bn2.bias, True\n"
            "        )",
        ),
        "layers under a second name": (
            "        self.shortcut: nn.Module = nn.Identity()\n",
            "        self.main = nn.Sequential(self.conv1, self.bn1)\n"
            "        self.shortcut: nn.Module = nn.Identity()\n",
        ),
        "pre-activation": """
class ResidualBlock(ResidualBlock):
    def forward(self, x):
        out = self.conv1(self.bn1(x).relu()) if self.bn1.num_features == x.shape[1] else x
        return self.conv2(self.bn2(out).relu()) + self.shortcut(x)
""",
    },
    "challenge_bottleneck": {
        **SHARED,
        "stride in the first 1x1 convolution": (
            "mid_c, 1, bias=False)\n        self.bn1 = nn.BatchNorm2d(mid_c)\n"
            "        self.conv2 = nn.Conv2d(mid_c, mid_c, 3, stride",
            "mid_c, 1, stride, bias=False)\n        self.bn1 = nn.BatchNorm2d(mid_c)\n"
            "        self.conv2 = nn.Conv2d(mid_c, mid_c, 3, 1",
        ),
        "stride in the last 1x1 convolution": (
            "3, stride, padding=1, bias=False)\n        self.bn2 = nn.BatchNorm2d(mid_c)\n"
            "        self.conv3 = nn.Conv2d(mid_c, out_c, 1,",
            "3, padding=1, bias=False)\n        self.bn2 = nn.BatchNorm2d(mid_c)\n"
            "        self.conv3 = nn.Conv2d(mid_c, out_c, 1, stride,",
        ),
        "stride twice": ("(in_c, mid_c, 1, bias", "(in_c, mid_c, 1, stride, bias"),
        "no stride": ("3, stride, padding=1", "3, padding=1"),
        "biased convolution before BN": (
            "3, stride, padding=1, bias=False",
            "3, stride, padding=1",
        ),
        "last convolution biased": ("mid_c, out_c, 1, bias=False", "mid_c, out_c, 1"),
        "no padding": ("3, stride, padding=1", "3, stride"),
        "1x1 convolution padded": ("mid_c, out_c, 1, bias", "mid_c, out_c, 1, padding=1, bias"),
        "a grouped 3x3": ("3, stride, padding=1,", "3, stride, padding=1, groups=mid_c,"),
        "out_c fixed at four times mid_c": (
            "        super().__init__()\n",
            "        super().__init__()\n        out_c = 4 * mid_c\n",
        ),
        "shortcut decided by mid_c": ("or in_c != out_c", "or in_c != mid_c"),
        "no ReLU after the 3x3": ("(self.conv2(out)).relu_()", "(self.conv2(out))"),
        "ReLU6 after the 3x3": (
            "self.bn2(self.conv2(out)).relu_()",
            "nn.functional.relu6(self.bn2(self.conv2(out)))",
        ),
        "ReLU after the last BN": (
            "self.bn3(self.conv3(out))",
            "self.bn3(self.conv3(out)).relu_()",
        ),
        "no BN before the sum": ("self.bn3(self.conv3(out))", "self.conv3(out)"),
        "one BN for both narrow layers": (
            "self.bn2 = nn.BatchNorm2d(mid_c)",
            "self.bn2 = self.bn1",
        ),
        "first BN used twice": ("self.bn2(self.conv2", "self.bn1(self.conv2"),
        "out_c and mid_c swapped": (
            "out_c: int, mid_c: int, stride",
            "mid_c: int, out_c: int, stride",
        ),
        "stride 2 by default": ("stride: int = 1", "stride: int = 2"),
        "no 3x3 at all": ("3, stride, padding=1, bias", "1, stride, bias"),
    },
    "challenge_make_layer": {
        "every block strided": (
            "ResidualBlock(out_c, out_c) for",
            "ResidualBlock(out_c, out_c, stride) for",
        ),
        "stride in the last block": (
            STAGE,
            "rest = [ResidualBlock(out_c, out_c) for _ in range(num_blocks - 2)]\n"
            "    if num_blocks == 1:\n"
            "        return nn.Sequential(first)\n"
            "    first = ResidualBlock(in_c, out_c)\n"
            "    return nn.Sequential(first, *rest, ResidualBlock(out_c, out_c, stride))",
        ),
        "stride only where channels change": (
            "ResidualBlock(in_c, out_c, stride)",
            "ResidualBlock(in_c, out_c, stride if in_c != out_c else 1)",
        ),
        "no stride": ("ResidualBlock(in_c, out_c, stride)", "ResidualBlock(in_c, out_c)"),
        "stride 2 whatever was asked": ("(in_c, out_c, stride)", "(in_c, out_c, 2)"),
        "all blocks from in_c": (
            "(ResidualBlock(out_c, out_c) for",
            "(ResidualBlock(in_c, out_c) for",
        ),
        "channels change in the last block": (
            "    first = ",
            "    if num_blocks > 1:\n"
            "        rest = [ResidualBlock(in_c, in_c) for _ in range(num_blocks - 2)]\n"
            "        last = ResidualBlock(in_c, out_c)\n"
            "        return nn.Sequential(ResidualBlock(in_c, in_c, stride), *rest, last)\n"
            "    first = ",
        ),
        "one block repeated": (
            "*(ResidualBlock(out_c, out_c) for _ in range(num_blocks - 1))",
            "*[ResidualBlock(out_c, out_c)] * (num_blocks - 1)",
        ),
        "a block too many": ("range(num_blocks - 1)", "range(num_blocks)"),
        "a block too few": ("range(num_blocks - 1)", "range(num_blocks - 2)"),
        "a plain list": (
            STAGE,
            f"return [first, {REST}]",
        ),
        "a ModuleList": (
            STAGE,
            f"return nn.ModuleList([first, {REST}])",
        ),
        "a Sequential in a Sequential": (
            STAGE,
            "rest = (ResidualBlock(out_c, out_c) for _ in range(num_blocks - 1))\n"
            "    return nn.Sequential(first, nn.Sequential(*rest))",
        ),
        "ReLU behind the stage": (
            "for _ in range(num_blocks - 1)))",
            "for _ in range(num_blocks - 1)), nn.ReLU())",
        ),
        "a pooling for the stride": (
            "    first = ResidualBlock(in_c, out_c, stride)\n    return nn.Sequential(",
            "    first = ResidualBlock(in_c, out_c)\n"
            "    return nn.Sequential(nn.MaxPool2d(stride, ceil_mode=True), ",
        ),
        "the changing block last": (
            STAGE,
            f"return nn.Sequential({REST}, first)",
        ),
        "no blocks refused only where channels stay": (
            "num_blocks < 1",
            "num_blocks < 1 and in_c == out_c",
        ),
        "a stage of no blocks accepted": ("if num_blocks < 1:", "if False:"),
        "only negative numbers refused": ("num_blocks < 1", "num_blocks < 0"),
        "a single block refused": ("num_blocks < 1", "num_blocks < 2"),
        "another error": ("raise ValueError", "raise IndexError"),
        "a bare assert": (
            "    if num_blocks < 1:\n"
            '        raise ValueError(f"num_blocks is {num_blocks}, want 1 or more")',
            "    assert num_blocks >= 1",
        ),
        "stages kept and handed out again": """
import functools

make_layer = functools.cache(make_layer)
""",
        "in_c and out_c swapped": (
            "ResidualBlock(in_c, out_c, stride)",
            "ResidualBlock(out_c, in_c, stride)",
        ),
    },
    "challenge_small_resnet": {
        "softmax in the model": (
            "self.fc(x.mean(dim=(2, 3)))",
            "self.fc(x.mean(dim=(2, 3))).softmax(dim=1)",
        ),
        "log-softmax in the model": (
            "self.fc(x.mean(dim=(2, 3)))",
            "self.fc(x.mean(dim=(2, 3))).log_softmax(dim=1)",
        ),
        "ReLU on the logits": ("self.fc(x.mean(dim=(2, 3)))", "self.fc(x.mean(dim=(2, 3))).relu()"),
        "maximum for the mean": ("x.mean(dim=(2, 3))", "x.amax(dim=(2, 3))"),
        "sum for the mean": ("x.mean(dim=(2, 3))", "x.sum(dim=(2, 3))"),
        "the center pixel": ("x.mean(dim=(2, 3))", "x[:, :, x.shape[2] // 2, x.shape[3] // 2]"),
        "mean over windows of 8": (
            "x.mean(dim=(2, 3))",
            "nn.functional.avg_pool2d(x, 8, ceil_mode=True)[:, :, 0, 0]",
        ),
        "a batch of one squeezed": (
            "x.mean(dim=(2, 3))",
            "nn.functional.adaptive_avg_pool2d(x, 1).squeeze()",
        ),
        "scores squeezed": (
            "self.fc(x.mean(dim=(2, 3)))",
            "self.fc(x.mean(dim=(2, 3))).squeeze(1)",
        ),
        "a head made for 32x32": (
            "nn.Linear(64, num_classes)",
            "nn.Linear(64 * 8 * 8, num_classes)",
        ),
        "dropout before the head": (
            "self.fc(x.mean(dim=(2, 3)))",
            "self.fc(nn.functional.dropout(x.mean(dim=(2, 3)), 0.5, self.training))",
        ),
        "number of classes fixed": ("nn.Linear(64, num_classes)", "nn.Linear(64, 10)"),
        "1000 classes by default": ("num_classes: int = 10", "num_classes: int = 1000"),
        "head without bias": (
            "nn.Linear(64, num_classes)",
            "nn.Linear(64, num_classes, bias=False)",
        ),
        "stem with a bias": ("(3, 16, 3, padding=1, bias=False)", "(3, 16, 3, padding=1)"),
        "stem with stride 2": ("(3, 16, 3, padding=1,", "(3, 16, 3, 2, padding=1,"),
        "stem of ImageNet": ("(3, 16, 3, padding=1,", "(3, 16, 7, 2, padding=3,"),
        "no ReLU behind the stem": (
            "x = self.bn1(self.conv1(x)).relu_()",
            "x = self.bn1(self.conv1(x))",
        ),
        "ReLU6 behind the stem": (
            "x = self.bn1(self.conv1(x)).relu_()",
            "x = nn.functional.relu6(self.bn1(self.conv1(x)))",
        ),
        "pooling behind the stem": (
            "x = self.bn1(self.conv1(x)).relu_()",
            "x = nn.functional.max_pool2d(self.bn1(self.conv1(x)).relu_(), 3, 2, 1)",
        ),
        "no BN in the stem": ("x = self.bn1(self.conv1(x)).relu_()", "x = self.conv1(x).relu_()"),
        "stride 2 in the first stage": ("stage(16, 16, stride=1)", "stage(16, 16, stride=2)"),
        "stride 1 in the last stage": ("stage(32, 64, stride=2)", "stage(32, 64, stride=1)"),
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
            "stage(16, 32, stride=2)\n        self.layer3 = stage(32, 64, stride=2)",
            "stage(16, 64, stride=2)\n        self.layer3 = stage(64, 64, stride=2)",
        ),
        "a stage in a plain list": (
            "self.layer3 = stage(32, 64, stride=2)",
            "self.layer3 = list(stage(32, 64, stride=2))",
        ),
        "a stage left out": ("        x = self.layer3(x)", "        x = x.repeat(1, 2, 1, 1)"),
        "first stage left out": ("self.layer2(self.layer1(x))", "self.layer2(x)"),
        "first stage twice": ("self.layer1(x))", "self.layer1(self.layer1(x)))"),
        "gray images": ("nn.Conv2d(3, 16", "nn.Conv2d(1, 16"),
        "backbone frozen": (
            "        return self.fc(x.mean(dim=(2, 3)))",
            "        return self.fc(x.detach().mean(dim=(2, 3)))",
        ),
        "float32 logits": ("self.fc(x.mean(dim=(2, 3)))", "self.fc(x.mean(dim=(2, 3))).float()"),
        "train mode forced": (
            "        x = self.bn1(",
            "        self.train()\n        x = self.bn1(",
        ),
        "eval mode forced": (
            "        x = self.bn1(",
            "        self.eval()\n        x = self.bn1(",
        ),
        "eval mode for a single image": (
            "        x = self.bn1(",
            "        self.train(self.training and len(x) > 1)\n        x = self.bn1(",
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
            "        if x.shape[2:] == (1, 1):\n            self.eval()\n        x = self.bn1(",
        ),
        "one logit for two classes": (
            "nn.Linear(64, num_classes)",
            "nn.Linear(64, num_classes if num_classes > 2 else 1)",
        ),
        "one block twice in the first stage": (
            "        self.layer2 = stage(16, 32, stride=2)\n",
            "        self.layer1[1] = self.layer1[0]\n"
            "        self.layer2 = stage(16, 32, stride=2)\n",
        ),
        "last stage recomputed in backward": """
import torch.utils.checkpoint


class SmallResNet(SmallResNet):
    def forward(self, x):
        x = self.layer2(self.layer1(self.bn1(self.conv1(x)).relu_()))
        x = torch.utils.checkpoint.checkpoint(self.layer3, x, use_reentrant=False)
        return self.fc(x.mean(dim=(2, 3)))
""",
        "input normalized in place": (
            "        x = self.bn1(",
            "        x -= x.mean()\n        x = self.bn1(",
        ),
    },
}

VARIANTS = {
    "challenge_simple_cnn": {
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
    },
    "challenge_vgg_block": {
        "ModuleList and functions, pooling before the last ReLU": """
class VGGBlock(nn.Module):
    def __init__(
        self, in_channels: int, out_channels: int, num_convs: int = 2, use_pool: bool = True
    ) -> None:
        super().__init__()
        if num_convs <= 0:
            raise ValueError("at least one convolution")
        self.convs = nn.ModuleList([nn.Conv2d(in_channels, out_channels, 3, 1, "same")])
        for _ in range(num_convs - 1):
            self.convs.append(nn.Conv2d(out_channels, out_channels, (3, 3), padding=(1, 1)))
        self.use_pool = use_pool

    def forward(self, x: Tensor) -> Tensor:
        *first, last = self.convs
        for conv in first:
            x = conv(x).relu_()
        x = last(x)
        if self.use_pool:
            x = nn.functional.max_pool2d(x, kernel_size=2, stride=2)
        return x.clamp(min=0)
""",
        "layers with a second name": """
class VGGBlock(nn.Module):
    def __init__(
        self, in_channels: int, out_channels: int, num_convs: int = 2, use_pool: bool = True
    ) -> None:
        super().__init__()
        if num_convs < 1:
            raise ValueError
        widths = [in_channels, *[out_channels] * (num_convs - 1)]
        self.convs = nn.ModuleList(nn.Conv2d(w, out_channels, 3, padding=1) for w in widths)
        layers = [layer for conv in self.convs for layer in (conv, nn.ReLU(inplace=True))]
        self.net = nn.Sequential(*layers, nn.MaxPool2d(2, 2) if use_pool else nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)
""",
        "numbered attributes, windows by unfold": """
class VGGBlock(nn.Module):
    def __init__(
        self, in_channels: int, out_channels: int, num_convs: int = 2, use_pool: bool = True
    ) -> None:
        if num_convs < 1:
            raise ValueError(num_convs)
        super().__init__()
        self.pool, self.depth, self.relu = use_pool, num_convs, nn.ReLU(inplace=True)
        for i in range(num_convs):
            setattr(self, f"conv{i}", nn.Conv2d(in_channels, out_channels, 3, padding=1))
            in_channels = out_channels

    def forward(self, x: Tensor) -> Tensor:
        for i in range(self.depth):
            x = self.relu(getattr(self, f"conv{i}")(x))
        return x.unfold(2, 2, 2).unfold(3, 2, 2).amax((-2, -1)) if self.pool else x
""",
    },
    "challenge_inception_module": {
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
    },
    "challenge_residual_block": {
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
    },
    "challenge_bottleneck": {
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
    },
    "challenge_make_layer": {
        "sizes zipped": """
def make_layer(in_c, out_c, num_blocks, stride):
    if num_blocks <= 0:
        raise ValueError("no blocks")
    channels = [in_c] + [out_c] * num_blocks
    strides = [stride] + [1] * (num_blocks - 1)
    return nn.Sequential(*map(ResidualBlock, channels, channels[1:], strides))
""",
        "appended one by one, with names": """
def make_layer(in_c, out_c, num_blocks, stride):
    if not num_blocks >= 1:
        raise ValueError(num_blocks)
    layer = nn.Sequential()
    for i in range(num_blocks):
        layer.add_module(f"block_{i}", ResidualBlock(in_c, out_c, stride=stride))
        in_c, stride = out_c, 1
    return layer
""",
    },
    "challenge_small_resnet": {
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
    },
}
