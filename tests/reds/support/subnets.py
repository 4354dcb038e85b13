"""Subnets given by their widths alone."""

from reds.graph import Widths
from reds.graph.subnets import Budget, SubnetSpec


def specs(*widths: Widths) -> tuple[SubnetSpec, ...]:
    """Subnets of these widths, smallest first, named by their place; no budget led to them."""
    return tuple(SubnetSpec(f"{i} of {len(widths)}", Budget(), each) for i, each in enumerate(widths, 1))
