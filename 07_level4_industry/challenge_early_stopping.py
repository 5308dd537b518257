"""Early stopping: train until the validation accuracy stops rising, leave with the best weights.

The best epoch is known only when it is over. By then training has moved the weights on, and a
careless memory of them has moved along.

    model         nn.Module on device, in any mode; maps x (B, ...) to logits (B, K)
    train_loader  each of the two: an iterable, maybe without a length, of pairs x (B, ...),
    val_loader    y (B,) int64 class indices, on any device; B >= 1 may vary; another pass may
                  bring other samples; a pass without any batch, in whichever epoch: ValueError
    criterion     takes logits and y, both on device; gives the mean loss of the batch, 0-dim
    optimizer     torch.optim.Optimizer over some or all of the model's parameters
    max_epochs    int, at most so many epochs; patience: int. Either below 1: ValueError
    returns       tuple (best_acc, stopped_epoch): a float, and an int, the number of the last epoch
                  that was run; the first epoch has the number 1

Epoch: one pass over train_loader in train mode, each batch with one step on the gradient of its own
mean loss alone; then one over val_loader in eval mode, without recording gradients. One forward
pass for each batch, no other. Its accuracy: the share (0 to 1) of validation samples whose label
has the largest logit. It improves if that is above all earlier epochs; the first always improves.
Stop: after `patience` epochs in a row that did not improve.
In the end the model's state dict, buffers too, is exactly what the last improvement validated; the
optimizer still holds the model's parameters; all of the model is in eval mode.
Gradients are enabled before the call, and after it, even if it raised ValueError.
Ask yourself: which lines write into the memory that a state dict refers to?
Paper: Prechelt 1998, "Early Stopping - But When?", https://doi.org/10.1007/3-540-49430-8_3
"""

import copy
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

Loader = Iterable[tuple[Tensor, Tensor]]
Criterion = Callable[[Tensor, Tensor], Tensor]


def early_stopping_loop(
    model: nn.Module,
    train_loader: Loader,
    val_loader: Loader,
    criterion: Criterion,
    optimizer: torch.optim.Optimizer,
    device: torch.device,
    max_epochs: int,
    patience: int,
) -> tuple[float, int]:
    raise NotImplementedError("early_stopping_loop")


CPU, META = torch.device("cpu"), torch.device("meta")
C, D, H, K = 2, 5, 6, 3


def check(early_stopping_loop):
    torch.manual_seed(0)
    for patience, hits, stop, best in (  # hits: of 13 samples, in the validation of each epoch
        (3, [9, 4, 9, 11, 11, 2, 3, 13], 7, 4),
        (2, [3, 5, 4, 7, 6, 8, 7], 7, 6),
        (1, [6, 13, 13, 5], 3, 2),
        (1, [0, 0, 13], 2, 1),
        (5, [4], 1, 1),
    ):
        check_run(early_stopping_loop, patience, hits, (8, 4, 1), stop, best)
    check_run(early_stopping_loop, 1, [9000, 9001, 12, 34], (9000, 8, 5002), 3, 2)
    check_device(early_stopping_loop)
    check_errors(early_stopping_loop)


class Passes:
    """A loader without a length; other batches in each pass; keeps the model at each beginning."""

    def __init__(self, passes, model):
        self.passes, self.model, self.states = passes, model, []

    def __iter__(self):
        n = len(self.passes)
        self.states.append(state_of(self.model))
        assert len(self.states) <= n, f"max_epochs={n}: a loader is read more often than that"
        return iter(self.passes[len(self.states) - 1])


def state_of(model):
    return {key: value.clone() for key, value in model.state_dict().items()}


def samples(*sizes):
    batches = [(torch.randn(n, C, D).double(), torch.randint(K, (n,))) for n in sizes]
    return [(x * (i + 1), y) for i, (x, y) in enumerate(batches)]


def training():
    """A model that was used before, and an optimizer of all its parameters but one."""
    body = nn.Linear(D, H), nn.BatchNorm1d(C), nn.ReLU(), nn.Dropout(0.3), nn.Flatten()
    model = nn.Sequential(*body, nn.Linear(C * H, K)).double()
    for p in model.parameters():
        p.grad = torch.randn_like(p)
    return model, sgd(model)


def sgd(model):
    return torch.optim.SGD(list(model.parameters())[1:], lr=0.1, momentum=0.9)


def by_hand(model, train_passes, val_passes, hits):
    """The model's state after each epoch; sets the labels so that so many of them are right."""
    optimizer, states = sgd(model), []
    for train, val, right in zip(train_passes, val_passes, hits, strict=True):
        for x, y in train:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model.train()(x), y).backward()
            optimizer.step()
        states.append(state_of(model))
        best = model.eval()(torch.cat([x for x, _ in val])).argmax(dim=1)
        labels = (best + (torch.arange(len(best)) >= right)) % K
        for (_, y), new in zip(val, labels.split([len(y) for _, y in val]), strict=True):
            y.copy_(new)
    return states


