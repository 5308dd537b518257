"""What challenge_adapter_block.py requires.

Only `forward` compares with the two modules in a row. The others look at names, flags, modes and
hooks, or compare the block with itself.
"""

import torch
from torch import nn

from checks.adapters import (
    Block,
    block_forward,
    block_frozen,
    block_gradients,
    block_hooks,
    block_inputs,
    block_kept,
    block_modes,
    block_parts,
)
from checks.tools import close, result_of


def parts(AdapterBlock, BottleneckAdapter):
    block_parts(of(AdapterBlock, BottleneckAdapter))


def frozen(AdapterBlock, BottleneckAdapter):
    block_frozen(of(AdapterBlock, BottleneckAdapter))


def forward(AdapterBlock, BottleneckAdapter):
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    for layer, factor in ((first, 10.0), (second, 1.0)):
        nn.init.eye_(layer.weight)
        layer.weight.data *= factor
        nn.init.constant_(layer.bias, 1.0)
    what = "sublayer 10 x + 1, as adapter nn.Linear with x + 1, x [2, 3]: out"
    x = torch.tensor([[[2.0, 3.0]]])  # B 1, L 1
    got = result_of(what, AdapterBlock(first, second).eval(), x)
    close(got[0, 0], torch.tensor([22.0, 32.0]), what)
    block_forward(of(AdapterBlock, BottleneckAdapter))


def gradients(AdapterBlock, BottleneckAdapter):
    block_gradients(of(AdapterBlock, BottleneckAdapter))


def modes(AdapterBlock, BottleneckAdapter):
    block_modes(of(AdapterBlock, BottleneckAdapter))


def kept(AdapterBlock, BottleneckAdapter):
    block_kept(of(AdapterBlock, BottleneckAdapter))


def hooks(AdapterBlock, BottleneckAdapter):
    block_hooks(of(AdapterBlock, BottleneckAdapter))


def inputs(AdapterBlock, BottleneckAdapter):
    block_inputs(of(AdapterBlock, BottleneckAdapter))


CORE = (parts, frozen, forward, gradients, modes)
EDGES = (kept, hooks, inputs)


def of(AdapterBlock, BottleneckAdapter):
    def in_a_row(sublayer, adapter, x):
        return adapter(sublayer(x))

    return Block("AdapterBlock", AdapterBlock, BottleneckAdapter, 5, in_a_row)
