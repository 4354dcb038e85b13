"""Run jobs with a deadline beside a competing process, and count which are met.

A job is as many inferences of one input as the full subnet needs about `JOB_MS` for, so that a job is longer
than a turn of the processor's scheduler. Its deadline is half as long again as the full subnet takes when it
has the core. So the full subnet alone misses it beside one process that takes half of the core. The governor
is told the times of all subnets without a load, and nothing of the load: it learns from overruns.

Times are the board's own, by its real clock, from the decision to the end of the job.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hil.boards.board import Board
from hil.boards.facts import Provenance
from hil.boards.governing import Cost, Resources, Rules
from hil.boards.governor import Governor, Job
from hil.errors import SetupError
from hil.load.competitor import competing
from hil.protocol.definition import Policy
from reds.pack.model import Model

JOB_MS = 50.0
"""Milliseconds of a job of the full subnet that has the core."""
DEADLINE = 1.5
"""Deadline of a job, in parts of what the full subnet takes when it has the core."""
MARGIN_PERCENT = 10
PATIENCE = 199
"""Each try of a larger subnet may miss a deadline, so tries may miss one in 200."""
JOBS = 400
LEAST_HELD, LEAST_MISSED = 0.99, 0.5
"""Share of deadlines that the governor must hold, and that the full subnet alone must miss more than."""
_SHORT_MS, _SHORT = 1.0, 50
"""Milliseconds and number of the short jobs by which a subnet is timed without a load. One of them fits in a
turn of the scheduler, so the fastest had the core."""
_MOST_RUNS = 0xFFFF
_SPARE_SECONDS = 60


@dataclass(frozen=True)
class Outcome:
    """A job: its subnet, None if the governor waited, and its microseconds from the decision to its end."""

    subnet: int | None
    us: float


@dataclass(frozen=True)
class LoadRun:
    """Jobs beside a competing process.

    Attributes:
        runs: Inferences of a job.
        alone_us: Microseconds of a job of each subnet that has the core.
        deadline_us: Deadline of each job.
        full: Jobs of the full subnet alone.
        governed: Jobs of the governor.
    """

    runs: int
    alone_us: tuple[int, ...]
    deadline_us: int
    full: tuple[Outcome, ...]
    governed: tuple[Outcome, ...]

    @property
    def governed_held(self) -> float:
        """Return the share of the governor's jobs that met their deadline."""
        return 1 - self._missed(self.governed)

    @property
    def full_missed(self) -> float:
        """Return the share of the full subnet's jobs that missed their deadline."""
        return self._missed(self.full)

    @property
    def chosen(self) -> Counter[int | None]:
        """Return how often the governor chose each subnet, and None for to wait."""
        return Counter(job.subnet for job in self.governed)

    def _missed(self, jobs: tuple[Outcome, ...]) -> float:
        return sum(job.subnet is None or job.us > self.deadline_us for job in jobs) / len(jobs)


def beside_a_process(
    board: Board, model: Model, x: NDArray[np.int8], core: int | None, jobs: int = JOBS
) -> LoadRun:
    """Run jobs of the deployed pack beside a busy process on the core of its agent.

    Args:
        board: A real board with a shell.
        model: The deployed pack.
        x: Inputs, int8 [N, input].
        core: Core that the agent is pinned to.
        jobs: Jobs of the governor, at least 4. A quarter as many run the full subnet alone.

    Raises:
        SetupError: No load can be put on the board, or the process ended early.
    """
    if why := why_not(board, model, core):
        raise SetupError(why, board=board.name)
    shell, clock = board.shell, next(clock for clock in board.facts().clocks if clock.hz)
    assert shell is not None
    assert core is not None
    full = len(model.subnets) - 1
    unknown = [Cost(1)] * len(model.subnets)

    def fixed(subnet: int, job: Job) -> Governor:
        return board.govern(Rules(Policy.FIXED, fixed=subnet), unknown, clock, job)

    short = Job(x, _runs(_SHORT_MS, min(board.measure(full, _SHORT, clock, x).microseconds)))
    timed = [_run(fixed(subnet, short), _SHORT, Resources()) for subnet in range(full + 1)]
    alone = [min(outcome.us for outcome in outcomes) / short.runs for outcomes in timed]
    job = Job(x, _runs(JOB_MS, alone[full]))
    costs = [Cost(math.ceil(max(alone[: subnet + 1]) * job.runs)) for subnet in range(full + 1)]
    deadline = round(costs[full].us * DEADLINE)
    seconds = _SPARE_SECONDS + math.ceil(10 * jobs * deadline / 1e6)
    with competing(shell, core, seconds):
        slow = tuple(_run(fixed(full, job), jobs // 4, Resources()))
        rules = Rules(Policy.DEADLINE, margin_percent=MARGIN_PERCENT, patience=PATIENCE)
        governor = board.govern(rules, costs, clock, job)
        governed = tuple(_run(governor, jobs, Resources(deadline_us=deadline)))
    return LoadRun(job.runs, tuple(cost.us for cost in costs), deadline, slow, governed)


def why_not(board: Board, model: Model, core: int | None) -> str | None:
    """Return why no load can be put on a board whose agent is pinned to this core, None if one can."""
    if board.facts().provenance is not Provenance.HARDWARE or board.shell is None:
        return "a load needs a real board with a shell; use the desktop, a pi or an android"
    if len(model.subnets) == 1:
        return f"{model.name} has one subnet only, so there is nothing to choose; use a pack of several"
    return "a load needs a core of its own; name a `core` in its entry" if core is None else None


def described(found: LoadRun, subnets: Sequence[str]) -> str:
    """Return a run in one line."""
    chosen = ", ".join(
        f"{'wait' if subnet is None else subnets[subnet]} {count}"
        for subnet, count in found.chosen.most_common()
    )
    governed = f"the governor held {found.governed_held:.2%} of {len(found.governed)} ({chosen})"
    alone = f"{subnets[-1]} alone missed {found.full_missed:.0%} of {len(found.full)}"
    return f"deadline {found.deadline_us / 1000:.1f} ms; {governed}, {alone}"


def _runs(milliseconds: float, each_us: float) -> int:
    """Return how many inferences take so long, at least 1 and at most those of a job."""
    return min(_MOST_RUNS, max(1, round(milliseconds * 1000 / each_us)))


def _run(governor: Governor, jobs: int, now: Resources) -> Iterator[Outcome]:
    for row in range(jobs):
        taken = governor.decide(now, row)
        ticks = taken.choose + taken.select + taken.inference
        yield Outcome(taken.subnet, float(taken.microseconds(ticks)))
