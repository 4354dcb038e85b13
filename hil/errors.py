"""Define the errors of hil. A figure out of bounds is no error but a failed test.

    HilError
    |-- SetupError              the bench cannot be set up as asked; nothing was measured
    |   |-- BoardsFileError     boards.toml is missing or invalid, or names a board that cannot be used
    |   |-- UnknownTarget       no module in hil/boards/targets opens boards of this target
    |   |-- BoardAbsent         the board is not connected, and emulation was not asked for
    |   |-- BoardBusy           another run holds the lease of the board
    |   |-- LeaseError          this machine has no file to lock for the lease
    |   |-- LabError            the coordinator of a lab cannot be reached, or refuses
    |   |-- BuildError          the agent cannot be built, stored or uploaded
    |   |-- EmulatorError       the emulator is missing, or cannot be set up
    |   |   `-- EmulatorStopped the emulator was started, but ended or was not ready in time
    |   |-- HostKeyError        the host key of a machine is unknown, or not the expected one
    |   |-- LoginError          a machine accepts none of our keys, or runs none of our commands
    |   |-- MeterError          the meter of a board is missing, lost, or reports what cannot be true
    |   |-- UnfitError          the board does not reach the conditions in boards.toml, such as a temperature
    |   |-- BaselineError       the figures of a baseline cannot be compared with those of this run
    |   |-- ResultsError        the results file cannot be read or written
    |   |-- TraceError          a trace of resources cannot be read, or its settings cannot be used
    |   |-- ComparisonError     two runs are not on like boards; nothing was compared
    |   `-- StoreError          the store of runs cannot be opened, read or written, or has no such run
    |-- LinkError               the board is lost: the port is gone, the agent ended, or as below
    |   |-- DeadlineError       no answer within the time of the request
    |   |-- LeaseLost           a lab no longer keeps a board for this run
    |   |-- BoardQuarantined    the board was lost twice in a run, and is left alone for the rest of it
    |   `-- ProtocolError       the bytes that arrived do not follow the protocol, or cannot be true
    |       |-- FrameError      a frame is damaged; only such a request is sent again
    |       `-- VersionError    the agent speaks another version of the protocol
    |-- AgentError              the agent refused a request; `code` is the fault
    |-- NotMeasurable           the board cannot measure this; the text has the reason
    |-- PackRefused             the pack does not fit the board; nothing was sent
    |-- GovernorRefused         a governor takes no such rules, costs or resources
    |-- InputsRefused           the inputs do not fit the pack; nothing was sent
    `-- UnknownSubnet           the deployed pack has no such subnet

The text of an error states the observation and, after a semicolon, the remedy.
"""

from pathlib import Path


class HilError(Exception):
    """Base of the errors of hil. A text starts with the name of the board that it concerns.

    Attributes:
        text: The message without the board's name.
        board: Name of the board in boards.toml, empty if the error concerns no board.
    """

    def __init__(self, text: str, *, board: str = "") -> None:
        super().__init__(text)
        self.text = _one_line(text)
        self.board = _one_line(board)

    def __str__(self) -> str:
        return f"{self.board}: {self.text}" if self.board else self.text

    @property
    def observation(self) -> str:
        """Return the text without its remedy, for an error that has a better remedy."""
        return self.text.partition("; ")[0]


class SetupError(HilError):
    """The bench cannot be set up as asked."""


class BoardsFileError(SetupError):
    """A boards file cannot be used, or one of its boards cannot be used as it is described.

    Attributes:
        file: The boards file, None if the entry was made by other means.
        key: The key of boards.toml that is wrong, empty if none is.
    """

    def __init__(self, text: str, *, file: Path | None = None, board: str = "", key: str = "") -> None:
        super().__init__(text, board=board)
        self.file = file
        self.key = key

    def __str__(self) -> str:
        if self.file is None:
            return super().__str__()
        board = f"board {self.board!r}: " if self.board else ""
        return f"{_one_line(str(self.file))}: {board}{self.text}"


class UnknownTarget(SetupError):  # noqa: N818, it names a state of the bench, not a bug
    """No module opens boards of this target."""


class BoardAbsent(SetupError):  # noqa: N818, it names a state of the bench, not a bug
    """The board is not connected."""


class BoardBusy(SetupError):  # noqa: N818, it names a state of the bench, not a bug
    """Another run holds the lease of the board.

    Attributes:
        owner: User, process and start of that run.
    """

    def __init__(self, text: str, *, owner: str, board: str = "") -> None:
        super().__init__(text, board=board)
        self.owner = owner


class LeaseError(SetupError):
    """No file can be locked for the lease of a board."""


