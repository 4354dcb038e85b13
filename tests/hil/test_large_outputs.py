"""Outputs of any size come from a board: those of a net that labels every pixel are larger than a frame."""

import numpy as np
import pytest

from hil.boards.board import Board
from hil.boards.governing import Cost, Resources, Rules
from hil.boards.governor import Job
from hil.protocol.definition import Policy
from reds import pack
from reds.pack import interpreter
from reds.pack.model import Kind, Model
from tests.support.nets import Maker, inputs


def segmentation(side: int, classes: int) -> Model:
    """Return a net that gives so many scores for each pixel, in two subnets."""
    maker = Maker(side, side, 3, 4)
    maker.add(Kind.CONV, 8, (3, 3), padding=(1, 1, 1, 1), relu=True)
    maker.add(Kind.CONV, classes)
    return pack.loads(pack.dumps(maker.build([[4, classes], [8, classes]], "pixels")), "pixels")


@pytest.fixture(params=[(32, 4), (48, 4), (37, 7)], ids=["one frame", "more frames", "a rest"])
def model(request: pytest.FixtureRequest, desktop: Board) -> Model:
    made = segmentation(*request.param)
    desktop.deploy(made)
    return made


def test_outputs_larger_than_a_frame_equal_the_interpreter(desktop: Board, model: Model) -> None:
    x = inputs(model, 3)
    for subnet, found in enumerate(desktop.infer_each([0, 1], x)):
        assert (found == interpreter.run(model, subnet, x)).all()


def test_switches_bring_outputs_larger_than_a_frame(desktop: Board, model: Model) -> None:
    x = inputs(model, 2)
    taken = desktop.measure_switch((0, 1), 5, desktop.facts().clocks[0], x)
    assert len(taken.select.ticks) == len(taken.first.ticks) == 5
    assert (taken.outputs == interpreter.run(model, 1, x)[taken.rows]).all()


def test_a_governor_runs_a_net_with_outputs_larger_than_a_frame(desktop: Board, model: Model) -> None:
    x = inputs(model, 2)
    rules = Rules(Policy.FIXED, fixed=1)
    governor = desktop.govern(rules, [Cost(1, 1), Cost(2, 2)], desktop.facts().clocks[0], Job(x))
    decision = governor.decide(Resources(), 1)
    assert decision.output is not None
    assert np.array_equal(decision.output, interpreter.run(model, 1, x)[1])
