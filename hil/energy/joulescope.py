"""Capture with a Joulescope, JS110 or JS220, through its maker's driver.

The driver calls back with blocks of samples from a thread of its own. They hold a twentieth of a second, so a
capture goes on until the blocks reach its end.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from threading import Condition
from time import monotonic
from typing import Any, Protocol

import numpy as np

from hil.energy.joulescope_samples import LATE_SECONDS, Block, window
from hil.energy.meter import Meter, Window
from hil.errors import MeterError
from reds.text import printable

ANSWER_SECONDS = 3.0
"""Time that samples may take to arrive."""
_POWER = "s/p"
_RANGE = {"js110": "s/i/range/select", "js220": "s/i/range/mode"}
"""Topics that set the range of the current, by model."""
_RATE = {"js110": 2_000_000, "js220": 1_000_000}
"""Full rates of the power; at a lower one the driver filters, which shifts it against the marker."""
_INPUTS = {"js110": 2, "js220": 4}
"""Numbers of logic inputs."""

_UNOPENED = "end the program that uses it, install its maker's udev rules, or plug it in again"


class Driver(Protocol):
    """The part of `pyjoulescope_driver.Driver` that is used."""

    def device_paths(self) -> list[str]:
        """Return the instruments that are plugged in, as `u/js220/001234`."""
        ...

    def open(self, path: str, mode: str) -> None:
        """Open an instrument."""
        ...

    def close(self, path: str) -> None:
        """Close an instrument."""
        ...

    def publish(self, topic: str, value: object) -> None:
        """Set a value of an instrument."""
        ...

    def subscribe(self, topic: str, flags: str, fn: Callable[[str, Any], None]) -> None:
        """Call `fn` with each value of a topic."""
        ...

    def unsubscribe(self, topic: str, fn: Callable[[str, Any], None]) -> None:
        """Call `fn` no more."""
        ...

    def finalize(self) -> None:
        """End the driver."""
        ...


def maker_driver() -> Driver:
    """Start the driver of the maker. Raises `MeterError` if its package is missing."""
    try:
        from pyjoulescope_driver import Driver as Maker  # here: few runs have a Joulescope
    except ImportError as error:
        lacks = f"the package {error.name or 'pyjoulescope_driver'} is missing"
        raise MeterError(f"{lacks}; pip install 'reds-hil[energy]'") from error
    driver: Driver = Maker()
    return driver


class Joulescope:
    """An open Joulescope. It leaves the board's power as it finds it.

    Args:
        meter: Its description.
        board: Name of the board in its errors.
        start: Starts the driver.

    Raises:
        MeterError: The driver is missing, or the Joulescope is missing, in use or of another model.
    """

    def __init__(self, meter: Meter, board: str, start: Callable[[], Driver] = maker_driver) -> None:
        self._board, self._path, self._began = board, "", 0.0
        self._heard: dict[str, list[Block]] = {}
        self._signals: dict[str, str] = {}
        self._arrived = Condition()
        self._listener = self._hear  # the driver forgets only the very same object
        self._driver: Driver | None = None
        try:
            with self._explained("its driver does not start", "install it again"):
                self._driver = start()
            with self._explained("it cannot be opened", _UNOPENED):
                path = self._found(self._driver.device_paths(), meter.serial)
                self._driver.open(path, "restore")  # the other modes interrupt the board's power
                self._path, model = path, path.split("/")[1]
                self._signals = {_POWER: self._topic(_POWER)}
                if meter.marker is not None:
                    self._signals["marker"] = self._topic(self._input(model, meter.marker))
                self._driver.publish(f"{path}/{_RANGE[model]}", "auto")
                self._driver.publish(f"{path}/h/fs", _RATE[model])
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Begin a capture, and return when samples arrive. Raises `MeterError` if none do."""
        self._heard = {topic: [] for topic in self._signals.values()}
        self._began = monotonic()
        with self._lost():
            for topic in self._signals.values():
                self._opened.subscribe(f"{topic}/!data", "pub", self._listener)
                self._opened.publish(f"{topic}/ctrl", 1)
        with self._arrived:
            if not self._arrived.wait_for(lambda: all(self._heard.values()), ANSWER_SECONDS):
                raise self._error(f"it sent no sample within {ANSWER_SECONDS:g} s; plug it in again")

    def enough(self) -> bool:
        """Return True: samples arrive all the time, and `stop` counts them."""
        return True

    def stop(self) -> Window:
        """End the capture. Raises `MeterError` if samples are missing or impossible."""
        ended = monotonic()
        with self._arrived:
            self._arrived.wait_for(lambda: all(map(_reach(ended), self._heard.values())), ANSWER_SECONDS)
        with self._lost():
            self._quiet()
        power, marker = self._heard[self._signals[_POWER]], self._signals.get("marker")
        if not _reach(ended)(power):
            raise self._error("its samples ended before the capture; plug it in again")
        try:
            return window(power, self._heard[marker] if marker else None, self._began)
        except MeterError as error:
            raise self._error(error.text) from error

    def close(self) -> None:
        """Stop a capture and release the Joulescope; the board stays powered."""
        driver, path = self._driver, self._path
        if driver is None:
            return
        if path:
            with suppress(Exception):
                self._quiet()
            with suppress(Exception):
                driver.close(path)
        self._driver, self._path = None, ""
        with suppress(Exception):
            driver.finalize()

    def _found(self, paths: Sequence[str], serial: str | None) -> str:
        """Return the path of the instrument. Raises `MeterError` unless there is exactly one."""
        there = [path for path in paths if path.split("/")[1] in _RATE]
        found = [path for path in there if serial is None or path.split("/")[2].lower() == serial.lower()]
        if len(found) == 1:
            return found[0]
        listed = ", ".join(f"{path.split('/')[1].upper()} {path.split('/')[2]}" for path in there) or "none"
        named = "" if serial is None else f" with serial number {serial}"
        remedy = "name one by `serial` of its meter" if found else "plug it in"
        raise MeterError(f"{len(found)} Joulescopes{named} on USB (there: {printable(listed)}); {remedy}")

    def _input(self, model: str, marker: int) -> str:
        if marker >= _INPUTS[model]:
            inputs = f"a {model.upper()} has inputs 0 to {_INPUTS[model] - 1}"
            raise MeterError(f"`marker` is {marker}, but {inputs}; wire the marker to one of them")
        return f"s/gpi/{marker}"

    def _topic(self, signal: str) -> str:
        return f"{self._path}/{signal}"

    @property
    def _opened(self) -> Driver:
        if self._driver is None:
            raise MeterError("it is closed; open it again")
        return self._driver

    def _hear(self, topic: str, value: Mapping[str, Any]) -> None:
        """Keep a block; called in the driver's thread."""
        now, data = monotonic(), value["data"]
        values = np.unpackbits(data, bitorder="little") if data.dtype == np.uint8 else data
        if not len(values):
            return
        counts = int(value["sample_id"]), int(value["decimate_factor"]), int(value["sample_rate"])
        with self._arrived:
            self._heard[topic.removesuffix("/!data")].append(Block(*counts, values, now))
            self._arrived.notify_all()

    def _quiet(self) -> None:
        """Let the instrument send no more samples."""
        for topic in self._signals.values():
            self._opened.publish(f"{topic}/ctrl", 0)
            self._opened.unsubscribe(f"{topic}/!data", self._listener)

    def _lost(self) -> AbstractContextManager[None]:
        return self._explained("it is lost", "plug it in again")

    @contextmanager
    def _explained(self, what: str, remedy: str) -> Iterator[None]:
        """Turn what the driver raises, errors of any type, into `MeterError`."""
        try:
            yield
        except MeterError as error:
            raise self._error(error.text) from error
        except Exception as error:
            raise self._error(f"{what}: {printable(str(error)) or type(error).__name__}; {remedy}") from error

    def _error(self, text: str) -> MeterError:
        return MeterError(f"its meter: {text.removeprefix('its meter: ')}", board=self._board)


def _reach(ended: float) -> Callable[[Sequence[Block]], bool]:
    """Return a function that says whether blocks hold all samples up to a time of this machine's clock."""

    def reached(blocks: Sequence[Block]) -> bool:
        later = sum(block.seconds for block in blocks[1:])
        return bool(blocks) and later >= ended - blocks[0].arrived + LATE_SECONDS

    return reached
