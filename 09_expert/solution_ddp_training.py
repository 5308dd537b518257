"""DDP by hand: send each gradient as soon as it is there, in one order on all ranks.

Why it works: equal weights and equal gradients give equal steps, so after the first broadcast only
gradients are sent. Gradients 1 and 4 on two ranks: all_reduce gives 5 to both, divided by W 2.5.
A post-accumulate hook runs when a parameter's gradient is whole, a tied one's too; the all_reduce
that it begins runs while backward computes the layers below.
Say in the interview:
- All ranks have to begin the same collectives in the same order. Hooks fire in the order of each
  rank's own graph, so a gradient waits here until all that stand before it have been sent.
- The last layer's gradients come first, so the list is reversed. Real DDP joins small gradients to
  buckets of 25 MB, as a call costs time however little it sends.
- The last all_reduce tells who had a gradient: one that nobody had stays None, as in one process,
  and the optimizer leaves its parameter alone.
- The mean of the ranks' gradients is that of the joined batch if their batches are of equal size.
  Otherwise let each rank's loss be its sum times W / all rows.
- A report has the same trap: means of 2 rows and of 100 must not count alike.
Asked next: "Accumulation?" no_sync for all but the last backward: one exchange for k of them.
"What if a rank runs out of batches?" It goes on calling finish_gradient_synchronization: zeros.
"BatchNorm?" Its buffers drift apart; torch's DDP sends rank 0's before each forward pass.
Common slips: the sum instead of the mean; wait() in the hook, so nothing overlaps; only
parameters broadcast; a rank that skips an unused parameter, and all wait for ever.
May be left out if you say so: unused parameters, float64 sums.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


class DDP(nn.Module):
    """The module, with gradients averaged over the ranks of dist."""

    def __init__(self, module: nn.Module, dist: Any = torch.distributed) -> None:
        super().__init__()
        self.module, self.dist, self.syncs = module, dist, True
        for tensor in (*module.parameters(), *module.buffers()):
            dist.broadcast(tensor.detach(), src=0)
        # About the order in which backward makes the gradients; the same on all ranks.
        self.trained = [p for p in module.parameters() if p.requires_grad][::-1]
        self.device = next((p.device for p in self.trained), None)
        self.ready = set[Tensor]()
        self.sent = list[tuple[Tensor, Any]]()  # of the first in trained: gradient and its work
        for p in self.trained:
            p.register_post_accumulate_grad_hook(self.is_ready)

    def forward(self, *inputs: Any, **named: Any) -> Any:
        return self.module(*inputs, **named)

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Gradients only accumulate on each rank."""
        before, self.syncs = self.syncs, False
        try:
            yield
        finally:
            self.syncs = before

    def is_ready(self, p: Tensor) -> None:
        """The hook: p.grad is whole. Sends what is next in the order, as far as it is there."""
        if self.syncs:
            self.ready.add(p)
            while len(self.sent) < len(self.trained) and self.next() in self.ready:
                self.send(self.next())

    def next(self) -> Tensor:
        return self.trained[len(self.sent)]

    def send(self, p: Tensor) -> None:
        grad = torch.zeros_like(p) if p.grad is None else p.grad
        self.sent.append((grad, self.dist.all_reduce(grad, async_op=True)))

    def finish_gradient_synchronization(self) -> None:
        """Each .grad is the mean over the ranks; None where no rank has one."""
        for p in self.trained[len(self.sent) :]:
            self.send(p)
        has = [p.grad is not None for p in self.trained]
        any_has = torch.tensor(has, dtype=torch.int32, device=self.device)
        self.dist.all_reduce(any_has, op=self.dist.ReduceOp.MAX)
        for p, (grad, work), has_grad in zip(self.trained, self.sent, any_has, strict=True):
            work.wait()
            if has_grad:
                p.grad = grad.div_(self.dist.get_world_size())
        self.ready.clear()
        self.sent.clear()


def reduce_mean(total: Tensor, count: int, dist: Any = torch.distributed) -> Tensor:
    """The mean over all ranks' items: total any shape, the sum over `count` of them here."""
    items = torch.tensor([count], device=total.device)
    sums = torch.cat([total.detach().double().flatten(), items])
    dist.all_reduce(sums)
    mean = (sums[:-1] / sums[-1]).reshape(total.shape)
    return mean.to(total.dtype if total.is_floating_point() else torch.float32)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
