"""Mistakes with boards, boards files and this machine, each of which raises one error in a fresh folder."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from hil import cache
from hil.boards import boards_toml, lease
from hil.boards.board import Board
from hil.boards.capacity import best_layouts, check_capacity
from hil.boards.checks import check_count, check_rate
from hil.boards.desk import Desk
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.governing import Cost, Resources, Rules
from hil.boards.governor import Job
from hil.boards.power_cycle import power_cycle
from hil.boards.recovery import Record, RecoverableBoard
from hil.boards.registry import target
from hil.boards.targets.nano33ble import THIS_DESK, absent
from hil.errors import BoardAbsent, LinkError
from hil.firmware import build
from hil.lifetime.folder import TemporaryFolder
from hil.load.competitor import competing
from hil.load.jobs import beside_a_process
from hil.options import OPTIONS, Settings, read
from hil.protocol.agent import Agent
from hil.protocol.definition import CLOCK, HELLO, VERSION, Policy
from hil.protocol.frame import decode
from hil.protocol.hello import Clock, read_hello
from hil.report.taken import from_file
from hil.results import file
from hil.results.gate.baseline import chosen
from hil.results.measurement import Measurement
from hil.results.memory import check_memory
from hil.results.plausible import INFERENCES, check_ticks, check_time
from hil.suite.board_selection import select_boards
from hil.transports.adb.find import choose
from hil.transports.host import Host
from hil.transports.process import ProcessTransport
from hil.transports.serial import SerialTransport
from hil.transports.serial_ports import Port
from tests.support.nets import dense_model

Fault = Callable[[Path], object]
"""Raises an error of `hil`."""
NET = dense_model([20, 24, 16, 5], [[8, 8, 5], [24, 16, 5]], name="small")
BOARD = '[[board]]\nname = "left"\ntarget = "nano33ble"\n'
PI = '[[board]]\nname = "pi"\ntarget = "pi"\n'
EMPTY_DESK = Desk(lambda: (Port("/dev/ttyS0"),), lambda port: None, lambda: "", THIS_DESK.upload_there)
NS = Clock(0, "ns", 1_000_000_000)


def _govern(rules: Rules, costs: list[Cost]) -> None:
    """Begin a governor of a small net on the desktop."""
    with target("desktop").start(Entry("desk", "desktop"), Provenance.HARDWARE) as board:
        board.deploy(NET)
        board.govern(rules, costs, board.facts().clocks[0], Job(np.zeros((1, 20), np.int8)))


def _load() -> None:
    """Load a desktop whose agent has no core of its own."""
    with target("desktop").start(Entry("desk", "desktop"), Provenance.HARDWARE) as board:
        board.deploy(NET)
        beside_a_process(board, NET, np.zeros((1, 20), np.int8), None)


def _compete() -> None:
    """Keep a core busy with a process that has ended when it is looked for."""
    with competing(lambda script: "7" if script.endswith("$!") else "ended", 3, 1):
        pass


def _select_two_boards() -> None:
    """Ask for two boards of each target of a boards file."""
    defaults = {option.name.replace("-", "_"): option.default for option in OPTIONS}
    select_boards(Settings(**{**defaults, "boards_per_target": 2}), ())


class Given:
    """The options of a pytest run."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = options

    def getoption(self, name: str, default: object = None, /) -> object:
        """Return the value of a command line option."""
        return self._options.get(name, default)

    def getini(self, _: str) -> str:
        """Return no value."""
        return ""


def _file(content: str | bytes) -> Fault:
    def run(folder: Path) -> object:
        path = folder / "boards.toml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return boards_toml.load(path)

    return run


def _started(entry: Entry) -> Fault:
    def run(_: Path) -> None:
        with target(entry.target).start(entry, Provenance.HARDWARE):
            pass

    return run


def _chosen(states: dict[str, str], serial: str | None = None) -> Fault:
    return lambda _: choose(states, serial, "USB")


