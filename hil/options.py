"""Define the options of a run, and read them from the command line, the environment or the ini file.

Each option has several names: `--samples` is also `--hil-samples`, `HIL_SAMPLES` in the environment and
`hil_samples` in the ini file. The first of these that has a value applies.
"""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from hil.errors import SetupError

ALL_INPUTS = 1 << 62
"""Value of --inputs all: more than any labeled set has."""
NO_STORE = "none"
"""Value of --store with which no run is kept."""
ALL_BOARDS = 1 << 30
"""Value of --boards-per-target all: more than any lab has."""
NO_LAB = "none"
"""Value of --lab with which the boards of the boards file are benched, although it names a lab."""
TARGET_LAB = "target"
"""Value of --lab with which the board of the fixture `target` of labgrid's plugin is benched."""
MISSING = ("fail", "skip", "emulate")
LEAST_JOBS = 20
"""Fewest jobs of --load."""
AGAINST = ("tflite",)
"""Other runtimes that a board is benched with."""
SWITCH_LIMIT_US = 40.0
GENERATORS = ("markov", "solar", "bursts", "load")
"""Kinds of generated traces."""
POLICY = "both"
REGRET = 0.1
LEASE_WAIT_SECONDS = 300.0
PRECISION_SECONDS = 60.0
_ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s/:@\[\],]+):(\d{1,5})", re.ASCII)


@dataclass(frozen=True)
class Settings:
    """The values of the options of a run. An option that is not given is None if it has no default."""

    target: tuple[str, ...]
    emulate: bool
    missing: str | None
    boards: Path | None
    pack: Path | None
    results: Path | None
    switch_limit_us: float
    inputs: int | None
    samples: int | None
    precision: float | None
    precision_seconds: float
    baseline: str | None
    against: str | None
    lease_wait: float
    store: str | None
    lab: str | None
    boards_per_target: int | None
    load: int | None
    trace: str | None
    policy: str
    scenario: str
    regret: float


@dataclass(frozen=True)
class Option:
    """An option of a run."""

    name: str
    read: Callable[[str], Any]
    """Parse a text, or raise a `ValueError` that describes the expected value."""
    default: Any
    help: str
    argparse: Mapping[str, Any]
    """Further arguments of pytest's `addoption`."""

    @property
    def dest(self) -> str:
        """Return the name in the ini file and in pytest's namespace. The environment has it in capitals."""
        return "hil_" + self.name.replace("-", "_")


class Source(Protocol):
    """The methods of pytest's config that provide the options' values."""

    def getoption(self, name: str, default: Any = ..., /) -> Any:
        """Return the value of a command line option."""
        ...

    def getini(self, name: str) -> Any:
        """Return the value of an ini option."""
        ...


def _words(text: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(","))
    if "" in words:
        raise ValueError("names separated by commas")
    return words


def _flag(text: str) -> bool:
    if text.lower() not in ("1", "true", "yes", "0", "false", "no"):
        raise ValueError("true or false")
    return text.lower() in ("1", "true", "yes")


def _missing(text: str) -> str:
    if text not in MISSING:
        raise ValueError(f"one of {', '.join(MISSING)}")
    return text


def _against(text: str) -> str:
    if text not in AGAINST:
        raise ValueError(" or ".join(AGAINST))
    return text


def _samples(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 65_535):
        raise ValueError("a whole number from 1 to 65535")
    return int(text)


def _jobs(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 7 and int(text) >= LEAST_JOBS):
        raise ValueError(f"a whole number from {LEAST_JOBS} to 999999")
    return int(text)


def _inputs(text: str) -> int:
    if text == "all":
        return ALL_INPUTS
    if not (text.isdecimal() and len(text) < 10 and int(text)):
        raise ValueError("a whole number above 0, or all")
    return int(text)


