"""The suite, run as a user runs it, on the emulated Pi: what it counts are instructions, and nothing else."""

import re
from pathlib import Path

import pytest

from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.targets import pi
from hil.emulators import arm64
from hil.errors import SetupError
from hil.firmware import build
from hil.transports.host import Host
from tests.hil.support import AGENTS
from tests.hil.support.suite_run import BoardsToml, Run, failed_tests, outcomes, read, suite_size

PI = '[[board]]\nname = "p"\ntarget = "pi"\n'


def test_the_shipped_pack_passes_and_counts_the_same_in_every_run(hil: Run, tmp_path: Path) -> None:
    done = hil("--target=pi", "--emulate", "--results", "a.jsonl")
    assert done.returncode == 0, done.stdout
    assert outcomes(done.stdout) == {"passed": suite_size()}
    counted = hil("--target=pi", "--emulate", "--results", "b.jsonl", "-k", "not accuracy and not outputs")
    assert counted.returncode == 0, counted.stdout
    first, again = (read(tmp_path / f"{name}.jsonl") for name in ("a", "b"))
    answers = {"mismatches", "accuracy", "answer", "label"}
    assert again == [row for row in first if row["metric"] not in answers]
    assert re.search(r"^pi, emulated: \d+ passed", done.stdout, re.MULTILINE)
    assert re.search(r"^25% +19,776 +71\.3 % ", done.stdout, re.MULTILINE)
    assert {row["provenance"] for row in first} == {"emulated"}
    units = {row["metric"]: row["unit"] for row in first}
    counts = dict.fromkeys(("instructions", "switch_instructions", "first_instructions"), "instructions")
    counts |= {f"layer_{i:02}_dense_instructions": "instructions" for i in range(4)}
    memory = dict.fromkeys(("arena", "stack", "ram", "room_flash", "room_arena"), "bytes") | dict.fromkeys(
        ("answer", "label"), "class"
    )
    assert units == {"mismatches": "count", "macs": "MAC", "accuracy": "fraction", **counts, **memory}
    for row in first:
        assert row.get("conditions") is None
        if row["metric"] == "instructions":
            assert len(set(row["samples"])) == 1


@pytest.mark.parametrize(("agent", "fails"), [("slow", "test_switch"), ("lazy", "test_first_inference")])
def test_an_agent_that_switches_badly_fails_just_that(
    hil: Run, small_pack: Path, boards_toml: BoardsToml, agent: str, fails: str
) -> None:
    built = build.agent(build.EMULATED_LINUX, AGENTS / f"{agent}.c", "pi")
    boards = boards_toml("pi", agent=str(built))
    done = hil("--emulate", "--boards", boards, "--pack", small_pack, "-rf")
    assert done.returncode == 1
    assert failed_tests(done.stdout) == {fails}, done.stdout
    assert outcomes(done.stdout) == {"failed": 2, "passed": suite_size(small_pack) - 4, "skipped": 2}
    if agent == "slow":
        assert re.search(r"a switch took [\d,.]+ instructions, the limit is 100 instructions", done.stdout)


def test_budgets_in_instructions_that_do_not_hold_fail(hil: Run, small_pack: Path, tmp_path: Path) -> None:
    budgets = 'instructions = { "50%" = 10, "100%" = 1e6 }\nswitch_instructions = 5\n'
    (tmp_path / "boards.toml").write_text(f'{PI}latency_us = {{ "100%" = 0.001 }}\n{budgets}')
    done = hil("--emulate", "--boards", "boards.toml", "--pack", small_pack)
    assert outcomes(done.stdout) == {"failed": 3, "passed": suite_size(small_pack) - 5, "skipped": 2}
    assert failed_tests(done.stdout) == {"test_latency", "test_switch"}
    assert "over the budget in the boards file, 10 instructions" in done.stdout
    assert re.search(r"a switch took [\d.]+ instructions, the limit is 5 instructions", done.stdout)


def test_pytest_benchmark_is_given_no_times(hil: Run, small_pack: Path, tmp_path: Path) -> None:
    done = hil("--target=pi", "--emulate", "--pack", small_pack, "--benchmark-json=b.json")
    assert done.returncode == 0, done.stdout
    assert "no benchmarks have been run" in done.stderr
    assert "fixture was not used" not in done.stdout + done.stderr


def test_an_emulated_machine_does_not_pass_for_a_pi() -> None:
    with arm64.start("pi") as machine:
        here = Host("127.0.0.1", machine.port, "pi", machine.image.key, machine.image.host_key)
        entry = Entry("lab-pi", "pi", host=here)
        says = r"lab-pi: pi@127.0.0.1 port \d+ is an emulated machine; name another, or add --emulate"
        with pytest.raises(SetupError, match=says), pi.start(entry, Provenance.HARDWARE):
            pass
