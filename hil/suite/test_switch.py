"""Test that each switch is fast, and that the first inference after it takes no longer than later ones."""

from collections.abc import Mapping

import numpy as np

from hil.boards.board import Outputs
from hil.results import limits
from hil.results.measurement import metric_name
from hil.results.samples import Samples, by_unit
from hil.results.statistics.quantiles import median
from hil.suite.fixtures import Hold, Record
from hil.suite.measurements import Measurements, Switches
from hil.suite.switch_pairs import Pair
from hil.suite.workload import Workload


def test_switch(
    workload: Workload,
    measurements: Measurements,
    switches: Mapping[Pair, Switches],
    record_measurement: Record,
    hold: Hold,
) -> None:
    slow = []
    for pair, switch in switches.items():
        name, values = workload.pair(pair), by_unit(s.select for s in switch.values())
        for unit, samples in values.items():
            record_measurement(name, metric_name("switch", unit), unit, max(samples), samples)
        unit, limit = next((u, limit) for u, limit in measurements.switch_limits.items() if u in values)
        kept = limits.switches_in_time(values[unit], limit)
        if not hold(name, metric_name("switch", unit), unit, limit, kept):
            worst = f"{max(values[unit]):,.2f} {unit}"
            slow.append(f"{name}: a switch took {worst}, the limit is {limit:g} {unit}")
    assert not slow, "; ".join(slow)


def test_first_inference(
    workload: Workload,
    measurements: Measurements,
    switches: Mapping[Pair, Switches],
    steady: Mapping[str, Samples],
    reference_outputs: list[Outputs],
    record_measurement: Record,
) -> None:
    usual, faults = by_unit(steady.values()), []
    for pair, switch in switches.items():
        name, first = workload.pair(pair), by_unit(s.first for s in switch.values())
        for unit, samples in first.items():
            metric = "first_latency" if unit == "us" else f"first_{unit}"
            record_measurement(name, metric, unit, median(samples), samples)
            if measurements.exact and limits.puts_work_off(samples, usual[unit]):
                faults.append(
                    f"{name}: the first inference after a switch takes {max(samples):,.1f} {unit}, "
                    f"a steady one {max(usual[unit]):,.1f}: the switch leaves work behind"
                )
        for taken in switch.values():
            wrong = np.any(taken.outputs != reference_outputs[pair[1]][taken.rows], axis=1)
            if wrong.any():
                faults.append(f"{name}: {wrong.sum()} of {len(wrong)} first outputs differ")
    assert not faults, "; ".join(faults)
