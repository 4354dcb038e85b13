"""Trace a module by torch.fx, and run what was traced on one batch."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, fx, nn

from reds.elastic.from_module.operations import user_name
from reds.errors import NotElasticError


class _OneInput(fx.Tracer):
    """Trace forward with one input. Its other parameters keep their defaults, as in a call with one input."""

    def create_args_for_root(
        self, root_fn: Callable[..., Any], is_module: bool, concrete_args: object = None
    ) -> tuple[Callable[..., Any], list[Any]]:
        """Return the function to trace with its arguments: the module and the input."""
        return root_fn, [self.root, self.create_proxy("placeholder", "x", (), {})]


class Traced:
    """Hold the graph of a module's operations.

    Attributes:
        graph: The operations.
        values: The value of every node for one batch.
    """

    def __init__(self, module: nn.Module, kind: str, x: Tensor) -> None:
        """Trace a module and run it on the batch x. Raises `NotElasticError`, which calls it `kind`."""
        try:
            whole = fx.GraphModule(module, _OneInput().trace(module))
            whole.graph.eliminate_dead_code()
            self._run = fx.Interpreter(whole, garbage_collect_values=False)
            self._run.run(x)
        except Exception as error:  # of the user's forward
            remedy = "make forward independent of the values of its input"
            raise NotElasticError(f"{kind}: it cannot be traced ({error}): {remedy}") from error
        self.graph, self.values = whole.graph, dict(self._run.env)

    def first_not_finite(self, module: nn.Module, x: Tensor) -> str:
        """Return the name of the first operation whose value for the batch x is not finite."""
        self._run.run(x)
        for node in self.graph.nodes:
            value = self._run.env.get(node)
            if isinstance(value, Tensor) and not value.isfinite().all():
                return user_name(
                    node, module.get_submodule(node.target) if node.op == "call_module" else None
                )
        return "output"


def traceable(module: nn.Module) -> nn.Module:
    """Return a module that is traced into; a layer of torch alone is put into a container."""
    return nn.Sequential(module) if _OneInput().is_leaf_module(module, "") else module
