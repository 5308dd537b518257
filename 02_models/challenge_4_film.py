"""FiLM: a condition that scales and shifts a layer's features.

A joined condition can only add to what the next layer sees. Feature-wise linear modulation gives
every feature of a layer a factor gamma and an offset beta, both made from the condition.

    x         (N, *, in_dim)     N samples; * any number of sizes, such as positions, none too
    cond      (N, cond_dim)      one condition for each sample, in force at all its positions
    result    (N, *, out_dim)    the features that linear gives for x, times gamma, then plus beta

Three attributes of a ConditionalLinear, each an nn.Linear with bias, hold all its parameters:

    linear    in_dim -> out_dim      gives the features; drawn as nn.Linear draws it
    scale     cond_dim -> out_dim    gives gamma - 1
    shift     cond_dim -> out_dim    gives beta

A new ConditionalLinear computes what its linear alone computes, whatever cond is, and yet its first
backward pass brings all six parameters gradients that are not zero. Gradients reach x and cond too.
It works in float32, float64 and bfloat16 and on any device once .to(...) has moved it there; train
and eval mode give the same values. x and cond are left as they were. A cond of any other shape than
(N, cond_dim) raises RuntimeError or ValueError: nothing is repeated over the samples.

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
    layer = ConditionalLinear(in_dim, cond_dim, out_dim)
    result = layer(torch.randn(6, in_dim), torch.randn(6, cond_dim))
    assert result.shape == (6, out_dim), f"result {tuple(result.shape)}, want {(6, out_dim)}"
    got = {key: tuple(p.shape) for key, p in layer.named_parameters()}
    want = {f"{part}.bias": (out_dim,) for part in ("linear", "scale", "shift")}
    want |= {"linear.weight": (4, 3), "scale.weight": (4, 5), "shift.weight": (4, 5)}
    assert got == want, f"ConditionalLinear(3, 5, 4) has parameters {got}, want {want}"
    frozen = [key for key, p in layer.named_parameters() if not p.requires_grad]
    assert not frozen, f"ConditionalLinear(3, 5, 4): {frozen} cannot be trained"
    check_example(ConditionalLinear(1, 1, 1))

    for dtype, tolerance, mode in (
        (torch.float32, 1e-5, "train"),
        (torch.float64, 1e-10, "eval"),
        (torch.bfloat16, 5e-2, "train"),
    ):
        for lead in ((6,), (1,), (2, 7), (6, 6), (6, 1), (3, 2, 3)):
            layer = ConditionalLinear(in_dim, cond_dim, out_dim).to(dtype).train(mode == "train")
            x, cond = numbers(lead, in_dim).to(dtype), numbers(lead[:1], cond_dim).to(dtype)
            what = f"x {tuple(x.shape)}, cond {tuple(cond.shape)}, {dtype}, {mode} mode"
            result, before = run(what, layer, x, cond), (x.clone(), cond.clone())
            close(result, layer.linear(x), tolerance, f"{what}: a new layer is not its linear")
            result = filled(layer)(x, cond)
            assert result.dtype == dtype, f"{what}: result {result.dtype}, want {dtype}"
            state = {key: p.double() for key, p in layer.named_parameters()}
            want = by_sample(x.double(), cond.double(), state)
            close(result.double(), want, tolerance, f"{what}: wrong values")
            close(x, before[0], 0, f"{what}: x was changed")
            close(cond, before[1], 0, f"{what}: cond was changed")
    result = layer.to("meta")(x.to("meta"), cond.to("meta"))
    assert result.is_meta, f"all on the meta device: the result is on {result.device}"

    for key, p in ConditionalLinear(100, 5, 200).linear.named_parameters():
        far, std = p.abs().max().item(), p.std().item()  # nn.Linear: uniform from -0.1 to 0.1
        assert 0.09 < far < 0.1001 and 0.048 < std < 0.068, (
            f"ConditionalLinear(100, 5, 200), new linear.{key}: values up to {far:.3f}, "
            f"std {std:.4f}, want nn.Linear's 0.1 and 0.0577"
        )

    layer = filled(ConditionalLinear(in_dim, cond_dim, out_dim))
    for sizes in ((1, 5), (7, 5), (6, 4), (6, 1, 5), (1, 6, 5)):
        must_raise(layer, (6, in_dim), sizes)
    must_raise(layer, (5, in_dim), (5,))
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
    got = layer(torch.tensor([[3.0]]), torch.tensor([[2.0]])).item()
    assert got == 35, f"linear(x) is 10, scale(cond) 2, shift(cond) 5: result {got}, want 35"


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
        return module(*inputs)
    except NotImplementedError:
        raise
    except (RuntimeError, IndexError, TypeError, ValueError) as error:
        raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error


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
        kind = type(error).__name__
        raise AssertionError(f"{what}: {kind}, want RuntimeError or ValueError") from error
    raise AssertionError(f"{what} gave {tuple(got.shape)}, want RuntimeError or ValueError")


def check_gradients(which, layer):
    x, cond = (numbers(*size).double().requires_grad_() for size in (((2, 7), 3), ((2,), 5)))
    state = dict(layer.named_parameters())
    leaves, result = [x, cond, *state.values()], layer(x, cond)
    assert result.requires_grad, f"{which} layer: the result has no gradient, nothing flows back"
    upstream = torch.randn_like(result)
    got = torch.autograd.grad(result, leaves, upstream, allow_unused=True)
    want = torch.autograd.grad(by_sample(x, cond, state), leaves, upstream)
    for key, g, w in zip(("x", "cond", *state), got, want, strict=True):
        assert g is not None, f"{which} layer: no gradient reaches {key}"
        close(g, w, 1e-10, f"{which} layer: wrong gradient of {key}")


if __name__ == "__main__":
    try:
        check(ConditionalLinear)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_4_film.py")