class LabError(SetupError):
    """The coordinator of a lab cannot be reached or used.

    Attributes:
        said: What the coordinator said, empty if it said nothing.
    """

    def __init__(self, text: str, *, said: str = "") -> None:
        super().__init__(text)
        self.said = said


class BuildError(SetupError):
    """The agent cannot be built, stored or uploaded."""


class EmulatorError(SetupError):
    """The emulator is missing, or cannot be set up."""


class EmulatorStopped(EmulatorError):  # noqa: N818, it names a state of the bench, not a bug
    """The emulator was started, but ended or was not ready in time."""


class HostKeyError(SetupError):
    """Another machine may be answering; the text shows its host key and the line to add."""


class LoginError(SetupError):
    """The machine accepts none of our keys, or runs none of our commands after the login."""


class MeterError(SetupError):
    """The meter of a board cannot be used, or a capture of it cannot be trusted; no energy is kept."""


class UnfitError(SetupError):
    """The board does not reach the conditions in boards.toml, so its latencies would be meaningless."""


class BaselineError(SetupError):
    """Figures of a baseline cannot be compared with those of this run."""


class ResultsError(SetupError):
    """A results file cannot be read or written.

    Attributes:
        file: The results file.
    """

    def __init__(self, text: str, *, file: Path) -> None:
        super().__init__(text)
        self.file = file

    def __str__(self) -> str:
        return f"{_one_line(str(self.file))}: {self.text}"


class TraceError(SetupError):
    """A trace of resources cannot be read, or the settings of its replay cannot be used.

    Attributes:
        file: The file of the trace, None for a generator or a setting.
        line: Line of the file, 0 if none is wrong by itself.
    """

    def __init__(self, text: str, *, file: Path | None = None, line: int = 0) -> None:
        super().__init__(text)
        self.file = file
        self.line = line

    def __str__(self) -> str:
        if self.file is None:
            return super().__str__()
        return f"{_one_line(str(self.file))}: {f'line {self.line}: ' if self.line else ''}{self.text}"


class ComparisonError(SetupError):
    """Two runs are not on like boards, or one is of hardware and the other is emulated."""


class StoreError(SetupError):
    """The store of runs cannot be used, or has no such run.

    Attributes:
        store: File or URL of the store, without its password.
        gone: Whether the store is a server that does not answer, so that it may answer later.
    """

    def __init__(self, text: str, *, store: str, gone: bool = False) -> None:
        super().__init__(text)
        self.store = store
        self.gone = gone

    def __str__(self) -> str:
        return f"{_one_line(self.store)}: {self.text}"


class LinkError(HilError):
    """The board is lost: its byte stream has ended, or what arrives cannot be used."""


class DeadlineError(LinkError):
    """No answer arrived in time."""


class LeaseLost(LinkError):  # noqa: N818, it names a state of the bench, not a bug
    """A lab no longer keeps a board for this run, so another run may take it."""


class BoardQuarantined(LinkError):  # noqa: N818, it names a state of the bench, not a bug
    """The board was lost twice in a run, so the rest of the run leaves it alone."""


class ProtocolError(LinkError):
    """The other end does not follow the protocol, or reports what cannot be true."""


class FrameError(ProtocolError):
    """A frame is damaged: too short, too long, not COBS, or with a wrong checksum."""


class VersionError(ProtocolError):
    """The agent speaks another version of the protocol."""


class AgentError(HilError):
    """The agent refused a request.

    Attributes:
        code: A `hil.protocol.definition.Fault`, or a number that this version does not know.
    """

    def __init__(self, text: str, *, code: int, board: str = "") -> None:
        super().__init__(text, board=board)
        self.code = code


class NotMeasurable(HilError):  # noqa: N818, it names a state of the bench, not a bug
    """The board cannot measure this, so the figure is absent."""


class PackRefused(HilError):  # noqa: N818, it names what happened, not a bug
    """The pack or its arena is larger than the board allows, or has a layout that the agent cannot run."""


class InputsRefused(HilError):  # noqa: N818, it names what happened, not a bug
    """The inputs have another shape or data type than the pack takes."""


class GovernorRefused(HilError):  # noqa: N818, it names what happened, not a bug
    """The rules, costs or resources of a governor make no sense, or its policy is not on the board."""


class UnknownSubnet(HilError):  # noqa: N818, it names what happened, not a bug
    """The pack has no such subnet; the text names the most similar one."""


def _one_line(text: str) -> str:
    from reds.text import LINE, printable  # imported here: the plugin is loaded in every project

    return printable(text, LINE)
