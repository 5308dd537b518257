"""What challenge_gradient_checkpointing.py requires.

`output`, `gradients` and the edges compare with the plain block; the others count the calls of the
submodules, the elements that autograd keeps, and the units that dropout leaves out.
"""

import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from checks.tools import attempt, close, equal, filled, names_are, result_of, unchanged

D, H = 9, 20  # so many units that no two draws of dropout are alike
FIVE = ["norm", "fc1", "act", "dropout", "fc2"]
TRAIN = "train mode"


def output(CheckpointedBlock):
    for mode in (True, False):
        block, plain = pair(CheckpointedBlock, 0.3, mode)
        x = torch.randn(7, 3, D)
        what = f"{mode_of(block)}, x (7, 3, {D})"
        with unchanged(what, x):
            out, want = (seeded(result_of, what, module, x) for module in (block, plain))
        close(out, want, f"{what}: the output")
        equal(f"{what}: afterwards x.requires_grad is", x.requires_grad, False)


def calls(CheckpointedBlock):
    for needs in (True, False):
        block, _ = pair(CheckpointedBlock)
        called, what = counted(block), f"{TRAIN}, x.requires_grad {needs}:"
        out = result_of(what, block, torch.randn(7, D, requires_grad=needs))
        equal(f"{what} forward called", list(called), FIVE)
        if out.requires_grad:  # `parameters` minds that
            out.sum().backward()
            equal(f"{what} backward called", sorted(called[5:], key=FIVE.index), FIVE)


def memory(CheckpointedBlock):
    block, _ = pair(CheckpointedBlock, 0.3)
    own = {p.untyped_storage().data_ptr() for p in block.parameters()}
    for needs in (True, False):
        x, kept = torch.randn(7, 3, D, requires_grad=needs), {}

        def keep(tensor, kept=kept):
            kept[tensor.untyped_storage().data_ptr()] = tensor
            return tensor

        what = f"{TRAIN}, x of {x.numel()} elements"
        with saved_tensors_hooks(keep, lambda tensor: tensor):
            out = result_of(what, block, x)
        elements = sum(t.numel() for place, t in kept.items() if place not in own)
        assert elements <= x.numel() or not out.requires_grad, (
            f"{what}: autograd keeps {elements} elements for backward, want at most {x.numel()}"
        )


def gradients(CheckpointedBlock):
    for mode in (True, False):
        block, plain = pair(CheckpointedBlock, 0.0, mode)
        compare("x.requires_grad True", block, plain, torch.randn(7, 3, D), with_x=True)


def parameters(CheckpointedBlock):
    for mode in (True, False):
        block, plain = pair(CheckpointedBlock, 0.0, mode)
        compare("x.requires_grad False", block, plain, torch.randn(7, 3, D), needs=False)


def dropout(CheckpointedBlock):
    block, x = telling(CheckpointedBlock), torch.randn(1, D, requires_grad=True)
    out = made(TRAIN, block, x)
    torch.rand(100)  # somebody else draws
    what = f"dropout 0.5 of {D} units, 100 numbers drawn between forward and backward"
    same_units(what, block, out, x)


def eval(CheckpointedBlock):
    x = torch.randn(7, D, requires_grad=True)
    for mode, recorded in ((False, True), (True, False), (False, False)):
        block, _ = pair(CheckpointedBlock, 0.3, mode)
        what = f"{mode_of(block)}{'' if recorded else ', under no_grad'}:"
        called = counted(block)
        with torch.set_grad_enabled(recorded):
            out = block(x)
        equal(f"{what} forward called", called, FIVE)
        equal(f"{what} requires_grad of the output is", out.requires_grad, recorded)
        if recorded:
            out.sum().backward()
        equal(f"{what} backward called", called[5:], [])


def autograd(CheckpointedBlock):
    block, plain = pair(CheckpointedBlock)
    compare("torch.autograd.grad", block, plain, torch.randn(7, D), by_grad=True)


def generator(CheckpointedBlock):
    states = []
    for module in reversed(pair(CheckpointedBlock, 0.3)):
        x = torch.randn(7, D, requires_grad=True)
        out = seeded(made, TRAIN, module, x)
        after_forward = torch.rand(3)
        out.sum().backward()
        states.append((after_forward, torch.rand(3)))
    for when, want, got in zip(("forward", "backward"), *states, strict=True):
        close(got, want, f"{TRAIN}, from the same seed: the next torch.rand(3) after {when}")


def autocast(CheckpointedBlock):
    block, plain = pair(CheckpointedBlock)
    what = "forward under bfloat16 autocast"
    compare(what, block, plain, torch.randn(7, 3, D), autocast=True)


