"""What challenge_backbone_head.py requires.

`backbone` and `head` compute the parts by other means; for the classifier it is enough that its
logits are those of its own parts, called by hand.
"""

import torch
from torch import nn

from checks.models_and_files import all_trainable, features_by_hand, linear_of, weight_and_bias
from checks.modules import gradients_flow, keeps_dtypes, keeps_inputs, on, refuses_sizes
from checks.tools import close, equal, names_are, result_of

N, C, H, W, HIDDEN, K = 3, 2, 4, 5, 6, 7
SIZES = ((C, H, W, HIDDEN, K), (2, 2, 2, 8, 8))  # equal sizes hide what is connected wrongly
NAME, B_NAME, H_NAME = f"BackboneHeadClassifier{SIZES[0]}", "Backbone(2, 4, 5, 6)", "Head(6, 7)"


def parameters(Backbone, Head, BackboneHeadClassifier):
    for what, part, rows, columns in (
        (B_NAME, Backbone(C, H, W, HIDDEN), HIDDEN, C * H * W),
        (H_NAME, Head(HIDDEN, K), K, HIDDEN),
    ):
        found = dict(part.named_parameters())
        lazy = [name for name, p in found.items() if nn.parameter.is_lazy(p)]
        assert not lazy, f"{what}: {lazy[0]} waits for the first call, want all from the start"
        weight_and_bias(what, part, rows, columns)
        all_trainable(what, part)
        buffers = [name for name, _ in part.named_buffers()]
        assert not buffers, f"{what}: buffers {', '.join(buffers)}, want none"
        names_are(part.state_dict(), found, f"{what}: state_dict")
    all_trainable(NAME, BackboneHeadClassifier(*SIZES[0]))


def backbone(Backbone):
    part = Backbone(2, 1, 2, 3)
    weight, bias = weight_and_bias("Backbone(2, 1, 2, 3)", part, 3, 4)
    features_by_hand("Backbone(2, 1, 2, 3)", part, weight, bias)
    for n in (N, 1, HIDDEN):
        part, x = Backbone(C, H, W, HIDDEN), torch.randn(n, C, H, W)
        what = on(B_NAME, x=x)
        out = result_of(what, part, x)
        want = linear_of(x, *weight_and_bias(B_NAME, part, HIDDEN, C * H * W))
        close(out.detach(), want.clamp(min=0), f"{what}: features")


def head(Head):
    for n in (N, 1, HIDDEN):
        part, features = Head(HIDDEN, K), torch.randn(n, HIDDEN)
        what = on(H_NAME, features=features)
        want = linear_of(features, *weight_and_bias(H_NAME, part, K, HIDDEN))
        close(result_of(what, part, features).detach(), want, f"{what}: logits")


def parts(Backbone, Head, BackboneHeadClassifier):
    for sizes in SIZES:
        model, what = BackboneHeadClassifier(*sizes), f"BackboneHeadClassifier{sizes}"
        for name, kind in (("backbone", Backbone), ("head", Head)):
            part = getattr(model, name, None)
            mine, found = isinstance(part, kind), type(part).__name__
            assert mine, f"{what}.{name} is of type {found}, want your {kind.__name__}"
        children = [name for name, _ in model.named_children()]
        names_are(children, ["backbone", "head"], f"{what}, its submodules")
        names_are(model.state_dict(), names_of(model.backbone, model.head), f"{what}, state_dict")


def connection(BackboneHeadClassifier):
    for sizes in SIZES:
        for mode, n in (("train", N), ("train", 1), ("eval", N)):
            model, x = BackboneHeadClassifier(*sizes), torch.randn(n, *sizes[:3])
            what = f"BackboneHeadClassifier{sizes}, {mode} mode"
            logits_are_of_parts(what, model.train(mode == "train"), x)


def gradients(BackboneHeadClassifier):
    for frozen in ("no part", "backbone", "head"):
        model = BackboneHeadClassifier(*SIZES[0])
        getattr(model, frozen, nn.Identity()).requires_grad_(False)
        gradients_flow(f"{NAME}, {frozen} frozen", model, {"x": torch.randn(N, C, H, W)})


