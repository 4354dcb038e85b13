"""Ask a lab once under pytest-xdist what it offers, in the first process that wants to know.

All workers must collect the same tests, but places of a lab come and go.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hil.errors import LabError
from hil.xdist.board_probe import ask_once

if TYPE_CHECKING:
    from hil.lab.offers import Offer

_LISTS = ("places", "unserved", "tags")


def once(config: pytest.Config) -> Callable[[str, Mapping[str, str], Path], "tuple[Offer, ...]"]:
    """Return a function that returns the offers of a lab, by its coordinator, tags and boards file."""

    def shelf(coordinator: str, tags: Mapping[str, str], file: Path) -> "tuple[Offer, ...]":
        from hil.lab.offers import Offer, offers  # imported here: few runs use a lab

        def ask() -> Any:
            try:
                return [{**asdict(offer), "file": str(file)} for offer in offers(coordinator, tags, file)]
            except LabError as error:
                return str(error)

        answer = ask_once(config, f"lab {coordinator} {sorted(tags.items())} {file}", ask)
        if isinstance(answer, str):
            raise LabError(answer)
        return tuple(
            Offer(**{**plain, **{key: _tuples(plain[key]) for key in _LISTS}, "file": file})
            for plain in answer
        )

    return shelf


def _tuples(value: Any) -> Any:
    """Return lists of JSON as the tuples that they were."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
