"""Mistakes by the label that must refuse them, and second right answers."""

ZERO = "        self.optimizer.zero_grad()\n"
SCHEDULED = "        self.scheduler.step()\n"
DONE = "        self.position += len(rows)\n"
DRAWN = '        generator = torch.Generator().manual_seed(self.fixed["seed"] + epoch)\n'
ORDER = "torch.randperm(len(self.dataset), generator=generator).tolist()"
COPIED = "copy.deepcopy(getattr(self, name).state_dict())"
LOADED = "            getattr(self, name).load_state_dict(copy.deepcopy(state[name]))\n"
NUMPY = '        np.random.set_state(tuple(state["numpy"]))\n'
PYTHON = '        random.setstate(state["python"])\n'
TORCH = '        torch.set_rng_state(state["torch"].cpu())\n'
REFUSED = '        if state["fixed"] != self.fixed:\n'
GENERATOR = """
class Run(Run):
    def __init__(self, model, optimizer, scheduler, dataset, batch_size, seed):
        self.generator = torch.Generator().manual_seed(seed)
        super().__init__(model, optimizer, scheduler, dataset, batch_size, seed)

    def begin(self, epoch, position=0):
        STATE
        self.order = torch.randperm(len(self.dataset), generator=self.generator).tolist()
        self.epoch, self.position = epoch, position

    def state_dict(self):
        return super().state_dict() | {"generator": self.KEPT}

    def load_state_dict(self, state):
        self.generator.set_state(state["generator"].cpu())
        super().load_state_dict(state)
"""

