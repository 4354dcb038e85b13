"""Compare the int8 answers of a subnet with its float answers, test example by test example.

Both answer the same examples, so only those count that one answers right and the other wrong. Of these there
are few, and the interval of the difference is far smaller than that of either accuracy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Z = 1.959964
"""Standard deviations on each side of a 95 % interval."""
SMALL = 0.005
"""Largest loss of accuracy to int8 that is not worth a sentence, a fraction."""


@dataclass(frozen=True)
class Int8Gap:
    """Count the test examples that a subnet answers differently in int8 and in float."""

    subnet: str
    examples: int
    float_right: int
    """Examples that the float net answers right."""
    lost: int
    """Examples that only the float net answers right."""
    gained: int
    """Examples that only int8 answers right."""

    @property
    def difference(self) -> float:
        """Return the accuracy in int8 less that in float, a fraction."""
        return (self.gained - self.lost) / self.examples

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval of the difference.

        It is the adjusted Wald interval of paired proportions (Bonett and Price, Journal of Educational and
        Behavioral Statistics 37, 2012), which also holds where no answer differs.
        """
        n = self.examples + 2
        gained, lost = (self.gained + 1) / n, (self.lost + 1) / n
        center = gained - lost
        reach = Z * sqrt((gained + lost - center**2) / n)
        return center - reach, center + reach


def int8_gap(subnet: str, in_int8: NDArray[np.bool_], in_float: NDArray[np.bool_]) -> Int8Gap:
    """Count the answers of one subnet.

    Args:
        subnet: Its name.
        in_int8: Whether int8 answers each test example right, bool [N].
        in_float: The same for the float net.
    """
    lost, gained = int((in_float & ~in_int8).sum()), int((in_int8 & ~in_float).sum())
    return Int8Gap(subnet, len(in_int8), int(in_float.sum()), lost, gained)


def gap_notes(gaps: Sequence[Int8Gap]) -> tuple[str, ...]:
    """Return a sentence on each subnet that loses more accuracy to int8 than is small or may be chance."""
    notes = []
    for gap in gaps:
        low, high = gap.interval
        if gap.difference < -SMALL and high < 0:
            notes.append(
                f"subnet {gap.subnet} loses {-100 * gap.difference:.1f} points of accuracy to int8 on"
                f" {gap.examples:,} test examples (95 % interval {-100 * high:.1f} to {-100 * low:.1f}):"
                " train longer, or with more last epochs that round as int8 does"
            )
    return tuple(notes)
