"""Mistakes that users make, each of which raises one error; every one gets a fresh folder."""

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
import torch.nn.functional as F  # noqa: N812
from rich.console import Console
from torch import nn
from torch.jit import ScriptModule

import reds
from reds import pack
from reds.data.catalog import SETS
from reds.data.labeled import find_labeled
from reds.data.user_files import load_user_data
from reds.elastic.net import ElasticNet
from reds.elastic.standardized import read_standardized
from reds.experiment.prepare import check_recipe
from reds.experiment.recipe_file import load_recipe, parse_recipe
from reds.fixtures import fixtures_dir
from reds.graph import Widths
from reds.graph.builder import Builder
from reds.graph.subnets import Budget, SubnetSpec, full_subnet
from reds.nesting.cost.latency import Latency
from reds.nesting.cost.latency import load as load_times
from reds.nesting.select import select
from reds.pack.costs import attach, costs_of
from reds.pack.layouts import LAYOUTS
from reds.pack.model import Activation, Arena, Kind, Model, TensorShape
from reds.pack.scale import UNCHANGED, Standardization
from reds.pack.validate import validate_model
from reds.pack.version1 import convert_file
from reds.training.options import JointOptions
from reds.zoo import by_name
from tests.reds.support.data_faults import DATA_FAULTS
from tests.reds.support.graphs import random_scores
from tests.reds.support.module_faults import MODULE_FAULTS
from tests.reds.support.modules import Calls, conv, head
from tests.reds.support.version1 import version1
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


def _data(**changed: Any) -> Fault:
    arrays = {"train_x": X, "train_y": Y, "test_x": X, "test_y": Y} | changed
    return lambda _: reds.Dataset(
        (arrays["train_x"], arrays["train_y"]), (arrays["test_x"], arrays["test_y"]),
        classes=changed.get("classes"),
    ).stored("mine")  # fmt: skip


def _recipe(old: str, new: str) -> Fault:
    return lambda _: parse_recipe(SHORTEST.replace(old, new), "mine.toml")


def _prepared(old: str, new: str) -> Fault:
    def run(folder: Path) -> object:
        path = folder / "mine.toml"
        path.write_text(SHORTEST.replace(old, new))
        return check_recipe(path)

    return run


def _written(name: str, content: bytes, read: Callable[[Path], object]) -> Fault:
    def run(folder: Path) -> object:
        (folder / name).write_bytes(content)
        return read(folder / name)

    return run


def _attached(**changed: Any) -> Fault:
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


def _costs_of_none(folder: Path) -> object:
    for suffix in (".reds", ".json"):
        shutil.copy(fixtures_dir() / f"kws-dnn-s{suffix}", folder)
    return costs_of(folder / "kws-dnn-s.reds", "nano33ble")


def _npz(**changed: Any) -> Fault:
    def run(folder: Path) -> object:
        arrays = {"train_x": X, "train_y": Y, "test_x": X, "test_y": Y} | changed
        np.savez(folder / "mine.npz", **{key: value for key, value in arrays.items() if value is not None})
        return load_user_data(folder / "mine.npz", 0)

    return run


def _sealed(at: int, code: str, value: int) -> bytes:
    data = bytearray(pack.dumps(NET))
    struct.pack_into("<" + code, data, at, value)
    struct.pack_into("<I", data, 12, zlib.crc32(data[16:]))
    return bytes(data)


def _windows() -> Model:
    maker = Maker(1024, 1024, 1)
    maker.add(Kind.MAX_POOL, 0, (255, 255))
    return maker.build([[]])


def _many_large_layers() -> Model:
    maker = Maker(2048, 2048, 1)
    for _ in range(16):
        maker.add(Kind.MAX_POOL, 0)
    return maker.build([[]])


def _layer(index: int, **changes: Any) -> Fault:
    layers = list(NET.layers)
    layers[index] = replace(layers[index], **changes)
    return lambda _: validate_model(replace(NET, layers=tuple(layers)))


