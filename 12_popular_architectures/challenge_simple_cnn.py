"""SimpleCNN: the first model for small images, such as those of CIFAR-10.

Three stages halve the image and widen its channels. One linear layer reads what is left.

    x        (N, in_channels, 32, 32)    float32, float64, bfloat16 or float16; any strides
    stage 1  (N, 32, 16, 16)
    stage 2  (N, 64, 8, 8)
    stage 3  (N, 128, 4, 4)
    out      (N, num_classes)            logits, with dtype and device of x and the parameters

A stage is a 3x3 convolution with stride 1 and zero padding that keeps height and width, batch norm,
ReLU, and the largest value of each 2x2 window, windows side by side. The last layer is linear: it
reads stage 3 channel by channel, each row by row, and what it gives is out.
The layers with parameters are three nn.Conv2d without bias, three nn.BatchNorm2d and one nn.Linear
with bias. Their sizes are known from the start, their other arguments are torch's defaults. Nothing
more is a parameter or buffer. Names are yours.
N >= 1. Train and eval mode differ as torch's batch norm does, in its buffers too. x stays as it is;
gradients reach x and every parameter. Any other shape of x raises ValueError or RuntimeError, also
where the last layer would find as many numbers as it wants.

Ask yourself: what is left of a bias once batch norm has taken the mean away? Which other images end
as 2048 numbers?
Paper: Batch Normalization, section 3.2, https://arxiv.org/abs/1502.03167
"""

import torch
from torch import Tensor, nn


