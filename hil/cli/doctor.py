"""Examine this machine (`hil doctor`)."""

import json
import sys
from pathlib import Path

import click

from hil.cli.options import BOARDS
from reds.commands import file


@click.command()
@BOARDS
@click.option("--json", "json_file", type=file, help="Also write the findings to this file, as JSON.")
def doctor(boards_file: Path | None, json_file: Path | None) -> None:
    """Examine this machine, and show how to mend it.

    Each thing that a bench needs has one line: ok, optional (a fault that limits what can be benched) or
    broken. The command that mends a fault follows it. The exit status is 1 if anything is broken.
    """
    from hil.doctor.examine import examine
    from hil.doctor.finding import State
    from hil.doctor.machine import Machine
    from reds.text import printable

    colors = {State.OK: "green", State.OPTIONAL: "yellow", State.BROKEN: "red"}
    findings = []
    for finding in examine(Machine(boards_file)):
        findings.append(finding)
        remedy = f" -> {printable(finding.remedy, 4000)}" if finding.remedy else ""
        state = click.style(f"{finding.state:8}", fg=colors[finding.state])
        click.echo(f"{state}  {printable(f'{finding.subject}: {finding.text}', 1000)}{remedy}")
    count = {state: sum(finding.state is state for finding in findings) for state in State}
    click.echo(", ".join(f"{number} {state}" for state, number in count.items()))
    if json_file:
        rows = [finding.plain() for finding in findings]
        json_file.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    sys.exit(bool(count[State.BROKEN]))
