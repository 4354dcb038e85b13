"""The programs of the page on one's own network run, one after the other, as a reader would type them."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

import reds
from reds.data.options import DataOptions
from reds.strict_tables import parse_table
from tests.reds.support.onnx_files import exported
from tests.reds.support.own import words

PAGE = Path(__file__).parents[1] / "docs" / "network.md"


def programs(name: str) -> list[str]:
    """Code blocks of the page that are marked with a name, in order."""
    return re.findall(rf'^```python {{test="{name}"}}\n(.*?)^```', PAGE.read_text(), re.DOTALL | re.MULTILINE)


def pictures(n: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Noisy pictures [n, 3, 12, 12] of four classes, each bright in another corner."""
    y = np.arange(n) % 4
    x = np.random.default_rng(seed).normal(0, 0.5, (n, 3, 12, 12)).astype(np.float32)
    for picture, label in zip(x, y, strict=True):
        picture[:, 6 * (label // 2) :, 6 * (label % 2) :][:, :6, :6] += 1
    return x, y


def given() -> dict[str, Any]:
    """The names that the page takes for granted: a module and its data."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.AvgPool2d(3), nn.Flatten(), nn.Linear(32, 4),
    )  # fmt: skip
    (x, y), (vx, vy), (tx, ty) = pictures(400, 0), pictures(100, 1), pictures(200, 2)
    return {"module": module, "x": x, "y": y, "vx": vx, "vy": vy, "tx": tx, "ty": ty}


def share_right(outputs: NDArray[Any], labels: Sequence[int]) -> float:
    """Share of outputs [N, classes] whose largest is that of the label."""
    return float(np.mean(outputs.argmax(1) == labels))


def test_module_becomes_a_pack_that_is_as_accurate_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scope = given()
    for program in programs("network"):
        exec(program, scope)
    pack = scope["pack"]
    assert [subnet.name for subnet in pack.subnets] == ["25%", "50%", "100%"]
    for subnet in pack.subnets:
        assert subnet.accuracy > 0.8
        right = share_right(pack.run(scope["tx"], subnet=subnet.name), scope["ty"])
        assert right == pytest.approx(subnet.accuracy, abs=0.011)  # the test part in int8, rounded


def test_tables_of_ones_own_data_are_options_of_a_recipe() -> None:
    tables = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    data = [tomllib.loads(each)["data"] for each in tables]
    read = [parse_table(each, DataOptions, "network.md", ValueError) for each in data]
    assert [each.sounds.seconds for each in read] == [1.0, None]
    assert [each.series.columns for each in read] == [(), ("x", "y", "z")]


def test_groups_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for file in words(tmp_path / "sounds").rglob("*.wav"):
        file.rename(file.with_name(file.name.replace("_", "_nohash_")))
    scope = {"reds": reds, **given(), "patients": np.arange(400) // 20}
    (program,) = programs("groups")
    exec(program, scope)
    assert scope["data"].raw().split.startswith("of 4 groups 1 test")


def test_a_column_of_sounds_becomes_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = sorted(words(tmp_path / "recorded").rglob("*.wav"))
    names = [file.parent.name for file in files]
    table = datasets.Dataset.from_dict({"audio": [str(file) for file in files], "label": names})
    given = table.cast_column("audio", datasets.Audio()).cast_column(
        "label", datasets.ClassLabel(names=sorted(set(names)))
    )
    monkeypatch.chdir(tmp_path)
    (program,) = programs("sounds")
    exec(program, {"words": given})
    assert reds.Dataset.read("sounds/").raw().classes == tuple(sorted(set(names)))


def test_an_onnx_file_becomes_a_net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exported(given()["module"], (3, 12, 12), Path("mine.onnx"))
    scope: dict[str, Any] = {"reds": reds}
    (program,) = programs("onnx")
    exec(program, scope)
    assert isinstance(scope["net"], reds.ElasticNet)


@pytest.mark.long
def test_a_model_of_keras_becomes_a_net(tmp_path: Path) -> None:
    (program,) = programs("keras")
    backend, rest = program.split("import keras\n")
    model = """
layers = keras.layers
model = keras.Sequential([
    layers.Input((12, 12, 3)),
    layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False),
    layers.BatchNormalization(),
    layers.ReLU(max_value=6),
    layers.DepthwiseConv2D(3, padding="same", activation="relu"),
    layers.Conv2D(8, 1, activation="relu"),
    layers.MaxPooling2D(),
    layers.Flatten(),
    layers.Dropout(0.2),
    layers.Dense(4, activation="softmax"),
])
model.save("mine.keras")
"""
    ends = """
print([layer.kind.name for layer in net.graph.layers])
try:
    reds.from_module(model, (3, 12, 12))
except reds.RedsError as error:
    print(error)
"""
    code = f"{backend}import keras\n{model}{rest}{ends}"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    kinds, refusal = done.stdout.splitlines()[-2:]
    assert kinds == str(["CONV", "DEPTHWISE", "CONV", "MAX_POOL", "FLATTEN", "DENSE"])
    assert "Keras" in refusal
    assert "from_onnx" in refusal


def test_stages_one_by_one_give_a_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scope = given()
    scope["data"] = reds.Dataset(train=(scope["x"], scope["y"]), test=(scope["tx"], scope["ty"]))
    (program,) = programs("stages")
    exec(program, scope)
    pack = reds.load("stages.reds")
    assert [subnet.name for subnet in pack.subnets] == ["25%", "50%", "100%"]
    for subnet in pack.subnets:
        assert share_right(pack.run(scope["tx"], subnet=subnet.name), scope["ty"]) > 0.8
