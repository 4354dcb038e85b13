"""Mistakes that users make, each of which raises one error; every one gets a fresh folder."""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from torch.jit import ScriptModule

import reds
from reds import pack
from reds.data.labeled import find_labeled
from reds.data.user_files import load_user_data
from reds.experiment.recipe_file import load_recipe, parse_recipe
from reds.graph.subnets import full_subnet
from reds.nesting.cost.latency import Latency
from reds.nesting.cost.latency import load as load_times
from reds.pack.layouts import LAYOUTS
from reds.pack.model import Activation, Arena, Kind, TensorShape
from reds.pack.scale import Standardization
from reds.pack.validate import validate_model
from reds.training.options import JointOptions
from reds.zoo import by_name
from tests.reds.support.data_faults import DATA_FAULTS
from tests.reds.support.fault_makers import (
    DNN,
    FAR,
    NAN,
    NET,
    SHIPPED,
    SHORTEST,
    TIMES,
    Fault,
    X,
    Y,
    attached,
    budgets,
    builder,
    compressed,
    converted,
    costs_of_none,
    data,
    diverging,
    folder,
    layer,
    many_large_layers,
    model,
    module,
    nested,
    npz,
    of_shape,
    prepared,
    quantized,
    ran,
    recipe,
    sealed,
    step,
    subnet,
    table,
    windows,
    with_weight,
    written,
)
from tests.reds.support.module_faults import MODULE_FAULTS
from tests.reds.support.modules import head
from tests.reds.support.version1 import version1

