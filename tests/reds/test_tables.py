"""Tables in Markdown, whose cells are text whatever they hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reds.tables import code, escaped, markdown
from reds.text import LINE, printable

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
MARKUP = (
    "`", "`x`", "``", "<b>", "</", "<!--", "&lt;", "&", "|", "[a](b)", "![", "]", "*x*", "**", "_x_", "~~x~~",
    "\\", "\\|", "\n", "\n\n# ", "\r", "\x1b[31m", "$x$", "<http://e>", " ", "> ", "- ", "\u202e",
)  # fmt: skip
HOSTILE = st.lists(st.sampled_from(MARKUP) | st.text(st.characters(codec=None), max_size=3)).map("".join)
"""Any text, most of it with a meaning in Markdown, HTML or a terminal."""


def inlines(text: str) -> list[list[Token]]:
    """Return the tokens of each line or cell of a document."""
    return [token.children or [] for token in READER.parse(text) if token.type == "inline"]


def said(tokens: list[Token]) -> str:
    """Return what a reader sees of a cell, which must be text."""
    assert {token.type for token in tokens} <= {"text", "text_special"}
    return "".join(token.content for token in tokens)


def test_a_table_has_heads_a_rule_and_a_line_for_each_row() -> None:
    table = markdown(["subnet", "MACs"], [["25%", "1,080"], ["a|b", "2"]], "lr")
    assert table.splitlines() == [
        "| subnet | MACs |", "| --- | ---: |", "| 25% | 1,080 |", r"| a\|b | 2 |",
    ]  # fmt: skip


def test_a_row_of_another_length_raises() -> None:
    with pytest.raises(ValueError, match="1 cells and the table 2 columns"):
        markdown(["a", "b"], [["1"]])


@given(HOSTILE, HOSTILE)
def test_any_cell_is_shown_as_it_is_and_stays_in_its_cell(one: str, two: str) -> None:
    cells = inlines(markdown(["a", "b"], [[one, two], ["x", "y"]]))
    assert len(cells) == 6
    shown = [said(cell) for cell in cells]
    assert shown == ["a", "b", *(printable(text, LINE).strip() for text in (one, two)), "x", "y"]


@given(HOSTILE)
def test_any_text_in_a_line_is_shown_as_it_is(text: str) -> None:
    (line,) = inlines(f"- a: {escaped(text)}")
    assert said(line) == f"a: {printable(text, LINE)}".strip()


@given(HOSTILE)
def test_any_name_is_shown_as_code(text: str) -> None:
    (line,) = inlines(f"- {code(text)}: b")
    span, rest = line
    assert (span.type, rest.content) == ("code_inline", ": b")
    assert span.content.strip() == printable(text, LINE).strip()
