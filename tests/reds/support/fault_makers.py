"""Calls that each meet one mistake, for the table of faults."""

import hashlib
import json
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import nn

import reds
from reds import pack
from reds.data.catalog import SETS
from reds.data.user_files import load_user_data
from reds.elastic.net import ElasticNet
from reds.elastic.standardized import read_standardized
from reds.experiment.prepare import check_recipe
from reds.experiment.recipe_file import parse_recipe
from reds.fixtures import fixtures_dir
from reds.graph import Widths
from reds.graph.builder import Builder
from reds.graph.subnets import Budget, SubnetSpec, full_subnet
from reds.nesting.select import select
from reds.pack.costs import attach, costs_of
from reds.pack.model import Kind, Model
from reds.pack.scale import UNCHANGED, Standardization
from reds.pack.validate import validate_model
from reds.pack.version1 import convert_file
from reds.training.options import JointOptions
from reds.zoo import by_name
from tests.reds.support.graphs import random_scores
from tests.reds.support.modules import Calls, conv
from tests.support.nets import Maker, dense_model

Fault = Callable[[Path], object]
NET = dense_model([8, 6, 4], [[3, 4], [6, 4]])
DNN = by_name("dnn-s")
X = np.random.default_rng(0).normal(0, 1, (30, 2, 3, 4)).astype(np.float32)
Y = np.repeat(np.arange(3), 10)
QUIET = Console(quiet=True)
FAR = Standardization((80.0, 3.0), (13.0, 400.0))
SHORTEST = """name = "mine"
net = { name = "dnn-s" }
data.set = "speech-commands"
subnet = [{ budget = 1.0 }]
"""


def data(**changed: Any) -> Fault:
    arrays = {"train_x": X, "train_y": Y, "test_x": X, "test_y": Y} | changed
    return lambda _: reds.Dataset(
        (arrays["train_x"], arrays["train_y"]), (arrays["test_x"], arrays["test_y"]),
        classes=changed.get("classes"),
    ).stored("mine")  # fmt: skip


def recipe(old: str, new: str) -> Fault:
    return lambda _: parse_recipe(SHORTEST.replace(old, new), "mine.toml")


def prepared(old: str, new: str) -> Fault:
    def run(folder: Path) -> object:
        path = folder / "mine.toml"
        path.write_text(SHORTEST.replace(old, new))
        return check_recipe(path)

    return run


def written(name: str, content: bytes, read: Callable[[Path], object]) -> Fault:
    def run(folder: Path) -> object:
        (folder / name).write_bytes(content)
        return read(folder / name)

    return run


def attached(**changed: Any) -> Fault:
    """Attach costs with other fields to the shipped pack."""
    names = ("25%", "50%", "75%", "100%")
    rows = [{"label": name, "us": 100.0 * i} for i, name in enumerate(names, 1)]
    sha256 = hashlib.sha256((fixtures_dir() / "kws-dnn-s.reds").read_bytes()).hexdigest()
    board = {"target": "nano33ble", "provenance": "emulated", "run": "r", "subnets": rows}
    table = {"pack": "kws-dnn-s", "pack_sha256": sha256, "boards": {"nano (emulated)": board}}

    def run(folder: Path) -> object:
        for suffix in (".reds", ".json"):
            shutil.copy(fixtures_dir() / f"kws-dnn-s{suffix}", folder)
        rows[1] |= {key: value for key, value in changed.items() if key in ("us", "label")}
        other = {key: value for key, value in changed.items() if key in table}
        (folder / "costs.json").write_text(json.dumps({**table, **other}))
        return attach(folder / "kws-dnn-s.reds", folder / "costs.json")

    return run


def costs_of_none(folder: Path) -> object:
    for suffix in (".reds", ".json"):
        shutil.copy(fixtures_dir() / f"kws-dnn-s{suffix}", folder)
    return costs_of(folder / "kws-dnn-s.reds", "nano33ble")


def npz(**changed: Any) -> Fault:
    def run(folder: Path) -> object:
        arrays = {"train_x": X, "train_y": Y, "test_x": X, "test_y": Y} | changed
        np.savez(folder / "mine.npz", **{key: value for key, value in arrays.items() if value is not None})
        return load_user_data(folder / "mine.npz", 0)

    return run


def sealed(at: int, code: str, value: int) -> bytes:
    data = bytearray(pack.dumps(NET))
    struct.pack_into("<" + code, data, at, value)
    struct.pack_into("<I", data, 12, zlib.crc32(data[16:]))
    return bytes(data)


def windows() -> Model:
    maker = Maker(1024, 1024, 1)
    maker.add(Kind.MAX_POOL, 0, (255, 255))
    return maker.build([[]])


