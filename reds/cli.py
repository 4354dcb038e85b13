"""Define the command `reds`. A subcommand imports torch or tensorflow only if it needs them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click
from rich.console import Console

from reds import torchrun
from reds.commands import Commands, file, new_file
from reds.console import plain_console
from reds.errors import PackError, RedsError
from reds.experiment.reproduce.paper import BASELINES, PAPER
from reds.nesting.options import Objective, Order
from reds.pack.layouts import CANONICAL, LAYOUTS
from reds.text import LINE, percent, printable

if TYPE_CHECKING:
    from reds.experiment.prepare import Checked

F = TypeVar("F", bound=Callable[..., Any])


def _seeds(context: click.Context, option: click.Parameter, value: str) -> list[int]:
    try:
        seeds = [int(seed) for seed in value.split(",")]
    except ValueError:
        seeds = []
    if not seeds or len(set(seeds)) < len(seeds) or not all(0 <= seed < 2**31 for seed in seeds):
        expected = "different whole numbers from 0 to 2^31 - 1, separated by commas"
        raise click.BadParameter(f"{value!r}: {expected}, are needed: write --seeds 0,1,2")
    return seeds


SEEDS = click.option(
    "--seeds", default="0,1,2", callback=_seeds, show_default=True, metavar="N,N,...",
    help="Seeds to train with, separated by commas. Results are means over all seeds.",
)  # fmt: skip


def _out(content: str) -> Callable[[F], F]:
    """Return the option `--out`, whose folder holds some content."""
    text = f"Folder for {content}; it is made if it does not exist.  [default: the current folder]"
    return click.option("--out", type=file, default=Path(), metavar="FOLDER", help=text)


FORCE = click.option(
    "--force", is_flag=True, help="Overwrite packs of the same name that other recipes made."
)


def _workers(context: click.Context, option: click.Parameter, value: str) -> int | str:
    if value.isdecimal() and 1 <= int(value) <= 1024:
        return int(value)
    if value == "ray" or (value.startswith("ray://") and value.rpartition(":")[2].isdecimal()):
        return value
    raise click.BadParameter(f"{value!r}: a number from 1 to 1024, `ray` or `ray://HOST:PORT` is needed")


WORKERS = click.option(
    "--workers", default="1", callback=_workers, metavar="N|ray|ray://HOST:PORT", show_default=True,
    help="Trainings at once on this machine, or the Ray cluster that runs them. The bits are those of the"
    " same --threads without it.",
)  # fmt: skip
THREADS = click.option(
    "--threads", type=click.IntRange(1, 1024), metavar="N",
    help="Threads of torch. Another number gives other bits.  [default: by the size of the net]",
)  # fmt: skip


BOARD = click.option(
    "--board", metavar="NAME", help="Board, or target, of `hil` to build for.  [default: that of the recipe]"
)
EMULATE = click.option("--emulate", is_flag=True, help="Measure on the emulator of the board.")
BOARDS = click.option("--boards", type=file, metavar="FILE", help="Boards file of `hil`.")


def _checked(
    recipe: Path, console: Console, board: str | None, emulate: bool, boards: Path | None
) -> "Checked":
    """Read and check a recipe and its own data. Its mistakes show at once: torch is not imported."""
    from reds.experiment.board import Target
    from reds.experiment.prepare import check_recipe

    return check_recipe(recipe, target=Target(board, emulate, boards), console=console)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Say at an interrupt of a training that the same command goes on."""
    try:
        yield
    except KeyboardInterrupt:
        problem = "the training was stopped; the same command goes on after the last whole epoch"
        raise click.ClickException(problem) from None


def _refuse_torchrun() -> None:
    """Raise `UsageError` if `torchrun` started several processes: the trainings of a table are apart."""
    if torchrun.processes() > 1:
        raise click.UsageError(
            "torchrun shares one training, as of `reds build`: this command runs many, so start it without"
            " torchrun, and spread them by --workers"
        )


@click.group(cls=Commands, expected=(RedsError,))
@click.version_option(package_name="reds-hil")
def main() -> None:
    """Train nested subnets of one network and pack them in one small file.

    A pack (NAME.reds) holds one set of int8 weights and several subnets. A board keeps the pack in flash and
    switches between its subnets in microseconds. Start with `reds build RECIPE`, then look at the result with
    `reds inspect NAME.reds`. The command `hil` and `pytest hil` run packs on boards.
    """


