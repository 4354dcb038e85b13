"""What a build prints at its end: cost and accuracy of each subnet, and every floor that is missed."""

from rich.console import Console

from reds.experiment.result import Result
from reds.pack.inspect import table_of


def report(result: Result, console: Console) -> None:
    """Print what the subnets cost and reach. A bench fails a pack that misses a floor."""
    timed = result.profile.latency is not None
    rows = []
    for subnet in result.subnets:
        reached = (subnet.validation_accuracy, subnet.accuracy, subnet.float_accuracy)
        us = [f"{subnet.latency_us:,.1f}"] if timed else []
        widths = "-".join(map(str, subnet.widths))
        rows.append([subnet.name, widths, f"{subnet.macs:,}", *us, *(f"{100 * a:.2f} %" for a in reached)])
    heads = f"subnet units MACs {'us-by-the-times ' if timed else ''}validation test test-in-float"
    console.print(table_of(heads, rows))
    labeled = min(result.data.set.labeled, len(result.data.test_y))
    for subnet, floor in zip(result.subnets, result.floors, strict=True):
        if subnet.labeled_accuracy < floor:
            console.print(
                f"subnet {subnet.name} misses its floor: {subnet.labeled_accuracy:.4f} of {labeled:,} labeled"
                f" examples, under {floor:g}: a bench of the pack will fail; lower the floor, or train longer"
            )
