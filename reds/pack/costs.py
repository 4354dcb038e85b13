"""Keep what each subnet of a pack costs on boards in the pack's card, for a governor on the device.

`hil costs` writes such a table, `attach` puts it into the card, and `c_table` makes the C of it that firmware
with `targets/governor` compiles.
"""

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any, Literal

from reds.errors import PackError
from reds.files import write_atomically
from reds.pack.pack import Pack, load_pack
from reds.pack.paths import writing
from reds.reading import parse_json, read_regular, reason
from reds.spelling import did_you_mean
from reds.strict_tables import parse_table
from reds.text import percent, printable

_MOST = 2**32 - 1
"""Largest number of microseconds or nanojoules in a governor's table."""


@dataclass(frozen=True)
class SubnetCost:
    """Costs of an inference of one subnet on one board."""

    label: str
    """Name of the subnet."""
    us: float
    """Microseconds at the 99th percentile."""
    cycles: float | None = None
    """Cycles at the 99th percentile; None if the board counts none."""
    instructions: float | None = None
    """Instructions at the 99th percentile; None if the board counts none."""
    nj: float | None = None
    """Nanojoules; None if they were neither measured nor stated."""
    accuracy: float | None = None
    """On the labeled examples, a fraction; None if it was not measured."""


@dataclass(frozen=True)
class BoardCosts:
    """Costs of the subnets of a pack on one board."""

    target: str
    provenance: Literal["hardware", "emulated"]
    run: str
    """Id of the run that measured them."""
    subnets: tuple[SubnetCost, ...]
    """Smallest first."""
    build: str = ""
    """Build of the board's agent."""
    serial: str = ""
    emulator: str = ""
    energy: str = ""
    """Origin of the energy, as `measured`."""


@dataclass(frozen=True)
class Costs:
    """The content of a file of costs, by board, as `nano33ble (emulated)`."""

    pack: str
    pack_sha256: str
    boards: Mapping[str, BoardCosts]


def board_key(board: str, provenance: str) -> str:
    """Return the name of a board's costs."""
    return f"{board} ({provenance})"


def attach(pack: Path, file: Path) -> list[str]:
    """Put the costs in a file into the card of their pack, instead of earlier ones of the same boards.

    Args:
        pack: The pack.
        file: What `hil costs` wrote.

    Returns:
        The boards.

    Raises:
        PackError: The pack has no card, or the costs are damaged, of another pack or impossible.
    """
    loaded = load_pack(pack)
    _card(loaded)  # it lacks none
    costs = _read(file)
    if not costs.boards:
        raise PackError(f"{file}: it has costs of no board: measure some by `hil costs`")
    if costs.pack_sha256 != loaded.sha256:
        raise PackError(
            f"{file}: its costs are of another pack, {costs.pack} with sha256 {costs.pack_sha256[:12]}:"
            f" measure {loaded.path.name} ({loaded.sha256[:12]})"
        )
    names = [subnet.name for subnet in loaded.model.subnets]
    for board, each in costs.boards.items():
        if problem := _problem(each.subnets, names):
            raise PackError(f"{file}: {board}: {problem}: measure again")
    path = loaded.path.with_suffix(".json")
    with writing(path), loaded.path.open("rb") as only_one:
        fcntl.flock(only_one, fcntl.LOCK_EX)  # else two at once would lose the costs of one
        card = _card(load_pack(pack))
        kept, new = card.get("costs"), {key: _plain(each) for key, each in costs.boards.items()}
        merged = {**(kept if isinstance(kept, dict) else {}), **new}
        write_atomically(path, (json.dumps({**card, "costs": merged}, indent=2) + "\n").encode())
    return list(costs.boards)


