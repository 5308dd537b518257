"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

LAYER = "    return (normalized(wide(x), [-1], eps) * gamma + beta).to(x.dtype)"
UPDATE = """\
            running_mean.mul_(1 - momentum).add_(momentum * mean)
            running_var.mul_(1 - momentum).add_(momentum * var)
"""
SINGLE = """\
    if training and n < 2:
        raise ValueError(f"{n} numbers per channel, want 2 or more in training")
"""
DIVIDES = """\
    if x.shape[1] % num_groups:
        raise ValueError(f"{x.shape[1]} channels do not divide into {num_groups} groups")
"""
RMS = "(w * torch.rsqrt(w.square().mean(-1, keepdim=True) + eps) * weight)"
GROUP = """
def group_norm(x, num_groups, gamma, beta, eps=1e-5):
    if x.shape[1] % num_groups:
        raise ValueError("groups")
    w = wide(x)
    blocks = {blocks}
    y = {back}
    return (y * per_channel(gamma, x) + per_channel(beta, x)).to(x.dtype)
"""

SLIPS = {
    "by_hand": {
        "batch norm of the library for images in eval": (
            "    axes, n = [0,",
            "    if x.ndim == 4 and not training:\n"
            "        state = wide(running_mean), wide(running_var)\n"
            "        norm = torch.nn.functional.batch_norm\n"
            "        return norm(wide(x), *state, wide(gamma), wide(beta), eps=eps).to(x.dtype)\n"
            "    axes, n = [0,",
        ),
        "layer norm of the library": (
            LAYER,
            "    return torch.nn.functional.layer_norm(\n"
            "        wide(x), x.shape[-1:], gamma.to(wide(x)), beta.to(wide(x)), eps).to(x.dtype)",
        ),
        "RMS norm of the library": (
            f"    return {RMS}.to(x.dtype)",
            "    rms = torch.nn.functional.rms_norm(w, x.shape[-1:], weight.to(w), eps)\n"
            "    return rms.to(x.dtype)",
        ),
        "group norm of the library": (
            "    y = normalized(blocks, [2, 3], eps).reshape(x.shape)\n",
            "    y = torch.nn.functional.group_norm(wide(x).contiguous(), num_groups, eps=eps)\n",
        ),
        "batch norm of the library in eval": (
            "        y = (w - per_channel(running_mean, x))"
            " * torch.rsqrt(per_channel(running_var, x) + eps)\n",
            "        state = running_mean.to(w), running_var.to(w)\n"
            "        y = torch.nn.functional.batch_norm(w, *state, eps=eps)\n",
        ),
        "batch norm of the library": (
            "        y = normalized(w, axes, eps)\n",
            "        y = torch.nn.functional.batch_norm(w, None, None, training=True, eps=eps)\n",
        ),
    },
    "layer": {
        "unbiased variance": (
            LAYER,
            """\
    w = wide(x)
    var, mean = torch.var_mean(w, -1, keepdim=True)
    return ((w - mean) * torch.rsqrt(var + eps) * gamma + beta).to(x.dtype)""",
        ),
        "eps outside the root": (
            LAYER,
            """\
    w = wide(x)
    std = (w.var(-1, correction=0, keepdim=True) + 1e-30).sqrt()
    y = (w - w.mean(-1, keepdim=True)) / (std + eps)
    return (y * gamma + beta).to(x.dtype)""",
        ),
        "eps forgotten": (LAYER, LAYER.replace("eps", "1e-12")),
        "over the batch axis": (LAYER, LAYER.replace("[-1]", "[0]")),
        "over all axes but the first": (
            LAYER,
            LAYER.replace("[-1]", "[*range(min(1, x.ndim - 1), x.ndim)]"),
        ),
        "over the last two axes": (LAYER, LAYER.replace("[-1]", "[*range(-min(2, x.ndim), 0)]")),
        "gamma and beta swapped": (LAYER, LAYER.replace("* gamma + beta", "* beta + gamma")),
        "beta forgotten": (LAYER, LAYER.replace("* gamma + beta", "* gamma + 0 * beta")),
        "gamma forgotten": (LAYER, LAYER.replace("* gamma + beta", "+ 0 * gamma + beta")),
        "shifted before it is scaled": (
            LAYER,
            LAYER.replace(
                "normalized(wide(x), [-1], eps) * gamma + beta",
                "(normalized(wide(x), [-1], eps) + beta) * gamma",
            ),
        ),
        "divided by the variance": (
            LAYER,
            """\
    w = wide(x)
    var, mean = torch.var_mean(w, -1, correction=0, keepdim=True)
    return ((w - mean) / (var + eps) * gamma + beta).to(x.dtype)""",
        ),
        "mean not subtracted": (
            LAYER,
            """\
    w = wide(x)
    var = w.var(-1, correction=0, keepdim=True)
    return (w * torch.rsqrt(var + eps) * gamma + beta).to(x.dtype)""",
        ),
        "eps 1e-6 by default": (
            "def my_layer_norm(x: Tensor, gamma: Tensor, beta: Tensor, eps: float = 1e-5)",
            "def my_layer_norm(x: Tensor, gamma: Tensor, beta: Tensor, eps: float = 1e-6)",
        ),
    },
    "rms": {
        "the mean subtracted": (
            "    w = wide(x)\n    return (w * torch",
            "    w = wide(x)\n    w = w - w.mean(-1, keepdim=True)\n    return (w * torch",
        ),
        "sum of squares, not mean": (
            "w.square().mean(-1, keepdim=True)",
            "w.square().sum(-1, keepdim=True)",
        ),
        "mean of sizes, not of squares": (
            "w.square().mean(-1, keepdim=True)",
            "w.abs().mean(-1, keepdim=True).square()",
        ),
        "eps outside the root": (
            RMS,
            "(w / (w.square().mean(-1, keepdim=True).sqrt() + eps) * weight)",
        ),
        "root forgotten": (RMS, "(w / (w.square().mean(-1, keepdim=True) + eps) * weight)"),
        "variance instead of mean square": (
            "w.square().mean(-1, keepdim=True)",
            "w.var(-1, correction=0, keepdim=True)",
        ),
        "weight forgotten": ("+ eps) * weight)", "+ eps) + 0 * weight)"),
        "1 + weight, as Gemma has it": ("+ eps) * weight)", "+ eps) * (1 + weight))"),
        "over all axes but the first": (
            "w.square().mean(-1, keepdim=True)",
            "w.square().mean([*range(min(1, x.ndim - 1), x.ndim)], keepdim=True)",
        ),
        "eps 1e-5 by default": (
            "weight: Tensor, eps: float = 1e-6",
            "weight: Tensor, eps: float = 1e-5",
        ),
    },
    "batch": {
        "unbiased variance in the batch": (
            "        y = normalized(w, axes, eps)\n",
            "        var, mean = torch.var_mean(w, axes, keepdim=True)\n"
            "        y = (w - mean) * torch.rsqrt(var + eps)\n",
        ),
        "over the batch alone, each position by itself": (
            "        y = normalized(w, axes, eps)\n",
            "        y = normalized(w, [0], eps)\n",
        ),
        "over the positions alone, as in instance norm": (
            "        y = normalized(w, axes, eps)\n",
            "        y = normalized(w, axes[1:] or axes, eps)\n",
        ),
        "over the channels too": (
            "        y = normalized(w, axes, eps)\n",
            "        y = normalized(w, [0, 1, *axes[1:]], eps)\n",
        ),
        "over the features of a sample, as in layer norm": (
            "        y = normalized(w, axes, eps)\n",
            "        y = normalized(w, [*range(1, x.ndim)], eps)\n",
        ),
        "running statistics in training": (
            "        y = normalized(w, axes, eps)\n",
            "        y = w - per_channel(running_mean, x)\n"
            "        y = y * torch.rsqrt(per_channel(running_var, x) + eps)\n",
        ),
        "gamma along the last axis": (
            "    return t.view(-1, *[1] * (x.ndim - 2))",
            "    if x.ndim == 4 and x.shape[1] == x.shape[3]:\n        return t\n"
            "    return t.view(-1, *[1] * (x.ndim - 2))",
        ),
        "images only": ("axes, n = [0, *range(2, x.ndim)]", "axes, n = [0, 2, 3]"),
        "rows only": ("axes, n = [0, *range(2, x.ndim)]", "axes, n = [0]"),
        "training=False by default": ("training: bool = True", "training: bool = False"),
        "eps in the variance twice": (
            "        y = normalized(w, axes, eps)\n",
            "        y = normalized(w, axes, 2 * eps)\n",
        ),
    },
    "running": {
        "momentum reversed": (
            UPDATE,
            "            running_mean.mul_(momentum).add_((1 - momentum) * mean)\n"
            "            running_var.mul_(momentum).add_((1 - momentum) * var)\n",
        ),
        "biased variance in running_var": (
            "torch.var_mean(w, axes)",
            "torch.var_mean(w, axes, correction=0)",
        ),
        "the standard deviation in running_var": (
            "add_(momentum * var)",
            "add_(momentum * var.sqrt())",
        ),
        "new tensors instead of in place": (
            "running_mean.mul_(1 - momentum).add_(momentum * mean)",
            "running_mean = running_mean * (1 - momentum) + momentum * mean",
        ),
        "other memory by .data": (
            "running_mean.mul_(1 - momentum).add_(momentum * mean)",
            "running_mean.data = running_mean * (1 - momentum) + momentum * mean",
        ),
        "the variance as a new tensor": (
            "running_var.mul_(1 - momentum).add_(momentum * var)",
            "running_var = running_var * (1 - momentum) + momentum * var",
        ),
        "updated in eval too": (
            "    w = wide(x)\n    if training:\n        y = normalized(w, axes, eps)\n",
            "    w = wide(x)\n    if not training and n > 1:\n"
            "        running_mean.mul_(1 - momentum).add_(momentum * w.detach().mean(axes))\n"
            "    if training:\n        y = normalized(w, axes, eps)\n",
        ),
        "never updated": (UPDATE, "            pass\n"),
        "replaced, not mixed": (
            "running_mean.mul_(1 - momentum).add_(momentum * mean)",
            "running_mean.copy_(mean)",
        ),
        "momentum 0 taken for none": (
            "    w = wide(x)\n    if training:",
            "    w, momentum = wide(x), momentum or 0.1\n    if training:",
        ),
        "eval with eps outside the root": (
            "torch.rsqrt(per_channel(running_var, x) + eps)",
            "(per_channel(running_var, x).sqrt() + eps).reciprocal()",
        ),
        "eval with the default eps": (
            "torch.rsqrt(per_channel(running_var, x) + eps)",
            "torch.rsqrt(per_channel(running_var, x) + 1e-5)",
        ),
        "momentum always 0.1": ("    axes, n = [0", "    momentum = 0.1\n    axes, n = [0"),
        "momentum 0.9 by default": ("momentum: float = 0.1", "momentum: float = 0.9"),
        "the batch's statistics in eval": (
            "    if training:\n        y = normalized",
            "    if training or n > 1:\n        y = normalized",
        ),
        "eval without eps": (
            "torch.rsqrt(per_channel(running_var, x) + eps)",
            "torch.rsqrt(per_channel(running_var, x))",
        ),
        "eval divides by the running variance": (
            "torch.rsqrt(per_channel(running_var, x) + eps)",
            "1 / (per_channel(running_var, x) + eps)",
        ),
        "eval forgets the mean": ("(w - per_channel(running_mean, x))", "w"),
        "eval fails for a single sample": ("if training and n < 2:", "if n < 2:"),
        "old mean kept in the update of the variance": (
            "            running_var.mul_(1 - momentum)",
            "            running_var.mul_(1)",
        ),
    },
    "groups": {
        "groups interleaved": GROUP.format(
            blocks="w.reshape(x.shape[0], -1, num_groups, *x.shape[2:]).transpose(1, 2).flatten(2)",
            back="normalized(blocks, [2], eps).reshape(x.shape[0], num_groups, -1, *x.shape[2:])"
            ".transpose(1, 2).reshape(x.shape)",
        ),
        "num_groups taken for the channels of a group": GROUP.format(
            blocks="w.reshape(x.shape[0], -1, num_groups, x[0, 0].numel())",
            back="normalized(blocks, [2, 3], eps).reshape(x.shape)",
        ),
        "each position by itself": (
            "normalized(blocks, [2, 3], eps)",
            "normalized(blocks, [2], eps)",
        ),
        "each channel by itself": (
            "normalized(blocks, [2, 3], eps)",
            "normalized(blocks, [3] if blocks.shape[3] > 1 else [2, 3], eps)",
        ),
        "over the batch too": (
            "normalized(blocks, [2, 3], eps)",
            "normalized(blocks, [0, 2, 3], eps)",
        ),
        "over all groups": (
            "normalized(blocks, [2, 3], eps)",
            "normalized(blocks, [1, 2, 3], eps)",
        ),
        "unbiased variance": (
            "    y = normalized(blocks, [2, 3], eps).reshape(x.shape)\n",
            "    var, mean = torch.var_mean(blocks, [2, 3], keepdim=True)\n"
            "    y = ((blocks - mean) * torch.rsqrt(var + eps)).reshape(x.shape)\n",
        ),
        "one gamma per group": (
            "    y = normalized(blocks, [2, 3], eps).reshape(x.shape)\n",
            "    y = normalized(blocks, [2, 3], eps).reshape(x.shape)\n"
            "    gamma = gamma[:num_groups].repeat_interleave(x.shape[1] // num_groups)\n",
        ),
        "eps outside the root": (
            "    y = normalized(blocks, [2, 3], eps).reshape(x.shape)\n",
            "    var, mean = torch.var_mean(blocks, [2, 3], correction=0, keepdim=True)\n"
            "    y = ((blocks - mean) / (var.sqrt() + eps)).reshape(x.shape)\n",
        ),
        "two groups always": ("    blocks = wide(x)", "    num_groups = 2\n    blocks = wide(x)"),
    },
    "precision": {
        "statistics in the input's dtype": (
            "return x.to(torch.promote_types(x.dtype, torch.float32))",
            "return x",
        ),
        "the result stays float32": (LAYER, LAYER.replace(".to(x.dtype)", "")),
        "RMS norm gives float32": (f"{RMS}.to(x.dtype)", RMS),
        "batch statistics in 16 bits": (
            "    w = wide(x)\n    if training:\n        y",
            "    w = x\n    if training:\n        y",
        ),
        "layer statistics in 16 bits": (LAYER, LAYER.replace("wide(x)", "x")),
        "squares in 16 bits": (
            "    w = wide(x)\n    return (w * torch",
            "    w = x\n    return (w * torch",
        ),
    },
    "refused": {
        "one number per channel: NaN in running_var": (
            SINGLE,
            "    if training and n < 2:\n        running_var.mul_(float('nan'))\n"
            "        return per_channel(beta, x).expand_as(x).to(x.dtype)\n",
        ),
        "the unbiased variance of one number taken as 0": (
            SINGLE,
            "    if training and n < 2:\n"
            "        return per_channel(beta, x).expand_as(x).to(x.dtype)\n",
        ),
        "RuntimeError for one number per channel": (
            SINGLE,
            SINGLE.replace("ValueError", "RuntimeError"),
        ),
        "RuntimeError for groups": (DIVIDES, DIVIDES.replace("ValueError", "RuntimeError")),
        "running mean moved before the error": (
            "    if training and n < 2:\n",
            "    if training and n < 2:\n        running_mean.mul_(1 - momentum)\n",
        ),
        "an error for rows, none for images of one pixel": (
            SINGLE,
            "    if training and n < 2 and x.ndim > 2:\n"
            "        return per_channel(beta, x).expand_as(x).to(x.dtype)\n" + SINGLE,
        ),
        "groups that do not divide the channels": GROUP.replace(
            "if x.shape[1] % num_groups", "if False"
        ).format(
            blocks="w.reshape(x.shape[0], num_groups, 1, -1)",
            back="normalized(blocks, [2, 3], eps).reshape(x.shape)",
        ),
    },
    "inputs": {
        "view: contiguous input only": (
            "wide(x).reshape(x.shape[0], num_groups",
            "wide(x).view(x.shape[0], num_groups",
        ),
        "float32 always": ("x.to(torch.promote_types(x.dtype, torch.float32))", "x.float()"),
        "mean and variance detached": (
            "    return (x - mean) * torch.rsqrt(var + eps)",
            "    return (x - mean.detach()) * torch.rsqrt(var.detach() + eps)",
        ),
        "no gradient through the variance": (
            "torch.rsqrt(var + eps)",
            "torch.rsqrt(var.detach() + eps)",
        ),
        "RMS norm without a gradient of the size": (
            "w.square().mean(-1",
            "w.detach().square().mean(-1",
        ),
        "gradients switched off and on": (
            "        with torch.no_grad():\n"
            f"            var, mean = torch.var_mean(w, axes)\n{UPDATE}",
            "        torch.set_grad_enabled(False)\n"
            "        var, mean = torch.var_mean(w, axes)\n"
            "        running_mean.lerp_(mean.to(running_mean.dtype), momentum)\n"
            "        running_var.lerp_(var.to(running_var.dtype), momentum)\n"
            "        torch.set_grad_enabled(True)\n",
        ),
        "the running statistics keep the graph": (
            "        with torch.no_grad():\n",
            "        if True:\n",
        ),
        "all of batch norm under no_grad": (
            "        y = normalized(w, axes, eps)\n",
            "        with torch.no_grad():\n            y = normalized(w, axes, eps)\n",
        ),
        "the input centered in place": (
            LAYER,
            "    x.data -= x.data.mean(-1, keepdim=True)\n" + LAYER,
        ),
        "scaled in place: gamma changes": (
            "    return t.view(-1, *[1] * (x.ndim - 2))",
            "    t.data += 1e-9\n    return t.view(-1, *[1] * (x.ndim - 2))",
        ),
        "no gradient for x in eval": (
            "        y = (w - per_channel(running_mean, x))",
            "        w = w.detach()\n        y = (w - per_channel(running_mean, x))",
        ),
    },
}