class SimpleCNN(nn.Module):
    def __init__(self, in_channels: int = 3, num_classes: int = 10) -> None:
        raise NotImplementedError("SimpleCNN.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("SimpleCNN.forward")


WIDTHS = (32, 64, 128)


def check(SimpleCNN):
    torch.manual_seed(0)
    model = SimpleCNN()
    check_values(model, "SimpleCNN()", 3, 10, torch.float32, 1e-4)
    refuses_other_images(model, "SimpleCNN()", 3)
    model = SimpleCNN(1, 7)
    check_values(model, "SimpleCNN(1, 7)", 1, 7, torch.float64, 1e-9)
    refuses_other_images(model.float(), "SimpleCNN(1, 7)", 1)
    model = SimpleCNN(2, 1)
    for kind in (torch.float16, torch.bfloat16, "meta"):
        model.to(kind)
        for training in (True, False):
            x = torch.randn(2, 2, 32, 32).to(next(model.parameters()))
            call = f"SimpleCNN(2, 1) and x moved to {kind}, training {training}"
            out = output_of(model.train(training), x, call)
            got, want = (out.shape, out.dtype, out.device), ((2, 1), x.dtype, x.device)
            assert got == want, f"{call}: out has shape, dtype and device {got}, want {want}"


def check_values(model, what, in_channels, num_classes, dtype, tol):
    """Against torch's functions, with the model's own parameters, told by their sizes."""
    what = f"{what}, {dtype}"
    parts = layers_of(model, what, in_channels, num_classes)
    model.to(dtype)
    for norm in parts[1]:  # nothing keeps a value that hides it, such as 0 or 1
        for t in (norm.weight, norm.bias, norm.running_mean):
            nn.init.normal_(t)
        nn.init.uniform_(norm.running_var, 0.5, 2)
    weights = dict(model.named_parameters())
    for n, training in ((3, True), (1, True), (2, False), (1, False)):
        x = torch.randn(n, 32, 32, in_channels, dtype=dtype).permute(0, 3, 1, 2)  # NHWC
        x.requires_grad_()
        given, call = x.detach().clone(), f"{what}, x {tuple(x.shape)}, training {training}"
        stats = [(bn.running_mean.clone(), bn.running_var.clone()) for bn in parts[1]]
        counts = [bn.num_batches_tracked + training for bn in parts[1]]
        out = output_of(model.train(training), x, call)
        want = reference(x, parts, stats, training)
        assert out.shape == want.shape, f"{call}: {tuple(out.shape)}, want {tuple(want.shape)}"
        assert out.dtype == dtype, f"{call}: out is {out.dtype}, want {dtype}"
        close(out, want, tol, f"{call}: not the logits of torch's layers with your parameters")
        assert torch.equal(x, given), f"{call}: x was changed"
        for bn, (mean, var), count in zip(parts[1], stats, counts, strict=True):
            of = f"{call}: batch norm of {len(mean)} channels: running"
            close(bn.running_mean, mean, tol, f"{of} mean after the pass")
            close(bn.running_var, var, tol, f"{of} variance after the pass")
            close(bn.num_batches_tracked, count, 0, f"{of} count of batches after the pass")
        assert out.requires_grad, f"{call}: out records no gradients"
        leaves, upstream = {"x": x, **weights}, torch.randn(out.shape, dtype=dtype)
        grads = torch.autograd.grad(out, list(leaves.values()), upstream, allow_unused=True)
        rights = torch.autograd.grad(want, list(leaves.values()), upstream)
        for name, grad, right in zip(leaves, grads, rights, strict=True):
            assert grad is not None, f"{call}: no gradient reaches {name}"
            close(grad, right, 10 * tol, f"{call}: wrong gradient of {name}")


def layers_of(model, what, in_channels, num_classes):
    """The convolutions and batch norms in the order of their widths, and the linear layer."""
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    lazy = [name for name, t in tensors.items() if nn.parameter.is_lazy(t)]
    assert not lazy, f"{what}: {lazy} have no shape before the first call, want all shapes at once"
    kinds = (nn.Conv2d, nn.BatchNorm2d, nn.Linear)
    found = [[m for m in model.modules() if isinstance(m, kind)] for kind in kinds]
    counts = [len(layers) for layers in found]
    assert counts == [3, 3, 1], f"{what}: nn.Conv2d, BatchNorm2d, Linear: {counts}, want [3, 3, 1]"
    biased = sum(conv.bias is not None for conv in found[0])
    assert not biased, f"{what}: {biased} convolutions have a bias, want none"
    widths = [in_channels, *WIDTHS]
    wanted = {f"conv {o}": [(o, i, 3, 3)] for i, o in zip(widths, widths[1:], strict=False)}
    wanted |= {f"batch norm {o}": [(o,)] * 4 + [()] for o in WIDTHS}
    wanted["linear"] = [(num_classes, 128 * 4 * 4), (num_classes,)]
    state = {name: tuple(t.shape) for name, t in tensors.items()}
    assert sorted(state.values()) == sorted(sum(wanted.values(), [])), (
        f"{what}: parameters and buffers {state}, want the shapes {wanted}"
    )
    frozen = [name for name, p in model.named_parameters() if not p.requires_grad]
    assert not frozen, f"{what}: {frozen} do not require gradients"
    return *(sorted(layers, key=lambda m: len(m.weight)) for layers in found[:2]), found[2][0]


def reference(x, parts, stats, training):
    convs, norms, linear = parts
    for conv, norm, (mean, var) in zip(convs, norms, stats, strict=True):
        x = nn.functional.conv2d(x, conv.weight, padding=1)
        x = nn.functional.batch_norm(x, mean, var, norm.weight, norm.bias, training)
        x = nn.functional.max_pool2d(x.clamp(min=0), 2)
    return x.reshape(len(x), -1) @ linear.weight.T + linear.bias


def refuses_other_images(model, what, c):
    sides = ((16, 64), (32, 35), (35, 32), (28, 28), (16, 16), (36, 36), (64, 64))
    images = (*((c, *side) for side in sides), (c + 1, 32, 32), (4 - c, 32, 32))  # gray for color
    for shape in (*((4, *image) for image in images), (4, 32, 32, c), (c, 32, 32)):
        for training in (True, False):
            call = f"{what}, x {shape}, training {training}"
            try:
                out = model.train(training)(torch.randn(shape))
            except (RuntimeError, ValueError):
                continue
            except Exception as error:
                raise AssertionError(
                    f"{call}: {error!r}, want ValueError or RuntimeError"
                ) from error
            raise AssertionError(f"{call}: {tuple(out.shape)}, want ValueError or RuntimeError")


def output_of(model, x, call):
    try:
        out = model(x)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        if isinstance(error, NotImplementedError) and not x.is_meta:
            raise  # not written yet
        raise AssertionError(f"{call}: {error!r}, want an output") from error
    assert isinstance(out, Tensor), f"{call}: {type(out).__name__}, want a tensor"
    return out


def close(got, want, tol, what):
    torch.testing.assert_close(got, want, rtol=tol, atol=tol, msg=lambda m: f"{what}\n{m}")


if __name__ == "__main__":
    try:
        check(SimpleCNN)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_simple_cnn.py")
