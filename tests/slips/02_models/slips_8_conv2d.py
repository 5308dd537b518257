"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

UNFOLD = "    columns = F.unfold(x, (kH, kW), d, p, s)  # (N, C kH kW, H' W')\n"
COLUMNS = "    columns = columns.view(N, groups, c * kH * kW, H * W)\n"
ROWS = "    rows = weight.reshape(groups, C_out // groups, c * kH * kW)\n"
PRODUCT = (
    "    y = (rows @ columns).reshape(N, C_out, H, W)  # from (N, groups, C_out/groups, H' W')\n"
)
BIAS = "y + bias.view(C_out, 1, 1)"
EINSUM = """
def my_conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    C_out, c, kH, kW = weight.shape{check}
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    x = F.pad(x, [pw, pw, ph, ph])
    patches = x.unfold(2, dh * (kH - 1) + 1, sh).unfold(3, dw * (kW - 1) + 1, sw)
    patches = patches[..., ::dh, ::dw].unflatten(1, (groups, -1))
    out = torch.einsum("ngchwuv,gocuv->ngohw", patches, weight.unflatten(0, (groups, -1)))
    out = out.flatten(1, 2)
    return out if bias is None else out + bias.reshape(1, -1, 1, 1)
"""
CHECK = """
    if x.shape[1] != c * groups or C_out % groups:
        raise ValueError("channels")
    if bias is not None and tuple(bias.shape) != (C_out,):
        raise ValueError("bias")"""
PAIRS = "    s, p, d = pair(stride), pair(padding), pair(dilation)\n"
PAD = "    x = F.pad(x, (p[1], p[1], p[0], p[0]), value=-math.inf)\n"
WINDOWS = "    windows = x.unfold(2, k[0], s[0]).unfold(3, k[1], s[1])  # (N, C, H', W', kH, kW)\n"
SEPARABLE = "    return my_conv2d(my_conv2d(x, dw_weight, groups=x.shape[1]), pw_weight)\n"

