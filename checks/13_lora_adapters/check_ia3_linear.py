"""What challenge_ia3_linear.py requires. What a wrapper owes is in checks/adapters.py.

Only `value`, `training` and `dtypes` compare with the merged weight.
"""

import torch
from torch import nn

from checks import adapters
from checks.adapters import ia3, parameter_of
from checks.tools import close, numbers, result_of


def parts(IA3Linear):
    adapters.wrapper_parts(ia3(IA3Linear))


def start(IA3Linear):
    layer, what = ia3(IA3Linear).around(nn.Linear(7, 5))
    scale = parameter_of(what, layer, "scale").detach()
    assert (scale == 1).all(), f"a new {what}: scale is {numbers(scale)}, want ones"
    adapters.wrapper_starts(ia3(IA3Linear))


def value(IA3Linear):
    base, x = nn.Linear(2, 2), torch.tensor([[1.0, 2.0]])
    nn.init.eye_(base.weight)
    for bias, scale, want in (
        (0.0, [3.0, 0.5], [3.0, 1.0]),
        (10.0, [3.0, 0.5], [33.0, 6.0]),
        (10.0, [-1.0, 0.0], [-11.0, 0.0]),
    ):
        nn.init.constant_(base.bias, bias)
        what = f"W the identity, bias [{bias}, {bias}], scale {scale}, x [[1, 2]]: y"
        layer, _ = ia3(IA3Linear).around(base)
        parameter_of(what, layer, "scale").data.copy_(torch.tensor(scale))
        close(result_of(what, layer, x).detach(), torch.tensor([want]), what)
    adapters.wrapper_computes(ia3(IA3Linear))


def frozen(IA3Linear):
    adapters.wrapper_freezes(ia3(IA3Linear))


def training(IA3Linear):
    adapters.wrapper_trains(ia3(IA3Linear))


def dtypes(IA3Linear):
    adapters.wrapper_dtypes(ia3(IA3Linear))


def inputs(IA3Linear):
    adapters.wrapper_inputs(ia3(IA3Linear))


def modes(IA3Linear):
    adapters.wrapper_modes(ia3(IA3Linear))


def memory(IA3Linear):
    adapters.wrapper_memory(ia3(IA3Linear))


CORE = (parts, start, value, frozen, training)
EDGES = (dtypes, inputs, modes, memory)
