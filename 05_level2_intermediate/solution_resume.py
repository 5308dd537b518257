"""Resume: the state is all that the next step reads, and nothing that lives on.

Why it works: a step reads weights, buffers, momenta, the rate, the rows and random numbers. The
order of an epoch can be drawn again from seed and epoch, so two numbers stand for it: with 5 rows
in batches of 2, after step 4 the state is epoch 1, position 2. The global generators cannot be
drawn again from a seed: their states are saved, NumPy's and Python's kept second normal included.
Say in the interview:
- state_dict() gives references, and load_state_dict() of an optimizer keeps the tensors it gets
  where no cast is needed. So copy on both ways, or the saved state trains on.
- The random states come last: whatever was drawn while loading does not count.
- weights_only refuses NumPy arrays and generators: save lists, numbers and tensors.
- On a GPU dropout draws from the GPU's generator: save torch.cuda.get_rng_state_all(), too. Bit
  for bit needs the same machine, and there torch.use_deterministic_algorithms(True).
Asked next: "Workers?" They draw ahead, so the position is that of the batches trained on, and each
worker's generator needs a state: torchdata's StatefulDataLoader. "What else is state?" The scaler
of float16, an average of the weights, the best score, the random states of each rank.
Common slips: the order from the global generator, drawn again after loading; the generator's state
saved after the epoch's order was drawn from it; a position that counts batches of another
batch_size; torch.load with map_location="cuda" moves the generator's state, too, and set_rng_state
wants it on the CPU.
May be left out if you say so: the check for foreign states.
"""

import copy
import random
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import default_collate

PARTS = "model", "optimizer", "scheduler"


class Run:
    """A training that can be stopped between any two steps."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        scheduler: LRScheduler,
        dataset: Any,
        batch_size: int,
        seed: int,
    ) -> None:
        self.model, self.optimizer, self.scheduler = model, optimizer, scheduler
        self.dataset = dataset
        self.fixed = {"seed": seed, "batch_size": batch_size, "rows": len(dataset)}
        self.begin(0)

    def begin(self, epoch: int, position: int = 0) -> None:
        """position: so many rows of the epoch are done."""
        generator = torch.Generator().manual_seed(self.fixed["seed"] + epoch)
        self.order = torch.randperm(len(self.dataset), generator=generator).tolist()
        self.epoch, self.position = epoch, position

    def step(self) -> float:
        if self.position >= len(self.order):
            self.begin(self.epoch + 1)
        rows = self.order[self.position :][: self.fixed["batch_size"]]
        x, y = default_collate([self.dataset[i] for i in rows])
        device = next(self.model.parameters()).device
        self.model.train()
        loss = F.cross_entropy(self.model(x.to(device)), y.to(device))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        self.position += len(rows)
        return loss.item()

    def state_dict(self) -> dict[str, Any]:
        kind, words, *rest = np.random.get_state()
        state = {name: copy.deepcopy(getattr(self, name).state_dict()) for name in PARTS}
        state |= {"fixed": self.fixed, "epoch": self.epoch, "position": self.position}
        state["torch"] = torch.get_rng_state()
        state["numpy"] = [kind, np.asarray(words).tolist(), *rest]
        state["python"] = random.getstate()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if state["fixed"] != self.fixed:
            raise ValueError(f"a state of a run with {state['fixed']}, this one has {self.fixed}")
        for name in PARTS:
            getattr(self, name).load_state_dict(copy.deepcopy(state[name]))
        self.begin(state["epoch"], state["position"])
        torch.set_rng_state(state["torch"].cpu())
        np.random.set_state(tuple(state["numpy"]))
        random.setstate(state["python"])


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
