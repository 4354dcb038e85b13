"""Test examples that were trained on: counted, said and in the card, and no others."""

from pathlib import Path

import numpy as np
from PIL import Image

from reds import Dataset
from reds.data.user_files import load_user_data

X = np.random.default_rng(0).normal(0, 1, (30, 2, 3, 4)).astype(np.float32)
Y = np.repeat(np.arange(3), 10)


def test_no_note_without_a_leak() -> None:
    assert Dataset.split(X, Y).stored("mine").notes == ()


def test_identical_examples_of_two_parts_are_counted() -> None:
    test_x, test_y = X[::10] + 1, Y[::10].copy()
    test_x[:2], test_y[1] = X[[3, 4]], 1
    notes = Dataset((X, Y), (test_x, np.array([0, 1, 2])), (X[::10], Y[::10])).stored("mine").notes
    assert len(notes) == 2
    assert notes[0].startswith("2 of 3 test examples are training examples too, bit for bit, 1 of them with")
    assert notes[1].startswith("3 of 3 validation examples are training examples too, bit for bit: remove")


def test_examples_that_differ_in_one_bit_are_no_leak() -> None:
    assert Dataset((X, Y), (np.nextafter(X, np.float32(9)), Y)).stored("mine").notes == ()


def test_a_copied_picture_is_found_whatever_its_name(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for part in ("train", "test"):
        for name in ("heads", "tails"):
            (tmp_path / part / name).mkdir(parents=True)
            for i in range(4):
                pixels = rng.integers(0, 256, (6, 4, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / part / name / f"{i}.png")
    copied = (tmp_path / "train" / "heads" / "0.png").read_bytes()
    (tmp_path / "test" / "heads" / "3.png").write_bytes(copied)
    (note,) = load_user_data(tmp_path, 0).notes
    assert note.startswith("1 of 8 test examples are training examples too")
