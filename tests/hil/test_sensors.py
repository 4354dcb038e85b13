"""Test the conditions that boards report, and the doubts they raise about latencies."""

from dataclasses import asdict, replace

import pytest

from hil.boards import sensors
from hil.results import conditions
from hil.results.conditions import Conditions, doubts

PI = """Last login: yesterday = today
machine=aarch64
model=
model=Raspberry Pi 4 Model B Rev 1.4
cpu=Cortex-A72
governor=ondemand
khz=600000
millidegrees=48686
throttled=0x50000
"""
PHONE = """machine=aarch64
model=Phone 9
build=maker/phone9/phone9:15/AP3A/123:user/release-keys
abi=arm64-v8a
thermal=0
battery=81
charge=2
"""
STEADY = Conditions("aarch64", governor="performance", mhz=1500.0, throttled=0)


def test_missing_conditions_are_none() -> None:
    read = sensors.read(PI, 3)
    model = "Raspberry Pi 4 Model B Rev 1.4"
    assert read == Conditions("aarch64", model, "Cortex-A72", 3, "ondemand", 600.0, 48.686, 0x50000)
    build = "maker/phone9/phone9:15/AP3A/123:user/release-keys"
    phone = {"build": build, "abi": "arm64-v8a", "thermal": 0, "battery": 81, "charge": "charging"}
    assert sensors.read(PHONE, None) == Conditions("aarch64", "Phone 9", **phone)  # type: ignore[arg-type]
    assert sensors.read("machine=x86_64\nkhz=-\nthrottled=error=1", None) == Conditions("x86_64")


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ({}, {}, []),
        ({"governor": None, "mhz": None, "throttled": None}, {"mhz": None}, []),
        ({"throttled": 0x50000}, {"throttled": 0x50000, "mhz": 1501.0}, []),
        ({"governor": "ondemand"}, {}, ["its governor is ondemand, not performance"]),
        ({}, {"governor": "powersave"}, ["its governor is powersave, not performance"]),
        ({"mhz": 600.0}, {}, ["its clock went from 600 to 1,500 MHz"]),
        ({}, {"mhz": 600.0}, ["its clock went from 1,500 to 600 MHz"]),
        ({}, {"throttled": 0x50005}, ["it was throttled (flags 0x50005)"]),
        ({}, {"throttled": 0x40000}, ["it was throttled (flags 0x40000)"]),
        ({"throttled": 0x4}, {}, ["it was throttled (flags 0x4)"]),
        ({"thermal": 0}, {"thermal": 2}, ["it was throttled (thermal status 2)"]),
    ],
)
def test_latency_is_doubtful_with_a_reason(
    before: dict[str, object], after: dict[str, object], why: list[str]
) -> None:
    pair = (asdict(replace(STEADY, **changed)) for changed in (before, after))  # type: ignore[arg-type]
    assert doubts(*pair) == why


def test_each_kind_of_doubt_is_reported_once_for_a_board() -> None:
    good, bad = asdict(STEADY), asdict(replace(STEADY, governor="ondemand"))
    rows = [
        {"board": "a", "conditions": {"before": good, "after": good}},
        {"board": "b", "conditions": {"before": bad, "after": bad}},
        {"board": "b", "conditions": {"before": good, "after": asdict(replace(STEADY, mhz=600.0))}},
        {"board": "b", "conditions": {"before": good, "after": asdict(replace(STEADY, mhz=900.0))}},
        {"board": "b", "conditions": {"before": good, "after": good}},
        {"board": "c", "conditions": None},
    ]
    clock = "its clock went from 1,500 to 900 MHz"
    assert conditions.warnings(rows) == [
        f"WARNING: b: latencies are doubtful: its governor is ondemand, not performance; {clock}"
    ]
