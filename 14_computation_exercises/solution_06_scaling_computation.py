"""Scaling on paper: 6 N D FLOPs, twice the tensor per all-reduce, and a bubble of p - 1 slots.

Why it works: forward uses a weight once per token, a mult-add or 2 FLOPs. Backward makes two
products of that size, for the gradients of the input and of the weight: 6 in all. 7 billion weights
and 140 billion tokens take 5.9e21 FLOPs.
Say in the interview: compute-optimal is about 20 tokens per parameter, and small models are trained
on far more, as they are cheap to serve. A ring sends (n - 1) / n of the tensor twice, so nearly 2
tensors for any n. With p stages and m microbatches a stage works in m of m + p - 1 slots, so
m = 4 p leaves a bubble of a fifth. In a receptive field a layer's stride only helps the later ones.
Asked next: What does 1F1B change? Not the bubble, but a stage keeps at most p microbatches'
activations instead of m. What is not in 6 N D? Attention's products, 12 L d_model per token and
layer; recomputation, which takes 8 instead of 6 and does not count in MFU.
Common slips: mult-adds for FLOPs; forward alone; peak of one chip, speed of all; the tensor once
round the ring; p - 1 over m for the share of the time; the stride of the layer itself; a mean of
kernels.
May be left out if you say so: embeddings that are looked up, norms and biases, about 1 % of it.
"""

TOKENS_PER_PARAM = 20  # arXiv 2203.15556, table 3


def training_flops(num_params: int, tokens: int) -> int:
    """2 for the forward pass, 4 for the backward pass, of each weight and token."""
    return 6 * num_params * tokens


def mfu(tokens_per_second: float, num_params: int, peak_flops: float) -> float:
    """Useful FLOPs per second over the possible ones."""
    return 6 * tokens_per_second * num_params / peak_flops


def chinchilla_tokens(num_params: int) -> int:
    """About 20 tokens per parameter."""
    return TOKENS_PER_PARAM * num_params


def all_reduce_elements_per_rank(numel: int, world_size: int) -> int:
    """world_size - 1 pieces in the reduce-scatter and as many in the all-gather."""
    piece = -(-numel // world_size)  # rounded up
    return 2 * (world_size - 1) * piece


def pipeline_bubble(num_stages: int, num_microbatches: int) -> float:
    """A microbatch reaches the last stage num_stages - 1 slots after the first."""
    return (num_stages - 1) / (num_microbatches + num_stages - 1)


def receptive_field(layers: list[tuple[int, int, int]]) -> int:
    """Positions of the input that one output sees. `step` lies between neighbors of a map."""
    seen = step = 1
    for kernel_size, stride, dilation in layers:
        seen += dilation * (kernel_size - 1) * step
        step *= stride
    return seen


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
