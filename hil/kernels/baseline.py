"""Keep the committed counts of the emulated board, which repeat exactly, so that any increase is a finding.

Another compiler gives other counts, neither better nor worse. The file names its compiler.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from hil.emulators.cycles import with_waits
from hil.errors import ResultsError
from hil.lifetime.child import run
from reds.fixtures import fixtures_dir
from reds.reading import parse_json, read_regular, reason
from reds.strict_tables import parse_table

VERSION_SECONDS = 10.0


@dataclass(frozen=True)
class Count:
    """Instructions, cycles and words read from flash on the emulated board."""

    instructions: int
    cycles: int
    flash_words: int

    @property
    def with_waits(self) -> int:
        """Return the cycles with the wait states of the flash."""
        return with_waits(self.cycles, self.flash_words)


Counts = Mapping[str, Count]
"""Counts by name, such as `dnn-s 25%`."""


@dataclass(frozen=True)
class Baseline:
    """Counts, and the version of the arm-none-eabi-gcc that built the agent."""

    compiler: str
    counts: Counts


def path() -> Path:
    """Return the file of the committed counts."""
    return fixtures_dir() / "kernels-nano33ble.json"


def compiler() -> str:
    """Return the version of this machine's arm-none-eabi-gcc."""
    return run(["arm-none-eabi-gcc", "-dumpfullversion"], VERSION_SECONDS).output.strip()


def load(file: Path) -> Baseline:
    """Read a baseline. Raises `ResultsError` if the file is missing or invalid."""
    try:
        raw = parse_json(read_regular(file))
        return parse_table(raw, Baseline, "the file", ValueError)
    except (OSError, ValueError) as error:
        raise ResultsError(f"not a baseline: {reason(error)}; write one with --update", file=file) from error


def save(file: Path, baseline: Baseline) -> None:
    """Write a baseline, one line for each count."""
    rows = (f"    {json.dumps(name)}: {json.dumps(asdict(c))}" for name, c in sorted(baseline.counts.items()))
    body = ",\n".join(rows)
    head = json.dumps(baseline.compiler)
    file.write_text(f'{{\n  "compiler": {head},\n  "counts": {{\n{body}\n  }}\n}}\n', encoding="utf-8")


def worse(counts: Counts, than: Counts) -> list[str]:
    """Return a sentence for each count that is larger than in the baseline, or missing there."""
    found = []
    for name, count in counts.items():
        if name not in than:
            found.append(f"{name}: not in the baseline")
            continue
        for unit, now in asdict(count).items():
            before = asdict(than[name])[unit]
            if now > before:
                counted = f"{now:,} {unit.replace('_', ' ')}"
                found.append(f"{name}: {counted}, {before:,} in the baseline (+{now - before:,})")
    return found


def missing(counts: Counts, than: Counts, nets: Sequence[str]) -> list[str]:
    """Return a sentence for each count of the baseline that was not taken, of these nets or else of all."""
    wanted = [name for name in than if not nets or name.split()[0] in nets]
    return [f"{name}: in the baseline, but not counted" for name in wanted if name not in counts]


def better(counts: Counts, than: Counts) -> int:
    """Return how many counts are smaller than in the baseline, in any unit."""
    known = [(asdict(count), asdict(than[name])) for name, count in counts.items() if name in than]
    return sum(any(now[unit] < old[unit] for unit in now) for now, old in known)
