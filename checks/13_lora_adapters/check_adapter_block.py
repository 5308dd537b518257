"""What challenge_adapter_block.py requires; `forward` alone compares with the two in a row."""

import torch
from torch import nn

from checks import adapters
from checks.modules import put
from checks.tools import close, result_of


def parts(AdapterBlock, BottleneckAdapter):
    adapters.block_parts(of(AdapterBlock, BottleneckAdapter))


def frozen(AdapterBlock, BottleneckAdapter):
    adapters.block_frozen(of(AdapterBlock, BottleneckAdapter))


def forward(AdapterBlock, BottleneckAdapter):
    first, second = (
        put(nn.Linear(2, 2), {"weight": [[n, 0.0], [0.0, n]], "bias": [1.0, 1.0]})
        for n in (10.0, 1.0)
    )
    what = "sublayer 10 x + 1, as adapter nn.Linear with x + 1, x [[2, 3]]: out"
    got = result_of(what, AdapterBlock(first, second).eval(), torch.tensor([[2.0, 3.0]]))
    close(got, torch.tensor([[22.0, 32.0]]), what)
    adapters.block_forward(of(AdapterBlock, BottleneckAdapter))


def gradients(AdapterBlock, BottleneckAdapter):
    adapters.block_gradients(of(AdapterBlock, BottleneckAdapter))


def modes(AdapterBlock, BottleneckAdapter):
    adapters.block_modes(of(AdapterBlock, BottleneckAdapter))


def kept(AdapterBlock, BottleneckAdapter):
    adapters.block_kept(of(AdapterBlock, BottleneckAdapter))


def hooks(AdapterBlock, BottleneckAdapter):
    adapters.block_hooks(of(AdapterBlock, BottleneckAdapter))


def inputs(AdapterBlock, BottleneckAdapter):
    adapters.block_inputs(of(AdapterBlock, BottleneckAdapter))


CORE = (parts, frozen, forward, gradients, modes)
EDGES = (kept, hooks, inputs)


def of(block, adapter):
    return adapters.Block("AdapterBlock", block, adapter, 5, lambda first, then, x: then(first(x)))
