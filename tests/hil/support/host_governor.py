"""The governor's library on this machine, with stated times, for replays without a board."""

import ctypes
from collections.abc import Sequence

import numpy as np

from hil.boards.governing import Cost, Resources, Rules
from hil.boards.governor import Decision
from hil.protocol.definition import Policy
from tests.targets.support import governor as library

HZ = 64_000_000
"""Ticks a second of the stated times."""
OVERHEAD = 400
"""Ticks of choosing in each decision."""
_POLICIES = {
    Policy.FIXED: "reds_fixed",
    Policy.DEADLINE: "reds_deadline",
    Policy.ENERGY_NEUTRAL: "reds_energy_neutral",
    Policy.DEADLINE_AND_ENERGY: "reds_deadline_and_energy",
}


class HostGovernor:
    """A governor whose inferences take exactly their costs."""

    def __init__(self, loaded: ctypes.CDLL, rules: Rules, costs: Sequence[Cost]) -> None:
        told = {name: getattr(rules, name) for name in Rules.__dataclass_fields__ if name != "policy"}
        table = [(cost.us, cost.nj) for cost in costs]
        self._governed = library.Governed(loaded, table, _POLICIES[rules.policy], told)
        assert self._governed.problem is None, self._governed.problem
        self._costs = costs

    def decide(self, now: Resources, row: int) -> Decision:
        """Return what the library chooses; the answer is the class of the subnet's number."""
        told = (now.stored_nj, now.income_uw, now.deadline_us, now.load_percent, now.celsius)
        subnet = self._governed.choose(library.resources(*told))
        if subnet == library.WAIT:
            return Decision(None, OVERHEAD, 0, 0, 0, None, HZ)
        self._governed.ran(-(-self._costs[subnet].us * 100 // (100 - now.load_percent)))
        ticks = self._costs[subnet].us * HZ // 1_000_000
        return Decision(subnet, OVERHEAD, 0, ticks, 0, np.eye(4, dtype=np.int8)[subnet], HZ)
