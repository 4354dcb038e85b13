"""Write hostile files, each with the command that reads it."""

import json
import os
import random
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reds.fixtures import fixtures_dir
from tests.chaos import hostile_packs
from tests.chaos.clean import clean_run
from tests.chaos.commands import DESKTOP, small_pack
from tests.chaos.hostile import TEXTS, json_text, mutated_bytes, mutated_tree, toml, value
from tests.chaos.hostile_cards import hostile_card, hostile_set
from tests.hil.support.suite_run import PLUGINS


@dataclass(frozen=True)
class Case:
    """A hostile file.

    Attributes:
        fault: What is wrong with it.
        command: `reds`, `hil` or `pytest`.
        words: Arguments of the command that reads it.
    """

    fault: str
    command: str
    words: Sequence[str]


Make = Callable[[random.Random, Path], Case]
"""Writes a hostile file into a folder."""
BENCH = (*PLUGINS, "--pyargs", "hil", "-q", "--target=desktop", "--samples=2", "--pack=x.reds")
COLLECT = (*BENCH, "--collect-only")
_KEYS: dict[str, Any] = {
    **{"port": "/dev/ttyNONE", "serial": "0123", "agent": "none", "host": "127.0.0.1", "user": "pi"},
    **{"key": "~/none", "host_key": "SHA256:x", "core": 0, "governor": "performance", "max_celsius": 70},
    **{
        "cool_down": 1,
        "latency_us": {"25%": 50.0},
        "instructions": {"25%": 9},
        "stack_bytes": {"25%": 9},
        "switch_instructions": 100,
    },
}
_TARGETS = ("nano33ble", "desktop", "pi", "android")
_ENTITIES = "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9))
_BOMB = f'<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">{_ENTITIES}]>'.encode()
"""Entities that grow to 10^10 letters."""
_PATHS = (
    *("folder", "pipe", "loop", "empty", "none", "x.reds/x", "~nosuchuser/x", "~/none", "a" * 300),
    *(
        "a/" * 3000,
        "/dev/null",
        "/dev/full",
        "/proc/self/mem",
        "[red]x",
        "\x1b[31mx",
        "a\nb",
        "\udcff",
        "-x",
        "",
    ),
)
_TAKE_PATHS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("reds", ("inspect", "{}")),
    ("reds", ("layout", "{}", "radix256", "y.reds")),
    ("reds", ("layout", "x.reds", "radix256", "{}")),
    ("reds", ("build", "{}")),
    ("reds", ("compare", "{}")),
    ("hil", ("boards", "--boards={}")),
    ("hil", ("summary", "{}", "none.xml")),
    ("hil", ("summary", "none.jsonl", "{}")),
    ("hil", ("latency", "dnn-s", "--boards={}")),
    ("pytest", (*COLLECT, "--pack={}")),
    ("pytest", (*COLLECT, "--boards={}")),
    ("pytest", (*COLLECT, "--results={}")),
)


def inspected_pack(rng: random.Random, folder: Path) -> Case:
    """Write a hostile pack to print or to convert."""
    fault = _pack(rng, folder)
    if rng.random() < 0.7:
        return Case(f"{fault}, inspected", "reds", ("inspect", "x.reds"))
    return Case(f"{fault}, converted", "reds", ("layout", "x.reds", "radix256", "y.reds"))


def benched_pack(rng: random.Random, folder: Path) -> Case:
    """Write a hostile pack to bench."""
    return Case(f"{_pack(rng, folder)}, benched", "pytest", BENCH)


def _pack(rng: random.Random, folder: Path) -> str:
    if rng.random() < 0.1:
        made, said = hostile_packs.large_pack(rng), "a small pack of huge tensors"
    else:
        net = rng.randrange(hostile_packs.NETS)
        made, said = hostile_packs.mutated_pack(hostile_packs.sound_pack(net), rng), f"a mutant of net {net}"
    (folder / "x.reds").write_bytes(made)
    return said


