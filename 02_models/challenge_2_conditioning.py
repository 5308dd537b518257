"""Conditioning: a second input that joins halfway.

A classifier gets side information, such as a language, a sensor's settings or a noise level. It
needs no layers of its own, so it joins the hidden features and not the input.

    x         (*, in_dim)
    c         (*, c_dim)          the same leading sizes * as x: any number of them, none too
    hidden    (*, h)              a linear layer with bias, on x alone, then ReLU
    logits    (*, num_classes)    a linear layer with bias, on hidden and on c as it came

The model returns the logits as cross entropy takes them: any real numbers. It has exactly four
parameters, from the start and under names of your choice: weight (h, in_dim) and bias (h,) of the
first layer, weight (num_classes, h + c_dim), whose first h columns belong to hidden and the rest to
c, and bias (num_classes,) of the second, all trainable and drawn as nn.Linear draws its own. It
works in float32, float64 and bfloat16 and on any device once .to(...) has moved it there; logits
have the dtype and device of x and c. Train and eval mode give the same values. x and c are left as
they were, and gradients reach both of them and all parameters.

All other sizes raise RuntimeError or ValueError. Leading sizes must be equal: 1 beside N is not
repeated and a missing one is not filled in.

Ask yourself: which of the tensors may ReLU see, and what would it do to a condition of -1?
Article: Feature-wise transformations, https://distill.pub/2018/feature-wise-transformations/
"""

import torch
from torch import Tensor, nn


class ConditionalMLP(nn.Module):
    def __init__(self, in_dim: int, c_dim: int, h: int, num_classes: int) -> None:
        raise NotImplementedError("ConditionalMLP.__init__")

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        raise NotImplementedError("ConditionalMLP.forward")


def check(ConditionalMLP):
    torch.manual_seed(0)
    in_dim, c_dim, h, num_classes = 3, 5, 7, 4
    shapes = ((h, in_dim), (h,), (num_classes, h + c_dim), (num_classes,))
    for dtype, tolerance, mode, loud in (
        (torch.float32, 1e-5, "train", 1),
        (torch.float64, 1e-10, "eval", 100),
        (torch.bfloat16, 5e-2, "train", 1),
    ):
        model = ConditionalMLP(in_dim, c_dim, h, num_classes).to(dtype).train(mode == "train")
        for lead in ((6,), (1,), (0,), (), (2, 6), (6, 1, 2)):
            x, c = loud * numbers(lead, in_dim).to(dtype), numbers(lead, c_dim).to(dtype)
            what = f"x {tuple(x.shape)}, c {tuple(c.shape)}, {dtype}, {mode} mode"
            before, logits = (x.clone(), c.clone()), run(what, model, x, c)
            assert logits.shape == (*lead, num_classes), (
                f"{what}: logits of shape {tuple(logits.shape)}, want {(*lead, num_classes)}"
            )
            assert logits.dtype == dtype, f"{what}: logits {logits.dtype}, want {dtype}"
            want = by_hand(*(t.double() for t in (x, c, *parameters(model, *shapes))))
            close(logits.double(), want, tolerance, f"{what}: wrong logits")
            close(x, before[0], 0, f"{what}: x was changed")
            close(c, before[1], 0, f"{what}: c was changed")
    logits = model.to("meta")(x.to("meta"), c.to("meta"))
    assert logits.is_meta, f"all on the meta device: logits are on {logits.device}"

    big = ConditionalMLP(400, 100, 300, 200)
    for p in parameters(big, (300, 400), (300,), (200, 400), (200,)):
        far, std = p.abs().max().item(), p.std().item()  # nn.Linear: uniform from -0.05 to 0.05
        assert 0.045 < far < 0.05001 and 0.024 < std < 0.034, (
            f"ConditionalMLP(400, 100, 300, 200), new {tuple(p.shape)}: values up to {far:.3f}, "
            f"std {std:.4f}, want nn.Linear's 0.05 and 0.0289"
        )

    model = ConditionalMLP(in_dim, c_dim, h, num_classes)
    for lead_x, lead_c in (((6,), (1,)), ((1,), (6,)), ((6,), (5,)), ((), (6,)), ((2, 6), (2, 1))):
        must_raise(model, (*lead_x, in_dim), (*lead_c, c_dim))
    for size_x, size_c in ((c_dim, in_dim), (in_dim + 1, c_dim), (in_dim, c_dim - 1)):
        must_raise(model, (6, size_x), (6, size_c))

    x, c = (numbers((2, 6), size).double().requires_grad_() for size in (in_dim, c_dim))
    leaves = [x, c, *parameters(model.double(), *shapes)]
    names = ("x", "c", *(f"the parameter {shape}" for shape in shapes))
    logits = model(x, c)
    assert logits.requires_grad, "the logits have no gradient: nothing flows back"
    upstream = torch.randn_like(logits)
    got = torch.autograd.grad(logits, leaves, upstream, allow_unused=True)
    want = torch.autograd.grad(by_hand(*leaves), leaves, upstream)
    for name, g, w in zip(names, got, want, strict=True):
        assert g is not None, f"no gradient reaches {name}"
        close(g, w, 1e-10, f"wrong gradient of {name}")


def by_hand(x, c, weight, bias, head_weight, head_bias):
    """The condition as one more bias of each sample: nothing is joined."""
    hidden = x @ weight.T + bias
    hidden = hidden * (hidden > 0)
    h = hidden.shape[-1]
    return hidden @ head_weight[:, :h].T + (c @ head_weight[:, h:].T + head_bias)


def numbers(lead, features):
    """Random (*lead, features), not contiguous."""
    return torch.randn(features, *lead).movedim(0, -1)


def parameters(module, *shapes):
    """The module's parameters in the order of `shapes`, whatever their names."""
    found = {tuple(p.shape): p for p in module.parameters() if p.requires_grad}
    got = sorted(tuple(p.shape) for p in module.parameters())
    assert got == sorted(shapes), f"parameters of shapes {got}, want {sorted(shapes)}"
    assert len(found) == len(shapes), f"trainable parameters of shapes {[*found]}, want {shapes}"
    return [found[shape] for shape in shapes]


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


def must_raise(model, size_x, size_c):
    what = f"ConditionalMLP(3, 5, 7, 4) on x {size_x} and c {size_c}"
    try:
        got = model(torch.randn(size_x), torch.randn(size_c))
    except (RuntimeError, ValueError):
        return
    except Exception as error:
        kind = type(error).__name__
        raise AssertionError(f"{what}: {kind}, want RuntimeError or ValueError") from error
    raise AssertionError(f"{what} gave {tuple(got.shape)}, want RuntimeError or ValueError")


if __name__ == "__main__":
    try:
        check(ConditionalMLP)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_2_conditioning.py")
