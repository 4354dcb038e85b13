"""Join the nodes of an ONNX graph to one torch module.

Values that do not depend on the input, or only on its shape, are computed beforehand.
"""

import operator
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from reds.elastic.from_module.conversion import SUPPORTED
from reds.elastic.from_onnx.affine import moved_into
from reds.elastic.from_onnx.operators import OPERATORS, OnnxNode, Reshape, Sum
from reds.elastic.from_onnx.values import UNITS_FIRST, Value
from reds.errors import NotElasticError
from reds.reading import reason

AFFINE = ("Add", "Sub", "Mul", "Div")
"""Operators that a convolution or a linear layer takes over, if they read one constant for each unit."""
SAME = ("Identity", "Dropout", "Cast")
"""Operators that pass their input on."""
ANY_ORDER = ("Relu", "Clip", "Add", "ReduceMean", "Flatten", "Reshape", "Squeeze")
"""Operators that may read units last."""


def leave_softmax_out(graph: Any) -> None:
    """Let the graph end before a softmax over the classes, if it has one at its end."""
    (output,) = graph.output
    for node in graph.node:
        axis = {each.name: each.i for each in node.attribute}.get("axis", -1)
        if output.name in node.output and node.op_type in ("Softmax", "LogSoftmax") and axis in (-1, 1):
            output.name = node.input[0]
            graph.node.remove(node)
            return


def has_units_last(graph: Any, input_name: str) -> bool:
    """Return whether the first thing that a graph does to its input is to bring units to the front."""
    same = {input_name}
    for node in graph.node:
        if node.op_type in SAME and node.input[0] in same:
            same.add(node.output[0])
        if node.op_type == "Transpose" and node.input[0] in same:
            return any(tuple(each.ints) == UNITS_FIRST for each in node.attribute if each.name == "perm")
    return False


@torch.no_grad()
def to_module(name: str, model: Any, input_name: str, x: Tensor) -> fx.GraphModule:
    """Return a torch module that computes what the graph does, with units first.

    Args:
        name: Name of the file, for errors.
        model: The model, of the package `onnx`.
        input_name: Name of its input.
        x: Examples [N, ...] as the file reads them; their shape decides how tensors are reshaped.

    Raises:
        NotElasticError: A node has no torch module.
    """
    graph = model.graph
    known = dict(_weights(name, graph))
    readers = Counter(each for node in graph.node for each in node.input)
    joined = _Joined(name, known)
    joined.values[input_name] = Value(joined.traced.placeholder("x"), x, has_units_last(graph, input_name))
    for node in graph.node:
        computed = [each for each in node.input if each in joined.values]
        if computed and node.op_type != "Shape":
            joined.join(node, computed, any(readers[each] > 1 for each in computed))
        else:
            samples = {each: joined.values[each].sample for each in computed}
            try:
                known |= _computed(model, node, known | samples)
            except Exception as error:  # of any operator
                where = f"{name}: {node.name or node.output[0]} ({node.op_type})"
                raise NotElasticError(f"{where} cannot be run: {reason(error)}; export it again") from None
    if graph.output[0].name not in joined.values:
        raise NotElasticError(f"{name}: {graph.output[0].name} does not depend on the input: export it again")
    joined.traced.output(joined.values[graph.output[0].name].node)
    return fx.GraphModule(joined.root, joined.traced, class_name=name)


def _weights(name: str, graph: Any) -> Iterator[tuple[str, Tensor]]:
    """Yield name and value of each constant of a graph. Raises `NotElasticError`."""
    from onnx import numpy_helper

    for each in graph.initializer:
        try:
            yield each.name, _tensor(numpy_helper.to_array(each))
        except (ValueError, TypeError) as error:
            found = f"{name}: {each.name} cannot be read: {reason(error)}"
            raise NotElasticError(f"{found}; export it again") from None


class _Joined:
    """Hold the part of a module that is made so far."""

    def __init__(self, name: str, known: Mapping[str, Tensor]) -> None:
        self.root, self.traced = nn.Module(), fx.Graph()
        self.values: dict[str, Value] = {}
        """Tensors that depend on the input, by their names in the file."""
        self._name, self._known = name, known

    def join(self, node: Any, computed: Sequence[str], shared: bool) -> None:
        """Add a node of the file.

        Args:
            node: The node.
            computed: Its inputs that depend on the graph's input.
            shared: Whether another node reads one of them too.

        Raises:
            NotElasticError: The node has no torch module.
        """
        from onnx.helper import get_attribute_value

        where = f"{self._name}: {node.name or node.output[0]} ({node.op_type})"
        attributes = {each.name: get_attribute_value(each) for each in node.attribute}
        read = [replace(self.values[each], shared=self.values[each].shared or shared) for each in computed]
        constants = [self._known.get(each) for each in node.input]
        if node.domain not in ("", "ai.onnx"):
            raise NotElasticError(f"{where} is no layer of an elastic net: {SUPPORTED}")
        given = OnnxNode(where, attributes, tuple(constants), tuple(read))
        try:
            value = self._passed_on(given, node.op_type)
            if value is None:
                value = self._added(node.name or node.output[0], _operation(given, node.op_type), read)
        except NotElasticError:
            raise
        except Exception as error:  # whatever torch says of a file's own sizes and attributes
            found = f"{where} does not fit its input: {reason(error)}"
            raise NotElasticError(f"{found}; export it again") from None
        self.values[node.output[0]] = value

    def _passed_on(self, node: OnnxNode, kind: str) -> Value | None:
        """Return the value of a node that needs no module of its own, or None."""
        first, attributes = node.read[0], node.attributes
        if kind in SAME:
            return first if attributes.get("to", 1) in (1, 10, 11, 16) else None  # kinds of real numbers
        if kind == "Transpose":
            return first.turned(tuple(attributes["perm"]))
        if kind in AFFINE and len(node.read) == 1 and not first.shared:
            layer = getattr(self.root, str(first.node.target), None)
            layer = layer[-1] if isinstance(layer, nn.Sequential) else layer
            return moved_into(layer, kind, node.constants, first)
        return None

    def _added(self, name: str, operation: nn.Module | Sum | Reshape, read: Sequence[Value]) -> Value:
        """Return the value of an operation that is new in the module."""
        first = read[0]
        nodes = tuple(each.node for each in read)
        match operation:
            case Sum():
                if read[1].last != first.last or first.order is not None or read[1].order is not None:
                    raise ValueError("its inputs have units in different orders")
                return first.with_held(
                    self.traced.call_function(operator.add, nodes), first.held + read[1].held
                )
            case Reshape(shape):
                sample = first.sample.reshape(-1, *shape)
                return first.flattened(self.traced.call_method("reshape", (nodes[0], -1, *shape)), sample)
            case _:
                path = _path(name, self.root)
                self.root.add_module(path, operation.eval())
                held, node = operation(first.held), self.traced.call_module(path, nodes[:1])
                return first.with_held(node, held) if held.shape == first.held.shape else Value(node, held)


def _operation(node: OnnxNode, kind: str) -> nn.Module | Sum | Reshape:
    """Return what computes a node. Raises `NotElasticError`."""
    if kind not in OPERATORS:
        raise NotElasticError(f"{node.where} is no layer of an elastic net: {SUPPORTED}")
    if any(each.last for each in node.read) and kind not in ANY_ORDER:
        raise NotElasticError(f"{node.where} reads units last: bring them to the front before it")
    return OPERATORS[kind](node)


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
