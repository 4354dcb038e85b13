"""What a build says in the end: each subnet's cost and accuracy, and which one misses its floor."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from reds.pack.inspect import table_of


def tell(card: Mapping[str, Any], console: Console) -> None:
    """Print what the card says of the subnets. A floor that is missed is one that a bench will fail."""
    subnets, labeled = card["subnets"], card["labelled"]["clips"]
    timed = all("latency_us" in subnet for subnet in subnets)
    rows = []
    for subnet in subnets:
        accuracy = subnet["accuracy"]
        each = [f"{100 * accuracy[of]:.2f} %" for of in ("validation", "test", "float_test")]
        us = [f"{subnet['latency_us']:,.1f}"] if timed else []
        rows.append(
            [subnet["label"], "-".join(map(str, subnet["widths"])), f"{subnet['macs']:,}", *us, *each]
        )
    heads = f"subnet units MACs {'us-by-the-times ' if timed else ''}validation test test-in-float"
    console.print(table_of(heads, rows))
    for subnet in subnets:
        reached, floor = subnet["accuracy"]["labelled"], subnet["floor"]
        if reached < floor:
            console.print(
                f"subnet {subnet['label']} misses its floor: {reached:.4f} of {labeled:,} labeled examples,"
                f" under {floor:g}: a bench of the pack will fail; lower the floor, or train longer"
            )
