"""Trace a module by torch.fx, with the value of every operation for one batch.

A forward may ask for sizes, as in `math.sqrt(q.shape[-1])` and `if x.dim() == 3`. Therefore each proxy knows
its value, and gives sizes as numbers. Only what depends on the numbers in the input cannot be traced.
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from reds.elastic.from_module.naming import user_name
from reds.errors import NotElasticError

KNOWN = ("shape", "ndim", "dtype", "device", "layout", "is_cuda", "is_sparse", "is_quantized", "is_nested",
         "requires_grad", "is_meta")  # fmt: skip
"""Attributes of a tensor that do not depend on its numbers."""
ASKED = ("size", "dim", "ndimension", "numel", "nelement", "stride", "is_floating_point", "is_complex",
         "is_contiguous", "get_device", "element_size")  # fmt: skip
"""Methods of a tensor that do not depend on its numbers."""


class _Valued(fx.Proxy):
    """Stand for a tensor whose sizes are known."""

    value: Any = None

    def __getattr__(self, name: str) -> Any:
        """Return a known attribute of the value, or what a proxy makes of an unknown one."""
        if isinstance(self.value, Tensor) and name in (*KNOWN, *ASKED):
            return getattr(self.value, name)
        return super().__getattr__(name)

    def __len__(self) -> int:
        """Return the first size."""
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the first axis."""
        return (operator.getitem(self, i) for i in range(len(self)))


class _Tracer(fx.Tracer):
    """Trace forward with one input. Its other parameters keep their defaults, as in a call with one input."""

    def __init__(self, x: Tensor) -> None:
        super().__init__()
        self.values: dict[fx.Node, Any] = {}
        self._x, self._running = x, False

    def create_args_for_root(
        self, root_fn: Callable[..., Any], is_module: bool, concrete_args: object = None
    ) -> tuple[Callable[..., Any], list[Any]]:
        """Return the function to trace with its arguments: the module and the input."""
        return root_fn, [self.root, self.create_proxy("placeholder", "x", (), {})]

    def proxy(self, node: fx.Node) -> fx.Proxy:
        """Return the proxy of a node, which knows its value."""
        proxy = _Valued(node, self)
        proxy.value = self.values.get(node)
        return proxy

    def create_node(self, kind: str, *args: Any, **kwargs: Any) -> fx.Node:
        """Return a new node, whose value is computed."""
        node = super().create_node(kind, *args, **kwargs)
        if kind != "output":
            self._running = True
            try:
                self.values[node] = self._run(node)
            finally:
                self._running = False
        return node

    def call_module(self, m: nn.Module, forward: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Return the proxy of a submodule's call, or its result while a node is run."""
        return forward(*args, **kwargs) if self._running else super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        """Return the proxy of a parameter, or the parameter itself while a node is run."""
        return attr_val if self._running else super().getattr(attr, attr_val, parameter_proxy_cache)

    def _run(self, node: fx.Node) -> Any:
        args, kwargs = fx.node.map_arg((node.args, node.kwargs), lambda each: self.values[each])
        match node.op:
            case "placeholder":
                return self._x
            case "get_attr":
                value: Any = self.root
                for name in str(node.target).split("."):
                    value = getattr(value, name)
                return value
            case "call_module":
                return self.root.get_submodule(str(node.target))(*args, **kwargs)
            case "call_method":
                return getattr(args[0], str(node.target))(*args[1:], **kwargs)
            case _:
                assert callable(node.target)
                return node.target(*args, **kwargs)


@dataclass(frozen=True)
class Traced:
    """Hold the graph of a module's operations."""

    graph: fx.Graph
    """The operations."""
    root: nn.Module
    """Holds the submodules and parameters of the graph."""
    values: Mapping[fx.Node, Any]
    """The value of every node for one batch."""

    def first_not_finite(self, x: Tensor) -> str:
        """Return the name of the first operation whose value for the batch x is not finite."""
        whole = fx.GraphModule(self.root, self.graph)
        run = fx.Interpreter(whole, garbage_collect_values=False)
        run.run(x)
        for node in self.graph.nodes:
            value = run.env.get(node)
            if isinstance(value, Tensor) and not value.isfinite().all():
                return user_name(node, self.root)
        return "output"


def traced(module: nn.Module, kind: str, x: Tensor) -> Traced:
    """Trace a module and run it on the batch x. Raises `NotElasticError`, which calls it `kind`."""
    tracer = _Tracer(x)
    try:
        graph = tracer.trace(module)
    except Exception as error:  # of the user's forward
        remedy = "make forward independent of the values of its input"
        raise NotElasticError(f"{kind}: it cannot be traced ({error}): {remedy}") from error
    return Traced(graph, tracer.root, tracer.values)


def traceable(module: nn.Module) -> nn.Module:
    """Return a module that is traced into; a layer of torch alone is put into a container."""
    return nn.Sequential(module) if _Tracer(torch.zeros(())).is_leaf_module(module, "") else module
