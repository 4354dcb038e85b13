"""Compare two runs figure by figure. Hardware and emulated figures are never compared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hil.errors import ComparisonError
from hil.results.measurement import UNJUDGED, Measurement
from hil.results.run import BoardIdentity, Run

MORE_IS_BETTER = ("accuracy", "r2", "auc")
"""Metrics that are better if they are larger; of all others less is better."""
NEUTRAL = ("macs", "room_flash", "room_arena", "power_idle", "tflite_latency")
"""Metrics that say what a subnet is, not how well it does."""


@dataclass(frozen=True)
class Kept:
    """Boards and measurements of a run that is compared.

    Attributes:
        name: Name of the run, for errors.
        boards: Its boards.
        measurements: Its measurements.
        run: The run itself, None if it is not known.
    """

    name: str
    boards: Sequence[BoardIdentity]
    measurements: Sequence[Measurement]
    run: Run | None = None


@dataclass(frozen=True)
class Change:
    """A figure in two runs, None in a run that lacks it."""

    board: BoardIdentity
    subnet: str
    metric: str
    unit: str
    before: Measurement | None
    after: Measurement | None

    @property
    def values(self) -> tuple[float | None, float | None]:
        """Return the earlier and the later value, None in a run that lacks it."""
        before, after = (None if each is None else each.value for each in (self.before, self.after))
        return before, after

    @property
    def differs(self) -> bool:
        """Return whether the values differ, or only one run has one."""
        return self.values[0] != self.values[1]

    @property
    def relative(self) -> float | None:
        """Return the change as a fraction of the earlier value; None without two values, or from 0."""
        if self.before is None or self.after is None or not self.before.value:
            return None
        return self.after.value / self.before.value - 1

    @property
    def judged(self) -> str:
        """Return `better` or `worse`, without regard to noise; empty for equal or neutral figures."""
        if self.before is None or self.after is None or self.metric in NEUTRAL:
            return ""
        gained = self.after.value - self.before.value
        if self.metric in MORE_IS_BETTER:
            gained = -gained
        return "worse" if gained > 0 else "better" if gained < 0 else ""


def changes(before: Kept, after: Kept) -> tuple[list[Change], list[str]]:
    """Return the figures of two runs side by side, and notes on what differs between the runs.

    Args:
        before: The earlier run.
        after: The later run.

    Raises:
        ComparisonError: No board of one run is like a board of the other.
    """
    pairs = list(_pairs(before, after))
    if not pairs:
        raise ComparisonError(_nothing_alike(before, after))
    found, notes = [], []
    for old, new in pairs:
        if old.key != new.key:
            notes.append(f"{old.board} is another device: {old.key}, then {new.key}")
        if old.build != new.build:
            notes.append(f"{new.board} ran another agent: {old.build}, then {new.build}")
        taken = _of_board(before, old), _of_board(after, new)
        several = any(len({m.pack for m in each}) > 1 for each in taken)
        earlier, later = (_figures(each, several) for each in taken)
        for subnet, metric, unit in dict.fromkeys((*earlier, *later)):
            figure = subnet, metric, unit
            found.append(Change(new, *figure, earlier.get(figure), later.get(figure)))
    packs = [{m.pack_shape or m.pack for m in kept.measurements} for kept in (before, after)]
    if packs[0] != packs[1]:
        notes.append("the packs have different networks or subnets")
    return found, notes


def _pairs(before: Kept, after: Kept) -> Iterator[tuple[BoardIdentity, BoardIdentity]]:
    """Pair each later board with the same device in the earlier run, else with a board of the same name.

    Of several boards that were one device, such as two cores of it, those of the same name are paired.
    """
    left, missing = list(before.boards), list(after.boards)
    for alike in (_same_device_and_name, _same_device, _same_name):
        for new in list(missing):
            old = next((each for each in left if alike(each, new)), None)
            if old is not None:
                left.remove(old)
                missing.remove(new)
                yield old, new


def _same_device_and_name(old: BoardIdentity, new: BoardIdentity) -> bool:
    return _same_device(old, new) and old.board == new.board


def _same_device(old: BoardIdentity, new: BoardIdentity) -> bool:
    return (old.target, old.provenance, old.key) == (new.target, new.provenance, new.key)


def _same_name(old: BoardIdentity, new: BoardIdentity) -> bool:
    return (old.target, old.provenance, old.board) == (new.target, new.provenance, new.board)


def _of_board(kept: Kept, board: BoardIdentity) -> list[Measurement]:
    who = board.target, board.board, board.provenance
    here = [m for m in kept.measurements if (m.target, m.board, m.provenance) == who]
    return [m for m in here if m.metric not in UNJUDGED]


def _figures(measured: Sequence[Measurement], several: bool) -> dict[tuple[str, str, str], Measurement]:
    """Return measurements by subnet, metric and unit; of several packs the subnet names its pack, too."""
    return {(f"{m.pack} {m.subnet}" if several else m.subnet, m.metric, m.unit): m for m in measured}


def _nothing_alike(before: Kept, after: Kept) -> str:
    """Say why two runs cannot be compared."""
    both = before, after
    for kept in both:
        if not kept.boards:
            return f"run {kept.name} measured nothing; name another run"
    had, has = ({(board.target, board.provenance) for board in kept.boards} for kept in both)
    boards = [", ".join(sorted({f"{b.board} ({b.provenance})" for b in kept.boards})) for kept in both]
    ran = f"run {before.name} measured {boards[0]}, run {after.name} {boards[1]}"
    mixed = not had & has and {target for target, _ in had} & {target for target, _ in has}
    never = ", and hardware is never compared with emulation" if mixed else ""
    return f"{ran}{never}; name two runs on like boards"