def many_large_layers() -> Model:
    maker = Maker(2048, 2048, 1)
    for _ in range(16):
        maker.add(Kind.MAX_POOL, 0)
    return maker.build([[]])


def layer(index: int, **changes: Any) -> Fault:
    layers = list(NET.layers)
    layers[index] = replace(layers[index], **changes)
    return lambda _: validate_model(replace(NET, layers=tuple(layers)))


def step(subnet: int, index: int, **changes: Any) -> Fault:
    subnets, steps = list(NET.subnets), list(NET.subnets[subnet].steps)
    steps[index] = replace(steps[index], **changes)
    subnets[subnet] = replace(subnets[subnet], steps=tuple(steps))
    return lambda _: validate_model(replace(NET, subnets=tuple(subnets)))


def subnet(**changes: Any) -> Fault:
    return model(subnets=(replace(NET.subnets[0], **changes), *NET.subnets[1:]))


def converted(path: Path) -> int:
    return convert_file(path, path)


def model(**changes: Any) -> Fault:
    changed: Model = replace(NET, **changes)
    return lambda _: validate_model(changed)


def module(forward: Callable[..., Any], shape: tuple[int, ...] = (3, 6, 6), **layers: nn.Module) -> Fault:
    return lambda _: reds.from_module(Calls(forward, **({"a": conv()} | layers)), shape)


def with_weight(value: float) -> Fault:
    module = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2))
    nn.init.constant_(module[2].weight, value)
    return lambda _: reds.from_module(module, (8,))


def ran(x: Any, subnet: str | int = 0) -> Fault:
    return lambda _: reds.Pack(Path("mine.reds"), NET, "", None).run(x, subnet=subnet)


def budgets(*budgets: float | reds.Budget, **how: Any) -> Fault:
    return lambda _: select(DNN, random_scores(DNN, 0), budgets, **how)


def nested(widths: Widths) -> Fault:
    net = ElasticNet(by_name("resnet8"))
    return lambda _: reds.nest(net, [SubnetSpec("25%", Budget(0.25), widths), full_subnet(net.graph)])


def diverging(_: Path) -> object:
    module = nn.Sequential(nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 3))
    data, how = reds.Dataset.split(X.reshape(30, 24), Y), JointOptions(rate=1e30, batch=8)
    return reds.compress(
        reds.from_module(module, (24,)), data, budgets=[1.0], epochs=1, training=how, console=QUIET
    )


def of_shape(*shape: int) -> Fault:
    module = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), 3))
    return lambda _: reds.compress(
        reds.from_module(module, shape), reds.Dataset.split(X, Y), budgets=[1.0], epochs=1, console=QUIET
    )


def compressed(**given: Any) -> Fault:
    data = reds.Dataset.split(X.reshape(30, 24), Y)
    arguments = {"net": "dnn-s-1x1x24", "data": data, "budgets": [1.0], "console": QUIET} | given
    return lambda _: reds.compress(**arguments)


def quantized(*told: Standardization, data: Standardization = UNCHANGED) -> Fault:
    """Tell a net of some standardizations, and quantize it for data of another one."""

    def run(_: Path) -> object:
        net = reds.from_module(nn.Sequential(nn.Linear(2, 3)), input_shape=(2,))
        for each in told:
            read_standardized(net, each)
        source = replace(SETS["cifar-10"], standardization=data)
        return reds.quantize(net, name="mine", ranges=np.ones((1, 1, 2)), source=source)

    return run


def builder(add: Callable[[Builder, int], object]) -> Fault:
    net = Builder(3, 8, 8)
    return lambda _: add(net, net.conv(net.input, 16, (3, 3)))


def folder(folder: Path) -> object:
    for name in ("heads", "tails"):
        (folder / "mine" / name).mkdir(parents=True)
    (folder / "mine" / "heads" / "a.txt").write_text("text")
    return load_user_data(folder / "mine", 0)


def table(folder: Path) -> object:
    for name in ("heads/b.png", "tails/a.png", "tails/notes.csv"):
        (folder / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "mine" / name).touch()
    return load_user_data(folder / "mine", 0)


@contextmanager
def same_random_numbers() -> Iterator[None]:
    """Modules made inside have the same weights each time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


SHIPPED = (fixtures_dir() / "kws-dnn-s.reds").read_bytes()
NAN = X.copy()
NAN[3, 1, 2, 0] = np.nan
TIMES = b'{"board": "desk", "layers": {"dense0": {"units": [[8, 4], [4]], "us": [[1.0], [2.0]]}}}'
