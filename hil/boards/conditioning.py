"""Bring a Linux board to the conditions of its entry in boards.toml, so that latencies mean something.

A governor is set for the run and restored after it. A note on the board holds the governors of before, so
that the next run restores them if this one loses the board or is killed. A hot core is waited for. The
conditions are read and kept with the figures in any case.
"""

import shlex
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

from hil.boards import sensors
from hil.boards.entry import Entry
from hil.errors import HilError, SetupError, UnfitError
from hil.results.conditions import Conditions
from hil.transports.deadline import Deadline
from hil.transports.machine import Run, key_values

LOOK_SECONDS = 1.0
"""Seconds between two readings of a board that cools down."""
_GOVERNORS = "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
_WHICH = f'for file in {_GOVERNORS}; do [ -r "$file" ] && echo "$file=$(cat "$file")"; done; true'
_NOTE = '"${XDG_CACHE_HOME:-$HOME/.cache}/reds-hil/governors"'
_NOTED = f"""id=$(cat /proc/sys/kernel/random/boot_id)
if [ -f {_NOTE} ] && grep -qx "boot=$id" {_NOTE}; then cat {_NOTE}; fi; true"""
"""Prints the note unless the board has started anew since, as that has reset its governors."""


class Conditioner:
    """Controls the conditions of a board from start to end of a run.

    Raises `SetupError` if the governor cannot be set, and the errors of `run`.
    """

    def __init__(self, entry: Entry, run: Run) -> None:
        self._entry = entry
        self.run = run
        """Runs a POSIX shell script on the board."""
        self._before: Mapping[str, str] = {}

    def __enter__(self) -> Self:
        asked = self._entry.governor
        if asked is None:
            return self
        found, noted = self._governors(), key_values(self.run(_NOTED))
        before = {file: noted.get(file, now) for file, now in found.items()}
        self._before = {file: governor for file, governor in before.items() if governor != asked}
        self._note()
        self._set(dict.fromkeys(self._before, asked))
        others = {now for now in self._governors().values() if now != asked}
        if others:
            self.__exit__()
            by_hand = f"set it by hand: echo {asked} | sudo tee {_GOVERNORS}"
            stays = f"its governor stays {', '.join(sorted(others))}, not {asked} as asked"
            raise SetupError(f"{stays}; {by_hand}", board=self._entry.name)
        return self

    def __exit__(self, *error: object) -> None:
        if self._before:
            with suppress(HilError):  # a lost board keeps the note
                self._set(self._before)
                self.run(f"rm -f {_NOTE}")

    def conditions(self) -> Conditions:
        """Read the present conditions."""
        return sensors.read(self.run(sensors.script(self._entry.core)), self._entry.core)

    def settle(self) -> None:
        """Wait until the board is cool enough. Raises `UnfitError` if it does not cool down in time."""
        entry = self._entry
        if entry.max_celsius is None:
            return
        deadline = Deadline.after(entry.cool_down)
        while (celsius := self.conditions().celsius) is not None and celsius > entry.max_celsius:
            if deadline.passed:
                hot = f"it has {celsius:.0f} C after {entry.cool_down:g} s of cooling down"
                limit = f"but max_celsius is {entry.max_celsius:g}"
                remedy = "cool it, or raise `cool_down`"
                raise UnfitError(f"{hot}, {limit}; {remedy}", board=entry.name)
            time.sleep(min(LOOK_SECONDS, deadline.left))
        if celsius is None:
            raise UnfitError("it reports no temperature; remove `max_celsius`", board=entry.name)

    def _governors(self) -> Mapping[str, str]:
        found = key_values(self.run(_WHICH))
        if not found:
            raise SetupError("it has no governor to set; remove `governor`", board=self._entry.name)
        return found

    def _note(self) -> None:
        """Keep the governors of before on the board, if it has a place for a note."""
        lines = " ".join(shlex.quote(f"{file}={governor}") for file, governor in self._before.items())
        if lines:
            boot = '"boot=$(cat /proc/sys/kernel/random/boot_id)"'
            write = f'mkdir -p "$(dirname {_NOTE})" && printf "%s\\n" {boot} {lines} >{_NOTE}'
            self.run(f"{{ {write}; }} 2>/dev/null; true")

    def _set(self, governors: Mapping[str, str]) -> None:
        """Set governors as far as permitted: as root, or by sudo without a password."""
        lines = [
            f"{{ echo {value} >{file} || echo {value} | sudo -n tee {file}; }} >/dev/null 2>&1"
            for file, value in ((shlex.quote(f), shlex.quote(v)) for f, v in governors.items())
        ]
        if lines:
            self.run("\n".join([*lines, "true"]))
