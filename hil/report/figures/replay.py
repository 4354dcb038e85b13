"""Show the replay of a trace: resources, energy stored, chosen subnets and misses over time."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hil.replay.bench import Replay
from hil.replay.run import OUTCOMES, Outcome
from hil.report.figure import Figure, Section, Table, number, percent
from hil.report.taken import Bench
from hil.report.theme import LIMIT, SERIES
from hil.results.measurement import STEPS

_WIDTH = 560
_NONE = "none"
"""Label of the jobs that no subnet ran for."""
_SCORES = (
    ("in time", "replay_in_time", "jobs"),
    ("right", "replay_right", "jobs"),
    ("regret", "replay_regret", "fraction"),
    ("right per J", "replay_right_per_joule", "1/J"),
    ("brown-outs", "replay_brown_outs", "brown-outs"),
    ("switches", "replay_switches", "switches"),
    ("overhead", "replay_overhead", "fraction"),
)
"""Columns of the table, with the metrics and units of their figures."""


@dataclass(frozen=True)
class Course:
    """Course of the tested policy: a column for each of `STEPS`.

    Attributes:
        period_us: From one job to the next.
        subnets: Names of the subnets, the smallest first.
        columns: Columns by metric, a value for each job.
    """

    period_us: float
    subnets: tuple[str, ...]
    columns: dict[str, tuple[float, ...]]

    def misses(self) -> Counter[Outcome]:
        """Return how many jobs had no answer in time, by what became of them."""
        found = (OUTCOMES[int(index)] for index in self.columns["replay_outcome"])
        return Counter(outcome for outcome in found if outcome is not Outcome.MET)


def course_of(replay: Replay) -> Course:
    """Return the course of a replay that was just taken."""
    columns = dict(zip(STEPS, replay.columns(), strict=True))
    return Course(replay.scenario.supply.period_us, replay.subnets, columns)


def replays(benches: Sequence[Bench]) -> Section:
    """Return a figure for each bench that replayed a trace."""
    reading = (
        "Resources, energy in the capacitor, the subnet that the governor chose for each job, and the jobs "
        "without an answer in time. The table has every policy; regret is the part of the offline optimum "
        "that a policy misses."
    )
    return Section("replays", "Replays", reading, [each for bench in benches for each in _figures(bench)])


def figure(
    name: str, title: str, about: tuple[str, ...], course: Course, table: Table, run: str = ""
) -> Figure:
    """Return the figure of a course.

    Args:
        name: Name of its files.
        title: What it shows.
        about: Lines that say where it comes from.
        course: The course.
        table: Scores of all policies.
        run: Id of its run, empty for none.
    """
    misses = course.misses()
    jobs = len(course.columns["replay_outcome"])
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in misses.items())
    told = f"{jobs - sum(misses.values()):,} of {jobs:,} jobs are in time{f', {kinds}' if kinds else ''}."
    return Figure(name, title, about, f"{title}: {told}", _spec(course), table, (told,), run)


def _figures(bench: Bench) -> Iterator[Figure]:
    for label in (subnet for subnet, metric, _ in bench.figures if metric == "replay_outcome"):
        policy, _, trace = label.partition(", ")
        found = {metric: bench.figures.get((label, metric, unit)) for metric, unit in STEPS.items()}
        columns = {metric: m.samples for metric, m in found.items() if m is not None}
        period = bench.value(label, "replay_period", "us")
        if len(columns) < len(STEPS) or period is None or len({*map(len, columns.values())}) > 1:
            continue
        names = [subnet for subnet, metric, _ in bench.figures if metric == "replay_regret"]
        rows = [_row(bench, name) for name in names if name.endswith(f", {trace}")]
        course = Course(period, _subnets(bench, columns["replay_subnet"]), columns)
        title = f"{policy} on {trace}: {bench.where}"
        table = Table(("policy", *(head for head, *_ in _SCORES)), tuple(rows))
        yield figure(bench.file_name("replay"), title, bench.about, course, table, bench.run.id)


def _row(bench: Bench, label: str) -> tuple[str, ...]:
    values = ((unit, bench.value(label, metric, unit)) for _, metric, unit in _SCORES)
    cells = (percent(value) if unit == "fraction" else number(value) for unit, value in values)
    return (label.partition(", ")[0], *cells)


def _subnets(bench: Bench, ran: Sequence[float]) -> tuple[str, ...]:
    """Return names of the subnets, their numbers where the run has no names for all of them."""
    most = int(max(ran, default=0))
    fixed = [
        name.removeprefix("fixed:") for name in (label.partition(", ")[0] for label, *_ in bench.figures)
    ]
    names = tuple(dict.fromkeys(name for name in fixed if name in bench.subnets)) or bench.subnets
    return names if len(names) >= most else tuple(f"subnet {index}" for index in range(1, most + 1))


def _spec(course: Course) -> dict[str, Any]:
    columns = course.columns
    jobs = range(len(columns["replay_outcome"]))
    labels = (_NONE, *course.subnets)
    rows = [
        {
            "s": job * course.period_us / 1e6,
            "mW": columns["replay_income"][job] / 1000,
            "load": columns["replay_load"][job] / 100,
            "deadline": columns["replay_deadline"][job] / 1000,
            "mJ": columns["replay_stored"][job] / 1e6,
            "subnet": labels[int(columns["replay_subnet"][job])],
            "miss": str(OUTCOMES[int(columns["replay_outcome"][job])]),
        }
        for job in jobs
    ]
    panels = [
        _line(field, title, color, area=field == "mW")
        for field, title, color in (
            ("mW", "income, mW", SERIES[4]),
            ("load", "other load", SERIES[6]),
            ("deadline", "deadline, ms", SERIES[3]),
            ("mJ", "stored, mJ", SERIES[0]),
        )
        if len({row[field] for row in rows}) > 1
    ]
    chosen = [labels[index] for index in range(len(labels) - 1, -1, -1)]
    panels.append(_ticks("subnet", "subnet", chosen, {"color": SERIES[2]}, ""))
    if kinds := [str(kind) for kind in OUTCOMES if kind in course.misses()]:
        panels.append(_ticks("miss", "missed", kinds, {"color": LIMIT}, "datum.miss != 'met'"))
    end = len(rows) * course.period_us / 1e6
    for panel in panels:
        shown = {"title": "time, s", "axis": {"tickCount": 6}} if panel is panels[-1] else {}
        panel["encoding"]["x"] = {**_TIME, "scale": {"domain": [0, end], "nice": False}, **shown}
    return {"data": {"values": rows}, "vconcat": panels, "spacing": 8}


_TIME: dict[str, Any] = {"field": "s", "type": "quantitative", "title": None, "axis": {"labels": False}}


def _line(field: str, title: str, color: str, area: bool) -> dict[str, Any]:
    """Return a panel of a resource over time, whose values hold until the next job."""
    mark = {
        "type": "area" if area else "line",
        "interpolate": "step-after",
        "color": color,
        "strokeWidth": 1.5,
    }
    y = {"field": field, "type": "quantitative", "title": title, "axis": {"tickCount": 3}}
    if field == "load":
        y["axis"] = {"tickCount": 3, "format": ".0%"}
    return {"width": _WIDTH, "height": 70, "mark": mark, "encoding": {"y": y}}


def _ticks(field: str, title: str, domain: Sequence[str], mark: dict[str, Any], only: str) -> dict[str, Any]:
    """Return a panel with a mark for each job, in a row for each kind."""
    y = {
        "field": field,
        "type": "nominal",
        "title": title,
        "sort": list(domain),
        "scale": {"domain": list(domain)},
    }
    panel: dict[str, Any] = {"width": _WIDTH, "height": {"step": 16}, "encoding": {"y": y}}
    panel["mark"] = {"type": "tick", "thickness": 1.2, "size": 11, **mark}
    return panel | ({"transform": [{"filter": only}]} if only else {})
