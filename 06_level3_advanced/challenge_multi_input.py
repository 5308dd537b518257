"""Two inputs, one answer: an image and the numbers that came with it.

A photo of a skin lesion is easier to judge beside the patient's age and the lesion's site. Late
fusion gives each input an encoder of its own, joins the features and decides once.

    image   (N, img_c, img_h, img_w)    in any memory layout
    meta    (N, meta_dim)
    logits  (N, num_classes)            what forward(image, meta) returns, before any softmax

    submodule        what it consists of       from the shape of    to
    image_encoder    flatten, Linear, ReLU     image                (N, hidden_img)
    meta_encoder     Linear, ReLU              meta                 (N, hidden_meta)
    head             Linear                    joined features      (N, num_classes)

The three Linear are nn.Linear with bias; the model has no other parameters and computes the same in
train and in eval mode. Pixels are flattened in the order channel, row, column; image features come
before meta features. Another module that takes and gives these shapes may be assigned to any of the
three names, and forward then uses it; no ReLU is outside the encoders. Inputs and logits have the
model's dtype and device, also after model.to(...). N >= 1. Inputs stay as they are.
With the table's encoders, inputs of another shape, or N that differ (1 beside many too): ValueError
or RuntimeError.

Ask yourself: which of these shapes would pass through your layers without a word?
Guide: https://docs.pytorch.org/docs/stable/notes/modules.html
"""

import torch
from torch import Tensor, nn


class MultiInputClassifier(nn.Module):
    def __init__(
        self,
        img_c: int,
        img_h: int,
        img_w: int,
        meta_dim: int,
        hidden_img: int,
        hidden_meta: int,
        num_classes: int,
    ) -> None:
        raise NotImplementedError("MultiInputClassifier.__init__")

    def forward(self, image: Tensor, meta: Tensor) -> Tensor:
        raise NotImplementedError("MultiInputClassifier.forward")


N, C, H, W, D = 9, 2, 3, 4, 5  # all sizes differ, so that no swapped dim goes unseen
HIDDEN_IMG, HIDDEN_META, K = 6, 7, 8


def check(MultiInputClassifier):
    torch.manual_seed(0)
    sizes = (C, H, W, D, HIDDEN_IMG, HIDDEN_META, K)
    model = MultiInputClassifier(*sizes)
    params = check_layers(model)
    for dtype, tol in ((torch.float32, 1e-5), (torch.float64, 1e-10), (torch.bfloat16, 5e-2)):
        model.to(dtype)
        for n in (N, 1):
            image, meta = torch.randn(n, C, H, W).to(dtype), torch.randn(n, D).to(dtype)
            what = f"{n} images, {dtype}"
            check_values(model.train(), params, image, meta, tol, f"{what}, train mode")
            image = image.to(memory_format=torch.channels_last)
            check_values(
                model.eval(), params, image, meta, tol, f"{what}, channels last, eval mode"
            )
    out = model.to("meta")(image.to("meta"), meta.to("meta"))  # fails if a tensor stays on the CPU
    assert out.is_meta, f"model and inputs on the meta device: logits on {out.device}"
    check_other_parts(MultiInputClassifier(*sizes))
    check_wrong_shapes(MultiInputClassifier(*sizes))
    out = MultiInputClassifier(1, 1, 1, 1, 1, 1, 1)(torch.randn(N, 1, 1, 1), torch.randn(N, 1))
    assert out.shape == (N, 1), f"all sizes 1: logits of shape {tuple(out.shape)}, want {(N, 1)}"


def check_layers(model):
    """Weight and bias of the three nn.Linear."""
    params = {}
    for name, want in (
        ("image_encoder", (HIDDEN_IMG, C * H * W)),
        ("meta_encoder", (HIDDEN_META, D)),
        ("head", (K, HIDDEN_IMG + HIDDEN_META)),
    ):
        found = [m for m in getattr(model, name).modules() if isinstance(m, nn.Linear)]
        assert len(found) == 1, f"{name} holds {len(found)} nn.Linear, want 1"
        got = tuple(found[0].weight.shape)
        assert got == want, f"{name}: a weight of shape {got}, want {want}"
        assert found[0].bias is not None, f"{name}: a Linear without bias, want one with"
        params |= {f"{name}'s weight": found[0].weight, f"{name}'s bias": found[0].bias}
    n = len(list(model.parameters()))
    assert n == 6, f"the model has {n} parameters, want 6: weight and bias of three Linear"
    return params


