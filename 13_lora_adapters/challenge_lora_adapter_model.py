"""LoRA and an adapter in one model.

LoRA changes what the projections compute, an adapter corrects what the whole block gives. The parts
are given; put them together so that exactly the right parameters train.

    d_model, d_ff         D and F of a new BaseTransformerBlock (base_model.py): the block
    lora_rank             rank of the LoRALinears; below 1: ValueError
    adapter_bottleneck    the adapter's bottleneck_dim; below 1: ValueError; ignored without one
    use_adapter_block     whether there is an adapter
    returns               (model, trainable); the model maps (B, L, D) -> (B, L, D)

The block's proj_in and proj_out are LoRALinears of scale 1 around the nn.Linear that were there;
its ff1 and ff2 stay nn.Linear.
With use_adapter_block the model is an AdapterBlock; .sublayer is the block with LoRA in it,
.adapter a BottleneckAdapter. Without, the model is the block with LoRA in it.

lora_A and lora_B of both LoRALinears and all four parameters of the adapter (if there is one) are
trainable, and nothing else in the model is. trainable is a list of exactly these parameters, each
once, in any order. A new model is in train mode, float32 and on the CPU, and it computes what its
block would without LoRA and adapter. Two calls make two models that share nothing.

Ask yourself: what does AdapterBlock do to LoRA that is in its sublayer already?
Papers: https://arxiv.org/abs/2106.09685 section 4.2, https://arxiv.org/abs/1902.00751 section 2.1
"""

import torch
from base_model import BaseTransformerBlock
from torch import Tensor, nn
from torch.nn import functional


class LoRALinear(nn.Module):
    """base, its weight changed by scale * lora_B lora_A. Given. It freezes nothing."""

    def __init__(self, base: nn.Linear, rank: int, scale: float = 1.0) -> None:
        super().__init__()
        if rank < 1:
            raise ValueError(f"rank is {rank}, want 1 or more")
        self.base = base
        self.scale = scale
        self.lora_A = nn.Parameter(base.weight.new_empty(rank, base.in_features))
        self.lora_B = nn.Parameter(base.weight.new_zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.lora_A)

    def forward(self, x: Tensor) -> Tensor:
        low = self.scale * functional.linear(x, self.lora_A)  # (*, rank)
        return self.base(x) + functional.linear(low, self.lora_B)  # (*, out)


class BottleneckAdapter(nn.Module):
    """(*, D) -> (*, D). Given. A new one gives x as it came."""

    def __init__(self, d_model: int, bottleneck_dim: int) -> None:
        super().__init__()
        if bottleneck_dim < 1:
            raise ValueError(f"bottleneck_dim is {bottleneck_dim}, want 1 or more")
        self.down = nn.Linear(d_model, bottleneck_dim)
        self.up = nn.Linear(bottleneck_dim, d_model)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.up(self.down(x).relu())


class AdapterBlock(nn.Module):
    """The sublayer, frozen as it is when the block is made, then the adapter. Given."""

    def __init__(self, sublayer: nn.Module, adapter: nn.Module) -> None:
        super().__init__()
        self.sublayer = sublayer.requires_grad_(False)
        self.adapter = adapter

    def forward(self, x: Tensor) -> Tensor:
        return self.adapter(self.sublayer(x))


def build_lora_adapter_model(
    d_model: int,
    d_ff: int,
    lora_rank: int,
    adapter_bottleneck: int,
    use_adapter_block: bool = True,
) -> tuple[nn.Module, list[nn.Parameter]]:
    raise NotImplementedError("build_lora_adapter_model")


def check(build_lora_adapter_model):
    torch.manual_seed(0)
    for sizes, flag in (
        ((6, 9, 2, 4), ()),
        ((6, 9, 2, 4), (True,)),
        ((6, 9, 2, 4), (False,)),
        ((4, 3, 7, 1), (True,)),
        ((5, 8, 1, 11), ()),
        ((5, 8, 1, -3), (False,)),
    ):
        what = f"build_lora_adapter_model{(*sizes, *flag)}"
        returned = build_lora_adapter_model(*sizes, *flag)
        pair = isinstance(returned, tuple) and len(returned) == 2
        assert pair, f"{what} returned {type(returned)}, want a tuple of the model and a list"
        check_parts(what, *returned, *sizes, flag != (False,))
        check_values(what, returned[0], sizes[0], flag != (False,))
        check_steps(what, *returned, torch.randn(3, 2, sizes[0]))
    models = [build_lora_adapter_model(6, 9, 2, 4)[0] for _ in range(2)]
    first, second = ({p.data_ptr(): k for k, p in m.named_parameters()} for m in models)
    shared = [second[p] for p in first if p in second]
    assert not shared, f"build_lora_adapter_model(6, 9, 2, 4), twice: both models have {shared}"
    pairs = zip(*(m.named_parameters() for m in models), strict=True)
    alike = [k for (k, p), (_, q) in pairs if p.any() and torch.equal(p, q)]
    assert not alike, f"build_lora_adapter_model(6, 9, 2, 4), twice: same numbers in {alike}"
    for args in ((6, 9, 0, 4), (6, 9, -1, 4, False), (6, 9, 2, 0), (6, 9, 2, -1, True)):
        try:
            build_lora_adapter_model(*args)
        except ValueError:
            continue
        raise AssertionError(f"build_lora_adapter_model{args}: no error, want ValueError")


