"""Summarize a run as Markdown, for people who were not there.

It is made of the two files that a run keeps, `--results` and `--junitxml`: what failed comes first, then
which board was hardware, emulated or absent, and why, then the figures.
"""

import html
import json
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hil.errors import ResultsError
from hil.results import report

BAD = ("failed", "error")
_SHOWN = 50
"""Failures that are listed."""


@dataclass(frozen=True)
class Case:
    """A test as JUnit keeps it. `outcome` is passed, failed, error or skipped, `why` the first line of it."""

    name: str
    outcome: str
    why: str
    properties: Mapping[str, str]


def cases(path: Path) -> list[Case]:
    """The tests of a JUnit file; none if the run did not come to write it. Raises `ResultsError`."""
    try:
        return [_case(test) for test in ET.parse(path).iter("testcase")] if path.exists() else []
    except (OSError, ET.ParseError) as error:
        raise ResultsError(f"{path}: not a JUnit file: {error}") from error


def _case(test: ET.Element) -> Case:
    named = {p.get("name", ""): p.get("value", "") for p in test.iter("property")}
    outcomes = {"failure": "failed", "error": "error", "skipped": "skipped"}
    ends = [(outcomes[e.tag], e.get("message", "")) for e in test if e.tag in outcomes]
    outcome, why = ends[0] if ends else ("passed", "")
    return Case(test.get("name", ""), outcome, (why.splitlines() or [""])[0], named)


def measurements(path: Path) -> list[dict[str, Any]]:
    """What the results file holds; nothing if the run did not come to write it. Raises `ResultsError`."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path}: not a results file: {error}") from error


def render(title: str, measured: Sequence[Mapping[str, Any]], tests: Sequence[Case]) -> str:
    """The summary, in Markdown."""
    parts = [f"# {title}: {_verdict(measured, tests)}", _failures(tests), _stand_ins(tests)]
    parts += [_boards(measured, tests), _figures(measured)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _verdict(measured: Sequence[Mapping[str, Any]], tests: Iterable[Case]) -> str:
    counts = Counter(test.outcome for test in tests)
    said = [f"{counts[outcome]} {outcome}" for outcome in (*BAD, "passed", "skipped") if counts[outcome]]
    return ", ".join(said if measured else ["NOTHING WAS MEASURED", *said])


def _failures(tests: Iterable[Case]) -> str:
    found = [test for test in tests if test.outcome in BAD]
    lines = [f"- `{test.name.replace('`', '')}`: {_plain(test.why)}" for test in found[:_SHOWN]]
    more = [f"- and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return "\n".join(["## Failures", "", *lines, *more]) if found else ""


def _stand_ins(tests: Iterable[Case]) -> str:
    """What must not be overlooked: figures that a reader may take for a device's."""
    names = {test.properties["board"] for test in tests if "no hardware" in test.properties}
    said = f"**No hardware answered for {', '.join(sorted(names))}: these figures are of EMULATORS.**"
    return f"> [!WARNING]\n> {_plain(said)}" if names else ""


def _boards(measured: Iterable[Mapping[str, Any]], tests: Sequence[Case]) -> str:
    figures = {(row["target"], row["board"]) for row in measured}
    boards: dict[tuple[str, str], list[Case]] = {}
    for test in tests:
        if "board" in test.properties:
            boards.setdefault((test.properties["target"], test.properties["board"]), []).append(test)
    rows = [(*who, *_how(its, who in figures)) for who, its in sorted(boards.items())]
    return _table("What ran on what", ("target", "board", "ran on", "why"), rows) if rows else ""


def _how(tests: Sequence[Case], measured: bool) -> tuple[str, str]:
    """What a board's tests ran on, and why that and nothing better."""
    facts = tests[0].properties
    if "absent" in facts:
        return "absent", facts["absent"]
    if measured:
        return facts["provenance"], facts.get("no hardware", "")
    return f"{facts['provenance']}, nothing measured", next((t.why for t in tests if t.outcome in BAD), "")


def _figures(measured: Sequence[Mapping[str, Any]]) -> str:
    notes = [f"\n{_plain(warning)}" for warning in report.warnings(measured)]
    return "\n".join([_table("Figures", report.HEADS, report.lines(measured)), *notes]) if measured else ""


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *([_plain(cell) for cell in row] for row in rows)]
    return "\n".join([f"## {title}", "", *(f"| {' | '.join(line)} |" for line in lines)])


def _plain(text: str) -> str:
    """Text that is no markup."""
    return html.escape(text, quote=False).replace("|", "\\|")