def repeats(CheckpointedBlock):
    block = telling(CheckpointedBlock)
    for _ in range(2):
        x = torch.randn(1, D, requires_grad=True)
        kept, again = units(block, made(TRAIN, block, x), x)
        if kept != again or x.grad is None:
            return  # `dropout` and `gradients` mind that
    for first, then in ("ab", "ba"):
        inputs = {name: torch.randn(1, D, requires_grad=True) for name in "ab"}
        outs = {name: block(x) for name, x in inputs.items()}
        for name in (first, then):
            what = (
                f"dropout 0.5 of {D} units, a = block(x), b = block(y), backward of {first}, then"
            )
            same_units(f"{what} of {then}: for {name}", block, outs[name], inputs[name])
    block, plain = pair(CheckpointedBlock)
    compare("block(block(x))", block, plain, torch.randn(7, D), times=2)


def dtypes(CheckpointedBlock):
    for x in (
        torch.randn(3, 7, D).double().transpose(0, 1),
        torch.randn(7, D).bfloat16(),
        torch.randn(D),
    ):
        block, plain = (part.to(x.dtype) for part in pair(CheckpointedBlock))
        compare(f"{x.dtype}, x {tuple(x.shape)}", block, plain, x)


def names(CheckpointedBlock):
    block = CheckpointedBlock(D, H)
    names_are(block.state_dict(), Plain(D, H, 0.1).state_dict(), "state_dict()")
    found = [part.p for part in block.modules() if isinstance(part, nn.Dropout)]
    equal(f"CheckpointedBlock({D}, {H}) has dropout", found, [0.1])


CORE = (output, calls, memory, gradients, parameters, dropout)
EDGES = (eval, autograd, generator, autocast, repeats, dtypes, names)


class Plain(nn.Sequential):
    def __init__(self, dim, hidden, dropout):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.fc1 = nn.Linear(dim, hidden)
        self.act = nn.GELU()
        self.dropout = nn.Dropout(dropout)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x):
        return x + super().forward(x)


def pair(CheckpointedBlock, dropout=0.0, mode=True, hidden=H):
    """A block and the plain one of the same parameters, in train mode or not."""
    block, plain = filled(CheckpointedBlock(D, hidden, dropout)), Plain(D, hidden, dropout)
    for name, p in plain.named_parameters():
        p.data.copy_(block.get_parameter(name))
    return block.train(mode), plain.train(mode)


def mode_of(module):
    return TRAIN if module.training else "eval mode"


def made(what, module, x):
    out = result_of(what, module, x)
    assert out.requires_grad, f"{what}: the output has no grad_fn, so nothing can train"
    return out


def seeded(function, *inputs):
    torch.default_generator.manual_seed(3)
    return function(*inputs)


def counted(block):
    """The names of the submodules, in the order in which they are called from now on."""
    called = []
    for name, part in block.named_children():
        part.register_forward_pre_hook(lambda *_, name=name: called.append(name))
    return called


def telling(CheckpointedBlock):
    """A block that adds to x what its dropout lets through."""
    block, _ = pair(CheckpointedBlock, 0.5, hidden=D)
    nn.init.eye_(block.fc2.weight)
    nn.init.zeros_(block.fc2.bias)
    return block


def units(block, out, x):
    """The units that dropout kept in forward, and in what backward computed with."""
    block.fc2.weight.grad = None
    out.sum().backward()
    grad = block.fc2.weight.grad
    assert grad is not None, f"{TRAIN}: no gradient reaches fc2.weight"
    kept = [unit for unit in range(D) if abs((out - x)[0, unit].item()) > 1e-6]
    return kept, [unit for unit in range(D) if grad[0, unit] != 0]


def same_units(what, block, out, x):
    kept, again = units(block, out, x)
    assert again == kept, f"{what}: forward kept the units {kept}, backward {again}"


def compare(
    what, block, plain, x, *, needs=True, with_x=False, by_grad=False, autocast=False, times=1
):
    """Output and gradients of both. with_x: that of x must be there, or else it only may be."""
    found, upstream, what = [], torch.randn(x.shape), f"{mode_of(block)}, {what}"
    for module in (plain, block):
        leaf = x.clone().requires_grad_(needs)
        leaves = dict(module.named_parameters()) | ({"x": leaf} if needs else {})
        out = leaf
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            for _ in range(times):
                out = made(what, module, out)
        up, ends = upstream.to(out.dtype), [*leaves.values()]
        if by_grad:
            grads = attempt(what, torch.autograd.grad, out, ends, up, allow_unused=True)
        else:
            attempt(what, out.backward, up)
            grads = [end.grad for end in ends]
        found.append({"output": out.detach()} | dict(zip(leaves, grads, strict=True)))
    want, got = found
    lost = [name for name, grad in got.items() if grad is None and (with_x or name != "x")]
    assert not lost, f"{what}: no gradient reaches {', '.join(lost)}"
    tol = {torch.float64: 1e-7, torch.bfloat16: 2e-2}.get(x.dtype, 1e-5)
    for name in (name for name in got if got[name] is not None):
        part = "the output" if name == "output" else f"the gradient of {name}"
        close(got[name], want[name], f"{what}: {part}", tol)
