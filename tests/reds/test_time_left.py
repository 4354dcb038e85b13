"""What a training says of itself: how long it takes, where it goes on, and that it still runs."""

import re
from io import StringIO
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from reds.experiment.method import Method
from reds.experiment.schedule import alone_phases, nested_phases
from reds.graph.subnets import Budget
from reds.training import progress as shown
from reds.training.options import JointOptions, RoundingOptions, TrainingOptions
from reds.training.progress import Progress
from reds.training.time_left import WARM_UP, Phase, TimeLeft, in_words

PHASES = Phase("full net", 4), Phase("together", 8, 2.0), Phase("rounded", 2, 3.0)


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.floats(0.01, 10), st.integers(1, 4), st.integers(10, 300))
def test_the_first_minibatches_tell_the_time_of_every_phase(each: float, done: int, steps: int) -> None:
    clock = Clock()
    left = TimeLeft(PHASES, clock)
    clock.now = 100.0
    left.begin(Phase("full net", 4), 4 - done, steps)
    for _ in range(WARM_UP):
        clock.now += 50 * each  # as long as it takes to begin with
        left.step()
    assert not left.known
    taken = 0
    while not left.known:
        clock.now += each
        left.step()
        taken += 1
        assert taken <= 2 + 1 / each + 1e-6 + 1
    epochs = {"full net": done - (taken + WARM_UP) / steps, "together": 16, "rounded": 6}
    assert left.seconds == pytest.approx({k: max(n, 0) * each * steps for k, n in epochs.items()}, rel=1e-6)


def test_a_whole_epoch_counts_with_its_validation_and_a_phase_by_its_own_pace() -> None:
    clock = Clock()
    left = TimeLeft(PHASES, clock)
    left.begin(Phase("full net", 4), 0, 2)
    clock.now = 10.0
    left.epoch()
    assert left.known, "an epoch of a few minibatches is enough"
    assert left.seconds == {"full net": 30, "together": 160, "rounded": 60}
    left.begin(Phase("together", 8), 0, 2)
    clock.now = 50.0  # not 20, but 40 for an epoch
    left.epoch()
    assert left.seconds == {"together": 280, "rounded": 120}


def test_phases_of_one_title_count_together_and_one_that_was_not_planned_alone() -> None:
    clock = Clock()
    left = TimeLeft([*PHASES, *PHASES], clock)
    left.begin(Phase("full net", 4), 3, 2)
    clock.now = 10.0
    left.epoch()
    assert left.seconds == {"full net": 40, "together": 320, "rounded": 120}
    other = TimeLeft((), clock)
    other.begin(Phase("full net", 3), 0, 2)
    clock.now = 12.0
    other.epoch()
    assert other.seconds == {"full net": 4}


def test_phases_follow_from_the_options_and_the_budgets() -> None:
    budgets = tuple(Budget(share) for share in (0.25, 0.5, 0.75, 1.0))
    method = Method("net", budgets, full=TrainingOptions(epochs=3), joint=JointOptions(epochs=9))
    full, together = nested_phases(method)
    assert (full, together.title, together.epochs) == (Phase("full net", 3), "together", 9)
    assert 2.0 <= together.work <= 2.1, "as docs/method.md says of four subnets"
    rounded = Method("net", budgets, full=None, rounding=RoundingOptions(epochs=2))
    assert [phase.title for phase in nested_phases(rounded)] == ["together", "rounded"]
    small, _ = alone_phases(method, "25%", 0.25)
    assert (small.title, small.epochs) == ("25% alone", 3)
    assert small.work < full.work
    (one,) = nested_phases(Method("net", budgets[-1:], full=None))
    assert one.work == 1.0


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (8, "8 s"), (89, "89 s"), (700, "12 min"), (12600, "3.5 h")]
)
def test_times_are_written_for_people(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def quiet() -> tuple[Progress, StringIO]:
    written = StringIO()
    return Progress(Console(file=written, width=200, markup=False), PHASES), written


def test_a_phase_says_its_time_what_it_resumed_and_what_is_left() -> None:
    progress, written = quiet()
    with progress.phase("full net", ["100%"], 4) as report:
        report.start(2, 1)
        for epoch in (3, 4):
            report.step()
            report.epoch(epoch, [0.5])
    lines = written.getvalue().splitlines()
    assert lines[0] == "full net: resumed from epoch 2 of 4"
    assert re.fullmatch(r"training takes about 1 s: full net 1 s, together 1 s, rounded 1 s", lines[1])
    assert lines[2:] == [f"full net {n}/4 validation 100% 50.0  1 s left" for n in (3, 4)]


@pytest.mark.parametrize("total", [None, 3])
def test_a_long_step_says_that_it_still_runs(total: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown, "SILENT_SECONDS", 0.01)
    heard, progress = Event(), Progress(console := Console(file=StringIO(), width=200))

    def printed(text: str, **_: object) -> None:
        if text.startswith("quantizing 2/3: for " if total else "quantizing: for "):
            heard.set()

    monkeypatch.setattr(console, "print", printed)
    with progress.step("quantizing", total) as advance:
        advance()
        advance()
        assert heard.wait(30)


def test_a_long_epoch_says_its_minibatch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown, "SILENT_SECONDS", 0.01)
    heard, progress = Event(), Progress(console := Console(file=StringIO(), width=200))

    def printed(text: str, **_: object) -> None:
        if text.startswith("full net 1/4, minibatch 2 of 9: for "):
            heard.set()

    monkeypatch.setattr(console, "print", printed)
    with progress.phase("full net", ["100%"], 4) as report:
        report.start(1, 9)
        report.step()
        report.step()
        assert heard.wait(30)
