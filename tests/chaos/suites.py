"""Kinds of chaos on whole benches: `pytest hil` in a process of its own, against a faulty agent.

A board that is lost is one error, whatever came of it. A measurement fails only if its agent lies.
"""

import json
import os
import random
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from hil.results.summary import cases
from reds import pack
from tests.chaos.faults import ALL, NONE, Fault, draw
from tests.chaos.faulty import ROOT, faulty_agent
from tests.chaos.isolation import adopt_orphans, one_line
from tests.chaos.kind import LEFT, Kinds, Outcome
from tests.chaos.remains import held, remaining
from tests.support.nets import dense_model

SECONDS = 60.0
"""Deadline of a bench of this small pack, with the answers that a board may be waited for."""
_HANG_SECONDS = 30.0
_BENCHED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
_PLUGINS = [word for name in ("cacheprovider", "hypothesispytest", "anyio") for word in ("-p", f"no:{name}")]


def bench(rng: random.Random, folder: Path) -> Outcome:
    """Bench a small pack against a faulty agent on the desktop."""
    fault, junit, temporary = draw(rng, ALL), folder / "junit.xml", folder / "temporary"
    temporary.mkdir()
    adopt_orphans()
    before, begun = held(temporary), time.monotonic()
    try:
        done = subprocess.run(
            _command(folder, fault, junit),
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)},
            capture_output=True,
            text=True,
            timeout=SECONDS + _HANG_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        verdict, violations = "hung", ["the bench hung"]
    else:
        verdict, violations = _judged(fault, done.returncode, done.stdout + done.stderr, junit)
    over = max(0.0, time.monotonic() - begun - SECONDS)
    violations += [LEFT + name for name in remaining(lambda: held(temporary) - before)]
    return Outcome("bench", str(fault), verdict, tuple(map(one_line, violations)), over)


def _command(folder: Path, fault: Fault, junit: Path) -> list[str]:
    """Write the pack and the boards file of a bench, and return its command."""
    network, boards = folder / "small.reds", folder / "boards.toml"
    pack.save(dense_model([20, 24, 16, 5], [[8, 8, 5], [24, 16, 5]], name="small"), network)
    agent = json.dumps(str(faulty_agent(folder, fault)))
    boards.write_text(f'[[board]]\nname = "desk"\ntarget = "desktop"\nagent = {agent}\n')
    options = ["--target=desktop", f"--boards={boards}", f"--pack={network}", f"--junitxml={junit}"]
    return [sys.executable, "-m", "pytest", *_PLUGINS, "--pyargs", "hil", *options]


def _judged(fault: Fault, status: int, text: str, junit: Path) -> tuple[str, list[str]]:
    """Return the verdict of a bench, and what is wrong with it."""
    wrong = [f"exit status {status}"] * (status < 0 or status in set(pytest.ExitCode) - set(_BENCHED))
    wrong += [f"it printed {word}" for word in ("Traceback", "INTERNALERROR") if word in text]
    try:
        ended = cases(junit)
    except (OSError, ET.ParseError):
        ended = []
    failed = [case for case in ended if case.outcome == "failed"]
    errors = [case for case in ended if case.outcome == "error"]
    if not ended:
        return "no tests", [*wrong, f"no test ended: {text[-300:]}"]
    if len(errors) > 1:
        wrong.append(
            f"{len(errors)} errors for one board: {' | '.join(case.why[:80] for case in errors[:4])}"
        )
    if failed and not fault.lies:
        wrong.append(f"a measurement failed: {failed[0].name}: {failed[0].why}")
    if fault.name == NONE and (failed or errors):
        wrong.append("without a fault the bench did not pass")
    if (status == 0) != (not failed and not errors):
        wrong.append(f"exit status {status} with {len(failed)} failed and {len(errors)} errors")
    wrong += [f"an unprintable text: {case.why!r}" for case in errors if not case.why.isprintable()]
    return "failed" if failed else "error" if errors else "passed", wrong


KINDS: Kinds = {"bench": (0.5, bench)}
