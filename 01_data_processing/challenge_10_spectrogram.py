"""Spectrograms: sound as an image.

    stft_power(wave (..., T), n_fft, hop) -> (..., F, frames)
    mel_filterbank(n_mels, n_fft, sample_rate) -> (F, n_mels) float32
    log_mel(wave, n_fft, hop, n_mels, sample_rate, floor=1e-10) -> (..., n_mels, frames)
    spec_augment(spec (..., F, frames), max_freq, max_time, generator=None)

... is any batch shape, F = n_fft // 2 + 1, n_fft even. mel(f Hz) = 2595 log10(1 + f / 700).

Core, what an interview asks:

    power   |DFT|² of each frame times a periodic Hann window.
    frames  T // hop + 1. Frame t begins n_fft / 2 before sample t * hop. The ends are
            reflected: 2, 1, 0, 1, 2.
    mel     n_mels + 2 points from 0 to sample_rate / 2, equally spaced in mel. Filter m rises
            from 0 at point m to 1 at the next, falls to 0 at the third, linearly in Hz.
    log     ln of each filter's sum of power, or of floor if larger.
    masks   Each spectrogram draws its own band of rows and of columns that become 0: a width
            from 0 to max_freq (max_time), then a place, all equally likely.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    draws   From generator, None: the global one.
    inputs  No input changes. Masked inf and NaN become 0.
    types   float64 (power at its precision) and the device stay.

Medium, 30 minutes. Try one alone: python FILE power
"""

import torch
from torch import Generator, Tensor


def stft_power(wave: Tensor, n_fft: int, hop: int) -> Tensor:
    raise NotImplementedError("stft_power")


def mel_filterbank(n_mels: int, n_fft: int, sample_rate: int) -> Tensor:
    raise NotImplementedError("mel_filterbank")


def log_mel(
    wave: Tensor, n_fft: int, hop: int, n_mels: int, sample_rate: int, floor: float = 1e-10
) -> Tensor:
    raise NotImplementedError("log_mel")


def spec_augment(
    spec: Tensor, max_freq: int, max_time: int, generator: Generator | None = None
) -> Tensor:
    raise NotImplementedError("spec_augment")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    tone = torch.tensor([1.0, 0.0, -1.0, 0.0]).repeat(4)  # one wave per 4 samples
    power = stft_power(tone, n_fft=4, hop=4)[:, 1:-1]  # the window is 0, 0.5, 1, 0.5
    assert power.round().tolist() == [[1, 1, 1], [1, 1, 1], [1, 1, 1]], power

    filters = mel_filterbank(n_mels=1, n_fft=4, sample_rate=1400)  # bins at 0, 350, 700 Hz
    edges = filters[[0, 2], 0].tolist()
    assert edges == [0, 0], edges

    silence = log_mel(torch.zeros(8), 4, 4, n_mels=1, sample_rate=1400, floor=1.0)
    assert silence.tolist() == [[0, 0, 0]], silence

    kept = spec_augment(torch.ones(5, 6), max_freq=0, max_time=0)
    assert kept.sum() == 30, kept


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
