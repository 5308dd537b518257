"""LoRA: a linear layer that learns a low-rank change of its weight.

Fine-tuning needs a change of rank far below the weight's. So freeze the weight and learn the change
as a product of two thin matrices: a hundredth of the parameters, and of the optimizer's memory.

    base              nn.Linear, in -> out features, with or without bias; float32, float64 or
                      bfloat16; on any device, meta too
    rank, scale       r, an int from 1 up, larger than in and out too; any float. r < 1: ValueError
    .base             the very layer that was given
    .lora_A, .lora_B  nn.Parameter (r, in) and (out, r), dtype and device of base.weight
    forward           x (*, in) -> (*, out); * is any number of sizes, none, and sizes of 0, too

With A = lora_A and B = lora_B, the result is that of a linear layer with base's bias and the weight
base.weight + scale BA, all as they are at the time of the call. Nothing is divided by r.

B starts as zeros: a new LoRALinear computes what base computes. A starts as independent draws of
torch's global generator, of any distribution with mean 0 and a standard deviation between half and
twice 1/sqrt(in). base is frozen (no parameter of it requires a gradient) and keeps its values.
A and B are all there is to train. state_dict() holds them and what base holds, nothing else.
A new LoRALinear is in base's mode, train or eval; both compute the same. x is not changed.
For x of shape (1, in) and r far below in and out, forward (also under no_grad) and backward make
no tensor of in * out elements or more.

Ask yourself: what would train if A were zero as well, and what does B = 0 leave of A's gradient?
Paper: LoRA, section 4.1, https://arxiv.org/abs/2106.09685
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode


class LoRALinear(nn.Module):
    def __init__(self, base: nn.Linear, rank: int, scale: float = 1.0) -> None:
        raise NotImplementedError("LoRALinear.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("LoRALinear.forward")


IN, OUT = 7, 5


def check(LoRALinear):
    torch.manual_seed(0)
    for rank, bias, mode, dtype, tolerance in (
        (2, True, True, torch.float32, 1e-5),
        (1, False, False, torch.float64, 1e-10),
        (3, True, False, torch.bfloat16, 5e-2),
        (9, False, True, torch.float32, 1e-5),
    ):
        base = nn.Linear(IN, OUT, bias, dtype=dtype).train(mode)
        check_start(LoRALinear, base, rank, tolerance)
        for scale in (0.3, -2.0, 0.0):
            layer = filled(LoRALinear(base, rank, scale))
            what = f"LoRALinear(nn.Linear({IN}, {OUT}, {bias}), {rank}, {scale}), {dtype}"
            check_values(layer, what, scale, tolerance)
    what = f"LoRALinear(nn.Linear({IN}, {OUT}), 2), without a scale"
    check_values(filled(LoRALinear(nn.Linear(IN, OUT), 2)), what, 1.0, 1e-5)
    for features in (16, 400):
        check_draws(LoRALinear, features)
    check_memory(LoRALinear)
    check_meta(LoRALinear)
    for bias in (True, False):
        check_training(LoRALinear, bias)
    for rank in (0, -1):
        what = f"LoRALinear(nn.Linear({IN}, {OUT}), {rank})"
        try:
            LoRALinear(nn.Linear(IN, OUT), rank)
        except ValueError:
            continue
        except Exception as error:
            raise AssertionError(f"{what}: {error!r}, want ValueError") from error
        raise AssertionError(f"{what}: no error, want ValueError")


def check_start(LoRALinear, base, rank, tolerance):
    """What a new layer holds, and that it computes what its base does."""
    twin = copy.deepcopy(base)
    layer = LoRALinear(base, rank)
    what = f"a new LoRALinear({base}, {rank})"
    assert isinstance(layer, nn.Module), f"{what} is a {type(layer)}, want an nn.Module"
    assert layer.base is base, f"{what}: .base is {layer.base!r}, want the layer that was given"
    for name, shape in (("lora_A", (rank, IN)), ("lora_B", (OUT, rank))):
        p = getattr(layer, name, None)
        assert isinstance(p, nn.Parameter), f"{what}: .{name} is {type(p)}, want nn.Parameter"
        assert p.shape == shape, f"{what}: .{name} has shape {tuple(p.shape)}, want {shape}"
        assert p.dtype == base.weight.dtype, (
            f"{what}: .{name} is {p.dtype}, want {twin.weight.dtype}"
        )
    assert not layer.lora_B.any(), f"{what}: .lora_B is {layer.lora_B}, want zeros"
    got, want = set(layer.state_dict()), {f"base.{k}" for k in twin.state_dict()}
    want |= {"lora_A", "lora_B"}
    assert got == want, f"{what}: state_dict() holds {sorted(got)}, want {sorted(want)}"
    got = {name for name, p in layer.named_parameters() if p.requires_grad}
    assert got == {"lora_A", "lora_B"}, f"{what}: {sorted(got)} train, want lora_A and lora_B"
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


def check_values(layer, what, scale, tolerance):
    """Against one linear layer with the merged weight, in float64; twice, with new weights."""
    for shape in ((4, 3, IN), (IN,), (1, IN)):
        x = torch.randn(shape[::-1]).to(layer.lora_A.dtype).permute(*range(len(shape))[::-1])
        before = x.clone()
        A, B, weight = (
            p.detach().double() for p in (layer.lora_A, layer.lora_B, layer.base.weight)
        )
        bias = None if layer.base.bias is None else layer.base.bias.double()
        want = functional.linear(x.double(), weight + scale * B @ A, bias).to(x.dtype)
        got = layer(x)
        how = f"{what}, x {shape}"
        assert got.dtype == x.dtype, f"{how}: result {got.dtype}, want {x.dtype}"
        torch.testing.assert_close(
            got,
            want,
            rtol=tolerance,
            atol=4 * tolerance,
            msg=lambda m, h=how: f"{h}: not what a linear layer with the merged weight gives\n{m}",
        )
        assert torch.equal(x, before), f"{how}: x was changed"
        state = filled(layer).base.state_dict()
        layer.base.load_state_dict({k: p + 0.5 for k, p in state.items()}, assign=True)


def check_draws(LoRALinear, features):
    rank, base = 3600 // features, nn.Linear(features, 2)
    first, second = (LoRALinear(base, rank).lora_A.detach() for _ in range(2))
    what = f"LoRALinear(nn.Linear({features}, 2), {rank}).lora_A"
    assert not torch.equal(first, second), f"{what} of two new layers: twice the same numbers"
    full, got = min(first.shape), torch.linalg.matrix_rank(first).item()
    assert got == full, f"{what} is a matrix of rank {got}, independent draws give {full}"
    mean, std, unit = first.mean().item(), first.std().item(), features**-0.5
    limit = 6 * std / first.numel() ** 0.5
    assert abs(mean) < limit, f"{what} has mean {mean:.4f}, want 0 within {limit:.4f}"
    assert 0.45 * unit < std < 2.2 * unit, (
        f"{what} has standard deviation {std:.4f}, want {0.5 * unit:.4f} to {2 * unit:.4f}"
    )
    draws = []
    for _ in range(2):
        torch.manual_seed(1)
        draws.append(LoRALinear(base, rank).lora_A)
    assert torch.equal(*draws), f"{what} differs between two draws after torch.manual_seed(1)"


def check_memory(LoRALinear):
    layer = filled(LoRALinear(nn.Linear(12, 10), 2))
    old = layer.base.weight.untyped_storage().data_ptr()
    for mode in (True, False):
        x = torch.randn(1, 12, requires_grad=True)
        with BigTensors(120) as big:
            layer.train(mode)(x).sum().backward()
        with big, torch.no_grad():
            layer(x)
        made = [tuple(t.shape) for t in big.made if t.untyped_storage().data_ptr() != old]
        assert not made, (
            f"LoRALinear(nn.Linear(12, 10), 2), training={mode}, x (1, 12): forward, backward and "
            f"no_grad forward made tensors of shape {made}, want none of 120 elements or more"
        )


def check_meta(LoRALinear):
    layer = LoRALinear(nn.Linear(IN, OUT, device="meta"), 2)
    got = {name: p.device.type for name, p in layer.named_parameters()}
    want = dict.fromkeys(("lora_A", "lora_B", "base.weight", "base.bias"), "meta")
    assert got == want, f"LoRALinear, base on meta: parameters {got}, want {want}"
    layer = LoRALinear(nn.Linear(IN, OUT), 2).to("meta")
    try:
        out = layer(torch.randn(3, IN, device="meta"))
    except RuntimeError as error:
        raise AssertionError(f"LoRALinear moved to meta, x on meta: {error}") from error
    assert out.is_meta, f"LoRALinear moved to meta, x on meta: result on {out.device}"


def check_training(LoRALinear, bias):
    """20 steps beside a twin: one weight of which plain autograd trains the two factors."""
    base, scale = nn.Linear(IN, OUT, bias).double(), 0.7
    twin = copy.deepcopy(base).requires_grad_(False)
    layer = LoRALinear(base, 2, scale)
    A, B = (p.detach().clone().requires_grad_() for p in (layer.lora_A, layer.lora_B))
    x = torch.randn(6, 3, IN, dtype=torch.float64, requires_grad=True)
    twin_x = x.detach().clone().requires_grad_()
    target = torch.randn(6, 3, OUT, dtype=torch.float64)
    mine, right = (
        torch.optim.SGD(params, lr=0.3, momentum=0.9, weight_decay=0.01)
        for params in (list(layer.parameters()), [A, B])
    )
    what = f"LoRALinear(nn.Linear({IN}, {OUT}, {bias}), 2, {scale})"
    for step in range(1, 21):
        merged = functional.linear(twin_x, twin.weight + scale * B @ A, twin.bias)
        for out, optimizer in ((layer(x), mine), (merged, right)):
            optimizer.zero_grad()
            functional.mse_loss(out, target).backward()
            optimizer.step()
        for name, got, want in (
            ("x.grad", x.grad, twin_x.grad),
            ("lora_A", layer.lora_A, A),
            ("lora_B", layer.lora_B, B),
        ):
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


def filled(layer):
    """The layer with random numbers, of a size that shows, in both factors."""
    with torch.no_grad():
        layer.lora_A.normal_()
        layer.lora_B.normal_()
    return layer


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
        check(LoRALinear)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_lora_linear.py")
