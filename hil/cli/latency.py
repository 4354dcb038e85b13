"""Measure the layers of a net on a board (`hil latency`)."""

from pathlib import Path

import click

from hil.cli.options import BOARDS
from reds.commands import new_file
from reds.text import LINE, printable
from reds.zoo import KNOWN_NAMES


@click.command(epilog=f"NET is one of {KNOWN_NAMES}.")
@click.argument("net")
@click.option(
    "--input",
    "shape",
    metavar="SHAPE",
    help="Shape of an example of a module of your own, without the batch, as 3x32x32.",
)
@click.option(
    "--classes", type=click.IntRange(min=2), help="Classes of your data; default: those of the published net."
)
@click.option("--board", "name", default="nano33ble", show_default=True, help="Name or target of a board.")
@BOARDS
@click.option("--emulate", is_flag=True, help="Measure on the board's emulator.")
@click.option(
    "--step",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="The `step` of the recipe: widths are multiples of it.",
)
@click.option(
    "--points",
    type=click.IntRange(min=2),
    default=8,
    show_default=True,
    help="Measured widths of each unit group. Times between them are interpolated.",
)
@click.option(
    "--check",
    type=click.IntRange(0, 1000),
    default=0,
    metavar="N",
    help="Also time N whole subnets of random widths, and print how far their predicted times are off.",
)
@click.option("--out", type=new_file, help="File to write; default: NET-BOARD.json.")
def latency(
    net: str,
    shape: str | None,
    classes: int | None,
    name: str,
    boards_file: Path | None,
    emulate: bool,
    step: int,
    points: int,
    check: int,
    out: Path | None,
) -> None:
    """Measure the layers of NET on a board.

    A board that counts no time is measured in instructions, others in microseconds. NET is a name, a pack
    that `reds build` wrote, or FILE.py:NAME, a module of your own or a function that returns one. A recipe
    that names the written file selects subnets by latency.

    Examples: hil latency ds-cnn-s --emulate; hil latency net.py:make --input 3x32x32 --emulate
    """
    from hil.boards import boards_toml
    from hil.boards.facts import Provenance
    from hil.cli.status import board_and_status
    from hil.kernels.layer_latency import errors, measure
    from hil.kernels.named_net import graph_of, short_name
    from reds.nesting.cost import width_grids
    from reds.nesting.cost.latency import STEP, save

    graph, file = graph_of(net, shape, classes), out or Path(f"{short_name(net)}-{name}.json")
    grids = width_grids(graph, step, min(step, STEP))
    provenance = Provenance.EMULATED if emulate else Provenance.HARDWARE
    with board_and_status(boards_toml.named(boards_file, name), provenance) as (board, say):
        found = measure(board, graph, grids, points, say)
        off = errors(board, graph, grids, found, check, say)
    save(found, file)
    click.echo(
        printable(f"{file}: {len(found.layers)} layers of {net} on {found.board}, in {found.unit}", LINE)
    )
    if off:
        worst = max(off, key=abs)
        click.echo(
            f"{check} subnets of random widths: predicted times are off by {100 * worst:+.2f} % at most"
        )
