"""Store an agent on an STM32 by the ST-LINK of its board, with the programs of the stlink project.

All boards with an ST-LINK have the same USB ids, so the chip is asked what it is before anything is written.
"""

import re
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

from hil.errors import BuildError
from hil.lifetime.child import run

FLASH_AT = "0x08000000"
PROBE_SECONDS, WRITE_SECONDS = 20.0, 120.0
"""Deadlines of a look at what is plugged in, and of a write."""
_PACKAGE = "install stlink-tools"
_UNDER_RESET = "--connect-under-reset"
"""The agent waits asleep, when an ST-LINK cannot look at the memory."""


def flash(firmware: Path, serial: str | None, chips: Collection[int]) -> None:
    """Write a program to the chip behind an ST-LINK and start it.

    Args:
        firmware: The program as it lies in flash.
        serial: Serial number of the ST-LINK; None for the only one.
        chips: Ids of the chips that the program is for.

    Raises:
        BuildError: The programs are missing or fail, or the chip is another one.
    """
    for program in ("st-info", "st-flash"):
        if shutil.which(program) is None:
            raise BuildError(f"no {program} on this machine to write an agent to the board; {_PACKAGE}")
    chip = _chip(_run(["st-info", "--probe", _UNDER_RESET], PROBE_SECONDS), serial)
    if chip not in chips:
        known = " or ".join(f"{each:#05x}" for each in sorted(chips))
        what = "no chip that st-info sees" if chip is None else f"a chip of id {chip:#05x}"
        raise BuildError(
            f"the ST-LINK {serial or ''} has {what}, not {known}; name the board's port or serial"
        )
    chosen = ["--serial", serial] if serial else []
    _run(["st-flash", *chosen, _UNDER_RESET, "--reset", "write", str(firmware), FLASH_AT], WRITE_SECONDS)


def _chip(probed: str, serial: str | None) -> int | None:
    """Return the chip's id in the answer of `st-info --probe`, for one of the programmers that it lists."""
    for listed in re.split(r"(?m)^(?=\s*version:)", probed):
        number = re.search(r"serial:\s*(\S+)", listed)
        chip = re.search(r"chipid:\s*(0x[0-9a-fA-F]+)", listed)
        if chip and (serial is None or (number and number[1].lower() == serial.lower())):
            return int(chip[1], 16)
    return None


def _run(command: list[str], seconds: float) -> str:
    try:
        done = run(command, seconds)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{command[0]} does not answer: {error}; plug the board in again") from error
    if done.status:
        said = [line for line in done.output.splitlines() if line.strip()] or ["no output"]
        raise BuildError(f"{command[0]} failed: {said[-1].strip()}; plug the board in again")
    return done.output
