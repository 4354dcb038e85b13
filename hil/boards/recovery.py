"""Bring a board back after its first infrastructure error in a run, and quarantine it after the second.

An infrastructure error says nothing about the pack: the link was lost, nobody answered in time, the bytes
that arrived did not follow the protocol, or an emulator ended. So the work that it interrupted is done once
more, on the recovered board. Nothing is repeated because of its figures.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from hil.boards import registry, spread
from hil.boards.board import Advance, Board, Outputs, ignore
from hil.boards.entry import Entry
from hil.boards.facts import BoardFacts, Provenance
from hil.boards.power_cycle import power_cycle
from hil.errors import BoardAbsent, BoardQuarantined, EmulatorStopped, HilError, LeaseLost, LinkError
from hil.transports.deadline import Deadline
from hil.transports.tcp import ClosedAtOnce
from reds.pack.model import Model

INFRASTRUCTURE = (LinkError, EmulatorStopped)
RETURN_SECONDS, BOOT_SECONDS = 15.0, 90.0
"""Seconds that a real board may take to come back by itself, and after its power was cut."""
_POLL_SECONDS = 0.25
Say = Callable[[str], None]
T = TypeVar("T")


@dataclass
class Record:
    """The infrastructure errors of a board in a run; None for those that did not happen."""

    first: HilError | None = None
    quarantined: BoardQuarantined | None = None


class RecoverableBoard:
    """A board that is started when it is first used, and recovered once. The caller holds its lease.

    Args:
        entry: The board.
        provenance: Choice of the real board or its emulator.
        record: What happened to the board earlier in the run.
        say: Shows the user what is done to recover the board.
        recovered: Told once that the board works again, with the error and the means.
        check: Raises `LeaseLost` if the caller no longer holds the lease.
    """

    def __init__(
        self,
        entry: Entry,
        provenance: Provenance,
        record: Record,
        say: Say,
        recovered: Say,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._entry, self._provenance, self._record = entry, provenance, record
        self._say, self._recovered, self._check_lease = say, recovered, check
        self._stack = ExitStack()
        self._board: Board | None = None
        self._model: Model | None = None
        self._facts: BoardFacts | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stop()

    def do(self, work: Callable[[Board], T]) -> T:
        """Do work on the board; after the first infrastructure error of the run recover it and do it again.

        Raises:
            BoardQuarantined: The board did not come back, failed again, or is quarantined already.
            HilError: The errors of the work that are no infrastructure errors, and those of the start.
        """
        if self._record.quarantined:
            raise self._record.quarantined
        self._keep_lease()
        done = self._do(work)
        self._keep_lease()  # else another run may have used the board meanwhile
        return done

    def _do(self, work: Callable[[Board], T]) -> T:
        try:
            return work(self._opened())
        except INFRASTRUCTURE as error:
            if self._record.first:
                raise self._quarantine(error, "once more after it was recovered") from error
            self._record.first = first = error
        try:
            means = self._recover()
        except HilError as error:
            same = error.observation == first.observation
            when = "twice" if same else f"so it did not recover from: {first.observation}"
            raise self._quarantine(error, when) from error
        self._say(f"{self._entry.name}: {first.observation}; trying once more after {means}")
        try:
            done = work(self._opened())
        except INFRASTRUCTURE as error:
            raise self._quarantine(error, f"once more after {means}") from error
        self._recovered(f"{self._entry.name}: {first.observation}; it works after {means}")
        return done

    def deploy(self, model: Model, advance: Advance = ignore) -> None:
        """Store a pack on the board, as `Board.deploy`, and store it again when the board is recovered."""
        self.do(lambda board: board.deploy(model, advance))
        self._model = model

    def infer_each(
        self, subnets: Sequence[int], x: NDArray[np.int8], advance: Advance, emulators: int
    ) -> list[Outputs]:
        """Run several subnets of the deployed pack on the same inputs, as `Board.infer_each`.

        An emulator of another machine works alone: a second connection to its port would mix up the streams.

        Args:
            subnets: Indices of the subnets.
            x: int8 [N, input] in [-127, 127].
            advance: Called with the number of inputs that are done.
            emulators: Number of emulators of an emulated board that share the work, this one included. An
                emulator of another machine has one client, and does it alone.
        """
        model = self._model
        here = self._provenance is Provenance.EMULATED and not self._entry.emulated
        if emulators <= 1 or model is None or not here:
            return self.do(lambda board: board.infer_each(subnets, x, advance))
        more, shared = emulators - 1, (model, subnets, x, advance, self._say)
        return self.do(lambda board: spread.infer_each(board, more, self._another, *shared))

    def restart(self) -> None:
        """Start the agent anew, with its pack: as a process it gets other memory and another core."""
        self._stop()
        if self._model:
            self.deploy(self._model)

    def facts(self) -> BoardFacts:
        """Return name, target, provenance and clocks, also of a board that is lost."""
        return self._facts or self.do(Board.facts)

    def _keep_lease(self) -> None:
        """Quarantine the board if its lease is lost."""
        try:
            self._check_lease()
        except LeaseLost as error:
            raise self._quarantine(error, "so another run may use it") from error

    def _opened(self) -> Board:
        if self._board is None:
            self._board = self._stack.enter_context(self._another())
            self._facts = self._board.facts()
        return self._board

    def _another(self) -> AbstractContextManager[Board]:
        """Start one more emulator of the board."""
        return registry.target(self._entry.target).start(self._entry, self._provenance)

    def _stop(self) -> None:
        self._board = None
        with suppress(HilError):  # a lost board has nothing to close
            self._stack.close()

    def _recover(self) -> str:
        """Bring the board back to its state of before, by the mildest means that works; name the means."""
        selected = self._board.selected if self._board else 0
        ladder: list[tuple[str, Callable[[], None]]] = [("a restart", self._restart)]
        if self._board:
            ladder.insert(0, ("a reset of its agent", self._board.reset))
        if self._entry.power_cycle:
            ladder.append(("a power cycle", self._power_cycle))
        while True:
            means, bring_back = ladder.pop(0)
            try:
                bring_back()
                if self._model:
                    self._opened().deploy(self._model)
                    self._opened().select(selected)
                return means
            except HilError:
                if not ladder:
                    raise

    def _restart(self) -> None:
        self._stop()
        self._open_within(RETURN_SECONDS, gone=False)

    def _power_cycle(self) -> None:
        self._stop()
        self._say(f"{self._entry.name}: it does not come back; running its power_cycle command")
        power_cycle(self._entry)
        self._open_within(BOOT_SECONDS, gone=True)

    def _open_within(self, seconds: float, gone: bool) -> None:
        """Start the board. Wait for it if it is `gone`; errors of its link are expected until it is back.

        A board whose server on the network closes connections at once is gone too: its port has vanished.
        """
        deadline = Deadline.after(seconds)
        while True:
            try:
                self._check_presence()
                self._opened()
                return
            except (BoardAbsent, *INFRASTRUCTURE) as error:
                gone = gone or isinstance(error, BoardAbsent | ClosedAtOnce)
                if deadline.passed or not gone:
                    raise
            time.sleep(min(_POLL_SECONDS, deadline.left))

    def _check_presence(self) -> None:
        kind = registry.target(self._entry.target)
        if self._provenance is Provenance.HARDWARE and (why := kind.absent(self._entry)):
            raise BoardAbsent(why, board=self._entry.name)

    def _quarantine(self, error: HilError, when: str) -> BoardQuarantined:
        """Close the board and note that the rest of the run leaves it alone."""
        self._stop()
        remedy = error.text.partition("; ")[2] or "check the board and run again"
        text = f"quarantined for this run: {error.observation}, {when}; {remedy}"
        self._record.quarantined = BoardQuarantined(text, board=self._entry.name)
        return self._record.quarantined
