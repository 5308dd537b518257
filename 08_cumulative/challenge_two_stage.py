"""Two-stage training: all of the model first, then the head alone on a frozen backbone.

This is transfer learning in one program.

Core, what an interview asks:

    model        The three classes do what their docstrings say.
    steps        Each train batch gets one model(x), one step on the gradient of its loss alone.
    stage_1      All of the model is in train mode and trained.
    stage_2      Only the head is trained. The backbone is in eval mode, requires no gradients and
                 stays bit for bit, buffers too. All else is in train mode.
    optimizers   Each stage has a new torch.optim.Adam with lr, else defaults. In stage 2 it
                 holds no parameter of the backbone.
    measure      After each epoch the model gets the val batches, in eval mode, without gradients.
    lines        Each epoch prints a line that begins "stage". Its first four numbers: stage, epoch
                 (from 1 per stage), mean loss per sample, accuracy, 3 decimals or more.
    result       A float: the share of val samples with the largest logit at y, after the last step.
    afterwards   All is in eval mode, requires_grad as before.
    device       The model gets x, and the criterion y, on device.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    replaced     BackboneHead calls the .backbone and .head that it has by then.
    came_frozen  What comes frozen stays frozen.
    tied         What both parts share is not trained in stage 2.
    no_epochs    A stage may have 0 epochs.
    loaders      Each epoch reads train_loader anew. It may have no length. B may be 1.
    empty        A reading without a batch raises ValueError.
    state        Generators are left alone, gradients on or off as before.

Hard, 40 minutes. Try one alone: python FILE stage_2
Guide: PyTorch_Mastery_Guide, "Two stages".
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

Loader = Iterable[tuple[Tensor, Tensor]]
Criterion = Callable[[Tensor, Tensor], Tensor]


class Backbone(nn.Module):
    """x (B, in_dim) -> features (B, hidden): an nn.Linear, an nn.BatchNorm1d, ReLU, so ordered."""

    def __init__(self, in_dim: int, hidden: int) -> None:
        raise NotImplementedError("Backbone.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("Backbone.forward")


class Head(nn.Module):
    """Features (B, hidden) -> logits (B, num_classes): an nn.Linear."""

    def __init__(self, hidden: int, num_classes: int) -> None:
        raise NotImplementedError("Head.__init__")

    def forward(self, features: Tensor) -> Tensor:
        raise NotImplementedError("Head.forward")


class BackboneHead(nn.Module):
    """x (B, in_dim) -> logits (B, num_classes): .backbone, a Backbone, then .head, a Head."""

    def __init__(self, in_dim: int, hidden: int, num_classes: int) -> None:
        raise NotImplementedError("BackboneHead.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("BackboneHead.forward")


def two_stage_train(
    model: nn.Module,
    train_loader: Loader,
    val_loader: Loader,
    criterion: Criterion,
    device: torch.device,
    stage1_epochs: int = 2,
    stage2_epochs: int = 2,
    lr: float = 1e-3,
) -> float:
    """The accuracy on val_loader.

    model is on device, any module whose parameters are all in .backbone and .head; it maps x to
    logits (B, K). The loaders are iterables of x (B, ...), y (B,) int64, on any device;
    criterion(logits, y) is the mean loss of the batch, a tensor of one number.
    """
    raise NotImplementedError("two_stage_train")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    torch.manual_seed(0)
    model = BackboneHead(in_dim=2, hidden=3, num_classes=2)
    assert [name for name, _ in model.named_children()] == ["backbone", "head"], model

    (norm,) = (part for part in model.modules() if isinstance(part, nn.BatchNorm1d))
    data = [(torch.tensor([[1.0, 2.0], [3.0, 5.0]]), torch.tensor([0, 1]))] * 2  # two batches
    cpu, criterion = torch.device("cpu"), nn.CrossEntropyLoss()
    two_stage_train(model, data, data, criterion, cpu, stage1_epochs=1, stage2_epochs=1)
    seen = int(norm.num_batches_tracked)  # by the running statistics
    assert seen == 2, f"{seen} batches went into the backbone's statistics, want those of stage 1"


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
