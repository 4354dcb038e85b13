"""Describe a run: when, where and of what it was made, its boards, and how its tests ended."""

import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from hil.results.measurement import PROVENANCES
from reds.reading import parse_json
from reds.text import LINE, is_printable, shown

UNFINISHED, PASSED, FAILED, INTERRUPTED = "unfinished", "passed", "failed", "interrupted"
STATUSES = (UNFINISHED, PASSED, FAILED, INTERRUPTED)
"""Statuses of a run. One that was killed stays unfinished; an interrupted one ended before its last test."""
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
BAD = ("failed", "error")
"""Outcomes of tests that are failures."""


@dataclass(frozen=True)
class BoardIdentity:
    """Identity of a board in one run.

    Attributes:
        target: Kind of the board.
        board: Name of the board in boards.toml.
        provenance: `hardware` or `emulated`.
        serial: USB or Android serial number, fingerprint of the SSH host key, or the name of the host for a
            desktop; empty if the board has none, as an emulated one.
        emulator: Emulator and its version; empty for hardware.
        build: Build of the agent.
    """

    target: str
    board: str
    provenance: str
    serial: str = ""
    emulator: str = ""
    build: str = ""

    def __post_init__(self) -> None:
        _check_texts(self)
        if self.provenance not in PROVENANCES:
            raise ValueError(f"provenance is {shown(self.provenance)}: {' or '.join(PROVENANCES)} is needed")

    @property
    def key(self) -> str:
        """Return the key that tells like boards apart: the serial, else the name of the board."""
        return self.serial or self.board


@dataclass(frozen=True)
class PackFacts:
    """The pack of a run. `card` is the text of its card, empty if it has none."""

    name: str
    sha256: str
    shape: str
    card: str = ""

    @property
    def fields(self) -> Mapping[str, Any]:
        """Return the fields of the card; none for a text of another form, as a results file may hold any."""
        with suppress(ValueError):
            found = parse_json(self.card.encode())
            return found if isinstance(found, dict) else {}
        return {}


@dataclass(frozen=True)
class Run:
    """One session of tests on boards.

    Attributes:
        id: Name of the run; names of later runs sort after those of earlier ones.
        started: Time of the start in UTC, as `2026-11-28T21:02:56.482Z`.
        ended: Time of the end, empty if the run did not end.
        status: One of `STATUSES`.
        host: Name of the machine that ran the tests.
        tool: Version of reds-hil.
        commit: Commit of the folder of the tests, empty if it is no git checkout.
        dirty: Whether that folder had changes that are in no commit.
        command: The command line, without passwords.
        pack: The pack of --pack.
        settings: Options that had a value, by name.
        provenances: Provenances of its measurements.
        accepted: Time at which the run was accepted as a baseline, empty if it was not.
    """

    id: str
    started: str
    host: str
    tool: str
    command: str
    ended: str = ""
    status: str = UNFINISHED
    commit: str = ""
    dirty: bool = False
    pack: PackFacts | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    provenances: tuple[str, ...] = ()
    accepted: str = ""

    def __post_init__(self) -> None:
        _check_texts(self)
        if not _ID.fullmatch(self.id):
            raise ValueError(f"id is {shown(self.id)}: one as 20261128-210256-4827f1c9 is needed")
        for key in ("started", "ended", "accepted"):
            time = getattr(self, key)
            if (time or key == "started") and not _TIME.fullmatch(time):
                raise ValueError(f"{key} is {shown(time)}: a time as 2026-11-28T21:02:56.482Z is needed")
        if self.status not in STATUSES:
            raise ValueError(f"status is {shown(self.status)}: one of {', '.join(STATUSES)} is needed")

    def plain(self) -> dict[str, Any]:
        """Return the fields as JSON holds them."""
        return asdict(self)


@dataclass(frozen=True)
class TestOutcome:
    """Outcome of one test. Target, board and provenance are empty for a test without a board.

    Attributes:
        test: Node id of the test.
        outcome: passed, failed, error, skipped, xfailed or xpassed.
        seconds: Duration of all phases of the test.
        why: First line of the reason, empty if it passed.
        target: Kind of the board.
        board: Name of the board.
        provenance: `hardware` or `emulated`.
    """

    __test__ = False  # pytest takes no class of this name for tests

    test: str
    outcome: str
    seconds: float
    why: str = ""
    target: str = ""
    board: str = ""
    provenance: str = ""


def as_text(when: datetime) -> str:
    """Return a time in UTC as runs keep it: `2026-11-28T21:02:56.482Z`."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now() -> str:
    """Return the present time as runs keep it."""
    return as_text(datetime.now(UTC))


def new_id(started: str) -> str:
    """Return the id of a run that starts at this time, as `20261128-210256-4827f1c9`.

    The first digits are the time in milliseconds, the last five are random.
    """
    digits = "".join(c for c in started if c.isdigit())
    return f"{digits[:8]}-{digits[8:14]}-{digits[14:17]}{secrets.token_hex(3)[:5]}"


def _check_texts(value: BoardIdentity | Run) -> None:
    """Raise `ValueError` if a text is not printable."""
    for key, text in vars(value).items():
        if isinstance(text, str) and not is_printable(text, LINE):
            raise ValueError(f"{key} is {shown(text)}: a printable text is needed")
