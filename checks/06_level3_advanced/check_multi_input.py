"""What challenge_multi_input.py requires.

`image_encoder` and `meta_encoder` compute the parts by other means; for `fusion` it is enough that
the logits are those of the model's own parts, called by hand.
"""

import torch
from torch import nn

from checks.models_and_files import all_trainable, features_by_hand, linear_of
from checks.modules import gradients_flow, keeps_dtypes, keeps_inputs, on, refuses_sizes
from checks.tools import close, equal, result_of, same

N, C, H, W, D = 9, 2, 3, 4, 5  # all sizes differ, so that no swapped dim goes unseen
HIDDEN_IMG, HIDDEN_META, K = 6, 7, 8
SIZES = (C, H, W, D, HIDDEN_IMG, HIDDEN_META, K)
NAME = "MultiInputClassifier(2, 3, 4, 5, 6, 7, 8)"
PARTS = ("image_encoder", "meta_encoder", "head")


def parameters(MultiInputClassifier):
    model = MultiInputClassifier(*SIZES)
    for name, want in (
        ("image_encoder", (HIDDEN_IMG, C * H * W)),
        ("meta_encoder", (HIDDEN_META, D)),
        ("head", (K, HIDDEN_IMG + HIDDEN_META)),
    ):
        got = tuple(linear_in(model, name).weight.shape)
        equal(f"{NAME}.{name}: a weight of shape", got, want)
    equal(f"{NAME}: parameters (three Linear have 6):", len(list(model.parameters())), 6)
    all_trainable(NAME, model)


def image_encoder(MultiInputClassifier):
    model = MultiInputClassifier(2, 1, 2, 1, 3, 1, 1)
    what, layer = "MultiInputClassifier(2, 1, 2, 1, 3, 1, 1)", linear_in(model, "image_encoder")
    features_by_hand(f"{what}.image_encoder", model.image_encoder, layer.weight, layer.bias)
    encodes(MultiInputClassifier(*SIZES), "image_encoder", (C, H, W))


def meta_encoder(MultiInputClassifier):
    model = MultiInputClassifier(1, 1, 1, 1, 1, 3, 1)
    what, layer = "MultiInputClassifier(1, 1, 1, 1, 1, 3, 1)", linear_in(model, "meta_encoder")
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[10.0], [-10], [0]]))
        layer.bias.copy_(torch.tensor([1.0, 1, -5]))
    what += ".meta_encoder, weight [[10], [-10], [0]], bias [1, 1, -5], meta [[2]]: features"
    out = result_of(what, model.meta_encoder, torch.tensor([[2.0]]))
    close(out.detach(), torch.tensor([[21.0, 0, 0]]), what)
    encodes(MultiInputClassifier(*SIZES), "meta_encoder", (D,))


def fusion(MultiInputClassifier):
    for sizes in (SIZES, (1, 1, 1, 1, 1, 1, 1), (C, H, W, D, 6, 6, 6)):
        for n, mode in ((N, "train"), (N, "eval"), (1, "train")):
            model = MultiInputClassifier(*sizes).train(mode == "train")
            layer = linear_in(model, "head")
            image, meta = 9 * torch.randn(n, *sizes[:3]), 9 * torch.randn(n, sizes[3])
            what = on(f"MultiInputClassifier{sizes}, {mode} mode", image=image, meta=meta)
            a = result_of(f"{what}: its image_encoder(image)", model.image_encoder, image)
            b = result_of(f"{what}: its meta_encoder(meta)", model.meta_encoder, meta)
            joined = torch.tensor([i + j for i, j in zip(a.tolist(), b.tolist(), strict=True)])
            for told, features in (("random", torch.randn_like(joined)), ("both", joined)):
                at = f"{what}: its head on {told} features {tuple(joined.shape)}"
                want = result_of(at, model.head, features).detach()
                by_hand = result_of(at, linear_of, features, layer.weight, layer.bias)
                close(want, by_hand, f"{at}, against weight @ features + bias")
            got = result_of(what, model, image, meta).detach()
            close(got, want, f"{what}: logits, against head([image features, meta features])")


