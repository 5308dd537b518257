"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

CONV = "nn.Conv2d(c_in, c_out, kernel_size=3, padding=1)"
WIDTHS = "[in_channels] + [out_channels] * num_convs"
POOL = "nn.MaxPool2d(2)"
RUN = "self.layers(x)"

SLIPS = {
    "layers": {
        "three convolutions by default": ("num_convs: int = 2", "num_convs: int = 3"),
        "batch norm": ("nn.ReLU()]", "nn.BatchNorm2d(c_out), nn.ReLU()]"),
        "5x5 convolutions": ("kernel_size=3, padding=1", "kernel_size=5, padding=2"),
        "every convolution from in_channels": (
            WIDTHS,
            "[in_channels] * num_convs + [out_channels]",
        ),
        "one convolution more": ("* num_convs", "* (num_convs + 1)"),
        "always two convolutions": ("* num_convs", "* 2"),
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
        "lazy convolutions": ("nn.Conv2d(c_in, c_out,", "nn.LazyConv2d(c_out,"),
        "a 1x1 convolution at the end, as in VGG-C": (
            "        if use_pool:",
            (
                "        layers += [nn.Conv2d(out_channels, out_channels, 1), "
                "nn.ReLU()]\n"
                "        if use_pool:"
            ),
        ),
        "channels grow step by step": (
            WIDTHS,
            ("[in_channels] * (num_convs // 2 + 1) + [out_channels] * ((num_convs + 1) // 2)"),
        ),
        "one channel each (depthwise) where widths are equal": (
            "kernel_size=3, padding=1)",
            "kernel_size=3, padding=1, groups=c_in if c_in == c_out else 1)",
        ),
    },
    "biases": {
        "convolutions without bias": ("padding=1)", "padding=1, bias=False)"),
        "no bias in the first convolution": (
            "kernel_size=3, padding=1)",
            "kernel_size=3, padding=1, bias=c_in != in_channels)",
        ),
        "bias in the last convolution alone": (
            "        if use_pool:",
            (
                "        for layer in layers[:-2:2]:\n"
                "            layer.register_parameter('bias', None)\n"
                "        if use_pool:"
            ),
        ),
    },
    "shapes": {
        "a batch of one squeezed": (RUN, f"{RUN}.squeeze(0)"),
        "no padding": (", padding=1)", ")"),
        "pooling rounded up": (POOL, "nn.MaxPool2d(2, ceil_mode=True)"),
        "pooling 3x3 with stride 2": (POOL, "nn.MaxPool2d(3, stride=2, padding=1)"),
        "pooling with stride 1": (POOL, "nn.MaxPool2d(2, stride=1)"),
        "strided convolution for the pooling": (
            f"layers.append({POOL})",
            "layers[-2].stride = (2, 2)",
        ),
        "pooling after every convolution": (
            (
                "        if use_pool:\n"
                f"            layers.append({POOL})\n"
                "        self.layers = nn.Sequential(*layers)"
            ),
            (
                f"        pools = [{POOL} if use_pool else nn.Identity()]\n"
                "        pairs = zip(layers[::2], layers[1::2], pools * num_convs)\n"
                "        layers = [m for pair in pairs for m in pair]\n"
                "        self.layers = nn.Sequential(*layers)"
            ),
        ),
        "always pooled": ("if use_pool:", "if True:"),
        "never pooled": ("if use_pool:", "if False:"),
        "no pooling by default": ("use_pool: bool = True", "use_pool: bool = False"),
        "images of one row refused": (
            f"return {RUN}",
            (f"if min(x.shape[2:]) < 2:\n            raise ValueError\n        return {RUN}"),
        ),
        "nothing returned": (f"return {RUN}", RUN),
        "sides made even first": (
            f"return {RUN}",
            (
                "x = nn.functional.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2))\n"
                f"        return {RUN}"
            ),
        ),
        "flattened for a linear layer": (f"return {RUN}", f"return {RUN}.flatten(1)"),
    },
    "relu": {
        "no ReLU at all": (", nn.ReLU()]", "]"),
        "one ReLU for the whole block": (
            ", nn.ReLU()]\n",
            ("]\n        layers.append(nn.ReLU())\n"),
        ),
        "no ReLU after the last convolution": (
            "        if use_pool:",
            ("        layers.pop()\n        if use_pool:"),
        ),
        "ReLU before the convolution": (
            f"[{CONV}, nn.ReLU()]",
            f"[nn.ReLU(), {CONV}]",
        ),
        "batch norm without parameters": (
            "nn.ReLU()]",
            ("nn.BatchNorm2d(c_out, affine=False, track_running_stats=False), nn.ReLU()]"),
        ),
        "leaky ReLU": ("nn.ReLU()", "nn.LeakyReLU(0.01)"),
        "a shortcut": (
            f"return {RUN}",
            (f"out = {RUN}\n        return out + x if out.shape == x.shape else out"),
        ),
        "ReLU6": ("nn.ReLU()", "nn.ReLU6()"),
        "GELU": ("nn.ReLU()", "nn.GELU()"),
        "ReLU after every second convolution": (
            "        if use_pool:",
            (
                "        layers = [m for i, m in enumerate(layers) if i % 4 != 1]\n"
                "        if use_pool:"
            ),
        ),
        "no ReLU at the end without pooling": (
            "        self.layers = ",
            "        layers = layers if use_pool else layers[:-1]\n        self.layers = ",
        ),
    },
    "convolutions": {
        "dilated convolutions": ("padding=1)", "padding=2, dilation=2)"),
        "mirrored border": ("padding=1)", 'padding=1, padding_mode="reflect")'),
        "border wraps around": ("padding=1)", 'padding=1, padding_mode="circular")'),
        "kernels turned around": """
class VGGBlock(VGGBlock):
    def forward(self, x):
        for m in self.layers:
            if isinstance(m, nn.Conv2d):
                x = nn.functional.conv2d(x, m.weight.flip(2, 3), m.bias, padding=1)
            else:
                x = m(x)
        return x
""",
        "first convolution twice, the last not": """
class VGGBlock(VGGBlock):
    def forward(self, x):
        first, relu, *rest = self.layers
        x = relu(first(x))
        for m in rest:
            x = first(x) if isinstance(m, nn.Conv2d) and x.shape[1] == first.in_channels else m(x)
        return x
""",
        "border repeated": ("padding=1)", 'padding=1, padding_mode="replicate")'),
    },
    "pool": {
        "average pooling": (POOL, "nn.AvgPool2d(2)"),
        "pooling first": ("layers.append(nn.Max", "layers.insert(0, nn.Max"),
        "smallest of the window": (
            f"return {RUN}",
            (
                "if isinstance(self.layers[-1], nn.MaxPool2d):\n"
                "            return -self.layers[-1](-self.layers[:-1](x))\n"
                f"        return {RUN}"
            ),
        ),
        "first row and column dropped": (
            f"return {RUN}",
            (
                "if not isinstance(self.layers[-1], nn.MaxPool2d):\n"
                f"            return {RUN}\n"
                "        x = self.layers[:-1](x)\n"
                "        return self.layers[-1](x[:, :, x.shape[2] % 2 :, x.shape[3] % 2 :])"
            ),
        ),
        "every second pixel": (POOL, "nn.MaxPool2d(1, stride=2)"),
        "windows overlap where sides are odd": (
            f"return {RUN}",
            f"""x = {RUN.replace("layers", "layers[:-1]")}
        h, w = x.shape[2] // 2, x.shape[3] // 2
        if not isinstance(self.layers[-1], nn.MaxPool2d):
            return self.layers[-1](x)
        return nn.functional.adaptive_max_pool2d(x, (h, w))""",
        ),
    },
    "modes": {
        "dropout in train mode": ("nn.ReLU()]", "nn.ReLU(), nn.Dropout(0.1)]"),
        "ReLU in place on x": (
            f"return {RUN}",
            "return self.layers(nn.functional.relu(x.data, inplace=True))",
        ),
        "eval mode forced": (f"return {RUN}", "return self.layers.eval()(x)"),
        "noise in train mode": (
            f"return {RUN}",
            (
                "if self.training:\n"
                "            x = x + 0.01 * x.new_empty(x.shape).normal_()\n"
                f"        return {RUN}"
            ),
        ),
        "dropout of whole channels": ("nn.ReLU()]", "nn.ReLU(), nn.Dropout2d(0.2)]"),
        "dropout behind the pooling": (POOL, "nn.Sequential(nn.MaxPool2d(2), nn.Dropout(0.25))"),
    },
    "gradients": {
        "gradient of x cut": (RUN, "self.layers(x.detach())"),
        "biases frozen": (
            "    def forward",
            (
                "        for m in self.layers:\n"
                "            if isinstance(m, nn.Conv2d):\n"
                "                m.bias.requires_grad_(False)\n"
                "\n"
                "    def forward"
            ),
        ),
        "first convolution frozen": (
            "        self.layers = nn.Sequential(*layers)",
            (
                "        layers[0].requires_grad_(False)\n"
                "        self.layers = nn.Sequential(*layers)"
            ),
        ),
        "gradient cut after the first convolution": (
            RUN,
            "self.layers[1:](self.layers[0](x).detach())",
        ),
        "no gradient in eval mode": (
            f"return {RUN}",
            "import torch\n\n        with torch.set_grad_enabled(self.training):\n"
            f"            return {RUN}",
        ),
    },
    "errors": {
        "an empty block": ("if num_convs < 1:", "if num_convs < 0:"),
        "num_convs not looked at": ("if num_convs < 1:", "if False:"),
        "assert for ValueError": (
            ("if num_convs < 1:\n            raise ValueError("),
            "assert num_convs >= 1, (",
        ),
        "only 0 refused": ("num_convs < 1", "num_convs == 0"),
        "no convolutions accepted where widths are equal": (
            "num_convs < 1",
            "num_convs < 1 and in_channels != out_channels",
        ),
        "another error": ("raise ValueError", "raise TypeError"),
    },
    "anywhere": {
        "float32 whatever came": (RUN, f"{RUN}.float()"),
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
        "x cast to the parameters' dtype": (RUN, "self.layers(x.to(self.layers[0].weight.dtype))"),
        "a constant made on the CPU": (
            RUN,
            "self.layers(x + Tensor(1, 1, 2).zero_()[..., :1].to(x.dtype))",
        ),
        "pixels viewed as one row": (
            f"return {RUN}",
            "return self.layers(x.view(len(x), x.shape[1], -1).view(x.shape))",
        ),
    },
}

