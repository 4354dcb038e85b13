"""Test that each switch is fast, and that the first inference after it takes no longer than later ones."""

from collections.abc import Mapping

import numpy as np

from hil.boards.board import Outputs, SwitchSamples
from hil.results import gate
from hil.results.samples import Samples, by_unit, median
from hil.results.store import metric_name
from hil.suite.fixtures import Record
from hil.suite.measurements import Measurements, Pair
from hil.suite.workload import Workload


def test_switch(
    workload: Workload,
    measurements: Measurements,
    pair: Pair,
    switch: Mapping[str, SwitchSamples],
    record_measurement: Record,
) -> None:
    name = workload.pair(pair)
    values = by_unit(s.select for s in switch.values())
    for unit, samples in values.items():
        record_measurement(name, metric_name("switch", unit), unit, max(samples), samples)
    unit, limit = next((unit, limit) for unit, limit in measurements.switch_limits.items() if unit in values)
    assert gate.switches_in_time(values[unit], limit), (
        f"{name}: a switch took {max(values[unit]):,.2f} {unit}, the limit is {limit:g} {unit}"
    )


def test_first_inference(
    workload: Workload,
    measurements: Measurements,
    pair: Pair,
    switch: Mapping[str, SwitchSamples],
    steady: Mapping[str, Samples],
    reference_outputs: list[Outputs],
    record_measurement: Record,
) -> None:
    name = workload.pair(pair)
    first, usual = by_unit(s.first for s in switch.values()), by_unit(steady.values())
    for unit, samples in first.items():
        metric = "first_latency" if unit == "us" else f"first_{unit}"
        record_measurement(name, metric, unit, median(samples), samples)
    for taken in switch.values():
        wrong = np.any(taken.outputs != reference_outputs[pair[1]][taken.rows], axis=1)
        assert not wrong.any(), f"{name}: {wrong.sum()} of {len(wrong)} first outputs differ"
    if measurements.exact:
        for unit, samples in first.items():
            assert not gate.puts_work_off(samples, usual[unit]), (
                f"{name}: the first inference after a switch takes {max(samples):,.1f} {unit}, "
                f"a steady one {max(usual[unit]):,.1f}: the switch leaves work behind"
            )
