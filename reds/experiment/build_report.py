"""Print the end of a build: cost and accuracy of each subnet, and a warning for each floor it misses."""

from rich.console import Console

from reds.experiment.result import Result
from reds.pack.inspect import table_of


def report(result: Result, console: Console) -> None:
    """Print a table of all subnets, and a line for each subnet whose accuracy a bench would reject."""
    timed = result.profile.latency is not None
    rows = []
    for subnet in result.subnets:
        accuracies = (subnet.validation_accuracy, subnet.accuracy, subnet.float_accuracy)
        us = [f"{subnet.latency_us:,.1f}"] if timed else []
        widths = "-".join(map(str, subnet.widths))
        rows.append([subnet.name, widths, f"{subnet.macs:,}", *us, *(f"{100 * a:.2f} %" for a in accuracies)])
    heads = f"subnet units MACs {'predicted-us ' if timed else ''}validation test test-in-float"
    console.print(table_of(heads, rows))
    labeled = min(result.data.set.labeled, len(result.data.test_y))
    for subnet, floor in zip(result.subnets, result.floors, strict=True):
        if subnet.labeled_accuracy < floor:
            console.print(
                f"subnet {subnet.name} misses its floor: accuracy {subnet.labeled_accuracy:.4f} on"
                f" {labeled:,} labeled examples, floor {floor:g}: a bench of this pack will fail;"
                " train longer, or lower the floor"
            )
