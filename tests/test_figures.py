"""Figures in the pages are made from kept results of the packs and counts that are committed."""

import json
import runpy
import tomllib
from pathlib import Path

import pytest

from hil.kernels.cases import NETS
from hil.results import file
from hil.results.measurement import Measurement

ROOT = Path(__file__).parents[1]
MADE = runpy.run_path(str(ROOT / "ci" / "figures.py"))


@pytest.mark.parametrize(("file", "make"), [("docs/figures.md", "page"), ("README.md", "readme")])
def test_committed_page_is_the_one_that_make_figures_writes(file: str, make: str) -> None:
    assert (ROOT / file).read_text() == MADE[make](), f"{file} differs from its results: run `make figures`"


def test_kept_bench_is_of_the_shipped_packs() -> None:
    for line in MADE["BENCH"].read_text().splitlines():
        result = json.loads(line)
        assert result["pack_sha256"] == MADE["card"](result["pack"])["pack_sha256"]


def test_cmsis_figures_are_those_of_the_kernel_bench() -> None:
    (section,) = tomllib.loads((MADE["RESULTS"] / "6-kernels.toml").read_text())["section"]
    for net in section["nets"]:
        cmsis = NETS[net["name"]].cmsis
        assert net.get("cmsis_cycles") == (cmsis.cycles if cmsis else None)


def test_new_bench_replaces_the_kept_one_of_its_pack_and_target(tmp_path: Path) -> None:
    made = runpy.run_path(str(ROOT / "ci" / "figures.py"))
    made["keep"].__globals__["BENCH"] = kept = tmp_path / "kept.jsonl"
    same = {"pack": "mine", "target": "pi", "provenance": "emulated", "pack_sha256": "0"}
    old = {**same, "subnet": "25%", "latency_us": 9.0}
    other = {**same, "target": "desktop", "subnet": "25%", "latency_us": 1.0}
    kept.write_text(json.dumps(old) + "\n" + json.dumps(other) + "\n")
    who = ("pi", "left", "emulated", "mine", "0")
    new = [
        Measurement(*who, "25%", "latency", "us", 3.0, ()),
        Measurement(*who, "25%->50%", "switch", "us", 0.2, ()),
        Measurement(*who, "50%->25%", "switch", "us", 0.4, ()),
    ]
    file.write(tmp_path / "new.jsonl", [m.plain() for m in new])
    made["keep"]([str(tmp_path / "new.jsonl")])
    assert [json.loads(line) for line in kept.read_text().splitlines()] == [
        other,
        {**same, "subnet": "25%", "latency_us": 3.0, "switch_us": 0.4},
        {**same, "subnet": "50%", "switch_us": 0.4},
    ]
