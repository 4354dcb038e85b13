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

from hil.results.summary import cases
from reds import pack
from tests.chaos.faults import NONE, Fault, draw
from tests.chaos.isolation import one_line
from tests.chaos.kind import Kinds, Outcome
from tests.chaos.links import ROOT, faulty_agent
from tests.support.nets import dense_model

SECONDS = 60.0
"""Deadline of a bench of this small pack, with the answers that a board may be waited for."""
_HANG_SECONDS = 30.0
_PLUGINS = [word for name in ("cacheprovider", "hypothesispytest", "anyio") for word in ("-p", f"no:{name}")]


def bench(rng: random.Random, folder: Path) -> Outcome:
    """Bench a small pack against a faulty agent on the desktop."""
    fault = draw(rng, frames=True)
    network = folder / "small.reds"
    pack.save(dense_model([20, 24, 16, 5], [[8, 8, 5], [24, 16, 5]], name="small"), network)
    boards = folder / "boards.toml"
    agent = json.dumps(str(faulty_agent(folder, fault)))
    boards.write_text(f'[[board]]\nname = "desk"\ntarget = "desktop"\nagent = {agent}\n')
    junit = folder / "junit.xml"
    options = ["--target=desktop", f"--boards={boards}", f"--pack={network}", f"--junitxml={junit}"]
    command = [sys.executable, "-m", "pytest", *_PLUGINS, "--pyargs", "hil", *options]
    begun = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        text, _ = process.communicate(timeout=SECONDS + _HANG_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return Outcome("bench", str(fault), "hung", ("the bench hung",), _HANG_SECONDS)
    over = max(0.0, time.monotonic() - begun - SECONDS)
    verdict, violations = _judged(fault, process.returncode, text, junit)
    return Outcome("bench", str(fault), verdict, tuple(map(one_line, violations)), over)


def _judged(fault: Fault, status: int, text: str, junit: Path) -> tuple[str, list[str]]:
    """Return the verdict of a bench, and what is wrong with it."""
    wrong = [f"exit status {status}"] * (status not in (0, 1))
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
