"""Choose the pairs of subnets whose switches are tested: all pairs, or a sample if there are many."""

import random
from collections.abc import Iterator

Pair = tuple[int, int]
"""Indices of the subnets before and after a switch."""
_ALL_UP_TO = 8
"""Largest number of subnets of which all ordered pairs are tested."""
_SAMPLED = 2
"""Subnets besides the smallest and the largest from which each subnet of a larger pack is switched to."""
_SEED = 0


def pairs_into(target: int, subnets: int) -> tuple[Pair, ...]:
    """Return the tested switches to a subnet, those from smaller subnets first; the same in every run.

    Args:
        target: Index of the subnet after the switch.
        subnets: Number of subnets of the pack.
    """
    others = [s for s in range(subnets) if s != target]
    if subnets > _ALL_UP_TO:
        smallest, *rest, largest = others
        drawn = random.Random(f"{_SEED} {target}").sample(rest, _SAMPLED)
        others = [smallest, *sorted(drawn), largest]
    return tuple((source, target) for source in others)


def groups_of_pairs(subnets: int) -> Iterator[tuple[Pair, ...]]:
    """Yield the pairs of each switch test: one ordered pair, or the sample of pairs into one subnet."""
    if subnets > _ALL_UP_TO:
        yield from (pairs_into(target, subnets) for target in range(subnets))
    else:
        ordered = sorted(pair for target in range(subnets) for pair in pairs_into(target, subnets))
        yield from ((pair,) for pair in ordered)


def sampled(subnets: int) -> str:
    """Describe the sample for the header of a run; empty if all pairs are tested."""
    if subnets <= _ALL_UP_TO:
        return ""
    sources = f"the smallest, the largest and {_SAMPLED} others drawn with seed {_SEED}"
    return f"switches to each of {subnets} subnets from {sources}, not all {subnets * (subnets - 1):,} pairs"
