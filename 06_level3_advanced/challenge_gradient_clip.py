"""Gradient clipping: one wild batch must not undo a hundred good steps.

Gradients explode in recurrent nets, and in transformers when training starts. Clipping by the
global norm limits how far one step can go and keeps its direction.

    model      nn.Module on device; it, or some of its parts, may come in eval mode
    loader     any iterable of pairs x (B, ...), y (B, ...), not always with a length; read once;
               tensors on any device; all sizes may vary, B >= 1; no batch at all: ValueError
    criterion  takes the model's output and y; gives a 0-dim tensor: the mean loss of the B samples
    optimizer  torch.optim.Optimizer, in one or more groups, over all parameters of the model that
               require gradients; those without influence on the output may get none or zeros
    device     torch.device on which the model gets x and the criterion gets y, dtypes unchanged
    max_norm   >= 0.01, inf too; <= 0: ValueError, with loader and model (its modes too) untouched
    returns    float: the mean loss per sample; every sample that came counts once, with the loss
               that its batch had before the step on this batch

Each batch, in order, has one forward pass, one backward pass and one step of the given optimizer,
on the gradient of its mean loss alone. At the step, the 2-norm of all gradients together is at most
max_norm (within 0.03 %): longer ones are scaled to it, all by one factor, others stay as they are
(zeros too). Losses and gradients are finite. The whole model is in train mode and left so.

Ask yourself: when are a batch's gradients complete, and when is it too late to change them?
Paper: Pascanu et al. 2013, section 3.2, https://arxiv.org/abs/1211.5063
"""

import copy
import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader


