"""Statistics against textbooks, brute force and simulation."""

import math
import random
from collections.abc import Callable, Sequence
from statistics import median as textbook_median

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from hil.results.statistics.bootstrap import fast_mean_interval
from hil.results.statistics.interval import interval
from hil.results.statistics.proportions import paired_p, proportion_interval, unpaired_p
from hil.results.statistics.quantiles import (
    fast_mean,
    median,
    median_interval,
    percentile,
    percentile_interval,
    relative_half_width,
)
from hil.results.statistics.shape import shape

ticks = st.lists(st.integers(0, 1 << 31), min_size=1, max_size=200)
percents = st.sampled_from([1, 5, 50, 95, 99])


@given(ticks)
def test_median_equals_that_of_the_statistics_module(values: list[int]) -> None:
    assert median(values) == textbook_median(values)


@given(st.lists(st.integers(0, 1000), min_size=1), st.floats(1, 100))
def test_percentile_is_the_least_value_that_so_many_do_not_exceed(values: list[int], percent: float) -> None:
    found = percentile(values, percent)
    needed = percent / 100 * len(values)
    assert sum(v <= found for v in values) >= needed - 1e-9
    assert sum(v < found for v in values) < needed + 1e-9


@given(ticks)
def test_fast_mean_is_that_of_the_fastest_third(values: list[int]) -> None:
    fast = np.sort(values)[: max(1, len(values) // 3)]
    assert fast_mean(values) == pytest.approx(fast.mean())


@given(ticks, st.integers(1, 1000))
def test_fast_mean_does_not_know_how_slow_the_slower_half_is(values: list[int], slower: int) -> None:
    twice = sorted(values + values)
    disturbed = [*twice[: len(values)], *(value + slower for value in twice[len(values) :])]
    assert fast_mean(disturbed) == fast_mean(twice)


@given(ticks)
def test_median_interval_lies_within_the_samples_and_contains_the_median(values: list[int]) -> None:
    low, high = median_interval(values)
    assert min(values) <= low <= median(values) <= high <= max(values)


@settings(max_examples=40)
@given(st.integers(1, 300), percents, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_interval_is_of_the_narrowest_ranks_with_the_confidence(
    n: int, percent: int, confidence: float
) -> None:
    def below(rank: int) -> float:
        """Probability that fewer than `rank` of n samples are below the percentile, term by term."""
        p = percent / 100
        return math.fsum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(rank))

    low, high = percentile_interval(list(range(1, n + 1)), percent, confidence)
    either = (1 - confidence) / 2 + 1e-12
    rank = int(low or 0)
    assert below(rank) <= either < below(rank + 1) + 2e-12
    rank = int(high or n + 1)
    assert 1 - below(rank) <= either or high is None
    assert 1 - below(rank - 1) >= either - 2e-12


def test_interval_contains_the_true_percentile_with_its_confidence() -> None:
    rng = random.Random(0)
    for n, percent in ((6, 50), (20, 50), (101, 50), (100, 95), (500, 99)):
        true = -math.log(1 - percent / 100)
        held = 0
        for _ in range(2000):
            low, high = percentile_interval([rng.expovariate(1) for _ in range(n)], percent)
            held += (low is None or low <= true) and (high is None or true <= high)
        assert held / 2000 >= 0.94, (n, percent)


def test_percentile_near_the_end_of_few_samples_has_no_upper_bound() -> None:
    low, high = percentile_interval(range(100), 99)
    assert high is None
    assert low == 96
    assert percentile_interval(range(5), 50) == (None, None)
    assert median_interval(range(5)) == (0, 4)


def test_half_width_shrinks_with_samples_and_is_infinite_without_an_interval() -> None:
    rng = np.random.default_rng(0)
    wide, narrow = (relative_half_width(list(100 + rng.normal(0, 5, n))) for n in (20, 2000))
    assert wide > 0.01 > narrow > 0
    assert relative_half_width([3.0] * 100) == 0
    assert relative_half_width([10.0] * 80 + [20.0] * 20) == 0.5  # half a tick of 10
    assert math.isinf(relative_half_width([1, 2, 3]))
    assert math.isinf(relative_half_width([0] * 100))


@pytest.mark.parametrize(
    "statistic", [median, fast_mean, fast_mean_interval, median_interval, lambda v: percentile(v, 95)]
)
def test_no_samples_have_no_statistic(statistic: Callable[[Sequence[float]], object]) -> None:
    with pytest.raises(ValueError, match="no samples"):
        statistic([])


def test_bootstrap_contains_the_true_mean_of_the_fastest_third_and_repeats() -> None:
    rng = np.random.default_rng(0)
    true, held = 100 - 5 * 1.0908, 0  # 1.0908: mean of the least third of a normal distribution
    for _ in range(60):
        values = list(rng.normal(100, 5, 100))
        low, high = fast_mean_interval(values)
        assert (low, high) == fast_mean_interval(values)
        assert low <= fast_mean(values) <= high
        held += low <= true <= high
    assert held >= 53  # of 60; 57 are expected


def test_bootstrap_of_many_samples_is_drawn_in_parts() -> None:
    rng = np.random.default_rng(0)
    low, high = fast_mean_interval(list(rng.normal(100, 1, 5000)))
    assert 98.8 < low < high < 99.0


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@example((0, 1))
@example((1, 1))
def test_accuracy_has_the_interval_of_clopper_and_pearson(answers: tuple[int, int]) -> None:
    right, n = answers
    found, textbook = proportion_interval(right, n), stats.binomtest(right, n).proportion_ci(method="exact")
    assert found == pytest.approx((textbook.low, textbook.high), abs=1e-9)
    assert found[0] <= right / n <= found[1]


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60))
def test_paired_test_is_the_binomial_test_of_changed_answers(answers: list[tuple[bool, bool]]) -> None:
    now, before = [a for a, _ in answers], [b for _, b in answers]
    lost = sum(b and not a for a, b in answers)
    changed = sum(a != b for a, b in answers)
    chance = sum(math.comb(changed, k) for k in range(lost, changed + 1)) / 2**changed
    assert paired_p(now, before) == pytest.approx(chance)


