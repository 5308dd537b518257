"""Gradient accumulation: the step of a big batch in the memory of a small one.

When the batch that you want does not fit, its gradient can be put together from smaller ones. Every
accum_steps batches that follow each other are a group; those left at the end are a shorter one.

    model        nn.Module on device; it, or some of its parts, may come in eval mode
    loader       any iterable of pairs x (B, ...), y (B, ...), not always with a length; read once;
                 tensors on any device; all sizes may vary, B >= 1; no batch at all: ValueError
    criterion    takes the model's output and y; gives a 0-dim tensor: the mean loss of B samples
    optimizer    torch.optim.Optimizer, in one or more groups, over all parameters of the model that
                 require gradients; those without influence on the output may get none or zeros
    device       torch.device on which the model gets x and the criterion gets y, dtypes unchanged
    accum_steps  int; <= 0: ValueError, with loader and model (its modes too) untouched
    returns      float: the mean loss per sample; every sample that came counts once, with the loss
                 that its batch had in its own forward pass

Each batch, in order, has one forward pass of its own; each group has one step of the given
optimizer, on the gradient of this group's mean loss alone. In every group, the last too, each
sample weighs the same: without layers that mix samples (BatchNorm) or draw numbers (Dropout) the
step is that on the joined batch. In memory are at most one finished batch's graph and the data of
two groups. The whole model is in train mode and left so. Losses and gradients are finite.

Ask yourself: what does a small batch in a group weigh?
Guide: https://docs.pytorch.org/docs/stable/notes/amp_examples.html#gradient-accumulation
"""

import copy
import weakref
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader


