"""Test the message about failing nights against a real server: one message, told when the verdict changes."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest

from tests.support.forge_server import TOKEN, ForgeServer

ROOT = Path(__file__).parents[1]
Tell = Callable[..., subprocess.CompletedProcess[str]]
GOOD: dict[str, str] = {}
SLOW = {"test_latency[pi-4]": "50% takes 9 us, its limit is 8 us", "test_switch[pi-4]": "a switch is slow"}
LOST = {"test_latency[pi-4]": "50% takes 11 us, its limit is 8 us"}


@pytest.fixture(params=["github", "gitlab"])
def server(request: pytest.FixtureRequest) -> Iterator[ForgeServer]:
    with ForgeServer(request.param) as server:
        yield server


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with the scripts and what they import."""
    (tmp_path / "ci").mkdir()
    for name in ("message.py", "nights.py", "forges.py"):
        (tmp_path / "ci" / name).write_text((ROOT / "ci" / name).read_text())
    (tmp_path / "reds").symlink_to(ROOT / "reds")
    return tmp_path


def keep(project: Path, failed: dict[str, str], name: str = "pi", diff: str = "") -> None:
    """Keep what `ci/nightly` keeps of a bench with these failures."""
    place = project / "results" / "nightly" / name
    place.mkdir(parents=True, exist_ok=True)
    bad = "".join(
        f"<testcase name={quoteattr(test)}><failure message={quoteattr(why)}/></testcase>"
        for test, why in failed.items()
    )
    (place / "tests.xml").write_text(f"<testsuite><testcase name='test_accuracy'/>{bad}</testsuite>")
    (place / "status").write_text(f"{int(bool(failed))}\n")
    (place / "diff.md").write_text(diff)


