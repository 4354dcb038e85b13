"""The committed counts of the emulated board: they repeat exactly, so that one more instruction is a finding.

Another compiler gives other counts, neither better nor worse; the file names its own.
"""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hil.errors import ResultsError
from reds.fixtures import fixtures_dir


@dataclass(frozen=True)
class Count:
    """What something took on the emulated board."""

    instructions: int
    cycles: int


Counts = Mapping[str, Count]
"""By a name as `dnn-s 25%`."""


@dataclass(frozen=True)
class Baseline:
    """Counts, and the version of the arm-none-eabi-gcc that built what was counted."""

    compiler: str
    counts: Counts


def path() -> Path:
    """Where the committed counts are."""
    return fixtures_dir() / "kernels-nano33ble.json"


def compiler() -> str:
    """The version of this machine's arm-none-eabi-gcc."""
    command = ["arm-none-eabi-gcc", "-dumpfullversion"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def load(file: Path) -> Baseline:
    """Read a baseline. Raises `ResultsError` if it is not there or none."""
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        return Baseline(raw["compiler"], {name: Count(**count) for name, count in raw["counts"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ResultsError(f"{file}: no baseline: {error}; write one with --update") from error


def save(file: Path, baseline: Baseline) -> None:
    """Write a baseline, a line for each count."""
    rows = (f"    {json.dumps(name)}: {json.dumps(asdict(c))}" for name, c in sorted(baseline.counts.items()))
    body = ",\n".join(rows)
    head = json.dumps(baseline.compiler)
    file.write_text(f'{{\n  "compiler": {head},\n  "counts": {{\n{body}\n  }}\n}}\n', encoding="utf-8")


def worse(counts: Counts, than: Counts) -> list[str]:
    """A sentence for each count that is larger than in the baseline, or not in it."""
    found = []
    for name, count in counts.items():
        if name not in than:
            found.append(f"{name}: not in the baseline")
            continue
        for unit, now in asdict(count).items():
            before = asdict(than[name])[unit]
            if now > before:
                found.append(f"{name}: {now:,} {unit}, {before:,} in the baseline (+{now - before:,})")
    return found


def better(counts: Counts, than: Counts) -> int:
    """How many are smaller than in the baseline, in instructions or cycles."""
    known = [(count, than[name]) for name, count in counts.items() if name in than]
    return sum(c.instructions < old.instructions or c.cycles < old.cycles for c, old in known)
