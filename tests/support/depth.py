"""Models whose small subnets leave out blocks, and whose steps have activation tables."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from reds.pack.model import COPYING, LIMIT, Activation, IntegerLayer, Model, Step, Subnet
from tests.support.nets import random_model

Block = tuple[int, int]
"""A tensor, and a later one of its shape that may stand for it: the layers between them are left out."""


def blocks(model: Model, subnet: int) -> Iterator[Block]:
    """Yield the blocks that a subnet could leave out: no layer behind one reads what is inside of it."""
    rooms = model.rooms(subnet)
    for last in range(1, len(model.layers)):  # the last layer runs in every subnet
        behind = {tensor for layer in model.layers[last:] for tensor in layer.inputs}
        for first in range(last - 1, -1, -1):
            same = model.tensors[first] == model.tensors[last] and rooms[first].units == rooms[last].units
            if same and not behind & set(range(first + 1, last)):
                yield first, last


def without(model: Model, left_out: Sequence[Sequence[Block]]) -> Model:
    """Return the model whose subnets leave out these blocks, in ascending order for each subnet."""
    return _finished(model, [_shorter(s, b) for s, b in zip(model.subnets, left_out, strict=True)])


def shallow(model: Model, seed: int = 0) -> Model:
    """Return the model whose smallest subnet leaves out some drawn blocks, and the largest one none."""
    rng, drawn, end, count = np.random.default_rng(seed), [], 0, len(model.subnets)
    possible = [set(blocks(model, s)) for s in range(1, count)]
    for first, last in blocks(model, 0):
        fits = first >= end and all((first, last) in each for each in possible)
        if fits and rng.random() < 0.7:
            drawn.append((first, last))
            end = last
    shares = [(count - 1 - s) / max(1, count - 1) for s in range(count)]
    return without(model, [drawn[: round(len(drawn) * share + 0.25)] for share in shares])


def deep_nets(seeds: Iterable[int], subnets: int = 3) -> list[Model]:
    """Return random models, each first with left-out blocks and then with activation tables as well.

    Args:
        seeds: Numbers of the models; where no block fits, a model of the next 1,000 numbers takes its place.
        subnets: Subnets of each model.
    """
    found = []
    for seed in seeds:
        drawn = (shallow(random_model(n, subnets), n) for n in range(seed, 1 << 30, 1_000))
        model = next(model for model in drawn if model.subnets[0].stands)
        found += [model, activated(model, seed)]
    return found


def activated(model: Model, seed: int = 0) -> Model:
    """Return the model with activation tables: some the same for all subnets, some not."""
    rng = np.random.default_rng(seed)
    shared = {i: _table(rng) for i, layer in enumerate(model.layers) if not layer.relu and rng.random() < 0.5}
    subnets = []
    for subnet in model.subnets:
        own = {i: table if rng.random() < 0.7 else _table(rng) for i, table in shared.items()}
        steps = [_through(s, own[s.layer], rng) if s.layer in own else s for s in subnet.steps]
        subnets.append(replace(subnet, steps=tuple(steps)))
    return _finished(model, subnets)


def _table(rng: np.random.Generator) -> np.ndarray:
    table = rng.integers(-LIMIT, LIMIT + 1, 256).astype(np.int8)
    table[0] = 0
    return table


def _through(step: Step, table: np.ndarray, rng: np.random.Generator) -> Step:
    """Return a step whose output goes through a table, to another zero point."""
    return replace(step, zero=int(rng.integers(-LIMIT, LIMIT + 1)), activation=Activation(table, step.zero))


def _shorter(subnet: Subnet, left_out: Sequence[Block]) -> Subnet:
    """Return a subnet without the layers of some blocks."""
    stands: dict[int, int] = {}
    for first, last in left_out:
        stands[last] = stands.get(first, first)
    inside = {layer for first, last in left_out for layer in range(first, last)}
    steps = tuple(step for step in subnet.steps if step.layer not in inside)
    return replace(subnet, steps=steps, stands=stands)


def _finished(model: Model, subnets: Sequence[Subnet]) -> Model:
    """Return the model with these subnets; copies keep the zero points of what they read now."""
    made = [replace(subnet, steps=tuple(_agreeing(model, subnet)), arena=None) for subnet in subnets]
    changed = replace(model, subnets=tuple(made))
    return replace(changed, subnets=tuple(replace(s, macs=changed.macs(i)) for i, s in enumerate(made)))


def _agreeing(model: Model, subnet: Subnet) -> Iterator[Step]:
    zeros = {0: model.input_zero}
    for step in subnet.steps:
        layer = model.layers[step.layer]
        step = _copying(step, layer, zeros[subnet.stands.get(layer.inputs[0], layer.inputs[0])])
        zeros[layer.output] = step.zero
        yield step


def _copying(step: Step, layer: IntegerLayer, zero: int) -> Step:
    if layer.kind not in COPYING:
        return step
    if step.activation is None:
        return replace(step, zero=zero)
    return replace(step, activation=replace(step.activation, zero=zero))
