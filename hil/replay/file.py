"""Write a replay as JSON: the same replay gives the same bytes."""

import json
from dataclasses import asdict
from typing import Any

from hil.replay.bench import Replay
from hil.replay.run import Step

_COLUMNS = tuple(Step.__dataclass_fields__)


def dumps(replay: Replay) -> bytes:
    """Return a replay as JSON text.

    It has the settings, the costs, and of each policy its score and a column for each field of its steps, but
    no time of day and no serial number, which would differ.
    """
    there, board = replay.scenario, replay.board
    supply = there.supply
    plain = {
        "board": {
            "name": board.name,
            "target": board.target,
            "provenance": str(board.provenance),
            "build": board.build,
            "clock": {"name": replay.clock.name, "hz": replay.hz},
        },
        "pack": {"name": replay.pack.model.name, "sha256": replay.pack.sha256},
        "trace": {"name": there.trace.name, "us": there.trace.length_us, "jobs": supply.jobs},
        "scenario": {
            "period_us": supply.period_us,
            "runs": replay.runs,
            "deadline_us": there.deadline_us,
            "power_uw": there.power_uw,
            "standby_uw": supply.standby_uw,
            "full_pj": supply.full_pj,
            "on_pj": supply.on_pj,
            "mains": supply.mains,
            "income_pj": list(supply.income),
            "lost_pj": there.lost_pj,
        },
        "costs": [
            {"subnet": name, "us": cost.us, "nj": cost.nj, "right": right, "of": replay.values.examples}
            for name, cost, right in zip(replay.subnets, replay.costs, replay.values.right, strict=True)
        ],
        "optimum": replay.optimum,
        "policies": {
            name: {"score": asdict(replay.scores[name]), "steps": _columns(steps)}
            for name, steps in replay.steps.items()
        },
    }
    return (json.dumps(plain) + "\n").encode()


def _columns(steps: tuple[Step, ...]) -> dict[str, list[Any]]:
    return {column: [getattr(step, column) for step in steps] for column in _COLUMNS}
