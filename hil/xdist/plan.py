"""Tells xdist's controlling process, which collects nothing, which tests its workers put to which boards."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest

from hil.xdist.board_probe import shared_folder


@dataclass(frozen=True)
class Plan:
    """Tests by node id, each with its board's id and target; lines that say what will be benched.

    `error` says why the run cannot be set up.
    """

    tests: Mapping[str, tuple[str, str]]
    lines: list[str]
    error: str = ""


def write(config: pytest.Config, plan: Plan) -> None:
    """Write the plan of a worker; that of every other worker is the same."""
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
