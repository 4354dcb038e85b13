"""The suite, run as a user runs it, on a board over SSH."""

import os
from pathlib import Path

from tests.hil.support.sshd import Start, free_port
from tests.hil.support.suite_run import BoardsToml, Run, one_line_of_errors, outcomes, read, suite_size


def test_a_board_over_ssh_passes_with_the_shipped_pack(
    hil: Run, sshd: Start, boards_toml: BoardsToml, tmp_path: Path
) -> None:
    there = sshd()
    done = hil("--target=pi", "--boards", boards_toml("pi", **there.keys()), "--results", "a.jsonl")
    assert done.returncode == 0, done.stdout
    assert outcomes(done.stdout) == {"passed": suite_size()}
    assert "WARNING" not in done.stdout
    rows = read(tmp_path / "a.jsonl")
    assert sum(row["value"] for row in rows if row["metric"] == "mismatches") == 0
    assert {row["provenance"] for row in rows} == {"hardware"}
    for row in rows:
        for when in ("before", "after"):
            assert row["conditions"][when]["machine"] == os.uname().machine
    assert there.running() == []


def test_a_board_that_slows_down_is_warned_of(
    hil: Run, sshd: Start, small_pack: Path, boards_toml: BoardsToml, tmp_path: Path
) -> None:
    """Its firmware says so from the second time on that it is asked: when it was started it was not."""
    tells = f"mkdir {tmp_path}/1 && echo throttled=0x0 || echo throttled=0x50005"
    there = sshd(programs={"vcgencmd": tells})
    boards = boards_toml("pi", **there.keys())
    done = hil("--target=pi", "--boards", boards, "--pack", small_pack, "--results", "a.jsonl")
    assert outcomes(done.stdout) == {"passed": suite_size(small_pack) - 2, "skipped": 2}
    line = "WARNING: board: latencies are doubtful: it was throttled (flags 0x50005)\n"
    assert done.stdout.count("WARNING") == done.stdout.count(line) == 1
    flags = {
        tuple(row["conditions"][when]["throttled"] for when in ("before", "after"))
        for row in read(tmp_path / "a.jsonl")
    }
    assert flags == {(0, 0x50005)}


def test_a_board_over_ssh_that_is_not_there_fails_if_named_and_else_skips(
    hil: Run, small_pack: Path, tmp_path: Path
) -> None:
    port = free_port()
    (tmp_path / "boards.toml").write_text(
        f'[[board]]\nname = "pi-1"\ntarget = "pi"\nhost = "127.0.0.1"\nport = {port}\n'
    )
    refused = f"pi-1: 127.0.0.1 port {port} cannot be reached: Connection refused"
    advice = "check its power, its network and `host`, or add --emulate to bench the emulated one"
    reason = f"{refused}; {advice}"
    args = ("--boards", "boards.toml", "--pack", small_pack)
    done = hil("--target=pi", *args)
    assert done.returncode == 1
    assert outcomes(done.stdout) == {"error": 1, "skipped": suite_size(small_pack) - 1}
    assert one_line_of_errors(done.stdout) == reason
    done = hil(*args)
    assert done.returncode == 0
    assert outcomes(done.stdout) == {"skipped": suite_size(small_pack)}
    assert f"reds-hil: skipped: {reason}\n" in done.stdout


def test_a_host_that_is_not_known_is_an_error_of_one_line(
    hil: Run, sshd: Start, small_pack: Path, boards_toml: BoardsToml
) -> None:
    keys = sshd().keys()
    line = f'host_key = "{keys.pop("host_key")}"'
    done = hil("--target=pi", "--boards", boards_toml("pi", **keys), "--pack", small_pack)
    assert outcomes(done.stdout) == {"error": 1, "skipped": suite_size(small_pack) - 1}
    assert one_line_of_errors(done.stdout).endswith(f"add to its board in boards.toml: {line}")