def check_values(model, params, image, meta, tol, what):
    leaves = {"image": image.requires_grad_(), "meta": meta.requires_grad_(), **params}
    exact = [t.detach().double().requires_grad_() for t in leaves.values()]
    out, want = model(image, meta), reference(*exact)
    assert out.shape == want.shape, (
        f"{what}: logits of shape {tuple(out.shape)}, want {tuple(want.shape)}"
    )
    assert out.dtype == image.dtype, f"{what}: logits are {out.dtype}, want {image.dtype}"
    close(out, want, tol, f"{what}: logits")
    upstream = torch.randn(out.shape).to(out.dtype)
    grads = torch.autograd.grad(out, list(leaves.values()), upstream, allow_unused=True)
    wants = torch.autograd.grad(want, exact, upstream.double())
    for name, got, right in zip(leaves, grads, wants, strict=True):
        assert got is not None, f"{what}: no gradient reaches {name}"
        close(got, right, tol, f"{what}: gradient of {name}")
    for name, leaf, old in zip(("image", "meta"), (image, meta), exact, strict=False):
        close(leaf, old, 0, f"{what}: {name} was changed")


def reference(image, meta, w_image, b_image, w_meta, b_meta, w_head, b_head):
    """By a convolution as large as the image and a head that is split in two."""
    seen = nn.functional.conv2d(image, w_image.view(-1, C, H, W), b_image).flatten(1).clamp(min=0)
    told = torch.einsum("nd,kd->nk", meta, w_meta).add(b_meta).clamp(min=0)
    return seen @ w_head[:, :HIDDEN_IMG].T + told @ w_head[:, HIDDEN_IMG:].T + b_head


def close(got, want, tol, what):
    torch.testing.assert_close(got.double(), want, rtol=tol, atol=tol, msg=lambda m: f"{what}\n{m}")


class Known(nn.Module):
    """Gives a known tensor and keeps what it was called with."""

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.output = output
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x)
        return self.output


def check_other_parts(model):
    image, meta, a, b, logits = (
        100 * torch.randn(N, *size)
        for size in ((C, H, W), (D,), (HIDDEN_IMG,), (HIDDEN_META,), (K,))
    )
    parts = {"image_encoder": Known(a), "meta_encoder": Known(b), "head": Known(logits)}
    for name, part in parts.items():
        setattr(model, name, part)
    try:
        out = model(image, meta)
    except Exception as error:
        what = "other modules as image_encoder, meta_encoder and head"
        raise AssertionError(f"{what}: {error!r}, want them called and nothing else") from error
    joined = torch.tensor([i + j for i, j in zip(a.tolist(), b.tolist(), strict=True)])
    for (name, part), want in zip(parts.items(), (image, meta, joined), strict=True):
        got = [tuple(x.shape) for x in part.seen]
        assert got == [want.shape], f"another {name} was given {got}, want {[tuple(want.shape)]}"
        close(part.seen[0], want.double(), 0, f"what another {name} was given")
    close(out, logits.double(), 0, "not the logits that another head gave")


def check_wrong_shapes(model):
    image, meta = (N, C, H, W), (N, D)
    for a, b in (
        ((N, C, W, H), meta),
        ((N, H, W, C), meta),
        ((N, C * H * W), meta),
        ((N, 1, C, H, W), meta),
        ((N, C, H, W + 1), meta),
        ((C, H, W), (D,)),
        (image, (N, D + 1)),
        ((1, C, H, W), (D,)),
        (image, (D,)),
        (image, (D, N)),
        (image, (N, 1, D)),
        (image, (1, D)),
        (image, (N + 1, D)),
        ((1, C, H, W), meta),
    ):
        try:
            got = f"logits {tuple(model(torch.randn(a), torch.randn(b)).shape)}"
        except (ValueError, RuntimeError):
            continue
        except Exception as error:
            got = repr(error)
        raise AssertionError(
            f"model for images {image} and meta {meta}: image {a} and meta {b} gave {got}, "
            "want ValueError or RuntimeError"
        )


if __name__ == "__main__":
    try:
        check(MultiInputClassifier)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_multi_input.py")
