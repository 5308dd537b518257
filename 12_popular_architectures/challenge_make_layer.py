"""A ResNet stage: residual blocks in a row, of which one changes the shape.

A ResNet is a stem, a few such stages and a head. Each stage may lower the resolution and change the
number of channels, both only once.

    in_c, out_c   channels of the stage's input and of its output
    num_blocks    number of residual blocks, from 1 up; below 1: ValueError
    stride        of the stage as a whole
    returns       nn.Sequential of num_blocks ResidualBlocks and nothing else

ResidualBlock is given. Its arguments are in_c, out_c and stride, which is 1 by default. It turns
(N, in_c, H, W) into (N, out_c, H', W'), with H' = H / stride rounded up, W' likewise.

The first block goes from in_c to out_c channels and has the stride. All others go from out_c to
out_c with stride 1. Every block has weights of its own, and so has every stage.

Ask yourself: what is the size of the result if two blocks have stride 2, and does torch complain?
Paper: Deep Residual Learning, table 1, https://arxiv.org/abs/1512.03385
"""

import torch
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """Given: (N, in_c, H, W) -> (N, out_c, ceil(H / stride), ceil(W / stride))."""

    def __init__(self, in_c: int, out_c: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_c, out_c, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_c)
        self.conv2 = nn.Conv2d(out_c, out_c, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_c)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_c != out_c:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_c, out_c, 1, stride, bias=False), nn.BatchNorm2d(out_c)
            )

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn1(self.conv1(x)).relu_()  # (N, out_c, H', W')
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return out.relu_()


def make_layer(in_c: int, out_c: int, num_blocks: int, stride: int) -> nn.Sequential:
    raise NotImplementedError("make_layer")


def check(make_layer):
    for args in ((3, 5, 3, 2), (4, 4, 2, 1), (4, 4, 2, 2), (5, 3, 1, 1), (1, 2, 4, 3)):
        in_c, out_c, num, stride = args
        name, layer = f"make_layer{args}", make_layer(*args)
        kind = type(layer).__name__
        assert isinstance(layer, nn.Sequential), f"{name} is a {kind}, want an nn.Sequential"
        assert len(layer) == num, f"{name} holds {len(layer)} modules, want {num}"
        kinds = [type(block).__name__ for block in layer]
        assert kinds == ["ResidualBlock"] * num, f"{name} holds {kinds}, want only ResidualBlock"
        different = len({*layer})
        assert different == num, f"{name} holds {different} different blocks, want {num}"
        blocks = [(key, 1 if i else stride) for i, key in enumerate(layer._modules)]
        check_names(name, layer, blocks, in_c, out_c)

        torch.manual_seed(0)
        for n, h, w in ((4, 11, 10), (2, 9, 7), (2, 8, 8)):
            compare(name, layer.double().train(), torch.randn(n, in_c, h, w), blocks)
        for n, h, w in ((3, 7, 12), (1, 1, 1)):
            compare(name, layer.eval(), torch.randn(n, in_c, h, w), blocks)

        old, new = ({id(p) for p in made.parameters()} for made in (layer, make_layer(*args)))
        assert not old & new, f"{name}, called twice: shared parameters, want new ones"

    for args in ((3, 3, 0, 1), (3, 5, -1, 2)):
        try:
            kind = type(make_layer(*args)).__name__
        except ValueError:
            continue
        except Exception as error:
            raise AssertionError(f"make_layer{args}: {error!r}, want ValueError") from error
        raise AssertionError(f"make_layer{args} gave a {kind}, want ValueError")


def check_names(name, layer, blocks, in_c, out_c):
    want = {}
    for block, stride in blocks:
        first = in_c if block == blocks[0][0] else out_c
        want |= {f"{block}.conv1.weight": (out_c, first, 3, 3)}
        want |= {f"{block}.conv2.weight": (out_c, out_c, 3, 3)}
        if stride != 1 or first != out_c:
            want |= {f"{block}.shortcut.0.weight": (out_c, first, 1, 1)}
    got = {k: tuple(p.shape) for k, p in layer.named_parameters() if p.ndim == 4}
    lacks, more = sorted(want.items() - got.items()), sorted(got.items() - want.items())
    assert got == want, f"{name}: convolutions lack {lacks}, and have too much {more}"


def compare(name, layer, x, blocks):
    """Result, statistics and gradients against the same layers, called one by one."""
    training = layer.training
    what = f"{name}, {'train' if training else 'eval'} mode, x {tuple(x.shape)}"
    state = dict(layer.named_parameters()) | {k: b.clone() for k, b in layer.named_buffers()}
    leaf = x.double().requires_grad_()
    got, want = layer(leaf), by_hand(leaf, state, blocks, training)
    assert got.shape == want.shape, f"{what}: result {tuple(got.shape)}, want {tuple(want.shape)}"
    close(got, want, f"{what}: wrong result")
    for key, buffer in layer.named_buffers():
        close(buffer, state[key], f"{what}: {key} after the call")
    keys, params = zip(*layer.named_parameters(), strict=True)
    upstream = torch.randn_like(want)
    grads = torch.autograd.grad(got, [leaf, *params], upstream, allow_unused=True)
    right = torch.autograd.grad(want, [leaf, *params], upstream)
    for key, g, r in zip(("x", *keys), grads, right, strict=True):
        assert g is not None, f"{what}: no gradient reaches {key}, want one"
        close(g, r, f"{what}: gradient of {key}")


def by_hand(x, state, blocks, training):
    """x through `blocks`, pairs of a name and a stride, with these parameters and buffers."""

    def conv_bn(x, conv, bn, stride):
        weight = state[f"{conv}.weight"]
        x = nn.functional.conv2d(x, weight, None, stride, weight.shape[-1] // 2)
        state[f"{bn}.num_batches_tracked"] += training
        keys = ("running_mean", "running_var", "weight", "bias")
        return nn.functional.batch_norm(x, *(state[f"{bn}.{k}"] for k in keys), training)

    for b, stride in blocks:
        main = conv_bn(x, f"{b}.conv1", f"{b}.bn1", stride).relu()
        main = conv_bn(main, f"{b}.conv2", f"{b}.bn2", 1)
        if f"{b}.shortcut.0.weight" in state:
            x = conv_bn(x, f"{b}.shortcut.0", f"{b}.shortcut.1", stride)
        x = (main + x).relu()
    return x


def close(got, want, what):
    torch.testing.assert_close(got, want, rtol=1e-8, atol=1e-8, msg=lambda m: f"{what}\n{m}")


if __name__ == "__main__":
    try:
        check(make_layer)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_make_layer.py")
