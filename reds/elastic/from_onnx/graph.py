"""Join the nodes of an ONNX graph to one torch module.

Values that do not depend on the input, or only on its shape, are computed beforehand.
"""

import operator
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from reds.elastic.from_module.converter import SUPPORTED
from reds.elastic.from_onnx.operators import OPERATORS, OnnxNode, Reshape, Sum
from reds.errors import NotElasticError
from reds.reading import reason


def leave_softmax_out(graph: Any) -> None:
    """Let the graph end before a softmax over the classes, if it has one at its end."""
    (output,) = graph.output
    for node in graph.node:
        axis = {each.name: each.i for each in node.attribute}.get("axis", -1)
        if output.name in node.output and node.op_type in ("Softmax", "LogSoftmax") and axis in (-1, 1):
            output.name = node.input[0]
            graph.node.remove(node)
            return


@torch.no_grad()
def to_module(name: str, model: Any, input_name: str, x: Tensor) -> fx.GraphModule:
    """Return a torch module that computes what the graph does.

    Args:
        name: Name of the file, for errors.
        model: The model, of the package `onnx`.
        input_name: Name of its input.
        x: One example [1, ...]; its shape decides how tensors are reshaped.

    Raises:
        NotElasticError: A node has no torch module.
    """
    from onnx import numpy_helper
    from onnx.helper import get_attribute_value

    graph = model.graph
    known = {each.name: _tensor(numpy_helper.to_array(each)) for each in graph.initializer}
    joined = _Joined(name, input_name, x)
    readers = Counter(each for node in graph.node for each in node.input)
    for node in graph.node:
        where = f"{name}: {node.name or node.output[0]} ({node.op_type})"
        read = [each for each in node.input if each in joined.samples]
        if not read or node.op_type == "Shape":
            known |= _computed(model, node, known | joined.samples)
            continue
        if node.op_type not in OPERATORS or node.domain not in ("", "ai.onnx"):
            raise NotElasticError(f"{where} is no layer of an elastic net: {SUPPORTED}")
        constants = [known.get(each) for each in node.input]
        if (
            node.op_type == "Add"
            and readers[read[0]] == 1
            and joined.add_bias(read[0], constants, node.output[0])
        ):
            continue
        attributes = {each.name: get_attribute_value(each) for each in node.attribute}
        samples = tuple(joined.samples[each] for each in read)
        operation = OPERATORS[node.op_type](OnnxNode(where, attributes, tuple(constants), samples))
        try:
            joined.join(node.name or node.output[0], operation, read, node.output[0])
        except (RuntimeError, ValueError) as error:
            raise NotElasticError(
                f"{where} does not fit its input: {reason(error)}; export it again"
            ) from None
    return joined.module(graph.output[0].name)


class _Joined:
    """Hold the part of a module that is made so far.

    Attributes:
        samples: Value of each tensor for one example, by its name in the file.
    """

    def __init__(self, name: str, input_name: str, x: Tensor) -> None:
        self._name, self._root, self._traced = name, nn.Module(), fx.Graph()
        self._values = {input_name: self._traced.placeholder("x")}
        self.samples = {input_name: x}

    def join(self, name: str, operation: nn.Module | Sum | Reshape, read: Sequence[str], output: str) -> None:
        """Add an operation that reads some tensors and gives a new one."""
        values = tuple(self._values[each] for each in read)
        x = self.samples[read[0]]
        match operation:
            case Sum():
                self._values[output] = self._traced.call_function(operator.add, values)
                self.samples[output] = x + self.samples[read[1]]
            case Reshape(shape):
                self._values[output] = self._traced.call_method("reshape", (values[0], -1, *shape))
                self.samples[output] = x.reshape(-1, *shape)
            case _:
                path = _path(name, self._root)
                self._root.add_module(path, operation.eval())
                self._values[output] = self._traced.call_module(path, values[:1])
                self.samples[output] = operation(x)

    def add_bias(self, read: str, constants: Sequence[Tensor | None], output: str) -> bool:
        """Move a constant added after a layer without bias into the layer, and return whether it can be."""
        layer = getattr(self._root, str(self._values[read].target), None)
        bias = next((each for each in constants if each is not None), None)
        if not isinstance(layer, nn.Linear | nn.Conv2d) or layer.bias is not None or bias is None:
            return False
        x = self.samples[read]
        per_unit = [len(layer.weight), *[1] * (x.ndim - 2)]
        if bias.ndim > x.ndim or [*bias.shape][-len(per_unit) :] != per_unit or bias.numel() != per_unit[0]:
            return False
        layer.bias = nn.Parameter(bias.flatten().float())
        self._values[output], self.samples[output] = self._values[read], x + bias
        return True

    def module(self, output: str) -> fx.GraphModule:
        """Return the module that ends in a tensor."""
        self._traced.output(self._values[output])
        return fx.GraphModule(self._root, self._traced, class_name=self._name)


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


def _path(name: str, root: nn.Module) -> str:
    """Return a new name of a submodule, made of the name of a node."""
    path = re.sub(r"\W+", "_", name).strip("_") or "node"
    path = f"node_{path}" if path[0].isdigit() else path
    while hasattr(root, path):
        path += "_"
    return path
