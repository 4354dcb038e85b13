"""The labeled set of a card, by name and checksum; the training features, by checksum."""

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reds.data.labeled import find_labeled
from reds.data.local_files import data_home, sha256_of
from reds.data.speech import CLASSES
from reds.data.speech_prepared import FILE, SPEAKERS_FILE, held_out, load_prepared
from reds.errors import DataError, LabeledSetMissing
from reds.fixtures import fixtures_dir
from tests.support.odd_files import ODD_FILES
from tests.support.refusals import may_refuse


def shipped_card() -> dict[str, Any]:
    card: dict[str, Any] = json.loads((fixtures_dir() / "kws-dnn-s.json").read_text())
    return card


def test_the_shipped_clips_are_found_and_clamped(tmp_path: Path) -> None:
    x, y = find_labeled(shipped_card(), tmp_path)
    assert (x.shape, x.dtype, y.dtype) == ((1859, 250), np.int8, np.uint8)
    assert x.min() == -127
    assert np.bincount(y, minlength=12).min() > 140
    with np.load(fixtures_dir() / "kws12-test.npz") as file:
        np.testing.assert_array_equal(x[7].reshape(25, 10)[3], np.maximum(file["x"][7, 6], -127))


def test_beside_the_pack_comes_first_and_reds_data_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.npz"
    np.savez(own, x=np.zeros((3, 4, 10), np.int8), y=np.arange(3, dtype=np.uint8))
    want = {"name": "own", "file": own.name, "sha256": sha256_of(own), "every": 2, "clips": 3}
    assert find_labeled({"labelled": want}, tmp_path)[0].shape == (3, 20)
    monkeypatch.setenv("REDS_DATA", str(tmp_path))
    assert data_home() == tmp_path
    assert list(find_labeled({"labelled": want}, tmp_path / "elsewhere")[1]) == [0, 1, 2]


def test_a_file_of_another_checksum_is_passed_over_and_named(tmp_path: Path) -> None:
    shutil.copy(fixtures_dir() / "kws12-test.npz", tmp_path)
    with (tmp_path / "kws12-test.npz").open("ab") as file:
        file.write(b"!")
    assert len(find_labeled(shipped_card(), tmp_path)[1]) == 1859  # the fixtures' copy is right
    card = shipped_card()
    card["labelled"]["sha256"] = "0" * 64
    with pytest.raises(LabeledSetMissing, match=r"npz.*sha256.*0000") as caught:
        find_labeled(card, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "labeled", [None, {}, {"file": "a.npz"}, {"file": "../a.npz", "sha256": "", "every": 1, "clips": 1},
                 {"file": "a.npz", "sha256": "", "every": 0, "clips": 1}],
)  # fmt: skip
def test_a_card_without_a_usable_labeled_set_is_refused(labeled: object, tmp_path: Path) -> None:
    with pytest.raises(LabeledSetMissing, match="labeled"):
        find_labeled({"labelled": labeled}, tmp_path)
    with pytest.raises(LabeledSetMissing, match="labeled"):
        find_labeled({}, tmp_path)


