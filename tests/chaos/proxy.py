"""Stand between a host and an agent, and spoil what passes; a program, since that is what a board runs.

`python -m tests.chaos.proxy agent FAULT PROGRAM CRASH` runs an agent behind its standard input and output.
`python -m tests.chaos.proxy port FAULT PORT` prints a free port and joins each connection to PORT.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from tests.chaos import byte_faults, frame_faults
from tests.chaos.byte_faults import Sent
from tests.chaos.faults import FRAMES, NONE, Fault, Lane
from tests.chaos.isolation import die_with_parent

_CHUNK = 1 << 16
_END_SECONDS = 1.0
"""Seconds that the agent gets for its last words after the host has ended the stream."""


def spoiled(fault: Fault, lane: Lane, chunks: Iterator[bytes]) -> Sent:
    """Yield what is sent on for the chunks of one lane."""
    if fault.name == NONE or fault.lane != lane:
        yield from chunks
        return
    rng = random.Random(fault.seed)
    if fault.name in FRAMES:
        pieces = frame_faults.frames(chunks)
        for _ in range(fault.at):
            yield next(pieces, b"")
        yield from frame_faults.SPOILS[fault.name](fault, rng, pieces)
    else:
        rest = yield from byte_faults.up_to(chunks, fault.at)
        yield from byte_faults.SPOILS[fault.name](fault, rng, chain([rest] if rest else [], chunks))


def pump(fault: Fault, lane: Lane, read: Callable[[], bytes], write: Callable[[bytes], object]) -> None:
    """Pass on one lane until its end."""
    with suppress(OSError):
        for sent in spoiled(fault, lane, iter(read, b"")):
            if isinstance(sent, bytes):
                if sent:
                    write(sent)
            else:
                time.sleep(min(sent, threading.TIMEOUT_MAX))


def write_all(out: int, data: bytes) -> None:
    """Write all of the data to a file descriptor."""
    while data:
        data = data[os.write(out, data) :]


def before_agent(fault: Fault, program: str, crash: Path) -> None:
    """Run the agent and pass on what it reads and writes.

    Args:
        fault: What is spoiled. An agent that is to ignore the end never ends.
        program: The agent.
        crash: File for the signal of an agent that crashes.
    """
    agent = subprocess.Popen(
        [program], bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=die_with_parent
    )
    assert agent.stdin is not None
    assert agent.stdout is not None
    to, out = agent.stdin, agent.stdout.fileno()
    ending = False

    def read() -> bytes:
        data = os.read(out, _CHUNK)
        if not data and (status := agent.wait()) < 0 and not ending:
            crash.write_text(signal.Signals(-status).name)
        return data

    def answer() -> None:
        pump(fault, "host", read, lambda data: write_all(1, data))
        os.close(1)

    answering = threading.Thread(target=answer, daemon=True)
    answering.start()
    pump(fault, "agent", lambda: os.read(0, _CHUNK), lambda data: write_all(to.fileno(), data))
    to.close()
    answering.join(None if fault.name == "ignore the end" else _END_SECONDS)
    ending = True
    agent.kill()
    os._exit(0)


def before_port(fault: Fault, port: int) -> None:
    """Join each connection to a port of this machine; the fault hits the first one only."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            near = server.accept()[0]
            far = socket.create_connection(("127.0.0.1", port))
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for lane, source, sink in (("agent", near, far), ("host", far, near)):
                threading.Thread(target=_join, args=(fault, lane, source, sink), daemon=True).start()
            fault = Fault()


def _join(fault: Fault, lane: Lane, source: socket.socket, sink: socket.socket) -> None:
    pump(fault, lane, lambda: source.recv(_CHUNK), sink.sendall)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    if sys.argv[1] == "agent":
        before_agent(Fault.loads(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
    else:
        before_port(Fault.loads(sys.argv[2]), int(sys.argv[3]))
