"""Replays: the governor's library on this machine, then real decisions and inferences of an emulated Nano."""

import ctypes
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hil.boards.facts import BoardFacts, Provenance
from hil.boards.governing import MAINS, Cost
from hil.cli import main
from hil.errors import TraceError
from hil.replay.bench import stated_power
from hil.replay.policy import check_policy, every_policy, rules
from hil.replay.run import Outcome, Step, replay
from hil.replay.scenario import Scenario, read_scenario, scenario
from hil.replay.score import Score, Values, best_worth, score, values_of
from hil.replay.source import source
from hil.results.measurement import STEPS
from reds.fixtures import fixtures_dir
from reds.pack.pack import load_pack
from tests.hil.support.host_governor import HZ, OVERHEAD, HostGovernor
from tests.hil.support.suite_run import Run, failed_tests, outcomes, read
from tests.support.tools import missing
from tests.targets.support.governor import build

SUBNETS = ("25%", "50%", "75%", "100%")
COSTS = tuple(Cost(us, us * 10) for us in (580, 940, 1300, 1700))
VALUES = Values((1480, 1540, 1570, 1585), 1859)
TRACES = ("markov:seed=1", "solar:seed=1", "bursts:seed=1", "load:seed=1", "markov:seed=3,on=30,duty=0.5")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    if reason := missing("cc"):
        pytest.fail(reason)
    return build(tmp_path_factory.mktemp("governor"))


def setting(trace: str, numbers: str = "") -> Scenario:
    return scenario(source(trace), read_scenario(numbers), COSTS)


def steps_of(
    library: ctypes.CDLL, there: Scenario, policy: str, truth: tuple[int, ...] = ()
) -> tuple[Step, ...]:
    governor = HostGovernor(library, rules(policy, SUBNETS, there), COSTS)
    return replay(there, governor, COSTS, np.array(truth, np.uint8))


def scored(library: ctypes.CDLL, there: Scenario, *policies: str) -> list[Score]:
    best = best_worth(there, VALUES, COSTS)
    return [score(there, steps_of(library, there, policy), VALUES, best, HZ) for policy in policies]


@pytest.mark.parametrize("trace", TRACES)
def test_governor_avoids_what_can_be_avoided_and_comes_near_to_the_optimum(
    library: ctypes.CDLL, trace: str
) -> None:
    there = setting(trace)
    others = scored(library, there, *every_policy(SUBNETS))
    both = others[-1]
    assert 0 <= both.regret <= 0.1
    assert both.avoidable_misses == both.avoidable_brown_outs == 0
    assert all(other.regret >= 0 for other in others), "nothing is better than the optimum"
    assert both.regret <= min(other.regret for other in others) + 0.03


@pytest.mark.parametrize("policy", ["fixed:25%", "fixed:100%", "both"])
def test_energy_of_a_replay_balances(library: ctypes.CDLL, policy: str) -> None:
    there = setting("markov:seed=2", "farads=0.0001")
    steps = steps_of(library, there, policy)
    assert [step.job for step in steps] == list(range(there.supply.jobs))
    used, spilled = (sum(getattr(step, name) for step in steps) for name in ("used_pj", "spilled_pj"))
    left = there.start_pj + sum(there.supply.income) - used - spilled
    assert 0 <= left <= there.supply.full_pj
    offered = there.trace.energy_pj(there.supply.jobs * there.supply.period_us)
    assert sum(there.supply.income) + there.lost_pj == offered


def test_a_large_subnet_alone_browns_out_where_a_smaller_one_would_not(library: ctypes.CDLL) -> None:
    (large,) = scored(library, setting("markov:seed=1"), "fixed:100%")
    assert large.avoidable_brown_outs > 0
    assert large.missed["lost"] > 0
    assert large.missed["off"] > 0


def test_a_large_subnet_alone_is_late_beside_other_work(library: ctypes.CDLL) -> None:
    there = setting("load:seed=1,percent=60")
    (large,) = scored(library, there, "fixed:100%")
    loaded = int((there.trace.load_percent[:-1] > 0).sum())
    assert large.avoidable_misses == large.missed["late"] == loaded
    assert large.brown_outs == 0


