"""Language model evaluation: sum the surprise once per token, then divide by what you report.

Why it works: the sum of -log p is that of the whole text, so sums of parts add up; means do not.
Context 4, stride 2, 8 ids: windows begin at 0, 2 and 4. The first predicts tokens 1 to 4, the
second tokens 3 to 6, of which 5 and 6 are new, the third adds 7. A smaller stride gives each token
more context and costs more passes: at stride 1 one pass per token.
Say in the interview:
- Perplexity is exp of a mean per token: it depends on the tokenizer. Bits per byte does not.
- Compare perplexities only with the same context length and stride.
- pass@k: 1 - C(n - c, k) / C(n, k). 1 - (1 - c/n)^k draws with replacement and is too low:
  for n = 4, c = 1, k = 2 it gives 7/16, not 1/2.
- Without normalizing, choices of few tokens win. lm-evaluation-harness divides by bytes instead.
Asked next: "Is a lower perplexity a better model?" On held-out text that neither has seen; look
for the test text in the training data. "How sure is a score of 100 questions?" The standard error
of a share p is sqrt(p (1 - p) / 100), up to 5 points: report it.
Common slips: the overlap counted twice; a mean of window means, where the last window is short;
log2 forgotten; the first token of a choice, which the prompt's last place predicts, left out.
May be left out if you say so: modes, low precision.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def sequence_nll(
    model: nn.Module, ids: Tensor, context_length: int, stride: int
) -> tuple[float, int]:
    """(N,) -> the sum of -log p of ids 1 to N - 1, and N - 1."""
    if not 1 <= stride <= context_length:
        raise ValueError(f"stride {stride}, want 1 to {context_length}, the context length")
    if len(ids) < 2:
        raise ValueError(f"{len(ids)} ids, want 2 or more: the first is not scored")
    total, scored, begin = 0.0, 1, 0  # ids before `scored` are done
    with evaluating(model):
        while scored < len(ids):
            end = min(begin + context_length, len(ids) - 1)  # the last input predicts ids[end]
            logp = log_probs(model, ids[begin:end], ids[begin + 1 : end + 1])
            total -= float(logp[scored - begin - 1 :].double().sum())
            scored, begin = end + 1, begin + stride
    return total, len(ids) - 1


def perplexity(model: nn.Module, ids: Tensor, context_length: int, stride: int) -> float:
    nll, tokens = sequence_nll(model, ids, context_length, stride)
    return math.exp(nll / tokens)


def bits_per_byte(nll: float, num_bytes: int) -> float:
    return nll / math.log(2) / num_bytes


def pass_at_k(n: int, c: int, k: int) -> float:
    """1 - the share of the sets of k samples without a right one; math.comb is 0 if k > n - c."""
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(f"n={n}, c={c}, k={k}, want 0 <= c <= n and 1 <= k <= n")
    return 1 - math.comb(n - c, k) / math.comb(n, k)


def pick_choice(
    model: nn.Module, prompt: Tensor, choices: Sequence[Tensor], normalize: bool = True
) -> int:
    """The index of the most likely choice after the prompt."""
    if not len(prompt) or not len(choices) or not all(len(choice) for choice in choices):
        raise ValueError("the prompt, the choices or one of them is empty")
    scores = []
    with evaluating(model):
        for choice in choices:
            text = torch.cat([prompt, choice])
            logp = log_probs(model, text[:-1], text[1:])[len(prompt) - 1 :].double()
            scores.append(float(logp.mean() if normalize else logp.sum()))
    return scores.index(max(scores))


def log_probs(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """Two of (L,) -> (L,), in float32 at least."""
    logits = model(inputs[None])[0]  # (L, V)
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return logits.log_softmax(dim=-1).gather(-1, targets[:, None])[:, 0]


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Eval mode and no graph; afterwards each module has its own mode again."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


# Something to look at: what the stride costs and gains, and two estimates of pass@k.
if __name__ == "__main__":
    torch.manual_seed(0)

    class Counts(nn.Module):
        """Predicts by how often each id was in its window: more context, better guesses."""

        def forward(self, ids: Tensor) -> Tensor:
            return nn.functional.one_hot(ids, 20).cumsum(1).add(1).log()

    text = torch.multinomial(torch.rand(20) ** 4, 400, replacement=True)
    for stride in (32, 16, 4, 1):
        passes = 1 + math.ceil((len(text) - 33) / stride)
        value = perplexity(Counts(), text, 32, stride)
        print(f"context 32, stride {stride:2}: {passes:3} passes, perplexity {value:.2f}")
    for k in (1, 5, 10):
        print(
            f"10 samples, 2 right: pass@{k} is {pass_at_k(10, 2, k):.3f}, "
            f"with replacement {1 - 0.8**k:.3f}"
        )


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
