"""A user's own .npz: read whole, or refused with the file and what to do."""

import io
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from reds.data.catalog import SETS, Data
from reds.data.images import to_int8
from reds.data.local_files import sha256_of
from reds.data.npz import NEEDED, OPTIONAL
from reds.data.user_files import load_user_data
from reds.errors import DataError

CLASSES = ("cat", "dog", "owl")


def arrays(dtype: str = "float32", shape: tuple[int, ...] = (4, 3), per_class: int = 20) -> dict[str, Any]:
    """Examples of three classes, in the order of their classes."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), per_class)
    x = {part: rng.integers(0, 200, (len(y), *shape)).astype(dtype) for part in ("train", "test")}
    return {
        "train_x": x["train"],
        "train_y": y,
        "test_x": x["test"],
        "test_y": y,
        "classes": np.array(CLASSES),
    }


def written(path: Path, **changed: Any) -> Path:
    """The arrays as an .npz, some of them changed, or left out if they are None."""
    every = {**arrays(), **changed}
    np.savez(path, **{key: value for key, value in every.items() if value is not None})
    return path


def refused(path: Path, key: str) -> None:
    with pytest.raises(DataError) as caught:
        load_user_data(path, 0)
    assert str(caught.value).startswith(f"{path}")
    assert key in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_example_of_an_npz_is_in_one_part(tmp_path: Path) -> None:
    path = written(tmp_path / "mine.npz")
    data, of = load_user_data(path, 0), arrays()
    assert (data.set.name, data.set.shape, data.set.classes) == ("mine", (4, 3, 1), CLASSES)
    assert data.files == {"mine.npz": sha256_of(path)}
    assert data.set.labeled == 60
    step = data.set.scale
    for parts, name in (((data.train_x[0], data.validation_x), "train_x"), ((data.test_x,), "test_x")):
        real = np.concatenate([data.set.real(part) for part in parts])
        back = sorted(map(tuple, real.reshape(60, -1)))
        assert np.abs(np.array(back)[:, 0] - np.sort(of[name].reshape(60, -1)[:, 0])).max() <= step
    assert list(np.bincount(data.validation_y)) == [2, 2, 2]
    assert "10% of every class of the training part validate, seed 0" in data.split
    # The order of the test part is mixed, its labels with it.
    assert (data.test_y != of["test_y"]).any()
    first = {tuple(x.ravel().tolist()): y for x, y in zip(of["test_x"], of["test_y"], strict=True)}
    near = np.array(list(first))
    for x, y in zip(data.set.real(data.test_x), data.test_y, strict=True):
        assert first[tuple(near[np.abs(near - x.ravel()).max(1).argmin()].tolist())] == y


def test_a_validation_part_that_is_given_is_kept(tmp_path: Path) -> None:
    of = arrays("uint8")
    path = written(
        tmp_path / "mine.npz", **of, validation_x=of["test_x"][::2], validation_y=of["test_y"][::2]
    )
    data = load_user_data(path, 0)
    np.testing.assert_array_equal(data.train_x[0, ..., 0], to_int8(of["train_x"]))
    np.testing.assert_array_equal(data.validation_x[..., 0], to_int8(of["test_x"][::2]))
    np.testing.assert_array_equal(data.validation_y, of["test_y"][::2])
    assert data.split == "test part as given; validation part as given"


@pytest.mark.parametrize(("shape", "means"), [((7,), (1, 1, 7)), ((4, 3), (4, 3, 1)), ((4, 3, 2), (4, 3, 2))])
def test_features_are_stored_as_rows_columns_and_units(
    shape: tuple[int, ...], means: tuple[int, ...], tmp_path: Path
) -> None:
    of = arrays("uint8", shape)
    data = load_user_data(
        written(tmp_path / "mine.npz", **of, validation_x=of["train_x"], validation_y=of["train_y"]), 0
    )
    assert data.set.shape == means
    np.testing.assert_array_equal(data.train_x[0].ravel(), to_int8(of["train_x"]).ravel())


@given(
    dtype=st.sampled_from(["float32", "float64", "float16", "int8", "int16", "int64", "uint16", ">f4"]),
    low=st.floats(-50, 50),
    width=st.floats(1, 500),
)
@settings(max_examples=40)
def test_int8_is_within_half_a_step_of_most_values(
    dtype: str, low: float, width: float, tmp_path_factory: Any
) -> None:
    path = tmp_path_factory.mktemp("own") / "mine.npz"
    of = arrays()
    info = np.iinfo(dtype) if np.dtype(dtype).kind in "iu" else None
    for key in ("train_x", "test_x"):
        x = low + width * of[key] / 200
        of[key] = (np.clip(x, info.min, info.max) if info else x).astype(dtype)
    assume(of["train_x"].max() > of["train_x"].min())
    written(path, **of, validation_x=of["train_x"], validation_y=of["train_y"])
    data = load_user_data(path, 0)
    assert data.train_x.min() >= -127
    assert -127 <= data.set.zero <= 127
    assert data.set.real(np.int8([data.set.zero])) == 0
    z = data.set.standardization.apply(of["train_x"][..., None])
    error = np.abs(data.set.real(data.train_x[0]) - z)
    assert np.median(error) <= data.set.scale * 0.51
    assert error.max() <= data.set.scale * 1.2


def test_pixels_mean_64ths_around_their_median(tmp_path: Path) -> None:
    of = arrays("uint8")
    of["train_x"][:, :3] = 0
    data = load_user_data(written(tmp_path / "mine.npz", **of), 0)
    assert (data.set.scale, data.set.zero) == (1 / 64, -127)  # most of it is black
    of["train_x"][:, :3] = 130
    data = load_user_data(written(tmp_path / "mine.npz", **of), 0)
    assert data.set.zero == 2


def test_the_same_seed_holds_out_the_same_and_another_seed_others(tmp_path: Path) -> None:
    path = written(tmp_path / "mine.npz")
    one, same, other = (load_user_data(path, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.validation_x, same.validation_x)
    assert (one.validation_x != other.validation_x).any()
    np.testing.assert_array_equal(one.test_x, other.test_x)


def test_another_file_of_the_same_name_has_another_labeled_file(tmp_path: Path) -> None:
    names = {
        load_user_data(written(tmp_path / "kws12.npz", test_x=arrays()["test_x"] + i), 0).set.file
        for i in (0, 1)
    }
    assert len(names) == 2
    assert not names & {each.file for each in SETS.values()}


NAN = arrays()["train_x"].copy()
NAN[3, 2, 1] = np.nan


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"test_y": None}, "test_y"),
        ({"validation_x": NAN}, "validation_y"),
        ({"val_x": NAN}, "val_x"),
        ({"train_x": NAN}, "train_x"),
        ({"test_x": np.inf - NAN[:, :, :0]}, "test_x"),
        ({"train_x": np.full((60, 4, 3), 1e7, np.float32)}, "train_x"),
        ({"train_x": np.full((60, 4, 3), 5, np.float32)}, "int8"),
        ({"train_x": arrays()["train_x"].astype(str)}, "train_x"),
        ({"train_x": np.zeros(60)}, "train_x"),
        ({"train_x": np.float32(1)}, "train_x"),
        ({"test_x": arrays(shape=(3, 4))["test_x"]}, "test_x"),
        ({"test_x": arrays("uint8")["test_x"]}, "test_x"),
        ({"train_y": arrays()["train_y"][:-1]}, "train_y"),
        ({"train_y": arrays()["train_y"] + 0.5}, "train_y"),
        ({"train_y": arrays()["train_y"] + 1}, "train_y"),
        ({"train_y": arrays()["train_y"] - 1}, "train_y"),
        ({"train_y": arrays()["train_y"] + 1, "classes": None}, "train_y"),
        ({"train_y": arrays()["train_y"] * 200, "classes": None}, "train_y"),
        ({"test_y": arrays()["test_y"] // 2}, "owl"),
        ({"train_y": arrays()["train_y"] * 0, "classes": None}, "train_y"),
        ({"classes": np.array(["a", "a", "b"])}, "classes"),
        ({"classes": np.arange(3)}, "classes"),
        ({"classes": np.array(CLASSES, object)}, "holds object"),
        (
            {f"train_{key}": arrays()[f"train_{key}"][::20] for key in "xy"},
            "class cat",
        ),
    ],
)  # fmt: skip
def test_an_npz_that_is_not_usable_is_refused(changed: dict[str, Any], key: str, tmp_path: Path) -> None:
    refused(written(tmp_path / "mine.npz", **changed), key)


def test_a_file_that_is_not_an_npz_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    refused(path, "speech-commands")
    for content in (b"", b"PK\3\4 not a zip", b"text\n"):
        path.write_bytes(content)
        refused(path, "numpy.savez")
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    refused(path, "numpy.savez")


WHOLE = io.BytesIO()
np.savez_compressed(WHOLE, **arrays(per_class=4))


@given(at=st.integers(0, len(WHOLE.getvalue()) - 1), flip=st.integers(1, 255), short=st.booleans())
@settings(max_examples=150)
def test_damaged_bytes_give_the_same_data_or_one_line(
    at: int, flip: int, short: bool, tmp_path_factory: Any
) -> None:
    path, data = tmp_path_factory.mktemp("own") / "mine.npz", bytearray(WHOLE.getvalue())
    data[at] ^= flip
    path.write_bytes(data[:at] if short else data)
    with suppress(DataError):  # any other error fails
        loaded = load_user_data(path, 0)  # the byte was padding, a time or a flag
        assert not short
        assert loaded.set.shape == (4, 3, 1)
        assert len(loaded.test_x) == 12


ANY = nps.arrays(
    st.sampled_from(["u1", "i1", "i8", "f2", "f4", "f8", "c8", "?", "U2", "M8[s]"]),
    nps.array_shapes(min_dims=0, max_side=4),
)


@given(changed=st.fixed_dictionaries({}, optional=dict.fromkeys((*NEEDED, *OPTIONAL), ANY)))
@settings(max_examples=150)
def test_any_arrays_give_data_or_one_line(changed: dict[str, Any], tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("own") / "mine.npz"
    with suppress(DataError):  # any other error fails
        assert isinstance(load_user_data(written(path, **changed), 0), Data)


@pytest.mark.parametrize("name", ["mine.csv.gz", "mine.xlsx", "mine", "mine.npy"])
def test_a_file_of_another_kind_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"1,2\n")
    with pytest.raises(DataError, match=r"is no \.npz, \.csv or folder"):
        load_user_data(tmp_path / name, 0)
