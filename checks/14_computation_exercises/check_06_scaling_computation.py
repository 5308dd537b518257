"""What challenge_06_scaling_computation.py requires.

FLOPs are those that torch counts, the ring's numbers those that ranks send, the bubble that of a
schedule played step by step, the field that of a gradient; what is too large for them is compared
with what the answer gives for small sizes.
"""

from functools import cache
from itertools import pairwise

import torch
from torch import nn

from checks.sums import asks, mult_adds, sent_by_ring

NETS = (((4, 6, 5), 7), ((3, 8), 2), ((2, 2, 2, 2), 5))  # features of the layers, tokens
STACKS = (  # kernel_size, stride, dilation
    [(3, 1, 1)],
    [(1, 2, 1), (3, 1, 1)],
    [(3, 2, 1), (2, 3, 2), (4, 1, 3)],
    [(2, 2, 1), (2, 2, 1), (2, 2, 1), (3, 1, 4)],
    [(5, 3, 2), (1, 2, 5), (3, 1, 1)],
)


@asks("training_flops")
def flops(asked):
    for features, tokens in NETS:
        params, want = trained(features, tokens)
        asked.gives(want, params, tokens)


@asks("mfu")
def mfu(asked):
    for features, tokens in NETS:
        params, work = trained(features, tokens)
        for seconds, peak in ((1, 2 * work), (4, work), (0.5, 3 * work), (2, 2.5 * work)):
            asked.gives_about(work / seconds / peak, tokens / seconds, params, peak)


@asks("chinchilla_tokens")
def chinchilla(asked):
    for params, tokens in ((70, 1400), (10**9, 20 * 10**9), (7, 140)):
        asked.gives(tokens, params)


@asks("all_reduce_elements_per_rank")
def all_reduce(asked):
    for numel, world_size in ((12, 2), (12, 3), (20, 5), (4, 4), (9, 1)):
        asked.gives(sent_by_ring(numel, world_size), numel, world_size)


@asks("pipeline_bubble")
def bubble(asked):
    for stages, batches in ((4, 3), (2, 7), (3, 3), (1, 5), (5, 1), (8, 32)):
        asked.gives_about(waiting(stages, batches), stages, batches)


@asks("receptive_field")
def field(asked):
    for layers in STACKS:
        asked.gives(span(tuple(layers)), list(layers))


@asks("all_reduce_elements_per_rank")
def uneven(asked):
    for numel, world_size in ((13, 2), (11, 4), (3, 5), (1, 3)):
        want = int(asked.own(numel + -numel % world_size, world_size))
        asked.gives(want, numel, world_size)


@asks("training_flops", "chinchilla_tokens", "all_reduce_elements_per_rank", "receptive_field")
def exact(flops, chinchilla, all_reduce, field):
    n, m = 10**20 + 3, 10**10 + 3  # n is not exact as a float; m fits 64 bits, its square does not
    for sizes in ((n, 1), (1, n), (m, m)):
        flops.gives_exactly(flops.gives_exactly(None, 1, 1) * sizes[0] * sizes[1], *sizes)
    chinchilla.gives_exactly(chinchilla.gives_exactly(None, 1) * n, n)
    all_reduce.gives_exactly(all_reduce.gives_exactly(None, 3, 3) * n, 3 * n, 3)
    field.gives_exactly(n, [(n, 1, 1)])
    field.gives_exactly(1 + 2 * n, [(3, 1, n)])
    field.gives_exactly(1 + m * m, [(1, m, 1), (1, m, 1), (2, 1, 1)])


CORE = (flops, mfu, chinchilla, all_reduce, bubble, field)
EDGES = (uneven, exact)


@cache
def trained(features, tokens):
    """Weights of a net without biases, FLOPs of its forward and backward."""
    net = nn.Sequential(*(nn.Linear(*ends, bias=False) for ends in pairwise(features)))
    x = torch.ones(tokens, features[0], requires_grad=True)
    counted = mult_adds(lambda: net(x).sum().backward())[1]
    return sum(p.numel() for p in net.parameters()), 2 * counted


def waiting(stages, batches):
    """A stage's idle part of the time: a microbatch in a stage takes one slot."""
    ends = [0] * batches
    for _ in range(stages):
        slot = 0
        for batch in range(batches):
            ends[batch] = slot = max(slot, ends[batch]) + 1
    return 1 - batches / ends[-1]  # backward takes as many, in the other direction


@cache
def span(layers):
    """How far apart the inputs lie that have a gradient from one output, both counted."""
    x = torch.zeros(1, 1, 200, dtype=torch.float64, requires_grad=True)
    out = x
    for kernel, stride, dilation in layers:
        weight = torch.ones(1, 1, kernel, dtype=out.dtype)
        out = nn.functional.conv1d(out, weight, stride=stride, dilation=dilation)
    out[0, 0, 1].backward()
    seen = x.grad[0, 0].nonzero()
    return int(seen.max() - seen.min() + 1)
