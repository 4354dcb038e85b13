"""Store a pack through an agent: pages that its loaded pack has at the same place are copied, not sent.

Pages are compared by their Adler-32, which may be alike by accident. So the agent compares the CRC-32 of the
whole pack at the end, and a pack that fails there is sent once more, wholly.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hil.errors import ProtocolError
from hil.protocol import definition as wire
from hil.protocol.definition import OFFSET, PAGES_ANSWER, Command

MOST_PAGES = 1 << 16
"""Most pages of a pack."""
COPIED = 1 << 12
"""Bytes that the board copies in one request, about: a page of its flash, between two answers."""
Ask = Callable[[Command, bytes], bytes]
"""Sends a request, and returns the payload of its answer."""


@dataclass(frozen=True)
class Pages:
    """The slots of a board's store, and the pages of its loaded pack.

    Attributes:
        slot: Bytes of the largest pack that takes one of two slots.
        page: Bytes of a page; a multiple of 4.
        size: Bytes of the loaded pack, 0 if there is none.
        sums: Adler-32 of each of its pages.
    """

    slot: int
    page: int
    size: int
    sums: tuple[int, ...]

    def keep(self, size: int) -> bool:
        """Return whether the loaded pack stays until a new one of `size` bytes is whole."""
        return 0 < self.size <= self.slot and size <= self.slot

    def has(self, data: bytes) -> bool:
        """Return whether the loaded pack has the pages of `data`, and no more."""
        pages = (data[at : at + self.page] for at in range(0, len(data), self.page))
        return self.size == len(data) and self.sums == tuple(map(zlib.adler32, pages))

    def same(self, data: bytes) -> frozenset[int]:
        """Return the offsets of the pages of a new pack that the loaded one has too; none if it goes."""
        if not self.keep(len(data)):
            return frozenset()
        starts = range(0, min(len(data), self.size), self.page)
        return frozenset(
            at
            for at, held in zip(starts, self.sums, strict=False)
            if min(self.size, at + self.page) == min(len(data), at + self.page)
            and zlib.adler32(data[at : at + self.page]) == held
        )


@dataclass(frozen=True)
class Stored:
    """Bytes that it took to store a pack.

    Attributes:
        subnets: Subnets of the pack, as the agent counts them.
        size: Bytes of the pack.
        sent: Those that were sent.
        copied: Those that the board copied from the pack before.
    """

    subnets: int
    size: int
    sent: int
    copied: int


def read_pages(ask: Ask) -> Pages:
    """Ask for the slots, and for the pages of the loaded pack. Raises `ProtocolError` if they cannot be."""
    sums: list[int] = []
    while True:
        answer = ask(Command.PAGES, wire.PAGES.pack(len(sums)))
        if len(answer) < PAGES_ANSWER.size or len(answer) % wire.PAGE.size:
            raise ProtocolError(f"the answer to PAGES has {len(answer)} bytes")
        slot, page, size = PAGES_ANSWER.read(answer).values()
        if page == 0 or page % 4 or size > MOST_PAGES * page:
            raise ProtocolError(f"the agent names a pack of {size:,} bytes in pages of {page:,}")
        pages = -(-size // page)
        held = range(PAGES_ANSWER.size, len(answer), wire.PAGE.size)
        sums += [wire.PAGE.read(answer, at)["sum"] for at in held]
        if len(sums) > pages or (len(sums) < pages and not held):
            raise ProtocolError(f"the agent sent the sums of {len(sums):,} pages of {pages:,}")
        if len(sums) == pages:
            return Pages(slot, page, size, tuple(sums))


def put(
    ask: Ask, data: bytes, chunk: int, page: int, same: frozenset[int], advance: Callable[[int], None]
) -> Stored:
    """Send a pack, beginning where an interrupted transfer of it stopped.

    Args:
        ask: Sends a request to the agent.
        data: Bytes of the pack.
        chunk: Most bytes of a piece, a multiple of 4.
        page: Bytes of a page.
        same: Offsets of the pages that the agent copies from its loaded pack.
        advance: Called with the bytes that are stored so far.

    Raises:
        ProtocolError: An answer does not follow its request.
    """
    begin = wire.PUT_BEGIN.pack(len(data), zlib.crc32(data))
    begun = _offset(ask(Command.PUT_BEGIN, begin), Command.PUT_BEGIN)
    if begun > len(data):
        raise ProtocolError(f"the agent asks for byte {begun:,} of a pack of {len(data):,}")
    sent = 0
    for at, end, copied in _pieces(begun, len(data), chunk, page, same):
        advance(at)
        if copied:
            answer = ask(Command.PUT_COPY, wire.PUT_COPY.pack(at, end - at))
        else:
            answer = ask(Command.PUT_DATA, OFFSET.pack(at) + data[at:end])
            sent += end - at
        if (reached := _offset(answer, Command.PUT_DATA)) != end:
            asked = f"the agent asks for byte {reached:,} of the pack"
            raise ProtocolError(f"{asked} after bytes {at:,} to {end:,}")
    advance(len(data))
    answer = ask(Command.PUT_END, b"")
    if len(answer) != wire.PUT_END_ANSWER.size:
        raise ProtocolError(f"the answer to PUT_END has {len(answer)} bytes")
    subnets = int(wire.PUT_END_ANSWER.read(answer)["subnets"])
    return Stored(subnets, len(data), sent, len(data) - begun - sent)


def _pieces(
    at: int, size: int, chunk: int, page: int, same: frozenset[int]
) -> Iterator[tuple[int, int, bool]]:
    """Yield the begin and the end of each piece from `at` on, and whether it is of pages to copy."""
    starts = sorted(same)[::-1]
    while at < size:
        while starts and starts[-1] < at:
            starts.pop()
        end = at
        while end in same and end < at + COPIED:
            end = min(size, end + page)
        copied = end > at
        if not copied:
            end = min([size, at + chunk, *starts[-1:]])
        yield at, end, copied
        at = end


def _offset(answer: bytes, command: Command) -> int:
    if len(answer) != OFFSET.size:
        raise ProtocolError(f"the answer to {command.name} has {len(answer)} bytes, not {OFFSET.size}")
    return int(OFFSET.read(answer)["offset"])
