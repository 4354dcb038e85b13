"""Run shell scripts and store files on another machine, over SSH or ADB."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import ClassVar, Protocol, Self

from hil.errors import BuildError, DeadlineError, LinkError, ProtocolError
from hil.transports.deadline import Deadline
from reds.text import printable

NOTICE_SECONDS = 0.5
"""Seconds within which a lost stream is detected."""
MOST_OUTPUT, MOST_ERRORS = 1 << 20, 1 << 16
"""Most bytes that a script may print, and most of its standard error that are kept."""
Run = Callable[[str], str]
"""Runs a POSIX shell script on a machine and returns its output."""
_ENDED = re.compile(rb"reds-hil ended (\d{1,3})\n")
"""The line that ends the output of a script, with its exit status."""
_LONGEST_END = 20


class Session(Protocol):
    """A shell script that runs on the machine. Raises `TimeoutError`, or an error in the machine's `lost`."""

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Write all of `data` to the standard input of the script."""
        ...

    def end_input(self, deadline: Deadline) -> None:
        """End the standard input of the script."""
        ...

    def read(self, deadline: Deadline) -> bytes:
        """Return at least one byte of standard output, or none at its end."""
        ...

    def stderr(self) -> bytes:
        """Return the standard error that has arrived so far."""
        ...

    def status(self, seconds: float) -> int | None:
        """Return the exit status, or None if it is unknown after `seconds`.

        It is negative if a signal ended the script, or the stream to it was lost.
        """
        ...

    def close(self) -> None:
        """Release the session; closing it twice is harmless."""
        ...


class Machine(ABC):
    """An open login on a machine. `name` names it in errors."""

    name: str
    folder: ClassVar[str]
    """Folder of the programs, quoted for the machine's shell."""
    lost: ClassVar[tuple[type[Exception], ...]]
    """Errors that a lost stream raises, among others."""
    lost_advice: ClassVar[str]
    barred_advice: ClassVar[str]
    """Remedy if no program may run in that folder."""
    folder_advice: ClassVar[str]
    """Remedy if that folder cannot be made or written."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Close the login and everything that runs over it; closing it twice is harmless."""

    @abstractmethod
    def serial(self, deadline: Deadline) -> str:
        """Return the identity of this machine: its host key or serial number; empty if unknown."""

    @abstractmethod
    def alive(self) -> bool:
        """Return whether the login still works, after waiting long enough to notice that it does not."""

    @abstractmethod
    def execute(self, script: str, deadline: Deadline) -> Session:
        """Start a POSIX shell script. Call it `within` the deadline."""

    @abstractmethod
    def put(self, data: bytes, path: str, deadline: Deadline) -> None:
        """Write a file.

        Args:
            data: Content of the file.
            path: Path on the machine.
            deadline: Limit of the whole transfer.

        Raises:
            BuildError: The machine refuses the file.
            SetupError: The machine cannot store files.
        """

    def run(
        self, script: str, doing: str, deadline: Deadline, remedy: str = "log in by hand and find out why"
    ) -> str:
        """Run a POSIX shell script and return its standard output.

        Args:
            script: The script, which reads no input.
            doing: The verb phrase for errors, such as "store a file".
            deadline: When the script must have ended.
            remedy: What to do if the script fails.

        Raises:
            BuildError: The script failed; the text has the first line of its standard error.
            ProtocolError: The script printed more than `MOST_OUTPUT` bytes.
        """
        script = f"(exec </dev/null\n{script}\n)\necho reds-hil ended $?"
        with self.within(deadline, doing), closing(self.execute(script, deadline)) as session:
            out = bytearray()
            # A program that a login script started may hold standard output open after the script.
            ended: re.Match[bytes] | None = None
            while ended is None and (data := session.read(deadline)):
                out += data
                ended = _ENDED.search(out, max(0, len(out) - len(data) - _LONGEST_END))
                if len(out) > MOST_OUTPUT:
                    prints = f"{self.name} printed more than {MOST_OUTPUT:,} bytes when asked to {doing}"
                    raise ProtocolError(f"{prints}; check what its shell prints at a login")
            status = int(ended[1]) if ended else session.status(deadline.left)
            if status is None or status < 0:
                raise EOFError("the script ended without an exit status")
            if status:
                session.status(NOTICE_SECONDS)  # standard error has arrived when the session ends
                reason = first_line(session.stderr()) or f"exit status {status}"
                raise BuildError(f"{self.name} cannot {doing}: {reason}; {remedy}")
        return out[: ended.start() if ended else None].decode(errors="replace")

    @contextmanager
    def within(self, deadline: Deadline, doing: str) -> Iterator[None]:
        """Turn errors of a lost stream into `LinkError` or `DeadlineError`."""
        try:
            yield
        except self.lost as error:
            if deadline.passed:
                took = f"{self.name} took longer than {deadline.span:g} s to {doing}"
                raise DeadlineError(f"{took}; check its load and its network") from error
            text = getattr(error, "strerror", None) or str(error)
            reason = printable(text.partition("\n")[0].rstrip(": ")) or type(error).__name__
            lost = f"{self.name} was lost when asked to {doing}: {reason}"
            raise LinkError(f"{lost}; {self.lost_advice}") from error


def first_line(text: bytes) -> str:
    """Return the first line of what a script printed, as an error shows it."""
    return printable(text.decode(errors="replace").strip().partition("\n")[0])


def key_values(text: str) -> dict[str, str]:
    """Parse the lines `key=value`; ignore empty values, and other lines, which login scripts print."""
    rows = (line.partition("=") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in rows if value.strip()}
