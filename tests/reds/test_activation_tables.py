"""A table holds its function, and its bytes go where the function changes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reds.elastic.activations import activate
from reds.graph import Activation
from reds.pack.scale import range_scale
from reds.quantization.activation_tables import activation_table, output_ends, read_ends
from tests.reds.support.modern import ACTIVATIONS

SIGMOID = Activation("sigmoid")


@pytest.mark.parametrize("far", [8.0, 60.0, 1e3])
def test_a_saturated_end_takes_no_bytes(far: float) -> None:
    low, high = read_ends(SIGMOID, -far, far, 1 / 254)
    assert -7 < low < -4
    assert 4 < high < 7
    low, high = read_ends(Activation("hard_swish"), -far, 5.0, 5.4 / 254)
    assert low == pytest.approx(-3, abs=0.2)
    assert high > 4.8


def test_a_function_that_never_saturates_keeps_its_range() -> None:
    low, high = read_ends(Activation("leaky_relu", 0.5), -3.0, 7.0, 8.5 / 254)
    assert low == pytest.approx(-3, abs=0.1)
    assert high == pytest.approx(7, abs=0.1)


@given(
    st.sampled_from(ACTIVATIONS), st.floats(-50, 50, width=32), st.floats(0, 50, width=32),
    st.floats(0, 1, width=32),
)  # fmt: skip
def test_a_table_errs_by_its_steps_and_what_saturates(
    activation: Activation, low: float, width: float, place: float
) -> None:
    """A value errs by half a step of what is read, times the slope there, by half a step of what is written,
    and by no more than eight at an end that is cut off."""
    high = max(low + width, 1e-2)
    output = range_scale(*_with_zero(output_ends(activation, low, high)))
    read = range_scale(*_with_zero(read_ends(activation, low, high, output.scale)))
    table = activation_table(activation, read, output)
    x = low + place * (high - low)
    byte = int(read.stored(x))
    near = np.linspace(-0.5, 0.5, 9) * read.scale + x
    values = activate(activation, torch.from_numpy(near)).numpy()
    real = (int(table[byte + 128]) - output.zero) * output.scale
    allowed = (0.51 if abs(byte) < 127 else 9) * output.scale
    assert values.min() - allowed <= real <= values.max() + allowed


def _with_zero(ends: tuple[float, float]) -> tuple[float, float]:
    return min(ends[0], 0.0), max(ends[1], 1e-3)


def test_no_byte_is_written_for_the_value_that_no_layer_writes() -> None:
    scale = range_scale(-4.0, 4.0)
    table = activation_table(SIGMOID, scale, range_scale(0.0, 1.0))
    assert table[0] == 0
    assert table.min() == -122  # sigmoid(-4) is 4.6 steps above 0
    assert (np.diff(table[1:].astype(int)) >= 0).all()
