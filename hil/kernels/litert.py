"""Run LiteRT as a peer: the same integer net as ours, one thread, XNNPACK on, in a process of its own.

The process is Python, on this machine or on a board (`litert_remote.py`). An inference is timed around
`invoke`, less the time of a call that does nothing, as ours is timed less the reading of the clock.
"""

import base64
import json
import math
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hil.boards.entry import Entry
from hil.errors import ProtocolError, SetupError
from hil.kernels.desktop import Peer, Timer
from hil.results.statistics.quantiles import median
from hil.transports.deadline import Deadline
from hil.transports.process import ProcessTransport
from hil.transports.shell import ShellTransport, pinned
from hil.transports.transport import Transport
from reds.export import tflite
from reds.export.tflite.flatbuffer import schema
from reds.graph import Graph, Widths
from reds.reading import parse_json
from reds.text import LINE, printable
from reds.zoo.random_weights import with_random_weights

NAME = "LiteRT int8"
LOADS = 21
SEED = 1
"""Seed of the weights. Others may give an average a bias that TFLite's own op cannot have."""
ANSWER_SECONDS, LOGIN_SECONDS = 120.0, 15.0
"""Deadlines of any answer, such as the start of Python or a turn of inferences, and of a login."""
_AT_ONCE, _BYTES_AT_ONCE = 256, 1 << 20
"""Most examples of one request, and most of their bytes unless one example has more."""
_MOST_BYTES = 1 << 24
"""Most bytes of an answer."""


