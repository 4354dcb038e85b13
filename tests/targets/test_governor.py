"""The governor: what it may choose, and what it never does."""

import ctypes
import subprocess
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.tools import missing
from tests.targets.support.governor import (
    MAINS,
    NO_DEADLINE,
    POLICIES,
    WAIT,
    Governed,
    Policy,
    Resources,
    build,
    resources,
)
from tests.targets.support.sources import GOVERNOR, WARNINGS

COSTS = [(1000, 10_000), (2000, 20_000), (4000, 40_000), (8000, 80_000)]
ENERGY = {"period_us": 100_000, "horizon_us": 10_000_000, "target_nj": 1_000_000, "reserve_nj": 100_000}

_cost = st.tuples(st.integers(1, 2**32 - 1), st.integers(0, 2**32 - 1))
tables = st.lists(_cost, min_size=1, max_size=6).map(
    lambda costs: list(zip(*(sorted(each) for each in zip(*costs, strict=True)), strict=True))
)
small = st.integers(0, 10_000)
known = st.builds(
    resources,
    st.one_of(st.integers(0, 2**64 - 1), small.map(lambda n: n * 100)),
    st.one_of(st.integers(0, 2**32 - 1), small),
    st.one_of(st.integers(0, 2**32 - 1), small),
    st.integers(0, 255),
    st.integers(-40, 125),
)
periods = st.integers(1, 2**32 - 1).flatmap(lambda p: st.tuples(st.just(p), st.integers(p, 2**32 - 1)))
reserves = st.integers(0, 2**64 - 1).flatmap(lambda r: st.tuples(st.just(r), st.integers(r, 2**64 - 1)))


@st.composite
def all_rules(draw: st.DrawFn) -> dict[str, int]:
    """Draw rules that are valid for every policy of a table of any length."""
    period, horizon = draw(periods)
    reserve, target = draw(reserves)
    return {
        "margin_percent": draw(st.integers(0, 255)),
        "patience": draw(st.integers(0, 5)),
        "hot_celsius": draw(st.sampled_from([0, 60])),
        "period_us": period,
        "horizon_us": horizon,
        "target_nj": target,
        "reserve_nj": reserve,
    }


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    if reason := missing("cc"):
        pytest.fail(reason)
    return build(tmp_path_factory.mktemp("governor"))


def rank(choice: int) -> int:
    """Return a number that grows with the subnet; to wait is below the smallest."""
    return -1 if choice == WAIT else choice


@given(tables, all_rules(), known)
def test_a_deadline_is_met_by_the_largest_subnet_that_fits(
    library: ctypes.CDLL, costs: list[tuple[int, int]], rules: dict[str, int], now: Resources
) -> None:
    rules = {**rules, "hot_celsius": 0, "patience": 0}
    fits = [
        now.deadline_us == NO_DEADLINE
        or Fraction(us * (100 + rules["margin_percent"]), max(100 - now.load_percent, 1)) <= now.deadline_us
        for us, _ in costs
    ]
    best = max((i for i, each in enumerate(fits) if each), default=WAIT)
    assert Governed(library, costs, "reds_deadline", rules).choose(now) == best


