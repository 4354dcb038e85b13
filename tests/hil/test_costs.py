"""Costs of subnets: from a run of a bench to the card of a pack, and to C."""

import json
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import reds
from hil.cli import main as hil_main
from hil.results.cost_table import cost_table
from hil.results.measurement import Measurement
from hil.results.run import BoardIdentity
from reds.cli import main as reds_main
from reds.errors import PackError
from reds.fixtures import fixtures_dir
from reds.pack.costs import attach

NANO = BoardIdentity("nano33ble", "nano33ble", "emulated", emulator="QEMU 7", build="abc")
PI = BoardIdentity("pi", "pi", "emulated")
NAMES = ("25%", "50%", "75%", "100%")


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    for suffix in (".reds", ".json"):
        shutil.copy(fixtures_dir() / f"kws-dnn-s{suffix}", tmp_path)
    return tmp_path / "kws-dnn-s.reds"


def figures(sha256: str) -> list[Measurement]:
    found = []
    for i, name in reversed([*enumerate(NAMES, 1)]):
        who = ("nano33ble", "nano33ble", "emulated", "kws-dnn-s", sha256, name)
        us = [100.0 * i] * 98 + [101.0 * i, 200.0 * i]
        found += [
            Measurement(*who, "macs", "MAC", 1000.0 * i, (1000.0 * i,)),
            Measurement(*who, "latency", "us", 100.0 * i, tuple(us)),
            Measurement(*who, "cycles", "cycles", 6400.0 * i, (6400.0 * i,)),
            Measurement(*who, "accuracy", "fraction", 0.7 + i / 100, (0.7 + i / 100,)),
        ]
        other = ("pi", "pi", "emulated", "kws-dnn-s", sha256, name)
        found.append(Measurement(*other, "instructions", "instructions", 9.0 * i, (9.0 * i,)))
    return found


def table_of(pack: Path, nanojoules: float | None = 0.25) -> dict[str, Any]:
    return cost_table("20261128-210256-4827f1c9", [NANO, PI], figures(reds.load(pack).sha256), nanojoules)