def check_run(early_stopping_loop, patience, hits, val_sizes, stop, best):
    N = sum(val_sizes)
    what = f"patience {patience}, max_epochs {len(hits)}, validation accuracies {hits} / {N}"
    model, optimizer = training()
    held = [id(p) for p in model.parameters()]
    train_passes, val_passes = ([samples(*n) for _ in hits] for n in ((6, 1, 5), val_sizes))
    torch.manual_seed(1)
    states = by_hand(copy.deepcopy(model), train_passes, val_passes, hits)
    (model, model[:2], model[2:])[len(hits) % 3].eval()
    kinds = []  # of forward passes

    def look(module, inputs, output):
        modes, recorded = {part.training for part in module.modules()}, output.requires_grad
        assert modes == {recorded}, (
            f"{what}: a forward pass, training flags of its parts: {modes}, gradients recorded: "
            f"{recorded}; want all True in training, all False in validation"
        )
        kinds.append("train" if recorded else "val")

    model.register_forward_hook(look)
    loaders = [Passes(passes, model) for passes in (train_passes, val_passes)]
    torch.manual_seed(1)  # the same units drop out
    limits, want = (len(hits), patience), (hits[best - 1] / N, stop)
    try:
        got = early_stopping_loop(model, *loaders, nn.CrossEntropyLoss(), optimizer, CPU, *limits)
    except Exception as error:
        if any(hits[:2]):
            raise
        raise AssertionError(f"{what}: {error!r}, want {want}") from error
    grad = torch.is_grad_enabled()
    torch.set_grad_enabled(True)
    for epoch, (state, twin) in enumerate(zip(loaders[1].states, states, strict=False), 1):
        close(state, twin, f"{what}: after training in epoch {epoch} the model is not its twin")
    reads = [len(loader.states) for loader in loaders]
    assert reads == [stop] * 2, f"{what}: passes over the loaders {reads}, want {stop} each"
    counts = [kinds.count("train"), kinds.count("val")]
    assert counts == [3 * stop] * 2, (
        f"{what}: forward passes in train and eval mode: {counts}, want 3 each in {stop} epochs"
    )
    types = isinstance(got, tuple) and [type(v) for v in got]
    assert types == [float, int], f"{what}: returned {got!r}, want a tuple of a float and an int"
    assert got[1] == stop and abs(got[0] - want[0]) < 1e-6, f"{what}: returned {got}, want {want}"
    close(
        model.state_dict(),
        loaders[1].states[best - 1],
        f"{what}: in the end it is not exactly the model of epoch {best}",
        rtol=0,
        atol=0,
    )
    assert [id(p) for p in model.parameters()] == held, (
        f"{what}: the model has new parameters, want those that the optimizer holds"
    )
    modes = [part.training for part in model.modules()]
    assert not any(modes), f"{what}: training flags of the model's parts: {modes}, want all False"
    assert grad, f"{what}: torch.is_grad_enabled() was True, now it is False"


def close(got, want, what, **tolerances):
    try:
        torch.testing.assert_close(got, want, msg=str, **tolerances)
    except AssertionError as error:
        raise AssertionError(f"{what}\n{error}") from None


class ReadsZero(TorchFunctionMode):
    """Meta tensors hold no numbers: whoever asks for one gets 0."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        asks = ("item", "tolist", "cpu", "numpy", "__float__", "__int__", "__bool__")
        if getattr(func, "__name__", "") in asks and args[0].is_meta:
            args = (torch.zeros_like(args[0], device="cpu"), *args[1:])
        return func(*args, **(kwargs or {}))


def check_device(early_stopping_loop):
    """The meta device stands in for a GPU."""
    what = "model and device meta, batches on the CPU"
    model = nn.Sequential(nn.Flatten(), nn.Linear(C * D, K)).double().to(META)

    def got_x(module, inputs):
        assert inputs[0].is_meta, f"{what}: the model got x on {inputs[0].device}"

    def criterion(logits, y):
        assert y.is_meta, f"{what}: the criterion got y on {y.device}"
        return logits.mean()

    model.register_forward_pre_hook(got_x)
    optimizer, data = torch.optim.SGD(model.parameters(), lr=0.1), samples(4, 3)
    try:
        with ReadsZero():
            early_stopping_loop(model, data, data, criterion, optimizer, META, 3, 1)
    except RuntimeError as error:
        raise AssertionError(f"{what}: {error}") from error
    found = model[1].weight.device
    assert found == META, f"{what}: in the end the model is on {found}, want meta"


def check_errors(early_stopping_loop):
    model, optimizer = training()
    full, empty, once = (lambda: samples(4, 3)), list, (lambda: iter(samples(4, 3)))
    for limits, train, val, why in (
        ((0, 2), full, full, ""),
        ((-1, 2), full, full, ""),
        ((2, 0), full, full, ""),
        ((2, -1), full, full, ""),
        ((2, 2), empty, full, ", training loader empty"),
        ((2, 2), full, empty, ", validation loader empty"),
        ((2, 2), once, full, ", training loader empty from epoch 2 on"),
        ((2, 2), full, once, ", validation loader empty from epoch 2 on"),
    ):
        what, loaders = f"max_epochs, patience {limits}{why}", (train(), val())
        try:
            got = early_stopping_loop(
                model, *loaders, nn.CrossEntropyLoss(), optimizer, CPU, *limits
            )
        except ValueError:
            grad = torch.is_grad_enabled()
            torch.set_grad_enabled(True)
            assert grad, f"{what}: after ValueError torch.is_grad_enabled() is False, was True"
            continue
        except Exception as error:
            raise AssertionError(f"{what}: {error!r}, want ValueError") from error
        raise AssertionError(f"{what}: returned {got!r}, want ValueError")


if __name__ == "__main__":
    try:
        check(early_stopping_loop)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_early_stopping.py")