@given(tables, all_rules(), known)
def test_energy_is_neutral_over_the_horizon_and_leaves_the_reserve(
    library: ctypes.CDLL, costs: list[tuple[int, int]], rules: dict[str, int], now: Resources
) -> None:
    rules = {**rules, "hot_celsius": 0, "patience": 0}
    choice = Governed(library, costs, "reds_energy_neutral", rules).choose(now)
    if now.stored_nj == MAINS:
        assert choice == len(costs) - 1
        return
    usable = now.stored_nj - rules["reserve_nj"]
    balance = now.stored_nj - rules["target_nj"]
    share = Fraction(rules["period_us"] * 2**16 // rules["horizon_us"], 2**16)
    part = int(min(abs(balance), 2**47) * share)
    allowed = now.income_uw * rules["period_us"] // 1000 + (part if balance >= 0 else -part)
    margin = Fraction(100 + rules["margin_percent"], 100)
    paid = [min(usable, 2**47), *[min(usable, max(allowed, 0), 2**47)] * (len(costs) - 1)]
    fits = [nj * margin <= most for (_, nj), most in zip(costs, paid, strict=True)]
    best = max((i for i, each in enumerate(fits) if each and usable > 0), default=WAIT)
    assert choice == best


BETTER: tuple[Callable[[Resources], Resources], ...] = (
    lambda now: resources(
        min(now.stored_nj * 2 + 1, MAINS), now.income_uw, now.deadline_us, now.load_percent, now.celsius
    ),
    lambda now: resources(
        now.stored_nj, min(now.income_uw * 2 + 1, 2**32 - 1), now.deadline_us, now.load_percent, now.celsius
    ),
    lambda now: resources(
        now.stored_nj, now.income_uw, min(now.deadline_us * 2 + 1, NO_DEADLINE), now.load_percent, now.celsius
    ),
    lambda now: resources(
        now.stored_nj, now.income_uw, now.deadline_us, now.load_percent // 2, now.celsius
    ),
    lambda now: resources(now.stored_nj, now.income_uw, now.deadline_us, now.load_percent, now.celsius - 10),
)  # fmt: skip


@given(
    st.sampled_from(POLICIES),
    tables,
    all_rules(),
    st.lists(known, max_size=8),
    known,
    st.sampled_from(BETTER),
)
def test_more_of_a_resource_never_gives_a_smaller_subnet(
    library: ctypes.CDLL,
    policy: str,
    costs: list[tuple[int, int]],
    rules: dict[str, int],
    before: list[Resources],
    now: Resources,
    better: Callable[[Resources], Resources],
) -> None:
    governed = Governed(library, costs, policy, rules)
    for each in before:
        governed.choose(each)
    assert rank(governed.copy().choose(better(now))) >= rank(governed.choose(now))


@given(st.sampled_from(POLICIES), tables, all_rules(), st.lists(known, max_size=8), known)
def test_a_constant_input_ends_in_one_choice(
    library: ctypes.CDLL,
    policy: str,
    costs: list[tuple[int, int]],
    rules: dict[str, int],
    before: list[Resources],
    now: Resources,
) -> None:
    governed = Governed(library, costs, policy, rules)
    for each in before:
        governed.choose(each)
    for _ in range(rules["patience"] + 3):
        governed.choose(now)
    ran = {governed.choose(now) for _ in range(50)} - {WAIT}
    assert len(ran) <= 1


def test_a_device_of_little_income_answers_from_its_store_and_then_as_often_as_it_can(
    library: ctypes.CDLL,
) -> None:
    governed = Governed(library, COSTS, "reds_energy_neutral", ENERGY)
    stored, choices = 200_000, []
    for _ in range(53):
        choices.append(governed.choose(resources(stored, income=25)))  # uW: a quarter of the smallest subnet
        stored += 2500 - (10_000 if choices[-1] == 0 else 0)
    assert choices[:13] == [0] * 13
    assert choices[13:] == [WAIT, WAIT, WAIT, 0] * 10
    assert stored >= ENERGY["reserve_nj"]


@given(tables, all_rules(), st.lists(known, min_size=1, max_size=60))
def test_a_larger_subnet_is_taken_only_after_the_patience(
    library: ctypes.CDLL, costs: list[tuple[int, int]], rules: dict[str, int], inputs: list[Resources]
) -> None:
    governed = Governed(library, costs, "reds_deadline_and_energy", rules)
    ran = [choice for choice in map(governed.choose, inputs) if choice != WAIT]
    rises = sum(b > a for a, b in pairwise(ran))
    assert rises <= len(inputs) / (rules["patience"] + 1)
    falls = sum(b < a for a, b in pairwise(ran))
    assert falls <= (rises + 1) * (len(costs) - 1)


@given(tables, all_rules(), known)
def test_of_two_policies_the_more_careful_one_decides(
    library: ctypes.CDLL, costs: list[tuple[int, int]], rules: dict[str, int], now: Resources
) -> None:
    rules = {**rules, "patience": 0}
    deadline, energy, both = (Governed(library, costs, policy, rules).choose(now) for policy in POLICIES[1:])
    assert rank(both) == min(rank(deadline), rank(energy))


@pytest.mark.parametrize(
    ("afforded", "taken"),
    [
        ([3, 3, 3, 3], [0, 0, 3, 3]),
        ([3, 1, 2, 1], [0, 0, 1, 1]),
        ([3, 3, 0, 3, 3, 3], [0, 0, 0, 0, 0, 3]),
        ([3, WAIT, 3, 3, 3], [0, WAIT, 0, 0, 3]),
        ([3, 3, 3, 1, 3], [0, 0, 3, 1, 1]),
    ],
)
def test_patience_takes_what_all_decisions_afforded(
    library: ctypes.CDLL, afforded: list[int], taken: list[int]
) -> None:
    wanted = [0, *afforded]
    policy = Policy(lambda governor, now: wanted[now[0].celsius])
    governed = Governed(library, COSTS, policy, {"patience": 2})
    assert [governed.choose(resources(celsius=i)) for i in range(len(wanted))] == [0, *taken]


@pytest.mark.parametrize(("surplus", "chosen"), [(0, 0), (1_279_999, 0), (1_280_000, 1)])
def test_a_surplus_is_spent_over_the_horizon(library: ctypes.CDLL, surplus: int, chosen: int) -> None:
    rules = {**ENERGY, "horizon_us": 64 * ENERGY["period_us"]}
    governed = Governed(library, COSTS, "reds_energy_neutral", rules)
    assert governed.choose(resources(ENERGY["target_nj"] + surplus)) == chosen


@pytest.mark.parametrize("subnet", range(1, len(COSTS)))
def test_income_to_come_is_not_advanced_by_the_reserve(library: ctypes.CDLL, subnet: int) -> None:
    usable = COSTS[subnet][1]
    for stored, chosen in ((usable - 1, subnet - 1), (usable, subnet)):
        now = resources(ENERGY["reserve_nj"] + stored, 1_000_000_000)
        assert Governed(library, COSTS, "reds_energy_neutral", ENERGY).choose(now) == chosen


def test_a_device_of_constant_income_spends_it_and_keeps_its_reserve(library: ctypes.CDLL) -> None:
    """In the long run it spends all that comes in, switches rarely and never goes below the reserve."""
    rules = {**ENERGY, "patience": 5}
    governed = Governed(library, COSTS, "reds_energy_neutral", rules)
    stored, spent, switches, last = 1_000_000, 0, 0, 3
    steps, income = 20_000, 300  # uW: 30,000 nJ a period, between two subnets
    for _ in range(steps):
        choice = governed.choose(resources(stored, income))
        if choice != WAIT:
            switches += choice != last
            last = choice
            stored -= COSTS[choice][1]
            spent += COSTS[choice][1]
            assert stored >= rules["reserve_nj"]
        stored += income * rules["period_us"] // 1000
    assert abs(spent - steps * 30_000) < 2_000_000
    assert switches <= 2 * steps / (rules["patience"] + 2)


def test_overruns_are_learned_at_once_and_forgotten_slowly(library: ctypes.CDLL) -> None:
    governed = Governed(library, COSTS)
    now = resources(deadline=9000)
    assert governed.choose(now) == 3
    governed.ran(16_000)
    assert governed.choose(now) == 2, "everything is expected to take twice as long"
    for _ in range(200):
        governed.ran(COSTS[governed.choose(now)][0])
    assert governed.choose(now) == 3


def test_a_single_slow_inference_does_not_stop_a_device_for_ever(library: ctypes.CDLL) -> None:
    governed = Governed(library, COSTS)
    now = resources(deadline=9000)
    governed.choose(now)
    governed.ran(2**32 - 1)
    chosen = []
    while len(chosen) < 400 and 3 not in chosen:
        chosen.append(governed.choose(now))
        governed.ran(COSTS[chosen[-1]][0])
    assert chosen[0] == 0
    assert chosen == sorted(chosen)
    assert chosen[-1] == 3


@given(tables, all_rules(), st.lists(st.tuples(known, st.integers(0, 2**32 - 1)), max_size=8), known)
def test_what_was_learned_never_makes_it_wait(
    library: ctypes.CDLL,
    costs: list[tuple[int, int]],
    rules: dict[str, int],
    before: list[tuple[Resources, int]],
    now: Resources,
) -> None:
    governed = Governed(library, costs, "reds_deadline", rules)
    for each, us in before:
        governed.choose(each)
        governed.ran(us)
    waits = Governed(library, costs, "reds_deadline", rules).choose(now) == WAIT
    assert (governed.choose(now) == WAIT) == waits


@pytest.mark.parametrize("us", [2**24, 2**32 - 1])
def test_a_very_slow_inference_is_followed_by_the_fastest_subnet(library: ctypes.CDLL, us: int) -> None:
    governed = Governed(library, [(1, 1), (2, 2)])
    now = resources(deadline=256)
    governed.choose(now)
    governed.ran(us)
    assert governed.choose(now) == 0


def test_a_report_counts_once_and_only_after_a_choice(library: ctypes.CDLL) -> None:
    governed = Governed(library, COSTS)
    governed.ran(10**9)
    now = resources(deadline=9000)
    assert governed.choose(now) == 3
    governed.ran(8000)
    governed.ran(10**9)
    assert governed.choose(now) == 3


def test_a_hot_device_runs_the_smallest_subnet(library: ctypes.CDLL) -> None:
    governed = Governed(library, COSTS, rules={"hot_celsius": 70})
    assert [governed.choose(resources(celsius=t)) for t in (69, 70, 90, 69)] == [3, 0, 0, 3]


def test_a_policy_of_the_user_decides_and_cannot_leave_the_table(library: ctypes.CDLL) -> None:
    wanted = [2, 99, WAIT, 1]
    policy = Policy(lambda governor, now: wanted[now[0].celsius])
    governed = Governed(library, COSTS, policy)
    assert [governed.choose(resources(celsius=i)) for i in range(4)] == [2, 3, WAIT, 1]


@pytest.mark.parametrize(
    ("costs", "policy", "rules", "told"),
    [
        ([], "reds_deadline", {}, "at least one subnet"),
        ([(0, 1)], "reds_deadline", {}, "0 us"),
        ([(2, 1), (1, 1)], "reds_deadline", {}, "smallest first"),
        ([(1, 2), (1, 1)], "reds_deadline", {}, "smallest first"),
        (COSTS, None, {}, "no policy"),
        (COSTS, "reds_fixed", {"fixed": 4}, "fixed"),
        (COSTS, "reds_energy_neutral", {}, "period"),
        (COSTS, "reds_deadline_and_energy", {**ENERGY, "horizon_us": 99_999}, "horizon"),
        (COSTS, "reds_energy_neutral", {**ENERGY, "reserve_nj": 1_000_001}, "reserve"),
    ],
)
def test_rules_that_make_no_sense_are_refused(
    library: ctypes.CDLL, costs: list[tuple[int, int]], policy: str | None, rules: dict[str, int], told: str
) -> None:
    problem = Governed(library, costs, policy, rules).problem
    assert problem
    assert told in problem
    assert Governed(library, COSTS, "reds_energy_neutral", ENERGY).problem is None


@pytest.mark.cross("arm-none-eabi-gcc")
def test_a_cortex_m4_needs_no_heap_no_floating_point_and_little_code(
    tmp_path: Path,
) -> None:
    code = 0
    for source in GOVERNOR:
        unit = tmp_path / f"{source.stem}.o"
        cpu = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=soft")
        subprocess.run(["arm-none-eabi-gcc", *cpu, *WARNINGS, "-Os", "-c", source, "-o", unit], check=True)
        needed = subprocess.run(["arm-none-eabi-nm", "-u", unit], check=True, capture_output=True, text=True)
        names = {line.split()[-1] for line in needed.stdout.splitlines()}
        own = {name for name in names if name.startswith("reds_")}
        assert names - own <= {"__aeabi_ldivmod", "__aeabi_uldivmod", "memset", "memcpy"}
        sizes = subprocess.run(["arm-none-eabi-size", unit], check=True, capture_output=True, text=True)
        code += int(sizes.stdout.splitlines()[1].split()[0])
    assert code < 1536
    check = tmp_path / "check.c"
    check.write_text(
        '#include "governor.h"\n_Static_assert(sizeof(reds_governor) == 72, "RAM of a governor");\n'
    )
    include = f"-I{GOVERNOR[0].parent}"
    subprocess.run(
        ["arm-none-eabi-gcc", *cpu, *WARNINGS, include, "-c", check, "-o", tmp_path / "check.o"], check=True
    )
