"""Test that the layers of an inference take what the whole inference takes."""

from hil.results.measurement import metric_name
from hil.results.profile import Profile
from hil.suite.fixtures import Record
from hil.suite.measurements import Measurements
from reds.pack.model import Model


def test_layers_add_up_to_the_inference(
    measurements: Measurements, subnet: str, profile: Profile, record_measurement: Record
) -> None:
    for unit, cost in profile.costs.items():
        if unit != "us" or "cycles" not in profile.costs:  # the cycles say the same
            for layer, samples, median in zip(profile.layers, cost.samples, cost.layers, strict=True):
                metric = metric_name(f"layer_{layer.index:02}_{layer.kind}", unit)
                record_measurement(subnet, metric, unit, median, samples)
    for unit, cost in profile.costs.items():
        told = f"{subnet}: the layers take {cost.total:,.2f} {unit} one by one, all at once {cost.whole:,.2f}"
        assert cost.adds_up(measurements.exact), f"{told}; run `hil profile` to see each layer"
        if measurements.exact and unit != "us":
            least = measurements.profile(_smallest_alike(measurements.workload.model, profile))
            others = f"in {least.subnet} they take {least.costs[unit].more:,.0f} more than all at once"
            remedy = "the same for all subnets of these layers is needed; run `hil profile` to see each layer"
            assert cost.more == least.costs[unit].more, f"{told}; {others}; {remedy}"


def _smallest_alike(model: Model, profile: Profile) -> int:
    """Return the index of the smallest subnet that runs the layers of a profile."""
    runs = [[step.layer for step in subnet.steps] for subnet in model.subnets]
    return runs.index([layer.index for layer in profile.layers])
