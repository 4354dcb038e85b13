"""Describe the run of a session: its machine, version, commit, command line, pack and options."""

import json
import platform
import shlex
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

from hil.errors import SetupError
from hil.lifetime.child import run as run_program
from hil.options import ALL_INPUTS, OPTIONS, Settings
from hil.results.pack_shape import pack_shape
from hil.results.run import PackFacts, Run, as_text, new_id
from hil.suite.tflite_file import SUFFIX, load
from hil.suite.workload import shipped
from reds.errors import PackError
from reds.pack.pack import load_pack
from reds.text import LINE, printable, without_passwords

GIT_SECONDS = 10.0


def run_of(config: pytest.Config, settings: Settings, started: float) -> Run:
    """Return the run of a session, which has not ended.

    Args:
        config: The session's.
        settings: Values of the options.
        started: Time of the session's start, in seconds since 1970.
    """
    when = as_text(datetime.fromtimestamp(started, UTC))
    words = [without_passwords(str(word)) for word in config.invocation_params.args]
    commit, dirty = _commit(config.invocation_params.dir)
    return Run(
        id=new_id(when),
        started=when,
        host=printable(platform.node()),
        tool=version("reds-hil"),
        command=printable(shlex.join(["pytest", *words]), LINE),
        commit=commit,
        dirty=dirty,
        pack=_pack(settings.pack or shipped()),
        settings=given(settings),
    )


def _pack(path: Path) -> PackFacts | None:
    try:
        if path.suffix == SUFFIX:
            file = load(path)
            return PackFacts(file.name, file.sha256, "")
        pack = load_pack(path)
    except (PackError, SetupError):  # the workers of pytest-xdist have read it, but it is gone now
        return None
    card = "" if pack.card is None else json.dumps(pack.card, separators=(",", ":"))
    return PackFacts(pack.model.name, pack.sha256, pack_shape(pack.model), card)


def given(settings: Settings) -> dict[str, str]:
    """Return the options that have another value than their default, as text."""
    found = {}
    for option in OPTIONS:
        value = getattr(settings, option.name.replace("-", "_"))
        if value != option.default:
            text = ",".join(value) if isinstance(value, tuple) else str(value)
            text = "all" if value == ALL_INPUTS else text
            found[option.name] = printable(without_passwords(text), LINE)
    return found


def _commit(folder: Path) -> tuple[str, bool]:
    """Return the commit that a folder has checked out, and whether its files differ from it.

    Both are empty for a folder that is no git checkout.
    """
    git = ["git", "-C", str(folder), "--no-optional-locks"]
    with suppress(OSError, subprocess.TimeoutExpired):
        head = run_program([*git, "rev-parse", "HEAD"], GIT_SECONDS, stderr=subprocess.DEVNULL)
        if head.status == 0:
            changed = [*git, "status", "--porcelain", "--untracked-files=no"]
            changes = run_program(changed, GIT_SECONDS, stderr=subprocess.DEVNULL)
            return printable(head.output.strip()), bool(changes.output.strip())
    return "", False
