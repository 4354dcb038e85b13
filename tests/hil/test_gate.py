"""The gate: what is worse, what is not, and what is never compared."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import BaselineError
from hil.results.gate import baseline as baselines
from hil.results.gate.accuracy import judge_accuracy
from hil.results.gate.baseline import Baseline
from hil.results.gate.compare import (
    Count,
    Time,
    compare_accuracy,
    compare_counts,
    compare_times,
    counted_units,
)
from hil.results.gate.counts import STACK_SLACK, judge_count
from hil.results.gate.times import MOST_RUNS, TRIES, is_slower, judge_time, level
from hil.results.gate.verdict import Direction, Verdict, sentence, worse
from hil.results.measurement import Measurement
from tests.hil.gate_quality import page
from tests.hil.gate_quality.boards import BOARDS, NOISY
from tests.hil.gate_quality.simulation import quality
from tests.hil.support.raising import raises

FIGURE = ("25%", "latency", "us")
CYCLES = ("25%", "cycles", "cycles")


def measured(figure: tuple[str, str, str], value: float, *samples: float, **who: str) -> Measurement:
    subnet, metric, unit = figure
    board = {
        "target": "desktop",
        "board": "desk",
        "provenance": "hardware",
        "pack": "net",
        "pack_sha256": "0",
    }
    return Measurement(
        **{**board, **who}, subnet=subnet, metric=metric, unit=unit, value=value, samples=samples
    )


def of(*measurements: Measurement, labeled: str = "set") -> Baseline:
    return baselines.of("run 1", measurements, labeled)


def around(value: float, seed: int = 0, spread: float = 0.005) -> list[float]:
    return list(value * (1 + spread * np.random.default_rng(seed).standard_normal(100)))


def change(verdicts: Iterator[Verdict]) -> Direction:
    (verdict,) = verdicts
    return verdict.change


@given(st.integers(0, 1 << 40), st.integers(0, 1 << 40))
def test_one_more_count_is_worse_and_one_fewer_better(now: int, before: int) -> None:
    found = judge_count("cycles", "cycles", now, before).change
    assert found == (now > before) - (now < before)


@pytest.mark.parametrize(("now", "expected"), [(1000, 0), (1001, 1), (999, -1)])
def test_counts_are_compared_with_those_of_the_same_figure(now: float, expected: int) -> None:
    counts = [Count(CYCLES, now, 2), Count(("50%", *CYCLES[1:]), now, 2)]
    assert change(compare_counts(counts, of(measured(CYCLES, 1000, 1000, 1000)), "set")) == expected


@pytest.mark.parametrize(("now", "expected"), [(1064, 0), (936, 0), (1065, 1), (935, -1)])
def test_stack_may_begin_anywhere_in_a_cache_line(now: float, expected: int) -> None:
    figure = ("25%", "stack", "bytes")
    before = of(measured(figure, 1000, 1000))
    assert change(compare_counts([Count(figure, now, 1, STACK_SLACK)], before, "set")) == expected


@pytest.mark.parametrize(("samples", "labeled"), [(3, "set"), (2, "other")])
def test_counts_of_other_inputs_are_refused_only_if_they_differ(samples: int, labeled: str) -> None:
    before = of(measured(CYCLES, 1000, 1000, 1000))
    assert change(compare_counts([Count(CYCLES, 1000, samples)], before, labeled)) is Direction.NONE
    with raises(BaselineError):
        list(compare_counts([Count(CYCLES, 1001, samples)], before, labeled))


def test_microseconds_of_cycles_are_not_judged_twice() -> None:
    assert counted_units({"cycles": 1, "us": 1, "instructions": 1}) == ["cycles", "instructions"]
    assert counted_units({"us": 1}) == ["us"]


def tries_of(values: Sequence[float]) -> tuple[Time, Callable[[], int]]:
    """Return a time whose measurements have these means, and how many were taken."""
    made = count(1)
    taken = [1]

    def again() -> Sequence[float]:
        taken[0] = next(made) + 1
        return around(values[min(taken[0], len(values)) - 1], taken[0])

    return Time(FIGURE, around(values[0]), again), lambda: taken[0]


@pytest.mark.parametrize(
    ("values", "expected", "measurements"),
    [
        ([100], Direction.NONE, 1),
        ([102], Direction.NONE, 1),
        ([90], Direction.BETTER, 1),
        ([130, 100], Direction.NONE, 2),
        ([130, 125, 140, 101], Direction.NONE, 4),
        ([110], Direction.WORSE, TRIES),
    ],
)
def test_time_is_worse_only_if_every_measurement_is(
    values: Sequence[float], expected: Direction, measurements: int
) -> None:
    time, taken = tries_of(values)
    assert change(compare_times([time], of(measured(FIGURE, 100, *around(100))))) is expected
    assert taken() == measurements


def test_time_without_an_earlier_figure_is_not_judged() -> None:
    time, taken = tries_of([200])
    assert not list(compare_times([time], of(measured(CYCLES, 100, 100))))
    assert taken() == 1


def test_noisy_history_allows_more_than_a_quiet_one() -> None:
    quiet = level("latency", [around(100, seed) for seed in range(MOST_RUNS)])
    noisy = level("latency", [around(100 + seed % 10, seed) for seed in range(MOST_RUNS)])
    assert quiet.margin == pytest.approx(0.0221 * quiet.time, rel=0.002)
    assert noisy.margin > 2 * quiet.margin > 0
    assert is_slower(around(105), quiet)
    assert not is_slower(around(105), noisy)


def test_one_disturbed_run_of_two_does_not_set_the_level() -> None:
    found = level("latency", [around(120, 1), around(100, 2)])
    assert found.time == pytest.approx(level("latency", [around(100, 2)]).time)
    assert found.runs == 2


def test_runs_below_the_level_alone_say_how_noisy_a_board_is() -> None:
    disturbed = level("latency", [[100.0]] * 11 + [[100.0], [102.0], [103.5]] * 3)
    assert disturbed.margin == pytest.approx(0.0221 * disturbed.time, rel=0.002)
    noisy = level("latency", [[100 + i % 7 - 3] for i in range(20)])
    assert noisy.margin > 1.3 * disturbed.margin


@given(st.lists(st.floats(50, 200), min_size=1, max_size=MOST_RUNS), st.floats(0.001, 1000))
def test_level_lies_among_its_runs_and_scales_with_them(times: list[float], scale: float) -> None:
    found, scaled = (level("switch", [[1000 * s * t] for t in times]) for s in (1, scale))
    assert min(times) * (1 - 1e-9) <= found.time / 1000 <= max(times) * (1 + 1e-9)
    assert scaled.time == pytest.approx(scale * found.time)


def test_runs_that_were_disturbed_do_not_move_the_level() -> None:
    quiet = [around(100, seed) for seed in range(MOST_RUNS // 2)]
    disturbed = [around(115 + seed, seed) for seed in range(MOST_RUNS // 2)]
    assert level("latency", quiet + disturbed).time == pytest.approx(level("latency", quiet).time)


def test_few_runs_allow_more_than_many() -> None:
    margins = [level("latency", [around(100, seed) for seed in range(n)]).margin for n in (1, 20)]
    assert margins[0] > margins[1]


def test_tiny_times_may_change_by_ticks() -> None:
    tiny = level("latency", [[0.25] * 100] * 20)
    assert not is_slower([0.26] * 100, tiny)
    assert is_slower([0.28] * 100, tiny)


def test_time_of_nothing_is_judged_by_the_amount() -> None:
    nothing = level("switch", [[0.0] * 20] * 5)
    assert judge_time("switch", [[0.05] * 20], nothing).change is Direction.NONE
    assert judge_time("switch", [[0.2] * 20], nothing).change is Direction.WORSE


def test_no_history_has_no_level() -> None:
    with pytest.raises(ValueError, match="no earlier runs"):
        level("latency", [])


def test_same_answers_are_no_change_and_lost_ones_are_worse() -> None:
    before = [1.0] * 800 + [0.0] * 200
    assert judge_accuracy(before, before, same_clips=True).change is Direction.NONE
    lost = [0.0] * 8 + before[8:]
    assert judge_accuracy(lost, before, same_clips=True).change is Direction.WORSE
    assert judge_accuracy(before, lost, same_clips=True).change is Direction.BETTER
    assert judge_accuracy(lost, before, same_clips=False).change is Direction.NONE
    assert judge_accuracy([0.0] * 80 + before[80:], before, same_clips=False).change is Direction.WORSE


@pytest.mark.parametrize(("labeled", "expected"), [("set", Direction.WORSE), ("other", Direction.NONE)])
def test_accuracy_is_paired_only_on_the_same_clips(labeled: str, expected: Direction) -> None:
    figure = ("25%", "accuracy", "fraction")
    before = [1.0] * 800 + [0.0] * 200
    lost = [0.0] * 8 + before[8:]
    assert change(compare_accuracy("25%", lost, of(measured(figure, 0.8, *before)), labeled)) is expected
    assert not list(compare_accuracy("50%", lost, of(measured(figure, 0.8, *before)), labeled))


@pytest.mark.parametrize(
    "other",
    [
        {"provenance": "emulated"},
        {"target": "pi"},
        {"pack_shape": "other"},
    ],
)
def test_figures_of_another_kind_are_never_compared(other: dict[str, str]) -> None:
    mine = measured(FIGURE, 1, 1, pack_shape="shape")
    asked = ("desktop", "hardware", "shape")
    assert baselines.chosen("run 1", [mine, measured(FIGURE, 1, 1, **other)], *asked) == [mine]
    with raises(BaselineError):
        baselines.chosen("run 1", [measured(FIGURE, 1, 1, **{"pack_shape": "shape", **other})], *asked)


def test_nothing_measured_is_no_baseline() -> None:
    with raises(BaselineError):
        baselines.chosen("run 1", [], "desktop", "hardware", "shape")


def test_sentence_says_where_figures_disagree() -> None:
    fewer = judge_count("instructions", "instructions", 970, 1000)
    more = judge_count("cycles", "cycles", 1020, 1000)
    assert worse([fewer, more])
    text = sentence("25%", "run 1", [fewer, more])
    assert "disagree" in text
    assert "+2.0 %" in text
    assert "-3.0 %" in text
    assert "disagree" not in sentence("25%", "run 1", [more])
    assert "\n" not in text


@pytest.mark.parametrize("name", [name for name in BOARDS if "runs differ" not in name])
def test_gate_seldom_errs(name: str) -> None:
    """A short form of `python -m tests.hil.gate_quality`, with the default number of samples."""
    runs = 150
    found = quality(BOARDS[name], MOST_RUNS, runs, slowdown=1.05, seed=0)
    assert found.false_alarms <= runs * 0.01
    assert found.detected >= runs * 0.98


def test_page_has_the_table_that_is_kept() -> None:
    text = page.PAGE.read_text()
    assert text == page.with_table(text, page.kept())
    rows = [row for row in page.kept() if row.board != NOISY]
    assert all(row.false_alarms <= 0.01 * row.runs for row in rows)
    assert all(row.detected >= 0.99 * row.runs for row in rows if row.earlier == MOST_RUNS)