def _step(subnet: int, index: int, **changes: Any) -> Fault:
    subnets, steps = list(NET.subnets), list(NET.subnets[subnet].steps)
    steps[index] = replace(steps[index], **changes)
    subnets[subnet] = replace(subnets[subnet], steps=tuple(steps))
    return lambda _: validate_model(replace(NET, subnets=tuple(subnets)))


def _subnet(**changes: Any) -> Fault:
    return _model(subnets=(replace(NET.subnets[0], **changes), *NET.subnets[1:]))


def _converted(path: Path) -> int:
    return convert_file(path, path)


def _model(**changes: Any) -> Fault:
    changed: Model = replace(NET, **changes)
    return lambda _: validate_model(changed)


def _module(forward: Callable[..., Any], shape: tuple[int, ...] = (3, 6, 6), **layers: nn.Module) -> Fault:
    return lambda _: reds.from_module(Calls(forward, **({"a": conv()} | layers)), shape)


def _with_weight(value: float) -> Fault:
    module = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2))
    nn.init.constant_(module[2].weight, value)
    return lambda _: reds.from_module(module, (8,))


def _ran(x: Any, subnet: str | int = 0) -> Fault:
    return lambda _: reds.Pack(Path("mine.reds"), NET, "", None).run(x, subnet=subnet)


def _budgets(*budgets: float | reds.Budget, **how: Any) -> Fault:
    return lambda _: select(DNN, random_scores(DNN, 0), budgets, **how)


def _nested(widths: Widths) -> Fault:
    net = ElasticNet(by_name("resnet8"))
    return lambda _: reds.nest(net, [SubnetSpec("25%", Budget(0.25), widths), full_subnet(net.graph)])


def _diverging(_: Path) -> object:
    module = nn.Sequential(nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 3))
    data, how = reds.Dataset.split(X.reshape(30, 24), Y), JointOptions(rate=1e30, batch=8)
    return reds.compress(
        reds.from_module(module, (24,)), data, budgets=[1.0], epochs=1, training=how, console=QUIET
    )


def _of_shape(*shape: int) -> Fault:
    module = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), 3))
    return lambda _: reds.compress(
        reds.from_module(module, shape), reds.Dataset.split(X, Y), budgets=[1.0], epochs=1, console=QUIET
    )


def _compressed(**given: Any) -> Fault:
    data = reds.Dataset.split(X.reshape(30, 24), Y)
    arguments = {"net": "dnn-s-1x1x24", "data": data, "budgets": [1.0], "console": QUIET} | given
    return lambda _: reds.compress(**arguments)


def _quantized(*told: Standardization, data: Standardization = UNCHANGED) -> Fault:
    """Tell a net of some standardizations, and quantize it for data of another one."""

    def run(_: Path) -> object:
        net = reds.from_module(nn.Sequential(nn.Linear(2, 3)), input_shape=(2,))
        for each in told:
            read_standardized(net, each)
        source = replace(SETS["cifar-10"], standardization=data)
        return reds.quantize(net, name="mine", ranges=np.ones((1, 1, 2)), source=source)

    return run


def _builder(add: Callable[[Builder, int], object]) -> Fault:
    net = Builder(3, 8, 8)
    return lambda _: add(net, net.conv(net.input, 16, (3, 3)))


def _folder(folder: Path) -> object:
    for name in ("heads", "tails"):
        (folder / "mine" / name).mkdir(parents=True)
    (folder / "mine" / "heads" / "a.txt").write_text("text")
    return load_user_data(folder / "mine", 0)


def _table(folder: Path) -> object:
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

