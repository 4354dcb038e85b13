"""Turn sound files into features of one shape, and say everything that a device has to do alike."""

import io
from collections.abc import Mapping, Sequence
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
_MOST_SAMPLES, _HIGHEST_RATE = 1 << 28, 1_000_000
_CANCELED = 0.01
"""Least loudness of the mean of all channels, as a share of the loudest channel."""


class Sounds(NamedTuple):
    """Hold the features of sound files."""

    x: NDArray[np.float32]
    """[N, frames, coefficients or bands, 1]."""
    notes: tuple[str, ...]
    front_end: Mapping[str, object]


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
    samples = _longest(files, reader) if options.seconds is None else round(options.seconds * RATE)
    front = FrontEnd(options.highest_hz, COEFFICIENTS if options.features == "mfcc" else None)
    features, lengths = [], np.zeros(len(files), np.int64)
    for i, file in enumerate(files):
        sound = decode_sound(reader.read(file), str(file), options.highest_hz)
        features.append(front.features(normalized(fit_length(sound, samples))))
        lengths[i] = len(sound)
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
    return Sounds(np.stack(features)[..., None], tuple(notes) if cut or padded else (), described)


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
    with _opened(data, name) as file:
        rate = file.samplerate
        try:
            channels = file.read(dtype="float32", always_2d=True)
        except (soundfile.SoundFileError, RuntimeError, ValueError, MemoryError) as error:
            raise _unreadable(name, error) from None
        if (missing := file.frames - len(channels)) > 0:
            found = f"is cut off, {missing:,} of {file.frames:,} samples are missing"
            raise DataError(f"{name}: {found}: copy it again or remove it")
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


def _opened(data: bytes, name: str) -> soundfile.SoundFile:
    """Return a sound that is ready to be read. Raises `DataError`."""
    if (missing := _missing_bytes(data)) > 1:  # a padding byte at the end is often left out
        raise DataError(f"{name}: is cut off, {missing:,} bytes are missing: copy it again or remove it")
    try:
        file = soundfile.SoundFile(io.BytesIO(data))
    except (soundfile.SoundFileError, RuntimeError, ValueError, TypeError) as error:
        raise _unreadable(name, error) from None
    if file.frames * file.channels > _MOST_SAMPLES:
        raise DataError(f"{name}: holds {file.frames:,} samples in each of {file.channels} channels, at most"
                        f" {_MOST_SAMPLES:,} in all can be read: cut it into pieces")  # fmt: skip
    if file.samplerate > _HIGHEST_RATE:
        raise DataError(f"{name}: has {file.samplerate:,} samples a second, at most {_HIGHEST_RATE:,} can be"
                        " read: replace or remove it")  # fmt: skip
    return file


def _unreadable(name: str, error: Exception) -> DataError:
    says = str(getattr(error, "error_string", "") or reason(error)).rstrip(".")
    return DataError(f"{name}: is no sound that can be read: {says}; replace or remove it")


def _longest(files: Sequence[Path], reader: FolderReader) -> int:
    """Return the samples of the longest sound, by the files' headers. Raises `DataError` beyond `LONGEST`."""
    longest = WINDOW
    for path in files:
        with _opened(reader.peek(path), str(path)) as file:
            seconds = file.frames / file.samplerate
        if seconds > LONGEST:
            raise DataError(
                f"{path}: lasts {seconds:.2f} s: write the length of an example, as seconds = 1.0 under"
                " [data.sounds]; longer sounds are cut, shorter ones padded with silence"
            )
        longest = max(longest, round(seconds * RATE))
    return longest


def _missing_bytes(data: bytes) -> int:
    """Return how many bytes a WAV or AIFF file lacks, by its header; libsndfile reads the rest silently."""
    order = {b"RIFF": "little", b"FORM": "big"}.get(data[:4])
    if order is None:
        return 0
    said = int.from_bytes(data[4:8], order) + 8  # type: ignore[arg-type]
    streamed = said >= 1 << 31  # a program that did not know the size wrote the largest
    return 0 if streamed else max(0, said - len(data))
