"""What tests of boards over SSH and ADB ask of one that is opened: its bits, or why it does not open."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import pytest

from hil.boards.board import Board
from reds import reference
from reds.model import Model
from tests.nets import inputs

Opened = AbstractContextManager[Board]


@contextmanager
def taking(seconds: float) -> Iterator[None]:
    """Fails when what is done inside takes longer."""
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds


def refusal(opened: Opened, error: type[Exception], name: str, seconds: float) -> str:
    """What the error says that the board of this name does not start with."""
    with taking(seconds), pytest.raises(error) as caught, opened:
        pass
    assert type(caught.value) is error
    text = str(caught.value)
    assert text.startswith(f"{name}: ")
    assert "\n" not in text
    return text


def gives_the_references_bits(opened: Opened, model: Model) -> None:
    """Fails unless every subnet does."""
    x = inputs(model, 40)
    with opened as board:
        board.deploy(model)
        for subnet, out in enumerate(board.infer_each([0, 1], x)):
            assert np.array_equal(out, reference.run(model, subnet, x))
