"""Train, validate, repeat: the loop that tells whether a model learns or memorizes.

Training changes the model, validation must leave no trace.

    train_one_epoch   float: the mean loss per sample, each batch's taken before its step
    validate          tuple of two floats: the mean loss per sample, and the accuracy: the share (0
                      to 1) of the samples whose label has the largest of their logits
    train_for_epochs  `epochs` times (0 too): an epoch of training, then a validation. Returns a
                      dict of "train_loss", "val_loss" and "val_acc", lists of a float per epoch

    model      on device; maps x (B, ...), on device too, to logits (B, K)
    loader     any iterable, not always with a length, of pairs x (B, ...), y (B,) int64 class
               indices, on any device; B >= 1 may vary. It is read once, by train_for_epochs once an
               epoch; each epoch may bring other samples
    criterion  takes logits and y, both on device, and gives the mean loss of the batch, 0-dim
    optimizer  a torch.optim.Optimizer over some or all of the model's parameters

Each batch has one forward pass, in training also one backward pass and one step, on the gradient of
its own mean loss alone. Training puts the whole model in train mode and leaves it so, in
train_for_epochs too. Validation runs all of it in eval mode and records no gradients. After it,
also if it raises, parameters, their .grad and requires_grad, buffers, modes of all modules and
torch.is_grad_enabled() are as before. A loader that gives no batch: ValueError.

Ask yourself: what can a forward pass alone change in a model?
Guide: https://docs.pytorch.org/tutorials/beginner/introyt/trainingyt.html
"""

import copy
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

Loader = Iterable[tuple[Tensor, Tensor]]
Criterion = Callable[[Tensor, Tensor], Tensor]


def train_one_epoch(
    model: nn.Module,
    loader: Loader,
    criterion: Criterion,
    optimizer: torch.optim.Optimizer,
    device: torch.device,
) -> float:
    raise NotImplementedError("train_one_epoch")


def validate(
    model: nn.Module, loader: Loader, criterion: Criterion, device: torch.device
) -> tuple[float, float]:
    raise NotImplementedError("validate")


def train_for_epochs(
    model: nn.Module,
    train_loader: Loader,
    val_loader: Loader,
    criterion: Criterion,
    optimizer: torch.optim.Optimizer,
    device: torch.device,
    epochs: int,
) -> dict[str, list[float]]:
    raise NotImplementedError("train_for_epochs")


CPU, META = torch.device("cpu"), torch.device("meta")
D, H, K = 5, 6, 3


def check(train_one_epoch, validate, train_for_epochs):
    torch.manual_seed(0)
    check_training(train_one_epoch, torch.float32)
    check_training(train_one_epoch, torch.float64)
    check_validation(validate, torch.float32, modes=[(True, True), (False, True)])
    check_validation(validate, torch.float64, modes=[(True, False), (False, False)])
    check_history(train_for_epochs)
    check_device(train_one_epoch, validate, train_for_epochs)
    check_errors(train_one_epoch, validate, train_for_epochs)


def network(dtype=torch.float32):
    norm, layer = nn.BatchNorm1d(1), nn.Linear(D, H)
    body = nn.Sequential(norm, nn.Flatten(), layer, nn.ReLU(), nn.Dropout(0.5))
    return nn.Sequential(body, nn.Linear(H, K)).to(dtype)


def sgd(model):
    """Without the first linear layer, and with two learning rates."""
    groups = [{"params": model[0][0].parameters()}, {"params": model[1].parameters(), "lr": 0.2}]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9)


def loss_of(logits, y, reduction="mean"):
    return nn.functional.cross_entropy(logits, y, label_smoothing=0.2, reduction=reduction)


def samples(size, dtype=torch.float32):
    """13 samples in batches of `size`, the last one smaller; the later, the larger their loss."""
    x, y = torch.randn(13, 1, D, dtype=dtype), torch.randint(K, (13,))
    x *= torch.arange(1, 14)[:, None, None]
    return list(zip(x.split(size), y.split(size), strict=True))


def sizes(batches):
    return [len(y) for _, y in batches]


def train_by_hand(model, batches, optimizer):
    """The mean of all samples' losses."""
    losses = []
    for x, y in batches:
        optimizer.zero_grad()
        each = loss_of(model.train()(x), y, "none")
        each.mean().backward()
        optimizer.step()
        losses += each.tolist()
    return sum(losses) / len(losses)


def score_by_hand(model, batches):
    """(mean loss, accuracy) of all samples as one batch, of a copy."""
    x, y = (torch.cat(part) for part in zip(*batches, strict=True))
    logits = copy.deepcopy(model).eval()(x).detach()
    right = [
        row.index(max(row)) == label for row, label in zip(logits.tolist(), y.tolist(), strict=True)
    ]
    return loss_of(logits, y).item(), sum(right) / len(right)


