"""Bug hunt 15: the layers were in a Python list.

Symptom  the forward pass is right, but parameters(), state_dict() and to() know the head alone. The
         hidden layers stay as they were drawn: 8 layers of 16 have 2176 parameters, 272 were found.
Cause    nn.Module registers what is assigned as an attribute and is a Parameter or a Module. A list
         is neither, and nobody looks into it.
Fix      nn.ModuleList: a list that is a Module.
Spot it  count parameters by hand, (16 * 16 + 16) * 8, and compare. Print the names in state_dict().
         On a GPU the same bug crashes at once: the list stays on the CPU.

Asked next
    "ModuleList or Sequential?" Sequential has a forward pass of its own: one layer after the other.
    ModuleList only holds them, for passes that skip, branch or collect. For names ModuleDict.
    "And tensors in a list?" The same: nn.ParameterList, or register_buffer for what is not trained.
    "Would [layer] * 8 do, in a ModuleList?" It holds one layer eight times: weights are shared.
Left out here, if you say so: an initialization for ReLU; at 8 layers nn.Linear's own still trains.
"""

from collections.abc import Sequence

from torch import Tensor, nn


class DeepNet(nn.Module):
    """x (N, widths[0]) -> logits (N, widths[-1])."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        pairs = zip(widths[:-2], widths[1:-1], strict=True)
        self.hidden = nn.ModuleList(nn.Sequential(nn.Linear(a, b), nn.ReLU()) for a, b in pairs)
        self.head = nn.Linear(widths[-2], widths[-1])

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.hidden:
            x = layer(x)
        return self.head(x)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