def run(main: Any, *words: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, [*map(str, words)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output.strip()


def test_costs_are_of_boards_that_measure_time_at_p99_smallest_subnet_first(pack: Path) -> None:
    table = table_of(pack)
    assert [*table["boards"]] == ["nano33ble (emulated)"]
    board = table["boards"]["nano33ble (emulated)"]
    assert board["run"] == "20261128-210256-4827f1c9"
    assert board["energy"] == "stated, 0.25 nJ a cycle"
    assert [row["label"] for row in board["subnets"]] == [*NAMES]
    first = board["subnets"][0]
    assert 101.0 <= first["us"] < 103.0, "two of a hundred took longer"
    assert (first["cycles"], first["nj"], first["accuracy"]) == (6400.0, 1600.0, 0.71)


def test_measured_energy_is_taken_before_a_stated_one(pack: Path) -> None:
    sha256 = reds.load(pack).sha256
    who = ("nano33ble", "nano33ble", "emulated", "kws-dnn-s", sha256)
    metered = [Measurement(*who, name, "energy", "mJ", 0.002, (0.001, 0.002, 0.003)) for name in NAMES]
    board = cost_table("r", [NANO], [*figures(sha256), *metered], 0.25)["boards"]["nano33ble (emulated)"]
    assert board["energy"] == "measured"
    assert board["subnets"][0]["nj"] == pytest.approx(2000.0)


def test_attached_costs_become_c(pack: Path, tmp_path: Path) -> None:
    file = tmp_path / "costs.json"
    file.write_text(json.dumps(table_of(pack)))
    before = json.loads(pack.with_suffix(".json").read_text())
    status, output = run(reds_main, "attach", pack, file)
    assert (status, output.rpartition(": ")[2]) == (0, "costs on nano33ble (emulated)")
    after = json.loads(pack.with_suffix(".json").read_text())
    assert {key: value for key, value in after.items() if key != "costs"} == before
    status, output = run(reds_main, "costs", pack, "--board", "nano33ble", "--c")
    assert status == 0
    comment, head, *rows, end = output.splitlines()
    assert comment.startswith("/* kws-dnn-s (")
    assert (head, end) == ("static const reds_cost costs[] = {", "};")
    us = ceil(table_of(pack)["boards"]["nano33ble (emulated)"]["subnets"][1]["us"])
    assert rows[1] == f"    {{{us}u, 3200u}}, /* 50%, 72.0 % correct */"
    status, output = run(reds_main, "costs", pack)
    assert status == 0
    assert "6,400" in output
    assert run(reds_main, "inspect", pack)[0] == 0, "the card is still the pack's"


def test_boards_are_kept_beside_each_other_and_named_in_full_where_one_name_is_two(
    pack: Path, tmp_path: Path
) -> None:
    table, file = table_of(pack), tmp_path / "costs.json"
    for provenance in ("emulated", "hardware"):
        board = {**table["boards"]["nano33ble (emulated)"], "provenance": provenance}
        file.write_text(json.dumps({**table, "boards": {f"nano33ble ({provenance})": board}}))
        attach(pack, file)
    status, output = run(reds_main, "costs", pack, "--board", "nano33ble")
    assert status == 1
    assert "no costs of nano33ble" in output
    assert run(reds_main, "costs", pack, "--board", "nano33ble (hardware)")[0] == 0
    status, output = run(reds_main, "costs", pack)
    assert "Error: " in output
    assert "known: nano33ble (emulated), nano33ble (hardware)" in output


def damaged(table: Mapping[str, Any], subnet: int, **values: object) -> str:
    board = table["boards"]["nano33ble (emulated)"]
    rows = [{**row, **values} if i == subnet else row for i, row in enumerate(board["subnets"])]
    rows = [{key: value for key, value in row.items() if value != "drop"} for row in rows]
    return json.dumps({**table, "boards": {"nano33ble (emulated)": {**board, "subnets": rows}}})


@pytest.mark.parametrize(
    ("subnet", "values", "says"),
    [
        (1, {"us": 1.0}, "50% costs less us than 25%"),
        (3, {"nj": 1.0}, "100% costs less nj than 75%"),
        (0, {"us": float("nan")}, "NaN"),
        (0, {"us": 0}, "us is 0"),
        (0, {"us": -5.0}, "us is -5"),
        (3, {"us": 5e9}, "us is 5e"),
        (0, {"us": "12"}, "us: a number is needed"),
        (0, {"us": "drop"}, "lacks us"),
        (2, {"nj": "drop"}, "only some subnets have nj"),
        (0, {"label": "20%"}, "its subnets are 20%"),
        (0, {"accuracy": 1.5}, "accuracy is 1.5"),
        (0, {"watts": 1}, "no key watts"),
    ],
)
def test_costs_that_cannot_be_are_refused_in_one_line(
    pack: Path, tmp_path: Path, subnet: int, values: Mapping[str, object], says: str
) -> None:
    file, card = tmp_path / "costs.json", pack.with_suffix(".json").read_bytes()
    file.write_text(damaged(table_of(pack), subnet, **values))
    status, output = run(reds_main, "attach", pack, file)
    assert status == 1
    (line,) = output.splitlines()
    assert says in line
    assert pack.with_suffix(".json").read_bytes() == card


def test_costs_of_another_pack_and_packs_without_costs_are_refused(pack: Path, tmp_path: Path) -> None:
    file = tmp_path / "costs.json"
    file.write_text(json.dumps({**table_of(pack), "pack_sha256": "0" * 64}))
    with pytest.raises(PackError, match="another pack"):
        attach(pack, file)
    status, output = run(reds_main, "costs", pack, "--c")
    assert (status, output.count("\n")) == (1, 0)
    assert "reds attach" in output
    pack.with_suffix(".json").unlink()
    file.write_text("{}")
    with pytest.raises(PackError, match="build again"):
        attach(pack, file)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=3), lambda inner: (
    st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["boards", "pack", "subnets", "us"]), inner)
)))  # fmt: skip
def test_any_json_is_attached_or_refused(tmp_path_factory: pytest.TempPathFactory, table: object) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    for suffix in (".reds", ".json"):
        shutil.copy(fixtures_dir() / f"kws-dnn-s{suffix}", folder)
    (folder / "costs.json").write_text(json.dumps(table))
    with pytest.raises(PackError):
        attach(folder / "kws-dnn-s.reds", folder / "costs.json")


def test_run_without_times_is_one_line(tmp_path: Path, pack: Path) -> None:
    file = tmp_path / "pi.jsonl"
    rows = [m.plain() for m in figures(reds.load(pack).sha256) if m.board == "pi"]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    status, output = run(
        hil_main, "costs", "--results", file, "--store", tmp_path / "s", "--out", tmp_path / "c.json"
    )
    assert status == 1
    (line,) = output.splitlines()
    assert "no latency in us" in line
    assert not (tmp_path / "c.json").exists()


def test_costs_of_a_results_file_are_attached(tmp_path: Path, pack: Path) -> None:
    file, out = tmp_path / "run.jsonl", tmp_path / "costs.json"
    rows = [m.plain() for m in figures(reds.load(pack).sha256)]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    words = ["--store", tmp_path / "s", "--energy-per-cycle", 0.156]
    status, output = run(hil_main, "costs", "--results", file, "--out", out, *words)
    assert status == 0, output
    assert attach(pack, out) == ["nano33ble (emulated)"]


def test_costs_attached_at_once_are_all_kept(pack: Path, tmp_path: Path) -> None:
    table, names = table_of(pack), [f"board{i} (emulated)" for i in range(12)]
    files = [tmp_path / f"{i}.json" for i in range(len(names))]
    for file, name in zip(files, names, strict=True):
        file.write_text(json.dumps({**table, "boards": {name: table["boards"]["nano33ble (emulated)"]}}))
    with ThreadPoolExecutor(4) as pool:
        assert len([*pool.map(lambda file: attach(pack, file), files)]) == len(names)
    assert sorted(json.loads(pack.with_suffix(".json").read_text())["costs"]) == sorted(names)


def test_costs_of_no_board_are_refused(pack: Path, tmp_path: Path) -> None:
    file = tmp_path / "costs.json"
    file.write_text(json.dumps({**table_of(pack), "boards": {}}))
    with pytest.raises(PackError, match="no board"):
        attach(pack, file)
