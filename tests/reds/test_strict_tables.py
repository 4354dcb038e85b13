"""TOML read strictly into dataclasses: values, defaults, and the place of every mistake."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pytest

from reds.strict_tables import parse_toml


@dataclass(frozen=True)
class Board:
    name: str
    port: str | int | None = None
    cool_down: float = 300.0
    latency_us: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    mode: Literal["fast", "slow"] = "fast"
    strict: bool = False


@dataclass(frozen=True)
class Boards:
    board: tuple[Board, ...]
    options: Options = field(default_factory=Options)


def parse(text: str) -> Boards:
    return parse_toml(text, Boards, "boards.toml", ValueError)


def test_tables_arrays_mappings_and_unions_become_dataclasses() -> None:
    text = A + 'port = 22\nlatency_us = { "25%" = 10 }\n[[board]]\nname = "b"\nport = "usb"\n'
    first, second = parse(text).board
    assert (first.port, first.cool_down, dict(first.latency_us)) == (22, 300.0, {"25%": 10.0})
    assert (second.port, dict(second.latency_us)) == ("usb", {})
    assert parse(text).options == Options()


A = '[[board]]\nname = "a"\n'


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("board = [", "not valid TOML: "),
        ("", "the top level lacks [[board]] with name"),
        ("[[board]]\nport = 22", "[[board]] number 1 lacks name"),
        (A + 'cooldown = 1', "[[board]] 'a' has no key cooldown: did you mean cool_down? "),
        (A + 'cool_down = true', "[[board]] 'a', cool_down: a number is needed, not True"),
        (A + 'cool_down = inf', "[[board]] 'a', cool_down: a finite number is needed"),
        (A + 'latency_us = { x = "1" }', "[[board]] 'a', latency_us, x: a number is needed"),
        (A + 'latency_us = 1', "[[board]] 'a', latency_us: a table is needed, not 1"),
        ('board = 1', "the top level, board: a list of tables is needed, not 1"),
        (A + '[options]\nmode = "x"', "[options], mode: 'fast' or 'slow' is needed"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_table_and_key(text: str, place: str) -> None:
    with pytest.raises(ValueError, match=r"^boards\.toml") as caught:
        parse(text)
    assert str(caught.value).startswith(f"boards.toml: {place}")
    assert "\n" not in str(caught.value)
