"""A user's own `.tflite` file in place of a pack, on the desktop, over SSH, and where it is refused."""

import re
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hil.boards.entry import Entry
from hil.errors import SetupError
from hil.kernels import litert
from hil.kernels.litert import started
from hil.suite import tflite_file, workload
from hil.suite.workload import Workload
from reds import pack
from reds.export import tflite
from reds.fixtures import fixtures_dir
from reds.pack import interpreter
from tests.hil.support.raising import raises
from tests.hil.support.sshd import Start
from tests.hil.support.suite_run import (
    BoardsToml,
    Run,
    failed_tests,
    one_line_of_errors,
    outcomes,
    read,
    usage_error,
)
from tests.support.nets import inputs

if find_spec("tensorflow") is None or find_spec("ai_edge_litert") is None:
    pytest.skip("no tensorflow or no ai-edge-litert here", allow_module_level=True)


@pytest.fixture(scope="module")
def spotter() -> Workload:
    """The shipped pack with its clips."""
    return workload.load(workload.shipped())


@pytest.fixture(scope="module")
def content(spotter: Workload) -> bytes:
    return tflite.dumps(spotter.model, 0)


@pytest.fixture
def file(spotter: Workload, content: bytes, tmp_path: Path) -> Path:
    """A file with examples whose classes are those of the pack; every third is wrong."""
    x = spotter.inputs[:300]
    y = interpreter.run(spotter.model, 0, x).argmax(axis=1)
    y[::3] = (y[::3] + 1) % spotter.model.output_size(0)
    (tmp_path / "mine.tflite").write_bytes(content)
    np.savez(tmp_path / "mine.npz", x=x, y=y)
    return tmp_path / "mine.tflite"


def test_a_file_has_latency_memory_and_accuracy_but_no_switch(hil: Run, file: Path, tmp_path: Path) -> None:
    done = hil("--target=desktop", "--pack", file, "--results", "a.jsonl")
    assert (done.returncode, outcomes(done.stdout)) == (0, {"passed": 3}), done.stdout
    rows = {row["metric"]: row for row in read(tmp_path / "a.jsonl")}
    assert set(rows) == {"tflite_latency", "tflite_file", "tflite_ram", "accuracy"}
    assert {row["pack"] for row in rows.values()} == {"mine"}
    assert abs(rows["accuracy"]["value"] - 2 / 3) < 0.05  # TFLite rounds in another way
    assert rows["tflite_file"]["value"] == file.stat().st_size
    assert 0 < rows["tflite_latency"]["low"] <= rows["tflite_latency"]["value"]


def test_limits_of_the_whole_file_are_held_and_those_of_subnets_are_passed_over(
    hil: Run, file: Path, boards_toml: BoardsToml
) -> None:
    boards = boards_toml("desktop")
    limits = 'latency_us = { "25%" = 0.001, whole = 0.001 }\nram_bytes = { whole = 1e9 }\n'
    boards.write_text(boards.read_text() + limits)
    done = hil("--target=desktop", "--boards", boards, "--pack", file, "-k", "latency or memory")
    assert failed_tests(done.stdout) == {"test_latency_of_tflite"}, done.stdout
    assert re.search(r"whole: the median is [\d.,]+ us, over the budget", done.stdout)
    assert re.search(r"tflite us +limit .*\n.*<= 0.001 FAILED .*<= 1,000,000,000 ok", done.stdout)
    boards.write_text(boards.read_text() + "stack_bytes = { whole = 100 }\n")
    done = hil("--target=desktop", "--boards", boards, "--pack", file, "-k", "memory")
    assert "stack_bytes of 'whole' cannot be held" in one_line_of_errors(done.stdout)


def test_label_beyond_the_outputs_is_an_error_that_names_both(hil: Run, file: Path) -> None:
    with np.load(file.with_suffix(".npz")) as arrays:
        x, y = arrays["x"], arrays["y"]
    y[7] = 12
    np.savez(file.with_suffix(".npz"), x=x, y=y)
    done = hil("--target=desktop", "--pack", file, "-k", "accuracy")
    assert "mine.npz: y holds 12, but the file has 12 outputs" in one_line_of_errors(done.stdout)


