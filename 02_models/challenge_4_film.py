"""FiLM: a condition that scales and shifts a layer's features.

Feature-wise linear modulation gives every feature of a layer a factor gamma and an offset beta,
both made from the condition.

    x         (N, *, in_dim)     N > 0 samples; * any number of sizes, such as positions, none too
    cond      (N, cond_dim)      one condition for each sample, used at all its positions
    result    (N, *, out_dim)    the features of x, times gamma, then plus beta

Three attributes of a ConditionalLinear, each an nn.Linear with bias, hold all its parameters:

    linear    in_dim -> out_dim      gives the features of x; drawn as nn.Linear draws it
    scale     cond_dim -> out_dim    gives gamma - 1
    shift     cond_dim -> out_dim    gives beta

A new ConditionalLinear computes what its linear alone computes, for every finite cond, and yet its
first backward pass brings all six parameters gradients that are not zero. Gradients reach x and
cond too (cond's is zero as long as the layer is new). It works in float32, float64 and bfloat16, on
any device it is moved to, alike in train and eval mode; the result has x's dtype and device. Inputs
are not changed. A cond of any other shape than (N, cond_dim) raises RuntimeError or ValueError.

Ask yourself: along which sizes has a condition to be repeated, and what if one of them equals N?
Paper: FiLM, section 2, https://arxiv.org/abs/1709.07871
"""

import torch
from torch import Tensor, nn


class ConditionalLinear(nn.Module):
    def __init__(self, in_dim: int, cond_dim: int, out_dim: int) -> None:
        raise NotImplementedError("ConditionalLinear.__init__")

    def forward(self, x: Tensor, cond: Tensor) -> Tensor:
        raise NotImplementedError("ConditionalLinear.forward")


def check(ConditionalLinear):
    torch.manual_seed(0)
    in_dim, cond_dim, out_dim = 3, 5, 4
    name, layer = "ConditionalLinear(3, 5, 4)", ConditionalLinear(in_dim, cond_dim, out_dim)
    for key in ("linear", "scale", "shift"):
        part = getattr(layer, key, None)
        ready = isinstance(part, nn.Linear) and not nn.parameter.is_lazy(part.weight)
        assert ready, f"{name}.{key} is {part!r}, want an nn.Linear"
    got = {key: tuple(p.shape) for key, p in layer.named_parameters()}
    want = {f"{part}.bias": (out_dim,) for part in ("linear", "scale", "shift")}
    want |= {"linear.weight": (4, 3), "scale.weight": (4, 5), "shift.weight": (4, 5)}
    assert got == want, f"{name} has parameters {got}, want {want}"
    frozen = [key for key, p in layer.named_parameters() if not p.requires_grad]
    assert not frozen, f"{name}: {frozen} have requires_grad=False, want True for all"
    check_example(ConditionalLinear(1, 1, 1))

    for dtype, tolerance, mode, loud in (
        (torch.float32, 1e-5, "train", 1),
        (torch.float64, 1e-10, "eval", 100),
        (torch.bfloat16, 5e-2, "train", 1),
    ):
        for lead in ((6,), (1,), (2, 7), (6, 6), (6, 1), (3, 2, 3)):
            layer = ConditionalLinear(in_dim, cond_dim, out_dim).to(dtype).train(mode == "train")
            x = loud * numbers(lead, in_dim).to(dtype)
            cond = loud * numbers(lead[:1], cond_dim).to(dtype)
            what = f"{name} on x {tuple(x.shape)}, cond {tuple(cond.shape)}, {dtype}, {mode} mode"
            before, result = (x.clone(), cond.clone()), run(what, layer, x, cond)
            assert result.shape == (*lead, out_dim), (
                f"{what}: result of shape {tuple(result.shape)}, want {(*lead, out_dim)}"
            )
            close(result, layer.linear(x), tolerance, f"{what}: a new layer is not its linear")
            result = run(what, filled(layer), x, cond)
            assert result.dtype == dtype, f"{what}: result {result.dtype}, want {dtype}"
            assert result.requires_grad, f"{what}: the result has no gradient, want one"
            state = {key: p.double() for key, p in layer.named_parameters()}
            want = by_sample(x.double(), cond.double(), state)
            close(result.double(), want, tolerance, f"{what}: wrong values")
            close(x, before[0], 0, f"{what}: x was changed")
            close(cond, before[1], 0, f"{what}: cond was changed")
    what = f"{name}, x and cond on the meta device"
    result = run(what, layer.to("meta"), x.to("meta"), cond.to("meta"))
    assert result.is_meta, f"{what}: the result is on {result.device}, want meta"

    what, other = "ConditionalLinear(100, 5, 200)", ConditionalLinear(100, 5, 200).linear
    for key, p in ConditionalLinear(100, 5, 200).linear.named_parameters():
        far, std = p.abs().max().item(), p.std().item()  # nn.Linear: uniform from -0.1 to 0.1
        assert 0.09 < far < 0.1001 and 0.048 < std < 0.068, (
            f"{what}, new linear.{key}: values up to {far:.3f}, std {std:.4f}, "
            "want nn.Linear's 0.1 and 0.0577"
        )
        equal = torch.equal(p, getattr(other, key))
        assert not equal, f"{what}: equal linear.{key} in two layers, want new values"

    layer = filled(ConditionalLinear(in_dim, cond_dim, out_dim))
    for sizes in ((1, 5), (7, 5), (6, 4), (6, 1, 5), (1, 6, 5)):
        must_raise(layer, (6, in_dim), sizes)
    must_raise(layer, (6, in_dim), ())
    must_raise(layer, (5, in_dim), (5,))
    must_raise(layer, (1, in_dim), (5,))
    must_raise(layer, (1, in_dim), (6, 5))
    must_raise(layer, (6, 7, in_dim), (7, 5))
    must_raise(layer, (6, 7, in_dim), (6, 7, 5))

    check_gradients("new", ConditionalLinear(in_dim, cond_dim, out_dim).double())
    check_gradients("trained", layer.double())


