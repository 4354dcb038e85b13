"""A machine that runs shell scripts and stores files, whatever it is reached over: SSH, ADB."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import ClassVar, Protocol, Self

from hil.errors import BuildError, DeadlineError, LinkError
from hil.transports.deadline import Deadline

NOTICE_SECONDS = 0.5
"""By when a connection that is gone is known to be."""


class Session(Protocol):
    """A shell script that runs there. Raises `TimeoutError`, or what its machine calls `lost`."""

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Give it all of `data` as its input."""
        ...

    def end_input(self, deadline: Deadline) -> None:
        """Let it read no more."""
        ...

    def read(self, deadline: Deadline) -> bytes:
        """What it has written, at least one byte; none once there will be no more."""
        ...

    def complaint(self) -> bytes:
        """All that has come of its standard error so far."""
        ...

    def status(self, seconds: float) -> int | None:
        """Its exit status, if that is known by then; below 0 if it was killed, or the connection is lost."""
        ...

    def close(self) -> None:
        """Let go of it; twice is harmless."""
        ...


class Machine(ABC):
    """An open connection to one. `name` says in errors which."""

    name: str
    folder: ClassVar[str]
    """Where programs are kept there, as a shell takes it."""
    lost: ClassVar[tuple[type[Exception], ...]]
    """What is raised when a connection is gone, among other things."""
    lost_advice: ClassVar[str]
    barred_advice: ClassVar[str]
    """What to do where that folder lets no program run."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Close the connection and all that runs over it; twice is harmless."""

    @abstractmethod
    def alive(self) -> bool:
        """Whether the connection stands, after the time it takes to notice that it does not."""

    @abstractmethod
    def execute(self, script: str, deadline: Deadline) -> Session:
        """A POSIX shell script that runs there, to be talked to; to be called `within` the deadline."""

    @abstractmethod
    def put(self, data: bytes, path: str, deadline: Deadline) -> None:
        """Write a file. Raises `BuildError` if the machine refuses it, `SetupError` if it takes none."""

    def run(self, script: str, doing: str, deadline: Deadline) -> str:
        """What a POSIX shell script prints there. Raises `BuildError` with its complaint if it fails."""
        script = f"exec </dev/null\n{script}"
        with self.within(deadline, doing), closing(self.execute(script, deadline)) as session:
            out = b"".join(iter(lambda: session.read(deadline), b""))
            status, complaint = session.status(deadline.left), session.complaint()
            if status is None or status < 0:
                raise EOFError("it ended without an exit status")
        if status:
            says = complaint.decode(errors="replace").strip().partition("\n")[0]
            raise BuildError(f"{self.name} cannot {doing}: {says or f'exit status {status}'}")
        return out.decode(errors="replace")

    @contextmanager
    def within(self, deadline: Deadline, doing: str) -> Iterator[None]:
        """Says what became of the connection as `LinkError` or `DeadlineError`."""
        try:
            yield
        except self.lost as error:
            if deadline.passed:
                took = f"{self.name} took longer than {deadline.span:g} s to {doing}"
                raise DeadlineError(f"{took}; check its load and its network") from error
            said = getattr(error, "strerror", None) or str(error)
            words = said.partition("\n")[0].rstrip(": ") or type(error).__name__
            lost = f"{self.name} was lost as it was to {doing}: {words}"
            raise LinkError(f"{lost}; {self.lost_advice}") from error


def key_values(text: str) -> dict[str, str]:
    """The lines of the form `key=value`, but for empty values; others are a login script's."""
    rows = (line.partition("=") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in rows if value.strip()}
