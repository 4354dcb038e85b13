"""Show a metric over the runs of one board and one shape of packs, with the band of the gate."""

from collections.abc import Iterator, Sequence
from typing import Any

from hil.report.figure import Figure, Section, Table, between, number, percent
from hil.report.taken import SPEEDS, Bench
from hil.report.theme import INK, SERIES
from hil.results.gate.times import SHARE, level
from hil.results.measurement import UNJUDGED
from hil.results.store.good import good
from hil.results.store.store import Past

_FEWEST = 2
"""Fewest runs that make a history."""
_BOUNDS = (("low", "high"), ("band_low", "band_high"))
_MOST_SUBNETS = 16
"""Most subnets or pairs of a figure."""


def history(benches: Sequence[Bench], metrics: Sequence[str]) -> Section:
    """Return a figure for each bench and metric that earlier runs measured, too.

    Args:
        benches: The benches.
        metrics: Names of metrics; empty for accuracy and the latency of the board.
    """
    reading = (
        "A row for each subnet. The gray band is what the gate allows: for times the level of earlier good "
        "runs with their noise, for counts the value of the last good run. Bars are 95 % intervals."
    )
    newest: dict[tuple[str, ...], str] = {}
    for bench in sorted(benches, key=lambda bench: bench.run.id):
        newest[_of(bench)] = bench.run.id
    last = [bench for bench in benches if newest[_of(bench)] == bench.run.id]
    figures = [figure for bench in last for figure in _figures(bench, metrics)]
    return Section("history", "History", reading, figures)


def _of(bench: Bench) -> tuple[str, ...]:
    """Return the device and the shape of packs that a history is of; a run may have two boards of it."""
    return bench.board.target, bench.board.provenance, bench.board.key, bench.shape


def _figures(bench: Bench, metrics: Sequence[str]) -> Iterator[Figure]:
    speed = bench.first_of(SPEEDS)
    wanted = tuple(metrics) or ("accuracy", *((speed[0],) if speed else ()))
    there = dict.fromkeys((metric, unit) for _, metric, unit in bench.figures)
    for metric, unit in there:
        if metric in wanted and metric not in UNJUDGED and (figure := _figure(bench, metric, unit)):
            yield figure


def _figure(bench: Bench, metric: str, unit: str) -> Figure | None:
    points: list[dict[str, Any]] = []
    found = [subnet for subnet, *kind in bench.figures if kind == [metric, unit]]
    names = found[:_MOST_SUBNETS]
    for subnet in names:
        past = bench.past((subnet, metric, unit))
        points += _points(subnet, past, _band(bench, past, metric))
    runs = len({point["id"] for point in points})
    if runs < _FEWEST:
        return None
    what = metric.replace("_", " ")
    named = "" if unit in (metric, "fraction") else f" ({unit})"
    spec = _spec(points, names, unit)
    shown = percent if unit == "fraction" else number
    form = "percent" if unit == "fraction" else "number"
    rows = tuple(
        (p["id"], p["subnet"], shown(p["y"]), *(between(p[a], p[b], form) for a, b in _BOUNDS))
        for p in points
    )
    last = "; ".join(f"{p['subnet']} {shown(p['y'])}" for p in points if p["x"] == 0)
    name = bench.file_name(f"history-{metric}")
    return Figure(
        name,
        f"{what.capitalize()}{named} of {bench.where}, over {runs} runs",
        bench.about,
        f"{what} of {bench.where}, in {runs} runs. The last: {last} ({unit}).",
        spec,
        Table(("run", "subnet", f"{what}, {unit}", "95 %", "band of the gate"), rows, 2),
        (f"The first {len(names)} of {len(found)} are shown.",) if len(found) > len(names) else (),
    )


def _band(bench: Bench, past: Sequence[Past], metric: str) -> tuple[float, float] | None:
    """Return the band of the gate for this bench, None without an earlier good run, or for an accuracy."""
    earlier = good([one for one in past if one.run.id != bench.run.id])
    if not earlier or metric == "accuracy":
        return None
    if bench.exact:
        return earlier[0].value, earlier[0].value
    if metric in SHARE and all(m.samples for m in earlier):
        usual = level(metric, [m.samples for m in earlier])
        return usual.time - usual.margin, usual.time + usual.margin
    return None


def _points(subnet: str, past: Sequence[Past], band: tuple[float, float] | None) -> Iterator[dict[str, Any]]:
    for back, one in enumerate(past):
        m, (low, high) = one.measurement, band or (None, None)
        yield {
            "subnet": subnet,
            "id": one.run.id,
            "x": -back,
            **{"y": m.value, "low": m.low, "high": m.high, "band_low": low, "band_high": high},
        }


def _spec(points: Sequence[dict[str, Any]], names: Sequence[str], unit: str) -> dict[str, Any]:
    x: dict[str, Any] = {"field": "x", "type": "quantitative", "title": "runs, this one is 0"}
    x["axis"] = {"tickMinStep": 1, "format": "d"}
    y: dict[str, Any] = {
        "field": "y",
        "type": "quantitative",
        "title": None,
        "scale": {"zero": False},
    }
    y["axis"] = {"tickCount": 3, **({"format": ".1%"} if unit == "fraction" else {})}
    band = {
        "mark": {"type": "area", "color": SERIES[-1], "opacity": 0.3, "line": {"color": SERIES[-1]}},
        "encoding": {"x": x, "y": {**y, "field": "band_low"}, "y2": {"field": "band_high"}},
    }
    bars = {
        "mark": {"type": "rule", "color": SERIES[0]},
        "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
    }
    line: dict[str, Any] = {
        "mark": {"type": "line", "color": SERIES[0], "point": {"color": SERIES[0], "size": 40}}
    }
    line["encoding"] = {"x": x, "y": y}
    return {
        "data": {"values": list(points)},
        "facet": {
            "row": {
                "field": "subnet",
                "sort": list(names),
                "title": None,
                "header": {"labelAngle": 0, "labelAlign": "left", "labelColor": INK, "labelFontSize": 12},
            }
        },
        "spec": {"layer": [band, bars, line], "width": 210, "height": 70},
        "resolve": {"scale": {"y": "independent"}},
    }