def test_features_are_quantized_as_the_input_says(spotter: Workload, content: bytes) -> None:
    """More of them than one request holds."""
    x, model = spotter.inputs[:300], spotter.model
    features = (x.astype(np.float32) - model.input_zero) * np.float32(model.input_scale)
    with started(Entry("here", "desktop")) as there:
        there.load(content)
        stored = there.classes(x)
        assert np.array_equal(there.classes(features), stored)
        assert np.mean(stored == interpreter.run(model, 0, x).argmax(axis=1)) > 0.95
        for examples in (features[:, :3], x.astype(np.int64), x.reshape(300, 10, -1)):
            with raises(SetupError):
                there.classes(examples)


def test_examples_of_pictures_are_those_that_the_net_reads_or_refused() -> None:
    model = pack.load(fixtures_dir() / "cifar10-ds-cnn-s.reds")
    x = inputs(model, 10)
    pictures = x.reshape(-1, 32, 32, 3)
    with started(Entry("here", "desktop")) as there:
        there.load(tflite.dumps(model, 0))
        assert np.array_equal(there.classes(x), there.classes(pictures))
        with raises(SetupError):
            there.classes(pictures.transpose(0, 3, 1, 2))


def test_large_examples_are_sent_in_parts(
    spotter: Workload, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(litert, "_BYTES_AT_ONCE", 10 * spotter.model.input_size)
    with started(Entry("here", "desktop")) as there:
        there.load(content)
        ask = there._ask

        def counted(what: Mapping[str, Any]) -> dict[str, Any]:
            asked.append(what["shape"][0])
            return ask(what)

        monkeypatch.setattr(there, "_ask", counted)
        assert len(there.classes(spotter.inputs[:25])) == sum(asked) == 25
    assert max(asked) <= 10


def test_a_file_without_examples_runs_over_ssh_without_accuracy(
    hil: Run, sshd: Start, file: Path, boards_toml: BoardsToml
) -> None:
    file.with_suffix(".npz").unlink()
    there = sshd(programs={"python3": f'exec {sys.executable} "$@"'})
    done = hil("--target=pi", "--boards", boards_toml("pi", **there.keys()), "--pack", file, "-rs")
    assert (done.returncode, outcomes(done.stdout)) == (0, {"passed": 2, "skipped": 1}), done.stdout
    assert "put mine.npz with x and y beside the file" in done.stdout


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_a_board_that_runs_no_litert_says_so(hil: Run, file: Path) -> None:
    done = hil("--target=nano33ble", "--emulate", "--pack", file, "-rs")
    assert (done.returncode, outcomes(done.stdout)) == (1, {"error": 3}), done.stdout
    assert "TFLite Micro" in done.stdout


def test_a_file_that_is_none_ends_the_run_in_one_line(hil: Run, file: Path) -> None:
    file.write_bytes(b"REDS" * 9)
    usage_error(hil("--target=desktop", "--pack", file), "not a .tflite file")
    file.write_bytes(b"....TFL3" + bytes(40))
    done = hil("--target=desktop", "--pack", file)
    assert outcomes(done.stdout)["error"] == 3
    assert "LiteRT refuses" in done.stdout
    assert "Traceback" not in done.stdout


def test_options_that_no_file_obeys_are_refused_and_not_passed_over(hil: Run, file: Path) -> None:
    options = ("--baseline=auto", "--against=tflite", "--precision=1%", "--samples=5", "--inputs=9")
    done = hil("--target=desktop", "--pack", file, *options)
    usage_error(done, "ERROR: --baseline, --against, --precision, --samples, --inputs: for packs only")


def test_a_test_of_ones_own_is_told_that_the_file_is_no_pack(hil: Run, file: Path, tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("def test_mine(board, pack):\n    board.deploy(pack)\n")
    done = hil("test_mine.py", "--target=desktop", "--pack", file, "-k", "mine")
    assert "name a .reds pack for tests of your own" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    "arrays",
    [
        {"x": np.zeros((3, 2))},
        {"x": np.zeros((3, 2)), "y": np.zeros(4, int)},
        {"x": np.zeros((3, 2)), "y": np.zeros(3)},
        {"x": np.zeros(3), "y": np.zeros(3, int)},
        {"x": np.array([["a"]] * 3), "y": np.zeros(3, int)},
        {"x": np.full((3, 2), np.nan), "y": np.zeros(3, int)},
        {"x": np.zeros((3, 2)), "y": np.array([0, -1, 2])},
    ],
)
def test_examples_that_do_not_belong_together_are_refused(file: Path, arrays: dict[str, np.ndarray]) -> None:
    np.savez(file.with_suffix(".npz"), **arrays)
    with raises(SetupError):
        tflite_file.load(file)
