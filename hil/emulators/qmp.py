"""Talk to QEMU's monitor: JSON commands over a private socket, each with a deadline."""

import json
import socket
from collections.abc import Callable
from typing import Any, Self

from hil.errors import EmulatorError
from hil.transports.deadline import Deadline

_LINE_BYTES = 1 << 20
"""Most bytes of one message."""


class Monitor:
    """The monitor of one QEMU process (QMP 2.x), which inherits the descriptor `theirs` when it starts."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._buffer = b""

    @property
    def theirs(self) -> int:
        """Return QEMU's descriptor."""
        return self._theirs.fileno()

    @property
    def arguments(self) -> list[str]:
        """Return the arguments of QEMU's command line for the monitor."""
        return ["-chardev", f"socket,id=monitor,fd={self.theirs}", "-mon", "chardev=monitor,mode=control"]

    def greet(self, deadline: Deadline) -> None:
        """Read the greeting, once QEMU has started."""
        self._theirs.close()  # else the end of QEMU would go unnoticed
        self.wait(lambda said: "QMP" in said, deadline)
        self.ask("qmp_capabilities", deadline)

    def ask(
        self, command: str, deadline: Deadline, descriptor: int | None = None, /, **arguments: Any
    ) -> Any:
        """Send a command, with an open file or without one, and return its result.

        Args:
            command: Name of the command.
            deadline: When the result must have arrived.
            descriptor: The open file to pass.
            arguments: Arguments of the command.

        Raises:
            EmulatorError: No result arrived in time, or QEMU refused the command.
        """
        line = json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n"
        try:
            self._ours.settimeout(max(deadline.left, 0.001))
            if descriptor is None:
                self._ours.sendall(line)
            else:
                socket.send_fds(self._ours, [line], [descriptor])
        except OSError as error:
            raise EmulatorError(f"its monitor does not accept {command}: {error}") from error
        said = self.wait(lambda said: "return" in said or "error" in said, deadline)
        if "error" in said:
            raise EmulatorError(f"its monitor refuses {command}: {said['error'].get('desc')}")
        return said["return"]

    def wait(self, wanted: Callable[[dict[str, Any]], bool], deadline: Deadline) -> dict[str, Any]:
        """Return the next message that `wanted` accepts. Raises `EmulatorError` if none arrives in time."""
        while True:
            line, end, rest = self._buffer.partition(b"\n")
            if end:
                self._buffer = rest
                if wanted(said := _message(line)):
                    return said
                continue
            if deadline.passed or len(line) > _LINE_BYTES:
                raise EmulatorError(f"its monitor gave no result within {deadline.span:g} s")
            try:
                self._ours.settimeout(max(deadline.left, 0.001))
                more = self._ours.recv(1 << 16)
            except OSError as error:
                raise EmulatorError(f"its monitor was silent for {deadline.span:g} s") from error
            if not more:
                raise EmulatorError("QEMU has ended")
            self._buffer += more

    def close(self) -> None:
        """Close both ends of the socket."""
        self._ours.close()
        self._theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _message(line: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except (ValueError, TypeError, RecursionError) as error:
        raise EmulatorError(f"its monitor does not speak QMP: {error}") from error
