"""Take a torch module all the way to a pack of nested subnets, with random data in place of a training."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import reds
from reds.data.catalog import DataSpec
from reds.elastic.layers import units_last
from reds.nesting.permute import most_important_first
from reds.pack import dumps, interpreter, loads
from reds.pack.model import Model
from reds.quantization.calibrate import ranges
from tests.architectures.architecture import Make, Shape

WIDTHS = 16
"""Widths of a group to choose from, where it has so many units."""
EXAMPLES = 32
"""Random inputs that norms are measured on, and activations."""
COMPARED = 2
"""Random inputs that subnets run on in int8."""
SCORED = 8
"""Random inputs that units are scored on."""


@dataclass(frozen=True)
class Packed:
    """A module as a pack, and what each step took."""

    model: Model
    size: int
    """Bytes of the pack."""
    x: NDArray[np.int8]
    """Stored inputs, int8 [COMPARED, input size]."""
    difference: float
    """Largest difference of an output of the elastic net from the module's, before and after units move."""
    largest: float
    """Largest output of the module."""
    seconds: Mapping[str, float]
    """Of each step by its name."""
    gap: float
    """Largest optimality gap of a subnet's selection."""
    outputs: Sequence[NDArray[np.int8]]
    """Of each subnet for the first inputs, by the interpreter, int8 [COMPARED, outputs]."""
    noise: float
    """Largest deviation of a subnet's outputs from float, as a share of the deviation of its outputs."""


def settle(module: nn.Module, run: Any) -> None:
    """Let the norms of a module measure their statistics in one run, as a training would."""
    norms = [m for m in module.eval().modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    with torch.no_grad():
        run()
    for norm in norms:
        norm.momentum = 0.1
    module.eval()


def random_inputs(shape: Shape) -> Tensor:
    """Return random inputs [EXAMPLES, *shape] whose channels differ in mean, so that outputs differ."""
    means = torch.randn(EXAMPLES, shape[0], *[1] * (len(shape) - 1))
    return means + torch.randn(EXAMPLES, *shape)


def flat(outputs: Any) -> Tensor:
    """Return the outputs of a module, of whatever form, as [N, values]."""
    if isinstance(outputs, Mapping):
        outputs = tuple(outputs.values())
    parts = outputs if isinstance(outputs, tuple | list) else (outputs,)
    return torch.cat([part.flatten(1) for part in parts], 1)


def packed(name: str, make: Make, shape: Shape, budgets: Sequence[float]) -> Packed:
    """Return the pack of a module with random weights.

    Args:
        name: Name of the pack.
        make: Makes the module.
        shape: Shape of one input in torch's order.
        budgets: MACs of the nested subnets, as shares of the full network's.

    Raises:
        RedsError: A step refuses the module.
    """
    seconds: dict[str, float] = {}

    @contextmanager
    def timed(step: str) -> Iterator[None]:
        started = perf_counter()
        yield
        seconds[step] = perf_counter() - started

    torch.manual_seed(0)
    module, x = make(), random_inputs(shape)
    settle(module, lambda: module(x))
    with torch.no_grad():
        expected = flat(module(x))
    with timed("trace"):
        net = reds.from_module(module, shape)
    features = units_last(x).flatten(1)
    labels = torch.randint(expected.shape[1], (EXAMPLES,))
    with timed("score"):
        scores = reds.score(net, [(features[:SCORED], labels[:SCORED])])
    with timed("select"):
        steps = [max(1, group.units // WIDTHS) for group in net.graph.groups]
        subnets = reds.select(
            net.graph, scores.units, budgets, step=steps, least=steps, kernels=scores.kernels
        )
    with torch.no_grad():
        found = [net.eval()(features, 0)]
        reds.permute(net, most_important_first(net.graph, scores.units))
        found.append(net(features, 0))
    net = reds.nest(net, subnets)
    settle(net, lambda: [net(features, i) for i in range(len(subnets))])
    source = net.graph.tensors[0]
    sides = source.height, source.width, net.graph.full[0]
    scale = float(x.abs().max()) / 127
    spec = DataSpec(name, sides, ("0", "1"), scale, 0, 0, "")
    with timed("quantize"):
        seen = ranges(net, features, [99.99])[0]
        model = reds.quantize(net, name=name, ranges=seen, source=spec)
    data = dumps(model)
    model = loads(data, name)
    stored = np.rint(features[:COMPARED].numpy() / scale).clip(-127, 127).astype(np.int8)
    outputs = [interpreter.run(model, i, stored) for i in range(len(subnets))]
    with torch.no_grad():
        real = torch.from_numpy(stored * np.float32(scale))
        noise = max(_noise(model, i, outputs[i], net(real, i).numpy()) for i in range(len(subnets)))
    difference = max(float((each - expected).abs().max()) for each in found)
    gap, largest = max(subnet.gap for subnet in subnets), float(expected.abs().max())
    return Packed(model, len(data), stored, difference, largest, seconds, gap, outputs, noise)


def _noise(model: Model, subnet: int, outputs: NDArray[np.int8], exact: NDArray[np.float32]) -> float:
    """Return the deviation of int8 outputs from float ones, as a share of the deviation of these."""
    zero, scale = model.rooms(subnet)[-1].zero, model.subnets[subnet].output_scale
    return float(np.std((outputs.astype(np.float64) - zero) * scale - exact) / np.std(exact))