def train_one_epoch_accum(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    criterion: Callable[[Tensor, Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
    device: torch.device,
    accum_steps: int,
) -> float:
    raise NotImplementedError("train_one_epoch_accum")


def check(train_one_epoch_accum):
    torch.manual_seed(0)
    N, D, H, K = 29, 5, 6, 3
    loud = torch.arange(1.0, N + 1)[:, None] / 5  # losses that differ from batch to batch
    x, y = torch.randn(N, D) * loud, torch.randint(K, (N,))
    net = [nn.Linear(D, H), nn.BatchNorm1d(H), nn.ReLU(), nn.Dropout(0.3), nn.Linear(H, K)]
    net = nn.Sequential(*net)
    net[0].weight.requires_grad_(False)
    net[4].register_parameter("idle", nn.Parameter(torch.ones(2)))
    sizes = [4, 2, 6, 3, 5, 2, 3]  # 25 of 29 samples
    check_epochs(train_one_epoch_accum, net, nn.CrossEntropyLoss, x, y, sizes, 3, joined=False)

    net = nn.Sequential(nn.Linear(D, H), nn.Tanh(), nn.Linear(H, K)).double()
    x, y = x.double(), (torch.randn(N, K) * loud).double()
    for accum_steps in (1, 2, 4, 9):
        sizes = [2, 5, 1, 4, 3, 1]
        check_epochs(train_one_epoch_accum, net, nn.MSELoss, x, y, sizes, accum_steps, joined=True)
    check_device(train_one_epoch_accum)
    check_memory(train_one_epoch_accum)
    check_errors(train_one_epoch_accum)


def check_epochs(train_one_epoch_accum, start, kind, x, y, sizes, accum_steps, joined):
    """Two epochs beside a twin that takes the mean over the losses of a group's samples."""
    model, twin = copy.deepcopy(start), copy.deepcopy(start)
    optimizer, reference = sgd(model), sgd(twin)
    seen, stepped = [], []  # samples in each forward pass; forward passes before each step
    model.register_forward_hook(lambda _, inputs, output: seen.append(len(inputs[0])))
    optimizer.register_step_post_hook(lambda *_: stepped.append(len(seen)))
    cuts = [list(part) for part in torch.arange(1, 1 + sum(sizes)).split(sizes)]
    rows = DataLoader(list(zip(x, y, strict=True)), batch_sampler=cuts)
    backwards = list(rows)[::-1]
    for epoch, loader in ((1, lambda: rows), (2, lambda: (pair for pair in backwards))):
        batches = list(loader())
        want_seen = [len(part) for _, part in batches]
        want_stepped = [*range(accum_steps, len(sizes), accum_steps), len(sizes)]
        what = (
            f"{kind.__name__}, accum_steps={accum_steps}, epoch {epoch}, "
            f"a {type(loader()).__name__} of batches of {want_seen}"
        )
        for group in optimizer.param_groups:
            for p in group["params"]:
                p.grad = torch.randn_like(p)  # left over from somewhere
        for part in model.modules():
            part.training = part is model and epoch == 2
        torch.manual_seed(epoch)
        want = epoch_by_hand(twin, loader(), kind, reference, accum_steps, joined)
        torch.manual_seed(epoch)  # the same units drop out
        seen.clear()
        stepped.clear()
        cpu = torch.device("cpu")
        try:
            got = train_one_epoch_accum(model, loader(), kind(), optimizer, cpu, accum_steps)
        except TypeError as error:
            if epoch == 1:
                raise
            raise AssertionError(f"{what}: {error!r}, want it only iterated over") from error

        assert seen == want_seen, f"{what}: forward passes on {seen} samples"
        assert stepped == want_stepped, (
            f"{what}: steps after {stepped} forward passes, want after {want_stepped}"
        )
        for (name, mine), right in zip(
            model.state_dict().items(), twin.state_dict().values(), strict=True
        ):
            torch.testing.assert_close(
                mine,
                right,
                rtol=1e-4,
                atol=1e-4,
                msg=lambda m, name=name, w=what: (
                    f"{w}: {name} is not what a step per group gives\n{m}"
                ),
            )
        assert isinstance(got, float), f"{what}: returned a {type(got)}, want a float"
        assert abs(got - want) < 1e-4 * want, f"{what}: mean loss {got:.6f}, want {want:.6f}"
        modes = [part.training for part in model.modules()]
        assert all(modes), f"{what}: left the parts of the model in train mode: {modes}"


def sgd(model):
    params = [p for p in model.parameters() if p.requires_grad]
    groups = [{"params": params[1:]}, {"params": params[:1], "lr": 0.02}]
    return torch.optim.SGD(groups, lr=0.05, momentum=0.9)


def epoch_by_hand(model, loader, kind, optimizer, accum_steps, joined):
    """One backward pass a group, from all its samples' losses; returns the mean of all losses."""
    losses, batches = [], list(loader)
    for i in range(0, len(batches), accum_steps):
        group = batches[i : i + accum_steps]
        if joined:
            group = [[torch.cat(parts) for parts in zip(*group, strict=True)]]
        each = [kind(reduction="none")(model.train()(x), y) for x, y in group]
        each = torch.cat([part.reshape(len(part), -1).mean(dim=1) for part in each])
        optimizer.zero_grad()
        each.mean().backward()
        optimizer.step()
        losses += each.tolist()
    return sum(losses) / len(losses)


def check_device(train_one_epoch_accum):
    """The meta device stands in for a GPU; the loss stays on the CPU, so that it has a value."""
    model, seen, batch = nn.Identity(), [], (torch.ones(4, 3).long(), torch.ones(4).double())
    model.weight = weight = nn.Parameter(torch.tensor(3.0))

    def criterion(*pair):
        seen.extend((t.device.type, t.dtype) for t in pair)
        return 2 * weight

    optimizer, crash = torch.optim.SGD([weight], lr=0.1), ""
    try:
        train_one_epoch_accum(model, [batch] * 3, criterion, optimizer, torch.device("meta"), 2)
    except RuntimeError as error:  # of a sum that is kept on device: there it has no value
        crash = f" ({error})"
    want = [("meta", torch.int64), ("meta", torch.float64)] * 3
    assert seen == want, (
        f"device meta, a model that gives x back: criterion got {seen}{crash}, want {want}"
    )


class Token:
    """Lives as long as the graph that it is attached to."""


def check_memory(train_one_epoch_accum):
    graphs, alive, data, held = weakref.WeakSet(), [], weakref.WeakSet(), []
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def count(module, inputs, output):
        alive.append(len(graphs))
        output.grad_fn.metadata["token"] = token = Token()
        graphs.add(token)

    def batches():
        for _ in range(11):
            held.append(len(data))
            x = torch.randn(4, 3)
            data.add(x)
            yield x, torch.randn(4, 2)
            del x

    model.register_forward_hook(count)
    train_one_epoch_accum(model, batches(), nn.MSELoss(), optimizer, torch.device("cpu"), 3)
    assert max(alive) <= 1, (
        f"graphs of earlier batches in memory at each forward pass: {alive}, want at most 1"
    )
    assert max(held) <= 6, (
        f"accum_steps=3: earlier batches in memory at each read: {held}, want at most 6"
    )


def check_errors(train_one_epoch_accum):
    pair = torch.randn(4, 3), torch.randn(4, 2)
    for accum_steps, batches in ((0, [pair]), (-1, [pair]), (2, [])):
        model, loader = nn.Linear(3, 2).eval(), iter(batches)
        before, optimizer = copy.deepcopy(model), torch.optim.SGD(model.parameters(), lr=0.1)
        call = f"accum_steps={accum_steps}, {len(batches)} batches"
        try:
            got = train_one_epoch_accum(
                model, loader, nn.MSELoss(), optimizer, torch.device("cpu"), accum_steps
            )
        except Exception as error:
            got = error
        assert isinstance(got, ValueError), f"{call}: {got!r}, want ValueError"
        if batches:
            assert not model.training, f"{call}: the model was switched to train mode"
            assert len(list(loader)) == 1, f"{call}: the loader was read"
            assert torch.equal(model.weight, before.weight), f"{call}: the model's weight moved"


if __name__ == "__main__":
    try:
        check(train_one_epoch_accum)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_gradient_accumulation.py")
