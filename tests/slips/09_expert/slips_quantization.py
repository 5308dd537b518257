"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

CODED = "codes = (weight / scale).round().clamp(-127, 127).to(torch.int8)"
CODES = 'self.register_buffer("weight_int8", codes)'
SCALE = "scale = step_of(weight, 127)  # (out, 1)"
KEPT = 'self.register_buffer("scale", scale)'
DETACHED = "weight = weight.detach()\n        scale"
WEIGHT = "weight = self.weight_int8.to(x.dtype) * self.scale.to(x.dtype)"
BIAS = "None if self.bias is None else self.bias.to(x.dtype)"
OWN_BIAS = "self.bias = None if bias is None else nn.Parameter(bias.detach().clone())"
STEP7 = "scale = step_of(groups, 7)  # (out, groups, 1)"
Q = "q = ((groups / scale).round() + 8).to(torch.uint8).view(out, -1, 2)  # 1 to 15"
PACK = "return q[..., 0] | q[..., 1] << 4, scale[..., 0]"
UNPACK = "q = torch.stack([packed & 15, packed >> 4], dim=-1)  # (out, bytes, 2): low bits first"
GROUPS = "groups = (q.to(scale.dtype) - 8).view(*scale.shape, -1)"
BACK = "return (groups * scale[..., None]).view(len(scale), -1)[:, : shape[1]]"
PAD = "rows = F.pad(weight.detach(), (0, -columns % group_size))  # whole groups in each row"
VIEW = "groups = rows.view(out, -1, group_size)"
ODD = """\
    if group_size % 2:
        raise ValueError(f"group_size {group_size}, want an even number: two fill a byte")
"""
ANY = "return torch.where(largest > 0, largest / levels, 1)"
SMALLEST = "smallest = weight.detach().abs().flatten().argsort()[: round(amount * weight.numel())]"
REGISTER = 'parametrize.register_parametrization(module, "weight", Masked(mask))'
WHERE = "return torch.where(self.mask, weight, 0)"
MASK_BUFFER = 'self.register_buffer("mask", mask)'
FALSE = "mask.view(-1)[smallest] = False"

