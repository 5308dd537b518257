"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

POWER = "torch.fft.rfft(frames).abs().square()"
PAD = 'F.pad(rows, (n_fft // 2, n_fft // 2), mode="reflect")'
WINDOW = "torch.hann_window(n_fft, dtype=wave.dtype, device=wave.device)"
HTK = "top = 2595 * math.log10(1 + sample_rate / 2 / 700)"
TRIANGLES = "torch.minimum(rising, falling).clamp(min=0).float()"
LOG = "(filters.T @ power).clamp(min=floor).log()"
WIDTH = "torch.randint(most + 1, (*batch, 1), generator=generator)"
START = "torch.rand(*batch, 1, generator=generator) * (size - width + 1)"
FILL = "spec.masked_fill((row | column).to(spec.device), 0)"

SLIPS = {
    "power": {
        "magnitude": (POWER, "torch.fft.rfft(frames).abs()"),
        "power of the magnitude's root": (POWER, "torch.fft.rfft(frames).abs().sqrt()"),
        "the real part alone": (POWER, "torch.fft.rfft(frames).real.square()"),
        "real plus imaginary part, squared": (
            POWER,
            "(torch.fft.rfft(frames).real + torch.fft.rfft(frames).imag).square()",
        ),
        "bins of one side counted twice": (
            POWER,
            f"({POWER} * torch.tensor([1.0] + [2.0] * (n_fft // 2 - 1) + [1.0]).to(wave))",
        ),
        "divided by n_fft": (POWER, f"({POWER} / n_fft)"),
        "an orthonormal transform": (POWER, 'torch.fft.rfft(frames, norm="ortho").abs().square()'),
        "divided by the window's power": (POWER, f"({POWER} / window.square().sum())"),
        "no window": (WINDOW, "torch.ones(n_fft, dtype=wave.dtype, device=wave.device)"),
        "the symmetric window": ("(n_fft, dtype", "(n_fft, periodic=False, dtype"),
        "Hamming for Hann": ("torch.hann_window(n", "torch.hamming_window(n"),
        "window applied twice": (" * window  #", " * window * window  #"),
        "a batch of one loses its axis": (
            "transpose(-2, -1)\n\n\ndef mel",
            "transpose(-2, -1).squeeze(0)\n\n\ndef mel",
        ),
        "all n_fft bins": ("torch.fft.rfft(frames)", "torch.fft.fft(frames)"),
        "the last bin left out": ("transpose(-2, -1)", "transpose(-2, -1)[..., :-1, :]"),
        "frames before bins": (".transpose(-2, -1)\n\n\ndef mel", "\n\n\ndef mel"),
        "decibels": (POWER, "(10 * (torch.fft.rfft(frames).abs().square() + 1e-10).log10())"),
    },
    "frames": {
        "zeros beyond the ends": (PAD, "F.pad(rows, (n_fft // 2, n_fft // 2))"),
        "not centered": (PAD, "rows"),
        "the end repeated": (PAD, 'F.pad(rows, (n_fft // 2, n_fft // 2), mode="replicate")'),
        "the wave begins anew beyond its ends": (
            PAD,
            'F.pad(rows, (n_fft // 2, n_fft // 2), mode="circular")',
        ),
        "reflected with its last sample": (
            PAD,
            "torch.cat([rows[..., : n_fft // 2].flip(-1), rows, "
            "rows[..., -(n_fft // 2) :].flip(-1)], dim=-1)",
        ),
        "padded on the left only": (PAD, 'F.pad(rows, (n_fft // 2, 0), mode="reflect")'),
        "one sample less on the right": (
            PAD,
            'F.pad(rows, (n_fft // 2, n_fft // 2 - 1), mode="reflect")',
        ),
        "a frame more, of zeros": (
            ".view(*wave.shape[:-1], -1)",
            ".view(*wave.shape[:-1], -1)\n    padded = F.pad(padded, (0, hop))",
        ),
        "the last frame left out": (
            ".unfold(-1, n_fft, hop)",
            ".unfold(-1, n_fft, hop)[..., :-1, :]",
        ),
        "hop of a quarter of n_fft": (".unfold(-1, n_fft, hop)", ".unfold(-1, n_fft, n_fft // 4)"),
        "hop / 2 on both sides": (PAD, 'F.pad(rows, (hop // 2, hop // 2), mode="reflect")'),
    },
    "mel": {
        "natural log in the scale": (HTK, HTK.replace("log10", "log")),
        "places equally spaced in Hz": (
            "points = 700 * (10 ** (mels / 2595) - 1)  # Hz",
            "points = mels / top * sample_rate / 2",
        ),
        "up to the sample rate": (HTK, "top = 2595 * math.log10(1 + sample_rate / 700)"),
        "sample_rate // 2 for an odd rate": (
            HTK,
            HTK.replace("sample_rate / 2", "sample_rate // 2"),
        ),
        "bins a whole number of Hz apart": ("(sample_rate / n_fft)", "(sample_rate // n_fft)"),
        "n_mels + 1 points": ("n_mels + 2, dtype", "n_mels + 1, dtype"),
        "points rounded to bins": (
            "    bins = ",
            "    points = (points * (n_fft + 1) / sample_rate).floor() * sample_rate / n_fft\n"
            "    points += torch.arange(n_mels + 2) * 1e-9\n"
            "    bins = ",
        ),
        "area of 1": (
            TRIANGLES,
            "(torch.minimum(rising, falling).clamp(min=0) * 2 "
            "/ (points[2:] - points[:-2])).float()",
        ),
        "each filter sums to 1": (
            TRIANGLES,
            "torch.nn.functional.normalize(torch.minimum(rising, falling).clamp(min=0), p=1, dim=0)"
            ".float()",
        ),
        "triangles straight in mel": (
            "    rising = (bins",
            "    bins, points = 2595 * (1 + bins / 700).log10(), mels\n    rising = (bins",
        ),
        "the slopes multiplied": (
            TRIANGLES,
            "(rising.clamp(min=0) * falling.clamp(min=0)).float()",
        ),
        "not cut off at 0": (TRIANGLES, "torch.minimum(rising, falling).float()"),
        "the larger of the slopes": (
            TRIANGLES,
            "torch.maximum(rising, falling).clamp(0, 1).float()",
        ),
        "both slopes as wide as the rising one": (
            "(points[2:] - points[1:-1])",
            "(points[1:-1] - points[:-2])",
        ),
        "transposed": (
            TRIANGLES,
            TRIANGLES.replace("minimum(rising, falling)", "minimum(rising, falling).T"),
        ),
        "float64 filters": (TRIANGLES, TRIANGLES.replace(".float()", "")),
        "bins spaced as if n_fft / 2 were the sample rate": (
            "(sample_rate / n_fft)",
            "(sample_rate / (n_fft + 2))",
        ),
    },
    "log": {
        "log(0)": (LOG, "(filters.T @ power).log()"),
        "floor added": (LOG, "(filters.T @ power + floor).log()"),
        "log1p": (LOG, "(filters.T @ power).clamp(min=floor).log1p()"),
        "log10": (LOG, "(filters.T @ power).clamp(min=floor).log10()"),
        "decibels of mel": (LOG, "10 * (filters.T @ power).clamp(min=floor).log10()"),
        "floor taken after the log": (LOG, "(filters.T @ power).log().clamp(min=floor)"),
        "floor on the power, before the filters": (
            LOG,
            "(filters.T @ power.clamp(min=floor)).log()",
        ),
        "floor is ignored": (LOG, LOG.replace("floor", "1e-10")),
        "a floor of 1e-5 by default": ("floor: float = 1e-10", "floor: float = 1e-5"),
        "frames before filters": (LOG, LOG + ".transpose(-2, -1)"),
        "magnitude under the filters": (LOG, "(filters.T @ power.sqrt()).clamp(min=floor).log()"),
        "filters for 8000 Hz": (
            "sample_rate=sample_rate)",
            "sample_rate=8000)",
        ),
        "floor times the loudest power": (
            LOG,
            "(filters.T @ power).clamp(min=floor * power.amax().item()).log()",
        ),
        "80 dB below the peak": (
            LOG,
            "torch.maximum(" + LOG + ", " + LOG + ".amax() - 8 * math.log(10))",
        ),
    },
    "masks": {
        "one mask for the batch": (
            "batch, (rows, columns) = spec.shape[:-2], spec.shape[-2:]",
            "batch, (rows, columns) = (), spec.shape[-2:]",
        ),
        "one mask along the first axis": (
            "batch, (rows, columns) = spec.shape[:-2], spec.shape[-2:]",
            "batch, (rows, columns) = spec.shape[1:-2], spec.shape[-2:]",
        ),
        "the largest width never comes": ("torch.randint(most + 1", "torch.randint(max(1, most)"),
        "width never 0": (
            WIDTH,
            "torch.randint(min(1, most), most + 1, (*batch, 1), generator=generator)",
        ),
        "always the largest width": (WIDTH, "torch.full((*batch, 1), most)"),
        "the last place left out": ("(size - width + 1)", "(size - width)"),
        "places over the end": ("(size - width + 1)", "size"),
        "places as if for the largest width": ("(size - width + 1)", "(size - most + 1)"),
        "rounded places: the first and the last come half as often": (
            START,
            "(" + START.replace(" + 1)", ")") + ").round()",
        ),
        "a copy masked, not the result": """
def spec_augment(spec, max_freq, max_time, generator=None):
    out, batch = spec.clone(), spec.shape[:-2]
    row = band(batch, spec.shape[-2], max_freq, generator).flatten(0, -2)
    column = band(batch, spec.shape[-1], max_time, generator).flatten(0, -2)
    for one, r, c in zip(out.reshape(-1, *spec.shape[-2:]), row, column):
        one[r], one[:, c] = 0, 0
    return out
""",
        "rows and columns swapped": (
            "    row = band(batch, rows, max_freq, generator)",
            "    max_freq, max_time = max_time, max_freq\n"
            "    row = band(batch, rows, max_freq, generator)",
        ),
        "no mask for a single spectrogram": (
            "    batch, (rows",
            "    if spec.ndim == 2:\n        return spec.clone()\n    batch, (rows",
        ),
        "one place always stays": (WIDTH, WIDTH.replace("most + 1", "min(most, size - 1) + 1")),
        "columns by max_freq, if max_time is 0": (
            "max_time, generator)",
            "max_time or max_freq, generator)",
        ),
        "where both meet": ("(row | column)", "(row & column)"),
        "one of rows and columns": ("(row | column)", "(row ^ column)"),
        "rows only": ("(row | column)", "(row | column & False)"),
        "single places, not a band": (
            "(place >= 0) & (place < width)",
            "torch.rand(*batch, size, generator=generator).argsort(-1) < width + 0 * place",
        ),
        "the mean for 0": (FILL, "spec.where(~(row | column).to(spec.device), spec.mean())"),
        "what is hidden is kept": (FILL, FILL.replace("row | column", "~(row | column)")),
        "the kept scaled up as in dropout": (
            FILL,
            FILL + " / (1 - (row | column).float().mean())",
        ),
        "only batches of one axis": (
            "    batch, (rows",
            "    assert spec.ndim <= 3, 'one axis'\n    batch, (rows",
        ),
    },
    "draws": {
        "generator ignored": (
            "    batch, (rows",
            "    generator = None\n    batch, (rows",
        ),
        "generator for the widths only": (START, START.replace(", generator=generator", "")),
        "generator for the rows only": ("max_time, generator)", "max_time, None)"),
        "the global generator seeded": (
            "    batch, (rows",
            "    torch.manual_seed(0) if generator is None else 0\n    batch, (rows",
        ),
        "a new generator with the given one's seed": (
            "    batch, (rows",
            "    if generator:\n"
            "        generator = torch.Generator().manual_seed(generator.initial_seed())\n"
            "    batch, (rows",
        ),
        "numpy's random": """
import numpy

def band(batch, size, most, generator):
    width = numpy.random.randint(most + 1, size=(*batch, 1))
    start = numpy.floor(numpy.random.rand(*batch, 1) * (size - width + 1))
    place = numpy.arange(size) - start
    return torch.as_tensor((place >= 0) & (place < width))
""",
    },
    "inputs": {
        "masked by a product": (FILL, "spec * ~(row | column).to(spec.device)"),
        "masked in place": (FILL, "spec.masked_fill_((row | column).to(spec.device), 0)"),
        "nothing but NaN made 0": (FILL, "(spec * ~(row | column).to(spec.device)).nan_to_num(0)"),
        "windowed in place": (
            " * window  #",
            ".clone() * window * 1 + 0 * wave.mul_(0.5).sum()  #",
        ),
        "the wave centered in place": (
            "    rows = wave.reshape",
            "    wave -= wave.mean()\n    wave += 1e-9\n    rows = wave.reshape",
        ),
        "the wave's peak made 1 in place": (
            "    power = stft_power(wave",
            "    keep = wave.clone()\n    wave /= wave.abs().max()\n    power = stft_power(keep",
        ),
    },
    "types": {
        "window in float32": (
            WINDOW,
            "torch.hann_window(n_fft, device=wave.device)",
        ),
        "window on the CPU": (WINDOW, "torch.hann_window(n_fft, dtype=wave.dtype)"),
        "computed in float32": ("rows = wave.reshape", "rows = wave.float().reshape"),
        "power computed in float32, given as float64": (
            "torch.fft.rfft(frames)",
            "torch.fft.rfft(frames.float()).to(torch.complex64 if wave.dtype == torch.float32 "
            "else torch.complex128)",
        ),
        "log-mel in float32": (LOG, LOG + ".float()"),
        "filters of float32 times power of float64": (".to(power)\n", ".to(power.device)\n"),
        "filters on the CPU": (".to(power)\n", ".to(power.dtype)\n"),
        "mask on the CPU": (".to(spec.device)", ""),
        "masked as float32": (FILL, FILL + ".float()"),
    },
}

