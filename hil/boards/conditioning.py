"""Bring a Linux board to what its entry in boards.toml asks for, so that its times mean something.

A governor is set for the run and put back after it; a core that is too hot is waited for. Without either,
what the board is like is read and kept with the figures all the same.
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
"""Between two looks at a board that cools down."""
_GOVERNORS = "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
_WHICH = f'for file in {_GOVERNORS}; do [ -r "$file" ] && echo "$file=$(cat "$file")"; done; true'
Run = Callable[[str], str]
"""Runs a POSIX shell script on the board and gives what it prints."""


class Conditioner:
    """A board's conditions, from start to end. Raises `SetupError` if it cannot be as asked, and as `run`."""

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
            says = f"its governor stays {', '.join(sorted(others))}, not {asked} as asked"
            raise SetupError(f"{self._entry.name}: {says}; {by_hand}")
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(HilError):  # a board that is lost has nothing to be put back
            self._set(self._before)

    def conditions(self) -> Conditions:
        """As they are now."""
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
                advice = "give it air, or a longer `cool_down`"
                raise UnfitError(f"{entry.name}: {hot}, max_celsius is {entry.max_celsius:g}; {advice}")
            time.sleep(min(LOOK_SECONDS, deadline.left))
        if celsius is None:
            raise UnfitError(f"{entry.name}: it tells no temperature; remove `max_celsius`")

    def _governors(self) -> Mapping[str, str]:
        found = key_values(self._run(_WHICH))
        if not found:
            raise SetupError(f"{self._entry.name}: it has no governor to set; remove `governor`")
        return found

    def _set(self, governors: Mapping[str, str]) -> None:
        """As far as we may: who is root there, or may be by sudo without a password."""
        lines = [
            f"{{ echo {value} >{file} || echo {value} | sudo -n tee {file}; }} >/dev/null 2>&1"
            for file, value in ((shlex.quote(f), shlex.quote(v)) for f, v in governors.items())
        ]
        if lines:
            self._run("\n".join([*lines, "true"]))