FAULTS: dict[str, Fault] = {
    "data: pixels as bytes": data(train_x=(9 * X).astype(np.uint8)),
    "data: features of three axes": data(train_x=X[:, 0]),
    "data: no feature": data(train_x=X[:, :, :0], test_x=X[:, :, :0]),
    "data: another shape to test on": data(test_x=X[:, :1]),
    "data: not finite": data(train_x=NAN),
    "data: very large": data(train_x=1e7 * X),
    "data: one number": data(train_x=0 * X + 3),
    "data: labels for fewer": data(train_y=Y[:-1]),
    "data: a label outside": data(test_y=Y + 1),
    "data: a class without examples": data(train_y=np.where(Y == 1, 2, Y)),
    "data: one class": data(train_y=0 * Y, test_y=0 * Y),
    "data: two classes of one name": data(classes=["a", "a", "b"]),
    "data: a share of all": lambda _: reds.Dataset.split(X, Y, test=1.0),
    "data: split of fewer labels": lambda _: reds.Dataset.split(X, Y[:-1]),
    "npz: an array missing": npz(test_y=None),
    "npz: an array too many": npz(val_x=X),
    "npz: names of Keras": npz(train_x=None, train_y=None, test_x=None, test_y=None, x_train=X, y_train=Y,
                                x_test=X, y_test=Y),
    "npz: text": npz(train_x=X.astype(str)),
    "npz: not an npz": written("mine.npz", b"text", lambda path: load_user_data(path, 0)),
    "own data: not there": lambda folder: load_user_data(folder / "none.npz", 0),
    "folder: text among pictures": folder,
    "folder: a table among pictures": table,
    "labeled: not named by the card": lambda folder: find_labeled({}, folder),
    "recipe: not there": lambda folder: load_recipe(folder / "none.toml"),
    "recipe: an unknown key": recipe("name = \"mine\"", "nam = \"mine\""),
    "recipe: an unknown key like no other": recipe("budget = 1.0", "budget = 1.0, zz = 1"),
    "recipe: an empty one": lambda _: parse_recipe("", "mine.toml"),
    "recipe: a number of another type": recipe("1.0", '"all"'),
    "recipe: budgets that do not end full": recipe("1.0", "0.5"),
    "recipe: an unknown net": recipe("dnn-s", "dnn-m"),
    "recipe: an unknown net of one's own size": recipe('"dnn-s"', '"dnns-6x1x1"'),
    "recipe: a budget in percent": recipe("1.0", "25"),
    "recipe: two equal budgets": recipe("1.0", "0.5 }, { budget = 0.5"),
    "recipe: a net that is no table": recipe('{ name = "dnn-s" }', '"dnn-s"'),
    "recipe: budgets as a list": recipe("[{ budget = 1.0 }]", "[0.5, 1.0]"),
    "recipe: UTF-16, as PowerShell writes": written("mine.toml", SHORTEST.encode("utf-16"), load_recipe),
    "recipe: Latin-1": written("mine.toml", b"# f\xfcr Ann", load_recipe),
    "recipe: latency without times": recipe("1.0", "0.5, latency = 9.0 }, { budget = 1.0"),
    "recipe: energy without that of a cycle": recipe(
        "1.0 }]", "0.5, energy = 9.0 }, {}]\ndevice = { layout = 'neon', times = 't.json' }"
    ),
    "recipe: MACs said twice": recipe("1.0", "0.5, macs = 900 }, { budget = 1.0"),
    "recipe: no MACs": recipe("1.0", "0.5 }, { macs = 1 }, { budget = 1.0"),
    "recipe: a subnet without a budget": recipe("1.0", "0.5 }, { floor = 0.2 }, { budget = 1.0"),
    "recipe: less arena than before": recipe("1.0", "0.5, arena = 9 }, { arena = 8 }, { budget = 1.0"),
    "recipe: a limit of the full net": recipe("1.0", "0.5 }, { arena = 8"),
    "recipe: a long name of a subnet": recipe("1.0", "1.0, name = 'the whole'"),
    "recipe: two subnets of one name": recipe("1.0", "0.5, name = 'a' }, { name = 'a'"),
    "recipe: a board and a layout": recipe("1.0 }]", "1.0 }]\ndevice = { board = 'a', layout = 'neon' }"),
    "recipe: a device without a layout": recipe("1.0 }]", "1.0 }]\ndevice = { times = 't.json' }"),
    "recipe: an emulator of nothing": recipe("1.0 }]", "1.0 }]\ndevice = { emulate = true }"),
    "recipe: a net of other inputs": prepared('"dnn-s"', '"ds-cnn-s-28x28x1"'),
    "recipe: a budget too small": prepared("subnet = [", "data.every = 2\nsubnet = [{ budget = 0.001 }, "),
    "budget: too small": budgets(0.001),
    "budget: bytes too few": budgets(reds.Budget(flash=1000)),
    "budget: not ascending": budgets(0.5, 0.25),
    "budget: latency without times": budgets(reds.Budget(latency=1.0)),
    "budget: energy without that of a cycle": budgets(
        reds.Budget(energy=1.0), profile=reds.TargetProfile(latency=Latency("desk", {}, 64e6))
    ),
    "budget: an energy of no cycle": lambda _: reds.TargetProfile(energy_per_cycle=0),
    "budget: not a number": budgets(reds.Budget(latency=float("nan"))),
    "budget: falling": budgets(reds.Budget(latency=9.0), reds.Budget(latency=8.0)),
    "budget: fewer MACs than before": budgets(reds.Budget(macs=0.5), reds.Budget(macs=900)),
    "budget: an empty name": budgets(reds.Budget(flash=9, name="")),
    "budget: all units needed": budgets(0.5, least=4000),
    "budget: steps of nothing": budgets(0.5, step=0),
    "blocks: shares beyond 1": budgets(0.5, depth=True, identity=[80.0] * 5),
    "blocks: a group outside of any": nested((3, 16, 16, 0, 32, 64, 64, 10)),
    "costs: of another pack": attached(pack_sha256="0" * 64),
    "costs: falling": attached(us=1.0),
    "costs: not a number": attached(us=float("nan")),
    "costs: of other subnets": attached(label="40%"),
    "costs: none attached": costs_of_none,
    "times: not there": lambda folder: load_times(folder / "none.json"),
    "times: descending units": written("times.json", TIMES, load_times),
    "compress: examples of another shape": of_shape(2, 3, 5),
    "compress: diverged": diverging,
    "compress: a long name": compressed(name="a" * 40),
    "compress: one budget": compressed(budgets=0.5),
    "compress: budgets as text": compressed(budgets=["25%"]),
    "compress: too many budgets": compressed(budgets=[1.0] * 65),
    "compress: bytes of nothing": compressed(budgets=[reds.Budget(flash=0)]),
    "compress: a board and a profile": compressed(board="nano33ble", profile=reds.TargetProfile()),
    "compress: an emulator of nothing": compressed(emulate=True),
    "compress: a board that is a number": compressed(board=3),
    "compress: half an epoch": compressed(epochs=1.5),
    "compress: fewer epochs than none": compressed(full_epochs=-1),
    "compress: a large seed": compressed(seed=2**70),
    "compress: one example at a time": compressed(training=JointOptions(batch=1)),
    "compress: a rate as text": compressed(training=JointOptions(rate="fast")),
    "compress: a misspelled order": compressed(selection=reds.SelectionOptions(order="top")),
    "compress: a shift off the picture": compressed(augmentation=reds.AugmentationOptions(shift_rows=1)),
    "compress: a plain module": compressed(net=nn.Linear(24, 3)),
    "compress: a number as net": compressed(net=3),
    "compress: a nested net": compressed(net=reds.ElasticNet(DNN, [full_subnet(DNN)] * 2)),
    "compress: arrays as data": compressed(data=(X, Y)),
    "stages: not told of standardized features": quantized(data=FAR),
    "stages: told of features that are as they are": quantized(FAR),
    "stages: told twice": quantized(FAR, FAR),
    "stages: told of other features": quantized(FAR, data=Standardization((1.0, 2.0), (3.0, 4.0))),
    "zoo: an unknown net": lambda _: by_name("resnet"),
    "graph: an addition of other shapes": builder(lambda net, x: net.add(net.input, x)),
    "graph: dense without flatten": builder(lambda net, x: net.dense(x, 10)),
    "graph: a window too large": builder(lambda net, x: net.pool(x, (9, 9))),
    "graph: too much padding": builder(lambda net, x: net.conv(x, 4, (1, 3), padding=(1, 1, 1, 1))),
    "graph: no unit": builder(lambda net, x: net.conv(x, 0, (1, 1))),
    "module: a layer that int8 has not": module(lambda m, x: head(m.b(m.a(x))), b=nn.GroupNorm(2, 4)),
    "module: a function that int8 has not": module(lambda m, x: head(torch.cumsum(m.a(x), 1))),
    "module: a function of no activation": module(lambda m, x: head(torch.exp(m.a(x)))),
    "module: a recurrent layer": module(lambda m, x: m.b(m.a(x).flatten(2))[0], b=nn.GRU(36, 4)),
    "module: a channel shuffle": module(lambda m, x: head(m.b(m.a(x))), b=nn.ChannelShuffle(2)),
    "module: a split": module(lambda m, x: head(F.max_pool2d(m.a(x), 2).chunk(2, 1)[0])),
    "module: a dilated pool": module(lambda m, x: head(m.b(m.a(x))), b=nn.MaxPool2d(2, dilation=2)),
    "module: a softmax inside": module(lambda m, x: head(m.a(x).softmax(1).relu())),
    "module: a product of two tensors": module(lambda m, x: m.a(x) @ m.a(x)),
    "module: dropout at inference": module(lambda m, x: head(F.dropout(m.a(x)))),
    "module: a sum as output": module(lambda m, x: m.a(x).sum()),
    "module: an input of four sides": module(lambda m, x: head(m.a(x)), (3, 6, 6, 6)),
    "module: an input of one number": lambda _: reds.from_module(nn.Linear(10, 3), input_shape=10),
    "module: lazy": module(lambda m, x: m.b(head(m.a(x))), b=nn.LazyLinear(5)),
    "module: an ONNX file": lambda _: reds.from_module("mine.onnx", (8,)),  # type: ignore[arg-type]
    "module: a checkpoint": lambda _: reds.from_module("mine.pth", (8,)),  # type: ignore[arg-type]
    "module: a state dict": lambda _: reds.from_module(nn.Linear(8, 3).state_dict(), (8,)),  # type: ignore[arg-type]
    "onnx: a missing file": lambda folder: reds.from_onnx(folder / "mine.onnx"),
    "module: compiled to TorchScript": lambda _: reds.from_module(ScriptModule(), (8,)),
    "module: a weight that is nan": with_weight(float("nan")),
    "module: a window over the pack's limit": module(
        lambda m, x: head(F.avg_pool2d(m.a(x), (1, 300))), (3, 1, 300)
    ),
    "pack: not there": lambda folder: reds.load(folder / "none.reds"),
    "pack: the home of nobody": lambda _: reds.load("~nobody-here/mine.reds"),
    "pack: cut short": written("mine.reds", SHIPPED[:-7], reds.load),
    "pack: a bit flipped": written("mine.reds", SHIPPED[:5000] + b"\x55" + SHIPPED[5001:], reds.load),
    "pack: not a pack": written("mine.reds", b"text" * 50, reds.load),
    "pack: laid out for a device": lambda _: pack.loads(pack.dumps(NET, [LAYOUTS[4]] * 2), "mine.reds"),
    "pack: features of another shape": ran(np.zeros((2, 9))),
    "pack: an unknown subnet": ran(np.zeros((1, 8), np.int8), "30%"),
    "pack: a subnet beyond the last": ran(np.zeros((1, 8), np.int8), 2),
    "pack: of format version 1": written("mine.reds", version1(NET), reds.load),
    "pack: converted twice": written("mine.reds", pack.dumps(NET), converted),
    "pack: converted into itself": written("mine.reds", version1(NET), converted),
    "pack: a zero point that its step has not": lambda _: pack.loads(sealed(264, "b", 17), "mine.reds"),
    "pack: sections out of order": lambda _: pack.loads(sealed(28, "I", 80), "mine.reds"),
    "pack: an arena of odd bytes": lambda _: pack.loads(sealed(180, "I", 17), "mine.reds"),
    "model: no name": model(name=""),
    "model: a last layer that is left out": subnet(steps=NET.subnets[0].steps[:1]),
    "model: a layer that reads what is left out": subnet(steps=NET.subnets[0].steps[1:]),
    "model: a tensor that stands for one of another shape": subnet(
        steps=NET.subnets[0].steps[1:], stands={1: 0}
    ),
    "model: an activation table after a ReLU": step(
        0, 0, activation=Activation(np.zeros(256, np.int8), -127)
    ),
    "model: an activation table with -128": step(
        0, 1, activation=Activation(np.arange(256).astype(np.int8), 0)
    ),
    "model: a name that moves the cursor": model(name="net\x1b[2J"),
    "model: a name of a subnet with a line break": model(subnets=(replace(NET.subnets[0], name="a\nb"),)),
    "model: two subnets of one name": model(subnets=(NET.subnets[1], NET.subnets[1])),
    "model: a scale that is no number": model(input_scale=float("nan")),
    "model: an output's scale of 0": model(subnets=(replace(NET.subnets[0], output_scale=0.0),)),
    "model: an input's zero point outside int8": model(input_zero=1000),
    "model: a tensor of 16 MB": model(tensors=(TensorShape(4000, 4000, 1), *NET.tensors[1:])),
    "model: an arena whose tensors overlap": model(
        subnets=(replace(NET.subnets[0], arena=Arena((0, 0, 16), (0, 0), 32)),)
    ),
    "model: an arena that is too small": model(
        subnets=(replace(NET.subnets[0], arena=Arena((0, 16, 32), (0, 0), 32)),)
    ),
    "model: windows of too many values": lambda _: validate_model(windows()),
    "model: tensors and windows of too many values": lambda _: validate_model(many_large_layers()),
    "model: no subnet": model(subnets=()),
    "model: subnets that are not nested": model(subnets=NET.subnets[::-1]),
    "model: MACs": model(subnets=(replace(NET.subnets[0], macs=7),)),
    "model: a long name of a subnet": model(subnets=(replace(NET.subnets[0], name="far too long"),)),
    "model: a pool that changes the units": layer(0, kind=Kind.DEPTHWISE),
    "model: windows that do not fit": layer(0, kind=Kind.CONV, kernel=(2, 1)),
    "model: a kernel of a dense layer": layer(0, kernel=(2, 1)),
    "model: a flatten of too few": layer(0, kind=Kind.FLATTEN),
    "model: a tensor not written yet": layer(1, inputs=(2,)),
    "model: a weight of -128": layer(0, weights=np.full((6, 8), -128, np.int8)),
    "model: too few weights": layer(0, weights=np.zeros((6, 7), np.int8)),
    "model: a bias too large": step(0, 0, bias=np.full(3, 1 << 30, np.int32)),
    "model: a multiplier of odd bits": step(1, 1, multiplier=np.full(4, 255, np.int32)),
    "model: a zero point after a ReLU": step(0, 0, zero=0),
    "model: a zero point of -128": step(0, 1, zero=-128),
    "model: too few biases": step(0, 0, bias=np.zeros(2, np.int32)),
    "model: units that were not written": step(1, 1, units_in=5),
    "model: factors of a dense layer": step(0, 0, factors=(1, 0)),
}  # fmt: skip
FAULTS |= DATA_FAULTS | MODULE_FAULTS
