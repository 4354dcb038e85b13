"""Real values are stored in int8 with an exact zero."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reds.pack.scale import range_scale

reals = st.floats(-1e4, 1e4, width=32)


@given(st.lists(reals, min_size=1), st.floats(0.001, 1e4))
def test_stored_values_are_within_a_step_and_zero_is_exact(values: list[float], high: float) -> None:
    x = np.array([0.0, *values])
    stored = range_scale(min(x.min(), 0.0), max(x.max(), high))
    q = stored.stored(x)
    assert (q.dtype, q[0]) == (np.int8, stored.zero)
    assert q.min() >= -127
    assert np.abs((q.astype(float) - stored.zero) * stored.scale - x).max() <= stored.scale
