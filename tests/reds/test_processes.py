"""Training by two processes under a real torchrun: what one process computes, shared."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from reds import pack
from tests.reds.support.shared_training import main
from tests.reds.support.tiny_recipe import tiny_recipe

pytestmark = pytest.mark.long
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2")
ROOT = Path(__file__).parents[2]
SECONDS = 240
"""Longest time of a torchrun, which takes ten on a quiet machine."""


def started(*arguments: object) -> subprocess.Popen[str]:
    """Start torchrun, its output and errors in one pipe."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    return subprocess.Popen(
        [*TORCHRUN, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
    )  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, Any]]:
    """What each of two processes got, and what one process gets alone."""
    alone, shared = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("shared")
    main(alone)
    run = started("-m", "tests.reds.support.shared_training", shared)
    output, _ = run.communicate(timeout=SECONDS)
    assert run.returncode == 0, output
    files = {"alone": alone / "0.pt", "first": shared / "0.pt", "second": shared / "1.pt"}
    return {name: torch.load(path, weights_only=True) for name, path in files.items()}


def test_two_processes_take_the_step_that_one_takes(results: Mapping[str, Mapping[str, Any]]) -> None:
    """The shares are of 17 and 16 examples, and the norms normalize by all 33."""
    alone, shared = results["alone"]["step"], results["first"]["step"]
    assert any("running_mean" in name for name in alone)
    largest = max(float(value.abs().max()) for name, value in alone.items() if "gradient" in name)
    torch.testing.assert_close(shared, alone, rtol=1e-4, atol=1e-5 * largest)


@pytest.mark.parametrize("kind", ["step", "trained", "whole"])
def test_both_processes_end_with_the_same_bits(kind: str, results: Mapping[str, Mapping[str, Any]]) -> None:
    first, second = results["first"][kind], results["second"][kind]
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_two_processes_reach_the_accuracy_of_one(results: Mapping[str, Mapping[str, Any]]) -> None:
    alone, shared = (results[who]["trained"]["accuracies"] for who in ("alone", "first"))
    assert float(alone.max()) > 0.5
    assert float((shared - alone).abs().max()) < 0.1


@pytest.mark.parametrize("who", ["alone", "first", "second"])
def test_a_shared_training_that_was_stopped_goes_on_with_the_same_bits(
    who: str, results: Mapping[str, Mapping[str, Any]]
) -> None:
    whole, resumed = results[who]["whole"], results[who]["resumed"]
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


@pytest.mark.parametrize("who", ["first", "second"])
def test_errors_are_raised_in_all_processes(who: str, results: Mapping[str, Mapping[str, Any]]) -> None:
    assert results[who]["told"]
    assert "2 processes" in results[who]["refused"]


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A tiny dense net on examples of four classes, which trains for long enough to be killed."""
    return tiny_recipe(tmp_path)


def test_a_process_that_dies_ends_the_build_with_a_sentence_and_the_build_goes_on(
    recipe: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    killed = started("-m", "reds", "build", recipe, "--out", out)
    assert killed.stdout is not None
    lines = []
    for line in killed.stdout:
        lines.append(line)
        if line.startswith("together 2/"):
            os.kill(child_of_rank(killed.pid, 1), signal.SIGKILL)
    assert killed.wait(SECONDS) != 0
    text = "".join(lines)
    assert re.search(r"(?m)^Error: process 0 of 2 ends: .*same command", text), text
    assert (out / "own.training").exists()

    run = started("-m", "reds", "build", recipe, "--out", out)
    output, _ = run.communicate(timeout=SECONDS)
    assert run.returncode == 0, output
    (said,) = re.findall(r"(?m)^together: resumed from epoch (\d+) of 12$", output)
    assert int(said) >= 2
    assert output.count("2 processes on 1 thread each") == output.count("wrote ") == 1
    assert [subnet.name for subnet in pack.load(out / "own.reds").subnets] == ["50%", "100%"]
    assert not (out / "own.training").exists()


def child_of_rank(torchrun: int, rank: int) -> int:
    """Return the process of a rank among the children of torchrun."""
    for task in Path(f"/proc/{torchrun}/task").iterdir():
        for child in (task / "children").read_text().split():
            if f"\0RANK={rank}\0" in f"\0{Path(f'/proc/{child}/environ').read_text()}":
                return int(child)
    raise AssertionError(f"no child of torchrun has the rank {rank}")
