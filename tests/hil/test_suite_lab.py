"""Test the suite on boards of a lab: a real coordinator, a real exporter, boards behind TCP ports."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hil.support.lab import Lab
from tests.hil.support.lab_boards import EmulatedNano, LabBoard
from tests.hil.support.sshd import free_port
from tests.hil.support.suite_run import outcomes, read, run_pytest, usage_error

LITTLE = ("--inputs=4", "--samples=3", "-q")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with LabBoard() as nano, Lab({"nano-1": {"board": "nano33ble"}, "phone": {"board": "android"}}) as lab:
        lab.export("rack-1", {"nano-1": nano.resource})
        yield lab


def bench(lab: Lab, folder: Path, *words: object):
    return run_pytest(folder, "--pyargs", "hil", f"--lab={lab.address}", *words, env=lab.environment)


def test_one_place_of_the_target_is_benched_and_given_back(lab: Lab, tmp_path: Path) -> None:
    done = bench(lab, tmp_path, "--target=nano33ble", *LITTLE, "--results=r.jsonl")
    assert outcomes(done.stdout).keys() == {"passed"}, done.stdout
    assert {(line["target"], line["board"]) for line in read(tmp_path / "r.jsonl")} == {
        ("nano33ble", "nano-1")
    }
    assert re.search(r"^nano-1 \(nano33ble\), hardware: \d+ passed$", done.stdout, re.MULTILINE)
    assert (lab.owners(), lab.reservations()) == ({}, [])


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_emulated_board_of_a_lab_is_benched_as_such(tmp_path: Path) -> None:
    tags = {"board": "nano33ble", "provenance": "emulated"}
    with LabBoard(EmulatedNano) as nano, Lab({"nano-e": tags}) as lab:
        lab.export("rack-1", {"nano-e": nano.resource})
        few = ("--target=nano33ble", "--emulate", *LITTLE, "-k", "test_memory or test_switch")
        done = bench(lab, tmp_path, *few, "--results=r.jsonl")
        assert outcomes(done.stdout).keys() == {"passed", "deselected"}, done.stdout
        assert {(line["board"], line["provenance"]) for line in read(tmp_path / "r.jsonl")} == {
            ("nano-e", "emulated")
        }
        assert lab.owners() == {}


def test_lab_that_is_not_there_ends_the_run_before_it_begins(lab: Lab, tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    done = run_pytest(tmp_path, "--pyargs", "hil", f"--lab={address}", "-q", env=lab.environment)
    usage_error(done, f"the coordinator {address} cannot be reached: Connection refused; check --lab")
