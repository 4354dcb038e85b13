"""Make the layers of a graph from steps, and hold the parameters that each layer gets."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NoReturn

import torch
from torch import nn

from reds.elastic.from_module.naming import reject, user_name
from reds.elastic.from_module.steps import Step
from reds.errors import GraphError
from reds.graph import Graph
from reds.graph.builder import Builder
from reds.graph.parts import Activation


def emitted(order: Sequence[Step], root: nn.Module) -> tuple[Graph, list[Step | None]]:
    """Return the graph of steps, and the step of each of its layers that ends one.

    Args:
        order: The steps, each after its inputs; the first that reads nothing is the input.
        root: The module that was traced, which has the names.

    Raises:
        NotElasticError: A layer does not fit its input.
    """
    (source,) = (step for step in order if step.op == "input")
    height, width, units = source.dims
    builder = Builder(units, height, width)
    tensors, made = {source: builder.input}, dict[int, Step]()
    for step in order:
        if step is not source:
            try:
                tensor = _add(builder, step, [tensors[each] for each in step.inputs])
            except GraphError as error:
                reject(step.node, root, "does not fit its input", str(error))
            tensors[step] = tensor
            made[tensor] = step
    graph = builder.build()
    steps: list[Step] = []
    for layer in reversed(graph.layers):  # a step of several layers ends in the last of them
        steps.insert(0, made[layer.output] if layer.output in made else steps[0])
    names, layers = set[str](), []
    for layer, step in zip(graph.layers, steps, strict=True):
        name = base = user_name(step.node, root)
        more = 2
        while name in names:
            name, more = f"{base} {more}", more + 1
        names.add(name)
        named = replace(layer, name=name)
        if layer.output in made:
            named = replace(named, relu=step.relu, ceiling=step.ceiling, activation=step.activation)
        layers.append(named)
    return replace(graph, layers=tuple(layers)), [made.get(layer.output) for layer in layers]


def _add(builder: Builder, step: Step, inputs: list[int]) -> int:
    """Add the layer of a step, and return its tensor."""
    norm: dict[str, Any] = {"relu": False, "norm": step.norm is not None}
    match step.op:
        case "dense":
            if step.positions == 1:
                return builder.dense(inputs[0], step.units, **norm)
            assert step.weight is not None
            step.weight = step.weight[:, :, None, None]
            return builder.conv(inputs[0], step.units, (1, 1), (1, 1), (0, 0, 0, 0), **norm)
        case "conv" | "depthwise" | "transposed":
            return int(getattr(builder, step.op)(inputs[0], **step.options, **norm))
        case "norm":
            step.weight = torch.ones(step.units, 1, 1, 1)
            return builder.scale(inputs[0])
        case "affine":
            assert step.weight is not None
            step.weight = step.weight.reshape(-1, 1, 1, 1)
            return builder.depthwise(inputs[0], (1, 1), relu=False, norm=False)
        case "relu":
            if step.ceiling == float("inf"):
                step.activation = Activation("relu")
                return builder.activate(inputs[0], step.activation)
            step.relu, step.weight = True, torch.ones(step.units, 1, 1, 1)
            return builder.depthwise(inputs[0], (1, 1), relu=False, norm=False)
        case "activation":
            assert step.activation is not None
            return builder.activate(inputs[0], step.activation)
        case "reshape":
            height, width, units = step.dims
            same = units == step.inputs[0].units
            return builder.reshape(inputs[0], height, width, None if same else units)
        case "concat":
            return builder.concat(inputs)
        case "embed":
            return builder.embed(inputs[0], step.options["front"])
        case "add" | "multiply":
            return int(getattr(builder, step.op)(*inputs))
        case _:
            return int(getattr(builder, step.op)(*inputs, **step.options))


def reject_function(step: Step, root: nn.Module) -> NoReturn:
    """Reject a step whose function no layer computes."""
    reject(
        step.node,
        root,
        "computes a function that no activation does",
        "use ReLU (with or without a ceiling), leaky ReLU, PReLU, ELU, SELU, GELU, SiLU, hard swish, sigmoid,"
        " hard sigmoid, tanh, softplus or Mish",
    )


def check_supported(step: Step, root: nn.Module) -> None:
    """Reject a step that nothing has taken over."""
    for before in step.inputs:
        if before.op == "pad":
            name = user_name(before.node, root)
            reject(step.node, root, f"reads {name}, which pads", "pad before a convolution or a pool only")
    match step.op:
        case "unit_mean" | "centered":
            remedy = "reduce positions, or use a linear layer or nn.LayerNorm"
            reject(step.node, root, "reduces units, of which a subnet keeps the first", remedy)
        case "softmax":
            remedy = "end the net before it, and use it in attention only"
            reject(step.node, root, "is a softmax inside of the net", remedy)
        case "matmul":
            remedy = "use nn.Linear, or F.scaled_dot_product_attention(q, k, v)"
            reject(step.node, root, "multiplies two tensors that depend on the input", remedy)
