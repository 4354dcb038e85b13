"""Small networks to select from: their units' scores, a board that times them, all their widths."""

from collections.abc import Sequence
from itertools import pairwise, product

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from reds.graph import Graph, Widths, channels
from reds.graph.builder import Builder
from reds.graph.parts import Spans
from reds.nesting.budgets import TargetProfile
from reds.nesting.cost import width_grids
from reds.nesting.cost.latency import Latency, LayerTimes
from reds.nesting.select import SelectedSubnet
from reds.pack.layouts import LAYOUTS

Scores = list[NDArray[np.float64]]


def random_scores(graph: Graph, seed: int) -> Scores:
    rng = np.random.default_rng(seed)
    return [rng.lognormal(0, 1, group.units) for group in graph.groups]


@st.composite
def small_chains(draw: st.DrawFn) -> Graph:
    """Up to four groups of up to six units; residuals, shortcuts, depthwise layers, flattened outputs."""
    sizes = st.integers(1, 6)
    net, units = Builder(draw(st.integers(1, 3)), 4, 4), draw(sizes)
    x = net.conv(net.input, units, (3, 3))
    for _ in range(draw(st.integers(0, 2))):
        match draw(st.sampled_from(["conv", "depthwise", "residual", "shortcut"])):
            case "conv":
                units = draw(sizes)
                x = net.conv(x, units, (1, 1))
            case "depthwise":
                x = net.depthwise(x, (3, 3), (2, 2))
            case "residual":
                inner = net.conv(x, draw(sizes), (1, 1))
                x = net.add(x, net.conv(inner, units, (3, 3)))
            case _:
                units = draw(sizes)
                inner = net.conv(net.conv(x, draw(sizes), (1, 1)), units, (3, 3))
                x = net.add(net.conv(x, units, (1, 1)), inner)
    net.dense(net.flatten(x), 3, relu=False, norm=False)
    return net.build()


@st.composite
def small_joins(draw: st.DrawFn) -> Graph:
    """Branches side by side, dense layers, a U, heads of attention or blocks: up to six groups."""
    sizes = st.integers(1, 4)
    net = Builder(2, 4, 4)
    x = net.conv(net.input, draw(sizes), (3, 3))
    match draw(st.sampled_from(["branches", "dense", "u", "heads", "blocks"])):
        case "branches":
            x = net.concat([net.conv(x, draw(sizes), (1, 1)) for _ in range(draw(st.integers(2, 3)))])
        case "dense":
            for _ in range(2):
                x = net.concat([x, net.conv(net.scale(x, relu=True), draw(sizes), (3, 3))])
        case "u":
            down = net.conv(net.pool(x, (2, 2)), draw(sizes), (3, 3))
            x = net.concat([x, net.transposed(down, draw(sizes), (2, 2), (2, 2))])
        case "heads":
            units = 2 * draw(sizes)
            q, k, v = (net.conv(net.layer_norm(x), units, (1, 1), relu=False) for _ in range(3))
            x = net.concat([net.attention(q, k, v, units // 2), x])
        case _:
            x = net.conv(net.conv(x, 2 * (blocks := draw(sizes)), (1, 1)), 4 * blocks, (3, 3), groups=blocks)
            x = net.concat([x, net.conv(x, draw(sizes), (1, 1)), x])
    if draw(st.booleans()):
        x = net.pool(net.scale(net.conv(x, draw(sizes), (1, 1)), relu=True))
    net.dense(net.flatten(x), 3, relu=False, norm=False)
    return net.build()


def measured(graph: Graph) -> TargetProfile:
    """A board whose layers take (7 + reads) * (1 + writes) us, or (3 + units) where they are the same."""
    times = {}
    for layer in graph.layers:
        read, written = (_axis(graph, spans) for spans in (layer.reads, layer.writes))
        m, n = (np.arange(1, most + 1) for _, most in (read, written))
        if read == written:
            times[layer.name] = LayerTimes((m,), 3.0 + m)
        else:
            times[layer.name] = LayerTimes((m, n), np.outer(7.0 + m, 1.0 + n))
    return TargetProfile(LAYOUTS[5], Latency("desk", times))


def _axis(graph: Graph, spans: Spans) -> tuple[list[int], int]:
    """The groups of a tensor, and the most units of a single one, or else the most channels."""
    groups = sorted({span.group for span in spans})
    return groups, graph.full[groups[0]] if len(groups) == 1 else channels(spans, graph.full)


def all_widths(graph: Graph, step: int, least: int = 1) -> list[Widths]:
    return [tuple(map(int, widths)) for widths in product(*width_grids(graph, step, least))]


def kept(scores: Scores, widths: Widths) -> float:
    """Return the sum of the scores that each group keeps, its best first."""
    return sum(float(np.sort(score)[::-1][:n].sum()) for score, n in zip(scores, widths, strict=True))


def are_nested(subnets: Sequence[SelectedSubnet]) -> bool:
    """Tell whether each subnet, smallest first, keeps no more units of any group than the next."""
    return all(a <= b for one, two in pairwise(subnets) for a, b in zip(one.widths, two.widths, strict=True))


@st.composite
def small_residuals(draw: st.DrawFn) -> Graph:
    """One or two blocks of every shape, nested, or beside a longer residual; up to four units a group."""
    sizes = st.integers(1, 4)
    units = draw(sizes)
    net = Builder(2, 3, 3)

    def linear(x: int, n: int = units) -> int:
        return net.conv(x, n, (1, 1), relu=False)

    def branch(x: int, nested: bool = True) -> int:
        shapes = ["plain", "bottleneck", "inverted", "late", "parallel"] + ["nested"] * nested
        match draw(st.sampled_from(shapes)):
            case "plain":
                return linear(net.conv(x, draw(sizes), (3, 3)))
            case "bottleneck":
                return linear(net.conv(net.conv(x, draw(sizes), (1, 1)), draw(sizes), (3, 3)))
            case "inverted":
                return linear(net.depthwise(net.conv(x, draw(sizes), (1, 1)), (3, 3)))
            case "late":
                return linear(net.conv(net.depthwise(net.depthwise(x, (3, 3)), (3, 3)), draw(sizes), (1, 1)))
            case "parallel":
                return net.add(branch(x, nested=False), branch(x, nested=False))
            case _:
                inner = net.conv(x, units, (1, 1))
                return linear(net.add(inner, branch(inner, nested=False)))

    first = x = net.conv(net.input, units, (3, 3))
    for _ in range(draw(st.integers(1, 2))):
        y = branch(x)
        x = net.add(*draw(st.permutations([x, y])), relu=draw(st.booleans()))
    if draw(st.booleans()):
        x = net.add(x, first)
    net.dense(net.flatten(net.depthwise(x, (3, 3))), 3, relu=False, norm=False)
    return net.build()


def chain(blocks: int = 3) -> Graph:
    """Blocks with a depthwise layer at both ends of the branch, one after the other."""
    net = Builder(3, 6, 6)
    x = net.conv(net.input, 8, (3, 3))
    for _ in range(blocks):
        y = net.conv(net.depthwise(x, (3, 3)), 12, (1, 1))
        y = net.depthwise(net.conv(y, 8, (3, 3)), (3, 3), relu=False)
        x = net.add(x, y, relu=True)
    net.dense(net.flatten(net.pool(x)), 5, relu=False, norm=False)
    return net.build()


def without(graph: Graph, *blocks: int) -> Widths:
    groups = {g for block in blocks for g in graph.blocks[block].groups}
    return tuple(0 if g in groups else n for g, n in enumerate(graph.full))