@pytest.mark.parametrize(
    ("deadline", "farads", "miss", "brown_out"),
    [("1", "0.00005", True, True), ("0.1", "0.00005", False, True), ("1", "0.00004", True, False)],
)
def test_a_late_answer_and_the_brown_out_after_it_are_judged_apart(
    library: ctypes.CDLL, deadline: str, farads: str, miss: bool, brown_out: bool
) -> None:
    """At night: 40 uJ pay for the standby of a period, 34 uJ, and for 25%; 32 uJ do not."""
    numbers = f"period_ms=34,standby_uw=1000,deadline_ms={deadline},farads={farads}"
    there = setting("solar:seed=1", numbers)
    steps = steps_of(library, there, "fixed:100%")
    assert (steps[0].outcome, steps[0].browned) == (Outcome.LATE, True)
    assert (steps[0].avoidable_miss, steps[0].avoidable_brown_out) == (miss, brown_out)
    found = score(there, steps[:1], VALUES, 0, HZ)
    assert (found.avoidable_misses, found.avoidable_brown_outs) == (miss, brown_out)


def test_a_year_has_jobs_an_hour_apart_which_a_governor_can_count(library: ctypes.CDLL) -> None:
    there = setting("solar:seconds=31536000,days=365,rows=1000,mw=1")
    assert (there.supply.jobs, there.supply.period_us) == (8760, 3_600_000_000)
    assert rules("both", SUBNETS, there).period_us == there.supply.period_us


def test_a_job_that_arrives_while_another_runs_is_missed(library: ctypes.CDLL) -> None:
    steps = steps_of(library, setting("load:duty=0.001", "period_ms=1,deadline_ms=10"), "fixed:100%")
    assert [step.outcome for step in steps[:4]] == [Outcome.MET, Outcome.BUSY, Outcome.MET, Outcome.BUSY]


def test_right_answers_are_those_of_the_labels_in_time(library: ctypes.CDLL) -> None:
    steps = steps_of(library, setting("load:duty=0.001"), "fixed:50%", truth=(1, 2, 1))
    assert [step.right for step in steps[:6]] == [True, False, True] * 2


def test_right_answers_without_labels_are_unknown_not_none(library: ctypes.CDLL) -> None:
    pack = load_pack(fixtures_dir() / "kws-dnn-s.reds")
    assert values_of(pack, 0) == Values((1,) * 4, 1, labeled=False)
    assert values_of(pack, 1859).labeled
    there = setting("markov:seed=1")
    found = score(there, steps_of(library, there, "both"), values_of(pack, 0), 300, HZ)
    assert (found.right, found.right_per_joule, found.met > 0) == (None, None, True)


