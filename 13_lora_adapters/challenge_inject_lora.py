"""LoRA into a model: adapt the layers that are named, in place.

A pretrained model knows nothing of LoRA. Exchange some of its linear layers for adapted ones
without a change to its code, and hand the optimizer exactly what is to learn.

    model           any nn.Module that calls its linear layers, at any depth, in any container
    linear_names    list of str, dotted paths such as "fc1" or "blocks.0.fc"; it is not changed
    rank, scale     for the given LoRALinear, which refuses rank < 1 with a ValueError
    returns         (model, params): the very model that came, changed in place, and a list

A linear layer is an nn.Linear or a LoRALinear inside the model; a LoRALinear's base is none.
Each nn.Linear that is named gives its place to a new LoRALinear around it. If it has several places
(attributes that hold the same object), one LoRALinear takes all of them, whichever was named.
A LoRALinear that is named stays as it is. All other modules stay the objects that they are.

Afterwards lora_A and lora_B of every LoRALinear in the model are trainable, those of earlier calls
too, and nothing else is. params holds exactly these, each once, in any order. No value that was in
the model changes, and no mode: at first the model computes what it did before.

KeyError for a name that is no linear layer's; its message has the names of all linear layers.
ValueError for no names at all. After an error the model is as it was, requires_grad included.

Ask yourself: what must be looked up before the first layer is exchanged? Who holds a layer?
Paper: LoRA, section 4.2, https://arxiv.org/abs/2106.09685
"""

import copy
import re
from collections import OrderedDict

import torch
from base_model import BaseMLP
from torch import Tensor, nn
from torch.nn import functional


class LoRALinear(nn.Module):
    """base, its weight changed by scale * lora_B lora_A. Given. It freezes nothing."""

    def __init__(self, base: nn.Linear, rank: int, scale: float) -> None:
        super().__init__()
        if rank < 1:
            raise ValueError(f"rank is {rank}, want 1 or more")
        self.base = base
        self.scale = scale
        self.lora_A = nn.Parameter(base.weight.new_empty(rank, base.in_features))
        self.lora_B = nn.Parameter(base.weight.new_zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.lora_A)
        self.train(base.training)

    def forward(self, x: Tensor) -> Tensor:
        low = self.scale * functional.linear(x, self.lora_A)  # (*, rank)
        return self.base(x) + functional.linear(low, self.lora_B)  # (*, out)


def inject_lora(
    model: nn.Module, linear_names: list[str], rank: int, scale: float = 1.0
) -> tuple[nn.Module, list[nn.Parameter]]:
    raise NotImplementedError("inject_lora")


def check(inject_lora):
    torch.manual_seed(0)
    for make, names, dtype in (
        (small, ["fc2"], torch.float32),
        (small, ["fc3", "fc1", "fc3"], torch.bfloat16),
        (Nested, ["stem.0", "blocks.3.base", "heads.out"], torch.float64),
        (Nested, ["again"], torch.float64),
        (Nested, ["blocks.1.base", "third", "blocks.2.base"], torch.float32),
        (lambda: nn.Sequential(nn.Linear(5, 9), nn.Linear(9, 4)), ["1"], torch.float32),
    ):
        check_call(inject_lora, make().to(dtype), names, rank=2, scale=-0.7)
        check_call(inject_lora, make().to(dtype), names, rank=1)
    check_second_call(inject_lora)
    layer = inject_lora(small().to("meta"), ["fc1"], 2)[0].fc1
    assert layer.lora_A.is_meta, f"model on meta: lora_A is on {layer.lora_A.device}, want meta"
    for make, names, rank, kind in (
        (small, ["fc4"], 2, KeyError),
        (small, ["fc1", "fc2.weight"], 2, KeyError),
        (small, ["fc3", ""], 2, KeyError),
        (Nested, ["stem.0", "stem"], 2, KeyError),
        (Nested, ["heads.out", "blocks.lora_A"], 2, KeyError),
        (Nested, ["stem.0", "stem.2"], 2, KeyError),
        (lambda: nn.Linear(5, 4), [""], 2, KeyError),
        (small, [], 2, ValueError),
        (small, ["fc1", "fc2"], 0, ValueError),
        (Nested, ["heads.out"], -1, ValueError),
    ):
        check_error(inject_lora, make(), names, rank, kind)


