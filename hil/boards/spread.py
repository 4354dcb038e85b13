"""Spread the inferences of an emulated board over several emulators of it.

An output does not depend on the emulator that computes it. Counts are taken on the board of the run alone.
Each further emulator lives for one call, takes batches that nobody has taken, and ends with the call.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from threading import Condition, Thread

import numpy as np
from numpy.typing import NDArray

from hil.boards.board import Advance, Board, Outputs
from hil.errors import HilError
from reds.pack.model import Model

Start = Callable[[], AbstractContextManager[Board]]
"""Starts one more emulator of a board."""


def infer_each(
    board: Board,
    more: int,
    start: Start,
    model: Model,
    subnets: Sequence[int],
    x: NDArray[np.int8],
    advance: Advance,
    say: Callable[[str], None],
) -> list[Outputs]:
    """Run several subnets on the same inputs, as `Board.infer_each`, with the help of more emulators.

    The board does what an emulator that fails leaves over.

    Args:
        board: The emulated board, with the model deployed.
        more: Number of emulators beside it.
        start: Starts one of them.
        model: The deployed model.
        subnets: Indices of the subnets.
        x: int8 [N, input] in [-127, 127].
        advance: Called with the number of inputs that are done.
        say: Shows the user that an emulator failed.

    Returns:
        The outputs of each subnet, int8 [N, output].
    """
    batches = _Batches(list(board.batches(subnets, x)), advance)
    failed: list[str] = []

    def help_out(core: int | None) -> None:
        if core is not None:
            os.sched_setaffinity(0, {core})  # of this thread, and of the emulator that it starts
        try:
            with start() as helper:
                helper.deploy(model)
                batches.work(helper, subnets)
        except HilError as error:
            failed.append(error.observation)
        except BaseException as error:
            batches.fail(error)

    helpers = [Thread(target=help_out, args=(core,), daemon=True) for core in _other_cores(more)]
    try:
        for helper in helpers:
            helper.start()
        batches.work(board, subnets)
    finally:
        batches.end()
        for helper in helpers:
            helper.join()
    for observation in failed:  # here, as only the main thread may write past pytest's capturing
        say(f"{board.name}: one more emulator failed: {observation}; its work was done by the others")
    return batches.outputs()


class _Batches:
    """Batches of inputs, each computed once, by whoever is free."""

    def __init__(self, inputs: Sequence[Outputs], advance: Advance) -> None:
        self._inputs, self._advance = inputs, advance
        self._waiting = list(range(len(inputs)))[::-1]
        self._done: dict[int, list[Outputs]] = {}
        self._changed = Condition()
        self._defect: BaseException | None = None
        self._ended = False

    def work(self, board: Board, subnets: Sequence[int]) -> None:
        """Compute batches on a board until all are done."""
        while (index := self._take()) is not None:
            try:
                computed = board.infer_each(subnets, self._inputs[index])
            except BaseException:
                self._put_back(index)
                raise
            with self._changed:
                self._done[index] = computed
                self._advance(sum(len(self._inputs[each]) for each in self._done))
                self._changed.notify_all()

    def fail(self, defect: BaseException) -> None:
        """Let `work` raise an error that no board and no emulator explains."""
        with self._changed:
            self._defect = defect
            self._changed.notify_all()

    def end(self) -> None:
        """Let nobody take another batch."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def outputs(self) -> list[Outputs]:
        """Return the outputs of each subnet on all inputs."""
        if self._defect:  # which came when nobody waited any more
            raise self._defect
        parts = [self._done[index] for index in range(len(self._inputs))]
        return [np.concatenate(of_subnet) for of_subnet in zip(*parts, strict=True)]

    def _take(self) -> int | None:
        """Return a batch, once one waits; None if all are done."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._waiting or self._defect or self._ended or len(self._done) == len(self._inputs)
            )
            if self._defect:
                raise self._defect
            return None if self._ended or not self._waiting else self._waiting.pop()

    def _put_back(self, index: int) -> None:
        with self._changed:
            self._waiting.append(index)
            self._changed.notify_all()


def usable_cores() -> list[int]:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _other_cores(count: int) -> list[int | None]:
    """Return a core for each of so many emulators, beginning after that of the board, as QEMU chooses it."""
    cores = usable_cores()
    if not hasattr(os, "sched_setaffinity"):
        return [None] * count
    return [cores[(os.getpid() + each) % len(cores)] for each in range(1, count + 1)]
