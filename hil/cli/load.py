"""Hold deadlines on a busy board (`hil load`)."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import click

from hil.cli.options import BOARDS
from hil.options import LEAST_JOBS
from reds.commands import file


@click.command()
@click.option("--board", "name", default="desktop", show_default=True, help="Name or target of a board.")
@BOARDS
@click.option("--pack", "pack_file", type=file, help="Pack to run; default: the shipped kws-dnn-s.reds.")
@click.option(
    "--core",
    type=click.IntRange(min=0),
    help="Core for the agent and the busy process; default: that of the boards file, or the desktop's last.",
)
@click.option("--runs", type=click.IntRange(min=1), default=10, show_default=True, help="Runs, one by one.")
@click.option(
    "--jobs",
    type=click.IntRange(min=LEAST_JOBS),
    default=400,
    show_default=True,
    help="The governor's jobs of a run.",
)
def load(
    name: str, boards_file: Path | None, pack_file: Path | None, core: int | None, runs: int, jobs: int
) -> None:
    """Hold deadlines beside a busy process on the same core.

    The governor must hold 99 % of the deadlines, where the full subnet alone misses more than half. The exit
    status is 1 if a run fails. Example: hil load --board pi --boards my-boards.toml --core 3
    """
    from hil.boards import boards_toml
    from hil.boards.facts import Provenance
    from hil.cli.status import board_and_status
    from hil.load.jobs import LEAST_HELD, LEAST_MISSED, beside_a_process, described
    from hil.suite.workload import load as workload_of
    from hil.suite.workload import shipped

    entry, workload = boards_toml.named(boards_file, name), workload_of(pack_file or shipped())
    if core is None:
        core = (
            max(os.sched_getaffinity(0)) if entry.target == "desktop" and entry.core is None else entry.core
        )
    kept = 0
    with board_and_status(replace(entry, core=core), Provenance.HARDWARE) as (board, say):
        board.deploy(workload.model)
        for number in range(1, runs + 1):
            say(f"run {number} of {runs}")
            found = beside_a_process(board, workload.model, workload.inputs, core, jobs)
            kept += found.governed_held >= LEAST_HELD and found.full_missed > LEAST_MISSED
            click.echo(f"run {number}: {described(found, workload.subnets)}")
    click.echo(
        f"{kept} of {runs} runs: the governor held {LEAST_HELD:.0%}, {workload.subnets[-1]} alone missed half"
    )
    sys.exit(kept < runs)
