"""Models that reach the corners of the kernels: odd widths, rows marked plain, tensors at the arena's end."""

from collections.abc import Mapping, Sequence

import numpy as np

from reds import pack
from reds.pack.layouts import LAYOUTS, Layout, preferring
from reds.pack.model import MIXING, WEIGHTED, Kind, Model
from tests.support.depth import deep_nets
from tests.support.modern import modern_nets
from tests.support.nets import Maker, dense_model, dnn_s, random_model

NEON_LAYOUT = LAYOUTS[5]

NETS = [
    dense_model([5, 3], [[3]], 1),
    dense_model([12, 8, 4], [[4, 4], [8, 4]], 2),
    dense_model([9, 6, 5, 3], [[2, 3, 3], [4, 4, 3], [6, 5, 3]], 3),
    *(random_model(seed) for seed in range(20)),
    *deep_nets(range(3)),
    *modern_nets(range(30)),
]
"""Small nets of all kinds: seeds of the fuzz tests."""


def stored(model: Model, layout: Layout) -> bytes:
    """Return a pack whose layers have a layout, or the canonical one where it has no kernel for them."""
    return pack.dumps(model, preferring(model, layout))


def shapes() -> list[Model]:
    """Return models of widths from one unit up, multiples of four or not, with narrow subnets."""
    rng = np.random.default_rng(7)
    models = [dnn_s()]
    for seed in range(12):
        widths = [int(w) for w in rng.integers(1, 70, rng.integers(2, 5))]
        nested = [[max(1, w * part // 3) for w in widths[1:]] for part in (1, 2, 3)]
        models.append(dense_model(widths, nested, seed, f"random-{seed}", extreme=seed % 3 == 0))
    # Rows above and below the bound of radix 256 side by side, in one subnet but not in the other.
    wide = dense_model([700, 12, 6], [[4, 6], [12, 6]], 99, "plain-rows", extreme=True)
    wide.layers[0].weights[4:8] //= 3
    every_kind = [random_model(seed, subnets=3) for seed in range(30)]
    every_kind += [*deep_nets(range(200, 206)), *modern_nets(range(100, 125))]
    return [
        *models,
        wide,
        *every_kind,
        *along_lines(),
        *windows(),
        *pools_and_broadcasts(),
        *corners(),
        plain_conv(),
        large_biases(),
        *convolutions(),
    ]


CONVOLUTIONS = (
    (*((1, 1, 4 * n, 5 + n) for n in range(1, 9)), (1, 1, 13, 6)),
    ((3, 3, 3, 9), (3, 3, 2, 4), (5, 5, 1, 8), (2, 2, 8, 5), (1, 1, 7, 2), (1, 1, 5, 3)),
    ((10, 4, 1, 44), (5, 4, 2, 42), (1, 1, 42, 5)),
    ((3, 3, 4, 4), (3, 3, 5, 6), (3, 2, 13, 2), (1, 1, 70, 7), (10, 4, 1, 12), (4, 4, 3, 5)),
    ((3, 3, 12, 17), (1, 1, 33, 40), (3, 3, 6, 28), (1, 1, 64, 50), (5, 5, 3, 4), (2, 3, 40, 24)),
)
"""Kernel rows and columns, units in and out of convolutions for each way of a Cortex-M4 to run them: weights
at rest for up to 32 inputs, in place and gathered, for few weights, and pairs of positions."""


def convolutions() -> list[Model]:
    """Return chains of convolutions on odd and even numbers of positions, cut to any number of units."""
    models = []
    for i, chain in enumerate(CONVOLUTIONS):
        for padded in (True, False):
            maker, written = Maker(11 + padded, 11, 3, i), list[int]()
            for rows, columns, reads, writes in chain:
                around = (rows // 2, columns // 2, rows - 1 - rows // 2, columns - 1 - columns // 2)
                small = min(maker.tensors[-1].height, maker.tensors[-1].width) < 10
                maker.add(Kind.CONV, reads)
                sides = around if padded or small else (0, 0, 0, 0)
                maker.add(Kind.CONV, writes, (rows, columns), padding=sides)
                written += [reads, writes]
            cut = [max(1, units - 1 - units // 3) for units in written]
            models.append(maker.build([cut, written], f"convolutions-{i}-{padded}"))
    return models


def plain_conv() -> Model:
    """Return a convolution with a fan-in of 720 and all weights at their limits but those of four rows."""
    maker = Maker(5, 5, 80, 98, extreme=True)
    maker.add(Kind.CONV, 11, (3, 3), (2, 1), (1, 1, 1, 1))
    maker.layers[0].weights[4:8] //= 3
    maker.add(Kind.FLATTEN)
    maker.add(Kind.DENSE, 5)
    return maker.build([[4, 5], [11, 5]], "plain-conv")


LINES = (
    (9, 1, 4, 4, 12), (9, 2, 4, 4, 7), (5, 1, 0, 4, 3), (1, 1, 0, 0, 5), (7, 3, 6, 0, 16), (3, 2, 1, 2, 1),
)  # fmt: skip
"""Taps, stride, padding before and after, and units of depthwise layers along a line."""


def along_lines() -> list[Model]:
    """Return models whose depthwise windows slide along one column, one row or one position."""
    models = []
    for seed, (taps, stride, before, after, units) in enumerate(LINES):
        for sides, kernel, steps, padding in (
            ((19, 1), (taps, 1), (stride, 1), (before, 0, after, 0)),
            ((1, 19), (1, taps), (1, stride), (0, before, 0, after)),
            ((1, 1), (1, taps), (1, stride), (0, taps - 1, 0, taps - 1)),
        ):
            maker = Maker(*sides, 3, seed)
            maker.add(Kind.CONV, units)
            maker.add(Kind.DEPTHWISE, 0, kernel, steps, padding, relu=seed % 2 == 0)
            models.append(maker.build([[(units + 1) // 2], [units]], f"line-{taps}"))
    return models


def corners() -> list[Model]:
    """Return models that reach the corners of the portable kernels.

    Taps are further from each other than a row of the input is long, or than a tile of the stack; windows lie
    in the padding alone; filters are more than those whose biases are kept for such windows; a concatenation
    is large enough for a table.
    """
    models = []
    for seed, (sides, kind, units, options) in enumerate(CORNERS):
        maker = Maker(*sides, 4, seed)
        maker.add(Kind.CONV, 4)
        maker.add(kind, units, relu=seed % 2 == 0, **options)  # type: ignore[arg-type]
        narrow, wide = ([3, (units + 1) // 2], [4, units]) if kind in MIXING else ([3], [4])
        models.append(maker.build([narrow, wide], f"corner-{seed}"))
    return models


CORNERS: Sequence[tuple[tuple[int, int], Kind, int, Mapping[str, object]]] = (
    ((12, 60), Kind.DEPTHWISE, 0, {"kernel": (3, 3), "padding": (1, 1, 1, 1)}),
    ((3, 300), Kind.DEPTHWISE, 0, {"kernel": (3, 5), "stride": (2, 3), "padding": (1, 2, 1, 2)}),
    ((700, 1), Kind.DEPTHWISE, 0, {"kernel": (9, 1), "padding": (4, 0, 4, 0)}),
    ((9, 9), Kind.DEPTHWISE, 0, {"kernel": (5, 7), "dilation": (9, 9), "padding": (20, 25, 20, 25)}),
    ((9, 5), Kind.DEPTHWISE, 0, {"kernel": (3, 2), "dilation": (1, 3), "padding": (2, 3, 2, 3)}),
    ((5, 5), Kind.CONV, 53, {"kernel": (3, 3), "dilation": (1, 2), "padding": (1, 2, 1, 2)}),
    ((4, 6), Kind.CONV, 2, {"kernel": (2, 2), "dilation": (3, 1), "padding": (3, 1, 3, 1)}),
    ((4, 5), Kind.CONV, 7, {"kernel": (2, 1), "stride": (2, 2), "padding": (1, 0, 1, 0)}),
    ((16, 12), Kind.CONCAT, 0, {"inputs": (1, 1)}),
    ((4, 3), Kind.TRANSPOSED, 50, {"kernel": (2, 3), "stride": (1, 3)}),
    ((3, 4), Kind.TRANSPOSED, 5, {"kernel": (5, 2), "stride": (4, 1), "padding": (2, 0, 1, 1)}),
)
"""Height and width, kind, units written, and the window of layers at the corners."""


WINDOWS: tuple[tuple[tuple[int, int], int, dict[str, tuple[int, ...]]], ...] = (
    (
        (13, 5),
        6,
        {"kernel": (3, 3), "padding": (1, 1, 1, 1)},
    ),  # lines along the columns, the last units with others
    ((6, 6), 8, {"kernel": (3, 3), "padding": (1, 1, 1, 1)}),  # six outputs a line
    ((5, 4), 3, {"kernel": (3, 3), "padding": (2, 1, 0, 2)}),  # too few units for words
    ((12, 12), 5, {"kernel": (3, 3), "stride": (2, 2), "padding": (0, 1, 1, 0)}),
    ((9, 23), 9, {"kernel": (3, 3), "stride": (2, 2), "padding": (1, 1, 1, 1)}),
    ((9, 14), 7, {"kernel": (5, 5), "padding": (2, 2, 2, 2)}),
    ((14, 9), 4, {"kernel": (2, 8), "stride": (1, 2), "padding": (1, 4, 0, 3)}),
    ((50, 20), 5, {"kernel": (7, 4), "dilation": (8, 1), "padding": (4, 0, 4, 3)}),  # several strips
    ((12, 12), 4, {"kernel": (11, 11), "padding": (5, 5, 5, 5)}),  # more taps than are unrolled
    ((11, 10), 5, {"kernel": (3, 4), "stride": (3, 4), "padding": (1, 1, 1, 1)}),
    ((17, 16), 5, {"kernel": (3, 3), "dilation": (2, 3), "padding": (2, 3, 2, 3)}),
    ((15, 18), 4, {"kernel": (3, 2), "stride": (2, 2), "dilation": (3, 4), "padding": (3, 2, 3, 2)}),
    ((40, 1), 6, {"kernel": (21, 1), "padding": (10, 0, 10, 0)}),  # one row in parts of eight taps
    ((1, 700), 2, {"kernel": (1, 5), "stride": (1, 4), "padding": (0, 2, 0, 2)}),  # lines in segments
    ((6, 5), 8, {"kernel": (1, 1), "stride": (1, 2)}),
)
"""Sides, units and windows of depthwise layers, one for each way that the kernels of the Cortex-M4 take."""


def windows() -> list[Model]:
    """Return models of one depthwise layer, and of a grouped one that writes several units of each."""
    models = []
    for seed, (sides, units, options) in enumerate(WINDOWS):
        maker = Maker(*sides, 2, seed)
        maker.add(Kind.CONV, units)
        maker.add(Kind.DEPTHWISE, **options)  # type: ignore[arg-type]
        models.append(maker.build([[(units + 1) // 2], [units]], f"depthwise-{seed}"))
        maker = Maker(*sides, 3, seed)
        maker.add(Kind.GROUPED, 3 * (1 + seed % 5), groups=3, **options)  # type: ignore[arg-type]
        models.append(maker.build([[]], f"grouped-{seed}"))
    return models


def pools_and_broadcasts() -> list[Model]:
    """Return models of large and padded pools, and of inputs that repeat rows, columns or both."""
    pools = Maker(9, 8, 5)
    pools.add(Kind.MAX_POOL, 0, (6, 7), (2, 1), (2, 3, 1, 2))
    pools.add(Kind.AVERAGE_POOL, 0, (3, 3), (1, 1), (1, 1, 1, 1))
    pools.add(Kind.FLATTEN)
    many = Maker(19, 18, 5)
    many.add(Kind.AVERAGE_POOL, 0, (18, 17))
    models = [pools.build([[]], "pools"), many.build([[]], "many-values")]
    for kernel in ((1, 6), (5, 1), (5, 6)):
        maker = Maker(5, 6, 5)
        repeated = maker.add(Kind.MAX_POOL, 0, kernel)
        total = maker.add(Kind.ADD, inputs=(0, repeated))
        maker.add(Kind.MULTIPLY, inputs=(total, repeated))
        models.append(maker.build([[]], f"repeats-{kernel[0]}x{kernel[1]}"))
    return models


def large_biases() -> Model:
    """Return a model whose rows are plain because their biases are too large for the fast kernels."""
    maker = Maker(5, 5, 8, 3)
    maker.add(Kind.CONV, 7, (3, 3), (1, 1), (1, 1, 1, 1))
    maker.add(Kind.DEPTHWISE, 0, (3, 3), (1, 1), (1, 1, 1, 1))
    maker.add(Kind.FLATTEN)
    maker.add(Kind.DENSE, 5)
    model = maker.build([[4, 5], [7, 5]], "large-biases")
    for subnet in model.subnets:
        for step in subnet.steps:
            if model.layers[step.layer].kind in WEIGHTED:
                step.bias[:] = np.linspace(-32_767, 32_767, len(step.bias)).astype(np.int32) << 9
                step.multiplier[:] = 2**21
    return model


def cases() -> list[tuple[Model, Layout]]:
    """Return each model with each layout of the Nano."""
    return [(model, LAYOUTS[i]) for model in shapes() for i in (0, 4)]


def wide(units: int, cut: int) -> Model:
    """Return a model of more units than a tile takes, cut inside a block, with weights at their limits."""
    maker = Maker(6, 5, units, units, extreme=True)
    maker.add(Kind.CONV, units, (3, 3), (1, 1), (1, 1, 1, 1), relu=True)
    maker.add(Kind.DEPTHWISE, 0, (3, 3), (2, 1), (1, 0, 0, 1))
    maker.add(Kind.CONV, units + 3)
    maker.add(Kind.CONV, units, (2, 3))
    maker.add(Kind.DEPTHWISE, 0, (2, 1))
    maker.add(Kind.AVERAGE_POOL, 0, (1, 2))
    return maker.build([[cut, cut + 1, cut - 1], [units, units + 3, units]], f"wide-{units}")


WIDE = [wide(16, 5), wide(33, 13), wide(40, 20), wide(48, 37)]


def at_the_arena_end() -> list[Model]:
    """Return models whose arena ends in what vector loads reach past: an input, windows, lines."""
    pointwise = Maker(2, 2, 12, 1)
    pointwise.add(Kind.CONV, 16)
    windows = Maker(6, 6, 1, 2)
    windows.add(Kind.CONV, 8)
    windows.add(Kind.CONV, 8, (2, 2))
    lines = Maker(8, 4, 4, 3)
    lines.add(Kind.DEPTHWISE, 0, (2, 1), padding=(1, 0, 0, 0))
    return [pointwise.build([[16]]), windows.build([[4, 8]]), lines.build([[]])]


def few_units() -> list[Model]:
    """Return convolutions of one to three units for each way to run them, outputs at the end of the arena."""
    models = []
    for units in (1, 2, 3):
        for reads, side in ((8, 1), (7, 1), (40, 1), (12, 3), (150, 3)):
            maker = Maker(4, 4, reads, units)
            maker.add(Kind.CONV, units, (side, side), padding=(side // 2,) * 4)
            models.append(maker.build([[units]], f"{units} of {reads}, {side}x{side}"))
    return models
