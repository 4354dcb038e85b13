"""Play a recording of a Joulescope, a JLS file, through the interface of its maker's driver.

A thread sends what its clock says is due, a block twenty times a second, again and again from the file's
beginning. Faults are those that a real one has now and then.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pyjls import DataType, Reader, SignalType, Writer

COUNTS = 2_000_000
"""Full rate of a JS220's count; its power has every second."""
RATE = 1_000_000
BLOCK_SECONDS = 0.05
Listener = Callable[[str, Any], None]


def record(path: Path, watts: NDArray[np.float32], high: NDArray[np.uint8]) -> Path:
    """Write a recording of a JS220: its power at 1 MHz, and logic input 1 at 2 MHz.

    Args:
        path: The file.
        watts: float32 [n].
        high: Level of the logic input at each sample of the power, uint8 [n].
    """
    with Writer(str(path)) as file:
        file.source_def(
            1, name="JS220-000415", vendor="Jetperch", model="JS220", version="", serial_number="000415"
        )
        for signal, kind, rate, name, units in (
            (1, DataType.F32, RATE, "power", "W"),
            (2, DataType.U1, COUNTS, "gpi[1]", ""),
        ):
            file.signal_def(
                signal,
                source_id=1,
                signal_type=SignalType.FSR,
                data_type=kind,
                sample_rate=rate,
                name=name,
                units=units,
            )
        file.fsr(1, 0, watts)
        file.fsr(2, 0, np.packbits(np.repeat(high, 2), bitorder="little"))
    return path


def read(path: Path) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return power and logic input of a recording: float32 [n], uint8 [2 n]."""
    with Reader(str(path)) as file:
        signals = {signal.name: signal for signal in file.signals.values()}
        power, level = signals["power"], signals["gpi[1]"]
        watts = file.fsr(power.signal_id, 0, power.length)
        bits = file.fsr(level.signal_id, 0, level.length)
    return watts, np.unpackbits(bits, count=len(watts) * COUNTS // RATE, bitorder="little")


class Player:
    """A driver to which one JS220 is connected, which plays a recording.

    Args:
        path: The JLS file.
        paths: Instruments that the driver lists.
        share: Share of the due samples that it sends.
        skips: Whether its count jumps in each block, as if USB lost some samples.
        missing: Whether a sample of each block is missing.
        opens: Whether it can be opened.
        vanishes: Whether it is unplugged as soon as it has sent a block.
    """

    def __init__(
        self,
        path: Path,
        paths: tuple[str, ...] = ("u/js220/000415",),
        share: float = 1.0,
        skips: bool = False,
        missing: bool = False,
        opens: bool = True,
        vanishes: bool = False,
    ) -> None:
        self._watts, self._levels = read(path)
        self._paths, self._share, self._skips, self._missing = paths, share, skips, missing
        self._opens, self._vanishes = opens, vanishes
        self.published: list[tuple[str, object]] = []
        self.opened: list[tuple[str, str]] = []
        self.finalized = False
        self._listeners: dict[str, Listener] = {}
        self._threads: dict[str, tuple[threading.Event, threading.Thread]] = {}
        self._gone = threading.Event()

    def __call__(self) -> Self:
        return self

    def device_paths(self) -> list[str]:
        return list(self._paths)

    def open(self, path: str, mode: str) -> None:
        if not self._opens:
            raise RuntimeError("jsdrv_open failed 19 : BUSY")
        self.opened.append((path, mode))

    def close(self, path: str) -> None:
        self.opened.remove((path, "restore"))

    def finalize(self) -> None:
        self.finalized = True
        for topic in list(self._threads):
            self._stop(topic)

    def subscribe(
        self, topic: str, flags: str | list[str], fn: Listener, timeout: float | None = None
    ) -> None:
        assert flags in ("pub", ["pub"])
        self._listeners[topic] = fn

    def unsubscribe(self, topic: str, fn: Listener) -> None:
        assert self._listeners.pop(topic) is fn

    def publish(self, topic: str, value: object, timeout: float | None = None) -> None:
        if self._gone.is_set():
            raise TimeoutError(f"jsdrv_publish timed out : {topic}")
        self.published.append((topic, value))
        if topic.endswith("/ctrl"):
            signal = topic.removesuffix("/ctrl")
            self._stop(signal)
            if value:
                ended = threading.Event()
                thread = threading.Thread(target=self._run, args=(signal, ended), daemon=True)
                self._threads[signal] = ended, thread
                thread.start()

    def _stop(self, signal: str) -> None:
        ended, thread = self._threads.pop(signal, (None, None))
        if ended and thread:
            ended.set()
            thread.join()

    def _run(self, signal: str, ended: threading.Event) -> None:
        began, sent, step = time.monotonic(), 0, 2 if signal.endswith("/p") else 1
        values = self._watts if step == 2 else self._levels
        block, base = int(BLOCK_SECONDS * COUNTS) // step, 1 << 40
        while not ended.wait(0.005):
            while (time.monotonic() - began) * COUNTS * self._share / step >= sent + block:
                data = values[(sent + np.arange(block)) % len(values)]
                if step == 2 and self._missing:
                    data[7] = np.nan
                skipped = 100 * (sent // block) * self._skips
                self._send(signal, base + (sent + skipped) * step, step, data)
                sent += block
            if self._vanishes and sent:
                self._gone.set()
                return

    def _send(self, signal: str, count: int, step: int, data: NDArray[Any]) -> None:
        value = {
            "sample_id": count,
            "utc": 0,
            "sample_rate": COUNTS,
            "decimate_factor": step,
            "data": data if step == 2 else np.packbits(data, bitorder="little"),
        }
        topic = f"{signal}/!data"
        if listener := self._listeners.get(topic):
            listener(topic, value)
