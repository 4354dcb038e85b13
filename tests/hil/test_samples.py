from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.protocol.hello import Clock
from hil.results import limits
from hil.results.samples import Samples, by_unit, less_overhead
from hil.results.statistics.quantiles import median_interval

ticks = st.lists(st.integers(0, 1 << 31), min_size=1, max_size=200)


@given(ticks, st.integers(0, 1 << 31))
def test_overhead_is_subtracted_down_to_zero(values: list[int], overhead: int) -> None:
    left = less_overhead(values, overhead)
    assert all(after == max(0, before - overhead) for before, after in zip(values, left, strict=True))


def test_by_unit_returns_microseconds_and_raw_counts() -> None:
    instructions = Samples(Clock(0, "instructions", 0), (10, 20), "emulated")
    cycles = Samples(Clock(1, "cycles", 64_000_000), (64, 128), "emulated")
    ns = Samples(Clock(0, "ns", 1_000_000_000), (1500,), "hardware")
    counts = {"instructions": (10, 20), "cycles": (64, 128), "us": (1.0, 2.0)}
    assert by_unit([instructions, cycles]) == counts
    assert by_unit([ns]) == {"us": (1.5,)}


@given(ticks, st.integers(1, 1 << 20))
def test_fewer_counts_are_faster_and_equal_counts_are_not(values: list[int], more: int) -> None:
    larger = [value + more for value in values]
    assert limits.is_faster(values, larger, exact=True)
    assert not limits.is_faster(values, values, exact=True)
    assert not limits.is_faster(larger, values, exact=True)


@given(ticks, ticks)
def test_only_disjoint_intervals_make_hardware_slower(one: list[int], other: list[int]) -> None:
    one, other = [*one, min(one) + 1], [*other, max(other) + 1, max(one) + 1]
    apart = median_interval(one)[0] > median_interval(other)[1]
    assert limits.is_faster(one, other, exact=False) is not apart
    assert limits.is_faster(one, one, exact=False)


@given(st.integers(1, 1 << 20), st.integers(1, 100), st.integers(1, 100))
def test_samples_that_are_all_equal_show_no_faster_subnet(value: int, n: int, m: int) -> None:
    assert not limits.is_faster([value] * n, [value] * m, exact=False)
    assert limits.is_faster([value] * n, [*[value] * m, value + 1], exact=False)


@given(ticks)
def test_first_inference_above_two_percent_puts_work_off(values: list[int]) -> None:
    steady = [100 * (value + 1) for value in values]
    assert not limits.puts_work_off([*steady, max(steady) * 102 // 100], steady)
    assert limits.puts_work_off([*steady, max(steady) * 102 // 100 + 1], steady)


@pytest.mark.parametrize(
    "decide",
    [
        lambda: limits.is_faster([], [1], exact=True),
        lambda: limits.is_faster([1], [], exact=False),
        lambda: limits.switches_in_time([], 5),
        lambda: limits.puts_work_off([], [1]),
        lambda: limits.puts_work_off([1], []),
    ],
)
def test_no_limit_decides_without_samples(decide: Callable[[], bool]) -> None:
    with pytest.raises(ValueError, match=r"no samples|empty"):
        decide()


@given(ticks)
def test_slowest_switch_decides(values: list[int]) -> None:
    worst = max(values)
    assert limits.switches_in_time(values, worst)
    assert not limits.switches_in_time(values, worst - 0.5)


def test_samples_have_unit_provenance_and_figures() -> None:
    counted = Samples(Clock(0, "instructions", 0), tuple(range(1, 101)), "emulated")
    assert (counted.unit, counted.values) == ("instructions", counted.ticks)
    assert (counted.median, counted.p95, counted.worst) == (50.5, 95, 100)
    timed = Samples(Clock(1, "cycles", 64_000_000), (64, 128, 256), "hardware")
    assert (timed.unit, timed.values, timed.median) == ("us", (1, 2, 4), 2)
    assert str(timed) == "median 2.00, p95 4.00, worst 4.00 us (3 samples, hardware)"
    with pytest.raises(ValueError, match="no samples"):
        _ = Samples(timed.clock, (), "hardware").p95
