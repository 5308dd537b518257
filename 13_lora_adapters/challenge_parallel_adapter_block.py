"""The parallel adapter block: an adapter beside a frozen layer instead of behind it.

The adapter reads what the sublayer reads, and what it makes of that is added to the sublayer's
result. Layer and adapter need not wait for each other.

    sublayer     an nn.Module (*, D) -> (*, D): a layer or a whole transformer block. It leaves
                 its input as it is. It may have no parameters, or some that are frozen already
    adapter      a BottleneckAdapter (given)
    .sublayer    the very module that was given, not a copy; .adapter likewise
    forward(x)   (*, D): the sublayer's result plus the adapter's delta, both for the same x

If the sublayer's result has another shape than x: RuntimeError or ValueError, no broadcasting.

Making the block freezes the sublayer: from then on no parameter of it, however deep, requires a
gradient. Values stay as they are. The adapter's parameters keep their requires_grad. Gradients
reach the adapter and x, through the frozen sublayer too; its parameters get none.

Only parameters are frozen. Making the block changes no mode in the two modules. Later, train() and
eval() reach both as usual: in train mode the sublayer's dropout drops, and its BatchNorm updates
its running statistics. A call of the block calls the sublayer once, as a module (hooks run).
x is not changed. The block has no parameters or buffers but theirs, in state_dict() as sublayer.*
and adapter.*.

Ask yourself: how often is x in the result, if the sublayer has a residual connection of its own?
Paper: Towards a Unified View, section 3.3, https://arxiv.org/abs/2110.04366
"""

import copy

import torch
from base_model import BaseTransformerBlock
from torch import Tensor, nn


class BottleneckAdapter(nn.Module):
    """Given: (*, D) -> (*, D). The delta of a new one is zero."""

    def __init__(self, d_model: int, bottleneck_dim: int) -> None:
        super().__init__()
        self.down = nn.Linear(d_model, bottleneck_dim)
        self.up = nn.Linear(bottleneck_dim, d_model)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward_delta(self, x: Tensor) -> Tensor:
        return self.up(self.down(x).relu())

    def forward(self, x: Tensor, residual: bool = True) -> Tensor:
        delta = self.forward_delta(x)
        return x + delta if residual else delta


