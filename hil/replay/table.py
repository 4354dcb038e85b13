"""Show the scores of a replay as a table."""

import io
from collections.abc import Iterator

from rich.table import Table

from hil.replay.bench import Replay
from hil.replay.run import Outcome
from reds.console import wide_console
from reds.text import percent, printable

_MISSES = tuple(str(outcome) for outcome in Outcome if outcome is not Outcome.MET)
HEADS = (
    *(
        "policy",
        "in time",
        "right",
        "regret",
        "right/mJ",
        "brown-outs",
        "switches",
        "of time",
        "of inference",
    ),
    *_MISSES,
)
"""Heads of the columns of scores."""
_UNKNOWN = "-"
"""Cell of right answers without labels."""


def render(replay: Replay) -> str:
    """Return the settings of a replay, its table and what the columns mean, as text."""
    there, board = replay.scenario, replay.board
    supply = there.supply
    store = "on the mains"
    if not supply.mains:
        store = f"{supply.full_pj / 1e9:.4g} mJ stored at most, {sum(supply.income) / 1e9:.4g} mJ come in"
    lines = [
        f"{replay.pack.model.name} on {board.name}, {board.provenance}: {there.trace.name}, "
        f"{there.trace.length_us / 1e6:.4g} s",
        f"{supply.jobs:,} jobs of {replay.runs:,} inference{'s' * (replay.runs > 1)}, "
        f"one each {supply.period_us / 1e3:.4g} ms, at {there.power_uw / 1e3:g} mW; {store}",
        "costs: "
        + ", ".join(
            f"{name} {cost.us:,} us {cost.nj / 1e3:.4g} uJ"
            for name, cost in zip(replay.subnets, replay.costs, strict=True)
        ),
    ]
    out = io.StringIO()
    console = wide_console(out)
    for line in lines:
        console.print(printable(line), soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for head in HEADS:
        table.add_column(head, justify="left" if head == HEADS[0] else "right")
    for row in rows(replay):
        table.add_row(*row)
    console.print(table)
    console.print(
        "in time: answers before their deadline. regret: part of the optimum's answers, each weighed with",
        "its subnet's accuracy, that is missed. of time, of inference: choosing, selecting and learning.",
        sep="\n",
    )
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def rows(replay: Replay) -> Iterator[tuple[str, ...]]:
    """Yield the scores of each policy, then the optimum, a cell for each of `HEADS`."""
    for name, score in replay.scores.items():
        late = score.avoidable_misses
        misses = (_with(score.missed[miss], late if miss == Outcome.LATE else 0) for miss in _MISSES)
        yield (
            name,
            f"{score.met:,}",
            _UNKNOWN if score.right is None else f"{score.right:,}",
            percent(score.regret),
            _UNKNOWN if score.right_per_joule is None else f"{score.right_per_joule / 1e3:.4g}",
            _with(score.brown_outs, score.avoidable_brown_outs),
            f"{score.switches:,}",
            percent(score.of_time, ".3%"),
            percent(score.of_inference, ".3%"),
            *misses,
        )
    yield ("optimum", "", f"{replay.optimum:,.1f}", percent(0.0), *[""] * (len(HEADS) - 4))


def _with(count: int, avoidable: int) -> str:
    """Return a count, and how many of them a smaller subnet would have avoided."""
    return f"{count:,} ({avoidable:,} avoidable)" if avoidable else f"{count:,}"
