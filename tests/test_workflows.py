"""Test the workflows: scripts of ci/, pinned actions, and no code of a fork near a board.

`make lint` runs actionlint on them.
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


def test_jobs_may_only_read_and_have_a_timeout(workflow: str) -> None:
    assert re.findall(r"^permissions:\n((?: +.*\n)+)", workflow, re.MULTILINE) == ["  contents: read\n"]
    assert workflow.count("\n    runs-on: ") == workflow.count("\n    timeout-minutes: ")


def test_only_the_release_workflow_may_write() -> None:
    for path in WORKFLOWS:
        granted = re.findall(r"^    permissions:\n((?:      .*\n)+)", path.read_text(), re.MULTILINE)
        publishes = path.name == "release.yml"
        assert granted == (["      id-token: write\n", "      contents: write\n"] if publishes else [])


def test_commands_are_scripts_of_ci_or_targets_of_make(workflow: str) -> None:
    for command in re.findall(r"(?:run|script): (.*)", workflow):
        word = command.split()[0]
        if word == "make":
            assert f"\n{command.split()[1]}:" in (ROOT / "Makefile").read_text()
        else:
            assert word.startswith("ci/")
            assert os.access(ROOT / word, os.X_OK)


def test_pull_requests_run_on_github_hosted_machines_only() -> None:
    for path in WORKFLOWS:
        text = path.read_text()
        events = re.search(r"^on:\n((?: +.*\n)+)", text, re.MULTILINE)
        assert events is not None
        if re.search(r"pull_request|push|issue|workflow_run", events[1]):
            assert set(re.findall(r"runs-on: (.*)", text)) == {"ubuntu-24.04"}
        else:
            assert re.findall(r"^  (\w+):", events[1], re.MULTILINE) == ["schedule", "workflow_dispatch"]


def test_nightly_bench_runs_every_target() -> None:
    (listed,) = re.findall(r"target: \[(.*)\]", (ROOT / ".github" / "workflows" / "nightly.yml").read_text())
    assert listed.split(", ") == sorted(target_names())