def test_overhead_counts_for_the_time_and_the_energy_of_a_job(library: ctypes.CDLL) -> None:
    there = setting("load:duty=0.001")
    (step, *_) = steps_of(library, there, "fixed:25%")
    assert step.us == 580 + -(-OVERHEAD * 1_000_000 // HZ)
    assert step.used_pj == step.us * there.power_uw


def test_device_knows_the_income_of_the_last_period_less_its_standby() -> None:
    there = setting("markov:seed=1,mw=1,rows=300", "standby_uw=30,efficiency_percent=50,period_ms=34")
    for job in (0, 1, 57):
        now = there.resources(job, 123_456_789)
        income = there.supply.income[max(0, job - 1)] // there.supply.period_us
        assert (now.stored_nj, now.income_uw) == (123_456, max(0, income - 30))
    assert setting("load:seed=1").resources(0, 5).stored_nj == MAINS


def test_power_is_that_of_the_costs_on_the_card(tmp_path: Path) -> None:
    for name in ("kws-dnn-s.reds", "kws-dnn-s.json"):
        shutil.copy(fixtures_dir() / name, tmp_path)
    path, card = tmp_path / "kws-dnn-s.reds", tmp_path / "kws-dnn-s.json"
    facts = BoardFacts("left", "nano33ble", Provenance.HARDWARE, "nano33ble", "1", ())
    assert stated_power(load_pack(path), facts) == {}
    subnets = [{"label": name, "us": 100.0 * n, "nj": 1200.0 * n} for n, name in enumerate(SUBNETS, 1)]
    costs = {
        "left (hardware)": {"target": "nano33ble", "provenance": "hardware", "run": "", "subnets": subnets}
    }
    card.write_text(json.dumps({**json.loads(card.read_text()), "costs": costs}))
    assert stated_power(load_pack(path), facts) == {"power_mw": 12}
    assert stated_power(load_pack(path), replace(facts, provenance=Provenance.EMULATED)) == {}


def test_scenario_says_capacitor_and_jobs() -> None:
    there = setting(
        "markov:seed=1,seconds=2", "farads=0.001,volts_full=3,volts_on=2,volts_off=1,period_ms=50"
    )
    assert there.supply.full_pj == 4 * 10**9
    assert there.supply.on_pj == 1_500_000_000
    assert there.supply.jobs == 40


@pytest.mark.parametrize(
    "numbers",
    [
        "farad=1",
        "farads=0",
        "farads=nan",
        "volts_off=3",
        "volts_on=5",
        "power_mw=-1",
        "period_ms",
        "runs=1.5",
    ],
)
def test_numbers_of_no_device_are_refused(numbers: str) -> None:
    with pytest.raises(TraceError):
        read_scenario(numbers)


@pytest.mark.parametrize(
    ("trace", "numbers"),
    [
        ("markov:seconds=0.001", "period_ms=100"),
        ("markov:seconds=31536000", "period_ms=1"),
        ("markov:seed=1", "farads=10000,volts_full=1000"),
    ],
)
def test_traces_of_no_job_or_too_many_are_refused(trace: str, numbers: str) -> None:
    with pytest.raises(TraceError):
        setting(trace, numbers)


def test_unknown_policy_is_refused() -> None:
    assert check_policy("fixed:50%", SUBNETS) == "fixed:50%"
    for name in ("greedy", "fixed:60%", "fixed", ""):
        with pytest.raises(TraceError):
            check_policy(name, SUBNETS)


def test_the_optimum_knows_how_other_work_stretches_an_inference() -> None:
    there = setting("load:seed=1,percent=99")
    loaded = int((there.trace.load_percent[:-1] > 0).sum())
    assert best_worth(there, VALUES, COSTS) == (there.supply.jobs - loaded) * VALUES.right[-1]
    mains = replace(there, deadline_us=1)
    assert best_worth(mains, VALUES, COSTS) == 0


@pytest.mark.qemu("qemu-system-arm")
def test_two_replays_on_an_emulated_nano_are_byte_identical(tmp_path: Path) -> None:
    told = []
    for name in ("one", "two"):
        words = ["replay", "--trace", "solar:seed=1,rows=30", "--emulate", "--policy", "fixed:100%"]
        words += [
            "--scenario",
            "farads=0.00003",
            "--policy",
            "both",
            "--out",
            f"{tmp_path / name}.json",
            "--plot",
            f"{tmp_path / name}.svg",
        ]
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, done.output
        told.append(done.stdout)
    assert told[0] == told[1]
    for suffix in ("json", "svg"):
        assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()
    kept = json.loads((tmp_path / "one.json").read_bytes())
    assert kept["board"]["provenance"] == "emulated"
    steps = kept["policies"]["both"]["steps"]
    ran = [subnet for subnet in steps["subnet"] if subnet is not None]
    assert len(steps["job"]) == 30
    assert len(set(ran)) > 1, "the governor switched"
    costs = [cost["us"] * 64 for cost in kept["costs"]]
    for subnet, ticks in zip(steps["subnet"], steps["inference"], strict=True):
        assert subnet is None or ticks == pytest.approx(costs[subnet], rel=0.01)


@pytest.mark.qemu("qemu-system-arm")
def test_bench_with_a_trace_judges_the_governor_and_keeps_its_course(hil: Run, tmp_path: Path) -> None:
    words = ("--target=nano33ble", "--emulate", "--hil-trace=markov:seed=1,rows=60", "-k", "replay")
    kept = tmp_path / "kept.jsonl"
    done = hil(*words, "--results", kept)
    assert outcomes(done.stdout) == {"passed": 4, "deselected": outcomes(done.stdout)["deselected"]}
    assert re.search(
        r"^replay: nano33ble: both, markov:seed=1,rows=60: \d+ of 60 jobs in time", done.stdout, re.M
    )
    rows = {(m["subnet"], m["metric"]): m for m in read(kept)}
    for metric in STEPS:
        assert len(rows["both, markov:seed=1,rows=60", metric]["samples"]) == 60
    assert rows["fixed:100%, markov:seed=1,rows=60", "replay_regret"]["value"] > 0.1
    shown = ["report", "--results", str(kept), "--out", str(tmp_path / "page")]
    report = CliRunner().invoke(main, shown, env={"HIL_STORE": str(tmp_path / "runs.sqlite")})
    assert report.exit_code == 0, report.output
    assert "both on markov:seed=1,rows=60" in (tmp_path / "page" / "index.html").read_text()
    bad = hil(*words, "--policy=deadline")
    assert failed_tests(bad.stdout) == {
        "test_replay_regret",
        "test_replay_has_no_brown_out_that_a_smaller_subnet_avoids",
    }
