"""Turn sound files into features of one shape, and say everything that a device has to do alike."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from reds.data.class_folders import FolderReader
from reds.data.mfcc import (
    BANDS,
    FFT,
    HOP,
    LOWEST_HZ,
    OFFSET,
    RATE,
    WINDOW,
    FrontEnd,
    Sound,
    fit_length,
    normalized,
)  # fmt: skip
from reds.data.options import SoundOptions
from reds.data.speech import COEFFICIENTS
from reds.errors import DataError
from reds.reading import reason

LONGEST = 10.0
"""Longest sound, in seconds, that sets the length of all examples. A longer one has to be asked for."""
_CANCELED = 0.01
"""Least loudness of the mean of all channels, as a share of the loudest channel."""


class Sounds(NamedTuple):
    """Hold the features of sound files."""

    x: NDArray[np.float32]
    """[N, frames, coefficients or bands, 1]."""
    notes: tuple[str, ...]
    front_end: dict[str, object]


def read_sounds(files: Sequence[Path], reader: FolderReader, options: SoundOptions) -> Sounds:
    """Return the features of sound files.

    The channels of a file are averaged, sound of another rate is resampled to 16,000 Hz, and every sound is
    cut or padded with silence to one length, then divided by its largest sample.

    Args:
        files: The files.
        reader: Reads them.
        options: Features, length and highest frequency.

    Raises:
        DataError: An option is outside its range, or a file cannot be read, is empty or of a low rate.
    """
    least = WINDOW / RATE
    if not LOWEST_HZ < options.highest_hz <= RATE / 2:
        raise DataError(f"sounds: highest_hz is {options.highest_hz:g}: more than {LOWEST_HZ:g}, at most"
                        f" {RATE // 2} is needed")  # fmt: skip
    if options.seconds is not None and not least <= options.seconds <= 60:
        raise DataError(f"sounds: seconds is {options.seconds:g}: {least:g} to 60 is needed")
    sounds = [decode_sound(reader.read(file), str(file), options.highest_hz) for file in files]
    lengths = np.array([len(sound) for sound in sounds])
    samples = _length(files, lengths) if options.seconds is None else round(options.seconds * RATE)
    front = FrontEnd(options.highest_hz, COEFFICIENTS if options.features == "mfcc" else None)
    x = np.stack([front.features(normalized(fit_length(sound, samples))) for sound in sounds])
    cut, padded = int((lengths > samples).sum()), int((lengths < samples).sum())
    notes = [f"the sounds last {lengths.min() / RATE:.2f} to {lengths.max() / RATE:.2f} s, an example"
             f" {samples / RATE:.2f} s: {cut} are cut, {padded} padded with silence"]  # fmt: skip
    described = {
        "features": options.features,
        "rate": RATE,
        "samples": samples,
        "channels": "averaged",
        "normalized": "divided by the largest sample",
        "window": WINDOW,
        "hop": HOP,
        "fft": FFT,
        "bands": BANDS,
        "lowest_hz": LOWEST_HZ,
        "highest_hz": options.highest_hz,
        "offset": OFFSET,
        **({"coefficients": COEFFICIENTS} if options.features == "mfcc" else {}),
    }
    return Sounds(x[..., None], tuple(notes) if cut or padded else (), described)


def decode_sound(data: bytes, name: str, highest_hz: float) -> Sound:
    """Return the samples float32 [N] of an encoded sound: one channel, 16,000 a second.

    Args:
        data: The bytes of a WAV, FLAC, Ogg, MP3 or AIFF file.
        name: Name of the file, for errors.
        highest_hz: Highest frequency that the features read.

    Raises:
        DataError: The bytes are no sound, are cut off, hold no sample or one that is not finite, have a rate
            too low for the features, or have channels that cancel each other.
    """
    if missing := _missing_bytes(data):
        raise DataError(f"{name}: is cut off, {missing:,} bytes are missing: copy it again or remove it")
    try:
        channels, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, ValueError, TypeError, MemoryError) as error:
        says = getattr(error, "error_string", None) or reason(error)
        raise DataError(f"{name}: is no sound that can be read: {says} Replace or remove it") from None
    if not channels.size:
        raise DataError(f"{name}: holds no sample; record it again or remove it")
    if not np.isfinite(channels).all():
        raise DataError(f"{name}: holds samples that are not finite; record it again or remove it")
    if rate < 2 * highest_hz:
        raise DataError(
            f"{name}: has {rate:,} samples a second, which hold nothing above {rate / 2:,.0f} Hz, but the"
            f" features reach {highest_hz:,.0f} Hz: record it at {2 * highest_hz:,.0f} or more, or write"
            f" highest_hz = {rate // 2} under [data.sounds]"
        )
    mixed = channels.mean(1)
    if np.abs(mixed).max() < _CANCELED * np.abs(channels).max():
        raise DataError(
            f"{name}: its {channels.shape[1]} channels cancel each other, so that their mean is silent: keep"
            " one channel"
        )
    return np.asarray(mixed if rate == RATE else soxr.resample(mixed, rate, RATE), dtype=np.float32)


def _length(files: Sequence[Path], lengths: NDArray[np.int64]) -> int:
    """Return the samples of an example: those of the longest sound. Raises `DataError` if it is very long."""
    longest = int(lengths.max())
    if longest > LONGEST * RATE:
        raise DataError(
            f"{files[int(lengths.argmax())]}: lasts {longest / RATE:.2f} s: write the length of an example,"
            " as seconds = 1.0 under [data.sounds]; longer sounds are cut, shorter ones padded with silence"
        )
    return max(longest, WINDOW)


def _missing_bytes(data: bytes) -> int:
    """Return how many bytes a WAV file lacks, by its header; libsndfile reads the rest without a word."""
    if data[:4] != b"RIFF":
        return 0
    said = int.from_bytes(data[4:8], "little") + 8
    streamed = said >= 1 << 31  # a program that did not know the size wrote the largest
    return 0 if streamed else max(0, said - len(data) - 1)  # a padding byte at the end is often left out
