"""What challenge_unet.py requires: hooks note what each part reads and gives.

So the way down, the way up, skips and head are judged one by one, whatever the weights.
"""

from functools import lru_cache

import torch
from torch.nn import functional as F

from checks.modules import gradients_flow, keeps_dtypes, keeps_inputs
from checks.tools import call_of, close, equal, filled, refuses, result_of

CASES = (3, 2, 4, 2), (2, 5, 3, 3), (1, 1, 2, 1)


def parts(UNet):
    for c, k, *more in ((3, 2, 4, 2), (2, 1, 1, 4), (1, 1, 2, 1), (3, 2)):
        base, depth = more or (32, 3)
        name, want = call_of("UNet", c, k, *more), {}
        with torch.device("cpu" if more else "meta"):
            net = UNet(c, k, *more)
        for i in range(depth):
            width, above = base * 2**i, base * 2 ** (i - 1) if i else c
            want |= {f"down.{i}": double(above, width), f"merge.{i}": double(2 * width, width)}
            want[f"up.{i}"] = {"weight": (2 * width, width, 2, 2), "bias": (width,)}
        want["bottom"] = double(base * 2 ** (depth - 1), base * 2**depth)
        want["head"] = {"weight": (k, base, 1, 1), "bias": (k,)}
        want = {
            f"{part}.{key}": size for part, sizes in want.items() for key, size in sizes.items()
        }
        got = {key: tuple(t.shape) for key, t in net.state_dict().items()}
        equal(f"{name}, state dict, missing:", [key for key in want if key not in got], [])
        equal(f"{name}, state dict, too many:", [key for key in got if key not in want], [])
        for key, size in want.items():
            equal(f"{name}: {key} has shape", got[key], size)
        free = {key for key, p in net.named_parameters() if p.requires_grad}
        equal(f"{name}, no trainable parameter of its own:", [k for k in want if k not in free], [])
        lists = [type(m).__name__ for m in (net.down, net.up, net.merge)]
        equal(f"{name}: down, up, merge are", lists, ["ModuleList"] * 3)
    for what, _, depth, reads, gives, _, calls, net in runs(UNet):
        equal(f"{what}: parts called:", sorted(calls), sorted(watched(net, depth)))
        for key, part in watched(net, depth).items():
            given, told = reads[key], f"{what}: {key}'s result, of what it reads"
            if key[:2] == "up":
                made = F.conv_transpose2d(given, part.weight, part.bias, stride=2)
            elif key == "head":
                made = F.conv2d(given, part.weight, part.bias)
            else:
                made = F.conv2d(given, part.conv1.weight, part.conv1.bias, padding=1).relu()
                made = F.conv2d(made, part.conv2.weight, part.conv2.bias, padding=1).relu()
            close(gives[key], made.detach(), f"{told}, against torch's functions")


def down(UNet):
    for what, x, depth, reads, gives, *_ in runs(UNet):
        close(reads["down[0]"], x, f"{what}: what down[0] reads, against x")
        for i in range(depth):
            below = f"down[{i + 1}]" if i + 1 < depth else "bottom"
            want = F.max_pool2d(gives[f"down[{i}]"], 2)
            close(
                reads[below], want, f"{what}: what {below} reads, against down[{i}]'s result pooled"
            )


def up(UNet):
    for what, _, depth, reads, gives, *_ in runs(UNet):
        for i in range(depth):
            above = f"merge[{i + 1}]" if i + 1 < depth else "bottom"
            close(
                reads[f"up[{i}]"],
                gives[above],
                f"{what}: what up[{i}] reads, against {above}'s result",
            )


def skips(UNet):
    for what, _, depth, reads, gives, *_ in runs(UNet):
        for i in range(depth):
            got, told = reads[f"merge[{i}]"], f"{what}: what merge[{i}] reads"
            one, two = gives[f"down[{i}]"], gives[f"up[{i}]"]
            equal(f"{told}: shape", tuple(got.shape), (len(one), 2 * one.shape[1], *one.shape[2:]))
            first, last = got.chunk(2, dim=1)
            close(first, one, f"{told}: first half, against down[{i}]'s result")
            close(last, two, f"{told}: second half, against up[{i}]'s result")


def logits(UNet):
    for what, x, _, reads, gives, out, *_ in runs(UNet):
        close(reads["head"], gives["merge[0]"], f"{what}: what head reads, against merge[0]'s")
        equal(f"{what}: result of shape", tuple(out.shape), (len(x), out.shape[1], *x.shape[2:]))
        close(out, gives["head"], f"{what}: result, against what head gives")