def check_parts(what, model, trainable, D, F, r, m, adapter):
    """Every parameter by name and shape, and which of them train."""
    want = "AdapterBlock" if adapter else "BaseTransformerBlock"
    assert type(model).__name__ == want, f"{what}: the model is a {type(model)}, want {want}"
    block = model.sublayer if adapter else model
    assert isinstance(block, BaseTransformerBlock), (
        f"{what}: the {'sublayer' if adapter else 'model'} is {block}, want a BaseTransformerBlock"
    )
    layers = {"ff1": (F, D), "ff2": (D, F), "proj_in.base": (D, D), "proj_out.base": (D, D)}
    frozen = {f"{k}.weight": shape for k, shape in layers.items()}
    frozen |= {f"{k}.bias": shape[:1] for k, shape in layers.items()}
    learners = {f"{k}.lora_A": (r, D) for k in ("proj_in", "proj_out")}
    learners |= {f"{k}.lora_B": (D, r) for k in ("proj_in", "proj_out")}
    if adapter:
        frozen, learners = ({f"sublayer.{k}": s for k, s in d.items()} for d in (frozen, learners))
        learners |= {"adapter.down.weight": (m, D), "adapter.down.bias": (m,)}
        learners |= {"adapter.up.weight": (D, m), "adapter.up.bias": (D,)}
    got, want = {k: tuple(p.shape) for k, p in model.named_parameters()}, frozen | learners
    extra, missing = dict(got.items() - want.items()), dict(want.items() - got.items())
    assert got == want, f"{what}: parameters {extra} too many, {missing} missing"
    buffers = [name for name, _ in model.named_buffers()]
    assert not buffers, f"{what}: buffers {buffers}, want none"
    got = sorted(k for k, p in model.named_parameters() if p.requires_grad)
    assert got == sorted(learners), f"{what}: {got} require gradients, want {sorted(learners)}"
    assert isinstance(trainable, list), f"{what}: trainable is {type(trainable)}, want a list"
    names = {id(p): name for name, p in model.named_parameters()}
    got = sorted(names.get(id(p), "a tensor that is not in the model") for p in trainable)
    assert got == sorted(learners), f"{what}: trainable holds {got}, want {sorted(learners)}"
    modes = {m.training for m in model.modules()}
    assert modes == {True}, f"{what}: training is {modes} in the model's parts, want True in all"
    kinds = {(p.dtype, p.device.type) for p in model.parameters()}
    assert kinds == {(torch.float32, "cpu")}, (
        f"{what}: parameters are {kinds}, want float32 on the CPU"
    )


def check_values(what, model, D, adapter):
    """Against a plain block with the same weights, then with the merged ones and the adapter."""
    block = model.sublayer if adapter else model
    plain = BaseTransformerBlock(D, block.ff1.out_features)
    state = {k.replace("base.", ""): p for k, p in block.state_dict().items() if "lora" not in k}
    plain.load_state_dict(state)
    for shape in ((2, 3, D), (1, 1, D)):
        x = torch.randn(shape)
        torch.testing.assert_close(
            model(x), plain(x), msg=lambda m: f"{what}: a new model is not its block alone\n{m}"
        )
    with torch.no_grad():
        for p in model.parameters():
            if p.requires_grad:
                p.normal_(std=0.5)
        for name in ("proj_in", "proj_out"):
            layer = block.get_submodule(name)
            plain.get_submodule(name).weight.add_(layer.lora_B @ layer.lora_A)
    want = plain(x)
    if adapter:
        down, up = model.adapter.down, model.adapter.up
        hidden = functional.linear(want, down.weight, down.bias).clamp(min=0)
        want = want + functional.linear(hidden, up.weight, up.bias)
    torch.testing.assert_close(
        model(x),
        want,
        rtol=1e-4,
        atol=1e-4,
        msg=lambda m: f"{what}, all that trains filled: not merged weights, then the adapter\n{m}",
    )


def check_steps(what, model, trainable, x):
    """20 steps of an optimizer that holds all of the model move trainable, and nothing else."""
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
    for _ in range(20):
        optimizer.zero_grad()
        model(x).square().sum().backward()
        optimizer.step()
    learners = {id(p) for p in trainable}
    for name, p in model.named_parameters():
        moved = not torch.equal(p, before[name])
        want = id(p) in learners
        assert moved == want, f"{what}, 20 steps: {name} moved: {moved}, want {want}"


if __name__ == "__main__":
    try:
        check(build_lora_adapter_model)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_lora_adapter_model.py")
