"""Give commands hostile files: each passes, or ends in one printable sentence, in bounded time and memory."""

import hashlib
import io
import json
import os
import random
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

from reds.fixtures import fixtures_dir
from tests.chaos import commands, hostile_packs
from tests.chaos.commands import clean_run
from tests.chaos.hostile import TEXTS, json_text, mutated_bytes, mutated_tree, toml, value
from tests.chaos.isolated import MEMORY, SECONDS, Done, run
from tests.chaos.kind import Kind, Outcome
from tests.chaos.sentences import faults, one_sentence
from tests.hil.support.suite_run import PLUGINS

Case = tuple[str, str, Sequence[str]]
"""What was made, and the command and its words."""
Make = Callable[[random.Random, Path], Case]
_BENCH = (*PLUGINS, "--pyargs", "hil", "-q", "--target=desktop", "--samples=2")


def hostile(name: str, make: Make, rng: random.Random, folder: Path) -> Outcome:
    """Run a command on a hostile file.

    Args:
        name: Name of the kind.
        make: Writes the file into the folder.
        rng: Chooses the content.
        folder: An empty folder.
    """
    fault, command, words = make(rng, folder)
    more = {"XDG_CACHE_HOME": str(clean_run(commands.DESKTOP).box.cache)} if _starts_board(words) else {}
    done = run(command, words, folder, more)
    found = _wrong(done)
    if list(folder.rglob("pwned")):
        found += ("a shell ran what the file says",)
    verdict = "hung" if done.status is None else "refused" if done.status else "passed"
    return Outcome(name, fault, verdict, found, max(0.0, done.seconds - SECONDS))


def _starts_board(words: Sequence[str]) -> bool:
    return "--pyargs" in words and "--collect-only" not in words


def _wrong(done: Done) -> tuple[str, ...]:
    """Return what is wrong with the end of a command."""
    if done.status is None:
        return (f"it did not end within {SECONDS:g} s",)
    found = faults(done.text)
    if done.memory > MEMORY:
        found += (f"it took {done.memory >> 20} MiB",)
    if done.status < 0:
        return (*found, f"it died of signal {-done.status}")
    if done.status and not found and "FAILED" not in done.text:
        found += one_sentence(done.text)
    if "FAILED" in done.text and "conformance" in done.text.partition("short test summary")[2]:
        found += ("the board computes otherwise than the interpreter",)
    return found


def _pack(rng: random.Random, folder: Path) -> str:
    if rng.random() < 0.1:
        made, said = hostile_packs.large_pack(rng), "a small pack of huge tensors"
    else:
        net = rng.randrange(hostile_packs.NETS)
        made, said = hostile_packs.mutated_pack(hostile_packs.sound_pack(net), rng), f"a mutant of net {net}"
    (folder / "x.reds").write_bytes(made)
    return said


def _inspected(rng: random.Random, folder: Path) -> Case:
    fault = _pack(rng, folder)
    if rng.random() < 0.7:
        return f"{fault}, inspected", "reds", ("inspect", "x.reds")
    return f"{fault}, converted", "reds", ("layout", "x.reds", "radix256", "y.reds")


def _benched(rng: random.Random, folder: Path) -> Case:
    return f"{_pack(rng, folder)}, benched", "pytest", (*_BENCH, "--pack=x.reds")


_BOARDS: tuple[dict[str, Any], ...] = (
    {
        "name": "nano",
        "target": "nano33ble",
        "port": "/dev/ttyNONE",
        "serial": "0123",
        "instructions": {"25%": 9},
    },
    {"name": "desk", "target": "desktop", "latency_us": {"25%": 50.0}, "core": 0, "agent": "none"},
    {
        "name": "pi",
        "target": "pi",
        "host": "127.0.0.1",
        "port": 1,
        "user": "pi",
        "key": "~/k",
        "host_key": "SHA256:x",
    },
    {"name": "phone", "target": "android", "host": "127.0.0.1", "port": 1, "key": "adbkey", "cool_down": 1},
    {
        "name": "d",
        "target": "desktop",
        "governor": "performance",
        "max_celsius": 70,
        "switch_instructions": 100,
    },
)