class Nested(nn.Module):
    """(N, 5) -> (N, 4). Layers in many containers; blocks.0 has two places, blocks.1.base three."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout())
        self.again = self.third = nn.Linear(6, 6)
        layers = nn.Linear(6, 6), self.again, nn.Linear(6, 6)
        blocks = [nn.Sequential(OrderedDict(base=layer)) for layer in layers]
        self.blocks = nn.ModuleList([*blocks, blocks[0]])
        self.blocks.lora_A = nn.Parameter(torch.rand(6))
        self.heads = nn.ModuleDict({"out": nn.Linear(6, 4, bias=False)})

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(x) * self.blocks.lora_A
        for block in self.blocks:
            h = h + torch.tanh(block(h))
        return self.heads["out"](self.again(h) - 2 * self.third(h.sin()))


def small():
    return BaseMLP(5, 7, 4)


def check_call(inject_lora, model, names, **options):
    """One call on a fresh model: what it returns, exchanges, freezes; values; 20 steps."""
    for module in model.modules():
        module.training = torch.rand(()).item() < 0.5
    what = f"inject_lora({type(model).__name__}, {names}, {options})"
    twin, before = copy.deepcopy(model), places(model)
    layers = {before[name] for name in names}
    given = list(names)
    try:
        returned = inject_lora(model, given, **options)
    except KeyError as error:
        paths = [name for name, m in before.items() if m in layers]
        how = f"{what}: {error!r}, want no error: these layers have the paths {paths}"
        raise AssertionError(how) from error
    assert given == names, f"{what} changed the list of names to {given}"
    wrappers = {}
    for name, old in before.items():
        now = model.get_submodule(name)
        if old not in layers:
            assert now is old, f"{what}: {name} is {now}, want the object that was there, {old}"
            continue
        base = getattr(now, "base", None)
        around = "" if base is None else f" around a {type(base).__name__}"
        assert base is old, (
            f"{what}: {name} is a {type(now).__name__}{around}, "
            f"want a LoRALinear around the object that was there, {old}"
        )
        one = wrappers.setdefault(old, now)
        assert one is now, f"{what}: the layer at {name} got two LoRALinears, want one"
        for key, shape in (
            ("lora_A", (options["rank"], old.in_features)),
            ("lora_B", (old.out_features, options["rank"])),
        ):
            p = getattr(now, key)
            assert p.shape == shape, f"{what}: {name}.{key} is {tuple(p.shape)}, want {shape}"
            assert p.dtype == old.weight.dtype, f"{what}: {name}.{key} is {p.dtype}, want base's"
    check_params(what, model, returned, wrappers.values())
    for name, old in places(twin).items():
        now = model.get_submodule(name).training
        assert now == old.training, (
            f"{what}: {name or 'model'}.training is {now}, it was {old.training}"
        )

    model.eval(), twin.eval()
    x = torch.randn(6, 5).to(next(model.parameters()).dtype)
    loose = (
        {"rtol": 0.1, "atol": 0.1} if x.dtype == torch.bfloat16 else {"rtol": 1e-4, "atol": 1e-4}
    )
    torch.testing.assert_close(
        model(x), twin(x), msg=lambda m: f"{what}: the model computes something else now\n{m}"
    )
    originals = {old: places(twin)[name] for name, old in before.items()}
    with torch.no_grad():
        for old, wrapper in wrappers.items():
            A, B = (p.normal_(std=0.3) for p in (wrapper.lora_A, wrapper.lora_B))
            originals[old].weight.add_(options.get("scale", 1.0) * B @ A)
    torch.testing.assert_close(
        model(x),
        twin(x),
        **loose,
        msg=lambda m: f"{what}, with A and B filled: not what the merged weights give\n{m}",
    )
    check_steps(what, model, x, returned[1])


def check_params(what, model, returned, wrappers):
    """returned is (model, params); params is what trains: A and B of these wrappers."""
    pair = isinstance(returned, tuple) and len(returned) == 2
    assert pair, f"{what} returned {type(returned)}, want a tuple of the model and a list"
    assert returned[0] is model, f"{what} returned another model, want the one that came"
    params = returned[1]
    assert isinstance(params, list), f"{what}: params is {type(params)}, want a list"
    names = {id(p): name for name, p in model.named_parameters()}
    want = sorted(names[id(p)] for w in wrappers for p in (w.lora_A, w.lora_B))
    got = sorted(names.get(id(p), "a tensor that is not in the model") for p in params)
    assert got == want, f"{what}: params holds {got}, want {want}"
    got = sorted(name for name, p in model.named_parameters() if p.requires_grad)
    assert got == want, f"{what}: {got} require gradients, want {want}"


def check_steps(what, model, x, params):
    """20 steps of an optimizer that holds all of the model move params, and nothing else."""
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
    for _ in range(20):
        optimizer.zero_grad()
        model(x).square().sum().backward()
        optimizer.step()
    learners = {id(p) for p in params}
    for name, p in model.named_parameters():
        moved = not torch.equal(p, before[name])
        want = id(p) in learners
        assert moved == want, f"{what}, 20 steps: {name} moved: {moved}, want {want}"


def check_second_call(inject_lora):
    model = small()
    inject_lora(model, ["fc1"], 2, 0.5)
    first, x = model.fc1, torch.randn(3, 5)
    with torch.no_grad():
        first.lora_B.normal_()
        before, A, B = model(x), first.lora_A, first.lora_B
    what = "inject_lora(model, ['fc1'], 2, 0.5)"
    adapted = [first]
    for names in (["fc3"], ["fc2", "fc1"]):
        model.requires_grad_(False).eval()
        what += f", all frozen and in eval mode, then inject_lora(model, {names}, 3)"
        returned = inject_lora(model, names, 3)
        assert model.fc1 is first, f"{what}: fc1 is {model.fc1}, want the LoRALinear that it was"
        kept = first.lora_A is A and first.lora_B is B and isinstance(first.base, nn.Linear)
        assert kept, f"{what}: fc1 is {first}, want all of it as it was after the first call"
        modes = {name: m.training for name, m in model.named_modules() if m.training}
        assert not modes, f"{what}: training is {modes}, want False everywhere"
        adapted.append(model.get_submodule(names[0]))
        check_params(what, model, returned, adapted)
        torch.testing.assert_close(
            model(x), before, msg=lambda m, w=what: f"{w}: the last call changed the result\n{m}"
        )
    model.also = first.base
    for names in (["fc1.base"], ["also"]):
        check_error(inject_lora, model, names, 2, KeyError)
    check_error(inject_lora, first, [""], 2, KeyError)


def check_error(inject_lora, model, names, rank, kind):
    what = f"inject_lora({type(model).__name__}, {names}, {rank})"
    list(model.parameters())[1].requires_grad_(False)
    before, flags = places(model), [p.requires_grad for p in model.parameters()]
    adapted = [m for m in model.modules() if type(m).__name__ == "LoRALinear"]
    linear = {m for m in model.modules() if isinstance(m, nn.Linear)} - {m.base for m in adapted}
    layers = [n for n, m in model.named_modules() if n and m in linear.union(adapted)]
    try:
        inject_lora(model, names, rank)
    except kind as error:
        message = " ".join(map(str, error.args))
    except Exception as error:
        raise AssertionError(f"{what}: {error!r}, want {kind.__name__}") from error
    else:
        raise AssertionError(f"{what}: no error, want {kind.__name__}")
    assert places(model) == before, f"{what}: modules were exchanged before the {kind.__name__}"
    now = [p.requires_grad for p in model.parameters()]
    assert now == flags, f"{what}: requires_grad of the parameters is {now}, it was {flags}"
    if kind is KeyError:
        missing = [n for n in layers if not re.search(rf"\b{re.escape(n)}(?!\.?\w)", message)]
        assert not missing, f"{what}: KeyError({message!r}), want the names {missing} in it too"


def places(model):
    """{dotted path: module}, every path of a module that has several."""
    return dict(model.named_modules(remove_duplicate=False))


if __name__ == "__main__":
    try:
        check(inject_lora)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_inject_lora.py")
