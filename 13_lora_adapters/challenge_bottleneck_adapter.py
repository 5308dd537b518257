"""The bottleneck adapter: a small network that learns what to add to a model's features.

A fine-tuned copy of a large model for every task is a lot to store. An adapter is a detour with few
numbers: put into a frozen model it changes nothing at first, and then it alone learns the task.

    d_model, bottleneck_dim      D and m, ints from 1 up; m may be larger than D. m < 1: ValueError
    .down, .up                   linear layers with bias, D -> m and m -> D
    x                            (*, D); * is any number of sizes, none, and sizes of 0, too
    forward_delta(x)             (*, D): what comes out of down, ReLU and up, in this order
    forward(x, residual=True)    (*, D): the delta added to x; with residual=False the delta alone

up starts as zeros, weight and bias: the delta of a new adapter is 0, and its forward gives x.
down.weight starts as independent draws of torch's global generator, of any distribution and scale.
How down.bias starts is up to you. Every adapter has parameters of its own.
down.weight, down.bias, up.weight and up.bias are all there is to train, and all that state_dict()
holds. All of them require gradients.

Train and eval mode compute the same. It works in float32, float64 and bfloat16 and on any device
that it is moved to; the result has x's dtype and device. x is not changed.
x whose last size is not D: RuntimeError or ValueError.

Ask yourself: which of the four have a gradient other than 0 in the first step, and in the second?
Paper: Parameter-Efficient Transfer Learning for NLP, section 2.1, https://arxiv.org/abs/1902.00751
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn


class BottleneckAdapter(nn.Module):
    def __init__(self, d_model: int, bottleneck_dim: int) -> None:
        raise NotImplementedError("BottleneckAdapter.__init__")

    def forward_delta(self, x: Tensor) -> Tensor:
        raise NotImplementedError("BottleneckAdapter.forward_delta")

    def forward(self, x: Tensor, residual: bool = True) -> Tensor:
        raise NotImplementedError("BottleneckAdapter.forward")


def check(BottleneckAdapter):
    torch.manual_seed(0)
    for D, m in ((6, 2), (5, 1), (3, 7), (4, 4), (1, 3)):
        what = f"BottleneckAdapter({D}, {m})"
        check_start(what, BottleneckAdapter(D, m), D, m)
        for dtype, tolerance in ((torch.float32, 1e-5), (torch.float64, 1e-10)):
            check_values(what, filled(BottleneckAdapter(D, m).to(dtype)), D, m, tolerance)
        check_values(what, filled(BottleneckAdapter(D, m).bfloat16()), D, m, 5e-2)
    check_draws(BottleneckAdapter)
    check_training(BottleneckAdapter)

    adapter, x = BottleneckAdapter(6, 2).to("meta"), torch.randn(3, 6, device="meta")
    for how, call in {"forward": adapter, "forward_delta": adapter.forward_delta}.items():
        try:
            out = call(x)
        except RuntimeError as error:
            raise AssertionError(f"{how}, all on the meta device: {error}") from error
        assert out.is_meta, f"{how}, all on the meta device: result on {out.device}"
    adapter = filled(BottleneckAdapter(6, 2))
    for size in (1, 2, 5, 12):
        for residual in (True, False):
            call = f"BottleneckAdapter(6, 2), x (4, {size}), residual={residual}"
            must_raise(call, (RuntimeError, ValueError), adapter, torch.randn(4, size), residual)
    for m in (0, -1):
        must_raise(f"BottleneckAdapter(6, {m})", (ValueError,), BottleneckAdapter, 6, m)


def check_start(what, adapter, D, m):
    want = {"down.weight": (m, D), "down.bias": (m,), "up.weight": (D, m), "up.bias": (D,)}
    got = {name: tuple(p.shape) for name, p in adapter.named_parameters()}
    assert got == want, f"a new {what}: parameters {got}, want {want}"
    saved = sorted(adapter.state_dict())
    assert saved == sorted(want), f"a new {what}: state_dict() holds {saved}, want {sorted(want)}"
    frozen = [name for name, p in adapter.named_parameters() if not p.requires_grad]
    assert not frozen, f"a new {what}: {frozen} require no gradient, want all to"
    for name in ("up.weight", "up.bias"):
        p = adapter.get_parameter(name)
        assert not p.any(), f"a new {what}: {name} is {p.tolist()}, want zeros"
    for x in (torch.randn(4, 3, D), torch.randn(1, D), torch.randn(D)):
        for how, got, want in (
            ("forward(x)", adapter(x), x),
            ("forward_delta(x)", adapter.forward_delta(x), torch.zeros_like(x)),
        ):
            call = f"a new {what}, x {tuple(x.shape)}: {how}"
            close(got, want, call, 0)
            assert got.requires_grad, f"{call}: the result requires no gradient, want it to"


def check_values(what, adapter, D, m, tolerance):
    """Against the library's layers with the same weights; in float64 the gradients, too."""
    library = twin_of(adapter, D, m)
    dtype = library[0].weight.dtype
    for shape in ((4, 3, D), (2, 3, 4, D), (1, D), (D,), (0, D), (2, 0, D)):
        x = torch.randn(shape[::-1]).to(dtype).permute(*range(len(shape))[::-1])  # strided
        leaf = x.clone().requires_grad_()
        adapter.train(len(shape) % 2 == 0)
        for how, call, residual in (
            ("forward_delta(x)", adapter.forward_delta, False),
            ("forward(x)", adapter, True),
            ("forward(x, residual=True)", lambda x: adapter(x, residual=True), True),
            ("forward(x, False)", lambda x: adapter(x, False), False),
            ("forward(x, residual=False)", lambda x: adapter(x, residual=False), False),
        ):
            call_name = f"{what}, x {shape}, {dtype}, training is {adapter.training}: {how}"
            given = leaf.clone()
            got, want = call(given), library(leaf)
            if residual:
                want = want + leaf
            close(got, want, call_name, tolerance)
            with torch.no_grad():
                call(given)
            assert torch.equal(given, x), f"{call_name} changed x, want it as it was"
            if dtype == torch.float64:
                upstream = torch.randn_like(want)
                names, twins = zip(*library.named_parameters(), strict=True)
                params = [adapter.get_parameter(name) for name in names]
                grads = torch.autograd.grad(got, [leaf, *params], upstream, allow_unused=True)
                right = torch.autograd.grad(want, [leaf, *twins], upstream)
                for name, g, r in zip(("x", *names), grads, right, strict=True):
                    assert g is not None, f"{call_name}: no gradient reaches {name}, want one"
                    close(g, r, f"{call_name}: gradient of {name}", tolerance)


