"""Name the commands that chaos disturbs, each with what it needs."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hil.emulators import arm64_image
from hil.firmware.build import cache_dir
from reds import pack
from reds.data.speech_archive import FORMAT, SHA256
from reds.fixtures import fixtures_dir
from tests.chaos.sandbox import Sandbox, python
from tests.hil.support.suite_run import PLUGINS
from tests.reds.support.own import pictures, short_recipe
from tests.reds.support.speech import tiny_speech
from tests.support.nets import dense_model


class UnavailableError(Exception):
    """This machine lacks something that a command needs."""


@dataclass(frozen=True)
class Command:
    """A command of a user.

    Attributes:
        name: Name in reports.
        line: The command line.
        prepare: Puts what it needs into an empty sandbox. Raises `UnavailableError`.
        result: File in the work folder that repeats byte by byte, empty if there is none.
        keeps_paths: Whether its cache is of use only where it was made.
        making_seconds: Deadline of a run that has to make its cache anew.
    """

    name: str
    line: tuple[str, ...]
    prepare: Callable[[Sandbox], None]
    result: str = ""
    keeps_paths: bool = False
    making_seconds: float = 60.0


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
PI = Command(
    "bench of the emulated pi",
    _pytest("--target=pi", "--emulate"),
    _emulated_pi,
    keeps_paths=True,
    making_seconds=300.0,  # it fetches Debian's packages
)
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
