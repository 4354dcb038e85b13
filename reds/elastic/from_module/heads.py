"""Join the outputs of a module to the one output of a net, in torch's order."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from reds.elastic.from_module.arranging import CannotArrangeError
from reds.elastic.from_module.conversion import Conversion
from reds.elastic.from_module.layout import contiguous, size
from reds.elastic.from_module.steps import Step, Value


@dataclass(frozen=True)
class Head:
    """One output of a module."""

    name: str
    value: Value
    ending: Callable[[Tensor], Tensor] | None
    """The softmax that the net leaves out."""

    @property
    def size(self) -> int:
        """Return the number of outputs of one example."""
        return size([*chain.from_iterable(self.value.axes[1:])])


def heads_of(c: Conversion, result: Any) -> list[Head]:
    """Return all outputs of a module, named by their places in its result.

    Raises:
        NotElasticError: The module returns something else than tensors that depend on its input.
    """
    return [_head(c, name, value) for name, value in _named(c, "", result)]


def joined(c: Conversion, heads: list[Head]) -> Step:
    """Return the step that computes all outputs side by side.

    Raises:
        NotElasticError: An output lies in an order that no layer copies.
    """
    steps = []
    for head in heads:
        value = head.value
        pieces = [*chain.from_iterable(value.axes[1:])]
        try:
            if len(heads) == 1 and contiguous(pieces):
                return value.step
            steps.append(c.steps.arranged(value, [], [], pieces))
        except CannotArrangeError:
            c.reject(
                f"has axes {[*value.shape]} in an order that no layer copies to",
                "permute them outside the net",
            )
    if len(steps) == 1:
        return steps[0]
    return c.steps.add("concat", steps, (1, 1, sum(step.units for step in steps)))


def _named(c: Conversion, name: str, result: Any) -> Iterator[tuple[str, Any]]:
    """Yield the outputs in a result with their names."""
    if isinstance(result, Value):
        yield name or "output", result
    elif isinstance(result, Mapping) and result:
        for key, each in result.items():
            yield from _named(c, f"{name}.{key}".lstrip("."), each)
    elif isinstance(result, tuple | list) and result:
        keys = getattr(result, "_fields", range(len(result)))
        for key, each in zip(keys, result, strict=True):
            yield from _named(c, f"{name}.{key}".lstrip("."), each)
    else:
        c.reject(
            f"returns {type(result).__name__} {name}".rstrip() + ", which does not depend on the input",
            "return tensors that do, or a tuple, list or dict of them",
        )


def _head(c: Conversion, name: str, value: Value) -> Head:
    if value.axes[:1] != (value.examples,):
        c.reject(f"returns {[*value.shape]}, whose first axis is not the batch", "return [N, ...]")
    step, ending = value.step, None
    if step.op == "softmax":
        at = value.axes.index(step.options["over"])
        function = torch.log_softmax if "log" in str(step.options["name"]).lower() else torch.softmax
        value, ending = Value(step.inputs[0], value.axes, value.batch), _Softmax(function, at)
        warnings.warn(
            f"{name} ends in a softmax, which is left out: outputs are the logits before it, and the largest"
            " is the same",
            SoftmaxLeftOutWarning,
            stacklevel=6,
        )
    return Head(name, value, ending)


class SoftmaxLeftOutWarning(UserWarning):
    """A softmax at the end of a module is left out of the net."""


@dataclass(frozen=True)
class _Softmax:
    function: Callable[..., Tensor]
    axis: int

    def __call__(self, x: Tensor) -> Tensor:
        """Return the softmax along the axis."""
        return self.function(x, self.axis)
