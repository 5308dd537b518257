"""What challenge_lora_linear.py requires.

Only `value`, `training` and `dtypes` compare with the merged weight. What a wrapper of either kind
owes, LoRA or IA3, is in checks/adapters.py.
"""

import torch
from torch import nn

from checks.adapters import (
    built,
    has_parameters,
    lora,
    parameter_of,
    wrapper_computes,
    wrapper_dtypes,
    wrapper_freezes,
    wrapper_inputs,
    wrapper_memory,
    wrapper_modes,
    wrapper_parts,
    wrapper_starts,
    wrapper_trains,
)
from checks.tools import close, refuses, result_of, same


def parts(LoRALinear):
    for rank in (1, 2):
        wrapper_parts(lora(LoRALinear, rank))


def start(LoRALinear):
    for rank in (1, 2):
        layers = [LoRALinear(nn.Linear(7, 5), rank) for _ in range(2)]
        what = f"a new LoRALinear(nn.Linear(7, 5), {rank})"
        A, B = (parameter_of(what, layers[0], name).detach() for name in ("lora_A", "lora_B"))
        assert not B.any(), f"{what}: {int(B.count_nonzero())} numbers of lora_B are not 0"
        assert A.any(), f"{what}: all numbers of lora_A are 0, want random ones"
        again = torch.equal(A, layers[1].lora_A.detach())
        assert not again, f"{what} made twice: lora_A has the same numbers, want new ones"
        wrapper_starts(lora(LoRALinear, rank))


def value(LoRALinear):
    by_hand(LoRALinear)
    for rank, scale in ((2, 0.3), (1, -2.0), (3, 0.0)):
        wrapper_computes(lora(LoRALinear, rank, scale))
    wrapper_computes(lora(LoRALinear, 2, None))


def frozen(LoRALinear):
    wrapper_freezes(lora(LoRALinear, 2))


def training(LoRALinear):
    wrapper_trains(lora(LoRALinear, 1))


def draws(LoRALinear):
    for features, rank in ((60, 60), (400, 9)):
        base = nn.Linear(features, features)
        A = LoRALinear(base, rank).lora_A.detach()
        what = f"LoRALinear(nn.Linear({features}, {features}), {rank}), new lora_A"
        std, unit = A.std().item(), features**-0.5
        assert 0.45 * unit < std < 2.2 * unit, (
            f"{what}: standard deviation {std:.4f}, want {0.5 * unit:.4f} to {2 * unit:.4f}"
        )
        mean, limit = A.mean().item(), 6 * std / A.numel() ** 0.5
        assert abs(mean) < limit, f"{what}: mean {mean:.4f}, want 0 within {limit:.4f}"
        full, got = min(A.shape), torch.linalg.matrix_rank(A).item()
        assert got == full, f"{what}: a matrix of rank {got}, independent draws give {full}"
        seeded = []
        for _ in range(2):
            torch.manual_seed(1)
            seeded.append(LoRALinear(base, rank).lora_A.detach())
        same(*seeded, f"{what}: two draws after torch.manual_seed(1)")


def ranks(LoRALinear):
    def made(rank):
        LoRALinear(nn.Linear(7, 5), rank)
        return "a layer"

    made.__name__ = "LoRALinear around nn.Linear(7, 5), rank "
    for rank in (0, -1):
        refuses(made, rank, errors=(ValueError,))
    for rank in (6, 9):
        what = f"LoRALinear(nn.Linear(7, 5), {rank})"
        layer = built(what, lambda rank=rank: LoRALinear(nn.Linear(7, 5), rank))
        has_parameters(what, layer, {"lora_A": (rank, 7), "lora_B": (5, rank)})
        got = tuple(result_of(f"{what}, x (4, 7)", layer, torch.randn(4, 7)).shape)
        assert got == (4, 5), f"{what}, x (4, 7): y {got}, want (4, 5)"


def dtypes(LoRALinear):
    wrapper_dtypes(lora(LoRALinear, 1, 0.7))


def inputs(LoRALinear):
    wrapper_inputs(lora(LoRALinear, 2))


def modes(LoRALinear):
    wrapper_modes(lora(LoRALinear, 2))


def memory(LoRALinear):
    wrapper_memory(lora(LoRALinear, 2))


CORE = (parts, start, value, frozen, training)
EDGES = (draws, ranks, dtypes, inputs, modes, memory)


def by_hand(LoRALinear):
    base = nn.Linear(2, 2)
    nn.init.eye_(base.weight)
    nn.init.zeros_(base.bias)
    x = torch.tensor([[1.0, 2.0]])
    for rank, scale, want in ((1, 1.0, [4, 8]), (1, 0.5, [2.5, 5]), (2, 1.0, [7, 14])):
        layer = LoRALinear(base, rank, scale)
        with torch.no_grad():
            layer.lora_A.fill_(1.0)
            layer.lora_B.copy_(torch.tensor([[1.0], [2.0]]).expand(2, rank))
        what = (
            f"rank {rank}, scale {scale}, W the identity, bias 0, A of ones, "
            f"B's columns [1, 2], x [[1, 2]]: y"
        )
        close(result_of(what, layer, x).detach(), torch.tensor([want]).float(), what)
