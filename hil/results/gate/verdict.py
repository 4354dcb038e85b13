"""Say in one sentence how a figure compares with its baseline."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from reds.text import percent


class Direction(IntEnum):
    """Direction of a change: a worse figure fails the test, a better one is reported."""

    BETTER = -1
    NONE = 0
    WORSE = 1


@dataclass(frozen=True)
class Verdict:
    """A judged figure: its name, its change, and a text that says by how much and how sure."""

    name: str
    change: Direction
    text: str


def relative(now: float, before: float) -> str:
    """Return a relative change with its sign, as `+5.3 %`."""
    return percent(now / before - 1, "+.1%") if before else "from 0"


def worse(verdicts: Sequence[Verdict]) -> bool:
    """Return whether any figure is worse."""
    return any(verdict.change is Direction.WORSE for verdict in verdicts)


def sentence(subnet: str, baseline: str, verdicts: Sequence[Verdict]) -> str:
    """Return one sentence about a subnet: what is worse, else what is better, and where metrics disagree.

    Args:
        subnet: Name of the subnet.
        baseline: What the figures were compared with.
        verdicts: Verdicts of its figures, at least one.
    """
    by = {change: [v for v in verdicts if v.change is change] for change in Direction}
    if not by[Direction.WORSE] and not by[Direction.BETTER]:
        same = ", ".join(dict.fromkeys(v.name.split()[0] for v in verdicts))
        return f"{subnet}: no change of {same} against {baseline}"
    parts = [
        f"{word}: {', '.join(v.text for v in by[change])}"
        for word, change in (("worse", Direction.WORSE), ("better", Direction.BETTER))
        if by[change]
    ]
    split = "; these disagree, so look at both" if by[Direction.WORSE] and by[Direction.BETTER] else ""
    return f"{subnet} against {baseline} is {' and '.join(parts)}{split}"
