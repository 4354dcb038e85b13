"""A net without some of its blocks, from a recipe or a module to a pack, its card and what is printed."""

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import nn

import reds
from reds import pack
from reds.data.examples import Examples
from reds.data.options import AugmentationOptions, DataOptions
from reds.elastic.net import nest
from reds.errors import SettingsError
from reds.experiment.method import Method
from reds.experiment.pipeline import train_alone
from reds.graph.subnets import Budget, SubnetSpec
from reds.nesting.importance import score
from reds.pack import interpreter
from reds.training.checkpoint import Checkpoint
from reds.training.options import JointOptions
from reds.training.progress import Progress
from tests.reds.support.command import run
from tests.reds.support.floats import features, random_net
from tests.reds.support.graphs import chain, without
from tests.reds.support.modules import Block, blobs, conv

QUIET = Console(quiet=True)
RECIPE = """net.name = "resnet8-6x6x3"
data.set = "own.npz"
full = { epochs = 1, batch = 32 }
selection = { depth = true }
joint = { epochs = 1, batch = 32 }
subnet = [{ budget = 0.021 }, { budget = 0.5 }, { budget = 1.0 }]
"""


def dataset() -> reds.Dataset:
    return reds.Dataset(train=blobs(96, 0), validation=blobs(24, 1), test=blobs(24, 2))


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reds.experiment.pipeline.SCORED_BATCHES", 1)
    monkeypatch.setattr("reds.quantization.range_search.CALIBRATION", 64)


def test_a_build_leaves_out_a_block_that_a_budget_has_no_room_for(tmp_path: Path) -> None:
    x, y = (each.numpy() for each in blobs(128, 0))
    pictures = np.moveaxis(x[:, :, :6, :6], 1, 3)
    np.savez(tmp_path / "own.npz", train_x=pictures[:96], train_y=y[:96], test_x=pictures[96:], test_y=y[96:])
    (tmp_path / "deep.toml").write_text(RECIPE)
    status, output = run("build", tmp_path / "deep.toml", "--out", tmp_path)
    assert status == 0, output
    assert "2.1% leaves out conv1, conv2, add3" in output
    card = json.loads((tmp_path / "deep.json").read_text())
    assert [subnet["widths"][2] for subnet in card["subnets"]][::2] == [0, 16]
    assert card["selection"]["depth"] is True
    assert len(pack.load(tmp_path / "deep.reds").subnets[0].steps) == 12
    (tmp_path / "deep.toml").write_text(RECIPE.replace("depth = true", "depth = false"))
    status, output = run("build", tmp_path / "deep.toml", "--out", tmp_path)
    assert status == 1
    assert "0.021" in output


def test_a_module_of_the_user_loses_its_block_and_the_pack_answers_as_the_net_did(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(
        conv(3, 8), nn.ReLU(), Block(8, 8, 1), Block(8, 8, 1), nn.Flatten(), nn.Linear(8 * 144, 4)
    )
    result = reds.compress(
        reds.from_module(module, (3, 12, 12)), dataset(), budgets=[0.05, 1.0], epochs=2, console=QUIET,
        selection=reds.SelectionOptions(depth=True),
    )  # fmt: skip
    assert result.subnets[0].widths.count(0) == 2
    loaded = pack.load(result.save(tmp_path / "net.reds"))
    assert loaded.subnets[0].stands == {4: 1, 7: 1}
    x = result.data.test_x.reshape(24, -1)
    for i, hits in enumerate(result.answers.hits):
        assert (interpreter.run(loaded, i, x).argmax(1) == result.data.test_y).tolist() == hits.tolist()


def test_a_subnet_without_blocks_trains_alone() -> None:
    graph, stored = chain(2).resized((3, 8, 12, 12, 4)), blobs(64, 0)
    x = stored[0][:, :, :6, :6]
    data = reds.Dataset.split(x, stored[1]).stored("net", 0)
    examples = Examples(data, DataOptions("net"), AugmentationOptions())
    method = Method("net", (Budget(1.0),), full=None, joint=JointOptions(epochs=1, batch=16))
    subnet = SubnetSpec("50%", Budget(0.5), without(graph, 1))
    trained = train_alone(graph, subnet, examples, method, Progress(QUIET, []), Checkpoint())
    assert [step.layer for step in trained.model.subnets[0].steps] == [*range(len(trained.model.layers))]
    assert trained.model.macs(0) == graph.macs(subnet.widths)


def answered(net: reds.ElasticNet, size: int = 20, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Features with the net's own answers, so that it knows less without a block."""
    x = features(net.graph, size, seed)
    return x, net(x, 0).argmax(1)


def shares(net: reds.ElasticNet, n: int = 2, size: int = 20) -> list[float]:
    found = score(net, [answered(net, size, i) for i in range(n)], depth=True).identity
    assert found is not None
    return list(found)


def test_an_identity_has_all_of_the_importance_of_a_block_that_adds_nothing() -> None:
    net = random_net(chain(2), 3)
    last = net.subnet_affines(0)[net.graph.blocks[1].add - 1]
    assert isinstance(last, nn.BatchNorm1d)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    of_input, of_stem, first, second, of_classes = shares(net)
    assert of_input == of_stem == of_classes == 0.0
    assert 0 < first < 1
    assert second == 1.0


def test_an_identity_has_the_share_of_probability_that_is_left_without_the_block() -> None:
    net = random_net(chain(1), 5)
    x, y = answered(net)
    losses = []
    for widths in (net.graph.full, without(net.graph, 0)):
        small = nest(net, [SubnetSpec("a", Budget(), widths)]).train()
        losses.append(float(nn.functional.cross_entropy(small(x, 0), y).detach()))
    (identity,) = [share for share in shares(net, n=1) if share]
    assert losses[0] < losses[1]
    assert identity == pytest.approx(np.exp(losses[0] - losses[1]), rel=1e-5)


def test_shares_of_identities_are_measured_where_asked_for_and_leave_the_net_as_it_is() -> None:
    net = random_net(chain(1))
    x, y = answered(net)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    assert score(net, [(x, y)]).identity is None
    score(net, [(x[:1], y[:1])], depth=True)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    magnitude = score(net, [(x, y)], measure="magnitude", depth=True).identity
    assert magnitude is not None
    assert magnitude.tolist() == pytest.approx(shares(net, n=1))
    with pytest.raises(SettingsError):
        score(net, [], measure="magnitude", depth=True)


def test_a_net_without_blocks_is_built_with_a_note() -> None:
    x, y = blobs(48, 0)
    console = Console(record=True, file=StringIO(), width=200)
    result = reds.compress(
        "dnn-s-1x1x144", reds.Dataset.split(x.mean(1).flatten(1), y), budgets=[0.5], epochs=1,
        selection=reds.SelectionOptions(depth=True), console=console,
    )  # fmt: skip
    assert 0 not in result.subnets[0].widths
    assert "no residual block" in console.export_text()


def test_depth_in_a_recipe_is_true_or_false(tmp_path: Path) -> None:
    (tmp_path / "deep.toml").write_text(RECIPE.replace("depth = true", 'depth = "all"'))
    status, output = run("build", tmp_path / "deep.toml", "--out", tmp_path)
    assert status != 0
    assert "depth" in output
