"""The architectures are those of their papers, and a few of them go through the whole bench."""

from collections.abc import Iterator

import pytest
import torch

import hil
from hil.boards.open_board import OpenBoard
from reds.elastic.from_module import from_module
from reds.errors import NotElasticError
from tests.architectures import page
from tests.architectures.architecture import BUDGETS, Make, Published, Shape, macs, parameters
from tests.architectures.bench import on_board
from tests.architectures.catalog import ARCHITECTURES
from tests.architectures.nets.classics import lenet5
from tests.architectures.nets.convnext import conv_mixer
from tests.architectures.nets.dense_predictions import UNet
from tests.architectures.nets.densenet import densenet_bc
from tests.architectures.nets.detectors import Heads
from tests.architectures.nets.inverted_residuals import mobilenet_v3_small
from tests.architectures.nets.mixer import Mixer
from tests.architectures.nets.resnets import resnext29
from tests.architectures.nets.time_series import Tcn
from tests.architectures.nets.transformers import KeywordTransformer, Size
from tests.architectures.pipeline import packed

PUBLISHED = {name: each.published for name, each in ARCHITECTURES.items() if each.published}


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_those_of_the_paper(name: str) -> None:
    published: Published = PUBLISHED[name]
    with torch.device("meta"):
        module = published.make()
    assert parameters(module) == pytest.approx(published.parameters, rel=published.within)
    if published.macs:
        assert macs(module, published.shape) == pytest.approx(published.macs, rel=published.within)


SMALL: dict[str, tuple[Make, Shape]] = {
    "lenet5": (lenet5, (1, 28, 28)),
    "mobilenet-v3": (lambda: mobilenet_v3_small(0.1, 4), (3, 32, 32)),
    "resnext": (lambda: resnext29(4, 2, 16, 4), (3, 16, 16)),
    "densenet": (lambda: densenet_bc(10, 4, 4), (3, 16, 16)),
    "u-net": (lambda: UNet(3, 4, 2, 2), (3, 16, 16)),
    "conv-mixer": (lambda: conv_mixer(8, 2, 3, 4, 4), (3, 16, 16)),
    "mlp-mixer": (lambda: Mixer(16, 4, 16, 2, 16, 64, 4), (3, 16, 16)),
    "keyword-transformer": (lambda: KeywordTransformer(8, 20, Size(16, 2, 8, 32, 2), 4), (8, 20)),
    "tcn": (lambda: Tcn(3, 8, 3, 3, 4), (3, 32)),
    "heads": (Heads, (1, 32, 32)),
}
"""Architectures at reduced width, and the shape of an input."""
NOISE = 0.3
"""Largest share of the outputs' deviation that int8 may add; outputs of wrong units would add 1.4."""


@pytest.fixture(scope="module")
def desktop() -> Iterator[OpenBoard]:
    with hil.open_board("desktop") as board:
        yield board


@pytest.mark.parametrize("name", SMALL)
def test_every_subnet_of_an_architecture_is_exact_on_the_desktop(name: str, desktop: OpenBoard) -> None:
    made = packed(name, *SMALL[name], BUDGETS)
    assert made.difference <= 1e-4 * made.largest
    macs = [subnet.macs for subnet in made.model.subnets]
    assert macs == sorted(macs)
    assert macs[0] < macs[-1]
    ran = on_board(desktop, made)
    assert ran.exact
    assert ran.held == len(macs)
    assert made.noise <= NOISE, "int8 does not follow float"


@pytest.mark.parametrize("name", [name for name, each in ARCHITECTURES.items() if each.refused])
def test_a_layer_that_cannot_be_cut_is_refused_by_name(name: str) -> None:
    architecture = ARCHITECTURES[name]
    with pytest.raises(NotElasticError, match=architecture.refused):
        from_module(architecture.make(), architecture.shape)


def test_committed_page_is_the_one_of_the_kept_outcomes() -> None:
    kept = page.read()
    assert page.PAGE.read_text() == page.page(list(kept.values())), (
        "run `python -m tests.architectures --keep`"
    )
    assert set(kept) == set(ARCHITECTURES), "an architecture was not tried"
    assert all(each.works() or each.intended for each in kept.values())
