"""What a layout writes means the same numbers."""

import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.pack.layouts import LAYOUTS
from reds.pack.model import IntegerLayer, Kind, Step
from tests.support.nets import Maker, dense_model

RADIX = LAYOUTS[4]


def halves(word: int) -> tuple[int, int]:
    """The signed halfwords of a word, low first."""
    low, high = struct.unpack("<hh", struct.pack("<I", word))
    return low, high


def low_byte(half: int) -> int:
    return ((half + 128) & 0xFF) - 128


def radix_sum(layer: IntegerLayer, row: int, x: np.ndarray) -> int:
    """256 * sum(w * x) of one row the way a kernel computes it from the words."""
    quads = (layer.weights.shape[1] + 3) // 4
    words = np.frombuffer(RADIX.weights(layer), "<u4").reshape(-1, quads, 4)[row // 4, :, row % 4]
    x = np.pad(x.astype(int), (0, -len(x) % 4)).reshape(-1, 4)
    total = 0
    for word, (x0, x1, x2, x3) in zip(words.tolist(), x.tolist(), strict=False):
        a, b = halves(word)
        total += a * x1 + b * x3 + low_byte(a) * (256 * x0 - x1) + low_byte(b) * (256 * x2 - x3)
    return total


@settings(max_examples=60)
@given(n_in=st.integers(1, 30), n_out=st.integers(1, 9), seed=st.integers(0, 999), extreme=st.booleans())
def test_radix_words_give_256_times_the_sum(n_in: int, n_out: int, seed: int, extreme: bool) -> None:
    layer = dense_model([n_in, n_out], [[n_out]], seed, extreme=extreme).layers[0]
    x = np.random.default_rng(seed).integers(-127, 128, n_in)
    for row in range(n_out):
        assert radix_sum(layer, row, x) == 256 * int(layer.weights[row].astype(int) @ x)


@pytest.mark.parametrize("fan_in", [500, 520, 521, 600])
def test_rows_are_plain_exactly_where_the_sum_may_pass_int32(fan_in: int) -> None:
    weights = np.full((4, fan_in), 127, np.int8)
    layer = dense_model([fan_in, 4], [[4]]).layers[0]
    layer.weights[:] = weights
    step = Step(0, fan_in, 4, np.zeros(4, np.int32), np.full(4, 256, np.int32), -127)
    fits = 256 * fan_in * 127 * 127 < 1 << 31
    assert RADIX.plain(layer, step) == (b"" if fits else b"\x01")


@settings(max_examples=60)
@given(seed=st.integers(0, 999), rows=st.integers(1, 9), lift=st.integers(0, 8))
def test_radix_tables_hold_a_row_in_a_word(seed: int, rows: int, lift: int) -> None:
    model = dense_model([8, rows], [[rows]], seed)
    layer, step = model.layers[0], model.subnets[0].steps[0]
    step = replace(step, bias=(step.bias >> 2) << lift)
    data = RADIX.table(layer, step)
    bias, multiplier = np.frombuffer(data, "<i2", offset=4).reshape(-1, 2).astype(np.int64).T
    assert len(bias) == -(-rows // 4) * 4
    assert np.array_equal(bias[:rows] << data[0], step.bias.astype(np.int64) * 256)
    assert np.array_equal(multiplier[:rows] << (24 - data[1]), step.multiplier)


def test_all_rows_are_plain_where_256_times_the_largest_bias_may_pass_int32() -> None:
    """The shift is the step's, so that rows of small biases have it too."""
    layer = dense_model([8, 8], [[8]]).layers[0]
    for shift, plain in ((8, b""), (9, b"\x01\x01")):
        bias = np.repeat(np.array([32_001, 1], np.int32) << shift, 4)
        assert RADIX.plain(layer, Step(0, 8, 8, bias, np.full(8, 256, np.int32), -127)) == plain


def test_rows_of_a_convolution_are_plain_where_its_outputs_may_leave_16_bits() -> None:
    maker = Maker(2, 2, 8)
    maker.add(Kind.CONV, 8)
    layer = maker.build([[8]]).layers[0]
    layer.weights[:] = 127
    reach = 8 * 127 * 127
    for outputs, plain in ((32_500, b""), (32_600, b"\x01\x00")):
        multiplier = np.full(8, 256, np.int32)
        multiplier[0] = (outputs << 32) // reach // 32768 * 32768
        step = Step(0, 8, 8, np.zeros(8, np.int32), multiplier, 0)
        assert RADIX.plain(layer, step) == plain
        dense = replace(layer, kind=Kind.DENSE)
        assert RADIX.plain(dense, step) == b""


def test_convolution_reads_the_same_units_of_all_taps_side_by_side() -> None:
    """Fewer units in are a prefix of each group, also where the full number is no multiple of four."""
    maker = Maker(4, 4, 6)
    maker.add(Kind.CONV, 5, (2, 2))
    layer = maker.build([[5]]).layers[0]
    words = np.frombuffer(RADIX.weights(layer), "<u4").reshape(2, 2, 4, 4)  # group, units / 4, tap, row
    for unit, tap, row in ((0, 3, 4), (2, 0, 1), (4, 2, 3)):
        word = int(words[row // 4, unit // 4, tap, row % 4])
        assert low_byte(halves(word)[unit % 4 // 2]) == layer.weights[row, 6 * tap + unit]
    assert not words[:, 1, :, :].astype(np.int64).__rshift__(16).any(), "units 6 and 7 are padding"


def test_plain_is_decided_by_what_the_subnet_reads() -> None:
    """The same row is plain in the full net, and not in a subnet with half of its inputs."""
    layer = dense_model([800, 4], [[4]]).layers[0]
    layer.weights[:] = 127
    tables = (np.zeros(4, np.int32), np.zeros(4, np.int32))
    assert RADIX.plain(layer, Step(0, 800, 4, *tables, -127)) == b"\x01"
    assert RADIX.plain(layer, Step(0, 400, 4, *tables, -127)) == b""


@settings(max_examples=60)
@given(n_in=st.integers(1, 30), n_out=st.integers(1, 40), seed=st.integers(0, 999))
def test_neon_panels_hold_blocks_of_four_rows_by_four_inputs(n_in: int, n_out: int, seed: int) -> None:
    layer = dense_model([n_in, n_out], [[n_out]], seed).layers[0]
    left, panels = np.frombuffer(LAYOUTS[5].weights(layer), np.int8), []
    for first in range(0, n_out, 16):
        groups, quads = min(4, -(-(n_out - first) // 4)), -(-n_in // 4)
        panel, left = np.split(left, [16 * groups * quads])
        panels.append(panel.reshape(quads, groups, 4, 4).transpose(1, 2, 0, 3).reshape(4 * groups, -1))
    rows = np.concatenate(panels)
    assert not len(left)
    assert np.array_equal(rows[:n_out, :n_in], layer.weights)
    assert not rows[n_out:].any()
    assert not rows[:, n_in:].any()
