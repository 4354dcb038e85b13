"""Test that a governor, which chooses on the board itself, does well in the replay of a trace."""

from hil.replay.bench import Replay
from hil.replay.verdict import OVERHEAD, avoidable_limit, summary, too_short
from hil.results.measurement import STEPS
from hil.suite.fixtures import Hold, Note, Record


def test_replay_regret(
    replayed: Replay, record_measurement: Record, hold: Hold, note: Note, regret_limit: float
) -> None:
    for policy, score in replayed.scores.items():
        name = replayed.label(policy)
        record_measurement(name, "replay_in_time", "jobs", score.met)
        record_measurement(name, "replay_regret", "fraction", score.regret)
        if score.right is not None and score.right_per_joule is not None:  # the examples have labels
            record_measurement(name, "replay_right", "jobs", score.right)
            record_measurement(name, "replay_right_per_joule", "1/J", score.right_per_joule)
        record_measurement(name, "replay_brown_outs", "brown-outs", score.brown_outs)
        record_measurement(name, "replay_switches", "switches", score.switches)
        record_measurement(name, "replay_overhead", "fraction", score.of_inference)
    name, limit, regret = replayed.label(replayed.tested), regret_limit, replayed.score.regret
    record_measurement(name, "replay_period", "us", replayed.scenario.supply.period_us)
    for (metric, unit), samples in zip(STEPS.items(), replayed.columns(), strict=True):
        record_measurement(name, metric, unit, sum(samples) / len(samples), samples)
    note("replay", summary(replayed))
    kept = hold(name, "replay_regret", "fraction", limit, regret <= limit)
    assert kept, f"{name}: it misses {regret:.1%} of the optimum; the limit is {limit:.1%} (--regret)"


def test_replay_misses_no_deadline_that_a_smaller_subnet_meets(replayed: Replay) -> None:
    score, limit = replayed.score, avoidable_limit(replayed)
    late = f"{score.avoidable_misses:,} of {score.jobs:,} answers are late where a smaller subnet is in time"
    assert score.avoidable_misses <= limit, f"{replayed.label(replayed.tested)}: {late}; the limit is {limit}"


def test_replay_has_no_brown_out_that_a_smaller_subnet_avoids(replayed: Replay) -> None:
    score, limit = replayed.score, avoidable_limit(replayed)
    lost = (
        f"a smaller subnet, or none, avoids {score.avoidable_brown_outs:,} of {score.brown_outs:,} brown-outs"
    )
    assert score.avoidable_brown_outs <= limit, f"{replayed.label(replayed.tested)}: {lost}"


def test_replay_decides_in_a_thousandth_of_the_time(replayed: Replay, hold: Hold, note: Note) -> None:
    score, name = replayed.score, replayed.label(replayed.tested)
    assert score.of_time <= OVERHEAD, f"{name}: deciding takes {score.of_time:.3%} of the whole time"
    if short := too_short(replayed):
        note("replay", f"{replayed.board.name}: {short}")
        return
    kept = hold(name, "replay_overhead", "fraction", OVERHEAD, score.of_inference <= OVERHEAD)
    assert kept, (
        f"{name}: deciding takes {score.of_inference:.3%} of its inferences; {OVERHEAD:.1%} is allowed"
    )
