"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

STAGE = "return nn.Sequential(first, *(ResidualBlock(out_c, out_c) for _ in range(num_blocks - 1)))"
FIRST = "ResidualBlock(in_c, out_c, stride)"

SLIPS = {
    "blocks": {
        "a block too many": ("range(num_blocks - 1)", "range(num_blocks)"),
        "a block too few": ("range(num_blocks - 1)", "range(num_blocks - 2)"),
        "a plain list": (
            STAGE,
            ("return [first, *(ResidualBlock(out_c, out_c) for _ in range(num_blocks - 1))]"),
        ),
        "a ModuleList": (
            STAGE,
            (
                "return nn.ModuleList([first, *(ResidualBlock(out_c, out_c) for _ in "
                "range(num_blocks - 1))])"
            ),
        ),
        "a Sequential in a Sequential": (
            STAGE,
            (
                "rest = (ResidualBlock(out_c, out_c) for _ in range(num_blocks - 1))\n"
                "    return nn.Sequential(first, nn.Sequential(*rest))"
            ),
        ),
        "ReLU behind the stage": (
            "for _ in range(num_blocks - 1)))",
            "for _ in range(num_blocks - 1)), nn.ReLU())",
        ),
        "a pooling for the stride": (
            (f"    first = {FIRST}\n    return nn.Sequential("),
            (
                "    first = ResidualBlock(in_c, out_c)\n"
                "    return nn.Sequential(nn.MaxPool2d(stride, ceil_mode=True), "
            ),
        ),
        "a single block refused": ("num_blocks < 1", "num_blocks < 2"),
        "one block only": (
            STAGE,
            "return nn.Sequential(first)",
        ),
        "plain convolutions after the first block": (
            "*(ResidualBlock(out_c, out_c) for",
            "*(nn.Conv2d(out_c, out_c, 3, padding=1) for",
        ),
        "a convolution in front": (
            (f"    first = {FIRST}\n    return nn.Sequential("),
            (
                "    first = ResidualBlock(out_c, out_c, stride)\n"
                "    return nn.Sequential(nn.Conv2d(in_c, out_c, 1), "
            ),
        ),
        "dropout after the blocks": (STAGE, f"{STAGE[:-1]}, nn.Dropout2d(0.1))"),
        "returned inside the loop": (
            STAGE,
            """for _ in range(num_blocks - 1):
        return nn.Sequential(first, ResidualBlock(out_c, out_c))
    return nn.Sequential(first)""",
        ),
    },
    "channels": {
        "all blocks from in_c": (
            "(ResidualBlock(out_c, out_c) for",
            "(ResidualBlock(in_c, out_c) for",
        ),
        "channels change in the last block": (
            "    first = ",
            (
                "    if num_blocks > 1:\n"
                "        rest = [ResidualBlock(in_c, in_c) for _ in range(num_blocks - "
                "2)]\n"
                "        last = ResidualBlock(in_c, out_c)\n"
                "        return nn.Sequential(ResidualBlock(in_c, in_c, stride), "
                "*rest, last)\n"
                "    first = "
            ),
        ),
        "the changing block last": (
            STAGE,
            (
                "return nn.Sequential(*(ResidualBlock(out_c, out_c) for _ in "
                "range(num_blocks - 1)), first)"
            ),
        ),
        "in_c and out_c swapped": (
            FIRST,
            "ResidualBlock(out_c, in_c, stride)",
        ),
        "channels grow from block to block": (
            (f"    first = ResidualBlock(in_c, out_c, stride)\n    {STAGE}"),
            (
                "    c = [in_c + (out_c - in_c) * (i + 1) // num_blocks for i in "
                "range(num_blocks)]\n"
                "    first = ResidualBlock(in_c, c[0], stride)\n"
                "    return nn.Sequential(first, *map(ResidualBlock, c, c[1:]))"
            ),
        ),
        "all blocks keep in_c": (
            "    first = ResidualBlock(in_c",
            ("    out_c = in_c\n    first = ResidualBlock(in_c"),
        ),
    },
    "strides": {
        "every block strided": (
            "ResidualBlock(out_c, out_c) for",
            "ResidualBlock(out_c, out_c, stride) for",
        ),
        "stride in the last block": (
            STAGE,
            (
                "rest = [ResidualBlock(out_c, out_c) for _ in range(num_blocks - 2)]\n"
                "    if num_blocks == 1:\n"
                "        return nn.Sequential(first)\n"
                "    first = ResidualBlock(in_c, out_c)\n"
                "    return nn.Sequential(first, *rest, ResidualBlock(out_c, out_c, "
                "stride))"
            ),
        ),
        "stride only where channels change": (
            FIRST,
            "ResidualBlock(in_c, out_c, stride if in_c != out_c else 1)",
        ),
        "no stride": (FIRST, "ResidualBlock(in_c, out_c)"),
        "stride 2 whatever was asked": ("(in_c, out_c, stride)", "(in_c, out_c, 2)"),
        "stride in the second block": (
            "    return nn.Sequential(first, *(ResidualBlock(out_c, out_c) for",
            (
                "    first = ResidualBlock(in_c, out_c, stride if num_blocks == 1 else "
                "1)\n"
                "    return nn.Sequential(first, *(ResidualBlock(out_c, out_c, 1 if _ "
                "else stride) for"
            ),
        ),
        "stride 2 at most": (
            FIRST,
            "ResidualBlock(in_c, out_c, min(stride, 2))",
        ),
        "every second block strided": (
            STAGE,
            "strides = [stride if i % 2 else 1 for i in range(num_blocks - 1)]\n"
            "    return nn.Sequential(first, *(ResidualBlock(out_c, out_c, s) for s in strides))",
        ),
    },
    "own": {
        "one block repeated": (
            "*(ResidualBlock(out_c, out_c) for _ in range(num_blocks - 1))",
            "*[ResidualBlock(out_c, out_c)] * (num_blocks - 1)",
        ),
        "stages kept and handed out again": """
import functools

make_layer = functools.cache(make_layer)
""",
        "first convolution shared by the later blocks": (
            STAGE,
            (
                "layer = nn.Sequential(first, *(ResidualBlock(out_c, out_c) for _ in "
                "range(num_blocks - 1)))\n"
                "    for block in layer[2:]:\n"
                "        block.conv1 = layer[1].conv1\n"
                "    return layer"
            ),
        ),
        "batch norm shared in each block": (
            STAGE,
            (
                "layer = nn.Sequential(first, *(ResidualBlock(out_c, out_c) for _ in "
                "range(num_blocks - 1)))\n"
                "    for block in layer:\n"
                "        block.bn2 = block.bn1\n"
                "    return layer"
            ),
        ),
        "later blocks kept for the next stage": """
KEPT = {}


def make_layer(in_c, out_c, num_blocks, stride):
    if num_blocks < 1:
        raise ValueError
    for i in range(1, num_blocks):
        KEPT.setdefault((i, out_c), ResidualBlock(out_c, out_c))
    rest = [KEPT[i, out_c] for i in range(1, num_blocks)]
    return nn.Sequential(ResidualBlock(in_c, out_c, stride), *rest)
""",
    },
    "result": {
        "given block changed: ReLU before the sum": (
            ("        out += self.shortcut(x)\n        return out.relu_()"),
            "        return out.relu_() + self.shortcut(x)",
        ),
        "given block changed: no ReLU at the end": (
            "        return out.relu_()",
            "        return out",
        ),
        "blocks called from the last to the first": """
class Stage(nn.Sequential):
    def forward(self, x):
        first, *rest = self
        x = first(x)
        for block in rest[::-1]:
            x = block(x)
        return x


def make_layer(in_c, out_c, num_blocks, stride):
    if num_blocks < 1:
        raise ValueError
    return Stage(
        ResidualBlock(in_c, out_c, stride),
        *(ResidualBlock(out_c, out_c) for _ in range(num_blocks - 1)),
    )
""",
        "a shortcut around the later blocks": """
class Stage(nn.Sequential):
    def forward(self, x):
        y = x = self[0](x)
        for block in self[1:]:
            y = block(y)
        return x + y if len(self) > 1 else x


def make_layer(in_c, out_c, num_blocks, stride):
    if num_blocks < 1:
        raise ValueError
    return Stage(
        ResidualBlock(in_c, out_c, stride),
        *(ResidualBlock(out_c, out_c) for _ in range(num_blocks - 1)),
    )
""",
        "blocks skipped in train mode (stochastic depth)": """
class Stage(nn.Sequential):
    def forward(self, x):
        x = self[0](x)
        for block in self[1:]:
            x = x if self.training else block(x)
        return x


def make_layer(in_c, out_c, num_blocks, stride):
    if num_blocks < 1:
        raise ValueError
    return Stage(
        ResidualBlock(in_c, out_c, stride),
        *(ResidualBlock(out_c, out_c) for _ in range(num_blocks - 1)),
    )
""",
    },
    "errors": {
        "no blocks refused only where channels stay": (
            "num_blocks < 1",
            "num_blocks < 1 and in_c == out_c",
        ),
        "a stage of no blocks accepted": ("if num_blocks < 1:", "if False:"),
        "only negative numbers refused": ("num_blocks < 1", "num_blocks < 0"),
        "IndexError for ValueError": ("raise ValueError", "raise IndexError"),
        "a bare assert": (
            (
                "    if num_blocks < 1:\n"
                '        raise ValueError(f"num_blocks is {num_blocks}, want 1 or '
                'more")'
            ),
            "    assert num_blocks >= 1",
        ),
        "0 blocks give one": (
            "        raise ValueError(",
            (f"        return nn.Sequential({FIRST})\n        raise ValueError("),
        ),
    },
}

VARIANTS = {
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
    "as a plain interview answer writes it": """
def make_layer(in_c, out_c, num_blocks, stride):
    if num_blocks < 1:
        raise ValueError("num_blocks must be at least 1")
    layers = [ResidualBlock(in_c, out_c, stride)]
    for _ in range(1, num_blocks):
        layers.append(ResidualBlock(out_c, out_c))
    return nn.Sequential(*layers)
""",
}
