"""Text of others: one printable line, whatever it is; printable text is not changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reds.errors import DataError, RedsError
from reds.text import LINE, is_printable, printable, shown

ANY = st.text(st.characters(codec=None))
"""Any text, with surrogates."""


@given(ANY, st.integers(5, 300))
def test_any_text_becomes_one_printable_line_of_bounded_length(text: str, most: int) -> None:
    line = printable(text, most)
    assert line.isprintable()
    assert len(line) <= most
    assert printable(line, most) == line
    assert is_printable(text, most) == (text == line)
    if text.isprintable() and len(text) <= most:
        assert line == text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("desk [lab] 25%->100% é 漢 🙂", "desk [lab] 25%->100% é 漢 🙂"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b[31mred\x9b", r"\x1b[31mred\x9b"),
        ("gpj.\u202etxt", r"gpj.\u202etxt"),
        ("\u2028\u200b\ufeff\U000e0041", r"\u2028\u200b\ufeff\U000e0041"),
        ("\ud800\ue000\uffff", r"\ud800\ue000\uffff"),
        ("a" * 300 + "; do this", "a" * 98 + "..." + "a" * 89 + "; do this"),
    ],
)
def test_characters_that_act_on_a_terminal_are_escaped(text: str, line: str) -> None:
    assert printable(text) == line


@given(ANY)
def test_an_error_is_one_printable_line(text: str) -> None:
    for kind in (RedsError, DataError):
        said = str(kind(text))
        assert said.isprintable()
        assert len(said) <= LINE


def test_values_without_a_text_are_shown_too() -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    assert shown("a\n") == r"'a\n'"
    assert "large int" in shown(10**5000)
    assert "large list" in shown(nested)
