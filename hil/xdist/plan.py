"""Pass the board of each test from xdist's workers to the controlling process, which collects no tests."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest

from hil.xdist.board_probe import shared_folder


@dataclass(frozen=True)
class Plan:
    """The tests of a run with their boards."""

    tests: Mapping[str, tuple[str, str]]
    """Id and target of each test's board, by the test's node id."""
    lines: list[str]
    """Lines for the terminal that list the boards."""
    error: str = ""
    """The reason why the run cannot be set up; empty if it can."""


def write(config: pytest.Config, plan: Plan) -> None:
    """Write the plan of a worker. All workers have the same plan."""
    if folder := shared_folder(config):
        partial = folder / f"plan.{os.getpid()}"
        partial.write_text(json.dumps(asdict(plan)), encoding="utf-8")
        partial.replace(_file(folder))


def read(config: pytest.Config) -> Plan | None:
    """Return the plan; None if no test is put to a board."""
    folder = shared_folder(config)
    if folder is None or not _file(folder).exists():
        return None
    plan = Plan(**json.loads(_file(folder).read_text(encoding="utf-8")))
    return replace(plan, tests={test: (board, target) for test, (board, target) in plan.tests.items()})


def _file(folder: Path) -> Path:
    return folder / "plan.json"
