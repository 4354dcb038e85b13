"""Name the commands that chaos disturbs, each with what it needs and how a clean run of it ends."""

import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from hil.emulators import arm64_image
from hil.firmware.build import cache_dir
from reds import pack
from reds.data.speech_archive import FORMAT, SHA256
from reds.fixtures import fixtures_dir
from tests.chaos.sandbox import Ended, Sandbox, python
from tests.hil.support.suite_run import PLUGINS
from tests.reds.support.own import pictures, short_recipe
from tests.reds.support.speech import tiny_speech
from tests.support.nets import dense_model

CLEAN_SECONDS = 120.0
"""Deadline of a clean run, for a busy machine."""


class UnavailableError(Exception):
    """What a command needs is not on this machine."""


@dataclass(frozen=True)
class Command:
    """A command of a user.

    Attributes:
        name: Name in reports.
        line: The command line.
        prepare: Puts what it needs into an empty sandbox. Raises `UnavailableError`.
        result: File in the work folder that repeats byte by byte, empty if there is none.
        keeps_paths: Whether its cache is of use only where it was made.
    """

    name: str
    line: tuple[str, ...]
    prepare: Callable[[Sandbox], None]
    result: str = ""
    keeps_paths: bool = False


@dataclass(frozen=True)
class Clean:
    """A clean run, first with an empty cache, then with a warm one.

    Attributes:
        box: The sandbox of both.
        cold: How the first ended.
        warm: How the second ended.
        files: All paths after it.
        result: Bytes of the command's result.
    """

    box: Sandbox
    cold: Ended
    warm: Ended
    files: frozenset[str]
    result: bytes


def wrong(command: Command, box: Sandbox, ended: Ended) -> tuple[str, ...]:
    """Return how a run's verdict differs from a clean run's, nothing if it is right."""
    clean = clean_run(command)
    if ended.status is None:
        return (f"the run did not end within {ended.seconds:.0f} s",)
    if ended.status or ended.counts != clean.warm.counts:
        last = (ended.text.strip().splitlines() or ["no output"])[-1]
        return (f"a run that must pass ended with {ended.status}: {last[:200]}",)
    if command.result and _bytes(box.work / command.result) != clean.result:
        return (f"{command.result} is not that of a clean run",)
    return ()


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


@cache
def clean_run(command: Command) -> Clean:
    """Run a command twice, undisturbed. Raises `UnavailableError`, or `AssertionError` if it fails."""
    box = Sandbox(Path(_folder().name) / command.name.replace(" ", "-"))
    command.prepare(box)
    cold, warm = (box.run(command.line, CLEAN_SECONDS) for _ in range(2))
    for ended in (cold, warm):
        assert ended.status == 0, f"{command.name}, undisturbed, ended with {ended.status}: {ended.text}"
    return Clean(box, cold, warm, frozenset(box.files()), _bytes(box.work / command.result))


@cache
def _folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="reds-hil-chaos-clean-")


def small_pack(path: Path) -> None:
    """Write a pack of two subnets that every agent runs quickly."""
    pack.save(dense_model([20, 24, 16, 5], [[8, 8, 5], [24, 16, 5]], name="small"), path)


def _bench(box: Sandbox) -> None:
    small_pack(box.work / "small.reds")


def _emulated_pi(box: Sandbox) -> None:
    """Copy the image of the emulated Pi without its snapshots."""
    image = cache_dir() / f"arm64-{arm64_image._version()}"
    if not image.is_dir():
        raise UnavailableError("no image of the emulated pi in the cache; `hil image` builds it")
    there = box.cache / "reds-hil" / image.name
    shutil.copytree(image, there, ignore=shutil.ignore_patterns("*.snapshot*"))
    _bench(box)


def _image(box: Sandbox) -> None:
    if shutil.which("mmdebstrap") is None:
        raise UnavailableError("no mmdebstrap on this machine to build an image")


def _recipe(box: Sandbox) -> None:
    pictures(box.work / "my.npz")
    text = short_recipe(epochs=2).replace("ds-cnn-s-12x8x3", "dnn-s-12x8x3")
    (box.work / "mine.toml").write_text(text.replace('"fashion-mnist"', '"my.npz"'))


def _speech(box: Sandbox) -> None:
    data = tiny_speech()
    parts = {
        f"{part}_{axis}": getattr(data, f"{part}_{axis}") for part in ("train", "validation") for axis in "xy"
    }
    (box.work / "data").mkdir()
    np.savez(box.work / "data" / f"speech_commands_v0.02-{SHA256[:12]}-features{FORMAT}.npz", **parts)
    text = (fixtures_dir() / "recipes" / "kws-dnn-s.toml").read_text()
    text = re.sub(r"epochs = \d+", "epochs = 1", re.sub(r"batch = \d+", "batch = 32", text))
    (box.work / "fixtures" / "recipes").mkdir(parents=True)
    recipe = box.work / "fixtures" / "recipes" / "kws-dnn-s.toml"
    recipe.write_text(text.replace('source = "auto"', 'source = "archive"'))


def _pytest(*arguments: str) -> tuple[str, ...]:
    kept = ("--results", "results.jsonl", "--junitxml", "junit.xml")
    bench = ("--pyargs", "hil", "-q", "--samples", "2", "--pack", "small.reds", *kept)
    return tuple(python("-m", "pytest", *PLUGINS, *bench, *arguments))


def _cli(module: str, *arguments: str) -> tuple[str, ...]:
    return tuple(python("-c", f"from {module}.cli import main; main()", *arguments))


DESKTOP = Command("bench of the desktop", _pytest("--target=desktop"), _bench)
NANO = Command("bench of the emulated nano", _pytest("--target=nano33ble", "--emulate"), _bench)
PI = Command("bench of the emulated pi", _pytest("--target=pi", "--emulate"), _emulated_pi, keeps_paths=True)
TWO_WORKERS = Command(
    "bench with two workers",
    _pytest("--target=desktop,nano33ble", "--missing=emulate", "-n", "2"),
    _bench,
)
LATENCY = Command(
    "hil latency",
    _cli("hil", "latency", "dnn-s", "--board=nano33ble", "--emulate", "--points=2", "--out=times.json"),
    lambda box: None,
    "times.json",
)
IMAGE = Command("hil image", _cli("hil", "image"), _image)
BUILD = Command("reds build", _cli("reds", "build", "mine.toml", "--out", "out"), _recipe, "out/mine.reds")
REPRODUCE = Command(
    "reds reproduce",
    tuple(python("-m", "tests.chaos.short_reproduce", "--seeds=3", "--against=uniform", "--out=out")),
    _speech,
    "out/kws-dnn-s-seed3-reds.reds",
)
