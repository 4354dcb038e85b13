"""A board on a pseudo terminal: the real agent, built for this machine, plays a Nano on a serial port."""

import os
import subprocess
import tty
from pathlib import Path
from typing import Self

from hil.firmware import build


def nano_agent() -> Path:
    """An agent for this machine that says it runs on a Nano."""
    return build.agent("desktop", board="nano33ble")


class PtyBoard:
    """`port` is what the host opens. Without an agent the board is silent."""

    def __init__(self, agent: Path | None = None) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._process = None
        if agent is not None:
            self._process = subprocess.Popen([str(agent)], stdin=self._master, stdout=self._master)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.vanish()

    def vanish(self) -> None:
        """Pull the cable. Twice is harmless."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        for end in ("_master", "_slave"):
            if getattr(self, end) >= 0:
                os.close(getattr(self, end))
                setattr(self, end, -1)
