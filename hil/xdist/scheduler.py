"""Schedule different boards at once under pytest-xdist: all tests of a board go to one worker.

So each board is started, deployed and measured once, and no `--dist` is needed. The lease, not the scheduler,
prevents that two runs use one board.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from hil.xdist.plan import Plan, read

if TYPE_CHECKING:
    from xdist.scheduler.protocol import Scheduling
    from xdist.workermanage import WorkerController

ALONE = ("desktop",)
"""Targets whose times are of this machine: they are benched after everything else."""

Unit = list[int]
"""Tests for one worker, as indices into the collection."""


class Chooser:
    """Uses xdist's own scheduler until the workers have collected, then `Boards` if a test uses a board."""

    def __init__(self, config: pytest.Config, usual: "Scheduling") -> None:
        self._config = config
        self._usual = self._chosen = usual
        self._collections: dict[WorkerController, list[str]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chosen, name)

    def add_node_collection(self, node: "WorkerController", collection: Sequence[str]) -> None:
        """Take the collection of a worker."""
        self._collections[node] = list(collection)
        self._chosen.add_node_collection(node, collection)

    def schedule(self) -> None:
        """Hand out tests. Raises `UsageError` if tests are put to boards and the run cannot be set up."""
        first, *others = self._collections.values()
        alike = all(collection == first for collection in others)  # else it is the usual one that complains
        if self._chosen is self._usual and alike and (plan := read(self._config)):
            announce(self._config, plan)
            nodes = self._usual.nodes
            self._chosen = Boards(first, *units(plan.tests, first, len(nodes)))
            for node in nodes:
                self._chosen.add_node(node)
                self._chosen.add_node_collection(node, first)
        self._chosen.schedule()


def announce(config: pytest.Config, plan: Plan) -> None:
    """Print what will be benched. Raises `UsageError` if the run cannot be set up."""
    if plan.error:
        raise pytest.UsageError(plan.error)
    if terminal := config.pluginmanager.getplugin("terminalreporter"):
        terminal.ensure_newline()
        for line in plan.lines:
            terminal.write_line(line)


def units(
    tests: Mapping[str, tuple[str, str]], collection: Sequence[str], workers: int
) -> tuple[list[Unit], list[Unit]]:
    """Split a collection into units, and units that must run alone.

    The tests of a board are one unit. These units come first, because they take long. Units of other tests
    keep the order of the collection and become smaller: at first few workers repeat a fixture, and at the end
    no worker waits long for the last.

    Args:
        tests: Board and target of each test that uses a board, by its node id.
        collection: Node ids of all tests.
        workers: Number of workers.
    """
    of_board: dict[tuple[str, str], Unit] = {}
    others: Unit = []
    for index, test in enumerate(collection):
        (of_board.setdefault(tests[test], []) if test in tests else others).append(index)
    alone = [unit for (_, target), unit in of_board.items() if target in ALONE]
    together = [unit for (_, target), unit in of_board.items() if target not in ALONE]
    while others:
        size = max(1, len(others) // (4 * workers))
        together.append(others[:size])
        others = others[size:]
    return together, alone


class Boards:
    """Schedules units: a worker with fewer than two tests left gets the next unit.

    pytest-xdist starts a test only once it knows the next one, or that there is none. When all other units
    are handed out, one worker is kept for the units that must run alone, until the other workers have ended.
    """

    collection_is_completed = True

    def __init__(self, collection: Sequence[str], together: Iterable[Unit], alone: Iterable[Unit]) -> None:
        self._collection = list(collection)
        self._together, self._alone = deque(together), deque(alone)
        self._left: dict[WorkerController, Unit | None] = {}
        """Tests that each worker has left; None for a worker that has not collected yet."""

    @property
    def nodes(self) -> list["WorkerController"]:
        """Return all workers."""
        return list(self._left)

    @property
    def tests_finished(self) -> bool:
        """Return whether no worker waits for another unit."""
        return not (self._together or self._alone or any(len(left or ()) > 1 for left in self._left.values()))

    @property
    def has_pending(self) -> bool:
        """Return whether any test has not ended."""
        return bool(self._together or self._alone or any(self._left.values()))

    def add_node(self, node: "WorkerController") -> None:
        """Add a worker."""
        self._left[node] = None

    def add_node_collection(self, node: "WorkerController", collection: Sequence[str]) -> None:
        """Take the collection of a worker; a replacement that collected other tests is shut down."""
        if list(collection) == self._collection:
            self._left[node] = []
        else:
            node.shutdown()

    def mark_test_complete(self, node: "WorkerController", item_index: int, duration: float = 0) -> None:
        """Note the end of a test."""
        left = self._left[node]
        assert left is not None
        left.remove(item_index)
        self.schedule()

    def mark_test_pending(self, item: str) -> None:
        """Refuse: no test is repeated."""
        raise NotImplementedError

    def remove_pending_tests_from_node(self, node: "WorkerController", indices: Sequence[int]) -> None:
        """Refuse: no test is taken back."""
        raise NotImplementedError

    def remove_node(self, node: "WorkerController") -> str | None:
        """Remove a worker; return the test that it crashed in, and hand its other tests to another worker."""
        left = self._left.pop(node) or []
        if rest := left[1:]:
            self._together.appendleft(rest)
        self.schedule()
        return self._collection[left[0]] if left else None

    def schedule(self) -> None:
        """Hand out units to the workers that need tests."""
        for node in self._working():
            self._give(node, self._together)
        if self._together:
            return
        kept = self._working()[: bool(self._alone)]
        for node in self._working():
            if node not in kept:
                node.shutdown()
        if kept and kept == self.nodes:
            self._give(kept[0], self._alone)
            if not self._alone:
                kept[0].shutdown()

    def _working(self) -> list["WorkerController"]:
        return [node for node in self._left if not node.shutting_down]

    def _give(self, node: "WorkerController", queue: deque[Unit]) -> None:
        left = self._left[node]
        while queue and left is not None and len(left) < 2:
            left += queue[0]
            node.send_runtest_some(queue.popleft())