def check_example(layer):
    values = {"linear": (2, 4), "scale": (0.5, 1), "shift": (1, 3)}
    for key, (weight, bias) in values.items():
        nn.init.constant_(getattr(layer, key).weight, weight)
        nn.init.constant_(getattr(layer, key).bias, bias)
    what = "ConditionalLinear(1, 1, 1) on x [[3]], cond [[2]]"
    got = run(what, layer, torch.tensor([[3.0]]), torch.tensor([[2.0]])).tolist()
    assert got == [[35]], (
        f"{what}, linear(x) is 10, scale(cond) 2, shift(cond) 5: result {got}, want [[35]]"
    )


def by_sample(x, cond, p):
    """Each sample through a plain layer of its own: its condition is in weight and bias."""
    results = []
    for sample, c in zip(x, cond, strict=True):
        gamma = 1 + p["scale.weight"] @ c + p["scale.bias"]
        beta = p["shift.weight"] @ c + p["shift.bias"]
        weight, bias = p["linear.weight"] * gamma[:, None], p["linear.bias"] * gamma + beta
        results.append(nn.functional.linear(sample, weight, bias))
    return torch.stack(results)


def filled(layer):
    """The layer as it may be after some training: no parameter is zero."""
    for p in layer.parameters():
        nn.init.uniform_(p, -0.5, 0.5)
    return layer


def numbers(lead, features):
    """Random (*lead, features), not contiguous."""
    return torch.randn(features, *lead).movedim(0, -1)


def run(what, module, *inputs):
    """The module's result; where it crashes, a verdict that says on what."""
    try:
        result = module(*inputs)
    except (RuntimeError, IndexError, TypeError, ValueError) as error:
        if isinstance(error, NotImplementedError) and not inputs[0].is_meta:
            raise  # an open hole; on the meta device it is torch's own
        kind = type(error).__name__
        raise AssertionError(f"{what}: want a result, got {kind}: {error}") from error
    assert isinstance(result, Tensor), f"{what}: {type(result).__name__}, want a Tensor"
    return result


def close(got, want, tolerance, what):
    torch.testing.assert_close(
        got, want, rtol=tolerance, atol=tolerance, msg=lambda m: f"{what}\n{m}"
    )


def must_raise(layer, size_x, size_cond):
    what = f"ConditionalLinear(3, 5, 4) on x {size_x} and cond {size_cond}"
    try:
        got = layer(torch.randn(size_x), torch.randn(size_cond))
    except (RuntimeError, ValueError):
        return
    except Exception as error:
        raise AssertionError(f"{what}: {error!r}, want RuntimeError or ValueError") from error
    raise AssertionError(f"{what} gave {tuple(got.shape)}, want RuntimeError or ValueError")


def check_gradients(which, layer):
    x, cond = (numbers(*size).double().requires_grad_() for size in (((2, 7), 3), ((2,), 5)))
    state = dict(layer.named_parameters())
    what = f"{which} ConditionalLinear(3, 5, 4) on x {tuple(x.shape)}, cond {tuple(cond.shape)}"
    leaves, result = [x, cond, *state.values()], run(what, layer, x, cond)
    upstream = torch.randn_like(result)
    got = torch.autograd.grad(result, leaves, upstream, allow_unused=True)
    want = torch.autograd.grad(by_sample(x, cond, state), leaves, upstream)
    for key, g, w in zip(("x", "cond", *state), got, want, strict=True):
        assert g is not None, f"{what}: no gradient reaches {key}, want one"
        close(g, w, 1e-10, f"{what}: wrong gradient of {key}")


if __name__ == "__main__":
    try:
        check(ConditionalLinear)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_4_film.py")
