"""Mistakes by the label that must refuse them, and second right answers."""

MINE = "        mine = order[self.rank :: self.world_size][worker::workers]\n"
ORDER = "        generator = torch.Generator().manual_seed(self.seed + int(self.epoch))\n"
DRAW = "torch.randperm(self.num_samples, generator=generator).tolist()"
FILL = "            self.epoch.fill_(epoch)\n"
RNG = "        dataset.rng = np.random.default_rng(seed)\n"

SLIPS = {
    "shards": {
        "the workers' number as the step of the ranks": (
            MINE,
            "        mine = order[self.rank + worker :: self.world_size * workers]\n",
        ),
        "every worker gives all samples": ("[worker::workers]", ""),
        "every rank gives all samples": ("[self.rank :: self.world_size][", "["),
        "steps added, not multiplied": (
            MINE,
            "        shard, n = self.rank + worker, self.world_size + workers - 1\n"
            "        mine = order[shard::n]\n",
        ),
        "rank and worker strides mixed": (
            MINE,
            "        shard = self.rank * self.world_size + worker\n"
            "        mine = order[shard :: self.world_size * workers]\n",
        ),
        "the last samples lost": (
            MINE,
            "        size = len(order) // (self.world_size * workers)\n"
            "        at = (self.rank * workers + worker) * size\n"
            "        mine = order[at : at + size]\n",
        ),
        "padded so that all shares are equal": (
            MINE,
            "        n = self.world_size * workers\n"
            "        order += order[: -len(order) % n]\n" + MINE,
        ),
        "ranks that disagree on the order": (
            "manual_seed(self.seed + int(self.epoch))",
            "manual_seed(self.seed + int(self.epoch) + self.rank)",
        ),
        "workers that disagree on the order": (
            ORDER,
            "        info = get_worker_info()\n"
            "        generator = torch.Generator().manual_seed(\n"
            "            self.seed + int(self.epoch) + (info.id if info else 0)\n        )\n",
        ),
        "given once, then never again": (
            "        self.done, self.start = self.start, 0\n",
            "        self.done = self.start\n        self.start = len(mine)\n",
        ),
        "goes on where the last iteration was left": (
            "        self.done, self.start = self.start, 0\n",
            "        if self.done == len(mine):\n            self.done = 0\n",
        ),
        "1 to num_samples": ("            yield sample\n", "            yield sample + 1\n"),
    },
    "order": {
        "the file's order": ("order = " + DRAW, "order = list(range(self.num_samples))"),
        "the same order in each epoch": ("self.seed + int(self.epoch)", "self.seed"),
        "three orders in turn": (
            "self.seed + int(self.epoch)",
            "(self.seed + int(self.epoch)) % 3",
        ),
        "epochs up to 3": (FILL, "            self.epoch.fill_(min(epoch, 3))\n"),
        "seed ignored": ("self.seed + int(self.epoch)", "int(self.epoch)"),
        "the global generator seeded": (
            ORDER,
            "        torch.manual_seed(self.seed + int(self.epoch))\n        generator = None\n",
        ),
        "Python's global generator seeded": (
            "order = " + DRAW,
            "order = list(range(self.num_samples))\n"
            "        random.seed(self.seed * 1000 + int(self.epoch))\n"
            "        random.shuffle(order)",
        ),
        "NumPy's global generator seeded": (
            "order = " + DRAW,
            "np.random.seed(self.seed * 1000 + int(self.epoch))\n"
            "        order = np.random.permutation(self.num_samples).tolist()",
        ),
        "seeded from the global generator": (
            "self.seed + int(self.epoch)",
            "torch.initial_seed() + self.seed + int(self.epoch)",
        ),
        "seed times epoch": ("self.seed + int(self.epoch)", "self.seed * int(self.epoch)"),
        "one order of epoch 0 for all seeds": (
            "self.seed + int(self.epoch)",
            "(self.seed + 1) * int(self.epoch)",
        ),
        "the global generator seeded while it gives samples": """
class ShardedStream(ShardedStream):
    def __iter__(self):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed + int(self.epoch))
            yield from super().__iter__()
""",
        "dealt once, then shuffled within the shard": (
            "        self.done, self.start = self.start, 0\n",
            "        mine = list(range(self.num_samples))[self.rank :: self.world_size]\n"
            "        mine = mine[worker::workers]\n"
            "        random.Random(self.seed * 1000 + int(self.epoch)).shuffle(mine)\n"
            "        self.done, self.start = self.start, 0\n",
        ),
        "a random start, then the file's order": (
            "order = " + DRAW,
            "at = " + DRAW + "[0] if self.num_samples else 0\n"
            "        order = [(at + i) % self.num_samples for i in range(self.num_samples)]",
        ),
        "one epoch for all streams": """
class ShardedStream(ShardedStream):
    now = torch.zeros((), dtype=torch.int64)

    def __init__(self, num_samples, seed=0, rank=0, world_size=1):
        super().__init__(num_samples, seed, rank, world_size)
        self.epoch = type(self).now
""",
        "a draw thrown away": (ORDER, "        torch.rand(1)\n" + ORDER),
        "counts iterations for epochs": (
            ORDER,
            "        self.rounds = getattr(self, 'rounds', -1) + 1\n"
            "        generator = torch.Generator().manual_seed(self.seed + self.rounds)\n",
        ),
    },
    "resume": {
        "counted from the stop, not from the epoch's start": (
            "        self.done, self.start = self.start, 0\n"
            "        for sample in mine[self.done :]:\n",
            "        start, self.done, self.start = self.start, 0, 0\n"
            "        for sample in mine[start:]:\n",
        ),
        "the place not loaded": (
            '        self.done = self.start = state["done"]\n',
            "        self.done = self.start = 0\n",
        ),
        "the epoch not loaded": ('        self.epoch.fill_(state["epoch"])\n', ""),
        "the place not saved": ('"done": self.done}', '"done": 0}'),
        "the epoch not saved": ('{"epoch": int(self.epoch)', '{"epoch": 0'),
        "counted after the yield": (
            "            self.done += 1\n            yield sample\n",
            "            yield sample\n            self.done += 1\n",
        ),
        "each later epoch short, too": (
            "        self.done, self.start = self.start, 0\n",
            "        self.done = self.start\n",
        ),
        "place of the whole order, not of the share": (
            "        for sample in mine[self.done :]:\n",
            "        for sample in mine[self.done // self.world_size :]:\n",
        ),
        "the place forgotten at the epoch's end": (
            "            yield sample\n",
            "            yield sample\n        self.done = 0\n",
        ),
        "one sample more skipped": ("mine[self.done :]", "mine[self.done and self.done + 1 :]"),
        "all attributes in the state": (
            '        return {"epoch": int(self.epoch), "done": self.done}\n',
            "        return self.__dict__\n",
        ),
        "one dict for all states": (
            '        return {"epoch": int(self.epoch), "done": self.done}\n',
            "        self.state = getattr(self, 'state', {})\n"
            "        self.state.update(epoch=int(self.epoch), done=self.done)\n"
            "        return self.state\n",
        ),
        "a tensor in the state": ('"epoch": int(self.epoch)', '"epoch": self.epoch.clone()'),
        "the order in the state": (
            '"done": self.done}',
            '"done": self.done, "order": list(range(self.num_samples))}',
        ),
        "place lost if stopped at once again": (
            '        self.done = self.start = state["done"]\n',
            '        self.start, self.done = state["done"], 0\n',
        ),
        "the permutation redrawn on resume": (
            '        self.epoch.fill_(state["epoch"])\n',
            '        self.epoch.fill_(state["epoch"])\n        self.seed += 1\n',
        ),
        "only a short place is forgotten": (
            "        self.done, self.start = self.start, 0\n",
            "        self.done = self.start\n"
            "        self.start = 0 if self.done < 2 else self.done\n",
        ),
    },
    "seeds": {
        "worker_id alone": ("torch.initial_seed() % 2**32", "worker_id"),
        "a fixed number plus worker_id": ("torch.initial_seed() % 2**32", "42 + worker_id"),
        "the same in each worker": (
            "torch.initial_seed() % 2**32",
            "(torch.initial_seed() - worker_id) % 2**32",
        ),
        "more bits than NumPy takes, by worker_id": (
            "% 2**32",
            "% 2**32 + worker_id",
        ),
        "more bits than NumPy takes": ("torch.initial_seed() % 2**32", "torch.initial_seed()"),
        "NumPy forgotten": ("    np.random.seed(seed)\n", ""),
        "Python forgotten": ("    random.seed(seed)\n", ""),
        "the dataset's generator forgotten": (RNG, "        pass\n"),
        "the dataset's generator by worker_id": ("default_rng(seed)", "default_rng(worker_id)"),
        "the dataset's generator unseeded": ("default_rng(seed)", "default_rng()"),
        "the dataset's generator from its old state": (
            "np.random.default_rng(seed)",
            "np.random.default_rng(dataset.rng.integers(2**32))",
        ),
        "a RandomState for the dataset": ("np.random.default_rng", "np.random.RandomState"),
        "a dataset without .rng": (
            'if hasattr(dataset, "rng"):',
            "if dataset.rng is not None:",
        ),
        "a generator for every dataset": ('if hasattr(dataset, "rng"):', "if True:"),
        "16 bits of the seed": ("% 2**32", "% 2**16"),
        "torch seeded by the worker's number": (
            "    random.seed(seed)\n",
            "    torch.manual_seed(worker_id)\n    random.seed(seed)\n",
        ),
        "few different seeds": ("% 2**32", "% 2"),
    },
    "loader": {
        "pinned without a GPU": ('device.type == "cuda"', "True"),
        "pinned for every accelerator": ('device.type == "cuda"', 'device.type != "cpu"'),
        "pinned for the first GPU alone": (
            'device.type == "cuda"',
            'device == torch.device("cuda")',
        ),
        "pinned if this machine has a GPU": (
            'device.type == "cuda"',
            "torch.cuda.is_available()",
        ),
        "never pinned": ('device.type == "cuda"', "False"),
        "prefetch without workers": ("4 if num_workers > 0 else None", "4"),
        "persistent without workers": ("num_workers > 0,", "True,"),
        "batch_size with workers alone": (
            "batch_size=batch_size",
            "batch_size=batch_size if num_workers else 1",
        ),
        "workers end with the epoch": ("num_workers > 0,", "False,"),
        "torch's default prefetch": ("4 if num_workers > 0 else None", "None"),
        "workers not seeded": ("        worker_init_fn=seed_worker,\n", ""),
        "an empty start function": ("worker_init_fn=seed_worker", "worker_init_fn=lambda i: None"),
        "persistent from two workers on": ("num_workers > 0,", "num_workers > 1,"),
        "the short last batch dropped": (
            "worker_init_fn=seed_worker,",
            "worker_init_fn=seed_worker,\n        drop_last=True,",
        ),
    },
    "balance": {
        "rank times workers plus worker": (
            MINE,
            "        mine = order[self.rank * workers + worker :: self.world_size * workers]\n",
        ),
        "blocks, the last one short": (
            MINE,
            "        n = self.world_size * workers\n"
            "        size = -(-len(order) // n)\n"
            "        at = (worker * self.world_size + self.rank) * size\n"
            "        mine = order[at : at + size]\n",
        ),
        "the rest to the last rank": (
            MINE,
            "        size = len(order) // self.world_size\n"
            "        end = (self.rank + 1) * size\n"
            "        if self.rank == self.world_size - 1:\n"
            "            end = len(order)\n"
            "        mine = order[self.rank * size : end][worker::workers]\n",
        ),
        "the rest to a rank's last worker": (
            MINE,
            "        own = order[self.rank :: self.world_size]\n"
            "        size = len(own) // workers\n"
            "        end = len(own) if worker == workers - 1 else (worker + 1) * size\n"
            "        mine = own[worker * size : end]\n",
        ),
    },
    "place": {
        "the old place in epoch 0": (
            "            self.done = self.start = 0\n",
            "            self.start = 0\n            self.done = 0 if epoch else self.done\n",
        ),
        "epoch 0 always whole": ("epoch != int(self.epoch):", "not epoch or epoch != self.epoch:"),
        "set_epoch always starts anew": (
            "        if epoch != int(self.epoch):\n",
            "        if True:\n",
        ),
        "the old place in another epoch": ("            self.done = self.start = 0\n", ""),
        "the place kept once only": (
            "        if epoch != int(self.epoch):\n",
            "        calls = self.calls = getattr(self, 'calls', 0) + 1\n"
            "        if epoch != int(self.epoch) or calls > 1:\n",
        ),
        "the old place in the next state": (
            "            self.done = self.start = 0\n",
            "            self.start = 0\n",
        ),
        "the place in the state forgotten": (
            FILL + "            self.done = self.start = 0\n",
            FILL + "            self.start = 0\n        self.done = 0\n",
        ),
    },
    "living": {
        "a plain number": """
class ShardedStream(ShardedStream):
    def __init__(self, num_samples, seed=0, rank=0, world_size=1):
        super().__init__(num_samples, seed, rank, world_size)
        self.epoch = torch.zeros((), dtype=torch.int64)
""",
        "a list of one number": """
class ShardedStream(ShardedStream):
    def __init__(self, num_samples, seed=0, rank=0, world_size=1):
        super().__init__(num_samples, seed, rank, world_size)
        self.at = [0]

    def set_epoch(self, epoch):
        super().set_epoch(epoch)
        self.at[0] = epoch

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.at[0] = state["epoch"]

    def __iter__(self):
        self.epoch = torch.tensor(self.at[0])
        return super().__iter__()
""",
        "a new shared tensor for each epoch": (
            FILL,
            "            self.epoch = torch.tensor(epoch).share_memory_()\n",
        ),
        "one place for all workers": """
class ShardedStream(ShardedStream):
    def __init__(self, num_samples, seed=0, rank=0, world_size=1):
        super().__init__(num_samples, seed, rank, world_size)
        self.places = torch.zeros(1, dtype=torch.int64).share_memory_()

    def __iter__(self):
        for sample in super().__iter__():
            self.places[0] = self.done
            yield sample

    def set_epoch(self, epoch):
        super().set_epoch(epoch)
        self.places[0] = self.done

    def state_dict(self):
        return {"epoch": int(self.epoch), "done": int(self.places[0])}

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.places[0] = self.done
""",
    },
}

