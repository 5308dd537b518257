"""InceptionModule: four views of the same features, side by side.

Which filter size is right? GoogLeNet uses several at once and lets the next layer choose. Cheap 1x1
convolutions in front of the large ones keep the cost down.

    x     (N, in_c, H, W)                            float32, float64, bfloat16 or float16
    out   (N, c1x1 + c3x3 + c5x5 + pool_proj, H, W)  dtype and device of x and the parameters

    branch 1   1x1 convolution to c1x1 channels
    branch 2   1x1 convolution to c3x3_reduce channels, then 3x3 to c3x3
    branch 3   1x1 convolution to c5x5_reduce channels, then 5x5 to c5x5
    branch 4   3x3 max pooling, then 1x1 convolution to pool_proj channels

out holds the channels of branch 1 first, then those of 2, 3 and 4. Everything has stride 1 and
keeps height and width. Convolutions pad with zeros; the pooling takes the largest of the 3x3 pixels
around each one, as far as they lie in the image.
Each of the six convolutions is an nn.Conv2d with a bias and sizes known from the start, and has a
ReLU behind it, the reducing ones too. As in the paper there is no normalization: nothing more is a
parameter or buffer. Names are yours.
N, H and W are at least 1; x has any strides and stays as it is. Gradients reach x and every
parameter. Train and eval mode give the same.

Ask yourself: what does a branch cost with and without its reduction? What happens to H and W?
Paper: Going Deeper with Convolutions, sections 4 and 5, https://arxiv.org/abs/1409.4842
"""

import torch
from torch import Tensor, nn


class InceptionModule(nn.Module):
    def __init__(
        self,
        in_c: int,
        c1x1: int,
        c3x3_reduce: int,
        c3x3: int,
        c5x5_reduce: int,
        c5x5: int,
        pool_proj: int,
    ) -> None:
        raise NotImplementedError("InceptionModule.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("InceptionModule.forward")


def check(InceptionModule):
    torch.manual_seed(0)
    for sizes in ((5, 4, 2, 6, 3, 7, 8), (2, 1, 6, 3, 4, 1, 5)):
        module, what = InceptionModule(*sizes), f"InceptionModule{sizes}"
        convs = convs_of(module, what, *sizes)
        for dtype, tol in ((torch.float32, 1e-4), (torch.float64, 1e-10)):
            check_values(module.to(dtype), f"{what}, {dtype}", convs, tol)
        low = torch.full((2, sizes[0], 3, 4), -1e40, dtype=torch.float64)
        call = f"{what}, x {tuple(low.shape)}, all -1e40"
        out, want = output_of(module, low, call), torch.cat(branches(low, convs), dim=1)
        close(out, want, 1e-6, f"{call}: not what the four branches give")
        for kind in (torch.float16, torch.bfloat16, "meta"):
            call = f"{what}, module and x moved to {kind}"
            module.to(kind)
            x = torch.randn(2, sizes[0], 4, 7).to(convs[0].weight)
            out = output_of(module, x, call)
            got, want = (out.dtype, out.device), (x.dtype, x.device)
            assert got == want, f"{call}: out has dtype and device {got}, want {want}"


def convs_of(module, what, in_c, c1, reduce3, c3, reduce5, c5, proj):
    """The convolutions, told by the shapes of their weights, branch by branch."""
    ones = [(c, in_c, 1, 1) for c in (c1, reduce3, reduce5, proj)]
    wanted = [ones[0], ones[1], (c3, reduce3, 3, 3), ones[2], (c5, reduce5, 5, 5), ones[3]]
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    lazy = [name for name, t in tensors.items() if nn.parameter.is_lazy(t)]
    assert not lazy, f"{what}: {lazy} have no shape before the first call, want all shapes at once"
    state = {name: tuple(t.shape) for name, t in tensors.items()}
    assert sorted(state.values()) == sorted(wanted + [shape[:1] for shape in wanted]), (
        f"{what}: parameters and buffers {state}, want the weights {wanted}, "
        "a bias for each and nothing else"
    )
    frozen = [name for name, p in module.named_parameters() if not p.requires_grad]
    assert not frozen, f"{what}: {frozen} do not require gradients"
    convs = {tuple(m.weight.shape): m for m in module.modules() if isinstance(m, nn.Conv2d)}
    assert sorted(convs) == sorted(wanted), (
        f"{what}: nn.Conv2d with the weights {sorted(convs)}, want {sorted(wanted)}"
    )
    for p in module.parameters():
        nn.init.normal_(p, std=0.5)
    return [convs[shape] for shape in wanted]


def check_values(module, what, convs, tol):
    """Branch by branch against torch's functions, with the module's own parameters."""
    in_c, dtype, weights = convs[0].in_channels, convs[0].weight.dtype, module.named_parameters()
    leaves = {"x": None, **dict(weights)}
    for n, h, w, training in ((3, 6, 9, True), (1, 7, 4, False), (2, 1, 1, True), (1, 2, 5, False)):
        x = torch.randn(n, h, w, in_c, dtype=dtype).permute(0, 3, 1, 2) - 0.5  # not contiguous
        leaves["x"] = x.requires_grad_()
        given, call = x.detach().clone(), f"{what}, x {tuple(x.shape)}, training {training}"
        out, wants = output_of(module.train(training), x, call), branches(x, convs)
        want = torch.cat(wants, dim=1)
        assert out.shape == want.shape, f"{call}: {tuple(out.shape)}, want {tuple(want.shape)}"
        assert out.dtype == dtype, f"{call}: out is {out.dtype}, want {dtype}"
        for i, part in enumerate(out.split([branch.shape[1] for branch in wants], dim=1)):
            close(part, wants[i], tol, f"{call}: the channels of branch {i + 1} are not its result")
        assert torch.equal(x, given), f"{call}: x was changed"
        assert out.requires_grad, f"{call}: out records no gradients"
        upstream = torch.randn(out.shape, dtype=dtype)
        grads = torch.autograd.grad(out, list(leaves.values()), upstream, allow_unused=True)
        rights = torch.autograd.grad(want, list(leaves.values()), upstream)
        for name, grad, right in zip(leaves, grads, rights, strict=True):
            assert grad is not None, f"{call}: no gradient reaches {name}"
            close(grad, right, tol, f"{call}: wrong gradient of {name}")


def branches(x, convs):
    def step(conv, x):
        padding = conv.weight.shape[-1] // 2
        return nn.functional.conv2d(x, conv.weight, conv.bias, padding=padding).clamp(min=0)

    one, reduce3, three, reduce5, five, project = convs
    rows, columns = x.shape[2:]
    pooled = [
        x[:, :, max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2].amax((2, 3))
        for i in range(rows)
        for j in range(columns)
    ]
    pooled = torch.stack(pooled, dim=2).reshape(x.shape)
    return (
        step(one, x),
        step(three, step(reduce3, x)),
        step(five, step(reduce5, x)),
        step(project, pooled),
    )


def output_of(module, x, call):
    try:
        out = module(x)
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
        check(InceptionModule)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_inception_module.py")
