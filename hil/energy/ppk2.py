"""Capture with a PPK2 over its serial port.

The protocol is one byte for each command. Samples arrive all the time between a start and a stop, so a thread
reads them while the board works.
"""

from contextlib import suppress
from threading import Event, Thread
from time import monotonic

import numpy as np

from hil.energy.meter import Meter, Window
from hil.energy.ppk2_samples import RATE, WORD, calibration, window
from hil.errors import DeadlineError, LinkError, MeterError
from hil.transports.deadline import Deadline
from hil.transports.serial import SerialTransport
from hil.transports.transport import Advice

START, STOP, POWER, REGULATOR, MODE, METADATA = 0x06, 0x07, 0x0C, 0x0D, 0x11, 0x19
"""Commands."""
AMPERE, SOURCE = 1, 2
"""Modes: wired into a supply, or the supply itself."""
END = b"END"
"""End of the metadata."""
ANSWER_SECONDS = 3.0
SILENCE_SECONDS = 0.2
"""Silence after a stop that ends a capture."""
_MOST_METADATA = 1 << 14
_MOST_SECONDS = 1200.0
"""Longest capture that is kept in memory."""
_ADVICE = Advice("check its cable and plug it in again", "plug it in again, or name its first port")


class Ppk2:
    """An open PPK2, which powers its board on and leaves it on.

    Args:
        meter: Its description.
        board: Name of the board in its errors.

    Raises:
        MeterError: The port is missing, in use, or of another device.
    """

    def __init__(self, meter: Meter, board: str) -> None:
        assert meter.port is not None  # as `Meter` has it
        assert meter.millivolts is not None
        self._board, self._marker, self._millivolts = board, meter.marker, meter.millivolts
        self._heard, self._last = bytearray(), 0.0
        self._arrived, self._stopping = Event(), Event()
        self._reader: Thread | None = None
        self._fault: LinkError | None = None
        try:
            self._port = SerialTransport(meter.port, _ADVICE)
        except LinkError as error:
            raise self._error(error) from error
        try:
            self._calibration = calibration(self._metadata())
            self._write(MODE, SOURCE if meter.supplies else AMPERE)
            self._write(REGULATOR, *meter.millivolts.to_bytes(2, "big"))
            self._write(POWER, 1)
        except MeterError as error:
            self.close()
            raise self._error(error) from error
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Begin a capture, and return when samples arrive. Raises `MeterError` if none do."""
        self._heard, self._fault, self._last = bytearray(), None, 0.0
        self._stopping.clear()
        self._arrived.clear()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()
        self._earliest = monotonic()
        self._write(START)
        if not self._arrived.wait(ANSWER_SECONDS):
            silent = f"{self._port.name} sent no sample within {ANSWER_SECONDS:g} s"
            raise self._error(self._fault or LinkError(f"{silent}; {_ADVICE.mute}"))
        self._began = monotonic()

    def enough(self) -> bool:
        """Return True: samples arrive all the time, and `stop` counts them."""
        return True

    def stop(self) -> Window:
        """End the capture. Raises `MeterError` if samples are missing or impossible."""
        ended = monotonic()
        self._write(STOP)
        self._stopping.set()
        assert self._reader is not None  # `start` comes first
        self._reader.join()
        if self._fault:
            raise self._error(self._fault) from self._fault
        seconds = ended - self._began, max(self._last, ended) - self._earliest
        words = np.frombuffer(bytes(self._heard[: len(self._heard) // 4 * 4]), WORD)
        try:
            return window(words, seconds, self._calibration, self._millivolts, self._marker)
        except MeterError as error:
            raise self._error(error) from error

    def close(self) -> None:
        """Stop a capture and close the port; the board stays powered."""
        if not self._stopping.is_set():
            with suppress(MeterError):
                self._write(STOP)
        self._stopping.set()
        if self._reader is not None:
            self._reader.join()
        self._port.close()

    def _metadata(self) -> str:
        """Return the metadata. A capture that another run left is stopped first, and its samples dropped."""
        deadline, text = Deadline.after(ANSWER_SECONDS), bytearray()
        self._write(STOP)
        with suppress(DeadlineError):
            while not deadline.passed:
                self._port.read(deadline.at_most(SILENCE_SECONDS))
        self._write(METADATA)
        try:
            while END not in text:
                text += self._port.read(deadline)
                if len(text) > _MOST_METADATA:
                    raise MeterError(f"{self._port.name} sends other bytes than a PPK2; {_ADVICE.mute}")
        except LinkError as error:
            raise MeterError(f"{error.observation} when asked for its metadata; {_ADVICE.mute}") from error
        return text.decode(errors="replace")

    def _read(self) -> None:
        most, late = int(_MOST_SECONDS * RATE) * WORD.itemsize, None
        while True:
            try:
                self._heard += self._port.read(Deadline.after(SILENCE_SECONDS))
                self._last = monotonic()
                self._arrived.set()
            except DeadlineError:
                if self._stopping.is_set():
                    return
            except LinkError as error:
                self._fault = error
                return
            if self._stopping.is_set():
                late = late or Deadline.after(ANSWER_SECONDS)
            if len(self._heard) > most or (late and late.passed):
                self._fault = LinkError(f"{self._port.name} does not stop; {_ADVICE.mute}")
                return

    def _write(self, *command: int) -> None:
        try:
            self._port.write(bytes(command), Deadline.after(ANSWER_SECONDS))
        except LinkError as error:
            raise self._error(error) from error

    def _error(self, error: LinkError | MeterError) -> MeterError:
        """Return an error that names the board. A lost meter must not pass for a lost board."""
        return MeterError(f"its meter: {error.text.removeprefix('its meter: ')}", board=self._board)
