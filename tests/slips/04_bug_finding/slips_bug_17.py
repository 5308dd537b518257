"""Mistakes by the label that must refuse them, and second right answers."""

LOADER = (
    "    loader = DataLoader(dataset, 8, num_workers=num_workers, worker_init_fn=own_generator)\n"
)
PLAIN = "    loader = DataLoader(dataset, 8, num_workers=num_workers)\n"
LISTS = (
    "    return [[value for batch in loader for value in batch.tolist()] for _ in range(epochs)]\n"
)
NEW = "    info.dataset.rng = np.random.default_rng(torch.initial_seed())\n"
MADE = "        self.rng = np.random.default_rng(seed)\n"
SEED = "        seed = int(torch.randint(2**62, ()))\n"
DRAW = "        return float(self.rng.standard_normal())\n"


def given(more):
    """The loader as handed out, with one argument more."""
    return LOADER, PLAIN.replace(")\n", f", {more})\n")


def seeded(seed):
    return NEW, f"    info.dataset.rng = np.random.default_rng({seed})\n"


SLIPS = {
    "order": {
        "shuffled": (LOADER, LOADER.replace("8,", "8, shuffle=True,")),
        "the last batch left out": (LOADER, LOADER.replace("8,", "8, drop_last=True,")),
        "one epoch for all": (
            LISTS,
            "    return [[value for batch in loader for value in batch.tolist()]] * epochs\n",
        ),
        "all epochs in one list": (
            LISTS,
            "    return [v for _ in range(epochs) for batch in loader for v in batch.tolist()]\n",
        ),
        "tensors in place of floats": (LISTS, LISTS.replace("batch.tolist()", "batch")),
        "lists of batches": (
            LISTS,
            "    return [[batch.tolist() for batch in loader] for _ in range(epochs)]\n",
        ),
        "numbers drawn in place of those loaded": (
            LISTS,
            LISTS.replace("value for batch", "torch.randn(()).item() for batch").replace(
                "for value in", "for _ in"
            ),
        ),
        "noise added to the loaded values": (
            LISTS,
            LISTS.replace("[value for", "[value + torch.rand(()).item() * 1e-3 for"),
        ),
        "an element is loaded twice": (
            LISTS,
            "    list(loader)\n" + LISTS,
        ),
        "one epoch too many": (LISTS, LISTS.replace("range(epochs)", "range(epochs + 1)")),
    },
    "sharing": {
        "no workers": (LOADER, "    loader = DataLoader(dataset, 8, num_workers=0)\n"),
        "one worker at most": (LOADER, LOADER.replace("=num_workers,", "=min(1, num_workers),")),
        "one batch for all": (LOADER, LOADER.replace("8,", "len(dataset),")),
        "a worker even if none is wanted": (
            LOADER,
            LOADER.replace("=num_workers,", "=max(1, num_workers),"),
        ),
        "the loop asks the dataset": (
            LOADER + LISTS,
            PLAIN
            + "    return [[dataset[i] for i in range(len(dataset))] for _ in range(epochs)]\n",
        ),
        "a loader for each worker number, in turn": (
            LOADER + LISTS,
            "    del num_workers\n    loader = DataLoader(dataset, 8, num_workers=2)\n" + LISTS,
        ),
    },
    "noise": {
        "derived classes are not minded": (NEW, "    if type(info.dataset) is Noisy:\n    " + NEW),
        "as handed out": (LOADER, PLAIN),
        "the number of the worker as the seed": seeded("worker_id"),
        "one seed for all workers": seeded("0"),
        "the seed of the main process": (
            NEW,
            "    info.dataset.rng = np.random.default_rng(info.seed - worker_id)\n",
        ),
        "workers that stay, the old generator": given("persistent_workers=num_workers > 0"),
        "NumPy's global generator is seeded": (NEW, "    np.random.seed(worker_id)\n"),
        "torch's generator is seeded, NumPy's is used": (NEW, "    torch.manual_seed(worker_id)\n"),
        "a generator for the loader": given("generator=torch.Generator()"),
        "a generator of the class": (
            LOADER,
            "    Noisy.rng = np.random.default_rng(torch.randint(2**62, ()).item())\n"
            "    vars(dataset).pop('rng', None)\n" + PLAIN,
        ),
        "a generator of the module": """
RNG = np.random.default_rng()

class Noisy(Noisy):
    def __getitem__(self, i):
        return float(RNG.standard_normal())

def epoch_values(dataset, num_workers, epochs):
    loader = DataLoader(dataset, 8, num_workers=num_workers)
    return [[value for batch in loader for value in batch.tolist()] for _ in range(epochs)]
""",
        "a generator made at the first draw, seed 0": """
RNG = None

class Noisy(Noisy):
    def __getitem__(self, i):
        global RNG
        if RNG is None:
            RNG = np.random.default_rng(0)
        return float(RNG.standard_normal())

def epoch_values(dataset, num_workers, epochs):
    loader = DataLoader(dataset, 8, num_workers=num_workers)
    return [[value for batch in loader for value in batch.tolist()] for _ in range(epochs)]
""",
        "one generator for each worker, made in the dataset": """
class Noisy(Noisy):
    def __init__(self, num_samples):
        super().__init__(num_samples)
        self.rngs = [np.random.default_rng(torch.randint(2**62, ()).item()) for _ in range(9)]

    def __getitem__(self, i):
        info = get_worker_info()
        rng = self.rngs[info.id if info else 8]
        return float(rng.standard_normal())
""",
        "the generator jumps on by the worker's number": (
            NEW,
            "    for _ in range(1000 * worker_id):\n        info.dataset.rng.standard_normal()\n",
        ),
        "the number of the sample as the seed": (
            DRAW,
            "        return float(np.random.default_rng(i).standard_normal())\n",
        ),
        "a table of noises": (
            DRAW,
            "        if not hasattr(self, 'table'):\n"
            "            self.table = np.random.default_rng(7).standard_normal(self.num_samples)\n"
            "        return float(self.table[i])\n",
        ),
        "a new seed in the main process, once": (
            LOADER,
            "    dataset.rng = np.random.default_rng(torch.randint(2**62, ()).item())\n" + PLAIN,
        ),
        "a new seed before each epoch, the same for all workers": (
            LOADER + LISTS,
            PLAIN + "    found = []\n    for _ in range(epochs):\n"
            "        dataset.rng = np.random.default_rng(torch.randint(2**62, ()).item())\n"
            "        found.append([value for batch in loader for value in batch.tolist()])\n"
            "    return found\n",
        ),
        "a little more for each worker": """
class Noisy(Noisy):
    def __getitem__(self, i):
        return super().__getitem__(i) + 1e-9 * torch.rand(()).item()

def epoch_values(dataset, num_workers, epochs):
    loader = DataLoader(dataset, 8, num_workers=num_workers)
    return [[value for batch in loader for value in batch.tolist()] for _ in range(epochs)]
""",
        "the first worker keeps its copy": (NEW, "    if worker_id:\n    " + NEW),
        "worker 1 of an epoch as worker 0 of the next one": """
def init(worker_id):
    dataset = get_worker_info().dataset
    dataset.rng = np.random.default_rng(dataset.base + worker_id)

def epoch_values(dataset, num_workers, epochs):
    dataset.base = getattr(dataset, "base", None) or torch.randint(2**62, ()).item()
    loader = DataLoader(dataset, 8, num_workers=num_workers, worker_init_fn=init)
    found = []
    for _ in range(epochs):
        dataset.base += 1
        found.append([value for batch in loader for value in batch.tolist()])
    return found
""",
        "only two workers are minded": (NEW, "    if info.num_workers == 2:\n    " + NEW),
        "a fourth of the worker's seed": seeded("torch.initial_seed() // 4"),
        "uniform": (DRAW, "        return float(self.rng.random())\n"),
        "half as wide": (DRAW, "        return float(self.rng.normal(0, 0.5))\n"),
        "not centered": (DRAW, "        return float(self.rng.normal(0.5))\n"),
        "one noise for each batch": (
            LISTS,
            LISTS.replace(
                "value for batch in loader for value in batch.tolist()", "b[0].item() + j"
            ).replace("+ j]", "+ j * 1e-9 for b in loader for j in range(len(b))]"),
        ),
    },
    "calls": {
        "the generator set back after each call": (
            LISTS,
            "    import copy\n\n    before = copy.deepcopy(dataset.rng)\n"
            + LISTS.replace("return", "found =")
            + "    dataset.rng = before\n    return found\n",
        ),
        "workers and epochs counted from 0": """
def own_generator(worker_id):
    info = get_worker_info()
    info.dataset.rng = np.random.default_rng([info.dataset.epoch, worker_id])

def epoch_values(dataset, num_workers, epochs):
    loader = DataLoader(dataset, 8, num_workers=num_workers, worker_init_fn=own_generator)
    found = []
    for dataset.epoch in range(epochs):
        found.append([value for batch in loader for value in batch.tolist()])
    return found
""",
        "torch seeded in each call": (LOADER, "    torch.manual_seed(0)\n" + LOADER),
        "a seed for the loader in each call": (
            LOADER,
            LOADER.replace(")\n", ", generator=torch.Generator().manual_seed(1))\n"),
        ),
        "workers that stay, seeded by their number": """
def own_generator(worker_id):
    get_worker_info().dataset.rng = np.random.default_rng([worker_id, get_worker_info().dataset.n])

def epoch_values(dataset, num_workers, epochs):
    dataset.n, found = 0, []
    while dataset.n < epochs:
        dataset.n += 1
        loader = DataLoader(dataset, 8, num_workers=num_workers, worker_init_fn=own_generator)
        found.append([value for batch in loader for value in batch.tolist()])
    return found
""",
        "one seed in each call with 0 workers": (
            LISTS,
            "    dataset.rng = np.random.default_rng(1)\n" + LISTS,
        ),
    },
    "repeat": {
        "a seed from the system for each worker": seeded(""),
        "a seed from the system for the dataset": (MADE, MADE.replace("seed", "")),
        "a seed from the system for each draw": (
            DRAW,
            "        return float(np.random.default_rng().standard_normal())\n",
        ),
        "NumPy's global generator": (DRAW, "        return float(np.random.standard_normal())\n"),
        "the generator of random": (
            DRAW,
            "        import random\n\n        return random.gauss(0.0, 1.0)\n",
        ),
        "the process's number as the seed": seeded("[worker_id, __import__('os').getpid()]"),
        "time as the seed": (
            NEW,
            "    import time\n\n"
            "    info.dataset.rng = np.random.default_rng(time.time_ns() + worker_id)\n",
        ),
        "a constant seed for the dataset": (SEED, "        seed = 0\n"),
        "one of 100 seeds for the dataset": (SEED, SEED.replace("2**62", "100")),
        "torch seeded by the system": (LOADER, "    torch.seed()\n" + LOADER),
    },
    "start": {
        "a lambda kept by the dataset": (
            MADE,
            MADE + "        self.draw = lambda: self.rng.standard_normal()\n",
        ),
        "a global, set before each epoch": """
BASE = 0

def init(worker_id):
    get_worker_info().dataset.rng = np.random.default_rng([BASE, worker_id])

def epoch_values(dataset, num_workers, epochs):
    global BASE
    loader = DataLoader(dataset, num_workers=num_workers, batch_size=8, worker_init_fn=init)
    found = []
    for _ in range(epochs):
        BASE = torch.randint(2**62, ()).item()
        found.append([value for batch in loader for value in batch.tolist()])
    return found
""",
        "an attribute of the class, set before each epoch": """
def init(worker_id):
    get_worker_info().dataset.rng = np.random.default_rng([Noisy.base, worker_id])

Noisy.base = 0

def epoch_values(dataset, num_workers, epochs):
    loader = DataLoader(dataset, num_workers=num_workers, batch_size=8, worker_init_fn=init)
    found = []
    for _ in range(epochs):
        Noisy.base = torch.randint(2**62, ()).item()
        found.append([value for batch in loader for value in batch.tolist()])
    return found
""",
        "a lambda": (
            LOADER,
            LOADER.replace("own_generator", "lambda worker_id: own_generator(worker_id)"),
        ),
        "a function within the function": (
            LOADER,
            "    def init(worker_id):\n"
            "        dataset.rng = np.random.default_rng(torch.initial_seed())\n\n"
            + LOADER.replace("own_generator", "init"),
        ),
        "batches made by a lambda": (
            LOADER,
            LOADER.replace(")\n", ", collate_fn=lambda rows: torch.tensor(rows))\n"),
        ),
    },
}

