"""Talk to an agent behind a serial port that telnet carries with its settings (RFC 2217), as ser2net does.

pyserial has a client too. It reads byte by byte in a thread, and waits as long as it likes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from hil.errors import DeadlineError, LinkError
from hil.transports import telnet
from hil.transports.deadline import Deadline
from hil.transports.network_port import RAW, NetworkPort
from hil.transports.serial import BAUD
from hil.transports.tcp import MOST_WORDS, NETWORK_ADVICE, TcpTransport, closed_at_once
from hil.transports.telnet import Decoder, Option, Said, Value, Verb
from hil.transports.transport import Advice

TOUCH_BAUD = 1200
"""Baud rate at which a Nano whose port is closed starts its bootloader."""
_OPTIONS = frozenset(Option)
_AGREED = frozenset(
    {Said(Verb.DO, Option.COM_PORT), Said(Verb.DO, Option.BINARY), Said(Verb.WILL, Option.BINARY)}
)
"""Answers of the server by which all bytes pass unchanged and settings are understood."""
_REFUSED = frozenset(
    {Said(Verb.DONT, Option.COM_PORT), Said(Verb.DONT, Option.BINARY), Said(Verb.WONT, Option.BINARY)}
)


class RefusedOption(LinkError):  # noqa: N818, it names what happened, not a bug
    """The server refuses an option of telnet without which bytes or settings would be lost."""


class Setting(IntEnum):
    """Settings of the port at the other end."""

    BAUD_RATE = 1
    DATA_BITS = 2
    PARITY = 3
    STOP_BITS = 4
    CONTROL = 5
    PURGE = 12


_EIGHT_BITS, _NO_PARITY, _ONE_STOP_BIT = b"\x08", b"\x01", b"\x01"
_NO_FLOW_CONTROL, _DTR_ON, _DTR_OFF = b"\x01", b"\x08", b"\x09"
_BOTH_BUFFERS = b"\x03"
_PURGED = Option.COM_PORT, bytes([Setting.PURGE + 100])
"""Answer to PURGE: the server adds 100 to the number of a setting."""


class Rfc2217Transport:
    """A serial port over telnet, set to 8 data bits without parity; what it held is dropped.

    Args:
        address: Host and port.
        deadline: When the port must be open and set.
        advice: Remedies for errors.

    Raises:
        DeadlineError: The host does not answer, or not by this protocol, in time.
        LinkError: The host refuses, its name is unknown, or it closes the connection at once.
    """

    def __init__(self, address: NetworkPort, deadline: Deadline, advice: Advice = NETWORK_ADVICE) -> None:
        self._tcp = TcpTransport(address, deadline, advice)
        self.name, self.advice = self._tcp.name, advice
        self._decoder, self._words = Decoder(), b""
        try:
            with self._closed_at_once():
                self._negotiate(deadline)
        except BaseException:
            self.close()
            raise

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Send all of `data`."""
        self._tcp.write(telnet.escaped(data), deadline)

    def read(self, deadline: Deadline) -> bytes:
        """Return at least one byte that arrived."""
        while True:
            data = self._decoder.feed(self._tcp.read(deadline))
            self._take_commands(deadline)
            if data:
                return data

    def close(self) -> None:
        """Close the connection; closing it twice is harmless."""
        self._tcp.close()

    def touch(self, deadline: Deadline) -> None:
        """Set the port to 1200 baud and close it, which starts the bootloader of a Nano."""
        self._set(Setting.BAUD_RATE, TOUCH_BAUD.to_bytes(4), deadline)
        self._set(Setting.CONTROL, _DTR_OFF, deadline)
        self._purge(deadline)
        self.close()

    @contextmanager
    def _closed_at_once(self) -> Iterator[None]:
        """Turn the loss of a new connection into `ClosedAtOnce`."""
        try:
            yield
        except (DeadlineError, RefusedOption):
            raise
        except LinkError as error:
            raise closed_at_once(self.name, self._words) from error

    def _negotiate(self, deadline: Deadline) -> None:
        offers = (Option.COM_PORT, Option.BINARY, Option.SUPPRESS_GO_AHEAD)
        wishes = (Option.BINARY, Option.SUPPRESS_GO_AHEAD)
        said = [Said(Verb.WILL, option) for option in offers] + [Said(Verb.DO, option) for option in wishes]
        self._tcp.write(b"".join(map(telnet.said, said)), deadline)
        missing = set(_AGREED)
        while missing:
            missing -= self._next_commands(deadline)
        self._set(Setting.BAUD_RATE, BAUD.to_bytes(4), deadline)
        self._set(Setting.DATA_BITS, _EIGHT_BITS, deadline)
        self._set(Setting.PARITY, _NO_PARITY, deadline)
        self._set(Setting.STOP_BITS, _ONE_STOP_BIT, deadline)
        self._set(Setting.CONTROL, _NO_FLOW_CONTROL, deadline)
        self._set(Setting.CONTROL, _DTR_ON, deadline)
        self._purge(deadline)

    def _set(self, setting: Setting, data: bytes, deadline: Deadline) -> None:
        self._tcp.write(telnet.value(Option.COM_PORT, bytes([setting]) + data), deadline)

    def _purge(self, deadline: Deadline) -> None:
        """Let the server drop what it holds, and wait until it has: all settings before are made then."""
        self._set(Setting.PURGE, _BOTH_BUFFERS, deadline)
        while _PURGED not in {
            (each.option, each.data[:1]) for each in self._next_commands(deadline) if isinstance(each, Value)
        }:
            pass

    def _next_commands(self, deadline: Deadline) -> set[Said | Value]:
        """Drop data until commands arrive, and return them."""
        try:
            while True:
                data = self._decoder.feed(self._tcp.read(deadline))
                self._words = (self._words + data)[:MOST_WORDS]
                if commands := self._take_commands(deadline):
                    return commands
        except DeadlineError as error:
            mute = f"{self.name} does not answer by RFC 2217 within {deadline.span:g} s"
            raise DeadlineError(f"{mute}; if its server carries raw bytes, write {RAW}://") from error

    def _take_commands(self, deadline: Deadline) -> set[Said | Value]:
        """Take the commands that have arrived; refuse in their order the options that are not used here."""
        commands, self._decoder.commands = dict.fromkeys(self._decoder.commands), []
        for each in commands:
            if isinstance(each, Said) and each.verb in telnet.REFUSALS and each.option not in _OPTIONS:
                self._tcp.write(telnet.said(Said(telnet.REFUSALS[each.verb], each.option)), deadline)
            elif isinstance(each, Said) and each in _REFUSED:
                option = Option(each.option).name.replace("_", "-")
                refuses = f"{self.name} refuses the telnet option {option}"
                raise RefusedOption(
                    f"{refuses}; let its server speak RFC 2217, or carry raw bytes for {RAW}://"
                )
        return set(commands)
