"""Write docs/figures.md and the README's table from kept results: cards, kernel counts, docs/results.

    python ci/figures.py                 write both
    python ci/figures.py keep FILE...    keep new results of `pytest hil --results=FILE` first

Sections are the TOML files of docs/results, in the order of their names. A section holds its rows, or
names one of the tables below, which are computed.
"""

import json
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from hil.emulators.cycles import with_waits
from hil.results.file import read
from reds.experiment.int8_gap import Int8Gap

ROOT = Path(__file__).resolve().parents[1]
FIXTURES, RESULTS = ROOT / "fixtures", ROOT / "docs" / "results"
BENCH, INT8 = RESULTS / "bench.jsonl", RESULTS / "int8.jsonl"
SELECTION = RESULTS / "selection.jsonl"
PAGE, README = ROOT / "docs" / "figures.md", ROOT / "README.md"
MARKS = "<!-- figures -->\n", "<!-- end of figures -->\n"
"""Lines around the table in the README."""
HEAD = """# Figures

Each table names the command that makes it. Emulated figures repeat exactly. No figure here is of a real Nano
33 BLE, Pi or phone. `make figures` writes this page from the results that are kept in the repository.
"""
KEPT = {
    ("latency", "us"): "latency_us",
    ("cycles", "cycles"): "cycles",
    ("instructions", "instructions"): "instructions",
    ("switch", "us"): "switch_us",
    ("switch_instructions", "instructions"): "switch_instructions",
}
"""Measurements that are kept of a bench, by metric and unit; of switches the worst to or from a subnet."""

GAP = tuple(field.name for field in fields(Int8Gap))
"""Keys of a kept difference between int8 and float that are counts."""
Row = Sequence[Any]
Columns = Mapping[str, str]
"""Heads, each with the format of its cells."""
Section = Mapping[str, Any]


