"""Nets at other resolutions: strides of named layers, and the best of several by validation."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

import reds
from reds.elastic.net import ElasticNet
from reds.errors import GraphError, RecipeError
from reds.experiment.compare import compare
from reds.experiment.prepare import check_recipe
from reds.experiment.recipe_file import load_recipe
from reds.graph.builder import Builder
from reds.graph.strides import restrided
from reds.zoo import NETS, by_name

QUIET = Console(quiet=True)
SIDES = st.integers(1, 3)


@given(st.lists(st.tuples(SIDES, SIDES), min_size=4, max_size=4), st.integers(8, 20), st.integers(8, 20))
@settings(max_examples=60, deadline=None)
def test_a_net_with_other_strides_is_the_one_that_is_built_with_them(
    strides: list[tuple[int, int]], height: int, width: int
) -> None:
    def built(*of: tuple[int, int]) -> Builder:
        net = Builder(3, height, width)
        x = net.conv(net.input, 8, (3, 3), of[0])
        x = net.depthwise(x, (3, 5), of[1])
        y = net.conv(x, 8, (3, 3), of[2])
        x = net.conv(x, 8, (1, 1), of[3])
        if net.shape(x) != net.shape(y):
            raise GraphError("the branches differ, and strides make no addition a broadcast one")
        x = net.add(x, y)
        net.dense(net.flatten(net.pool(x)), 4, relu=False, norm=False)
        return net

    base = built((1, 1), (2, 1), (1, 1), (1, 1)).build()
    names = [layer.name for layer in base.layers if layer.kernel != (1, 1) or layer.kind.name == "CONV"][:4]
    asked = dict(zip(names, strides, strict=True))
    try:
        expected = built(*strides).build()
    except GraphError:
        with pytest.raises(GraphError):
            restrided(base, asked)
        return
    found = restrided(base, asked)
    assert (found.groups, found.tensors, found.layers) == (expected.groups, expected.tensors, expected.layers)
    assert found.whole == base.macs(base.full)


@pytest.mark.parametrize("stride", [(1, 1), (2, 1), (2, 2)])
def test_layers_after_a_stride_follow_it_as_if_built_so(stride: tuple[int, int]) -> None:
    def built(of: tuple[int, int]) -> Builder:
        net = Builder(3, 16, 16)
        x = net.conv(net.input, 8, (3, 3), of, dilation=(2, 1))
        x = net.multiply(x, net.conv(net.pool(x), 8, (1, 1)))
        x = net.concat([net.conv(x, 4, (3, 3), groups=2), net.prelu(x)])
        x = net.upsample(net.pool(x, (2, 2)), (2, 1))
        x = net.layer_norm(net.transposed(x, 6, (4, 3), (2, 1), (1, 1, 1, 1)))
        q, k, v = (
            net.conv(each, 6, (1, 1), relu=False) for each in (x, net.pool(x, (2, 2)), net.pool(x, (2, 2)))
        )
        y = net.attention(q, k, v, 3)
        net.dense(net.concat([net.first(y), net.pool(y)]), 4, relu=False, norm=False)
        return net

    base, expected = built((1, 1)).build(), built(stride).build()
    found = restrided(base, {base.layers[0].name: stride})
    assert (found.groups, found.tensors, found.layers) == (expected.groups, expected.tensors, expected.layers)


@pytest.mark.parametrize("kind", ["embed", "transpose", "reshape"])
def test_layers_with_numbers_for_each_position_refuse_other_strides(kind: str) -> None:
    net = Builder(3, 8, 8)
    x = net.conv(net.input, 4, (3, 3))
    made = net.reshape(x, 64, 1) if kind == "reshape" else getattr(net, kind)(x)
    net.dense(net.flatten(made), 4, relu=False, norm=False)
    graph = net.build()
    with pytest.raises(GraphError, match="keep the strides before it"):
        restrided(graph, {graph.layers[0].name: (2, 2)})


@pytest.mark.parametrize("name", NETS)
def test_the_same_strides_change_nothing(name: str) -> None:
    graph = by_name(name)
    same = restrided(graph, {x.name: x.stride for x in graph.layers if max(x.kernel) > 1})
    assert (same.tensors, same.layers) == (graph.tensors, graph.layers)
    assert restrided(graph, {}) is graph


def test_a_net_whose_features_are_flattened_reads_as_many_as_there_are() -> None:
    graph = restrided(by_name("cnn-s"), {by_name("cnn-s").layers[0].name: (2, 2)})
    with torch.no_grad():
        assert ElasticNet(graph).eval()(torch.zeros(2, 49, 10, 1), 0).shape == (2, 12)


@pytest.mark.parametrize(
    "strides",
    [{"none": (1, 1)}, {"conv0": (0, 1)}, {"conv0": (1,)}, {"conv0": (1, 1, 1)}, {"conv0": (256, 1)},
     {"conv0": (-1, 1)}, {"add3": (1, 1)}, {"conv1": (2, 2)}],
)  # fmt: skip
def test_strides_that_no_net_can_have_are_refused(strides: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(GraphError, match=r"^strides") as caught:
        restrided(by_name("resnet8"), strides)
    assert "\n" not in str(caught.value)


def recipe_of(folder: Path, more: str) -> Path:
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 96), ("validation", 30), ("test", 30)):
        y = rng.integers(0, 3, count)
        arrays |= {f"{part}_y": y, f"{part}_x": rng.normal(0, 1, (count, 8, 8, 1)) + y[:, None, None, None]}
    np.savez(folder / "own.npz", **arrays)
    path = folder / "own.toml"
    path.write_text(
        'net.name = "ds-cnn-s-8x8x1"\ndata.set = "own.npz"\n'
        'subnet = [{ budget = 0.5, name = "a b" }, { budget = 1.0 }]\n'
        f"full = {{ epochs = 1, batch = 16 }}\njoint = {{ epochs = 2, batch = 16 }}\n{more}"
    )
    return path


def test_the_resolution_with_the_least_validation_loss_is_kept(tmp_path: Path) -> None:
    name = by_name("ds-cnn-s-8x8x1").layers[0].name
    path = recipe_of(tmp_path, f"[[alternative]]\nstrides.{name} = [3, 3]\n")
    console = Console(width=100, file=(tmp_path / "shown").open("w", buffering=1))
    pack, _ = reds.build(path, tmp_path / "out", console)
    card = json.loads(pack.with_suffix(".json").read_text())
    shown = (tmp_path / "shown").read_text()
    assert shown.index("strides: its own") < shown.index(f"strides: {name} 3x3") < shown.index("kept")
    told = card["alternatives"]
    assert [each["strides"] for each in told] == [{}, {name: [3, 3]}]
    (kept,) = [each for each in told if each["kept"]]
    assert kept["validation_loss"] == min(each["validation_loss"] for each in told)
    assert kept["validation"] == [row["accuracy"]["validation"] for row in card["subnets"]]
    base = by_name("ds-cnn-s-8x8x1", 3)
    most = [share * base.macs(base.full) for share in (0.5, 1)]
    assert all(row["macs"] <= limit for row, limit in zip(card["subnets"], most, strict=True))
    assert sorted(each.name for each in (tmp_path / "out").iterdir() if "training" in each.name) == []
    sides = restrided(base, {k: tuple(v) for k, v in kept["strides"].items()}).tensors[1]
    loaded = reds.load(pack).model.tensors[1]
    assert (loaded.height, loaded.width) == (sides.height, sides.width)


def test_a_comparison_refuses_a_recipe_of_several_resolutions(tmp_path: Path) -> None:
    name = by_name("ds-cnn-s-8x8x1").layers[0].name
    path = recipe_of(tmp_path, f"[[alternative]]\nstrides = {{ {name} = [1, 2] }}\n")
    with pytest.raises(RecipeError):
        compare(check_recipe(path), [0], tmp_path / "out", QUIET)
    assert not (tmp_path / "out").exists()


def test_a_recipe_is_expanded_into_one_for_each_resolution(tmp_path: Path) -> None:
    name = by_name("ds-cnn-s-8x8x1").layers[0].name
    path = recipe_of(tmp_path, f"[[alternative]]\nstrides = {{ {name} = [1, 2] }}\n")
    first, second = load_recipe(path).variants
    assert (first.net.strides, second.net.strides) == ({}, {name: (1, 2)})
    assert first.alternative == second.alternative == ()
