import json
import math
import resource
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hil.errors import ResultsError
from hil.results import blocks, file, run_table
from hil.results.conditions import Conditions, Span
from hil.results.measurement import UNITS, Measurement
from tests.hil.support.raising import raises
from tests.support.odd_files import ODD_FILES
from tests.support.refusals import may_refuse

WHO = ("nano33ble", "left", "emulated", "net", "00ff")


def measured(subnet: str, metric: str, value: float) -> dict[str, object]:
    return Measurement(*WHO, subnet, metric, UNITS.get(metric, "us"), value, (value,)).plain()


def test_results_are_written_atomically(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    file.write(path, [measured("25%", "latency", 1.5), measured("25%->100%", "switch", 2.0)])
    assert [json.loads(line)["value"] for line in path.read_text().splitlines()] == [1.5, 2.0]
    before = path.read_bytes()
    with pytest.raises(TypeError):
        file.write(path, [measured("25%", "latency", 3.0), {"value": object()}])
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.jsonl"]


def test_full_disk_keeps_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    file.write(path, [measured("25%", "latency", 1.5)])
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before), limits[1]))
    try:
        with raises(ResultsError):
            file.write(path, [measured("25%", "latency", 1.5)] * 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.jsonl"]


def test_unwritable_path_raises_before_the_bench(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "a.jsonl"):
        with raises(ResultsError):
            file.prepare(path)


def test_columns_that_few_runs_have_are_there_only_with_a_figure() -> None:
    plain = [measured("25%", "latency", 8.0), measured("100%", "latency", 9.0)]
    more = [*plain, measured("25%", "energy", 0.125), measured("25%->100%", "energy_switch", 0.5)]
    (small, large), heads = run_table.lines(more), run_table.heads(more)
    assert heads == (*run_table.heads(plain)[:-1], "energy mJ", "provenance")
    assert [row[heads.index("energy mJ")] for row in (small, large)] == ["0.125", "-"]
    assert {len(row) for row in run_table.lines(plain)} == {len(run_table.heads(plain))}


def test_table_has_a_row_for_each_subnet_and_its_slowest_switch() -> None:
    table = run_table.rows(
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


def test_packs_of_one_board_have_rows_of_their_own() -> None:
    one, other = measured("25%", "latency", 8.0), {**measured("25%", "latency", 2.0), "pack_sha256": "11ee"}
    left = {("nano33ble", "left", name, "emulated") for name in ("net 00ff 25%", "net 11ee 25%")}
    assert run_table.rows([one, other]).keys() == left
    named = run_table.rows([one, {**other, "pack": "other"}])
    assert [(key[2], row["latency"]) for key, row in named.items()] == [("net 25%", 8.0), ("other 25%", 2.0)]


GOOD = measured("25%", "latency", 1.5)


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    seen = Span(Conditions("aarch64", mhz=600.0), Conditions("aarch64", governor="performance"))
    kept = Measurement(*WHO, "25%->100%", "switch", "us", 2.0, (1.0, 2.0), seen).plain()
    file.write(path, [GOOD, kept])
    assert file.read(path) == [GOOD, kept]


@pytest.mark.parametrize(
    "odd",
    [
        "{", json.dumps(GOOD)[:-9], "[]", "3", "null", "[" * 100_000, "\x1b", '"a"', "{}",
        *(json.dumps(GOOD | changed) for changed in (
            {"value": "1"}, {"value": None}, {"value": math.nan}, {"value": math.inf}, {"value": 10**400},
            {"value": -1.0}, {"value": True}, {"value": [1]}, {"samples": [1.0, math.nan]},
            {"samples": [-0.5]}, {"samples": 1.0}, {"samples": ["1"]}, {"samples": None}, {"more": 1},
            {"board": 3}, {"board": None}, {"board": "a\n"}, {"target": []}, {"subnet": "\x1b[2J"},
            {"metric": {}}, {"metric": "accuracy", "value": 1.5}, {"metric": "first_cycles", "value": -1.0},
            {"unit": "\u202e"}, {"provenance": "guessed"}, {"provenance": None},
            {"pack_sha256": 0}, {"conditions": 1}, {"conditions": {}}, {"conditions": {"before": None}},
            {"conditions": {"before": {"machine": "m"}, "after": {"machine": "m", "mhz": "1"}}},
        )),
        json.dumps({key: value for key, value in GOOD.items() if key != "metric"}),
        json.dumps(GOOD)[:-1] + ', "board": "again"}',
    ],
)  # fmt: skip
def test_an_odd_line_of_a_results_file_is_named_with_its_number(odd: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f"{json.dumps(GOOD)}\n{odd}\n")
    with raises(ResultsError, file=path) as caught:
        file.read(path)
    assert caught.value.text.startswith("line 2 ")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", [name for name in ODD_FILES if name != "missing"])
def test_results_that_are_no_file_are_refused(name: str, tmp_path: Path) -> None:
    with raises(ResultsError):
        file.read(ODD_FILES[name](tmp_path))


@pytest.mark.parametrize("name", ["folder", "pipe", "endless device", "circle of links", "long name"])
def test_results_are_not_written_over_what_is_no_file(name: str, tmp_path: Path) -> None:
    path = ODD_FILES[name](tmp_path)
    with raises(ResultsError, file=path):
        file.prepare(path)


RUN = {"id": "20261128-210256-4827f1c9", "started": "2026-11-28T21:02:56.482Z", "host": "h", "tool": "1"}
HEADER = {"run": {**RUN, "command": "pytest"}, "boards": [], "tests": []}


@pytest.mark.parametrize(
    "odd",
    [
        HEADER | {"more": 1}, HEADER | {"boards": [{}]}, HEADER | {"tests": {}}, {"run": HEADER["run"]},
        *(HEADER | {"run": {**HEADER["run"], **changed}} for changed in (  # type: ignore[dict-item]
            {"id": "last"}, {"id": ""}, {"started": "yesterday"}, {"started": ""}, {"ended": "\x1b"},
            {"host": "a\n"}, {"status": "great"}, {"dirty": 1}, {"pack": {}}, {"settings": {"a": 1}},
        )),
    ],
)  # fmt: skip
def test_an_odd_header_of_a_results_file_is_refused(odd: object, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f"{json.dumps(HEADER)}\n{json.dumps(GOOD)}\n")
    header, found = file.read_run(path)
    assert header
    assert (header.run.command, [m.plain() for m in found]) == ("pytest", [GOOD])
    path.write_text(f"{json.dumps(odd)}\n{json.dumps(GOOD)}\n")
    with raises(ResultsError, file=path) as caught:
        file.read(path)
    assert str(caught.value).isprintable()


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
)


@given(changed=st.dictionaries(st.sampled_from([*GOOD, "more"]), ANY), cut=st.none() | st.integers(0, 300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
def test_any_line_is_shown_in_the_table_or_refused(
    changed: dict[str, object], cut: int | None, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(json.dumps(GOOD | changed).encode()[:cut] + b"\n")
    with may_refuse(ResultsError, path):
        rows = file.read(path)
        assert all(line.isprintable() for line in blocks.render(rows, []).splitlines())


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, "1", None])
def test_a_figure_that_cannot_be_is_refused_when_it_is_taken(value: object) -> None:
    with pytest.raises(ValueError, match="25% latency is "):
        Measurement(*WHO, "25%", "latency", "us", value, ())  # type: ignore[arg-type]
    Measurement(*WHO, "25%", "charge", "C", -1.0, (-1.0,))