def table(columns: Columns, rows: Iterable[Row]) -> str:
    """Format a Markdown table.

    None becomes an empty cell, a list fills several fields of its format, text stays as it is.
    """
    lines = [list(columns), ["---" if form == "{}" else "---:" for form in columns.values()]]
    for row in rows:
        lines.append([_cell(form, value) for form, value in zip(columns.values(), row, strict=True)])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(form: str, value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return form.format(*value if isinstance(value, list) else (value,))


def card(name: str) -> dict[str, Any]:
    """Read the card of a shipped pack."""
    return dict(json.loads((FIXTURES / f"{name}.json").read_text()))


def bench(name: str) -> list[dict[str, Any]]:
    """Read the kept results of a pack: one for each target and subnet."""
    kept = [json.loads(line) for line in BENCH.read_text().splitlines()]
    return [result for result in kept if result["pack"] == name]


def nano(name: str) -> dict[str, dict[str, Any]]:
    """Read the kept results of a pack on the emulated Nano, by the name of the subnet."""
    return {result["subnet"]: result for result in bench(name) if result["target"] == "nano33ble"}


def bench_table(section: Section) -> str:
    """Make the table of a bench; targets with equal figures share their rows."""
    subnets = {subnet["label"]: subnet for subnet in card(section["pack"])["subnets"]}
    targets: dict[tuple[Any, ...], list[str]] = {}
    for result in bench(section["pack"]):
        figures = result["subnet"], *(result.get(key) for key in KEPT.values()), result["provenance"]
        targets.setdefault(figures, []).append(result["target"])
    rows = [
        [
            ", ".join(names),
            label,
            subnets[label]["macs"],
            100 * subnets[label]["accuracy"]["labelled"],
            *figures,
        ]
        for (label, *figures), names in targets.items()
    ]
    whole, head = "{:,.0f}", {"target": "{}", "subnet": "{}"}
    costs = {"MACs": whole, "accuracy": "{:.1f} %", "latency us": "{:,.1f}", "cycles": whole}
    switches = {"instructions": whole, "worst switch us": "{:.2f}", "switch instructions": whole}
    return table(head | costs | switches | {"provenance": "{}"}, rows)


def short_table(name: str) -> str:
    """Make the README's table: the emulated Nano, one row for each subnet."""
    rows = []
    for subnet in card(name)["subnets"]:
        took = nano(name)[subnet["label"]]
        costs = [took["latency_us"] / 1000, took["switch_us"]]
        rows.append([subnet["label"], subnet["macs"], 100 * subnet["accuracy"]["test"], *costs])
    figures = {"MACs": "{:,d}", "accuracy": "{:.1f} %", "latency ms": "{:.2f}", "switch us": "{:.2f}"}
    return table({"subnet": "{}"} | figures, rows)


def picture_table(section: Section) -> str:
    """Make the table of the packs on pictures: accuracy beside the paper's, and latency on the Nano."""
    rows = [[subnet["label"]] for subnet in card(next(iter(section["packs"])))["subnets"]]
    columns = {"subnet": "{}"}
    for name, title in section["packs"].items():
        columns |= {title: "{:.2f}", f"paper, {title}": "{:.2f}", f"ms, {title}": "{:.1f}"}
        took, paper = nano(name), section["paper"][name]
        for row, subnet in zip(rows, card(name)["subnets"], strict=True):
            label = subnet["label"]
            row += [100 * subnet["accuracy"]["test"], paper[label], took[label]["latency_us"] / 1000]
    return table(columns, rows)


def kernel_table(section: Section) -> str:
    """Make the table of whole networks on the emulated Nano, from the committed counts."""
    counts = json.loads((FIXTURES / "kernels-nano33ble.json").read_text())["counts"]
    rows = []
    for net in section["nets"]:
        count = counts[f"{net['name']} 100%"]
        ratio = count["cycles"] / net["cmsis_cycles"] if "cmsis_cycles" in net else None
        best = count["cycles"] / net["best_cycles"] if "best_cycles" in net else None
        waiting = with_waits(count["cycles"], count["flash_words"])
        costs = [count["instructions"], count["cycles"], ratio, best]
        reads = [net["flash_words_before"], count["flash_words"], waiting]
        rows.append([net["title"], net["macs"], *costs, *reads, net["more_flash"]])
    figures = {"MACs": "{:,d}", "instructions": "{:,d}", "cycles": "{:,d}", "cycles : CMSIS-NN": "{:.2f}"}
    figures |= {"cycles : best engine": "{:.2f}", "flash words before": "{:,d}", "flash words": "{:,d}"}
    figures |= {"cycles with wait states": "{:,d}", "more flash": "{:.1f} %"}
    return table({"net at 100 %": "{}"} | figures, rows)


def int8_table(section: Section) -> str:
    """Make the table of differences between int8 and float, a row for each recipe of `tests.int8_gap`."""
    kept: dict[str, list[dict[str, Any]]] = {}
    for each in map(json.loads, INT8.read_text().splitlines()):
        kept.setdefault(each["recipe"], []).append(each)
    rows = []
    for name, title in section["recipes"].items():
        gaps = [Int8Gap(**{key: each[key] for key in GAP}) for each in kept[name]]
        first = kept[name][0]
        row = [title, first["training"], " + ".join(map(str, first["epochs"])), gaps[0].examples]
        row.append(100 * gaps[-1].float_right / gaps[-1].examples)
        rows.append([*row, *([100 * x for x in (gap.difference, *gap.interval)] for gap in gaps)])
    columns = {"data and net": "{}", "trained on": "{:,d}", "epochs": "{}", "tested on": "{:,d}"}
    columns |= {"100% in float": "{:.2f}"}
    difference = "{:+.2f} ({:+.2f} to {:+.2f})"
    return table(columns | {each["subnet"]: difference for each in next(iter(kept.values()))}, rows)


def shipped_table(section: Section) -> str:
    """Make the table of the shipped packs' differences between int8 and float, from their cards."""
    rows = []
    for name in section["packs"]:
        shipped = card(name)
        tests = [subnet["accuracy"] for subnet in shipped["subnets"]]
        points = [100 * (test["test"] - test["float_test"]) for test in tests]
        rows.append([name, shipped["tested_on"], 100 * tests[-1]["float_test"], *points])
    names = [subnet["label"] for subnet in card(section["packs"][0])["subnets"]]
    columns = {"pack": "{}", "tested on": "{:,d}", "100% in float": "{:.2f}"}
    return table(columns | dict.fromkeys(names, "{:+.2f}"), rows)


def selection_rows(part: str) -> list[dict[str, Any]]:
    """Read the kept results of one part of `tests.selection_comparison`: its subnets, then their mean."""
    return [row for row in map(json.loads, SELECTION.read_text().splitlines()) if row["part"] == part]


def selection_table(section: Section) -> str:
    """Make the table of one part: accuracies, and the knapsack less each other way to select."""
    kept = selection_rows(section["part"])
    columns = {"budget": "{}"} | dict.fromkeys(kept[0]["accuracy"], "{:.2f}")
    for measure, digits in (("points", 2), ("nats", 3)):
        form = f"{{:+.{digits}f}} ({{:+.{digits}f}} to {{:+.{digits}f}})"
        columns |= {f"less {other}, {measure}": form for other in kept[0][measure]}
    rows = [
        [row["subnet"], *row["accuracy"].values(), *row["points"].values(), *row["nats"].values()]
        for row in kept
    ]
    return table(columns, rows)


def selection_costs_table(section: Section) -> str:
    """Make the table of what the subnets of some parts keep and cost, means over the seeds."""
    rows = []
    for part, title in section["parts"].items():
        for row in selection_rows(part):
            for contender, (macs, arena, nanoseconds) in row.get("costs", {}).items():
                first = "-".join(map(str, row["widths"][contender][0]))
                us = nanoseconds / 1000 or None, row["measured_us"].get(contender)
                rows.append([title, row["subnet"], contender, first, round(macs), round(arena), *us])
    columns = {"net": "{}", "budget": "{}", "selection": "{}", "units, seed 0": "{}", "MACs": "{:,d}"}
    costs = {"arena": "{:,d}", "us, predicted": "{:,.0f}", "us, measured": "{:,.0f}"}
    return table(columns | costs, rows)


TABLES = {
    "bench": bench_table, "pictures": picture_table, "kernels": kernel_table, "int8": int8_table,
    "shipped": shipped_table, "selection": selection_table, "selection costs": selection_costs_table,
}  # fmt: skip


def written(section: Section) -> str:
    """Write a section of the page: heading, text, table, and how it was made."""
    if "table" in section:
        body = TABLES[section["table"]](section)
    else:
        body = table(dict(zip(section["heads"], section["formats"], strict=True)), section["rows"])
    made = f"Made by `{section['command']}` on {section['machine']}, {section['date']}.\n"
    return "\n".join([f"{'#' * section.get('level', 2)} {section['title']}\n", section["text"], body, made])


def page() -> str:
    """Make docs/figures.md."""
    files = sorted(RESULTS.glob("*.toml"))
    sections = [each for file in files for each in tomllib.loads(file.read_text())["section"]]
    return "\n".join([HEAD, *map(written, sections)])


def readme() -> str:
    """Make README.md with its table renewed."""
    begin, end = MARKS
    before, _, rest = README.read_text().partition(begin)
    made = short_table("kws-ds-cnn-s")
    return f"{before}{begin}\n{made}\n{end}{rest.partition(end)[2]}"


def keep(files: Sequence[str]) -> None:
    """Put the results of benches in the place of those kept for the same packs and targets."""
    new: dict[tuple[str, str, str], dict[str, Any]] = {}
    for m in (m for file in files for m in read(Path(file))):
        if (measured := (m["metric"], m["unit"])) not in KEPT:
            continue
        name = KEPT[measured]
        who = {key: m[key] for key in ("pack", "target", "provenance", "pack_sha256")}
        for subnet in m["subnet"].split("->"):
            result = new.setdefault((m["pack"], m["target"], subnet), {**who, "subnet": subnet})
            result[name] = max(m["value"], result.get(name, 0)) if "switch" in name else m["value"]
    benched = {key[:2] for key in new}
    old = map(json.loads, BENCH.read_text().splitlines() if BENCH.exists() else [])
    kept = [result for result in old if (result["pack"], result["target"]) not in benched]
    BENCH.write_text("".join(json.dumps(result) + "\n" for result in [*kept, *new.values()]))


def main(arguments: Sequence[str]) -> None:
    """Keep new results, if any, then write both files."""
    if arguments:
        keep(arguments[1:] if arguments[0] == "keep" else sys.exit(__doc__))
    PAGE.write_text(page())
    README.write_text(readme())


if __name__ == "__main__":
    main(sys.argv[1:])
