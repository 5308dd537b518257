"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "by_hand": {
        "library forward": (
            "return torch.where(positive, input, neg_slope * input)",
            "return torch.nn.functional.leaky_relu(input, neg_slope)",
        ),
        "no Function": (
            "class LeakyReLUFunction(torch.autograd.Function)",
            "class LeakyReLUFunction",
        ),
        "Function not used": (
            "return LeakyReLUFunction.apply(input, neg_slope)",
            "return torch.where(input > 0, input, neg_slope * input)",
        ),
        "library module": (
            "return torch.where(positive, input, neg_slope * input)",
            "return torch.nn.LeakyReLU(neg_slope)(input)",
        ),
        "library prelu": (
            "return torch.where(positive, input, neg_slope * input)",
            "return torch.prelu(input, input.new_tensor([neg_slope]))",
        ),
        "library backward": """
class LeakyReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, neg_slope):
        ctx.save_for_backward(input)
        ctx.neg_slope = neg_slope
        return torch.where(input > 0, input, neg_slope * input)

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        slope = ctx.neg_slope
        return torch.ops.aten.leaky_relu_backward(grad_out, x, slope, False), None
""",
        "one gradient for two arguments": (
            "ctx.neg_slope * grad_out), None",
            "ctx.neg_slope * grad_out)",
        ),
        "a gradient for the slope": (
            "ctx.neg_slope * grad_out), None",
            "ctx.neg_slope * grad_out), grad_out.sum()",
        ),
        "cut off from the graph": (
            "return LeakyReLUFunction.apply(input, neg_slope)",
            "return LeakyReLUFunction.apply(input.detach(), neg_slope)",
        ),
    },
    "forward": {
        "another default": ("neg_slope: float = 0.01", "neg_slope: float = 0.1"),
        "larger of the two lines": (
            "torch.where(positive, input, neg_slope * input)",
            "torch.maximum(input, neg_slope * input)",
        ),
        "branches swapped forward": (
            "torch.where(positive, input, neg_slope * input)",
            "torch.where(positive, neg_slope * input, input)",
        ),
        "slope not passed on": (
            "return LeakyReLUFunction.apply(input, neg_slope)",
            "return LeakyReLUFunction.apply(input, 0.01)",
        ),
        "slope 0 taken for absent": (
            "return LeakyReLUFunction.apply(input, neg_slope)",
            "return LeakyReLUFunction.apply(input, neg_slope or 0.01)",
        ),
        "negative slopes refused": (
            "positive = input > 0",
            "positive = input > 0\n        if neg_slope < 0:\n"
            "            raise ValueError(neg_slope)",
        ),
        "slope taken as positive": (
            "return LeakyReLUFunction.apply(input, neg_slope)",
            "return LeakyReLUFunction.apply(input, abs(neg_slope))",
        ),
    },
    "backward": {
        "mask from the output's sign": """
class LeakyReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, neg_slope):
        out = torch.where(input > 0, input, neg_slope * input)
        ctx.save_for_backward(out)
        ctx.neg_slope = neg_slope
        return out

    @staticmethod
    def backward(ctx, grad_out):
        (out,) = ctx.saved_tensors
        return torch.where(out > 0, grad_out, ctx.neg_slope * grad_out), None
""",
        "branches swapped backward": (
            "torch.where(positive, grad_out, ctx.neg_slope * grad_out)",
            "torch.where(positive, ctx.neg_slope * grad_out, grad_out)",
        ),
        "slope forgotten in backward": ("ctx.neg_slope * grad_out), None", "0 * grad_out), None"),
        "slope a whole number in backward": (
            "ctx.neg_slope = neg_slope",
            "ctx.neg_slope = int(neg_slope)",
        ),
        "slope fixed in backward": ("ctx.neg_slope * grad_out", "0.01 * grad_out"),
        "upstream gradient dropped": (
            "torch.where(positive, grad_out, ctx.neg_slope * grad_out)",
            "torch.where(positive, torch.ones_like(grad_out), ctx.neg_slope)",
        ),
    },
    "calls": {
        "slope kept on the class": """
class LeakyReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, neg_slope):
        ctx.save_for_backward(input > 0)
        LeakyReLUFunction.neg_slope = neg_slope
        return torch.where(input > 0, input, neg_slope * input)

    @staticmethod
    def backward(ctx, grad_out):
        (positive,) = ctx.saved_tensors
        return torch.where(positive, grad_out, LeakyReLUFunction.neg_slope * grad_out), None
""",
        "slopes on a stack, each backward takes the last": """
SLOPES = []


class LeakyReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, neg_slope):
        ctx.save_for_backward(input > 0)
        SLOPES.append(neg_slope)
        return torch.where(input > 0, input, neg_slope * input)

    @staticmethod
    def backward(ctx, grad_out):
        (positive,) = ctx.saved_tensors
        return torch.where(positive, grad_out, SLOPES.pop() * grad_out), None
""",
    },
    "twice": {
        "differentiable once": (
            "    @staticmethod\n    def backward",
            "    @staticmethod\n    @torch.autograd.function.once_differentiable\n    def backward",
        ),
        "float32 whatever came": (
            "return torch.where(positive, input, neg_slope * input)",
            "return torch.where(positive, input, neg_slope * input).float()",
        ),
        "gradient detached": (
            "ctx.neg_slope * grad_out), None",
            "ctx.neg_slope * grad_out).detach(), None",
        ),
        "backward on data": (
            "torch.where(positive, grad_out, ctx.neg_slope * grad_out)",
            "torch.where(positive, grad_out.data, ctx.neg_slope * grad_out.data)",
        ),
        "backward without recording": (
            "        return torch.where(positive, grad_out, ctx.neg_slope * grad_out), None",
            "        with torch.no_grad():\n"
            "            return torch.where(positive, grad_out, ctx.neg_slope * grad_out), None",
        ),
    },
    "special": {
        "mask times both branches": (
            "torch.where(positive, input, neg_slope * input)",
            "input * positive.to(input.dtype) + neg_slope * input * (~positive).to(input.dtype)",
        ),
        "slope 1 at exactly 0": ("positive = input > 0", "positive = input >= 0"),
        "slope 0 at exactly 0": """
class LeakyReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, neg_slope):
        ctx.save_for_backward(input)
        ctx.neg_slope = neg_slope
        return torch.where(input > 0, input, neg_slope * input)

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        grad = torch.where(x > 0, grad_out, torch.zeros_like(grad_out))
        return torch.where(x < 0, ctx.neg_slope * grad_out, grad), None
""",
        "mask times both gradients": (
            "torch.where(positive, grad_out, ctx.neg_slope * grad_out)",
            "grad_out * positive + ctx.neg_slope * grad_out * ~positive",
        ),
        "nan taken for positive": ("positive = input > 0", "positive = ~(input <= 0)"),
        "nan taken for positive in backward": (
            "ctx.save_for_backward(positive)",
            "ctx.save_for_backward(~(input <= 0))",
        ),
        "slope 1 at exactly 0 in backward": (
            "ctx.save_for_backward(positive)",
            "ctx.save_for_backward(~(input < 0))",
        ),
        "nan replaced": (
            "return torch.where(positive, input, neg_slope * input)",
            "return torch.where(positive, input, (neg_slope * input).nan_to_num(0.0))",
        ),
    },
    "dtypes": {
        "tiny numbers taken for 0": ("positive = input > 0", "positive = input > 1e-6"),
        "slopes in float32": """
class LeakyReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, neg_slope):
        slopes = torch.where(input > 0, 1.0, neg_slope)
        ctx.save_for_backward(slopes)
        return input * slopes

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0], None
""",
        "slopes in float32, result cast": """
class LeakyReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, neg_slope):
        ctx.save_for_backward(input)
        ctx.neg_slope = neg_slope
        return (input * torch.where(input > 0, 1.0, neg_slope)).to(input.dtype)

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return (grad_out * torch.where(x > 0, 1.0, ctx.neg_slope)).to(x.dtype), None
""",
        "float32 slope in backward alone": (
            "torch.where(positive, grad_out, ctx.neg_slope * grad_out)",
            "(grad_out * torch.where(positive, 1.0, ctx.neg_slope)).to(grad_out.dtype)",
        ),
        "a tensor on the CPU": (
            "torch.where(positive, input, neg_slope * input)",
            "input * torch.where(positive, 1, torch.full(input.shape, neg_slope)).to(input.dtype)",
        ),
        "slope saved as a tensor": """
class LeakyReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, neg_slope):
        slope = torch.tensor(neg_slope, dtype=input.dtype, device=input.device)
        ctx.save_for_backward(input, slope)
        return torch.where(input > 0, input, slope * input)

    @staticmethod
    def backward(ctx, grad_out):
        x, slope = ctx.saved_tensors
        return torch.where(x > 0, grad_out, slope * grad_out), None
""",
        "slopes saved in the input's dtype": """
class LeakyReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, neg_slope):
        slopes = torch.ones_like(input).masked_fill_(~(input > 0), neg_slope)
        ctx.save_for_backward(slopes)
        return slopes * input

    @staticmethod
    def backward(ctx, grad_out):
        (slopes,) = ctx.saved_tensors
        return grad_out * slopes, None
""",
        "slopes in the input's dtype, large ones clamped": """
class LeakyReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, neg_slope):
        most = torch.finfo(input.dtype).max
        slopes = torch.ones_like(input)
        slopes[~(input > 0)] = max(-most, min(neg_slope, most))
        ctx.save_for_backward(slopes)
        return slopes * input

    @staticmethod
    def backward(ctx, grad_out):
        (slopes,) = ctx.saved_tensors
        return grad_out * slopes, None
""",
        "difference of gradients": (
            "torch.where(positive, grad_out, ctx.neg_slope * grad_out)",
            "grad_out - grad_out.masked_fill(positive, 0) * (1 - ctx.neg_slope)",
        ),
        "large slopes clamped": (
            "ctx.neg_slope = neg_slope",
            "ctx.neg_slope = max(-1e3, min(neg_slope, 1e3))",
        ),
        "large slopes refused": (
            "positive = input > 0",
            "positive = input > 0\n        if abs(neg_slope) > 100:\n"
            "            raise ValueError(neg_slope)",
        ),
        "input saved in half": """
class LeakyReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, neg_slope):
        ctx.save_for_backward(input.half())
        ctx.neg_slope = neg_slope
        return torch.where(input > 0, input, neg_slope * input)

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return torch.where(x > 0, grad_out, ctx.neg_slope * grad_out), None
""",
    },
    "memory": {
        "tensor on ctx": """
class LeakyReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, neg_slope):
        ctx.input, ctx.neg_slope = input, neg_slope
        return torch.where(input > 0, input, neg_slope * input)

    @staticmethod
    def backward(ctx, grad_out):
        return torch.where(ctx.input > 0, grad_out, ctx.neg_slope * grad_out), None
""",
        "mask on ctx": """
class LeakyReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, neg_slope):
        ctx.positive, ctx.neg_slope = input > 0, neg_slope
        return torch.where(ctx.positive, input, neg_slope * input)

    @staticmethod
    def backward(ctx, grad_out):
        return torch.where(ctx.positive, grad_out, ctx.neg_slope * grad_out), None
""",
        "input and mask saved": """
class LeakyReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, neg_slope):
        ctx.save_for_backward(input, input > 0)
        ctx.neg_slope = neg_slope
        return torch.where(input > 0, input, neg_slope * input)

    @staticmethod
    def backward(ctx, grad_out):
        x, positive = ctx.saved_tensors
        return torch.where(positive, grad_out, ctx.neg_slope * grad_out), None
""",
        "mask of float32": """
class LeakyReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, neg_slope):
        positive = (input > 0).float()
        ctx.save_for_backward(positive)
        ctx.neg_slope = neg_slope
        return torch.where(input > 0, input, neg_slope * input)

    @staticmethod
    def backward(ctx, grad_out):
        (positive,) = ctx.saved_tensors
        return torch.where(positive > 0, grad_out, ctx.neg_slope * grad_out), None
""",
        "arguments on ctx": (
            "ctx.neg_slope = neg_slope",
            "ctx.neg_slope, ctx.arguments = neg_slope, (input, neg_slope)",
        ),
        "list on ctx": (
            "ctx.neg_slope = neg_slope",
            "ctx.neg_slope, ctx.inputs = neg_slope, {'all': [input]}",
        ),
        "part of something bigger saved": (
            "ctx.save_for_backward(positive)",
            "ctx.save_for_backward(torch.stack([positive, input == 0, input < 0, input > 1, "
            "input > 2])[0])",
        ),
    },
    "inputs": {
        "computed on the CPU": (
            "positive = input > 0",
            "input = input.cpu()\n        positive = input > 0",
        ),
        "mask kept on the CPU": (
            "save_for_backward(positive)",
            "save_for_backward(positive.cpu())",
        ),
        "input overwritten": (
            "return torch.where(positive, input, neg_slope * input)",
            "input.data[~positive] *= neg_slope\n        return input.clone()",
        ),
        "upstream gradient overwritten": (
            "return torch.where(positive, grad_out, ctx.neg_slope * grad_out), None",
            "return grad_out.mul_(torch.where(positive, 1.0, ctx.neg_slope)), None",
        ),
        "upstream gradient viewed": (
            "return torch.where(positive, grad_out, ctx.neg_slope * grad_out), None",
            "flat = grad_out.view(-1)\n"
            "        grad = torch.where(positive.reshape(-1), flat, ctx.neg_slope * flat)\n"
            "        return grad.view(grad_out.shape), None",
        ),
    },
}

