"""The archive loader on a tiny archive of the same structure; no network."""

import hashlib
import io
import tarfile
import wave
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from reds.data.speech import CLASSES
from reds.data.speech_archive import load_archive
from reds.data.speech_split import KEYWORDS, SILENCE, UNKNOWN, choose, which_set
from reds.errors import DataError

QUIET = Console(quiet=True)
WORDS = (*KEYWORDS, "bed", "cat")


def wav(seed: int, samples: int = 4000) -> bytes:
    rng, data = np.random.default_rng(seed), io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(rng.integers(-9000, 9000, samples).astype("<i2").tobytes())
    return data.getvalue()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight speakers say every word; one noise of two seconds."""
    path = tmp_path_factory.mktemp("archive") / "tiny.tar.gz"
    with tarfile.open(path, "w:gz") as tar:

        def add(name: str, data: bytes) -> None:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))

        add("./README.md", b"speech")
        for word in WORDS:
            for speaker in range(8):
                add(f"./{word}/{speaker:08x}_nohash_0.wav", wav(speaker))
        add("./_background_noise_/hum.wav", wav(99, 32_000))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_official_hash_decides_and_ignores_the_take() -> None:
    for speaker in ("022cd682", "0c40e715", "0c540988", "0cb74144"):  # of the official test set
        assert which_set(f"./down/{speaker}_nohash_0.wav") == "testing"
    assert which_set("bed/00176480_nohash_0.wav") == which_set("cat/00176480_nohash_7.wav")
    sets = [which_set(f"{i:08x}_nohash_0.wav") for i in range(20_000)]
    assert sets.count("validation") / 20_000 == pytest.approx(0.1, abs=0.01)
    assert sets.count("testing") / 20_000 == pytest.approx(0.1, abs=0.01)


def test_a_tenth_of_the_clips_is_unknown_and_a_tenth_silence() -> None:
    paths = [f"./{word}/{i:08x}_nohash_0.wav" for word in WORDS for i in range(100)]
    clips = choose(paths, "training")
    labels = [clip.label for clip in clips]
    keywords = sum(label < 10 for label in labels)
    assert labels.count(UNKNOWN) == labels.count(SILENCE) == -(-keywords // 10)
    assert {clip.path for clip in clips if clip.label == SILENCE} == {None}
    assert choose(reversed(paths), "training") == clips


def test_features_and_labels_of_an_archive(archive: Path, tmp_path: Path) -> None:
    data = load_archive(tmp_path, QUIET, archive.as_uri(), sha256(archive))
    assert data.train_x.shape == (5, len(data.train_y), 49, 10)
    assert data.train_x.dtype == np.int8
    assert set(data.train_y) == set(range(len(CLASSES)))
    assert data.validation_x.shape[0] == len(data.validation_y)
    # The same speaker's words hold the same sound here: clean clips agree, their noisy variants do not.
    down, go = (data.train_x[:, data.train_y == label] for label in (0, 1))
    np.testing.assert_array_equal(down[0], go[0])
    assert (down[1:] != go[1:]).any()
    # No sound of a training speaker is in the validation part.
    train = {clip.tobytes() for clip in data.train_x[0, data.train_y < 10]}
    assert not train & {clip.tobytes() for clip in data.validation_x[data.validation_y < 10]}


def test_features_are_made_once_and_the_same_every_time(archive: Path, tmp_path: Path) -> None:
    first = load_archive(tmp_path / "a", QUIET, archive.as_uri(), sha256(archive))
    (tmp_path / "a" / archive.name).unlink()
    cached = load_archive(tmp_path / "a", QUIET, "file:///gone", sha256(archive))
    again = load_archive(tmp_path / "b", QUIET, archive.as_uri(), sha256(archive))
    for other in (cached, again):
        np.testing.assert_array_equal(first.train_x, other.train_x)
        np.testing.assert_array_equal(first.validation_y, other.validation_y)


def test_a_wrong_checksum_leaves_nothing_behind(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"sha256.*{sha256(archive)}.*0000"):
        load_archive(tmp_path, QUIET, archive.as_uri(), "0" * 64)
    assert not list(tmp_path.iterdir())


def test_a_damaged_archive_in_the_cache_is_named(archive: Path, tmp_path: Path) -> None:
    (tmp_path / archive.name).write_bytes(archive.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"tiny\.tar\.gz.*sha256"):
        load_archive(tmp_path, QUIET, archive.as_uri(), sha256(archive))


@pytest.mark.parametrize("harm", ["empty", "cut", "flipped", "other"])
def test_damaged_features_in_the_cache_are_named(harm: str, archive: Path, tmp_path: Path) -> None:
    load_archive(tmp_path, QUIET, archive.as_uri(), sha256(archive))
    (features,) = tmp_path.glob("*.npz")
    data = bytearray(features.read_bytes())
    data[len(data) // 2] ^= 1
    bad = {"empty": b"", "cut": data[:-99], "flipped": data, "other": b"nothing of the kind"}
    features.write_bytes(bad[harm])
    with pytest.raises(DataError, match=r"-features1\.npz"):
        load_archive(tmp_path, QUIET, archive.as_uri(), sha256(archive))
    features.unlink()
    load_archive(tmp_path, QUIET, archive.as_uri(), sha256(archive))


def test_a_failed_download_names_the_file_to_fetch_and_its_place(tmp_path: Path) -> None:
    url = (tmp_path / "nowhere.tar.gz").as_uri()
    with pytest.raises(DataError, match=r"file:.*nowhere\.tar\.gz"):
        load_archive(tmp_path / "data", QUIET, url, "0" * 64)
    assert not list((tmp_path / "data").iterdir())


@pytest.mark.parametrize("content", [b"not a tar", b""])
def test_a_file_that_is_not_an_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "fake.tar.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"fake\.tar\.gz"):
        load_archive(tmp_path, QUIET, path.as_uri(), sha256(path))
