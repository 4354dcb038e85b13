"""Try architectures, and print how each fared; `--keep` writes docs/architectures.md."""

import traceback
from collections.abc import Sequence
from contextlib import ExitStack

import click

import hil
from tests.architectures import page
from tests.architectures.catalog import ARCHITECTURES
from tests.architectures.outcome import Outcome, outcome


def line(row: Outcome) -> str:
    """Return an outcome as a line of text."""
    if row.refused:
        return f"{'refused' if row.intended else 'REFUSED'}: {row.refused}"
    return " | ".join(page.cells(row)[4:])


@click.command()
@click.argument("names", nargs=-1)
@click.option("--board", "boards", multiple=True, help="A further board beside the desktop.")
@click.option("--emulate", is_flag=True, help="Emulate it.")
@click.option("--keep", is_flag=True, help="Keep the outcomes, and write the page.")
def main(names: Sequence[str], boards: Sequence[str], emulate: bool, keep: bool) -> None:
    """Try the architectures whose names hold one of NAMES; by default all."""
    chosen = [a for name, a in ARCHITECTURES.items() if not names or any(n in name for n in names)]
    failed = []
    with ExitStack() as stack:
        opened = {"desktop": stack.enter_context(hil.open_board("desktop"))}
        for name in boards:
            opened[name] = stack.enter_context(hil.open_board(name, emulate=emulate))
        for architecture in chosen:
            click.echo(f"{architecture.name}: ", nl=False)
            try:
                row = outcome(architecture, opened)
            except Exception:  # a fault of any kind is shown, and the others go on
                failed.append(architecture.name)
                click.echo(f"FAULT\n{traceback.format_exc()}")
                continue
            click.echo(line(row))
            if not row.works() and not row.intended:
                failed.append(architecture.name)
            if keep:
                page.keep([row])
    if failed:
        raise click.ClickException(f"{len(failed)} of {len(chosen)} fail: {', '.join(failed)}")


if __name__ == "__main__":
    main()