def _boards_file(rng: random.Random, folder: Path) -> str:
    tables = [dict(each) for each in rng.sample(_BOARDS, rng.randint(1, 2))]
    if rng.random() < 0.3:
        tables[0]["name"] = rng.choice(TEXTS)
    tree: dict[str, Any] = {"board": tables}
    if rng.random() < 0.85:
        changed = mutated_tree(tree, rng)
        tree = changed if isinstance(changed, dict) else {"board": changed}
    data = toml(tree).encode()
    if rng.random() < 0.15:
        data = mutated_bytes(data, rng)
    (folder / "boards.toml").write_bytes(data)
    return f"boards file {data[:300]!a}"


def _listed(rng: random.Random, folder: Path) -> Case:
    return _boards_file(rng, folder), "hil", ("boards", "--boards=boards.toml")


def _opened(rng: random.Random, folder: Path) -> Case:
    commands.small_pack(folder / "x.reds")
    name, core = rng.choice(TEXTS), rng.choice((0, value(rng)))
    data = toml({"board": [{"name": name, "target": "desktop", "core": core}]})
    (folder / "boards.toml").write_text(data)
    return f"boards file {data[:300]!a}", "pytest", (*_BENCH, "--pack=x.reds", "--boards=boards.toml")


def _card(rng: random.Random, folder: Path, of_set: bool) -> str:
    """Write a pack, its card and its labeled set; one of the last two is hostile, with fitting checksums."""
    commands.small_pack(folder / "x.reds")
    arrays: dict[str, Any] = {"x": np.zeros((9, 20), np.int8), "y": np.arange(9, dtype=np.uint8) % 5}
    said = "card"
    if of_set:
        said = _mutate_arrays(arrays, rng)
    file = io.BytesIO()
    (np.savez_compressed if rng.random() < 0.5 else np.savez)(file, **arrays)
    data = file.getvalue()
    if of_set and rng.random() < 0.5:
        data, said = mutated_bytes(data, rng), f"{said}, bytes changed"
    (folder / "own.npz").write_bytes(data)
    rows = [{"label": label, "floor": 0.0, "accuracy": {"test": 0.5}} for label in ("50%", "100%")]
    labelled = {"file": "own.npz", "sha256": hashlib.sha256(data).hexdigest(), "every": 1, "clips": 9}
    sha256 = hashlib.sha256((folder / "x.reds").read_bytes()).hexdigest()
    card: Any = {"pack_sha256": sha256, "subnets": rows, "labelled": labelled}
    text = json_text(card if of_set else mutated_tree(card, rng))
    (folder / "x.json").write_bytes(
        text.encode() if of_set or rng.random() < 0.8 else mutated_bytes(text.encode(), rng)
    )
    return f"{said} {'' if of_set else ascii(text[:400])}"


def _mutate_arrays(arrays: dict[str, Any], rng: random.Random) -> str:
    name = rng.choice(("x", "y"))
    what = rng.choice(("absent", "type", "shape", "objects", "scalar", "values", "large"))
    if what == "absent":
        del arrays[name]
    elif what == "type":
        arrays[name] = arrays[name].astype(rng.choice(("f4", "f8", "i8", "u1", "c8", "U4", "M8[s]", "?")))
    elif what == "shape":
        arrays[name] = (
            arrays[name].reshape(-1)[: rng.randrange(9)].reshape(rng.choice(((-1,), (1, -1), (-1, 1, 1))))
        )
    elif what == "objects":
        arrays[name] = np.array([{}, []], dtype=object)
    elif what == "scalar":
        arrays[name] = np.int8(3)
    elif what == "values":
        arrays[name] = np.full(arrays[name].shape, rng.choice((np.nan, np.inf, 300, -128, -1)), np.float64)
    else:
        arrays[name] = np.zeros((1 << 26, 9), np.int8)
    return f"set with {what} {name}"


def _with_card(rng: random.Random, folder: Path) -> Case:
    return _card(rng, folder, False), "pytest", (*_BENCH, "--collect-only", "--pack=x.reds")


def _with_set(rng: random.Random, folder: Path) -> Case:
    return _card(rng, folder, True), "pytest", (*_BENCH, "--collect-only", "--pack=x.reds")


_BOMB = '<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9)
)


