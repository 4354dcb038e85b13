"""`python -m hil.kernels`: the kernel bench's command line."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
from rich.console import Console

from hil.boards import boards_toml, opening
from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.errors import HilError, PackRefused
from hil.kernels import baseline, litert_comparison, report
from hil.kernels.baseline import Baseline
from hil.kernels.cases import NETS
from hil.kernels.desktop import Peer, measure
from hil.kernels.litert import check, litert, started
from hil.kernels.nano import measure_layers, measure_net
from hil.kernels.tables import Table, plain
from hil.kernels.torch_eager import eager
from hil.kernels.weight_order import table as lines_touched
from hil.suite import workload
from reds.errors import PackError

FILE = click.Path(path_type=Path)
SHARED = [
    click.option("--net", "nets", multiple=True, type=click.Choice(list(NETS)), help="Only this net."),
    click.option("--json", "json_file", type=FILE, help="Write the tables as JSON."),
    click.option("--markdown", "markdown_file", type=FILE, help="Write the tables for a document."),
]


def shared(command: Callable[..., None]) -> Callable[..., None]:
    """The options that every bench has."""
    for option in SHARED:
        command = option(command)
    return command


class _Commands(click.Group):
    """Turns an expected error into one line and exit status 1."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except (HilError, PackError, ModuleNotFoundError, OSError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Commands)
def main() -> None:
    """What an inference costs, subnet by subnet."""


@main.command()
@shared
@click.option("--update", is_flag=True, help="Write the committed counts anew.")
def nano(nets: Sequence[str], json_file: Path | None, markdown_file: Path | None, update: bool) -> None:
    """Exact counts on the emulated Nano; fails if any is larger than the committed one."""
    with board_and_status(Entry("nano33ble", "nano33ble"), Provenance.EMULATED) as (board, say):
        found, lacking = [], []
        for name in nets or NETS:
            try:
                found.append(measure_net(board, name, say))
            except PackRefused as error:
                lacking.append(str(error))
        layers = {} if nets else measure_layers(board, say)
        tables = [report.net_table(found, lacking), report.switch_table(found)]
        tables += [report.layer_table(layers)] * bool(layers) + [report.size_table(found)]
    publish(tables, json_file, markdown_file)
    counts, compiler = report.counts(found, layers), baseline.compiler()
    failures = list(report.over_limits(found))
    if update:
        kept = baseline.load(baseline.path()).counts if nets else {}
        baseline.save(baseline.path(), Baseline(compiler, {**kept, **counts}))
        click.echo(f"{len(counts)} counts written to {baseline.path()}")
    else:
        failures += compare(counts, compiler)
    conclude(failures)


@main.command()
@shared
def desktop(nets: Sequence[str], json_file: Path | None, markdown_file: Path | None) -> None:
    """Times on this machine beside LiteRT and torch, where they are installed."""
    with ExitStack() as stack:
        peers, lacking = installed(stack)
        board, say = stack.enter_context(board_and_status(Entry("desktop", "desktop"), Provenance.HARDWARE))
        tables = measure(board, nets or list(NETS), peers, lacking, say)
    publish(tables, json_file, markdown_file)


def installed(stack: ExitStack) -> tuple[list[Peer], list[str]]:
    """The peers there are, which end with the stack, and what to install for the others."""
    peers: list[Peer] = []
    lacking: list[str] = []
    there: tuple[tuple[str, Callable[[], Peer], str], ...] = (
        ("LiteRT", lambda: stack.enter_context(litert()), "tflite"),
        ("torch", eager, "train"),
    )
    for name, peer, extra in there:
        try:
            peers.append(peer())
        except ModuleNotFoundError as error:
            lacking.append(f"no {name} beside ours: {error}; pip install 'reds-hil[{extra}]'")
    return peers, lacking


@main.command("beside")
@click.option("--pack", "pack_file", type=FILE, help="Default: the shipped kws-dnn-s.reds.")
@click.option("--board", "name", default="desktop", show_default=True, help="A desktop or pi of the boards.")
@click.option("--boards", "boards_file", type=FILE, help="The boards there are; default: the shipped file.")
@click.option("--python", help="One with ai-edge-litert there; default: this one, or a pi's python3.")
@click.option("--json", "json_file", type=FILE, help="Write the table as JSON.")
@click.option("--markdown", "markdown_file", type=FILE, help="Write the table for a document.")
def beside_litert(
    pack_file: Path | None,
    name: str,
    boards_file: Path | None,
    python: str | None,
    json_file: Path | None,
    markdown_file: Path | None,
) -> None:
    """A pack's subnets on a board, each beside its exported .tflite in LiteRT."""
    entry = boards_toml.named(boards_file, name)
    check(entry)
    model = workload.load(pack_file or workload.shipped()).model
    with board_and_status(entry, Provenance.HARDWARE) as (board, say), started(entry, python) as there:
        table = litert_comparison.measure(board, model, there, say)
    publish([table], json_file, markdown_file)


@main.command()
@shared
@click.option("--line", default=16, help="Bytes of a line: 16 for the Nano's flash, 64 for a cache.")
def order(nets: Sequence[str], json_file: Path | None, markdown_file: Path | None, line: int) -> None:
    """Lines of flash that a subnet's weights touch, by the order they lie in."""
    publish([lines_touched(nets or list(NETS), line)], json_file, markdown_file)


def compare(counts: baseline.Counts, compiler: str) -> list[str]:
    """What is worse than the committed counts; says so if they cannot be compared, or are better."""
    before = baseline.load(baseline.path())
    if before.compiler != compiler:
        built = f"the baseline was built by arm-none-eabi-gcc {before.compiler}, this by {compiler}"
        click.echo(f"not compared: {built}")
        return []
    if smaller := baseline.better(counts, before.counts):
        click.echo(f"{smaller} counts are smaller than in the baseline: keep them with --update")
    return baseline.worse(counts, before.counts)


@contextmanager
def board_and_status(entry: Entry, provenance: Provenance) -> Iterator[tuple[Board, Callable[[str], None]]]:
    """A board, and what shows on the terminal which of the measurements is under way."""
    console = Console(stderr=True)
    with (
        console.status(f"starting {entry.name}") as status,
        opening.started(entry, provenance, console.out) as board,
    ):
        yield board, lambda what: status.update(f"{entry.name}: {what}")


def publish(tables: Sequence[Table], json_file: Path | None, markdown_file: Path | None) -> None:
    """Print the tables, and write them where asked to."""
    console = Console()
    for table in tables:
        console.print(table.rich())
    if json_file:
        json_file.write_text(json.dumps(plain(tables), indent=2) + "\n", encoding="utf-8")
    if markdown_file:
        markdown_file.write_text("\n".join(table.markdown() for table in tables), encoding="utf-8")


def conclude(failures: Sequence[str]) -> None:
    """Exit status 1 if anything is out of its limits, each said in a line."""
    for failure in failures:
        click.echo(failure, err=True)
    if failures:
        sys.exit(1)


if __name__ == "__main__":
    main(prog_name="python -m hil.kernels")