VARIANTS = {
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
    "as a plain interview answer writes it": """
class VGGBlock(nn.Module):
    def __init__(self, in_channels, out_channels, num_convs=2, use_pool=True):
        super().__init__()
        if num_convs < 1:
            raise ValueError("num_convs must be positive")
        layers = []
        for i in range(num_convs):
            layers.append(nn.Conv2d(in_channels if i == 0 else out_channels, out_channels, 3, 1, 1))
            layers.append(nn.ReLU(inplace=True))
        if use_pool:
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
        self.block = nn.Sequential(*layers)

    def forward(self, x):
        return self.block(x)
""",
    "assigned from the last to the first": """
class VGGBlock(nn.Module):
    def __init__(self, in_channels, out_channels, num_convs=2, use_pool=True):
        super().__init__()
        if num_convs < 1:
            raise ValueError(num_convs)
        self.pool = nn.MaxPool2d(2) if use_pool else None
        self.names = [f"conv{i}" for i in range(num_convs)]
        for name in self.names[:0:-1]:
            self.add_module(name, nn.Conv2d(out_channels, out_channels, 3, padding=1))
        self.conv0 = nn.Conv2d(in_channels, out_channels, 3, padding=1)

    def forward(self, x):
        for name in self.names:
            x = self.get_submodule(name)(x).relu()
        return x if self.pool is None else self.pool(x)
""",
}