SLIPS = {
    "step": {
        "eval mode": ("self.model.train()", "self.model.eval()"),
        "gradients add up": (ZERO, ""),
        "gradients cleared after backward": (
            ZERO + "        loss.backward()\n",
            "        loss.backward()\n" + ZERO,
        ),
        "train mode once, in the constructor": (
            "        self.model.train()\n",
            "        if self.epoch == self.position == 0:\n            self.model.train()\n",
        ),
        "mode left as it is": ("        self.model.train()\n", ""),
        "scheduler first": (
            "        self.optimizer.step()\n" + SCHEDULED,
            SCHEDULED + "        self.optimizer.step()\n",
        ),
        "no step of the scheduler": (SCHEDULED, ""),
        "a step of the scheduler per epoch": (
            SCHEDULED + DONE,
            DONE
            + "        if self.position >= len(self.order):\n            self.scheduler.step()\n",
        ),
        "the sum of the losses": ("y.to(device))\n", 'y.to(device), reduction="sum")\n'),
        "the sum over batch_size": (
            "y.to(device))\n",
            'y.to(device), reduction="sum") / self.fixed["batch_size"]\n',
        ),
        "a tensor for a loss": ("return loss.item()", "return loss.detach()"),
        "a second pass for the loss": (
            "        return loss.item()",
            "        return F.cross_entropy(self.model(x), y).item()",
        ),
        "no step of the optimizer": ("        self.optimizer.step()\n", ""),
    },
    "order": {
        "the dataset's order": (ORDER, "list(range(len(self.dataset)))"),
        "the same order in each epoch": (
            'manual_seed(self.fixed["seed"] + epoch)',
            'manual_seed(self.fixed["seed"])',
        ),
        "seed ignored": ('manual_seed(self.fixed["seed"] + epoch)', "manual_seed(epoch)"),
        "order from the global generator": (", generator=generator)", ")"),
        "the global generator seeded": (
            DRAWN,
            '        torch.manual_seed(self.fixed["seed"] + epoch)\n        generator = None\n',
        ),
        "rows drawn with repetition": (
            ORDER,
            "torch.randint(len(self.dataset), (len(self.dataset),), generator=generator).tolist()",
        ),
        "rows read twice, for x and for y": (
            "        x, y = default_collate([self.dataset[i] for i in rows])\n",
            "        x = torch.stack([self.dataset[i][0] for i in rows])\n"
            "        y = torch.tensor([self.dataset[i][1] for i in rows])\n",
        ),
        "the order of the process's seed, too": (
            'manual_seed(self.fixed["seed"] + epoch)',
            'manual_seed(torch.initial_seed() + self.fixed["seed"] + epoch)',
        ),
        "the short last batch dropped": (
            "if self.position >= len(self.order):",
            'size = self.fixed["batch_size"]\n'
            "        if self.position + size > max(len(self.order), size):",
        ),
        "the last batch filled from the next epoch": (
            '        rows = self.order[self.position :][: self.fixed["batch_size"]]\n',
            '        rows = self.order[self.position :][: self.fixed["batch_size"]]\n'
            '        more = self.fixed["batch_size"] - len(rows)\n'
            "        rows = rows + self.order[:more]\n",
        ),
        "one epoch only": (
            "            self.begin(self.epoch + 1)\n",
            "            self.begin(0)\n",
        ),
        "a sampler that draws from the global generator": (
            "        x, y = default_collate([self.dataset[i] for i in rows])\n",
            "        data = torch.utils.data.DataLoader(self.dataset, len(rows), sampler=rows)\n"
            "        x, y = next(iter(data))\n",
        ),
    },
    "resume": {
        "epoch lost": ('"epoch": self.epoch', '"epoch": 0'),
        "position lost": ('"position": self.position}', '"position": 0}'),
        "the old order kept": (
            '        self.begin(state["epoch"], state["position"])\n',
            '        self.epoch, self.position = state["epoch"], state["position"]\n',
        ),
        "optimizer left out": (
            'PARTS = "model", "optimizer", "scheduler"',
            'PARTS = "model", "scheduler"',
        ),
        "scheduler left out": (
            'PARTS = "model", "optimizer", "scheduler"',
            'PARTS = "model", "optimizer"',
        ),
        "model left out": (
            'PARTS = "model", "optimizer", "scheduler"',
            'PARTS = "optimizer", "scheduler"',
        ),
        "parameters without buffers": (
            LOADED,
            '            if name == "model":\n'
            "                for k, p in self.model.named_parameters():\n"
            '                    p.data.copy_(state["model"][k])\n'
            "                continue\n" + LOADED,
        ),
        "scheduler counts anew": (
            LOADED,
            LOADED.replace(
                "            ", '            if name != "scheduler":\n                ', 1
            ),
        ),
        "the generator's state after the order was drawn": GENERATOR.replace(
            "STATE", "pass"
        ).replace("KEPT", "generator.get_state()"),
        "the order kept by a run that was used": (
            '        self.begin(state["epoch"], state["position"])\n',
            "        if not self.position:\n"
            '            self.begin(state["epoch"], state["position"])\n'
            '        self.epoch, self.position = state["epoch"], state["position"]\n',
        ),
    },
    "random": {
        "torch's generator left out": (TORCH, ""),
        "NumPy's generator left out": (NUMPY, ""),
        "Python's generator left out": (PYTHON, ""),
        "NumPy's second normal left out": (
            "[kind, np.asarray(words).tolist(), *rest]",
            "[kind, np.asarray(words).tolist(), rest[0], 0, 0.0]",
        ),
        "Python's second normal left out": (
            'state["python"] = random.getstate()',
            'state["python"] = (*random.getstate()[:2], None)',
        ),
        "all seeded in the constructor": (
            "        self.begin(0)\n",
            "        torch.manual_seed(seed), np.random.seed(seed), random.seed(seed)\n"
            "        self.begin(0)\n",
        ),
        "a number drawn for the state": (
            '        state["torch"] = ',
            '        torch.rand(1)\n        state["torch"] = ',
        ),
        "a new generator of the same seed": (
            'state["torch"] = torch.get_rng_state()',
            'state["torch"] = torch.Generator().manual_seed(torch.initial_seed()).get_state()',
        ),
        "rows drawn after loading": (
            PYTHON,
            PYTHON + "        self.dataset[0]\n",
        ),
    },
    "file": {
        "a class": (
            '        state["python"] =',
            '        state["names"] = {random.Random}\n        state["python"] =',
        ),
        "a NumPy array": (
            "[kind, np.asarray(words).tolist(), *rest]",
            "[kind, words, *rest]",
        ),
        "NumPy's state as it is": (
            "[kind, np.asarray(words).tolist(), *rest]",
            "np.random.get_state()",
        ),
    },
    "snapshot": {
        "references in the state": (COPIED, "getattr(self, name).state_dict()"),
        "only the model copied": (
            COPIED,
            'getattr(self, name).state_dict() if name != "model" else ' + COPIED,
        ),
        "the loaded tensors used on": ("copy.deepcopy(state[name])", "state[name]"),
        "one dict for all states": (
            "        return state\n",
            "        self.state = getattr(self, 'state', {})\n        self.state.update(state)\n"
            "        return self.state\n",
        ),
        "emptied by loading": (
            PYTHON,
            '        random.setstate(state.pop("python"))\n',
        ),
    },
    "device": {
        "the batch left where it is": (
            "self.model(x.to(device)), y.to(device)",
            "self.model(x), y",
        ),
        "the generator's state where map_location put it": (
            'state["torch"].cpu()',
            'state["torch"]',
        ),
        "the labels left where they are": ("y.to(device))", "y)"),
        "momenta put in by hand": (
            LOADED,
            LOADED + '        held = copy.deepcopy(state["optimizer"]["state"])\n'
            "        for i, p in enumerate(self.model.parameters()):\n"
            "            if i in held:\n"
            "                self.optimizer.state[p] = held[i]\n",
        ),
    },
    "foreign": {
        "nothing compared": (REFUSED, "        if False:\n"),
        "batch_size and rows alone": (
            REFUSED,
            '        if {**state["fixed"], "seed": 0} != {**self.fixed, "seed": 0}:\n',
        ),
        "seed alone": (REFUSED, '        if state["fixed"]["seed"] != self.fixed["seed"]:\n'),
        "only a smaller dataset": (
            REFUSED,
            '        mine, its = self.fixed, state["fixed"]\n'
            '        if {**its, "rows": 0} != {**mine, "rows": 0} or its["rows"] > mine["rows"]:\n',
        ),
        "refused when the model is loaded": (
            REFUSED,
            '        self.model.load_state_dict(state["model"])\n' + REFUSED,
        ),
        "refused when the random states are set": (
            REFUSED,
            '        torch.set_rng_state(state["torch"].cpu())\n' + REFUSED,
        ),
        "another error": ("raise ValueError(", "raise RuntimeError("),
    },
}

