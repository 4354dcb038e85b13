"""Show the RAM of an inference and the flash of the pack, against their limits."""

from collections.abc import Iterator, Sequence
from typing import Any

from hil.report.figure import Figure, Section, Table, number, percent
from hil.report.taken import Bench
from hil.report.theme import LIMIT, PAPER, SERIES

_PARTS = ("pack in flash", "arena", "stack", "runtime state")
_COLORS = dict(zip(_PARTS, SERIES, strict=False))


def memory(benches: Sequence[Bench]) -> Section:
    """Return a figure for each bench whose RAM was measured."""
    reading = (
        "RAM of an inference by subnet, and the flash of the pack, which holds all subnets. Ticks are "
        "limits of RAM."
    )
    figures = [figure for bench in benches for figure in _figures(bench)]
    return Section("memory", "Memory", reading, figures)


def _figures(bench: Bench) -> Iterator[Figure]:
    rows = [row for subnet in bench.subnets if (row := _row(bench, subnet))]
    if not rows:
        return
    size = bench.card.get("bytes")
    pack = float(size) if isinstance(size, int) else None
    bars = [
        {"row": row["subnet"], "part": part, "bytes": row[part]}
        for row in rows
        for part in _PARTS[1:]
        if row[part] is not None
    ]
    ram = bench.limits_of("ram", "bytes")
    limits = [{"row": row["subnet"], "x": ram[row["subnet"]]} for row in rows if row["subnet"] in ram]
    flash = [{"row": "pack", "part": _PARTS[0], "bytes": pack}] if pack else []
    panels = [_bars(some, limits if some is bars else []) for some in (flash, bars) if some]
    spec = {"vconcat": panels, "resolve": {"scale": {"color": "independent"}}}
    most = max(rows, key=lambda row: float(row["ram"]))
    said = f" The pack takes {number(pack)} bytes of flash." if pack else ""
    alt = f"{bench.where}: {most['subnet']} takes the most RAM, {number(most['ram'])} bytes.{said}"
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
        bench.file_name("memory"),
        f"Memory of {bench.where}",
        bench.about,
        alt,
        spec,
        Table(heads, cells),
        tuple(_room(bench, pack)),
        run=bench.run.id,
    )


def _room(bench: Bench, pack: float | None) -> Iterator[str]:
    """Yield what the board has for packs and for the arena, and which part of it is taken."""
    largest = max((bench.value(subnet, "arena", "bytes") or 0.0 for subnet in bench.subnets), default=0.0)
    for what, metric, taken in (("packs", "room_flash", pack), ("the arena", "room_arena", largest)):
        room = next(filter(None, (bench.value(subnet, metric, "bytes") for subnet in bench.subnets)), None)
        if room and taken:
            share = percent(taken / room)
            yield f"The board has {number(room)} bytes for {what}, of which {share} are taken."


def _bars(bars: Sequence[dict[str, Any]], limits: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a panel of stacked bars: flash and RAM have axes of their own."""
    rows, parts = (list(dict.fromkeys(bar[key] for bar in bars)) for key in ("row", "part"))
    x: dict[str, Any] = {"field": "bytes", "type": "quantitative", "axis": {"tickCount": 4}}
    x["title"] = "bytes of flash" if parts == [_PARTS[0]] else "bytes of RAM"
    y = {"field": "row", "type": "nominal", "sort": rows, "title": None}
    ordered = [{**bar, "order": parts.index(bar["part"])} for bar in bars]
    colors = [_COLORS[part] for part in parts]
    legend = {"direction": "horizontal", "columns": 3}
    color = {
        "field": "part",
        "type": "nominal",
        "legend": legend,
        "scale": {"domain": parts, "range": colors},
    }
    stacked: dict[str, Any] = {"mark": {"type": "bar", "stroke": PAPER, "height": 20}}
    stacked["encoding"] = {"x": x, "y": y, "order": {"field": "order"}, "color": color}
    tick: dict[str, Any] = {"mark": {"type": "tick", "color": LIMIT, "thickness": 3, "size": 28}}
    tick["data"] = {"values": list(limits)}
    tick["encoding"] = {"x": {"field": "x", "type": "quantitative"}, "y": y}
    layers = [stacked, *([tick] if limits else [])]
    return {"data": {"values": ordered}, "layer": layers, "width": 240, "height": {"step": 30}}


def _row(bench: Bench, subnet: str) -> dict[str, Any] | None:
    """Return the bytes of a subnet; runs of before the arena was kept have it with the runtime's state."""
    ram, stack, arena = (bench.value(subnet, metric, "bytes") for metric in ("ram", "stack", "arena"))
    if ram is None or stack is None:
        return None
    state = None if arena is None else ram - stack - arena
    arena = ram - stack if arena is None else arena
    return {"subnet": subnet, "ram": ram, "stack": stack, "arena": arena, "runtime state": state}
