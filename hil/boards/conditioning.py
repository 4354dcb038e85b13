"""Bring a Linux board to the conditions of its entry in boards.toml, so that latencies mean something.

A governor is set for the run and restored after it. A hot core is waited for. The conditions are read and
kept with the figures in any case.
"""

import shlex
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Self

from hil.boards import sensors
from hil.boards.entry import Entry
from hil.errors import HilError, SetupError, UnfitError
from hil.results.conditions import Conditions
from hil.transports.deadline import Deadline
from hil.transports.machine import key_values

LOOK_SECONDS = 1.0
"""Seconds between two readings of a board that cools down."""
_GOVERNORS = "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
_WHICH = f'for file in {_GOVERNORS}; do [ -r "$file" ] && echo "$file=$(cat "$file")"; done; true'
Run = Callable[[str], str]
"""Runs a POSIX shell script on the board and returns its output."""


class Conditioner:
    """Controls the conditions of a board from start to end of a run.

    Raises `SetupError` if the governor cannot be set, and the errors of `run`.
    """

    def __init__(self, entry: Entry, run: Run) -> None:
        self._entry, self._run = entry, run
        self._before: Mapping[str, str] = {}

    def __enter__(self) -> Self:
        asked = self._entry.governor
        if asked is None:
            return self
        self._before = {file: now for file, now in self._governors().items() if now != asked}
        self._set(dict.fromkeys(self._before, asked))
        others = {now for now in self._governors().values() if now != asked}
        if others:
            self.__exit__()
            by_hand = f"set it by hand: echo {asked} | sudo tee {_GOVERNORS}"
            stays = f"its governor stays {', '.join(sorted(others))}, not {asked} as asked"
            raise SetupError(f"{stays}; {by_hand}", board=self._entry.name)
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(HilError):  # a lost board has nothing to restore
            self._set(self._before)

    def conditions(self) -> Conditions:
        """Read the present conditions."""
        return sensors.read(self._run(sensors.script(self._entry.core)), self._entry.core)

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
        found = key_values(self._run(_WHICH))
        if not found:
            raise SetupError("it has no governor to set; remove `governor`", board=self._entry.name)
        return found

    def _set(self, governors: Mapping[str, str]) -> None:
        """Set governors as far as permitted: as root, or by sudo without a password."""
        lines = [
            f"{{ echo {value} >{file} || echo {value} | sudo -n tee {file}; }} >/dev/null 2>&1"
            for file, value in ((shlex.quote(f), shlex.quote(v)) for f, v in governors.items())
        ]
        if lines:
            self._run("\n".join([*lines, "true"]))
