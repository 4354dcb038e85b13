"""A governor on a board: it decides as the library does, runs what it chose, and every step is timed."""

import ctypes
import json
import math
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.governing import NO_DEADLINE, Cost, Resources, Rules
from hil.boards.governor import Decision, Governor, Job
from hil.boards.registry import target
from hil.cli import main
from hil.errors import GovernorRefused, InputsRefused, ProtocolError, SetupError
from hil.firmware import build
from hil.kernels import baseline
from hil.kernels.governor import SHARE, measure
from hil.protocol.definition import Policy
from reds import pack
from reds.fixtures import fixtures_dir
from reds.pack import interpreter
from reds.pack.model import Model
from tests.hil.support.raising import raises
from tests.support.nets import dense_model, inputs
from tests.support.pages import DOCS, block
from tests.targets.support.governor import POLICIES, WAIT, Governed, resources
from tests.targets.support.governor import build as build_library

COUNTS = baseline.load(baseline.path()).counts
COSTS = [Cost(1000, 10_000), Cost(3000, 30_000)]
ENERGY = {"period_us": 1000, "horizon_us": 100_000, "target_nj": 50_000, "reserve_nj": 1_000}
RULES = [
    Rules(each, 1, margin_percent=10, patience=1, hot_celsius=80, **ENERGY) for each in Policy if each < 4
]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return build_library(tmp_path_factory.mktemp("governor"))


@pytest.fixture(scope="module")
def nano() -> Iterator[Board]:
    with target("nano33ble").start(Entry("nano", "nano33ble"), Provenance.EMULATED) as board:
        yield board


@pytest.fixture
def governor(desktop: Board, small: Model) -> Governor:
    desktop.deploy(small)
    return govern(desktop, small, RULES[1])


def govern(board: Board, model: Model, rules: Rules, clock: int = 0, hz: int | None = None) -> Governor:
    return board.govern(rules, COSTS, board.facts().clocks[clock], Job(inputs(model, 7)), hz)


def days(count: int) -> list[Resources]:
    """Return resources of all kinds, drawn with a fixed seed, each four times in a row."""
    draw = np.random.default_rng(0)
    drawn = [
        Resources(
            int(draw.integers(0, 120_000)),
            int(draw.integers(0, 120_000)),
            int(draw.choice([0, 900, 1200, 4000, NO_DEADLINE])),
            int(draw.integers(0, 20)),
            int(draw.choice([20, 20, 79, 80])),
        )
        for _ in range(count)
    ]
    return [each for each in drawn for _ in range(4)]


def assert_decides_as(library: ctypes.CDLL, board: Board, model: Model, rules: Rules, clock: int) -> None:
    """The board's governor decides as the library's, which is told what the board's jobs took."""
    limits = {
        name: getattr(rules, name) for name in ("fixed", "margin_percent", "patience", "hot_celsius", *ENERGY)
    }
    here = Governed(library, [(each.us, each.nj) for each in COSTS], POLICIES[rules.policy], limits)
    there, x = govern(board, model, rules, clock), inputs(model, 7)
    outputs = [interpreter.run(model, subnet, x) for subnet in range(2)]
    seen = set()
    for row, now in enumerate(days(30)):
        taken = there.decide(now, row)
        expected = here.choose(
            resources(now.stored_nj, now.income_uw, now.deadline_us, now.load_percent, now.celsius)
        )
        assert taken.subnet == (None if expected == WAIT else expected)
        seen.add(taken.subnet)
        if taken.subnet is None:
            assert (taken.select, taken.inference, taken.learn, taken.output) == (0, 0, 0, None)
        else:
            assert np.array_equal(_output(taken), outputs[taken.subnet][row % 7])
            here.ran(math.ceil(taken.microseconds(taken.inference)))
    assert seen == ({0, 1} if rules.policy == Policy.FIXED else {0, 1, None})


def _output(taken: Decision) -> NDArray[np.int8]:
    assert taken.output is not None
    return taken.output