def _boards_per_target(text: str) -> int:
    if text == "all":
        return ALL_BOARDS
    if not (text.isascii() and text.isdecimal() and len(text) < 5 and int(text)):
        raise ValueError("a whole number from 1 to 9999, or all")
    return int(text)


def _share(text: str) -> float:
    number, sign = text.removesuffix("%"), text.endswith("%")
    try:
        share = float(number) / 100
    except ValueError:
        share = 0.0
    if not (sign and 0 < share < 1):
        raise ValueError("a percentage, as 1%")
    return share


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not number > 0:
        raise ValueError("a number above 0")
    return number


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < math.inf:
        raise ValueError("seconds, 0 or more")
    return number


def _path(text: str) -> Path:
    from reds.reading import user_path  # imported here: the plugin is loaded in every project

    try:
        return user_path(text)
    except ValueError as error:
        raise ValueError(f"the path of a file: {error}") from None


def names_file(baseline: str) -> bool:
    """Return whether a value of --baseline names a file; names of runs hold neither dots nor slashes."""
    return "." in baseline or "/" in baseline


def _baseline(text: str) -> str:
    if names_file(text) and not _path(text).exists():
        raise ValueError("auto, a run, or a file of --results that is there")
    return text


def _store(text: str) -> str:
    if "://" in text and not text.startswith(("postgresql://", "postgresql+psycopg://")):
        raise ValueError("none, a file, or postgresql+psycopg://USER@HOST/DATABASE")
    return text if "://" in text or text == NO_STORE else str(_path(text))


def is_coordinator(text: str) -> bool:
    """Return whether a text is HOST:PORT."""
    found = _ADDRESS.fullmatch(text)
    return found is not None and 1 <= int(found[1]) <= 0xFFFF


def lab_address(text: str) -> str:
    """Return a value of --lab. Raises `ValueError` with what is expected."""
    if text not in (NO_LAB, TARGET_LAB) and not is_coordinator(text):
        raise ValueError("none, target, or HOST:PORT of a coordinator")
    return text


def _text(metavar: str) -> Mapping[str, Any]:
    return {"metavar": metavar}


_REPEATED = {"action": "append", "metavar": "TARGET"}
_SWITCH = {"action": "store_const", "const": "true"}
_MISSING_HELP = (
    "how to treat an absent board: fail, skip or emulate (default: fail for a target that is named, skip "
    "for others)"
)
_SAMPLES_HELP = "samples of each latency and switch (default: 20 on an emulated board, 100 on a real one)"
_INPUTS_HELP = (
    "inputs whose outputs are compared with the reference's, or all (default: all on real boards, as many as "
    "take half a minute on emulated ones)"
)
_PRECISION_HELP = (
    "measure latencies of a real board until the median's interval is this narrow to each side, as 1%, "
    "in steps of --samples"
)
_PRECISION_SECONDS_HELP = (
    f"longest time that --precision may take on each board (default: {PRECISION_SECONDS:g})"
)
_BASELINE_HELP = (
    "fail a subnet that is worse than in an earlier run of the same board: auto (the last good run), the id "
    "of a run, or a file of --results"
)
_AGAINST_HELP = (
    "also bench the exported .tflite of each subnet in the runtime of TFLite on the same board: tflite"
)
_LEASE_HELP = f"seconds to wait for a board that another run uses (default: {LEASE_WAIT_SECONDS:g})"
_STORE_HELP = (
    "where the run is kept: a file, postgresql+psycopg://USER@HOST/DATABASE, or none "
    "(default: runs.sqlite in the user's data folder)"
)
_LAB_HELP = (
    "bench boards of a lab instead of those of the boards file: HOST:PORT of its labgrid-coordinator, "
    "target (the board of the fixture `target` of labgrid's pytest plugin), or none (default: the "
    "coordinator in [lab] of the boards file)"
)
_BOARDS_HELP = (
    "boards of each target of a lab that are benched, or all: those first that nobody has (default: 1, "
    "whichever is free)"
)

