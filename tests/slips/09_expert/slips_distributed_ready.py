"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "environment": {
        "absent RANK taken for the last rank": (
            'integer_from_environment("RANK", 0)',
            'integer_from_environment("RANK", world_size - 1)',
        ),
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
        "LOCAL_RANK for the rank": (
            'integer_from_environment("RANK", 0)',
            'integer_from_environment("LOCAL_RANK", 0)',
        ),
        "text for a number": "def get_world_size():\n    return os.environ.get('WORLD_SIZE', 1)",
        "no default": ("os.environ.get(name, absent)", "os.environ[name]"),
        "world size 0 by default": ('"WORLD_SIZE", 1', '"WORLD_SIZE", 0'),
        "group asked, environment ignored": """
def get_rank():
    return dist.get_rank() if dist.is_initialized() else 0

def get_world_size():
    return dist.get_world_size() if dist.is_initialized() else 1
""",
        "group asked before the environment": """
read_rank, read_world_size = get_rank, get_world_size

def get_rank():
    return dist.get_rank() if dist.is_initialized() else read_rank()

def get_world_size():
    return dist.get_world_size() if dist.is_initialized() else read_world_size()
""",
    },
    "model": {
        "never moved": ("model = model.to(device)\n", "pass\n"),
        "moved after wrapping": """
def setup_model_for_distributed(model, device):
    if get_world_size() > 1 and dist.is_initialized():
        ids = [device] if device.type == "cuda" else None
        model = DistributedDataParallel(model, device_ids=ids)
    return model.to(device)
""",
        "parameters moved, buffers left": (
            "model = model.to(device)\n",
            "for p in model.parameters():\n        p.data = p.data.to(device)\n",
        ),
        "layers moved, its own parameters left": (
            "model = model.to(device)\n",
            "for layer in model.children():\n        layer.to(device)\n",
        ),
        "half precision, too": ("model.to(device)\n", "model.to(device).bfloat16()\n"),
        "wrapped model not returned": (
            "    return DistributedDataParallel(model, device_ids=[device] if "
            'device.type == "cuda" else None)',
            "    DistributedDataParallel(model, device_ids=[device] if "
            'device.type == "cuda" else None)\n    return model',
        ),
        "never wrapped": ("get_world_size() == 1 or not dist.is_initialized()", "True"),
        "group initialized by itself": (
            "    if get_world_size() == 1 or not",
            "    if get_world_size() > 1 and not dist.is_initialized():\n"
            "        store = dist.HashStore()\n"
            '        dist.init_process_group("gloo", store=store, rank=0, world_size=1)\n'
            "    if get_world_size() == 1 or not",
        ),
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
        "BatchNorm replaced": (
            "    return DistributedDataParallel(",
            "    model = nn.SyncBatchNorm.convert_sync_batchnorm(model)\n"
            "    return DistributedDataParallel(",
        ),
        "float32, too": ("model.to(device)\n", "model.to(device, torch.float32)\n"),
        "frozen parameters set free": ("model.to(device)\n", "model.to(device).requires_grad_()\n"),
        "train mode forced": ("model.to(device)\n", "model.to(device).train()\n"),
        "device_ids on whatever is not the CPU": (
            'device.type == "cuda" else None',
            'device.type != "cpu" else None',
        ),
        "first GPU for the current one": (
            '[device] if device.type == "cuda"',
            '[device.index or 0] if device.type == "cuda"',
        ),
        "device of this machine for the one given": (
            "model = model.to(device)",
            'device = torch.device("cuda" if torch.cuda.is_available() else "cpu")\n'
            "    model = model.to(device)",
        ),
        "device_ids by LOCAL_RANK": (
            '[device] if device.type == "cuda" else None',
            '[int(os.environ["LOCAL_RANK"])] if device.type == "cuda" else None',
        ),
        "rank 0 alone wrapped": ("get_world_size() == 1 or not", "get_rank() > 0 or not"),
    },
    "arguments": {
        "explicit rank 0 taken for absent": (
            "rank_from_environment(world_size) if rank is None else rank",
            "rank or rank_from_environment(world_size)",
        ),
        "defaults 0 and 1 instead of the environment": (
            "    world_size = get_world_size() if world_size is None else world_size\n"
            "    rank = rank_from_environment(world_size) if rank is None else rank\n",
            "    rank = 0 if rank is None else rank\n"
            "    world_size = 1 if world_size is None else world_size\n",
        ),
        "rank of the process group": (
            "rank_from_environment(world_size) if rank is None",
            "(dist.get_rank() if dist.is_initialized() else rank_from_environment(world_size))"
            " if rank is None",
        ),
        "sampler asks the process group": (
            "dataset, num_replicas=world_size, rank=rank, shuffle=shuffle",
            "dataset, shuffle=shuffle",
        ),
        "W of the process group": (
            "get_world_size() if world_size is None",
            "(dist.get_world_size() if dist.is_initialized() else get_world_size())"
            " if world_size is None",
        ),
    },
    "alone": {
        "torch's seed instead of its generator alone": (
            "batch_size=batch_size, shuffle=shuffle)",
            "batch_size=batch_size, shuffle=shuffle, "
            "generator=torch.Generator().manual_seed(torch.initial_seed()))",
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
        "drops the last batch alone": (
            "batch_size=batch_size, shuffle=shuffle)",
            "batch_size=batch_size, shuffle=shuffle, drop_last=True)",
        ),
        "a generator of its own": (
            "batch_size=batch_size, shuffle=shuffle)",
            "batch_size=batch_size, shuffle=shuffle, generator=torch.Generator())",
        ),
    },
    "shares": {
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
        "rank argument ignored": (" if rank is None else rank", ""),
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
        "no sampler": (
            "batch_size=batch_size, sampler=sampler)",
            "batch_size=batch_size, shuffle=shuffle)",
        ),
        "always shuffled among many": ("rank=rank, shuffle=shuffle\n", "rank=rank\n"),
        "samples dropped": (
            "rank=rank, shuffle=shuffle\n",
            "rank=rank, shuffle=shuffle, drop_last=True\n",
        ),
        "a seed a rank": (
            "rank=rank, shuffle=shuffle\n",
            "rank=rank, shuffle=shuffle, seed=rank\n",
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
        "shares of neighbors": """
class Dealer(DistributedSampler):
    def __iter__(self):
        draw = torch.Generator().manual_seed(self.epoch)
        order = list(range(len(self.dataset)))
        if self.shuffle:
            order = torch.randperm(len(order), generator=draw).tolist()
        order = (order * self.num_replicas)[: self.total_size]
        return iter(order[self.rank * self.num_samples :][: self.num_samples])


DistributedSampler = Dealer
""",
    },
    "epochs": {
        "not shuffled among many": ("rank=rank, shuffle=shuffle\n", "rank=rank, shuffle=False\n"),
        "batches in a list": (
            "return DataLoader(dataset, batch_size=batch_size, sampler=sampler)",
            "return list(DataLoader(dataset, batch_size=batch_size, sampler=sampler))",
        ),
        "the process's seed": (
            "rank=rank, shuffle=shuffle\n",
            "rank=rank, shuffle=shuffle, seed=torch.initial_seed() % 2**32\n",
        ),
        "a random seed": (
            "rank=rank, shuffle=shuffle\n",
            "rank=rank, shuffle=shuffle, seed=int(torch.randint(2**31, ()))\n",
        ),
        "the time as the seed": (
            "rank=rank, shuffle=shuffle\n",
            "rank=rank, shuffle=shuffle, seed=int(__import__('time').time())\n",
        ),
        "set_epoch without effect": """
class Dealer(DistributedSampler):
    def set_epoch(self, epoch):
        pass


DistributedSampler = Dealer
""",
    },
    "malformed": {
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
        "digits alone taken for numbers": (
            "return int(text)",
            "if not str(text).lstrip('-').isdigit():\n            raise ValueError\n"
            "        return int(text)",
        ),
    },
    "given": {
        "RANK judged by WORLD_SIZE though world_size is given": (
            "rank_from_environment(world_size) if rank is None",
            "get_rank() if rank is None",
        ),
        "environment read though both are given": (
            "    world_size = get_world_size() if world_size is None else world_size\n",
            "    W = get_world_size()\n    world_size = W if world_size is None else world_size\n",
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
        "explicit world_size 0 taken for absent": (
            "get_world_size() if world_size is None else world_size",
            "world_size or get_world_size()",
        ),
        "negative rank counted from the end": (
            '    if not 0 <= rank < world_size:\n        raise ValueError(f"rank must',
            "    rank = world_size + rank if rank < 0 else rank\n"
            '    if not 0 <= rank < world_size:\n        raise ValueError(f"rank must',
        ),
    },
    "generators": {
        "Python's generator seeded": (
            "    world_size = get_world_size() if",
            "    import random\n    random.seed(0)\n    world_size = get_world_size() if",
        ),
        "numpy seeded": (
            "    world_size = get_world_size() if",
            "    import numpy\n    numpy.random.seed(0)\n    world_size = get_world_size() if",
        ),
        "seeded by rank": (
            "    sampler: DistributedSampler[Any] =",
            "    torch.manual_seed(rank)\n    sampler: DistributedSampler[Any] =",
        ),
    },
}

VARIANTS = {
    "names of its own for the library's parts": """
from torch.distributed import get_world_size as group_size, is_initialized


def setup_model_for_distributed(model, device):
    import torch.nn as layers

    model.to(device, non_blocking=True)
    if not is_initialized() or group_size() < 2:
        return model
    ids = [device] if device.type == "cuda" else []
    return layers.parallel.DistributedDataParallel(model, ids or None)
""",
    "tensors moved one by one": """
def setup_model_for_distributed(model, device):
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.data = tensor.data.to(device)
    if get_world_size() == 1 or not dist.is_initialized():
        return model
    return DistributedDataParallel(model, device_ids=[device] if device.type == "cuda" else None)
""",
    "its device's own method": """
def setup_model_for_distributed(model, device):
    model = model.cuda(device) if device.type == "cuda" else model.to(device)
    if get_world_size() == 1 or not dist.is_initialized():
        return model
    return DistributedDataParallel(model, device_ids=[device] if device.type == "cuda" else None)
""",
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
}
