"""Show the RAM of an inference and the flash of the pack, against the limits of the boards file."""

from collections.abc import Iterator, Sequence
from typing import Any

from hil.report.figure import Figure, Section, Table, file_name, number
from hil.report.taken import Bench
from hil.report.theme import LIMIT, PAPER, SERIES

_PARTS = ("pack in flash", "arena", "stack", "runtime state")


def memory(benches: Sequence[Bench]) -> Section:
    """Return a figure for each bench whose RAM was measured."""
    reading = (
        "RAM of an inference by subnet, and the flash of the pack, which holds all subnets. Ticks are the "
        "limits of RAM in the boards file."
    )
    figures = [figure for bench in benches for figure in _figures(bench)]
    return Section("memory", "Memory", reading, figures)


def _figures(bench: Bench) -> Iterator[Figure]:
    rows = [row for subnet in bench.subnets if (row := _row(bench, subnet))]
    if not rows:
        return
    size = bench.card.get("bytes")
    pack = float(size) if isinstance(size, int) else None
    bars = [{"row": "pack", "part": _PARTS[0], "bytes": pack, "order": 0}] if pack else []
    for row in rows:
        for order, part in enumerate(_PARTS[1:], 1):
            if row[part] is not None:
                bars.append({"row": row["subnet"], "part": part, "bytes": row[part], "order": order})
    ram = bench.limits.ram_bytes if bench.limits else {}
    limits = [{"row": row["subnet"], "x": ram[row["subnet"]]} for row in rows if row["subnet"] in ram]
    y = {"field": "row", "type": "nominal", "sort": ["pack", *bench.subnets], "title": None}
    there = [part for part in _PARTS if any(bar["part"] == part for bar in bars)]
    stacked = {
        "mark": {"type": "bar", "stroke": PAPER, "height": 20},
        "encoding": {
            "x": {"field": "bytes", "type": "quantitative", "title": "bytes", "axis": {"tickCount": 4}},
            "y": y,
            "order": {"field": "order"},
            "color": {
                "field": "part",
                "type": "nominal",
                "scale": {"domain": there, "range": list(SERIES)},
                "legend": {"direction": "horizontal", "columns": 4},
            },
        },
    }
    ticks = {
        "data": {"values": limits},
        "mark": {"type": "tick", "color": LIMIT, "thickness": 3, "size": 28},
        "encoding": {"x": {"field": "x", "type": "quantitative"}, "y": y},
    }
    spec = {
        "data": {"values": bars},
        "layer": [stacked, *([ticks] if limits else [])],
        "width": 270,
        "height": {"step": 30},
    }
    where = f"{bench.pack} on {bench.board.board}, {bench.board.provenance}"
    most = max(rows, key=lambda row: float(row["ram"]))
    flash = f" The pack takes {number(pack)} bytes of flash." if pack else ""
    alt = f"{where}: {most['subnet']} takes the most RAM, {number(most['ram'])} bytes.{flash}"
    cells = tuple(
        (
            str(row["subnet"]),
            *(number(row[part]) for part in (*_PARTS[1:], "ram")),
            number(ram.get(row["subnet"])),
        )
        for row in rows
    )
    heads = ("subnet", *_PARTS[1:], "RAM together", "limit of RAM")
    yield Figure(
        file_name("memory", bench.board.board, bench.board.provenance, bench.pack, bench.run.id),
        f"Memory of {where}",
        bench.about,
        alt,
        spec,
        Table(heads, cells),
        run=bench.run.id,
    )


def _row(bench: Bench, subnet: str) -> dict[str, Any] | None:
    """Return the bytes of a subnet; runs of before the arena was kept have it with the runtime's state."""
    ram, stack, arena = (bench.value(subnet, metric, "bytes") for metric in ("ram", "stack", "arena"))
    if ram is None or stack is None:
        return None
    state = None if arena is None else ram - stack - arena
    arena = ram - stack if arena is None else arena
    return {"subnet": subnet, "ram": ram, "stack": stack, "arena": arena, "runtime state": state}
