"""Ask a lab for a place, and keep asking in a process that ends with this one.

labgrid forgets a reservation that nobody has asked about for a minute. `labgrid-client reserve --wait` asks
every second until a place is allocated. So a reservation that no place can fill is the sign of life of its
owner, which runs on other machines can see.
"""

import os
import re
import select
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

from hil.errors import LabError
from hil.lab.client import CALL_SECONDS, Client
from hil.transports.deadline import Deadline

ALIVE = "reds_hil_alive"
"""Tag that signs of life ask for. No place has it."""
_TOKEN = re.compile(r"export LG_TOKEN=(\w+)\n")


class Reserving:
    """A reservation, and the process that asks until a place is allocated for it.

    Args:
        client: Calls for the owner.
        tags: Tags that the place must have.
    """

    def __init__(self, client: Client, tags: Mapping[str, str]) -> None:
        self._client = client
        self._deadline = Deadline.after(CALL_SECONDS)
        words = (f"{key}={value}" for key, value in tags.items())
        self._process = client.start("reserve", "--wait", "--shell", *words)
        self._output = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Cancel the reservation, and end the process. Raises `LabError` if the lab is gone."""
        try:
            cancel(self._client, self.token)  # the process may only now have made the reservation
        finally:
            self._process.end()

    @property
    def token(self) -> str:
        """Return the token, once it is printed. Raises `LabError` if the coordinator does not answer."""
        stream = self._process.stdout
        assert stream is not None
        while not (found := _TOKEN.search(self._output)):
            if not select.select([stream], [], [], self._deadline.left)[0]:
                raise self._client.unreachable(f"no answer within {self._deadline.span:g} s")
            data = os.read(stream.fileno(), 1 << 16)
            if not data:
                raise self._client.refused(self._output)
            self._output += data.decode(errors="replace")
        return found[1]

    @property
    def asking(self) -> bool:
        """Return whether the process still asks; it ends with the lab too."""
        return self._process.poll() is None

    def allocated(self, seconds: float) -> bool:
        """Wait until the process ends, and return whether it did. Raises `LabError` if the lab is gone."""
        with suppress(subprocess.TimeoutExpired):
            if self._process.wait(max(seconds, 0.001)):
                raise self.error()
            return True
        return False

    def error(self) -> LabError:
        """Return the error that an ended process has printed."""
        stream = self._process.stdout
        assert stream is not None
        if not stream.closed:
            self._output += os.read(stream.fileno(), 1 << 16).decode(errors="replace")
        return self._client.refused(self._output)


def cancel(client: Client, token: str) -> None:
    """Cancel a reservation, which may have ended meanwhile. Raises `LabError` if the lab is gone."""
    try:
        client.call("cancel-reservation", token)
    except LabError as error:
        if not error.said:
            raise
