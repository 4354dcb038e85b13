"""One inference value by value, in Python's integers: the rules of the pack written out once more."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import product
from math import floor, isqrt

from reds.pack.model import IntegerLayer, Model, Room, Step, TensorShape

Place = tuple[int, int, int]
"""Row, column and unit."""
Tensor = dict[Place, int]
ANY = 1 << 40
OCTAVE = [round(Fraction(32768) / Fraction(2 ** (i / 256))) for i in range(256)]


def by_hand(model: Model, subnet: int, x: Sequence[int]) -> list[int]:
    """The output of one inference."""
    shape = model.tensors[0]
    values = {0: dict(zip(places(shape, shape.units), x, strict=True))}
    levels = [model.rooms(s) for s in range(subnet + 1)]
    rooms = levels[-1]
    for step in model.subnets[subnet].steps:
        layer = model.layers[step.layer]
        ran = Ran(model, layer, step, [values[rooms[i].holds] for i in layer.inputs], levels)
        written = {}
        for place in places(model.tensors[layer.output], step.units_out):
            value = ran.value(*place)
            written[place] = int(step.activation.table[value + 128]) if step.activation else value
        values[layer.output] = written
    return list(values[rooms[-1].holds].values())


def places(shape: TensorShape, units: int) -> list[Place]:
    return list(product(range(shape.height), range(shape.width), range(units)))


class Ran:
    """A layer of a subnet, with the tensors that it reads."""

    def __init__(
        self, model: Model, layer: IntegerLayer, step: Step, reads: list[Tensor], levels: list[list[Room]]
    ) -> None:
        self.layer, self.step, self.reads = layer, step, reads
        self.sources, self.target = [model.tensors[i] for i in layer.inputs], model.tensors[layer.output]
        self.zeros = [levels[-1][i].zero for i in layer.inputs]
        self.units = [[rooms[i].units for i in layer.inputs] for rooms in levels]
        self.weights = layer.weights.tolist()
        rule: Callable[[int, int, int], int] = getattr(self, layer.kind.name.lower())
        self.value = rule

    def scaled(self, acc: int, multiplier: int) -> int:
        zero = self.step.activation.zero if self.step.activation else self.step.zero
        return max(-127, min(127, zero + floor(Fraction(acc * multiplier, 2**32) + Fraction(1, 2))))

    def requantized(self, acc: int, row: int = 0) -> int:
        return self.scaled(int(self.step.bias[row]) + acc, int(self.step.multiplier[row]))

    def at(self, y: int, x: int, unit: int, fill: int | None = None) -> int:
        return self.reads[0].get((y, x, unit), self.zeros[0] if fill is None else fill)

    def second(self, y: int, x: int, unit: int) -> int:
        other = self.sources[1]
        return self.reads[1][y if other.height > 1 else 0, x if other.width > 1 else 0, unit]

    def window(self, y: int, x: int) -> list[tuple[int, int]]:
        layer = self.layer
        top, left = y * layer.stride[0] - layer.padding[0], x * layer.stride[1] - layer.padding[1]
        taps = product(range(layer.kernel[0]), range(layer.kernel[1]))
        return [(top + i * layer.dilation[0], left + j * layer.dilation[1]) for i, j in taps]

    def mixed(self, y: int, x: int, unit: int, units: Sequence[int], stored: int) -> int:
        row = self.weights[unit]
        return sum(
            row[tap * stored + i] * self.at(*site, read)
            for tap, site in enumerate(self.window(y, x))
            for i, read in enumerate(units)
        )

    def dense(self, y: int, x: int, unit: int) -> int:
        return self.conv(y, x, unit)

    def conv(self, y: int, x: int, unit: int) -> int:
        acc = self.mixed(y, x, unit, range(self.step.units_in), self.sources[0].units)
        return self.requantized(acc, unit)

    def depthwise(self, y: int, x: int, unit: int) -> int:
        return self.requantized(self.mixed(y, x, unit, [unit], 1), unit)

    def grouped(self, y: int, x: int, unit: int) -> int:
        inside, outside = (shape.units // self.layer.groups for shape in (self.sources[0], self.target))
        first = unit // outside * inside
        return self.requantized(self.mixed(y, x, unit, range(first, first + inside), inside), unit)

    def transposed(self, y: int, x: int, unit: int) -> int:
        """A position between those of the input has its zero point."""
        layer, source, acc = self.layer, self.sources[0], 0
        for i, j in product(range(layer.kernel[0]), range(layer.kernel[1])):
            row = y + i - (layer.kernel[0] - 1 - layer.padding[0])
            column = x + j - (layer.kernel[1] - 1 - layer.padding[1])
            inside = row % layer.stride[0] == 0 and column % layer.stride[1] == 0
            site = (row // layer.stride[0], column // layer.stride[1]) if inside else (-1, -1)
            for u in range(self.step.units_in):
                weight = self.weights[unit][(i * layer.kernel[1] + j) * source.units + u]
                acc += weight * self.at(*site, u)
        return self.requantized(acc, unit)

    def average_pool(self, y: int, x: int, unit: int) -> int:
        total = sum(self.at(*site, unit) for site in self.window(y, x))
        return self.requantized(self.step.factors[0] * total)

    def max_pool(self, y: int, x: int, unit: int) -> int:
        return max(self.at(*site, unit, -ANY) for site in self.window(y, x))

    def add(self, y: int, x: int, unit: int) -> int:
        one, other = self.step.factors
        return self.requantized(one * self.at(y, x, unit) + other * self.second(y, x, unit))

    def multiply(self, y: int, x: int, unit: int) -> int:
        a, b = self.at(y, x, unit) - self.zeros[0], self.second(y, x, unit) - self.zeros[1]
        return self.scaled(a * b, int(self.step.multiplier[0]))

    def concat(self, y: int, x: int, unit: int) -> int:
        order = []
        for before, now in zip([[0] * len(self.reads), *self.units], self.units, strict=False):
            for k, (first, end) in enumerate(zip(before, now, strict=True)):
                order += [(k, u) for u in range(first, end)]
        k, read = order[unit]
        return self.requantized(16 * self.reads[k][y, x, read], k)

    def prelu(self, y: int, x: int, unit: int) -> int:
        distance = self.at(y, x, unit) - self.zeros[0]
        rows = self.step.bias if distance < 0 else self.step.multiplier
        return self.scaled(16 * distance, int(rows[unit]))

    def layer_norm(self, y: int, x: int, unit: int) -> int:
        count = self.step.units_in
        values = [self.at(y, x, u) for u in range(count)]
        total = sum(values)
        spread = count * sum(v * v for v in values) - total * total + int(self.step.bias[-1])
        k = max(k for k in range(31) if spread * 4**k < 2**62)
        reciprocal = 2**61 // isqrt(spread * 4**k)
        normal = floor(Fraction((count * values[unit] - total) * reciprocal, 2 ** (49 - k)) + Fraction(1, 2))
        return self.requantized(normal, unit)

    def attention(self, y: int, x: int, unit: int) -> int:
        head = self.target.units // self.layer.groups
        units = range(unit // head * head, unit // head * head + head)
        q, k, v = self.reads
        zq, zk, zv = self.zeros
        keys, values = (sorted({place[:2] for place in read}) for read in (k, v))
        scores = [sum((q[y, x, u] - zq) * (k[(*site, u)] - zk) for u in units) for site in keys]
        weights = []
        for score in scores:
            below = Fraction((max(scores) - score) * int(self.step.bias[0]), 2**24)
            octaves, part = divmod(floor(below + Fraction(1, 2)), 256)
            weights.append(OCTAVE[part] >> octaves if octaves < 16 else 0)
        shift = sum(weights).bit_length() - 16
        reciprocal = 2**31 // (sum(weights) // 2**shift)
        shares = [floor(Fraction(w * reciprocal, 2 ** (17 + shift)) + Fraction(1, 2)) for w in weights]
        acc = sum(share * (v[(*site, unit)] - zv) for share, site in zip(shares, values, strict=True))
        return self.scaled(acc, int(self.step.multiplier[0]))

    def embed(self, y: int, x: int, unit: int) -> int:
        position, source = y * self.target.width + x, self.sources[0]
        read = position - self.layer.padding[0]
        value = self.reads[0][(*divmod(read, source.width), unit)] if read >= 0 else self.zeros[0]
        one, other = self.step.factors
        return self.requantized(one * value + other * self.weights[position][unit])

    def upsample(self, y: int, x: int, unit: int) -> int:
        return self.at(y // self.layer.stride[0], x // self.layer.stride[1], unit)

    def flatten(self, y: int, x: int, unit: int) -> int:
        read, position = divmod(unit, self.sources[0].positions)
        return self.at(*divmod(position, self.sources[0].width), read)

    def transpose(self, y: int, x: int, unit: int) -> int:
        return self.at(*divmod(unit, self.sources[0].width), y)

    def reshape(self, y: int, x: int, unit: int) -> int:
        index = (y * self.target.width + x) * self.step.units_out + unit
        position, read = divmod(index, self.step.units_in)
        return self.at(*divmod(position, self.sources[0].width), read)
