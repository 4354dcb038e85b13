"""The activation ranges kept are those with which int8 follows the float net best on training examples."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from reds.data.examples import Examples
from reds.data.load import speech_data
from reds.data.options import AugmentationOptions, DataOptions
from reds.elastic.net import ElasticNet, nest
from reds.errors import QuantizeError
from reds.pack import interpreter
from reds.pack.scale import Floats
from reds.quantization.calibrate import ranges
from reds.quantization.quantize import quantize
from reds.quantization.range_search import best_ranges
from tests.reds.support.floats import DENSE_WIDTHS, dense_net
from tests.reds.support.speech import tiny_speech
from tests.reds.support.subnets import specs

WIDER = (1.0, 24.0)
"""Ranges that fit, and ranges so wide that few steps are left."""


@dataclass(frozen=True)
class Given:
    """A net with examples, and the ranges that fit it, float64 [subnets, layers, 2]."""

    net: ElasticNet
    examples: Examples
    features: Tensor
    fitting: Floats


@cache
def given() -> Given:
    examples = Examples(
        speech_data(tiny_speech()), DataOptions("speech-commands", every=2), AugmentationOptions()
    )
    net = nest(dense_net(0), specs(*DENSE_WIDTHS)).eval()
    features = examples.plain(256, torch.Generator().manual_seed(0))[0]
    return Given(net, examples, features, ranges(net, features, [100.0])[0])


def chosen(candidates: Floats, examples: Examples | None = None) -> Floats:
    g = given()
    return best_ranges(g.net, "net", candidates, examples or g.examples, g.features).ranges


@pytest.mark.parametrize("order", [WIDER, WIDER[::-1]])
def test_ranges_that_follow_the_float_net_are_kept(order: Sequence[float]) -> None:
    fitting = given().fitting
    np.testing.assert_array_equal(chosen(np.stack([factor * fitting for factor in order])), fitting)


def test_each_subnet_keeps_ranges_of_its_own() -> None:
    fitting = given().fitting
    mixed = np.stack([fitting, fitting])
    mixed[0, 0] *= WIDER[1]
    mixed[1, 1:] *= WIDER[1]
    np.testing.assert_array_equal(chosen(mixed), fitting)


def test_validation_examples_choose_nothing() -> None:
    """Their labels are the answers with the ranges that are too wide: they alone would favor these."""
    g = given()
    wide = WIDER[1] * g.fitting
    x, answers = g.examples.stored, {}
    for name, of in (("wide", wide), ("fitting", g.fitting)):
        model = quantize(g.net, name="net", ranges=of, source=g.examples.set)
        answers[name] = interpreter.run(model, 2, x).argmax(1)
    assert (answers["wide"] != answers["fitting"]).any()
    favoring = copy(g.examples)
    favoring.validation = favoring.validation[0], torch.from_numpy(answers["wide"])
    np.testing.assert_array_equal(chosen(np.stack([wide, g.fitting]), favoring), g.fitting)


def test_ranges_whose_tables_do_not_fit_are_left_out() -> None:
    fitting = given().fitting
    none = np.zeros_like(fitting)
    np.testing.assert_array_equal(chosen(np.stack([none, fitting, none])), fitting)
    with pytest.raises(QuantizeError, match="no multiplier fits"):
        chosen(np.stack([none, none]))
