"""Talk to an agent as the MLPerf Tiny runner does, by the rules of its classes `DUT` and `SerialDevice`.

A command ends with `%`. Its answer is all lines up to the one that contains `m-ready`. Data go as hexadecimal
digits, 31 bytes in a command. Of an answer the runner reads name, model, two laps and the results.
"""

import re
import time

import numpy as np
import serial
from numpy.typing import NDArray

from reds.pack import interpreter
from reds.pack.model import Model

READY = "m-ready"
LINE_SECONDS, INFER_SECONDS = 5.0, 30.0


class Runner:
    """The runner at a serial port."""

    def __init__(self, port: str) -> None:
        self._port = serial.Serial(port, 115200, timeout=0.1)
        self._held = b""

    def close(self) -> None:
        self._port.close()

    def command(self, text: str, seconds: float = LINE_SECONDS) -> list[str]:
        """Send a command and return the lines of its answer."""
        self._port.write(f"{text}%".encode())
        lines: list[str] = []
        while not lines or READY not in lines[-1]:
            lines.append(self._line(seconds))
        return lines

    def field(self, command: str, pattern: str) -> str:
        """Return the only group of a pattern that one line of an answer matches."""
        found = [match[1] for line in self.command(command) if (match := re.fullmatch(pattern, line))]
        assert len(found) == 1, (command, found)
        return found[0]

    def name(self) -> str:
        return self.field("name", r"m-name-dut-\[([^]]+)]")

    def model(self) -> str:
        return self.field("profile", r"m-model-\[([^]]+)]")

    def load(self, data: bytes, piece: int = 31) -> None:
        assert self.command(f"db load {len(data)}") == [f"m-[Expecting {len(data)} bytes]", READY]
        for at in range(0, len(data), piece):
            answer = self.command(f"db {data[at : at + piece].hex()}")
            assert answer == ["m-load-done"] * (at + piece >= len(data)) + [READY], answer

    def infer(self, count: int, warmups: int) -> tuple[list[float], tuple[int, int]]:
        """Return the results and the two laps in microseconds."""
        lines = self.command(f"infer {count} {warmups}", INFER_SECONDS)
        laps = [int(line.removeprefix("m-lap-us-")) for line in lines if re.fullmatch(r"m-lap-us-\d+", line)]
        results = [match[1] for line in lines if (match := re.fullmatch(r"m-results-\[([^]]+)]", line))]
        assert (len(laps), len(results)) == (2, 1), lines
        return [float(each) for each in results[0].split(",") if each.strip()], (laps[0], laps[1])

    def silent(self, seconds: float) -> bool:
        """Return whether nothing arrives for so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._held += self._port.read(64)
        return not self._held

    def _line(self, seconds: float) -> str:
        deadline = time.monotonic() + seconds
        while b"\n" not in self._held:
            assert time.monotonic() < deadline, f"no line within {seconds} s after {self._held!r}"
            self._held += self._port.read(max(1, self._port.in_waiting))
        line, _, self._held = self._held.partition(b"\n")
        return line.replace(b"\r", b"").replace(b"\0", b"").decode()


def softmax(model: Model, subnet: int, x: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return what the agent is to answer for an input, of the interpreter's outputs."""
    out = interpreter.run(model, subnet, interpreter.clamp_input(x[None]))[0].astype(np.float64)
    grown = np.exp((out - out.max()) * np.float32(model.subnets[subnet].output_scale).astype(np.float64))
    return np.asarray(grown / grown.sum())
