"""Modules in states that no net can stand for; every one gets a fresh folder."""

import threading
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from torch.nn.utils import prune

import reds
from tests.reds.support.modules import Calls, conv


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
    "module: an input beyond the pack": lambda _: reds.from_module(nn.Flatten(), (3, 4000, 3000)),
}
