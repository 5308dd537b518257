"""Early stopping: train until the validation accuracy stops rising, leave with the best weights.

    early_stopping_loop(model, ...) -> (best_acc, stopped_epoch)
        model      on device, in any mode; gives logits (B, K)
        loaders    give x (B, ...), y (B,) int64 classes
        criterion  (logits, y) -> the batch's mean loss, one number
        optimizer  over some or all parameters

Core, what an interview asks:

    training    Each batch gets one forward pass, all in train mode, and one step of the optimizer
                on the gradient of its loss alone.
    validation  Each val batch gets one forward pass, all in eval mode, without gradients.
    accuracy    The share (0 to 1) of val samples whose label has the largest logit.
    patience    An epoch improves if it beats all before, however little. The run stops after
                `patience` epochs in a row that did not, or after max_epochs.
    best        The state dict, buffers too, is bit for bit that of the last improvement.
    result      A tuple: the best accuracy, a float; the epochs run, an int.
    afterwards  All of the model is in eval mode, gradients are enabled.
    device      The model gets x as it came, the criterion y, on device.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    first       Epoch 1 improves, even with accuracy 0.
    loaders     They may have no length and give other batches each time. B may be 1.
    parameters  The optimizer still holds the model's parameters.
    limits      max_epochs or patience below 1 raises ValueError.
    empty       A pass without a batch, in any epoch, raises ValueError. Gradients stay enabled.

Medium, 25 minutes. Try one alone: python FILE best
Paper: Prechelt, Early Stopping - But When?, https://doi.org/10.1007/3-540-49430-8_3
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

Loader = Iterable[tuple[Tensor, Tensor]]
Criterion = Callable[[Tensor, Tensor], Tensor]


def early_stopping_loop(
    model: nn.Module,
    train_loader: Loader,
    val_loader: Loader,
    criterion: Criterion,
    optimizer: torch.optim.Optimizer,
    device: torch.device,
    max_epochs: int,
    patience: int,
) -> tuple[float, int]:
    raise NotImplementedError("early_stopping_loop")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    model = nn.Linear(1, 2, bias=False)  # at x = 1 its logits are its two weights
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[3.0], [0.5]]))
    loader = [(torch.ones(2, 1), torch.tensor([0, 0]))]  # both samples are of class 0
    optimizer = torch.optim.SGD(model.parameters(), lr=2.0)

    def criterion(logits: Tensor, y: Tensor) -> Tensor:
        return logits[:, 0].mean()  # each step takes 2 from the first weight

    cpu = torch.device("cpu")
    got = early_stopping_loop(model, loader, loader, criterion, optimizer, cpu, 9, patience=2)
    # first weight 1, -1, -3: accuracy 1, 0, 0, and then two epochs did not improve
    assert got == (1, 3), got
    weights = model.weight.flatten().tolist()
    assert weights == [1, 0.5], weights


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
