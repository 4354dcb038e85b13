"""Convert the nodes of a traced torch module to steps, each by the handler of its operation.

Whatever depends on no input is a constant, whose value the trace knows.
"""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

import torch
from torch import Tensor, fx, nn

from reds.elastic.from_module.arranging import CannotArrangeError, Steps
from reds.elastic.from_module.naming import reject
from reds.elastic.from_module.steps import Value, fresh
from reds.elastic.from_module.tracing import Traced
from reds.errors import NotElasticError

SUPPORTED = (
    "an elastic net is made of convolutions, linear layers, norms, pools, activations, attention, sums,"
    " products and concatenations, as docs/network.md lists them; replace it, or do it outside the net"
)


HANDLERS: dict[Any, Callable[..., Any]] = {}
"""Functions that convert an operation, by module class, function or name of a method."""


Handler = TypeVar("Handler", bound=Callable[..., Any])


def handles(*operations: Any) -> Callable[[Handler], Handler]:
    """Return a decorator that enters a function into `HANDLERS`."""

    def enter(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(operations, handler))
        return handler

    return enter


class Conversion:
    """Hold what the handlers of operations need.

    Attributes:
        node: The present node.
        steps: Makes new steps.
        batch: Examples in the traced batch.
    """

    def __init__(self, traced: Traced, units_last: bool = False) -> None:
        """Convert nodes of this trace, whose input has units last or second."""
        self.traced, self.steps = traced, Steps()
        self._units_last = units_last
        self._known: dict[fx.Node, Any] = {}
        self.batch = 0
        self.node: fx.Node

    def result(self) -> Any:
        """Return the output of the module, made of values. Raises `NotElasticError`."""
        for node in self.traced.graph.nodes:
            self.node = self.steps.node = node
            if node.op == "placeholder":
                self._known[node] = self._input(self.traced.values[node])
                continue
            args, kwargs = fx.node.map_arg((node.args, node.kwargs), lambda each: self._known[each])
            if node.op == "output":
                return args[0]
            if not any(_computed(self._known[each]) for each in node.all_input_nodes):
                self._known[node] = self.traced.values[node]
                continue
            handler = self._handler()
            try:
                self._known[node] = handler(self, *args, **kwargs)
            except CannotArrangeError as error:
                self.reject(*error.args)
            except NotElasticError:
                raise
            except Exception as error:  # of arguments in a form that no handler foresees
                self.reject(f"has a form that is not taken ({type(error).__name__}: {error})", SUPPORTED)
        raise AssertionError("a traced graph has an output")

    @property
    def module(self) -> nn.Module:
        """Return the submodule that the present node calls."""
        return self.traced.root.get_submodule(str(self.node.target))

    @property
    def name(self) -> str:
        """Return the class, function or method that the present node calls."""
        if self.node.op == "call_module":
            return type(self.module).__name__
        target = self.node.target
        return target if isinstance(target, str) else str(target.__name__)

    @property
    def expected(self) -> Any:
        """Return the value of the present node for the traced batch."""
        return self.traced.values[self.node]

    def reject(self, reason: str, remedy: str) -> NoReturn:
        """Raise `NotElasticError` for the present node."""
        reject(self.node, self.traced.root, reason, remedy)

    def _handler(self) -> Callable[..., Any]:
        """Return the handler of the present node, or reject it."""
        target = self.node.target
        kinds = type(self.module).__mro__ if self.node.op == "call_module" else (target,)
        for kind in kinds:
            if kind in HANDLERS:
                return HANDLERS[kind]
        (first, *others) = self.node.all_input_nodes
        x = self.traced.values[first]
        in_place = isinstance(target, str) and target.endswith("_")
        if (
            not in_place
            and not others
            and isinstance(x, Tensor)
            and isinstance(self.expected, Tensor)
            and torch.equal(x, self.expected)
        ):
            return lambda conversion, *_, **__: conversion._known[first]  # as a drop path at inference
        self.reject("is no layer of an elastic net", SUPPORTED)

    def _input(self, x: Tensor) -> Value:
        self.batch, *sides = x.shape
        if self._units_last:
            *positions, units = sides
        else:
            units, *positions = sides
        height, width = (*positions, 1, 1)[:2]
        step = self.steps.add("input", [], (height, width, units))
        order = "".join(("h", "w")[: len(positions)])
        return fresh(step, self.batch, f"n{order}u" if self._units_last else f"nu{order}")


def _computed(known: Any) -> bool:
    """Return whether something is a value that depends on the input, or holds one."""
    if isinstance(known, Mapping):
        return any(map(_computed, known.values()))
    return isinstance(known, Value) or (isinstance(known, tuple | list) and any(map(_computed, known)))