def test_validation_speakers_are_absent_from_training(tmp_path: Path) -> None:
    """240 clips of 40 known speakers and 60 of others; every clip holds its own number."""
    known, n = 240, 300
    clips = np.zeros((n, 49, 10), np.int8)
    clips[:, 0, :2] = np.stack([np.arange(n) % 100, np.arange(n) // 100], 1)
    speakers = np.array([f"speaker{i % 40}" for i in range(known)])
    mixed = np.random.default_rng(0).permutation(n)
    x = np.stack([clips, clips + np.int8(1)])[:, mixed]
    y, src = (mixed % 12).astype(np.uint8), (mixed >= known).astype(np.uint8)
    np.savez(tmp_path / FILE, x=x, y=y, src=src, classes=np.array(CLASSES))
    np.savez(
        tmp_path / SPEAKERS_FILE, x=np.concatenate([clips[:known], clips[:known] + np.int8(50)]),
        speaker=np.concatenate([speakers, speakers]), is_tune=np.arange(2 * known) < known,
    )  # fmt: skip
    sums = sha256_of(tmp_path / FILE), sha256_of(tmp_path / SPEAKERS_FILE)
    data = load_prepared(tmp_path, *sums)

    def numbers(clips: np.ndarray) -> set[int]:
        return {int(a) + 100 * int(b) for a, b in clips[:, 0, :2]}

    train, held = numbers(data.train_x[0]), numbers(data.validation_x)
    assert held == {i for i in range(known) if held_out(speakers[i])}
    assert train == set(range(n)) - held
    assert 0 < len(held) < known / 2
    assert data.files == dict(zip((FILE, SPEAKERS_FILE), sums, strict=True))
    salt, percent = re.findall(r"sha1\('(\w+)' \+ name\) % 100 < (\d+)", data.split)[0]
    places = [int(hashlib.sha1((salt + speaker).encode()).hexdigest(), 16) % 100 for speaker in speakers]
    assert held == {i for i, place in enumerate(places) if place < int(percent)}
    np.testing.assert_array_equal(data.train_x[1], data.train_x[0] + np.int8(1))


def test_training_features_that_are_missing_or_changed_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"kws12_train\.npz.*REDS_DATA"):
        load_prepared(tmp_path)
    (tmp_path / FILE).write_bytes(b"something else")
    own = sha256_of(tmp_path / FILE)
    with pytest.raises(DataError, match=r"kws12_official_test\.npz.*REDS_DATA"):
        load_prepared(tmp_path, own)
    with pytest.raises(DataError, match=r"kws12_train\.npz.*sha256.*db7bc0"):
        load_prepared(tmp_path)


def labeled(folder: Path, x: Any = None, y: Any = None, **more: Any) -> dict[str, Any]:
    """Write a labeled set, and return a card whose checksum fits."""
    path = folder / "own.npz"
    x = np.zeros((3, 4, 10), np.int8) if x is None else x
    y = np.arange(3, dtype=np.uint8) if y is None else y
    np.savez(path, **{name: array for name, array in {"x": x, "y": y, **more}.items() if array is not ...})
    return card_for(path)


def card_for(path: Path) -> dict[str, Any]:
    entry = {"name": "own", "file": path.name, "sha256": sha256_of(path), "every": 2, "clips": 3}
    return {"labelled": entry, "classes": ["a", "b", "c"]}


def refused(card: dict[str, Any], folder: Path) -> None:
    with pytest.raises(DataError) as caught:
        find_labeled(card, folder)
    assert type(caught.value) is DataError  # not missing: such a set may not be passed over
    assert str(caught.value).startswith(f"{folder / 'own.npz'}: ")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "arrays",
    [
        {"x": ...}, {"y": ...},
        {"x": np.zeros((3, 4, 10), np.uint8)}, {"x": np.zeros((3, 4, 10), np.float32)},
        {"x": np.zeros(3, np.int8)}, {"x": np.zeros((3, 0), np.int8)}, {"x": np.int8(1)}, {"y": np.uint8(1)},
        {"x": np.array(["a", "b", "c"])},
        {"x": np.array([{}] * 3, object)}, {"y": np.array([{}] * 3, object)},
        {"y": np.zeros(3, np.float32)}, {"y": np.zeros((3, 1), np.uint8)}, {"y": np.int64([0, 1, 3])},
        {"y": np.int64([0, -1, 2])}, {"y": np.uint64([0, 1, 2**64 - 1])}, {"y": np.arange(4, dtype=np.uint8)},
        {"x": np.zeros((4, 4, 10), np.int8)}, {"y": np.zeros(3, bool)}, {"y": np.array([b"a", b"b", b"c"])},
    ],
)  # fmt: skip
def test_a_set_of_the_right_checksum_that_holds_something_else_is_refused(
    arrays: dict[str, Any], tmp_path: Path
) -> None:
    find_labeled(labeled(tmp_path), tmp_path)
    refused(labeled(tmp_path, **arrays), tmp_path)


@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_set_with_a_checksum_that_fits_is_read_or_refused(
    data: st.DataObject, tmp_path: Path
) -> None:
    labeled(tmp_path)
    path = tmp_path / "own.npz"
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw)
    with may_refuse(DataError, path):
        x, y = find_labeled(card_for(path), tmp_path)
        assert (x.shape, x.dtype, y.shape, y.dtype) == ((3, 20), np.int8, (3,), np.uint8)
        assert y.max() < 3


ODD = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2)
)


@given(
    entry=st.fixed_dictionaries({}, optional=dict.fromkeys(("file", "sha256", "every", "clips"), ODD)) | ODD,
    classes=ODD,
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_entry_of_a_card_is_used_or_refused(entry: Any, classes: Any, tmp_path: Path) -> None:
    card = labeled(tmp_path)
    changed = {**card["labelled"], **entry} if isinstance(entry, dict) else entry
    with may_refuse(DataError):
        find_labeled({"labelled": changed, "classes": classes}, tmp_path)


@pytest.mark.parametrize(
    "odd", [name for name in ODD_FILES if not name.startswith(("below", "name", "long"))]
)
def test_a_set_that_is_no_file_is_passed_over(odd: str, tmp_path: Path) -> None:
    card = labeled(tmp_path)
    (tmp_path / "own.npz").unlink()
    made = ODD_FILES[odd](tmp_path)
    if made.parent == tmp_path and odd != "missing":
        card["labelled"]["file"] = made.name
    with pytest.raises(LabeledSetMissing):
        find_labeled(card, tmp_path)


@pytest.mark.parametrize("home", ["~nosuchuser/data", "a\udcff/~"])
def test_a_home_of_data_that_cannot_be_is_named(
    home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = labeled(tmp_path)
    monkeypatch.setenv("REDS_DATA", home)
    with pytest.raises(DataError) as caught:
        find_labeled(card, tmp_path / "elsewhere")
    assert str(caught.value).isprintable()
