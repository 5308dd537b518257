"""IA3 into a model: look everything up, make the wrappers, then exchange and freeze.

Why it works: whoever holds a layer holds it as an attribute, so setting that attribute exchanges
it. A dict from layer to wrapper gives all places of a shared layer the same one. Lookups and their
errors come first, so that a call that fails has changed nothing. In a block with D = 1000 and
d_ff = 4000, ff1 has 4,004,000 numbers and its adapter 4000: 0.1 % of them.
Say in the interview: freeze all, then open the scales; it is inject_lora with another wrapper, and
in real code one function takes the wrapper as an argument.
Two questions that may follow. Which layers? The paper scales keys, values and the inner features of
the feed-forward part, and trains some 0.01 % of the parameters. How does a server hold many tasks?
One model and a vector a task, and one batch can mix them; for one task alone merge the factors into
the weights, which costs nothing at inference.
Common slips: freezing last, which freezes the factors too; norms and embeddings left trainable; a
shared layer's factors twice in params; layers exchanged while the names are read, so that an
unknown one leaves half a model; the second call's params alone.
May be left out if you say so: shared layers, second calls, what happens after an error.
"""

from torch import Tensor, nn


class IA3Linear(nn.Module):
    """What base gives, each feature times its factor. Given. It freezes nothing."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base = base
        self.scale = nn.Parameter(base.weight.new_ones(base.out_features))
        self.train(base.training)

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) * self.scale  # (*, out)


def inject_ia3(model: nn.Module, linear_names: list[str]) -> tuple[nn.Module, list[nn.Parameter]]:
    """Adapt the named layers in place; (model, all that trains now). KeyError for other names."""
    if not linear_names:
        raise ValueError("no names: nothing would train")
    inside = {m.base for m in model.modules() if isinstance(m, IA3Linear)}
    layers = {
        name: m
        for name, m in model.named_modules(remove_duplicate=False)
        if name and isinstance(m, nn.Linear | IA3Linear) and m not in inside
    }
    unknown = [name for name in linear_names if name not in layers]
    if unknown:
        raise KeyError(f"no linear layers {unknown}, there are {list(layers)}")
    chosen = [layers[name] for name in linear_names]
    wrappers = {m: IA3Linear(m) for m in chosen if isinstance(m, nn.Linear)}
    for name, m in layers.items():
        if m in wrappers:
            model.set_submodule(name, wrappers[m])

    model.requires_grad_(False)
    params = [m.scale for m in model.modules() if isinstance(m, IA3Linear)]
    for p in params:
        p.requires_grad_()
    return model, params


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
