"""Count the lines of flash or cache that a subnet's weights touch, by the order of the weights.

A line that holds one weight of the subnet is read as a whole. Kernels read no other weights, and padding only
in such a line. Lines that a cache keeps between layers are not considered.
"""

from collections.abc import Sequence

import numpy as np

from hil.kernels.tables import Cell, Table
from hil.results.weights_read import Units, lines, marked, prefix
from reds.pack.layouts import CANONICAL, LAYOUTS, preferring
from reds.pack.model import Kind, Model
from reds.zoo import by_name
from reds.zoo.random_weights import with_random_weights


def table(names: Sequence[str], line: int) -> Table:
    """Return, for each subnet, the fewest lines that could hold its weights, and the ratio for each order.

    Args:
        names: Nets of `reds.zoo`.
        line: Bytes of a line.
    """
    rows: list[tuple[Cell, ...]] = []
    for name in names:
        model = with_random_weights(name, by_name(name))
        for s, subnet in enumerate(model.subnets):
            used = list(zip(model.layers, prefix(model, s), strict=True))
            least = sum(-(-marked(layer, units).sum() // line) for layer, units in used)
            orders = [
                sum(lines(layout, layer, units, line) for layer, units in used) / least
                if set(preferring(model, layout)) == {layout}
                else None
                for layout in LAYOUTS.values()
            ]
            left = zip(model.layers, scattered(model, s), strict=True)
            naive = sum(lines(CANONICAL, layer, units, line) for layer, units in left) / least
            rows.append((f"{name} {subnet.name}", int(least), *orders, naive))
    return Table(
        f"Lines of {line} bytes that a subnet's weights touch, of the fewest possible",
        ("net", "fewest", *(layout.name for layout in LAYOUTS.values()), "canonical, units not sorted"),
        tuple(rows),
    )


def scattered(model: Model, subnet: int) -> list[tuple[Units, Units]]:
    """Return as many units, but at random places, as if training had not been followed by sorting."""
    rng = np.random.default_rng(0)
    kept = [np.arange(model.tensors[0].units)]
    found = []
    for step in model.subnets[subnet].steps:
        layer = model.layers[step.layer]
        source, full = kept[layer.inputs[0]], model.tensors[layer.output].units
        if layer.kind in (Kind.DENSE, Kind.CONV):
            kept.append(np.sort(rng.choice(full, step.units_out, replace=False)))
        elif layer.kind is Kind.FLATTEN:
            sites = model.tensors[layer.inputs[0]].positions
            kept.append((source[:, None] * sites + np.arange(sites)).ravel())
        else:
            kept.append(source)
        found.append((source, kept[-1]))
    return found
