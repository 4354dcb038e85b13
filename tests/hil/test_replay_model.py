"""The model of a supply and the offline optimum: energies balance, and brute force agrees."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.replay.model import IDLE, After, Draw, Supply
from hil.replay.optimum import Option, optimum

PERIOD = 100
draws = st.builds(Draw, st.integers(1, 250), st.integers(0, 1500))
options = st.lists(st.builds(Option, draws, st.integers(1, 50)), max_size=3)


@st.composite
def supplies(draw: st.DrawFn, most: int = 6) -> Supply:
    full = draw(st.integers(1, 3000))
    income = draw(st.lists(st.integers(0, 1500) | st.just(0), min_size=1, max_size=most))
    return Supply(PERIOD, tuple(income), full, draw(st.integers(0, full)), draw(st.integers(0, 6)))


def after(supply: Supply, job: int, stored: int, on: bool, draw: Draw) -> After:
    return supply.after(job, np.array([stored], np.int64), np.array([on]), draw)


@given(supplies(), st.data())
def test_what_comes_in_is_stored_used_or_spilled(supply: Supply, data: st.DataObject) -> None:
    stored, on, job, used, spilled = data.draw(st.integers(0, supply.full_pj)), True, 0, 0, 0
    start = stored
    while job < supply.jobs:
        then = after(supply, job, stored, on, data.draw(draws) if on else IDLE)
        job, stored, on = then.job, int(then.stored[0]), bool(then.on[0])
        used, spilled = used + int(then.used[0]), spilled + int(then.spilled[0])
        assert 0 <= stored <= supply.full_pj
        assert min(used, spilled) >= 0
    assert start + sum(supply.income) == stored + used + spilled


@given(supplies(), draws | st.just(IDLE), st.data())
def test_more_energy_is_never_worse(supply: Supply, draw: Draw, data: st.DataObject) -> None:
    less = data.draw(st.integers(0, supply.full_pj))
    more = data.draw(st.integers(less, supply.full_pj))
    on = data.draw(st.booleans())
    poor, rich = after(supply, 0, less, on, draw if on else IDLE), after(supply, 0, more, True, draw)
    waiting = after(supply, 0, more, True, IDLE)
    if on:
        assert rich.stored[0] >= poor.stored[0]
        assert rich.answered[0] >= poor.answered[0]
        assert rich.on[0] >= poor.on[0]
    else:
        assert waiting.stored[0] >= poor.stored[0]
        assert waiting.on[0] >= poor.on[0]


def test_an_inference_that_empties_the_capacitor_is_lost_and_the_device_off_until_it_has_charged() -> None:
    supply = Supply(PERIOD, (0, 40, 40, 40), 1000, 100, 0)
    then = after(supply, 0, 500, True, Draw(50, 501))
    assert not then.answered[0]
    assert then.browned[0]
    assert (int(then.stored[0]), bool(then.on[0])) == (0, False)
    states = []
    for job in (1, 2, 3):
        then = after(supply, job, int(then.stored[0]), bool(then.on[0]), IDLE)
        states.append((int(then.stored[0]), bool(then.on[0])))
    assert states == [(40, False), (80, False), (120, True)]


def test_an_inference_longer_than_a_period_keeps_the_device_from_the_jobs_between() -> None:
    supply = Supply(PERIOD, (100, 100, 100), 1000, 100, 1)
    then = after(supply, 0, 500, True, Draw(150, 60))
    assert then.answered[0]
    assert then.job == 2
    assert int(then.stored[0]) == 500 + 200 - 200 - 60


def test_income_that_the_full_capacitor_cannot_take_is_spilled() -> None:
    then = after(Supply(PERIOD, (700,), 1000, 100, 0), 0, 900, True, IDLE)
    assert (int(then.stored[0]), int(then.spilled[0])) == (1000, 600)


def test_the_mains_never_run_empty() -> None:
    then = after(Supply(PERIOD, (0, 0), 10, 5, 100, mains=True), 0, 5, True, Draw(20, 10**9))
    assert then.answered[0]
    assert not then.browned[0]
    assert int(then.used[0]) == 10**9


def brute_force(supply: Supply, choices: Sequence[Sequence[Option]], job: int, stored: int, on: bool) -> int:
    """The largest worth of every plan, one by one."""
    if job >= supply.jobs:
        return 0
    worths = []
    for option in (Option(IDLE, 0), *(choices[job] if on else ())):
        then = after(supply, job, stored, on, option.draw)
        rest = brute_force(supply, choices, then.job, int(then.stored[0]), bool(then.on[0]))
        worths.append(rest + option.value * bool(then.answered[0]))
    return max(worths)


@settings(max_examples=60)
@given(supplies(most=5), st.data())
def test_the_optimum_is_that_of_brute_force(supply: Supply, data: st.DataObject) -> None:
    jobs = supply.jobs
    choices = data.draw(st.lists(options, min_size=jobs, max_size=jobs))
    stored = data.draw(st.integers(0, supply.full_pj))
    assert optimum(supply, choices, stored) == brute_force(supply, choices, 0, stored, True)
