"""Hold a node of an ONNX graph, and make calls of torch for it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import torch
from torch import Tensor, fx, nn

from reds.errors import NotElasticError

Operand = fx.Node | Tensor | None
"""An input of a node: computed, constant, or left out."""


class Calls:
    """Hold the calls that are made so far.

    Attributes:
        graph: The calls.
        root: Holds the constants.
        values: The value of each call for some examples.
    """

    def __init__(self) -> None:
        self.graph, self.root = fx.Graph(), nn.Module()
        self.values: dict[fx.Node, Any] = {}

    def input(self, x: Tensor) -> fx.Node:
        """Return the node of the input."""
        node = self.graph.placeholder("x")
        self.values[node] = x
        return node

    def constant(self, value: Tensor) -> fx.Node:
        """Return a node that holds a constant."""
        name = f"constant{len(self.values)}"
        self.root.register_buffer(name, value)
        node = self.graph.get_attr(name)
        self.values[node] = value
        return node

    def call(self, name: str, function: Callable[..., Any] | str, *args: Any, **kwargs: Any) -> fx.Node:
        """Return a node that calls a function, or a method of its first argument.

        Args:
            name: Name of the node, for errors and layers.
            function: The function, or the method's name.
            args: Nodes, constants and numbers.
            kwargs: Keywords of the call.
        """
        nodes = [self.constant(each) if isinstance(each, Tensor) else each for each in args]
        kind = "call_method" if isinstance(function, str) else "call_function"
        node = self.graph.create_node(kind, function, tuple(nodes), kwargs)
        node.meta["name"] = name
        given, options = fx.node.map_arg((node.args, node.kwargs), lambda each: self.values[each])
        run = getattr(given[0], function) if isinstance(function, str) else function
        self.values[node] = run(*given[1:] if isinstance(function, str) else given, **options)
        return node


class OnnxNode:
    """Hold a node as its operator needs it.

    Attributes:
        kind: Its operator.
        inputs: Its inputs in order.
    """

    def __init__(
        self,
        calls: Calls,
        where: str,
        name: str,
        kind: str,
        attributes: Mapping[str, Any],
        inputs: Sequence[Operand],
    ) -> None:
        self._calls, self._where, self._name = calls, where, name
        self._attributes = attributes
        self.kind, self.inputs = kind, list(inputs)

    @property
    def x(self) -> fx.Node:
        """Return the first input, which is computed."""
        x = self.inputs[0]
        if not isinstance(x, fx.Node):
            self.refuse("reads a constant where it computes", "export it again")
        return x

    @property
    def shape(self) -> torch.Size:
        """Return the shape of the first input."""
        value: Tensor = self.value(self.x)
        return value.shape

    def value(self, node: fx.Node) -> Any:
        """Return the value of a call for some examples."""
        return self._calls.values[node]

    def get(self, name: str, otherwise: Any = None) -> Any:
        """Return an attribute; bytes become text."""
        found = self._attributes.get(name, otherwise)
        return found.decode() if isinstance(found, bytes) else found

    def constant(self, i: int) -> Tensor | None:
        """Return the input `i`, or None if it is left out. Refuses a computed one."""
        found = self.inputs[i] if i < len(self.inputs) else None
        if isinstance(found, fx.Node):
            self.refuse(
                "has a computed input where a constant is needed", "export it with constant weights and sizes"
            )
        return found

    def call(self, function: Callable[..., Any] | str, *args: Any, **kwargs: Any) -> fx.Node:
        """Return a call of torch that belongs to this node."""
        return self._calls.call(self._name, function, *args, **kwargs)

    def refuse(self, reason: str, remedy: str) -> NoReturn:
        """Raise `NotElasticError` for this node."""
        raise NotElasticError(f"{self._where} {reason}: {remedy}")


OPERATORS: dict[str, Callable[[OnnxNode], Any]] = {}
"""Functions that make the calls of a node, by the name of its operator; each returns one call or several."""


def operator(*names: str) -> Callable[[Callable[[OnnxNode], Any]], Callable[[OnnxNode], Any]]:
    """Return a decorator that enters a function into `OPERATORS`."""

    def enter(function: Callable[[OnnxNode], Any]) -> Callable[[OnnxNode], Any]:
        OPERATORS.update(dict.fromkeys(names, function))
        return function

    return enter
