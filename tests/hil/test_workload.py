import json
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

import reds
from hil.suite import workload
from reds.data.local_files import sha256_of
from reds.errors import PackError
from reds.graph.builder import Builder
from reds.pack import interpreter, save
from reds.pack.model import Kind
from reds.pack.task import Task
from tests.support.nets import Maker

Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[Edit], Path]:
    """The shipped pack in a folder of its own, its card edited."""

    def copy(edit: Edit) -> Path:
        shipped = workload.shipped()
        card = json.loads(shipped.with_suffix(".json").read_text())
        edit(card)
        path = tmp_path / shipped.name
        shutil.copy(shipped, path)
        path.with_suffix(".json").write_text(json.dumps(card))
        return path

    return copy


def test_the_shipped_pack_comes_with_its_clips(copied: Callable[[Edit], Path]) -> None:
    pack = workload.load(copied(lambda card: None))
    assert pack.inputs.shape == (len(pack.truth), 250) == (1859, 250)
    assert pack.inputs.min() >= -127
    assert set(pack.floors) == set(pack.subnets) == {"25%", "50%", "75%", "100%"}
    assert pack.inputs_are == "1,859 labeled examples"


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda card: card.update(pack_sha256="0" * 64), "kws-dnn-s.json is the card of another pack"),
        (lambda card: card["labelled"].update(file="gone.npz"), "gone.npz"),
        (lambda card: card["labelled"].update(sha256="0" * 64), "has another sha256"),
        (lambda card: card.pop("labelled"), "names no labeled set"),
    ],
)
def test_without_its_clips_a_pack_runs_on_seeded_inputs_and_says_why(
    copied: Callable[[Edit], Path], edit: Edit, says: str
) -> None:
    path = copied(edit)
    pack = workload.load(path)
    assert says in pack.unlabeled
    assert pack.inputs_are == f"256 seeded random inputs ({pack.unlabeled})"
    assert not len(pack.truth)
    assert pack.inputs.shape == (256, 250)
    assert (pack.inputs.min(), pack.inputs.max()) == (-127, 127)
    assert np.array_equal(pack.inputs, workload.load(path).inputs)


def test_a_small_pack_of_large_tensors_runs_on_few_inputs(tmp_path: Path) -> None:
    maker = Maker(2048, 2048, 1)
    maker.add(Kind.MAX_POOL)
    path = tmp_path / "large.reds"
    assert len(save(maker.build([[]] * 64), path)) < 1 << 13
    assert workload.load(path).inputs.shape == (1, 1 << 22)


def test_labeled_examples_with_outputs_of_too_many_bytes_are_refused(
    copied: Callable[[Edit], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = copied(lambda card: None)
    monkeypatch.setattr(workload, "_LABELED_BYTES", 1859 * (250 + 4 * 12))
    assert len(workload.load(path).truth) == 1859
    monkeypatch.setattr(workload, "_LABELED_BYTES", 1859 * (250 + 4 * 12) - 1)
    with pytest.raises(PackError, match=r"kws-dnn-s.reds: its 1,859 labeled examples and all outputs take"):
        workload.load(path)


def test_labels_beyond_the_outputs_are_refused(copied: Callable[[Edit], Path]) -> None:
    path = copied(lambda card: None)
    x, y = np.zeros((3, 250), np.int8), np.array([0, 11, 12], np.uint8)
    for labels, refused in ((y.clip(max=11), False), (y, True)):
        np.savez(path.with_name("set.npz"), x=x, y=labels)
        card = json.loads(path.with_suffix(".json").read_text())
        card["classes"] = []
        card["labelled"] = {
            "file": "set.npz",
            "sha256": sha256_of(path.with_name("set.npz")),
            "every": 1,
            "clips": 3,
        }
        path.with_suffix(".json").write_text(json.dumps(card))
        with (
            pytest.raises(PackError, match="needs 13 outputs, the pack has 12") if refused else nullcontext()
        ):
            assert len(workload.load(path).truth) == 3


def test_a_card_without_floors_is_refused(copied: Callable[[Edit], Path]) -> None:
    with pytest.raises(PackError, match=r"its card states no floor for each of its subnets: floor of subnet"):
        workload.load(copied(lambda card: card["subnets"][2].pop("floor")))


def test_a_card_that_is_no_json_is_named(copied: Callable[[Edit], Path]) -> None:
    path = copied(lambda card: None)
    path.with_suffix(".json").write_text("{")
    with pytest.raises(PackError, match=r"kws-dnn-s.json: cannot read the pack's card"):
        workload.load(path)


def regression(n: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    x = np.random.default_rng(n).uniform(-1, 1, (n, 6)).astype(np.float32)
    return x, 100 * x[:, :2] - 40


def with_odd_ones(n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    x = np.random.default_rng(n).normal(size=(n, 6)).astype(np.float32)
    return x, np.arange(n) % 2


@pytest.mark.parametrize("task", ["values", "anomalies"])
def test_the_score_of_another_task_is_the_one_on_the_card(task: Task, tmp_path: Path) -> None:
    net = Builder(6)
    net.dense(net.dense(net.input, 8), 2 if task == "values" else 6, relu=False, norm=False)
    x, y = regression(60)
    train = (x, y) if task == "values" else (x, np.zeros(60, int))
    data = reds.Dataset(train, regression(40) if task == "values" else with_odd_ones(40), task=task)
    result = reds.compress(net.build(), data, budgets=[1.0], epochs=1, console=Console(quiet=True))
    work = workload.load(result.save(tmp_path / "it"))
    outputs = interpreter.run(work.model, 0, work.inputs[: len(work.truth)])
    assert (work.task, len(work.truth), len(work.classes)) == (task, 40, 0)
    assert work.score(outputs, "100%") == pytest.approx(result.subnets[0].labeled_accuracy, abs=1e-6)
