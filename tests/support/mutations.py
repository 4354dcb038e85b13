"""Change values and bytes of good files at random, for readers that must survive any change."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

NUMBERS = st.sampled_from(
    [0, -1, 1, 2**31, 2**63 - 1, 2**63, 10**400, 0.5, -0.0, 1e308, float("inf"), float("nan")]
)
TEXTS = st.sampled_from(
    ["", "a\n", "\x1b[2J", "\u202e", "\0", "~nosuchuser", "/", "..", "x" * 5000, "25%", "[/a]"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every place of a value: the table or list that holds it, and its key or index."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [(value, key) for key, _ in inner]
    return found + [place for holder, key in found for place in _places(holder[key])]


@st.composite
def changed_values(draw: Callable[[Any], Any], good: Any) -> Any:
    """Draw a copy of a JSON value with one to three values changed, removed or added."""
    value = json.loads(json.dumps(good))
    for _ in range(draw(st.integers(1, 3))):
        if not (places := _places(value)):
            break
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        how = draw(st.sampled_from(["change", "change", "change", "remove", "add"]))
        if how == "remove":
            del holder[key]
        elif how == "add" and isinstance(holder, dict):
            holder[draw(TEXTS)] = draw(VALUES)
        else:
            holder[key] = draw(VALUES)
    return value


@st.composite
def changed_bytes(draw: Callable[[Any], Any], good: bytes) -> bytes:
    """Draw a copy of some bytes with a few of them changed, and perhaps cut short."""
    data = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data)
