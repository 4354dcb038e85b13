"""Traces of resources: the formats of files, generators, and what each mistake is answered."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import TraceError
from hil.options import GENERATORS
from hil.replay.generators import KINDS, Natural
from hil.replay.source import source
from hil.replay.trace import CELSIUS, Trace
from hil.replay.trace_file import COLUMNS, read_trace

NATURAL = Natural(25_000, Fraction(300))


def written(folder: Path, content: str | bytes, name: str = "trace.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_csv_holds_each_row_until_the_next(tmp_path: Path) -> None:
    text = "# of a lab\nt, mW, deadline_ms, load_percent, celsius\n"
    text += "1, 2, 40, 0, 21\n1.5, 0.5, 20, 50, -3\n2, 9, 9, 9, 9\n"
    trace = read_trace(written(tmp_path, text))
    assert trace.us.tolist() == [0, 500_000, 1_000_000]
    assert trace.microwatts is not None
    assert trace.deadline_us is not None
    assert trace.microwatts.tolist()[:2] == [2000, 500]
    assert trace.deadline_us.tolist()[:2] == [40_000, 20_000]
    assert trace.load_percent.tolist()[:2] == [0, 50]
    assert trace.celsius.tolist()[:2] == [21, -3]
    assert [trace.energy_pj(us) for us in (0, 1, 500_000, 500_001)] == [0, 2000, 10**9, 10**9 + 500]


@pytest.mark.parametrize(
    "text",
    [
        "t,W\n0,1\n1,2\n",
        "\ufefft,W\n0,1\n1,2\n",
        "t,W\r\n0,1\r\n\r\n1,2\r\n",
        "t_ms,mW\n0,1000\n1000,2e3\n",
        '"t", "W"\n"0", "1"\n1, 2\n',
        "t,W\n1700000000,1\n1700000001,2\n",
    ],
    ids=["plain", "byte order mark", "CRLF and an empty line", "other units", "quotes", "Unix seconds"],
)
def test_one_trace_written_in_several_ways(tmp_path: Path, text: str) -> None:
    trace = read_trace(written(tmp_path, text))
    assert trace.us.tolist() == [0, 1_000_000]
    assert trace.microwatts is not None
    assert trace.microwatts.tolist() == [1_000_000, 2_000_000]
    assert trace.deadline_us is None
    assert trace.celsius.tolist() == [CELSIUS] * 2


def test_samples_of_a_voltage_become_power_over_the_resistor(tmp_path: Path) -> None:
    path = written(tmp_path, "0 3.0\n1 0\n2 -1.5\n", "walk.txt")
    trace = source(f"{path}:ohms=30000")(NATURAL)
    assert trace.us.tolist() == [0, 1000, 2000]
    assert trace.microwatts is not None
    assert trace.microwatts.tolist() == [300, 0, 75]


def test_a_trace_without_power_is_of_a_device_on_the_mains(tmp_path: Path) -> None:
    trace = read_trace(written(tmp_path, "t,load_percent\n0,10\n1,99\n"))
    assert trace.microwatts is None
    assert trace.energy_pj(500) == 0


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 0),
        ("# nothing\n\n", 0),
        ("t,W\n", 0),
        ("t,W\n0,1\n", 0),
        ("t,W\n0,1\n1,nan\n", 3),
        ("t,W\n0,1\n1,inf\n", 3),
        ("t,W\n0,1\n1,\n", 3),
        ("t,W\n0,1\n1,-0.1\n", 3),
        ("t,W\n0,1\n1,5000\n", 3),
        ("t,W\n0,1\n1,2,3\n", 3),
        ("t,W\n0,1\n0,2\n", 3),
        ("t,W\n0,1\n# jump\n-1,2\n", 4),
        ("t,W\n0,1\n1e-9,2\n", 3),
        ("t,W\n0,1\n1e8,2\n", 0),
        ("t,w\n0,1\n1,2\n", 1),
        ("t,Watt\n0,1\n1,2\n", 1),
        ("t,W,mW\n0,1,1\n1,2,2\n", 1),
        ("t,W,W\n0,1,1\n1,2,2\n", 1),
        ("W,celsius\n0,1\n1,2\n", 1),
        ("t\n0\n1\n", 1),
        ("t,load_percent\n0,100\n1,2\n", 2),
        ("t,deadline_ms\n0,0\n1,2\n", 2),
        ("t,V\n0,1\n1,2\n", 0),
        ("0 1\n1 2\n2 3 4\n", 3),
        ("0 1\n1 2\n1 3\n", 3),
        ("0 1\n1 2\n2 1\n45 3\n46 2\n", 4),
        ("0 1\n1 x\n", 2),
        (b"t,W\n0,\xff\n", 0),
        ("t,W\n0,1\n1," + "1" * 200_000, 3),
        ("t," + "W" * 200_000, 1),
        ("t,W\n0,1\n1_0,2\n", 3),
        ("t,W\n0,5,1,2\n1,5,2,1\n", 2),
        ("t;W\n0,5;1,2\n1,5;2,1\n", 1),
        ("t\tW\n0\t1\n1\t2\n", 1),
        ("0,1\n1,2\n", 1),
        ("t,uW\n0,0.4\n1,0\n", 0),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_line(
    tmp_path: Path, text: str | bytes, line: int
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(TraceError) as caught:
        source(f"{path}")(NATURAL)
    assert (caught.value.file, caught.value.line) == (path, line)


@given(st.text(max_size=60) | st.lists(st.sampled_from([*COLUMNS, "\n", ",", " ", "1", "2"])).map("".join))
def test_any_text_is_a_trace_or_a_mistake(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = written(tmp_path_factory.getbasetemp(), text.encode("utf-8", "replace"), "any.csv")
    try:
        trace = read_trace(path, 1000.0)
    except TraceError:
        return
    assert trace.us[0] == 0
    assert (np.diff(trace.us) > 0).all()


def test_a_file_is_stretched_and_scaled(tmp_path: Path) -> None:
    path = written(tmp_path, "t,W\n0,1\n3600,0.5\n7200,0\n")
    trace = source(f"{path}:seconds=2,mw=4")(NATURAL)
    assert trace.us.tolist() == [0, 1_000_000, 2_000_000]
    assert trace.microwatts is not None
    assert trace.microwatts.tolist() == [4000, 2000, 0]


def test_power_below_a_microwatt_is_scaled_before_it_is_rounded(tmp_path: Path) -> None:
    path = written(tmp_path, "t,uW\n0,0.4\n1,0.1\n2,0\n")
    trace = source(f"{path}:mw=4")(NATURAL)
    assert trace.microwatts is not None
    assert trace.microwatts.tolist() == [4000, 1000, 0]


@pytest.mark.parametrize(
    "text",
    [
        "nowhere.csv",
        "markof:seed=1",
        "markov:sead=1",
        "markov:seed=1,seed=2",
        "markov:seed=-1",
        "markov:seed=1.5",
        "markov:duty=1",
        "markov:rows=1e99",
        "markov:seed=nan",
        "load:mw=1",
        "solar:hours",
        "",
    ],
)
def test_a_trace_that_cannot_be_found_or_made_is_refused(text: str) -> None:
    with pytest.raises(TraceError):
        source(text)


def power(spec: str) -> list[int]:
    found = source(spec)(NATURAL).microwatts
    assert found is not None
    return [int(uw) for uw in found[:-1]]


def test_bounds_of_a_number_are_shown_whole() -> None:
    with pytest.raises(
        TraceError, match=r"seed is '5000000000'; write a whole number from 0 to 4,294,967,295$"
    ):
        source("solar:seed=5000000000")


def test_a_generator_repeats_by_its_seed() -> None:
    assert tuple(KINDS) == GENERATORS
    for kind in KINDS:
        once, again, other = (source(f"{kind}:seed={seed}")(NATURAL) for seed in (1, 1, 2))
        for a, b in ((once.microwatts, again.microwatts), (once.load_percent, again.load_percent)):
            assert np.array_equal(a, b) if a is not None and b is not None else a is b
        assert not (
            np.array_equal(once.microwatts, other.microwatts)
            and np.array_equal(once.load_percent, other.load_percent)
        )


def test_levels_of_a_generator_are_the_same_on_every_machine() -> None:
    assert power("solar:seed=1,rows=12,mw=1") == [0, 0, 0, 0, 500, 784, 837, 654, 362, 0, 0, 0]


def test_markov_is_on_for_its_duty_in_stretches_of_its_length() -> None:
    on = [uw > 0 for uw in power("markov:seed=3,rows=20000,duty=0.3,on=10")]
    starts = sum(b and not a for a, b in pairwise(on))
    assert 0.25 < sum(on) / len(on) < 0.35
    assert 8 < sum(on) / starts < 12


def test_a_generator_without_power_has_the_natural_mean() -> None:
    for kind in ("markov", "solar", "bursts"):
        trace = source(f"{kind}:seed=1")(NATURAL)
        assert trace.length_us == 300 * NATURAL.row_us
        mean = trace.energy_pj(trace.length_us) / trace.length_us
        assert mean == pytest.approx(float(NATURAL.mean_uw), rel=0.01)


def test_load_takes_a_share_of_the_processor_on_the_mains() -> None:
    trace: Trace = source("load:seed=1,percent=70,seconds=3")(NATURAL)
    assert trace.microwatts is None
    assert set(trace.load_percent.tolist()) == {0, 70}
    assert trace.length_us == 3_000_000
