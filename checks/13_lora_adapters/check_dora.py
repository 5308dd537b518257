"""What challenge_dora.py requires. What a wrapper owes is in checks/adapters.py.

Only `value`, `training` and `dtypes` compare with the weight by the formula.
"""

import torch
from torch import nn

from checks import adapters
from checks.adapters import MODES, Wrapper, has_parameters
from checks.tools import close, equal, refuses, result_of, same


def dora(make, rank, scale=1.0):
    """DoRALinear; scale None: none is given, which means 1."""
    options = (rank,) if scale is None else (rank, scale)

    def merged(own, W, b):
        V = W + (1.0 if scale is None else scale) * own["lora_B"] @ own["lora_A"]
        lengths = V.detach().square().sum(1).sqrt()
        return V * (own["magnitude"] / lengths)[:, None], b

    return Wrapper(
        f"DoRALinear({{}}, {', '.join(map(str, options))})",
        lambda base: make(base, *options),
        lambda into, out: {"magnitude": (out,), "lora_A": (rank, into), "lora_B": (out, rank)},
        merged,
    )


def parts(DoRALinear):
    for rank in (1, 2):
        adapters.wrapper_parts(dora(DoRALinear, rank))


def start(DoRALinear):
    base = nn.Linear(2, 2)
    base.weight.data = torch.tensor([[3.0, 4.0], [0.0, 2.0]])
    layer, what = dora(DoRALinear, 1).around(base)
    told = f"a new {what}, W [[3, 4], [0, 2]]: magnitude"
    close(adapters.parameter_of(what, layer, "magnitude").detach(), torch.tensor([5.0, 2.0]), told)
    for rank in (1, 2):
        wrapper, base = dora(DoRALinear, rank), nn.Linear(7, 5)
        old = base.weight.detach().clone()
        layer, what = wrapper.around(base)
        other, _ = wrapper.around(nn.Linear(7, 5))
        has_parameters(f"a new {what}", layer, wrapper.shapes(7, 5))
        same(base.weight.detach(), old, f"a new {what}: W against that before")
        adapters.zeros_are(f"a new {what}: lora_B", layer.lora_B)
        assert layer.lora_A.any(), f"a new {what}: all numbers of lora_A are 0, want random ones"
        again = torch.equal(layer.lora_A, other.lora_A)
        assert not again, f"{what} made twice: lora_A has the same numbers, want new ones"
        adapters.wrapper_starts(wrapper)


def value(DoRALinear):
    base, x = nn.Linear(2, 2), torch.tensor([[1.0, 2.0]])
    base.bias.data = torch.zeros(2)
    cases = (
        (1.0, 1.0, [5.0, 1.0], [0.0, 0.0], [5.0, 2.0]),
        (1.0, 1.0, [5.0, -1.0], [4.0, 0.0], [11.0, -2.0]),  # row 0 of V is [3, 4]
        (1.0, 0.5, [5.0, 2.0], [8.0, 0.0], [11.0, 4.0]),
        (1e-4, 1.0, [5.0, 2.0], [4e-4, 0.0], [11.0, 4.0]),
    )
    for unit, scale, magnitude, column, want in cases:
        base.weight.data = torch.tensor([[3 * unit, 0.0], [0.0, unit]])
        layer, what = dora(DoRALinear, 1, scale).around(base)
        layer.magnitude.data = torch.tensor(magnitude)
        layer.lora_A.data = torch.tensor([[0.0, 1.0]])
        layer.lora_B.data = torch.tensor(column)[:, None]
        what += f", W {unit:g} * [[3, 0], [0, 1]], bias 0, magnitude {magnitude}, A [[0, 1]], "
        what += f"B's column {column}, x [[1, 2]]: y"
        close(result_of(what, layer, x).detach(), torch.tensor([want]), what)
    for options in ((2, 0.37), (1, -2.0), (3, 0.0), (2, None)):
        adapters.wrapper_computes(dora(DoRALinear, *options))


def frozen(DoRALinear):
    adapters.wrapper_freezes(dora(DoRALinear, 2))


def training(DoRALinear):
    for rank, scale in ((1, 1.0), (2, 0.6)):
        adapters.wrapper_trains(dora(DoRALinear, rank, scale))


def zeros(DoRALinear):
    """From the start, then by training: whole numbers, so that the sums are exact."""
    for mode, how in MODES.items():
        base, row = nn.Linear(7, 5), torch.eye(7, dtype=torch.int)[3] * (not mode)
        base.weight.data[2] = row
        layer, what = dora(DoRALinear, 2).around(base, f", row 2 of W {row.tolist()}")
        layer.lora_A.data[0], layer.lora_B.data[2, 0] = row, -1
        what += f", of lora_B lora_A {(-row).tolist()}" * (not mode) + f", {how}"
        x = torch.randint(-3, 4, (4, 7)).float().requires_grad_()
        y = result_of(what, layer.train(mode), x)
        close(y[:, 2].detach(), base.bias[2].expand(4), f"{what}: feature 2 of y, against bias")
        y.square().sum().backward()
        for name, p in {"x": x, **dict(layer.named_parameters())}.items():
            bad = p.grad is not None and not p.grad.isfinite().all()
            assert not bad, f"{what}: the gradient of {name} has NaN or inf"
        layer.lora_B.data.fill_(0.3)
        layer.magnitude.data.fill_(2.0)
        rows = layer(torch.eye(7)).detach().mT - base.bias[:, None]
        close(
            rows.norm(dim=1),
            torch.full((5,), 2.0),
            f"{what}, lora_B and magnitude filled with 0.3 and 2: lengths of W' by rows",
        )


def draws(DoRALinear):
    for into, rank in ((60, 60), (400, 9)):
        adapters.wrapper_draws(dora(DoRALinear, rank), into)


def ranks(DoRALinear):
    def made(rank):
        return adapters.a(DoRALinear(nn.Linear(7, 5), rank))

    for rank in (0, -1):
        refuses(made, rank, errors=(ValueError,), call=f"DoRALinear(nn.Linear(7, 5), {rank})")
    for rank in (6, 9):
        wrapper = dora(DoRALinear, rank)
        layer, what = wrapper.around(nn.Linear(7, 5), ", x (4, 7)")
        has_parameters(what, layer, wrapper.shapes(7, 5))
        equal(f"{what}: y", tuple(result_of(what, layer, torch.randn(4, 7)).shape), (4, 5))


def dtypes(DoRALinear):
    adapters.wrapper_dtypes(dora(DoRALinear, 1, 0.7))


def inputs(DoRALinear):
    adapters.wrapper_inputs(dora(DoRALinear, 2))


def modes(DoRALinear):
    adapters.wrapper_modes(dora(DoRALinear, 2))


CORE = (parts, start, value, frozen, training)
EDGES = (zeros, draws, ranks, dtypes, inputs, modes)
