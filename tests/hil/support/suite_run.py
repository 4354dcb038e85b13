"""Runs of the suite in a process of its own, and what they print and write."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

PLUGINS = [word for name in ("cacheprovider", "hypothesispytest", "anyio") for word in ("-p", f"no:{name}")]
"""Keep no cache, and leave out the plugins of the tests' own tools, which take half of the time of a run."""
Run = Callable[..., subprocess.CompletedProcess[str]]
"""Runs the suite with these arguments, as the fixture `hil` does."""
BoardsToml = Callable[..., Path]
"""Writes a boards file of one board, as the fixture `boards_toml` does."""


def run_pytest(
    folder: Path, *args: object, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run pytest in a process of its own, as a user does from this folder, but without a store of runs."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("HIL_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *PLUGINS, *map(str, args)],
        cwd=folder,
        env={**plain, "HIL_STORE": "none", **(env or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@cache
def suite_size(pack: Path | None = None) -> int:
    """Count the suite's tests of one board with this pack; by default the shipped one."""
    chosen = ("--pack", pack) if pack else ()
    done = run_pytest(Path.cwd(), "--pyargs", "hil", "--collect-only", "-q", "--target=desktop", *chosen)
    assert done.returncode == 0, done.stdout + done.stderr
    return sum("::" in line for line in done.stdout.splitlines())


def outcomes(text: str) -> dict[str, int]:
    last = text.strip().splitlines()[-1]
    return {what.rstrip("s"): int(n) for n, what in re.findall(r"(\d+) (\w+)", last.split(" in ")[0])}


def failed_tests(text: str) -> set[str]:
    return set(re.findall(r"^FAILED \S+::(\w+)", text, re.MULTILINE))


def read(path: Path) -> list[dict]:
    """Return the measurements of a results file."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [line for line in lines if "run" not in line]


def usage_error(done, says: str) -> None:
    assert done.returncode == pytest.ExitCode.USAGE_ERROR, done.stdout
    assert re.search(says, done.stderr, re.MULTILINE), done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def one_line_of_errors(text: str) -> str:
    """Return pytest's section of errors, which must hold one line."""
    (section,) = re.findall(r"^=+ ERRORS =+\n_+ ERROR .* _+\n(.*?)\n[-=]+ ", text, re.MULTILINE | re.DOTALL)
    assert len(section.splitlines()) == 1, section
    return str(section)