def check_draws(BottleneckAdapter):
    pair = nn.ModuleList(BottleneckAdapter(40, 30) for _ in range(2))
    own = len(list(pair.parameters()))  # each object once
    assert own == 8, f"BottleneckAdapter(40, 30): two of them have {own} parameters, want 2 * 4"
    what = "BottleneckAdapter(40, 30): down.weight"
    first, second = (adapter.down.weight.detach() for adapter in pair)
    assert not torch.equal(first, second), f"{what} of two new ones: twice the same numbers"
    distinct = first.unique().numel()
    assert distinct > 1000, f"{what} has {distinct} different numbers in 1200 places"
    draws = []
    for _ in range(2):
        torch.manual_seed(1)
        draws.append(BottleneckAdapter(40, 30).down.weight)
    assert torch.equal(*draws), f"{what} differs between two draws after torch.manual_seed(1)"


def check_training(BottleneckAdapter):
    """20 steps from the start, beside the library's layers."""
    adapter = BottleneckAdapter(5, 3).double()
    library = twin_of(adapter, 5, 3)
    x, target = torch.randn(2, 7, 4, 5, dtype=torch.float64)
    params = (list(model.parameters()) for model in (adapter, library))
    mine, right = (torch.optim.SGD(p, lr=0.5, momentum=0.9, weight_decay=0.01) for p in params)
    for step in range(1, 21):
        for out, optimizer in ((adapter(x), mine), (x + library(x), right)):
            optimizer.zero_grad()
            nn.functional.mse_loss(out, target).backward()
            optimizer.step()
        for name, want in library.named_parameters():
            call = f"BottleneckAdapter(5, 3): {name} after step {step} of SGD"
            close(adapter.get_parameter(name), want, call, 1e-8)


def filled(adapter):
    """The adapter as it may be after some training: nothing in it is 0."""
    with torch.no_grad():
        for p in adapter.parameters():
            p.normal_()
    return adapter


def twin_of(adapter, D, m):
    layers = OrderedDict(down=nn.Linear(D, m), relu=nn.ReLU(), up=nn.Linear(m, D))
    library = nn.Sequential(layers).to(adapter.down.weight.dtype)
    library.load_state_dict(adapter.state_dict())
    return library


def close(got, want, what, tolerance):
    torch.testing.assert_close(
        got,
        want,
        rtol=tolerance,
        atol=4 * tolerance,
        msg=lambda m: f"{what}: not what was wanted\n{m}",
    )


def must_raise(call, kinds, function, *args):
    want = " or ".join(kind.__name__ for kind in kinds)
    try:
        out = function(*args)
    except kinds:
        return
    except Exception as error:
        raise AssertionError(f"{call}: {error!r}, want {want}") from error
    got = f"a result {tuple(out.shape)}" if isinstance(out, Tensor) else "no error"
    raise AssertionError(f"{call}: {got}, want {want}")


if __name__ == "__main__":
    try:
        check(BottleneckAdapter)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_bottleneck_adapter.py")