@main.command()
@click.argument("recipe", type=file)
@_out("the pack NAME.reds and its card NAME.json")
@FORCE
@THREADS
@BOARD
@EMULATE
@BOARDS
@click.option("--allow-missed-floors", is_flag=True, help="End with status 0 although subnets miss floors.")
def build(
    recipe: Path, out: Path, force: bool, threads: int | None, board: str | None, emulate: bool,
    boards: Path | None, allow_missed_floors: bool,
) -> None:  # fmt: skip
    """Train the network of RECIPE and write its pack.

    RECIPE is a TOML file that names the network, the data, the options and the budgets of the subnets;
    docs/recipes.md describes its keys, fixtures/recipes has examples. A card with the accuracy of each subnet
    is written beside the pack. If a build is killed, the same command continues it after its last epoch.

    With --board, or a board in the recipe, that board measures its layers first, as far as budgets of latency
    or energy need them, and each subnet of the pack at the end. Such times are kept for the next build.

    \b
    Networks, with the rows x columns x units that they read:
      dnn-s, dnn-l                      25x10x1
      cnn-s, cnn-l, ds-cnn-s, ds-cnn-l  49x10x1
      matchbox, keyword-transformer     49x10x1
      bc-resnet-1                       40x101x1
      mobilenet-0.25, mobilenet-1.0     96x96x3
      mobilenet-v2-0.35                 96x96x3
      mobilenet-v2-1.0                  96x96x3
      mobilenet-v3-small                96x96x3
      resnet8, ds-cnn-s-32x32x3         32x32x3
      ds-cnn-s-28x28x1                  28x28x1
      vit-xs                            32x32x3
      vit-ti, vit-s, vit-b              224x224x3
      autoencoder                       1x1x640
    At a size of your own, as in dnn-s-40x30x3:
      dnn-s, dnn-l, ds-cnn-s, mobilenet-0.25, mobilenet-1.0,
      mobilenet-v2-0.35, mobilenet-v2-1.0, mobilenet-v3-small,
      resnet8, keyword-transformer, vit-xs, vit-ti, vit-s, vit-b

    ds-cnn-s is the net for speech. With a size in its name, as in ds-cnn-s-49x10x1, it is the variant for
    pictures, which is another net.
    """
    console = plain_console()
    checked = _checked(recipe, console, board, emulate, boards)
    from reds.experiment.build import build as run

    with _stoppable():
        written, missed = run(checked, out, console, force=force, threads=threads)
    shown = (printable(str(path)) for path in (written, written.with_suffix(".json")))
    console.print("wrote {} and its card {}".format(*shown), soft_wrap=True)
    if missed and not allow_missed_floors:
        raise click.ClickException(
            f"{', '.join(missed)}: below the floor: train longer, lower the floor, or build with"
            " --allow-missed-floors"
        )


@main.command()
@click.argument("pack", type=file)
def inspect(pack: Path) -> None:
    """Print the layers, the subnets and the memory needs of PACK.

    For each subnet the table has its active units, its multiply-accumulates (MACs), and the bytes of RAM that
    its activations take (the arena).
    """
    from reds.pack.inspect import print_pack

    print_pack(pack, plain_console(least_width=100))


@main.command()
@click.argument("pack", type=file)
@click.argument("layout", type=click.Choice([layout.name for layout in LAYOUTS.values()]))
@click.argument("out", type=new_file)
def layout(pack: Path, layout: str, out: Path) -> None:
    """Write PACK with its weights in another LAYOUT, as the file OUT.

    The kernels of each device read weights in a layout of their own. `hil` converts a pack when it deploys it
    to a board. Firmware of your own, without the agent, needs the converted file.
    """
    from reds.pack import layouts, load, save
    from reds.pack.kernel_use import kernel_lines

    if out.exists() and out.samefile(pack):
        raise PackError(f"{out}: is the pack itself, which boards and `reds` read: name another file")
    model, wanted = load(pack), next(each for each in LAYOUTS.values() if each.name == layout)
    chosen = layouts.preferring(model, wanted)
    size = len(save(model, out, chosen))
    arena = max(layouts.plan(model, subnet, chosen).size for subnet in range(len(model.subnets)))
    click.echo(f"{printable(str(out))}: {size:,} bytes; its subnets need an arena of up to {arena:,} bytes")
    if wanted.id != CANONICAL.id:
        for line in kernel_lines(model, {wanted.id}):
            click.echo(line)


@main.command()
@click.argument("old", type=file)
@click.argument("new", type=new_file)
@click.option("--force", is_flag=True, help="Overwrite NEW and its card, which may be OLD itself.")
def convert(old: Path, new: Path, force: bool) -> None:
    """Convert OLD, a pack of an earlier release, to NEW.

    OLD has format version 1, NEW the present one. The outputs stay the same bits. A card beside OLD is
    written beside NEW with the checksum of NEW.
    """
    from reds.pack.version1 import convert_file

    done, card = convert_file(old, new, force), old.with_suffix(".json")
    click.echo(f"{printable(str(new))}: {done.size:,} bytes")
    if done.card is None:
        found = "is not the card of this pack" if card.exists() else "is not there"
        click.echo(f"{printable(str(card))} {found}: the new pack has no card")


