"""Run torch in eager mode as a peer: the same shapes in float32, one thread, batch norms folded."""

from importlib import import_module
from typing import Any

from hil.kernels.desktop import Peer, Timer
from hil.kernels.litert_remote import timed
from reds.graph import Graph, Layer, Widths, channels
from reds.pack.model import Kind


def eager() -> Peer:
    """Return the peer. Raises `ModuleNotFoundError` without torch."""
    torch = import_module("torch")
    torch.set_num_threads(1)

    def timer(graph: Graph, widths: Widths) -> Timer:
        torch.manual_seed(0)
        calls = [torch_layer(torch, graph, layer, widths) for layer in graph.layers]
        first = graph.tensors[0]
        sides = (first.height, first.width) if first.height * first.width > 1 else ()
        x = torch.randn(1, first.channels(widths), *sides)

        def infer() -> None:
            values = [x]
            for layer, call in zip(graph.layers, calls, strict=True):
                y = call(*(values[tensor] for tensor in layer.inputs))
                values.append(torch.relu_(y) if layer.relu else y)

        def run(n: int) -> list[float]:
            with torch.inference_mode():
                return timed(infer, n)

        return run

    return Peer("torch fp32", timer)


def torch_layer(torch: Any, graph: Graph, layer: Layer, widths: Widths) -> Any:
    """Return a module that computes one layer without its ReLU from the tensors that the layer reads."""
    nn, reads, units = torch.nn, channels(layer.reads, widths), channels(layer.writes, widths)
    match layer.kind:
        case Kind.DENSE:
            return nn.Linear(reads, units)
        case Kind.CONV | Kind.DEPTHWISE:
            groups = units if layer.kind is Kind.DEPTHWISE else 1
            top, left, bottom, right = layer.padding
            if (top, left) == (bottom, right):
                return nn.Conv2d(reads, units, layer.kernel, layer.stride, (top, left), groups=groups)
            windows = nn.Conv2d(reads, units, layer.kernel, layer.stride, groups=groups)
            return nn.Sequential(nn.ZeroPad2d((left, right, top, bottom)), windows)
        case Kind.AVERAGE_POOL:
            return nn.AvgPool2d(layer.kernel, layer.stride)
        case Kind.MAX_POOL:
            return nn.MaxPool2d(layer.kernel, layer.stride)
        case Kind.FLATTEN:
            return nn.Flatten()
        case Kind.ADD:
            return torch.add
        case other:
            raise ValueError(f"layer {layer.name}: torch has no module for {other.name.lower()} here")
