"""The bottleneck block: a residual block whose 3x3 convolution works on few channels.

A 1x1 convolution brings the channels down, a 3x3 convolution works there, a 1x1 convolution brings
them up again. That is what lets ResNet-50 and deeper nets have wide layers at a bearable price.

    x       (N, in_c, H, W)       any H and W from 1 up
    result  (N, out_c, H', W')    H' is H / stride rounded up, W' likewise; dtype and device of x

    part        layers, in this order                          names
    main path   1x1 convolution to mid_c channels, BN, ReLU    conv1 bn1
                3x3 convolution, mid_c channels, BN, ReLU      conv2 bn2
                1x1 convolution to out_c channels, BN          conv3 bn3
    shortcut    if stride is 1 and in_c equals out_c: x itself (no parameters, no buffers)
                in every other case: 1x1 convolution, BN       shortcut.0, shortcut.1
    result      main path plus shortcut, ReLU on the sum

These are all the names in state_dict(), as in conv1.weight; there are no further buffers. in_c,
out_c and mid_c are free. Convolutions are nn.Conv2d without bias. The 3x3 pads with one zero on
each side; it and shortcut.0 have the stride ("v1.5"). BN is nn.BatchNorm2d with its defaults. First
values of weights are up to you; all require gradients. It works in float32, float64 and bfloat16,
on any device, in train and eval mode, and stays in its mode. In train mode BN needs more than one
value per channel, as torch tells you; call and backward update each BN once. x is not changed.

Ask yourself: which pixels would never be read if a 1x1 convolution had the stride?
Paper: Deep Residual Learning, section 4.1, https://arxiv.org/abs/1512.03385
"""

import torch
from torch import Tensor, nn


