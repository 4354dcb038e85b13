"""Keep a run in its store as its tests end, or on this machine while the server of the store is away.

A file of SQLite that cannot be used ends the keeping. A server may be stopped, restarted or cut off during a
night. The run then goes on in a file of this machine, which is sent when the server answers.
"""

from collections.abc import Sequence
from contextlib import ExitStack

from hil.errors import StoreError
from hil.results.limit import Limit
from hil.results.measurement import Measurement
from hil.results.run import BoardIdentity, Run, TestOutcome
from hil.results.store import EndedTest, Sent, Writer, kept_here, open_store, send, server_name
from hil.suite.ending import Ending, Place
from reds.commands import missing_extra

PATIENCE_SECONDS = 10.0
"""Longest time that a server may take for one statement before the run goes on without it."""
_SEND = "`hil results send`"
Fault = StoreError | ModuleNotFoundError


class KeptRun:
    """A run that is kept as it goes.

    Attributes:
        run: The run.
        opened: Whether its store could be opened.
    """

    def __init__(self, where: str | None, run: Run) -> None:
        """Begin the run in a store, or on this machine if the store is on a server that cannot be used.

        Args:
            where: The store, as `open_store` takes it.
            run: The run.
        """
        self.run = run
        self.opened = False
        self._where = where
        self._server = where if where is not None and "://" in where else ""
        """The URL of the store, empty if it is a file."""
        self._name = ""
        self._fault: Fault | None = None
        """The first error of the store; None if it has answered always."""
        self._sent: list[Sent] = []
        self._so_far: list[EndedTest] = []
        """All that a server was told, as it may lose it."""
        self._open = ExitStack()
        self._writer: Writer | None = None
        self._here = False
        try:
            store = self._open.enter_context(open_store(where, patience=PATIENCE_SECONDS))
            self.opened, self._name = True, store.name
            if self._server:
                self._sent.append(send(store, seconds=PATIENCE_SECONDS))
            self._writer = store.begin(run)
        except (StoreError, ModuleNotFoundError) as error:
            self._lose(error)

    def test_ended(
        self,
        test: TestOutcome,
        board: BoardIdentity | None,
        measured: Sequence[Measurement],
        held: Sequence[Limit],
    ) -> None:
        """Keep a test that ended, as `Writer.test_ended` does; an error is told at the end of the run."""
        if self._server and not self._here:
            self._so_far.append(EndedTest(test, board, measured, held))
        if self._writer:
            try:
                self._writer.test_ended(test, board, measured, held)
            except StoreError as error:
                self._lose(error)

    def end(self, status: str) -> Ending:
        """Keep how the run ended, one of `hil.results.run.STATUSES`, and send it if it waits here."""
        while self._writer:
            try:
                self._writer.end(status)
                self.run = self._writer.run
                break
            except StoreError as error:
                self._lose(error)
        self._open.close()
        if self._writer is None:
            return Ending(Place.NOWHERE, self._notes(), _told(self._fault))
        if self._here and not self._send():
            return self._waits()
        late = f"; it was sent at its end, as {_observed(self._fault)}" if self._fault else ""
        return Ending(Place.STORE, (f"run: {self.run.id} in {self._name}{late}", *self._notes()), "")

    def _send(self) -> bool:
        """Send the run, and others that wait; return whether this one was sent."""
        try:
            with open_store(self._where, patience=PATIENCE_SECONDS) as store:
                self._name = store.name
                sent = send(store)
        except (StoreError, ModuleNotFoundError) as error:
            self._fault = error  # the last one says what to mend
            return False
        self._sent.append(sent)
        self._fault = sent.faults.get(self.run.id, self._fault)
        return self.run.id in sent.sent

    def _waits(self) -> Ending:
        """Return the end of a run that waits here. A server that refuses it must be mended, so that fails."""
        if isinstance(self._fault, StoreError) and self._fault.gone:
            later = f"the next run with this store sends it, and {_SEND} does"
            note = f"run: {self.run.id} is kept on this machine, as {_observed(self._fault)}; {later}"
            return Ending(Place.HERE, (note, *self._notes()), "")
        fault = _told(self._fault)
        note = f"ERROR: {fault}; run {self.run.id} is kept on this machine: mend this, then {_SEND}"
        return Ending(Place.HERE, (note, *self._notes()), fault)

    def _notes(self) -> tuple[str, ...]:
        """Return what became of earlier runs that waited here."""
        sent = {run_id for each in self._sent for run_id in each.sent} - {self.run.id}
        faults = [item for each in self._sent for item in each.faults.items()]
        left = dict.fromkeys(str(fault) for run_id, fault in faults if run_id not in {*sent, self.run.id})
        some = [f"earlier runs sent to {self._name}: {len(sent)}"] if sent else []
        return (*some, *(f"WARNING: an earlier run is still on this machine: {fault}" for fault in left))

    def _lose(self, error: Fault) -> None:
        """Go on without the store: on this machine if it is a server, with all tests that have ended."""
        self._open.close()
        self._fault, self._writer = self._fault or error, None
        if not self._server or self._here:
            return
        self._here = True
        try:
            store = self._open.enter_context(kept_here(server_name(self._server), self.run.id))
            self._writer = store.begin(self.run, self._so_far)
        except StoreError:
            self._open.close()
        self._so_far = []


def _told(fault: Fault | None) -> str:
    """Return the text of a fault with its remedy."""
    return (isinstance(fault, ModuleNotFoundError) and missing_extra(fault)) or str(fault)


def _observed(fault: Fault | None) -> str:
    """Return the text of a fault without its remedy: in time it mends itself."""
    return f"{fault.store}: {fault.observation}" if isinstance(fault, StoreError) else _told(fault)
