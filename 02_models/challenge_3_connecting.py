"""Connecting: an encoder and a decoder that know nothing of each other.

Two parts share only the size of the tensor between them. That size is their contract.

    Encoder      x (*, in_dim) -> features (*, hidden)         linear with bias, then ReLU
    Decoder      features (*, hidden) -> result (*, out_dim)   linear with bias, no activation
    FullModel    x (*, in_dim) -> result (*, out_dim)          encoder, then decoder

Each * stands for any number of leading sizes, none too; one may be 0. A new Encoder or Decoder has
two parameters, under any names: a weight (outputs, inputs) and a bias (outputs,), trainable, drawn
as nn.Linear draws its own. A FullModel has an Encoder in the attribute encoder, a Decoder in the
attribute decoder, and nothing else in its state_dict. All three work in float32, float64 and
bfloat16, on any device they are moved to, in train and eval mode. Inputs are not changed. Gradients
reach x, through frozen parts too, and all trainable parameters.

Either attribute may be set to another module at any time, such as an encoder of int64 tokens or one
without parameters. From then on the model uses, moves, saves, trains and switches only the new
part. The encoder gets x as it came, whatever its shape and dtype, and the decoder gets the
encoder's result as it came. Each call of the model calls each part once, and its hooks run.

Ask yourself: what must you know about an encoder to use it, and what had you better not know?
Docs: https://docs.pytorch.org/docs/stable/notes/modules.html
"""

import copy
from collections import OrderedDict

import torch
from torch import Tensor, nn