def close(got, want, what):
    try:
        torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4, msg=str)
    except AssertionError as error:
        raise AssertionError(f"{what}\n{error}") from None


def attempt(what, function, *args):
    try:
        return function(*args)
    except (NotImplementedError, AssertionError):
        raise
    except Exception as error:
        raise AssertionError(f"{what}: {error!r}, want a result") from error


def all_trained(model, twin, what):
    modes = [part.training for part in model.modules()]
    assert all(modes), f"{what}: left the modules with training = {modes}, want all True"
    what = f"{what}: afterwards the model differs from one trained by hand on these batches"
    close(model.state_dict(), twin.state_dict(), what)


def check_training(train_one_epoch, dtype):
    model, passes = network(dtype), []
    twin = copy.deepcopy(model)
    optimizer, reference = sgd(model), sgd(twin)
    for p in model.parameters():
        p.grad = torch.randn_like(p)  # left over from somewhere
    model.register_forward_hook(lambda *_: passes.append(1))
    for call in (1, 2):
        batches = samples(6 * call, dtype)
        what = f"train_one_epoch, {dtype}, call {call}, an iterator of batches of {sizes(batches)}"
        (model, model[0])[call - 1].eval()  # all of it, then a part
        passes.clear()
        torch.manual_seed(call)  # the same units drop out
        got = attempt(what, train_one_epoch, model, iter(batches), loss_of, optimizer, CPU)
        n = len(passes)
        assert n == len(batches), f"{what}: {n} forward passes, want one for each batch"
        torch.manual_seed(call)
        want = train_by_hand(twin, batches, reference)
        all_trained(model, twin, what)
        assert isinstance(got, float), f"{what}: returned a {type(got)}, want a float"
        close(got, want, f"{what}: mean loss")


def check_validation(validate, dtype, modes):
    model, recorded = network(dtype), []
    train_by_hand(model, samples(13, dtype), sgd(model))  # leaves gradients and statistics
    model[1].requires_grad_(False).bias.grad = None
    model.register_forward_hook(lambda *io: recorded.append(io[2].requires_grad))
    for whole, part in modes:
        batches = samples(6, dtype)
        what = (
            f"validate, {dtype}, an iterator of batches of {sizes(batches)}, with model.training "
            f"{whole}, model[0].training {part}, torch.is_grad_enabled() {whole}"
        )
        model.train(whole)[0].train(part)
        want = score_by_hand(model, batches)
        recorded.clear()
        with torch.set_grad_enabled(whole):
            before = everything_in(model)
            got = attempt(what, validate, model, iter(batches), loss_of, CPU)
            after = everything_in(model)
        assert isinstance(got, tuple) and [isinstance(v, float) for v in got] == [True] * 2, (
            f"{what}: returned {got!r}, want a tuple of two floats"
        )
        close(got[0], want[0], f"{what}: mean loss")
        close(got[1], want[1], f"{what}: accuracy")
        n = len(recorded)
        assert n == len(batches), f"{what}: {n} forward passes, want one for each batch"
        assert not any(recorded), f"{what}: forward passes recorded gradients, want none"
        for key, value in after.items():
            assert value == before.get(key), f"{what}: {key} is {value}, it was {before.get(key)}"


def everything_in(model):
    """Parameters, their gradients, buffers and modes as plain numbers."""
    found = {key: value.tolist() for key, value in model.state_dict().items()}
    for key, p in model.named_parameters():
        found[f"{key}.grad"] = None if p.grad is None else p.grad.tolist()
        found[f"{key}.requires_grad"] = p.requires_grad
    found |= {f"training of module {key!r}": m.training for key, m in model.named_modules()}
    return found | {"torch.is_grad_enabled()": torch.is_grad_enabled()}


class Epochs:
    """A loader without a length that brings other batches in each epoch."""

    def __init__(self, batches):
        self.batches, self.reads = batches, 0

    def __iter__(self):
        self.reads += 1
        n = len(self.batches)
        assert self.reads <= n, f"train_for_epochs, epochs={n}: it reads a loader more often"
        return iter(self.batches[self.reads - 1])


