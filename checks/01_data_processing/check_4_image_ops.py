"""What challenge_4_image_ops.py requires."""

import torch

from checks.tools import (
    attempt,
    call_of,
    close,
    equal,
    keeps_device,
    result_of,
    share_is,
    strided,
    tensor,
    unchanged,
)


def floats(to_float_chw):
    hand = torch.tensor([[[255, 0, 51], [0, 255, 102]]], dtype=torch.uint8)
    want = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]], [[0.2, 0.4]]])
    close(result_of("(1, 2, 3)", to_float_chw, hand), want, f"to_float_chw({hand.tolist()})")
    dark = hand.clamp(max=1)  # nothing above 1 is still uint8
    close(to_float_chw(dark), (want > 0).float() / 255, f"to_float_chw({dark.tolist()})")
    for sizes in ((4, 5, 3), (2, 4, 5, 3), (3, 3, 3), (3, 3, 3, 3), (1, 2, 6, 1)):
        images = torch.randint(256, sizes).byte()
        call, places = call_of("to_float_chw", images), (*range(len(sizes) - 3), -1, -3, -2)
        want = torch.tensor(images.permute(places).tolist()) / 255
        close(result_of(call, to_float_chw, images), want, call)


def resize(resize):
    hand, call = torch.tensor([[[0.0, 0.0, 1.0, 1.0]]]), "resize([[[0, 0, 1, 1]]], (1, 2))"
    close(result_of(call, resize, hand, (1, 2)), [[[1 / 7, 6 / 7]]], call)
    few = ((3, 8, 12), (4, 6)), ((1, 3, 7, 5), (4, 9)), ((2, 6, 6), (9, 4)), ((4, 1, 5, 5), (5, 5))
    for sizes, size in few:
        images = torch.rand(sizes)
        call = call_of("resize", images, size)
        down, across = (weights(*pair) for pair in zip(sizes[-2:], size, strict=True))
        close(result_of(call, resize, images, size), down @ images @ across.T, call, 1e-4)


def standardize(standardize):
    hand, call = torch.tensor([[[1.0]], [[2.0]], [[9.0]]]), "standardize([[[1]], [[2]], [[9]]]"
    for mean, std in (([1.0, 1.0, 5.0], [1.0, 0.5, 2.0]), ((0.0, 1.0, 1.0), (2.0, 0.01, 4.0))):
        want = torch.tensor([(v - m) / s for v, m, s in zip((1, 2, 9), mean, std, strict=True)])
        what = f"{call}, {mean}, {std})"
        close(result_of(what, standardize, hand.clone(), mean, std), want.view(3, 1, 1), what)
    for sizes in ((3, 4, 5), (2, 3, 4, 5), (3, 3, 3), (3, 3, 3, 3), (2, 1, 4, 4)):
        images, c = strided(*sizes), sizes[-3]
        mean, std = torch.randn(c), torch.rand(c) + 0.5
        want = torch.stack([(x - mean[i]) / std[i] for i, x in enumerate(images.unbind(-3))], -3)
        call = f"{call_of('standardize', images)[:-1]}, mean and std of {c} channels)"
        close(result_of(call, standardize, images, mean, std), want, call)


def minmax(minmax):
    three = [[[[2.0, 3.0]]], [[[5.0, 5.0]]], [[[0.0, -8.0]]]]
    for hand, want in (
        ([[[2.0, 4.0, 6.0]]], [[[0.0, 0.5, 1.0]]]),
        ([[[0.1, 0.1]]], [[[0.0, 0.0]]]),
        ([[[0.0, 1.0]], [[2.0, 4.0]]], [[[0.0, 0.25]], [[0.5, 1.0]]]),
        (three, [[[[0.0, 1.0]]], [[[0.0, 0.0]]], [[[1.0, 0.0]]]]),
    ):
        close(result_of(f"minmax({hand})", minmax, torch.tensor(hand)), want, f"minmax({hand})")
    images, call = strided(4, 3, 5, 6), "minmax((4, 3, 5, 6))"
    got = result_of(call, minmax, images).flatten(1)
    low, high = (torch.tensor([f(x.flatten().tolist()) for x in images]) for f in (min, max))
    want = (images - low[:, None, None, None]).flatten(1) / (high - low)[:, None]
    close(got, want, f"{call}, each image flattened")


