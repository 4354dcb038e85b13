"""Which switches are tested: all pairs of few subnets, a sample into each of many."""

from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.suite.switch_pairs import groups_of_pairs, pairs_into, sampled
from reds import pack
from tests.hil.support.suite_run import Run, outcomes, read, suite_size
from tests.support.nets import dense_model


@given(st.integers(1, 8))
def test_up_to_eight_subnets_every_ordered_pair_has_a_test_of_its_own(subnets: int) -> None:
    assert list(groups_of_pairs(subnets)) == [(pair,) for pair in permutations(range(subnets), 2)]
    assert sampled(subnets) == ""


@given(st.integers(9, 300))
def test_each_of_more_subnets_is_switched_to_from_several_with_the_smallest_and_the_largest(
    subnets: int,
) -> None:
    groups = list(groups_of_pairs(subnets))
    assert [group[0][1] for group in groups] == list(range(subnets))
    for target, group in enumerate(groups):
        sources = [source for source, into in group if into == target]
        assert len(sources) == len(group) == len(set(sources)) == 4
        assert target not in sources
        others = [s for s in range(subnets) if s != target]
        assert (sources[0], sources[-1]) == (others[0], others[-1])
    assert f"each of {subnets} subnets" in sampled(subnets)


def test_sample_is_the_same_in_every_run_and_differs_between_subnets() -> None:
    assert pairs_into(5, 64) == ((0, 5), (32, 5), (45, 5), (63, 5))
    assert len({pairs_into(target, 64)[1][0] for target in range(64)}) > 20


@pytest.fixture(scope="session")
def wide_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of 9 subnets, each larger than the one before by far."""
    units = [[8 * n, 5] for n in range(1, 10)]
    path = tmp_path_factory.mktemp("pack") / "wide.reds"
    pack.save(dense_model([20, 72, 5], units, name="wide"), path)
    return path


def test_many_subnets_have_one_switch_test_each_over_sampled_pairs(
    hil: Run, wide_pack: Path, tmp_path: Path
) -> None:
    done = hil(
        "--target=nano33ble", "--emulate", "--pack", wide_pack, "--results=a.jsonl", "-v", "--samples=3"
    )
    assert done.returncode == 0, done.stdout
    assert outcomes(done.stdout) == {"passed": 9 * 6 + 8, "skipped": 9}
    assert suite_size(wide_pack) == 9 * 7 + 8
    assert f"reds-hil: {sampled(9)}\n" in done.stdout
    assert done.stdout.count("test_switch[nano33ble-emulated-4 sampled->") == 9
    switches = [row["subnet"] for row in read(tmp_path / "a.jsonl") if row["metric"] == "switch"]
    assert len(switches) == len(set(switches)) == 9 * 4


def test_slow_switch_of_a_sample_is_named_by_its_pair(hil: Run, wide_pack: Path) -> None:
    args = ("--target=nano33ble", "--emulate", "--pack", wide_pack, "--switch-limit-us=0.01", "--samples=3")
    done = hil(*args, "-k", "test_switch and 100")
    assert done.returncode == 1
    assert done.stdout.count("->100%: a switch took ") >= 4
