"""The workflows only call what ci/ holds, from pinned actions, and nothing of a fork comes near a board.

(`make lint` has actionlint read them.)
"""

import os
import re
from pathlib import Path

import pytest

from hil.boards.registry import target_names

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.name)
def workflow(request: pytest.FixtureRequest) -> str:
    return str(request.param.read_text())


def test_actions_are_pinned_and_the_checkout_keeps_no_token(workflow: str) -> None:
    used = re.findall(r"uses: (.*)", workflow)
    assert used
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action) for action in used)
    checkouts = re.findall(r"uses: actions/checkout@.*\n +with:\n +persist-credentials: false\n", workflow)
    assert len(checkouts) == workflow.count("actions/checkout@")


def test_a_job_may_read_and_has_an_end(workflow: str) -> None:
    assert re.findall(r"^permissions:\n((?: +.*\n)+)", workflow, re.MULTILINE) == ["  contents: read\n"]
    assert workflow.count("\n    runs-on: ") == workflow.count("\n    timeout-minutes: ")


def test_only_publishing_may_write() -> None:
    for path in WORKFLOWS:
        granted = re.findall(r"^    permissions:\n((?:      .*\n)+)", path.read_text(), re.MULTILINE)
        publishes = path.name == "release.yml"
        assert granted == (["      id-token: write\n", "      contents: write\n"] if publishes else [])


def test_what_is_run_lies_in_ci(workflow: str) -> None:
    for command in re.findall(r"(?:run|script): (.*)", workflow):
        word = command.split()[0]
        if word == "make":
            assert f"\n{command.split()[1]}:" in (ROOT / "Makefile").read_text()
        else:
            assert word.startswith("ci/")
            assert os.access(ROOT / word, os.X_OK)


def test_pull_requests_run_on_githubs_machines_alone() -> None:
    for path in WORKFLOWS:
        text = path.read_text()
        events = re.search(r"^on:\n((?: +.*\n)+)", text, re.MULTILINE)
        assert events is not None
        if re.search(r"pull_request|push|issue|workflow_run", events[1]):
            assert set(re.findall(r"runs-on: (.*)", text)) == {"ubuntu-24.04"}
        else:
            assert re.findall(r"^  (\w+):", events[1], re.MULTILINE) == ["schedule", "workflow_dispatch"]


def test_every_target_has_its_night() -> None:
    (listed,) = re.findall(r"target: \[(.*)\]", (ROOT / ".github" / "workflows" / "nightly.yml").read_text())
    assert listed.split(", ") == sorted(target_names())
