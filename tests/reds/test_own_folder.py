"""A user's own folders of pictures: read whole, or refused with the file and what to do."""

import io
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from reds.data.image_file import decode
from reds.data.images import to_int8
from reds.data.user_files import load_user_data
from reds.errors import DataError


def picture(path: Path, seed: int, mode: str = "RGB", size: tuple[int, int] = (6, 4)) -> np.ndarray:
    """A random picture of `size`, wide and high, written without loss; its pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3)).astype(np.uint8)
    image = Image.fromarray(pixels).convert(mode)
    image.save(path)
    return np.asarray(image).reshape(*size[::-1], -1)


def pictures(
    folder: Path, parts: tuple[str, ...], per_class: int = 10, mode: str = "RGB"
) -> dict[str, np.ndarray]:
    """`per_class` pictures of two classes for every part, by the path of each."""
    return {
        f"{part}/{name}/{i}.png": picture(folder / part / name / f"{i}.png", 100 * p + 50 * c + i, mode)
        for p, part in enumerate(parts)
        for c, name in enumerate(("heads", "tails"))
        for i in range(per_class)
    }


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_folders_named_as_parts_become_the_parts(mode: str, tmp_path: Path) -> None:
    made = pictures(tmp_path / "mine", ("train", "test", "validation"), mode=mode)
    (tmp_path / "mine" / ".DS_Store").write_bytes(b"hidden")
    data = load_user_data(tmp_path / "mine", 0)
    assert (data.set.name, data.set.classes) == ("mine", ("heads", "tails"))
    assert data.set.shape == (4, 6, 3 if mode == "RGB" else 1)
    assert data.split == "test part as given; validation part as given"
    for part, x, y in (("train", data.train_x[0], data.train_y), ("test", data.test_x, data.test_y),
                       ("validation", data.validation_x, data.validation_y)):  # fmt: skip
        wanted = {
            to_int8(one).tobytes(): key.split("/")[1] for key, one in made.items() if key.startswith(part)
        }
        assert {one.tobytes(): data.set.classes[label] for one, label in zip(x, y, strict=True)} == wanted


def test_a_test_part_is_cut_from_folders_of_classes(tmp_path: Path) -> None:
    made = pictures(tmp_path, ("mine",), per_class=20)
    one, other = load_user_data(tmp_path / "mine", 0), load_user_data(tmp_path / "mine", 1)
    np.testing.assert_array_equal(one.test_x, other.test_x)
    assert list(np.bincount(one.test_y)) == [4, 4]
    assert list(np.bincount(one.validation_y)) == [2, 2]
    whole = [x.tobytes() for x in (*one.train_x[0], *one.validation_x, *one.test_x)]
    assert sorted(whole) == sorted(to_int8(x).tobytes() for x in made.values())
    assert one.split.startswith("20% of every class test, drawn with seed 0; 10% of every class")


def test_gray_pictures_among_colored_ones_have_three_equal_units(tmp_path: Path) -> None:
    pictures(tmp_path / "mine", ("train", "test"))
    gray = picture(tmp_path / "mine" / "train" / "heads" / "0.png", 7, "L")
    data = load_user_data(tmp_path / "mine", 0)
    assert to_int8(np.repeat(gray, 3, 2)).tobytes() in {
        x.tobytes() for x in (*data.train_x[0], *data.validation_x)
    }


def test_the_checksum_of_a_folder_is_of_names_and_bytes(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    pictures(folder, ("train", "test"))
    sums = [load_user_data(folder, 0).files["mine"]]
    (folder / "train" / "heads" / "9.png").rename(folder / "train" / "heads" / "99.png")
    sums.append(load_user_data(folder, 0).files["mine"])
    picture(folder / "train" / "heads" / "99.png", 1234)
    sums.append(load_user_data(folder, 0).files["mine"])
    assert len(set(sums)) == 3


def test_names_of_another_encoding_are_taken_of_pictures_and_refused_of_classes(tmp_path: Path) -> None:
    pictures(tmp_path / "mine", ("train", "test"))
    first = tmp_path / "mine" / "train" / "heads" / "0.png"
    first.rename(os.fsdecode(bytes(first.parent) + b"/caf\xe9.png"))
    load_user_data(tmp_path / "mine", 0)
    first.parent.rename(os.fsdecode(bytes(first.parent.parent) + b"/caf\xe9"))
    with pytest.raises(DataError, match=r"mine/train.*'caf\\udce9'"):
        load_user_data(tmp_path / "mine", 0)


def odd_size(folder: Path) -> Path:
    picture(folder / "train" / "tails" / "3.png", 1, size=(4, 6))
    return folder / "train" / "tails" / "3.png"


def damaged(folder: Path) -> Path:
    path = folder / "test" / "tails" / "3.png"
    path.write_bytes(path.read_bytes()[:60])
    return path


def text(folder: Path) -> Path:
    (folder / "test" / "tails" / "notes.txt").write_text("hello")
    return folder / "test" / "tails" / "notes.txt"


def deep(folder: Path) -> Path:
    Image.fromarray(np.zeros((4, 6), np.uint16)).save(folder / "train" / "tails" / "3.png")
    return folder / "train" / "tails" / "3.png"


def nested(folder: Path) -> Path:
    (folder / "train" / "tails" / "more").mkdir()
    return folder / "train" / "tails" / "more"


def stray(folder: Path) -> Path:
    picture(folder / "0.png", 0)
    return folder / "0.png"


def empty(folder: Path) -> Path:
    for part in ("train", "test"):
        (folder / part / "edge").mkdir()
    return folder / "train" / "edge"


def one_side(folder: Path) -> Path:
    picture(folder / "test" / "edge" / "0.png", 0)
    return folder / "test" / "edge"


def no_test(folder: Path) -> Path:
    (folder / "test").rename(folder / "tests")
    return folder


def one_class(folder: Path) -> Path:
    for part in ("train", "test"):
        (folder / part / "tails").rename(folder / f".{part}")
    return folder / "train"


@pytest.mark.parametrize(
    "harm",
    [odd_size, damaged, text, deep, nested, stray, empty, one_side, no_test, one_class],
)
def test_a_folder_that_is_not_usable_is_refused_with_its_place(harm: Any, tmp_path: Path) -> None:
    pictures(tmp_path / "mine", ("train", "test"), per_class=4)
    path = harm(tmp_path / "mine")
    with pytest.raises(DataError) as caught:
        load_user_data(tmp_path / "mine", 0)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_class_of_one_picture_cannot_be_cut(tmp_path: Path) -> None:
    pictures(tmp_path, ("mine",), per_class=1)
    with pytest.raises(DataError, match=r"mine.*class heads"):
        load_user_data(tmp_path / "mine", 0)


PNG = io.BytesIO()
Image.fromarray(np.arange(72, dtype=np.uint8).reshape(4, 6, 3)).save(PNG, "PNG")


@given(st.integers(0, len(PNG.getvalue()) - 1), st.integers(1, 255), st.booleans())
@settings(max_examples=100)
def test_damaged_pictures_give_pixels_or_one_line(at: int, flip: int, short: bool) -> None:
    data = bytearray(PNG.getvalue())
    data[at] ^= flip
    with suppress(DataError):
        assert decode(bytes(data[:at] if short else data), "a.png").dtype == np.uint8


@pytest.mark.parametrize(
    ("parts", "remedy"),
    [
        (("Train", "Test"), "rename Test to test, Train to train"),
        (("training", "testing"), "rename testing to test"),
        (("train", "test", "val"), "rename val to validation"),
    ],
)
def test_folders_named_much_like_parts_are_no_classes(
    parts: tuple[str, ...], remedy: str, tmp_path: Path
) -> None:
    pictures(tmp_path, parts, 1)
    with pytest.raises(DataError, match=remedy):
        load_user_data(tmp_path, 0)


@pytest.mark.parametrize("name", ["0.csv", "tails/notes.csv", "tails/hum.WAV"])
def test_a_file_of_another_kind_is_the_one_that_is_named(name: str, tmp_path: Path) -> None:
    pictures(tmp_path / "mine", ("train", "test"))
    odd = tmp_path / "mine" / "train" / (name if "/" in name else f"heads/{name}")
    odd.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=re.escape(f"{odd}: is one of")):
        load_user_data(tmp_path / "mine", 0)
