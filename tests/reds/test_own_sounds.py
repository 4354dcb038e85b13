"""A user's own folders of sounds: features by the front end of the card, or one line that says why not."""

import io
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from reds import Dataset
from reds.data.mfcc import fit_length, mfcc, normalized
from reds.data.options import DataOptions, SeriesOptions, SoundOptions
from reds.data.own import read_own
from reds.data.sounds import decode_sound
from reds.data.user_files import load_user_data
from reds.errors import DataError
from tests.reds.support.own import words


def tone(hz: float, seconds: float = 0.5, rate: int = 16_000) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def encoded(samples: np.ndarray, rate: int = 16_000, kind: str = "WAV", subtype: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind, subtype=subtype)
    return file.getvalue()


def read(folder: Path, **options: Any) -> Any:
    return read_own(folder, DataOptions("", **options), 0)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".WAV"])
def test_sounds_become_the_mfcc_of_the_shipped_speech_set(suffix: str, tmp_path: Path) -> None:
    folder = words(tmp_path / "words", suffix=suffix)
    raw = read(folder, sounds=SoundOptions(seconds=1.0))
    assert raw.classes == ("high", "low", "rising")
    assert raw.parts["train"].x.shape[1:] == (49, 10, 1)
    files = sorted(folder.rglob(f"*{suffix}"))
    wanted = {
        mfcc(fit_length(normalized(soundfile.read(file, dtype="float32")[0]))).tobytes(): file.parent.name
        for file in files
    }
    found = {
        x.tobytes(): raw.classes[label]
        for part in raw.parts.values()
        for x, label in zip(part.x, part.y, strict=True)
    }
    assert found == wanted


def test_the_front_end_is_described_for_a_device_and_what_was_cut_is_said(tmp_path: Path) -> None:
    folder = words(tmp_path / "words", per_class=4)
    soundfile.write(folder / "low" / "long.wav", tone(300, 1.5), 16_000)
    raw = read(folder, sounds=SoundOptions(seconds=0.8))
    assert raw.front_end["features"] == "mfcc"
    assert raw.front_end["samples"] == 12_800
    assert "0.60 to 1.50 s" in raw.notes[0]
    assert "1 are cut, 12 padded" in raw.notes[0]
    data = load_user_data(folder, 0, DataOptions("", sounds=SoundOptions(seconds=0.8)))
    assert (data.front_end, data.notes) == (raw.front_end, raw.notes)


def test_by_default_an_example_is_as_long_as_the_longest_sound(tmp_path: Path) -> None:
    folder = words(tmp_path / "words", per_class=4)
    soundfile.write(folder / "low" / "long.wav", tone(300, 1.5), 16_000)
    assert read(folder).front_end["samples"] == 24_000
    soundfile.write(folder / "low" / "long.wav", tone(300, 11), 16_000)
    with pytest.raises(DataError, match=r"low/long\.wav: lasts 11\.00 s.*seconds = "):
        read(folder)
    read(folder, sounds=SoundOptions(seconds=1.0))


def test_log_mel_gives_a_band_more_for_a_higher_tone(tmp_path: Path) -> None:
    folder = words(tmp_path / "words", per_class=6)
    raw = read(folder, sounds=SoundOptions(features="log-mel"))
    x, y = raw.parts["train"]
    assert x.shape[1:] == (29, 40, 1)
    loudest = x[..., 0].mean(1).argmax(1)
    assert loudest[y == 0].min() > loudest[y == 1].max()
    assert "coefficients" not in raw.front_end


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_sounds_of_another_rate_have_nearly_the_samples_of_the_usual_one(rate: int) -> None:
    made = decode_sound(encoded(tone(440, 1.0, rate), rate), "a.wav", 4000)
    assert abs(len(made) - 16_000) <= 1
    inner = slice(800, 15_200)
    np.testing.assert_allclose(made[inner], tone(440, 1.0)[inner], atol=0.01)


def test_a_tone_too_high_for_the_rate_does_not_fold_into_the_features() -> None:
    made = decode_sound(encoded(tone(15_000, 1.0, 48_000), 48_000), "a.wav", 4000)
    assert np.abs(made[800:-800]).max() < 0.01


def test_channels_are_averaged() -> None:
    left, right = tone(300), tone(900)
    made = decode_sound(encoded(np.stack([left, right], 1)), "a.wav", 4000)
    np.testing.assert_allclose(made, (left + right) / 2, atol=1e-4)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
