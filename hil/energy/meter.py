"""Describe the meter of a board, as `meter` in boards.toml does."""

from dataclasses import dataclass
from typing import Literal, Protocol

SECONDS = {"ppk2": 1.0, "hwmon": 2.0, "battery": 30.0}
"""Seconds of a capture by kind of meter: a battery's counter may move once in several seconds."""
_LEAST_MILLIVOLTS, _MOST_MILLIVOLTS = 800, 5000
"""Voltages that a PPK2 can supply or measure at."""
_PINS = 8
_LEAST_SECONDS, _MOST_SECONDS = 0.1, 600.0


@dataclass(frozen=True)
class Meter:
    """A meter in the supply of one board.

    Attributes:
        kind: A PPK2 on a serial port, an INA2xx that Linux on the board shows in hwmon, or its battery.
        port: Serial port of a PPK2.
        millivolts: Voltage of the supply that a PPK2 measures.
        supplies: Whether the PPK2 supplies this voltage itself; else it is wired into a supply.
        marker: Logic input of a PPK2, 0 to 7, that the agent's marker is wired to.
        path: Folder of the sensor in the board's sysfs; else it is looked for.
        seconds: Length of a capture; else `SECONDS` of its kind.

    Raises:
        ValueError: A value is missing, out of range, or for a meter of another kind.
    """

    kind: Literal["ppk2", "hwmon", "battery"]
    port: str | None = None
    millivolts: int | None = None
    supplies: bool = False
    marker: int | None = None
    path: str | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        ppk2 = self.kind == "ppk2"
        for key in ("port", "millivolts"):
            if ppk2 != (getattr(self, key) is not None):
                raise ValueError(
                    f"a ppk2 needs `{key}`" if ppk2 else f"`{key}` is for a ppk2, not {self.kind}"
                )
        if not ppk2 and (self.supplies or self.marker is not None):
            raise ValueError(f"`supplies` and `marker` are for a ppk2, not {self.kind}")
        if ppk2 and self.path is not None:
            raise ValueError("`path` is for a sensor of the board, not a ppk2")
        if ppk2 and not _LEAST_MILLIVOLTS <= (self.millivolts or 0) <= _MOST_MILLIVOLTS:
            raise ValueError(
                f"`millivolts` is {self.millivolts}; write {_LEAST_MILLIVOLTS} to {_MOST_MILLIVOLTS}"
            )
        if self.marker is not None and not 0 <= self.marker < _PINS:
            raise ValueError(
                f"`marker` is {self.marker}; write the number of a logic input, 0 to {_PINS - 1}"
            )
        if self.seconds is not None and not _LEAST_SECONDS <= self.seconds <= _MOST_SECONDS:
            raise ValueError(f"`seconds` is {self.seconds:g}; write {_LEAST_SECONDS:g} to {_MOST_SECONDS:g}")

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
