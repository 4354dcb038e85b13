"""Register the options of a run under two names each, of which another plugin may have the short one.

The long name begins with `--hil-`. The short names are registered after all other plugins. A short name that
another plugin has registered stays with that plugin: so a run on boards refuses it rather than pass over
what the user asked for.

pytest itself has `--trace`, a switch of its debugger without a value. With a trace after it, it is ours.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest

from hil.errors import SetupError
from hil.options import GENERATORS, OPTIONS, Option

_SHARED = "trace"
"""The option whose short name pytest has as a switch."""
_TAKEN = pytest.StashKey[tuple[str, ...]]()
"""Short names that another plugin has registered."""


def register_long(parser: pytest.Parser) -> None:
    """Register the long names and the ini options."""
    for option in OPTIONS:
        _add(parser, option, f"--hil-{option.name}", option.help)
        parser.addini(option.dest, option.help, default="")


def register_short(config: pytest.Config, parser: pytest.Parser) -> None:
    """Register the short names that no other plugin has."""
    options = [option for option in OPTIONS if option.name != _SHARED]
    taken = tuple(option.name for option in options if not _is_free(parser, f"--{option.name}"))
    for option in options:
        if option.name not in taken:
            _add(parser, option, f"--{option.name}", f"short for --hil-{option.name}")
    config.stash[_TAKEN] = taken


def take_traces(args: list[str]) -> None:
    """Give each `--trace` that a trace follows its long name, in place."""
    for at, (word, following) in enumerate(pairwise(list(args))):
        file = Path(following.partition(":")[0])
        if word == f"--{_SHARED}" and (file.name in GENERATORS or (file.suffix != ".py" and file.is_file())):
            args[at] = f"--hil-{_SHARED}"


def header(config: pytest.Config) -> str | None:
    """Return a line that lists the options that need their long names, None if there are none."""
    taken = config.stash.get(_TAKEN, ())
    return (
        f"reds-hil: another plugin has {_named(taken)} here; use {_named(taken, 'hil-')}" if taken else None
    )


def refuse_names_of_others(config: pytest.Config) -> None:
    """Raise `SetupError` if the user gave a short name of another plugin, and not our long name too.

    Both names are no mistake: then the session also runs tests of the other plugin.
    """
    words = getattr(config, "workerinput", {}).get("mainargv") or config.invocation_params.args
    given = {word.partition("=")[0] for word in [*words, *shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))]}
    dests = {option.name: option.dest for option in OPTIONS}
    taken = [name for name in config.stash.get(_TAKEN, ()) if f"--{name}" in given]
    if misled := [name for name in taken if config.getoption(dests[name]) is None]:
        belongs = f"{_named(misled)} {'belongs' if len(misled) == 1 else 'belong'}"
        raise SetupError(f"{belongs} to another plugin here; write {_named(misled, 'hil-')}")


def _named(names: Iterable[str], prefix: str = "") -> str:
    return ", ".join(f"--{prefix}{name}" for name in names)


def _add(parser: pytest.Parser, option: Option, flag: str, text: str) -> None:
    group = parser.getgroup("reds-hil", "networks on real and emulated boards (reds-hil)")
    shown = text.replace("%", "%%")  # argparse formats it
    group.addoption(flag, dest=option.dest, default=None, help=shown, **option.argparse)


def _is_free(parser: pytest.Parser, flag: str) -> bool:
    probe = f"{flag}=0"
    try:
        return probe in parser.parse_known_and_unknown_args([probe])[1]
    except (pytest.UsageError, SystemExit):  # the flag exists, and takes no value or a value of another type
        return False
