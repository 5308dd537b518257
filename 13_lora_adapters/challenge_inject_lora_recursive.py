"""LoRA into a model: adapt every linear layer, wherever it sits.

Real models are nested: blocks in lists in towers. Walk through all of it and exchange each linear
layer for an adapted one, in place and exactly once.

    model           any nn.Module that calls its linear layers, at any depth, in any container;
                    a LoRALinear in it is the only module that holds its base
    rank, scale     for the given LoRALinear, which refuses rank < 1 with a ValueError
    returns         (model, params): the very model that came, changed in place, and a list

A linear layer is an nn.Linear inside the model; a LoRALinear's base is none. Each gives its place
to a new LoRALinear around it. If it has several places (attributes, of one module or of several,
that hold the same object), one LoRALinear takes all of them. All other modules stay the objects
that they are; so do LoRALinears of earlier calls, with all that is in them.

Afterwards lora_A and lora_B of every LoRALinear in the model are trainable, those of earlier calls
too, and nothing else is. params holds exactly these, each once, in any order. No value that was in
the model changes, and no mode: at first the model computes what it did before.

ValueError if the model has no linear layer and no LoRALinear inside and is no LoRALinear itself.
After an error the model is as it was, requires_grad included.

Ask yourself: what does your walk meet when it looks into a layer that it has just exchanged?
Paper: LoRA, section 4.2, https://arxiv.org/abs/2106.09685
"""

import copy
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


def inject_lora_recursive(
    model: nn.Module, rank: int, scale: float = 1.0
) -> tuple[nn.Module, list[nn.Parameter]]:
    raise NotImplementedError("inject_lora_recursive")


def check(inject_lora_recursive):
    torch.manual_seed(0)
    for make, dtype in (
        (small, torch.float32),
        (small, torch.bfloat16),
        (Nested, torch.float64),
        (Nested, torch.float32),
        (lambda: nn.Sequential(nn.Sequential(nn.Linear(5, 9)), nn.Linear(9, 4)), torch.float32),
    ):
        check_call(inject_lora_recursive, make().to(dtype), rank=2, scale=-0.7)
        check_call(inject_lora_recursive, make().to(dtype), rank=1)
    layer = inject_lora_recursive(small().to("meta"), 2)[0].fc1
    assert layer.lora_A.is_meta, f"model on meta: lora_A is on {layer.lora_A.device}, want meta"
    check_second_call(inject_lora_recursive)
    for model, rank in (
        (nn.Sequential(nn.Conv1d(5, 4, 1), nn.ReLU()), 2),
        (nn.Linear(5, 4), 2),
        (small(), 0),
        (Nested(), -1),
    ):
        check_error(inject_lora_recursive, model, rank)


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


def check_call(inject_lora_recursive, model, **options):
    """One call on a fresh model: what it returns, exchanges, freezes; values; 20 steps."""
    for module in model.modules():
        module.training = torch.rand(()).item() < 0.5
    what = f"inject_lora_recursive({type(model).__name__}, {options})"
    twin, before = copy.deepcopy(model), places(model)
    returned = inject_lora_recursive(model, **options)
    wrappers = {}
    for name, old in before.items():
        now = model.get_submodule(name)
        if not isinstance(old, nn.Linear):
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


def check_second_call(inject_lora_recursive):
    model, x = nn.Sequential(small(), nn.Tanh()), torch.randn(3, 5)
    inject_lora_recursive(model, 2, 0.5)
    first = {name: model[0].get_submodule(name) for name in ("fc1", "fc2")}
    model[0].fc3 = nn.Linear(7, 4)
    with torch.no_grad():
        for layer in first.values():
            layer.lora_B.normal_()
        before = model(x)
    what = (
        "inject_lora_recursive(model, 2, 0.5), a new layer fc3, all frozen and in eval mode, "
        "then inject_lora_recursive(model, 3)"
    )
    held = dict(model.named_parameters())
    model.requires_grad_(False).eval()
    returned = inject_lora_recursive(model, 3)
    for name, layer in first.items():
        now = model[0].get_submodule(name)
        assert now is layer, f"{what}: {name} is {now}, want the LoRALinear of the first call"
        for key, p in layer.named_parameters(f"0.{name}"):
            assert held.get(key) is p, f"{what}: {key} is not what it was after the first call"
    modes = {name: m.training for name, m in model.named_modules() if m.training}
    assert not modes, f"{what}: training is {modes}, want False everywhere"
    check_params(what, model, returned, [*first.values(), model[0].fc3])
    torch.testing.assert_close(
        model(x), before, msg=lambda m: f"{what}: the second call changed the result\n{m}"
    )
    what = "inject_lora_recursive(a LoRALinear, 3)"
    layer = first["fc1"]
    base = layer.base
    returned = inject_lora_recursive(layer, 3)
    assert layer.base is base, f"{what}: its base is {layer.base}, want what it was, {base}"
    check_params(what, layer, returned, [layer])


def check_error(inject_lora_recursive, model, rank):
    what = f"inject_lora_recursive({type(model).__name__}, {rank})"
    list(model.parameters())[1].requires_grad_(False)
    before, flags = places(model), [p.requires_grad for p in model.parameters()]
    try:
        inject_lora_recursive(model, rank)
    except ValueError:
        pass
    except Exception as error:
        raise AssertionError(f"{what}: {error!r}, want ValueError") from error
    else:
        raise AssertionError(f"{what}: no error, want ValueError")
    assert places(model) == before, f"{what}: modules were exchanged before the ValueError"
    now = [p.requires_grad for p in model.parameters()]
    assert now == flags, f"{what}: requires_grad of the parameters is {now}, it was {flags}"


def places(model):
    """{dotted path: module}, every path of a module that has several."""
    return dict(model.named_modules(remove_duplicate=False))


if __name__ == "__main__":
    try:
        check(inject_lora_recursive)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_inject_lora_recursive.py")
