"""What buggy_code_15.py requires.

logits is judged by the layers that the forward pass calls, whether the model lists them or not.
"""

import copy

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook

from checks.hunts import gradients_of_modes, mode, on
from checks.tools import attempt, close, equal, filled, result_of, same

DEEP, EQUAL = [6, 5, 7, 4, 3], [4, 4, 4, 4]


def logits(DeepNet):
    for widths in (DEEP, EQUAL, [3, 8, 1]):
        for dtype, tol, size in ((torch.float32, 1e-5, 3), (torch.float64, 1e-10, 300)):
            torch.set_default_dtype(dtype)
            try:
                model, x = DeepNet(list(widths)), size * torch.randn(5, widths[0])
            finally:
                torch.set_default_dtype(torch.float32)
            for training in (True, False):
                used, want = layers_of(model, x, len(widths) - 1), x
                for i, (weight, bias) in enumerate(used):
                    want = (want.clamp(min=0) if i else want) @ weight.T + bias
                got, what = on(model, training, x), f"DeepNet({widths}), {dtype}, {mode(training)}"
                equal(f"{what}: shape of the logits", tuple(got.shape), (5, widths[-1]))
                close(got, want, f"{what}: logits by its own layers", tol)


def parameters(DeepNet):
    for widths in (DEEP, EQUAL, [3, 5, 3]):
        model, what = DeepNet(list(widths)), f"DeepNet({widths})"
        found = [tuple(p.shape) for p in model.parameters()]
        equal(f"{what}: shapes of parameters()", found, shapes_of(widths))
        fixed = [name for name, p in model.named_parameters() if not p.requires_grad]
        equal(f"{what}: parameters without gradients", fixed, [])
        gradients_of_modes(what, filled(model).double(), {"x": torch.randn(5, widths[0]).double()})


def start(DeepNet):
    widths = [40, 40, 40, 40]
    model, x = DeepNet(list(widths)), torch.randn(5, 40)
    others = layers_of(DeepNet(list(widths)), x, 3)
    used = layers_of(model, x, 3)
    for i, (weight, bias) in enumerate(used):
        for j, (other, _) in enumerate([*used[:i], *others]):
            which = f"layers {j} and {i}" if j < i else f"layer {i} and one of another model"
            assert not torch.equal(weight, other), f"DeepNet({widths}): {which} begin alike"
        for name, t in (("weight", weight), ("bias", bias)):
            what = f"DeepNet({widths}), layer {i}: {name} begins with numbers up to"
            largest = t.abs().max().item()
            assert 0.8 < largest * 40**0.5 <= 1, f"{what} {largest:.3f}, want 0.158 or a bit less"


def checkpoint(DeepNet):
    for widths in (DEEP, EQUAL):
        one, other = DeepNet(list(widths)), DeepNet(list(widths))
        what, x = f"state_dict of one DeepNet({widths}) in another", torch.randn(5, widths[0])
        attempt(what, other.load_state_dict, one.state_dict())
        close(on(other, False, x), on(one, False, x), f"{what}: logits")
        held = sum(t.numel() for t in one.state_dict().values())
        numbers = sum(torch.Size(shape).numel() for shape in shapes_of(widths))
        equal(f"state_dict of DeepNet({widths}): numbers in it", held, numbers)


def moves(DeepNet):
    model, what = DeepNet(list(DEEP)), f"DeepNet({DEEP})"
    for kind in (torch.float64, torch.bfloat16, "meta"):
        moved, x = copy.deepcopy(model).to(kind), torch.randn(5, DEEP[0]).to(kind)
        out = result_of(f"{what} to {kind}", moved, x)
        equal(f"{what} to {kind}: logits of", (out.dtype, out.device), (x.dtype, x.device))
    x, twin = torch.randn(5, DEEP[0]), copy.deepcopy(model)
    before = on(model, False, x)
    same(on(twin, False, x), before, f"a deep copy of {what}: logits")
    with torch.no_grad():
        for weight, _ in layers_of(twin, x, len(DEEP) - 1):
            weight.zero_()
    same(on(model, False, x), before, f"{what}, after its deep copy was changed: logits")


def widths(DeepNet):
    for given in ([6, 3], (6, 3), (6, 5, 7, 3), [6, 5, 7, 3]):
        kept, x = copy.copy(given), torch.randn(5, 6)
        what = f"DeepNet({given})"
        model = attempt(what, DeepNet, given)
        equal(f"{what}: afterwards widths is", given, kept)
        if isinstance(given, list):
            given[:] = [1]
        equal(f"{what}: shape of the logits", tuple(result_of(what, model, x).shape), (5, 3))
        used = layers_of(model, x, len(kept) - 1)
        found = [tuple(weight.shape) for weight, _ in used]
        equal(f"{what}: shapes of the weights it uses", found, shapes_of(kept)[::2])


CORE = (logits, parameters, start, checkpoint, moves)
EDGES = (widths,)


def shapes_of(widths):
    """By hand: weight and bias of each layer."""
    pairs = zip(widths, widths[1:], strict=False)
    return [shape for a, b in pairs for shape in ((b, a), (b,))]


def layers_of(model, x, n):
    """(weight, bias) of the n linear layers as the forward pass calls them; of a model that calls
    no nn.Linear, its parameters in pairs.
    """
    used = []

    def note(module, inputs, out):
        if isinstance(module, nn.Linear):
            weight, bias = module.weight.detach(), module.bias
            used.append((weight, weight[:, 0] * 0 if bias is None else bias.detach()))

    hook = register_module_forward_hook(note)
    try:
        attempt("DeepNet's forward pass", model, x)
    finally:
        hook.remove()
    if not used:
        values = [p.detach() for p in model.parameters()]
        used = list(zip(values[::2], values[1::2], strict=False))
    equal("linear layers that a forward pass goes through:", len(used), n)
    return used
