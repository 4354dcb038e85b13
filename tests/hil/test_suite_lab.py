"""Test the suite on boards of a lab: a real coordinator, a real exporter, boards behind TCP ports."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hil.support.lab import Lab
from tests.hil.support.lab_boards import LabBoard
from tests.hil.support.suite_run import outcomes, read, run_pytest

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
