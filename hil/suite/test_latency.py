"""Test that inferences on a board stay within their budgets, and that smaller subnets are faster."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from hil.protocol.hello import FLASH_WORDS
from hil.results import limits
from hil.results.measurement import metric_name
from hil.results.samples import by_unit
from hil.results.statistics import shape
from hil.results.statistics.quantiles import median
from hil.suite.fixtures import Hold, Note, Record
from hil.suite.measurements import Latency, Measurements
from hil.suite.switch_pairs import Pair
from hil.suite.workload import Workload

_BUDGETS = {"us": "latency_us", "instructions": "instructions"}
"""Keys of a boards file that limit a latency, by unit."""
_AGAIN = 3
"""Most repeated measurements of two subnets of a real board before their order fails. Another program may
have slowed one of them."""


def test_latency(
    workload: Workload,
    subnet: str,
    measurements: Measurements,
    latency: Latency,
    budgets: Mapping[str, float],
    record_measurement: Record,
    hold: Hold,
    note: Note,
    replay: Callable[[Sequence[float]], None],
) -> None:
    values = by_unit(latency.values())
    macs = workload.model.subnets[workload.subnets.index(subnet)].macs
    record_measurement(subnet, "macs", "MAC", macs, [macs])
    for unit, samples in values.items():
        record_measurement(subnet, metric_name("latency", unit), unit, median(samples), samples)
    if "us" in values:
        replay(values["us"])
    for name, text in (*_notes(measurements, subnet, values), *_passed_over(subnet, values, budgets)):
        note(name, f"{measurements.leased.facts().name} {text}")
    over = []
    for unit in sorted(values.keys() & budgets.keys()):
        limit, found = budgets[unit], median(values[unit])
        if not hold(subnet, metric_name("latency", unit), unit, limit, found <= limit):
            budget = f"over the budget in the boards file, {limit:g} {unit}"
            over.append(f"{subnet}: the median is {found:,.1f} {unit}, {budget}")
    assert not over, "; ".join(over)


def test_smaller_is_faster(
    workload: Workload,
    measurements: Measurements,
    neighbors: Pair,
    latencies: Mapping[int, Latency],
) -> None:
    slow = _slower(workload, neighbors, latencies, measurements.exact)
    for _ in range(0 if measurements.exact else _AGAIN):
        if not slow:
            break
        slow = _slower(workload, neighbors, measurements.latency_again(neighbors), exact=False)
    assert not slow, "; ".join(slow)


def _notes(
    measurements: Measurements, subnet: str, values: Mapping[str, Sequence[float]]
) -> Iterator[tuple[str, str]]:
    """Yield what is odd about the samples of a real board: their shape, and a precision that they miss."""
    if measurements.exact:
        return
    for unit, samples in values.items():
        if text := shape.described(samples, unit):
            yield "samples", f"{subnet}: {text}"
    asked = measurements.precision
    got = measurements.half_width(measurements.workload.subnets.index(subnet))
    if asked and got > asked.share:
        known = f"the median is known to {got:.2%} after {asked.seconds:g} s, not to {asked.share:.2%}"
        yield "precision", f"{subnet}: {known}"


def _passed_over(
    subnet: str, values: Mapping[str, Sequence[float]], budgets: Mapping[str, float]
) -> Iterator[tuple[str, str]]:
    """Yield that no budget of a latency is held, as the board measures other units only."""
    given = [unit for unit in _BUDGETS if unit in budgets]
    if given and not values.keys() & budgets.keys():
        keys, units = (" and ".join(names) for names in ([_BUDGETS[unit] for unit in given], [*values]))
        remedy = " or ".join(key for unit, key in _BUDGETS.items() if unit in values)
        yield "limits", f"{subnet}: {keys} is not held, as the board measures {units} only; limit {remedy}"


def _slower(workload: Workload, neighbors: Pair, taken: Mapping[int, Latency], exact: bool) -> list[str]:
    """Return a text for each unit of speed in which the smaller subnet is not faster."""
    small, large = (workload.subnets[s] for s in neighbors)
    smaller, larger = (by_unit(taken[s].values()) for s in neighbors)
    return [
        f"{small} takes {median(smaller[unit]):,.1f} {unit}, {large} takes {median(larger[unit]):,.1f}"
        f": {small} must be faster"
        for unit in smaller
        if unit != FLASH_WORDS and not limits.is_faster(smaller[unit], larger[unit], exact)
    ]
