"""Test that a place of a lab has one owner at a time, and is given back in every ending."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result

from hil.boards import process_table
from hil.cli import main
from hil.errors import BoardAbsent, BoardBusy, LeaseLost
from hil.lab import listing, owner, place_lease
from hil.lab.client import Client
from hil.lab.reclaim import Watch
from hil.lab.reserving import ALIVE
from tests.hil.support.lab import Lab
from tests.hil.support.lab_view import LabView
from tests.hil.support.processes import eventually
from tests.hil.support.raising import raises

PORT = {"NetworkSerialPort": {"host": "127.0.0.1", "port": 5701, "speed": 115_200, "protocol": "raw"}}
NANO = {"board": "nano33ble"}
PLACES = {"nano-1": NANO, "nano-10": {"board": "other"}, "unplugged": {"board": "pi"}}
HOLD = """
import sys
from hil.lab.place_lease import held
from hil.lifetime.termination import termination_interrupts
tags = {"board": "nano33ble"}
with termination_interrupts(), held(sys.argv[1], "nano", tags, 60, print, first="nano-1") as place:
    print(place.place.name, flush=True)
    sys.stdin.read()
"""
LATE = """
import sys
from hil.errors import LabError
from hil.lab.client import Client
from hil.lab.place_lease import held
call = Client.call
def late(client, *words, **more):
    said = call(client, *words, **more)
    if "acquire" in words:
        raise LabError("no answer in time")
    return said
Client.call = late
with held(sys.argv[1], "nano", {"board": "nano33ble"}, 0, print, first="nano-1"):
    pass
"""
"""A run whose place is acquired, but that does not learn it."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(PLACES) as lab, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", lab.environment["PATH"])
        lab.export("rack", {"nano-1": PORT, "nano-10": PORT})
        yield lab


@pytest.fixture(scope="module")
def view(lab: Lab) -> Iterator[LabView]:
    with LabView(lab) as view:
        yield view


def held(lab: Lab, tags: dict[str, str] = NANO, wait: float = 0.0, first: str = "nano-1"):
    return place_lease.held(lab.address, "nano", tags, wait, print, first=first)


@pytest.fixture
def run(lab: Lab, view: LabView) -> Iterator[subprocess.Popen[str]]:
    """Start a run that holds nano-1 until its input ends."""
    command = [sys.executable, "-c", HOLD, lab.address]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "nano-1\n"
        yield process
        process.kill()
    assert eventually(lambda: view.is_free)


