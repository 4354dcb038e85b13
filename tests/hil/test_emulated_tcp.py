"""Test an emulated Nano behind TCP, as a lab of emulators serves it."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from hil.boards import opening
from hil.boards.board import Board, ignore
from hil.boards.facts import Identity, Provenance
from hil.boards.recovery import Record, RecoverableBoard
from hil.boards.targets import nano33ble
from hil.emulators import cortex_m4
from hil.errors import BoardAbsent, BoardBusy, BoardsFileError, SetupError
from hil.firmware import build
from hil.transports.transport import Advice
from reds.pack import interpreter
from reds.pack.model import Model
from tests.hil.support.boards import equals_the_interpreter
from tests.hil.support.raising import raises
from tests.hil.support.tcpboard import TcpBoard, entry
from tests.support.nets import inputs

pytestmark = [pytest.mark.qemu("qemu-system-arm"), pytest.mark.cross("arm-none-eabi-gcc")]
EMULATED = Provenance.EMULATED


@pytest.fixture(scope="module")
def there() -> Iterator[TcpBoard]:
    with (
        cortex_m4.start(build.agent(build.EMULATED)) as emulator,
        TcpBoard(lambda: emulator.open(Advice("run again", "run again"))) as board,
    ):
        yield board


def counts(board: Board, model: Model) -> list[tuple[float, ...]]:
    """Return the ticks of each clock and subnet."""
    board.deploy(model)
    x = inputs(model, 4)
    return [
        tuple(board.measure(subnet, 4, clock, x).ticks) for clock in board.facts().clocks for subnet in (0, 1)
    ]


def test_counts_over_tcp_equal_those_of_an_emulator_here(there: TcpBoard, small: Model) -> None:
    remote = entry(there.port, emulated=True)
    with nano33ble.start(remote, EMULATED) as board:
        over_tcp = counts(board, small)
        identity = Identity(there.host, "an emulator at a serial port")
        assert board.facts().identity == identity
    with nano33ble.start(replace(remote, emulated=False), EMULATED) as board:
        assert board.facts().identity.emulator.startswith("QEMU")
        assert counts(board, small) == over_tcp


def test_outputs_over_tcp_equal_the_interpreter(there: TcpBoard, small: Model) -> None:
    equals_the_interpreter(nano33ble.start(entry(there.port, emulated=True), EMULATED), small)


def test_emulator_at_a_port_computes_all_outputs_alone(there: TcpBoard, small: Model) -> None:
    """A second connection to its port would take its answers."""
    told, before, x = list[str](), there.clients, inputs(small, 60)
    remote = RecoverableBoard(entry(there.port, emulated=True), EMULATED, Record(), told.append, told.append)
    with remote as board:
        board.deploy(small)
        outputs = board.infer_each([0, 1], x, ignore, 2)
    assert all(np.array_equal(outputs[subnet], interpreter.run(small, subnet, x)) for subnet in (0, 1))
    assert told == []
    assert there.clients == before + 1


def test_emulator_at_a_port_never_passes_for_a_board(there: TcpBoard) -> None:
    assert "an emulator" in (nano33ble.absent(entry(there.port, emulated=True)) or "")
    with raises(SetupError, board="left"), nano33ble.start(entry(there.port), Provenance.HARDWARE):
        pass


def test_emulator_at_a_port_is_leased_as_a_board_is(there: TcpBoard) -> None:
    remote = entry(there.port, emulated=True)
    with (
        opening.started(remote, EMULATED),
        raises(BoardBusy, board="right"),
        opening.started(replace(remote, name="right"), EMULATED, lambda _: None, 0),
    ):
        pass
    nowhere = replace(remote, port="socket://no-such-exporter.invalid:1")
    with raises(BoardAbsent, board="left"), opening.leased(nowhere, EMULATED):
        pass


def test_emulator_needs_a_port_on_the_network() -> None:
    with (
        raises(BoardsFileError, board="left", key="emulated"),
        nano33ble.start(entry("/dev/ttyACM0", emulated=True), EMULATED),
    ):
        pass