def listed_boards(rng: random.Random, folder: Path) -> Case:
    """Write a hostile boards file to list."""
    tables = []
    for i in range(rng.randint(1, 2)):
        table = {key: _KEYS[key] for key in rng.sample(sorted(_KEYS), rng.randint(0, 3))}
        tables.append({"name": f"board {i}", "target": rng.choice(_TARGETS), **table})
    if rng.random() < 0.3:
        tables[0]["name"] = rng.choice(TEXTS)
    changed = mutated_tree({"board": tables}, rng)
    data = toml(changed if isinstance(changed, dict) else {"board": changed}).encode()
    if rng.random() < 0.15:
        data = mutated_bytes(data, rng)
    (folder / "boards.toml").write_bytes(data)
    return Case(f"boards file {data[:300]!a}", "hil", ("boards", "--boards=boards.toml"))


def named_board(rng: random.Random, folder: Path) -> Case:
    """Write a boards file with a hostile name or core, and bench its desktop."""
    small_pack(folder / "x.reds")
    board = {"name": rng.choice(TEXTS), "target": "desktop", "core": rng.choice((0, value(rng)))}
    data = toml({"board": [board]})
    (folder / "boards.toml").write_text(data)
    return Case(f"boards file {data[:300]!a}", "pytest", (*BENCH, "--boards=boards.toml"))


def carded_pack(rng: random.Random, folder: Path) -> Case:
    """Write a pack with a hostile card."""
    return Case(hostile_card(rng, folder), "pytest", COLLECT)


def labeled_pack(rng: random.Random, folder: Path) -> Case:
    """Write a pack with a hostile labeled set."""
    return Case(hostile_set(rng, folder), "pytest", COLLECT)


def summarized_results(rng: random.Random, folder: Path) -> Case:
    """Write the results of a run with one hostile row, or a hostile JUnit file."""
    kept = clean_run(DESKTOP).box.work
    lines, junit = (kept / "results.jsonl").read_bytes().splitlines(), (kept / "junit.xml").read_bytes()
    i = rng.randrange(len(lines))
    fault = "hostile JUnit file"
    match rng.randrange(8):
        case 0:
            junit = mutated_bytes(junit, rng)
        case 1:
            junit = junit.replace(b"<testsuites", f"{_BOMB}]><testsuites".encode()).replace(
                b"desktop", b"&j;"
            )
        case 2:
            name = escape(rng.choice(TEXTS)).encode("ascii", "xmlcharrefreplace")
            junit, fault = junit.replace(b"desktop", name), f"board {name!a} in a JUnit file"
        case 3:
            lines[i] = mutated_bytes(lines[i], rng)
            fault = f"row {i} is {lines[i][:400]!a}"
        case _:
            lines[i] = json_text(mutated_tree(json.loads(lines[i]), rng)).encode()
            fault = f"row {i} is {lines[i][:400]!a}"
    (folder / "results.jsonl").write_bytes(b"\n".join(lines))
    (folder / "junit.xml").write_bytes(junit)
    return Case(fault, "hil", ("summary", "results.jsonl", "junit.xml"))


def built_recipe(rng: random.Random, folder: Path) -> Case:
    """Write a hostile recipe whose data are missing, so that nothing is trained."""
    name = rng.choice(sorted(path.name for path in (fixtures_dir() / "recipes").glob("*.toml")))
    tree = tomllib.loads((fixtures_dir() / "recipes" / name).read_text())
    tree["data"]["set"] = "none.npz"
    changed = mutated_tree(mutated_tree(tree, rng), rng)
    data = toml(changed if isinstance(changed, dict) else {"net": changed}).encode()
    if rng.random() < 0.2:
        data = mutated_bytes(data, rng)
    (folder / "recipe.toml").write_bytes(data)
    return Case(f"{name}: {data[:1000]!a}", "reds", ("build", "recipe.toml", "--out=out"))


def misplaced(rng: random.Random, folder: Path) -> Case:
    """Name something that is no file, or that cannot be read or written, where a command takes a path."""
    small_pack(folder / "x.reds")
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to("loop")
    (folder / "empty").touch()
    path = rng.choice(_PATHS)
    command, words = rng.choice(_TAKE_PATHS)
    shown = " ".join(word for word in words if word not in COLLECT)
    return Case(f"{command} {shown} with {path[:100]!a}", command, [word.format(path) for word in words])
