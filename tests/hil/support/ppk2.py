"""Play a PPK2 behind a pseudo terminal, from a script, with faults that a real one has now and then.

It answers the commands of its protocol and sends as many words as its clock says are due. A current is turned
into a word by a calibration of its own: one step of the converter is one microampere in range 2.
"""

import os
import threading
import time
import tty
from collections.abc import Callable
from typing import Self

import numpy as np
from numpy.typing import NDArray

RATE = 100_000
RESISTANCE = 1.8 / 163_840 * 4 * 1e6
"""Ohms of range 2, with which one step is one microampere."""
METADATA = "".join(
    f"{name}{each}: {RESISTANCE if name == 'R' else float(name in ('GI', 'UG'))}\n"
    for name in ("R", "GS", "GI", "O", "S", "I", "UG")
    for each in range(5)
)


def words(
    microamperes: NDArray[np.int64], first: int = 0, logic: NDArray[np.int64] | int = 0
) -> NDArray[np.uint32]:
    """Return words of range 2, uint32 [n].

    Args:
        microamperes: Current of each sample, [n].
        first: Number of the first sample.
        logic: The eight logic inputs, one number or [n].
    """
    counter = (np.arange(len(microamperes)) + first) & 0x3F
    found = microamperes | 2 << 14 | counter << 18 | np.asarray(logic, np.int64) << 24
    return found.astype("<u4")


class Ppk2:
    """A PPK2 whose `port` the host opens.

    Args:
        microamperes: Returns the currents of a part: takes the number of its first sample, and how many.
        metadata: Its metadata, without END.
        loses: Words that never arrive, one out of so many; 0 for none.
        share: Share of the due words that it sends.
        stops: Whether it obeys a stop.
    """

    def __init__(
        self,
        microamperes: Callable[[int, int], NDArray[np.int64]] = lambda first, n: np.full(n, 5000),
        metadata: str = METADATA,
        loses: int = 0,
        share: float = 1.0,
        stops: bool = True,
    ) -> None:
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.port, self._slave = os.ttyname(slave), slave
        self._microamperes, self._metadata, self._loses, self._share = microamperes, metadata, loses, share
        self._stops = stops
        self.heard: list[bytes] = []
        self._began: float | None = None
        self._sent = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        os.set_blocking(self._master, False)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.vanish()

    def vanish(self) -> None:
        """Close the port, as if the cable were pulled; a second call is harmless."""
        if not self._ended.is_set():
            self._ended.set()
            self._thread.join()
            for end in (self._master, self._slave):
                os.close(end)

    def _run(self) -> None:
        waiting = b""
        while not self._ended.wait(0.002):
            for command in self._commands():
                self.heard.append(command)
                if command[0] == 0x19:
                    waiting += self._metadata.encode() + b"END\n"
                elif command[0] == 0x06:
                    self._began, self._sent = time.monotonic(), 0
                elif command[0] == 0x07 and self._stops and self._began is not None:
                    waiting += self._due()
                    self._began = None
            waiting += self._due()
            try:
                waiting = waiting[os.write(self._master, waiting) :] if waiting else b""
            except BlockingIOError:
                continue

    def _due(self) -> bytes:
        """Return the words since the last call."""
        if self._began is None:
            return b""
        n = int((time.monotonic() - self._began) * RATE * self._share) - self._sent
        first, self._sent = self._sent, self._sent + n
        found = words(self._microamperes(first, n), first)
        return (np.delete(found, slice(None, None, self._loses)) if self._loses else found).tobytes()

    def _commands(self) -> list[bytes]:
        try:
            data = os.read(self._master, 64)
        except BlockingIOError:
            return []
        sizes, found = {0x0D: 3, 0x0C: 2, 0x11: 2}, []
        while data:
            size = sizes.get(data[0], 1)
            found.append(data[:size])
            data = data[size:]
        return found