def check_history(train_for_epochs):
    for hits in ([9, 2, 5], []):  # of 13, in each epoch
        epochs, model = len(hits), network()
        what, twin = f"train_for_epochs, epochs={epochs}, no lengths", copy.deepcopy(model)
        optimizer, reference = sgd(model), sgd(twin)
        train, val = ([samples(size) for _ in hits] for size in (4, 6))
        want = {"train_loss": [], "val_loss": [], "val_acc": []}
        torch.manual_seed(1)
        for epoch, n in enumerate(hits):
            want["train_loss"].append(train_by_hand(twin, train[epoch], reference))
            val[epoch] = labeled(twin, val[epoch], n)
            loss, accuracy = score_by_hand(twin, val[epoch])
            want["val_loss"].append(loss)
            want["val_acc"].append(accuracy)
        loaders = Epochs(train), Epochs(val)
        torch.manual_seed(1)
        args = model, *loaders, loss_of, optimizer, CPU, epochs
        got = attempt(what, train_for_epochs, *args)
        reads = [loader.reads for loader in loaders]
        assert reads == [epochs] * 2, f"{what}: read the loaders {reads} times, want once an epoch"
        assert isinstance(got, dict), f"{what}: returned {got!r}, want a dict"
        assert got.keys() == want.keys(), f"{what}: keys {list(got)}, want {list(want)}"
        for key, values in got.items():
            assert isinstance(values, list) and all(isinstance(v, float) for v in values), (
                f"{what}: {key} is {values!r}, want a list of floats"
            )
            close(values, want[key], f"{what}: {key} is {values}, want {want[key]}")
        all_trained(model, twin, what)


def labeled(model, batches, hits):
    """The batches with labels of which the model gets so many right, the first ones."""
    rows = [x for x, _ in batches]
    best = copy.deepcopy(model).eval()(torch.cat(rows)).argmax(dim=1)
    y = (best + (torch.arange(len(best)) >= hits)) % K
    return list(zip(rows, y.split([len(x) for x in rows]), strict=True))


class ReadsZero(TorchFunctionMode):
    """Meta tensors hold no numbers: whoever asks for one gets 0, or that two differ."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        if name in ("equal", "allclose"):
            return False
        asks = ("item", "tolist", "cpu", "numpy", "__float__", "__int__", "__bool__")
        to_cpu = name == "to" and "cpu" in map(str, [*args[1:], *(kwargs or {}).values()])
        if (name in asks or to_cpu) and args[0].is_meta:
            args = (torch.zeros_like(args[0], device="cpu"), *args[1:])
        return func(*args, **(kwargs or {}))


def check_device(train_one_epoch, validate, train_for_epochs):
    """The meta device stands in for a GPU."""
    model, data = nn.Sequential(nn.Flatten(), nn.Linear(D, K)).to(META), samples(5)
    optimizer = torch.optim.SGD(model.parameters())
    for name, function, args in (
        ("train_one_epoch", train_one_epoch, (optimizer, META)),
        ("validate", validate, (META,)),
        ("train_for_epochs", train_for_epochs, (optimizer, META, 2)),
    ):
        what = f"{name}, model and device meta, batches on the CPU"

        def got_x(module, inputs, what=what):
            assert inputs[0].is_meta, f"{what}: the model got x on {inputs[0].device}"

        def criterion(logits, y, what=what):
            assert y.is_meta, f"{what}: the criterion got y on {y.device}"
            return logits.mean()

        hook = model.register_forward_pre_hook(got_x)
        loaders = [data, data] if name == "train_for_epochs" else [data]
        with ReadsZero():
            attempt(what, function, model, *loaders, criterion, *args)
        hook.remove()


def check_errors(train_one_epoch, validate, train_for_epochs):
    model, data = network(), samples(6)
    rest = loss_of, sgd(model), CPU

    def broken():
        yield data[0]
        raise ValueError("cannot read the next batch")

    for what, call in (
        ("train_one_epoch, no batch", lambda: train_one_epoch(model, iter([]), *rest)),
        ("validate, no batch", lambda: validate(model, iter([]), loss_of, CPU)),
        ("validate, ValueError by loader", lambda: validate(model, broken(), loss_of, CPU)),
        ("train_for_epochs, none to train", lambda: train_for_epochs(model, [], data, *rest, 1)),
        ("train_for_epochs, none to validate", lambda: train_for_epochs(model, data, [], *rest, 1)),
    ):
        with torch.enable_grad():
            try:
                got = call()
            except Exception as error:
                got = error
            flags = [m.training for m in model.modules()] + [torch.is_grad_enabled()]
        assert isinstance(got, ValueError), f"{what}: {got!r}, want ValueError"
        assert all(flags), f"{what}: then modes and is_grad_enabled() are {flags}, want all True"


if __name__ == "__main__":
    try:
        check(train_one_epoch, validate, train_for_epochs)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_train_val_loop.py")
