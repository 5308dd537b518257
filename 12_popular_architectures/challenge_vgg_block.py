"""VGGBlock: small convolutions in a row, then half the size.

VGG asked how far depth alone goes: 3x3 convolutions only, in blocks that all look alike. The five
blocks of VGG-16, one behind the other, are still a common feature extractor.

    x     (N, in_channels, H, W)             float32, float64, bfloat16 or float16; any strides
    out   (N, out_channels, H // 2, W // 2)  with use_pool, or (N, out_channels, H, W) without;
                                             dtype and device of x and the parameters

The block is num_convs times a 3x3 convolution with a ReLU behind it. The convolutions have stride
1 and zero padding, and keep height and width. The first one goes from in_channels to out_channels,
the others keep out_channels. With use_pool, 2x2 max pooling with stride 2 comes last; a row or
column that is left over is dropped.
Each convolution is its own nn.Conv2d, with a bias and sizes known from the start. They are
registered in the order in which they act. As in the paper there is no normalization: nothing more
is a parameter or buffer. Names are yours.
N, H and W are at least 1, with use_pool H and W at least 2. Train and eval mode give the same. x
stays as it is; gradients reach x and every parameter. num_convs below 1: ValueError.

Ask yourself: how many input pixels does an output pixel see after two 3x3 convolutions, and after
three? What would a 5x5 or 7x7 one cost?
Paper: Very Deep Convolutional Networks, sections 2.1 and 2.3, https://arxiv.org/abs/1409.1556
"""

import torch
from torch import Tensor, nn


class VGGBlock(nn.Module):
    def __init__(
        self, in_channels: int, out_channels: int, num_convs: int = 2, use_pool: bool = True
    ) -> None:
        raise NotImplementedError("VGGBlock.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("VGGBlock.forward")


def check(VGGBlock):
    torch.manual_seed(0)
    for sizes, num_convs, use_pool in (
        ((3, 5), 2, True),
        ((2, 4, 1), 1, True),
        ((4, 4, 3, False), 3, False),  # equal widths: a convolution in a wrong place would fit
        ((6, 2, 4, True), 4, True),
        ((1, 3, 1, False), 1, False),
    ):
        block, what, c_in = VGGBlock(*sizes), f"VGGBlock{sizes}", sizes[0]
        convs = convs_of(block, what, *sizes[:2], num_convs)
        for dtype, tol in ((torch.float32, 1e-4), (torch.float64, 1e-10)):
            check_values(block.to(dtype), f"{what}, {dtype}", convs, use_pool, tol)
        for kind in (torch.float16, torch.bfloat16, "meta"):
            call = f"{what}, block and x moved to {kind}"
            block.to(kind)
            x = torch.randn(2, c_in, 6, 9).to(convs[0].weight)
            out = output_of(block, x, call)
            got, want = (out.dtype, out.device), (x.dtype, x.device)
            assert got == want, f"{call}: out has dtype and device {got}, want {want}"

    for num_convs in (0, -1):
        call = f"VGGBlock(3, 5, num_convs={num_convs})"
        try:
            VGGBlock(3, 5, num_convs=num_convs)
        except ValueError:
            continue
        except Exception as error:
            raise AssertionError(f"{call}: {error!r}, want ValueError") from error
        raise AssertionError(f"{call} made a block, want ValueError")


def convs_of(block, what, c_in, c_out, num_convs):
    """The convolutions in the order in which they were registered."""
    wanted = [(c_out, c_in if i == 0 else c_out, 3, 3) for i in range(num_convs)]
    tensors = {**dict(block.named_parameters()), **dict(block.named_buffers())}
    lazy = [name for name, t in tensors.items() if nn.parameter.is_lazy(t)]
    assert not lazy, f"{what}: {lazy} have no shape before the first call, want all shapes at once"
    state = {name: tuple(t.shape) for name, t in tensors.items()}
    assert sorted(state.values()) == sorted(wanted + [(c_out,)] * num_convs), (
        f"{what}: parameters and buffers {state}, want the weights {wanted}, "
        f"as many biases {(c_out,)} and nothing else"
    )
    frozen = [name for name, p in block.named_parameters() if not p.requires_grad]
    assert not frozen, f"{what}: {frozen} do not require gradients"
    convs = [m for m in block.modules() if isinstance(m, nn.Conv2d)]
    got = [tuple(conv.weight.shape) for conv in convs]
    assert got == wanted, f"{what}: nn.Conv2d with the weights {got}, want {wanted}"
    for p in block.parameters():
        nn.init.normal_(p, std=0.5)
    return convs


def check_values(block, what, convs, use_pool, tol):
    """Against torch's functions, with the block's own parameters."""
    c_in, weights = convs[0].in_channels, dict(block.named_parameters())
    dtype = convs[0].weight.dtype
    smallest = 1 + use_pool
    cases = ((3, 6, 9, True), (1, 7, 4, False), (2, smallest, 3, True), (1, 5, smallest, True))
    for n, h, w, training in cases:
        x = torch.randn(n, h, w, c_in, dtype=dtype).permute(0, 3, 1, 2)  # not contiguous
        x.requires_grad_()
        given, call = x.detach().clone(), f"{what}, x {tuple(x.shape)}, training {training}"
        out, want = output_of(block.train(training), x, call), x
        for conv in convs:
            want = nn.functional.conv2d(want, conv.weight, conv.bias, padding=1).clamp(min=0)
        if use_pool:
            want = nn.functional.max_pool2d(want, 2)
        assert out.shape == want.shape, f"{call}: {tuple(out.shape)}, want {tuple(want.shape)}"
        assert out.dtype == dtype, f"{call}: out is {out.dtype}, want {dtype}"
        close(out, want, tol, f"{call}: not what torch's layers give with your parameters")
        assert torch.equal(x, given), f"{call}: x was changed"
        assert out.requires_grad, f"{call}: out records no gradients"
        leaves, upstream = {"x": x, **weights}, torch.randn(out.shape, dtype=dtype)
        grads = torch.autograd.grad(out, list(leaves.values()), upstream, allow_unused=True)
        rights = torch.autograd.grad(want, list(leaves.values()), upstream)
        for name, grad, right in zip(leaves, grads, rights, strict=True):
            assert grad is not None, f"{call}: no gradient reaches {name}"
            close(grad, right, tol, f"{call}: wrong gradient of {name}")


def output_of(block, x, call):
    try:
        out = block(x)
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
        check(VGGBlock)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_vgg_block.py")
