"""Language model evaluation: how well a text is predicted, how answers are scored.

model: nn.Module, ids (B, L) -> logits (B, L, V); place t predicts id t + 1.

    sequence_nll(model, ids, context_length, stride) -> sum of -log p in nats, tokens scored
    perplexity(model, ids, context_length, stride)
    bits_per_byte(nll, num_bytes)
    pass_at_k(n, c, k)
    pick_choice(model, prompt, choices, normalize=True) -> index

Core, what an interview asks:

    once       Every token but the first counts once.
    windows    Windows of context_length inputs, fewer at the end, begin at 0, stride, 2 stride...
               until all is scored. The first that predicts a token scores it.
    rates      perplexity: exp of the mean per token. bits_per_byte: nll is a sum in nats.
    pass_at_k  The probability that k of n samples include one of the c right ones; n to 10,000.
    choice     The choice with the largest log p after prompt; normalize: per token of the choice.
               Equal: the first.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    modes      Eval mode, no graph. Each module's mode comes back, also after errors.
    precision  float32 at least, from the logits on; float64 to 1e-12.
    refused    ValueError: under 2 ids; an empty prompt, choice or list of them; stride not in
               1 to context_length, c not in 0 to n, k not in 1 to n.

Medium, 30 minutes. Try one alone: python FILE windows
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def sequence_nll(
    model: nn.Module, ids: Tensor, context_length: int, stride: int
) -> tuple[float, int]:
    """ids (N,) -> two Python numbers."""
    raise NotImplementedError("sequence_nll")


def perplexity(model: nn.Module, ids: Tensor, context_length: int, stride: int) -> float:
    raise NotImplementedError("perplexity")


def bits_per_byte(nll: float, num_bytes: int) -> float:
    raise NotImplementedError("bits_per_byte")


def pass_at_k(n: int, c: int, k: int) -> float:
    raise NotImplementedError("pass_at_k")


def pick_choice(
    model: nn.Module, prompt: Tensor, choices: Sequence[Tensor], normalize: bool = True
) -> int:
    """prompt (P,), choices (n,) each."""
    raise NotImplementedError("pick_choice")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    model = nn.Embedding(2, 2)  # after 0: 0 with 1/4, 1 with 3/4; after 1: each with 1/2
    model.weight.data = torch.tensor([[0.25, 0.75], [0.5, 0.5]]).log()
    ids, context_length, stride = torch.tensor([1, 0, 1, 1]), 2, 1
    nll, tokens = sequence_nll(model, ids, context_length, stride)
    assert (round(nll, 4), tokens) == (1.674, 3), (nll, tokens)  # -log(1/2 * 3/4 * 1/2)
    got = perplexity(model, ids, context_length, stride)
    assert round(got, 4) == 1.7472, got  # (16/3) ** (1/3)

    got = pass_at_k(n=4, c=1, k=2)
    assert got == 0.5, got
    choices = [torch.tensor([1]), torch.tensor([1, 1, 1])]  # 3/4, and 3/4 * 1/2 * 1/2
    got = pick_choice(model, torch.tensor([1, 0]), choices)
    assert got == 0, got


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
