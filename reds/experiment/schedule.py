"""List the phases of a training before it runs, so that its time can be estimated."""

from collections.abc import Sequence

from reds.experiment.method import Method
from reds.training.time_left import Phase

FIXED = 0.15
"""Share of a minibatch's time that does not shrink with the subnet's MACs."""
ROUNDED = 1.4
"""Time of an epoch with int8 rounding, in epochs of joint training."""


def nested_phases(method: Method) -> list[Phase]:
    """Return the phases of training all subnets in one weight set."""
    return _phases(method, "full net", 1.0, [budget.share or 1.0 for budget in method.budgets])


def alone_phases(method: Method, name: str, share: float) -> list[Phase]:
    """Return the phases of training one subnet, which has a share of the full net's MACs, as a net."""
    return _phases(method, f"{name} alone", share, [share])


def _phases(method: Method, title: str, share: float, shares: Sequence[float]) -> list[Phase]:
    between = shares[1:-1]
    passes = [shares[-1], *shares[:1][: len(shares) - 1], *([sum(between) / len(between)] if between else [])]
    together = sum(map(_work, passes))
    phases = [Phase("together", method.joint.epochs, together)]
    if method.full:
        phases.insert(0, Phase(title, method.full.epochs, _work(share)))
    if method.rounding:
        phases.append(Phase("rounded", method.rounding.epochs, ROUNDED * together))
    return phases


def _work(share: float) -> float:
    """Return the work of one pass through a subnet with a share of the MACs, in passes of the full net."""
    return FIXED + (1 - FIXED) * share
