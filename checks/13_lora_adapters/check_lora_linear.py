"""What challenge_lora_linear.py requires. What a wrapper owes is in checks/adapters.py.

Only `value`, `training` and `dtypes` compare with the merged weight.
"""

import torch
from torch import nn

from checks import adapters
from checks.adapters import has_parameters, lora
from checks.tools import close, equal, refuses, result_of


def parts(LoRALinear):
    for rank in (1, 2):
        adapters.wrapper_parts(lora(LoRALinear, rank))


def start(LoRALinear):
    for rank in (1, 2):
        layer, what = lora(LoRALinear, rank).around(nn.Linear(7, 5))
        other, _ = lora(LoRALinear, rank).around(nn.Linear(7, 5))
        has_parameters(f"a new {what}", layer, {"lora_A": (rank, 7), "lora_B": (5, rank)})
        adapters.zeros_are(f"a new {what}: lora_B", layer.lora_B)
        assert layer.lora_A.any(), f"a new {what}: all numbers of lora_A are 0, want random ones"
        again = torch.equal(layer.lora_A, other.lora_A)
        assert not again, f"{what} made twice: lora_A has the same numbers, want new ones"
        adapters.wrapper_starts(lora(LoRALinear, rank))


def value(LoRALinear):
    base, x = nn.Linear(2, 2), torch.tensor([[1.0, 2.0]])
    nn.init.eye_(base.weight)
    nn.init.zeros_(base.bias)
    for rank, scale, want in ((1, 1.0, [4, 8]), (1, 0.5, [2.5, 5]), (2, 1.0, [7, 14])):
        layer, _ = lora(LoRALinear, rank, scale).around(base)
        layer.lora_A.data.fill_(1.0)
        layer.lora_B.data.copy_(torch.tensor([[1.0], [2.0]]).expand(2, rank))
        what = f"rank {rank}, scale {scale}, W the identity, bias 0, A of ones, "
        what += "B's columns [1, 2], x [[1, 2]]: y"
        close(result_of(what, layer, x).detach(), torch.tensor([want]).float(), what)
    for options in ((2, 0.3), (1, -2.0), (3, 0.0), (2, None)):
        adapters.wrapper_computes(lora(LoRALinear, *options))


def frozen(LoRALinear):
    adapters.wrapper_freezes(lora(LoRALinear, 2))


def training(LoRALinear):
    adapters.wrapper_trains(lora(LoRALinear, 1))


def draws(LoRALinear):
    for features, rank in ((60, 60), (400, 9)):
        adapters.wrapper_draws(lora(LoRALinear, rank), features)


def ranks(LoRALinear):
    def made(rank):
        return adapters.a(LoRALinear(nn.Linear(7, 5), rank))

    for rank in (0, -1):
        refuses(made, rank, errors=(ValueError,), call=f"LoRALinear(nn.Linear(7, 5), {rank})")
    for rank in (6, 9):
        layer, what = lora(LoRALinear, rank).around(nn.Linear(7, 5), ", x (4, 7)")
        has_parameters(what, layer, {"lora_A": (rank, 7), "lora_B": (5, rank)})
        equal(f"{what}: y", tuple(result_of(what, layer, torch.randn(4, 7)).shape), (4, 5))


def dtypes(LoRALinear):
    adapters.wrapper_dtypes(lora(LoRALinear, 1, 0.7))


def inputs(LoRALinear):
    adapters.wrapper_inputs(lora(LoRALinear, 2))


def modes(LoRALinear):
    adapters.wrapper_modes(lora(LoRALinear, 2))


def memory(LoRALinear):
    adapters.wrapper_memory(lora(LoRALinear, 2))


CORE = (parts, start, value, frozen, training)
EDGES = (draws, ranks, dtypes, inputs, modes, memory)
