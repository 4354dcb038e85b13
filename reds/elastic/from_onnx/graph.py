"""Translate an ONNX graph to a graph of torch's calls.

Values that do not depend on the input, or only on its shape, are computed beforehand.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from reds.elastic.from_module.conversion import SUPPORTED
from reds.elastic.from_module.tracing import Traced
from reds.elastic.from_onnx.operators import OPERATORS, OnnxNode
from reds.elastic.from_onnx.operators.calls import Calls
from reds.errors import NotElasticError
from reds.reading import reason

SAME = ("Identity", "Dropout", "Cast", "Pad", "Add", "Sub", "Mul", "Div")
"""Operators that keep the order of axes, as those that scale pixels do."""
UNITS_FIRST = ((0, 3, 1, 2), (0, 2, 1))
"""Orders of axes that bring units to the front, of pictures and of series."""
READ_UNITS_FIRST = ("Conv", "ConvTranspose", "MaxPool", "AveragePool", "BatchNormalization", "Pad")
"""Operators that tell a series with units last from tokens that are transposed."""


def has_units_last(graph: Any, input_name: str) -> bool:
    """Return whether the first thing that a graph does to its input is to bring units to the front."""
    same = {input_name}
    for node in graph.node:
        if node.op_type in SAME and same & set(node.input):
            same.add(node.output[0])
        if node.op_type == "Transpose" and node.input[0] in same:
            turned = [tuple(each.ints) for each in node.attribute if each.name == "perm"]
            readers = [each.op_type for each in graph.node if node.output[0] in each.input]
            pictures, series = ([order] == turned for order in UNITS_FIRST)
            return pictures or (series and any(each in READ_UNITS_FIRST for each in readers))
    return False


@torch.no_grad()
def to_calls(name: str, model: Any, input_name: str, x: Tensor) -> tuple[fx.GraphModule, Traced]:
    """Return the torch module that computes what a graph does, and the same as it was traced.

    Args:
        name: Name of the file, for errors.
        model: The model, of the package `onnx`.
        input_name: Name of its input.
        x: Examples [N, ...] as the file reads them; their shape decides how tensors are reshaped.

    Raises:
        NotElasticError: A node has no counterpart in torch.
    """
    graph, calls, taken = model.graph, Calls(), set[str]()
    known: dict[str, Any] = dict(_weights(name, graph))
    known[input_name] = calls.input(x)
    for node in graph.node:
        where = f"{name}: {node.name or node.output[0]} ({node.op_type})"
        computed = [known[each] for each in node.input if isinstance(known.get(each), fx.Node)]
        if computed and node.op_type != "Shape":
            label = _label(str(node.name or node.output[0]), taken)
            known |= _called(OnnxNode(
                calls, where, f"{label} ({node.op_type})", node.op_type, _attributes(node),
                [known.get(each) for each in node.input],
            ), where, node)  # fmt: skip
            continue
        values = {each: calls.values.get(known[each], known[each]) for each in node.input if each}
        try:
            known |= _computed(model, node, values)
        except Exception as error:  # of any operator
            raise NotElasticError(f"{where} cannot be run: {reason(error)}; export it again") from None
    ends = {each.name: known.get(each.name) for each in graph.output}
    for output, end in ends.items():
        if not isinstance(end, fx.Node):
            raise NotElasticError(f"{name}: {output} does not depend on the input: export it again")
    calls.graph.output(ends if len(ends) > 1 else next(iter(ends.values())))
    module = fx.GraphModule(calls.root, calls.graph, class_name="Onnx")
    return module, Traced(calls.graph, module, calls.values)


def _attributes(node: Any) -> dict[str, Any]:
    from onnx.helper import get_attribute_value

    return {each.name: get_attribute_value(each) for each in node.attribute}


def _called(given: OnnxNode, where: str, node: Any) -> Mapping[str, fx.Node]:
    """Return the calls of a node by the names of its outputs. Raises `NotElasticError`."""
    if node.domain not in ("", "ai.onnx") or given.kind not in OPERATORS:
        raise NotElasticError(f"{where} is no layer of an elastic net: {SUPPORTED}")
    try:
        made = OPERATORS[given.kind](given)
    except NotElasticError:
        raise
    except Exception as error:  # whatever torch says of a file's own sizes and attributes
        raise NotElasticError(f"{where} does not fit its input: {reason(error)}; export it again") from None
    return dict(zip(node.output, made if isinstance(made, list) else [made], strict=False))


def _weights(name: str, graph: Any) -> Iterator[tuple[str, Tensor]]:
    """Yield name and value of each constant of a graph. Raises `NotElasticError`."""
    from onnx import numpy_helper

    for each in graph.initializer:
        try:
            yield each.name, _tensor(numpy_helper.to_array(each))
        except (ValueError, TypeError) as error:
            found = f"{name}: {each.name} cannot be read: {reason(error)}"
            raise NotElasticError(f"{found}; export it again") from None


def _computed(model: Any, node: Any, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the outputs of a node whose inputs have these values."""
    from onnx.helper import make_graph, make_model, make_tensor_value_info, np_dtype_to_tensor_dtype
    from onnx.reference import ReferenceEvaluator

    given = {each: values[each].numpy() for each in node.input if each}
    inputs = [
        make_tensor_value_info(each, np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for each, array in given.items()
    ]
    outputs = [make_tensor_value_info(each, 0, None) for each in node.output]
    alone = make_model(make_graph([node], "node", inputs, outputs), opset_imports=model.opset_import)
    found = ReferenceEvaluator(alone).run(None, given)
    return {each: _tensor(value) for each, value in zip(node.output, found, strict=True)}


def _tensor(array: Any) -> Tensor:
    """Return an array as a tensor, real numbers as float32."""
    tensor = torch.from_numpy(np.array(array))
    return tensor.float() if tensor.is_floating_point() else tensor


def _label(name: str, taken: set[str]) -> str:
    """Return a new name of a layer, made of the name of a node."""
    label = re.sub(r"\W+", "_", name).strip("_") or "node"
    while label in taken:
        label += "_"
    taken.add(label)
    return label
