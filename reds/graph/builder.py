"""Build a graph layer by layer, and count sizes, MACs and the units that must be cut together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any, Literal, NoReturn

import numpy as np

from reds.errors import GraphError
from reds.graph import Graph, Layer, Padding, Tensor, same_padding
from reds.graph.geometry import Pair, positions, reach, spread
from reds.graph.parts import Activation
from reds.graph.unit_classes import Channels, UnitClasses
from reds.pack.model import MOST_INPUTS, WEIGHTED, Kind

NamedPadding = Literal["same", "valid"]
"""TensorFlow's names: `same` pads to ceil(side / stride) windows, `valid` does not pad."""
NO_PADDING = (0, 0, 0, 0)


@dataclass(frozen=True)
class _Made:
    """A tensor as it was added: the channels of one position, and the positions."""

    channels: Channels
    height: int = 1
    width: int = 1

    @property
    def sides(self) -> Pair:
        return self.height, self.width

    def __str__(self) -> str:
        return f"{self.height} x {self.width} x {len(self.channels)}"


class Builder:
    """Add layers one by one: each method takes and returns indices of tensors, and `build` the graph.

    Raises:
        GraphError: From every method, if a layer does not fit its input.
    """

    def __init__(self, units: int, height: int = 1, width: int = 1) -> None:
        self._classes = UnitClasses()
        self._tensors = [_Made(self._classes.new(units, cut=False), height, width)]
        self._layers: list[dict[str, Any]] = []
        self.input = 0

    def shape(self, x: int) -> tuple[int, int, int]:
        """Return rows, columns and channels of a tensor."""
        made = self._tensors[x]
        return made.height, made.width, len(made.channels)

    def dense(
        self, x: int, units: int, relu: bool = True, norm: bool = True, ceiling: float = inf,
        activation: Activation | None = None,
    ) -> int:  # fmt: skip
        """Add a fully connected layer, which reads a tensor of 1 x 1 positions."""
        if self._tensors[x].sides != (1, 1):
            self._refuse(
                "a dense layer reads {} x {} positions: flatten them first".format(*self._tensors[x].sides)
            )
        ending = _ending(relu, norm, ceiling, activation)
        return self._add(Kind.DENSE, (x,), _Made(self._new(units)), per_pair=1, **ending)

    def conv(
        self, x: int, units: int, kernel: Pair, stride: Pair = (1, 1),
        padding: Padding | NamedPadding = "same", relu: bool = True, norm: bool = True, ceiling: float = inf,
        *, activation: Activation | None = None, dilation: Pair = (1, 1), groups: int = 1,
    ) -> int:  # fmt: skip
        """Add a convolution.

        Args:
            x: The tensor to read.
            units: Units written.
            kernel: Rows and columns of the window.
            stride: Rows and columns that the window moves by.
            padding: Rows and columns added at the top, left, bottom and right, or a name.
            relu: Whether a ReLU follows.
            norm: Whether a batch norm follows.
            ceiling: The upper limit of the ReLU.
            activation: The function that follows in place of a ReLU.
            dilation: Rows and columns from one tap of the window to the next.
            groups: Blocks of channels, each cut whole, that write units from their own share of the input.
        """
        ending = _ending(relu, norm, ceiling, activation)
        if groups == 1:
            return self._slide(Kind.CONV, x, None, units, kernel, stride, padding, dilation, **ending)
        source = self._tensors[x].channels
        if groups < 1 or len(source) % groups or units % groups:
            self._refuse(f"{len(source)} channels to {units} units do not fall into {groups} groups")
        block = len(source) // groups
        self._classes.tie(source, block)
        written = np.repeat(source[::block], units // groups)
        return self._slide(
            Kind.GROUPED, x, written, units, kernel, stride, padding, dilation, block=block, **ending
        )

    def depthwise(
        self, x: int, kernel: Pair, stride: Pair = (1, 1), padding: Padding | NamedPadding = "same",
        relu: bool = True, norm: bool = True, ceiling: float = inf, *, activation: Activation | None = None,
        dilation: Pair = (1, 1),
    ) -> int:  # fmt: skip
        """Add a depthwise convolution: one filter for each channel of x, and the same units."""
        ending = _ending(relu, norm, ceiling, activation)
        written = self._tensors[x].channels
        return self._slide(
            Kind.DEPTHWISE, x, written, len(written), kernel, stride, padding, dilation, **ending
        )

    def transposed(
        self, x: int, units: int, kernel: Pair, stride: Pair = (1, 1), padding: Padding = NO_PADDING,
        relu: bool = True, norm: bool = True, ceiling: float = inf, *, activation: Activation | None = None,
    ) -> int:  # fmt: skip
        """Add a transposed convolution, which cuts `padding` off what it spreads."""
        source = self._tensors[x]
        sides = spread(source.sides, kernel, stride, padding)
        if min(sides) < 1 or max(padding[::2]) >= kernel[0] or max(padding[1::2]) >= kernel[1]:
            self._refuse(f"a transposed window of {kernel} leaves nothing of {source} without {padding}")
        ending = _ending(relu, norm, ceiling, activation)
        per_pair = source.height * source.width * kernel[0] * kernel[1]
        options: dict[str, Any] = {"kernel": kernel, "stride": stride, "padding": padding}
        return self._add(
            Kind.TRANSPOSED, (x,), _Made(self._new(units), *sides), per_pair=per_pair, **options, **ending
        )

    def scale(
        self, x: int, relu: bool = False, ceiling: float = inf, activation: Activation | None = None
    ) -> int:
        """Add a batch norm that follows no layer with weights."""
        return self.depthwise(x, (1, 1), relu=relu, ceiling=ceiling, activation=activation)

    def pool(
        self, x: int, kernel: Pair | None = None, stride: Pair | None = None, kind: Kind = Kind.AVERAGE_POOL,
        padding: Padding | NamedPadding = "valid", activation: Activation | None = None,
    ) -> int:  # fmt: skip
        """Add an average or a maximum over windows.

        Args:
            x: The tensor to read.
            kernel: Rows and columns of the window; by default all positions.
            stride: Rows and columns that the window moves by; by default the kernel's.
            kind: `AVERAGE_POOL`, where padding counts as zeros, or `MAX_POOL`, where it does not count.
            padding: Rows and columns added at the top, left, bottom and right, or a name.
            activation: The function that follows.
        """
        source = self._tensors[x]
        kernel = kernel or source.sides
        written = source.channels
        return self._slide(
            kind, x, written, len(written), kernel, stride or kernel, padding, activation=activation
        )

    def activate(self, x: int, activation: Activation) -> int:
        """Add a function of each value of a tensor that others read too."""
        return self.pool(x, (1, 1), kind=Kind.MAX_POOL, activation=activation)

    def first(self, x: int) -> int:
        """Add a layer that keeps the first position alone, as a transformer's class token."""
        return self.pool(x, (1, 1), self._tensors[x].sides, Kind.MAX_POOL)

    def upsample(self, x: int, factors: Pair) -> int:
        """Add a layer that repeats each position in rows and columns."""
        source = self._tensors[x]
        made = replace(source, height=source.height * factors[0], width=source.width * factors[1])
        return self._add(Kind.UPSAMPLE, (x,), made, stride=factors)

    def add(
        self, a: int, b: int, relu: bool = False, ceiling: float = inf, activation: Activation | None = None
    ) -> int:
        """Add an addition, which makes one unit of each two channels.

        Args:
            a: A tensor to read.
            b: A tensor of the same shape, or of one row, one column or one position. The order of both does
                not matter.
            relu: Whether a ReLU follows.
            ceiling: The upper limit of the ReLU.
            activation: The function that follows in place of a ReLU.
        """
        return self._both(Kind.ADD, "added", a, b, relu, ceiling, activation)

    def multiply(
        self, a: int, b: int, relu: bool = False, ceiling: float = inf, activation: Activation | None = None
    ) -> int:
        """Add a product of two tensors, which fit each other as those of `add` do."""
        return self._both(Kind.MULTIPLY, "multiplied", a, b, relu, ceiling, activation)

    def concat(
        self, xs: Sequence[int], relu: bool = False, ceiling: float = inf,
        activation: Activation | None = None,
    ) -> int:  # fmt: skip
        """Add a concatenation of the channels of two or more tensors with the same positions."""
        if len(xs) > MOST_INPUTS:
            first = self.concat(xs[:MOST_INPUTS])
            return self.concat([first, *xs[MOST_INPUTS:]], relu, ceiling, activation)
        made = [self._tensors[x] for x in xs]
        if len(made) < 2 or len({each.sides for each in made}) > 1:
            self._refuse(f"tensors of {', '.join(map(str, made))} do not lie side by side")
        joined = _Made(np.concatenate([each.channels for each in made]), *made[0].sides)
        return self._add(Kind.CONCAT, tuple(xs), joined, **_ending(relu, False, ceiling, activation))

    def prelu(self, x: int) -> int:
        """Add a leaky ReLU with a slope for each channel."""
        return self._add(Kind.PRELU, (x,), self._tensors[x])

    def layer_norm(
        self, x: int, eps: float = 1e-5, relu: bool = False, ceiling: float = inf,
        activation: Activation | None = None,
    ) -> int:  # fmt: skip
        """Add a layer norm over the channels of each position."""
        ending = _ending(relu, False, ceiling, activation)
        return self._add(Kind.LAYER_NORM, (x,), self._tensors[x], eps=eps, **ending)

    def attention(self, q: int, k: int, v: int, heads: int) -> int:
        """Add scaled dot-product attention, of which heads are cut whole.

        Args:
            q: The queries: positions of channels, those of the first head first.
            k: The keys, with as many channels.
            v: The values, with as many channels and as many positions as the keys.
            heads: Heads of the full network.
        """
        made = [self._tensors[x] for x in (q, k, v)]
        count = len(made[0].channels)
        if {len(each.channels) for each in made} != {count} or made[1].sides != made[2].sides:
            self._refuse(f"queries, keys and values of {', '.join(map(str, made))} do not fit each other")
        if heads < 1 or count % heads:
            self._refuse(f"{count} channels do not fall into {heads} heads")
        for each in made:
            self._classes.merge(made[0].channels, each.channels)
        self._classes.tie(made[0].channels, count // heads)
        pairs = made[0].height * made[0].width * made[1].height * made[1].width
        return self._add(Kind.ATTENTION, (q, k, v), made[0], per_pair=2 * pairs, block=count // heads)

    def embed(self, x: int, front: int = 0) -> int:
        """Add a trained constant to each value, after as many positions of constants in front."""
        made = self._tensors[x]
        if front:
            made = replace(made, height=made.height * made.width + front, width=1)
        block = made.height * made.width
        return self._add(Kind.EMBED, (x,), made, padding=(front, 0, 0, 0), block=block)

    def transpose(self, x: int) -> int:
        """Add a layer that swaps positions and channels. None of either is cut."""
        made = self._tensors[x]
        written = self._classes.new(made.height * made.width, cut=False)
        self._classes.uncut(made.channels)
        return self._add(Kind.TRANSPOSE, (x,), _Made(written, len(made.channels)))

    def reshape(self, x: int, height: int, width: int, units: int | None = None) -> int:
        """Add a layer that reads the values of x, units innermost, in another shape.

        If the number of units changes, neither those of x nor those written are cut.
        """
        made = self._tensors[x]
        units = units or len(made.channels)
        if height * width * units != made.height * made.width * len(made.channels):
            self._refuse(f"{made} values do not reshape to {height} x {width} x {units}")
        written = made.channels
        if units != len(written):
            self._classes.uncut(written)
            written = self._classes.new(units, cut=False)
        return self._add(Kind.RESHAPE, (x,), _Made(written, height, width))

    def flatten(self, x: int) -> int:
        """Add a flatten: all positions of the first channel become features, then those of the second."""
        made = self._tensors[x]
        return self._add(Kind.FLATTEN, (x,), _Made(np.repeat(made.channels, made.height * made.width)))

    def uncut(self, x: int) -> int:
        """Let subnets keep all units of a tensor, as a residual stream, and return the tensor."""
        self._classes.uncut(self._tensors[x].channels)
        return x

    def build(self) -> Graph:
        """Return the graph. Its output is the last tensor, whose units are never cut."""
        self._classes.uncut(self._tensors[-1].channels)
        groups, spans = self._classes.groups([made.channels for made in self._tensors])
        layers = []
        for i, options in enumerate(self._layers):
            read = options["inputs"] if options["kind"] is Kind.CONCAT else options["inputs"][:1]
            reads = tuple(span for x in read for span in spans[x])
            layers.append(Layer(reads=reads, writes=spans[i + 1], output=i + 1, **options))
        tensors = (
            Tensor(own, made.height, made.width) for own, made in zip(spans, self._tensors, strict=True)
        )
        return Graph(groups, tuple(tensors), tuple(layers))

    def _refuse(self, problem: str) -> NoReturn:
        raise GraphError(f"layer {len(self._layers)}: {problem}")

    def _new(self, units: int) -> Channels:
        if units < 1:
            self._refuse(f"{units} units, but at least 1 is needed")
        return self._classes.new(units, cut=True)

    def _both(
        self, kind: Kind, done: str, a: int, b: int, relu: bool, ceiling: float,
        activation: Activation | None,
    ) -> int:  # fmt: skip
        """Add a layer that combines two tensors channel by channel, the larger of which comes first."""
        if (
            self._tensors[a].height * self._tensors[a].width
            < self._tensors[b].height * self._tensors[b].width
        ):
            a, b = b, a
        left, right = self._tensors[a], self._tensors[b]
        fits = all(n in (1, m) for m, n in zip(left.sides, right.sides, strict=True))
        if len(left.channels) != len(right.channels) or not fits:
            self._refuse(f"tensors {a} and {b} cannot be {done}: {left} and {right}")
        self._classes.merge(left.channels, right.channels)
        return self._add(kind, (a, b), left, **_ending(relu, False, ceiling, activation))

    def _slide(
        self, kind: Kind, x: int, written: Channels | None, units: int, kernel: Pair, stride: Pair,
        padding: Padding | NamedPadding, dilation: Pair = (1, 1), block: int = 1, **ending: Any,
    ) -> int:  # fmt: skip
        """Add a layer that slides a window over the positions of x; `written` None makes units of its own."""
        source, window = self._tensors[x], reach(kernel, dilation)
        if padding == "same":
            padding = same_padding(source.sides, window, stride)
        padding = NO_PADDING if padding == "valid" else padding
        sides = positions(source.sides, window, stride, padding)
        if min(sides) < 1:
            self._refuse(
                f"a window of {window} does not fit its input of {source.sides}, padded by {padding}"
            )
        if max(padding[::2]) >= window[0] or max(padding[1::2]) >= window[1]:
            self._refuse(f"padding {padding} is as wide as the window of {window}: each side must be less")
        made = _Made(self._new(units) if written is None else written, *sides)
        per_pair = sides[0] * sides[1] * kernel[0] * kernel[1] * block if kind in WEIGHTED else 0
        options = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
        return self._add(kind, (x,), made, per_pair=per_pair, block=block, **options, **ending)

    def _add(
        self, kind: Kind, inputs: tuple[int, ...], made: _Made, per_pair: int = 0, **options: Any
    ) -> int:
        """Append a layer that writes the new tensor, and return the tensor's index."""
        name = f"{kind.name.lower()}{len(self._layers)}"
        self._layers.append({
            "name": name, "kind": kind, "inputs": inputs, "per_pair": per_pair, **options
        })  # fmt: skip
        self._tensors.append(made)
        return len(self._tensors) - 1


def _ending(relu: bool, norm: bool, ceiling: float, activation: Activation | None) -> dict[str, Any]:
    """Return the fields of a layer's ending. An activation takes the place of a ReLU."""
    plain = activation is None
    return {
        "relu": relu and plain, "ceiling": ceiling if plain else inf, "norm": norm, "activation": activation,
    }  # fmt: skip
