"""Test that inferences on a board stay within their budgets, and that smaller subnets are faster."""

from collections.abc import Callable, Mapping, Sequence

from hil.results import gate
from hil.results.measurement import metric_name
from hil.results.samples import Samples, by_unit, median
from hil.suite.fixtures import Record
from hil.suite.measurements import Measurements
from hil.suite.switch_pairs import Pair
from hil.suite.workload import Workload


def test_latency(
    workload: Workload,
    subnet: str,
    latency: Mapping[str, Samples],
    budgets: Mapping[str, float],
    record_measurement: Record,
    replay: Callable[[Sequence[float]], None],
) -> None:
    values = by_unit(latency.values())
    macs = workload.model.subnets[workload.subnets.index(subnet)].macs
    record_measurement(subnet, "macs", "MAC", macs, [macs])
    for unit, samples in values.items():
        record_measurement(subnet, metric_name("latency", unit), unit, median(samples), samples)
    if "us" in values:
        replay(values["us"])
    for unit in values.keys() & budgets.keys():
        limit = budgets[unit]
        assert median(values[unit]) <= limit, (
            f"{subnet}: the median is {median(values[unit]):,.1f} {unit}, "
            f"over the budget in the boards file, {limit:g} {unit}"
        )


def test_smaller_is_faster(
    workload: Workload,
    measurements: Measurements,
    neighbors: Pair,
    latencies: tuple[Mapping[str, Samples], Mapping[str, Samples]],
) -> None:
    small, large = (workload.subnets[s] for s in neighbors)
    smaller, larger = (by_unit(samples.values()) for samples in latencies)
    for unit in smaller:
        assert gate.is_faster(smaller[unit], larger[unit], measurements.exact), (
            f"{small} takes {median(smaller[unit]):,.1f} {unit}, {large} takes {median(larger[unit]):,.1f}"
            f": {small} must be faster"
        )