VARIANTS = {
    "mean and square by hand": """
def normalized(x, axes, eps):
    mean = x.mean(axes, keepdim=True)
    var = ((x - mean) ** 2).mean(axes, keepdim=True)
    return (x - mean) / torch.sqrt(var + eps)
""",
    "batch norm on rows": """
def my_batch_norm(
    x, gamma, beta, running_mean, running_var, eps=1e-5, momentum=0.1, training=True
):
    rows = x.movedim(1, -1)
    flat = rows.reshape(-1, x.shape[1]).to(torch.float64)
    if training:
        n = len(flat)
        if n == 1:
            raise ValueError("one value per channel")
        mean = flat.sum(0) / n
        var = ((flat - mean) ** 2).sum(0) / n
        new = mean.detach(), var.detach() * n / (n - 1)
        for running, value in zip((running_mean, running_var), new):
            running += momentum * (value.to(running.dtype) - running)
    else:
        mean, var = running_mean, running_var
    out = (flat - mean) / (var + eps) ** 0.5 * gamma + beta
    return out.reshape(rows.shape).movedim(-1, 1).to(x.dtype)
""",
    "group norm by a loop over the groups": """
def group_norm(x, num_groups, gamma, beta, eps=1e-5):
    if x.size(1) % num_groups != 0:
        raise ValueError("groups do not divide the channels")
    parts = []
    for part in wide(x).chunk(num_groups, dim=1):
        parts.append(normalized(part, list(range(1, x.ndim)), eps))
    shape = (1, -1) + (1,) * (x.ndim - 2)
    out = torch.cat(parts, 1) * gamma.reshape(shape) + beta.reshape(shape)
    return out.to(x.dtype)
""",
    "running statistics by lerp and copy": (
        "            running_mean.mul_(1 - momentum).add_(momentum * mean)\n"
        "            running_var.mul_(1 - momentum).add_(momentum * var)\n",
        "            running_mean.copy_((1 - momentum) * running_mean + momentum * mean)\n"
        "            running_var.lerp_(var.to(running_var.dtype), momentum)\n",
    ),
    "RMS from the norm of a row": """
def rms_norm(x, weight, eps=1e-6):
    w = x if x.dtype == torch.float64 else x.float()
    size = w.norm(dim=-1, keepdim=True) / x.shape[-1] ** 0.5
    return (w / (size ** 2 + eps).sqrt() * weight).to(x.dtype)
""",
}