def swap(BackboneHeadClassifier):
    flat = nn.Sequential(nn.Flatten(), nn.Linear(C * H * W, HIDDEN + 1), nn.Tanh())
    head = nn.Conv2d(C + 1, K, 1)  # of images
    for new in (
        {"head": nn.Linear(HIDDEN, K + 1)},
        {"backbone": nn.Sequential(nn.Flatten(), nn.Linear(C * H * W, HIDDEN))},
        {"backbone": flat, "head": nn.Linear(HIDDEN + 1, K)},
        {"backbone": nn.Identity(), "head": head},
    ):
        for mode in ("train", "eval"):
            model, what = BackboneHeadClassifier(*SIZES[0]), f"{NAME}, {mode} mode"
            x = torch.randn(N, C, H, W)
            result_of(what, model.train(mode == "train"), x)  # used before, too
            for name, part in new.items():
                setattr(model, name, part)
                what += f", then {name} = {type(part).__name__}(...)"
            parts = [new.get(name, getattr(model, name, None)) for name in ("backbone", "head")]
            names_are(model.state_dict(), names_of(*parts), f"{what}: state_dict")
            x = torch.randn(N, C + 1, H, W + 1) if head in parts else x
            logits_are_of_parts(what, model, x, parts)


def images(Backbone, BackboneHeadClassifier):
    four = [(N, C, W, H), (N, H, W, C), (N, C + 1, H, W), (N, C, H, 2 * W), (2 * N, C, H // 2, W)]
    other = [(N, C, H * W), (N, C * H * W), (C, H, W), (N, 1, C, H, W), (1, N, C, H, W)]
    for what, module in (
        (B_NAME, Backbone(C, H, W, HIDDEN)),
        (NAME, BackboneHeadClassifier(*SIZES[0])),
    ):
        refuses_sizes(what, module, "x", ((shape,) for shape in four + other))


def calls(BackboneHeadClassifier):
    model, ran = BackboneHeadClassifier(*SIZES[0]), []
    for name in ("backbone", "head"):
        getattr(model, name).register_forward_hook(lambda *_, name=name: ran.append(name))
    for mode in ("train", "eval"):
        ran.clear()
        result_of(NAME, model.train(mode == "train"), torch.randn(N, C, H, W))
        equal(f"{NAME}, one call: hooks ran on", ran, ["backbone", "head"])


def dtypes(Backbone, Head, BackboneHeadClassifier):
    for what, module, inputs in of_each(Backbone, Head, BackboneHeadClassifier):
        keeps_dtypes(what, module, inputs)


def inputs(Backbone, Head, BackboneHeadClassifier):
    for what, module, inputs in of_each(Backbone, Head, BackboneHeadClassifier):
        keeps_inputs(what, module, inputs)


CORE = (parameters, backbone, head, parts, connection, gradients, swap)
EDGES = (images, calls, dtypes, inputs)


def of_each(Backbone, Head, BackboneHeadClassifier):
    x = {"x": torch.randn(N, C, H, W)}
    yield B_NAME, Backbone(C, H, W, HIDDEN), x
    yield H_NAME, Head(HIDDEN, K), {"features": torch.randn(N, HIDDEN)}
    yield NAME, BackboneHeadClassifier(*SIZES[0]), x


def logits_are_of_parts(what, model, x, parts=None):
    first, second = parts or (model.backbone, model.head)
    features = result_of(f"{on(what, x=x)}: its backbone(x)", first, x)
    want = result_of(f"{on(what, x=x)}: its head(features)", second, features)
    got = result_of(on(what, x=x), model, x)
    close(got, want, f"{on(what, x=x)}: model(x), against head(backbone(x))")


def names_of(backbone, head):
    parts = (("backbone", backbone), ("head", head))
    return [f"{name}.{key}" for name, part in parts for key in part.state_dict()]