def cli(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def test_place_belongs_to_this_run_alone_until_the_block_ends(
    lab: Lab, view: LabView, capsys: pytest.CaptureFixture[str]
) -> None:
    with held(lab) as place:
        assert place.resources[0].params["port"] == 5701
        (who,) = view.owners.values()
        ours = owner.parse(who)
        assert ours is not None
        assert (ours.pid, ours.is_of_this_machine, ours.lives) == (os.getpid(), True, True)
        place.check()
        with raises(BoardBusy, owner=who, board="nano"), held(lab, first=""):
            pass
        assert f"nano-1 is in use by {ours.described}" in capsys.readouterr().out
    assert view.is_free


def test_place_whose_exporter_is_not_there_is_absent(lab: Lab, view: LabView) -> None:
    with raises(BoardAbsent, board="nano"), held(lab, {"board": "pi"}, 60, "unplugged"):
        pass
    assert view.is_free


def test_place_of_a_killed_run_is_given_back_by_its_guard(view: LabView, run: subprocess.Popen[str]) -> None:
    run.kill()
    assert eventually(lambda: view.is_free)


def test_place_that_a_run_acquired_without_an_answer_is_given_back(lab: Lab, view: LabView) -> None:
    command = [sys.executable, "-c", LATE, lab.address]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "LabError: no answer in time" in done.stderr
    assert eventually(lambda: view.is_free)


def test_next_run_takes_the_place_of_a_dead_one_whose_guard_is_dead_too(
    lab: Lab, view: LabView, run: subprocess.Popen[str]
) -> None:
    (guard,) = (
        pid
        for pid in process_table.all_pids()
        if process_table.parent_of(pid) == run.pid and "guard_program" in process_table.command_line(pid)
    )
    os.kill(guard, signal.SIGKILL)
    run.kill()
    run.wait()
    assert view.owners
    with held(lab, wait=60) as mine:
        assert mine.place.name == "nano-1"


def test_release_ends_a_run_on_this_machine_which_gives_back_all_it_has(
    lab: Lab, view: LabView, run: subprocess.Popen[str]
) -> None:
    done = cli("release", "--force", "nano-1", "--lab", lab.address)
    assert f"process {run.pid} has ended, by SIG" in done.output
    assert run.wait() != 0
    assert eventually(lambda: view.is_free)


def test_release_takes_a_place_from_a_person_whom_runs_leave_alone(lab: Lab, view: LabView) -> None:
    for place in ("nano-1", "nano-10"):
        lab.client("-p", place, "acquire", user="anna")
    with raises(BoardBusy, owner="elsewhere/anna", board="nano"), held(lab, first=""):
        pass
    assert cli("release", "nano-1", "--lab", lab.address).exit_code == 1  # there is nobody to ask
    listed = cli("boards", "--lab", lab.address).output
    assert "  nano-10    other      in use by elsewhere/anna\n" in listed
    assert "  unplugged  pi         free, but no exporter that is connected serves it\n" in listed
    assert cli("release", "--force", "nano-1", "--lab", lab.address).exit_code == 0
    assert view.owners == {"nano-10": "elsewhere/anna"}
    lab.client("-p", "nano-10", "release", user="anna")
    assert "--lab none names a board of this machine" in cli("release", "left", "--lab", lab.address).output


def test_place_that_is_reserved_for_a_person_is_nobodys_run_to_end(lab: Lab, view: LabView) -> None:
    (token,) = re.findall(r"'(\w+)'", lab.client("reserve", "board=nano33ble", user="anna"))
    with raises(BoardBusy, owner="nobody", board="nano") as caught, held(lab):
        pass
    assert "hil release" not in str(caught.value)
    lab.client("cancel-reservation", token)
    assert view.is_free


def elsewhere(lease: str = "0123456789ab") -> owner.Owner:
    """Return the owner of a lease on another machine."""
    return owner.Owner("elsewhere", "anna", 1, 2, "0" * 12, lease)


def test_place_of_a_run_on_another_machine_is_taken_once_it_is_silent(lab: Lab, view: LabView) -> None:
    lab.client("-p", "nano-1", "acquire", user=elsewhere().username)
    watch = Watch(Client(lab.address, owner.new()), silent_seconds=0.0)
    (busy,) = watch.reclaim(lambda place: place.target == "nano33ble")
    assert busy.owner == str(elsewhere())
    assert watch.reclaim(lambda place: place.target == "nano33ble") == ()
    assert view.is_free


def test_run_on_another_machine_lives_while_its_sign_of_life_changes() -> None:
    watch = Watch(Client("nowhere:1", owner.new()), silent_seconds=0.0)
    who = str(elsewhere())
    signs = [listing.Reservation("T", who, f"12:00:0{second}", f"{ALIVE}=1", "") for second in (1, 2, 2)]
    asked = replace(signs[0], filters="board=pi", timeout="12:00:09")  # labgrid refreshes these for the dead
    assert [watch.is_dead(who, [sign, asked]) for sign in signs] == [False, False, True]


@pytest.mark.parametrize("dead", [{"pid": 2**22 + 1}, {"start": 1}], ids=["no process", "another process"])
def test_owner_of_this_machine_is_dead_without_its_process(dead: dict[str, int]) -> None:
    mine = owner.new()
    assert owner.parse(str(mine)) == mine
    assert mine.lives
    assert not replace(mine, **dead).lives


def test_hidden_process_is_not_taken_for_a_dead_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError

    theirs = replace(owner.new(), pid=os.getppid())
    assert theirs.is_of_this_machine
    monkeypatch.setattr(os, "kill", refuse)
    assert theirs.is_of_this_machine  # a process of another user that can be seen
    monkeypatch.setattr(process_table, "_field", lambda *_: "")
    assert not theirs.is_of_this_machine
    assert not Watch(Client("nowhere:1", owner.new())).is_dead(str(theirs), [])


def test_lease_is_lost_with_the_coordinator(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    with held(lab) as place:
        place.check()
        lab.coordinator.kill()
        assert eventually(lambda: not place.is_known)
        with raises(LeaseLost, board=""):
            place.check()
    assert "nothing was given back" in capsys.readouterr().out
