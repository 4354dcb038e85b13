"""Files that others wrote: their kind, their size and their values are checked, and errors are one line."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.reading import (
    TEXT_BYTES,
    check_regular,
    parse_json,
    parse_toml_table,
    read_regular,
    reason,
    text_of,
    user_path,
)
from tests.support.odd_files import ODD_FILES, OddFile


def test_a_home_folder_is_found_in_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/h")
    assert user_path("~/a") == Path("/h/a")
    assert user_path("a/~") == Path("a/~")
    assert user_path(Path("/x")) == Path("/x")


@pytest.mark.parametrize("text", ["~nosuchuser/a", "a\0b", "\ud800", ""])
def test_a_path_that_no_file_can_have_raises_one_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w+") as caught:
        user_path(text)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("odd", ODD_FILES.values(), ids=ODD_FILES.keys())
def test_a_file_that_cannot_be_read_raises_one_line_at_once(odd: OddFile, tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011, the kinds differ
        read_regular(odd(tmp_path))
    assert reason(caught.value).isprintable()
    assert caught.value.filename


def test_a_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_regular(path, 5) == b"12345"
    with pytest.raises(OSError, match="larger than 4 bytes"):
        read_regular(path, 4)
    path.write_bytes(b"")
    os.truncate(path, TEXT_BYTES + 1)
    with pytest.raises(OSError, match="larger"):
        read_regular(path)
    check_regular(path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)  # fmt: skip


@given(VALUES, st.booleans())
def test_every_value_of_json_is_read_back(value: Any, marked: bool) -> None:
    data = json.dumps(value).encode()
    assert parse_json(b"\xef\xbb\xbf" * marked + data) == value


HOSTILE_JSON = [
    b"", b"{", b"NaN", b"[Infinity]", b"-Infinity", b"1e999", b"[-1e999]",
    b"1" * 5000, b"9223372036854775808", b"[" * 100_000,
    b'{"a":' * 100_000, b"\xff", b'{"a": 1, "a": 2}', b'[{"b": {"c": 1, "c": 1}}]', b"{} {}",
    b'"\xed\xa0\x80"', b"\0", b'"a\nb"',
]  # fmt: skip
HOSTILE_TOML = [
    b"a", b"\xff", b"a = " + b"[" * 100_000, b"a = " + b"{b=" * 100_000, b"a = 0x" + b"f" * 5000,
    b"a = " + b"9" * 5000, b"a = 9223372036854775808", b"a = [[-9223372036854775809]]", b"a = 1\na = 2",
    b"a = 2024-02-30", b"\0", b'a = "\x1b"', b"b = {c = [{d = 0b" + b"1" * 64 + b"}]}",
    b"a." * 100_000 + b"a = 1", b"[" + b"a." * 100_000 + b"a]", b"#" * 300_000,
]  # fmt: skip
PARSERS: list[tuple[Callable[[bytes], Any], bytes]] = [
    *((parse_json, text) for text in HOSTILE_JSON),
    *((parse_toml_table, text) for text in HOSTILE_TOML),
]


@pytest.mark.parametrize(("parse", "text"), PARSERS, ids=[f"{p.__name__} {t[:20]!r}" for p, t in PARSERS])
def test_a_hostile_text_raises_one_line(parse: Callable[[bytes], Any], text: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w+") as caught:
        parse(text)
    assert reason(caught.value).isprintable()


@given(data=st.binary() | st.text().map(str.encode), parse=st.sampled_from([parse_json, parse_toml_table]))
@settings(max_examples=300)
def test_any_bytes_are_a_value_or_no_value(data: bytes, parse: Callable[[bytes], Any]) -> None:
    with suppress(ValueError):
        parse(data)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("a = 1".encode("utf-16"), "UTF-16"),
        (b"\xfe\xff" + "a = 1".encode("utf-16-be"), "UTF-16"),
        (b"\xff\xfe", "UTF-16"),
        ("a = 1".encode("utf-16-le"), "line 1"),
        ("a = 1\nb = 'ü'".encode("latin-1"), "line 2"),
        (b"a\0", "zero byte"),
        (b"\xef\xbb\xbf\xff", "line 1"),
    ],
)
def test_text_of_another_encoding_is_named_by_every_parser(data: bytes, says: str) -> None:
    for parse in (text_of, parse_json, parse_toml_table):
        with pytest.raises(ValueError, match="UTF-8") as caught:
            parse(data)
        assert says in str(caught.value)


@given(st.text())
def test_every_text_without_zero_bytes_is_read_back_with_and_without_a_mark(text: str) -> None:
    text = text.replace("\0", "").lstrip("\ufeff").encode(errors="ignore").decode()
    assert text_of(text.encode()) == text_of(b"\xef\xbb\xbf" + text.encode()) == text
