"""Modules in states that no net can stand for; every one gets a fresh folder."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from rich.console import Console
from torch import nn
from torch.nn.utils import prune

import reds
from reds.graph.subnets import full_subnet
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
    "pack: written to no folder": lambda folder: reds.write(MODEL, folder / "none" / "mine.reds"),
    "pack: no path": lambda _: reds.load(None),  # type: ignore[arg-type]
    "module: an input beyond the pack": lambda _: reds.from_module(nn.Flatten(), (3, 4000, 3000)),
}
