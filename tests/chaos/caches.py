"""Damage a cache: the next run heals it, or says in one sentence what to do."""

import os
import random
import shutil
from functools import partial
from pathlib import Path

from tests.chaos import commands, damage
from tests.chaos.clean import left, prepared, wrong
from tests.chaos.commands import Command, UnavailableError
from tests.chaos.kind import Kind, Kinds, Outcome
from tests.chaos.leftovers import without_hashes
from tests.chaos.sandbox import Ended, Sandbox
from tests.chaos.sentences import errors, faults, one_sentence

_OF_ROOT = "dac_override", "dac_read_search"
"""Capabilities by which root passes over permissions."""


def damaged(name: str, command: Command, rng: random.Random, folder: Path) -> Outcome:
    """Damage one file or folder of a warm cache, then run twice.

    Args:
        name: Name of the kind.
        command: The command that uses the cache.
        rng: Chooses the damage.
        folder: An empty folder.
    """
    try:
        box = prepared(command, True, folder)
    except UnavailableError as error:
        return Outcome(name, "none", f"left out: {error}")
    victim = rng.choice(sorted(box.cache.rglob("*")))
    how = rng.choice(damage.OF_FOLDERS if victim.is_dir() else damage.OF_FILES)
    where = victim.relative_to(box.cache)
    how(victim, rng)
    fault = f"{how.__name__.replace('_', ' ')}: {where}"
    line = (*_as_others(), *command.line)
    verdicts: list[str] = []
    found: tuple[str, ...] = ()
    while len(verdicts) < 2 and "hung" not in verdicts:
        ended = box.run(line, command.making_seconds)
        violations, verdict = judged(command, box, ended)
        found += tuple(f"run {len(verdicts) + 1}: {each}" for each in violations)
        verdicts.append(verdict)
    if verdicts == ["passed", "refused"]:
        found += ("the first run passed, but the second is refused",)
    if "hung" not in verdicts:
        found += left(command, box, "behind", (without_hashes(f"cache/{where}"),))
    damage.mend_permissions(folder)
    return Outcome(name, fault, ", then ".join(dict.fromkeys(verdicts)), found)


def judged(command: Command, box: Sandbox, ended: Ended) -> tuple[tuple[str, ...], str]:
    """Return the violations of a run that must pass or name a remedy, and its verdict."""
    if ended.status is None:
        return wrong(command, box, ended), "hung"
    found = faults(ended.text)
    if ended.status == 0:
        return found + wrong(command, box, ended), "passed"
    if ended.counts.get("failed"):
        last = ended.text.strip().splitlines()[-1]
        return (*found, f"a fault of this machine is taken for a regression: {last}"), "failed"
    found += one_sentence(ended.text)
    said = "".join(errors(ended.text))
    if not any(word in said for word in (str(box.cache), "XDG_CACHE_HOME", "TMPDIR", "hil ")):
        found += (f"the sentence names neither a path of the cache nor a command: {ascii(said)[:300]}",)
    return found, "refused"


def _as_others() -> tuple[str, ...]:
    """Return the words before a command that make root mind permissions, as other users do."""
    if os.geteuid() or shutil.which("setpriv") is None:
        return ()
    without = ",".join(f"-{each}" for each in _OF_ROOT)
    return ("setpriv", f"--inh-caps={without}", f"--bounding-set={without}")


def _kind(command: Command) -> Kind:
    return partial(damaged, f"damaged cache of the {command.name}", command)


KINDS: Kinds = {
    f"damaged cache of the {command.name}": (weight, _kind(command))
    for weight, command in ((1.5, commands.DESKTOP), (1.5, commands.NANO), (0.5, commands.PI))
}
