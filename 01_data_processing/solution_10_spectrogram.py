"""Spectrograms: frames by unfold, a window, an FFT, triangles, a floor, and bands of zeros.

Why it works: a frame times a window that ends near 0 has no jump at its ends, so a tone stays in
few bins: with Hann, of 1000 Hz at 8000 Hz and n_fft 64, bin 8 and its two neighbors. A real wave
has the same power at k and n_fft - k, so n_fft // 2 + 1 bins say all. Reflecting half a frame on
both sides puts the middle of frame t on sample t * hop, so T samples give T // hop + 1 frames. The
ear hears ratios of pitch: mel is nearly linear up to 700 Hz, logarithmic above, and so is the
filters' width.
Say in the interview: power, not magnitude; periodic Hann, the default of torch.hann_window; the
triangle is the smaller of two lines, not below 0. log(0) is -inf, which ruins every mean, so clamp.
They may ask: which n_fft? Long frames tell near pitches apart, short ones near times: 25 ms and a
hop of 10 ms for speech. They may ask: does the mask's 0 make sense? It is the mean, if the log-mel
is standardized first; that is where SpecAugment belongs, in training only.
Common slips: the symmetric window; bins of one side counted twice; places rounded to bins; one
mask for the batch; randint without its upper end; a mask by product, as 0 * -inf is NaN.
torch.stft(..., return_complex=True) gives the same for one axis of batch, if you pass the window.
"""

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional as F


def stft_power(wave: Tensor, n_fft: int, hop: int) -> Tensor:
    """(..., T) -> (..., n_fft // 2 + 1, T // hop + 1); T is more than n_fft // 2."""
    rows = wave.reshape(-1, 1, wave.shape[-1])
    padded = F.pad(rows, (n_fft // 2, n_fft // 2), mode="reflect").view(*wave.shape[:-1], -1)
    window = torch.hann_window(n_fft, dtype=wave.dtype, device=wave.device)
    frames = padded.unfold(-1, n_fft, hop) * window  # (..., frames, n_fft)
    return torch.fft.rfft(frames).abs().square().transpose(-2, -1)


def mel_filterbank(n_mels: int, n_fft: int, sample_rate: int) -> Tensor:
    """(n_fft // 2 + 1, n_mels) float32: the weight of each bin in each filter."""
    top = 2595 * math.log10(1 + sample_rate / 2 / 700)
    mels = torch.linspace(0, top, n_mels + 2, dtype=torch.float64)
    points = 700 * (10 ** (mels / 2595) - 1)  # Hz
    bins = torch.arange(n_fft // 2 + 1)[:, None] * (sample_rate / n_fft)
    rising = (bins - points[:-2]) / (points[1:-1] - points[:-2])
    falling = (points[2:] - bins) / (points[2:] - points[1:-1])
    return torch.minimum(rising, falling).clamp(min=0).float()


def log_mel(
    wave: Tensor, n_fft: int, hop: int, n_mels: int, sample_rate: int, floor: float = 1e-10
) -> Tensor:
    """(..., T) -> (..., n_mels, frames)."""
    power = stft_power(wave, n_fft, hop)
    filters = mel_filterbank(n_mels, n_fft=n_fft, sample_rate=sample_rate).to(power)
    return (filters.T @ power).clamp(min=floor).log()


def spec_augment(
    spec: Tensor, max_freq: int, max_time: int, generator: Generator | None = None
) -> Tensor:
    """(..., F, frames) -> the same, in each spectrogram a band of rows and one of columns is 0."""
    batch, (rows, columns) = spec.shape[:-2], spec.shape[-2:]
    row = band(batch, rows, max_freq, generator)[..., :, None]
    column = band(batch, columns, max_time, generator)[..., None, :]
    return spec.masked_fill((row | column).to(spec.device), 0)


def band(batch: torch.Size, size: int, most: int, generator: Generator | None) -> Tensor:
    """(*batch, size) bool: True in a random band of 0 to most places."""
    width = torch.randint(most + 1, (*batch, 1), generator=generator)
    start = torch.rand(*batch, 1, generator=generator) * (size - width + 1)
    place = torch.arange(size) - start.long()
    return (place >= 0) & (place < width)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