class BottleneckBlock(nn.Module):
    def __init__(self, in_c: int, out_c: int, mid_c: int, stride: int = 1) -> None:
        raise NotImplementedError("BottleneckBlock.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("BottleneckBlock.forward")


def check(BottleneckBlock):
    for args in ((4, 4, 3), (5, 3, 2), (1, 4, 3, 1), (4, 4, 5, 3), (5, 3, 3, 2), (2, 6, 2, 3)):
        name, block, stride = f"BottleneckBlock{args}", BottleneckBlock(*args), (*args, 1)[3]
        check_names(name, block, *args[:3], stride)
        torch.manual_seed(0)
        sizes = ((4, 7, 10), (1, 9, 4), (2, 1, 1), (1, 1, 1), (2, 1, 5), (3, 6, 6))
        inputs = [torch.randn(n, h, w, args[0]).movedim(-1, 1) for n, h, w in sizes]  # strided
        compare(f"new {name}", block.double().train(), inputs[0].double(), stride)
        fill(block)
        for x in inputs:
            compare(name, block.eval(), 100 * x.double(), stride)  # far up every ReLU
            if x[:, 0].numel() > 1:
                compare(name, block.train(), x.double(), stride)
        for dtype in (torch.float32, torch.bfloat16):
            compare(name, block.to(dtype).train(), x.to(dtype), stride)
            compare(name, block.eval(), x.to(dtype).contiguous(), stride)
        try:
            out = block.to("meta")(x.to("meta", torch.bfloat16))
        except (RuntimeError, NotImplementedError) as error:
            raise AssertionError(f"{name} on the meta device: {error}, want a result") from error
        assert out.is_meta, f"{name}, x on the meta device: result on {out.device}, want meta"


def check_names(name, block, in_c, out_c, mid_c, stride):
    layers = {("conv1", "bn1"): (mid_c, in_c, 1, 1), ("conv2", "bn2"): (mid_c, mid_c, 3, 3)}
    layers["conv3", "bn3"] = (out_c, mid_c, 1, 1)
    if stride != 1 or in_c != out_c:
        layers["shortcut.0", "shortcut.1"] = (out_c, in_c, 1, 1)
    want = {f"{conv}.weight": shape for (conv, _), shape in layers.items()}
    for (_, bn), (c, *_) in layers.items():
        want |= {f"{bn}.{key}": (c,) for key in ("weight", "bias", "running_mean", "running_var")}
        want[f"{bn}.num_batches_tracked"] = ()
    tensors = [*block.named_parameters(remove_duplicate=False)]
    tensors += block.named_buffers(remove_duplicate=False)
    got = {key: tuple(t.shape) for key, t in tensors}
    lacks, more = sorted(want.items() - got.items()), sorted(got.items() - want.items())
    assert got == want, f"{name}: parameters and buffers lack {lacks}, and have too much {more}"
    ids = [id(t) for _, t in tensors]
    twice = [key for key, t in tensors if ids.count(id(t)) > 1]
    assert not twice, f"{name}: {twice} are not all different tensors, want one for each name"
    frozen = [k for k, p in block.named_parameters() if not p.requires_grad]
    assert not frozen, f"{name}: {frozen} have requires_grad=False, want True for all"


def fill(block):
    """The block as it may be after some training: nothing in it is 0 or 1."""
    with torch.no_grad():
        for p in block.parameters():
            p.normal_(0, p[0].numel() ** -0.5)  # about 1 / sqrt(inputs), 1 in a batch norm
        for key, buffer in block.named_buffers():
            if buffer.is_floating_point():
                buffer.uniform_(0.5, 2.0) if "var" in key else buffer.normal_()


def compare(name, block, x, stride):
    """Result, statistics and (in float64) gradients against the same layers, called one by one."""
    training = block.training
    what = f"{name}, {'train' if training else 'eval'} mode, x {tuple(x.shape)}, {x.dtype}"
    state = dict(block.named_parameters()) | {k: b.clone() for k, b in block.named_buffers()}
    leaf = x.clone().requires_grad_()
    given = leaf.clone()
    got, want = block(given), by_hand(leaf, state, stride, training)
    assert isinstance(got, Tensor), f"{what}: result is a {type(got).__name__}, want a Tensor"
    assert got.shape == want.shape, f"{what}: result {tuple(got.shape)}, want {tuple(want.shape)}"
    assert got.dtype == x.dtype, f"{what}: result is {got.dtype}, want {x.dtype}"
    close(got, want, f"{what}: wrong result")
    assert torch.equal(given, x), f"{what}: x was changed, want it as it was"
    modes = {part.training for part in block.modules()}
    assert modes == {training}, f"{what}: modules now in training={modes}, want {training}"
    assert got.requires_grad, f"{what}: the result has no gradient, want one"
    if x.dtype == torch.float64:
        keys, params = zip(*block.named_parameters(), strict=True)
        upstream = torch.randn_like(want)
        grads = torch.autograd.grad(got, [leaf, *params], upstream, allow_unused=True)
        right = torch.autograd.grad(want, [leaf, *params], upstream)
        for key, g, r in zip(("x", *keys), grads, right, strict=True):
            assert g is not None, f"{what}: no gradient reaches {key}, want one"
            close(g, r, f"{what}: gradient of {key}")
    for key, buffer in block.named_buffers():
        close(buffer, state[key], f"{what}: {key} after the call")


def by_hand(x, state, stride, training):
    def conv_bn(x, conv, bn, stride):
        weight = state[f"{conv}.weight"]
        x = nn.functional.conv2d(x, weight, None, stride, weight.shape[-1] // 2)
        state[f"{bn}.num_batches_tracked"] += training
        keys = ("running_mean", "running_var", "weight", "bias")
        return nn.functional.batch_norm(x, *(state[f"{bn}.{k}"] for k in keys), training)

    main = conv_bn(x, "conv1", "bn1", 1).relu()
    main = conv_bn(main, "conv2", "bn2", stride).relu()
    main = conv_bn(main, "conv3", "bn3", 1)
    if "shortcut.0.weight" in state:
        x = conv_bn(x, "shortcut.0", "shortcut.1", stride)
    return (main + x).relu()


def close(got, want, what):
    tol = {torch.float32: 1e-4, torch.bfloat16: 0.1}.get(want.dtype, 1e-8)
    far = tol * max(1, want.abs().max().item())
    torch.testing.assert_close(got, want, rtol=tol, atol=far, msg=lambda m: f"{what}\n{m}")


if __name__ == "__main__":
    try:
        check(BottleneckBlock)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_bottleneck.py")
