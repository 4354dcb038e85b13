"""What a run is told: one table of options, from the command line, the environment or the ini file.

Each option has a twin that begins with `hil`: `--samples` is `--hil-samples`, `HIL_SAMPLES` in the
environment and `hil_samples` in the ini file; what comes first in this order counts.
"""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from hil.errors import SetupError

MISSING = ("fail", "skip", "emulate")
SWITCH_LIMIT_US = 40.0
LEASE_WAIT_SECONDS = 300.0


@dataclass(frozen=True)
class Settings:
    """The options' values. `missing`, `boards`, `pack`, `results`, `samples` are None where not given."""

    target: tuple[str, ...]
    emulate: bool
    missing: str | None
    boards: Path | None
    pack: Path | None
    results: Path | None
    switch_limit_us: float
    samples: int | None
    lease_wait: float


@dataclass(frozen=True)
class Option:
    """One option. `argparse` is how the command line takes it, `read` how its text becomes a value."""

    name: str
    read: Callable[[str], Any]
    default: Any
    help: str
    argparse: Mapping[str, Any]

    @property
    def dest(self) -> str:
        """Its name in the ini file and in pytest's namespace; in capitals, in the environment."""
        return "hil_" + self.name.replace("-", "_")


class Source(Protocol):
    """The part of pytest's config that settings are read from."""

    def getoption(self, name: str, default: Any = ..., /) -> Any:
        """A command line option's value."""
        ...

    def getini(self, name: str) -> Any:
        """An ini option's value."""
        ...


def _words(text: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(","))
    if "" in words:
        raise ValueError("a name in it is empty")
    return words


def _flag(text: str) -> bool:
    if text.lower() not in ("1", "true", "yes", "0", "false", "no"):
        raise ValueError("it is true or false")
    return text.lower() in ("1", "true", "yes")


def _missing(text: str) -> str:
    if text not in MISSING:
        raise ValueError(f"it is one of {', '.join(MISSING)}")
    return text


def _samples(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 65_535):
        raise ValueError("it is a whole number from 1 to 65535")
    return int(text)


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not number > 0:
        raise ValueError("it is a number of more than 0")
    return number


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < math.inf:
        raise ValueError("it is a number of seconds, 0 or more")
    return number


def _text(metavar: str) -> Mapping[str, Any]:
    return {"metavar": metavar}


_REPEATED = {"action": "append", "metavar": "TARGET"}
_SWITCH = {"action": "store_const", "const": "true"}
_MISSING_HELP = (
    "what becomes of a board that is not here: fail, skip or emulate; "
    "by default one named by --target fails, others are skipped"
)
_SAMPLES_HELP = "samples of each latency and switch (default: 20 where they repeat exactly, else 100)"
_LEASE_HELP = f"how long to wait for a board that another run uses (default: {LEASE_WAIT_SECONDS:g})"

OPTIONS = (
    Option("target", _words, (), "bench this target only; repeat it or separate by commas", _REPEATED),
    Option("emulate", _flag, False, "bench every target that has an emulator on it", _SWITCH),
    Option("missing", _missing, None, _MISSING_HELP, _text("WHAT")),
    Option("boards", Path, None, "the boards there are (default: the shipped boards.toml)", _text("FILE")),
    Option("pack", Path, None, "the pack to bench (default: the shipped kws-dnn-s.reds)", _text("FILE")),
    Option("results", Path, None, "write every measurement here, as JSON lines", _text("FILE")),
    Option(
        "switch-limit-us",
        _positive,
        SWITCH_LIMIT_US,
        f"what the worst switch may take in us (default: {SWITCH_LIMIT_US:g})",
        _text("US"),
    ),
    Option("samples", _samples, None, _SAMPLES_HELP, _text("N")),
    Option("lease-wait", _seconds, LEASE_WAIT_SECONDS, _LEASE_HELP, _text("SECONDS")),
)


def read(config: Source, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in force. Raises `SetupError`, naming the option, if a value cannot be used."""
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
                raise SetupError(f"{where} cannot be {value!r}: {error}") from error
    return option.default
