"""Images from their official files and from sheets: the same ones, checked, split, augmented."""

import gzip
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from reds.data.catalog import SETS
from reds.data.cifar10 import load_cifar10
from reds.data.contact_sheets import load_contact_sheets
from reds.data.examples import Examples
from reds.data.fashion_mnist import FILES, load_fashion_mnist
from reds.data.images import Images, split, to_int8
from reds.data.local_files import sha256_of
from reds.data.options import AugmentationOptions, DataOptions
from reds.errors import DataError
from tests.reds.support.pictures import binary, idx, sheets, shipped

QUIET = Console(quiet=True)
FASHION = SETS["fashion-mnist"]


def same(one: Images, two: Images) -> None:
    for name in (field.name for field in fields(Images) if field.name != "files"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def colored(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Shipped pictures on 32 x 32 x 3, each plane another picture."""
    x = np.pad(shipped().train_x[: 3 * n, ..., 0], ((0, 0), (2, 2), (2, 2)))
    return np.stack([x[:n], x[n : 2 * n], x[2 * n :]], -1), shipped().train_y[:n]


def test_fashion_mnist_from_its_official_files(tmp_path: Path) -> None:
    official = tmp_path / "official"
    official.mkdir()
    sums = idx(official, shipped(), list(FILES))
    loaded = load_fashion_mnist(tmp_path, QUIET, official.as_uri(), sums)
    same(loaded, shipped())
    assert loaded.files == sums
    again = load_fashion_mnist(tmp_path, QUIET, "http://127.0.0.1:9", sums)  # cached
    same(again, loaded)


def test_cifar10_from_its_official_archive(tmp_path: Path) -> None:
    (tmp_path / "official").mkdir()
    archive, (x, y) = tmp_path / "official" / "tiny.tar.gz", colored()
    loaded = load_cifar10(tmp_path, QUIET, archive.as_uri(), binary(archive, x, y))
    same(loaded, Images(x[:50], y[:50], x[50:], y[50:], {}))


def test_sheets_hold_the_same_pictures_in_the_official_order(tmp_path: Path) -> None:
    x, y = colored()
    mixed = np.random.default_rng(0).permutation(50)
    a, b = mixed[:20], mixed[20:]
    files = {
        "a.npz": sheets(tmp_path / "a.npz", a, train_x=x[a], train_y=y[a], test_x=x[50:], test_y=y[50:]),
        "b.npz": sheets(tmp_path / "b.npz", b, train_x=x[b], train_y=y[b]),
    }
    same(load_contact_sheets(tmp_path, files), Images(x[:50], y[:50], x[50:], y[50:], {}))


def test_files_that_are_missing_damaged_or_unreachable_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.npz.*REDS_DATA"):
        load_contact_sheets(tmp_path, {"a.npz": ""})
    (tmp_path / "a.npz").write_bytes(b"other")
    with pytest.raises(DataError, match=r"a\.npz.*sha256.* 00"):
        load_contact_sheets(tmp_path, {"a.npz": "00"})
    for load in (load_fashion_mnist, load_cifar10):
        with pytest.raises(DataError, match=r"http://127.0.0.1:9"):
            load(tmp_path, QUIET, "http://127.0.0.1:9/x.tar.gz")
        assert not list(tmp_path.rglob("*.gz"))
    wrong = tmp_path / "fashion-mnist" / next(iter(FILES))
    wrong.write_bytes(b"other")
    with pytest.raises(DataError, match="sha256"):
        load_fashion_mnist(tmp_path, QUIET)


@pytest.mark.parametrize("data", [b"\0\0\x08\x03\0\0", b"", b"\0\0\x08\x01\0\0\0\x05abc"])
def test_files_without_pictures_are_refused(data: bytes, tmp_path: Path) -> None:
    pictures, official = shipped(), tmp_path / "official"
    official.mkdir()
    idx(official, pictures, list(FILES))
    (official / next(iter(FILES))).write_bytes(gzip.compress(data))
    sums = {name: sha256_of(official / name) for name in FILES}
    with pytest.raises(DataError, match=r"train-images"):
        load_fashion_mnist(tmp_path, QUIET, official.as_uri(), sums)


@given(st.integers(0, 2**31 - 1))
@settings(max_examples=10)
def test_validation_is_cut_from_every_class_of_the_training_pictures(seed: int) -> None:
    pictures = shipped()
    data, again = (split(FASHION, pictures, seed) for _ in range(2))
    np.testing.assert_array_equal(data.validation_x, again.validation_x)
    assert f"seed {seed}" in data.split
    whole = np.concatenate([data.train_x[0], data.validation_x])
    assert sorted(x.tobytes() for x in whole) == sorted(x.tobytes() for x in to_int8(pictures.train_x))
    counts, held = np.bincount(pictures.train_y), np.bincount(data.validation_y)
    assert list(held) == [round(0.05 * n) for n in counts]
    np.testing.assert_array_equal(data.test_x, to_int8(pictures.test_x))


def test_pixels_are_stored_in_order_within_the_limits() -> None:
    x = to_int8(np.arange(256, dtype=np.uint8))
    assert (x[0], x[1], x[2], x[128], x[255]) == (-127, -127, -126, 0, 127)
    assert FASHION.real(x[:1]) == 0


def examples(rows: int, columns: int, flip: bool) -> Examples:
    which = DataOptions(set="fashion-mnist", source="auto", every=1, balanced=False)
    how = AugmentationOptions(shift_rows=rows, shift_columns=columns, flip=flip, mixup=0.0)
    return Examples(split(FASHION, shipped(), 0), which, how)


def test_pictures_are_shifted_and_flipped_and_nothing_else() -> None:
    drawn, generator = examples(2, 1, True), torch.Generator().manual_seed(0)
    batch = torch.arange(200)
    x, target = drawn.augmented(batch, generator)
    plain = split(FASHION, shipped(), 0)
    assert torch.equal(target.argmax(1), torch.from_numpy(plain.train_y[:200].astype(np.int64)))
    padded = np.pad(FASHION.real(plain.train_x[0, :200, ..., 0]), ((0, 0), (2, 2), (1, 1)), "edge")
    seen = set()
    for one, source in zip(x.reshape(-1, 28, 28).numpy(), padded, strict=True):
        places = [(i, j, f) for i in range(5) for j in range(3) for f in (1, -1)]
        fits = [p for p in places if (source[p[0] : p[0] + 28, p[1] : p[1] + 28][:, :: p[2]] == one).all()]
        assert fits
        seen.add(fits[0])
    assert len(seen) > 25
    same_again, _ = examples(0, 0, False).augmented(batch, generator)
    np.testing.assert_array_equal(same_again.reshape(200, 28, 28), padded[:, 2:-2, 1:-1])


def test_an_epoch_that_is_not_balanced_draws_every_example_once() -> None:
    drawn = torch.cat(list(examples(0, 0, False).batches(7, torch.Generator().manual_seed(0))))
    assert len(set(drawn.tolist())) == len(drawn) == 665
