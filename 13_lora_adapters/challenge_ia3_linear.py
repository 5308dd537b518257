"""IA3: a linear layer that learns how loud each of its outputs is.

LoRA learns a change of the weight, IA3 only one factor for each output feature: a task takes less
than a thousandth of the parameters, and its factors can be multiplied into the weight later.

    base        nn.Linear, in -> out features, with or without bias; float32, float64 or bfloat16;
                on any device, meta too
    .base       the very layer that was given
    .scale      nn.Parameter (out,), dtype and device of base.weight
    forward     x (*, in) -> (*, out); * is any number of sizes, none, and sizes of 0, too

The result is what base gives, its bias included, with feature j times scale[j]; base and scale as
they are at the time of the call.

scale starts as ones: a new IA3Linear computes what base computes. base is frozen (no parameter of
it requires a gradient) and keeps its values. scale is all there is to train. state_dict() holds it
and what base holds, nothing else. A new IA3Linear is in base's mode, train or eval; both compute
the same. x is not changed. For x of shape (1, in), forward (also under no_grad) and backward make
no tensor of in * out elements or more.

Ask yourself: which size has the gradient of scale, and which sizes were summed over?
Paper: (IA)^3, section 3.3, https://arxiv.org/abs/2205.05638
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode


class IA3Linear(nn.Module):
    def __init__(self, base: nn.Linear) -> None:
        raise NotImplementedError("IA3Linear.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("IA3Linear.forward")


IN, OUT = 7, 5


def check(IA3Linear):
    torch.manual_seed(0)
    for bias, mode, dtype, tolerance in (
        (True, True, torch.float32, 1e-5),
        (False, False, torch.float64, 1e-10),
        (True, False, torch.bfloat16, 5e-2),
        (False, True, torch.float32, 1e-5),
    ):
        base = nn.Linear(IN, OUT, bias, dtype=dtype).train(mode)
        check_start(IA3Linear, base, tolerance)
        check_values(IA3Linear(base), f"IA3Linear({base}), {dtype}", tolerance)
    check_memory(IA3Linear)
    check_meta(IA3Linear)
    for bias in (True, False):
        check_training(IA3Linear, bias)


def check_start(IA3Linear, base, tolerance):
    """What a new layer holds, and that it computes what its base does."""
    twin = copy.deepcopy(base)
    layer = IA3Linear(base)
    what = f"a new IA3Linear({base})"
    assert isinstance(layer, nn.Module), f"{what} is a {type(layer)}, want an nn.Module"
    assert layer.base is base, f"{what}: .base is {layer.base!r}, want the layer that was given"
    p = getattr(layer, "scale", None)
    assert isinstance(p, nn.Parameter), f"{what}: .scale is {type(p)}, want nn.Parameter"
    assert p.shape == (OUT,), f"{what}: .scale has shape {tuple(p.shape)}, want {(OUT,)}"
    assert p.dtype == twin.weight.dtype, f"{what}: .scale is {p.dtype}, want {twin.weight.dtype}"
    assert p.tolist() == [1] * OUT, f"{what}: .scale is {p}, want ones"
    got, want = set(layer.state_dict()), {"scale", *(f"base.{k}" for k in twin.state_dict())}
    assert got == want, f"{what}: state_dict() holds {sorted(got)}, want {sorted(want)}"
    got = {name for name, p in layer.named_parameters() if p.requires_grad}
    assert got == {"scale"}, f"{what}: {sorted(got)} train, want scale alone"
    modes = {name or "itself": m.training for name, m in layer.named_modules()}
    assert set(modes.values()) == {twin.training}, (
        f"{what}: training is {modes}, want base's, {twin.training}"
    )
    same_base(layer, twin, what)
    for shape in ((3, IN), (1, IN), (IN,), (2, 4, IN), (0, IN), (2, 0, IN), (0, 3, IN)):
        x = torch.randn(shape).to(twin.weight.dtype)
        want = twin(x)
        try:
            got = layer(x)
        except Exception as error:
            if 0 not in shape:
                raise
            how = f"{what} of x {shape}: {error!r}, want shape {tuple(want.shape)}"
            raise AssertionError(how) from error
        assert got.shape == want.shape, (
            f"{what} of x {shape} has shape {tuple(got.shape)}, want {tuple(want.shape)}"
        )
        torch.testing.assert_close(
            got,
            want,
            rtol=tolerance,
            atol=tolerance,
            msg=lambda m, s=shape: f"{what} of x {s} is not what base gives\n{m}",
        )


def check_values(layer, what, tolerance):
    """Feature by feature against base's own result; scale and base are new each time."""
    for shape in ((4, OUT, IN), (OUT, IN), (IN,), (1, IN)):
        nn.init.normal_(layer.scale)
        state = layer.base.state_dict()
        layer.base.load_state_dict({k: p + 0.5 for k, p in state.items()}, assign=True)
        x = torch.randn(shape[::-1]).to(layer.scale.dtype).permute(*range(len(shape))[::-1])
        before, factors = x.clone(), layer.scale.tolist()
        columns = [layer.base(x).select(-1, j) * factors[j] for j in range(OUT)]
        got, want = layer(x), torch.stack(columns, dim=-1)
        how = f"{what}, scale {factors}, x {shape}"
        assert got.dtype == x.dtype, f"{how}: result {got.dtype}, want {x.dtype}"
        torch.testing.assert_close(
            got,
            want,
            rtol=tolerance,
            atol=tolerance,
            msg=lambda m, h=how: f"{h}: not base's features, each times its factor\n{m}",
        )
        assert torch.equal(x, before), f"{how}: x was changed"


