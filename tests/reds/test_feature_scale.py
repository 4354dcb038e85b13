"""A user's features as int8: none is lost in silence, and int8 and training both bear their scale."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.data.catalog import Data
from reds.data.checks import Part, RawData
from reds.data.feature_scale import choose_storage
from reds.data.images import to_int8
from reds.data.user_files import to_data
from reds.errors import DataError
from reds.pack.scale import range_scale

RNG = np.random.default_rng(0)
NORMAL = RNG.normal(size=(400, 1, 1, 8)).astype(np.float32)


def changed(x: np.ndarray, unit: int, values: Any, rows: Any = slice(None)) -> np.ndarray:
    """The features with one unit replaced, in some of the examples."""
    x = x.copy()
    x[rows, ..., unit] = values
    return x


def distinct(x: np.ndarray) -> list[int]:
    """The number of int8 values that each unit is stored as."""
    stored = choose_storage("x", x).to_int8(x)
    return [len(np.unique(stored[..., unit])) for unit in range(x.shape[-1])]


@pytest.mark.parametrize("sentinel", [-99999, -999.0, 9999, 1e6, np.float32(-32768)])
@pytest.mark.parametrize("rows", [[5], slice(0, 40)], ids=["one", "a tenth"])
def test_a_sentinel_leaves_a_feature_its_steps_and_is_named(sentinel: float, rows: Any) -> None:
    x = changed(NORMAL, 3, sentinel, rows)
    storage = choose_storage("mine.npz", x)
    assert min(distinct(x)) > 60
    (note,) = storage.notes
    assert "unit 3" in note
    assert "mine.npz" in note
    assert f"{sentinel:g}" in note
    stored = storage.to_int8(x)[..., 3].ravel()
    others = np.delete(stored, rows)
    assert (stored[rows] >= others.max()).all() if sentinel > 0 else (stored[rows] <= others.min()).all()


def test_a_feature_of_mostly_one_value_survives_a_sentinel() -> None:
    values = np.where(np.arange(400) % 5 == 0, RNG.normal(size=400), 0.0)
    x = changed(NORMAL, 3, values[:, None, None])
    assert min(distinct(changed(x, 3, -99999, [7]))) > 40


@pytest.mark.parametrize("factor", [1e-5, 1e-3, 1e3, 1e5])
def test_features_of_unlike_units_are_kept_apart(factor: float) -> None:
    assert min(distinct(changed(NORMAL, 7, factor * NORMAL[..., 7]))) > 60
    offset = 1e6 if factor < 1e5 else 0
    x = NORMAL.astype(np.float64)
    assert min(distinct(changed(x, 7, offset + factor * x[..., 7]))) > 60


def test_channels_of_images_are_kept_apart() -> None:
    x = RNG.uniform(0, 1, (40, 6, 5, 3)) * np.array([1, 1e4, 1e-4])
    assert min(distinct(x)) > 100


def test_features_far_from_zero_are_centered_and_padding_means_the_mean() -> None:
    x = (80 + 13 * RNG.normal(size=(200, 9, 4, 1))).astype(np.float32)
    storage = choose_storage("x", x)
    ((mean,), (deviation,)) = storage.standardization.mean, storage.standardization.deviation
    assert mean == pytest.approx(80, abs=1)
    assert deviation == pytest.approx(13, abs=1)
    stored = storage.to_int8(x)
    assert int(stored.max()) - int(stored.min()) > 240
    assert storage.to_int8(np.full((1, 1, 1, 1), mean)) == storage.zero
    assert deviation * storage.scale < 0.8 * range_scale(0, float(x.max())).scale


@pytest.mark.parametrize("factor", [1e-6, 1e5])
def test_features_all_small_or_all_large_are_brought_to_deviations_near_one(factor: float) -> None:
    storage = choose_storage("x", factor * NORMAL)
    z = storage.scale * (storage.to_int8(factor * NORMAL).astype(float) - storage.zero)
    assert 0.5 < z.std() < 1.5
    assert min(distinct(factor * NORMAL)) > 60


@pytest.mark.parametrize(
    "x",
    [NORMAL, RNG.uniform(0, 1, (50, 8, 8, 3)).astype(np.float32), RNG.uniform(0, 255, (50, 8, 8, 1))],
    ids=["normal", "0 to 1", "0 to 255"],
)
def test_features_of_a_sane_scale_are_stored_as_they_are(x: np.ndarray) -> None:
    storage = choose_storage("x", x)
    low, high = np.percentile(x.astype(np.float32), (0.01, 99.99))
    plain = range_scale(min(float(low), 0), max(float(high), 0))
    assert not storage.standardization.mean
    assert not storage.notes
    assert (storage.scale, storage.zero) == (plain.scale, plain.zero)
    np.testing.assert_array_equal(storage.to_int8(x), plain.stored(x.astype(np.float32)))


def test_a_rare_one_among_zeros_does_not_take_the_steps_of_other_features() -> None:
    rare = np.zeros(400)
    rare[9] = 1
    x = changed(changed(NORMAL, 2, rare[:, None, None]), 5, 1000 * NORMAL[..., 5])
    counts = distinct(x)
    assert counts[2] == 2
    assert min(counts[:2] + counts[3:]) > 60


@pytest.mark.parametrize("values", [(0, 1), (0, 1, 2), (100, 101), (200, 210, 220), (0, 127)])
@pytest.mark.parametrize("shape", [(16,), (4, 5), (4, 5, 3)])
def test_bytes_of_a_small_range_are_numbers(values: tuple[int, ...], shape: tuple[int, ...]) -> None:
    x = np.uint8(values)[RNG.integers(0, len(values), (60, *(1, 1, *shape)[-3:]))]
    assert distinct(x) == [len(np.unique(x[..., unit])) for unit in range(x.shape[-1])]


def test_a_feature_of_0_and_1_beside_pixels_is_kept() -> None:
    x = RNG.integers(0, 256, (80, 1, 1, 5)).astype(np.uint8)
    assert distinct(changed(x, 3, RNG.integers(0, 2, (80, 1, 1))))[3] == 2


def test_pictures_are_pixels_though_a_corner_is_0_or_1() -> None:
    x = RNG.integers(0, 256, (80, 4, 4, 1)).astype(np.uint8)
    x[:, 0, 0] = RNG.integers(0, 2, (80, 1))
    storage = choose_storage("x", x)
    np.testing.assert_array_equal(storage.to_int8(x), to_int8(x))
    assert storage.scale == 1 / 64


@pytest.mark.parametrize("axis", [1, 2])
def test_a_row_or_column_that_would_become_one_value_is_refused_and_named(axis: int) -> None:
    x = RNG.normal(size=(50, 6, 6, 1))
    x[(slice(None),) * axis + (4,)] *= 1e5
    with pytest.raises(DataError, match=rf"^mine\.npz: {('row', 'column')[axis - 1]} 0 "):
        choose_storage("mine.npz", x)


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int64"])
def test_features_of_which_none_varies_are_refused(dtype: str) -> None:
    with pytest.raises(DataError, match=r"^mine\.npz: .*int8"):
        choose_storage("mine.npz", np.full((20, 1, 1, 4), 7, dtype))


def test_a_feature_of_which_most_values_stand_for_nothing_is_refused_and_named() -> None:
    with pytest.raises(DataError, match=r"^mine\.npz: unit 3 .* int8 would keep 2"):
        choose_storage("mine.npz", changed(NORMAL, 3, -99999, slice(0, 250)))


def test_a_constant_feature_is_stored_as_the_mean() -> None:
    x = changed(100 * NORMAL, 2, 5e4)
    storage = choose_storage("x", x)
    assert set(storage.to_int8(x)[..., 2].flat) == {storage.zero}


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    logs=st.lists(st.floats(-8, 4), min_size=1, max_size=5),
    offsets=st.lists(st.sampled_from([0.0, 1.0, 50.0, 1e3]), min_size=5, max_size=5),
    sentinels=st.integers(0, 3),
)
def test_whatever_the_units_every_varying_feature_keeps_many_values(
    seed: int, logs: list[float], offsets: list[float], sentinels: int
) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(200, 1, 1, len(logs)))
    x = (x + np.array(offsets[: len(logs)])) * 10.0 ** np.array(logs)
    for _ in range(sentinels):
        x[rng.integers(200), 0, 0, rng.integers(len(logs))] = -1e6
    assert min(distinct(x)) >= 20


def stored(x: np.ndarray) -> Data:
    y = np.arange(len(x)) % 2
    raw = RawData({"train": Part(x, y), "test": Part(x, y)}, ("a", "b"), "0" * 64, "mine.npz", "as given")
    return to_data(raw, "mine.npz", "mine", 0)


def test_the_data_set_holds_the_standardization_and_the_notes() -> None:
    data = stored(changed(NORMAL, 3, -99999, [5]))
    assert len(data.set.standardization.mean) == len(data.set.standardization.deviation) == 8
    assert len([note for note in data.notes if "-99999" in note]) == 1
    assert not any("unit" in note for note in stored(NORMAL).notes)
