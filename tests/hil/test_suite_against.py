"""The real suite beside LiteRT, on the desktop and on a board over SSH, and where that does not run."""

import re
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from reds import pack
from reds.pack.model import Kind
from tests.hil.support.sshd import Start
from tests.hil.support.suite_run import BoardsToml, Run, outcomes, read, usage_error
from tests.support.nets import Maker

BESIDE = ("--against=tflite", "-k", "beside")
needs_litert = pytest.mark.skipif(
    find_spec("tensorflow") is None or find_spec("ai_edge_litert") is None,
    reason="no tensorflow or no ai-edge-litert here",
)


def shown(text: str) -> list[str]:
    return re.findall(r"^against: (\S+ \S+): ours [\d,.]+ us, LiteRT int8 [\d,.]+ us; ours takes", text, re.M)


@needs_litert
def test_each_subnet_on_the_desktop_is_shown_beside_tflite(
    hil: Run, small_pack: Path, tmp_path: Path
) -> None:
    done = hil("--target=desktop", "--pack", small_pack, "--results", "a.jsonl", *BESIDE)
    assert done.returncode == 0, done.stdout
    assert outcomes(done.stdout)["passed"] == 2
    assert shown(done.stdout) == ["desktop 100%", "desktop 50%"]
    for ours, theirs, ratio in re.findall(
        r"ours ([\d.]+) us, LiteRT int8 ([\d.]+) us; ours takes ([\d.]+)", done.stdout
    ):
        assert 1 / 3 < float(ratio) * float(theirs) / (float(ours) + 0.1) < 3
    assert re.search(r"^subnet .* tflite us +ours : tflite", done.stdout, re.M)
    rows = read(tmp_path / "a.jsonl")
    assert [(row["subnet"], row["metric"], row["unit"]) for row in rows] == [
        (subnet, metric, unit)
        for subnet in ("50%", "100%")
        for metric, unit in (("tflite_latency", "us"), ("tflite_ratio", "ratio"))
    ]
    for row in rows:
        assert 0 < row["low"] <= row["value"] <= row["high"]


@needs_litert
def test_a_net_that_tflite_has_no_ops_for_is_not_benched_beside_it(hil: Run, tmp_path: Path) -> None:
    maker = Maker(1, 1, 8)
    maker.add(Kind.LAYER_NORM)
    maker.add(Kind.DENSE, 4)
    pack.save(maker.build([[4]]), tmp_path / "norm.reds")
    done = hil("--target=desktop", "--pack", tmp_path / "norm.reds", *BESIDE, "-rs")
    assert (done.returncode, outcomes(done.stdout)["skipped"]) == (0, 1), done.stdout
    assert "layer 0 (layer_norm): TFLite has no layer norm in int8" in " ".join(done.stdout.split())


@needs_litert
def test_a_board_over_ssh_is_benched_beside_tflite_or_says_why_not(
    hil: Run, sshd: Start, small_pack: Path, boards_toml: BoardsToml, tmp_path: Path
) -> None:
    there = sshd(programs={"python3": f'exec {sys.executable} $BARE "$@"'})
    args = ("--target=pi", "--boards", boards_toml("pi", **there.keys()), "--pack", small_pack, *BESIDE)
    done = hil(*args)
    assert outcomes(done.stdout)["passed"] == 2, done.stdout
    assert shown(done.stdout) == ["board 100%", "board 50%"]
    (tmp_path / "bin" / "python3").write_text("#!/bin/sh\necho no >&2\nexit 3\n")
    done = hil(*args)
    assert (done.returncode, outcomes(done.stdout)["error"]) == (1, 2), done.stdout
    assert "ended by itself with exit status 3: no" in done.stdout
    assert "Traceback" not in done.stdout
    assert there.running() == []


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_the_emulated_nano_is_not_benched_beside_tflite_which_is_an_error_if_it_is_named(
    hil: Run, small_pack: Path, boards_toml: BoardsToml
) -> None:
    args = ("--emulate", "--pack", small_pack, *BESIDE, "-rs")
    done = hil("--target=nano33ble", *args)
    assert (done.returncode, outcomes(done.stdout)["error"]) == (1, 2), done.stdout
    assert "TFLite Micro" in done.stdout
    done = hil("--boards", boards_toml("nano33ble"), *args)
    assert (done.returncode, outcomes(done.stdout)["skipped"]) == (0, 2), done.stdout
    assert "TFLite Micro" in done.stdout


def test_without_the_option_nothing_is_compared_and_another_runtime_is_refused(
    hil: Run, small_pack: Path
) -> None:
    done = hil("--target=desktop", "--pack", small_pack, "--collect-only", "-q")
    assert "test_against" not in done.stdout
    usage_error(hil("--target=desktop", "--against=onnx"), r"--against is 'onnx'; write tflite")
