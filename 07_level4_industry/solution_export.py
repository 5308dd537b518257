"""Export: a model as a file that runs without the code of its class.

Why it works: tracing runs forward once, on tensors without numbers, and writes down the operations.
An `if` on values would have to choose one side; torch.where keeps both, and the graph chooses anew
in each call. A batch whose largest pixel is 51 is divided by 255, so 51 becomes 0.2, and one whose
largest is 1 stays. Dim says that N is a symbol. Sizes 0 and 1 are always made constants, since
broadcasting treats them apart; so an example of one sample is doubled, and the graph still takes 1.
Modes are not stored: dropout is in the graph or not, as the mode was when it was recorded.
Say in the interview:
- eval() first, and give the modes back: the caller may go on training.
- Preprocessing belongs in forward, or it is written a second time in the service.
- I compare file and model on several batch sizes, one sample included, before I ship it.
- The file holds operations of one version of torch: note that version with it.
Asked next: "Both sides are computed?" Yes, that is the price; torch.cond records two graphs and
runs one. Beware of gradients: a NaN on the side not taken still gives NaN times 0.
"And the other formats?" See below. TorchScript notes one side of an `if`, with a warning only, and
is deprecated. ONNX is for other runtimes; it needs onnx and onnxscript.
Common slips: exported in train mode; N fixed at that of the example; where per pixel instead of per
batch; torch.save(model), which needs the class and can run code; modes not restored after an error.
May be left out if you say so: the example of one sample; the modes after an error.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn


class PixelNet(nn.Module):
    """x (N, F): a batch of pixels from 0 to 255, or one of pixels from 0 to 1."""

    def __init__(self, num_features: int, num_classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(num_features, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, num_classes)
        )

    def with_if(self, x: Tensor) -> Tensor:
        """What forward was until now; torch.export refuses it."""
        if x.max() > 1:  # one bright pixel says it for the whole batch
            x = x / 255
        return self.layers(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(torch.where(x.max() > 1, x / 255, x))  # one bool for the batch


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """All of the model in eval mode, then each part in its own mode again."""
    modes = {part: part.training for part in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode


def export_model(model: nn.Module, example: Tensor, path: str | Path) -> None:
    """Write the model, in eval mode, to path; example (N, ...) says which input it takes."""
    if len(example) == 1:  # a size of 1 would become a constant
        example = torch.cat([example, example])
    with evaluating(model):
        batch = torch.export.Dim("batch")
        program = torch.export.export(model, (example,), dynamic_shapes=({0: batch},))
    torch.export.save(program, path)


def load_exported(path: str | Path) -> Callable[[Tensor], Tensor]:
    return torch.export.load(path).module()


# For comparison only: the two other formats.


def export_torchscript(model: nn.Module, example: Tensor, path: str | Path) -> None:
    """Deprecated, still met in services: torch.jit.load(path) runs it, in C++ as well."""
    with evaluating(model):
        torch.jit.trace(model, (example,)).save(str(path))


def export_onnx(model: nn.Module, example: Tensor, path: str | Path) -> None:
    """For ONNX Runtime, TensorRT and others. Needs the packages onnx and onnxscript."""
    if len(example) == 1:
        example = torch.cat([example, example])
    with evaluating(model):
        batch = torch.export.Dim("batch")
        torch.onnx.export(
            model, (example,), str(path), dynamo=True, dynamic_shapes=({0: batch},), verbose=False
        )


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
