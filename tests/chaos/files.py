"""Give commands hostile files: each passes, or ends in one printable sentence, in bounded time and memory."""

import random
from functools import partial
from pathlib import Path

from tests.chaos import cases
from tests.chaos.cases import COLLECT, Case, Make
from tests.chaos.clean import clean_run
from tests.chaos.commands import DESKTOP
from tests.chaos.kind import Kinds, Outcome
from tests.chaos.limited import MEMORY, SECONDS, Done, run
from tests.chaos.sentences import faults, one_sentence


def hostile(name: str, make: Make, rng: random.Random, folder: Path) -> Outcome:
    """Run a command on a hostile file.

    Args:
        name: Name of the kind.
        make: Writes the file.
        rng: Chooses its content.
        folder: An empty folder.
    """
    case = make(rng, folder)
    done = run(case.command, case.words, folder, _warm_cache(case))
    found = _wrong(done)
    if list(folder.rglob("pwned")):
        found += ("a shell ran what the file says",)
    verdict = "hung" if done.status is None else "refused" if done.status else "passed"
    return Outcome(name, case.fault, verdict, found, max(0.0, done.seconds - SECONDS))


def _warm_cache(case: Case) -> dict[str, str]:
    """Return the environment of a command that starts the desktop's agent; of another, nothing."""
    starts = case.command == "pytest" and COLLECT[-1] not in case.words
    return {"XDG_CACHE_HOME": str(clean_run(DESKTOP).box.cache)} if starts else {}


def _wrong(done: Done) -> tuple[str, ...]:
    """Return what is wrong with the end of a command."""
    if done.status is None:
        return (f"it did not end within {SECONDS:g} s",)
    found = faults(done.text)
    if done.memory > MEMORY:
        found += (f"it took {done.memory >> 20} MiB",)
    if done.status < 0:
        return (*found, f"it died of signal {-done.status}")
    failed = [line for line in done.text.splitlines() if line.startswith("FAILED ")]
    if any("conformance" in line for line in failed):
        found += ("the board computes otherwise than the interpreter",)
    return found + one_sentence(done.text) if done.status and not found and not failed else found


_KINDS: dict[str, tuple[float, Make]] = {
    "hostile pack": (10.0, cases.inspected_pack),
    "hostile pack on the desktop": (1.0, cases.benched_pack),
    "hostile boards file": (5.0, cases.listed_boards),
    "hostile board on the desktop": (1.0, cases.named_board),
    "hostile card": (1.0, cases.carded_pack),
    "hostile labeled set": (1.0, cases.labeled_pack),
    "hostile results": (5.0, cases.summarized_results),
    "hostile recipe": (3.0, cases.built_recipe),
    "hostile path": (3.0, cases.misplaced),
}
KINDS: Kinds = {name: (weight, partial(hostile, name, make)) for name, (weight, make) in _KINDS.items()}
