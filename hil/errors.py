"""Everything that can go wrong with a board, apart from its figures being bad.

    HilError
    |-- SetupError              the bench cannot be set up as asked; nothing was measured
    |   |-- BoardsFileError     boards.toml is missing, or says something that is not understood
    |   |-- UnknownTarget       a target that no module in hil/boards/targets opens
    |   |-- BoardAbsent         no such board here, and the board was not to be emulated
    |   |-- BoardBusy           another run uses the board, and went on using it
    |   |-- LeaseError          the use of a board cannot be locked on this machine
    |   |-- BuildError          the agent cannot be built or uploaded
    |   |-- EmulatorError       the emulator is missing or does not start
    |   |-- HostKeyError        a machine's host key is not known, or not the known one
    |   |-- LoginError          a machine takes none of our keys
    |   |-- UnfitError          the board is not as boards.toml asks: too hot
    |   `-- ResultsError        the results file cannot be written
    |-- LinkError               the bytes do not get through: port gone, agent ended, nobody answers
    |   `-- DeadlineError       no answer in the time that the request may take
    |-- ProtocolError           bytes came that are not the protocol
    |   |-- FrameError          a damaged frame: the one error that is tried again
    |   `-- VersionError        the agent speaks another version
    |-- AgentError              the agent refused a request; `.code` and its sentence say why
    |-- PackRefused             the pack does not fit this board; found before anything is sent
    |-- InputsRefused           the inputs are not what the pack takes; found before anything is sent
    `-- UnknownSubnet           the pack that is deployed has no such subnet

A measurement that is out of bounds is none of these: it is a failed test.
"""

import difflib
from collections.abc import Iterable


class HilError(Exception):
    """Base of all; the text names the board and says what happened; after a semicolon, what to try next."""

    @property
    def what(self) -> str:
        """The text without the advice, for an error that has better advice."""
        return str(self).partition("; ")[0]


class SetupError(HilError):
    """The bench cannot be set up as asked."""


class BoardsFileError(SetupError):
    """boards.toml cannot be used; the text names the file and the key."""


class UnknownTarget(SetupError):  # noqa: N818, it names a state of the bench, not a bug
    """There is no such target; the text names the nearest one."""


class BoardAbsent(SetupError):  # noqa: N818, it names a state of the bench, not a bug
    """The board is not here."""


class BoardBusy(SetupError):  # noqa: N818, it names a state of the bench, not a bug
    """Another run uses the board; the text says whose."""


class LeaseError(SetupError):
    """There is nothing to lock the use of a board with."""


class BuildError(SetupError):
    """The agent cannot be built or uploaded."""


class EmulatorError(SetupError):
    """The emulator is missing or does not start."""


class HostKeyError(SetupError):
    """Another machine may be answering; the text holds the key it shows and the line to add."""


class LoginError(SetupError):
    """The machine does not let us in."""


class UnfitError(SetupError):
    """The board does not come to the conditions that boards.toml asks for; its times would mean nothing."""


class ResultsError(SetupError):
    """The results file cannot be written."""


class LinkError(HilError):
    """The transport is lost or closed."""


class DeadlineError(LinkError):
    """No answer in time."""


class ProtocolError(HilError):
    """The other end does not speak the protocol."""


class FrameError(ProtocolError):
    """A frame is damaged: too short, too long, not COBS, or its checksum does not match."""


class VersionError(ProtocolError):
    """The agent speaks another version of the protocol."""


class AgentError(HilError):
    """The agent refused a request. `code` is one of the protocol's `Fault`, or a number unknown here."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class PackRefused(HilError):  # noqa: N818, it names what happened, not a bug
    """The pack is too large for the board, or needs a larger arena than it has."""


class InputsRefused(HilError):  # noqa: N818, it names what happened, not a bug
    """The inputs have another shape or type than the pack takes."""


class UnknownSubnet(HilError):  # noqa: N818, it names what happened, not a bug
    """The pack has no such subnet; the text names the nearest one."""


def nearest(word: str, known: Iterable[str]) -> str:
    """End a message about an unknown word: with the likeliest word that was meant, and all there are."""
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    meant = f"did you mean {close[0]!r}? " if close else ""
    return f"; {meant}there are {', '.join(known)}"
