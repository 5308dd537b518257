"""What challenge_positional_encoding.py requires.

`sines` and `precision` compare with math in a loop; `grid` with the answer's own sinusoidal_pe;
`slopes` looks at one distance, `distances` at ratios, so that a wrong slope fails `slopes` alone.
"""

import math

import torch

from checks.tools import close, equal, refuses, result_of


def sines(sinusoidal_pe):
    for length, d in ((2, 2), (3, 4), (5, 6), (6, 6), (40, 16), (16, 40), (4, 512)):
        what = f"sinusoidal_pe({length}, {d})"
        got = result_of(what, sinusoidal_pe, length, d)
        equal(f"{what}: shape", tuple(got.shape), (length, d))
        for p in range(length if d < 8 else 0):
            close(got[p], row_of(p, d), f"{what}[{p}]", 1e-4)
        close(got, torch.stack([row_of(p, d) for p in range(length)]), what, 1e-4)
        needs_none(what, got)
    last = result_of("sinusoidal_pe(5001, 2)", sinusoidal_pe, 5001, 2)[-1]
    close(last, row_of(5000, 2), "sinusoidal_pe(5001, 2)[-1]", 1e-4)


def grid(sinusoidal_pe, sinusoidal_pe_2d):
    for h, w, d in ((2, 3, 4), (3, 2, 4), (3, 5, 8), (4, 4, 4), (6, 2, 12), (1, 3, 4), (3, 1, 4)):
        what = f"sinusoidal_pe_2d({h}, {w}, {d})"
        got = result_of(what, sinusoidal_pe_2d, h, w, d)
        equal(f"{what}: shape", tuple(got.shape), (h, w, d))
        needs_none(what, got)
        for at, half, size in (("[{0}, :, :{1}]", 0, h), ("[:, {0}, {1}:]", 1, w)):
            own = f"sinusoidal_pe({size}, {d // 2})"
            table = result_of(own, sinusoidal_pe, size, d // 2)
            for p in range(size):
                some = got[:, p, d // 2 :] if half else got[p, :, : d // 2]
                told = f"{what}{at.format(p, d // 2)}, against {own}[{p}]"
                close(some, table[p].expand_as(some), told, 1e-4)


def slopes(alibi_bias):
    for heads in (1, 2, 8, 3, 6, 12, 16, 64):
        what = f"alibi_bias({heads}, 2, 2)"
        got = result_of(what, alibi_bias, heads, 2, 2)
        equal(f"{what}: shape", tuple(got.shape), (heads, 2, 2))
        equal(f"{what}:", got.dtype, torch.float32)
        needs_none(what, got)
        for h in range(heads):
            want = 2 ** (-8 * (h + 1) / heads)
            one = got[h, 1, 0].abs() / want  # as small slopes are not to be lost in a tolerance
            told = f"{what}[{h}, 1, 0] is {got[h, 1, 0]:.4g}, a distance of 1, want a slope of"
            assert abs(one - 1) < 1e-4, f"{told} {want:.4g}"


def distances(alibi_bias):
    for heads, q, k in (
        (1, 2, 2),
        (2, 1, 4),
        (2, 3, 5),
        (4, 4, 4),
        (3, 5, 5),
        (2, 5, 7),
        (1, 1, 5000),
    ):
        unit = result_of("alibi_bias", alibi_bias, heads, 2, 2)[:, 1, 0].abs()
        what = f"alibi_bias({heads}, {q}, {k})"
        got = result_of(what, alibi_bias, heads, q, k)
        equal(f"{what}: shape", tuple(got.shape), (heads, q, k))
        for h in range(heads):
            for i in range(q):
                want = torch.tensor([0.0 - abs(k - q + i - j) for j in range(k)])
                told = f"{what}[{h}, {i}] in units of the slope"
                close(got[h, i] / unit[h] + 0.0, want, told, 1e-4)


def precision(sinusoidal_pe, sinusoidal_pe_2d):
    n = 10_001
    for shown, function, sizes, part in (
        ("[{}]", sinusoidal_pe, (n, 6), slice(None)),
        ("[0, {}, 4:]", sinusoidal_pe_2d, (1, n, 8), (0, slice(None), slice(4, 8))),
        ("[{}, 0, :4]", sinusoidal_pe_2d, (n, 1, 8), (slice(None), 0, slice(4))),
    ):
        what = f"{function.__name__}{sizes}"
        got = result_of(what, function, *sizes)[part]
        d = got.shape[1]
        if not torch.allclose(got[1], row_of(1, d), atol=1e-2):
            continue  # `sines` and `grid` mind what it is
        for p in (1, 4_001, 8_193, 9_998, 10_000):
            close(got[p], row_of(p, d), what + shown.format(p), 1e-6)


def sizes(sinusoidal_pe, sinusoidal_pe_2d, alibi_bias):
    for function, inputs, shape in (
        (sinusoidal_pe, (0, 4), (0, 4)),
        (sinusoidal_pe_2d, (0, 3, 4), (0, 3, 4)),
        (sinusoidal_pe_2d, (3, 0, 4), (3, 0, 4)),
        (alibi_bias, (2, 0, 3), (2, 0, 3)),
        (alibi_bias, (2, 0, 0), (2, 0, 0)),
    ):
        what = f"{function.__name__}{inputs}"
        got = result_of(what, function, *inputs)
        equal(f"{what}: shape and dtype", (tuple(got.shape), got.dtype), (shape, torch.float32))
    close(sinusoidal_pe(1, 2), torch.tensor([[0.0, 1.0]]), "sinusoidal_pe(1, 2)")
    close(
        sinusoidal_pe_2d(1, 1, 4)[0, 0], torch.tensor([0.0, 1, 0, 1]), "sinusoidal_pe_2d(1, 1, 4)"
    )
    close(alibi_bias(2, 1, 1).abs(), torch.zeros(2, 1, 1), "alibi_bias(2, 1, 1), absolute")


def refused(sinusoidal_pe, sinusoidal_pe_2d, alibi_bias):
    for function, cases in (
        (sinusoidal_pe, ((4, 3), (3, 1), (0, 5), (5, 5))),
        (sinusoidal_pe_2d, ((2, 3, 6), (2, 2, 2), (3, 3, 5), (3, 4, 3), (0, 3, 6))),
        (alibi_bias, ((2, 3, 2), (1, 1, 0), (4, 5, 1))),
    ):
        for inputs in cases:
            refuses(function, *inputs, errors=(ValueError,))


CORE = (sines, grid, slopes, distances)
EDGES = (precision, sizes, refused)


def needs_none(what, got):
    assert not got.requires_grad, f"{what} has requires_grad=True, want False"


def row_of(p, d):
    """The row of position p, by math."""
    pairs = [(math.sin, math.cos)[f % 2](p * 10000 ** (-(f - f % 2) / d)) for f in range(d)]
    return torch.tensor(pairs)
