"""What challenge_10_spectrogram.py requires."""

import math

import torch

from checks.functions import is_exact
from checks.tools import (
    call_of,
    close,
    draws_from,
    equal,
    keeps_device,
    result_of,
    share_is,
    strided,
    unchanged,
)


def power(stft_power):
    for shape, n_fft, hop in (((16,), 4, 4), ((40,), 8, 3), ((2, 3, 30), 6, 6), ((1, 60), 16, 20)):
        m = -(-n_fft // (2 * hop))  # so many frames reach over each end
        wave, call = strided(*shape), call_of("stft_power", torch.empty(shape), n_fft, hop)
        if n_fft == 4:
            wave = torch.tensor([1.0, 0.0, -1.0, 0.0]).repeat(4)
            call = "stft_power([1, 0, -1, 0] four times, n_fft=4, hop=4)"
        got = result_of(call, stft_power, wave, n_fft, hop)
        want = power_by_hand(wave, n_fft, hop)
        equal(f"{call}: shape", tuple(got.shape), tuple(want.shape))
        inside = f"{call}, frames inside the wave"
        close(got[..., m:-m], want[..., m:-m].float(), inside, 1e-4)


def frames(stft_power):
    for n, n_fft, hop in ((20, 8, 5), (21, 8, 5), (24, 8, 5), (9, 8, 1), (30, 4, 7), (5, 8, 9)):
        wave, call = torch.randn(2, n), f"stft_power((2, {n}), {n_fft}, {hop})"
        got = result_of(call, stft_power, wave, n_fft, hop)
        equal(f"{call}: frames", got.shape[-1], n // hop + 1)
        m = -(-n_fft // hop)  # so many hops of it are put on both sides
        if n > 2 * n_fft:
            ends = wave[:, 1 : m * hop + 1].flip(1), wave[:, -m * hop - 1 : -1].flip(1)
            longer = stft_power(torch.cat([ends[0], wave, ends[1]], dim=1), n_fft, hop)
            want = longer[..., m : m + n // hop + 1]
            close(got, want, f"{call}, against the wave with its reflections", 1e-4)
    for at in (0, 12, 24):
        call, click = f"a click at sample {at} of 32, n_fft=8, hop=4", torch.zeros(32)
        click[at] = 1
        sums = result_of(call, stft_power, click, 8, 4).sum(dim=0)
        equal(f"{call}: the loudest frame", int(sums.argmax()), at // 4)


def mel(mel_filterbank):
    call = "mel_filterbank(1, 4, 1400), bins at 0, 350, 700 Hz"
    got = result_of(call, mel_filterbank, 1, 4, 1400)
    middle = 700 * (math.sqrt(2) - 1)  # half of mel(700)
    close(got, torch.tensor([[0.0], [(700 - 350) / (700 - middle)], [0.0]]), call, 1e-4)
    for sizes in ((4, 32, 8000), (10, 64, 16000), (4, 8, 101), (40, 64, 16000)):
        call = call_of("mel_filterbank", *sizes)
        close(result_of(call, mel_filterbank, *sizes), filters_by_hand(*sizes), call, 1e-3)


def log(log_mel, stft_power, mel_filterbank):
    for shape, *sizes, floor in (
        ((100,), 16, 5, 6, 8000, None),
        ((3, 80), 8, 3, 4, 16000, 0.5),
        ((2, 1, 90), 20, 5, 9, 22050, 1e-3),
        ((6, 6, 60), 16, 6, 6, 8000, None),
    ):
        wave, more = strided(*shape), {"floor": floor} if floor else {}
        wave[..., 30:] = 0
        wave = wave * 1e-3 if shape == (6, 6, 60) else wave  # power below 1
        call = call_of("log_mel", wave, *sizes, *more.values())
        got = result_of(call, log_mel, wave, *sizes, **more)
        n_fft, hop, n_mels, rate = sizes
        sums = (mel_filterbank(n_mels, n_fft, rate).T @ stft_power(wave, n_fft, hop)).double()
        want = torch.tensor([math.log(max(v, floor or 1e-10)) for v in sums.flatten().tolist()])
        close(got, want.view(sums.shape), call, 1e-4)


def masks(spec_augment):
    spec, call = strided(3, 400, 3, 7).abs() + 1, "spec_augment((3, 400, 3, 7), 2, 3)"
    out = result_of(call, spec_augment, spec, 2, 3)
    close(out, spec.where(out != 0, 0), f"{call}: what is not 0")
    hidden = (out == 0).flatten(0, 1)
    rows, columns = hidden.all(dim=2), hidden.all(dim=1)
    odd = int((hidden != (rows[:, :, None] | columns[:, None])).sum())
    equal(f"{call}: zeros outside of whole rows and columns:", odd, 0)
    for name, line, most in (("rows", rows, 2), ("columns", columns, 3)):
        size, width, first = line.shape[1], line.sum(dim=1), line.int().argmax(dim=1)
        last = size - line.flip(1).int().argmax(dim=1)
        split = (last - first > width) & (width > 0)
        equal(f"{call}: spectrograms with {name} in two bands:", int(split.sum()), 0)
        for w in range(most + 1):
            share_is(width == w, 1 / (most + 1), f"{call}: the share with {w} {name} masked")
            for at in range(size - w + 1) if w else ():
                what = f"{call}: of those with {w} {name} masked, the share that begins at {at}"
                share_is(first[width == w] == at, 1 / (size - w + 1), what)
        alike = (line[:400] == line[400:800]).all(dim=1).double().mean().item()
        assert alike < 0.7, f"{call}: {alike:.0%} have the same {name} masked at [0] and at [1]"
    share_is(~hidden.any(dim=2).any(dim=1), 1 / 12, f"{call}: the share with nothing masked")
    for most in ((3, 0), (0, 7)):
        call = f"spec_augment((400, 3, 7), {most[0]}, {most[1]})"
        hidden = result_of(call, spec_augment, spec[0], *most) == 0
        line = hidden.any(dim=2 if most[0] else 1)
        equal(f"{call}: widths seen", line.sum(dim=1).unique().tolist(), [*range(max(most) + 1)])
        odd = int((hidden != (line[:, :, None] if most[0] else line[:, None])).sum())
        equal(f"{call}: zeros elsewhere:", odd, 0)
    call = "20 times spec_augment((3, 7), 3, 0)"
    alone = [result_of(call, spec_augment, spec[0, 0], 3, 0) for _ in range(20)]
    equal(f"{call}: shapes", {tuple(one.shape) for one in alone}, {(3, 7)})
    assert any((one == 0).any() for one in alone), f"{call}: nothing was ever masked"


def draws(spec_augment):
    spec = torch.ones(40, 9, 9)
    draws_from("spec_augment", lambda given: spec_augment(spec.clone(), 4, 4, given))


def inputs(stft_power, log_mel, spec_augment):
    wave, spec = torch.randn(2, 60), torch.rand(30, 5, 6) + 1
    for name, function, given in (
        ("stft_power", lambda x: stft_power(x, 16, 4), wave),
        ("log_mel", lambda x: log_mel(x, 16, 4, 5, 8000), wave),
        ("spec_augment", lambda x: spec_augment(x, 5, 6), spec),
    ):
        with unchanged(name, given):
            result_of(name, function, given)
    for bad in (-math.inf, math.nan):
        zeros = []
        for given in (spec, torch.full_like(spec, bad)):
            torch.manual_seed(0)
            zeros.append(int((spec_augment(given, 5, 6) == 0).sum()))
        equal(f"spec_augment of all {bad}, from the same seed as of numbers: zeros:", *zeros[::-1])


def types(stft_power, log_mel, spec_augment):
    wave = strided(50, dtype=torch.float64)
    call = "stft_power of float64 (50,), n_fft=16, hop=5"
    got = result_of(call, stft_power, wave, 16, 5)[:, 2:-2]
    is_exact(call, got, power_by_hand(wave, 16, 5)[:, 2:-2], 1e-10)
    got = result_of("log_mel of float64", log_mel, wave, 16, 5, 4, 8000)
    equal("log_mel of float64 is", got.dtype, torch.float64)
    equal("spec_augment of float64 is", spec_augment(got, 1, 1).dtype, torch.float64)
    keeps_device("stft_power", stft_power, wave, 16, 5)
    keeps_device("log_mel", log_mel, wave, 16, 5, 4, 8000)
    keeps_device("spec_augment", spec_augment, got, 1, 1)


CORE = (power, frames, mel, log, masks)
EDGES = (draws, inputs, types)


def power_by_hand(wave, n_fft, hop):
    """Sum by sum, in float64; right for the frames that lie inside the wave."""
    n = torch.arange(n_fft, dtype=torch.float64)
    window = 0.5 - 0.5 * (2 * math.pi * n / n_fft).cos()
    angles = 2 * math.pi * n[: n_fft // 2 + 1, None] * n / n_fft  # (bins, n_fft)
    rows = []
    for t in range(wave.shape[-1] // hop + 1):
        places = (t * hop - n_fft // 2 + n).long() % wave.shape[-1]
        frame = (wave[..., places].double() * window)[..., None, :]
        rows.append((frame * angles.cos()).sum(-1) ** 2 + (frame * angles.sin()).sum(-1) ** 2)
    return torch.stack(rows, dim=-1)


def filters_by_hand(n_mels, n_fft, rate):
    top = 2595 * math.log10(1 + rate / 1400)
    points = [700 * (10 ** (top * i / (n_mels + 1) / 2595) - 1) for i in range(n_mels + 2)]
    bins = [k * rate / n_fft for k in range(n_fft // 2 + 1)]
    return torch.tensor([[height(f, *points[m : m + 3]) for m in range(n_mels)] for f in bins])


def height(f, a, b, c):
    return 0.0 if not a < f < c else (f - a) / (b - a) if f <= b else (c - f) / (c - b)