class ParallelAdapterBlock(nn.Module):
    def __init__(self, sublayer: nn.Module, adapter: nn.Module) -> None:
        raise NotImplementedError("ParallelAdapterBlock.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("ParallelAdapterBlock.forward")


def check(ParallelAdapterBlock):
    torch.manual_seed(0)
    noise = nn.Sequential(nn.Sequential(nn.BatchNorm1d(8)), nn.Dropout(0.4))
    noise.register_parameter("level", nn.Parameter(torch.ones(2)))
    noisy = nn.Sequential(nn.Linear(6, 8), noise, nn.Linear(8, 6))
    noisy[0].requires_grad_(False)
    partly = BottleneckAdapter(7, 2)
    partly.down.bias.requires_grad_(False)
    for sublayer, adapter, shapes in (
        (nn.Linear(7, 7), BottleneckAdapter(7, 2), ((4, 7), (2, 3, 7), (7,))),
        (BaseTransformerBlock(6, 9), BottleneckAdapter(6, 8), ((2, 4, 6), (1, 1, 6))),
        (noisy, BottleneckAdapter(6, 3), ((9, 6), (2, 6))),
        (nn.Dropout(0.5), BottleneckAdapter(6, 2), ((4, 6),)),
        (nn.Linear(7, 7, bias=False), partly, ((4, 7),)),
    ):
        what = f"ParallelAdapterBlock({type(sublayer).__name__}, {type(adapter).__name__})"
        for mode in (True, False):
            pair = copy.deepcopy((sublayer.train(mode), adapter.train(not mode)))
            [*pair[0].modules()][-1].train(not mode)  # a part may have a mode of its own
            check_start(ParallelAdapterBlock, what, *pair)
        pair = copy.deepcopy((sublayer.double(), adapter.double()))
        block, twin = ParallelAdapterBlock(*pair), Twin(sublayer, adapter)
        for mode in (True, False):
            for shape in shapes:
                x = torch.randn(shape, dtype=torch.float64)
                call = f"{what}, {'train' if mode else 'eval'} mode, x {shape}"
                compare(call, block.train(mode), twin.train(mode), x)
                fill(block.adapter, twin.adapter)
        pair = copy.deepcopy((sublayer, adapter))
        check_training(what, ParallelAdapterBlock(*pair), Twin(sublayer, adapter), shapes[0])

    for sublayer, shape in (
        (nn.Linear(6, 1), (4, 6)),
        (nn.Linear(6, 5), (4, 6)),
        (nn.Flatten(), (4, 1, 6)),
        (nn.AdaptiveAvgPool2d((1, 6)), (2, 4, 6)),
        (nn.Unflatten(0, (4, 1)), (4, 6)),
        (nn.Unflatten(0, (1, 1)), (1, 6)),
    ):
        block, x = ParallelAdapterBlock(sublayer, BottleneckAdapter(6, 2)), torch.randn(shape)
        call = f"ParallelAdapterBlock({sublayer}, BottleneckAdapter), x {shape}"
        wrong = f"the sublayer gives {tuple(sublayer(x).shape)}, want RuntimeError or ValueError"
        try:
            out = block(x)
        except (RuntimeError, ValueError):
            continue
        except Exception as error:
            raise AssertionError(f"{call}: {error!r}, but {wrong}") from error
        raise AssertionError(f"{call}: result {tuple(out.shape)}, but {wrong}")


def check_start(ParallelAdapterBlock, what, sublayer, adapter):
    def modes():
        return [m.training for part in (sublayer, adapter) for m in part.modules()]

    old_modes, trainable = modes(), [p.requires_grad for p in adapter.parameters()]
    parts = ("sublayer", sublayer), ("adapter", adapter)
    values = {f"{name}.{k}": t.clone() for name, m in parts for k, t in m.state_dict().items()}
    block = ParallelAdapterBlock(sublayer, adapter)
    for name, module in parts:
        got = getattr(block, name, None)
        assert got is module, f"{what}.{name} is {got}, want the very module that was given"
    frozen = {k: not p.requires_grad for k, p in sublayer.named_parameters()}
    assert all(frozen.values()), f"{what}: frozen in the sublayer is {frozen}, want all of it"
    got = [p.requires_grad for p in adapter.parameters()]
    assert got == trainable, (
        f"{what}: the adapter's requires_grad {got}, want {trainable} as before"
    )
    assert modes() == old_modes, f"{what} changed training to {modes()}, want {old_modes} as before"
    saved = block.state_dict()
    assert set(saved) == set(values), f"{what}: state_dict() {list(saved)}, want {list(values)}"
    for key, want in values.items():
        close(saved[key], want, f"{what}: {key} of a new block")
    names = {name for name, _ in (*block.named_parameters(), *block.named_buffers())}
    assert names <= set(values), f"{what}: has {sorted(names - set(values))}, want no such thing"
    for mode in (False, True):
        got = {m.training for m in block.train(mode).modules()}
        assert got == {mode}, f"{what}.train({mode}): training is {got} in it, want {mode} only"


class Twin(nn.Module):
    """Copies of the two, with their names; the sublayer's parameters frozen."""

    def __init__(self, sublayer, adapter):
        super().__init__()
        self.sublayer, self.adapter = copy.deepcopy((sublayer, adapter))
        for p in self.sublayer.parameters():
            p.requires_grad = False

    def forward(self, x):
        low, up = self.adapter.down, self.adapter.up
        hidden = (x @ low.weight.T + low.bias).clamp(min=0)
        return sum((hidden @ up.weight.T, up.bias, self.sublayer(x)))


def fill(adapter, twin):
    """Two adapters as they may be after some training, both alike."""
    with torch.no_grad():
        for p, other in zip(adapter.parameters(), twin.parameters(), strict=True):
            other.copy_(p.normal_())


def compare(what, block, twin, x):
    """Result, gradients and buffers beside the twin's, under the same seed."""
    calls = []
    hook = block.sublayer.register_forward_hook(lambda *_: calls.append(1))
    xs = [x.clone().requires_grad_() for _ in range(2)]
    given = [leaf.clone() for leaf in xs]
    results = []
    for model, copied in zip((block, twin), given, strict=True):
        torch.manual_seed(1)
        model.zero_grad()
        results.append(model(copied))
    hook.remove()
    close(
        *results,
        f"{what}: result, beside that of the frozen sublayer plus the adapter's delta of x",
    )
    assert len(calls) == 1, f"{what}: the sublayer's hook ran {len(calls)} times, want once"
    assert torch.equal(*given), f"{what}: x was changed, want it as it was"
    assert results[0].requires_grad, f"{what}: no gradient flows through the result, want one"
    upstream = torch.randn_like(results[0])
    for out in results:
        out.backward(upstream)
    named = [
        (f"gradient of {k}", p.grad, twin.get_parameter(k).grad)
        for k, p in block.named_parameters()
    ]
    named += [(k, b, twin.get_buffer(k)) for k, b in block.named_buffers()]
    for name, got, want in (("gradient of x", xs[0].grad, xs[1].grad), *named):
        kinds = ["None" if tensor is None else "a tensor" for tensor in (got, want)]
        assert kinds[0] == kinds[1], f"{what}: {name} is {kinds[0]}, want {kinds[1]}"
        if want is not None:
            close(got, want, f"{what}: {name}")


def check_training(what, block, twin, shape):
    """20 steps on all that the block has; the twin's optimizer knows the adapter only."""
    base = copy.deepcopy(dict(block.sublayer.named_parameters()))
    mine, right = (
        torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
        for model in (block.train(), twin.train().adapter)
    )
    for step in range(20):
        x = torch.randn(shape, dtype=torch.float64)
        for model, optimizer in ((block, mine), (twin, right)):
            torch.manual_seed(step)
            optimizer.zero_grad()
            (model(x) - 3).square().mean().backward()
            optimizer.step()
    for key, want in base.items():
        got = block.sublayer.get_parameter(key)
        assert torch.equal(got, want), f"{what}: {key} of the sublayer moved in 20 steps of SGD"
    for key, want in twin.state_dict().items():
        close(block.state_dict()[key], want, f"{what}: {key} after 20 steps of SGD in train mode")


def close(got, want, what):
    torch.testing.assert_close(got, want, msg=lambda m: f"{what}: not what was wanted\n{m}")


if __name__ == "__main__":
    try:
        check(ParallelAdapterBlock)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_parallel_adapter_block.py")