SLIPS = {
    "by_hand": {
        "convolution of the library": (
            UNFOLD,
            "    return F.conv2d(x, weight, bias, s, p, d, groups)\n" + UNFOLD,
        ),
        "convolution of the library where it is dilated": (
            PAIRS,
            PAIRS + "    if d != (1, 1):\n"
            "        return F.conv2d(x, weight, bias, s, p, d, groups)\n",
        ),
        "pooling of the library where it is padded": (
            PAD,
            "    if p != (0, 0):\n        return F.max_pool2d(x, k, s, p)\n" + PAD,
        ),
        "pooling of the library": (PAD, "    return F.max_pool2d(x, k, s, p)\n" + PAD),
        "pooling by the library's adaptive one": (
            "    return torch.amax(windows, (-2, -1))\n",
            "    flat = windows.flatten(0, 3)\n"
            "    return F.adaptive_max_pool2d(flat[:, None], 1).view(windows.shape[:4])\n",
        ),
        "separable convolution of the library": (
            SEPARABLE,
            "    return F.conv2d(my_conv2d(x, dw_weight, groups=x.shape[1]), pw_weight)\n",
        ),
    },
    "no_loop": {
        "a loop over the positions": (
            UNFOLD,
            """\
    padded = F.pad(x, (p[1], p[1], p[0], p[0]))
    places = [(i * s[0], j * s[1]) for i in range(H) for j in range(W)]
    high, wide = d[0] * (kH - 1) + 1, d[1] * (kW - 1) + 1
    parts = [padded[:, :, i : i + high : d[0], j : j + wide : d[1]] for i, j in places]
    columns = torch.stack([part.flatten(1) for part in parts], 2)
""",
        ),
        "a loop over the samples": (
            PRODUCT,
            """\
    y = torch.stack([rows @ one for one in columns]).reshape(N, C_out, H, W)
""",
        ),
        "a loop over the groups": (
            PRODUCT,
            """\
    y = torch.stack([rows[g] @ columns[:, g] for g in range(groups)], 1).reshape(N, C_out, H, W)
""",
        ),
        "a loop over the output channels": (
            PRODUCT,
            """\
    flat, per = rows.flatten(0, 1), C_out // groups
    y = torch.stack([(flat[o] @ columns[:, o // per]) for o in range(C_out)], 1)
    y = y.reshape(N, C_out, H, W)
""",
        ),
        "a loop over the channels in the pooling": (
            "    return torch.amax(windows, (-2, -1))\n",
            "    every = [windows[:, c].amax((-2, -1)) for c in range(windows.shape[1])]\n"
            "    return torch.stack(every, 1)\n",
        ),
        "a loop over the rows in the pooling": (
            "    return torch.amax(windows, (-2, -1))\n",
            "    every = [windows[:, :, i].amax((-2, -1)) for i in range(windows.shape[2])]\n"
            "    return torch.stack(every, 2)\n",
        ),
        "a loop over the rows where it is padded": (
            "    return torch.amax(windows, (-2, -1))\n",
            "    every = windows.unbind(2) if p != (0, 0) else [windows.movedim(2, 0)]\n"
            "    parts = [part.amax((-2, -1)) for part in every]\n"
            "    return torch.stack(parts, 2) if p != (0, 0) else parts[0].movedim(0, 2)\n",
        ),
        "a loop over the channels in the separable one": (
            SEPARABLE,
            "    pairs = zip(x.split(1, 1), dw_weight.split(1))\n"
            "    each = [my_conv2d(one, kernel) for one, kernel in pairs]\n"
            "    return my_conv2d(torch.cat(each, 1), pw_weight)\n",
        ),
    },
    "conv": {
        "channels last in the weight's row": (
            ROWS,
            ROWS.replace("weight.", "weight.movedim(1, -1)."),
        ),
        "the kernel flipped": (ROWS, ROWS.replace("weight.", "weight.flip(2, 3).")),
        "the kernel's rows and columns swapped": (ROWS, ROWS.replace("weight.", "weight.mT.")),
        "the positions column by column": (
            PRODUCT,
            PRODUCT.replace("reshape(N, C_out, H, W)", "reshape(N, C_out, W, H).mT"),
        ),
        "bias along the width": (
            f"    return y if bias is None else {BIAS}",
            "    if bias is not None and C_out == W:\n        return y + bias\n"
            f"    return y if bias is None else {BIAS}",
        ),
        "bias ignored": (BIAS, "y"),
        "the mean of the bias": (BIAS, "y + bias.mean()"),
        "stride ignored": (PAIRS, PAIRS.replace("pair(stride)", "(1, 1)")),
        "padding ignored": (PAIRS, PAIRS.replace("pair(padding)", "(0, 0)")),
        "padding on two sides only": (
            PAIRS,
            PAIRS + "    x, p = F.pad(x, (p[1], 0, p[0], 0)), (0, 0)\n    size = x.shape[2:]\n",
        ),
        "padded with the border": (
            PAIRS,
            PAIRS + "    x, p = F.pad(x, (p[1], p[1], p[0], p[0]), mode='replicate'), (0, 0)\n"
            "    size = x.shape[2:]\n",
        ),
        "dilation ignored": (PAIRS, PAIRS.replace("pair(dilation)", "(1, 1)")),
        "dilation without the minus 1 in the size": ("d[i] * (k - 1) - 1)", "d[i] * k)"),
        "the output's size without padding": ("(size[i] + 2 * p[i] -", "(size[i] + p[i] -"),
        "stride and dilation swapped": (
            PAIRS,
            PAIRS.replace("s, p, d", "d, p, s"),
        ),
        "the last window left out": ("// s[i] + 1 for", "// s[i] + (1 if s[i] == 1 else 0) for"),
        "the sum over the channels left out": (
            ROWS,
            ROWS + "    rows = rows * (torch.arange(c * kH * kW) < kH * kW)\n",
        ),
        "the samples mixed": (
            PRODUCT,
            PRODUCT.replace("(rows @ columns)", "(rows @ columns.flip(0))"),
        ),
    },
    "groups": {
        "groups interleaved": (
            COLUMNS,
            "    columns = columns.view(N, c, groups, kH * kW, H * W)\n"
            "    columns = columns.transpose(1, 2).flatten(2, 3)\n",
        ),
        "output channels interleaved": (
            PRODUCT,
            PRODUCT.replace("(rows @ columns)", "(rows @ columns).transpose(1, 2)"),
        ),
        "the weight's rows interleaved": (
            ROWS,
            "    rows = weight.reshape(C_out // groups, groups, c * kH * kW).transpose(0, 1)\n",
        ),
        "every group sees the first block": (
            COLUMNS,
            COLUMNS + "    columns = columns[:, :1].expand(-1, groups, -1, -1)\n",
        ),
        "every group has the first kernels": (
            ROWS,
            ROWS + "    rows = rows[:1].expand(groups, -1, -1)\n",
        ),
        "the groups summed": (
            PRODUCT,
            "    blocks = (rows @ columns).sum(1, keepdim=True).expand(-1, groups, -1, -1)\n"
            "    y = blocks.reshape(N, C_out, H, W)\n",
        ),
        "depthwise taken as ordinary: the kernel repeated": (
            PAIRS,
            PAIRS
            + "    if groups > 1:\n        weight, groups = weight.repeat(1, groups, 1, 1), 1\n"
            "        c = x.shape[1]\n",
        ),
        "stride forgotten with groups": (
            PAIRS,
            PAIRS + "    s = s if groups == 1 else (1, 1)\n",
        ),
        "padding forgotten with groups": (
            PAIRS,
            PAIRS + "    p = p if groups == 1 else (0, 0)\n",
        ),
        "dilation forgotten with groups": (
            PAIRS,
            PAIRS + "    d = d if groups == 1 else (1, 1)\n",
        ),
        "groups in reverse": (ROWS, ROWS + "    rows = rows.flip(0)\n"),
    },
    "max_pool": {
        "padded with zeros": (PAD, PAD.replace("value=-math.inf", "value=0")),
        "padded with zeros, then all zeros masked": (
            PAD,
            PAD.replace(", value=-math.inf", "") + "    x = x.masked_fill(x == 0, -math.inf)\n",
        ),
        "padded with -1e9": (PAD, PAD.replace("-math.inf", "-1e9")),
        "stride 1 by default": ("s = k if stride is None", "s = (1, 1) if stride is None"),
        "stride always the kernel's size": (
            "    s = k if stride is None else pair(stride)\n",
            "    s = k\n",
        ),
        "mean instead of maximum": (
            "torch.amax(windows, (-2, -1))",
            "windows.nan_to_num(neginf=0).mean((-2, -1))",
        ),
        "minimum": ("torch.amax(windows, (-2, -1))", "windows.amin((-2, -1))"),
        "maximum of each row of the window": (
            "torch.amax(windows, (-2, -1))",
            "windows.amax(-1)[..., 0]",
        ),
        "maximum over the channels too": (
            "torch.amax(windows, (-2, -1))",
            "windows.amax((1, -2, -1))[:, None].expand(windows.shape[:4])",
        ),
        "padding at the end only": (
            PAD,
            PAD.replace("(p[1], p[1], p[0], p[0])", "(0, 2 * p[1], 0, 2 * p[0])"),
        ),
        "windows that do not fit are kept": (
            PAD,
            """\
    more = [-(x.shape[i + 2] + 2 * p[i] - k[i]) % s[i] for i in (0, 1)]
    x = F.pad(x, (p[1], p[1] + more[1], p[0], p[0] + more[0]), value=-math.inf)
""",
        ),
        "the largest size instead of the largest number": (
            "torch.amax(windows, (-2, -1))",
            "windows.nan_to_num(neginf=0).flatten(-2).gather(-1, windows.nan_to_num(neginf=0)"
            ".flatten(-2).abs().argmax(-1, keepdim=True))[..., 0]",
        ),
    },
    "separable": {
        "channels mixed before": (
            SEPARABLE,
            "    x = my_conv2d(x, pw_weight[:1].expand(x.shape[1], -1, -1, -1))\n"
            "    return my_conv2d(my_conv2d(x, dw_weight, groups=x.shape[1]), pw_weight)\n",
        ),
        "one kernel for all channels": (
            SEPARABLE,
            SEPARABLE.replace("x, dw_weight,", "x, dw_weight[:1].expand_as(dw_weight),"),
        ),
        "the mix left out": (
            SEPARABLE,
            "    y = my_conv2d(x, dw_weight, groups=x.shape[1])\n"
            "    return y.sum(1, keepdim=True).expand(-1, len(pw_weight), -1, -1)\n",
        ),
        "an ordinary convolution: all channels in each": (
            SEPARABLE,
            "    full = dw_weight.expand(-1, x.shape[1], -1, -1)\n"
            "    return my_conv2d(my_conv2d(x, full), pw_weight)\n",
        ),
        "padded to the same size": (
            SEPARABLE,
            SEPARABLE.replace(
                "groups=x.shape[1])", "padding=dw_weight.shape[-1] // 2, groups=x.shape[1])"
            ),
        ),
        "the mix transposed": (
            SEPARABLE,
            "    mix = pw_weight.transpose(0, 1) if len(pw_weight) == x.shape[1] else pw_weight\n"
            "    return my_conv2d(my_conv2d(x, dw_weight, groups=x.shape[1]), mix)\n",
        ),
        "a ReLU between the two": (
            SEPARABLE,
            SEPARABLE.replace("x.shape[1])", "x.shape[1]).relu()"),
        ),
    },
    "pairs": {
        "the first of a pair for both axes": (
            "    return (value, value) if isinstance(value, int) else value\n",
            "    return (value, value) if isinstance(value, int) else (value[0], value[0])\n",
        ),
        "rows and columns swapped": (
            "isinstance(value, int) else value\n",
            "isinstance(value, int) else (value[1], value[0])\n",
        ),
        "numbers only": (
            "    return (value, value) if isinstance(value, int) else value\n",
            "    return (int(value), int(value))\n",
        ),
        "the pooling's padding swapped": (
            PAD,
            PAD.replace("(p[1], p[1], p[0], p[0])", "(p[0], p[0], p[1], p[1])"),
        ),
        "a window as wide as high": (WINDOWS, WINDOWS.replace("k[1], s[1]", "k[0], s[1]")),
        "a stride as wide as high": (WINDOWS, WINDOWS.replace("k[1], s[1]", "k[1], s[0]")),
    },
    "refused": {
        "einsum broadcasts a channel axis of 1": EINSUM.format(check=""),
        "a bias of one number broadcasts": EINSUM.format(
            check=CHECK[: CHECK.index("    if bias")].rstrip()
        ),
        "a bias of one number repeated": (
            f"    return y if bias is None else {BIAS}",
            "    if bias is not None and bias.shape == (1,):\n        bias = bias.expand(C_out)\n"
            f"    return y if bias is None else {BIAS}",
        ),
        "output channels that do not divide: the last left out": (
            ROWS,
            "    C_out -= C_out % groups\n    weight = weight[:C_out]\n" + ROWS,
        ),
        "channels that are too many left out": (UNFOLD, "    x = x[:, : c * groups]\n" + UNFOLD),
        "one kernel repeated for all channels": (
            UNFOLD,
            "    if c == 1 < x.shape[1] and groups == 1:\n"
            "        weight, c = weight.expand(-1, x.shape[1], -1, -1), x.shape[1]\n" + UNFOLD,
        ),
    },
    "exact": {
        "view of a weight that is not contiguous": (ROWS, ROWS.replace("reshape", "view")),
        "float32 inside": (
            ROWS,
            ROWS + "    rows, columns = rows.float().to(x), columns.float().to(x)\n",
        ),
        "the weight has no gradient": (ROWS, ROWS.replace("weight.", "weight.detach().")),
        "the bias has no gradient": (BIAS, "y + bias.detach().view(C_out, 1, 1)"),
        "gradients to all of a window": (
            "    return torch.amax(windows, (-2, -1))\n",
            "    mean = windows.masked_fill(windows.isinf(), 0).mean((-2, -1))\n"
            "    return windows.amax((-2, -1)).detach() + mean - mean.detach()\n",
        ),
        "the input rounded in place": (PAD, "    x.data.round_(decimals=6)\n" + PAD),
        "pooling in float32": (PAD, PAD.replace("F.pad(x,", "F.pad(x.float().to(x.dtype),")),
        "separable in float32": (
            SEPARABLE,
            SEPARABLE.replace("my_conv2d(x, ", "my_conv2d(x.float().to(x), "),
        ),
    },
}

