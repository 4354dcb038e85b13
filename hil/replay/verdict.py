"""Judge the policy of a replay that a test is about."""

from hil.boards.facts import Provenance
from hil.replay.bench import Replay
from reds.text import percent

OVERHEAD = 0.001
"""Largest share of the time that choosing, selecting and learning may take."""
_DISTURBED = 0.01
"""Share of the jobs that other programs of a real board may make late."""


def avoidable_limit(replay: Replay) -> int:
    """Return how many avoidable misses or brown-outs are allowed: none where times repeat exactly."""
    exact = replay.board.provenance is Provenance.EMULATED
    return 0 if exact else int(replay.score.jobs * _DISTURBED)


def too_short(replay: Replay) -> str:
    """Return why no governor can keep `OVERHEAD` of the inferences with a pack, empty if one can."""
    ran = [step for step in replay.steps[replay.tested] if step.subnet is not None]
    if not ran or not replay.score.of_inference > OVERHEAD:
        return ""
    least = min(step.overhead for step in ran)
    smallest = min(step.inference for step in ran)
    if least <= OVERHEAD * smallest:
        return ""
    takes = f"its shortest job takes {smallest:,} {replay.clock.name}, and a decision {least:,}"
    return f"{replay.pack.model.name} is too small for {percent(OVERHEAD)} of its inferences: {takes}"


def summary(replay: Replay) -> str:
    """Return the scores of the tested policy in a line, with the regret of the others."""
    score, name = replay.score, replay.tested
    others = ", ".join(f"{other} {percent(s.regret)}" for other, s in replay.scores.items() if other != name)
    overhead = f"deciding takes {percent(score.of_time, '.3%')} of the time"
    right = "" if score.right is None else f"{score.right:,} right, "
    found = f"{score.met:,} of {score.jobs:,} jobs in time, {right}regret {percent(score.regret)}"
    events = f"{score.brown_outs:,} brown-outs, {score.switches:,} switches"
    where = f"{replay.board.name}: {replay.label(name)}"
    inference = f"{percent(score.of_inference, '.3%')} of the inferences"
    return f"{where}: {found} ({others}), {events}, {overhead}, {inference}"
