"""Mistakes that each check must refuse, and second right answers that it must accept.

An edit is (text in the solution, text in its place), or Python text that defines some of the
solution's names anew.
"""

SLIPS = {
    "challenge_1_tensors": {
        "always the CPU": ('"cuda" if torch.cuda.is_available() else "cpu"', '"cpu"'),
        "a string for a device": (
            'torch.device("cuda" if torch.cuda.is_available() else "cpu")',
            '"cuda" if torch.cuda.is_available() else "cpu"',
        ),
        "batch left on the CPU": (", device=get_device())", ")"),
        "uniform noise": ("torch.randn(batch", "torch.rand(batch"),
        "uniform noise of mean 0 and variance 1": (
            "return torch.randn(batch_size, channels, height, width, device=get_device())",
            "shape = (batch_size, channels, height, width)\n"
            "    return (torch.rand(shape, device=get_device()) * 2 - 1) * 3**0.5",
        ),
        "one sample repeated": (
            "torch.randn(batch_size, channels, height, width, device=get_device())",
            "torch.randn(channels, height, width, device=get_device()).repeat(batch_size, 1, 1, 1)",
        ),
        "a seed of its own": (
            "    return torch.randn",
            "    torch.manual_seed(42)\n    return torch.randn",
        ),
        "half precision": ("device=get_device())", "device=get_device(), dtype=torch.float16)"),
        "height and width swapped in the batch": ("height, width, device", "width, height, device"),
        "cat instead of stack": ("torch.stack(list", "torch.cat(list"),
        "stack on the last dim": ("list_of_tensors, dim=0", "list_of_tensors, dim=-1"),
        "height and width swapped": (
            "torch.stack(list_of_tensors, dim=0)",
            "torch.stack(list_of_tensors, dim=0).transpose(-1, -2)",
        ),
        "order reversed": ("torch.stack(list_of_tensors", "torch.stack(list_of_tensors[::-1]"),
        "constants out of data": (
            "torch.stack(list_of_tensors, dim=0)",
            "torch.tensor([t.tolist() for t in list_of_tensors])",
        ),
        "cat on the batch dim": ("[a, b], dim=1", "[a, b], dim=0"),
        "channels reversed": ("[a, b]", "[b, a]"),
        "a forgotten": ("torch.cat([a, b], dim=1)", "torch.cat([torch.zeros_like(a), b], dim=1)"),
        "a small batch repeated": (
            "torch.cat([a, b], dim=1)",
            "torch.cat([a, b.expand(len(a), *b.shape[1:])], dim=1)",
        ),
        "conditions first": ("[x, planes]", "[planes, x]"),
        "condition of the wrong sample": (
            "cond[:, :, None, None]",
            "cond.flip(0)[:, :, None, None]",
        ),
        "condition copied before it is joined": (
            ".expand(-1, -1, *x.shape[2:])",
            ".repeat(1, 1, *x.shape[2:])",
        ),
        "condition broadcast by adding zeros": (
            "cond[:, :, None, None].expand(-1, -1, *x.shape[2:])",
            "cond[:, :, None, None] + x.new_zeros(1, 1, *x.shape[2:])",
        ),
        "a batch of one repeated": (
            ".expand(-1, -1, *x.shape[2:])",
            ".expand(len(x), -1, *x.shape[2:])",
        ),
        "gradient cut": ("cond[:, :, None, None]", "cond.detach()[:, :, None, None]"),
        "float32 whatever came": ("[x, planes], dim=1)", "[x, planes], dim=1).float()"),
    },
}

VARIANTS = {
    "challenge_1_tensors": {
        "by hand": """
def get_device():
    return torch.device("cuda:0") if torch.cuda.device_count() else torch.device("cpu")

def create_batch_tensor(batch_size, channels, height, width):
    return torch.empty(batch_size, channels, height, width).normal_().to(get_device())

def stack_batches(list_of_tensors):
    return torch.cat([t.unsqueeze(0) for t in list_of_tensors])

def concat_along_channels(a, b):
    out = a.new_empty(a.shape[0], a.shape[1] + b.shape[1], *a.shape[2:])
    if len(a) != len(b):
        raise ValueError("batch sizes differ")
    out[:, : a.shape[1]] = a
    out[:, a.shape[1] :] = b
    return out

def condition_to_feature_map(x, cond):
    return concat_along_channels(x, cond.view(*cond.shape, 1, 1).expand(*cond.shape, *x.shape[-2:]))
""",
        "device context": """
def create_batch_tensor(batch_size, channels, height, width):
    with get_device():
        return torch.randn([batch_size, channels, height, width])
""",
    },
}