_LOAD_HELP = (
    "also hold N deadlines beside a busy process on the `core` of each real board that has a shell, as 400"
)
_TRACE_HELP = (
    "also replay a trace of resources, with every decision and inference on the board: a file, or a "
    "generator such as solar:seed=1"
)
_POLICY_HELP = (
    f"policy of the governor that a replay tests: deadline, energy-neutral, both or own (default: {POLICY})"
)
_SCENARIO_HELP = (
    "numbers of the device of a replay, as farads=0.001,period_ms=100 (default: fitted to the pack)"
)
_REGRET_HELP = f"share of the offline optimum that a policy may miss in a replay (default: {REGRET:.0%})"

OPTIONS = (
    Option(
        "target",
        _words,
        (),
        "bench this target only; repeat the option or separate names by commas",
        _REPEATED,
    ),
    Option("emulate", _flag, False, "emulate every board that has an emulator", _SWITCH),
    Option("missing", _missing, None, _MISSING_HELP, _text("ACTION")),
    Option("boards", _path, None, "boards file (default: the shipped boards.toml)", _text("FILE")),
    Option("lab", lab_address, None, _LAB_HELP, _text("HOST:PORT")),
    Option("boards-per-target", _boards_per_target, None, _BOARDS_HELP, _text("N")),
    Option("pack", _path, None, "pack to bench (default: the shipped kws-dnn-s.reds)", _text("FILE")),
    Option("results", _path, None, "write every measurement to this file, as JSON lines", _text("FILE")),
    Option(
        "switch-limit-us",
        _positive,
        SWITCH_LIMIT_US,
        f"limit of the slowest switch in us (default: {SWITCH_LIMIT_US:g})",
        _text("US"),
    ),
    Option("inputs", _inputs, None, _INPUTS_HELP, _text("N")),
    Option("samples", _samples, None, _SAMPLES_HELP, _text("N")),
    Option("precision", _share, None, _PRECISION_HELP, _text("PERCENT")),
    Option("precision-seconds", _seconds, PRECISION_SECONDS, _PRECISION_SECONDS_HELP, _text("SECONDS")),
    Option("baseline", _baseline, None, _BASELINE_HELP, _text("auto|RUN|FILE")),
    Option("against", _against, None, _AGAINST_HELP, _text("RUNTIME")),
    Option("load", _jobs, None, _LOAD_HELP, _text("N")),
    Option("trace", str, None, _TRACE_HELP, _text("TRACE")),
    Option("policy", str, POLICY, _POLICY_HELP, _text("POLICY")),
    Option("scenario", str, "", _SCENARIO_HELP, _text("KEY=NUMBER,...")),
    Option("regret", _share, REGRET, _REGRET_HELP, _text("PERCENT")),
    Option("store", _store, None, _STORE_HELP, _text("STORE")),
    Option("lease-wait", _seconds, LEASE_WAIT_SECONDS, _LEASE_HELP, _text("SECONDS")),
)


def read(config: Source, environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of a run. Raises `SetupError`, which names the option, if a value is invalid."""
    return Settings(**{o.name.replace("-", "_"): _value(o, config, environment) for o in OPTIONS})


def _value(option: Option, config: Source, environment: Mapping[str, str]) -> Any:
    given = config.getoption(option.dest, None)
    text = ",".join(given) if isinstance(given, list) else given
    if text == "":
        raise SetupError(f"--{option.name} is empty; give it a value or leave it out")
    for where, value in (
        (f"--{option.name}", text),
        (option.dest.upper(), environment.get(option.dest.upper())),
        (f"{option.dest} in the ini file", config.getini(option.dest)),
    ):
        if value:
            try:
                return option.read(value)
            except ValueError as error:
                from reds.text import without_passwords  # imported here, as in `_path`

                raise SetupError(f"{where} is {without_passwords(value)!r}; write {error}") from error
    return option.default