def test_paired_test_of_other_numbers_of_clips_is_refused() -> None:
    with pytest.raises(ValueError, match="argument"):
        paired_p([True], [True, False])


@settings(max_examples=40)
@given(*[st.integers(1, 30)] * 2, st.data())
def test_unpaired_test_is_that_of_fisher(n: int, m: int, data: st.DataObject) -> None:
    right, before = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    textbook = stats.fisher_exact([[right, n - right], [before, m - before]], alternative="less")
    assert unpaired_p(right, n, before, m) == pytest.approx(float(textbook.pvalue))


@pytest.mark.parametrize("test", ["paired", "unpaired"])
def test_an_unchanged_accuracy_is_called_worse_no_oftener_than_alpha(test: str) -> None:
    rng = np.random.default_rng(0)
    called = 0
    for _ in range(400):
        now, before = rng.random((2, 200)) < 0.85
        if test == "paired":
            called += paired_p(list(now), list(before)) < 0.05
        else:
            called += unpaired_p(int(now.sum()), 200, int(before.sum()), 200) < 0.05
    assert called / 400 <= 0.06


Draw = Callable[[np.random.Generator, int], np.ndarray]
ONE_MODE: dict[str, Draw] = {
    "normal": lambda rng, n: 100 + rng.normal(0, 3, n),
    "uniform": lambda rng, n: 100 + rng.uniform(-10, 10, n),
    "lognormal": lambda rng, n: rng.lognormal(4, 0.5, n),
    "exponential": lambda rng, n: 50 + rng.exponential(20, n),
    "heavy tail": lambda rng, n: 100 * (1 + 0.1 * rng.pareto(1.2, n)),
    "neighboring ticks": lambda rng, n: 100 + 5 * rng.integers(0, 2, n),
    "equal": lambda rng, n: np.full(n, 100),
}


@pytest.mark.parametrize("name", ONE_MODE)
def test_independent_samples_of_one_mode_seldom_drift_or_split(name: str) -> None:
    rng = np.random.default_rng(0)
    shapes = [shape(list(ONE_MODE[name](rng, n))) for n in (40, 100) for _ in range(300)]
    assert sum(bool(s.drift) for s in shapes) <= 6
    assert sum(bool(s.modes) for s in shapes) <= 6


def test_two_modes_are_named() -> None:
    rng = np.random.default_rng(0)
    values = np.where(np.arange(100) % 4 == 0, 108, 100) + rng.normal(0, 0.8, 100)
    assert shape(list(values)).modes == pytest.approx((100, 108), abs=0.5)


@pytest.mark.parametrize("change", [-0.05, 0.05])
def test_drift_is_named_with_its_size(change: float) -> None:
    rng = np.random.default_rng(0)
    values = 100 * (1 + np.linspace(0, change, 200)) + rng.normal(0, 1, 200)
    assert shape(list(values)).drift == pytest.approx(change, abs=0.015)


def test_outliers_are_shown_and_not_dropped() -> None:
    rng = np.random.default_rng(0)
    values = list(100 + rng.normal(0, 1, 50))
    values[7], values[30] = 180.0, 20.0
    assert shape(values).outliers == (7, 30)
    assert len(values) == 50


@given(st.lists(st.floats(0, 1e9), max_size=80))
def test_any_samples_have_a_shape(values: list[float]) -> None:
    found = shape(values)
    assert all(0 <= index < len(values) for index in found.outliers)
    assert len(found.modes) in (0, 2)
    assert math.isfinite(found.drift)


@pytest.mark.parametrize(
    ("metric", "exact", "samples", "expected"),
    [
        ("latency", False, range(100), (39, 60)),
        ("first_latency", False, range(100), (39, 60)),
        ("latency", False, range(5), (None, None)),
        ("latency", True, range(100), (None, None)),
        ("accuracy", True, [1, 0, 1, 1], proportion_interval(3, 4)),
        ("switch", False, range(100), (None, None)),
        ("energy", False, range(100), (39, 60)),
        ("humidity", False, range(100), (None, None)),
        ("latency", False, [], (None, None)),
    ],
)
def test_figures_have_the_interval_of_what_they_summarize(
    metric: str, exact: bool, samples: Sequence[float], expected: tuple[float | None, float | None]
) -> None:
    assert interval(metric, list(samples), exact) == expected
