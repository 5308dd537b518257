"""Bug hunt 4: trains on the laptop, dies on the GPU box.

A colleague: "On my machine the loss goes down. On the server the same script crashes at the first
batch." train_step is called for each batch of a DataLoader. PyTorch's storage-less "meta" device
stands in for the GPU, so that you see the crash without one.

    model      all of it on one device, whichever that is; it stays there
    optimizer  holds the model's parameters and takes exactly one step
    x          (N, F)  of the model's dtype
    y          (N,)    int64 class indices
    returns    ()      the batch's mean cross entropy before the step, as a tensor on the model's
                       device in the model's dtype, with or without its graph

x and y are on the CPU or on the model's device, not always both in one place, and stay as they are.
The step follows this batch alone: gradients left over from earlier have no part in it. Each module
runs in the mode (train or eval) in which it is, and keeps it.

Run this file to see the crash, fix train_step, run it again.
Guide: https://docs.pytorch.org/docs/stable/notes/cuda.html
"""

import copy

import torch
from torch import Tensor, nn


def train_step(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> Tensor:
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def check(train_step):
    check_on(train_step, "cpu", torch.float32, training=True)
    check_on(train_step, "meta", torch.float32, training=True)
    check_on(train_step, "cpu", torch.float64, training=False)
    check_on(train_step, "meta", torch.float64, training=False)


def check_on(train_step, device, dtype, training):
    """Three steps beside a twin that plain code steps; on "meta" all but the values is compared."""
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(6) if device == "cpu" else nn.LayerNorm(6)  # with buffers and without
    body = nn.Sequential(nn.Linear(10, 6), norm, nn.ReLU())
    model = nn.Sequential(nn.Flatten(), body, nn.Dropout(0.25), nn.Linear(6, 3))
    model.to(device, dtype).train(training)
    norm.train(not training)  # as when one part is being fine-tuned
    twin = copy.deepcopy(model)
    optimizer, reference = (
        torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9) for m in (model, twin)
    )
    weights, modes = list(model.parameters()), [m.training for m in model.modules()]
    if device == "cpu":
        for p in weights:
            p.grad = torch.ones_like(p)  # left over from earlier
    ready = []  # for each step: how many parameters have a gradient
    optimizer.register_step_post_hook(
        lambda *_: ready.append(sum(p.grad is not None for p in weights))
    )

    losses, wants, crash = [], [], None
    for N, here, there in ((8, "cpu", "cpu"), (5, device, "cpu"), (4, "cpu", device)):
        what = f"model on {device}, x on {here}, y on {there}"
        x, y = torch.randn(N, 10, dtype=dtype).to(here), torch.randint(0, 3, (N,)).to(there)
        given = [(t, t.clone()) for t in (x, y)]
        torch.manual_seed(N)  # the same Dropout here and in the twin
        try:
            loss = train_step(model, optimizer, x, y)
        except Exception as error:
            crash = error
            break
        shape = tuple(loss.shape) if isinstance(loss, Tensor) else None
        assert shape == (), f"{what}: the loss is {loss!r}, want a tensor of shape ()"
        losses.append(loss.detach())
        for t, old in given:
            same = t.device == old.device and t.requires_grad == old.requires_grad
            assert same and (t.is_meta or torch.equal(t, old)), f"{what}: train_step changed x or y"
        torch.manual_seed(N)
        logits, y = twin(x.to(device)), y.to(device)
        want = (logits.logsumexp(1) - logits.gather(1, y[:, None])[:, 0]).mean()
        wants.append(want.detach())
        reference.zero_grad()
        want.backward()
        reference.step()

    numbers = ", ".join(
        f"{loss:.4f}" if device == "cpu" else f"on {loss.device}" for loss in losses
    )
    print(f"model on {device}, {dtype}: {len(ready)} of 3 steps taken, losses: {numbers or 'none'}")
    if crash:
        raise AssertionError(f"{what}: {type(crash).__name__}: {crash}") from crash

    what = f"model on {device}"
    for loss in losses:
        assert loss.device.type == device, f"{what}: the loss is on {loss.device}"
        assert loss.dtype == dtype, f"{what}, {dtype}: the loss is {loss.dtype}"
    if device == "cpu":
        close(losses[0], wants[0], "not the first batch's mean cross entropy before the step")
    assert ready == [6, 6, 6], (
        f"{what}, three batches: parameters that had a gradient at each step of the given "
        f"optimizer: {ready}, want [6, 6, 6]"
    )
    places = {t.device.type for t in model.state_dict().values()}
    assert places == {device}, f"{what}: after three batches it is on {sorted(places)}"
    now = [m.training for m in model.modules()]
    assert now == modes, f"{what}: the modules' training flags are {now}, they were {modes}"
    if device == "cpu":
        for (name, mine), right in zip(
            model.state_dict().items(), twin.state_dict().values(), strict=True
        ):
            close(mine, right, f"{dtype}: {name} after three steps, own against reference")
        close(torch.stack(losses), torch.stack(wants), f"{dtype}: the losses of the three batches")


def close(got, want, what):
    torch.testing.assert_close(got, want, msg=lambda m: f"model on cpu: {what}\n{m}")


if __name__ == "__main__":
    try:
        check(train_step)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_bug_4.py")
