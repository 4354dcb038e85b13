"""Effects of every key of a recipe on the nets that are trained and on the units of a subnet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import Tensor

from reds.elastic.active import active_weight
from reds.experiment.pipeline import SCORED_EXAMPLES, Trained, random_net, train_nested
from reds.experiment.prepare import Prepared, check_recipe, prepare
from reds.experiment.recipe import Recipe, method_of
from reds.experiment.recipe_file import load_recipe
from reds.graph import Graph
from reds.graph.builder import Builder
from reds.nesting.importance import score
from reds.nesting.select import select
from reds.pack.model import MIXING, WEIGHTED
from reds.training.checkpoint import Checkpoint
from reds.training.progress import Progress
from reds.zoo import RESIZABLE
from tests.reds.support.own import pictures, short_recipe

PHASES = ("[full]", "[joint]", "[int8]")
CHANGES: Mapping[str, Mapping[str, object]] = {
    "[full]": {
        "seed": 1,
        "net.widen": 1.5,
        "data.balanced": True,
        "augmentation.shift_rows": 0,
        "augmentation.shift_columns": 0,
        "augmentation.flip": False,
        "augmentation.mixup": 0.5,
        "full.epochs": 2,
        "full.batch": 10,
        "full.rate": 1e-3,
        "full.weight_decay": 0.5,
        "full.smoothing": 0.1,
        "full.dropout": 0.1,
    },
    "[joint]": {
        "selection.importance": "magnitude",
        "selection.scored": "kernels",
        "selection.objective": "sum",
        "selection.order": "uniform",
        "selection.step": 3,
        "selection.least": 5,
        "joint.epochs": 2,
        "joint.batch": 10,
        "joint.rate": 1e-3,
        "joint.weight_decay": 0.5,
        "joint.smoothing": 0.1,
        "joint.dropout": 0.1,
        "joint.distil": 0.0,
        "joint.norms": "shared",
        "subnet.budget": 0.3,
        "subnet.flash": 1500,
        "subnet.arena": 400,
    },
    "[int8]": {"int8.epochs": 2, "int8.rate": 1e-4},
}
"""For every key another value than the recipe has, under the first phase whose net it changes."""
ELSEWHERE = {
    "name", "subnet.name", "subnet.floor",  # of the pack and its card
    "net.name", "data.set", "data.source", "data.every",  # which examples, and what reads them
    "data.group", "data.sounds", "data.series", "data.task",  # how own data are read and split
    "net.strides", "alternative.strides",  # of named layers
    "selection.depth", "selection.gains",  # of nets with blocks, and of given layers
    "subnet.macs",  # where no share is given
    "device.layout", "device.times", "subnet.latency", "subnet.energy",  # of a board
    "device.board", "device.emulate", "device.boards", "device.energy_per_cycle",  # of one that measures
}  # fmt: skip
"""Keys with tests of their own."""


def tiny(rows: int, columns: int, channels: int) -> Graph:
    """A net of every kind of layer with weights, and a flatten of several sites."""
    net = Builder(channels, rows, columns)
    x = net.depthwise(net.conv(net.input, 12, (3, 3), (2, 2)), (3, 3))
    x = net.flatten(net.conv(x, 16, (1, 1)))
    net.dense(net.dense(x, 20), 5, relu=False, norm=False)
    return net.build()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A recipe of one epoch a phase, beside its pictures."""
    path = pictures(tmp_path_factory.mktemp("method") / "colors.npz", 10).with_name("tiny.toml")
    text = short_recipe(epochs=1).replace("ds-cnn-s", "tiny").replace("fashion-mnist", "colors.npz")
    path.write_text(text.replace("step = 4", "step = 1").replace("least = 24", "least = 1"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RESIZABLE, "tiny", tiny)
        patch.setattr("reds.experiment.pipeline.SCORED_BATCHES", 1)
        patch.setattr("reds.experiment.pipeline.PERCENTILES", (100.0,))
        patch.setattr("reds.quantization.range_search.CALIBRATION", 16)
        yield path


@dataclass(frozen=True)
class Made:
    """Nets that a recipe trained, their preparation, and the best weights of every phase by their names."""

    prepared: Prepared
    trained: Trained
    weights: Mapping[str, Mapping[str, Tensor]]

    def bits(self, phase: str) -> bytes:
        return b"".join(value.numpy().tobytes() for value in self.weights[phase].values())


def made(recipe: Recipe, path: Path) -> Made:
    quiet, kept = Console(quiet=True), Checkpoint()
    prepared = prepare(check_recipe(path, recipe), quiet)
    trained = trained_by(recipe, prepared, kept)
    return Made(prepared, trained, {phase: state["best"]["weights"] for phase, state in kept.phases.items()})


def trained_by(recipe: Recipe, prepared: Prepared, kept: Checkpoint) -> Trained:
    full = random_net(prepared.graph, prepared.examples, recipe.seed)
    progress = Progress(Console(quiet=True))
    return train_nested(full, prepared.examples, method_of(recipe), prepared.profile, progress, kept)


@pytest.fixture(scope="module")
def unchanged(path: Path) -> Made:
    return made(load_recipe(path), path)


def changed(recipe: Recipe, **values: object) -> Recipe:
    """With other values of keys, as in `full__rate`; of a subnet's, the smallest's."""
    for key, value in values.items():
        table, _, name = key.rpartition("__")
        now: Any = getattr(recipe, table) if table else recipe
        if isinstance(now, tuple):
            new: Any = (replace(now[0], **{name: value}), *now[1:])
        else:
            new = replace(now, **{name: value})
        recipe = replace(recipe, **{table: new}) if table else new
    return recipe


@pytest.mark.parametrize(
    ("phase", "key", "value"), [(phase, *each) for phase, of in CHANGES.items() for each in of.items()]
)
def test_a_key_changes_the_nets_from_its_phase_on_and_none_before(
    phase: str, key: str, value: object, path: Path, unchanged: Made
) -> None:
    other = made(changed(load_recipe(path), **{key.replace(".", "__"): value}), path)
    differ = [other.bits(each) != unchanged.bits(each) for each in PHASES]
    assert differ == [PHASES.index(each) >= PHASES.index(phase) for each in PHASES]


def test_the_full_net_teaches_in_the_last_epochs_too(path: Path, unchanged: Made) -> None:
    """From the same trained net on, so that what differs is of these epochs alone."""
    recipe, kept, prepared = load_recipe(path), Checkpoint(), unchanged.prepared
    trained_by(recipe, prepared, kept)
    del kept.phases["[int8]"]
    trained = trained_by(changed(recipe, joint__distil=0.0), prepared, kept)
    bits = Made(prepared, trained, {p: s["best"]["weights"] for p, s in kept.phases.items()})
    assert bits.bits("[joint]") == unchanged.bits("[joint]")
    assert bits.bits("[int8]") != unchanged.bits("[int8]")


def test_no_key_is_without_a_test() -> None:
    keys = set()
    for table, kind in get_type_hints(Recipe).items():
        tables = [each for each in (kind, *get_args(kind)) if is_dataclass(each)]
        keys |= {f"{table}.{field.name}" for each in tables for field in fields(each)} or {table}
    assert keys == ELSEWHERE.union(*CHANGES.values())


def test_rows_that_are_left_out_change_nothing(path: Path) -> None:
    recipe = changed(load_recipe(path), net__name="tiny-6x8x3", data__every=2, augmentation__shift_rows=0)

    def turned(first: int) -> bytes:
        """The nets of pictures with every second row, from the first, turned left to right."""
        with np.load(path.with_name("colors.npz")) as file:
            parts = {name: part.copy() for name, part in file.items()}
        parts["train_x"][:, first::2] = parts["train_x"][:, first::2, ::-1]
        np.savez(path.with_name("turned.npz"), **parts)
        return made(changed(recipe, data__set="turned.npz"), path).bits("[joint]")

    plain = made(recipe, path).bits("[joint]")
    assert turned(1) == plain
    assert turned(0) != plain


@pytest.mark.parametrize(
    "how",
    [
        {"importance": "gradient", "objective": "sum"},
        {"importance": "gradient", "scored": "kernels", "order": "top-down"},
        {"importance": "magnitude", "order": "joint"},
        {"importance": "random", "objective": "balanced", "step": 2, "least": 3},
    ],
    ids=lambda how: "-".join(map(str, how.values())),
)
def test_a_subnet_is_the_top_scored_units_of_the_trained_full_net_in_the_widths_selected(
    how: Mapping[str, object], path: Path
) -> None:
    """After a training together that moves no weight, from which the full net's are told."""
    recipe = changed(load_recipe(path), joint__rate=1e-12, int8=None)
    recipe = changed(recipe, **{f"selection__{key}": value for key, value in how.items()})
    nets, selection = made(recipe, path), recipe.selection
    net, examples = nets.trained.net, nets.prepared.examples
    graph = net.graph
    full = random_net(graph, examples, recipe.seed)
    full.load_state_dict(nets.weights["[full]"])
    seen = [examples.plain(SCORED_EXAMPLES, torch.Generator().manual_seed(recipe.seed))]
    scores = score(full, seen, measure=selection.importance, seed=recipe.seed)
    chosen = select(
        graph, scores.units, method_of(recipe).budgets,
        step=selection.step, least=selection.least, order=selection.order, objective=selection.objective,
        kernels=scores.kernels if selection.scored == "kernels" else None,
    )  # fmt: skip
    assert net.subnets == chosen
    assert len({subnet.widths for subnet in chosen}) == len(recipe.subnet)
    for widths in (subnet.widths for subnet in chosen):
        tops = [
            torch.from_numpy(np.argsort(-score, kind="stable")[:n].copy()) if group.cut else torch.arange(n)
            for group, score, n in zip(graph.groups, scores.units, widths, strict=True)
        ]
        for layer, weight, trained in zip(graph.layers, net.weights, full.weights, strict=True):
            if layer.kind not in WEIGHTED:
                continue
            expected = trained[tops[layer.writes[0].group]]
            if layer.kind in MIXING:
                sites = torch.arange(layer.reads[0].copies)
                expected = expected[
                    :, (tops[layer.reads[0].group][:, None] * layer.reads[0].copies + sites).flatten()
                ]
            torch.testing.assert_close(active_weight(net.graph, layer, weight, widths), expected)
