"""Bug hunt 18: the optimizer still had the old head.

Symptom  the loss falls to 0.68, where a right one has 0.02; the head's weights stand still.
Cause    an optimizer keeps references to tensors, not to a model. The new head's parameters were in
         none of its groups: it neither moved nor cleared them, so their gradients piled up. The old
         head's were, with a gradient of None, and nothing complained.
Fix      put each new parameter in the place of the old one, in its group, and drop the old one's
         momentum. Where you may, replace first and make the optimizer last.
Spot it  after one step, which parameters moved? Or compare the ids of model.parameters() with those
         in optimizer.param_groups before the first step.

Asked next
    "add_param_group(head.parameters())?" The head learns, with the optimizer's default rate. The
    old head stays in its group, so memory and the state dict keep it, and a checkpoint no longer
    fits an optimizer that is made of the new model.
    "Which other calls break the link?" Whatever makes a new Parameter: a replaced layer, a resized
    embedding, weight normalization. `.to(device)` and `.double()` keep the objects and change what
    they hold; load_state_dict copies into them. FSDP with use_orig_params=False replaces all.
    "A larger rate for the new head?" Often right: it starts from random numbers, the body does not.
Slips    model.zero_grad() clears the head's gradient, and it still never moves; a new optimizer in
         adapt forgets rates and momentum, and the caller goes on with the old one.
Left out here, if you say so: schedulers, which know groups by number; a frozen body.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def adapt(
    model: nn.Module, optimizer: torch.optim.Optimizer, batches: Iterable[tuple[Tensor, Tensor]]
) -> list[float]:
    """Replace the head by one for 5 classes, train on x (N, F), y (N,) -> the losses."""
    old = model.head
    assert isinstance(old, nn.Linear)
    model.head = nn.Linear(old.in_features, 5).to(old.weight)
    new = dict(zip(old.parameters(), model.head.parameters(), strict=True))
    for group in optimizer.param_groups:
        group["params"] = [new.get(p, p) for p in group["params"]]
    for p in new:
        optimizer.state.pop(p, None)
    losses = []
    model.train()
    for x, y in batches:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
