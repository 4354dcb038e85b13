"""Boards over SSH and ADB, opened: their outputs, or why they do not open."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import pytest

from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.targets import android, pi
from reds.pack import interpreter
from reds.pack.model import Model
from tests.support.nets import inputs

Opened = AbstractContextManager[Board]
HERE = "127.0.0.1 port {}"
"""How errors name a board over SSH on a port of this machine."""
HOST = """
import sys
from pathlib import Path
from hil.boards import boards_toml
from hil.boards.facts import Provenance
from hil.boards.registry import target
(entry,) = boards_toml.load(Path(sys.argv[2]))
with target(sys.argv[1]).start(entry, Provenance.HARDWARE):
    print("up", flush=True)
    sys.stdin.read()
"""
"""A program that opens the board of a target in a boards file, and holds it while its input is open."""


def open_pi(entry: Entry) -> Opened:
    return pi.start(entry, Provenance.HARDWARE)


def open_android(entry: Entry) -> Opened:
    return android.start(entry, Provenance.HARDWARE)


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
            assert np.array_equal(out, interpreter.run(model, subnet, x))


def pi_refusal(entry: Entry, error: type[Exception], seconds: float = 10.0) -> str:
    """Return the text of the error that the board `pi-1` does not start with."""
    return refusal(open_pi(entry), error, "pi-1", seconds)


def android_refusal(entry: Entry, error: type[Exception], seconds: float = 10.0) -> str:
    """Return the text of the error that the board `phone` does not start with."""
    return refusal(open_android(entry), error, "phone", seconds)


def pi_runs(entry: Entry, model: Model) -> None:
    """Fail unless every subnet gives the reference's outputs there."""
    gives_the_references_bits(open_pi(entry), model)


def android_runs(entry: Entry, model: Model) -> None:
    """Fail unless every subnet gives the reference's outputs there."""
    gives_the_references_bits(open_android(entry), model)
