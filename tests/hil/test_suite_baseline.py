"""The real suite against its baselines: in a store, and in a file."""

import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from pathlib import Path
from unittest.mock import ANY

import pytest
from click.testing import CliRunner

from hil.cli import main
from hil.firmware import build
from hil.results import file
from hil.results.gate.times import TRIES
from hil.results.pack_shape import pack_shape
from hil.results.run import BoardIdentity
from reds.pack import load
from tests.hil.support import AGENTS
from tests.hil.support.postgres import Postgres
from tests.hil.support.runs import figure, run_at
from tests.hil.support.suite_run import (
    BoardsToml,
    Run,
    failed_tests,
    one_line_of_errors,
    outcomes,
    suite_size,
    usage_error,
)

GATE = "test_no_worse_than_baseline"


@pytest.fixture
def store(tmp_path: Path) -> Mapping[str, str]:
    """The environment of runs that are kept."""
    return {"HIL_STORE": str(tmp_path / "runs.sqlite")}


@pytest.fixture
def kept(hil: Run, small_pack: Path, store: Mapping[str, str], boards_toml: BoardsToml) -> Callable[..., str]:
    """Run the suite on an emulated Nano, and return what it prints."""

    def run(status: int, *args: object, agent: str = "") -> str:
        build_of = {"agent": str(build.agent("emulated", AGENTS / agent))} if agent else {}
        boards = boards_toml("nano33ble", **build_of)
        done = hil("--emulate", "--boards", boards, "--pack", small_pack, *args, env=store)
        assert done.returncode == status, done.stdout
        return str(done.stdout)

    return run


def hil_command(store: Mapping[str, str], *words: str) -> str:
    done = CliRunner().invoke(main, list(words), env=store)
    assert done.exit_code == 0, done.output
    return done.output


def test_heavier_agent_fails_against_the_baseline_until_it_is_accepted(
    kept: Callable[..., str], store: Mapping[str, str], small_pack: Path, tmp_path: Path
) -> None:
    text = kept(0, "--baseline=auto")
    assert outcomes(text)["passed"] == suite_size(small_pack)  # two more, and two that need labels skip
    assert text.count("no baseline yet") == 2

    others = "-k", "not layers"  # which this agent does not make heavier one by one
    text = kept(1, "--baseline=auto", "--junitxml=a.xml", *others, agent="heavier.c")
    assert failed_tests(text) == {GATE}
    assert "Traceback" not in text
    suite = next(ET.parse(tmp_path / "a.xml").iter("testsuite"))
    assert (suite.get("failures"), suite.get("errors")) == ("2", "0")
    messages = [failure.get("message", "") for failure in suite.iter("failure")]
    assert all("instructions" in message and "\n" not in message for message in messages)

    assert "small" in hil_command(store, "baseline", "accept")
    assert "no change" in kept(0, "--baseline=auto", "-k", GATE, agent="heavier.c")
    assert "is better" in kept(0, "--baseline=auto", "-k", GATE)


def test_named_baseline_without_a_figure_of_the_subnet_is_an_error(kept: Callable[..., str]) -> None:
    kept(0, "-k", "outputs_equal")
    text = kept(1, "--baseline=last", "-k", f"{GATE} and 100")
    assert outcomes(text)["failed"] == 1
    assert "has no figure to compare with; name a run that measured it" in text
    assert "has no figure to compare with" in kept(0, "--baseline=auto", "-k", f"{GATE} and 100")


def test_baseline_that_cannot_be_compared_with_ends_the_run_before_the_bench(
    hil: Run, small_pack: Path, store: Mapping[str, str], tmp_path: Path
) -> None:
    run = "--target=desktop", "--pack", small_pack
    usage_error(hil(*run, "--baseline=1999", env=store), "no run begins with '1999'")
    board = BoardIdentity("desktop", "desk", "hardware", "another machine")
    shape = pack_shape(load(small_pack))
    file.write(
        tmp_path / "a.jsonl",
        [figure(board, "25%", 1.0, pack_shape=shape).plain()],
        file.Header(run_at(1), (board,), ()),
    )
    done = hil(*run, "--baseline=a.jsonl", "--results=b.jsonl", env=store)
    assert done.returncode == 1
    assert outcomes(done.stdout)["error"] == 1, done.stdout
    assert "another machine" in one_line_of_errors(done.stdout)
    assert not (tmp_path / "b.jsonl").exists()


def test_without_the_server_of_the_store_a_board_is_benched_and_only_the_gate_is_an_error(
    hil: Run, small_pack: Path, tmp_path: Path, postgres: Postgres
) -> None:
    away = {"HIL_STORE": postgres.database(), "XDG_DATA_HOME": str(tmp_path / "data")}
    some = "--samples=5", "-k", f"({GATE} or outputs_equal) and 100"
    postgres.stop()
    try:
        done = hil("--target=desktop", "--pack", small_pack, "--baseline=auto", *some, env=away)
    finally:
        postgres.start()
    assert done.returncode == 1, done.stdout
    assert outcomes(done.stdout) == {"passed": 1, "error": 1, "deselected": ANY}, done.stdout
    assert "cannot be used" in one_line_of_errors(done.stdout)
    assert "is kept on this machine" in done.stdout


def test_heavier_agent_on_hardware_is_measured_again_before_it_fails(
    hil: Run, small_pack: Path, store: Mapping[str, str], boards_toml: BoardsToml, tmp_path: Path
) -> None:
    run = "--pack", small_pack, "--samples=10", "--baseline=auto"
    done = hil("--boards", boards_toml("desktop"), *run, env=store)
    assert done.returncode == 0, done.stdout
    agent = str(build.agent("desktop", AGENTS / "heavier.c"))
    alone = "-k", f"{GATE} and 100", "--junitxml=a.xml"
    done = hil("--boards", boards_toml("desktop", agent=agent), *run, *alone, env=store)
    assert done.returncode == 1, done.stdout
    assert failed_tests(done.stdout) == {GATE}
    suite = next(ET.parse(tmp_path / "a.xml").iter("testsuite"))
    assert (suite.get("failures"), suite.get("errors")) == ("1", "0")
    (message,) = [failure.get("message", "") for failure in suite.iter("failure")]
    assert f"in each of {TRIES} measurements" in message
    assert "\n" not in message
