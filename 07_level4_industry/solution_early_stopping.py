"""Early stopping: train until the validation accuracy stops rising, leave with the best weights.

Why it works: state_dict() refers to the tensors that the optimizer writes into, so the best state
is a deep copy, taken at each improvement. With lr 2, gradient 1 and a weight of 3, the epochs end
at 1, -1, -3: if epoch 1 is the best, a reference holds -3 in the end, a copy holds 1.
load_state_dict copies into the same tensors, so the optimizer still sees them. The buffers belong
to it: weights with the running statistics of another epoch are a model that nobody validated.
Say in the interview:
- One copy of the model in memory, or a file if it is large. To train on, save the optimizer, too.
- Accuracy comes in steps of one sample and has ties. The loss is finer; a min_delta ignores noise.
- Patience has to outlast a plateau and a warm-up.
Asked next: "Is best_acc the accuracy to report?" No: as the best of many it is optimistic. Report
on a test set. "Why not deepcopy the model?" It doubles hooks and the caller's references, too, and
the caller's model still has to get the weights.
Common slips: best = model.state_dict(), or its dict.copy(), which goes on training; best_acc = 0.0
and then nothing to restore; patience that is not reset; restoring only if it stopped early; >= for
>; load_state_dict(assign=True), after which the optimizer holds tensors that nobody uses.
May be left out if you say so: the errors for limits and empty loaders.
"""

import copy
import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

Loader = Iterable[tuple[Tensor, Tensor]]
Criterion = Callable[[Tensor, Tensor], Tensor]


def train_one_epoch(
    model: nn.Module,
    loader: Loader,
    criterion: Criterion,
    optimizer: torch.optim.Optimizer,
    device: torch.device,
) -> None:
    model.train()
    batches = 0
    for x, y in loader:
        optimizer.zero_grad()
        criterion(model(x.to(device)), y.to(device)).backward()
        optimizer.step()
        batches += 1
    if batches == 0:
        raise ValueError("the training loader gave no batch")


@torch.no_grad()
def accuracy(model: nn.Module, loader: Loader, device: torch.device) -> float:
    """Share of samples classified right, in eval mode."""
    model.eval()
    hits = [(model(x.to(device)).argmax(dim=1) == y.to(device)) for x, y in loader]  # of (B,)
    if not hits:
        raise ValueError("the validation loader gave no batch")
    return torch.cat(hits).double().mean().item()


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
    """(best validation accuracy, epochs run); ValueError for a limit below 1 or an empty loader."""
    if max_epochs < 1 or patience < 1:
        raise ValueError(f"max_epochs {max_epochs}, patience {patience}: want both at least 1")
    best_acc, best_epoch = -math.inf, 0
    for epoch in range(1, max_epochs + 1):
        train_one_epoch(model, train_loader, criterion, optimizer, device)
        acc = accuracy(model, val_loader, device)
        if acc > best_acc:
            best_acc, best_epoch = acc, epoch
            best_state = copy.deepcopy(model.state_dict())
        elif epoch - best_epoch == patience:
            break
    model.load_state_dict(best_state)
    return best_acc, epoch


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