@main.command()
@click.argument("pack", type=file)
@click.option("--tflite", is_flag=True, help="Write int8 .tflite files. This is the only format so far.")
@_out("the files NAME-SUBNET.tflite")
def export(pack: Path, tflite: bool, out: Path) -> None:
    """Write each subnet of PACK as a separate file of another format.

    The files hold the weights and scales of the pack; nothing is calibrated again.
    """
    if not tflite:
        raise click.UsageError("say what to export to: --tflite")
    from reds.export.tflite import export as run

    for written, size in run(pack, out).items():
        click.echo(f"{printable(str(written))}: {size:,} bytes")


@main.command()
@click.argument("recipe", type=file)
@SEEDS
@_out("the packs and their cards")
@FORCE
@THREADS
@WORKERS
@BOARD
@EMULATE
@BOARDS
def compare(
    recipe: Path, seeds: list[int], out: Path, force: bool, threads: int | None, workers: int | str,
    board: str | None, emulate: bool, boards: Path | None,
) -> None:  # fmt: skip
    """Measure the accuracy that nesting costs.

    Trains the nested subnets of RECIPE, then each subnet alone with the same code, options and epochs, and
    prints both accuracies with the interval of their difference.
    """
    _refuse_torchrun()
    console = plain_console(stderr=True)
    checked = _checked(recipe, console, board, emulate, boards)
    from reds.experiment.compare import compare as run

    with _stoppable():
        report = run(checked, seeds, out, console, force=force, threads=threads, workers=workers)
    click.echo(report)


@main.command()
@click.argument("name", type=click.Choice(list(PAPER)))
@SEEDS
@_out("the packs, the report NAME.md and the plot NAME.svg")
@click.option(
    "--against", type=click.Choice(BASELINES), multiple=True, default=BASELINES,
    help="Baseline to train too; repeat the option for several.  [default: all]",
)  # fmt: skip
@FORCE
@THREADS
@WORKERS
def reproduce(
    name: str, seeds: list[int], out: Path, against: tuple[str, ...], force: bool, threads: int | None,
    workers: int | str,
) -> None:  # fmt: skip
    """Repeat an experiment of the REDS paper.

    Trains the shipped recipe for NAME with the budgets of the paper (arXiv 2311.13349), and the baselines:
    the same widths trained alone, and nested subnets with uniform or even widths, with units scored by their
    weights (magnitude), or scored at random. Prints our accuracies beside those of the paper.
    """
    _refuse_torchrun()
    from reds.experiment.reproduce.run import reproduce as run

    console = plain_console(stderr=True)
    with _stoppable():
        text = run(name, seeds, against, out, console, force=force, threads=threads, workers=workers)
    click.echo(text)


@main.command()
@click.argument("pack", type=file)
@click.argument("costs", type=file)
def attach(pack: Path, costs: Path) -> None:
    """Put COSTS, which `hil costs` wrote, into the card of PACK.

    COSTS has what each subnet costs on boards. They take the place of earlier costs of the same boards.
    Example: reds attach mine.reds costs.json
    """
    from reds.pack.costs import attach as run

    boards = run(pack, costs)
    click.echo(printable(f"{pack.with_suffix('.json')}: costs on {', '.join(boards)}", LINE))


@main.command()
@click.argument("pack", type=file)
@click.option("--board", metavar="NAME", help="Board of the costs; needed if the card has several.")
@click.option("--c", "in_c", is_flag=True, help="Print the table of a governor in C.")
def costs(pack: Path, board: str | None, in_c: bool) -> None:
    """Print what each subnet of PACK costs on a board.

    The card of PACK has the table since `reds attach`: time at the 99th percentile, energy, accuracy.
    Example: reds costs mine.reds --board nano33ble --c
    """
    from reds.pack.costs import c_table, costs_of

    loaded, name, found = costs_of(pack, board)
    if in_c:
        for line in c_table(loaded, name, found):
            click.echo(line)
        return
    from reds.pack.inspect import table_of

    rows = []
    for each in found.subnets:
        counts = (each.cycles, each.instructions, each.nj)
        shown = ["" if count is None else f"{count:,.0f}" for count in counts]
        correct = "" if each.accuracy is None else percent(each.accuracy)
        rows.append([each.label, f"{each.us:,.1f}", *shown, correct])
    origin = f", run {found.run}" if found.run else ""
    energy = f", energy {found.energy}" if found.energy else ""
    console = plain_console(least_width=100)
    console.print(printable(f"{loaded.model.name} on {name}{origin}{energy}", LINE), soft_wrap=True)
    console.print(table_of("subnet us-at-p99 cycles instructions nJ accuracy", rows))


@main.command("bench-selection", hidden=True)
@click.option("--step", default=1, show_default=True, help="Widths are multiples of this, and at least it.")
@click.option("--order", type=click.Choice(get_args(Order)), default="bottom-up", show_default=True)
@click.option("--objective", type=click.Choice(get_args(Objective)), default="balanced", show_default=True)
def bench_selection(step: int, order: Order, objective: Objective) -> None:
    """Print what selection takes on the shipped nets: seconds, peak memory, optimality gap."""
    from reds.nesting.solver.bench import table

    for line in table(step, order, objective):
        click.echo(line)
