"""A nested subnet of a graph: its name, what it may cost, and the units that it keeps."""

from dataclasses import dataclass

from reds.graph import Graph, Widths


@dataclass(frozen=True)
class Budget:
    """What one subnet may cost; None: as much as it takes."""

    macs: float | None = None
    """Fraction of the full net's multiply-accumulates."""
    flash: int | None = None
    """Bytes of its weights and tables."""
    arena: int | None = None
    """Bytes."""
    latency: float | None = None
    """Microseconds, by the times measured on the device."""


@dataclass(frozen=True)
class SubnetSpec:
    """One nested subnet, as it travels from selection to the pack."""

    name: str
    """At most 7 bytes; by default the MACs budget in percent, as `25%`."""
    budget: Budget
    widths: Widths
    """Units kept in each unit group of the graph."""


def subnet_name(share: float) -> str:
    """Return the name of a subnet with this share of the full net's MACs: `25%`."""
    return f"{100 * share:.4g}%"


def full_subnet(graph: Graph) -> SubnetSpec:
    """Return the full net as its own only subnet."""
    return SubnetSpec(subnet_name(1.0), Budget(1.0), graph.full)