def sizes(UNet):
    for h, w in ((15, 13), (7, 4), (4, 7)):
        net, x = filled(UNet(1, 2, 2, 2)), torch.randn(2, 1, h, w)
        what = f"UNet(1, 2, 2, 2), x {tuple(x.shape)}"
        reads, gives, out, _ = flow(what, net, x, 2)
        equal(f"{what}: result of shape", tuple(out.shape), (2, 2, h, w))
        for i, width, below in ((0, 2, "down[1]"), (1, 4, "bottom")):
            got, side = reads[f"merge[{i}]"], (h // 2**i, w // 2**i)
            skip = gives[f"down[{i}]"]
            pooled, told = F.max_pool2d(skip, 2), f"{what}: what {below} reads"
            close(reads[below], pooled, f"{told}, against down[{i}]'s result pooled")
            equal(f"{what}: merge[{i}] reads shape", tuple(got.shape), (2, 2 * width, *side))
            want, small = torch.zeros(2, width, *side), gives[f"up[{i}]"]
            low = tuple(n // 2 * 2 for n in side)
            equal(f"{what}: up[{i}] gives shape", tuple(small.shape), (2, width, *low))
            want[:, :, : small.shape[2], : small.shape[3]] = small
            told = f"{what}: what merge[{i}] reads"
            close(got[0, :width], skip[0], f"{told}, image 0, first half, against down[{i}]'s")
            close(got[:, width:], want, f"{told}, second half, against up[{i}]'s result and zeros")


def errors(UNet):
    for depth, pairs in ((3, ((7, 16), (16, 7), (4, 4), (1, 64), (64, 0))), (1, ((1, 8), (8, 1)))):
        net = UNet(1, 2, 2, depth)
        for h, w in pairs:
            what = f"UNet(1, 2, 2, {depth}), x (2, 1, {h}, {w})"
            refuses(net, torch.randn(2, 1, h, w), errors=(ValueError,), call=what)
    for depth in (0, -1):
        what = f"UNet(1, 2, 2, {depth})"
        refuses(lambda d=depth: type(UNet(1, 2, 2, d)).__name__, errors=(ValueError,), call=what)


def anywhere(UNet):
    what, inputs = "UNet(2, 2, 4, 1)", {"x": torch.randn(2, 2, 6, 5)}
    net = filled(UNet(2, 2, 4, 1), 0.5)
    keeps_dtypes(what, net, inputs)
    keeps_inputs(what, net, inputs)
    gradients_flow(what, net, inputs, named=True)


CORE = (parts, down, up, skips, logits)
EDGES = (sizes, errors, anywhere)


def double(in_c, out_c):
    """The shapes of a DoubleConv."""
    weights = {"conv1.weight": (out_c, in_c, 3, 3), "conv2.weight": (out_c, out_c, 3, 3)}
    return weights | {"conv1.bias": (out_c,), "conv2.bias": (out_c,)}


def watched(net, depth):
    """{as messages name it: the part}."""
    each = {
        f"{key}[{i}]": getattr(net, key)[i] for key in ("down", "up", "merge") for i in range(depth)
    }
    return {**each, "bottom": net.bottom, "head": net.head}


def flow(what, net, x, depth):
    """{part: what it reads}, {part: what it gives}, as it was then; the result; parts called."""
    reads, gives, calls, before, hooks = {}, {}, [], [], []

    def note(key):
        def hook(_, given, more, out):
            calls.append(key)
            reads[key], gives[key] = before.pop(), out.detach().clone()

        return hook

    def start(_, given, more):
        before.append([*given, *more.values()][0].detach().clone())

    for key, part in watched(net, depth).items():
        hooks.append(part.register_forward_pre_hook(start, with_kwargs=True))
        hooks.append(part.register_forward_hook(note(key), with_kwargs=True))
    out = result_of(what, net, x).detach()
    for hook in hooks:
        hook.remove()
    missing = [key for key in watched(net, depth) if key not in reads]
    assert not missing, f"{what}: not called: {', '.join(missing)}"
    return reads, gives, out, calls


@lru_cache(maxsize=1)
def runs(UNet):
    """How messages name it, x, depth, its flow, the net: of each case, of the first in eval too."""
    torch.default_generator.manual_seed(0)  # whichever label asks first
    found, modes = [], ("train", "eval")
    for n, (c, k, base, depth) in zip((2, 3, 1), CASES, strict=True):
        net = filled(UNet(c, k, base, depth), 0.6)
        for mode in modes if n == 2 else modes[:1]:
            x = torch.randn(n, c, 2**depth * 2, 2**depth)
            what = f"UNet({c}, {k}, {base}, {depth}), {mode} mode, x {tuple(x.shape)}"
            flowed = flow(what, net.train(mode == "train"), x, depth)
            found.append((what, x, depth, *flowed, net))
    return found
