"""Captures of a meter that cannot be trusted, each of which raises one error."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from hil.energy import joulescope_samples
from hil.energy.figures import Turn, energy
from hil.energy.joulescope import Joulescope
from hil.energy.meter import Meter, Window
from hil.energy.ppk2 import Ppk2
from hil.energy.ppk2_samples import calibration, check, currents
from tests.hil.support.ppk2 import METADATA, RESISTANCE, words

_REST = Window(1.0, 0.010)
_WHOLE = words(np.full(1000, 50))
_SECONDS = 0.01, 0.01
_WRONG = calibration(METADATA.replace(f"R2: {RESISTANCE}", "R2: 0.05"))


def _turn(turn: Turn, after: Window = _REST, marker: bool = False) -> Callable[[Path], object]:
    return lambda _: energy([turn], _REST, after, marker)


class _Driver:
    """A driver with two Joulescopes, which another program uses."""

    def device_paths(self) -> list[str]:
        return ["u/js220/000415", "u/js110/001234"]

    def open(self, path: str, mode: str) -> None:
        raise RuntimeError("jsdrv_open failed 19 : BUSY")

    def finalize(self) -> None: ...


def _joulescope(serial: str | None) -> Callable[[Path], object]:
    return lambda _: Joulescope(Meter("joulescope", serial=serial), "left", _Driver)  # type: ignore[arg-type]


def _of_joulescope(watts: float, jump: int = 0, seconds: float = 1.0) -> Callable[[Path], object]:
    halves = np.full(500_000, watts, np.float32)
    first = joulescope_samples.Block(0, 2, 2_000_000, halves, 0.5 * seconds)
    second = joulescope_samples.Block(1_000_000 + jump, 2, 2_000_000, halves, seconds)
    return lambda _: joulescope_samples.window([first, second], None, 0.0)


METER_FAULTS: Mapping[str, Callable[[Path], object]] = {
    "meter: a port that is not there": lambda _: Ppk2(Meter("ppk2", "/dev/none", 3300), "left"),
    "meter: no calibration": lambda _: calibration(""),
    "meter: too few samples": lambda _: check(_WHOLE, (1.0, 1.0)),
    "meter: a lost sample": lambda _: check(np.delete(_WHOLE, 500), _SECONDS),
    "meter: a range that it lacks": lambda _: check(_WHOLE | np.uint32(7 << 14), _SECONDS),
    "meter: an absurd current": lambda _: currents(words(np.full(9, 9000)), _WRONG, 3300),
    "meter: no such Joulescope": _joulescope("000416"),
    "meter: two Joulescopes": _joulescope(None),
    "meter: a Joulescope in use": _joulescope("000415"),
    "meter: a Joulescope that lost a block": _of_joulescope(0.01, jump=2000),
    "meter: a Joulescope that sends too little": _of_joulescope(0.01, seconds=2.0),
    "meter: a Joulescope with missing samples": _of_joulescope(np.nan),
    "meter: a Joulescope's absurd power": _of_joulescope(200.0),
    "meter: a Joulescope wired the wrong way": _of_joulescope(-0.01),
    "meter: an idle board that is not idle": _turn(Turn(Window(1.0, 0.02), 10, 0.9), Window(1.0, 0.012)),
    "meter: a capture shorter than its inferences": _turn(Turn(Window(1.0, 0.02), 10, 1.2)),
    "meter: a board that is not in its supply": _turn(Turn(Window(1.0, 0.0001), 10, 0.9)),
    "meter: a marker that is not wired": _turn(Turn(Window(1.0, 0.02), 10, 0.9), marker=True),
}
