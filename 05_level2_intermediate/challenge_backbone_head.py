"""Backbone and head: one part finds features, the other one decides.

With a clean cut between them either part can be frozen, swapped or saved alone.

    Backbone                x (N, c_in, h, w) -> features (N, hidden): a linear layer on all the
                            c_in * h * w numbers of an image, then ReLU
    Head                    features (N, hidden) -> logits (N, num_classes): a linear layer alone
    BackboneHeadClassifier  x (N, c_in, h, w) -> logits (N, num_classes) of the head on the
                            backbone's features; its only submodules are .backbone, a Backbone, and
                            .head, a Head

A linear layer is made with a weight, with a row for each output, and a bias. Nothing else is a
parameter or buffer, and each parameter has one name in the state dict. The columns of the
backbone's weight follow the image: channel by channel, row by row.

All three take any N >= 1 and x with any strides, work alike in train and eval mode, give the dtype
and device that x and their parameters have, and leave x as it is. Gradients reach x and every
parameter. Anything but N images of c_in channels, h rows and w columns raises ValueError or
RuntimeError.

A forward pass calls the modules that .backbone and .head are at that moment, once each, and their
hooks run: a caller may have assigned others to them.

Ask yourself: what would a second name for the same layer do to a swap, and to the state dict?
Guide: https://docs.pytorch.org/tutorials/beginner/transfer_learning_tutorial.html
"""

import torch
from torch import Tensor, nn