def train_one_epoch_with_clip(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    criterion: Callable[[Tensor, Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
    device: torch.device,
    max_norm: float = 1.0,
) -> float:
    raise NotImplementedError("train_one_epoch_with_clip")


def check(train_one_epoch_with_clip):
    torch.manual_seed(0)
    N, D, H, K = 13, 5, 6, 3
    net = nn.Sequential(
        nn.Linear(D, H), nn.BatchNorm1d(H), nn.ReLU(), nn.Dropout(0.3), nn.Linear(H, K)
    )
    net[0].weight.requires_grad_(False)
    net[4].register_parameter("idle", nn.Parameter(torch.ones(2)))
    loud = torch.arange(1.0, N + 1)[:, None] / 3  # short gradients and long ones
    x, y = torch.randn(N, D), torch.randint(K, (N,))
    check_epochs(train_one_epoch_with_clip, net, nn.CrossEntropyLoss(), x, y, 4, {})
    check_epochs(train_one_epoch_with_clip, net, nn.CrossEntropyLoss(), x, y, 4, {"max_norm": 0.05})
    line = nn.Sequential(nn.Linear(D, 2, bias=False), nn.Linear(2, K, bias=False)).double()
    x, y = torch.randn(N, D).double(), (torch.randn(N, K) * loud).double()
    x[4:7] = 0  # the second batch: where the input is zero, so is each gradient
    check_epochs(train_one_epoch_with_clip, line, nn.MSELoss(), x, y, 3, {"max_norm": 2})
    check_epochs(train_one_epoch_with_clip, line, nn.MSELoss(), x, y, 3, {"max_norm": math.inf})
    check_device(train_one_epoch_with_clip)
    check_errors(train_one_epoch_with_clip)


def check_epochs(train_one_epoch_with_clip, start, criterion, x, y, batch_size, options):
    """Two epochs beside a twin whose gradients are cut in plain code."""
    model, twin = copy.deepcopy(start), copy.deepcopy(start)
    optimizer, reference = sgd(model), sgd(twin)
    given = []  # for each step: the gradients that the optimizer was given
    optimizer.register_step_post_hook(lambda *_: given.append(gradients_of(model)))
    rows = DataLoader(list(zip(x, y, strict=True)), batch_size, sampler=range(1, 11))  # 10 of 13
    small_first = list(rows)[::-1]
    for epoch, loader in ((1, lambda: rows), (2, lambda: (pair for pair in small_first))):
        kind = type(loader()).__name__
        what = (
            f"{type(criterion).__name__}, {options or 'default max_norm'}, epoch {epoch} ({kind})"
        )
        for group in optimizer.param_groups:
            for p in group["params"]:
                p.grad = torch.randn_like(p)  # left over from somewhere
        for part in model.modules():
            part.training = part is model and epoch == 2
        torch.manual_seed(epoch)
        max_norm = options.get("max_norm", 1.0)
        steps, want = epoch_by_hand(twin, loader(), type(criterion), reference, max_norm)
        torch.manual_seed(epoch)  # the same units drop out
        given.clear()
        cpu = torch.device("cpu")
        got = train_one_epoch_with_clip(model, loader(), criterion, optimizer, cpu, **options)

        assert len(given) == len(rows), f"{what}: {len(given)} steps on {len(rows)} batches"
        for i, (before, after) in enumerate(steps):
            norm = math.hypot(*(v for g in given[i].values() for v in g.flatten().tolist()))
            right = min(before, max_norm)
            assert abs(norm - right) <= 3e-4 * right, (
                f"{what}, step {i + 1}: the optimizer was given gradients of 2-norm {norm:.6f}, "
                f"want {right:.6f}; unclipped it is {before:.6f}"
            )
            for name, gradient in after.items():
                close(given[i][name], gradient, f"{what}, step {i + 1}: gradient of {name}")
        for (name, mine), right in zip(
            model.state_dict().items(), twin.state_dict().values(), strict=True
        ):
            close(mine, right, f"{what}: {name} is not what such steps give")
        assert isinstance(got, float), f"{what}: returned a {type(got)}, want a float"
        assert abs(got - want) < 1e-3 * want, f"{what}: mean loss {got:.6f}, want {want:.6f}"
        modes = [part.training for part in model.modules()]
        assert all(modes), f"{what}: left the parts of the model in train mode: {modes}"


def sgd(model):
    params = [p for p in model.parameters() if p.requires_grad]
    groups = [{"params": params[1:]}, {"params": params[:1], "lr": 0.02}]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9)


def gradients_of(model):
    """Copies by name; a parameter without a gradient counts as zeros."""
    return {
        name: torch.zeros_like(p) if p.grad is None else p.grad.clone()
        for name, p in model.named_parameters()
    }


def epoch_by_hand(model, batches, kind, optimizer, max_norm):
    """([(norm before clipping, gradients after it) of each step], mean of all samples' losses)."""
    steps, losses = [], []
    for x, y in batches:
        each = kind(reduction="none")(model.train()(x), y).reshape(len(y), -1).mean(dim=1)
        optimizer.zero_grad()
        each.mean().backward()
        before = math.hypot(
            *(v for g in gradients_of(model).values() for v in g.flatten().tolist())
        )
        for p in model.parameters():
            if p.grad is not None and before > max_norm:
                p.grad *= max_norm / before
        steps.append((before, gradients_of(model)))
        optimizer.step()
        losses += each.tolist()
    return steps, sum(losses) / len(losses)


def close(got, want, what):
    torch.testing.assert_close(got, want, rtol=1e-3, atol=1e-4, msg=lambda m: f"{what}\n{m}")


def check_device(train_one_epoch_with_clip):
    """The meta device stands in for a GPU; the loss stays on the CPU, so that it has a value."""
    model, seen, batch = nn.Identity(), [], (torch.ones(4, 3).long(), torch.ones(4).double())
    model.weight = weight = nn.Parameter(torch.tensor(3.0))

    def criterion(*pair):
        seen.extend((t.device.type, t.dtype) for t in pair)
        return 2 * weight

    optimizer, crash = torch.optim.SGD([weight], lr=0.1), ""
    try:
        train_one_epoch_with_clip(model, [batch] * 2, criterion, optimizer, torch.device("meta"))
    except RuntimeError as error:  # of a sum that is kept on device: there it has no value
        crash = f" ({error})"
    want = [("meta", torch.int64), ("meta", torch.float64)] * 2
    assert seen == want, (
        f"device meta, a model that gives x back: criterion got {seen}{crash}, want {want}"
    )


def check_errors(train_one_epoch_with_clip):
    pair = torch.randn(4, 3), torch.randn(4, 2)
    for max_norm, batches in ((0, [pair]), (-0.5, [pair]), (1.0, [])):
        model, loader = nn.Linear(3, 2).eval(), iter(batches)
        before, optimizer = copy.deepcopy(model), torch.optim.SGD(model.parameters(), lr=0.1)
        call = f"max_norm={max_norm}, {len(batches)} batches"
        try:
            got = train_one_epoch_with_clip(
                model, loader, nn.MSELoss(), optimizer, torch.device("cpu"), max_norm=max_norm
            )
        except Exception as error:
            got = error
        assert isinstance(got, ValueError), f"{call}: {got!r}, want ValueError"
        if batches:
            assert not model.training, f"{call}: the model was switched to train mode"
            assert len(list(loader)) == 1, f"{call}: the loader was read"
            close(model.weight, before.weight, f"{call}: the model's weight moved")


if __name__ == "__main__":
    try:
        check(train_one_epoch_with_clip)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_gradient_clip.py")
