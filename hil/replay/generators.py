"""Make traces by seeded rules: the same spec gives the same trace on every machine.

| spec | resource |
| --- | --- |
| `markov:seed=1,duty=0.3,on=10` | power that is on or off; `on` is the mean number of rows it stays on |
| `solar:seed=1,days=1,clouds=0.5` | power of a day of sun and a night, with drifting clouds |
| `bursts:seed=1,duty=0.1,on=3` | short bursts of power, each of another height |
| `load:seed=1,duty=0.5,on=10,percent=60` | other work that takes a share of the processor, on the mains |

Each takes `rows` (default 300) and `seconds` too, and those of power `mw`, the largest power.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from hil.replay.numbers import Key, read_numbers
from hil.replay.trace import CELSIUS, Column, Trace
from reds.spelling import did_you_mean
from reds.text import printable

ROWS = 300
"""Rows of a generated trace; a job arrives in each one, unless the spec or the scenario says otherwise."""
_FULL = 1_000_000
"""Level of the largest power."""


@dataclass(frozen=True)
class Natural:
    """Times and power that suit a pack on a board, for specs that do not say it.

    Attributes:
        row_us: Microseconds of a row.
        mean_uw: Mean power in microwatts.
    """

    row_us: int
    mean_uw: Fraction


Numbers = Mapping[str, Fraction]
Levels = Callable[[random.Random, int, Numbers], Iterator[int]]
"""Yield the level of each row, 0 to `_FULL`, from a source of random numbers, their count and the spec."""


@dataclass(frozen=True)
class Kind:
    """A kind of generated traces: its levels, and its keys with their bounds and defaults."""

    levels: Levels
    keys: Mapping[str, Key]
    defaults: Mapping[str, str]


def _markov(rng: random.Random, rows: int, numbers: Numbers) -> Iterator[int]:
    """Yield 0 or `_FULL` with a mean share of `duty` and stretches of `on` rows on average."""
    duty, stays = numbers["duty"], 1 - 1 / numbers["on"]
    turns = min(Fraction(1), duty * (1 - stays) / (1 - duty))
    on = rng.random() < duty
    for _ in range(rows):
        yield _FULL if on else 0
        on = rng.random() < (stays if on else turns)


def _bursts(rng: random.Random, rows: int, numbers: Numbers) -> Iterator[int]:
    """Yield bursts whose heights lie between a quarter of `_FULL` and all of it."""
    height = 0
    for level in _markov(rng, rows, numbers):
        height = (height or rng.randrange(_FULL // 4, _FULL + 1)) if level else 0
        yield height


def _solar(rng: random.Random, rows: int, numbers: Numbers) -> Iterator[int]:
    """Yield the sine of the sun's half of each day, from sunrise at 1/4 to sunset at 3/4, behind clouds.

    The sine is Bhaskara's quotient, as libraries of other machines round sines otherwise.
    """
    days, clouds = numbers["days"], numbers["clouds"]
    clear, cloud = _FULL, 0
    for row in range(rows):
        if row % max(1, rows // 60) == 0:  # clouds drift slowly
            cloud = max(0, min(_FULL, cloud + rng.randrange(-_FULL // 3, _FULL // 3 + 1)))
            clear = _FULL - int(cloud * clouds)
        x = (row * days / rows) % 1 * 2 - Fraction(1, 2)
        shape = 16 * x * (1 - x) / (5 - 4 * x * (1 - x)) if 0 < x < 1 else Fraction(0)
        yield int(shape * clear)


_COMMON = {
    "seed": Key.of("0", "4294967295", whole=True),
    "rows": Key.of("2", "100000", whole=True),
    "seconds": Key.of("0.001", "31536000"),
}
_ON = {"duty": Key.of("0.001", "0.999"), "on": Key.of("1", "10000")}
_POWER = {"mw": Key.of("0.001", "100000")}
KINDS: Mapping[str, Kind] = {
    "markov": Kind(_markov, _COMMON | _ON | _POWER, {"duty": "0.3", "on": "10"}),
    "solar": Kind(
        _solar,
        _COMMON | _POWER | {"days": Key.of("0.1", "1000"), "clouds": Key.of("0", "1")},
        {"days": "1", "clouds": "0.5"},
    ),
    "bursts": Kind(_bursts, _COMMON | _ON | _POWER, {"duty": "0.1", "on": "3"}),
    "load": Kind(
        _markov,
        _COMMON | _ON | {"percent": Key.of("1", "99", whole=True)},
        {"duty": "0.5", "on": "10", "percent": "60"},
    ),
}
"""Kinds of generated traces, by the word before the colon of a spec."""


def generator(spec: str) -> Callable[[Natural], Trace]:
    """Return a function that makes the trace of a spec, such as `markov:seed=1`.

    Raises:
        ValueError: The kind or a key is unknown, or a value is no number within its bounds.
    """
    name, _, settings = spec.partition(":")
    if name not in KINDS:
        raise ValueError(f"unknown kind {printable(name)!r}; {did_you_mean(name, KINDS)}")
    kind = KINDS[name]
    given = read_numbers(settings, kind.keys)
    numbers = {"seed": Fraction(0), "rows": Fraction(ROWS)}
    numbers |= {key: Fraction(value) for key, value in kind.defaults.items()} | given
    rows = int(numbers["rows"])
    levels = list(kind.levels(random.Random(int(numbers["seed"])), rows, numbers))
    heights = np.array([*levels, levels[-1]], np.int64)
    settled = f"{name}:{settings}" if settings else name

    def trace(natural: Natural) -> Trace:
        length = int(given["seconds"] * 1_000_000) if "seconds" in given else rows * natural.row_us
        us = np.array([row * length // rows for row in range(rows + 1)], np.int64)
        calm = np.zeros(rows + 1, np.int64)
        power, load = (_scaled(heights, given.get("mw"), natural), calm)
        if "percent" in numbers:
            power, load = None, heights * int(numbers["percent"]) // _FULL
        return Trace(settled, us, power, None, load, calm + CELSIUS)

    return trace


def _scaled(heights: Column, mw: Fraction | None, natural: Natural) -> Column | None:
    """Return microwatts with a largest level of `mw`, or with a natural mean where the spec has none."""
    total = int(heights[:-1].sum())
    if mw is not None:
        factor = mw * 1000 / _FULL
    else:
        factor = natural.mean_uw * (len(heights) - 1) / total if total else Fraction(0)
    return np.array([int(height * factor) for height in heights.tolist()], np.int64)
