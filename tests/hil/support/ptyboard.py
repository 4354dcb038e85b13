"""Play a Nano on a serial port: the real agent, built for this machine, behind a pseudo terminal."""

import os
import tty
from pathlib import Path
from typing import Self

from hil.firmware import build
from hil.lifetime.child import Child


def nano_agent() -> Path:
    """Return an agent for this machine that reports a Nano as its board."""
    return build.agent("desktop", board="nano33ble")


class PtyBoard:
    """A board whose `port` the host opens. Without an agent it is silent."""

    def __init__(self, agent: Path | None = None) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._process = None
        if agent is not None:
            self._process = Child([str(agent)], stdin=self._master, stdout=self._master)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.vanish()

    def vanish(self) -> None:
        """Close the port, as if the cable were pulled; a second call is harmless."""
        if self._process is not None:
            self._process.end()
            self._process = None
        for end in ("_master", "_slave"):
            if getattr(self, end) >= 0:
                os.close(getattr(self, end))
                setattr(self, end, -1)
