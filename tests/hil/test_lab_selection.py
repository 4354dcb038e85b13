"""Test which boards of a lab a run benches, and what the options make of those that the lab lacks."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.recovery import Record, RecoverableBoard
from hil.errors import BoardQuarantined, BoardsFileError, LabError, LeaseLost
from hil.lab.offers import Offer
from hil.suite.board_selection import SelectedBoard, select_boards
from tests.hil.support.raising import raises
from tests.hil.support.settings import SUBNETS, settings


def offer(target: str, emulated: bool = False, absent: str = "") -> Offer:
    return Offer(
        "lab:1", target, emulated, (f"{target}-1",), absent, (("board", target),), Path("boards.toml")
    )


SHELF = (offer("nano33ble"), offer("nano33ble", emulated=True), offer("pi", absent="not served"), offer("x"))


def select(*offered: Offer, boards: Path | None = None, **given: object) -> list[SelectedBoard]:
    def probe(_: object) -> str:
        raise AssertionError("a board of the desk was looked for")

    chosen = settings(**{"lab": "lab:1", "boards": boards, **given})
    return list(select_boards(chosen, SUBNETS, probe, lambda *_: offered))


def decisions(boards: list[SelectedBoard]) -> list[tuple[str, str]]:
    """Return the target and the fate of each board."""
    fates = {True: "fails", False: "skips"}
    return [
        (b.entry.target, fates[b.fails] if b.absent else f"{b.provenance}{' here' * (b.offer is None)}")
        for b in boards
    ]


def test_each_known_kind_that_the_lab_offers_is_benched_once() -> None:
    found = decisions(select(*SHELF))
    assert found == [("nano33ble", "hardware"), ("nano33ble", "emulated"), ("pi", "skips")]


def test_kind_that_the_lab_lacks_fails_if_it_is_named_or_as_missing_says() -> None:
    assert decisions(select(*SHELF, target=("pi", "android"))) == [("pi", "fails"), ("android", "fails")]
    skipped = select(*SHELF, target=("android",), missing="skip")
    assert decisions(skipped) == [("android", "skips")]
    emulated = select(*SHELF, target=("android",), missing="emulate")
    assert decisions(emulated) == [("android", "emulated here")]


def test_emulator_of_this_machine_stands_in_for_an_emulated_board_that_the_lab_does_not_serve() -> None:
    absent = offer("nano33ble", emulated=True, absent="not served")
    (alone,) = select(absent, missing="emulate")
    *_, second = select(offer("nano33ble", emulated=True), missing="emulate", boards_per_target=2)
    for board in (alone, second):
        assert decisions([board]) == [("nano33ble", "emulated here")]
        assert not board.entry.emulated, "no emulator is at a port of another machine"


def test_emulate_touches_no_real_board_of_the_lab() -> None:
    assert decisions(select(*SHELF, emulate=True)) == [("nano33ble", "emulated")]
    named = select(*SHELF, target=("nano33ble", "pi", "desktop"), emulate=True)
    assert decisions(named) == [("nano33ble", "emulated"), ("pi", "emulated here"), ("desktop", "fails")]


@pytest.mark.parametrize("emulate", [False, True])
def test_lab_without_a_board_is_an_error(emulate: bool) -> None:
    with raises(LabError):
        select(offer("x"), emulate=emulate)


def test_boards_file_names_the_lab_and_none_leaves_it_out(tmp_path: Path) -> None:
    path = tmp_path / "boards.toml"
    path.write_text('[lab]\ncoordinator = "attic:1"\ntags = { site = "attic" }\n')
    asked: list[tuple[str, Mapping[str, str]]] = []

    def shelf(coordinator: str, tags: Mapping[str, str], _: Path) -> tuple[Offer, ...]:
        asked.append((coordinator, tags))
        return SHELF

    for lab in (None, "lab:1", "none"):
        select_boards(settings(boards=path, lab=lab), SUBNETS, lambda _: None, shelf)
    assert asked == [("attic:1", {"site": "attic"}), ("lab:1", {"site": "attic"})]


def test_budget_of_a_place_for_a_subnet_that_the_pack_lacks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "boards.toml"
    path.write_text('[lab.places.nano-1]\nlatency_us = { "26%" = 3 }\n')
    with raises(BoardsFileError, file=None):
        select(*SHELF, boards=path)


def test_board_whose_lease_is_lost_is_quarantined_before_it_is_used() -> None:
    def check() -> None:
        raise LeaseLost("its lease of place nano-1 is lost; run again")

    (nano, *_) = select(*SHELF)
    record = Record()
    with (
        RecoverableBoard(nano.entry, Provenance.HARDWARE, record, print, print, check) as board,
        raises(BoardQuarantined, board="nano33ble"),
    ):
        board.do(lambda _: pytest.fail("the board was used"))
    assert record.quarantined is not None


def test_figure_of_a_board_whose_lease_was_lost_meanwhile_is_not_kept(posix_agent: Path) -> None:
    answers = iter([None, LeaseLost("its lease of place nano-1 is lost; run again")])

    def check() -> None:
        if error := next(answers):
            raise error

    entry = Entry("desk", "desktop", agent=posix_agent)
    with (
        RecoverableBoard(entry, Provenance.HARDWARE, Record(), print, print, check) as board,
        raises(BoardQuarantined, board="desk"),
    ):
        board.do(Board.facts)
