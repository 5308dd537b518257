"""Mistakes that each check must refuse, and second right answers that it must accept."""

SLIPS = {
    "challenge_custom_autograd": {
        "no Function": (
            "class LeakyReLUFunction(torch.autograd.Function)",
            "class LeakyReLUFunction",
        ),
        "Function not used": (
            "return LeakyReLUFunction.apply(input, neg_slope)",
            "return torch.where(input > 0, input, neg_slope * input)",
        ),
        "library forward": (
            "return torch.where(positive, input, neg_slope * input)",
            "return torch.nn.functional.leaky_relu(input, neg_slope)",
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
        "larger of the two lines": (
            "torch.where(positive, input, neg_slope * input)",
            "torch.maximum(input, neg_slope * input)",
        ),
        "mask times both branches": (
            "torch.where(positive, input, neg_slope * input)",
            "input * positive.to(input.dtype) + neg_slope * input * (~positive).to(input.dtype)",
        ),
        "input overwritten": (
            "return torch.where(positive, input, neg_slope * input)",
            "input.data[~positive] *= neg_slope\n        return input.clone()",
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
        "tiny numbers taken for 0": ("positive = input > 0", "positive = input > 1e-6"),
        "branches swapped forward": (
            "torch.where(positive, input, neg_slope * input)",
            "torch.where(positive, neg_slope * input, input)",
        ),
        "branches swapped backward": (
            "torch.where(positive, grad_out, ctx.neg_slope * grad_out)",
            "torch.where(positive, ctx.neg_slope * grad_out, grad_out)",
        ),
        "slope forgotten in backward": ("ctx.neg_slope * grad_out), None", "0 * grad_out), None"),
        "slope fixed in backward": ("ctx.neg_slope * grad_out", "0.01 * grad_out"),
        "upstream gradient dropped": (
            "torch.where(positive, grad_out, ctx.neg_slope * grad_out)",
            "torch.where(positive, torch.ones_like(grad_out), ctx.neg_slope)",
        ),
        "upstream gradient overwritten": (
            "return torch.where(positive, grad_out, ctx.neg_slope * grad_out), None",
            "return grad_out.mul_(torch.where(positive, 1.0, ctx.neg_slope)), None",
        ),
        "one gradient for two arguments": (
            "ctx.neg_slope * grad_out), None",
            "ctx.neg_slope * grad_out)",
        ),
        "a gradient for the slope": (
            "ctx.neg_slope * grad_out), None",
            "ctx.neg_slope * grad_out), grad_out.sum()",
        ),
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
        "float32 whatever came": (
            "return torch.where(positive, input, neg_slope * input)",
            "return torch.where(positive, input, neg_slope * input).float()",
        ),
        "a tensor on the CPU": (
            "torch.where(positive, input, neg_slope * input)",
            "input * torch.where(positive, 1, torch.full(input.shape, neg_slope)).to(input.dtype)",
        ),
        "differentiable once": (
            "    @staticmethod\n    def backward",
            "    @staticmethod\n    @torch.autograd.function.once_differentiable\n    def backward",
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
        "mask times both gradients": (
            "torch.where(positive, grad_out, ctx.neg_slope * grad_out)",
            "grad_out * positive + ctx.neg_slope * grad_out * ~positive",
        ),
        "difference of gradients": (
            "torch.where(positive, grad_out, ctx.neg_slope * grad_out)",
            "grad_out - grad_out.masked_fill(positive, 0) * (1 - ctx.neg_slope)",
        ),
        "nan taken for positive": ("positive = input > 0", "positive = ~(input <= 0)"),
        "nan replaced": (
            "return torch.where(positive, input, neg_slope * input)",
            "return torch.where(positive, input, (neg_slope * input).nan_to_num(0.0))",
        ),
        "upstream gradient viewed": (
            "return torch.where(positive, grad_out, ctx.neg_slope * grad_out), None",
            "flat = grad_out.view(-1)\n"
            "        grad = torch.where(positive.reshape(-1), flat, ctx.neg_slope * flat)\n"
            "        return grad.view(grad_out.shape), None",
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
        "another default": ("neg_slope: float = 0.01", "neg_slope: float = 0.1"),
        "slope not passed on": (
            "return LeakyReLUFunction.apply(input, neg_slope)",
            "return LeakyReLUFunction.apply(input, 0.01)",
        ),
        "slope 0 taken for absent": (
            "return LeakyReLUFunction.apply(input, neg_slope)",
            "return LeakyReLUFunction.apply(input, neg_slope or 0.01)",
        ),
        "slope taken as positive": (
            "return LeakyReLUFunction.apply(input, neg_slope)",
            "return LeakyReLUFunction.apply(input, abs(neg_slope))",
        ),
        "cut off from the graph": (
            "return LeakyReLUFunction.apply(input, neg_slope)",
            "return LeakyReLUFunction.apply(input.detach(), neg_slope)",
        ),
    },
    "challenge_distributed_ready": {
        "read once, at import": """
WORLD_SIZE = get_world_size()

def get_world_size():
    return WORLD_SIZE
""",
        "read once, then remembered": """
import functools

get_rank = functools.cache(get_rank)
""",
        "always alone": ('integer_from_environment("WORLD_SIZE", 1)', "1"),
        "LOCAL_RANK": (
            'integer_from_environment("RANK", 0)',
            'integer_from_environment("LOCAL_RANK", 0)',
        ),
        "text for a number": "def get_world_size():\n    return os.environ.get('WORLD_SIZE', 1)",
        "no default": ("os.environ.get(name, absent)", "os.environ[name]"),
        "world size 0 by default": ('"WORLD_SIZE", 1', '"WORLD_SIZE", 0'),
        "empty taken for absent": (
            "os.environ.get(name, absent)",
            "os.environ.get(name) or absent",
        ),
        "int's own error": """
def integer_from_environment(name, absent):
    return int(os.environ.get(name, absent))
""",
        "malformed taken for absent": (
            'raise ValueError(f"{name} must be an integer, got {text!r}") from None',
            "return absent",
        ),
        "fractions cut off": ("return int(text)", "return int(float(text))"),
        "value not named": (', got {text!r}")', '")'),
        "variable not named": ('f"{name} must be', 'f"the variable must be'),
        "world size not checked": ("if world_size < 1:", "if False:"),
        "world size 0 accepted": ("if world_size < 1:", "if world_size < 0:"),
        "rank not checked": (
            '    if not 0 <= rank < world_size:\n        raise ValueError(f"RANK',
            '    if False:\n        raise ValueError(f"RANK',
        ),
        "rank equal to the world size": (
            '    if not 0 <= rank < world_size:\n        raise ValueError(f"RANK',
            '    if not 0 <= rank <= world_size:\n        raise ValueError(f"RANK',
        ),
        "negative rank": (
            '    if not 0 <= rank < world_size:\n        raise ValueError(f"RANK',
            '    if rank >= world_size:\n        raise ValueError(f"RANK',
        ),
        "assert for ValueError": """
def get_world_size():
    world_size = integer_from_environment("WORLD_SIZE", 1)
    assert world_size >= 1, f"WORLD_SIZE is {world_size}"
    return world_size
""",
        "group asked, environment ignored": """
def get_rank():
    return dist.get_rank() if dist.is_initialized() else 0

def get_world_size():
    return dist.get_world_size() if dist.is_initialized() else 1
""",
        "never moved": ("model = model.to(device)\n", "pass\n"),
        "moved after wrapping": """
def setup_model_for_distributed(model, device):
    if get_world_size() > 1 and dist.is_initialized():
        ids = [device] if device.type == "cuda" else None
        model = DistributedDataParallel(model, device_ids=ids)
    return model.to(device)
""",
        "never wrapped": ("get_world_size() == 1 or not dist.is_initialized()", "True"),
        "wrapped alone": ("get_world_size() == 1 or not", "not"),
        "wrapped without a group": (" or not dist.is_initialized()", ""),
        "DataParallel": "DistributedDataParallel = nn.DataParallel",
        "a copy of the model": (
            "model = model.to(device)",
            "import copy\n    model = copy.deepcopy(model).to(device)",
        ),
        "device_ids on the CPU": (' if device.type == "cuda" else None', ""),
        "no device_ids": ('[device] if device.type == "cuda" else None', "None"),
        "device_ids by rank": (
            '[device] if device.type == "cuda" else None',
            '[get_rank()] if device.type == "cuda" else None',
        ),
        "explicit rank 0 taken for absent": (
            "rank_from_environment(world_size) if rank is None else rank",
            "rank or rank_from_environment(world_size)",
        ),
        "rank argument ignored": (" if rank is None else rank", ""),
        "RANK judged by WORLD_SIZE though world_size is given": (
            "rank_from_environment(world_size) if rank is None",
            "get_rank() if rank is None",
        ),
        "RANK read without a check of its own": (
            "rank_from_environment(world_size) if rank is None",
            'int(os.environ.get("RANK", 0)) if rank is None',
        ),
        "WORLD_SIZE read without a check of its own": (
            "get_world_size() if world_size is None",
            'int(os.environ.get("WORLD_SIZE", 1)) if world_size is None',
        ),
        "WORLD_SIZE read by int for the model": (
            "if get_world_size() == 1 or",
            'if int(os.environ.get("WORLD_SIZE", 1)) == 1 or',
        ),
        "group asked before the environment": """
read_rank, read_world_size = get_rank, get_world_size

def get_rank():
    return dist.get_rank() if dist.is_initialized() else read_rank()

def get_world_size():
    return dist.get_world_size() if dist.is_initialized() else read_world_size()
""",
        "digits alone taken for numbers": (
            "return int(text)",
            "if not str(text).lstrip('-').isdigit():\n            raise ValueError\n"
            "        return int(text)",
        ),
        "BatchNorm replaced": (
            "    return DistributedDataParallel(",
            "    model = nn.SyncBatchNorm.convert_sync_batchnorm(model)\n"
            "    return DistributedDataParallel(",
        ),
        "train mode forced": ("model.to(device)\n", "model.to(device).train()\n"),
        "device_ids on whatever is not the CPU": (
            'device.type == "cuda" else None',
            'device.type != "cpu" else None',
        ),
        "first GPU for the current one": (
            '[device] if device.type == "cuda"',
            '[device.index or 0] if device.type == "cuda"',
        ),
        "Python's generator seeded": (
            "    world_size = get_world_size() if",
            "    import random\n    random.seed(0)\n    world_size = get_world_size() if",
        ),
        "numpy seeded": (
            "    world_size = get_world_size() if",
            "    import numpy\n    numpy.random.seed(0)\n    world_size = get_world_size() if",
        ),
        "torch's seed instead of its generator alone": (
            "batch_size=batch_size, shuffle=shuffle)",
            "batch_size=batch_size, shuffle=shuffle, "
            "generator=torch.Generator().manual_seed(torch.initial_seed()))",
        ),
        "filled up from the order's end": """
class Dealer(DistributedSampler):
    def __iter__(self):
        draw = torch.Generator().manual_seed(self.epoch)
        order = list(range(len(self.dataset)))
        extra = -len(order) % self.num_replicas
        if self.shuffle:
            order = torch.randperm(len(order), generator=draw).tolist()
            order += order[len(order) - extra :]
        else:
            order += order[:extra]
        return iter(order[self.rank :: self.num_replicas])


DistributedSampler = Dealer
""",
        "filled up once around": """
class Dealer(DistributedSampler):
    def __iter__(self):
        draw = torch.Generator().manual_seed(self.epoch)
        order = list(range(len(self.dataset)))
        if self.shuffle:
            order = torch.randperm(len(order), generator=draw).tolist()
        order += order[: -len(order) % self.num_replicas]
        return iter(order[self.rank :: self.num_replicas])


DistributedSampler = Dealer
""",
        "world size argument ignored": (
            "get_world_size() if world_size is None else world_size",
            "get_world_size()",
        ),
        "environment read though both are given": (
            "    world_size = get_world_size() if world_size is None else world_size\n",
            "    W = get_world_size()\n    world_size = W if world_size is None else world_size\n",
        ),
        "defaults 0 and 1 instead of the environment": (
            "    world_size = get_world_size() if world_size is None else world_size\n"
            "    rank = rank_from_environment(world_size) if rank is None else rank\n",
            "    rank = 0 if rank is None else rank\n"
            "    world_size = 1 if world_size is None else world_size\n",
        ),
        "rank of the loader not checked": (
            '    if not 0 <= rank < world_size:\n        raise ValueError(f"rank',
            '    if False:\n        raise ValueError(f"rank',
        ),
        "rank reduced to fit": (
            '    if not 0 <= rank < world_size:\n        raise ValueError(f"rank must be from 0 to '
            '{world_size - 1}, got {rank}")\n',
            "    rank %= max(1, world_size)\n",
        ),
        "not shuffled alone": ("batch_size=batch_size, shuffle=shuffle)", "batch_size=batch_size)"),
        "always shuffled alone": (
            "batch_size=batch_size, shuffle=shuffle)",
            "batch_size=batch_size, shuffle=True)",
        ),
        "DistributedSampler alone, too": ("if world_size == 1:", "if False:"),
        "a seed of its own alone": (
            "batch_size=batch_size, shuffle=shuffle)",
            "batch_size=batch_size, shuffle=shuffle, generator=torch.Generator().manual_seed(0))",
        ),
        "torch seeded": (
            "    world_size = get_world_size() if",
            "    torch.manual_seed(42)\n    world_size = get_world_size() if",
        ),
        "seeded by rank": (
            "    sampler: DistributedSampler[Any] =",
            "    torch.manual_seed(rank)\n    sampler: DistributedSampler[Any] =",
        ),
        "drops the last batch alone": (
            "batch_size=batch_size, shuffle=shuffle)",
            "batch_size=batch_size, shuffle=shuffle, drop_last=True)",
        ),
        "no sampler": (
            "batch_size=batch_size, sampler=sampler)",
            "batch_size=batch_size, shuffle=shuffle)",
        ),
        "batches in a list": (
            "return DataLoader(dataset, batch_size=batch_size, sampler=sampler)",
            "return list(DataLoader(dataset, batch_size=batch_size, sampler=sampler))",
        ),
        "not shuffled among many": ("rank=rank, shuffle=shuffle\n", "rank=rank, shuffle=False\n"),
        "always shuffled among many": ("rank=rank, shuffle=shuffle\n", "rank=rank\n"),
        "samples dropped": (
            "rank=rank, shuffle=shuffle\n",
            "rank=rank, shuffle=shuffle, drop_last=True\n",
        ),
        "a seed a rank": (
            "rank=rank, shuffle=shuffle\n",
            "rank=rank, shuffle=shuffle, seed=rank\n",
        ),
        "the process's seed": (
            "rank=rank, shuffle=shuffle\n",
            "rank=rank, shuffle=shuffle, seed=torch.initial_seed() % 2**32\n",
        ),
        "batch size shared among the ranks": (
            "batch_size=batch_size, sampler=sampler)",
            "batch_size=batch_size // world_size, sampler=sampler)",
        ),
        "drops the last batch among many": (
            "batch_size=batch_size, sampler=sampler)",
            "batch_size=batch_size, sampler=sampler, drop_last=True)",
        ),
        "fixed shares, shuffled inside": """
def create_dataloader_distributed_ready(
    dataset, batch_size, rank=None, world_size=None, shuffle=True
):
    world_size = get_world_size() if world_size is None else world_size
    rank = rank_from_environment(world_size) if rank is None else rank
    if not 0 <= rank < world_size:
        raise ValueError("rank")
    share = torch.utils.data.Subset(dataset, range(rank, len(dataset), world_size))
    return DataLoader(share, batch_size=batch_size, shuffle=shuffle)
""",
        "rank passed as the number of replicas": (
            "num_replicas=world_size, rank=rank,",
            "num_replicas=rank + 1, rank=rank,",
        ),
    },
}

VARIANTS = {
    "challenge_custom_autograd": {
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
    },
    "challenge_distributed_ready": {
        "each by itself": """
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.utils.data import RandomSampler, SequentialSampler
from torch.utils.data.distributed import DistributedSampler as Dealer


def get_world_size():
    value = os.getenv("WORLD_SIZE", "1")
    try:
        size = int(value)
        if size <= 0:
            raise ValueError
    except ValueError as error:
        raise ValueError(f"bad environment: WORLD_SIZE={value}") from error
    return size


def get_rank():
    return rank_of(get_world_size())


def rank_of(size):
    value = os.getenv("RANK")
    if value is None:
        return 0
    try:
        rank = int(value)
    except ValueError as error:
        raise ValueError(f"bad environment: RANK={value}") from error
    if rank not in range(size):
        raise ValueError(f"bad environment: RANK={value} of {size}")
    return rank


def setup_model_for_distributed(model, device):
    model.to(device=device)
    if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
        if device.type == "cuda":
            torch.cuda.set_device(device)
            return DDP(model, device_ids=[device.index], output_device=device.index)
        return DDP(model)
    return model


def create_dataloader_distributed_ready(
    dataset, batch_size, rank=None, world_size=None, shuffle=True
):
    if world_size is None:
        world_size = get_world_size()
    if rank is None:
        rank = rank_of(world_size)
    if rank < 0 or rank >= world_size:
        raise ValueError(f"rank {rank} of {world_size}")
    if world_size > 1:
        sampler = Dealer(dataset, world_size, rank, shuffle, seed=7)
    elif shuffle:
        sampler = RandomSampler(dataset)
    else:
        sampler = SequentialSampler(dataset)
    return DataLoader(dataset, batch_size, sampler=sampler)
""",
        "one loader for both": """
def create_dataloader_distributed_ready(
    dataset, batch_size, rank=None, world_size=None, shuffle=True
):
    size = get_world_size() if world_size is None else world_size
    name, rank = ("RANK", integer_from_environment("RANK", 0)) if rank is None else ("rank", rank)
    if not 0 <= rank <= size - 1:
        raise ValueError(f"{name} {rank} is outside 0 .. {size - 1}")
    sampler = DistributedSampler(dataset, size, rank, shuffle) if size > 1 else None
    return DataLoader(dataset, batch_size, shuffle=shuffle and sampler is None, sampler=sampler)
""",
        "a sampler of its own": """
class Dealer(DistributedSampler):
    def __iter__(self):
        order = list(range(len(self.dataset)))
        if self.shuffle:
            import random

            random.Random(self.epoch).shuffle(order)
        turns = range(self.rank, self.total_size, self.num_replicas)
        return iter([order[i % len(order)] for i in turns])


DistributedSampler = Dealer
""",
    },
}