def _absent(**keys: str) -> Fault:
    def run(_: Path) -> None:
        raise BoardAbsent(str(absent(Entry("left", "nano33ble", **keys), EMPTY_DESK)))  # type: ignore[arg-type]

    return run


def _option(name: str, value: str) -> Fault:
    return lambda _: read(Given({f"hil_{name}".replace("-", "_"): value}), {})


def _quarantine(_: Path) -> None:
    def lose(board: Board) -> None:
        raise LinkError("the cable is out; plug it in", board=board.name)

    entry = Entry("desk", "desktop")
    with RecoverableBoard(entry, Provenance.HARDWARE, Record(), print, print) as board:
        board.do(lose)


def _hello(*clocks: tuple[int, bytes], version: int = VERSION) -> Fault:
    sizes = (0, 9, 9, 9, 64, len(clocks), 1, 0, 0)
    raw = HELLO.pack(version, *sizes, b"", b"") + b"".join(CLOCK.pack(*clock) for clock in clocks)
    return lambda _: read_hello(raw)


def _silent(total: float) -> Fault:
    """Ask a program that repeats every request, so that no answer comes."""

    def run(_: Path) -> None:
        with Agent(ProcessTransport(Path("/bin/cat")), "desk", patience=0.1) as agent:
            agent.patience.total = total
            agent.reset()

    return run


def _with_cache(name: str, use: Callable[[], object], *there: str) -> Fault:
    """Use the cache in a folder of this name, in which these files are."""

    def run(folder: Path) -> None:
        (folder / name).mkdir()
        for each in there:
            (folder / name / each).touch()
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("XDG_CACHE_HOME", str(folder / name))
            use()

    return run


def _lease_at_a_folder(folder: Path) -> None:
    lease.path_of("D", folder).mkdir()
    with lease.held("left", "D", 0, print, folder):
        pass


def _lease_in_use(folder: Path) -> None:
    with lease.held("right", "D", 0, print, folder):
        lease.path_of("D", folder).write_text("alice, process 7")
        with lease.held("left nano", "D", 0, print, folder):
            pass


def _cycled(*command: str, seconds: float = 60.0) -> Fault:
    return lambda _: power_cycle(Entry("left", "nano33ble", power_cycle=command), seconds=seconds)


def _baseline(*kept: Measurement) -> Fault:
    return lambda _: chosen("run 1", kept, "desktop", "hardware", "shape")


def _figure(target: str = "desktop", **more: str) -> Measurement:
    who = {"board": "desk", "provenance": "hardware", "pack": "net", "pack_sha256": "0", **more}
    return Measurement(target, **who, subnet="25%", metric="latency", unit="us", value=1, samples=(1,))


def _old_results(folder: Path) -> None:
    path = folder / "old.jsonl"
    path.write_text("")
    from_file(path, ())


