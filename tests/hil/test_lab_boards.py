"""Several boards of a target of a lab in one run: which are chosen, and that their figures are kept apart."""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hil.errors import SetupError
from hil.lab.offers import Offer, offers
from hil.options import ALL_BOARDS
from hil.suite.board_selection import SelectedBoard, select_boards
from tests.hil.support.lab import Lab
from tests.hil.support.lab_boards import LabBoard
from tests.hil.support.raising import raises
from tests.hil.support.settings import settings
from tests.hil.support.suite_run import outcomes, read, run_pytest

PLACES = ("nano-1", "nano-2", "nano-3")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Three Nanos on two exporters, and a fourth place that no exporter serves."""
    tags = {name: {"board": "nano33ble"} for name in (*PLACES, "nano-0")}
    with LabBoard() as one, LabBoard() as two, LabBoard() as three, Lab(tags) as lab:
        lab.export("rack-1", {"nano-1": one.resource, "nano-2": two.resource})
        lab.export("rack-2", {"nano-3": three.resource})
        yield lab


@pytest.fixture
def path(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", lab.environment["PATH"])


def offer(*places: str, unserved: tuple[str, ...] = ()) -> Offer:
    absent = "no exporter" if set(places) == set(unserved) else ""
    tags = (("board", "nano33ble"),)
    return Offer("127.0.0.1:1", "nano33ble", False, places, absent, tags, Path("boards.toml"), unserved)


def chosen(per_target: int | None, *offered: Offer, target: tuple[str, ...] = ()) -> list[SelectedBoard]:
    told = settings(lab="127.0.0.1:1", target=target, boards_per_target=per_target)
    return list(select_boards(told, (), shelf=lambda *_: offered))


def test_one_board_of_a_target_is_any_place() -> None:
    (board,) = chosen(None, offer(*PLACES))
    assert (board.entry.name, board.offer) == ("nano33ble", offer(*PLACES))


@pytest.mark.parametrize(("wanted", "names"), [(2, PLACES[:2]), (3, PLACES), (ALL_BOARDS, PLACES)])
def test_several_boards_of_a_target_are_different_places(wanted: int, names: tuple[str, ...]) -> None:
    boards = chosen(wanted, offer(*PLACES))
    assert [board.entry.name for board in boards] == list(names)
    asked = [dict(board.offer.tags) for board in boards if board.offer]
    assert asked == [{"board": "nano33ble", "name": name} for name in names]


@pytest.mark.parametrize("target", [(), ("nano33ble",)])
def test_boards_that_a_lab_lacks_are_absent(target: tuple[str, ...]) -> None:
    *there, missing = chosen(5, offer(*PLACES), target=target)
    assert [board.absent for board in there] == ["", "", ""]
    assert "3 of 5" in missing.absent
    assert missing.fails == bool(target)


def test_a_place_that_no_exporter_serves_is_absent() -> None:
    served, unserved = chosen(ALL_BOARDS, offer("nano-1", "nano-2", unserved=("nano-2",)))
    assert (served.absent, unserved.entry.name) == ("", "nano-2")
    assert "nano-2" in unserved.absent


def test_a_number_of_boards_without_a_lab_is_refused() -> None:
    with raises(SetupError):
        select_boards(settings(boards_per_target=2), ())


@pytest.mark.usefixtures("path")
def test_places_that_are_served_and_free_come_first(lab: Lab) -> None:
    lab.client("-p", "nano-1", "lock")
    try:
        (found,) = offers(lab.address, {}, Path("boards.toml"))
    finally:
        lab.client("-p", "nano-1", "unlock")
    assert found.places == ("nano-2", "nano-3", "nano-1", "nano-0")
    assert found.unserved == ("nano-0",)


def test_boards_on_two_exporters_are_one_run_with_figures_kept_apart(
    lab: Lab, small_pack: Path, tmp_path: Path
) -> None:
    many = ("--boards-per-target=3", "--target=nano33ble", "-n2", "--inputs=4", "--samples=3")
    kept = ("--results=r.jsonl", "--junitxml=j.xml", f"--pack={small_pack}")
    asked = ("--pyargs", "hil", f"--lab={lab.address}", *many, *kept)
    done = run_pytest(tmp_path, *asked, env=lab.environment)
    assert "failed" not in outcomes(done.stdout), done.stdout
    assert done.returncode == 0, done.stdout
    figures = {name: [r for r in read(tmp_path / "r.jsonl") if r["board"] == name] for name in PLACES}
    assert len({len(rows) for rows in figures.values()}) == 1
    assert all(figures.values())
    blocks = re.findall(r"^(\S+) \(nano33ble\), hardware: (\d+) passed", done.stdout, re.MULTILINE)
    assert [name for name, _ in blocks] == list(PLACES)
    assert len({passed for _, passed in blocks}) == 1
    named = ElementTree.parse(tmp_path / "j.xml").findall(".//property[@name='board']")
    assert {each.get("value") for each in named} == set(PLACES)
    assert (lab.owners(), lab.reservations()) == ({}, [])
