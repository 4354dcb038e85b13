"""Open boards over SSH and ADB, and return their outputs, or the errors that opening raises."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np

from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.targets import android, pi
from hil.errors import HilError
from reds.pack import interpreter
from reds.pack.model import Model
from tests.hil.support.raising import raises
from tests.support.nets import inputs

Opened = AbstractContextManager[Board]
HERE = "127.0.0.1 port {}"
"""Name of a board over SSH in errors, for a port of this machine."""
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
    """Fail if the block takes longer."""
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds


def refusal(opened: Opened, error: type[HilError], name: str, seconds: float) -> HilError:
    """Return the error that opening the board of this name raises in time."""
    with taking(seconds), raises(error, board=name) as caught, opened:
        pass
    return caught.value


def equals_the_interpreter(opened: Opened, model: Model) -> None:
    """Fail unless every subnet gives the outputs of the interpreter."""
    x = inputs(model, 40)
    with opened as board:
        board.deploy(model)
        for subnet, out in enumerate(board.infer_each([0, 1], x)):
            assert np.array_equal(out, interpreter.run(model, subnet, x))


def pi_refusal(entry: Entry, error: type[HilError], seconds: float = 10.0) -> HilError:
    """Return the error that opening the board `pi-1` raises."""
    return refusal(open_pi(entry), error, "pi-1", seconds)


def android_refusal(entry: Entry, error: type[HilError], seconds: float = 10.0) -> HilError:
    """Return the error that opening the board `phone` raises."""
    return refusal(open_android(entry), error, "phone", seconds)


def pi_runs(entry: Entry, model: Model) -> None:
    """Fail unless every subnet gives the outputs of the interpreter there."""
    equals_the_interpreter(open_pi(entry), model)


def android_runs(entry: Entry, model: Model) -> None:
    """Fail unless every subnet gives the outputs of the interpreter there."""
    equals_the_interpreter(open_android(entry), model)
