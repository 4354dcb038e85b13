"""Losses of answers at one temperature, against direct formulas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reds.experiment.answers import Answers, best_temperature, joined


def drawn(seed: int, scale: float, subnets: int = 2, examples: int = 400) -> Answers:
    """Draw logits, and labels from the probabilities that their first subnet gives at temperature 1."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (subnets, examples, 3))
    odds = np.exp(logits[0]) / np.exp(logits[0]).sum(1, keepdims=True)
    labels = np.array([rng.choice(3, p=each) for each in odds], np.uint8)
    return Answers((scale * logits).astype(np.float32), labels)


def test_losses_are_cross_entropies_of_the_divided_logits() -> None:
    answers = Answers(np.array([[[2.0, 0.0], [0.0, 6.0]]], np.float32), np.array([0, 0], np.uint8))
    assert answers.losses(2.0) == pytest.approx(np.log1p(np.exp([[-1.0, 3.0]])))
    assert answers.hits.tolist() == [[True, False]]


@given(st.integers(0, 2**16), st.floats(0.2, 5))
def test_the_best_temperature_undoes_a_scale_and_no_other_is_better(seed: int, scale: float) -> None:
    one, scaled = (drawn(seed, each).subnet(0) for each in (1.0, scale))
    temperature = best_temperature([scaled])
    assert temperature == pytest.approx(scale * best_temperature([one]), rel=1e-3)
    least = scaled.losses(temperature).mean()
    others = [scaled.losses(t).mean() for t in np.geomspace(0.01, 100, 60)]
    assert least <= min(others) + 1e-7


def test_subnets_that_are_compared_share_the_temperature_of_their_mean_loss() -> None:
    calm, sure = drawn(0, 1.0).subnet(0), drawn(0, 4.0).subnet(0)
    shared = best_temperature([calm, sure])
    assert best_temperature([calm]) < shared < best_temperature([sure])


def test_joined_answers_hold_every_subnet() -> None:
    answers = drawn(1, 1.0)
    both = joined([answers.subnet(1), answers.subnet(0)])
    assert (both.logits == answers.logits[::-1]).all()
    assert (both.hits == answers.hits[::-1]).all()


def test_logits_too_large_for_an_exponential_have_finite_losses() -> None:
    answers = Answers(np.array([[[1e4, 0.0]]], np.float32), np.array([1], np.uint8))
    assert answers.losses(0.01) == pytest.approx(np.array([[1e6]]))
