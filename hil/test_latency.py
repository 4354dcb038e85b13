"""What an inference takes, timed or counted on the board: within its budget, less for a smaller subnet."""

from collections.abc import Callable, Mapping, Sequence

from hil.conftest import Record
from hil.figures import Figures, Pair
from hil.pack import Pack
from hil.results import gate
from hil.results.samples import Samples, by_unit, median


def test_latency(
    pack: Pack,
    subnet: int,
    latency: Mapping[str, Samples],
    budgets: Mapping[str, float],
    record: Record,
    replay: Callable[[Sequence[float]], None],
) -> None:
    label, values = pack.subnets[subnet], by_unit(latency.values())
    macs = pack.model.subnets[subnet].macs
    record(label, "macs", "MAC", macs, [macs])
    for unit, samples in values.items():
        record(label, "latency" if unit == "us" else unit, unit, median(samples), samples)
    if "us" in values:
        replay(values["us"])
    for unit in values.keys() & budgets.keys():
        limit = budgets[unit]
        assert median(values[unit]) <= limit, f"{label}: over its budget in boards.toml, {limit:g} {unit}"


def test_smaller_is_faster(
    pack: Pack,
    figures: Figures,
    neighbours: Pair,
    latencies: tuple[Mapping[str, Samples], Mapping[str, Samples]],
) -> None:
    small, large = (pack.subnets[s] for s in neighbours)
    smaller, larger = (by_unit(samples.values()) for samples in latencies)
    for unit in smaller:
        assert gate.is_faster(smaller[unit], larger[unit], figures.exact), (
            f"{small} takes {median(smaller[unit]):,.1f} {unit}, {large} {median(larger[unit]):,.1f}"
        )
