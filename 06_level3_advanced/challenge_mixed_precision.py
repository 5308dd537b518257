"""Mixed precision: 16 bits where they are enough, 32 where they are not.

Products in 16 bits are faster. In float16 small gradients become 0, so the loss is scaled up;
bfloat16 has float32's range.

    train_one_epoch_amp(model, ..., max_norm=None) -> float
        model      on device, float32
        loader     gives x (B, ...), y (B, ...)
        criterion  (output, y) -> the batch's mean loss, one number
        device     cpu: bfloat16; cuda: float16 and a GradScaler with default settings
        max_norm   positive, or None: no clipping

Core, what an interview asks:

    order      Each batch, in order, gets one forward and backward pass and one optimizer step.
    autocast   Only the model and the criterion run under autocast. Parameters stay float32.
    scaling    On cuda alone backward starts from the scaled loss. Steps use unscaled gradients.
    skips      On cuda gradients that are not all finite give no step and halve the scale. On cpu
               every batch gets a step.
    clip       If the 2-norm of all unscaled gradients is above max_norm, one factor brings it
               there.
    gradients  Each step uses its own batch's gradient alone.
    mode       The whole model is in train mode at each forward pass and afterwards.
    loss       The mean unscaled loss per sample, a float. Skipped batches count.
    device     The model gets x, and the criterion y, on device. Neither they nor
               the output are cast.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    fresh      Each call has a new scaler.
    index      cuda:0 is like cuda.
    iterables  The loader may lack a length and be read once only. B may be 1.
    groups     The optimizer may have several groups.
    losses     Losses of 0, inf or NaN count like others. Sums aren't rounded to bfloat16.
    empty      No batch: ValueError.

Hard, 30 minutes. Try one alone: python FILE scaling
Guide: https://docs.pytorch.org/docs/stable/notes/amp_examples.html
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn


def train_one_epoch_amp(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    criterion: Callable[[Tensor, Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
    device: torch.device,
    max_norm: float | None = None,
) -> float:
    raise NotImplementedError("train_one_epoch_amp")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    model = nn.Linear(2, 1, bias=False)  # output = the two weights times x
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    loader = [(torch.tensor([[3.0, 4.0]]), torch.zeros(1, 1)) for _ in range(2)]
    dtypes = []

    def criterion(output: Tensor, y: Tensor) -> Tensor:
        dtypes.append((output.dtype, model.weight.dtype))
        return output.mean()  # its gradient for the weights is the mean of x

    for max_norm, want in ((None, [-6.0, -8.0]), (1.0, [-1.2, -1.6])):
        nn.init.zeros_(model.weight)
        cpu = torch.device("cpu")
        mean = train_one_epoch_amp(model, loader, criterion, optimizer, cpu, max_norm)
        weight = [round(w, 4) for w in model.weight[0].tolist()]
        assert weight == want, weight  # two steps against a gradient of [3, 4], norm 5
        assert mean < 0, mean
    assert dtypes == [(torch.bfloat16, torch.float32)] * 4, dtypes


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
