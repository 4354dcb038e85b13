"""Show what a switch from each subnet to each other takes, as a matrix."""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from hil.report.figure import Figure, Section, Table, number
from hil.report.taken import SWITCHES, Bench


def switches(benches: Sequence[Bench]) -> Section:
    """Return a matrix for each bench with switches."""
    reading = "The slowest of all samples of each switch, from the subnet of the row to that of the column."
    return Section("switches", "Switches", reading, [each for bench in benches for each in _figures(bench)])


def _figures(bench: Bench) -> Iterator[Figure]:
    kind = bench.first_of(SWITCHES)
    if kind is None:
        return
    cells: list[dict[str, Any]] = []
    for (pair, *measured), m in bench.figures.items():
        if tuple(measured) == kind:
            start, _, end = pair.partition("->")
            cells.append({"from": start, "to": end, "value": m.value, "text": number(m.value)})
    names = [name for name in bench.subnets if any(name in (c["from"], c["to"]) for c in cells)]
    unit, most = kind[1], max(float(cell["value"]) for cell in cells)
    slowest = max(cells, key=lambda cell: float(cell["value"]))
    limit = _limit(bench, *kind)
    axis = {"type": "ordinal", "sort": names, "scale": {"domain": names}}
    spec = {
        "data": {"values": cells},
        "encoding": {
            "x": {"field": "to", "title": "to", "axis": {"labelAngle": 0, "orient": "top"}, **axis},
            "y": {"field": "from", "title": "from", **axis},
        },
        "layer": [
            {
                "mark": {"type": "rect"},
                "encoding": {
                    "color": {
                        "field": "value",
                        "type": "quantitative",
                        "scale": {"range": ["#eef4fb", "#7fb2e0"], "domain": [0, most or 1]},
                        "legend": None,
                    }
                },
            },
            {"mark": {"type": "text", "color": "#101418"}, "encoding": {"text": {"field": "text"}}},
        ],
        "width": {"step": 62},
        "height": {"step": 40},
    }
    pair = f"{slowest['from']} to {slowest['to']}"
    alt = f"{bench.where}: the slowest switch is {pair} with {slowest['text']} {unit}."
    by = {(c["from"], c["to"]): str(c["text"]) for c in cells}
    rows = tuple((start, *(by.get((start, end), "-") for end in names)) for start in names)
    yield Figure(
        bench.file_name("switches"),
        f"Slowest switch of {bench.where}, {unit}",
        bench.about,
        alt,
        spec,
        Table((f"from, {unit}", *(f"to {name}" for name in names)), rows),
        (f"The limit is {number(limit)} {unit}.",) if limit is not None else (),
        bench.run.id,
    )


def _limit(bench: Bench, metric: str, unit: str) -> float | None:
    """Return the limit that a switch had in the run, None if none is known for the unit."""
    from hil.options import SWITCH_LIMIT_US

    if bench.held is not None:
        return min(bench.limits_of(metric, unit).values(), default=None)
    if unit == "us":
        given = bench.run.settings.get("switch-limit-us", f"{SWITCH_LIMIT_US}")
        with suppress(ValueError):  # a results file may hold any text
            return limit if math.isfinite(limit := float(given)) else None
        return None
    return bench.limits.switch_instructions if bench.limits and unit == "instructions" else None