def swap(MultiInputClassifier):
    given = {"image": torch.randn(N, C, H, W), "meta": torch.randn(N, D)}
    for mode in ("train", "eval"):
        model = MultiInputClassifier(*SIZES)
        what = f"{NAME}, {mode} mode, other modules for its parts"
        result_of(NAME, model, *given.values())  # used before, too
        known = [100 * torch.randn(N, size) for size in (HIDDEN_IMG, HIDDEN_META, K)]
        parts = {name: Known(out) for name, out in zip(PARTS, known, strict=True)}
        for name, part in parts.items():
            setattr(model, name, part)
        out = result_of(what, model.train(mode == "train"), *(t.clone() for t in given.values()))
        wants = (*given.values(), torch.cat(known[:2], dim=1))
        for (name, part), want in zip(parts.items(), wants, strict=True):
            equal(f"{what}: calls of the new {name}:", len(part.seen), 1)
            same(part.seen[0], want, f"{what}: what the new {name} got")
        same(out, known[2], f"{what}: the result, against what the new head gave")


def gradients(MultiInputClassifier):
    inputs = {"image": torch.randn(N, C, H, W), "meta": torch.randn(N, D)}
    gradients_flow(on(NAME, **inputs), MultiInputClassifier(*SIZES), inputs)


def images(MultiInputClassifier):
    four = [(N, C, W, H), (N, H, W, C), (N, C, H, W + 1), (N, 1, H, C * W)]
    other = [(N, C * H * W), (N, 1, C, H, W), (1, N, C, H, W)]
    pairs = [(shape, (N, D)) for shape in four + other]
    pairs += [((C, H, W), (D,)), ((C, H, W), (1, D))]
    refuses_sizes(NAME, MultiInputClassifier(*SIZES), "image meta", pairs)


def batches(MultiInputClassifier):
    metas = [(N, D + 1), (D,), (D, N), (N, 1, D), (1, D), (N + 1, D)]
    pairs = [((N, C, H, W), meta) for meta in metas]
    pairs += [((1, C, H, W), meta) for meta in ((N, D), (D,))]
    refuses_sizes(NAME, MultiInputClassifier(*SIZES), "image meta", pairs)


def dtypes(MultiInputClassifier):
    inputs = {"image": torch.randn(N, C, H, W), "meta": torch.randn(N, D)}
    keeps_dtypes(NAME, MultiInputClassifier(*SIZES), inputs)


def inputs(MultiInputClassifier):
    image = torch.randn(N, C, H, W)
    for kind in (torch.contiguous_format, torch.channels_last):
        inputs = {"image": image.to(memory_format=kind), "meta": torch.randn(N, D)}
        keeps_inputs(f"{NAME}, {kind}", MultiInputClassifier(*SIZES), inputs)


CORE = (parameters, image_encoder, meta_encoder, fusion, swap, gradients)
EDGES = (images, batches, dtypes, inputs)


class Known(nn.Module):
    """Gives a known tensor and keeps what it was called with."""

    def __init__(self, output):
        super().__init__()
        self.output, self.seen = output, []

    def forward(self, x):
        self.seen.append(x)
        return self.output


def linear_in(model, name):
    part = getattr(model, name, None)
    assert part is not None, f"{NAME} has no attribute {name}"
    found = [m for m in part.modules() if isinstance(m, nn.Linear)]
    equal(f"{NAME}.{name}: nn.Linear in it:", len(found), 1)
    assert found[0].bias is not None, f"{NAME}.{name}: a Linear without bias, want one with"
    return found[0]


def encodes(model, name, shape):
    """The model's encoder against its own weight and bias."""
    layer, encoder = linear_in(model, name), getattr(model, name)
    for n, mode in ((N, "train"), (N, "eval"), (1, "train")):
        x = torch.randn(n, *shape)
        what = on(f"{NAME}.{name}, {mode} mode", x=x)
        want = linear_of(x, layer.weight, layer.bias)
        got = result_of(what, encoder.train(mode == "train"), x).detach()
        close(got, want.clamp(min=0), f"{what}: features")