VARIANTS = {
    "a generator, its state before the order": GENERATOR.replace(
        "STATE", "self.before = self.generator.get_state()"
    ).replace("KEPT", "before"),
    "the order in the state": """
import io

class Run:
    def __init__(self, model, optimizer, scheduler, dataset, batch_size, seed):
        self.model, self.optimizer, self.scheduler = model, optimizer, scheduler
        self.dataset, self.batch_size, self.seed = dataset, batch_size, seed
        self.rng, self.left = random.Random(seed), []

    def step(self):
        if not self.left:
            self.left = list(range(len(self.dataset)))
            self.rng.shuffle(self.left)
        rows, self.left = self.left[: self.batch_size], self.left[self.batch_size :]
        items = [self.dataset[i] for i in rows]
        x, y = torch.stack([x for x, _ in items]), torch.tensor([y for _, y in items])
        self.model.train()
        self.model.zero_grad()
        at = [p.device for p in self.model.parameters()][-1]
        loss = nn.CrossEntropyLoss()(self.model(x.to(at)), y.to(at))
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        return loss.item()

    def state_dict(self):
        name, words, pos, has, normal = np.random.get_state()
        state = {
            "parts": [p.state_dict() for p in (self.model, self.optimizer, self.scheduler)],
            "left": list(self.left), "rng": self.rng.getstate(), "python": random.getstate(),
            "torch": torch.get_rng_state(), "numpy": (name, words.tolist(), pos, has, normal),
            "of": (self.seed, self.batch_size, len(self.dataset)),
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        buffer.seek(0)
        return torch.load(buffer, weights_only=False)

    def load_state_dict(self, state):
        if tuple(state["of"]) != (self.seed, self.batch_size, len(self.dataset)):
            raise ValueError("another run")
        buffer = io.BytesIO()
        torch.save(state, buffer)
        buffer.seek(0)
        state = torch.load(buffer, weights_only=False)
        parts = self.model, self.optimizer, self.scheduler
        for part, its in zip(parts, state["parts"], strict=True):
            part.load_state_dict(its)
        self.left = state["left"]
        self.rng.setstate(state["rng"])
        random.setstate(state["python"])
        torch.set_rng_state(state["torch"].cpu())
        np.random.set_state(state["numpy"])
""",
    "a DataLoader that skips": """
from torch.utils.data import DataLoader

class Run(Run):
    def begin(self, epoch, position=0):
        self.epoch, self.position, self.batches = epoch, position, None
        self.order = range(len(self.dataset))

    def step(self):
        if self.position >= len(self.dataset):
            self.begin(self.epoch + 1)
        if self.batches is None:
            generator = torch.Generator().manual_seed(self.fixed["seed"] * 999 + self.epoch)
            loader = DataLoader(
                self.dataset, self.fixed["batch_size"], shuffle=True, generator=generator
            )
            held = torch.get_rng_state(), np.random.get_state(), random.getstate()
            self.batches = iter(loader)
            for _ in range(self.position // self.fixed["batch_size"]):
                next(self.batches)
            torch.set_rng_state(held[0]), np.random.set_state(held[1]), random.setstate(held[2])
        device = next(self.model.parameters()).device
        x, y = (part.to(device) for part in next(self.batches))
        self.model.train()
        loss = F.cross_entropy(self.model(x), y)
        self.optimizer.zero_grad(set_to_none=False)
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        self.position += len(y)
        return loss.item()
""",
}
