"""Speech front ends in numpy: sound becomes MFCC or log-mel features, a row for every 20 ms.

`SPEECH` is MLPerf Tiny's: one second becomes int8 MFCC [49, 10]. The tests compare it with tf.signal. Steps:
STFT with a periodic Hann window of 480 samples every 320, FFT of 512, magnitude, 40 mel bands from 20 to
4,000 Hz, ln(x + 1e-6), orthonormal DCT-II up to 10 coefficients.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from reds.data.speech import COEFFICIENTS, SCALE, ZERO

RATE = 16_000
"""Samples in a second of sound."""
WINDOW, HOP, FFT, BANDS = 480, 320, 512, 40
LOWEST_HZ = 20.0
OFFSET = 1e-6
"""Number that is added to a band's magnitude before its logarithm."""

Sound = NDArray[np.float32]


@dataclass(frozen=True)
class FrontEnd:
    """Turn sound of 16,000 samples a second into features."""

    highest_hz: float = 4000.0
    """Upper end of the highest mel band."""
    coefficients: int | None = COEFFICIENTS
    """Coefficients of the DCT; None gives the logarithms of the bands, without a DCT."""

    def features(self, sound: Sound) -> NDArray[np.float32]:
        """Return the features float32 [frames, coefficients or bands] of sound float32 [samples].

        There is a frame for every 320 samples that 160 more follow: 49 for a second.
        """
        frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
        magnitude = np.abs(np.fft.rfft(frames * window, FFT))
        bands = np.log(magnitude @ _mel_bands(self.highest_hz) + OFFSET)
        made = bands if self.coefficients is None else bands @ _dct(self.coefficients)
        return np.asarray(made, dtype=np.float32)


SPEECH = FrontEnd()


def fit_length(sound: Sound, samples: int = RATE) -> Sound:
    """Pad with silence, or trim, to a length, by default one second."""
    return np.pad(sound[:samples], (0, max(0, samples - len(sound))))


def normalized(sound: Sound) -> Sound:
    """Divide sound by its largest sample, as MLPerf Tiny does; do nothing if no sample is positive."""
    peak = float(sound.max(initial=0))
    return sound / np.float32(peak) if peak > 0 else sound


def mfcc(sound: Sound) -> NDArray[np.float32]:
    """Return the MFCC float32 [49, 10] of one second of sound float32 [16000]."""
    return SPEECH.features(sound)


def quantized(features: NDArray[np.float32]) -> NDArray[np.int8]:
    """Return features as int8, truncated towards zero like the MLPerf reference."""
    return np.asarray(np.clip(np.trunc(features / SCALE + ZERO), -128, 127), dtype=np.int8)


@cache
def _mel_bands(highest_hz: float) -> NDArray[np.float64]:
    """Return triangular filters [FFT / 2 + 1, BANDS], evenly spaced in mel; bin 0 belongs to none."""

    def mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(1127.0 * np.log1p(hz / 700.0))

    lowest, highest = mel(np.array([LOWEST_HZ, highest_hz]))
    edges = np.linspace(lowest, highest, BANDS + 2)
    bins = mel(np.arange(FFT // 2 + 1) * RATE / FFT)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    bands = np.maximum(0, np.minimum(rising, falling))
    bands[0] = 0
    return np.asarray(bands)


@cache
def _dct(coefficients: int) -> NDArray[np.float64]:
    """Return the DCT-II matrix [BANDS, coefficients] with the scale of tf.signal."""
    angles = np.pi / BANDS * np.outer(np.arange(BANDS) + 0.5, np.arange(coefficients))
    return np.asarray(np.cos(angles) * np.sqrt(2 / BANDS))
