"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

ROWS = "a, b = a.contiguous(), b.contiguous()"
OUT = "out = a.new_empty(a.shape)\n    c_loop"
CALL = "c_loop(loops[a.dtype])(a.data_ptr(), b.data_ptr(), out.data_ptr(), a.numel())"
LOOPS = 'loops = {torch.float32: "silu_mul_f32", torch.float64: "silu_mul_f64"}'
SAME = "if a.shape != b.shape or a.dtype != b.dtype:"
KNOWN = "if a.dtype not in loops:"
FAKE = "def fake(a: Tensor, b: Tensor) -> Tensor:\n    return a.new_empty(a.shape)"
SAVE = "ctx.save_for_backward(*inputs)"
SIGMOID = "s = torch.sigmoid(a)"
GRADS = "return grad * b * s * (1 + a * (1 - s)), grad * a * s"
REGISTERED = "@partial(fused_silu_mul.register_autograd, setup_context=setup_context)\n"

SLIPS = {
    "forward": {
        "a call for each row": (
            CALL,
            "for x, y, z in zip(a.view(-1), b.view(-1), out.view(-1)):\n"
            "        c_loop(loops[a.dtype])(x.data_ptr(), y.data_ptr(), z.data_ptr(), 1)",
        ),
        "torch's silu in the place of the loop": (
            CALL,
            "out.copy_(torch.nn.functional.silu(a) * b)",
        ),
        "a and b swapped": (
            CALL,
            CALL.replace("a.data_ptr(), b.data_ptr()", "b.data_ptr(), a.data_ptr()"),
        ),
        "a taken for b, too": (CALL, CALL.replace("b.data_ptr()", "a.data_ptr()")),
        "the first axis only": (CALL, CALL.replace("a.numel()", "len(a) if a.ndim else 1")),
        "one number less": (CALL, CALL.replace("a.numel()", "a.numel() - 1")),
        "float64 read as float32": (LOOPS, LOOPS.replace("silu_mul_f64", "silu_mul_f32")),
        "float64 computed in float32": (
            CALL,
            "low = [t.float() for t in (a, b, out)]\n"
            "    c_loop('silu_mul_f32')(*(t.data_ptr() for t in low), a.numel())\n"
            "    return low[2].to(a.dtype)",
        ),
        "the loop called twice": (CALL, f"{CALL}\n    {CALL}"),
        "the loop writes elsewhere": (
            CALL,
            "spare = torch.empty_like(out)\n    out.zero_()\n    "
            + CALL.replace("out.data_ptr()", "spare.data_ptr()"),
        ),
        "a number for each, added up": (
            "a.numel())\n    return out",
            "a.numel())\n    return out.sum().expand(out.shape).contiguous()",
        ),
    },
    "strided": {
        "the storage from its start": (
            CALL,
            CALL.replace("a.data_ptr(), b", "a.untyped_storage().data_ptr(), b"),
        ),
        "data_ptr of a strided tensor": (ROWS, "pass"),
        "b as it comes": (ROWS, "a = a.contiguous()"),
        "a as it comes": (ROWS, "b = b.contiguous()"),
        "temporaries freed before they are read": (
            f"{ROWS}\n    out = a.new_empty(a.shape)\n    {CALL}",
            "out = a.new_empty(a.shape)\n"
            "    addresses = [a.contiguous().data_ptr(), b.contiguous().data_ptr()]\n"
            "    c_loop(loops[a.dtype])(*addresses, out.data_ptr(), a.numel())",
        ),
        "out as a lies in memory": (
            f"{ROWS}\n    {OUT}",
            f"out = torch.empty_like(a)\n    {ROWS}\n    c_loop",
        ),
        "the storage of b from its start": (
            CALL,
            CALL.replace("b.data_ptr()", "b.untyped_storage().data_ptr()"),
        ),
        "flattened by as_strided": (
            ROWS,
            "a, b = (torch.as_strided(t, t.shape, torch.empty(t.shape).stride()) "
            "if t.ndim == 1 else t.contiguous() for t in (a, b))",
        ),
        "an error for what is not contiguous": (
            ROWS,
            "if not (a.is_contiguous() and b.is_contiguous()):\n"
            "        raise ValueError('want contiguous inputs')",
        ),
        "transposed ones only": (
            ROWS,
            "a, b = (t if t.stride(-1) in (1, 2) else t.contiguous() for t in (a, b))".replace(
                "t.stride(-1)", "(t.stride() or (1,))[-1]"
            ),
        ),
        "contiguous for two dims only": (
            ROWS,
            "a, b = (t if t.ndim == 3 else t.contiguous() for t in (a, b))",
        ),
        "both channels last, out not": (
            ROWS,
            "last = a.ndim == 4 and a.is_contiguous(memory_format=torch.channels_last)\n"
            "    form = torch.channels_last if last else torch.contiguous_format\n"
            "    a, b = a.contiguous(memory_format=form), b.contiguous(memory_format=form)",
        ),
        "torch's operations where not contiguous": (
            ROWS,
            "if not (a.is_contiguous() and b.is_contiguous()):\n"
            "        return (torch.nn.functional.silu(a) * b).contiguous()\n    " + ROWS,
        ),
        "0-dim ones refused": (ROWS, ROWS + "\n    len(a)"),
        "empty ones refused": (ROWS, ROWS + "\n    a.max()"),
    },
    "backward": {
        "the upstream gradient forgotten": (
            GRADS,
            GRADS.replace("grad * b", "b").replace("grad * a", "a"),
        ),
        "no gradient": (
            REGISTERED,
            "",
        ),
        "one gradient missing": (GRADS, GRADS.replace("grad * a * s", "None")),
        "a's gradient missing": (GRADS, GRADS.replace("grad * b * s * (1 + a * (1 - s))", "None")),
        "the two gradients swapped": (
            GRADS,
            "return grad * a * s, grad * b * s * (1 + a * (1 - s))",
        ),
        "the derivative of sigmoid": (GRADS, GRADS.replace("(1 + a * (1 - s))", "(1 - s)")),
        "silu's derivative without its second term": (
            GRADS,
            GRADS.replace("(1 + a * (1 - s))", "1"),
        ),
        "the sign of the second term": (GRADS, GRADS.replace("1 + a", "1 - a")),
        "b forgotten": (GRADS, GRADS.replace("grad * b * s", "grad * s")),
        "sigmoid for silu in b's gradient": (GRADS, GRADS.replace("grad * a * s", "grad * s")),
        "b's gradient only where a wants one": (
            GRADS,
            GRADS.replace("grad * a * s", "grad * a * s if ctx.needs_input_grad[0] else None"),
        ),
        "a's gradient only where b wants one": (
            "return grad * b * s * (1 + a * (1 - s)),",
            "return grad * b * s * (1 + a * (1 - s)) if ctx.needs_input_grad[1] else None,",
        ),
        "the output over b for b's gradient": (
            GRADS,
            "out = a * s * b\n    " + GRADS.replace("grad * a * s", "grad * out / b"),
        ),
        "the output taken for a": (SAVE, "ctx.save_for_backward(output, inputs[1])"),
        "the inputs kept in the wrong order": (SAVE, "ctx.save_for_backward(*inputs[::-1])"),
        "in float32": (SIGMOID, "grad, a, b = grad.float(), a.float(), b.float()\n    " + SIGMOID),
        "the upstream gradient read as if contiguous": (
            GRADS,
            "a, out = a.contiguous(), grad.new_empty(grad.shape)\n"
            "    loop = c_loop(f'silu_mul_f{8 * a.itemsize}')\n"
            "    loop(a.data_ptr(), grad.data_ptr(), out.data_ptr(), a.numel())\n    "
            + GRADS.replace("grad * a * s", "out"),
        ),
        "the upstream gradient must be contiguous": (SIGMOID, f"grad.view(-1)\n    {SIGMOID}"),
        "the gradient summed": (
            GRADS,
            GRADS.replace("grad * a * s", "(grad * a * s).sum().expand(a.shape)"),
        ),
    },
    "fake": {
        "the fake calls the loop": (
            FAKE,
            FAKE.replace(
                "return a.new_empty(a.shape)",
                "out = torch.empty(a.shape, dtype=a.dtype)\n"
                "    c_loop('silu_mul_f32')(a.data_ptr(), b.data_ptr(), out.data_ptr(), 0)\n"
                "    return out",
            ),
        ),
        "the fake reads numbers": (FAKE, FAKE.replace("return", "float(a.sum())\n    return")),
        "the fake's result on the CPU": (
            FAKE,
            FAKE.replace("a.new_empty(a.shape)", "torch.empty(a.shape, dtype=a.dtype)"),
        ),
        "the fake's result always on meta": (
            FAKE,
            FAKE.replace("(a.shape)", "(a.shape, device='meta')"),
        ),
        "the fake's result in float32": (
            FAKE,
            FAKE.replace("a.new_empty(a.shape)", "a.new_empty(a.shape, dtype=torch.float32)"),
        ),
        "the fake's result is flat": (FAKE, FAKE.replace("(a.shape)", "(a.numel())")),
        "the fake's result has one number": (FAKE, FAKE.replace("(a.shape)", "(())")),
        "no fake": ("@fused_silu_mul.register_fake\n", ""),
        "the fake gives a back": (
            FAKE,
            "def fake(a: Tensor, b: Tensor) -> Tensor:\n    return a.T",
        ),
        "the fake for two dims": (
            FAKE,
            FAKE.replace("return", "rows, columns = a.shape\n    return"),
        ),
    },
    "layout": {
        "the fake keeps the strides of a": (
            FAKE,
            FAKE.replace("a.new_empty(a.shape)", "torch.empty_like(a)"),
        ),
        "the fake keeps the strides of b": (
            FAKE,
            FAKE.replace("a.new_empty(a.shape)", "torch.empty_like(b)"),
        ),
        "the fake computes the formula": (
            FAKE,
            FAKE.replace("a.new_empty(a.shape)", "torch.sigmoid(a) * a * b"),
        ),
        "the result gets the strides of a": (
            f"{ROWS}\n    out = a.new_empty(a.shape)\n    {CALL}\n    return out",
            f"like = a\n    {ROWS}\n    out = a.new_empty(a.shape)\n    {CALL}\n"
            "    return torch.empty_like(like).copy_(out)",
        ),
        "the fake is always two-dimensional in memory": (
            FAKE,
            FAKE.replace(
                "a.new_empty(a.shape)", "a.new_empty(a.shape[::-1]).permute(*range(a.ndim)[::-1])"
            ),
        ),
    },
    "far": {
        "exp(-a) in backward": (SIGMOID, "s = 1 / (1 + torch.exp(-a)) + 0 * torch.exp(-a)"),
        "exp(a) / (1 + exp(a))": (SIGMOID, "s = torch.exp(a) / (1 + torch.exp(a))"),
        "the quotient rule, with exp(-a) twice": (
            GRADS,
            "e = torch.exp(-a)\n    return grad * b * (1 + e + a * e) / (1 + e) ** 2, grad * a * s",
        ),
        "silu(a) / a": (
            GRADS,
            "t = a * s / a\n    return grad * b * t * (1 + a * (1 - t)), grad * a * s",
        ),
        "gradients cut off": (
            GRADS,
            GRADS.replace("grad * a * s", "(grad * a * s).clamp(-500, 500)"),
        ),
        "a cut at -10 and 10": (SIGMOID, "s = torch.sigmoid(a.clamp(-10, 10))"),
    },
    "inputs": {
        "no look at the shapes": (SAME, "if a.dtype != b.dtype:"),
        "written over a": (
            "out = a.new_empty(a.shape)\n    c_loop",
            "out = a\n    a = a.clone()\n    c_loop",
        ),
        "out is a's memory": (
            f"{CALL}\n    return out",
            f"{CALL}\n    a.copy_(out)\n    return out",
        ),
        "the upstream gradient changed in place": (
            GRADS,
            "slope = s * (1 + a * (1 - s))\n    grad_b = grad * a * s\n"
            "    if all(ctx.needs_input_grad):\n        return grad * b * slope, grad_b\n"
            "    return grad.mul_(b * slope), grad_b",
        ),
        "b cleared": (f"{CALL}\n    return out", f"{CALL}\n    b.zero_()\n    return out"),
        "no look at the dtype of b": (SAME, "if a.shape != b.shape:"),
        "the numbers counted, not the shapes": (
            SAME,
            "if a.numel() != b.numel() or a.dtype != b.dtype:",
        ),
        "shapes that broadcast allowed": (
            SAME,
            "a, b = torch.broadcast_tensors(a, b)\n    if a.dtype != b.dtype:",
        ),
        "the last axis compared": (SAME, "if a.shape[-1:] != b.shape[-1:] or a.dtype != b.dtype:"),
        "a KeyError for another dtype": (KNOWN, "if False:"),
        "int64 read as float32": (
            f'{KNOWN}\n        raise ValueError(f"{{a.dtype}}, want float32 or float64")',
            "loops = {torch.int64: 'silu_mul_f32', **loops}\n    loops[a.dtype]",
        ),
        "all but floats let through": (
            KNOWN,
            "if not a.is_floating_point():\n        return a.clone()\n    " + KNOWN,
        ),
        "only half precision refused": (KNOWN, "if a.dtype in (torch.float16, torch.bfloat16):"),
        "b cast to a's dtype": (SAME, "b = b.to(a.dtype)\n    if a.shape != b.shape:"),
        "a TypeError for another dtype": (
            'raise ValueError(f"{a.dtype}, want',
            'raise TypeError(f"{a.dtype}, want',
        ),
    },
}

