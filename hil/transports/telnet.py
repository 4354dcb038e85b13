"""Tell data from commands in a telnet stream (RFC 854), and write both.

Only what RFC 2217 needs of telnet is here: binary transmission both ways, and options that carry values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

IAC, SB, SE = 255, 250, 240
"""Bytes that begin a command, and begin and end the value of an option."""
MOST_VALUE = 256
"""Most bytes of an option's value that are kept; the other end could send them without end."""


class Verb(IntEnum):
    """Offers and requests of options."""

    WILL = 251
    WONT = 252
    DO = 253
    DONT = 254


class Option(IntEnum):
    """Options that are negotiated here."""

    BINARY = 0
    SUPPRESS_GO_AHEAD = 3
    COM_PORT = 44


REFUSALS: Mapping[Verb, Verb] = {Verb.WILL: Verb.DONT, Verb.DO: Verb.WONT}
"""Refusals of an option that the other end offers or asks for."""


@dataclass(frozen=True)
class Said:
    """An offer or a request of the other end: `verb` about `option`."""

    verb: Verb
    option: int


@dataclass(frozen=True)
class Value:
    """The value of an option."""

    option: int
    data: bytes


@dataclass
class Decoder:
    """Splits a telnet stream into data and commands, however it is cut into pieces."""

    commands: list[Said | Value] = field(default_factory=list)
    """Commands that have arrived; the caller takes them out."""
    _command: bytearray = field(default_factory=bytearray)
    _value: bytearray | None = None

    def feed(self, raw: bytes) -> bytes:
        """Take bytes that arrived, and return the data among them."""
        if IAC not in raw and not self._command and self._value is None:
            return raw
        data = bytearray()
        for byte in raw:
            self._take(byte, data)
        return bytes(data)

    def _take(self, byte: int, data: bytearray) -> None:
        where = data if self._value is None else self._value
        if not self._command:
            if byte == IAC:
                self._command.append(byte)
            elif self._value is None or len(self._value) < MOST_VALUE:
                where.append(byte)
            return
        self._command.append(byte)
        _, verb, *option = self._command
        if verb == IAC:
            where.append(IAC)
        elif verb in tuple(Verb) and not option:
            return  # its option follows
        elif verb in tuple(Verb):
            self.commands.append(Said(Verb(verb), *option))
        elif verb == SB:
            self._value = bytearray()
        elif verb == SE and self._value is not None:
            if self._value:
                self.commands.append(Value(self._value[0], bytes(self._value[1:])))
            self._value = None
        self._command.clear()


def escaped(data: bytes) -> bytes:
    """Return data as a telnet stream carries it."""
    return data.replace(b"\xff", b"\xff\xff")


def said(what: Said) -> bytes:
    """Return an offer or a request as the stream carries it."""
    return bytes((IAC, what.verb, what.option))


def value(option: int, data: bytes) -> bytes:
    """Return the command that sends the value of an option."""
    return bytes((IAC, SB, option)) + escaped(data) + bytes((IAC, SE))
