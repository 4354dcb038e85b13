"""Show how the latencies of each subnet are distributed."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from hil.report.figure import Figure, Section, Table, between, number
from hil.report.taken import SPEEDS, Bench
from hil.report.theme import INK, SERIES
from hil.results.measurement import Measurement
from hil.results.statistics import shape
from hil.results.statistics.quantiles import percentile, percentile_interval

_MOST = 2000
"""Most samples of a subnet that are drawn; of more, evenly spread ranks."""


def latency(benches: Sequence[Bench]) -> Section:
    """Return a figure for each bench with latencies."""
    reading = (
        "A box holds the middle half of the samples, its line is the median, its whiskers reach the samples "
        "within 1.5 boxes; every sample beyond is a point."
    )
    figures = [figure for bench in benches for figure in _figures(bench)]
    return Section("latency", "Latency of each subnet", reading, figures)


def _figures(bench: Bench) -> Iterator[Figure]:
    kind = bench.first_of(SPEEDS)
    if kind is None:
        return
    metric, unit = kind
    found = {
        subnet: bench.figures[subnet, metric, unit]
        for subnet in bench.subnets
        if (subnet, metric, unit) in bench.figures and bench.figures[subnet, metric, unit].samples
    }
    if not found:
        return
    values = [{"subnet": subnet, "x": x} for subnet, m in found.items() for x in _drawn(m)]
    x: dict[str, Any] = {"field": "x", "type": "quantitative", "title": f"latency, {unit}"}
    x |= {"scale": {"zero": False}, "axis": {"tickCount": 4}}
    box = {
        "type": "boxplot",
        "size": 16,
        "box": {"color": SERIES[0], "fillOpacity": 0.75},
        "rule": {"color": SERIES[0]},
        "outliers": {"color": SERIES[1], "size": 14, "filled": True},
    }
    tick = {"type": "tick", "color": INK, "thickness": 2, "size": 20}
    medians = {"mark": tick, "encoding": {"x": {**x, "aggregate": "median"}}}
    layers = [{"mark": box, "encoding": {"x": x}}, medians]
    rows = {"field": "subnet", "type": "nominal", "sort": list(found), "title": "subnet"}
    if bench.exact:
        spec: dict[str, Any] = {
            "encoding": {"y": rows},
            "layer": layers,
            "width": 230,  # with its axis a column wide
            "height": {"step": 34},
        }
    else:  # noise is small beside the distance of subnets, so each has an axis of its own
        header = {"labelAngle": 0, "labelAlign": "left", "labelColor": INK, "labelFontSize": 12}
        each = {"layer": layers, "width": 280, "height": 34}
        spec = {"facet": {"row": {**rows, "title": None, "header": header}}, "spec": each}
        spec["resolve"] = {"scale": {"x": "independent"}}
    spec["data"] = {"values": values}
    alt = "; ".join(f"{subnet}: median {number(m.value)} {unit}" for subnet, m in found.items())
    yield Figure(
        bench.file_name("latency"),
        f"Latency of {bench.where}",
        bench.about,
        f"{bench.where}: {alt}.",
        spec,
        Table(
            ("subnet", f"median {unit}", "95 %", "p95 (95 %)", "p99 (95 %)", "largest", "samples"),
            tuple((subnet, *_cells(m, bench.exact)) for subnet, m in found.items()),
        ),
        () if bench.exact else tuple(_odd(found)),
        bench.run.id,
    )


def _drawn(m: Measurement) -> list[float]:
    if len(m.samples) <= _MOST:
        return list(m.samples)
    ranks = np.linspace(0, len(m.samples) - 1, _MOST).round().astype(int)
    return [float(x) for x in np.sort(m.samples)[ranks]]


def _cells(m: Measurement, exact: bool) -> tuple[str, ...]:
    high = (_tail(m, percent, exact) for percent in (95, 99))
    return (number(m.value), between(m.low, m.high), *high, number(max(m.samples)), f"{len(m.samples):,}")


def _tail(m: Measurement, percent: float, exact: bool) -> str:
    """Return a percentile with its interval, which has no upper bound where there are few samples."""
    value = number(percentile(m.samples, percent))
    low, high = (None, None) if exact else percentile_interval(m.samples, percent)
    if low is None:
        return value
    return f"{value} ({number(low)} or more)" if high is None else f"{value} ({between(low, high)})"


def _odd(found: dict[str, Measurement]) -> Iterator[str]:
    for subnet, m in found.items():
        if text := shape.described(m.samples, m.unit):
            yield f"{subnet}: {text}"