SLIPS = {
    "int8": {
        "one scale for the whole tensor": (
            SCALE,
            "scale = step_of(weight.flatten(), 127).expand(len(weight), 1)",
        ),
        "a scale per column": (SCALE, "scale = step_of(weight.T, 127).T"),
        "scale of shape (out,)": (KEPT, 'self.register_buffer("scale", scale[:, 0])'),
        "divided by 128": (SCALE, SCALE.replace("127", "128")),
        "divided by 255": (SCALE, SCALE.replace("127", "255")),
        "the largest number, not the largest magnitude": (
            SCALE,
            "scale = weight.amax(dim=1, keepdim=True) / 127",
        ),
        "cut off, not rounded": (CODED, CODED.replace(".round()", "")),
        "rounded down": (CODED, CODED.replace(".round()", ".floor()")),
        "rounded up": (CODED, CODED.replace(".round()", ".ceil()")),
        "the scale is trained": (KEPT, "self.scale = nn.Parameter(scale)"),
        "the bias a buffer": (OWN_BIAS, 'self.register_buffer("bias", bias)'),
        "rows below 1e-5 taken for zeros": (SCALE, SCALE.replace("127)", "127).clamp(min=1e-7)")),
        "the scale is a plain attribute": (KEPT, "self.scale = scale"),
        "weight_int8 is not saved": (CODES, CODES[:-1] + ", persistent=False)"),
        "int16": (CODED, CODED.replace("int8)", "int16)")),
        "uint8 with a shift": (
            CODED,
            CODED.replace(".to(torch.int8)", ".add(128).to(torch.uint8)"),
        ),
        "the float weight is kept, too": (KEPT, KEPT + "\n        self.weight = weight"),
        "the float weight is kept as a buffer": (
            KEPT,
            KEPT + '\n        self.register_buffer("full", weight / 1, persistent=False)',
        ),
        "dequantized at the first call and kept": (
            WEIGHT,
            WEIGHT + "\n        self.__dict__.setdefault('full', weight)",
        ),
        "dequantized once and for all": (
            KEPT,
            KEPT + "\n        self.full = self.weight_int8 * scale",
        ),
        "a graph to the old weight": (DETACHED, "weight = weight * 1\n        scale"),
        "scale of float32": (KEPT, 'self.register_buffer("scale", scale.float())'),
    },
    "forward": {
        "no gradient in eval mode": (
            WEIGHT,
            WEIGHT + "\n        x = x if self.training else x.detach()",
        ),
        "the scale forgotten": (WEIGHT, "weight = self.weight_int8.to(x.dtype)"),
        "divided by the scale": (WEIGHT, WEIGHT.replace("x.dtype) * self", "x.dtype) / self")),
        "the bias forgotten": (BIAS, "None"),
        "the bias scaled": (
            BIAS,
            BIAS.replace("self.bias.to(x.dtype)", "self.bias * self.scale[:, 0]"),
        ),
        "x rounded to int8": (
            WEIGHT,
            "x = (x.clamp(-128, 127).to(torch.int8) + 0 * x).to(x.dtype)\n        " + WEIGHT,
        ),
        "the product summed in int8": (
            WEIGHT,
            "if x.ndim == 2:\n"
            "            out = (x.to(torch.int8) @ "
            "self.weight_int8.T) * self.scale.T + 0 * x.sum()\n"
            "            return out if self.bias is None else out + self.bias\n        " + WEIGHT,
        ),
        "the scale along the wrong axis": (
            WEIGHT,
            "weight = (self.weight_int8.T.to(x.dtype) * self.scale.mean().to(x.dtype)).T",
        ),
        "a batch of one loses its axis": (
            WEIGHT,
            WEIGHT + "\n        x = x.squeeze(0) if len(x.shape) == 2 else x",
        ),
        "no gradient for x": (WEIGHT, WEIGHT + "\n        x = x.detach()"),
        "no gradient at all": (WEIGHT, WEIGHT + "\n        torch.set_grad_enabled(False)"),
        "one row at a time": (WEIGHT, WEIGHT + "\n        x = x.view(-1, x.shape[-1])"),
        "the sign lost": (
            WEIGHT,
            WEIGHT.replace("self.weight_int8.to", "self.weight_int8.abs().to"),
        ),
    },
    "packed": {
        "groups below 1e-7 taken for zeros": (STEP7, STEP7.replace("7)", "7).clamp(min=1e-7)")),
        "nibbles swapped": (PACK, "return q[..., 1] | q[..., 0] << 4, scale[..., 0]"),
        "the first half of a row in the low bits": (
            PACK,
            "q = q.view(out, -1)\n    half = q.shape[1] // 2\n"
            "    return q[:, :half] | q[:, half:] << 4, scale[..., 0]",
        ),
        "two's complement": (Q, Q.replace("round() + 8)", "round() % 16)")),
        "shifted by 7": (Q, Q.replace("+ 8", "+ 7")),
        "magnitude over 7.5": (STEP7, STEP7.replace("7)", "7.5)")),
        "magnitude over 8": (
            STEP7,
            "scale = step_of(groups, 8)\n    groups = groups.clamp(-8 * scale, 7 * scale)",
        ),
        "a number per byte": (PACK, "return q.view(out, -1), scale[..., 0]"),
        "int8 bytes": (
            PACK,
            PACK.replace("4, scale", "4, scale").replace(
                "q[..., 0] |", "q.to(torch.int8)[..., 0] |"
            ),
        ),
        "a scale per row": (
            STEP7,
            "scale = step_of(groups.flatten(1), 7)[:, None].expand(-1, groups.shape[1], 1)",
        ),
        "a scale for all": (
            STEP7,
            "scale = step_of(groups.flatten(), 7).expand(*groups.shape[:2], 1)",
        ),
        "neighbors in a column": (VIEW, "groups = rows.T.reshape(out, -1, group_size)"),
        "every n-th number in a group": (
            VIEW,
            "groups = rows.view(out, group_size, -1).mT.contiguous()",
        ),
        "the scale with a last axis of 1": (PACK, PACK.replace("scale[..., 0]", "scale")),
        "a whole group more where none is missing": (
            PAD,
            "rows = F.pad(weight.detach(), (0, group_size - columns % group_size))",
        ),
        "groups of 64 by default": ("group_size: int = 32", "group_size: int = 64"),
        "cut off, not rounded": (Q, Q.replace(".round()", "")),
        "weight changed in place": (Q, Q + "\n    weight.detach().div_(2)"),
    },
    "restored": {
        "always float32": (BACK, BACK.replace("[:, : shape[1]]", "[:, : shape[1]].float()")),
        "the high bits first": (UNPACK, "q = torch.stack([packed >> 4, packed & 15], dim=-1)"),
        "the two halves of a row": (UNPACK, "q = torch.cat([packed & 15, packed >> 4], dim=-1)"),
        "the shift forgotten": (GROUPS, GROUPS.replace(" - 8", "")),
        "the shift in uint8, below 0": (
            GROUPS,
            "groups = (q - 8).to(scale.dtype).view(*scale.shape, -1)",
        ),
        "shifted by 7": (GROUPS, GROUPS.replace("- 8", "- 7")),
        "three bits": (UNPACK, UNPACK.replace("packed & 15", "packed & 7")),
        "the first scale of each row": (
            BACK,
            BACK.replace("scale[..., None]", "scale[:, :1, None]"),
        ),
        "the scales in turn": (
            BACK,
            "wide = groups.reshape(len(scale), -1)\n"
            "    return (wide * scale.repeat(1, groups.shape[-1]))[:, : shape[1]]",
        ),
        "divided by the scale": (BACK, BACK.replace("groups * scale", "groups / scale")),
        "a flat tensor": (BACK, BACK.replace("[:, : shape[1]]", "[:, : shape[1]].flatten()")),
        "groups of 32, whatever was given": (
            GROUPS,
            GROUPS.replace("*scale.shape, -1", "len(scale), -1, min(32, shape[1])"),
        ),
    },
    "prune": {
        "the largest pruned": (SMALLEST, SMALLEST.replace("argsort()", "argsort(descending=True)")),
        "the smallest numbers, not magnitudes": (SMALLEST, SMALLEST.replace(".abs()", "")),
        "the share kept, not pruned": (SMALLEST, SMALLEST.replace("amount *", "(1 - amount) *")),
        "zeros not counted": (SMALLEST, SMALLEST.replace("numel()", "count_nonzero().item()")),
        "rounded down": (SMALLEST, SMALLEST.replace("round(", "int(")),
        "all that equal the threshold": (
            FALSE,
            "flat = weight.detach().abs().flatten()\n    if len(smallest):\n"
            "        mask = weight.detach().abs() > flat[smallest].max()",
        ),
        "the mask found anew at each use": (
            WHERE,
            "if self.mask.all():\n            return weight\n"
            "        limit = weight.detach().abs().flatten().sort()[0][(~self.mask).sum() - 1]\n"
            "        return torch.where(weight.abs() > limit, weight, 0)",
        ),
        "at random": (
            SMALLEST,
            "smallest = torch.randperm(weight.numel())[: round(amount * weight.numel())]",
        ),
        "whole rows": (SMALLEST, "smallest = slice(0, round(amount * weight.numel()))"),
        "True means pruned": ("    return mask\n\n\nclass", "    return ~mask\n\n\nclass"),
        "a mask of floats": ("    return mask\n\n\nclass", "    return mask.float()\n\n\nclass"),
        "a flat mask": ("    return mask\n\n\nclass", "    return mask.flatten()\n\n\nclass"),
        "the others scaled up, as in dropout": (
            WHERE,
            "return torch.where(self.mask, weight, 0) / self.mask.float().mean().clamp(min=0.1)",
        ),
        "a threshold of the largest magnitude": (
            SMALLEST,
            "flat = weight.detach().abs().flatten()\n    smallest = flat < amount * flat.max()",
        ),
    },
    "survive": {
        "a new parameter, that no older optimizer knows": (
            REGISTER,
            "module.weight = nn.Parameter(weight.detach().clone())\n    " + REGISTER,
        ),
        "zeroed once": (REGISTER, "module.weight.data.mul_(mask)"),
        "the gradient masked": (
            REGISTER,
            "module.weight.data.mul_(mask)\n    module.weight.register_hook(lambda g: g * mask)",
        ),
        "zeroed before each call": (
            REGISTER,
            "module.weight.data.mul_(mask)\n"
            "    module.register_forward_pre_hook(lambda "
            "m, _: m.weight.data.mul_(mask).shape and None)",
        ),
        "zeroed when its gradient arrives": (
            REGISTER,
            "module.weight.data.mul_(mask)\n    module.weight.register_post_accumulate_grad_hook("
            "lambda p: (p.data.mul_(mask), p.grad.mul_(mask)) and None)",
        ),
        "the gradient hidden from the numbers kept": (
            WHERE,
            "return torch.where(self.mask, weight.detach(), 0 * weight)",
        ),
        "masked where gradients are recorded only": (
            WHERE,
            "return torch.where(self.mask, weight, 0) if torch.is_grad_enabled() else weight",
        ),
        "masked in train mode only": (
            WHERE,
            "return torch.where(self.mask, weight, 0) if self.training else weight",
        ),
        "frozen": (REGISTER, "weight.requires_grad_(False)\n    " + REGISTER),
        "weights moved through the mask as floats near 0": (
            WHERE,
            "return weight * self.mask.to(weight).clamp(min=1e-9)",
        ),
    },
    "zeros": {
        "divided by zero": (ANY, "return largest / levels"),
        "a row of zeros as NaN, in 8 bits": (
            SCALE,
            "scale = weight.abs().amax(dim=1, keepdim=True) / 127",
        ),
        "a group of zeros as NaN, in 4 bits": (
            STEP7,
            "scale = groups.abs().amax(dim=2, keepdim=True) / 7",
        ),
        "an infinite scale": (ANY, "return torch.where(largest > 0, largest / levels, torch.inf)"),
    },
    "uneven": {
        "groups that cross rows": (
            f"{PAD}\n    {VIEW}",
            "flat = weight.detach().flatten()\n"
            "    groups = F.pad(flat, (0, -len(flat) % group_size)).view(1, -1, group_size)\n"
            "    groups = groups.view(out, -1, group_size) "
            "if groups.shape[1] % out == 0 else groups",
        ),
        "no filling": (PAD, "rows = weight.detach().contiguous()"),
        "the rest of a row dropped": (
            PAD,
            "rows = weight.detach()[:, : columns - columns % group_size]",
        ),
        "not cut to shape": (BACK, BACK.replace("[:, : shape[1]]", "")),
        "filled at the front": (PAD, "rows = F.pad(weight.detach(), (-columns % group_size, 0))"),
        "no error for an odd size": (ODD, "    group_size += group_size % 2\n"),
        "only 1 refused": ("if group_size % 2:", "if group_size == 1:"),
        "filled with the last number": (
            PAD,
            "rows = F.pad(weight.detach()[None], (0, -columns "
            "% group_size), mode='replicate')[0, :, : columns]",
        ),
    },
    "dtypes": {
        "float32 whatever x is": (
            WEIGHT,
            WEIGHT + "\n        x = x.float() if x.dtype == torch.bfloat16 else x\n"
            "        weight = weight.to(x.dtype)",
        ),
        "128 in bfloat16, which int8 makes -128": (CODED, CODED.replace(".clamp(-127, 127)", "")),
        "float64 computed in float32": (
            WEIGHT,
            "x, kind = x.float(), x.dtype\n"
            "        weight = self.weight_int8 * self.scale.float()\n"
            "        bias = None if self.bias is None else self.bias.float()\n"
            "        return F.linear(x, weight, bias).to(kind)",
        ),
        "x must be of scale's dtype": (WEIGHT, "weight = self.weight_int8 * self.scale"),
        "the result in scale's dtype": (
            "return F.linear(x, weight, " + BIAS + ")",
            "return F.linear(x, weight, " + BIAS + ").to(self.scale.dtype)",
        ),
        "the bias in its own dtype": (BIAS, "self.bias"),
        "float16 comes back as float32": (
            WEIGHT,
            "x = x.float() if x.dtype == torch.float16 else x\n        " + WEIGHT,
        ),
        "a mask of float32 whatever the weight is": (WHERE, "return weight * self.mask.float()"),
        "the mask does not move": (MASK_BUFFER, "self.mask = mask"),
        "a copy that is not masked": (
            MASK_BUFFER,
            MASK_BUFFER + "\n\n    def __deepcopy__(self, memo):\n        return nn.Identity()",
        ),
    },
}

