"""Keep the latency of each subnet in LiteRT beside ours; neither fails the run by itself."""

from hil.kernels.litert import NAME
from hil.kernels.litert_comparison import Beside
from hil.results.statistics.quantiles import median, median_interval
from hil.suite.fixtures import Note, Record
from hil.suite.measurements import Measurements


def test_latency_beside_tflite(
    subnet: str, measurements: Measurements, beside: Beside, record_measurement: Record, note: Note
) -> None:
    record_measurement(subnet, "tflite_latency", "us", median(beside.theirs), beside.theirs)
    record_measurement(subnet, "tflite_ratio", "ratio", median(beside.ratios), beside.ratios)
    low, high = median_interval(beside.ratios)
    both = f"ours {median(beside.ours):,.1f} us, {NAME} {median(beside.theirs):,.1f} us"
    times = (
        f"{median(beside.ratios):.3g} times as long ({low:.3g} to {high:.3g}), in {len(beside.ratios)} turns"
    )
    note("against", f"{measurements.leased.facts().name} {subnet}: {both}; ours takes {times}")
    assert min(beside.ours) > 0, f"{subnet}: the clock did not move during an inference; bench a larger pack"
