"""Serve boards on TCP ports of 127.0.0.1, as the machine does that they are plugged in to."""

import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

from hil.boards.board import Board
from hil.boards.desk import Desk
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.targets.nano33ble import THIS_DESK, start
from hil.errors import HilError
from hil.transports.deadline import Deadline
from hil.transports.process import ProcessTransport
from hil.transports.transport import Transport

_POLL_SECONDS = 0.02


class TcpBoard:
    """A raw TCP port that carries the bytes of one agent to one client after the other.

    Args:
        open_: Opens the stream to the agent, which stays open from one client to the next.
        greeting: Bytes that a client gets first, as those that an earlier one left.
        port: TCP port, 0 for any.
    """

    def __init__(self, open_: Callable[[], Transport], greeting: bytes = b"", port: int = 0) -> None:
        self.agent = open_()
        self.greeting = greeting
        self.sent, self.messages = 0, 0
        """Bytes that clients sent, and the pieces that they came in."""
        self.clients = 0
        self._listener = socket.create_server(("127.0.0.1", port))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.port = f"socket://{self.host}"
        self._ended = threading.Event()
        self._cut = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @classmethod
    def of(cls, agent: Path, **how: object) -> Self:
        """Return a board that runs this agent as a process."""
        return cls(lambda: ProcessTransport(agent), **how)  # type: ignore[arg-type]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()
        self.agent.close()

    def cut(self) -> None:
        """Close the connection of the present client."""
        self._cut.set()

    def _serve(self) -> None:
        with self._listener:
            while not self._ended.is_set():
                if select.select([self._listener], [], [], _POLL_SECONDS)[0]:
                    client, _ = self._listener.accept()
                    with client, suppress(OSError, HilError):
                        self.clients += 1
                        self._carry(client)

    def _carry(self, client: socket.socket) -> None:
        self._cut.clear()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(self.greeting)
        back = threading.Thread(target=self._answer, args=(client,), daemon=True)
        back.start()
        try:
            while not self._ended.is_set() and not self._cut.is_set():
                if select.select([client], [], [], _POLL_SECONDS)[0]:
                    data = client.recv(1 << 16)
                    if not data:
                        return
                    self.sent, self.messages = self.sent + len(data), self.messages + 1
                    self.agent.write(data, Deadline.after(10))
        finally:
            self._cut.set()
            back.join()

    def _answer(self, client: socket.socket) -> None:
        while not self._ended.is_set() and not self._cut.is_set():
            with suppress(HilError, OSError):
                client.sendall(self.agent.read(Deadline.after(_POLL_SECONDS)))


def entry(port: str, **more: object) -> Entry:
    """Return the entry of a Nano at a port on the network."""
    return Entry("left", "nano33ble", port=port, **more)  # type: ignore[arg-type]


def open_(port: str, desk: Desk = THIS_DESK, **more: object) -> AbstractContextManager[Board]:
    """Open a Nano at a port on the network."""
    return start(entry(port, **more), Provenance.HARDWARE, desk)


@contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve every client in turn by a function on its connection, and close that."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                    with client:
                        answer(client)
                except OSError:
                    if listener.fileno() < 0:
                        return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"socket://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        stack.close()
        thread.join(5)
        assert not thread.is_alive()


def until_closed(client: socket.socket) -> None:
    """Read until the client closes the connection."""
    while client.recv(1 << 16):
        pass
