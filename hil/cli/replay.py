"""Replay a trace of resources on a board (`hil replay`)."""

from collections.abc import Sequence
from pathlib import Path

import click

from hil.cli.options import BOARDS
from reds.commands import file, new_file, uninstalled
from reds.files import write_atomically


@click.command()
@click.option("--trace", required=True, metavar="TRACE", help="A file, or a generator such as solar:seed=1.")
@click.option("--pack", "pack_file", type=file, help="Pack to run; default: the shipped kws-dnn-s.reds.")
@click.option(
    "--policy",
    "policies",
    multiple=True,
    help="Replay only this policy, as both or fixed:50%; repeat for more. Default: all.",
)
@click.option("--scenario", "numbers", default="", metavar="KEY=NUMBER,...", help="Numbers of the device.")
@click.option("--board", "name", default="nano33ble", show_default=True, help="Name or target of a board.")
@BOARDS
@click.option("--emulate", is_flag=True, help="Replay on the board's emulator.")
@click.option("--out", type=new_file, help="Also write every step to this file, as JSON.")
@click.option("--plot", type=new_file, help="Also draw the last policy to this file, as SVG.")
def replay(
    trace: str,
    pack_file: Path | None,
    policies: Sequence[str],
    numbers: str,
    name: str,
    boards_file: Path | None,
    emulate: bool,
    out: Path | None,
    plot: Path | None,
) -> None:
    """Replay a trace of resources on a board that decides.

    A model of capacitor, harvester and deadlines says what the device has. The table shows each policy beside
    the offline optimum, which knows the whole trace. Keys of --scenario are period_ms, runs, deadline_ms,
    power_mw, standby_uw, efficiency_percent, farads, volts_full, volts_on and volts_off.
    Example: hil replay --trace solar:seed=1 --emulate
    """
    from hil.boards import boards_toml
    from hil.boards.facts import Provenance
    from hil.cli.status import board_and_status
    from hil.replay.bench import Asked, Examples, replay_on
    from hil.replay.file import dumps
    from hil.replay.policy import check_policy, every_policy
    from hil.replay.scenario import read_scenario
    from hil.replay.score import values_of
    from hil.replay.source import source
    from hil.replay.table import render
    from hil.suite import workload

    if plot and (missing := uninstalled("report")):
        raise click.ClickException(missing)
    found, given = source(trace), read_scenario(numbers)
    work = workload.load(pack_file or workload.shipped())
    chosen = tuple(check_policy(policy, work.subnets) for policy in policies) or every_policy(work.subnets)
    count = len(work.classes) or len(work.inputs)
    examples = Examples(work.inputs[:count], work.classes)
    provenance = Provenance.EMULATED if emulate else Provenance.HARDWARE
    with board_and_status(boards_toml.named(boards_file, name), provenance) as (board, say):
        say(f"storing {work.name}, and measuring its subnets")
        board.deploy(work.model)
        asked = Asked(found, given, chosen)
        values = values_of(work.pack, len(work.classes))
        done = replay_on(
            board,
            work.pack,
            examples,
            asked,
            values,
            lambda total: lambda done: say(f"{trace}: {done:,} of {total:,} jobs"),
        )
    click.echo(render(done), nl=False)
    if plot:
        from hil.replay.table import HEADS, rows
        from hil.report.draw import draw
        from hil.report.figure import Table
        from hil.report.figures.replay import course_of, figure

        title = f"{done.label(done.tested)}: {work.name} on {done.board.name}, {done.board.provenance}"
        drawn = draw(figure("replay", title, (), course_of(done), Table(HEADS, tuple(rows(done)))))
        write_atomically(plot, drawn.svg.encode())
    if out:
        write_atomically(out, dumps(done))
