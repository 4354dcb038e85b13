"""Models made for tests: random weights and tables, nested widths, every rule of the pack kept."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from reds.pack.arena import tensor_sizes
from reds.pack.model import LIMIT, MIXING, Arena, IntegerLayer, Kind, Model, Step, Subnet, TensorShape
from tests.support.steps import random_step

NO_WEIGHTS = np.zeros((0, 0), np.int8)


class Maker:
    """Adds layers with random weights one by one, then cuts subnets out of them."""

    def __init__(self, height: int, width: int, units: int, seed: int = 0, extreme: bool = False) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors = [TensorShape(height, width, units)]
        self.layers: list[IntegerLayer] = []
        self.extreme = extreme
        """Weights of +-127 only, so that sums are as large as they can be."""

    def add(
        self,
        kind: Kind,
        units: int = 0,
        kernel: tuple[int, int] = (1, 1),
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int, int, int] = (0, 0, 0, 0),
        relu: bool = False,
        other: int | None = None,
        *,
        inputs: tuple[int, ...] | None = None,
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
        shape: TensorShape | None = None,
    ) -> int:
        """A layer on the last tensor, on it and `other`, or on `inputs`; returns the tensor it writes.

        A reshape writes `shape`.
        """
        last = len(self.tensors) - 1
        inputs = inputs or ((last,) if other is None else (last, other))
        window = kernel, stride, padding, dilation
        layer = IntegerLayer(kind, inputs, last + 1, NO_WEIGHTS, relu, *window, groups)
        self.tensors.append(shape or written(layer, [self.tensors[i] for i in inputs], units))
        weights = self.rng.integers(-LIMIT, LIMIT + 1, layer.weight_shape(self.tensors)).astype(np.int8)
        if self.extreme:
            weights = np.where(weights < 0, -LIMIT, LIMIT).astype(np.int8)
        self.layers.append(replace(layer, weights=weights))
        return last + 1

    def build(self, subnets: Sequence[Sequence[int]], name: str = "test-net", zero: int = 83) -> Model:
        """The model whose subnets have these units after each layer that mixes units (dense, conv)."""
        nested = []
        for s, chosen in enumerate(subnets):
            steps = self._steps(iter(chosen), zero)
            nested.append(Subnet(f"{(s + 1) * 100 // len(subnets)}%", 0, tuple(steps), 0.1))
        model = Model(name, tuple(self.tensors), tuple(self.layers), tuple(nested), 0.5, zero)
        counted = [replace(s, macs=model.macs(i)) for i, s in enumerate(nested)]
        return Model(name, tuple(self.tensors), tuple(self.layers), tuple(counted), 0.5, zero)

    def kept(self, layer: IntegerLayer, reads: Sequence[int]) -> int:
        """The units that a layer which mixes none writes if it reads so many of each input."""
        if layer.kind is Kind.CONCAT:
            return sum(reads)
        return reads[0] * self.tensors[layer.output].units // self.tensors[layer.inputs[0]].units

    def _steps(self, chosen: Iterator[int], zero: int) -> list[Step]:
        units, zeros, steps = [self.tensors[0].units], [zero], []
        for layer in self.layers:
            reads = [units[i] for i in layer.inputs]
            writes = next(chosen) if layer.kind in MIXING else self.kept(layer, reads)
            sources = [zeros[i] for i in layer.inputs]
            head = self.tensors[layer.output].units // layer.groups
            steps.append(random_step(self.rng, layer, reads[0], writes, sources, head))
            units.append(writes)
            zeros.append(steps[-1].zero)
        return steps


def written(layer: IntegerLayer, sources: Sequence[TensorShape], units: int) -> TensorShape:
    """The shape that a layer writes; `units` are those of a convolution or a dense layer."""
    source, stride = sources[0], layer.stride
    top, left, bottom, right = layer.padding
    if layer.kind is Kind.FLATTEN:
        return TensorShape(1, 1, source.size(source.units))
    if layer.kind is Kind.TRANSPOSE:
        return TensorShape(source.units, 1, source.positions)
    if layer.kind is Kind.EMBED:
        return TensorShape(top + source.positions, 1, source.units) if top else source
    if layer.kind is Kind.UPSAMPLE:
        return TensorShape(source.height * stride[0], source.width * stride[1], source.units)
    units = units or sum(each.units for each in sources[: len(sources) if layer.kind is Kind.CONCAT else 1])
    if layer.kind is Kind.TRANSPOSED:
        height = (source.height - 1) * stride[0] + layer.kernel[0] - top - bottom
        return TensorShape(height, (source.width - 1) * stride[1] + layer.kernel[1] - left - right, units)
    height = (source.height + top + bottom - layer.span[0]) // stride[0] + 1
    return TensorShape(height, (source.width + left + right - layer.span[1]) // stride[1] + 1, units)


def dense_model(
    widths: Sequence[int],
    subnets: Sequence[Sequence[int]],
    seed: int = 0,
    name: str = "test-net",
    extreme: bool = False,
) -> Model:
    """A dense net of `widths` (input first) whose subnets have the given hidden and output widths."""
    maker = Maker(1, 1, widths[0], seed, extreme)
    for i, (_, units) in enumerate(pairwise(widths)):
        maker.add(Kind.DENSE, units, relu=i < len(widths) - 2)
    return maker.build(subnets, name)


def dnn_s(seed: int = 0) -> Model:
    """The shape of DNN S with plausible subnets, untrained."""
    hidden = ([60, 60, 60], [92, 92, 92], [120, 120, 120], [144, 144, 144])
    return dense_model([250, 144, 144, 144, 12], [[*h, 12] for h in hidden], seed, "dnn-s")


def random_model(seed: int, subnets: int = 2) -> Model:
    """Every kind of layer may stand anywhere in it that its shape allows; sides, strides, padding vary."""
    rng = np.random.default_rng(seed)
    height, width = (int(n) for n in rng.integers(1, 10, 2))
    maker = Maker(height, width, int(rng.integers(1, 9)), seed, seed % 4 == 0)
    for _ in range(int(rng.integers(1, 6))):
        source = maker.tensors[-1]
        kernel = tuple(int(rng.integers(1, min(4, n) + 1)) for n in (source.height, source.width))
        if rng.integers(2) and min(source.height, source.width) >= 3:
            kernel = (3, 3)
        stride = int(rng.integers(1, 3)), int(rng.integers(1, 3))
        sides = tuple(int(rng.integers(0, k)) for k in (*kernel, *kernel))
        kind, relu = Kind(int(rng.choice([2, 2, 3, 3, 4, 5, 6, 7]))), bool(rng.integers(2))
        if kind is Kind.ADD:
            mate = _mate(maker)
            if mate is not None:
                maker.add(kind, relu=relu, other=mate)
        elif kind is Kind.FLATTEN:
            maker.add(kind)
            break
        elif kind in (Kind.AVERAGE_POOL, Kind.MAX_POOL):
            maker.add(kind, 0, kernel, stride)  # type: ignore[arg-type]
        else:
            units = int(rng.choice([1, 3, 4, 6, 8, 11, 12, 16])) if kind is Kind.CONV else 0
            maker.add(kind, units, kernel, stride, sides, relu)  # type: ignore[arg-type]
    if maker.tensors[-1].positions > 1:
        maker.add(Kind.FLATTEN)
    maker.add(Kind.DENSE, int(rng.integers(1, 13)))
    full = [maker.tensors[x.output].units for x in maker.layers if x.kind in (Kind.DENSE, Kind.CONV)]
    cut = [[max(1, n * (s + 1) // subnets) for n in full] for s in range(subnets)]
    return maker.build(cut, f"random-{seed}")


def _mate(maker: Maker) -> int | None:
    """A tensor that the last one can be added to: of its shape, and cut together with it."""
    last = len(maker.tensors) - 1
    fit = [t for t, shape in enumerate(maker.tensors) if shape == maker.tensors[last]]
    return next((t for t in fit if t and _group(maker, t) == _group(maker, last)), None)


def _group(maker: Maker, tensor: int) -> int:
    """The tensor whose writer decides how many units this one has."""
    while tensor and maker.layers[tensor - 1].kind not in (Kind.DENSE, Kind.CONV):
        tensor = maker.layers[tensor - 1].inputs[0]
    return tensor


def roomy(model: Model) -> Model:
    """The model with an arena in which no two tensors share bytes."""
    subnets = []
    for index, subnet in enumerate(model.subnets):
        sizes = [-(-size // 16) * 16 for size in tensor_sizes(model, index)]
        tensors = tuple(int(n) for n in np.cumsum([0, *sizes[:-1]]))
        subnets.append(replace(subnet, arena=Arena(tensors, (0,) * len(subnet.steps), sum(sizes))))
    return replace(model, subnets=tuple(subnets))


def inputs(model: Model, n: int, seed: int = 0) -> np.ndarray:
    """Random inputs, the extremes among them: int8 [n, input_size]."""
    x = np.random.default_rng(seed).integers(-LIMIT, LIMIT + 1, (n, model.input_size)).astype(np.int8)
    if n > 2:
        x[0], x[1] = LIMIT, -LIMIT
    return x