VARIANTS = {
    "windows by Tensor.unfold, sums by einsum": EINSUM.format(check=CHECK),
    "a loop over the kernel's places": """
def my_conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    N, C, H, W = x.shape
    C_out, c, kH, kW = weight.shape
    if C != c * groups or C_out % groups or (bias is not None and bias.shape != (C_out,)):
        raise ValueError("channels")
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    x = F.pad(x, (pw, pw, ph, ph))
    h, w = (H + 2 * ph - dh * (kH - 1) - 1) // sh + 1, (W + 2 * pw - dw * (kW - 1) - 1) // sw + 1
    total = 0
    for u in range(kH):
        for v in range(kW):
            part = x[:, :, u * dh :, v * dw :][:, :, : (h - 1) * sh + 1 : sh]
            part = part[..., : (w - 1) * sw + 1 : sw]
            part = part.reshape(N, groups, c, h * w)
            total = total + weight[:, :, u, v].reshape(groups, C_out // groups, c) @ part
    out = total.reshape(N, C_out, h, w)
    return out if bias is None else out + bias.reshape(1, -1, 1, 1)

def max_pool2d(x, kernel_size, stride=None, padding=0):
    k, p = pair(kernel_size), pair(padding)
    s = pair(stride or kernel_size)
    h, w = ((x.shape[i + 2] + 2 * p[i] - k[i]) // s[i] + 1 for i in (0, 1))
    x = F.pad(x, (p[1], p[1], p[0], p[0]), value=float("-inf"))
    best = None
    for u in range(k[0]):
        for v in range(k[1]):
            part = x[:, :, u : u + (h - 1) * s[0] + 1 : s[0], v : v + (w - 1) * s[1] + 1 : s[1]]
            best = part if best is None else torch.maximum(best, part)
    return best
""",
    "a block-diagonal weight": """
def my_conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    N, C, H, W = x.shape
    C_out, c, kH, kW = weight.shape
    if C != c * groups or C_out % groups or (bias is not None and bias.shape != (C_out,)):
        raise ValueError("channels")
    block = torch.arange(C_out)[:, None] // (C_out // groups) == torch.arange(C)[None] // c
    full = weight.repeat(1, groups, 1, 1) * block[..., None, None].to(weight)
    s, p, d = pair(stride), pair(padding), pair(dilation)
    columns = F.unfold(x, (kH, kW), padding=p, stride=s, dilation=d)
    out = full.flatten(1) @ columns
    if bias is not None:
        out = out + bias[:, None]
    return out.unflatten(2, ((H + 2 * p[0] - d[0] * (kH - 1) - 1) // s[0] + 1, -1))
""",
    "pooling by F.unfold": """
def max_pool2d(x, kernel_size, stride=None, padding=0):
    k, p = pair(kernel_size), pair(padding)
    s = pair(kernel_size if stride is None else stride)
    N, C = x.shape[:2]
    x = F.pad(x, (p[1], p[1], p[0], p[0]), value=torch.finfo(x.dtype).min)
    h = (x.shape[2] - k[0]) // s[0] + 1
    columns = F.unfold(x, k, stride=s).view(N, C, k[0] * k[1], h, -1)
    return columns.max(dim=2).values
""",
    "separable in two einsums": """
def depthwise_separable_conv(x, dw_weight, pw_weight):
    kH, kW = dw_weight.shape[2:]
    windows = x.unfold(2, kH, 1).unfold(3, kW, 1)
    each = torch.einsum("nchwuv,cuv->nchw", windows, dw_weight[:, 0])
    return torch.einsum("nchw,oc->nohw", each, pw_weight[:, :, 0, 0])
""",
}
