"""Describe the meter of a board, as `meter` in boards.toml does."""

from dataclasses import dataclass
from typing import Literal, Protocol

SECONDS = {"ppk2": 1.0, "joulescope": 1.0, "hwmon": 2.0, "battery": 30.0}
"""Seconds of a capture by kind of meter: a battery's counter may move once in several seconds."""
_LEAST_MILLIVOLTS, _MOST_MILLIVOLTS = 800, 5000
"""Voltages that a PPK2 can supply or measure at."""
_PINS = 8
_LEAST_SECONDS, _MOST_SECONDS = 0.1, {"joulescope": 10.0}
"""Shortest capture, and longest of a Joulescope, of which each sample is kept in memory."""
_LONG_SECONDS = 600.0
"""Longest capture of the other kinds."""
_KEYS = {
    "ppk2": ("port", "millivolts", "supplies", "marker"),
    "joulescope": ("serial", "marker"),
    "hwmon": ("path",),
    "battery": ("path",),
}
"""Keys that only some kinds have."""
_NEEDED = {"ppk2": ("port", "millivolts")}


@dataclass(frozen=True)
class Meter:
    """A meter in the supply of one board.

    Attributes:
        kind: A PPK2 on a serial port, a Joulescope on USB, an INA2xx that Linux on the board shows in hwmon,
            or its battery.
        port: Serial port of a PPK2.
        millivolts: Voltage of the supply that a PPK2 measures.
        supplies: Whether the PPK2 supplies this voltage itself; else it is wired into a supply.
        marker: Logic input of a PPK2 or a Joulescope, from 0, that the agent's marker is wired to.
        path: Folder of the sensor in the board's sysfs; else it is looked for.
        seconds: Length of a capture; else `SECONDS` of its kind.
        serial: Serial number of a Joulescope, if there are several.

    Raises:
        ValueError: A value is missing, out of range, or for a meter of another kind.
    """

    kind: Literal["ppk2", "joulescope", "hwmon", "battery"]
    port: str | None = None
    millivolts: int | None = None
    supplies: bool = False
    marker: int | None = None
    path: str | None = None
    seconds: float | None = None
    serial: str | None = None

    def __post_init__(self) -> None:
        for key in dict.fromkeys(key for keys in _KEYS.values() for key in keys):
            given = getattr(self, key) is not None and getattr(self, key) is not False
            if given and key not in _KEYS[self.kind]:
                kinds = " or ".join(kind for kind, keys in _KEYS.items() if key in keys)
                raise ValueError(f"`{key}` is for a {kinds}, not {self.kind}")
            if not given and key in _NEEDED.get(self.kind, ()):
                raise ValueError(f"a {self.kind} needs `{key}`")
        if self.millivolts is not None and not _LEAST_MILLIVOLTS <= self.millivolts <= _MOST_MILLIVOLTS:
            raise ValueError(
                f"`millivolts` is {self.millivolts}; write {_LEAST_MILLIVOLTS} to {_MOST_MILLIVOLTS}"
            )
        if self.marker is not None and not 0 <= self.marker < _PINS:
            raise ValueError(
                f"`marker` is {self.marker}; write the number of a logic input, 0 to {_PINS - 1}"
            )
        most = _MOST_SECONDS.get(self.kind, _LONG_SECONDS)
        if self.seconds is not None and not _LEAST_SECONDS <= self.seconds <= most:
            raise ValueError(f"`seconds` is {self.seconds:g}; write {_LEAST_SECONDS:g} to {most:g}")

    @property
    def capture_seconds(self) -> float:
        """Return the length of a capture."""
        return SECONDS[self.kind] if self.seconds is None else self.seconds


@dataclass(frozen=True)
class Window:
    """Energy that a board drew during one capture.

    Attributes:
        seconds: Length of the capture by the meter's own clock.
        joules: Energy that the board drew.
        marks: Joules of each time that the marker was high from its rise to its fall.
    """

    seconds: float
    joules: float
    marks: tuple[float, ...] = ()

    @property
    def watts(self) -> float:
        """Return the mean power."""
        return self.joules / self.seconds


class Recorder(Protocol):
    """An open meter. Raises `MeterError` if it is lost, or a capture cannot be trusted."""

    def start(self) -> None:
        """Begin a capture."""
        ...

    def enough(self) -> bool:
        """Return whether the capture holds what an energy needs, so that it may end."""
        ...

    def stop(self) -> Window:
        """End the capture."""
        ...

    def close(self) -> None:
        """Release the meter; a second call is harmless."""
        ...
