"""Hold the earlier figures that a run is compared with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hil.errors import BaselineError
from hil.results.measurement import Measurement

Figure = tuple[str, str, str]
"""Name of a subnet or of an ordered pair, metric, unit."""


@dataclass(frozen=True)
class Baseline:
    """An earlier run of the same board, pack shape and provenance, and the good runs since.

    Attributes:
        name: What texts call the run, as `run 20261128-210256`.
        figures: Its measurements.
        labeled: Checksum of its labeled examples, empty if it had none.
        history: Returns the samples of a figure in each run that sets the level of times, at least one.
    """

    name: str
    figures: Mapping[Figure, Measurement]
    labeled: str
    history: Callable[[Figure], Sequence[Sequence[float]]]


def of(
    name: str,
    measurements: Sequence[Measurement],
    labeled: str,
    history: Callable[[Figure], Sequence[Sequence[float]]] | None = None,
) -> Baseline:
    """Return a baseline.

    Args:
        name: What texts call it.
        measurements: The measurements of one board and one pack shape.
        labeled: Checksum of its labeled examples, empty if it had none.
        history: As in `Baseline`; by default the run is its own history.
    """
    figures = {(m.subnet, m.metric, m.unit): m for m in measurements}
    return Baseline(name, figures, labeled, history or (lambda figure: [figures[figure].samples]))


def chosen(
    name: str, measurements: Sequence[Measurement], target: str, provenance: str, shape: str
) -> list[Measurement]:
    """Return the measurements that figures of a board may be compared with.

    Args:
        name: What texts call the baseline.
        measurements: All measurements of a run.
        target: Target of the board.
        provenance: `hardware` or `emulated`, the provenance of the board.
        shape: Shape of the pack of this run.

    Raises:
        BaselineError: The measurements are of another target, provenance or pack shape.
    """
    here = [m for m in measurements if m.target == target]
    if not here:
        there = ", ".join(sorted({m.target for m in measurements})) or "nothing"
        raise BaselineError(f"{name} measured {there}, not {target}; name a run of a {target}")
    same = [m for m in here if m.provenance == provenance]
    if not same:
        other = f"the figures of {target} in {name} are {here[0].provenance}, those of this run {provenance}"
        raise BaselineError(f"{other}: they are never compared; name a run whose figures are {provenance}")
    alike = [m for m in same if m.pack_shape == shape]
    if not alike:
        packs = ", ".join(sorted({m.pack for m in same}))
        raise BaselineError(
            f"{name} benched {packs}, a pack of another shape; name a run of this pack's shape"
        )
    return alike