class LiteRT:
    """Runs one net at a time. Raises `SetupError` if LiteRT is missing at the other end, or `LinkError`."""

    def __init__(self, transport: Transport, python: str) -> None:
        self._transport, self._heard = transport, bytearray()
        self.ram = 0
        """Bytes of memory that the loaded net takes in its process, weights included."""
        self.outputs = 0
        """Number of values that the loaded net answers."""
        if lacks := self._answer().get("lacks"):
            raise SetupError(f"{transport.name}: no LiteRT: {lacks}; {python} -m pip install ai-edge-litert")

    def load(self, content: bytes) -> float:
        """Load a `.tflite` file, and return the median microseconds of loading it.

        Raises:
            SetupError: LiteRT refuses the file.
            ProtocolError: LiteRT answers something else.
        """
        answer = self._ask({"n": LOADS, "content": base64.b64encode(content).decode()})
        sizes = answer.get("ram"), answer.get("outputs")
        if any(type(size) is not int or size < 0 for size in sizes):
            raise self._strange(repr(answer).encode())
        self.ram, self.outputs = answer["ram"], answer["outputs"]
        return median(self._times(answer, LOADS))

    def time(self, n: int) -> list[float]:
        """Return the microseconds of n successive inferences of the loaded net."""
        return self._times(self._ask({"n": n}), n)

    def classes(self, x: NDArray[Any]) -> NDArray[np.intp]:
        """Return the answers of the loaded net.

        Args:
            x: Examples, [N, ...] of the input's values: of its type, or floating-point features.

        Returns:
            The class of each example, [N].

        Raises:
            SetupError: The net takes other examples.
        """
        found: list[int] = []
        size = max(1, min(_AT_ONCE, _BYTES_AT_ONCE // max(1, x[0].nbytes)))
        for batch in np.array_split(x, math.ceil(len(x) / size)):
            what = {"examples": base64.b64encode(batch.tobytes()).decode(), "dtype": batch.dtype.str}
            answer = self._ask({**what, "shape": list(batch.shape)})
            classes = answer.get("classes")
            if not isinstance(classes, list) or len(classes) != len(batch):
                raise self._strange(repr(answer).encode())
            found += [int(each) for each in classes]
        return np.array(found)

    def _ask(self, what: Mapping[str, object]) -> dict[str, Any]:
        line = json.dumps(what) + "\n"
        self._transport.write(line.encode(), Deadline.after(ANSWER_SECONDS))
        answer = self._answer()
        if "refused" in answer:
            refused = f"LiteRT refuses the file or its examples: {printable(str(answer['refused']), LINE)}"
            raise SetupError(f"{refused}; export it again, or give its examples the type and shape it reads")
        return answer

    def _times(self, answer: Mapping[str, Any], n: int) -> list[float]:
        us = answer.get("us")
        if not isinstance(us, list) or not all(isinstance(x, int | float) and x >= 0 for x in us):
            raise self._strange(repr(answer).encode())
        if len(us) != n or not median(us) > 0:  # too few, or of a clock that stands still
            raise self._strange(repr(answer).encode())
        return [float(x) for x in us]

    def _answer(self) -> dict[str, Any]:
        deadline = Deadline.after(ANSWER_SECONDS)
        while b"\n" not in self._heard:
            self._heard += self._transport.read(deadline)
            if len(self._heard) > _MOST_BYTES:
                raise self._strange(self._heard)
        line, _, self._heard = self._heard.partition(b"\n")
        try:
            answer = parse_json(bytes(line))
        except ValueError as error:
            raise self._strange(line) from error
        if not isinstance(answer, dict) or answer.keys().isdisjoint(
            ("ready", "lacks", "us", "classes", "refused")
        ):
            raise self._strange(line)
        return answer

    def _strange(self, line: bytes | bytearray) -> ProtocolError:
        odd = f"{self._transport.name}: {bytes(line[:80])!r} is not an answer of LiteRT"
        return ProtocolError(f"{odd}; check that Python there starts without output")


def check(entry: Entry, emulated: bool = False) -> None:
    """Raise `SetupError` for a board that cannot run LiteRT.

    Args:
        entry: The board.
        emulated: Whether it is emulated; such a board has no times to compare.
    """
    if entry.target == "nano33ble":
        lacks = "it has no LiteRT, and no package of pip, npm or apt brings TFLite Micro for it"
        raise SetupError(f"{lacks}; compare with the counts of CMSIS-NN in docs/figures.md", board=entry.name)
    if emulated:
        raise SetupError(
            f"LiteRT is compared by time, and an emulated {entry.target} has none; leave --emulate out",
            board=entry.name,
        )
    if entry.target == "android":
        raise SetupError("its shell has no Python to run LiteRT; compare on a pi", board=entry.name)
    if entry.target != "desktop" and (entry.target != "pi" or entry.host is None):
        raise SetupError(
            "LiteRT runs beside ours only on a desktop or a pi with a host; name one", board=entry.name
        )


@contextmanager
def started(entry: Entry, python: str | None = None, cpu: str = "") -> Iterator[LiteRT]:
    """Start LiteRT on a board that passes `check`.

    Args:
        entry: The board.
        python: The Python that runs it; by default this one, or `python3` over SSH.
        cpu: `avx2` on a desktop to run without AVX-512; empty for all that the processor has.
    """
    program = Path(__file__).with_name("litert_remote.py").read_text(encoding="utf-8")
    if entry.target == "desktop":
        python = python or sys.executable
        words = [*pinned(entry.core).split(), python, "-c", program, cpu]
        transport = ProcessTransport(Path(words[0]), *words[1:])
        try:
            yield LiteRT(transport, python)
        finally:
            transport.close()
    else:
        from hil.transports.ssh.machine import SshMachine

        python = python or "python3"
        assert entry.host is not None  # as `check` has it
        with SshMachine(entry.host, Deadline.after(LOGIN_SECONDS), entry.via) as remote:
            command = f"{shlex.quote(python)} -c {shlex.quote(program)}"
            there = ShellTransport(remote, command, entry.core, Deadline.after(LOGIN_SECONDS))
            try:
                yield LiteRT(there, python)
            finally:
                there.close()


@contextmanager
def litert(cpu: str = "") -> Iterator[Peer]:
    """Start the peer on this machine. Raises `ModuleNotFoundError` if LiteRT or its writer is missing.

    Args:
        cpu: As for `started`.
    """
    schema()
    if find_spec("ai_edge_litert") is None:
        raise ModuleNotFoundError("No module named 'ai_edge_litert'")
    made: dict[tuple[Graph, Widths], bytes] = {}

    def flatbuffer(graph: Graph, widths: Widths) -> bytes:
        if (graph, widths) not in made:
            made[graph, widths] = tflite.dumps(with_random_weights("peer", graph, {"peer": widths}, SEED), 0)
        return made[graph, widths]

    with started(Entry("this machine", "desktop"), cpu=cpu) as there:

        def timer(graph: Graph, widths: Widths) -> Timer:
            there.load(flatbuffer(graph, widths))
            return there.time

        yield Peer(NAME, timer, lambda graph, widths: there.load(flatbuffer(graph, widths)))