class Encoder(nn.Module):
    def __init__(self, in_dim: int, hidden: int) -> None:
        raise NotImplementedError("Encoder.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("Encoder.forward")


class Decoder(nn.Module):
    def __init__(self, hidden: int, out_dim: int) -> None:
        raise NotImplementedError("Decoder.__init__")

    def forward(self, features: Tensor) -> Tensor:
        raise NotImplementedError("Decoder.forward")


class FullModel(nn.Module):
    def __init__(self, in_dim: int, hidden: int, out_dim: int) -> None:
        raise NotImplementedError("FullModel.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("FullModel.forward")


def check(Encoder, Decoder, FullModel):
    torch.manual_seed(0)
    check_part(Encoder, nn.ReLU())
    check_part(Decoder, nn.Identity())
    kinds = {"encoder": Encoder, "decoder": Decoder}
    for sizes in ((3, 7, 4), (5, 5, 5)):  # equal sizes hide what is connected wrongly
        D, H, images = sizes[0], sizes[1], torch.randn(6, 2, 3, 4).double()
        of_images = nn.Sequential(nn.Flatten(), nn.Linear(24, H), nn.BatchNorm1d(H), nn.Dropout())
        head = nn.Sequential(nn.Dropout(), nn.Linear(H, 2))
        frozen = nn.Linear(D, H).requires_grad_(False)
        for x, new in (
            (torch.randn(6, D), {}),
            (torch.randn(1, D), {}),
            (torch.randn(D).double(), {}),
            (torch.randn(2, 6, D).bfloat16(), {}),
            (torch.randn(6, D), {"decoder": head}),
            (torch.randn(6, D), {"encoder": frozen}),
            (torch.randn(6, H), {"encoder": nn.Identity()}),
            (torch.randn(6, H), {"encoder": nn.Identity(), "decoder": nn.Identity()}),
            (torch.randint(9, (2, 6)), {"encoder": nn.Embedding(9, H)}),
            (images, {"encoder": of_images}),
            (images, {"encoder": of_images, "decoder": head}),
        ):
            check_connection(FullModel, sizes, kinds, new, x)
    check_meta("FullModel(3, 7, 4)", FullModel(3, 7, 4), torch.randn(6, 3))


def check_part(kind, activation):
    """Beside a library layer with the part's own weight and bias."""
    name, part, twin = kind.__name__, kind(3, 5), nn.Sequential(nn.Linear(3, 5), activation)
    for dtype, tolerance, mode in (
        (torch.float32, 1e-5, "train"),
        (torch.float64, 1e-10, "eval"),
        (torch.bfloat16, 5e-2, "train"),
    ):
        part.to(dtype).train(mode == "train")
        weight, bias = weight_and_bias(part, 3, 5)
        twin.to(dtype).load_state_dict({"0.weight": weight, "0.bias": bias})
        for lead in ((6,), (1,), (0,), (), (2, 6), (6, 1, 2)):
            x = torch.randn(3, *lead).movedim(0, -1).to(dtype)  # not contiguous
            what = f"{name}(3, 5) on x {tuple(x.shape)}, {dtype}, {mode} mode"
            pairs = {"weight": (weight, twin[0].weight), "bias": (bias, twin[0].bias)}
            compare(what, part, twin, pairs, x, tolerance)
    check_meta(f"{name}(3, 5)", part, x)
    new = [weight_and_bias(kind(100, 200), 100, 200) for _ in range(2)]
    for p, other in zip(*new, strict=True):
        far, std = p.abs().max().item(), p.std().item()  # nn.Linear: uniform from -0.1 to 0.1
        assert 0.09 < far < 0.1001 and 0.048 < std < 0.068, (
            f"{name}(100, 200), new {tuple(p.shape)}: values up to {far:.3f}, "
            f"std {std:.4f}, want nn.Linear's 0.1 and 0.0577"
        )
        shape = tuple(p.shape)
        assert not torch.equal(p, other), f"{name}(100, 200): equal {shape} in two, want new values"


def check_meta(name, module, x):
    what = f"{name}, x on the meta device"
    result = run(what, module.to("meta"), x.to("meta"))
    assert result.is_meta, f"{what}: the result is on {result.device}, want meta"


def check_connection(FullModel, sizes, kinds, new, x):
    """Replace the parts in `new`, then all is as in a twin of the parts that is connected here."""
    model, name, calls = FullModel(*sizes), f"FullModel{sizes}", []
    for i, (key, kind) in enumerate(kinds.items()):
        part = getattr(model, key, None)
        assert isinstance(part, kind), f"{name}.{key} is {part!r}, want your {kind.__name__}"
        weight_and_bias(part, *sizes[i : i + 2])
    run(f"{name}: model(x), x {(6, sizes[0])}", model, torch.randn(6, sizes[0]))
    for key, part in new.items():
        setattr(model, key, part)
        name += f", after model.{key} = {type(part).__name__}(...)"
    model.to(x.dtype if x.is_floating_point() else torch.float32)
    parts = {key: new.get(key, getattr(model, key)) for key in kinds}
    twin = copy.deepcopy(nn.Sequential(OrderedDict(parts)))
    got, want = sorted(model.state_dict()), sorted(twin.state_dict())
    assert got == want, f"{name}: state_dict has {got}, want {want}"
    theirs = dict(twin.named_parameters())
    pairs = {key: (p, theirs[key]) for key, p in model.named_parameters() if p.requires_grad}
    for part in parts.values():
        part.register_forward_hook(lambda part, args, out: calls.append((part, args[0], out)))
    for mode in ("train", "eval"):
        what = f"{name}: model(x), x {tuple(x.shape)} {x.dtype}, {mode} mode"
        twin.train(mode == "train")
        model.train(mode == "train")
        modes = {m.training for part in parts.values() for m in part.modules()}
        want = {mode == "train"}
        assert modes == want, f"{what}: the parts have training={modes}, want {want}"
        calls.clear()
        compare(what, model, twin, pairs, x, 1e-5)
        got = [key for called, *_ in calls for key, part in parts.items() if part is called]
        assert got == [*kinds], f"{what}: hooks ran on {got}, want {[*kinds]}"
        (_, came, features), (_, fed, _) = calls
        for who, got, want in (("encoder", came, x), ("decoder", fed, features)):
            got, want = ((tuple(t.shape), t.dtype) for t in (got, want))
            assert got == want, f"{what}: the {who} got {got}, want {want}"


def weight_and_bias(part, inputs, outputs):
    """The part's two parameters, whatever their names."""
    name, found = f"{type(part).__name__}({inputs}, {outputs})", [*part.parameters()]
    lazy = any(nn.parameter.is_lazy(p) for p in found)
    assert not lazy, f"{name}: a parameter waits for the first call, want all at the start"
    found.sort(key=lambda p: -p.ndim)
    got, want = [tuple(p.shape) for p in found], [(outputs, inputs), (outputs,)]
    assert got == want, f"{name}: parameters {got}, want {want}"
    frozen = [tuple(p.shape) for p in found if not p.requires_grad]
    assert not frozen, f"{name}: parameters {frozen} have requires_grad=False, want True for all"
    return found


def compare(what, module, twin, pairs, x, tolerance):
    """One call and one backward pass of both; pairs: their parameters."""
    mine, theirs = (x.clone().requires_grad_(x.is_floating_point()) for _ in range(2))
    before = torch.get_rng_state()
    want = twin(theirs)
    torch.set_rng_state(before)  # the same units drop out
    got = run(what, module, mine)
    close(got, want, tolerance, f"{what}: wrong result")
    close(mine, x, 0, f"{what}: x was changed")
    assert got.requires_grad, f"{what}: the result has no gradient, want one"
    if x.dtype == torch.bfloat16:  # near 0 a rounding error decides what ReLU lets through
        return
    upstream = torch.randn_like(want)
    leaves = {"x": (mine, theirs)} if mine.requires_grad else {}
    leaves |= pairs
    ours, its = zip(*leaves.values(), strict=True)
    got = torch.autograd.grad(got, ours, upstream, allow_unused=True)
    want = torch.autograd.grad(want, its, upstream)
    for key, g, w in zip(leaves, got, want, strict=True):
        assert g is not None, f"{what}: no gradient reaches {key}, want one"
        close(g, w, tolerance, f"{what}: wrong gradient of {key}")


def run(what, module, x):
    """The module's result; where it crashes, a verdict that says on what."""
    try:
        result = module(x)
    except (RuntimeError, IndexError, TypeError, ValueError, StopIteration) as error:
        if isinstance(error, NotImplementedError) and not x.is_meta:
            raise  # an open hole; on the meta device it is torch's own
        kind = type(error).__name__
        raise AssertionError(f"{what}: want a result, got {kind}: {error}") from error
    assert isinstance(result, Tensor), f"{what}: {type(result).__name__}, want a Tensor"
    return result


def close(got, want, tolerance, what):
    torch.testing.assert_close(
        got, want, rtol=tolerance, atol=tolerance, msg=lambda m: f"{what}\n{m}"
    )


if __name__ == "__main__":
    try:
        check(Encoder, Decoder, FullModel)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_3_connecting.py")
