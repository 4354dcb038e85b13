"""A bench says beforehand how long it takes, and takes as many inputs as an emulated board runs in time."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.speed import Speed
from hil.boards.targets import nano33ble
from hil.firmware import build
from hil.options import ALL_INPUTS, read
from hil.suite import duration, run_facts, workload
from hil.suite.board_selection import SelectedBoard
from tests.hil.support.faults import Given

DESK = SelectedBoard(Entry("desk", "desktop"), Provenance.HARDWARE)
NANO = SelectedBoard(Entry("nano", "nano33ble"), Provenance.EMULATED)
ABSENT = SelectedBoard(Entry("pi", "pi"), Provenance.EMULATED, absent="no QEMU")


@pytest.fixture(scope="module")
def shipped() -> workload.Workload:
    return workload.load(workload.shipped())


def test_some_inputs_are_the_same_in_every_run_and_say_of_how_many(shipped: workload.Workload) -> None:
    some = shipped.taking(100)
    assert np.array_equal(some.taken, shipped.taking(100).taken)
    assert (np.diff(some.taken) > 0).all()
    assert len(some.taken) == len(some.taken_truth) == 100
    assert some.inputs_are == "100 of 1,859 labeled examples; --inputs all takes every one"
    assert not some.whole
    assert len(set(some.taken_truth)) > 8  # of 12 classes: the first ones of a sorted set would have 1 or 2


def test_all_inputs_are_taken_on_request_and_on_real_boards(shipped: workload.Workload) -> None:
    assert shipped.taking(ALL_INPUTS).whole
    assert shipped.taking(duration.usual_inputs(shipped, (DESK, ABSENT))).whole


def test_an_emulated_board_takes_fewer_inputs_of_a_larger_network(
    shipped: workload.Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert duration.usual_inputs(shipped, (DESK, NANO)) > 1859
    monkeypatch.setattr(nano33ble, "SPEED", Speed(1e6, 0, 1))
    assert duration.usual_inputs(shipped, (DESK, NANO)) == int(30e6 / shipped.macs)
    monkeypatch.setattr(nano33ble, "SPEED", Speed(1e3, 0, 1))
    assert duration.usual_inputs(shipped, (NANO,)) == 50


def test_the_estimate_grows_with_boards_inputs_and_samples(shipped: workload.Workload) -> None:
    estimate = partial(duration.estimate, is_built=lambda *agent: True)
    assert estimate(shipped, (DESK, ABSENT), None) == ""
    assert estimate(shipped, (NANO,), None) == "about 5 s for the emulated board"
    assert "for 2 emulated boards" in estimate(shipped, (NANO, NANO), None)
    assert estimate(shipped, (NANO,), 10_000).startswith("about 2 min ")
    assert estimate(shipped.taking(1), (NANO,) * 8, 1).startswith("about 15 s ")


def test_the_estimate_includes_the_reference_and_agents_that_are_not_built(
    shipped: workload.Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def is_built(environment: str, target: str) -> bool:
        asked.append((environment, target))
        return target == "android"

    pi, android = (SelectedBoard(Entry(name, name), Provenance.EMULATED) for name in ("pi", "android"))
    text = duration.estimate(shipped, (NANO, NANO, pi, android), None, is_built)
    assert text.endswith("for 4 emulated boards, with the build of 2 agents")
    assert sorted(asked) == [
        (build.EMULATED, "nano33ble"),
        (build.EMULATED_LINUX, "android"),
        (build.EMULATED_LINUX, "pi"),
    ]
    given = SelectedBoard(Entry("nano", "nano33ble", agent=Path("slow.elf")), Provenance.EMULATED)
    assert "build" not in duration.estimate(shipped, (given,), None, lambda *agent: False)
    monkeypatch.setattr(duration, "REFERENCE_MACS", shipped.macs * len(shipped.taken) / 600)
    assert duration.estimate(shipped, (given,), None).startswith("about 10 min ")


def test_emulated_boards_that_are_one_machine_are_named() -> None:
    pi, android = (
        SelectedBoard(Entry(f"my-{name}", name), Provenance.EMULATED) for name in ("pi", "android")
    )
    assert duration.alike((NANO, pi, android)).startswith("my-android is the machine of my-pi behind adb")
    assert duration.alike((NANO, pi, DESK)) == duration.alike((pi, replace(android, absent="no QEMU"))) == ""


@pytest.mark.parametrize(("text", "means"), [("7", 7), ("all", ALL_INPUTS)])
def test_inputs_are_a_number_or_all_and_kept_as_they_were_given(text: str, means: int) -> None:
    settings = read(Given({"hil_inputs": text}), {})
    assert settings.inputs == means
    assert run_facts.given(settings) == {"inputs": text}


def test_labels_come_first_among_random_inputs(small_pack: Path) -> None:
    some = workload.load(small_pack).taking(3)
    assert not len(some.taken_truth)
    assert some.inputs_are.startswith("3 of 256 seeded random inputs (")
