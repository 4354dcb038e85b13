"""Show the scores of a replay as a table."""

import io

from rich.table import Table

from hil.replay.bench import Replay
from hil.replay.run import Outcome
from reds.console import wide_console
from reds.text import percent, printable

_HEADS = ("in time", "right", "regret", "right/mJ", "brown-outs", "switches", "of time", "of inference")
_MISSES = tuple(str(outcome) for outcome in Outcome if outcome is not Outcome.MET)


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
        f"{supply.jobs:,} jobs of {replay.runs:,} inferences, one each {supply.period_us / 1e3:.4g} ms, at "
        f"{there.power_uw / 1e3:g} mW; {store}",
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
    console.print(_table(replay))
    console.print(
        "in time: answers before their deadline. regret: part of the optimum's answers, each weighed with",
        "its subnet's accuracy, that is missed. of time, of inference: choosing, selecting and learning.",
        sep="\n",
    )
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def _table(replay: Replay) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("policy")
    for head in (*_HEADS, *_MISSES):
        table.add_column(head, justify="right")
    for name, score in replay.scores.items():
        table.add_row(
            name,
            f"{score.met:,}",
            f"{score.right:,}",
            percent(score.regret),
            f"{score.right_per_joule / 1e3:.4g}",
            _with(score.brown_outs, score.avoidable_brown_outs),
            f"{score.switches:,}",
            percent(score.of_time, ".3%"),
            percent(score.of_inference, ".3%"),
            *(
                _with(score.missed[miss], score.avoidable_misses if miss == Outcome.LATE else 0)
                for miss in _MISSES
            ),
        )
    jobs = next(iter(replay.scores.values())).jobs
    table.add_row("optimum", "", f"{replay.optimum:.1f}", percent(0.0), *[""] * 9, f"of {jobs:,}")
    return table


def _with(count: int, avoidable: int) -> str:
    """Return a count, and how many of them a smaller subnet would have avoided."""
    return f"{count:,} ({avoidable:,} avoidable)" if avoidable else f"{count:,}"
