"""Traces and settings of a replay that cannot be used, each of which raises one error."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

from hil.boards.governing import Cost
from hil.replay.generators import Natural
from hil.replay.policy import check_policy
from hil.replay.scenario import read_scenario, scenario
from hil.replay.source import source

_NATURAL = Natural(25_000, Fraction(300))
_SUBNETS = ("25%", "50%", "100%")


def _file(content: str | bytes, settings: str = "") -> Callable[[Path], object]:
    def run(folder: Path) -> object:
        path = folder / "walk.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return source(f"{path}{settings}")(_NATURAL)

    return run


def _named(text: str) -> Callable[[Path], object]:
    return lambda _: source(text)


def _fitted(trace: str, numbers: str) -> Callable[[Path], object]:
    return lambda _: scenario(source(trace), read_scenario(numbers), [Cost(500), Cost(1000)])


TRACE_FAULTS: Mapping[str, Callable[[Path], object]] = {
    "trace: a file that is not there": lambda folder: source(f"{folder / 'nowhere.csv'}"),
    "trace: a misspelled generator": _named("markof:seed=1"),
    "trace: a word that is neither file nor generator": _named("sun"),
    "trace: a misspelled key": _named("markov:sead=1"),
    "trace: a key twice": _named("markov:seed=1,seed=2"),
    "trace: a value that is no number": _named("markov:duty=often"),
    "trace: an empty file": _file("# nothing\n"),
    "trace: Latin-1": _file(b"t,W\n0,\xff\n"),
    "trace: a header without rows": _file("t,W\n"),
    "trace: one row": _file("t,W\n0,1\n"),
    "trace: a misspelled column": _file("t,watt\n0,1\n1,1\n"),
    "trace: no column of time": _file("W,celsius\n0,1\n1,1\n"),
    "trace: two columns of power": _file("t,W,mW\n0,1,1\n1,1,1\n"),
    "trace: a row of another length": _file("t,W\n0,1\n1,1,1\n"),
    "trace: a value that is not finite": _file("t,W\n0,1\n1,nan\n"),
    "trace: a power below 0": _file("t,W\n0,1\n1,-0.1\n"),
    "trace: time that goes backwards": _file("t,W\n0,1\n-1,1\n"),
    "trace: two times within a microsecond": _file("t,W\n0,1\n1e-9,1\n"),
    "trace: a trace of years": _file("t,W\n0,1\n1e9,1\n"),
    "trace: a gap between samples": _file("0 1\n1 1\n2 1\n3 1\n44 1\n"),
    "trace: a voltage without its resistor": _file("0 1\n1 1\n2 1\n"),
    "trace: a resistor without a voltage": _file("t,W\n0,1\n1,1\n", ":ohms=30"),
    "trace: a voltage in another unit": _file("t,V\n0,900\n1,900\n", ":ohms=1"),
    "trace: a length that its rows do not fit": _file("t,W\n0,1\n1e-6,1\n1000,1\n", ":seconds=1"),
    "trace: no power that could be scaled": _file("t,load_percent\n0,1\n1,1\n", ":mw=1"),
    "replay: a misspelled number of the scenario": lambda _: read_scenario("farad=1"),
    "replay: voltages that do not rise": lambda _: read_scenario("volts_off=3"),
    "replay: a trace shorter than a period": _fitted("markov:seconds=0.01", "period_ms=100"),
    "replay: too many jobs": _fitted("markov:seconds=3600", "period_ms=1"),
    "replay: a capacitor of megajoules": _fitted("markov:seed=1", "farads=10000,volts_full=900"),
    "replay: an unknown policy": lambda _: check_policy("greedy", _SUBNETS),
}
"""The mistakes, by the name of each."""
