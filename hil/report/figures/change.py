"""Show two runs side by side. Hardware and emulated figures are never compared."""

from collections.abc import Iterator, Sequence

from hil.errors import ComparisonError
from hil.report.figure import Figure, Section, Table, file_name, number, percent
from hil.report.taken import Taken
from hil.report.theme import SERIES
from hil.results.difference import Change, Kept, changes
from hil.results.run import BoardIdentity
from reds import text

_MOST = 40
"""Most changes that are drawn, the largest."""
_DETAILS = ("layer", "first", "macs", "room")
"""First words of metrics that only the table has."""
_COLORS = {"better": SERIES[2], "worse": SERIES[1], "neither": SERIES[-1]}
_SHAPES = {"better": "triangle-up", "worse": "triangle-down", "neither": "circle"}


def side_by_side(taken: Sequence[Taken]) -> Section:
    """Return the first run beside each later one, a figure for each board that both have."""
    figures: list[Figure] = []
    notes: list[str] = []
    for later in taken[1:]:
        both = taken[0], later
        if not _shapes(taken[0]) & _shapes(later):
            other = f"run {later.run.id} benched a pack of another shape than run {taken[0].run.id}"
            notes.append(f"{other}, so their figures are not compared one by one")
            continue
        try:
            found, differ = changes(*(Kept(each.run.id, each.boards, each.measurements) for each in both))
        except ComparisonError as error:
            notes.append(str(error))
            continue
        notes += [f"{later.run.id}: {note}" for note in differ]
        for board in dict.fromkeys(change.board for change in found):
            figures += _figures(both, board, [change for change in found if change.board == board])
    reading = (
        "How much each figure changed from the earlier run to the later one. Better and worse say nothing "
        "about noise: the gate does."
    )
    return Section("change", "Two runs side by side", reading, figures, tuple(notes))


def _shapes(taken: Taken) -> set[str]:
    return {bench.shape for bench in taken.benches}


def _figures(both: tuple[Taken, Taken], board: BoardIdentity, found: Sequence[Change]) -> Iterator[Figure]:
    before, after = (each.run.id for each in both)
    points = [
        {"what": f"{c.subnet} {c.metric}", "x": c.relative, "judged": c.judged or "neither"}
        for c in sorted(found, key=lambda c: -abs(c.relative or 0.0))
        if c.relative and c.metric.partition("_")[0] not in _DETAILS
    ][:_MOST]
    changed = sum(c.differs for c in found)
    where = f"{board.board}, {board.provenance}"
    worse = sum(c.judged == "worse" for c in found)
    alt = f"{where}: {changed} of {len(found)} figures changed, {worse} of them for the worse."
    if not points:
        points = [{"what": "figures drawn", "x": 0.0, "judged": "neither"}]
    kinds = list(_COLORS)
    scale = {"domain": kinds, "range": list(_COLORS.values())}
    spec = {
        "data": {"values": points},
        "encoding": {
            "y": {"field": "what", "type": "nominal", "sort": None, "title": None},
            "x": {
                "field": "x",
                "type": "quantitative",
                "title": "change",
                "axis": {"format": "+.1%", "tickCount": 3},
            },
        },
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 1.5},
                "encoding": {"x2": {"datum": 0}, "color": {"field": "judged", "scale": scale}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 80, "opacity": 1},
                "encoding": {
                    "color": {"field": "judged", "scale": scale},
                    "shape": {"field": "judged", "scale": {"domain": kinds, "range": list(_SHAPES.values())}},
                },
            },
        ],
        "width": 170,
        "height": {"step": 20},
    }
    rows = tuple(_row(change) for change in found)
    about = (where, f"earlier run {before}", f"later run {after}")
    name = file_name("change", board.board, board.provenance, before, after)
    heads = ("subnet", "metric", "unit", "earlier", "later", "change", "judged")
    yield Figure(name, f"Changes on {where}", about, alt, spec, Table(heads, rows, 3))


def _row(change: Change) -> tuple[str, ...]:
    shown = percent if change.unit == "fraction" else number
    moved = "" if change.relative is None else text.percent(change.relative, "+.2%")
    figures = map(shown, change.values)
    return (change.subnet, change.metric, change.unit, *figures, moved, change.judged)