def check_memory(IA3Linear):
    layer = IA3Linear(nn.Linear(12, 10))
    old = layer.base.weight.untyped_storage().data_ptr()
    for mode in (True, False):
        x = torch.randn(1, 12, requires_grad=True)
        with BigTensors(120) as big:
            layer.train(mode)(x).sum().backward()
        with big, torch.no_grad():
            layer(x)
        made = [tuple(t.shape) for t in big.made if t.untyped_storage().data_ptr() != old]
        assert not made, (
            f"IA3Linear(nn.Linear(12, 10)), training={mode}, x (1, 12): forward, backward and "
            f"no_grad forward made tensors of shape {made}, want none of 120 elements or more"
        )


def check_meta(IA3Linear):
    layer = IA3Linear(nn.Linear(IN, OUT, device="meta"))
    got = {name: p.device.type for name, p in layer.named_parameters()}
    want = dict.fromkeys(("scale", "base.weight", "base.bias"), "meta")
    assert got == want, f"IA3Linear, base on meta: parameters {got}, want {want}"
    layer = IA3Linear(nn.Linear(IN, OUT)).to("meta")
    try:
        out = layer(torch.randn(3, IN, device="meta"))
    except RuntimeError as error:
        raise AssertionError(f"IA3Linear moved to meta, x on meta: {error}") from error
    assert out.is_meta, f"IA3Linear moved to meta, x on meta: result on {out.device}"


def check_training(IA3Linear, bias):
    """20 steps beside a twin: the factors multiplied into weight and bias by plain autograd."""
    base = nn.Linear(IN, OUT, bias).double()
    twin = copy.deepcopy(base).requires_grad_(False)
    layer = IA3Linear(base)
    scale = torch.ones(OUT, dtype=torch.float64, requires_grad=True)
    x = torch.randn(6, 3, IN, dtype=torch.float64, requires_grad=True)
    twin_x = x.detach().clone().requires_grad_()
    target = torch.randn(6, 3, OUT, dtype=torch.float64)
    mine, right = (
        torch.optim.SGD(params, lr=0.3, momentum=0.9, weight_decay=0.01)
        for params in (list(layer.parameters()), [scale])
    )
    what = f"IA3Linear(nn.Linear({IN}, {OUT}, {bias}))"
    for step in range(1, 21):
        weight, offset = scale[:, None] * twin.weight, scale * twin.bias if bias else None
        merged = functional.linear(twin_x, weight, offset)
        for out, optimizer in ((layer(x), mine), (merged, right)):
            optimizer.zero_grad()
            functional.mse_loss(out, target).backward()
            optimizer.step()
        for name, got, want in (("x.grad", x.grad, twin_x.grad), ("scale", layer.scale, scale)):
            how = f"{what}: {name} after step {step} of SGD"
            assert got is not None, f"{how} is None"
            torch.testing.assert_close(
                got, want, msg=lambda m, h=how: f"{h} is not that of the merged weight\n{m}"
            )
    same_base(layer, twin, f"{what} after 20 steps on all its parameters")


def same_base(layer, twin, what):
    for name, want in twin.state_dict().items():
        got = layer.base.state_dict()[name]
        assert torch.equal(got, want), f"{what}: base.{name} is {got}, it was {want}"


class BigTensors(TorchDispatchMode):
    """Keeps every tensor that an op below it returns and that stores `size` elements or more."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.made: list[Tensor] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if isinstance(out, Tensor) and out.untyped_storage().nbytes() >= self.size * out.itemsize:
            self.made.append(out)
        return out


if __name__ == "__main__":
    try:
        check(IA3Linear)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_ia3_linear.py")
