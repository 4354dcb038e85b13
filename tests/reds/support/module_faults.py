"""Modules in states that no net can stand for; every one gets a fresh folder."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from rich.console import Console
from torch import nn
from torch.nn.utils import prune

import reds
from reds.elastic.standardized import read_standardized
from reds.graph.subnets import full_subnet
from reds.pack.scale import Standardization
from reds.training import processes
from tests.reds.support.modules import Calls, conv
from tests.support.nets import dense_model


def _mlp(change: Callable[[nn.Sequential], object]) -> Callable[[Path], object]:
    """Take a module of two linear layers, changed, to `from_module`."""

    def run(_: Path) -> object:
        module = nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 4))
        change(module)
        return reds.from_module(module, (8,))

    return run


def _weight(made: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Path], object]:
    return _mlp(lambda m: setattr(m[0], "weight", nn.Parameter(made(m[0].weight.data))))


def _pooled(_: Path) -> object:
    module = Calls(lambda m, x: F.max_pool2d(F.adaptive_avg_pool2d(m.a(x), 1).squeeze(-1), 1), a=conv())
    return reds.from_module(module, (3, 6, 6))


def _dead(_: Path) -> object:
    module = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))
    nn.init.constant_(module[0].bias, -100)
    x, y = torch.arange(180.0).view(30, 6) % 7, torch.arange(30) % 3
    net, quiet = reds.from_module(module, (6,)), Console(quiet=True)
    return reds.compress(net, reds.Dataset.split(x, y), budgets=[1.0], console=quiet)


MODEL = dense_model([6, 3], [[3]])


def _net() -> reds.ElasticNet:
    return reds.from_module(nn.Linear(8, 4), (8,))


def _data() -> reds.Dataset:
    part = torch.arange(320.0).view(40, 8) % 11, torch.arange(40) % 4
    return reds.Dataset(part, part)


def _as_they_are(_: Path) -> object:
    net = _net()
    read_standardized(net, Standardization((80.0,) * 8, (13.0,) * 8))
    x = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
    return reds.score(net, [(80 + 13 * x, torch.arange(64) % 4)])


def _lost(_: Path) -> object:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.MonkeyPatch.context() as patch:
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": taken.getsockname()[1]}
        ranks = {"RANK": 0, "WORLD_SIZE": 2, "LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": 2}
        told = {**place, **ranks, "TORCHELASTIC_RUN_ID": "mine"}
        for name, value in told.items():
            patch.setenv(name, str(value))
        with processes.joined():
            return None


MODULE_FAULTS: dict[str, Callable[[Path], object]] = {
    "module: on meta": _weight(lambda w: w.to("meta")),
    "module: sparse": _weight(torch.Tensor.to_sparse),
    "module: complex": _weight(torch.Tensor.cfloat),
    "module: with a lock": _mlp(lambda m: setattr(m[1], "lock", threading.Lock())),
    "module: pruned": _mlp(lambda m: prune.l1_unstructured(m[0], "weight", 0.5)),
    "module: prepared for torch's quantization": _mlp(
        lambda m: m.insert(0, torch.ao.quantization.QuantStub())
    ),
    "module: outputs beyond float32": _mlp(lambda m: [p.data.fill_(1e30) for p in m.parameters()]),
    "module: a class": lambda _: reds.from_module(nn.ReLU, (8,)),
    "module: weights alone": lambda _: reds.from_module({}, (8,)),  # type: ignore[arg-type]
    "module: without a weight": lambda _: reds.from_module(nn.Flatten(), (2, 2, 2)),
    "module: a pool of other than pictures": _pooled,
    "module: dead ReLUs": _dead,
    "stages: a plain module": lambda _: reds.score(nn.Linear(8, 4), []),  # type: ignore[arg-type]
    "stages: no minibatch": lambda _: reds.score(_net(), []),
    "stages: arrays": lambda _: reds.score(_net(), [(np.zeros((2, 8)), np.zeros(2))]),  # type: ignore[list-item]
    "stages: a misspelled norm": lambda _: reds.nest(
        _net(),
        [full_subnet(_net().graph)],
        norms="all",  # type: ignore[arg-type]
    ),
    "stages: shares as subnets": lambda _: reds.nest(_net(), [0.5]),  # type: ignore[list-item]
    "stages: all scores": lambda _: reds.select(
        _net().graph, reds.score(_net(), [], measure="random"), [1.0]
    ),  # type: ignore[arg-type]
    "stages: nothing to score by": lambda _: reds.score(_net(), None),  # type: ignore[arg-type]
    "stages: one minibatch alone": lambda _: reds.score(_net(), (torch.zeros(2, 8), torch.zeros(2).long())),  # type: ignore[arg-type]
    "stages: features as they are": _as_they_are,
    "stages: half a step": lambda _: reds.select(_net().graph, [np.ones(8), np.ones(4)], [1.0], step=1.5),  # type: ignore[arg-type]
    "stages: no order": lambda _: reds.permute(_net(), None),  # type: ignore[arg-type]
    "stages: a data set to train with": lambda _: reds.train(_net(), _data(), reds.JointOptions()),  # type: ignore[arg-type]
    "stages: no name": lambda _: reds.quantize(
        _net(),
        name=None,  # type: ignore[arg-type]
        ranges=np.zeros((1, 1, 2)),
        source=_data().stored("mine").set,
    ),
    "compress: a console as text": lambda _: reds.compress(_net(), _data(), budgets=[1.0], console="x"),  # type: ignore[arg-type]
    "data: a path as name": lambda _: _data().stored("../mine"),
    "data: one part": lambda _: reds.Dataset.from_examples([(np.zeros(3), 0)]),
    "processes: torchrun's port is taken": _lost,
    "pack: written to no folder": lambda folder: reds.write(MODEL, folder / "none" / "mine.reds"),
    "pack: no path": lambda _: reds.load(None),  # type: ignore[arg-type]
    "module: an input beyond the pack": lambda _: reds.from_module(nn.Flatten(), (3, 4000, 3000)),
}
