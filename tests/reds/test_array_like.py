"""Arrays as users have them: each becomes an array of the same values, or a sentence says why it cannot."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import reds
from reds.errors import DataError, PackError
from reds.pack.array_like import array_of
from tests.support.nets import dense_model

X = np.random.default_rng(0).normal(0, 1, (30, 6)).astype(np.float32)
Y = np.repeat(np.arange(3), 10)
T = torch.from_numpy(X)


class Broken:
    """An array of a library that fails."""

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    "x",
    [
        X,
        X.tolist(),
        X.astype(">f4"),
        np.asfortranarray(X),
        np.ma.masked_array(X),
        np.ma.masked_array(X, mask=np.zeros_like(X)),
        T.clone().requires_grad_(),
        torch.complex(T, -T).conj().imag,
        list(T),
    ],
)
def test_an_array_keeps_its_values(x: Any) -> None:
    np.testing.assert_array_equal(array_of(x), X)
    assert type(array_of(x)) is np.ndarray


BAD: dict[str, Callable[[], Any]] = {
    "some values masked": lambda: np.ma.masked_array(X, mask=X > 1),
    "on meta": lambda: T.to("meta"),
    "sparse": lambda: T.to_sparse(),
    "quantized": lambda: T.to(torch.float8_e4m3fn),
    "ragged": lambda: [[1.0, 2.0], [3.0]],
    "a broken library": Broken,
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_array_is_refused_at_every_door(what: str, tmp_path: Path) -> None:
    bad = BAD[what]()
    reds.write(dense_model([6, 3], [[3]]), tmp_path / "a.reds")
    for door in (
        lambda: reds.Dataset((bad, Y), (X, Y)),
        lambda: reds.Dataset((X, Y), (X, bad)),
        lambda: reds.Dataset.split(X, Y, groups=bad),
        lambda: reds.Dataset.from_examples([(bad, 0), (bad, 1)], [(X[0], 0), (X[1], 1)]),
    ):
        with pytest.raises(DataError, match=r"Dataset.* (is no array|masks)"):
            door()
    with pytest.raises(PackError, match=r"a\.reds: features: "):
        reds.load(tmp_path / "a.reds").run(bad, subnet=0)


def test_a_pack_runs_on_bfloat16_as_on_the_same_floats(tmp_path: Path) -> None:
    reds.write(dense_model([6, 3], [[3]]), tmp_path / "a.reds")
    pack, half = reds.load(tmp_path / "a.reds"), T.bfloat16()
    np.testing.assert_array_equal(pack.run(half, subnet=0), pack.run(half.float(), subnet=0))


@pytest.mark.parametrize(
    ("call", "place"),
    [
        (lambda bad: reds.Dataset.split(X, Y, test=bad), "test"),
        (lambda bad: reds.Dataset.split(X, Y, validation=bad), "validation"),
        (lambda bad: reds.Dataset.split(X, Y, seed=bad), "seed"),
        (lambda bad: reds.Dataset((X, Y), (X, Y)).stored("a", seed=bad), "seed"),
        (lambda bad: reds.Dataset.read("nowhere", seed=bad), "seed"),
        (lambda bad: reds.Dataset.from_examples([], [], keys=bad and (bad,)), "keys"),
    ],
)
@pytest.mark.parametrize("bad", ["1", None, -1, 1.5])
def test_an_argument_of_another_type_is_named(call: Callable[[Any], object], place: str, bad: Any) -> None:
    if place == "keys" and bad is None:
        bad = ""
    with pytest.raises(DataError, match=rf"^Dataset.*{place} (is|are) "):
        call("x" if bad == "" else bad)


@pytest.mark.parametrize("path", [None, 3, b"a"])
def test_a_path_of_another_type_is_refused(path: Any) -> None:
    with pytest.raises(DataError, match=r"^Dataset\.read: path is "):
        reds.Dataset.read(path)
