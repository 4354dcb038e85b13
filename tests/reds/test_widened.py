"""Nets widened before selection: budgets are shares of the net as it was, and nothing unused is kept."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

import reds
from reds.elastic.net import ElasticNet, cropped
from reds.errors import GraphError, SettingsError
from reds.graph import Graph
from reds.graph.subnets import SubnetSpec
from reds.nesting.select import select
from reds.zoo import by_name
from tests.reds.support.graphs import random_scores, small_chains

QUIET = Console(quiet=True)
SMALL = "ds-cnn-s-8x8x1"


@given(small_chains(), st.floats(1.01, 3.0), st.integers(0, 2**16))
@settings(max_examples=40, deadline=None)
def test_the_largest_subnet_of_a_wider_net_costs_at_most_the_net_itself(
    graph: Graph, factor: float, seed: int
) -> None:
    wide = graph.widened(factor)
    assert all(
        n == np.ceil(group.units * factor - 1e-9) if group.cut else n == group.units
        for n, group in zip(wide.full, graph.groups, strict=True)
    )
    (subnet,) = select(wide, random_scores(wide, seed), [1.0], step=1, least=1)
    assert subnet.name == "100%"
    assert wide.macs(subnet.widths) <= graph.macs(graph.full)


def test_a_wider_net_may_have_widths_that_the_net_has_not() -> None:
    graph = by_name("resnet8").widened(1.5)
    (subnet,) = select(graph, random_scores(graph, 0), [1.0])
    assert any(n > base for n, base in zip(subnet.widths, by_name("resnet8").full, strict=True))
    assert by_name("resnet8").widened(1.0) == by_name("resnet8")
    assert graph.widened(2.0).whole == graph.whole == by_name("resnet8").macs(by_name("resnet8").full)


@pytest.mark.parametrize("factor", [0.99, 0, -1, float("nan"), float("inf"), 17, "2", None, True])
def test_a_factor_that_widens_no_net_is_refused(factor: float) -> None:
    with pytest.raises(GraphError):
        by_name("resnet8").widened(factor)


def test_a_cropped_net_computes_what_the_subnet_of_the_full_net_computes() -> None:
    torch.manual_seed(0)
    graph = by_name("resnet8-8x8x3")
    widths = tuple(n - 4 if group.cut else n for n, group in zip(graph.full, graph.groups, strict=True))
    left_out = tuple(0 if g in graph.blocks[0].groups else n for g, n in enumerate(widths))
    x = torch.randn(4, 8, 8, 3)
    for kept in (widths, left_out):
        full = ElasticNet(graph)
        with torch.no_grad():
            full.train()(torch.randn(64, 8, 8, 3), 0)  # norms get statistics
        nested = reds.nest(
            full, [SubnetSpec("a", reds.Budget(), kept), SubnetSpec("b", reds.Budget(), graph.full)]
        )
        alone = cropped(full, kept)
        assert alone.graph.full == kept
        with torch.no_grad():
            assert torch.equal(alone.eval()(x, 0), nested.eval()(x, 0))


def easy(size: int) -> reds.Dataset:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, size)
    x = rng.normal(0, 1, (size, 1, 8, 8)) + y[:, None, None, None]
    return reds.Dataset.split(torch.tensor(x, dtype=torch.float32), torch.tensor(y))


def test_a_pack_of_a_wider_net_holds_the_widths_of_its_largest_subnet_alone(tmp_path: Path) -> None:
    result = reds.compress(SMALL, easy(90), budgets=[0.5, 1.0], widen=1.5, epochs=1, console=QUIET)
    base = by_name(SMALL, 3)
    assert [subnet.name for subnet in result.subnets] == ["50%", "100%"]
    assert result.subnets[-1].macs <= base.macs(base.full)
    assert result.trained.net.graph.full == result.subnets[-1].widths
    assert max(result.subnets[-1].widths) > max(
        n for n, g in zip(base.full, base.groups, strict=True) if g.cut
    )
    loaded = reds.load(result.save(tmp_path / "wide.reds"))
    assert loaded.model.tensors[-1].units == 3


def test_a_net_with_weights_cannot_be_widened() -> None:
    net = reds.from_module(
        torch.nn.Sequential(
            torch.nn.Flatten(), torch.nn.Linear(64, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)
        ),
        input_shape=(1, 8, 8),
    )
    with pytest.raises(SettingsError, match=r"^widen: "):
        reds.compress(net, easy(90), budgets=[1.0], widen=1.5, epochs=1, console=QUIET)
