"""Write docs/architectures.md from the kept outcomes."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from reds.tables import markdown
from tests.architectures.architecture import BUDGETS
from tests.architectures.catalog import ARCHITECTURES
from tests.architectures.outcome import Outcome, from_plain

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "docs" / "results" / "architectures.jsonl"
PAGE = ROOT / "docs" / "architectures.md"
HEAD = """# Architectures

Public architectures, written as plain torch modules from their papers (`tests/architectures/`). A test
compares the parameters and MACs of each with the published ones. Inputs are small here, and widths are the
published ones unless the name says a share.

Each module has random weights, and norms that have seen random data. `reds.from_module` reads it,
`reds.select` chooses three nested subnets of 25, 50 and 100 % of the MACs (or the shares beside the name), in
sixteenths of each group's units, and `reds.quantize` makes the pack. Every subnet then runs on the agent of a
desktop and, where pack and arena fit, on the emulated Nano 33 BLE. *Exact* means that all subnets give the
interpreter's outputs, bit for bit.

- *difference* is the largest one of an output from the module's, before and after `reds.permute`, beside the
  largest output;
- *selection* is the time of `reds.select` on two cores under a load of 11 to 15, and *gap* is how much a
  better choice could add at most;
- *Nano* gives the latencies of the subnets by the emulated board's cycles. Where the pack does not fit, its
  smaller subnets run if they do, cut out by `reds extract`, and the column says what is too large.

"""
MADE = "Made by `python -m tests.architectures --board nano33ble --emulate --keep`.\n"


def read() -> dict[str, Outcome]:
    """Return the kept outcomes by name, in the order of the catalog."""
    lines = KEPT.read_text().splitlines() if KEPT.exists() else []
    kept = {row["name"]: from_plain(row) for row in map(json.loads, lines)}
    return {name: kept[name] for name in ARCHITECTURES if name in kept}


def keep(new: Iterable[Outcome]) -> None:
    """Put new outcomes in the place of those of the same names, and write the page."""
    kept = read() | {each.name: each for each in new}
    rows = [kept[name] for name in ARCHITECTURES if name in kept]
    KEPT.write_text("".join(json.dumps(row.plain()) + "\n" for row in rows))
    PAGE.write_text(page(rows))


def page(rows: Sequence[Outcome]) -> str:
    """Return the page of outcomes."""
    works = [row for row in rows if row.works()]
    refused = [row for row in rows if row.refused]
    said = f"{len(works)} of {len(rows)} work, and {len(refused)} are refused.\n"
    parts = [HEAD + said, table(works)]
    if refused:
        heads = ["architecture", "paper", "answer"]
        answers = [[row.name, row.source, row.refused] for row in refused]
        parts += ["\n## Refused\n", markdown(heads, answers)]
    return "\n".join([*parts, "", MADE])


def table(rows: Sequence[Outcome]) -> str:
    """Return the table of architectures that work."""
    heads = ["architecture", "paper", "input", "parameters", "MACs", "layers", "difference", "selection"]
    heads += ["gap", "pack", "desktop", "Nano"]
    return markdown(heads, [cells(row) for row in rows], "lllrrrrrrrll")


def cells(row: Outcome) -> list[str]:
    """Return the cells of one architecture that works."""
    figures, shape = row.figures, " x ".join(map(str, row.shape))
    counts = f"{row.parameters:,}", f"{row.macs:,}", f"{figures['layers']}"
    difference = f"{figures['difference']:.1g} of {figures['largest']:.2g}"
    selection = f"{figures['seconds']['select']:.2f} s", f"{100 * figures['gap']:.2g} %"
    boards = (on(row, name) for name in ("desktop", "nano33ble"))
    size = f"{figures['bytes'] / 1000:,.1f} kB"
    return [row.name + _shares(row), row.source, shape, *counts, difference, *selection, size, *boards]


def _shares(row: Outcome) -> str:
    """Return the budgets of an architecture after its name, where they are not the usual ones."""
    budgets = ARCHITECTURES[row.name].budgets
    if budgets == BUDGETS:
        return ""
    return f" ({', '.join(f'{100 * budget:.0f}' for budget in budgets)} %)"


def on(row: Outcome, name: str) -> str:
    """Return how an architecture fared on a board."""
    if name not in row.boards:
        return ""
    board = row.boards[name]
    lacks = board.refused.split(": ", 1)[-1].split("; ")[0].split(" takes ")[-1]
    if not board.held:
        return f"needs {lacks}"
    times = " / ".join(f"{ms:,.1f}" for ms in board.milliseconds)
    said = ("exact" if board.exact else "differs") + (f", {times} ms" if times else "")
    return f"{said}; whole it needs {lacks}" if lacks else said
