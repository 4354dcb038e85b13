"""Test that the layers of an inference take what the whole inference takes."""

from collections.abc import Iterator

from hil.results.measurement import metric_name
from hil.results.profile import Profile
from hil.suite.fixtures import Record
from hil.suite.measurements import Measurements
from reds.pack.model import Model

_AGAIN = 3
"""Most repeated profiles of a subnet of a real board before its layers fail to add up. Another program may
have slowed the layers alone, or the whole inference alone."""


def test_layers_add_up_to_the_inference(
    measurements: Measurements, subnet: str, profile: Profile, record_measurement: Record
) -> None:
    index = measurements.workload.subnets.index(subnet)
    faults = [*_faults(measurements, profile)]
    for _ in range(0 if measurements.exact else _AGAIN):
        if not faults:
            break
        faults = [*_faults(measurements, measurements.profile_again(index))]
    every = measurements.profile(index)
    for unit, cost in every.costs.items():
        if unit != "us" or "cycles" not in every.costs:  # the cycles say the same
            for layer, samples, median in zip(every.layers, cost.samples, cost.layers, strict=True):
                metric = metric_name(f"layer_{layer.index:02}_{layer.kind}", unit)
                record_measurement(subnet, metric, unit, median, samples)
    assert not faults, "; ".join(faults)


def _faults(measurements: Measurements, profile: Profile) -> Iterator[str]:
    """Yield for each unit a sentence on layers that do not add up to the inference."""
    for unit, cost in profile.costs.items():
        took = f"the layers take {cost.total:,.2f} {unit} one by one, all at once {cost.whole:,.2f}"
        told, remedy = f"{profile.subnet}: {took}", "run `hil profile` to see each layer"
        if not cost.adds_up(measurements.exact):
            yield f"{told}; {remedy}"
        elif measurements.exact and unit != "us":
            least = measurements.profile(_smallest_alike(measurements.workload.model, profile))
            if cost.more != least.costs[unit].more:
                others = f"in {least.subnet} they take {least.costs[unit].more:,.0f} more than all at once"
                yield f"{told}; {others}; the same for all subnets of these layers is needed; {remedy}"


def _smallest_alike(model: Model, profile: Profile) -> int:
    """Return the index of the smallest subnet that runs the layers of a profile."""
    runs = [[step.layer for step in subnet.steps] for subnet in model.subnets]
    return runs.index([layer.index for layer in profile.layers])
