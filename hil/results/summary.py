"""Summarize a run in Markdown, for people who were not there.

The summary is made of the file of `--results`, and of that of `--junitxml` where there is one: it knows of
tests without a board, too. Failures come first, then the boards with their provenance or the reason of their
absence, then figures and limits.
"""

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hil.errors import ResultsError
from hil.results import report
from hil.results.limit import Limit
from hil.results.run import BAD, TestOutcome
from reds.reading import read_regular, reason
from reds.tables import code, escaped, markdown
from reds.text import percent

_SHOWN = 50
"""Most failures that are listed."""
_MOST_BYTES = 1 << 28
"""Most bytes of a JUnit file."""


@dataclass(frozen=True)
class Case:
    """A test in a JUnit file.

    Attributes:
        name: Name of the test.
        outcome: passed, failed, error or skipped.
        why: First line of the reason.
        properties: Properties that the test recorded.
    """

    name: str
    outcome: str
    why: str
    properties: Mapping[str, str]

    @property
    def benches(self) -> bool:
        """Return whether this is a test of a board, with what our plugin records of it."""
        facts = self.properties.keys()
        return facts >= {"target", "board"} and bool(facts & {"absent", "provenance"})


def cases(path: Path) -> list[Case]:
    """Read the tests of a JUnit file, none if it does not exist. Raises `ResultsError`."""
    try:
        return [_case(test) for test in ET.fromstring(read_regular(path, _MOST_BYTES)).iter("testcase")]
    except FileNotFoundError:
        return []
    except (OSError, ET.ParseError, LookupError, ValueError) as error:  # of the file, its text, its encoding
        raise ResultsError(
            f"not a JUnit file: {reason(error)}; name the file of --junitxml", file=path
        ) from error


def cases_of(tests: Iterable[TestOutcome]) -> list[Case]:
    """Return the tests of a results file."""
    return [Case(test.test.rpartition("::")[2], test.outcome, test.why, _facts(test)) for test in tests]


def _facts(test: TestOutcome) -> dict[str, str]:
    who = {"target": test.target, "board": test.board} if test.board else {}
    ran = {"provenance": test.provenance} if test.provenance else {"absent": test.why}
    return {**who, **ran} if who else {}


def _case(test: ET.Element) -> Case:
    named = {p.get("name", ""): p.get("value", "") for p in test.iter("property")}
    outcomes = {"failure": "failed", "error": "error", "skipped": "skipped"}
    ends = [(outcomes[e.tag], e.get("message", "")) for e in test if e.tag in outcomes]
    outcome, why = ends[0] if ends else ("passed", "")
    return Case(test.get("name", ""), outcome, (why.splitlines() or [""])[0], named)


def render(
    title: str,
    measured: Sequence[Mapping[str, Any]],
    tests: Sequence[Case],
    limits: Sequence[Limit] = (),
) -> str:
    """Return the summary in Markdown.

    Args:
        title: First words of the summary.
        measured: Plain measurements of the results file.
        tests: Tests of the JUnit file, or of the results file.
        limits: Limits that figures were held to.
    """
    parts = [f"# {escaped(title)}: {_verdict(measured, tests)}", _failures(tests), _stand_ins(tests)]
    parts += [_boards(measured, tests), _figures(measured), _limits(measured, limits)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _verdict(measured: Sequence[Mapping[str, Any]], tests: Iterable[Case]) -> str:
    counts = Counter(test.outcome for test in tests)
    said = [f"{counts[outcome]} {outcome}" for outcome in (*BAD, "passed", "skipped") if counts[outcome]]
    return ", ".join(said if measured else ["NOTHING WAS MEASURED", *said])


def _failures(tests: Iterable[Case]) -> str:
    found = [test for test in tests if test.outcome in BAD]
    lines = [f"- {code(test.name)}: {escaped(test.why)}" for test in found[:_SHOWN]]
    more = [f"- and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return "\n".join(["## Failures", "", *lines, *more]) if found else ""


def _stand_ins(tests: Iterable[Case]) -> str:
    """Return a warning about figures of emulators that stand in for devices, empty if there are none."""
    names = {t.properties["board"] for t in tests if t.benches and "no hardware" in t.properties}
    said = f"No hardware answered for {escaped(', '.join(sorted(names)))}: these figures are of EMULATORS."
    return f"> [!WARNING]\n> **{said}**" if names else ""


def _boards(measured: Iterable[Mapping[str, Any]], tests: Sequence[Case]) -> str:
    figures = {(row["target"], row["board"]) for row in measured}
    boards: dict[tuple[str, str], list[Case]] = {}
    for test in tests:
        if test.benches:
            boards.setdefault((test.properties["target"], test.properties["board"]), []).append(test)
    rows = [(*who, *_how(its, who in figures)) for who, its in sorted(boards.items())]
    return _table("What ran on what", ("target", "board", "ran on", "why"), rows) if rows else ""


def _how(tests: Sequence[Case], measured: bool) -> tuple[str, str]:
    """Return what a board's tests ran on, and why on nothing better or what disturbed them."""
    facts = tests[0].properties
    if "absent" in facts:
        return "absent", facts["absent"]
    if lost := _noted(tests, "quarantined"):
        return f"{facts['provenance']}, quarantined", lost
    if measured:
        return facts["provenance"], facts.get("no hardware", "") or _noted(tests, "recovered")
    return f"{facts['provenance']}, nothing measured", next((t.why for t in tests if t.outcome in BAD), "")


def _noted(tests: Iterable[Case], name: str) -> str:
    """Return the first value of a property, empty if no test has it."""
    return next((test.properties[name] for test in tests if name in test.properties), "")


def _limits(measured: Iterable[Mapping[str, Any]], limits: Iterable[Limit]) -> str:
    """Return a table of the limits with the figures held to them, those that are not kept first."""
    figures: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for m in measured:
        figures[tuple(m[key] for key in ("target", "board", "provenance", "subnet", "metric", "unit"))] = m
    rows = []
    for limit in sorted(limits, key=lambda limit: limit.kept):
        who = f"{limit.board} {limit.provenance}"
        held = f"at {'least' if limit.least else 'most'} {_number(limit.value, limit.unit)}"
        found = _with_interval(figures.get(limit.figure), limit.unit)
        verdict = "ok" if limit.kept else "FAILED"
        rows.append((who, limit.subnet, limit.metric, limit.unit, *found, held, verdict))
    heads = ("board", "subnet", "metric", "unit", "figure", "95 %", "limit", "")
    return f"## Limits\n\n{markdown(heads, rows, 'llllrlll')}" if rows else ""


def _with_interval(m: Mapping[str, Any] | None, unit: str) -> tuple[str, str]:
    """Return a figure and its interval as text; the interval is empty if it is the figure alone."""
    if m is None:
        return "-", ""
    low, high = m.get("low"), m.get("high")
    shown = _number(m["value"], unit)
    if low is None or high is None or low == high:
        return shown, ""
    return shown, f"{_number(low, unit)} to {_number(high, unit)}"


def _number(value: float, unit: str) -> str:
    if unit == "fraction":
        return percent(value)
    whole = float(value).is_integer() or abs(value) >= 1e6
    return format(value, ",.0f" if whole else ",.5g")


def _figures(measured: Sequence[Mapping[str, Any]]) -> str:
    notes = [f"\n{escaped(warning)}" for warning in report.warnings(measured)]
    return (
        "\n".join([_table("Figures", report.heads(measured), report.lines(measured)), *notes])
        if measured
        else ""
    )


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return f"## {title}\n\n{markdown(heads, rows)}"
