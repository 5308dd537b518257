"""One training epoch: the loop that every interview asks for.

A wrong loop runs too, and its loss often falls all the same. So yours is judged by what it does to
the parameters, buffers and modes, and by the number that it reports.

    model      nn.Module on device; it, or some of its parts, may come in eval mode
    loader     any iterable of pairs x (B, ...), y (B, ...): a DataLoader, a list, a generator, not
               always with a length; read once; tensors on any device; all sizes may vary, B >= 1
    criterion  takes the model's output and y as they come, of any shape and dtype; gives a 0-dim
               tensor: the mean loss of the B samples
    optimizer  torch.optim.Optimizer over any parameters: some or all of the model's, and perhaps
               others, such as the criterion's
    device     torch.device on which the model gets x and the criterion gets y
    returns    float: the mean loss per sample; every sample that came counts once, with the
               loss, whatever its value, that its batch had before the step on this batch

Each batch, in the order of the loader, has one forward pass, one backward pass and one step of the
given optimizer, on the gradient of this batch's mean loss alone: gradients from earlier batches or
from before the call have no influence. The whole model is in train mode for the epoch and is left
in it. No more than one finished batch's autograd graph stays in memory. A loader that gives no
batch: ValueError.

Ask yourself: what is in p.grad at each line? How much does a last batch of one sample count?
Guide: https://docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html
"""

import copy
import math
import weakref
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader


def train_one_epoch(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    criterion: Callable[[Tensor, Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
    device: torch.device,
) -> float:
    raise NotImplementedError("train_one_epoch")


def check(train_one_epoch):
    torch.manual_seed(0)
    N, D, H, K = 13, 5, 6, 3
    net = [nn.Linear(D, H), nn.BatchNorm1d(H), nn.ReLU(), nn.Dropout(0.5), nn.Linear(H, K)]
    loud = torch.arange(1.0, N + 1)  # losses that differ from batch to batch
    x, y = torch.randn(N, D) * loud[:, None], torch.randint(K, (N,))
    check_epochs(train_one_epoch, "classifier", nn.Sequential(*net), Tempered(), x, y, batch_size=4)
    x, y = torch.randn(N, 2, D).double(), (torch.randn(N, 2, K) * loud[:, None, None]).double()
    line = nn.Linear(D, K).double()
    check_epochs(train_one_epoch, "float64 regression", line, nn.MSELoss(), x, y, batch_size=3)
    check_device(train_one_epoch)
    check_mean(train_one_epoch)
    check_memory(train_one_epoch)
    model = nn.Linear(D, K)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    try:
        got = train_one_epoch(model, iter([]), nn.MSELoss(), optimizer, torch.device("cpu"))
    except ValueError:
        return
    except Exception as error:
        raise AssertionError(f"no batch at all: {error!r}, want ValueError") from error
    raise AssertionError(f"no batch at all gave {got!r}, want ValueError")


class Tempered(nn.CrossEntropyLoss):
    """Cross entropy of logits times a learned factor."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(1.5))

    def forward(self, logits: Tensor, y: Tensor) -> Tensor:
        return super().forward(self.factor * logits, y)


def check_epochs(train_one_epoch, name, model, criterion, x, y, batch_size):
    """Two epochs beside a twin; the optimizer holds all but net[0], the criterion's included."""
    both = nn.ModuleList([model, criterion])
    twin = copy.deepcopy(both)
    twin[1].reduction = "none"
    held, held_by_twin = (
        [p for key, p in m.named_parameters() if not key.startswith("0.0.")] for m in (both, twin)
    )
    speed = [torch.zeros_like(p) for p in held]
    optimizer = torch.optim.SGD(held, lr=0.1, momentum=0.9)
    rows = DataLoader(list(zip(x, y, strict=True)), batch_size, sampler=range(1, 11))  # 10 of 13
    small_first = list(rows)[::-1]
    for epoch, loader, eval_mode in (
        (1, lambda: rows, "the model"),
        (2, lambda: (pair for pair in small_first), "parts of it"),
    ):
        kind = type(loader()).__name__
        what = f"{name}, epoch {epoch}, a {kind}, {eval_mode} in eval mode and old gradients before"
        for p in held:
            p.grad = torch.randn_like(p)  # left over from somewhere
        for part in model.modules():
            part.training = part is model and epoch == 2
        torch.manual_seed(epoch)
        want = epoch_by_hand(*twin, loader(), held_by_twin, speed)
        torch.manual_seed(epoch)  # the same units drop out
        got = train_one_epoch(model, loader(), criterion, optimizer, torch.device("cpu"))
        state = both.state_dict()
        for key, value in reversed(twin.state_dict().items()):  # the criterion's first
            owner = "model" if key.startswith("0") else "criterion"
            where = f"{what}: the {owner}'s {key[2:]} is not what one step a batch gives"
            torch.testing.assert_close(
                state[key], value, rtol=1e-4, atol=1e-4, msg=lambda m, w=where: f"{w}\n{m}"
            )
        assert isinstance(got, float), f"{what}: returned a {type(got)}, want a float"
        assert abs(got - want) < 1e-4 * want, f"{what}: mean loss {got:.6f}, want {want:.6f}"
        modes = [part.training for part in model.modules()]
        assert all(modes), f"{what}: training flags of its parts after: {modes}, want all True"


def epoch_by_hand(model, criterion, batches, params, speed):
    """SGD with momentum in plain code; returns the mean of all the samples' losses."""
    losses = []
    for x, y in batches:
        each = criterion(model.train()(x), y).reshape(len(y), -1).mean(dim=1)
        gradients = torch.autograd.grad(each.mean(), params)
        with torch.no_grad():
            for p, v, g in zip(params, speed, gradients, strict=True):
                p -= 0.1 * v.mul_(0.9).add_(g)
        losses += each.tolist()
    return sum(losses) / len(losses)


def check_device(train_one_epoch):
    """The meta device stands in for a GPU; the loss stays on the CPU, so that it has a value."""
    model, seen = Echo(), []
    x, y = torch.randn(1, 4, 1), torch.zeros(1, 1, dtype=torch.int16)

    def criterion(*pair):
        seen.extend((t.device.type, t.dtype, tuple(t.shape)) for t in pair)
        return 2 * model.weight

    optimizer, crash = torch.optim.SGD(model.parameters(), lr=0.1), ""
    try:
        train_one_epoch(model, [(x.double(), y)], criterion, optimizer, torch.device("meta"))
    except RuntimeError as error:  # of a sum that is kept on device: there it has no value
        crash = f" ({error})"
    want = [("meta", torch.float64, (1, 4, 1)), ("meta", torch.int16, (1, 1))]
    assert seen == want, (
        f"device meta, a model that gives x back: criterion got {seen}{crash}, want {want}"
    )


class Echo(nn.Module):
    """Gives back what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return x


def check_mean(train_one_epoch):
    """A criterion whose losses are given; batches of unlike shapes."""
    weight = nn.Parameter(torch.ones(()))
    for losses, want in (([0.0, 0.0], 0.0), ([3e-7, 0.0], 2e-7), ([2.0, math.inf], math.inf)):
        coming, steps = iter(losses), []
        optimizer = torch.optim.SGD([weight], lr=0.1)
        optimizer.register_step_post_hook(lambda *_, steps=steps: steps.append(1))
        batches = [(torch.ones(4, 3), torch.ones(4, 3)), (torch.ones(2, 7), torch.ones(2, 7))]

        def criterion(output, y, coming=coming):
            return weight - weight.detach() + next(coming)

        cpu = torch.device("cpu")
        got = train_one_epoch(nn.Identity(), batches, criterion, optimizer, cpu)
        what = f"4 samples of mean loss {losses[0]}, then 2 of {losses[1]}"
        assert got == want or abs(got - want) < 1e-3 * want, f"{what}: returned {got}, want {want}"
        assert len(steps) == 2, f"{what}: {len(steps)} steps, want 2"


class Token:
    """Lives as long as the graph that it is attached to."""


def check_memory(train_one_epoch):
    alive, counts = weakref.WeakSet(), []

    def count(module, inputs, output):
        counts.append(len(alive))
        output.grad_fn.metadata["token"] = token = Token()
        alive.add(token)

    model = nn.Linear(3, 2)
    model.register_forward_hook(count)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    batches = [(torch.randn(4, 3), torch.randn(4, 2)) for _ in range(5)]
    train_one_epoch(model, batches, nn.MSELoss(), optimizer, torch.device("cpu"))
    assert len(counts) == 5, f"5 batches: {len(counts)} forward passes, want 5"
    assert max(counts) <= 1, (
        f"graphs of earlier batches in memory at each forward pass: {counts}, want at most 1"
    )


if __name__ == "__main__":
    try:
        check(train_one_epoch)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_training_loop.py")
