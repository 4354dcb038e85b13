"""Compare benches of a board on TCP with the same board here: python -m tests.hil.tcp_overhead --runs 5

The ways to reach a board take turns. Each bench is a whole `pytest hil` of the small pack, timed from the
start of the board, its emulator and its server to the end. On a busy machine their differences are noise.
So single requests are timed too: a bench takes longer by its requests times the difference.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.targets import nano33ble
from hil.emulators import cortex_m4
from hil.firmware import build
from hil.transports.network_port import RAW, TELNET
from hil.transports.transport import Advice
from reds import pack
from tests.hil.support.ptyboard import PtyBoard, nano_agent
from tests.hil.support.ser2net import Ser2net
from tests.hil.support.suite_run import run_pytest
from tests.hil.support.tcpboard import TcpBoard
from tests.support.nets import dense_model

Served = AbstractContextManager[tuple[Mapping[str, object], TcpBoard | None]]
"""Keys of the board's entry, and what counts its messages, if anything does."""
AT_ONCE = "chardelay: false"
"""Option of ser2net by which it sends what arrives without waiting for more."""
NET = dense_model([20, 24, 16, 5], [[8, 8, 5], [24, 16, 5]], name="small")
ADVICE = Advice("run again", "run again")


@contextmanager
def by_pty(folder: Path) -> Iterator[tuple[Mapping[str, object], None]]:
    with PtyBoard(nano_agent()) as board:
        yield {"port": board.port}, None


@contextmanager
def by_ser2net(folder: Path, scheme: str, options: str = "") -> Iterator[tuple[Mapping[str, object], None]]:
    with PtyBoard(nano_agent()) as board, Ser2net(folder, board.port, scheme, options) as server:
        yield {"port": server.port}, None


@contextmanager
def by_tcp(folder: Path) -> Iterator[tuple[Mapping[str, object], TcpBoard]]:
    with TcpBoard.of(nano_agent()) as board:
        yield {"port": board.port}, board


@contextmanager
def emulated_here(folder: Path) -> Iterator[tuple[Mapping[str, object], None]]:
    yield {}, None


@contextmanager
def emulated_by_tcp(folder: Path) -> Iterator[tuple[Mapping[str, object], TcpBoard]]:
    with (
        cortex_m4.start(build.agent(build.EMULATED)) as emulator,
        TcpBoard(lambda: emulator.open(ADVICE)) as board,
    ):
        yield {"port": board.port, "emulated": True}, board


WAYS: Mapping[str, tuple[Callable[[Path], Served], tuple[str, ...]]] = {
    "desktop agent, port here": (by_pty, ()),
    "desktop agent, raw TCP": (by_tcp, ()),
    "desktop agent, ser2net raw": (lambda folder: by_ser2net(folder, RAW), ()),
    "desktop agent, ser2net rfc2217": (lambda folder: by_ser2net(folder, TELNET), ()),
    "desktop agent, ser2net at once": (lambda folder: by_ser2net(folder, RAW, AT_ONCE), ()),
    "emulated Nano, here": (emulated_here, ("--emulate",)),
    "emulated Nano, raw TCP": (emulated_by_tcp, ("--emulate",)),
}


def bench(folder: Path, serve: Callable[[Path], Served], options: tuple[str, ...]) -> tuple[float, int]:
    """Bench a board once, and return the seconds and the pieces that arrived there, 0 if nobody counts."""
    boards = folder / "boards.toml"
    begun = time.monotonic()
    with serve(folder) as (keys, counted):
        rows = {"name": "nano", "target": "nano33ble", **keys}
        lines = (f"{key} = {json.dumps(value)}\n" for key, value in rows.items())
        boards.write_text("[[board]]\n" + "".join(lines))
        asked = ("--boards", boards, "--target=nano33ble", "--pack", "small.reds", *options)
        done = run_pytest(folder, "--pyargs", "hil", *asked)
        took = time.monotonic() - begun
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        return took, counted.messages if counted else 0


def round_trips(folder: Path, times: int) -> Mapping[str, list[float]]:
    """Return the milliseconds of so many requests to select a subnet, by each way in turn."""
    taken: dict[str, list[float]] = {way: [] for way in WAYS}
    with ExitStack() as stack:
        boards = {}
        for number, (way, (serve, options)) in enumerate(WAYS.items()):
            there = folder / str(number)
            there.mkdir()
            keys, _ = stack.enter_context(serve(there))
            entry = Entry("nano", "nano33ble", **keys)  # type: ignore[arg-type]
            provenance = Provenance.EMULATED if options else Provenance.HARDWARE
            boards[way] = stack.enter_context(nano33ble.start(entry, provenance))
            boards[way].deploy(NET)
        for _ in range(times):
            for way, board in boards.items():
                begun = time.perf_counter()
                board.select(0)
                taken[way].append(1e3 * (time.perf_counter() - begun))
    return taken


def main() -> None:
    """Print a table of the median seconds of each way, and of the milliseconds of a request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--requests", type=int, default=500)
    asked = parser.parse_args()
    runs = asked.runs
    taken: dict[str, list[tuple[float, int]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pack.save(NET, folder / "small.reds")
        requests = round_trips(folder, asked.requests)
        for _ in range(runs):
            for way, (serve, options) in WAYS.items():
                taken[way].append(bench(folder, serve, options))
    for way, milliseconds in requests.items():
        low, middle, *_ = statistics.quantiles(milliseconds, n=4)
        print(f"{way:32} {middle:6.3f} ms a request, a quarter of them within {low:.3f}")
    for way, all_ in taken.items() if runs else ():
        seconds = [each for each, _ in all_]
        middle = statistics.median(seconds)
        base = statistics.median(s for s, _ in next(taken[w] for w in taken if w[:8] == way[:8]))
        print(
            f"{way:32} {middle:6.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"
            f"  {100 * (middle / base - 1):+5.1f} %  {all_[0][1] or ''}"
        )


if __name__ == "__main__":
    main()
