"""Describe a nested subnet of a graph: its name, its budget and the units that it keeps."""

from dataclasses import dataclass

from reds.graph import Graph, Widths


@dataclass(frozen=True)
class Budget:
    """The most that one subnet may cost; None means unlimited."""

    macs: float | None = None
    """Multiply-accumulates as a fraction of the full network's."""
    flash: int | None = None
    """Bytes of its weights and tables."""
    arena: int | None = None
    """Bytes of working memory."""
    latency: float | None = None
    """Microseconds, by the times measured on the device."""


@dataclass(frozen=True)
class SubnetSpec:
    """One nested subnet: the record that travels from selection to the pack."""

    name: str
    """At most 7 bytes; by default the MACs budget in percent, as `25%`."""
    budget: Budget
    widths: Widths
    """Units kept in each unit group of the graph."""


def subnet_name(share: float) -> str:
    """Return the name of a subnet by its fraction of the full network's MACs, as `25%`."""
    return f"{100 * share:.4g}%"


def full_subnet(graph: Graph) -> SubnetSpec:
    """Return the full network as the only subnet."""
    return SubnetSpec(subnet_name(1.0), Budget(1.0), graph.full)