WORKERS_SEED = """
class Noisy(Noisy):
    def __getitem__(self, i):
        info = get_worker_info()
        if info is not None and info.seed != getattr(self, "seed", None):
            self.seed, self.rng = info.seed, np.random.default_rng(info.seed)
        return super().__getitem__(i)

def epoch_values(dataset, num_workers, epochs):
    loader = DataLoader(dataset, 8, num_workers=num_workers)
    return [[value for batch in loader for value in batch.tolist()] for _ in range(epochs)]
"""

VARIANTS = {
    "torch's generator": (DRAW, "        return torch.randn(()).item()\n"),
    "a generator made when the worker's seed is new": WORKERS_SEED,
    "a generator for each noise, of the epoch and the sample": """
class Noisy(Noisy):
    epoch = 0

    def __init__(self, num_samples):
        super().__init__(num_samples)
        self.seed = torch.randint(2**62, ()).item()

    def __getitem__(self, i):
        return float(np.random.default_rng([self.seed, self.epoch, i]).standard_normal())

def epoch_values(dataset, num_workers, epochs):
    loader = DataLoader(dataset, 8, num_workers=num_workers)
    found = []
    for _ in range(epochs):
        dataset.epoch += 1
        found.append([value for batch in loader for value in batch.tolist()])
    return found
""",
    "workers that stay": (
        LOADER,
        LOADER.replace(")\n", ", persistent_workers=num_workers > 0)\n"),
    ),
    "a seed drawn for each noise": (
        DRAW,
        "        seed = torch.randint(2**62, ()).item()\n"
        "        return float(np.random.default_rng(seed).standard_normal())\n",
    ),
    "the seeds drawn in the main process, a loader for each epoch": """
from functools import partial

def init(seed, worker_id):
    get_worker_info().dataset.rng = np.random.default_rng([seed, worker_id])

def epoch_values(dataset, num_workers, epochs):
    found = []
    for _ in range(epochs):
        seed = torch.randint(2**62, ()).item()
        loader = DataLoader(dataset, 4, num_workers=num_workers, worker_init_fn=partial(init, seed))
        found.append(torch.cat(list(loader)).tolist())
    return found
""",
}
