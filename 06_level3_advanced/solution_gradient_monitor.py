"""Gradient monitor: forward hooks see each output, and a copy of the weights sees each change.

Why it works: a forward hook runs whenever a module returns, children before their parents, so the
first one that sees inf is where it was made. A gradient's norm alone says little, since its scale
depends on the layer; the update ratio compares a step with its weight: 0.002 on a weight of norm 2
is 0.001, a usual size, 0.1 is too fast, 0.000001 stands still.
Say in the interview:
- A hook returns None: another value takes the place of the output.
- detach drops the graph, clone keeps the numbers from later changes in place (ReLU(inplace=True)).
- remove() stands in finally, so that an interrupted block leaves nothing behind.
- Each .item() waits for a GPU: in a real run I look every hundred steps.
- The snapshot costs one copy of the weights; the parameters' own norms tell most for less.
Asked next: "Where does the monitor stand with a GradScaler?" After unscale_, before the step.
"Gradients of activations?" register_full_backward_hook. "NaN in backward only?"
torch.autograd.set_detect_anomaly finds the operation, and is slow. "DDP?" Hooks on the module that
is wrapped; the gradients are the averaged ones.
Common slips: norms of parameters clipped one by one; a snapshot that is the weight itself; a hook
that returns; `if not name`, true for the root's name ""; a matrix norm for a 2-norm.
May be left out if you say so: containers of tensors, shared modules.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map


def clip_grad_norm(parameters: Iterable[Tensor], max_norm: float) -> float:
    """The norm before; in place."""
    grads = [p.grad for p in parameters if p.grad is not None]
    norm = norm_of(grads)
    if norm > max_norm:
        for grad in grads:
            grad.mul_(max_norm / norm)
    return norm


@contextmanager
def capture(model: nn.Module, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """{name: the module's last output}, copied; KeyError for a name that is not there."""
    modules = dict(model.named_modules(remove_duplicate=False))
    for name in names:
        if name not in modules:
            raise KeyError(f"no module {name!r}, there are {', '.join(map(repr, modules))}")
    outputs = dict[str, Any]()

    def keeping(name: str) -> Any:
        def keep(module: nn.Module, inputs: Any, output: Any) -> None:
            outputs[name] = tree_map(copied, output)

        return keep

    hooks = [modules[name].register_forward_hook(keeping(name)) for name in names]
    try:
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()


class GradientMonitor:
    """Has the numbers of a block: grad_norms, global_norm, update_ratios, first_nonfinite."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def __enter__(self) -> "GradientMonitor":
        self.grad_norms, self.update_ratios = dict[str, float](), dict[str, float]()
        self.global_norm = 0.0
        self.first_nonfinite: str | None = None
        self.before = {name: copied(p) for name, p in self.model.named_parameters()}
        modules = self.model.named_modules()
        self.hooks = [m.register_forward_hook(self.watching(name)) for name, m in modules]
        return self

    def watching(self, name: str) -> Any:
        def watch(module: nn.Module, inputs: Any, output: Any) -> None:
            tensors = [t for t in tree_leaves(output) if isinstance(t, Tensor)]
            if self.first_nonfinite is None and not all(t.isfinite().all() for t in tensors):
                self.first_nonfinite = name

        return watch

    def __exit__(self, *error: object) -> None:
        for hook in self.hooks:
            hook.remove()
        params = dict(self.model.named_parameters())
        grads = {name: p.grad for name, p in params.items() if p.grad is not None}
        self.grad_norms = {name: norm_of([grad]) for name, grad in grads.items()}
        self.global_norm = norm_of(grads.values())
        for name, old in self.before.items():
            if old.any():
                change = norm_of([params[name].detach() - old])
                self.update_ratios[name] = change / norm_of([old])


def norm_of(tensors: Iterable[Tensor]) -> float:
    """The 2-norm of all of them as one vector."""
    return sum(t.norm().item() ** 2 for t in tensors) ** 0.5


def copied(value: Any) -> Any:
    """Its numbers as they are now."""
    return value.detach().clone() if isinstance(value, Tensor) else value


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