FAULTS: dict[str, Fault] = {
    "data: pixels as bytes": _data(train_x=(9 * X).astype(np.uint8)),
    "data: features of three axes": _data(train_x=X[:, 0]),
    "data: no feature": _data(train_x=X[:, :, :0], test_x=X[:, :, :0]),
    "data: another shape to test on": _data(test_x=X[:, :1]),
    "data: not finite": _data(train_x=NAN),
    "data: very large": _data(train_x=1e7 * X),
    "data: one number": _data(train_x=0 * X + 3),
    "data: labels for fewer": _data(train_y=Y[:-1]),
    "data: a label outside": _data(test_y=Y + 1),
    "data: a class without examples": _data(train_y=np.where(Y == 1, 2, Y)),
    "data: one class": _data(train_y=0 * Y, test_y=0 * Y),
    "data: two classes of one name": _data(classes=["a", "a", "b"]),
    "data: a share of all": lambda _: reds.Dataset.split(X, Y, test=1.0),
    "data: split of fewer labels": lambda _: reds.Dataset.split(X, Y[:-1]),
    "npz: an array missing": _npz(test_y=None),
    "npz: an array too many": _npz(val_x=X),
    "npz: names of Keras": _npz(train_x=None, train_y=None, test_x=None, test_y=None, x_train=X, y_train=Y,
                                x_test=X, y_test=Y),
    "npz: text": _npz(train_x=X.astype(str)),
    "npz: not an npz": _written("mine.npz", b"text", lambda path: load_user_data(path, 0)),
    "own data: not there": lambda folder: load_user_data(folder / "none.npz", 0),
    "folder: text among pictures": _folder,
    "folder: a table among pictures": _table,
    "labeled: not named by the card": lambda folder: find_labeled({}, folder),
    "recipe: not there": lambda folder: load_recipe(folder / "none.toml"),
    "recipe: an unknown key": _recipe("name = \"mine\"", "nam = \"mine\""),
    "recipe: an unknown key like no other": _recipe("budget = 1.0", "budget = 1.0, zz = 1"),
    "recipe: an empty one": lambda _: parse_recipe("", "mine.toml"),
    "recipe: a number of another type": _recipe("1.0", '"all"'),
    "recipe: budgets that do not end full": _recipe("1.0", "0.5"),
    "recipe: an unknown net": _recipe("dnn-s", "dnn-m"),
    "recipe: an unknown net of one's own size": _recipe('"dnn-s"', '"dnns-6x1x1"'),
    "recipe: a budget in percent": _recipe("1.0", "25"),
    "recipe: two equal budgets": _recipe("1.0", "0.5 }, { budget = 0.5"),
    "recipe: a net that is no table": _recipe('{ name = "dnn-s" }', '"dnn-s"'),
    "recipe: budgets as a list": _recipe("[{ budget = 1.0 }]", "[0.5, 1.0]"),
    "recipe: UTF-16, as PowerShell writes": _written("mine.toml", SHORTEST.encode("utf-16"), load_recipe),
    "recipe: Latin-1": _written("mine.toml", b"# f\xfcr Ann", load_recipe),
    "recipe: latency without times": _recipe("1.0", "0.5, latency = 9.0 }, { budget = 1.0"),
    "recipe: energy without that of a cycle": _recipe(
        "1.0 }]", "0.5, energy = 9.0 }, {}]\ndevice = { layout = 'neon', times = 't.json' }"
    ),
    "recipe: MACs said twice": _recipe("1.0", "0.5, macs = 900 }, { budget = 1.0"),
    "recipe: no MACs": _recipe("1.0", "0.5 }, { macs = 1 }, { budget = 1.0"),
    "recipe: a subnet without a budget": _recipe("1.0", "0.5 }, { floor = 0.2 }, { budget = 1.0"),
    "recipe: less arena than before": _recipe("1.0", "0.5, arena = 9 }, { arena = 8 }, { budget = 1.0"),
    "recipe: a limit of the full net": _recipe("1.0", "0.5 }, { arena = 8"),
    "recipe: a long name of a subnet": _recipe("1.0", "1.0, name = 'the whole'"),
    "recipe: two subnets of one name": _recipe("1.0", "0.5, name = 'a' }, { name = 'a'"),
    "recipe: a board and a layout": _recipe("1.0 }]", "1.0 }]\ndevice = { board = 'a', layout = 'neon' }"),
    "recipe: a device without a layout": _recipe("1.0 }]", "1.0 }]\ndevice = { times = 't.json' }"),
    "recipe: an emulator of nothing": _recipe("1.0 }]", "1.0 }]\ndevice = { emulate = true }"),
    "recipe: a net of other inputs": _prepared('"dnn-s"', '"ds-cnn-s-28x28x1"'),
    "recipe: a budget too small": _prepared("subnet = [", "data.every = 2\nsubnet = [{ budget = 0.001 }, "),
    "budget: too small": _budgets(0.001),
    "budget: bytes too few": _budgets(reds.Budget(flash=1000)),
    "budget: not ascending": _budgets(0.5, 0.25),
    "budget: latency without times": _budgets(reds.Budget(latency=1.0)),
    "budget: energy without that of a cycle": _budgets(
        reds.Budget(energy=1.0), profile=reds.TargetProfile(latency=Latency("desk", {}, 64e6))
    ),
    "budget: an energy of no cycle": lambda _: reds.TargetProfile(energy_per_cycle=0),
    "budget: not a number": _budgets(reds.Budget(latency=float("nan"))),
    "budget: falling": _budgets(reds.Budget(latency=9.0), reds.Budget(latency=8.0)),
    "budget: fewer MACs than before": _budgets(reds.Budget(macs=0.5), reds.Budget(macs=900)),
    "budget: an empty name": _budgets(reds.Budget(flash=9, name="")),
    "budget: all units needed": _budgets(0.5, least=4000),
    "budget: steps of nothing": _budgets(0.5, step=0),
    "blocks: shares beyond 1": _budgets(0.5, depth=True, identity=[80.0] * 5),
    "blocks: a group outside of any": _nested((3, 16, 16, 0, 32, 64, 64, 10)),
    "costs: of another pack": _attached(pack_sha256="0" * 64),
    "costs: falling": _attached(us=1.0),
    "costs: not a number": _attached(us=float("nan")),
    "costs: of other subnets": _attached(label="40%"),
    "costs: none attached": _costs_of_none,
    "times: not there": lambda folder: load_times(folder / "none.json"),
    "times: descending units": _written("times.json", TIMES, load_times),
    "compress: examples of another shape": _of_shape(2, 3, 5),
    "compress: diverged": _diverging,
    "compress: a long name": _compressed(name="a" * 40),
    "compress: one budget": _compressed(budgets=0.5),
    "compress: budgets as text": _compressed(budgets=["25%"]),
    "compress: too many budgets": _compressed(budgets=[1.0] * 65),
    "compress: bytes of nothing": _compressed(budgets=[reds.Budget(flash=0)]),
    "compress: a board and a profile": _compressed(board="nano33ble", profile=reds.TargetProfile()),
    "compress: an emulator of nothing": _compressed(emulate=True),
    "compress: a board that is a number": _compressed(board=3),
    "compress: half an epoch": _compressed(epochs=1.5),
    "compress: fewer epochs than none": _compressed(full_epochs=-1),
    "compress: a large seed": _compressed(seed=2**70),
    "compress: one example at a time": _compressed(training=JointOptions(batch=1)),
    "compress: a rate as text": _compressed(training=JointOptions(rate="fast")),
    "compress: a misspelled order": _compressed(selection=reds.SelectionOptions(order="top")),
    "compress: a shift off the picture": _compressed(augmentation=reds.AugmentationOptions(shift_rows=1)),
    "compress: a plain module": _compressed(net=nn.Linear(24, 3)),
    "compress: a number as net": _compressed(net=3),
    "compress: a nested net": _compressed(net=reds.ElasticNet(DNN, [full_subnet(DNN)] * 2)),
    "compress: arrays as data": _compressed(data=(X, Y)),
    "stages: not told of standardized features": _quantized(data=FAR),
    "stages: told of features that are as they are": _quantized(FAR),
    "stages: told twice": _quantized(FAR, FAR),
    "stages: told of other features": _quantized(FAR, data=Standardization((1.0, 2.0), (3.0, 4.0))),
    "zoo: an unknown net": lambda _: by_name("resnet"),
    "graph: an addition of other shapes": _builder(lambda net, x: net.add(net.input, x)),
    "graph: dense without flatten": _builder(lambda net, x: net.dense(x, 10)),
    "graph: a window too large": _builder(lambda net, x: net.pool(x, (9, 9))),
    "graph: too much padding": _builder(lambda net, x: net.conv(x, 4, (1, 3), padding=(1, 1, 1, 1))),
    "graph: no unit": _builder(lambda net, x: net.conv(x, 0, (1, 1))),
    "module: a layer that int8 has not": _module(lambda m, x: head(m.act(m.a(x))), act=nn.Sigmoid()),
    "module: a function that int8 has not": _module(lambda m, x: head(torch.tanh(m.a(x)))),
    "module: groups": _module(lambda m, x: head(m.b(x)), b=nn.Conv2d(3, 6, 3, groups=3)),
    "module: dilation": _module(lambda m, x: head(m.b(x)), b=nn.Conv2d(3, 4, 3, dilation=2)),
    "module: a padded pool": _module(lambda m, x: head(m.b(m.a(x))), b=nn.MaxPool2d(3, 2, 1)),
    "module: a norm after a ReLU": _module(lambda m, x: head(m.b(m.a(x).relu())), b=nn.BatchNorm2d(4)),
    "module: dropout at inference": _module(lambda m, x: head(F.dropout(m.a(x)))),
    "module: pictures as output": _module(lambda m, x: m.a(x)),
    "module: an input of two sides": _module(lambda m, x: head(m.a(x)), (6, 6)),
    "module: an input of one number": lambda _: reds.from_module(nn.Linear(10, 3), input_shape=10),
    "module: lazy": _module(lambda m, x: m.b(head(m.a(x))), b=nn.LazyLinear(5)),
    "module: an ONNX file": lambda _: reds.from_module("mine.onnx", (8,)),  # type: ignore[arg-type]
    "module: a checkpoint": lambda _: reds.from_module("mine.pth", (8,)),  # type: ignore[arg-type]
    "module: a state dict": lambda _: reds.from_module(nn.Linear(8, 3).state_dict(), (8,)),  # type: ignore[arg-type]
    "onnx: a missing file": lambda folder: reds.from_onnx(folder / "mine.onnx"),
    "module: compiled to TorchScript": lambda _: reds.from_module(ScriptModule(), (8,)),
    "module: a weight that is nan": _with_weight(float("nan")),
    "module: a window over the pack's limit": _module(
        lambda m, x: head(F.avg_pool2d(m.a(x), (1, 300))), (3, 1, 300)
    ),
    "pack: not there": lambda folder: reds.load(folder / "none.reds"),
    "pack: the home of nobody": lambda _: reds.load("~nobody-here/mine.reds"),
    "pack: cut short": _written("mine.reds", SHIPPED[:-7], reds.load),
    "pack: a bit flipped": _written("mine.reds", SHIPPED[:5000] + b"\x55" + SHIPPED[5001:], reds.load),
    "pack: not a pack": _written("mine.reds", b"text" * 50, reds.load),
    "pack: laid out for a device": lambda _: pack.loads(pack.dumps(NET, [LAYOUTS[1]] * 2), "mine.reds"),
    "pack: features of another shape": _ran(np.zeros((2, 9))),
    "pack: an unknown subnet": _ran(np.zeros((1, 8), np.int8), "30%"),
    "pack: a subnet beyond the last": _ran(np.zeros((1, 8), np.int8), 2),
    "pack: of format version 1": _written("mine.reds", version1(NET), reds.load),
    "pack: converted twice": _written("mine.reds", pack.dumps(NET), _converted),
    "pack: converted into itself": _written("mine.reds", version1(NET), _converted),
    "pack: a zero point that its step has not": lambda _: pack.loads(_sealed(264, "b", 17), "mine.reds"),
    "pack: sections out of order": lambda _: pack.loads(_sealed(28, "I", 80), "mine.reds"),
    "pack: an arena of odd bytes": lambda _: pack.loads(_sealed(180, "I", 17), "mine.reds"),
    "model: no name": _model(name=""),
    "model: a last layer that is left out": _subnet(steps=NET.subnets[0].steps[:1]),
    "model: a layer that reads what is left out": _subnet(steps=NET.subnets[0].steps[1:]),
    "model: a tensor that stands for one of another shape": _subnet(
        steps=NET.subnets[0].steps[1:], stands={1: 0}
    ),
    "model: an activation table after a ReLU": _step(
        0, 0, activation=Activation(np.zeros(256, np.int8), -127)
    ),
    "model: an activation table with -128": _step(
        0, 1, activation=Activation(np.arange(256).astype(np.int8), 0)
    ),
    "model: a name that moves the cursor": _model(name="net\x1b[2J"),
    "model: a name of a subnet with a line break": _model(subnets=(replace(NET.subnets[0], name="a\nb"),)),
    "model: two subnets of one name": _model(subnets=(NET.subnets[1], NET.subnets[1])),
    "model: a scale that is no number": _model(input_scale=float("nan")),
    "model: an output's scale of 0": _model(subnets=(replace(NET.subnets[0], output_scale=0.0),)),
    "model: an input's zero point outside int8": _model(input_zero=1000),
    "model: a tensor of 16 MB": _model(tensors=(TensorShape(4000, 4000, 1), *NET.tensors[1:])),
    "model: an arena whose tensors overlap": _model(
        subnets=(replace(NET.subnets[0], arena=Arena((0, 0, 16), (0, 0), 32)),)
    ),
    "model: an arena that is too small": _model(
        subnets=(replace(NET.subnets[0], arena=Arena((0, 16, 32), (0, 0), 32)),)
    ),
    "model: windows of too many values": lambda _: validate_model(_windows()),
    "model: tensors and windows of too many values": lambda _: validate_model(_many_large_layers()),
    "model: no subnet": _model(subnets=()),
    "model: subnets that are not nested": _model(subnets=NET.subnets[::-1]),
    "model: MACs": _model(subnets=(replace(NET.subnets[0], macs=7),)),
    "model: a long name of a subnet": _model(subnets=(replace(NET.subnets[0], name="far too long"),)),
    "model: a pool that changes the units": _layer(0, kind=Kind.DEPTHWISE),
    "model: windows that do not fit": _layer(0, kind=Kind.CONV, kernel=(2, 1)),
    "model: a kernel of a dense layer": _layer(0, kernel=(2, 1)),
    "model: a flatten of too few": _layer(0, kind=Kind.FLATTEN),
    "model: a tensor not written yet": _layer(1, inputs=(2,)),
    "model: a weight of -128": _layer(0, weights=np.full((6, 8), -128, np.int8)),
    "model: too few weights": _layer(0, weights=np.zeros((6, 7), np.int8)),
    "model: a bias too large": _step(0, 0, bias=np.full(3, 1 << 30, np.int32)),
    "model: a multiplier of odd bits": _step(1, 1, multiplier=np.full(4, 255, np.int32)),
    "model: a zero point after a ReLU": _step(0, 0, zero=0),
    "model: a zero point of -128": _step(0, 1, zero=-128),
    "model: too few biases": _step(0, 0, bias=np.zeros(2, np.int32)),
    "model: units that were not written": _step(1, 1, units_in=5),
    "model: factors of a dense layer": _step(0, 0, factors=(1, 0)),
}  # fmt: skip
FAULTS |= DATA_FAULTS | MODULE_FAULTS
