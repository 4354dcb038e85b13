"""Figures are shown in a block for each board: with limits and verdicts, not wider than needed, never cut."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.results import blocks
from hil.results.limit import Limit
from hil.results.measurement import Measurement
from hil.results.run import TestOutcome

WHO = ("nano33ble", "left", "emulated")


def measured(subnet: str, metric: str, value: float, unit: str = "us", **more: object) -> dict[str, object]:
    return Measurement(*WHO, "net", "00ff", subnet, metric, unit, value, (value,)).plain() | more


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_a_block_has_a_row_for_each_subnet_and_its_slowest_switch() -> None:
    taken = [
        measured("100%", "macs", 900),
        measured("100%", "latency", 812.0),
        measured("25%->100%", "switch", 0.25),
        measured("50%->100%", "switch", 0.5),
        measured("75%->100%", "switch", 0.125),
        measured("25%", "macs", 200),
        measured("25%", "accuracy", 0.75, "fraction"),
    ]
    assert rows(blocks.render(taken, ["a [note]"])) == [
        ["left", "(nano33ble),", "emulated"],
        ["subnet", "MACs", "accuracy", "latency", "us", "switch", "us"],
        ["25%", "200", "75.0", "%", "-", "-"],
        ["100%", "900", "-", "812.0", "0.50"],
        [],
        ["a", "[note]"],
    ]


def test_boards_have_blocks_of_their_own_and_counts_of_tests() -> None:
    taken = [measured("25%", "macs", 200), measured("25%", "macs", 200, board="right")]
    tests = [
        TestOutcome(f"t{i}", o, 1.0, "", *WHO) for i, o in enumerate(("passed", "failed", "passed", "error"))
    ]
    tests += [TestOutcome("t", "skipped", 0.0, "", "pi", "pi", ""), TestOutcome("own", "passed", 0.0)]
    titles = [
        line for line in blocks.render(taken, [], (), blocks.counted(tests)).splitlines() if "," in line
    ]
    assert titles == [
        "left (nano33ble), emulated: 1 FAILED, 1 ERROR, 2 passed",
        "right (nano33ble), emulated",
        "pi, absent: 1 skipped",
    ]


def test_packs_of_one_board_have_blocks_of_their_own_and_keep_their_limits() -> None:
    one = [measured("25%", "latency", 100.0), measured("25%", "macs", 200)]
    taken = [*one, measured("25%", "latency", 900.0, pack="other", pack_sha256="11ee")]
    limit = Limit(*WHO, "25%", "latency", "us", 500.0, False, True, "00ff")
    outcome = TestOutcome("t", "passed", 1.0, "", *WHO)
    text = blocks.render(taken, [], [limit], blocks.counted([outcome]))
    assert rows(text) == [
        ["left", "(nano33ble),", "emulated,", "net:", "1", "passed"],
        ["subnet", "MACs", "latency", "us", "limit"],
        ["25%", "200", "100.0", "<=", "500", "ok"],
        [],
        ["left", "(nano33ble),", "emulated,", "other"],
        ["subnet", "latency", "us"],
        ["25%", "900.0"],
        [],
    ]
    again = [*one, measured("25%", "latency", 900.0, pack_sha256="11ee")]
    titles = [line for line in blocks.render(again, []).splitlines() if "," in line]
    assert titles == ["left (nano33ble), emulated, net 00ff", "left (nano33ble), emulated, net 11ee"]


@pytest.mark.parametrize(("kept", "says"), [(True, "ok"), (False, "FAILED")])
def test_a_limit_and_its_verdict_are_beside_their_figure(kept: bool, says: str) -> None:
    taken = [measured("25%", "latency", 1500.0), measured("25%", "accuracy", 0.75, "fraction")]
    limits = [
        Limit(*WHO, "25%", "latency", "us", 2000.0, False, kept),
        Limit(*WHO, "25%", "accuracy", "fraction", 0.7, True, True),
    ]
    line = rows(blocks.render(taken, [], limits))[2]
    assert line == ["25%", "75.0", "%", ">=", "70.0", "%", "ok", "1,500.0", "<=", "2,000", says]


def test_of_switches_to_a_subnet_the_one_that_fails_its_limit_counts() -> None:
    taken = [measured("25%->100%", "switch", 50.0), measured("50%->100%", "switch", 1.0)]
    slow = Limit(*WHO, "25%->100%", "switch", "us", 40.0, False, False)
    limits = [slow, replace(slow, subnet="50%->100%", kept=True)]
    assert rows(blocks.render(taken, [], limits))[2] == ["100%", "50.00", "<=", "40", "FAILED"]


def test_an_interval_is_beside_its_figure() -> None:
    taken = [measured("25%", "accuracy", 0.75, "fraction", low=0.7, high=0.8)]
    assert rows(blocks.render(taken, []))[2] == ["25%", "75.0", "%", "(70.0..80.0)"]


def test_cycles_and_counts_of_switches_are_shown_only_without_their_times_or_with_a_limit() -> None:
    counts = [
        measured("25%", "cycles", 64, "cycles"),
        measured("25%", "switch_instructions", 14, "instructions"),
    ]
    assert rows(blocks.render(counts, []))[1] == ["subnet", "cycles", "switch", "instr."]
    times = [measured("25%", "latency", 1.0), measured("25%", "switch", 1.0)]
    assert rows(blocks.render(counts + times, []))[1] == ["subnet", "latency", "us", "switch", "us"]
    limit = Limit(*WHO, "25%", "cycles", "cycles", 70.0, False, True)
    assert "cycles" in rows(blocks.render(counts + times, [], [limit]))[1]


def test_limit_of_a_test_that_ran_again_is_the_last_one() -> None:
    taken = [measured("25%", "switch", 40.0)]
    first, again = (Limit(*WHO, "50%->25%", "switch", "us", 50.0, False, kept) for kept in (False, True))
    assert "<= 50 ok" in blocks.render(taken, [], [first, again])
    other = replace(again, subnet="100%->25%")
    assert "<= 50 FAILED" in blocks.render(taken, [], [first, other])


def test_figures_of_users_are_shown_with_their_unit() -> None:
    assert rows(blocks.render([measured("25%", "energy", 12.5, "uJ")], []))[1:3] == [
        ["subnet", "energy", "uJ"],
        ["25%", "12.5"],
    ]


def test_figures_of_one_metric_in_two_units_have_two_columns() -> None:
    taken = [measured("25%", "energy", 0.5, "mJ"), measured("50%", "energy", 12.5, "uJ")]
    taken += [measured("25%", "charge", 1.5, "C"), measured("50%", "charge", 7, "mC")]
    limits = [Limit(*WHO, "50%", "energy", "uJ", 20.0, least=False, kept=True)]
    assert rows(blocks.render(taken, [], limits))[1:4] == [
        ["subnet", "energy", "mJ", "charge", "C", "charge", "mC", "energy", "uJ", "limit"],
        ["25%", "0.5", "1.5", "-", "-"],
        ["50%", "-", "-", "7", "12.5", "<=", "20", "ok"],
    ]


FIGURES = st.floats(0, 1e9, allow_nan=False)


@given(st.lists(st.tuples(FIGURES, FIGURES, FIGURES), min_size=1, max_size=4))
def test_blocks_of_the_suite_fit_a_hundred_columns_and_cut_nothing(
    given: list[tuple[float, float, float]],
) -> None:
    taken, limits = [], []
    for i, (macs, latency, switch) in enumerate(given):
        name = f"{i}%"
        taken += [measured(name, "macs", macs, "MAC")]
        taken += [measured(name, "accuracy", 0.5, "fraction", low=0.4, high=0.6)]
        taken += [measured(name, "latency", latency, low=latency / 2, high=latency)]
        taken += [measured(name, "switch", switch)]
        limits += [Limit(*WHO, name, "accuracy", "fraction", 0.4, True, True)]
        limits += [Limit(*WHO, name, "switch", "us", 40.0, False, switch <= 40)]
    text = blocks.render(taken, [], limits)
    assert max(map(len, text.splitlines())) <= blocks.COLUMNS
    assert "…" not in text
    for i, (macs, _, switch) in enumerate(given):
        line = next(line for line in text.splitlines() if line.startswith(f"{i}%"))
        assert f" {macs:,.0f} " in line
        assert " >= 40.0 % ok " in line
        assert f" {switch:,.2f} " in line


def test_a_large_figure_and_a_long_name_are_not_cut() -> None:
    one = measured("100%", "latency", 123_456_789.0) | {"target": "t" * 60, "board": "b" * 160}
    title, _, line = blocks.render([one], []).splitlines()[:3]
    assert title == f"{'b' * 160} ({'t' * 60}), emulated"
    assert "123,456,789.0" in line


def test_bytes_are_shown_in_full_with_their_limit() -> None:
    one = measured("25%", "room", 16_777_216.0, "bytes")
    limit = Limit(*WHO, "25%", "room", "bytes", 33_554_432.0, least=False, kept=True)
    assert rows(blocks.render([one], [], [limit]))[2] == ["25%", "16,777,216", "<=", "33,554,432", "ok"]


@pytest.mark.parametrize("name", ["desk[/lab]", "desk [lab]", "[bold]desk[/bold]", "desk :smile:", "a|b"])
def test_names_with_markup_are_shown_as_they_are(name: str) -> None:
    one = measured("25%", "latency", 1.5) | {"board": name, "subnet": name}
    title, _, line, _, note = blocks.render([one], [f"{name}: noted"]).splitlines()
    assert title.startswith(f"{name} (")
    assert line.startswith(f"{name} ")
    assert note == f"{name}: noted"


def test_text_that_acts_on_a_terminal_is_escaped() -> None:
    conditions = {"governor": "\x1b[2Jpowersave\n", "mhz": None, "throttled": None, "thermal": None}
    one = measured("25%", "latency", 1.5) | {"board": "a\x1b[31m\nb", "subnet": "\u202e25%"}
    one["conditions"] = {"before": conditions, "after": conditions}
    lines = blocks.render([one], ["note\x07\nof two lines"]).splitlines()
    assert len(lines) == 6
    assert all(line.isprintable() for line in lines)
