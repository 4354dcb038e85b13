"""The governor as a library, and its structures for Python."""

import ctypes
import subprocess
from collections.abc import Sequence
from ctypes import c_int16, c_uint8, c_uint16, c_uint32, c_uint64
from dataclasses import dataclass, field
from pathlib import Path

from tests.targets.support.sources import GOVERNOR, WARNINGS

WAIT = 2**32 - 1
NO_DEADLINE = 2**32 - 1
MAINS = 2**64 - 1
POLICIES = ("reds_fixed", "reds_deadline", "reds_energy_neutral", "reds_deadline_and_energy")


class Cost(ctypes.Structure):
    _fields_ = (("us", c_uint32), ("nj", c_uint32))


class Resources(ctypes.Structure):
    _fields_ = (
        ("stored_nj", c_uint64),
        ("income_uw", c_uint32),
        ("deadline_us", c_uint32),
        ("load_percent", c_uint8),
        ("celsius", c_int16),
    )


class Rules(ctypes.Structure):
    _fields_ = (
        ("policy", ctypes.c_void_p),
        ("fixed", c_uint32),
        ("margin_percent", c_uint8),
        ("patience", c_uint16),
        ("hot_celsius", c_int16),
        ("period_us", c_uint32),
        ("horizon_us", c_uint32),
        ("target_nj", c_uint64),
        ("reserve_nj", c_uint64),
    )


class Governor(ctypes.Structure):
    _fields_ = (
        ("costs", ctypes.POINTER(Cost)),
        ("subnets", c_uint32),
        ("rules", Rules),
        ("current", c_uint32),
        ("rising", c_uint32),
        ("afforded", c_uint32),
        ("left", c_uint32),
        ("share", c_uint32),
        ("stretch", c_uint32),
    )


Policy = ctypes.CFUNCTYPE(c_uint32, ctypes.POINTER(Governor), ctypes.POINTER(Resources))


def build(folder: Path) -> ctypes.CDLL:
    """Compile the governor as a library that stops at undefined behavior."""
    library = folder / "governor.so"
    flags = [*WARNINGS, "-O1", "-g", "-fsanitize=undefined", "-fno-sanitize-recover=all", "-shared", "-fPIC"]
    subprocess.run(["cc", *flags, *map(str, GOVERNOR), "-o", str(library)], check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.reds_governor_begin.restype = ctypes.c_char_p
    loaded.reds_choose.restype = c_uint32
    return loaded


@dataclass
class Governed:
    """A governor of the library with its table of costs, which stays in place."""

    library: ctypes.CDLL
    costs: Sequence[tuple[int, int]]
    policy: str | object = "reds_deadline"
    rules: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin; `problem` is the library's sentence, or None."""
        self.table = (Cost * max(len(self.costs), 1))(*self.costs)
        function = getattr(self.library, self.policy) if isinstance(self.policy, str) else self.policy
        address = ctypes.cast(function, ctypes.c_void_p) if function else None
        self.state = Governor()
        rules = Rules(policy=address, **self.rules)
        begin = self.library.reds_governor_begin
        answer = begin(ctypes.byref(self.state), self.table, c_uint32(len(self.costs)), ctypes.byref(rules))
        self.problem = answer.decode() if answer else None

    def choose(self, now: Resources) -> int:
        """Return the subnet of the next inference, or `WAIT`."""
        return int(self.library.reds_choose(ctypes.byref(self.state), ctypes.byref(now)))

    def ran(self, us: int) -> None:
        """Report what the last inference took."""
        self.library.reds_ran(ctypes.byref(self.state), c_uint32(us))

    def copy(self) -> "Governed":
        """Return a governor in the same state."""
        other = Governed(self.library, self.costs, self.policy, self.rules)
        ctypes.memmove(ctypes.byref(other.state), ctypes.byref(self.state), ctypes.sizeof(Governor))
        other.state.costs = ctypes.cast(other.table, ctypes.POINTER(Cost))
        return other


def resources(
    stored: int = MAINS, income: int = 0, deadline: int = NO_DEADLINE, load: int = 0, celsius: int = 20
) -> Resources:
    """Return what a device knows; by default it lacks nothing."""
    return Resources(stored, income, deadline, load, celsius)
