"""Make the table of a run for documents: a row for each board and subnet. `blocks.py` is for the terminal."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hil.results.measurement import INFRASTRUCTURE_ERRORS, UNITS, latest

_COLUMNS = (
    "MACs",
    "accuracy",
    "latency us",
    "cycles",
    "instructions",
    "worst switch us",
    "switch instructions",
)

_OPTIONAL = {
    "flash words": ("flash_words", ",.0f"),
    "energy mJ": ("energy", ",.4g"),
    "tflite us": ("tflite_latency", ",.1f"),
    "ours : tflite": ("tflite_ratio", ".3g"),
}
"""Columns of figures that few runs have, each with its metric and format."""


def rows(measurements: Iterable[Mapping[str, Any]]) -> dict[tuple[str, ...], dict[str, float]]:
    """Group the figures by (target, board, subnet, provenance), boards in order, smaller subnets first.

    A switch counts for the subnet that it selects, with its slowest sample. Figures in another unit than the
    suite's are left out. On a board that ran several packs a subnet has the name of its pack before its own.
    """
    table: dict[tuple[str, ...], dict[str, float]] = {}
    taken = latest(measurements)
    packs = _packs(taken)
    for m in taken:
        if m["metric"] == INFRASTRUCTURE_ERRORS or m["unit"] != UNITS.get(m["metric"], m["unit"]):
            continue
        who = m["target"], m["board"], m["provenance"]
        subnet = packs[who, m["pack_sha256"]] + str(m["subnet"]).split("->")[-1]
        figures = table.setdefault((m["target"], m["board"], subnet, m["provenance"]), {})
        metric, value = str(m["metric"]), float(m["value"])
        worst = metric in ("switch", "switch_instructions")
        figures[metric] = max(value, figures.get(metric, value)) if worst else value
    boards = list(dict.fromkeys(key[:2] for key in table))
    ranked = sorted(table, key=lambda key: (boards.index(key[:2]), table[key].get("macs", 0)))
    return {key: table[key] for key in ranked}


def _packs(measurements: Iterable[Mapping[str, Any]]) -> dict[tuple[tuple[str, ...], str], str]:
    """Return the words before the subnets of each pack, by board and checksum; none for an only pack."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for m in measurements:
        found.setdefault((m["target"], m["board"], m["provenance"]), {})[m["pack_sha256"]] = str(m["pack"])
    named = {}
    for who, packs in found.items():
        names = Counter(packs.values())
        for sha256, name in packs.items():
            which = f"{name} {sha256[:8]} " if names[name] > 1 else f"{name} "
            named[who, sha256] = which if len(packs) > 1 else ""
    return named


def heads(measurements: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the heads of the table: a column that few runs have is left out where it is empty."""
    return ("target", "board", "subnet", *_COLUMNS, *_used(measurements), "provenance")


def lines(measurements: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each row under `heads`."""
    more = [_OPTIONAL[head] for head in _used(measurements)]
    for (target, board, subnet, provenance), figures in rows(measurements).items():
        beside = [_cell(figures, *each) for each in more]
        yield (target, board, subnet, *_cells(figures), *beside, provenance)


def _cells(figures: Mapping[str, float]) -> Iterable[str]:
    formats = {"macs": ",.0f", "accuracy": ".1%", "latency": ",.1f", "cycles": ",.0f", "instructions": ",.0f"}
    for metric, form in (*formats.items(), ("switch", ",.2f"), ("switch_instructions", ",.0f")):
        yield _cell(figures, metric, form)


def _cell(figures: Mapping[str, float], metric: str, form: str) -> str:
    return format(figures[metric], form) if metric in figures else "-"


def _used(measurements: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the heads of optional columns that have a figure."""
    metrics = {m["metric"] for m in measurements}
    return [head for head, (metric, _) in _OPTIONAL.items() if metric in metrics]