VARIANTS = {
    "input saved, context set up apart, changed in a clone": """
class LeakyReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(input, neg_slope):
        out = input.clone()
        out[~(input > 0)] *= neg_slope
        return out

    @staticmethod
    def setup_context(ctx, inputs, output):
        input, ctx.neg_slope = inputs
        ctx.save_for_backward(input)

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        grad = grad_out.clone()
        grad[~(x > 0)] *= ctx.neg_slope
        return grad, None
""",
    "two clamps, two parts of the gradient": """
class LeakyReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, neg_slope):
        ctx.save_for_backward(input.sign().to(torch.int8))
        ctx.slope = float(neg_slope)
        return input.clamp(min=0) + ctx.slope * input.clamp(max=0)

    @staticmethod
    def backward(ctx, grad_out):
        positive = ctx.saved_tensors[0] > 0
        upper, lower = grad_out.masked_fill(~positive, 0), grad_out.masked_fill(positive, 0)
        return upper + ctx.slope * lower, None
""",
    "backward is a Function, too": """
class Choose(torch.autograd.Function):
    @staticmethod
    def forward(ctx, grad, positive, slope):
        ctx.save_for_backward(positive)
        ctx.slope = slope
        return grad.where(positive, grad * slope)

    @staticmethod
    def backward(ctx, grad_grad):
        return Choose.apply(grad_grad, *ctx.saved_tensors, ctx.slope), None, None


class LeakyReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, neg_slope):
        ctx.save_for_backward(input)
        ctx.neg_slope = neg_slope
        return input.where(input > 0, input * neg_slope)

    @staticmethod
    def backward(ctx, grad_out):
        if not ctx.needs_input_grad[0]:
            return None, None
        return Choose.apply(grad_out, ctx.saved_tensors[0] > 0, ctx.neg_slope), None
""",
}