def _summarized(rng: random.Random, folder: Path) -> Case:
    kept = clean_run(commands.DESKTOP).box.work
    lines, junit = (kept / "results.jsonl").read_bytes().splitlines(), (kept / "junit.xml").read_bytes()
    i = rng.randrange(len(lines))
    lines[i] = json_text(mutated_tree(json.loads(lines[i]), rng)).encode()
    fault = f"results whose row {i} is {lines[i][:400]!a}"
    match rng.randrange(6):
        case 0:
            lines[i] = mutated_bytes(lines[i], rng)
        case 1:
            junit = mutated_bytes(junit, rng)
        case 2:
            junit = junit.replace(b"<testsuites", f"{_BOMB}]><testsuites".encode()).replace(
                b"desktop", b"&j;"
            )
        case 3:
            junit = junit.replace(b"desktop", escape(rng.choice(TEXTS)).encode("ascii", "xmlcharrefreplace"))
    (folder / "results.jsonl").write_bytes(b"\n".join(lines))
    (folder / "junit.xml").write_bytes(junit)
    return fault, "hil", ("summary", "results.jsonl", "junit.xml")


def _misplaced(rng: random.Random, folder: Path) -> Case:
    """Name something that is no file, or one that cannot be read, where a command takes a path."""
    commands.small_pack(folder / "x.reds")
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to("loop")
    (folder / "empty").touch()
    path = rng.choice(_PATHS)
    command, words = rng.choice(_TAKE_PATHS)
    return f"{command} {' '.join(words)} with {path!a}"[:300], command, [word.format(path) for word in words]


def _recipe(rng: random.Random, folder: Path) -> Case:
    name = rng.choice(sorted(path.name for path in (fixtures_dir() / "recipes").glob("*.toml")))
    data = (fixtures_dir() / "recipes" / name).read_bytes()
    if rng.random() < 0.8:
        tree = tomllib.loads(data.decode())
        tree["data"]["set"] = "none.npz"
        changed = mutated_tree(mutated_tree(tree, rng), rng)
        data = toml(changed if isinstance(changed, dict) else {"net": changed}).encode()
    else:
        data = mutated_bytes(data, rng)
    (folder / "recipe.toml").write_bytes(data)
    return f"{name}: {data[:2000]!a}", "reds", ("build", "recipe.toml", "--out=out")


_PATHS = (
    *(
        "folder",
        "pipe",
        "loop",
        "empty",
        "none",
        "x.reds/x",
        "~nosuchuser/x",
        "~/none",
        "a" * 300,
        "a/" * 3000,
    ),
    *("/dev/null", "/dev/full", "/proc/self/mem", "[red]x", "\x1b[31mx", "a\nb", "\udcff", "-x", ""),
)
_TAKE_PATHS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("reds", ("inspect", "{}")),
    ("reds", ("layout", "{}", "radix256", "y.reds")),
    ("reds", ("layout", "x.reds", "radix256", "{}")),
    ("reds", ("export", "{}", "--tflite", "--out=out")),
    ("reds", ("build", "{}")),
    ("reds", ("compare", "{}")),
    ("hil", ("boards", "--boards={}")),
    ("hil", ("summary", "{}", "none.xml")),
    ("hil", ("summary", "none.jsonl", "{}")),
    ("hil", ("latency", "dnn-s", "--boards={}")),
    ("pytest", (*_BENCH, "--collect-only", "--pack={}")),
    ("pytest", (*_BENCH, "--collect-only", "--pack=x.reds", "--boards={}")),
    ("pytest", (*_BENCH, "--collect-only", "--pack=x.reds", "--results={}")),
)
_KINDS: Mapping[str, tuple[float, Make]] = {
    "hostile pack": (20.0, _inspected),
    "hostile pack on the desktop": (1.0, _benched),
    "hostile boards file": (10.0, _listed),
    "hostile names on the desktop": (1.0, _opened),
    "hostile card": (2.0, _with_card),
    "hostile labeled set": (2.0, _with_set),
    "hostile results": (10.0, _summarized),
    "hostile recipe": (5.0, _recipe),
    "hostile path": (5.0, _misplaced),
}
KINDS: dict[str, tuple[float, Kind]] = {
    name: (weight, partial(hostile, name, make)) for name, (weight, make) in _KINDS.items()
}