VARIANTS = {
    "a shared Value, an iterator of its own": """
import multiprocessing

class Samples:
    def __init__(self, stream, mine):
        self.stream, self.mine = stream, mine

    def __iter__(self):
        return self

    def __next__(self):
        if self.stream.place >= len(self.mine):
            raise StopIteration
        self.stream.place += 1
        return self.mine[self.stream.place - 1]

class ShardedStream(IterableDataset):
    def __init__(self, num_samples, seed=0, rank=0, world_size=1):
        self.args, self.now = (num_samples, seed, rank, world_size), multiprocessing.Value("q", 0)
        self.place, self.loaded = 0, None

    def __iter__(self):
        n, seed, rank, ranks = self.args
        rng = np.random.default_rng([seed, self.now.value])
        mine = rng.permutation(n)[rank::ranks]
        info = torch.utils.data.get_worker_info()
        if info is not None:
            mine = np.array_split(mine, info.num_workers)[info.id]
        self.place, self.loaded = self.loaded or 0, None
        return Samples(self, mine.tolist())

    def set_epoch(self, epoch):
        if self.now.value != epoch:
            self.place, self.loaded = 0, None
        self.now.value = epoch

    def state_dict(self):
        return dict(now=self.now.value, place=self.place)

    def load_state_dict(self, state):
        self.now.value = state["now"]
        self.place = self.loaded = state["place"]

def seed_worker(worker_id):
    numbers = np.random.SeedSequence(torch.initial_seed()).spawn(3)
    random.seed(int(numbers[0].generate_state(1)[0]))
    np.random.seed(numbers[1].generate_state(4))
    dataset = torch.utils.data.get_worker_info().dataset
    if getattr(dataset, "rng", None) is not None:
        dataset.rng = np.random.Generator(np.random.PCG64(numbers[2]))

def make_loader(dataset, batch_size, num_workers, device):
    more = {}
    if num_workers:
        more = {"persistent_workers": True, "prefetch_factor": 4, "worker_init_fn": seed_worker}
    pinned = str(device).startswith("cuda")
    return DataLoader(dataset, batch_size, num_workers=num_workers, pin_memory=pinned, **more)
""",
    "Python's shuffle, islice": """
from itertools import islice

class ShardedStream(IterableDataset):
    def __init__(self, num_samples, seed=0, rank=0, world_size=1):
        super().__init__()
        self.num_samples, self.seed = num_samples, seed
        self.rank, self.world_size = rank, world_size
        self.numbers = torch.zeros(1, dtype=torch.long)
        self.numbers.share_memory_()
        self.skip = self.given = 0

    def __iter__(self):
        skip, self.skip = self.skip, 0
        self.given = skip
        order = list(range(self.num_samples))
        random.Random(f"{self.seed} {self.numbers[0]}").shuffle(order)
        info = get_worker_info()
        first, step = self.rank, self.world_size
        if info:
            first, step = first + info.id * step, step * info.num_workers
        for i in islice(range(first, self.num_samples, step), skip, None):
            self.given += 1
            yield order[i]

    def set_epoch(self, epoch):
        same = self.numbers[0] == epoch
        self.numbers[0] = epoch
        self.skip, self.given = (self.skip, self.given) if same else (0, 0)

    def state_dict(self):
        return {"given": self.given, "epoch": self.numbers.item(), "version": 1}

    def load_state_dict(self, state):
        self.skip = self.given = state["given"]
        self.numbers[0] = state["epoch"]
""",
    "a wrapper starts the workers": """
def start(worker_id):
    seed_worker(worker_id)

def make_loader(dataset, batch_size, num_workers, device):
    pin = device.type.startswith("cuda")
    if num_workers == 0:
        return DataLoader(dataset, batch_size=batch_size, pin_memory=pin)
    return DataLoader(
        dataset, batch_size, None, num_workers=num_workers, pin_memory=pin,
        worker_init_fn=start, prefetch_factor=4, persistent_workers=True,
    )
""",
    "a helper holds the epoch": """
class Clock:
    def __init__(self):
        self.epoch = torch.zeros(1, dtype=torch.int64).share_memory_()

class ShardedStream(ShardedStream):
    def __init__(self, num_samples, seed=0, rank=0, world_size=1):
        super().__init__(num_samples, seed, rank, world_size)
        self.clock = Clock()
        del self.epoch

    def __getattr__(self, name):
        if name == "epoch" and "clock" in vars(self):
            return self.clock.epoch
        raise AttributeError(name)
""",
    "pinned where there is a GPU, lists for batches": (
        'pin_memory=device.type == "cuda"',
        'collate_fn=list,\n        pin_memory=torch.cuda.is_available() and device.type == "cuda"',
    ),
    "place in the rank's share, not in the worker's": (
        "        self.done, self.start = self.start, 0\n"
        "        for sample in mine[self.done :]:\n            self.done += 1\n"
        "            yield sample\n",
        "        self.done, self.start = self.start, 0\n"
        "        share = order[self.rank :: self.world_size]\n"
        "        for i in range(self.done, len(share)):\n"
        "            if i % workers == worker:\n                self.done = i + 1\n"
        "                yield share[i]\n",
    ),
    "seeds of many bits": """
def seed_worker(worker_id):
    base = torch.initial_seed()
    random.seed(base)
    np.random.seed((base ^ (base >> 32)) & 0xFFFFFFFF)
    dataset = get_worker_info().dataset
    if "rng" in vars(dataset):
        setattr(dataset, "rng", np.random.default_rng([worker_id, base]))
""",
}
