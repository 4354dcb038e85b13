"""What an inference takes, timed on the board: within its budget, and less for a smaller subnet."""

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
    budget: float | None,
    record: Record,
    replay: Callable[[Sequence[float]], None],
) -> None:
    label, values = pack.subnets[subnet], by_unit(latency.values())
    macs = pack.model.subnets[subnet].macs
    record(label, "macs", "MAC", macs, [macs])
    for unit, samples in values.items():
        record(label, "latency" if unit == "us" else unit, unit, median(samples), samples)
    replay(values["us"])
    if budget is not None:
        assert median(values["us"]) <= budget, f"{label}: over its budget in boards.toml, {budget:g} us"


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
