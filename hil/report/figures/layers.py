"""Show where the time of an inference goes: the layers of each subnet as stacked bars."""

import re
from collections.abc import Iterator, Sequence

from hil.report.figure import Figure, Section, Table, number, percent
from hil.report.taken import Bench
from hil.report.theme import PAPER, SERIES

_LAYER = re.compile(r"layer_(\d+)_(\w+)")
_UNITS = ("us", "cycles", "instructions")
_WIDE = 0.045
"""Least part of the longest bar that has room for the number of a layer."""


def layers(benches: Sequence[Bench]) -> Section:
    """Return a figure for each bench whose layers were measured."""
    reading = "Each part of a bar is a layer, in order; the number counts from 0, the color is its kind."
    figures = [figure for bench in benches for figure in _figures(bench)]
    return Section("layers", "Layers", reading, figures)


def _figures(bench: Bench) -> Iterator[Figure]:
    for unit in _UNITS:
        costs = _costs(bench, unit)
        if costs:
            yield _figure(bench, unit, costs)
            return


def _costs(bench: Bench, unit: str) -> dict[str, dict[tuple[int, str], float]]:
    """Return the cost of each layer, by its number and kind, of each subnet."""
    found: dict[str, dict[tuple[int, str], float]] = {}
    for (subnet, metric, of), m in bench.figures.items():
        named = _LAYER.fullmatch(metric.removesuffix(f"_{unit}"))
        if of == unit and named:
            found.setdefault(subnet, {})[int(named[1]), named[2].replace("_", " ")] = m.value
    return {subnet: found[subnet] for subnet in bench.subnets if subnet in found}


def _figure(bench: Bench, unit: str, costs: dict[str, dict[tuple[int, str], float]]) -> Figure:
    most = max(sum(each.values()) for each in costs.values()) or 1.0
    parts, rows, kinds = [], [], dict.fromkeys(kind for each in costs.values() for _, kind in sorted(each))
    for subnet, each in costs.items():
        at, total = 0.0, sum(each.values()) or 1.0
        for (number_, kind), cost in sorted(each.items()):
            text = str(number_) if cost >= _WIDE * most else ""
            parts.append({"subnet": subnet, "kind": kind, "from": at, "to": at + cost, "text": text})
            parts[-1]["middle"] = at + cost / 2
            rows.append((subnet, f"{number_} {kind}", number(cost), percent(cost / total)))
            at += cost
    y = {"field": "subnet", "type": "nominal", "sort": list(costs), "title": "subnet"}
    spec = {
        "data": {"values": parts},
        "encoding": {"y": y},
        "layer": [
            {
                "mark": {"type": "bar", "stroke": PAPER, "strokeWidth": 1, "height": 26},
                "encoding": {
                    "x": {
                        "field": "from",
                        "type": "quantitative",
                        "title": f"{unit} of an inference",
                        "axis": {"tickCount": 4},
                    },
                    "x2": {"field": "to"},
                    "color": {
                        "field": "kind",
                        "type": "nominal",
                        "scale": {"domain": list(kinds), "range": list(SERIES)},
                        "legend": {"direction": "horizontal", "columns": 3},
                    },
                },
            },
            {
                "mark": {"type": "text", "color": PAPER, "fontWeight": "bold"},
                "encoding": {"x": {"field": "middle", "type": "quantitative"}, "text": {"field": "text"}},
            },
        ],
        "width": 240,
        "height": {"step": 38},
    }
    largest = list(costs)[-1]
    (top, kind), cost = max(costs[largest].items(), key=lambda item: item[1])
    share = percent(cost / (sum(costs[largest].values()) or 1.0))
    most_of = f"layer {top} ({kind}) takes the most, {number(cost)} {unit} or {share}"
    alt = f"{bench.where}: in {largest}, {most_of}."
    heads = ("subnet", "layer", unit, "share of the layers")
    name, title = bench.file_name("layers"), f"Layers of {bench.where}"
    return Figure(name, title, bench.about, alt, spec, Table(heads, tuple(rows), 2), run=bench.run.id)
