"""Write what each subnet costs on the boards of a run (`hil costs`)."""

import json
from pathlib import Path

import click

from hil.cli.options import STORE
from reds.commands import file, new_file
from reds.text import LINE, printable


@click.command()
@click.argument("run", default="last")
@click.option("--results", type=file, help="A file of --results, instead of a kept run.")
@click.option(
    "--energy-per-cycle",
    type=click.FloatRange(min=0, min_open=True),
    metavar="NJ",
    help="Nanojoules of a cycle, for boards without a meter that count cycles.",
)
@click.option("--out", type=new_file, default=Path("costs.json"), show_default=True, help="File to write.")
@STORE
def costs(
    run: str, results: Path | None, energy_per_cycle: float | None, out: Path, where: str | None
) -> None:
    """Write time, energy and accuracy of each subnet of RUN.

    RUN is `last` (the default), `last~1` (the one before), or the first characters of a run's id. Only boards
    that measure time have costs. `reds attach PACK COSTS.json` puts them into the card of the pack.

    Example: hil costs last --energy-per-cycle 0.156 --out costs.json
    """
    import math

    from hil.errors import ResultsError
    from hil.results.cost_table import cost_table
    from hil.results.file import read_run
    from hil.results.run import BoardIdentity
    from hil.results.store import find_run, open_store
    from reds.files import write_atomically

    if energy_per_cycle is not None and not math.isfinite(energy_per_cycle):
        raise click.UsageError(f"--energy-per-cycle is {energy_per_cycle}; write a number of nanojoules")
    if results:
        header, taken = read_run(results)
        seen = dict.fromkeys((m.target, m.board, m.provenance) for m in taken)
        boards = header.boards if header else [BoardIdentity(*each) for each in seen]
        name, source = header.run.id if header else "", results
    else:
        with open_store(where, new=False) as store:
            name = find_run(store, run).id
            boards, taken, source = store.boards(name), store.measurements(name), Path(store.name)
    try:
        table = cost_table(name, boards, taken, energy_per_cycle)
    except ValueError as error:
        raise ResultsError(str(error), file=source) from None
    write_atomically(out, (json.dumps(table, indent=2) + "\n").encode())
    shown = f"{out}: costs of {table['pack']} on {', '.join(table['boards'])}"
    click.echo(printable(shown, LINE))
