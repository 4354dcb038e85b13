"""The lab of the tests itself: boards behind TCP ports, and a coordinator that hands out their places."""

import socket
from pathlib import Path

from hil.errors import DeadlineError
from hil.protocol.agent import Agent
from hil.transports.deadline import Deadline
from hil.transports.transport import Advice
from tests.hil.support.lab import Lab
from tests.hil.support.lab_boards import LabBoard
from tests.hil.support.processes import eventually


class Connection:
    """A connection to a board, as little as the agent protocol needs."""

    advice = Advice("look at the board", "look at the board")

    def __init__(self, board: LabBoard) -> None:
        self.name = board.url
        self._socket = socket.create_connection((board.host, board.port))

    def write(self, data: bytes, deadline: Deadline) -> None:
        self._socket.sendall(data)

    def read(self, deadline: Deadline) -> bytes:
        self._socket.settimeout(max(deadline.left, 0.001))
        try:
            return self._socket.recv(4096)
        except TimeoutError as error:
            raise DeadlineError(f"{self.name} was silent") from error

    def close(self) -> None:
        self._socket.close()


def board_of(board: LabBoard) -> str:
    """Return what the agent calls its board."""
    with Agent(Connection(board), "nano") as agent:
        return agent.hello(Deadline.after(30)).board


def test_a_board_outlives_its_connections() -> None:
    with LabBoard() as board:
        assert [board_of(board), board_of(board)] == ["nano33ble", "nano33ble"]
        assert board.clients == 2


def test_a_second_client_is_turned_away() -> None:
    with LabBoard() as board, socket.create_connection((board.host, board.port)):
        with socket.create_connection((board.host, board.port)) as second:
            second.settimeout(30)
            assert second.recv(1) == b""
        assert board.clients == 1


def test_a_connection_that_is_cut_frees_the_board() -> None:
    with LabBoard() as board:
        with socket.create_connection((board.host, board.port)) as first:
            first.settimeout(30)
            assert eventually(lambda: board.clients)
            board.cut()
            assert first.recv(1) == b""
        assert board_of(board) == "nano33ble"


def test_places_are_locked_and_forgotten_by_a_new_coordinator() -> None:
    with (
        LabBoard() as board,
        Lab({"nano-1": {"board": "nano33ble"}, "nano-2": {"board": "nano33ble"}}) as lab,
    ):
        lab.export("rack-1", {"nano-1": board.resource, "nano-2": board.resource})
        lab.client("-p", "nano-1", "lock")
        lab.client("reserve", "board=nano33ble")
        assert lab.owners() == {"nano-1": "elsewhere/tester"}
        assert len(lab.reservations()) == 1
        lab.coordinator.kill()
        assert lab.exporters["rack-1"].wait() == 100, "an exporter ends with its coordinator"
        lab.start_coordinator()
        lab.start_exporters()
        assert lab.owners() == {}
        folder: Path = lab.folder
    assert not folder.exists()
