"""The architectures are those of their papers, and a few of them go through the whole bench."""

import pytest
import torch

from tests.architectures.architecture import Published, macs, parameters
from tests.architectures.catalog import ARCHITECTURES

PUBLISHED = {name: each.published for name, each in ARCHITECTURES.items() if each.published}


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_those_of_the_paper(name: str) -> None:
    published: Published = PUBLISHED[name]
    with torch.device("meta"):
        module = published.make()
    assert parameters(module) == pytest.approx(published.parameters, rel=published.within)
    if published.macs:
        assert macs(module, published.shape) == pytest.approx(published.macs, rel=published.within)
