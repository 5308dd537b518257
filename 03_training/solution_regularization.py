"""Regularization: scale what is kept, decay what multiplies, copy what will be given back.

Why it works: with p = 0.75 a number is kept in one of four draws and then multiplied by 4, so its
mean is what eval mode gives, and eval needs no change. Decay pulls weights to 0; a bias or the
scale of a norm has no reason to be near 0. An average with decay d remembers about 1 / (1 - d)
updates: 0.999 the last 1,000.
Say in the interview:
- Inverted dropout: the scaling is done in training, so serving pays nothing.
- Groups by dims: matrices, convolutions and embeddings decay; biases and norms are vectors. Frozen
  parameters are listed, too, so that they can be unfrozen later.
- An optimizer's state is saved by position, so the order of the parameters is part of a checkpoint.
  A set has no order.
- The average is for evaluation and serving; the training goes on with its own weights.
Asked next: "What of a bfloat16 model?" 0.999 of a bfloat16 number rounds back to itself, so the
average hardly moves; keep it in float32.
"And BatchNorm?" Its running statistics belong to other weights than the averaged ones: average them
too, or compute them anew in a pass over the training data.
Common slips: no 1 / (1 - p); one mask for the whole batch; p = 1 as 0 times inf; tied weights
listed or moved twice; a shadow that shares storage with the model; no finally.
May be left out if you say so: norms whose weights have two dims; buffers.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


class MyDropout(nn.Module):
    """Any shape -> the same. p outside 0 to 1: ValueError."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"p is {p}, want 0 to 1")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        kept = torch.rand(x.shape, device=x.device) >= self.p  # never with p = 1
        scale = 1 / (1 - self.p) if self.p < 1 else 0.0
        return torch.where(kept, x, 0) * scale


def param_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Two groups for an optimizer: what decays, and what does not."""
    spared = {
        id(p)
        for module in model.modules()
        for name, p in module.named_parameters(recurse=False)
        if name == "bias" or isinstance(module, nn.LayerNorm | nn.RMSNorm)
    }
    decaying, others = list[nn.Parameter](), list[nn.Parameter]()
    for p in model.parameters():  # each once, tied ones too
        (decaying if p.ndim >= 2 and id(p) not in spared else others).append(p)
    return [
        {"params": decaying, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


class EMA:
    """An exponential moving average of a model's parameters and float buffers."""

    def __init__(self, model: nn.Module, decay: float = 0.999) -> None:
        self.decay = decay
        self.average = {name: wide(t) for name, t in tensors_of(model).items()}

    def update(self, model: nn.Module) -> None:
        for name, now in tensors_of(model).items():
            average = self.average[name]
            if average.is_floating_point():
                average.lerp_(now.to(average), 1 - self.decay)
            else:
                average.copy_(now)

    @contextmanager
    def averaged(self, model: nn.Module) -> Iterator[None]:
        """Within it the model has the averaged values; afterwards its own again."""
        own = {name: t.clone() for name, t in tensors_of(model).items()}
        try:
            fill(model, self.average)
            yield
        finally:
            fill(model, own)


def tensors_of(model: nn.Module) -> dict[str, Tensor]:
    """Its parameters and buffers, without gradients; tied ones once."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return {name: t.detach() for name, t in tensors}


def wide(t: Tensor) -> Tensor:
    """A copy, in float32 if it has fewer bits."""
    small = t.dtype in (torch.float16, torch.bfloat16)
    return t.float() if small else t.clone()


def fill(model: nn.Module, values: Mapping[str, Tensor]) -> None:
    for name, t in tensors_of(model).items():
        t.copy_(values[name])


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