@pytest.mark.parametrize("rules", RULES, ids=[rules.policy.name for rules in RULES])
def test_governor_of_the_desktop_decides_as_the_library(
    desktop: Board, small: Model, library: ctypes.CDLL, rules: Rules
) -> None:
    desktop.deploy(small)
    assert_decides_as(library, desktop, small, rules, 0)


@pytest.mark.cross("arm-none-eabi-gcc")
@pytest.mark.qemu("qemu-system-arm")
def test_governor_of_the_nano_decides_as_the_library(nano: Board, small: Model, library: ctypes.CDLL) -> None:
    nano.deploy(small)
    assert_decides_as(library, nano, small, RULES[3], 1)


@pytest.mark.cross("arm-none-eabi-gcc")
@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.parametrize("clock", ["instructions", "cycles"])
def test_decisions_of_the_emulated_nano_repeat_to_the_tick(nano: Board, small: Model, clock: str) -> None:
    nano.deploy(small)
    counted = clock == "instructions"

    def replay() -> list[Decision]:
        there = govern(nano, small, RULES[3], 0 if counted else 1, 64_000_000 if counted else None)
        return [there.decide(now, row) for row, now in enumerate(days(5))]

    first, second = replay(), replay()
    assert [each.subnet for each in first] == [each.subnet for each in second]
    for name in ("choose", "select", "inference", "learn"):
        assert [getattr(each, name) for each in first] == [getattr(each, name) for each in second]


@pytest.mark.cross("arm-none-eabi-gcc")
@pytest.mark.qemu("qemu-system-arm")
def test_job_of_one_inference_takes_what_a_measurement_takes(nano: Board, small: Model) -> None:
    nano.deploy(small)
    cycles, x = nano.facts().clocks[1], inputs(small, 7)
    one = nano.measure(1, 7, cycles, x).ticks
    largest = Rules(Policy.FIXED, fixed=1)
    jobs = nano.govern(largest, COSTS, cycles, Job(x))
    assert tuple(jobs.decide(Resources(), row).inference for row in range(7)) == one
    three = nano.govern(largest, COSTS, cycles, Job(x, runs=3)).decide(Resources(), 0)
    assert 3 * one[0] < three.inference < 4 * one[0]


def test_clock_that_counts_events_needs_a_rate(nano: Board, desktop: Board, small: Model) -> None:
    for board, hz in ((nano, None), (nano, 0), (desktop, 64_000_000)):
        board.deploy(small)
        with raises(SetupError, board=board.name):
            govern(board, small, RULES[0], 0, hz)


@pytest.mark.parametrize(
    ("rules", "costs"),
    [
        (Rules(Policy.FIXED, fixed=2), COSTS),
        (Rules(Policy.ENERGY_NEUTRAL), COSTS),
        (Rules(Policy.DEADLINE), COSTS[:1]),
        (Rules(Policy.DEADLINE), COSTS[::-1]),
        (Rules(Policy.OWN), COSTS),
    ],
    ids=["no such subnet", "no period", "a cost is missing", "largest first", "no policy of one's own"],
)
def test_rules_that_make_no_sense_are_refused_and_end_the_governor_before(
    desktop: Board, small: Model, governor: Governor, rules: Rules, costs: list[Cost]
) -> None:
    governor.decide(Resources(), 0)
    with raises(GovernorRefused, board=desktop.name):
        desktop.govern(rules, costs, desktop.facts().clocks[0], Job(inputs(small, 7)))
    if len(costs) == 2:
        with raises(ProtocolError):
            governor.decide(Resources(), 0)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Cost, {"us": 0}),
        (Cost, {"us": 2**32}),
        (Cost, {"us": 1, "nj": -1}),
        (Cost, {"us": math.nan}),
        (Cost, {"us": 1.5}),
        (Cost, {"us": True}),
        (Rules, {"policy": 5}),
        (Rules, {"policy": Policy.FIXED, "margin_percent": 256}),
        (Rules, {"policy": Policy.FIXED, "hot_celsius": -(2**15) - 1}),
        (Rules, {"policy": Policy.FIXED, "reserve_nj": 2**64}),
        (Resources, {"stored_nj": -1}),
        (Resources, {"load_percent": 100}),
        (Resources, {"income_uw": math.inf}),
        (Resources, {"celsius": "hot\n"}),
    ],
)
def test_values_out_of_range_are_refused(kind: type, values: dict[str, object]) -> None:
    with raises(GovernorRefused):
        kind(**values)


