"""`hil serial` gives the MLPerf Tiny runner a board as a port, for its accuracy and performance modes."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from reds import pack
from reds.fixtures import fixtures_dir
from tests.targets.support.mlperf import Runner, softmax

PACK = fixtures_dir() / "kws-ds-cnn-s.reds"
HIL = [sys.executable, "-c", "from hil.cli import main; main()"]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file that gets what the command says beside the path of the port."""
    return tmp_path_factory.mktemp("serial") / "errors"


@pytest.fixture(scope="module")
def runner(told: Path) -> Iterator[Runner]:
    """Return the runner at the port of an emulated Nano whose 50 % subnet is selected."""
    command = [*HIL, "serial", str(PACK), "--emulate", "--subnet", "50%"]
    with (
        told.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        assert process.stdout is not None
        made = Runner(process.stdout.readline().strip())
        yield made
        made.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_kernels_of_the_pack_are_told_once(runner: Runner, told: Path) -> None:
    assert told.read_text().count("nano33ble: fast kernels (radix256) run all") == 1


def test_an_emulated_nano_is_a_benchmark_of_speech_commands(runner: Runner) -> None:
    assert runner.silent(0.5)
    assert (runner.name(), runner.model()) == ("nano33ble", "kws01")


def test_accuracy_mode_gives_the_softmax_of_the_chosen_subnet(runner: Runner) -> None:
    model, official = pack.load(PACK), np.load(fixtures_dir() / "kws12-test.npz")["x"]
    for example in range(3):
        x = official[example * 600].reshape(-1).astype(np.int8)
        runner.load(x.tobytes())
        results, _ = runner.infer(1, 0)
        assert results == pytest.approx(softmax(model, 1, x), abs=2e-9)


def test_performance_mode_times_the_chosen_subnet(runner: Runner) -> None:
    model, windows = pack.load(PACK), []
    for subnet in range(2):
        runner.command(f"subnet {subnet}")
        runner.infer(1, 0)
        windows.append([runner.infer(3, 1)[1] for _ in range(2)])
    us = [[(end - start) / 3 for start, end in laps] for laps in windows]
    assert all(abs(a - b) <= 1 for a, b in us), "an emulated board repeats its times"
    assert us[0][0] < us[1][0] * (model.subnets[0].macs / model.subnets[1].macs + 0.3)
