"""Read the card beside a pack, which anybody may have written."""

from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any, Literal

from reds.errors import PackError
from reds.pack.scale import Standardization
from reds.reading import parse_json, read_regular, reason
from reds.text import shown


def read_card(path: Path, sha256: str) -> dict[str, Any] | None:
    """Return the content of a card, or None if there is none for the pack with this sha256.

    Raises:
        PackError: The card cannot be read.
    """
    try:
        card = parse_json(read_regular(path))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise PackError(
            f"{path}: cannot read the pack's card: {reason(error)}; delete it, or build again"
        ) from error
    return card if isinstance(card, dict) and card.get("pack_sha256") == sha256 else None


def standardization(
    card: Mapping[str, Any], units: int, of: Literal["input", "output"] = "input"
) -> Standardization:
    """Return mean and deviation of the features of each unit, or of the values of each output.

    Args:
        card: The content of the card.
        units: Units of the input or the output.
        of: The part of the card.

    Raises:
        ValueError: The card states no number for each unit.
    """
    source = card.get(of)
    found = []
    for key, least in (("mean", -inf), ("deviation", 0.0)):
        values = source.get(key) if isinstance(source, dict) else None
        if not isinstance(values, list) or len(values) != units:
            raise ValueError(f"{key} of its {of} is {shown(values)}, a list of {units} numbers is needed")
        for value in values:
            if type(value) not in (int, float) or not least < value < inf:
                above = " above 0" if least == 0 else ""
                raise ValueError(f"{key} of its {of} holds {shown(value)}, numbers{above} are needed")
        found.append(tuple(float(value) for value in values))
    return Standardization(*found)


def shares(card: Mapping[str, Any], names: Sequence[str], *keys: str) -> list[float]:
    """Return a figure of each subnet, a share from 0 to 1.

    Args:
        card: The content of the card.
        names: Names of the subnets.
        keys: Where the figure lies in the row of a subnet, as `"accuracy", "test"`.

    Raises:
        ValueError: A subnet has no such figure; the text names the subnet.
    """
    rows = card.get("subnets")
    found = {}
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and isinstance(label := row.get("label"), str):
            found[label] = row
    return [_share(found.get(name), name, keys) for name in names]


def _share(value: object, name: str, keys: Sequence[str]) -> float:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise ValueError(f"{' '.join(keys)} of subnet {shown(name)} is {shown(value)}, 0 to 1 is needed")
    return float(value)