def pairs(PairedTransform, resize):
    drawn = torch.Generator().manual_seed(0)
    for size, down, across in ((16, 1, 1), (16, 2, 3), (40, 1, 1), (12, 1, 2)):
        transform, mask = PairedTransform(size), places(size, down, across)
        image, side = torch.stack([mask, 500 - mask]).float(), size + size // 8
        whole, call = resize(image, (side, side)), f"size {size}, image {tuple(image.shape)}"
        for _ in range(4):
            x, y = pair_of(call, transform, size, image, mask, drawn)
            top, left, flip = window_of(y, call)
            want = whole[:, top : top + size, left : left + size]
            want = want.flip(-1) if flip else want
            close(x, want, f"{call}: the new image, where the mask is cut at {top, left}")
    transform = PairedTransform(16)
    for h, w in ((40, 29), (11, 13)):  # each pixel holds its place
        image = torch.stack(torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij"))
        call = f"size 16, image (2, {h}, {w}), each pixel holds its row and column"
        x, y = pair_of(call, transform, 16, image.float(), image[0] * 100000 + image[1], drawn)
        for name, of_image, of_mask in zip(
            ("row", "column"), x, (y // 100000, y % 100000), strict=True
        ):
            apart = (of_image - of_mask).abs()
            at = divmod(int(apart.argmax()), 16)
            assert apart[at] < 2, (
                f"{call}: at {at} of the window the image is from {name} "
                f"{of_image[at].item():.4g}, the mask from {name} {of_mask[at].item()}"
            )
    for size, times in ((16, 400), (40, 100)):
        transform, mask, spots = PairedTransform(size), places(size), size // 8 + 1
        image, call = mask[None].float(), f"size {size}, {times} windows"
        cut = (pair_of(call, transform, size, image, mask, drawn)[1] for _ in range(times))
        found = [window_of(y, call) for y in cut]
        for what, at in (("top rows", 0), ("left columns", 1)):
            equal(f"{call}: {what}", sorted({w[at] for w in found}), [*range(spots)])
            for spot in range(spots):
                hits = torch.tensor([w[at] == spot for w in found])
                share_is(hits, 1 / spots, f"{call}: {what}, the share of {spot}")
        share_is(torch.tensor([w[2] for w in found]), 0.5, f"{call}: the share flipped")
        if size == 16:
            equal(f"{call}: kinds of window (top, left, flipped):", len(set(found)), 18)


def labels(PairedTransform):
    for train, most in ((True, 255), (False, 70001)):
        mask = torch.tensor([0, 7, most])[torch.randint(3, (23, 31))]
        call = f"labels 0, 7 and {most}, train={train}"
        _, y = pair_of(call, PairedTransform(16, train), 16, torch.rand(3, 23, 31), mask)
        new = sorted(set(y.flatten().tolist()) - {0, 7, most})
        assert not new, f"{call}: the new mask has label {new[0]}, too"
        share_is(y == most, 1 / 3, f"{call}, each a third of the mask: the new share of {most}")


def center(PairedTransform, resize):
    for size, down, across, at in ((16, 1, 1, 1), (16, 2, 3, 1), (32, 1, 1, 2), (7, 1, 1, 0)) * 2:
        mask, side = places(size, down, across), size + size // 8
        image, call = (
            torch.rand(2, *mask.shape),
            f"train=False, size {size}, mask {tuple(mask.shape)}",
        )
        x, y = pair_of(call, PairedTransform(size, train=False), size, image, mask)
        equal(f"{call}: top, left, flipped:", window_of(y, call), (at, at, False))
        want = resize(image, (side, side))[:, at : at + size, at : at + size]
        close(x, want, f"{call}: the image, against the middle of resize(image, {side, side})")
    image, call = torch.rand(2, 16, 16), "train=False, size 16, image (2, 16, 16)"
    x, _ = pair_of(call, PairedTransform(16, train=False), 16, image, image[0].long())
    want = resize(image, (18, 18))[:, 1:17, 1:17]
    close(x, want, f"{call}: the image, against the middle of resize(image, (18, 18))")


def draws(PairedTransform):
    mask = places(16)
    image = mask[None].float()

    def windows(transform, generator, seed):
        torch.manual_seed(seed + 1) if generator is None else generator.manual_seed(seed)
        return [window_of(transform(image, mask, generator)[1], "size 16") for _ in range(12)]

    transform = PairedTransform(16)
    for name, given in (("generator given", torch.Generator()), ("no generator", None)):
        torch.manual_seed(5)
        before = torch.get_rng_state()
        runs = [windows(transform, given, seed) for seed in (1, 1, 2)]
        what = f"{name}: 12 windows (top, left, flipped) after the same seed:"
        assert runs[0] == runs[1], f"{what} not the same again"
        assert runs[0] != runs[2], f"{what.replace('the same', 'another')} the same again"
        moved = given and not torch.equal(before, torch.get_rng_state())
        assert not moved, f"{name}: the global generator was used, too"
    own = torch.Generator().manual_seed(3)
    before = torch.get_rng_state(), own.get_state()
    for generator in (None, own):
        PairedTransform(16, False)(image, mask, generator)
    after = torch.get_rng_state(), own.get_state()
    drew = [not torch.equal(*pair) for pair in zip(before, after, strict=True)]
    assert not any(drew), "train=False: a generator was used, want no draw"


def faint(minmax):
    image = torch.tensor([[[0.0, 5e-9, 1e-8]]])
    close(minmax(image), [[[0.0, 0.5, 1.0]]], "minmax([[[0, 5e-9, 1e-8]]])")


def inputs(to_float_chw, resize, standardize, minmax):
    images, numbers = torch.rand(2, 3, 4, 5), [0.25, 0.5, 2.0]
    for name, function, *given in (
        ("to_float_chw", to_float_chw, (images * 255).byte()),
        ("resize", resize, images, (4, 5)),
        ("standardize", standardize, images, numbers, numbers),
        ("standardize", standardize, images, torch.tensor(numbers), torch.tensor(numbers)),
        ("minmax", minmax, images),
    ):
        with unchanged(name, *(t for t in given if isinstance(t, torch.Tensor))):
            function(*given)
        keeps_device(name, function, *given)


CORE = (floats, resize, standardize, minmax, pairs, labels, center, draws)
EDGES = (faint, inputs)


def weights(old, new):
    """(new, old): how much each old pixel counts for each new one. A triangle around its place."""
    step = old / new
    at = (torch.arange(new)[:, None] + 0.5) * step - (torch.arange(old) + 0.5)
    triangle = (1 - at.abs() / max(step, 1)).clamp(min=0)
    return triangle / triangle.sum(dim=1, keepdim=True)


def places(size, down=1, across=1):
    """Labels that tell their place in the square, in blocks, as nearest may round down or up."""
    side = size + size // 8
    square = torch.arange(side * side).view(side, side)
    return square.repeat_interleave(down, 0).repeat_interleave(across, 1)


def pair_of(call, transform, size, *given):
    pair = attempt(call, transform, *given)
    assert isinstance(pair, tuple) and len(pair) == 2, f"{call}: want a pair (image, mask)"
    shapes = [tuple(tensor(part, call).shape) for part in pair]
    equal(f"{call}: shapes of image and mask", shapes, [(len(given[0]), size, size), (size, size)])
    equal(f"{call}: the new mask is", pair[1].dtype, torch.int64)
    return pair


def window_of(mask, call):
    """(top, left, flipped) of a window of places()."""
    size, side = len(mask), len(mask) + len(mask) // 8
    first, second, last = mask[0, 0].item(), mask[0, 1].item(), mask[0, -1].item()
    (top, begin), end, flip = divmod(first, side), last % side, second < first
    left = min(begin, end)
    rows = places(size)[top : top + size, left : left + size]
    shown = f"its first row goes from row {top}, column {begin} to row {last // side}, column {end}"
    right = torch.equal(mask, rows.flip(-1) if flip else rows)
    assert right, f"{call}: the mask is no window of the square {side, side}; {shown}"
    return top, left, flip
