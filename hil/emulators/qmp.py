"""QEMU's monitor: commands in JSON over a socket that no one else can open, each with a deadline."""

import json
import socket
from collections.abc import Callable
from typing import Any, Self

from hil.errors import EmulatorError
from hil.transports.deadline import Deadline


class Monitor:
    """The monitor of one QEMU, which is given the descriptor `theirs` and then started. QMP 2.x."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._buffer = b""

    @property
    def theirs(self) -> int:
        """The descriptor for QEMU."""
        return self._theirs.fileno()

    @property
    def arguments(self) -> list[str]:
        """What QEMU's command line says of it."""
        return ["-chardev", f"socket,id=monitor,fd={self.theirs}", "-mon", "chardev=monitor,mode=control"]

    def greet(self, deadline: Deadline) -> None:
        """Begin, once QEMU has its end."""
        self._theirs.close()  # or its end would not be noticed
        self.wait(lambda said: "QMP" in said, deadline)
        self.ask("qmp_capabilities", deadline)

    def ask(
        self, command: str, deadline: Deadline, descriptor: int | None = None, /, **arguments: Any
    ) -> Any:
        """The answer to a command, given with a descriptor or without one.

        Raises `EmulatorError` if there is none in time, or if it is an error.
        """
        line = json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n"
        try:
            self._ours.settimeout(max(deadline.left, 0.001))
            if descriptor is None:
                self._ours.sendall(line)
            else:
                socket.send_fds(self._ours, [line], [descriptor])
        except OSError as error:
            raise EmulatorError(f"its monitor does not take {command}: {error}") from error
        said = self.wait(lambda said: "return" in said or "error" in said, deadline)
        if "error" in said:
            raise EmulatorError(f"its monitor refuses {command}: {said['error'].get('desc')}")
        return said["return"]

    def wait(self, wanted: Callable[[dict[str, Any]], bool], deadline: Deadline) -> dict[str, Any]:
        """The next message that is wanted. Raises `EmulatorError` if none comes in time."""
        while True:
            line, end, rest = self._buffer.partition(b"\n")
            if end:
                self._buffer = rest
                if wanted(said := json.loads(line)):
                    return dict(said)
                continue
            try:
                self._ours.settimeout(max(deadline.left, 0.001))
                more = self._ours.recv(1 << 16)
            except OSError as error:
                raise EmulatorError(f"its monitor says nothing for {deadline.span:g} s") from error
            if not more:
                raise EmulatorError("it has ended")
            self._buffer += more

    def close(self) -> None:
        """Let go of it."""
        self._ours.close()
        self._theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
