"""Draw nets at random: layers of every kind in any order, of any shape, each with nested subnets."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from reds.errors import GraphError
from reds.graph import Activation, Graph, Padding, Widths
from reds.graph.builder import Builder, NamedPadding
from reds.pack.model import Kind, Model
from reds.zoo.mobilenet_v2 import SIX
from reds.zoo.random_weights import with_random_weights
from tests.support.depth import activated, shallow
from tests.support.modern import modern_model
from tests.support.nets import random_model

SUBNETS = 3
MOST_VALUES, MOST_MACS = 12_000, 500_000
"""Most values of a tensor and multiply-accumulates of a layer, so that many nets run in a minute."""
MOST_SIDE = 128
"""Most rows and columns of a tensor: a window has at most 255."""
_EXTREME = 5
"""One net of so many is drawn by the makers of other tests, with weights at their limits."""
_FUNCTIONS = (
    Activation("hard_swish"),
    Activation("sigmoid"),
    Activation("gelu"),
    Activation("leaky_relu", 0.1),
)


class _Draw:
    """A net that grows layer by layer."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.net = Builder(*self._input())
        self.last = self.net.input
        self.macs = 0

    def _input(self) -> tuple[int, int, int]:
        """Return units, rows and columns of the input: a picture, a series or features."""
        form = self.rng.random()
        if form < 0.6:
            return self.units(24), int(self.rng.integers(2, 21)), int(self.rng.integers(2, 21))
        if form < 0.85:
            steps = int(self.rng.integers(3, 61))
            return (self.units(32), steps, 1) if self.chance(0.7) else (self.units(32), 1, steps)
        return self.units(300), 1, 1

    def units(self, most: int = 72) -> int:
        """Return a number of units: any, a multiple of four, or a few."""
        form = self.rng.random()
        if form < 0.4:
            return 4 * int(self.rng.integers(1, most // 4 + 1))
        return int(self.rng.integers(1, 6 if form < 0.55 else most + 1))

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def pick(self, *of: int) -> int:
        return int(self.rng.choice(of))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return rows, columns and units of the last tensor."""
        return self.net.shape(self.last)

    def window(self, most: int = 9) -> dict[str, Any]:
        """Return a kernel, a stride and a dilation that fit the last tensor."""
        sides = self.shape[:2]
        form = self.rng.random()
        if form < 0.35:
            kernel = [3, 3]
        elif form < 0.5:
            kernel = [5, 5]
        else:
            kernel = [int(n) for n in self.rng.integers(1, most + 1, 2)]
        if form > 0.8:
            kernel[self.pick(0, 1)] = 1
        kernel = [min(k, side) for k, side in zip(kernel, sides, strict=True)]
        stride = [1, 1] if self.chance(0.6) else [int(n) for n in self.rng.integers(1, 4, 2)]
        dilation = [1, 1]
        if self.chance(0.12):
            dilation = [
                self.pick(*range(1, 1 + min(3, max(1, (side - 1) // max(1, k - 1)))))
                for k, side in zip(kernel, sides, strict=True)
            ]
        found = {"kernel": kernel, "stride": stride, "dilation": dilation}
        return {name: (a, b) for name, (a, b) in found.items()}

    def padding(self, window: Mapping[str, Any]) -> Padding | NamedPadding:
        """Return a padding for a window, by its name or by its sides."""
        form = self.rng.random()
        if form < 0.6:
            return "same"
        if form < 0.8:
            return "valid"
        span = [(k - 1) * d + 1 for k, d in zip(window["kernel"], window["dilation"], strict=True)]
        top, left, bottom, right = (int(self.rng.integers(0, n)) for n in (*span, *span))
        return top, left, bottom, right

    def ending(self) -> dict[str, Any]:
        """Return a ReLU, a ReLU6, another function or nothing."""
        form = self.rng.random()
        if form < 0.45:
            return {}
        if form < 0.65:
            return {"ceiling": SIX}
        if form < 0.75:
            return {"relu": False, "activation": _FUNCTIONS[self.pick(*range(len(_FUNCTIONS)))]}
        return {"relu": False}


def _conv(d: _Draw) -> int:
    window, units = d.window(5), d.units()
    height, width, read = d.shape
    positions = height * width // (window["stride"][0] * window["stride"][1]) + 1
    taps = window["kernel"][0] * window["kernel"][1]
    units = max(1, min(units, MOST_MACS // (positions * taps * read)))
    return d.net.conv(d.last, units, padding=d.padding(window), **window, **d.ending())


def _pointwise(d: _Draw) -> int:
    height, width, read = d.shape
    units = max(1, min(d.units(), MOST_MACS // (height * width * read)))
    return d.net.conv(d.last, units, (1, 1), **d.ending())


def _depthwise(d: _Draw) -> int:
    window = d.window()
    return d.net.depthwise(d.last, padding=d.padding(window), **window, **d.ending())


def _grouped(d: _Draw) -> int:
    window, units = d.window(3), d.shape[2]
    groups = d.pick(*(n for n in range(1, units + 1) if units % n == 0))
    written = groups * d.pick(1, 2, 3)
    return d.net.conv(
        d.last,
        written,
        padding=d.padding(window),
        groups=groups,
        **window,
        **d.ending(),
    )


def _transposed(d: _Draw) -> int:
    kernel = d.pick(1, 2, 3), d.pick(1, 2, 3)
    return d.net.transposed(d.last, d.units(24), kernel, (d.pick(1, 2), d.pick(1, 2)), **d.ending())


def _pool(d: _Draw) -> int:
    kind = Kind.MAX_POOL if d.chance(0.5) else Kind.AVERAGE_POOL
    if d.chance(0.15):
        return d.net.pool(d.last, kind=kind)
    if d.chance(0.4):
        return d.net.pool(d.last, (2, 2), kind=kind)
    window = d.window(5)
    padding: NamedPadding = "same" if d.chance(0.3) else "valid"
    return d.net.pool(d.last, window["kernel"], window["stride"], kind, padding)


def _residual(d: _Draw) -> int:
    """Add a block of one or two convolutions, or an inverted residual, to its input."""
    height, width, units = d.shape
    if units == d.net.shape(d.net.input)[2] and d.last == d.net.input:
        return _pointwise(d)
    if d.chance(0.5):
        wide = max(1, min(units * d.pick(1, 2, 3), MOST_MACS // (height * width * units)))
        y = d.net.conv(d.last, wide, (1, 1), ceiling=SIX)
        y = d.net.depthwise(y, (min(3, height), min(3, width)), ceiling=SIX)
        y = d.net.conv(y, units, (1, 1), relu=False)
    else:
        y = d.net.conv(d.last, units, (1, d.pick(1, min(3, width))), relu=False)
    return d.net.add(d.last, y, relu=d.chance(0.5))


def _gate(d: _Draw) -> int:
    """Multiply by a gate for each channel, as squeeze-excite does."""
    y = d.net.conv(d.net.pool(d.last), d.units(12), (1, 1))
    y = d.net.conv(y, d.shape[2], (1, 1), activation=Activation("hard_sigmoid"))
    return d.net.multiply(d.last, y)


def _concat(d: _Draw) -> int:
    return d.net.concat([d.last, *(_pointwise(d) for _ in range(d.pick(1, 2)))])


def _attention(d: _Draw) -> int:
    height, width, _ = d.shape
    heads, size = d.pick(1, 2, 3), d.pick(4, 7, 8, 16)
    if height * width > 64:
        return _pool(d)
    q, k, v = (d.net.conv(d.last, heads * size, (1, 1), relu=False, norm=False) for _ in range(3))
    return d.net.attention(q, k, v, heads)


def _move(d: _Draw) -> int:
    height, width, units = d.shape
    form = d.pick(0, 1, 2, 3)
    if form == 0 and height * width * units < 2_000:
        return d.net.upsample(d.last, (d.pick(1, 2), d.pick(1, 2, 3)))
    if form == 1:
        return d.net.reshape(d.last, width, height)
    if form == 2 and height * width < 100 and d.last:
        return d.net.transpose(d.last)
    return d.net.embed(d.last, d.pick(0, 1))


def _norm(d: _Draw) -> int:
    return d.net.layer_norm(d.last) if d.chance(0.5) else d.net.prelu(d.last)


_STEPS: Mapping[Callable[[_Draw], int], float] = {
    _conv: 0.2, _pointwise: 0.2, _depthwise: 0.2, _pool: 0.1, _residual: 0.08, _grouped: 0.05,
    _transposed: 0.03, _gate: 0.03, _concat: 0.03, _attention: 0.02, _move: 0.03, _norm: 0.03,
}  # fmt: skip


def graph(rng: np.random.Generator) -> Graph:
    """Return a net of three to nine steps, at most a head of dense layers behind them."""
    d, steps = _Draw(rng), [*_STEPS]
    odds = np.array([*_STEPS.values()]) / sum(_STEPS.values())
    count = int(rng.integers(3, 10))
    for _ in range(count if d.shape[0] * d.shape[1] > 1 else 0):
        try:
            d.last = steps[int(rng.choice(len(steps), p=odds))](d)
        except GraphError:
            continue  # the step does not fit the shape that is there
        while max(d.shape[:2]) > MOST_SIDE:
            height, width, _ = d.shape
            d.last = d.net.pool(d.last, (min(2, height), min(2, width)), kind=Kind.MAX_POOL)
        if np.prod(d.shape) > MOST_VALUES:
            d.last = d.net.conv(d.last, 3, (1, 1), (2, 2))
    if np.prod(d.shape[:2]) > 1 and d.chance(0.6):
        d.last = d.net.pool(d.last) if np.prod(d.shape) > 600 or d.chance(0.5) else d.last
        d.last = d.net.flatten(d.last)
    if np.prod(d.shape[:2]) == 1:
        for _ in range(d.pick(1, 2, 3)):
            d.last = d.net.dense(d.last, d.units(150), **d.ending())
    else:
        d.last = d.net.conv(d.last, d.units(16), (1, 1))
    return d.net.build()


def widths(rng: np.random.Generator, whole: Graph) -> dict[str, Widths]:
    """Return nested subnets with any number of units of each group; some of the smallest leave out blocks."""
    found: list[list[int]] = [[] for _ in range(SUBNETS)]
    even = rng.random() < 0.25
    for group in whole.groups:
        drawn = sorted(int(n) for n in rng.integers(1, group.units + 1, SUBNETS - 1))
        for s, units in enumerate((*drawn, group.units)):
            kept = -(-units // 4) * 4 if even else units
            found[s].append(min(kept, group.units) if group.cut else group.units)
    for block in whole.blocks:
        if rng.random() < 0.4:
            for g in block.groups:
                found[0][g] = 0
    try:
        whole.running(found[0])
    except GraphError:
        found[0] = found[1]
    return {f"{s + 1}": tuple(each) for s, each in enumerate(found)}


def model(seed: int) -> Model:
    """Return the net of a seed."""
    if seed % _EXTREME == 0:
        rest = seed // _EXTREME
        made = random_model(4 * rest, SUBNETS) if rest % 2 else modern_model(4 * rest, SUBNETS)
        return activated(shallow(made, rest), rest) if rest % 3 == 0 else made
    rng = np.random.default_rng(seed)
    whole = graph(rng)
    return with_random_weights(f"net-{seed}", whole, widths(rng, whole), seed)
