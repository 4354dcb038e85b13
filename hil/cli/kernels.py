"""Measure the cost of an inference of each subnet (`hil kernels`)."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hil.cli.options import BOARDS
from hil.cli.tables import JSON, MARKDOWN, of_nets, publish, shared
from hil.kernels.cases import EVERY, NETS
from reds.commands import file

if TYPE_CHECKING:
    from hil.kernels.baseline import Counts


@click.group()
def kernels() -> None:
    """Measure the cost of an inference of each subnet."""


@kernels.command()
@of_nets(EVERY)
@click.option("--update", is_flag=True, help="Replace the committed counts.")
def nano(nets: Sequence[str], json_file: Path | None, markdown_file: Path | None, update: bool) -> None:
    """Count instructions, cycles and reads of flash on the emulated Nano.

    The counts repeat exactly. The exit status is 1 if a count is larger than the committed one or missing, or
    if no net fits the board.
    """
    from hil.boards.entry import Entry
    from hil.boards.facts import Provenance
    from hil.cli.status import board_and_status
    from hil.errors import PackRefused
    from hil.kernels import baseline, report
    from hil.kernels.nano import measure_layers, measure_net

    with board_and_status(Entry("nano33ble", "nano33ble"), Provenance.EMULATED) as (board, say):
        found, lacking = [], []
        for name in nets or EVERY:
            try:
                found.append(measure_net(board, name, say))
            except PackRefused as error:
                lacking.append(str(error))
        layers = {} if nets else measure_layers(board, say)
        tables = [report.net_table(found, lacking), report.flash_table(found), report.best_table(found)]
        tables += [report.switch_table(found)] + [report.layer_table(layers)] * bool(layers)
        tables += [report.size_table(found)]
    publish(tables, json_file, markdown_file)
    counts, compiler = report.counts(found, layers), baseline.compiler()
    failures = [*report.over_limits(found), *report.layers_over_limits(layers)]
    failures += lacking if not found else ()
    if update:
        kept = baseline.load(baseline.path()).counts if nets else {}
        baseline.save(baseline.path(), baseline.Baseline(compiler, {**kept, **counts}))
        click.echo(f"{len(counts)} counts written to {baseline.path()}")
    else:
        failures += worse_than_committed(counts, compiler, nets)
    for failure in failures:
        click.echo(failure, err=True)
    sys.exit(bool(failures))


@kernels.command()
@JSON
@MARKDOWN
def governor(json_file: Path | None, markdown_file: Path | None) -> None:
    """Count instructions of a governor's decisions on the emulated Nano.

    The counts repeat exactly.
    """
    from hil.boards.entry import Entry
    from hil.boards.facts import Provenance
    from hil.cli.status import board_and_status
    from hil.kernels.governor import table

    with board_and_status(Entry("nano33ble", "nano33ble"), Provenance.EMULATED) as (board, say):
        found = table(board, say)
    publish([found], json_file, markdown_file)


@kernels.command()
@shared
@click.option("--cpu", type=click.Choice(["avx2"]), help="Run without AVX-512 and AVX-VNNI, ours and LiteRT.")
def desktop(nets: Sequence[str], json_file: Path | None, markdown_file: Path | None, cpu: str | None) -> None:
    """Time inferences on this computer.

    LiteRT and torch are timed in turn with this runtime if they are installed.
    """
    from hil.boards.entry import Entry
    from hil.boards.facts import Provenance
    from hil.cli.status import board_and_status
    from hil.firmware import build
    from hil.kernels.desktop import AVX2_ONLY, measure
    from hil.kernels.peers import installed

    with ExitStack() as stack:
        peers, notes = installed(stack, cpu or "")
        notes += ["Ours and LiteRT without AVX-512 and AVX-VNNI."] if cpu else []
        entry = Entry("desktop", "desktop", agent=build.agent("desktop", wrap=AVX2_ONLY) if cpu else None)
        board, say = stack.enter_context(board_and_status(entry, Provenance.HARDWARE))
        tables = measure(board, nets or list(NETS), peers, notes, say)
    publish(tables, json_file, markdown_file)


@kernels.command("beside")
@click.option("--pack", "pack_file", type=file, help="Pack to time; default: the shipped kws-dnn-s.reds.")
@click.option(
    "--board",
    "name",
    default="desktop",
    show_default=True,
    help="Name of a desktop or a Pi in the boards file.",
)
@BOARDS
@click.option(
    "--python", help="Python on the board with ai-edge-litert; default: this one, or python3 on a Pi."
)
@JSON
@MARKDOWN
def beside_litert(
    pack_file: Path | None,
    name: str,
    boards_file: Path | None,
    python: str | None,
    json_file: Path | None,
    markdown_file: Path | None,
) -> None:
    """Time a pack beside LiteRT on a board.

    LiteRT runs the .tflite file that `reds export` writes for each subnet.
    """
    from hil.boards import boards_toml
    from hil.boards.facts import Provenance
    from hil.cli.status import board_and_status
    from hil.kernels import litert, litert_comparison
    from hil.suite.workload import shipped
    from reds.pack import load

    entry = boards_toml.named(boards_file, name)
    litert.check(entry)
    model = load(pack_file or shipped())
    with (
        board_and_status(entry, Provenance.HARDWARE) as (board, say),
        litert.started(entry, python) as there,
    ):
        table = litert_comparison.measure(board, model, there, say)
    publish([table], json_file, markdown_file)


@kernels.command()
@shared
@click.option("--line", default=16, help="Bytes of a line: 16 in the Nano's flash, 64 in a cache.")
def order(nets: Sequence[str], json_file: Path | None, markdown_file: Path | None, line: int) -> None:
    """Count the flash lines that weights touch.

    The order of the weights decides how many lines a subnet's weights touch.
    """
    from hil.kernels.weight_order import table

    publish([table(nets or list(NETS), line)], json_file, markdown_file)


def worse_than_committed(counts: "Counts", compiler: str, nets: Sequence[str]) -> list[str]:
    """Return a line for each count above the committed one, or missing; print a hint if counts shrank.

    `nets` are the measured nets, empty for all and the layers.
    """
    from hil.kernels import baseline

    before = baseline.load(baseline.path())
    if before.compiler != compiler:
        built = f"the baseline was built by arm-none-eabi-gcc {before.compiler}, this by {compiler}"
        click.echo(f"not compared: {built}; install that compiler, or keep new counts with --update")
        return []
    if smaller := baseline.better(counts, before.counts):
        click.echo(f"{smaller} counts are smaller than in the baseline: keep them with --update")
    return baseline.worse(counts, before.counts) + baseline.missing(counts, before.counts, nets)
