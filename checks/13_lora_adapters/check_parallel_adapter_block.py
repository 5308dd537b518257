"""What challenge_parallel_adapter_block.py requires.

Only `forward` compares with the sum of the two modules. The others look at names, flags, modes and
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
from checks.modules import refuses_sizes
from checks.tools import close, result_of


def parts(ParallelAdapterBlock, BottleneckAdapter):
    block_parts(of(ParallelAdapterBlock, BottleneckAdapter))


def frozen(ParallelAdapterBlock, BottleneckAdapter):
    block_frozen(of(ParallelAdapterBlock, BottleneckAdapter))


def forward(ParallelAdapterBlock, BottleneckAdapter):
    sublayer, adapter = nn.Linear(2, 2), BottleneckAdapter(2, 2)
    for layer, factor in ((sublayer, 10.0), (adapter.down, 1.0), (adapter.up, 1.0)):
        nn.init.eye_(layer.weight)
        layer.weight.data *= factor
        nn.init.zeros_(layer.bias)
    what = "sublayer 10 x, adapter with delta relu(x), x [2, -3]: out"
    x = torch.tensor([[[2.0, -3.0]]])  # B 1, L 1
    got = result_of(what, ParallelAdapterBlock(sublayer, adapter).eval(), x)
    close(got[0, 0], torch.tensor([22.0, -30.0]), what)
    block_forward(of(ParallelAdapterBlock, BottleneckAdapter))


def gradients(ParallelAdapterBlock, BottleneckAdapter):
    block_gradients(of(ParallelAdapterBlock, BottleneckAdapter))


def modes(ParallelAdapterBlock, BottleneckAdapter):
    block_modes(of(ParallelAdapterBlock, BottleneckAdapter))


def shapes(ParallelAdapterBlock, BottleneckAdapter):
    for sublayer, sizes in (
        (nn.Linear(6, 1), (4, 6)),
        (nn.Linear(6, 5), (4, 6)),
        (nn.Flatten(), (4, 1, 6)),
        (nn.AdaptiveAvgPool2d((1, 6)), (2, 4, 6)),
        (nn.Unflatten(0, (4, 1)), (4, 6)),
        (nn.Unflatten(0, (1, 1)), (1, 6)),
    ):
        got = tuple(sublayer(torch.randn(sizes)).shape)
        block = ParallelAdapterBlock(sublayer, BottleneckAdapter(6, 2))
        refuses_sizes(f"sublayer {sublayer}, whose result is {got}", block, "x", [[sizes]])


def kept(ParallelAdapterBlock, BottleneckAdapter):
    block_kept(of(ParallelAdapterBlock, BottleneckAdapter))


def hooks(ParallelAdapterBlock, BottleneckAdapter):
    block_hooks(of(ParallelAdapterBlock, BottleneckAdapter), counted=("sublayer",))


def inputs(ParallelAdapterBlock, BottleneckAdapter):
    block_inputs(of(ParallelAdapterBlock, BottleneckAdapter))


CORE = (parts, frozen, forward, gradients, modes)
EDGES = (shapes, kept, hooks, inputs)


def of(ParallelAdapterBlock, BottleneckAdapter):
    def side_by_side(sublayer, adapter, x):
        low, up = adapter.down, adapter.up
        hidden = (x @ low.weight.T + low.bias).clamp(min=0)
        return sublayer(x) + (hidden @ up.weight.T + up.bias)

    return Block("ParallelAdapterBlock", ParallelAdapterBlock, BottleneckAdapter, 7, side_by_side)
