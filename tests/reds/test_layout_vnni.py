"""Weights in the x86 layout mean the same numbers, for every subnet."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds import pack
from reds.pack.format import HEADER, LAYER
from reds.pack.interpreter.sliding import windows
from reds.pack.layouts import LAYOUTS, Layout
from reds.pack.model import IntegerLayer, Kind, Step
from tests.support.nets import Maker

VNNI = LAYOUTS[6]


def seen(layer: IntegerLayer, step: Step, x: np.ndarray, zero: int) -> np.ndarray:
    """Return the values of each window as x + 128: [windows, quads, 4], in the order of the weights."""
    full = layer.weights.shape[1] // layer.taps
    raw = windows(layer, x, zero)[0].astype(int) + 128
    raw = raw.reshape(-1, *raw.shape[2:])  # [windows, units, kernel rows, kernel columns]
    block = min(4, full)
    spare = (full if full < 4 else -(-step.units_in // 4) * 4) - step.units_in
    units = np.pad(raw, ((0, 0), (0, spare), (0, 0), (0, 0)))
    blocks = units.reshape(len(raw), -1, block, *layer.kernel).transpose(0, 1, 3, 4, 2)
    lines = blocks.reshape(*blocks.shape[:3], -1)
    return np.pad(lines, ((0, 0), (0, 0), (0, 0), (0, -lines.shape[-1] % 4))).reshape(len(raw), -1, 4)


@settings(max_examples=60)
@given(
    units=st.tuples(st.integers(1, 9), st.integers(1, 40)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    part=st.integers(1, 3),
    seed=st.integers(0, 999),
)
def test_panels_and_tables_give_the_sums(
    units: tuple[int, int], kernel: tuple[int, int], part: int, seed: int
) -> None:
    """A prefix of each panel against x + 128, with the table's last biases, is the sum with the model's."""
    maker = Maker(4, 5, 3, seed)
    maker.add(Kind.CONV, units[0])
    maker.add(Kind.CONV, units[1], kernel, padding=(0, kernel[1] - 1, 0, 0))
    model = maker.build([[max(1, n * part // 3) for n in units]])
    layer, step = model.layers[1], model.subnets[0].steps[1]
    x = np.random.default_rng(seed).integers(-127, 128, (1, 4, 5, step.units_in)).astype(np.int8)
    inputs = seen(layer, step, x, zero=7)
    panels = np.frombuffer(VNNI.weights(layer), np.int8).reshape(-(-units[1] // 16), -1, 16, 4)
    rows = np.concatenate(panels[:, : inputs.shape[1]].transpose(0, 2, 1, 3))[: step.units_out]
    table = np.frombuffer(VNNI.table(layer, step), "<i4").reshape(3, -1)[:, : step.units_out]
    assert np.array_equal(table[:2], [step.bias, step.multiplier])
    sums = np.einsum("wqi,rqi->wr", inputs, rows.astype(int)) + table[2]
    taps = windows(layer, x, 7)[0].astype(int).transpose(0, 1, 3, 4, 2).reshape(len(sums), layer.taps, -1)
    kernels = layer.weights.reshape(units[1], layer.taps, -1)[: step.units_out, :, : step.units_in]
    assert np.array_equal(sums, np.einsum("wti,rti->wr", taps, kernels.astype(int)) + step.bias)


def test_rows_of_a_depthwise_kernel_of_3_x_3_stand_by_four() -> None:
    maker = Maker(5, 5, 2)
    maker.add(Kind.DEPTHWISE, 0, (3, 3))
    layer = maker.build([[]]).layers[0]
    quads = np.frombuffer(VNNI.weights(layer), np.int8).reshape(3, 16, 4)
    assert np.array_equal(quads[:, :2, :3], layer.weights.reshape(2, 3, 3).transpose(1, 0, 2))
    assert not quads[..., 3].any()


def test_depthwise_taps_stand_by_four() -> None:
    maker = Maker(3, 3, 2)
    maker.add(Kind.DEPTHWISE, 0, (1, 3))
    model = maker.build([[]])
    layer, step = model.layers[0], model.subnets[0].steps[0]
    quads = np.frombuffer(VNNI.weights(layer), np.int8).reshape(1, 16, 4)
    assert np.array_equal(quads[0, :2, :3], layer.weights)
    assert not quads[0, 2:].any()
    assert not quads[..., 3].any()
    bias = np.frombuffer(VNNI.table(layer, step), "<i4").reshape(3, -1)[2, :2]
    assert np.array_equal(bias, step.bias - 128 * layer.weights.sum(axis=1))


def test_each_group_has_panels_of_its_own() -> None:
    maker = Maker(5, 5, 8)
    maker.add(Kind.GROUPED, 6, (3, 3), groups=2)
    layer = maker.build([[6]]).layers[0]
    panels = np.frombuffer(VNNI.weights(layer), np.int8).reshape(2, 9, 16, 4)
    assert np.array_equal(panels[:, :, :3], layer.weights.reshape(2, 3, 9, 4).transpose(0, 2, 1, 3))
    assert not panels[:, :, 3:].any()


@pytest.mark.parametrize(
    ("units", "kind", "options", "refusal"),
    [
        (8, Kind.GROUPED, {"groups": 2}, ""),
        (12, Kind.GROUPED, {"groups": 2}, "a grouped layer whose groups read 6 units each"),
        (4, Kind.CONV, {"dilation": (2, 1)}, ""),
        (3, Kind.CONV, {"dilation": (2, 1)}, "a dilated conv layer that reads fewer than 4 units"),
        (3, Kind.MAX_POOL, {"padding": (1, 1, 1, 1)}, ""),
    ],
)
def test_layers_without_a_kernel_are_refused(
    units: int, kind: Kind, options: dict[str, Any], refusal: str
) -> None:
    maker = Maker(9, 9, units)
    maker.add(kind, 12 if kind is not Kind.MAX_POOL else 0, (3, 3), **options)
    assert VNNI.refusal(maker.layers[0], maker.tensors[:1]).startswith(refusal)
    assert bool(VNNI.refusal(maker.layers[0], maker.tensors[:1])) == bool(refusal)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda layout: layout.name)
def test_weights_are_aligned_for_their_kernels(layout: Layout) -> None:
    maker = Maker(4, 4, 5)
    maker.add(Kind.CONV, 7, (3, 3))
    maker.add(Kind.CONV, 3)
    data = pack.dumps(maker.build([[2, 3], [7, 3]]), [layout, layout])
    layers_at = HEADER.unpack_from(data)[9]
    places = [LAYER.unpack_from(data, layers_at + i * LAYER.size)[19] for i in range(2)]
    assert all(places)
    assert not any(at % layout.alignment for at in places)