VARIANTS = {
    "copies made by clone": (
        ROWS,
        "a, b = (t.clone(memory_format=torch.contiguous_format) for t in (a, b))",
    ),
    "lists of addresses": (
        CALL,
        "parts = [a, b, out]\n"
        "    loop = c_loop('silu_mul_f32' if a.dtype == torch.float32 else 'silu_mul_f64')\n"
        "    loop(*[t.data_ptr() for t in parts], out.numel())",
    ),
    "flat first": (
        ROWS,
        "shape = a.shape\n"
        "    a, b = a.reshape(-1).contiguous().view(shape), b.reshape(-1).contiguous().view(shape)",
    ),
    "torch.empty with dtype and device": (
        FAKE,
        FAKE.replace(
            "a.new_empty(a.shape)", "torch.empty(a.shape, dtype=a.dtype, device=a.device)"
        ),
    ),
    "the product rule written out": (
        GRADS,
        "silu = a * s\n    slope = s + silu * (1 - s)\n"
        "    need_a, need_b = ctx.needs_input_grad\n"
        "    return grad * b * slope if need_a else None, grad * silu if need_b else None",
    ),
    "b's gradient by the loop": (GRADS, GRADS.replace("grad * a * s", "fused_silu_mul(a, grad)")),
    "attributes kept on ctx": (
        f"{SAVE}\n",
        "ctx.save_for_backward(inputs[0], inputs[1])\n    ctx.shape = output.shape\n",
    ),
    "empty inputs without a call": (
        OUT,
        "out = torch.empty(a.shape, dtype=a.dtype)\n"
        "    if a.numel() == 0:\n        return out\n    c_loop",
    ),
    "both in one tensor, the slope by autograd": """
from torch import empty, empty_strided
KINDS = {torch.float32: "32", torch.float64: "64"}

def contiguous_strides(shape):
    strides, n = [], 1
    for size in reversed(shape):
        strides.insert(0, n)
        n *= max(size, 1)
    return strides

@custom_op("course::fused_silu_mul", mutates_args=())
def fused_silu_mul(a: Tensor, b: Tensor) -> Tensor:
    kinds = {a.dtype, b.dtype}
    if len(kinds) > 1 or not kinds <= KINDS.keys():
        raise ValueError(f"dtypes {kinds}")
    if tuple(a.size()) != tuple(b.size()):
        raise ValueError(f"shapes {a.size()} and {b.size()}")
    pair = torch.cat([a.reshape(-1), b.reshape(-1)])
    out = empty(a.size(), dtype=a.dtype)
    start, step = pair.data_ptr(), a.numel() * a.element_size()
    loop = c_loop("silu_mul_f" + KINDS[a.dtype])
    loop(start, start + step, out.data_ptr(), out.numel())
    return out

@fused_silu_mul.register_fake
def fake(a, b):
    return empty_strided(a.size(), contiguous_strides(a.size()), dtype=a.dtype, device=a.device)

def setup_context(ctx, inputs, output):
    ctx.save_for_backward(*inputs)

def backward(ctx, grad):
    a, b = ctx.saved_tensors
    with torch.enable_grad():
        x = a.detach().requires_grad_()
        (slope,) = torch.autograd.grad(torch.nn.functional.silu(x).sum(), x)
    return torch.mul(grad, b).mul(slope), torch.nn.functional.silu(a).mul(grad)

fused_silu_mul.register_autograd(backward, setup_context=setup_context)
""",
}
