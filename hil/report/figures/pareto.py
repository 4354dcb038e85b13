"""Show accuracy against latency: each subnet of each pack, per target and provenance."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hil.report.figure import Figure, Section, Table, between, file_name, number, percent
from hil.report.taken import SPEEDS, Bench
from hil.report.theme import INK, LIMIT, SERIES, SHAPES

_ACCURACY = ("accuracy", "fraction")


def pareto(benches: Sequence[Bench]) -> Section:
    """Return a figure for each target, provenance and unit that has accuracies and latencies."""
    groups: dict[tuple[str, str, str, str], list[Bench]] = {}
    for bench in benches:
        speed = bench.first_of(SPEEDS)
        if speed and bench.first_of([_ACCURACY]):
            groups.setdefault((bench.board.target, bench.board.provenance, *speed), []).append(bench)
    reading = (
        "Each point is a subnet. Bars are 95 % intervals; dashed lines are limits. "
        "Farther up is more accurate, farther left is faster."
    )
    return Section(
        "pareto", "Accuracy against latency", reading, [_figure(*group) for group in groups.items()]
    )


def _figure(group: tuple[str, str, str, str], benches: Sequence[Bench]) -> Figure:
    target, provenance, metric, unit = group
    points = [point for bench in benches for point in _points(bench, benches, metric, unit)]
    budgets = [row for bench in benches for row in _budgets(bench, metric, unit)]
    names = list(dict.fromkeys(point["series"] for point in points))
    best, least = max(points, key=lambda p: p["y"]), min(points, key=lambda p: p["x"])
    alt = (
        f"{len(points)} subnets on {target}, {provenance}. The most accurate is {best['subnet']} of "
        f"{best['series']} with {percent(best['y'])} at {number(best['x'])} {unit}. The fastest is "
        f"{least['subnet']} of {least['series']} with {percent(least['y'])} at {number(least['x'])} {unit}."
    )
    rows = tuple(
        (
            *(p["series"], p["subnet"]),
            *(number(p["x"]), between(p["x_low"], p["x_high"])),
            *(percent(p["y"]), between(p["y_low"], p["y_high"], "percent")),
            number(p["limit"]),
        )
        for p in points
    )
    heads = ("pack", "subnet", f"latency {unit}", "95 %", "accuracy", "95 %", "limit")
    title = f"Accuracy against latency on {target}, {provenance}"
    about = tuple(dict.fromkeys(line for bench in benches for line in bench.about))
    spec = _spec(points, budgets, names, unit)
    return Figure(
        file_name("pareto", target, provenance, unit), title, about, alt, spec, Table(heads, rows, 2)
    )


def _points(bench: Bench, among: Sequence[Bench], metric: str, unit: str) -> Iterator[dict[str, Any]]:
    """Yield the subnets of a bench; its series is named by what tells it from others."""
    series = bench.pack
    if len({other.board.board for other in among}) > 1:
        series += f" on {bench.board.board}"
    if sum((o.pack, o.board.board) == (bench.pack, bench.board.board) for o in among) > 1:
        series += f", run {bench.run.id}"
    for subnet in bench.subnets:
        time, right = (bench.figures.get((subnet, *kind)) for kind in ((metric, unit), _ACCURACY))
        if time and right:
            yield {
                "series": series,
                "subnet": subnet,
                **{"x": time.value, "x_low": time.low, "x_high": time.high},
                **{"y": right.value, "y_low": right.low, "y_high": right.high},
                "limit": bench.limits_of(metric, unit).get(subnet),
            }


def _budgets(bench: Bench, metric: str, unit: str) -> Iterator[dict[str, Any]]:
    for subnet, limit in bench.limits_of(metric, unit).items():
        yield {"x": limit, "text": f"limit of {subnet}"}


def _spec(
    points: Sequence[Mapping[str, Any]], budgets: Sequence[Mapping[str, Any]], names: Sequence[str], unit: str
) -> dict[str, Any]:
    x: dict[str, Any] = {
        "field": "x",
        "type": "quantitative",
        "title": f"latency, {unit}",
        "scale": {"zero": False},
        "axis": {"tickCount": 4},
    }
    y: dict[str, Any] = {"field": "y", "type": "quantitative", "title": "accuracy", "scale": {"zero": False}}
    y["axis"] = {"format": ".0%"}
    color = {"field": "series", "type": "nominal", "scale": {"domain": names, "range": list(SERIES)}}
    shape = {**color, "scale": {"domain": names, "range": list(SHAPES)}}
    line: dict[str, Any] = {
        "mark": {"type": "line", "strokeWidth": 1.5, "opacity": 0.6},
        "encoding": {"color": color},
    }
    line["encoding"] |= {"x": x, "y": y, "order": {"field": "x"}}
    across = {"mark": {"type": "rule", "strokeWidth": 1.5}}
    wide = {
        **across,
        "encoding": {"x": {**x, "field": "x_low"}, "x2": {"field": "x_high"}, "y": y, "color": color},
    }
    tall = {
        **across,
        "encoding": {"y": {**y, "field": "y_low"}, "y2": {"field": "y_high"}, "x": x, "color": color},
    }
    mark: dict[str, Any] = {"mark": {"type": "point", "filled": True, "size": 70, "opacity": 1}}
    mark["encoding"] = {"x": x, "y": y, "color": color, "shape": shape}
    label: dict[str, Any] = {"mark": {"type": "text", "dx": 7, "dy": -7, "align": "left", "color": INK}}
    label["encoding"] = {"x": x, "y": y, "text": {"field": "subnet"}}
    limit: dict[str, Any] = {
        "data": {"values": list(budgets)},
        "encoding": {"x": {"field": "x", "type": "quantitative"}},
    }
    limit["layer"] = [
        {"mark": {"type": "rule", "strokeDash": [5, 4], "color": LIMIT}},
        {
            "mark": {"type": "text", "color": LIMIT, "angle": 270, "align": "right", "dy": -5, "y": 4},
            "encoding": {"text": {"field": "text"}},
        },
    ]
    layers = [line, wide, tall, mark, label, *([limit] if budgets else [])]
    return {"data": {"values": list(points)}, "layer": layers, "width": 240, "height": 260}