VARIANTS = {
    "the library's pruning": """
from torch.nn.utils import prune as library

class Always(nn.Module):
    def __init__(self, mask):
        super().__init__()
        self.register_buffer("mask", mask.float())

    def forward(self, weight):
        return weight * self.mask.to(weight.dtype)

def prune_magnitude(module, amount):
    flat = module.weight.detach().abs().view(-1)
    n = int(round(amount * flat.numel()))
    mask = torch.ones_like(flat)
    if n:
        mask[torch.topk(flat, n, largest=False).indices] = 0
    mask = mask.view_as(module.weight)
    with torch.no_grad():
        module.weight.mul_(mask)
    parametrize.register_parametrization(module, "weight", Always(mask))
    return mask.bool()
""",
    "a Linear inside, scale applied to the result": """
class Int8Linear(nn.Module):
    def __init__(self, weight, bias=None):
        super().__init__()
        with torch.no_grad():
            top = weight.abs().max(dim=1, keepdim=True).values
            scale = top.clamp(min=1e-12) / 127
            codes = torch.round(weight / scale).clamp(-128, 127).to(torch.int8)
        self.register_buffer("weight_int8", codes)
        self.register_buffer("scale", scale)
        if bias is None:
            self.register_parameter("bias", None)
        else:
            self.bias = nn.Parameter(bias.detach().clone())

    def forward(self, x):
        y = (x @ self.weight_int8.t().to(x.dtype)) * self.scale.view(-1).to(x.dtype)
        return y if self.bias is None else (y + self.bias).to(x.dtype)
""",
    "groups by loops": """
def quantize_groupwise(weight, group_size=32):
    if group_size % 2 == 1:
        raise ValueError("an even group_size, please")
    rows, scales = [], []
    for row in weight.detach():
        codes, steps = [], []
        for group in row.split(group_size):
            top = group.abs().max()
            step = top / 7 if top > 0 else torch.ones_like(top)
            code = torch.full((group_size,), 8, dtype=torch.uint8)
            code[: len(group)] = (torch.round(group / step) + 8).to(torch.uint8)
            codes.append(code[0::2] + 16 * code[1::2])
            steps.append(step)
        rows.append(torch.cat(codes))
        scales.append(torch.stack(steps))
    return torch.stack(rows), torch.stack(scales)

def dequantize_groupwise(packed, scale, shape):
    wide = torch.empty(packed.shape[0], 2 * packed.shape[1], dtype=scale.dtype)
    wide[:, 0::2] = (packed % 16).to(scale.dtype) - 8
    wide[:, 1::2] = (packed // 16).to(scale.dtype) - 8
    size = wide.shape[1] // scale.shape[1]
    return (wide * scale.repeat_interleave(size, dim=1))[: shape[0], : shape[1]]
""",
    "the original zeroed, too": (REGISTER, "weight.data.mul_(mask)\n    " + REGISTER),
    "a step of 0 for zeros": (
        Q,
        "q = ((groups / scale).nan_to_num(0).round() + 8).to(torch.uint8).view(out, -1, 2)",
    ),
    "a property, and a class of its own": """
from torch import uint8

class Int8Linear(nn.Module):
    def __init__(self, weight, bias=None):
        super().__init__()
        with torch.no_grad():
            scale = torch.linalg.vector_norm(weight, float("inf"), 1, True).div(127)
            steps = torch.where(scale.eq(0), 0, weight.div(torch.where(scale.eq(0), 1, scale)))
            self.register_buffer("weight_int8", steps.float().round().clamp(max=127).char())
            self.register_buffer("scale", scale)
        own = None if bias is None else nn.Parameter(torch.clone(bias.data))
        self.register_parameter("bias", own)

    def forward(self, x):
        table = self.weight_int8.type_as(x).mul(self.scale.type_as(x))
        out = torch.einsum("...i,oi->...o", x, table)
        return out if self.bias is None else torch.add(out, self.bias.type_as(x))

def quantize_groupwise(weight, group_size=32):
    if group_size & 1:
        raise ValueError(group_size)
    with torch.no_grad():
        out, n = weight.shape
        many = -(-n // group_size)
        table = weight.new_zeros(out, many * group_size)
        table[:, :n] = weight
        parts = table.unflatten(1, (many, group_size))
        scale = parts.abs().max(-1)[0] / 7
        codes = parts.div(scale.masked_fill(scale == 0, 1).unsqueeze(-1)).round().short() + 8
        codes = codes.flatten(1)
        return codes[:, ::2].bitwise_or(codes[:, 1::2] * 16).to(uint8), scale

def dequantize_groupwise(packed, scale, shape):
    codes = packed.new_empty(len(packed), 2 * packed.size(1)).to(scale.dtype)
    codes[:, ::2], codes[:, 1::2] = packed.bitwise_and(0xF), packed // 16
    parts = (codes - 8).unflatten(1, (scale.size(1), -1))
    return torch.einsum("ogn,og->ogn", parts, scale).flatten(1).narrow(1, 0, shape[1])

class Pruned:
    @property
    def weight(self):
        return self.original.masked_fill(~self.mask, 0)

def prune_magnitude(module, amount):
    weight = module.weight
    n = round(amount * weight.numel())
    sizes = weight.detach().abs().flatten().tolist()
    order = sorted(range(weight.numel()), key=sizes.__getitem__)
    flat = [True] * len(order)
    for i in order[:n]:
        flat[i] = False
    mask = torch.tensor(flat, device=weight.device).reshape(weight.shape)
    del module.weight
    module.register_parameter("original", weight)
    module.register_buffer("mask", mask)
    module.__class__ = type("Pruned" + type(module).__name__, (Pruned, type(module)), {})
    return mask.clone()
""",
}
