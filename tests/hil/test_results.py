import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from hil.errors import ResultsError
from hil.results import report, store
from hil.results.store import Measurement
from tests.hil.support.raising import raises

WHO = ("nano33ble", "left", "emulated", "net", "00ff")


def measured(subnet: str, metric: str, value: float) -> dict[str, object]:
    return Measurement(*WHO, subnet, metric, "us", value, (value,)).plain()


def test_results_are_written_atomically(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    store.write(path, [measured("25%", "latency", 1.5), measured("25%->100%", "switch", 2.0)])
    assert [json.loads(line)["value"] for line in path.read_text().splitlines()] == [1.5, 2.0]
    before = path.read_bytes()
    with pytest.raises(TypeError):
        store.write(path, [measured("25%", "latency", 3.0), {"value": object()}])
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.jsonl"]


def test_full_disk_keeps_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    store.write(path, [measured("25%", "latency", 1.5)])
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before), limits[1]))
    try:
        with raises(ResultsError):
            store.write(path, [measured("25%", "latency", 1.5)] * 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.jsonl"]


def test_unwritable_path_raises_before_the_bench(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "a.jsonl"):
        with raises(ResultsError):
            store.prepare(path)


def test_table_has_a_row_for_each_subnet_and_its_slowest_switch() -> None:
    table = report.rows(
        [
            measured("100%", "macs", 900),
            measured("100%", "latency", 8.0),
            measured("25%->100%", "switch", 0.25),
            measured("50%->100%", "switch", 0.5),
            measured("75%->100%", "switch", 0.125),
            measured("25%->100%", "switch_instructions", 14),
            measured("50%->100%", "switch_instructions", 12),
            measured("25%", "macs", 200),
            measured("25%", "accuracy", 0.75),
        ]
    )
    assert table == {
        ("nano33ble", "left", "25%", "emulated"): {"macs": 200, "accuracy": 0.75},
        ("nano33ble", "left", "100%", "emulated"): {
            **{"macs": 900, "latency": 8.0},
            **{"switch": 0.5, "switch_instructions": 14},
        },
    }


def test_large_figure_is_not_cut() -> None:
    one = measured("100%", "latency", 123_456_789.0) | {"target": "t" * 60, "board": "b" * 60}
    (_, line) = report.render([one], []).splitlines()
    assert line.split()[:2] == ["t" * 60, "b" * 60]
    assert "123,456,789.0" in line


def test_table_shows_a_dash_for_a_missing_figure() -> None:
    text = report.render([measured("25%", "accuracy", 0.75), measured("25%", "macs", 19776)], ["a [note]"])
    header, line, note = (row.split() for row in text.splitlines())
    assert header[:4] == ["target", "board", "subnet", "MACs"]
    assert line == ["nano33ble", "left", "25%", "19,776", "75.0%", *"-----", "emulated"]
    assert note == ["a", "[note]"]


def test_progress_bar_appears_on_terminals_only() -> None:
    work = "from hil.results.progress import progress\n"
    work += "with progress('left: storing net', 10, patience=0.0) as advance:\n    advance(4)\n"
    command = [sys.executable, "-c", work]
    assert subprocess.run(command, capture_output=True, check=True).stderr == b""
    master, slave = os.openpty()
    plain = {name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_WORKER"}
    subprocess.run(command, stderr=slave, check=True, env={**plain, "TERM": "xterm"})
    shown = os.read(master, 10_000).decode()
    os.close(master)
    os.close(slave)
    assert "left: storing net" in shown
    assert "40%" in shown
