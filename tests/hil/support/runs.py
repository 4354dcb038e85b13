"""Runs with measurements, as the store keeps them."""

from datetime import UTC, datetime

from hil.results.measurement import Measurement
from hil.results.run import BoardIdentity, PackFacts, Run, TestOutcome, as_text, new_id
from hil.results.store import Store

SHAPE = "55ba96b46bdf5c07"
NANO = BoardIdentity("nano33ble", "left", "emulated", "", "QEMU emulator version 7.2.22", "abcd")
DESK = BoardIdentity("desktop", "desk", "hardware", "host", "", "ef01")


def run_at(second: int, **more: object) -> Run:
    """Return a run that started at this second of a day."""
    started = as_text(datetime.fromtimestamp(1_700_000_000 + second, UTC))
    who: dict[str, object] = {"id": new_id(started), "started": started, "host": "h", "tool": "1"}
    of = {"command": "pytest", "pack": PackFacts("net", "00ff", SHAPE, '{"name":"net"}')}
    return Run(**{**who, **of, "settings": {"samples": "20"}, **more})  # type: ignore[arg-type]


def figure(board: BoardIdentity, subnet: str, value: float, **more: object) -> Measurement:
    """Return a latency in us on this board."""
    who = board.target, board.board, board.provenance, "net", "00ff", subnet
    plain = dict(metric="latency", unit="us", value=value, samples=(value, value + 1), pack_shape=SHAPE)
    return Measurement(*who, **{**plain, **more})  # type: ignore[arg-type]


def outcome(board: BoardIdentity, test: str, ended: str = "passed") -> TestOutcome:
    """Return the outcome of a test on this board."""
    why = "" if ended == "passed" else "it took 9 us"
    return TestOutcome(test, ended, 0.5, why, board.target, board.board, board.provenance)


def keep(
    store: Store,
    run: Run,
    status: str = "passed",
    board: BoardIdentity = NANO,
    value: float = 8.5,
    ended: str = "passed",
) -> Run:
    """Keep a run of one test, which measured one latency."""
    writer = store.begin(run)
    writer.test_ended(outcome(board, "test_a", ended), board, [figure(board, "25%", value)])
    writer.end(status)
    return writer.run
