"""Load training clips from the official archive of Speech Commands v0.02.

The archive is downloaded, checked and turned into features, which are cached. Every training clip has one
clean variant and four that are shifted by up to 100 ms. Four of five shifted variants are also mixed with
background noise of at most a tenth of the volume (REDS, arXiv 2311.13349). Validation clips are clean.
"""

import io
import tarfile
import wave
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from reds.data.arrays import read_arrays
from reds.data.download import fetch
from reds.data.mfcc import RATE, Sound, fit_length, mfcc, normalized, quantized
from reds.data.speech import COEFFICIENTS, FRAMES, SpeechClips
from reds.data.speech_split import NOISE_FOLDER, SILENCE, UNKNOWN_SEED, choose
from reds.errors import DataError
from reds.files import atomic_file

URL = "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz"
SHA256 = "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58"
FORMAT = 1
"""Version of the cached features; raise it when the same archive gives other features."""
ARRAYS = ("train_x", "train_y", "validation_x", "validation_y")
VARIANTS = 5
MAX_SHIFT = RATE // 10
NOISE_SHARE, MAX_VOLUME = 0.8, 0.1
_SEED = 2311
SPLIT = (
    f"official, by a hash of the speaker; unknown words drawn with seed {UNKNOWN_SEED}, noise with {_SEED}"
)


def load_archive(folder: Path, console: Console, url: str = URL, sha256: str = SHA256) -> SpeechClips:
    """Return training and validation clips.

    Args:
        folder: Folder of the archive and of the cached features.
        console: Shows progress.
        url: Address of the archive.
        sha256: Checksum of the archive, in hex.

    Raises:
        DataError: The archive cannot be downloaded or read, or the cached features are damaged.
    """
    features = folder / f"speech_commands_v0.02-{sha256[:12]}-features{FORMAT}.npz"
    if not features.is_file():
        archive = folder / PurePosixPath(url).name
        fetch(url, sha256, archive, console)
        made = _features(archive, console)
        with atomic_file(features) as file:
            np.savez_compressed(file, **made)  # type: ignore[arg-type]
    try:
        arrays = read_arrays(features)
        x, y, held_x, held_y = (arrays[key] for key in ARRAYS)
    except (DataError, KeyError) as error:
        raise DataError(f"{features}: damaged; delete the file, and it is made again") from error
    return SpeechClips(x, y, held_x, held_y, {PurePosixPath(url).name: sha256}, SPLIT)


def _features(archive: Path, console: Console) -> dict[str, NDArray[np.generic]]:
    """Return train_x, train_y, validation_x and validation_y of an archive."""
    names, noises = [], []
    for name, sound in _sounds(archive):
        if PurePosixPath(name).parts[-2] == NOISE_FOLDER:
            noises.append(sound)
        else:
            names.append(name)
    if not names or not noises:
        raise DataError(
            f"{archive}: not a Speech Commands archive: it lacks clips or {NOISE_FOLDER}; delete it"
        )
    parts = {"train": choose(names, "training"), "validation": choose(names, "validation")}
    x = {
        part: np.zeros((VARIANTS if part == "train" else 1, len(clips), FRAMES, COEFFICIENTS), np.int8)
        for part, clips in parts.items()
    }
    position = {clip.path: (part, i) for part, clips in parts.items() for i, clip in enumerate(clips)}
    for name, sound in track(_sounds(archive), "features", len(names) + len(noises), console=console):
        if name in position:
            part, i = position[name]
            x[part][:, i] = variants(sound, noises, len(x[part]), np.random.default_rng([_SEED, i]))
    for part, clips in parts.items():
        for i in (i for i, clip in enumerate(clips) if clip.label == SILENCE):
            x[part][:, i] = silence(noises, len(x[part]), np.random.default_rng([_SEED, i]))
    labels = {part: np.array([clip.label for clip in clips], np.uint8) for part, clips in parts.items()}
    return {
        "train_x": x["train"],
        "train_y": labels["train"],
        "validation_x": x["validation"][0],
        "validation_y": labels["validation"],
    }


def variants(sound: Sound, noises: Sequence[Sound], count: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """Return the features of one clip in several variants, the clean one first, then shifted and noisy ones.

    Args:
        sound: Samples float32 in [-1, 1].
        noises: Background noises to mix in.
        count: Number of variants.
        rng: Draws shifts, volumes and noises.

    Returns:
        MFCC int8 [count, 49, 10].
    """
    clean = fit_length(normalized(sound))
    made = [clean]
    for _ in range(count - 1):
        shift = int(rng.integers(-MAX_SHIFT, MAX_SHIFT + 1))
        volume = rng.uniform(0, MAX_VOLUME) * (rng.random() < NOISE_SHARE)
        shifted = np.pad(clean, MAX_SHIFT)[MAX_SHIFT - shift :][:RATE]
        made.append(np.clip(shifted + np.float32(volume) * _piece(noises, rng), -1, 1))
    return np.stack([quantized(mfcc(one)) for one in made])


def silence(noises: Sequence[Sound], count: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """Return the features of random pieces of background noise, which stand for silence.

    Args:
        noises: Background noises, float32 in [-1, 1].
        count: Number of pieces.
        rng: Draws the pieces.

    Returns:
        MFCC int8 [count, 49, 10].
    """
    return np.stack([quantized(mfcc(normalized(_piece(noises, rng)))) for _ in range(count)])


def _piece(noises: Sequence[Sound], rng: np.random.Generator) -> Sound:
    """Return a random second of a random noise."""
    noise = noises[int(rng.integers(len(noises)))]
    start = rng.integers(max(1, len(noise) - RATE + 1))
    return fit_length(noise[start:])


def _sounds(archive: Path) -> Iterator[tuple[str, Sound]]:
    """Yield name and samples float32 in [-1, 1] of every wave file, in the archive's order."""
    try:
        with tarfile.open(archive, "r|gz") as tar:
            for member in tar:
                source = tar.extractfile(member) if member.name.endswith(".wav") else None
                if source:
                    with wave.open(io.BytesIO(source.read())) as sound:
                        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
                    yield member.name, samples.astype(np.float32) / np.float32(32768)
    except (tarfile.TarError, wave.Error, EOFError, zlib.error) as error:
        raise DataError(f"{archive}: cannot be read: {error}; delete it and try again") from error
