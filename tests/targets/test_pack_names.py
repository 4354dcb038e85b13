"""Names are printable at both ends: no control, no format character, nothing that is no UTF-8."""

import ctypes
import unicodedata
from dataclasses import replace

import pytest

from reds import pack
from reds.pack.reader import unpack
from reds.pack.validate.name import UNPRINTABLE
from tests.support.nets import dense_model
from tests.targets.support.fuzz.verdicts import read, seal
from tests.targets.support.status import Status

NAMED = bytearray(pack.dumps(dense_model([5, 3], [[3]], 1)))


def named(name: bytes) -> bytes:
    data = bytearray(NAMED)
    data[48:80] = name.ljust(32, b"\0")
    return seal(data)


@pytest.mark.parametrize("first", [a for a, _ in UNPRINTABLE])
def test_both_ends_agree_on_the_characters_at_the_limits_of_each_range(
    runtime: ctypes.CDLL, first: int
) -> None:
    last = dict(UNPRINTABLE)[first]
    for code in {max(first - 1, 1), max(first, 1), last, min(last + 1, 0x10FFFF)}:
        data = named(b"n" + chr(code).encode(errors="surrogatepass") + b"t")
        accepted = not any(a <= code <= b for a, b in UNPRINTABLE)
        assert (read(data) is not None) == accepted, hex(code)
        assert (runtime.fuzz_load(data, len(data)) == Status.OK) == accepted, hex(code)


@pytest.mark.parametrize(
    "raw",
    [b"", b"n" * 32, b"n\0t", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xed\xa0\x80",
     b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xff", b"\x80", b"\xc3", b"\xe6\xbc", b"\xf0\x9f\x98",
     b"n" * 30 + b"\xc3\xa4"],
)  # fmt: skip
def test_bytes_that_are_no_name_are_refused_by_both(runtime: ctypes.CDLL, raw: bytes) -> None:
    data = named(raw)
    assert read(data) is None
    assert runtime.fuzz_load(data, len(data)) == Status.MALFORMED


@pytest.mark.parametrize("name", ["kws dnn-s (2)", "n\u00e4tz", "\u6f22\u5b57", "n" * 31, "\U0001f600"])
def test_printable_names_are_accepted_by_both(runtime: ctypes.CDLL, name: str) -> None:
    data = pack.dumps(replace(dense_model([5, 3], [[3]], 1), name=name))
    assert unpack(data).name == name
    assert runtime.fuzz_load(data, len(data)) == Status.OK


def test_unprintable_ranges_cover_every_control_format_and_private_character() -> None:
    unsafe = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Zs"}
    missed = [
        hex(code)
        for code in range(0x110000)
        if unicodedata.category(chr(code)) in unsafe
        and code != ord(" ")
        and not any(first <= code <= last for first, last in UNPRINTABLE)
    ]
    assert missed == []
