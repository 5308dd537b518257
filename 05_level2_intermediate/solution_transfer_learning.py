"""Transfer learning: compare names and shapes, freeze by whole names, record below no_grad.

Why it works: strict=False forgives names that differ, but a shape that differs still raises, so the
entries are chosen first. A torchvision ResNet with a head of 5 classes takes 120 of the 122 entries
of one with 1000: fc.weight and fc.bias have other shapes. freeze compares whole parts of names:
"fc" is fc and fc.weight, not fc2.weight. requires_grad says nothing about buffers: in train mode a
BatchNorm moves its running statistics in each forward pass, and model.train(), called in each
epoch, undoes an eval() made once. So a hook puts a frozen norm into eval mode before each pass.
Say in the interview:
- Report what was not loaded. With all names prefixed, strict=False loads nothing and says nothing.
- Give the optimizer the parameters that train. Weight decay moves one whose .grad is zeros; one
  whose .grad is None is left out.
- A hook must copy: in a ResNet bn1 is followed by an in-place ReLU, which would overwrite it.
Asked next: "no_grad or inference_mode?" Tensors of inference_mode cannot be saved for backward, so
a head could not train on them. "Which rate for the body, once it trains?" A tenth of the head's or
less, in a parameter group of its own; unfreeze from the head down.
Common slips: `name in n` for names; named_parameters, which has a tied tensor under its first name
alone; momentum 0 for frozen norms, which still use the batch; squeeze() of a batch of one.
May be left out if you say so: tied tensors, and the second call of freeze.
"""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

PREFIXES = ("module.", "_orig_mod.")  # of DistributedDataParallel and torch.compile


def load_matching(
    model: nn.Module, state_dict: Mapping[str, Tensor]
) -> tuple[list[str], dict[str, str]]:
    """Copy what fits by name and shape -> names loaded, and a reason for each other name."""
    own = model.state_dict(keep_vars=True)  # the tensors themselves: tied ones are the same object
    fitting, skipped = dict[str, Tensor](), dict[str, str]()
    for name, value in state_dict.items():
        while name.startswith(PREFIXES):
            name = name.partition(".")[2]
        if name not in own:
            skipped[name] = "unexpected"
        elif value.shape != own[name].shape:
            skipped[name] = f"shape {tuple(value.shape)}, want {tuple(own[name].shape)}"
        else:
            fitting[name] = value
    model.load_state_dict(fitting, strict=False)
    filled = {id(own[name]) for name in fitting}
    for name, tensor in own.items():
        if id(tensor) not in filled:
            skipped.setdefault(name, "missing")
    return [name for name in own if name not in skipped], skipped


def hold_statistics(norm: nn.Module, inputs: object) -> None:
    """Before each forward pass; train() may have been called since the last."""
    if norm.is_frozen:
        norm.eval()


def freeze(model: nn.Module, trainable: Sequence[str]) -> list[nn.Parameter]:
    """Freeze all but the named modules and parameters -> the parameters that train, each once."""
    modules = dict(model.named_modules(remove_duplicate=False))
    params = dict(model.named_parameters(remove_duplicate=False))
    unknown = [name for name in trainable if name not in modules and name not in params]
    if unknown:
        raise ValueError(f"no module or parameter is called {', '.join(unknown)}")

    def stays(name: str) -> bool:
        return any(name == one or name.startswith(f"{one}.") for one in trainable)

    trained = {id(p): p for name, p in params.items() if stays(name)}
    for p in params.values():
        p.requires_grad_(id(p) in trained)
        if id(p) not in trained:
            p.grad = None
    free = {id(module) for name, module in modules.items() if stays(name)}
    for module in modules.values():
        if getattr(module, "running_mean", None) is not None:
            if not hasattr(module, "is_frozen"):
                module.register_forward_pre_hook(hold_statistics)
            module.is_frozen = id(module) not in free
    return list(trained.values())


@torch.no_grad()
def extract_features(
    model: nn.Module,
    layer: str,
    loader: Iterable[tuple[Tensor, Tensor]],
    device: torch.device | str,
) -> tuple[Tensor, Tensor]:
    """The layer's outputs for batches of x (B, ...), y (B,) -> (N, D), (N,), both on the CPU."""
    features, labels = list[Tensor](), list[Tensor]()
    modes = {module: module.training for module in model.modules()}

    def keep(module: nn.Module, inputs: object, output: Tensor) -> None:
        features.append(output.flatten(1).to("cpu", copy=True))  # a later layer may overwrite it

    hook = model.get_submodule(layer).register_forward_hook(keep)
    try:
        model.eval()
        for x, y in loader:
            model(x.to(device))
            labels.append(y.cpu())
    finally:
        hook.remove()
        for module, training in modes.items():
            module.training = training
    return torch.cat(features), torch.cat(labels)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
