"""Transfer learning: load what fits, freeze a part, reuse features.

    load_matching(model, state_dict) -> (names loaded, {name skipped: reason})
    freeze(model, trainable) -> the parameters that train, each once
        trainable  names of modules and parameters
    extract_features(model, layer, loader, device) -> (features (N, D), y (N,))
        layer      a module's name; loader gives x (B, ...), y (B,); model is on device

Core, what an interview asks:

    load      What fits by name and shape is copied, buffers too. Other names are skipped:
              "missing" in state_dict, "unexpected" by the model, or "shape (3, 4), want (2, 4)".
    prefixes  Prefixes module. and _orig_mod. in state_dict, repeated or mixed, do not count.
    freeze    What is named or inside it requires gradients, nothing else.
    norms     Frozen BatchNorms use and keep their running statistics, after model.train(), too.
              All else works as always.
    features  The layer's outputs in eval mode, flattened, and y: in order, on the CPU, no graph. A
              head can train on them. Modes, hooks and requires_grad are then as before.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    kept      Parameter objects, dtypes, requires_grad and state_dict stay; no memory is shared.
    tied      One of a tensor's names is enough: all are loaded, it trains.
    again     Each freeze decides anew; what it freezes has .grad None. Unknown name: ValueError,
              nothing changes.

Medium, 35 minutes. Try one alone: python FILE norms
"""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn


def load_matching(
    model: nn.Module, state_dict: Mapping[str, Tensor]
) -> tuple[list[str], dict[str, str]]:
    raise NotImplementedError("load_matching")


def freeze(model: nn.Module, trainable: Sequence[str]) -> list[nn.Parameter]:
    raise NotImplementedError("freeze")


def extract_features(
    model: nn.Module,
    layer: str,
    loader: Iterable[tuple[Tensor, Tensor]],
    device: torch.device | str,
) -> tuple[Tensor, Tensor]:
    raise NotImplementedError("extract_features")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    model = nn.ModuleDict({"body": nn.Linear(1, 1), "head": nn.Linear(1, 3)})
    state = {"module.body.weight": torch.tensor([[5.0]]), "module.head.bias": torch.zeros(9)}
    loaded, skipped = load_matching(model, state)
    assert loaded == ["body.weight"], loaded
    assert skipped["head.bias"] == "shape (9,), want (3,)", skipped
    assert skipped["body.bias"] == "missing", skipped

    sizes = [tuple(p.shape) for p in freeze(model, ["head"])]
    assert sizes == [(3, 1), (3,)], sizes

    double = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Dropout(0.5))
    nn.init.constant_(double[0].weight, 2.0)
    batches = [(torch.tensor([[1.0], [2.0]]), torch.tensor([0, 1]))]
    features, y = extract_features(double, "0", batches, "cpu")
    assert (features.tolist(), y.tolist()) == ([[2.0], [4.0]], [0, 1]), (features, y)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