FAULTS: dict[str, Fault] = {
    "boards file: not there": lambda folder: boards_toml.load(folder / "nowhere.toml"),
    "boards file: an empty one": _file(""),
    "boards file: not TOML": _file("board: left"),
    "boards file: UTF-16, as PowerShell writes": _file(BOARD.encode("utf-16")),
    "boards file: Latin-1": _file(f"{BOARD}# f\xfcr Ann".encode("latin-1")),
    "boards file: a table of another name": _file("[[boards]]"),
    "boards file: a misspelled key": _file(BOARD + 'prot = "x"'),
    "boards file: a number as port": _file(BOARD + "port = 3"),
    "boards file: a URL of no serial port": _file(BOARD + 'port = "http://exporter:80"'),
    "boards file: no target": _file('[[board]]\nname = "left"'),
    "boards file: a misspelled target": _file('[[board]]\nname = "left"\ntarget = "nano"'),
    "boards file: a latency of 0": _file(BOARD + 'latency_us = { "25%" = 0 }'),
    "boards file: a temperature below 0": _file(BOARD + "max_celsius = -1"),
    "boards file: two boards of one name": _file(BOARD + BOARD),
    "boards file: a user without a host": _file(PI + 'user = "u"'),
    "boards file: a TCP port too large": _file(PI + 'host = "h"\nport = 65536'),
    "boards file: a host key of another form": _file(PI + 'host = "h"\nhost_key = "ab:cd"'),
    "boards file: a meter without a port": _file(BOARD + 'meter = { kind = "ppk2", millivolts = 3300 }'),
    "boards file: a meter of an unknown kind": _file(BOARD + 'meter = { kind = "ppk" }'),
    "boards file: a power cycle that is no list": _file(BOARD + 'power_cycle = "reboot"'),
    "boards file: an upload without a file": _file(BOARD + 'upload = ["bossac"]'),
    "boards file: a machine without a host": _file(BOARD + 'via = { user = "lab" }'),
    "boards file: a misspelled key of a machine": _file(BOARD + 'via = { host = "h", usr = "lab" }'),
    "boards file: a core that no machine has": _file(PI + "core = 4096"),
    "option: no target of this name": lambda _: target("desktp"),
    "option: no sample": _option("samples", "0"),
    "option: a misspelled action": _option("missing", "emulated"),
    "option: a wait without an end": _option("lease-wait", "inf"),
    "option: a lab without a port": _option("lab", "coordinator"),
    "option: no board of a lab": _option("boards-per-target", "0"),
    "option: several boards of a target without a lab": lambda _: _select_two_boards(),
    "option: results in a folder's place": lambda _: file.prepare(Path("/")),
    "report: a results file that is not there": lambda folder: from_file(folder / "none.jsonl", ()),
    "report: a results file that names no run": _old_results,
    "entry: a host for the desktop": _started(Entry("desk", "desktop", host=Host("h"))),
    "entry: a core for a Nano": _started(Entry("left", "nano33ble", core=1)),
    "entry: an agent for a real Nano": _started(Entry("left", "nano33ble", agent=Path("x.elf"))),
    "entry: a Pi without a host": _started(Entry("pi-1", "pi")),
    "entry: a serial number for a Pi": _started(Entry("pi-1", "pi", serial="S1")),
    "entry: a serial port for a phone": _started(Entry("phone", "android", port="/dev/ttyACM0")),
    "entry: a phone of another machine without a serial number": _started(
        Entry("phone", "android", via=Host("exporter"))
    ),
    "entry: a Nano of another machine without an upload": _started(
        Entry("left", "nano33ble", port="socket://127.0.0.1:9", via=Host("exporter"))
    ),
    "nano: not plugged in": _absent(),
    "nano: another one is plugged in": _absent(serial="S9"),
    "nano: on another port": _absent(port="/dev/ttyACM9"),
    "nano: on a port of a machine that serves none": _absent(port="socket://127.0.0.1:9"),
    "nano: an emulator on a port of this machine": _started(
        Entry("left", "nano33ble", port="/dev/ttyACM0", emulated=True)
    ),
    "serial port: not there": lambda _: SerialTransport("/dev/ttyNOWHERE"),
    "serial port: another device": lambda _: SerialTransport("/dev/null"),
    "phone: none": _chosen({}),
    "phone: not plugged in": _chosen({}, "A"),
    "phone: an emulator only": _chosen({"emulator-5554": "device"}),
    "phone: another one is plugged in": _chosen({"B": "device"}, "A"),
    "phone: an emulator that is not started": _chosen({}, "emulator-5554"),
    "phone: two": _chosen({"A": "device", "B": "device"}),
    "phone: not allowed yet": _chosen({"A": "unauthorized"}),
    "phone: no rights on USB": _chosen({"A": "no permissions; see [http]"}),
    "phone: offline": _chosen({"A": "offline"}, "A"),
    "phone: in its recovery system": _chosen({"A": "recovery"}, "A"),
    "this machine: no room for temporary files": lambda _: TemporaryFolder("x", Path("/nowhere")),
    "this machine: a file in the cache's place": _with_cache(
        "home", lambda: cache.keep(cache.cache_dir() / "agent", b""), "reds-hil"
    ),
    "this machine: a folder that PlatformIO cannot use": _with_cache(
        "a$b", lambda: build.upload_nano("/dev/ttyNOWHERE")
    ),
    "this machine: an agent that does not start": lambda _: ProcessTransport(Path("/nowhere/agent")),
    "lease: a folder in its place": _lease_at_a_folder,
    "lease: another run has the board": _lease_in_use,
    "power cycle: a command that fails": _cycled("false"),
    "power cycle: no such command": _cycled("/nowhere/cycle"),
    "power cycle: a command that does not end": _cycled("sleep", "9", seconds=0.1),
    "board: a pack too large": lambda _: check_capacity("nano", NET, frozenset({0}), 1, 1 << 20),
    "board: an agent without the kernels": lambda _: best_layouts("nano", NET, frozenset({31})),
    "board: too many samples": lambda _: check_count("desk", 70_000),
    "governor: a cost of nothing": lambda _: Cost(us=0),
    "governor: a load of 100 %": lambda _: Resources(load_percent=100),
    "governor: income that is no number": lambda _: Resources(income_uw=float("nan")),  # type: ignore[arg-type]
    "governor: a cost too few": lambda _: _govern(Rules(Policy.DEADLINE), [Cost(1)]),
    "governor: the largest subnet first": lambda _: _govern(Rules(Policy.DEADLINE), [Cost(2), Cost(1)]),
    "governor: energy without a period": lambda _: _govern(Rules(Policy.ENERGY_NEUTRAL), [Cost(1), Cost(2)]),
    "governor: a policy that was not built in": lambda _: _govern(Rules(Policy.OWN), [Cost(1), Cost(2)]),
    "governor: instructions as time": lambda _: check_rate("nano", Clock(0, "instructions", 0), None),
    "governor: another rate than the clock's": lambda _: check_rate("desk", NS, 64_000_000),
    "load: a board without a core": lambda _: _load(),
    "load: a process that ends early": lambda _: _compete(),
    "board: lost twice": _quarantine,
    "agent: another version of the protocol": _hello(version=9),
    "agent: a clock that stands still": _hello((0, b"cycles")),
    "agent: a clock without a name": _hello((9000, b"\x1b[2J")),
    "agent: a clock too slow": lambda _: check_ticks(NS, 0xFFFFFFFF, {INFERENCES: [700, 900]}),
    "agent: a clock that counts nothing": lambda _: check_ticks(NS, 0, {INFERENCES: [0, 0]}),
    "agent: samples longer than the time": lambda _: check_time(NS, 9_000_000_000, 0.25),
    "agent: a stack without bounds": lambda _: check_memory(0xFFFFFFFF, 28),
    "agent: a frame cut short": lambda _: decode(b"\x02\x01"),
    "agent: no answer": _silent(total=1),
    "agent: answers too late": _silent(total=0),
    "baseline: a run that measured nothing": _baseline(),
    "baseline: a run of another target": _baseline(_figure("pi")),
    "baseline: an emulated run": _baseline(_figure(provenance="emulated")),
    "baseline: another pack": _baseline(_figure(pack_shape="other")),
}
LOGINS: dict[str, str] = {
    "pi: an account without a shell": "exec /usr/sbin/nologin",
    "pi: a shell that says nothing": "exec /bin/false",
    "pi: a login script that exits": "echo Welcome; echo to the lab; echo Bye; exit 0",
    "pi: a forced command": "echo only backups; exit 0",
    "pi: a home that cannot be used": 'export XDG_CACHE_HOME=/proc/nowhere; exec sh -c "$1"',
}
"""What runs in place of the login shell of a board over SSH; `$1` is the command to run."""