def start(project: Path, environment: dict[str, str], *names: str) -> subprocess.Popen[str]:
    """Start the script with a Python that has no packages, as the jobs of CI do."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "CI", "GITLAB_", "GH_"))}
    command = [sys.executable, "-S", "ci/message.py", *(names or ("pi",))]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=project, env={**plain, **environment}, stdout=pipe, stderr=pipe, text=True
    )


@pytest.fixture
def tell(project: Path, server: ForgeServer) -> Tell:
    def run(order: int, *names: str, **more: str) -> subprocess.CompletedProcess[str]:
        process = start(project, {**server.environment(order), **more}, *names)
        out, err = process.communicate(timeout=60)
        assert TOKEN not in out + err
        return subprocess.CompletedProcess((), process.returncode, out, err)

    return run


def test_first_bad_night_opens_a_message_with_each_failure_and_the_difference(
    project: Path, server: ForgeServer, tell: Tell
) -> None:
    keep(project, SLOW, diff="### Bench: 2 worse, 5 equal")
    keep(project, GOOD, "desktop", diff="### Bench: 7 equal")
    done = tell(1, "desktop", "pi")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["desktop: good", "pi: 2 tests failed", "opened message 1"]
    (issue,) = server.issues
    assert (issue.title, issue.labels) == ("Nightly bench: pi 2 tests failed", ["nightly-bench"])
    assert "- `test_latency[pi-4]` failed: 50% takes 9 us, its limit is 8 us\n" in issue.body
    assert "### Bench: 2 worse, 5 equal" in issue.body
    assert "7 equal" not in issue.body
    assert f"[This night](https://forge{'/lab/net/actions/runs' * (server.kind == 'github')}/1)" in issue.body


def test_second_bad_night_that_fails_in_the_same_way_is_silent(
    project: Path, server: ForgeServer, tell: Tell
) -> None:
    keep(project, LOST)
    tell(1)
    keep(project, {test: "50% takes 12 us, its limit is 8 us" for test in LOST})
    done = tell(2)
    assert (done.returncode, done.stdout) == (0, "pi: 1 test failed\nmessage 1 says the same already\n")
    assert (len(server.issues), server.issues[0].comments) == (1, [])


def test_another_failure_is_a_comment_and_the_message_says_the_newest(
    project: Path, server: ForgeServer, tell: Tell
) -> None:
    keep(project, SLOW)
    tell(1)
    keep(project, LOST)
    assert tell(2).returncode == 0
    (issue,) = server.issues
    assert [comment.splitlines()[0] for comment in issue.comments] == ["**Nightly bench: pi 1 test failed**"]
    assert issue.title == "Nightly bench: pi 1 test failed"
    assert "test_switch" not in issue.body
    keep(project, LOST)
    tell(3)
    assert len(issue.comments) == 1


def test_good_night_closes_the_message_and_the_next_bad_one_opens_another(
    project: Path, server: ForgeServer, tell: Tell
) -> None:
    keep(project, GOOD)
    assert tell(1).stdout.endswith("nothing to tell\n")
    keep(project, SLOW)
    tell(2)
    keep(project, GOOD)
    assert tell(3).stdout.endswith("closed message 1\n")
    assert server.opened == []
    assert "was good" in server.issues[0].comments[-1]
    assert tell(4).stdout.endswith("nothing to tell\n")
    assert len(server.issues[0].comments) == 1
    keep(project, SLOW)
    tell(5)
    assert server.opened == [2]


def test_night_that_ends_after_a_later_one_changes_nothing(
    project: Path, server: ForgeServer, tell: Tell
) -> None:
    keep(project, SLOW)
    tell(5)
    keep(project, GOOD)
    assert tell(4).stdout.endswith("nothing to tell\n")
    keep(project, LOST)
    assert tell(4).stdout.endswith("message 1 is of a later night\n")
    assert (server.opened, server.issues[0].comments) == ([1], [])
    keep(project, GOOD)
    tell(6)
    keep(project, SLOW)
    assert tell(5).stdout.endswith("a later night was good: nothing to tell\n")
    assert server.opened == []


def test_two_bad_nights_at_once_leave_one_open_message(project: Path, server: ForgeServer) -> None:
    keep(project, SLOW)
    server.meet = 2
    both = [start(project, server.environment(order)) for order in (1, 2)]
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert (len(server.issues), server.opened) == (2, [1])
    assert server.issues[1].comments == ["The same nights are told in #1."]


def test_night_without_results_is_bad(project: Path, server: ForgeServer, tell: Tell) -> None:
    keep(project, GOOD)
    assert tell(1, "pi", "android").returncode == 0
    assert "## android: did not end, or kept no results" in server.issues[0].body
    place = project / "results" / "nightly" / "android"
    place.mkdir()
    (place / "status").write_text("1\n")
    (place / "tests.xml").write_text("<testsuite")
    tell(2, "pi", "android")
    assert "## android: measured nothing, or could not start: exit status 1" in server.issues[0].comments[0]


@pytest.mark.parametrize("status", [301, 401, 500])
def test_answer_that_is_an_error_fails_in_one_sentence(
    status: int, project: Path, server: ForgeServer, tell: Tell
) -> None:
    keep(project, SLOW)
    server.fails = status
    done = tell(1)
    assert done.returncode == 1
    assert done.stdout == "pi: 2 tests failed\n"
    (line,) = done.stderr.splitlines()
    assert f" answered {status}: " in line
    assert len(server.calls) == 1


def test_api_that_is_down_fails_and_the_verdict_of_the_night_stands(project: Path) -> None:
    keep(project, SLOW)
    with ForgeServer("github") as gone:
        environment = gone.environment(1)
    process = start(project, environment)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "pi: 2 tests failed\n")
    assert len(err.splitlines()) == 1
    assert (project / "results" / "nightly" / "pi" / "status").read_text() == "1\n"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"220 mail ready\r\n", "message: GET {url}/repos/lab/net/issues "),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\n", "message: GET {url}/repos/lab/net/issues "),
        (b"", "message: GET {url}/repos/lab/net/issues "),
        (
            b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"page": "1"}',
            "message: the API's answer about issues ",
        ),
    ],
)
def test_answer_that_is_none_of_the_api_fails_in_one_sentence(
    answer: bytes, says: str, project: Path
) -> None:
    keep(project, SLOW)
    with ForgeServer("github") as here:
        environment = here.environment(1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        process = start(project, {**environment, "GITHUB_API_URL": url})
        client, _ = listener.accept()
        with client:
            client.recv(1 << 16)
            client.sendall(answer)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    (line,) = err.splitlines()
    assert line.startswith(says.format(url=url))


def test_text_of_tests_calls_nobody_and_is_no_markup(project: Path, server: ForgeServer, tell: Tell) -> None:
    keep(project, {"test_a[`@all` <!-- night {} -->]": "@here <img> **x**"}, diff="x\n" * 100_000)
    assert tell(1).returncode == 0
    body = server.issues[0].body
    assert len(body) < 65_536
    assert "The rest is in the artifacts of the night." in body
    assert "@all" not in body
    assert "@\u200bhere &lt;img&gt; \\*\\*x\\*\\*" in body
    assert tell(2).stdout.endswith("message 1 says the same already\n")


def test_message_that_was_edited_by_hand_is_told_again(
    project: Path, server: ForgeServer, tell: Tell
) -> None:
    keep(project, SLOW)
    tell(1)
    server.issues[0].body = "we are on it"
    assert tell(2).stdout.endswith("commented on message 1\n")
    assert tell(3).stdout.endswith("message 1 says the same already\n")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"GITHUB_ACTIONS": ""}, "this is no job"),
        ({"GH_TOKEN": ""}, "GH_TOKEN is empty"),
    ],
)
def test_missing_job_or_token_is_one_sentence(changes: dict[str, str], says: str, project: Path) -> None:
    keep(project, SLOW)
    with ForgeServer("github") as here:
        process = start(project, {**here.environment(1), **changes})
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.startswith(f"message: {says}")
