"""Random models of the kinds that modern nets have, as attention and concatenation."""

from collections.abc import Callable, Iterable

import numpy as np

from reds.pack.model import COPYING, MIXING, Kind, Model, TensorShape
from tests.support.depth import activated, shallow
from tests.support.nets import Maker

Levels = tuple[int, ...]
"""Units that each subnet keeps of a tensor."""
MODERN = tuple(Kind(n) for n in range(8, 19))
LARGEST = 1500
"""Values of a tensor, so that a test runs many models."""


class Drawer:
    """Draws layers for a model of some subnets, and keeps count of the units of every subnet."""

    def __init__(self, seed: int, subnets: int) -> None:
        self.rng = np.random.default_rng(seed)
        height, width = (int(n) for n in self.rng.integers(1, 7, 2))
        self.maker = Maker(height, width, int(self.rng.choice([1, 2, 3, 4, 6, 8])), seed, seed % 4 == 0)
        self.levels: list[Levels] = [(self.maker.tensors[0].units,) * subnets]
        self.subnets = subnets

    @property
    def last(self) -> int:
        """The last tensor."""
        return len(self.levels) - 1

    def shape(self, tensor: int | None = None) -> TensorShape:
        """The shape of a tensor, by default the last one."""
        return self.maker.tensors[self.last if tensor is None else tensor]

    def add(self, kind: Kind, units: int = 0, **options: object) -> None:
        """Add a layer; a ReLU is drawn where the kind may have one."""
        relu = kind not in COPYING and self.rng.random() < 0.3
        self.maker.add(kind, units, relu=relu, **options)  # type: ignore[arg-type]
        layer = self.maker.layers[-1]
        if kind in MIXING:
            self.levels.append(self._cut(units))
            return
        reads = zip(*(self.levels[tensor] for tensor in layer.inputs), strict=True)
        self.levels.append(tuple(self.maker.kept(layer, units) for units in reads))

    def _cut(self, units: int) -> Levels:
        """Units of each subnet: all in each, or fewer in smaller ones, by even steps where there are many."""
        if self.rng.random() < 0.3:
            return (units,) * self.subnets
        step = 2 if units % 2 == 0 and self.rng.random() < 0.7 else 1
        drawn = sorted(int(n) for n in self.rng.integers(1, units // step + 1, self.subnets - 1))
        return (*(step * n for n in drawn), units)

    def side(self, most: int, source: int) -> int:
        return int(self.rng.integers(1, min(most, source) + 1))

    def window(self) -> dict[str, tuple[int, ...]]:
        """Kernel, stride, padding and dilation that fit the last tensor."""
        sides = self.shape().height, self.shape().width
        kernel = tuple(self.side(3, side) for side in sides)
        dilation = tuple(
            self.side(3, (n - 1) // (k - 1)) if k > 1 else 1 for n, k in zip(sides, kernel, strict=True)
        )
        span = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        padding = tuple(int(self.rng.integers(0, n)) for n in (*span, *span))
        stride = tuple(int(n) for n in self.rng.integers(1, 3, 2))
        return {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}

    def units(self) -> int:
        return int(self.rng.choice([1, 2, 3, 4, 6, 8, 11, 12]))

    def blocks(self) -> int:
        """Units of a block or a head, which all subnets keep whole numbers of."""
        common = int(np.gcd.reduce(self.levels[-1]))
        return int(self.rng.choice([n for n in range(1, common + 1) if common % n == 0]))

    def mates(self, fits: Callable[[TensorShape], bool], like: Levels | None = None) -> list[int]:
        """Tensors whose shape fits and, if given, of which each subnet keeps so many units."""
        found = (t for t in range(self.last + 1) if fits(self.shape(t)))
        return [t for t in found if like is None or self.levels[t] == like]

    def any_of(self, tensors: list[int], count: int) -> tuple[int, ...]:
        return tuple(int(t) for t in self.rng.choice(tensors, count))


def conv(d: Drawer) -> None:
    d.add(Kind.CONV, d.units(), **d.window())


def depthwise(d: Drawer) -> None:
    d.add(Kind.DEPTHWISE, **d.window())


def pool(d: Drawer) -> None:
    window = d.window() | {"dilation": (1, 1)}
    kernel = window["kernel"]
    padding = tuple(min(n, k - 1) for n, k in zip(window["padding"], (*kernel, *kernel), strict=True))
    d.add(Kind(int(d.rng.choice([4, 5]))), **window | {"padding": padding})


def grouped(d: Drawer) -> None:
    groups = d.shape().units // d.blocks()
    d.add(Kind.GROUPED, groups * int(d.rng.integers(1, 4)), groups=groups, **d.window())


def transposed(d: Drawer) -> None:
    kernel = int(d.rng.integers(1, 4)), int(d.rng.integers(1, 4))
    stride = int(d.rng.integers(1, 4)), int(d.rng.integers(1, 4))
    source, padding = d.shape(), [0, 0, 0, 0]
    for i, (n, k, s) in enumerate(zip((source.height, source.width), kernel, stride, strict=True)):
        left = (n - 1) * s + k - 1  # rows that padding may take away
        padding[i] = int(d.rng.integers(0, min(k - 1, left) + 1))
        padding[i + 2] = int(d.rng.integers(0, min(k - 1, left - padding[i]) + 1))
    d.add(Kind.TRANSPOSED, d.units(), kernel=kernel, stride=stride, padding=tuple(padding))


def upsample(d: Drawer) -> None:
    d.add(Kind.UPSAMPLE, stride=(int(d.rng.integers(1, 4)), int(d.rng.integers(1, 4))))


def elementwise(d: Drawer) -> None:
    a = d.shape()
    mates = d.mates(lambda b: b.height in (1, a.height) and b.width in (1, a.width), d.levels[-1])
    small = [t for t in mates if d.shape(t) != a] or mates
    other = int(d.rng.choice(small if d.rng.random() < 0.6 else mates))
    d.add(Kind(int(d.rng.choice([6, 11]))), other=other)


def concat(d: Drawer) -> None:
    a = d.shape()
    mates = d.mates(lambda b: (b.height, b.width) == (a.height, a.width))
    others = d.any_of(mates, int(d.rng.integers(1, 4)))
    d.add(Kind.CONCAT, inputs=(d.last, *others) if d.rng.random() < 0.5 else (*others, d.last))


def prelu(d: Drawer) -> None:
    d.add(Kind.PRELU)


def layer_norm(d: Drawer) -> None:
    d.add(Kind.LAYER_NORM)


def attention(d: Drawer) -> None:
    like = d.levels[-1]
    keys = d.any_of(d.mates(lambda shape: True, like), 1)
    values = d.any_of(d.mates(lambda v: v.positions == d.shape(keys[0]).positions, like), 1)
    d.add(Kind.ATTENTION, inputs=(d.last, *keys, *values), groups=d.shape().units // d.blocks())


def embed(d: Drawer) -> None:
    d.add(Kind.EMBED, padding=(int(d.rng.choice([0, 0, 1, 2])), 0, 0, 0))


def transpose(d: Drawer) -> None:
    if len(set(d.levels[-1])) == 1:
        d.add(Kind.TRANSPOSE)


def reshape(d: Drawer) -> None:
    source, units = d.shape(), d.shape().units
    if len(set(d.levels[-1])) == 1:
        size = source.size(units)
        units = int(d.rng.choice([n for n in range(1, size + 1) if size % n == 0]))
    positions = source.size(source.units) // units
    height = int(d.rng.choice([n for n in range(1, positions + 1) if positions % n == 0]))
    d.add(Kind.RESHAPE, shape=TensorShape(height, positions // height, units))


DRAWN: tuple[Callable[[Drawer], None], ...] = (
    conv, conv, depthwise, pool, grouped, transposed, upsample, elementwise, elementwise, concat, concat,
    prelu, layer_norm, attention, embed, transpose, reshape,
)  # fmt: skip


def modern_model(seed: int, subnets: int = 3, layers: int = 8) -> Model:
    """A model of modern kinds; every kind may stand anywhere that its shape and its cuts allow."""
    d = Drawer(seed, subnets)
    while len(d.maker.layers) < layers:
        draw = DRAWN[int(d.rng.integers(len(DRAWN)))]
        before = len(d.levels)
        draw(d)
        if len(d.levels) > before and d.shape().size(d.shape().units) > LARGEST:
            shrink(d)
    if d.rng.random() < 0.5 and d.shape().positions > 1:
        d.add(Kind.FLATTEN)
    if d.shape().positions == 1:
        d.add(Kind.DENSE, int(d.rng.integers(1, 13)))
    mixing = [d.levels[layer.output] for layer in d.maker.layers if layer.kind in MIXING]
    return d.maker.build([[levels[s] for levels in mixing] for s in range(subnets)], f"modern-{seed}")


def shrink(d: Drawer) -> None:
    """Take the tensor that grew too large down to a position and a few units."""
    d.add(
        Kind.AVERAGE_POOL, kernel=(min(255, d.shape().height), min(255, d.shape().width)), stride=(255, 255)
    )
    d.add(Kind.CONV, 4)


def modern_nets(seeds: Iterable[int], subnets: int = 3) -> list[Model]:
    """Modern models, some without blocks in small subnets, some with activation tables as well."""
    found = []
    for seed in seeds:
        model = modern_model(seed, subnets)
        if seed % 3:
            model = shallow(model, seed)
        found.append(activated(model, seed) if seed % 3 == 2 else model)
    return found
