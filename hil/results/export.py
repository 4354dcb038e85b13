"""Write the figures of a run for other programs.

- csv: a line for each figure, with the p95 and the p99 of its samples and their number
- jsonl: the results file, as `pytest hil --results` writes it
- bencher: Bencher Metric Format, for `bencher run --adapter json`
- github-action-benchmark: for its tool `customSmallerIsBetter`; accuracy becomes a share of wrong answers
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hil.results.file import Header, text
from hil.results.measurement import FIGURE, UNJUDGED, Measurement
from hil.results.statistics.quantiles import percentile

_NS = 1000
"""Nanoseconds of a microsecond: Bencher's measure `latency` is in ns."""
_COLUMNS = (
    "target",
    "board",
    "provenance",
    "pack",
    "pack_sha256",
    "subnet",
    "metric",
    "unit",
    "value",
    "low",
    "high",
)
_TIMED = ("us", "cycles", "instructions", "flash_words")
"""Units of samples that have percentiles."""
Write = Callable[[Header, list[Measurement]], str]


def _csv(header: Header, measured: list[Measurement]) -> str:
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(("run", "started", "host", "commit", *_COLUMNS, "p95", "p99", "samples"))
    run = header.run
    for m in _once(measured):
        figures = (getattr(m, column) for column in _COLUMNS)
        tails = (percentile(m.samples, p) if m.samples and m.unit in _TIMED else None for p in (95, 99))
        row = (run.id, run.started, run.host, run.commit, *figures, *tails, len(m.samples))
        table.writerow("" if cell is None else _harmless(cell) for cell in row)
    return out.getvalue()


def _harmless(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in tuple("=+-@") else cell


def _jsonl(header: Header, measured: list[Measurement]) -> str:
    return text((m.plain() for m in measured), header)


def _bencher(header: Header, measured: list[Measurement]) -> str:
    found: dict[str, dict[str, Mapping[str, float]]] = {}
    for m in _judged(measured):
        slug, factor = m.metric.replace("_", "-"), 1
        if m.unit == "us":
            slug, factor = (slug, _NS) if m.metric == "latency" else (f"{slug}-us", 1)
        bounds = {"lower_value": m.low, "upper_value": m.high}
        values = {"value": m.value, **{key: bound for key, bound in bounds.items() if bound is not None}}
        found.setdefault(_name(m), {})[slug] = {key: factor * value for key, value in values.items()}
    return json.dumps(found, indent=1) + "\n"


def _github(header: Header, measured: list[Measurement]) -> str:
    about = f"run {header.run.id} on {header.run.host}"
    return json.dumps([_entry(m, about) for m in _judged(measured)], indent=1) + "\n"


def _entry(m: Measurement, about: str) -> dict[str, Any]:
    wrong = m.metric == "accuracy"
    what = "wrong answers" if wrong else m.metric.replace("_", " ")
    entry = {
        "name": f"{_name(m)} {what}",
        "unit": m.unit,
        "value": round(1 - m.value, 12) if wrong else m.value,
    }
    half = {} if m.low is None or m.high is None else {"range": f"± {(m.high - m.low) / 2:g}"}
    return {**entry, **half, "extra": f"{about}, {len(m.samples)} samples"}


def _judged(measured: Iterable[Measurement]) -> Iterable[Measurement]:
    """Return each figure of the pack once: how often a board was lost is none, nor is a list of answers."""
    return (m for m in _once(measured) if m.metric not in UNJUDGED)


def _once(measured: Iterable[Measurement]) -> Iterable[Measurement]:
    """Return each figure once: of one that was taken again, the last."""
    return {tuple(getattr(m, key) for key in FIGURE): m for m in measured}.values()


def _name(m: Measurement) -> str:
    """Name what was measured, so that figures of other boards and provenances stay apart."""
    return f"{m.pack} {m.subnet} on {m.board} ({m.provenance})"


FORMATS: Mapping[str, Write] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "bencher": _bencher,
    "github-action-benchmark": _github,
}
"""Formats by their names on the command line."""
