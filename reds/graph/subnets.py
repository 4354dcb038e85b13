"""Describe a nested subnet of a graph: its name, its budget and the units that it keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from string import ascii_lowercase

from reds.graph import Graph, Widths
from reds.pack.validate import SUBNET_NAME_BYTES


@dataclass(frozen=True)
class Budget:
    """The most that one subnet may cost, and its name; None means unlimited."""

    macs: float | None = None
    """Multiply-accumulates: up to 1 a fraction of the full network's, above 1 their number."""
    flash: int | None = None
    """Bytes of its weights and tables."""
    arena: int | None = None
    """Bytes of working memory."""
    latency: float | None = None
    """Microseconds, by the times measured on the device; instructions if the device counts only these."""
    energy: float | None = None
    """Microjoules of an inference, by its cycles and the device's energy of a cycle."""
    name: str | None = None
    """Name of the subnet, 1 to 7 bytes; by default its share of the MACs in percent, as `25%`."""

    @property
    def share(self) -> float | None:
        """Return the fraction of the full network's MACs; None if they are not limited by one."""
        return self.macs if self.macs is not None and self.macs <= 1 else None

    @property
    def known_name(self) -> str | None:
        """Return the name that the subnet has before it is selected; None if selection gives it one."""
        if self.name is None and self.share is not None:
            return subnet_name(self.share)
        return self.name


@dataclass(frozen=True)
class SubnetSpec:
    """One nested subnet: the record that travels from selection to the pack."""

    name: str
    """At most 7 bytes; by default the share of the MACs in percent, as `25%`."""
    budget: Budget
    widths: Widths
    """Units kept in each unit group of the graph."""


def subnet_name(share: float, suffix: str = "") -> str:
    """Return the name of a subnet by its fraction of the full network's MACs, as `25%`.

    Args:
        share: The fraction. It is rounded to 4 digits, or to fewer if the name would be too long for a pack.
        suffix: Follows the percentage.
    """
    rounded = (f"{100 * share:{digits}}%{suffix}" for digits in (".4g", ".3g", ".2g", ".1g", ".0f"))
    return next(name for name in rounded if len(name) <= SUBNET_NAME_BYTES)


def subnet_names(budgets: Sequence[Budget], shares: Sequence[float]) -> list[str]:
    """Return the name of each subnet: its own, or that of its share, with letters if another has it.

    Args:
        budgets: The budgets of the subnets.
        shares: The fraction of the full network's MACs that each subnet takes.
    """
    names = [budget.known_name for budget in budgets]
    suffixes = ["", *ascii_lowercase, *map("".join, product(ascii_lowercase, repeat=2))]
    for i, share in enumerate(shares):
        if names[i] is None:
            possible = (subnet_name(share, suffix) for suffix in suffixes)
            names[i] = next(name for name in possible if name not in names)
    return [str(name) for name in names]


def full_subnet(graph: Graph) -> SubnetSpec:
    """Return the full network as the only subnet."""
    return SubnetSpec(subnet_name(1.0), Budget(1.0), graph.full)
