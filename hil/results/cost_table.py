"""Make the table of costs of a run, by which a governor on the device chooses subnets.

`reds attach PACK COSTS.json` puts the table into the card of the pack; `reds.pack.costs` defines its form.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from hil.results.measurement import Measurement
from hil.results.run import BoardIdentity
from hil.results.statistics.quantiles import median, percentile
from reds.pack.costs import board_key

TAIL = 99.0
"""Percentile of times and counts: what an inference takes, it hardly ever exceeds."""


def cost_table(
    run: str, boards: Sequence[BoardIdentity], measured: Iterable[Measurement], nanojoules: float | None
) -> dict[str, Any]:
    """Return the costs of each subnet on each board that measures time, ready to be written as JSON.

    Args:
        run: Id of the run.
        boards: The boards of the run.
        measured: Its measurements; a later one of a figure counts.
        nanojoules: Energy of a cycle, for boards without a meter; None if it is unknown.

    Raises:
        ValueError: The run has no latency in us, or is of several packs.
    """
    taken = [
        m for m in measured if m.metric in ("macs", "latency", "cycles", "instructions", "energy", "accuracy")
    ]
    timed = {(m.board, m.provenance) for m in taken if m.metric == "latency" and m.unit == "us"}
    of_pack = {(m.pack, m.pack_sha256) for m in taken if (m.board, m.provenance) in timed}
    if len(of_pack) != 1:
        several = f"it is of {len(of_pack)} packs" if of_pack else "it has no latency in us"
        raise ValueError(
            f"run {run}: {several}; name a run of `pytest hil --pack PACK` on a board with a clock"
        )
    ((pack, sha256),) = of_pack
    found = {}
    for who in boards:
        if (who.board, who.provenance) in timed:
            figures = [m for m in taken if (m.board, m.provenance) == (who.board, who.provenance)]
            found[board_key(who.board, who.provenance)] = _of_board(run, who, figures, nanojoules)
    return {"pack": pack, "pack_sha256": sha256, "boards": found}


def _of_board(
    run: str, who: BoardIdentity, figures: Sequence[Measurement], nanojoules: float | None
) -> dict[str, Any]:
    by_name = {(m.subnet, m.metric): m for m in figures}
    names = dict.fromkeys(m.subnet for m in figures if m.metric == "latency" and m.unit == "us")
    in_order = sorted(names, key=lambda name: by_name[name, "macs"].value if (name, "macs") in by_name else 0)
    rows = [_of_subnet(name, by_name, nanojoules) for name in in_order]
    metered = any(metric == "energy" for _, metric in by_name)
    stated = nanojoules is not None and any("nj" in row for row in rows)
    energy = "measured" if metered else f"stated, {nanojoules:g} nJ a cycle" if stated else ""
    identity = {"build": who.build, "serial": who.serial, "emulator": who.emulator, "energy": energy}
    return {
        "target": who.target, "provenance": who.provenance, "run": run,
        **{key: text for key, text in identity.items() if text}, "subnets": rows,
    }  # fmt: skip


def _of_subnet(
    name: str, by_name: dict[tuple[str, str], Measurement], nanojoules: float | None
) -> dict[str, Any]:
    row: dict[str, Any] = {"label": name, "us": percentile(by_name[name, "latency"].samples, TAIL)}
    for metric in ("cycles", "instructions"):
        if (name, metric) in by_name:
            row[metric] = percentile(by_name[name, metric].samples, TAIL)
    if (name, "energy") in by_name:
        row["nj"] = 1e6 * median(by_name[name, "energy"].samples)  # of mJ
    elif nanojoules is not None and "cycles" in row:
        row["nj"] = row["cycles"] * nanojoules
    if (name, "accuracy") in by_name:
        row["accuracy"] = by_name[name, "accuracy"].value
    return row
