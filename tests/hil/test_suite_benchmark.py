"""pytest-benchmark keeps, saves and compares what boards have timed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hil.support.suite_run import Run, outcomes, read, suite_size


def test_pytest_benchmark_keeps_what_the_board_has_timed(hil: Run, small_pack: Path, tmp_path: Path) -> None:
    args = ("--pack", small_pack, "--results", "a.jsonl", "--benchmark-json=b.json")
    done = hil("--target=nano33ble", "--emulate", *args)
    assert done.returncode == 0, done.stdout
    kept = {b["name"]: b["stats"] for b in json.loads((tmp_path / "b.json").read_text())["benchmarks"]}
    for row in read(tmp_path / "a.jsonl"):
        if row["metric"] == "latency":
            stats = kept[f"test_latency[nano33ble-emulated-{row['subnet']}]"]
            assert stats["rounds"] == len(row["samples"])
            assert stats["median"] == pytest.approx(row["value"] / 1e6)
            assert stats["max"] == pytest.approx(max(row["samples"]) / 1e6)


def test_pytest_benchmark_saves_and_compares_runs_of_its_tests_only(
    hil: Run, small_pack: Path, tmp_path: Path
) -> None:
    args = ("--target=desktop", "--pack", small_pack, "--benchmark-only", "--benchmark-storage=kept")
    first = hil(*args, "--benchmark-save=first")
    assert first.returncode == 0, first.stdout
    assert outcomes(first.stdout) == {"passed": 2, "skipped": suite_size(small_pack) - 2}
    (saved,) = (tmp_path / "kept").rglob("*_first.json")
    found = {b["extra_info"]["subnet"]: b for b in json.loads(saved.read_text())["benchmarks"]}
    assert found.keys() == {"50%", "100%"}
    assert (
        found["50%"]["extra_info"] | {"target": "desktop", "provenance": "hardware", "pack": "small"}
        == (found["50%"]["extra_info"])
    )
    assert found["50%"]["stats"]["rounds"] == 100
    second = hil(*args, "--benchmark-save=second", "--benchmark-compare=0001", "--benchmark-histogram=h")
    assert second.returncode == 0, second.stdout
    assert "test_latency[desktop-hardware-50%] (0001_first)" in second.stdout
    assert list(tmp_path.glob("h*.svg"))
    command = [sys.executable, "-m", "pytest_benchmark"]
    compare = [*command, "--storage=kept", "compare", "0001", "0002", "--columns=median"]
    told = subprocess.run(compare, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "test_latency[desktop-hardware-100%] (0002_second)" in told.stdout