def test_every_depth_of_samples_is_read_in_the_same_scale(subtype: str) -> None:
    np.testing.assert_allclose(
        decode_sound(encoded(tone(300), subtype=subtype), "a.wav", 4000), tone(300), atol=0.02
    )


def test_silence_is_an_example() -> None:
    assert not decode_sound(encoded(np.zeros(8000)), "a.wav", 4000).any()


GOOD = encoded(tone(300))
SOUNDS = {
    "text": (b"hello", "no sound"),
    "empty file": (b"", "no sound"),
    "no sample": (encoded(np.zeros(0)), "no sample"),
    "cut off": (GOOD[:2000], "14,044 bytes are missing"),
    "cut off AIFF": (encoded(tone(300), kind="AIFF")[:2000], "bytes are missing"),
    "cut off MP3": (encoded(tone(300), kind="MP3")[:1500], r"of 8,000 samples are missing"),
    "cut off FLAC": (encoded(tone(300), kind="FLAC")[:2000], "no sound"),
    "not finite": (encoded(np.array([0.1, np.nan]), subtype="FLOAT"), "not finite"),
    "low rate": (encoded(tone(300, rate=4000), 4000), "4,000 samples a second.*highest_hz = 2000"),
    "channels that cancel": (encoded(np.stack([tone(300), -tone(300)], 1)), "2 channels cancel"),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_a_sound_that_cannot_be_used_is_refused_with_its_file(name: str, tmp_path: Path) -> None:
    data, place = SOUNDS[name]
    folder = words(tmp_path / "words", per_class=4)
    path = folder / "low" / "speaker0_0.wav"
    path.write_bytes(data)
    with pytest.raises(DataError, match=place) as caught:
        read(folder)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_low_rate_is_read_where_the_features_end_below_its_half() -> None:
    decode_sound(encoded(tone(300, rate=4000), 4000), "a.wav", 2000)


def test_a_picture_among_sounds_is_refused(tmp_path: Path) -> None:
    folder = words(tmp_path / "words", per_class=4)
    (folder / "low" / "a.png").write_bytes(b"\x89PNG")
    with pytest.raises(DataError, match=r"low/a\.png"):
        read(folder)


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"sounds": SoundOptions(seconds=0)}, "seconds is 0"),
        ({"sounds": SoundOptions(seconds=1e9)}, "seconds is 1e"),
        ({"sounds": SoundOptions(highest_hz=9000)}, "highest_hz is 9000"),
        ({"sounds": SoundOptions(highest_hz=10)}, "highest_hz is 10"),
        ({"series": SeriesOptions(window=9)}, "series is given"),
        ({"group": "x(.*)"}, "finds nothing"),
    ],
)
def test_options_that_sounds_do_not_have_are_refused(
    options: dict[str, Any], place: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=place):
        read(words(tmp_path / "words", per_class=3), **options)


def test_no_speaker_is_in_two_parts_where_the_pattern_names_speakers(tmp_path: Path) -> None:
    folder = words(tmp_path / "words")
    raw = read(folder, group="^(speaker[0-9])_")
    assert raw.split == "of 4 groups 1 test, drawn with seed 0; of the others 1 validate, drawn with seed 0"
    assert {part: len(each.y) for part, each in raw.parts.items()} == {
        "train": 18,
        "test": 9,
        "validation": 9,
    }


def test_a_speaker_in_two_given_parts_is_refused(tmp_path: Path) -> None:
    for part in ("train", "test"):
        words(tmp_path / "words" / part, per_class=4)
    with pytest.raises(DataError, match="'speaker0' is in train and in test, and 3 more"):
        read(tmp_path / "words", group="^(speaker[0-9])_")


def test_a_folder_in_one_line_of_python_is_that_of_a_recipe(tmp_path: Path) -> None:
    folder = words(tmp_path / "words")
    data = Dataset.read(folder).stored("words")
    of_recipe = load_user_data(folder, 0)
    np.testing.assert_array_equal(data.train_x, of_recipe.train_x)
    np.testing.assert_array_equal(data.test_y, of_recipe.test_y)
    assert (data.files, data.split, data.front_end) == (of_recipe.files, of_recipe.split, of_recipe.front_end)


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255), st.booleans())
@settings(max_examples=150, deadline=None)
def test_damaged_sounds_give_samples_or_one_line(at: int, flip: int, short: bool) -> None:
    data = bytearray(GOOD)
    data[at % 100 if at % 2 else at] ^= flip
    with suppress(DataError):
        made = decode_sound(bytes(data[:at] if short else data), "a.wav", 4000)
        assert made.dtype == np.float32
        assert np.isfinite(made).all()
