"""Hold every kind and shape of layer against its definition in float64.

`python -m tests.reds.support.gradients` is a process of its own: a faulty kernel may write past its memory
and die, or give wrong gradients and live. The last line printed names the layer.
"""

from collections.abc import Iterator
from itertools import product

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor

from reds.elastic.active import active_weight
from reds.elastic.layers import run_layer, weight_shape
from reds.graph import Graph, Layer
from reds.graph.builder import Builder
from reds.pack.model import WEIGHTED, Kind
from reds.training.torch_setup import make_repeatable

EXAMPLES, SIDES = 32, (12, 12)
"""Enough for oneDNN to share the sums of the weights' gradients among threads."""
SPARE = 4
"""Units of the full layer that the subnet does not read or write."""
UNITS = [1, 3, 7, 8, 12, 16, 20]
"""Vectors hold 4, 8 or 16 units: fewer, as many, and some left over."""
KERNELS = [(1, 1), (3, 3), (5, 5)]
STRIDES = [(1, 1), (2, 2)]
TOLERANCE = 1e-4
PARTS = "output", "inputs' gradient", "weights' gradient"
THREADS = 1, 4
"""oneDNN is known to share out the gradients of pointwise layers wrongly (its issue 6035)."""


def layers() -> Iterator[tuple[str, Graph, tuple[int, ...]]]:
    """One layer each, with the units that a subnet keeps in each unit group."""
    for kernel, stride in product(KERNELS, STRIDES):
        text = f"kernel {kernel}, stride {stride}"
        for units in UNITS:
            net = Builder(units + SPARE, *SIDES)
            net.depthwise(net.input, kernel, stride)
            yield f"depthwise, {units} units, {text}", net.build(), (units,)
            for writes in UNITS if kernel == (1, 1) else UNITS[::3]:
                net = Builder(units + SPARE, *SIDES)
                net.conv(net.input, writes + SPARE, kernel, stride)
                yield f"conv, {units} to {writes} units, {text}", net.build(), (units, writes)
    for kind, units in product((Kind.MAX_POOL, Kind.AVERAGE_POOL), UNITS):
        net = Builder(units, *SIDES)
        net.pool(net.input, (2, 3), (2, 2), kind)
        yield f"{kind.name}, {units} units", net.build(), (units,)
    for units, writes in product(UNITS, UNITS):
        net = Builder(units + SPARE)
        net.dense(net.input, writes + SPARE)
        yield f"dense, {units} to {writes} units", net.build(), (units, writes)


def by_definition(layer: Layer, weight: Tensor, x: Tensor) -> Tensor:
    """The layer as sums over its windows."""
    top, left, bottom, right = layer.padding
    padded = F.pad(x, (0, 0, left, right, top, bottom))
    windows = padded.unfold(1, layer.kernel[0], layer.stride[0]).unfold(2, layer.kernel[1], layer.stride[1])
    match layer.kind:
        case Kind.DENSE:
            return torch.einsum("nhwi,oi->nhwo", x, weight)
        case Kind.CONV:
            return torch.einsum("nhwirc,oirc->nhwo", windows, weight)
        case Kind.DEPTHWISE:
            return torch.einsum("nhwurc,urc->nhwu", windows, weight[:, 0])
        case Kind.MAX_POOL:
            return windows.amax((4, 5))
        case _:
            return windows.mean((4, 5))


def gradients(graph: Graph, widths: tuple[int, ...], dtype: torch.dtype) -> list[Tensor]:
    """A layer's output, its inputs' gradient and its weights'; in float64 by definition."""
    layer, source = graph.layers[0], graph.tensors[0]
    generator = torch.Generator().manual_seed(0)
    sides = (EXAMPLES, source.height, source.width, widths[0])
    x, full = (torch.randn(size, generator=generator) for size in (sides, weight_shape(graph, layer)))
    inputs = [value.to(dtype).requires_grad_() for value in (x, full)]
    weight = active_weight(graph, layer, inputs[1], widths)
    if dtype is torch.float64:
        y = by_definition(layer, weight, inputs[0])
    else:
        y = run_layer(layer, graph, weight, inputs[:1])
    towards = torch.linspace(-1, 1, y.numel(), dtype=dtype).view(y.shape)
    return [y, *torch.autograd.grad((y * towards).sum(), inputs[: 1 + (layer.kind in WEIGHTED)])]


def main() -> None:
    """Print each layer before it runs, and exit 1 if one is wrong."""
    make_repeatable()
    failed = False
    for name, graph, widths in layers():
        torch.set_num_threads(1)
        due = gradients(graph, widths, torch.float64)
        pointwise = graph.layers[0].kernel == (1, 1)
        for threads in THREADS if pointwise else THREADS[:1]:
            print(f"{name}, {threads} threads", flush=True)
            torch.set_num_threads(threads)
            for part, a, b in zip(PARTS, due, gradients(graph, widths, torch.float32), strict=False):
                error = ((a - b).norm() / a.norm()).item()
                if not error < TOLERANCE:
                    failed = True
                    print(f"  wrong: {part}, {error:.2g} off")
    raise SystemExit(failed)


if __name__ == "__main__":
    main()