def test_governor_ends_with_its_pack(desktop: Board, small: Model, governor: Governor) -> None:
    governor.decide(Resources(), 0)
    desktop.deploy(dense_model([20, 24, 16, 5], [[9, 9, 5], [24, 16, 5]], name="other"))
    with raises(ProtocolError):
        governor.decide(Resources(), 0)


def test_inputs_beyond_the_board_s_memory_are_sent_when_their_turn_comes(
    nano: Board, library: ctypes.CDLL
) -> None:
    model = pack.load(fixtures_dir() / "kws-dnn-s.reds")
    nano.deploy(model)
    x = inputs(model, 200)  # of 250 bytes; the board holds 28 KiB
    governor = nano.govern(
        Rules(Policy.FIXED), [Cost(1)] * len(model.subnets), nano.facts().clocks[1], Job(x)
    )
    for row in (0, 199, 120, 200, 399):
        expected = interpreter.run(model, 0, x[[row % 200]])[0]
        assert np.array_equal(_output(governor.decide(Resources(), row)), expected)


def test_inputs_of_another_shape_are_refused(desktop: Board, small: Model) -> None:
    desktop.deploy(small)
    with raises(InputsRefused, board=desktop.name):
        desktop.govern(RULES[0], COSTS, desktop.facts().clocks[0], Job(inputs(small, 7)[:, 1:]))


@pytest.mark.cross("arm-none-eabi-gcc")
@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.parametrize("policy", [policy for policy in Policy if policy != Policy.OWN])
def test_decisions_cost_what_the_documentation_says_by_any_compiler(nano: Board, policy: Policy) -> None:
    name = policy.name.lower().replace("_", " ")
    row = re.search(
        rf"^\| {name} \| 4 \| .* \| ([0-9,]+) \| [0-9,]+ \|$", (DOCS / "governor.md").read_text(), re.M
    )
    assert row
    documented = int(row[1].replace(",", ""))
    found = measure(nano, policy, 4).all
    assert abs(found - documented) <= documented / 10
    assert found * SHARE < COUNTS["cnn-s 25%"].instructions


def test_policy_of_the_documentation_is_built_into_the_agent(tmp_path: Path, small: Model) -> None:
    (source := tmp_path / "policy.c").write_text(block("governor.md", "policy"))
    make = ["make", "-s", "-C", str(build.targets_dir() / "posix"), f"OUT={tmp_path}", f"POLICY={source}"]
    subprocess.run([*make, "CFLAGS=-O0"], check=True)
    entry = Entry("desk", "desktop", agent=tmp_path / "agent")
    with target("desktop").start(entry, Provenance.HARDWARE) as board:
        board.deploy(small)
        governor = govern(board, small, Rules(Policy.OWN))
        assert [governor.decide(Resources(income_uw=sun), 0).subnet for sun in (0, 1, 0)] == [0, 1, 0]
    (boards := tmp_path / "boards.toml").write_text(
        '[[board]]\nname = "desk"\ntarget = "desktop"\nagent = "agent"\n'
    )
    words = ["replay", "--boards", f"{boards}", "--board", "desk", "--trace", "solar:seed=1,rows=20"]
    done = CliRunner().invoke(main, [*words, "--policy", "own", "--out", f"{tmp_path / 'own.json'}"])
    assert done.exit_code == 0, done.output
    steps = json.loads((tmp_path / "own.json").read_bytes())["policies"]["own"]["steps"]
    assert steps["subnet"][0] == 0, "at night the smallest subnet"


def test_a_replay_of_an_own_policy_needs_an_agent_that_has_one() -> None:
    words = ["replay", "--board", "desktop", "--trace", "load:rows=2", "--policy", "own"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1
    assert done.output.startswith("Error: desktop: ")
