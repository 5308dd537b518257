"""What challenge_parallel_adapter_block.py requires; `forward` alone compares with the sum."""

import torch
from torch import nn

from checks import adapters
from checks.modules import put, refuses_sizes
from checks.tools import close, result_of


def parts(ParallelAdapterBlock, BottleneckAdapter):
    adapters.block_parts(of(ParallelAdapterBlock, BottleneckAdapter))


def frozen(ParallelAdapterBlock, BottleneckAdapter):
    adapters.block_frozen(of(ParallelAdapterBlock, BottleneckAdapter))


def forward(ParallelAdapterBlock, BottleneckAdapter):
    identity = {"weight": [[1.0, 0.0], [0.0, 1.0]], "bias": [0.0, 0.0]}
    sublayer = put(nn.Linear(2, 2), {"weight": [[10.0, 0.0], [0.0, 10.0]], "bias": [1.0, 1.0]})
    adapter = BottleneckAdapter(2, 2)
    put(adapter.down, identity), put(adapter.up, identity)
    what = "sublayer 10 x + 1, adapter with delta relu(x), x [[2, -3]]: out"
    block = ParallelAdapterBlock(sublayer, adapter).eval()
    got = result_of(what, block, torch.tensor([[2.0, -3.0]]))
    close(got, torch.tensor([[23.0, -29.0]]), what)
    adapters.block_forward(of(ParallelAdapterBlock, BottleneckAdapter))


def gradients(ParallelAdapterBlock, BottleneckAdapter):
    adapters.block_gradients(of(ParallelAdapterBlock, BottleneckAdapter))


def modes(ParallelAdapterBlock, BottleneckAdapter):
    adapters.block_modes(of(ParallelAdapterBlock, BottleneckAdapter))


def shapes(ParallelAdapterBlock, BottleneckAdapter):
    for sublayer, size in (
        (nn.Linear(6, 1), (4, 6)),
        (nn.Linear(6, 5), (4, 6)),
        (nn.Flatten(), (4, 1, 6)),
        (nn.AdaptiveAvgPool2d((1, 6)), (2, 4, 6)),
        (nn.Unflatten(0, (4, 1)), (4, 6)),
        (nn.Unflatten(0, (1, 1)), (1, 6)),
        (Mean(), (4, 6)),
    ):
        result = tuple(sublayer(torch.randn(size)).shape)
        block = ParallelAdapterBlock(sublayer, BottleneckAdapter(6, 2))
        refuses_sizes(f"sublayer {sublayer}, whose result is {result}", block, "x", [[size]])


def kept(ParallelAdapterBlock, BottleneckAdapter):
    adapters.block_kept(of(ParallelAdapterBlock, BottleneckAdapter))


def hooks(ParallelAdapterBlock, BottleneckAdapter):
    adapters.block_hooks(of(ParallelAdapterBlock, BottleneckAdapter), counted=("sublayer",))


def inputs(ParallelAdapterBlock, BottleneckAdapter):
    adapters.block_inputs(of(ParallelAdapterBlock, BottleneckAdapter))


CORE = (parts, frozen, forward, gradients, modes)
EDGES = (shapes, kept, hooks, inputs)


class Mean(nn.Module):
    def forward(self, x):
        return x.mean(0, keepdim=True)


def of(block, adapter):
    def side_by_side(sublayer, adapter, x):
        low, up = adapter.down, adapter.up
        hidden = (x @ low.weight.T + low.bias).clamp(min=0)
        return sublayer(x) + (hidden @ up.weight.T + up.bias)

    return adapters.Block("ParallelAdapterBlock", block, adapter, 7, side_by_side)
