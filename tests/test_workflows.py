"""Test the workflows of GitHub and GitLab: scripts of ci/, pinned actions, no code of a fork near a board.

`make lint` runs actionlint on those of GitHub, and checks GitLab's file against the schema of GitLab.
"""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

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


GRANTED = {
    "release.yml": ["      id-token: write\n", "      contents: write\n"],
    "nightly.yml": ["      contents: read\n      issues: write\n"],
}


def test_only_the_release_and_the_message_of_a_night_may_write() -> None:
    for path in WORKFLOWS:
        granted = re.findall(r"^    permissions:\n((?:      .*\n)+)", path.read_text(), re.MULTILINE)
        assert granted == GRANTED.get(path.name, [])


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


def test_targets_that_nights_bench_are_all_there_are(tmp_path: Path) -> None:
    output = tmp_path / "output"
    told = {**os.environ, "GITHUB_OUTPUT": str(output)}
    printed = subprocess.run(
        [ROOT / "ci/targets"], env=told, capture_output=True, text=True, check=True
    ).stdout
    assert printed.split() == sorted(target_names())
    name, _, listed = output.read_text().partition("=")
    assert (name, json.loads(listed)) == ("all", printed.split())


def test_nightly_bench_runs_every_target() -> None:
    night = yaml.safe_load((ROOT / ".github" / "workflows" / "nightly.yml").read_text())["jobs"]
    assert night["bench"]["strategy"]["matrix"]["target"] == "${{ fromJSON(needs.targets.outputs.all) }}"
    (listed,) = [step for step in night["targets"]["steps"] if step.get("id") == "list"]
    assert listed["run"] == "ci/targets"


GITLAB: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text())
JOBS = {name: each for name, each in GITLAB.items() if "script" in each}


def scripts(job: dict[str, Any]) -> list[str]:
    given = [job.get(key, []) for key in ("before_script", "script", "after_script")]
    return [line for each in given for line in ([each] if isinstance(each, str) else each)]


def test_gitlab_runs_the_scripts_of_the_workflows() -> None:
    github = {
        command.split()[0]
        for name in ("pr", "nightly")
        for command in re.findall(
            r"run: (ci/.*)", (ROOT / ".github" / "workflows" / f"{name}.yml").read_text()
        )
    }
    ran = [line.split() for job in JOBS.values() for line in scripts(job)]
    for command in ran:
        if command[0] == "make":
            assert f"\n{command[1]}:" in (ROOT / "Makefile").read_text()
        else:
            assert os.access(ROOT / command[0], os.X_OK)
    # `make ci-pr` is ci/pr; GitLab's machines need neither KVM nor an environment for an Android emulator;
    # one of them benches all targets.
    left_out = {"ci/kvm", "ci/bootstrap", "ci/targets"}
    assert {command[0] for command in ran} == (github | {"ci/pr", "make"}) - left_out


def test_gitlab_jobs_have_a_timeout_and_benches_keep_junit() -> None:
    for name, job in JOBS.items():
        assert "timeout" in job, name
        if any(line.startswith(("ci/nightly", "ci/pr")) for line in scripts(job)):
            assert job["artifacts"]["when"] == "always"
            assert "junit" in job["artifacts"]["reports"]


def test_gitlab_emulates_every_target_and_the_message_reads_them_all() -> None:
    assert scripts(JOBS["emulated"]) == ["ci/nightly"]
    assert scripts(JOBS["message"])[0].split()[1:-1] == [JOBS["emulated"]["variables"]["NIGHT"]]


def test_gitlab_boards_meet_no_code_of_a_fork() -> None:
    """Boards and the database are used by nights alone, and nights are of protected branches alone."""
    nights = [rule["if"] for rule in GITLAB["workflow"]["rules"] if re.search("schedule|web", rule["if"])]
    assert len(nights) == 2
    assert all('&& $CI_COMMIT_REF_PROTECTED == "true"' in rule for rule in nights)
    for name, job in JOBS.items():
        on_boards = "tags" in job or re.search(r"LAB|TOKEN", str(job))
        assert bool(on_boards) == (name in ("boards", "message"))
        if on_boards:
            assert [rule["if"].split(") && ")[0] for rule in job["rules"]] == [
                '($CI_PIPELINE_SOURCE == "schedule" || $CI_PIPELINE_SOURCE == "web"'
            ]
            assert "resource_group" in job


def test_night_on_github_uses_the_lab_only_where_its_runner_is() -> None:
    night = yaml.safe_load((ROOT / ".github" / "workflows" / "nightly.yml").read_text())
    (benches, *others) = night["jobs"].values()
    for key in ("runs-on", "environment"):
        assert benches[key].startswith("${{ contains(fromJSON(vars.LAB_TARGETS || '[]'), matrix.target) && ")
    assert not any("HIL_" in str(job).replace("HIL_BOARDS", "") for job in others)


def test_message_alone_may_write_issues_and_tells_of_every_bench() -> None:
    night = yaml.safe_load((ROOT / ".github" / "workflows" / "nightly.yml").read_text())
    message = night["jobs"]["message"]
    assert message["permissions"] == {"contents": "read", "issues": "write"}
    assert message["runs-on"] == "ubuntu-24.04"
    (command,) = [step["run"] for step in message["steps"] if "run" in step]
    assert command == "ci/message.py avd ${{ join(fromJSON(needs.targets.outputs.all), ' ') }}"
    assert set(message["needs"]) == {"targets", "bench", "avd"}
