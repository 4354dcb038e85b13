"""LiteRT as a peer: the same integer network as ours, one thread, XNNPACK on, in a process of its own.

The process is Python's, on this machine or on a board (`litert_remote.py`). An inference is timed around
`invoke`, less what a call that does nothing takes, as ours is timed less the reading of the clock.
"""

import base64
import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from hil.boards.entry import Entry
from hil.errors import ProtocolError, SetupError
from hil.kernels.desktop import Peer, Timer
from hil.transports.deadline import Deadline
from hil.transports.process import ProcessTransport
from hil.transports.shell import ShellTransport, pinned
from hil.transports.transport import Transport
from reds.export import tflite
from reds.export.tflite.flatbuffer import schema
from reds.graph import Graph, Widths
from reds.zoo.random_weights import with_random_weights

NAME = "LiteRT int8"
LOADS = 21
SEED = 1
"""Of the weights. With others an average may have a bias that TFLite's own cannot, and be a slower op."""
ANSWER_SECONDS, LOGIN_SECONDS = 120.0, 15.0
"""What any answer may take: a start of Python, many loads, a turn of inferences; and logging in."""


class LiteRT:
    """One network at a time. Raises `SetupError` if there is no LiteRT at the other end, or `LinkError`."""

    def __init__(self, transport: Transport, python: str) -> None:
        self._transport, self._heard = transport, b""
        if lacks := self._answer().get("lacks"):
            raise SetupError(f"{transport.name}: no LiteRT: {lacks}; {python} -m pip install ai-edge-litert")

    def load(self, content: bytes) -> float:
        """Take a `.tflite` file; returns the us that loading it takes, the median."""
        return median(self._ask(content=base64.b64encode(content).decode(), n=LOADS))

    def time(self, n: int) -> list[float]:
        """n inferences in a row of the network that was loaded last, each in us."""
        return self._ask(n=n)

    def _ask(self, **what: object) -> list[float]:
        line = json.dumps(what) + "\n"
        self._transport.write(line.encode(), Deadline.after(ANSWER_SECONDS))
        return [float(us) for us in self._answer()["us"]]

    def _answer(self) -> dict[str, Any]:
        deadline = Deadline.after(ANSWER_SECONDS)
        while b"\n" not in self._heard:
            self._heard += self._transport.read(deadline)
        line, _, self._heard = self._heard.partition(b"\n")
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise ProtocolError(f"{self._transport.name}: {line[:80]!r} is no answer of LiteRT's") from error
        if not isinstance(answer, dict) or answer.keys().isdisjoint(("ready", "lacks", "us")):
            raise ProtocolError(f"{self._transport.name}: {line[:80]!r} is no answer of LiteRT's")
        return answer


def check(entry: Entry) -> None:
    """Raises `SetupError` for a board that has no Python to run LiteRT."""
    if entry.target != "desktop" and (entry.target != "pi" or entry.host is None):
        raise SetupError(
            f"{entry.name}: LiteRT runs beside ours on a desktop or a pi with a host; name one of these"
        )


@contextmanager
def started(entry: Entry, python: str | None = None) -> Iterator[LiteRT]:
    """LiteRT on a board that passes `check`: by default with this Python, or `python3` over SSH."""
    program = Path(__file__).with_name("litert_remote.py").read_text(encoding="utf-8")
    if entry.target == "desktop":
        python = python or sys.executable
        words = [*pinned(entry.core).split(), python, "-c", program]
        transport = ProcessTransport(Path(words[0]), *words[1:])
        try:
            yield LiteRT(transport, python)
        finally:
            transport.close()
    else:
        from hil.transports.ssh.machine import SshMachine

        python = python or "python3"
        assert entry.host is not None  # as `check` has it
        with SshMachine(entry.host, Deadline.after(LOGIN_SECONDS)) as remote:
            command = f"{shlex.quote(python)} -c {shlex.quote(program)}"
            there = ShellTransport(remote, command, entry.core, Deadline.after(LOGIN_SECONDS))
            try:
                yield LiteRT(there, python)
            finally:
                there.close()


@contextmanager
def litert() -> Iterator[Peer]:
    """The peer on this machine. Raises `ModuleNotFoundError` without what writes or runs the networks."""
    schema()
    if find_spec("ai_edge_litert") is None:
        raise ModuleNotFoundError("No module named 'ai_edge_litert'")
    made: dict[tuple[Graph, Widths], bytes] = {}

    def flatbuffer(graph: Graph, widths: Widths) -> bytes:
        if (graph, widths) not in made:
            made[graph, widths] = tflite.dumps(with_random_weights("peer", graph, {"peer": widths}, SEED), 0)
        return made[graph, widths]

    with started(Entry("this machine", "desktop")) as there:

        def timer(graph: Graph, widths: Widths) -> Timer:
            there.load(flatbuffer(graph, widths))
            return there.time

        yield Peer(NAME, timer, lambda graph, widths: there.load(flatbuffer(graph, widths)))