def costs_of(pack: Path, board: str | None = None) -> tuple[Pack, str, BoardCosts]:
    """Return a pack and what its subnets cost on a board, by its card.

    Args:
        pack: The pack.
        board: Name of the board, with or without its provenance; None for the only one.

    Returns:
        The pack, the board with its provenance, and the costs.

    Raises:
        PackError: The card has no costs of this board, or costs that cannot be.
    """
    loaded = load_pack(pack)
    found = _card(loaded).get("costs")
    source = str(loaded.path.with_suffix(".json"))
    entries = found if isinstance(found, dict) else {}
    wanted = [key for key in entries if board in (None, key, key.rpartition(" (")[0])]
    if len(wanted) != 1:
        which = f"of {board}" if board else "of one board alone"
        known = did_you_mean(board or "", sorted(entries)) if entries else "attach some by `reds attach`"
        raise PackError(f"{source}: it has no costs {which}: {known}")
    costs = parse_table(entries[wanted[0]], BoardCosts, source, PackError)
    if problem := _problem(costs.subnets, [subnet.name for subnet in loaded.model.subnets]):
        raise PackError(f"{source}: {wanted[0]}: {problem}: attach them again")
    return loaded, wanted[0], costs


def c_table(pack: Pack, board: str, costs: BoardCosts) -> Iterator[str]:
    """Give the lines of the C table of a governor; a subnet without an energy has 0 nJ.

    Args:
        pack: The pack.
        board: The board with its provenance.
        costs: The costs of all subnets.
    """
    where = f"{pack.model.name} ({pack.sha256[:12]}) on {board}, run {costs.run or 'unknown'}"
    energy = f"nJ {costs.energy}" if costs.energy else "no energy known"
    yield f"/* {_comment(where)}: us at p99, {_comment(energy)} */"
    yield "static const reds_cost costs[] = {"
    for subnet in costs.subnets:
        correct = "" if subnet.accuracy is None else f", {percent(subnet.accuracy)} correct"
        yield f"    {{{ceil(subnet.us)}u, {ceil(subnet.nj or 0)}u}}, /* {_comment(subnet.label + correct)} */"
    yield "};"


def _comment(text: str) -> str:
    """Return a text that ends no comment of C."""
    return printable(text).replace("*/", "* /")


def _card(pack: Pack) -> dict[str, Any]:
    if pack.card is None:
        path = pack.path.with_suffix(".json")
        raise PackError(f"{pack.path}: {path.name} is no card of it, and costs are kept there: build again")
    return dict(pack.card)


def _read(file: Path) -> Costs:
    try:
        table = parse_json(read_regular(file))
    except (OSError, ValueError) as error:
        raise PackError(f"{file}: cannot be read: {reason(error)}; name a file of `hil costs`") from None
    return parse_table(table, Costs, str(file), PackError)


def _problem(costs: Sequence[SubnetCost], names: Sequence[str]) -> str:
    """Return why costs cannot be those of these subnets; empty if they can."""
    labels = [cost.label for cost in costs]
    if labels != list(names):
        return f"its subnets are {', '.join(labels) or 'none'}, the pack's are {', '.join(names)}"
    for unit in ("us", "cycles", "instructions", "nj"):
        values = [value for cost in costs if (value := getattr(cost, unit)) is not None]
        if values and len(values) < len(costs):
            return f"only some subnets have {unit}"
        for cost in costs:
            if (value := getattr(cost, unit)) is not None and not 0 < value <= _MOST:
                return (
                    f"subnet {cost.label}: {unit} is {value:g}, more than 0 and at most {_MOST} is possible"
                )
        for before, after in pairwise(costs):
            if values and getattr(after, unit) < getattr(before, unit):
                return f"subnet {after.label} costs less {unit} than {before.label}, which it contains"
    for cost in costs:
        if cost.accuracy is not None and not 0 <= cost.accuracy <= 1:
            return f"subnet {cost.label}: accuracy is {cost.accuracy:g}, 0 to 1 is possible"
    return ""


def _plain(costs: BoardCosts) -> dict[str, Any]:
    """Return the costs as JSON holds them, without what is unknown."""
    plain = asdict(costs)
    plain["subnets"] = [{k: v for k, v in row.items() if v is not None} for row in plain["subnets"]]
    return {key: value for key, value in plain.items() if value != ""}
