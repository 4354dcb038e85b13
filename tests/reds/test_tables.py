"""Tables in Markdown."""

import pytest

from reds.tables import markdown


def test_a_table_has_heads_a_rule_and_a_line_for_each_row() -> None:
    table = markdown(["subnet", "MACs"], [["25%", "1,080"], ["a|b", "2"]], "lr")
    assert table.splitlines() == [
        "| subnet | MACs |", "| --- | ---: |", "| 25% | 1,080 |", r"| a\|b | 2 |",
    ]  # fmt: skip


def test_a_row_of_another_length_raises() -> None:
    with pytest.raises(ValueError, match="1 cells and the table 2 columns"):
        markdown(["a", "b"], [["1"]])