class Backbone(nn.Module):
    def __init__(self, c_in: int, h: int, w: int, hidden: int) -> None:
        raise NotImplementedError("Backbone.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("Backbone.forward")


class Head(nn.Module):
    def __init__(self, hidden: int, num_classes: int) -> None:
        raise NotImplementedError("Head.__init__")

    def forward(self, features: Tensor) -> Tensor:
        raise NotImplementedError("Head.forward")


class BackboneHeadClassifier(nn.Module):
    def __init__(self, c_in: int, h: int, w: int, hidden: int, num_classes: int) -> None:
        raise NotImplementedError("BackboneHeadClassifier.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("BackboneHeadClassifier.forward")


N, C, H, W, HIDDEN, K = 3, 2, 4, 5, 6, 7


def check(Backbone, Head, BackboneHeadClassifier):
    torch.manual_seed(0)
    for dtype, tol in ((torch.float32, 1e-5), (torch.float64, 1e-12), (torch.bfloat16, 5e-2)):
        features = nn.Sequential(nn.Flatten(), nn.Linear(C * H * W, HIDDEN), nn.ReLU())
        logits = nn.Linear(HIDDEN, K)
        for module, twin, shape in (
            (Backbone(C, H, W, HIDDEN), features, (C, H, W)),
            (Head(HIDDEN, K), logits, (HIDDEN,)),
            (
                BackboneHeadClassifier(C, H, W, HIDDEN, K),
                nn.Sequential(features, logits),
                (C, H, W),
            ),
        ):
            check_values(module.to(dtype), twin.to(dtype), shape, dtype, tol)

    model = BackboneHeadClassifier(C, H, W, HIDDEN, K)
    for part, kind in (("backbone", Backbone), ("head", Head)):
        got = getattr(model, part, None)
        assert type(got) is kind, (
            f"BackboneHeadClassifier: .{part} is {got!r}, want a {part.title()}"
        )
    names = sorted(name for name, _ in model.named_children())
    assert names == ["backbone", "head"], (
        f"the classifier's submodules: {names}, want .backbone and .head"
    )
    for module in (Backbone(C, H, W, HIDDEN), model):
        refuses_other_images(module)
    check_swap(model)


def check_values(module, twin, shape, dtype, tol):
    """Against a twin made of torch's layers that takes over the parameters, told by their sizes."""
    what = f"{type(module).__name__}, {dtype}"
    mine, its = dict(module.named_parameters()), list(twin.parameters())
    lazy = [key for key, p in mine.items() if nn.parameter.is_lazy(p)]
    assert not lazy, f"{what}: {lazy} have no shape before the first call, want all shapes at once"
    by_size = {p.numel(): p for p in mine.values()}
    rows, its_rows = ([(p.numel(), *p.shape[:1]) for p in found] for found in (mine.values(), its))
    assert sorted(rows) == sorted(its_rows), (
        f"{what}: parameters of shapes { {k: tuple(p.shape) for k, p in mine.items()} }, "
        f"want {[tuple(p.shape) for p in its]}"
    )
    buffers, names = [name for name, _ in module.named_buffers()], list(module.state_dict())
    assert not buffers, f"{what}: it has buffers {buffers}, want none"
    assert len(names) == len(mine), (
        f"{what}: state dict with the names {names}, want one for each of {len(mine)} parameters"
    )
    frozen = [key for key, p in mine.items() if not p.requires_grad]
    assert not frozen, f"{what}: {frozen} do not require gradients"
    with torch.no_grad():
        for p in its:
            p.copy_(by_size[p.numel()].reshape(p.shape))
    for n, training in ((N, True), (N, False), (1, True)):
        x = torch.randn(*shape[::-1], n, dtype=dtype)
        x = x.permute(*reversed(range(x.ndim))).requires_grad_()  # not contiguous
        given, call = x.detach().clone(), f"{what}, x {tuple(x.shape)}, training {training}"
        out, want = run(call, module.train(training), x), twin(x)
        assert out.shape == want.shape, f"{call}: out {tuple(out.shape)}, want {tuple(want.shape)}"
        assert out.dtype == dtype, f"{call}: out is {out.dtype}, want {dtype}"
        close(out, want, tol, f"{call}: not what torch's layers make of x with your parameters")
        assert torch.equal(x, given), f"{call}: x was changed"
        assert out.requires_grad, f"{call}: out records no gradients"
        upstream = torch.randn(out.shape).to(dtype)
        leaves = {"x": x, **mine}
        grads = torch.autograd.grad(out, list(leaves.values()), upstream, allow_unused=True)
        rights = torch.autograd.grad(want, [x, *its], upstream)
        right_of = {g.numel(): g for g in rights[1:]} | {"x": rights[0]}
        for key, grad in zip(leaves, grads, strict=True):
            assert grad is not None, f"{call}: no gradient reaches {key}"
            right = right_of["x" if key == "x" else grad.numel()]
            close(grad, right.reshape(grad.shape), tol, f"{call}: wrong gradient of {key}")
    what = f"{what}, module and x moved to the meta device"
    out = run(what, module.to("meta"), x.to("meta"))
    assert out.is_meta, f"{what}: out is on {out.device}, want meta"


def run(what, module, x):
    try:
        return module(x)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        if isinstance(error, NotImplementedError) and not x.is_meta:
            raise  # an open hole; on the meta device it is torch's own
        raise AssertionError(f"{what}: {error!r}, want an output") from error


def close(got, want, tol, what):
    torch.testing.assert_close(got, want, rtol=tol, atol=tol, msg=lambda m: f"{what}\n{m}")


def refuses_other_images(module):
    what = f"{type(module).__name__} of images {(C, H, W)}"
    for shape in (
        (N, C, W, H),
        (N, H, W, C),
        (N, C + 1, H, W),
        (N, C, H, 2 * W),
        (2 * N, C, H // 2, W),
        (N, C, H * W),
        (N, C * H * W),
        (C, H, W),
        (N, 1, C, H, W),
    ):
        try:
            out = module(torch.randn(shape))
        except (RuntimeError, ValueError):
            continue
        except Exception as error:
            raise AssertionError(
                f"{what}: x {shape}: {error!r}, want ValueError or RuntimeError"
            ) from error
        raise AssertionError(
            f"{what}: x {shape} gave {tuple(out.shape)}, want ValueError or RuntimeError"
        )


def check_swap(model):
    flat = nn.Sequential(nn.Flatten(), nn.Linear(C * H * W, HIDDEN + 1))
    for what, backbone, head in (
        ("a classifier", model.backbone, model.head),
        ("a classifier with a new .head", model.backbone, nn.Linear(HIDDEN, K + 1)),
        ("a classifier with a new .backbone and .head", flat, nn.Linear(HIDDEN + 1, K)),
    ):
        model.backbone, model.head = backbone, head
        x, calls = torch.randn(N, C, H, W), []
        want = head(backbone(x))
        for name, part in (("backbone", backbone), ("head", head)):
            part.register_forward_hook(lambda *_, name=name, to=calls: to.append(name))
        for training in (True, False):
            call = f"{what}, training {training}"
            calls.clear()
            out = run(call, model.train(training), x)
            assert calls == ["backbone", "head"], f"{call}: calls {calls}, want each part once"
            close(out, want, 1e-5, f"{call}: not the logits of its .head on .backbone's features")


if __name__ == "__main__":
    try:
        check(Backbone, Head, BackboneHeadClassifier)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_backbone_head.py")