VARIANTS = {
    "torch.stft": """
def stft_power(wave, n_fft, hop):
    flat = wave.reshape(-1, wave.shape[-1])
    window = torch.hann_window(n_fft).to(wave)
    if wave.dtype == torch.float64:
        window = torch.hann_window(n_fft, dtype=torch.float64, device=wave.device)
    out = torch.stft(flat, n_fft, hop, window=window, center=True, return_complex=True)
    power = out.real**2 + out.imag**2
    return power.reshape(*wave.shape[:-1], *power.shape[-2:])

def log_mel(wave, n_fft, hop, n_mels, sample_rate, floor=1e-10):
    power = stft_power(wave, n_fft, hop)
    bank = mel_filterbank(n_mels, n_fft, sample_rate).to(power.device, power.dtype)
    mel = torch.einsum("...kt,km->...mt", power, bank)
    return torch.log(torch.maximum(mel, torch.full_like(mel, floor)))
""",
    "a table of cosines": """
def stft_power(wave, n_fft, hop):
    T, half = wave.shape[-1], n_fft // 2
    count = T // hop + 1
    at = torch.arange(count, device=wave.device)[:, None] * hop - half
    at = (at + torch.arange(n_fft, device=wave.device)).abs()
    at = torch.where(at >= T, 2 * (T - 1) - at, at)
    n = torch.arange(n_fft, dtype=torch.float64, device=wave.device)
    angle = 2 * math.pi * n[: half + 1, None] * n / n_fft
    window = (math.pi * n / n_fft).sin() ** 2
    frames = wave.double()[..., at] * window
    power = (frames @ angle.cos().T) ** 2 + (frames @ angle.sin().T) ** 2
    return power.mT.to(wave.dtype)
""",
    "loops over filters and spectrograms": """
def mel_filterbank(n_mels, n_fft, sample_rate):
    def hertz(m):
        return 700 * (10 ** (m / 2595) - 1)

    top = 2595 * math.log10(1 + sample_rate / 1400)
    step = top / (n_mels + 1)
    bank = torch.zeros(n_fft // 2 + 1, n_mels)
    for m in range(n_mels):
        left, peak, right = hertz(m * step), hertz((m + 1) * step), hertz((m + 2) * step)
        for k in range(n_fft // 2 + 1):
            f = k * sample_rate / n_fft
            if left < f <= peak:
                bank[k, m] = (f - left) / (peak - left)
            elif peak < f < right:
                bank[k, m] = (right - f) / (right - peak)
    return bank

def spec_augment(spec, max_freq, max_time, generator=None):
    out = spec.clone(memory_format=torch.contiguous_format)
    F_, T_ = spec.shape[-2:]
    for one in out.view(-1, F_, T_):
        f = int(torch.randint(max_freq + 1, (), generator=generator))
        f0 = int(torch.randint(F_ - f + 1, (), generator=generator))
        t = int(torch.randint(max_time + 1, (), generator=generator))
        t0 = int(torch.randint(T_ - t + 1, (), generator=generator))
        one[f0 : f0 + f] = 0
        one[:, t0 : t0 + t] = 0
    return out
""",
    "a slope's minimum by relu and where": """
def mel_filterbank(n_mels, n_fft, sample_rate):
    bins = torch.linspace(0, sample_rate / 2, n_fft // 2 + 1)
    top = 2595 * math.log10(1 + (sample_rate / 2) / 700)
    points = 700 * (torch.pow(10, torch.linspace(0, top, n_mels + 2) / 2595) - 1)
    slopes = points - bins[:, None]
    gaps = points.diff()
    down, up = -slopes[:, :-2] / gaps[:-1], slopes[:, 2:] / gaps[1:]
    return torch.relu(torch.min(down, up))

def spec_augment(spec, max_freq, max_time, generator=None):
    lead = spec.shape[:-2]
    keep = torch.ones(spec.shape, dtype=torch.bool)
    for size, most, turn in ((spec.shape[-2], max_freq, True), (spec.shape[-1], max_time, False)):
        w = torch.floor(torch.rand(lead, generator=generator) * (most + 1))
        a = torch.floor(torch.rand(lead, generator=generator) * (size - w + 1))
        at = torch.arange(size)
        shown = (at < a[..., None]) | (at >= (a + w)[..., None])
        keep &= shown[..., None] if turn else shown[..., None, :]
    return torch.where(keep.to(spec.device), spec, torch.zeros_like(spec))
""",
}
