"""Test that the layers of an inference take what the whole inference takes."""

from hil.results.measurement import metric_name
from hil.results.profile import Profile
from hil.suite.fixtures import Record
from hil.suite.measurements import Measurements


def test_layers_add_up_to_the_inference(
    measurements: Measurements, subnet: str, profile: Profile, record_measurement: Record
) -> None:
    for unit, cost in profile.costs.items():
        if unit != "us" or "cycles" not in profile.costs:  # the cycles say the same
            for i, (layer, samples) in enumerate(zip(profile.layers, cost.samples, strict=True)):
                metric = metric_name(f"layer_{i:02}_{layer.kind}", unit)
                record_measurement(subnet, metric, unit, cost.layers[i], samples)
    for unit, cost in profile.costs.items():
        told = f"{subnet}: the layers take {cost.total:,.2f} {unit} one by one, all at once {cost.whole:,.2f}"
        assert cost.adds_up(measurements.exact), f"{told}; run `hil profile` to see each layer"
        if measurements.exact and unit != "us":
            least = measurements.profile(0)
            others = f"in {least.subnet} they take {least.costs[unit].more:,.0f} more than all at once"
            remedy = "the same for all subnets is needed; run `hil profile` to see each layer"
            assert cost.more == least.costs[unit].more, f"{told}; {others}; {remedy}"
