"""The cost of int8 on test examples: counts, their interval, and the sentence of a build."""

import json
from collections.abc import Sequence
from math import comb
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from reds.console import plain_console
from reds.experiment.int8_gap import Int8Gap, gap_notes, int8_gap
from reds.quantization.range_search import PERCENTILES
from tests.int8_gap import sets
from tests.int8_gap.__main__ import main, measure
from tests.int8_gap.choices import compared, report
from tests.reds.support.modules import blobs

counts = st.integers(0, 400)


def of(lost: int, gained: int, examples: int) -> Int8Gap:
    return Int8Gap("25%", examples, lost, lost, gained)


def test_answers_are_counted_example_by_example() -> None:
    in_float, in_int8 = np.array([1, 1, 1, 0, 0, 1], bool), np.array([1, 0, 0, 1, 0, 1], bool)
    gap = int8_gap("25%", in_int8, in_float)
    assert (gap.examples, gap.float_right, gap.lost, gap.gained) == (6, 4, 2, 1)
    assert gap.difference == pytest.approx(in_int8.mean() - in_float.mean())


@given(counts, counts, st.integers(0, 5000))
def test_the_interval_holds_the_difference_and_turns_with_it(lost: int, gained: int, same: int) -> None:
    gap = of(lost, gained, max(lost + gained + same, 1))
    low, high = gap.interval
    assert low < high
    assert low <= gap.difference <= high
    assert of(gained, lost, gap.examples).interval == pytest.approx((-high, -low))


@pytest.mark.parametrize("odds", [(0.02, 0.02), (0.05, 0.01), (0.2, 0.1), (0.01, 0.0)])
@pytest.mark.parametrize("examples", [30, 100])
def test_the_interval_covers_the_true_difference_as_often_as_it_says(
    odds: Sequence[float], examples: int
) -> None:
    """All counts that may be seen, each with its probability."""
    lost, gained = odds
    covered = 0.0
    for a in range(examples + 1):
        for b in range(examples + 1 - a):
            chance = comb(examples, a) * comb(examples - a, b) * lost**a * gained**b
            chance *= (1 - lost - gained) ** (examples - a - b)
            low, high = of(a, b, examples).interval
            covered += chance * (low <= gained - lost <= high)
    assert 0.93 <= covered <= 1


@pytest.mark.parametrize(
    ("lost", "gained", "said"), [(40, 2, True), (2, 40, False), (9, 4, False), (5, 0, False), (1, 0, False)]
)
def test_only_a_loss_beyond_half_a_point_and_chance_is_said(lost: int, gained: int, said: bool) -> None:
    notes = gap_notes([of(0, 0, 1000), of(lost, gained, 1000)])
    assert len(notes) == said
    assert all("25%" in note and "3.8 points" in note for note in notes)


def pictures() -> sets.Arrays:
    x, y = blobs(160, 0)
    arrays = {"train_x": x[:80], "train_y": y[:80], "test_x": x[80:], "test_y": y[80:]}
    return {name: np.asarray(each.mean(1) if each.ndim > 1 else each) for name, each in arrays.items()}


def command(recipe: Path, *options: str) -> str:
    shorter = "--epochs", "1,1,1", "--examples", "40"
    done = CliRunner().invoke(main, [str(recipe), *shorter, "--out", str(recipe.parent / "out"), *options])
    assert not done.exception, done.output
    return done.output


def test_the_command_measures_a_recipe_and_keeps_its_last_result(tmp_path: Path) -> None:
    known = {"mine": ("dnn-s-12x12x1", pictures), "absent": ("dnn-s", lambda: None)}
    (recipe,) = sets.write(tmp_path, known)
    file = tmp_path / "kept.jsonl"
    file.write_text('{"recipe": "other"}\n{"recipe": "mine"}\n')
    assert command(recipe, "--keep", str(file)).count("| mine |") == 4
    first, *kept = map(json.loads, file.read_text().splitlines())
    assert first == {"recipe": "other"}
    assert [each["subnet"] for each in kept] == ["25%", "50%", "75%", "100%"]
    assert all(each["examples"] == 80 and each["training"] == 40 for each in kept)
    assert all(each["epochs"] == [1, 1, 1] for each in kept)


def test_ways_into_int8_are_compared_on_one_net(tmp_path: Path) -> None:
    (recipe,) = sets.write(tmp_path, {"mine": ("dnn-s-12x12x1", pictures)})
    result = measure(recipe, (1, 2, 0), None, tmp_path, plain_console())
    points = compared(result, recipe, 1)
    assert [len(each) for each in points.values()] == [4] * (len(PERCENTILES) + 3)
    reached = [100 * (gap.gained - gap.lost) / 80 for gap in result.int8_gaps]
    np.testing.assert_allclose(points["nearest to float on training"], reached)
    assert report(["mine"], [points]).count("\n") == len(points) + 1
