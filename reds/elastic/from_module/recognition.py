"""Recognize which activation a chain of functions of single values computes, by its values on a grid.

Users and exporters spell activations in many ways, as `x * relu6(x + 3) / 6`. Each spelling of a hard swish
has the values of a hard swish.
"""

from collections.abc import Callable, Iterator, Mapping
from math import inf

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor

from reds.elastic.from_module.steps import Step
from reds.graph.parts import Activation

GRID = torch.cat([torch.linspace(-10, 10, 801), torch.tensor([-30.0, 30.0])])
"""Inputs on which functions are compared."""
_WIDE = torch.tensor([-1e4, -100.0, 100.0, 1e4])
_CLOSE = 2e-5
_FAR = 24
"""Most steps of one chain."""
EVALUATED = frozenset({"pointwise", "add", "multiply"})
"""Operations that a chain is made of."""
_PLAIN: Mapping[str, Callable[[Tensor], Tensor]] = {
    "hard_swish": F.hardswish,
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu_tanh": lambda t: F.gelu(t, approximate="tanh"),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "hard_sigmoid": F.hardsigmoid,
    "hard_tanh": F.hardtanh,
    "selu": F.selu,
    "softplus": F.softplus,
    "mish": F.mish,
}
_SLOPED: Mapping[str, Callable[[Tensor, float], Tensor]] = {"leaky_relu": F.leaky_relu, "elu": F.elu}


def recognized(step: Step) -> tuple[Step, str | Activation, float, float] | None:
    """Return what a step computes of one step before it, or None if no layer computes it.

    Returns:
        The step that is read, then `relu`, its ceiling and 0, or `affine`, factor and summand, or an
        activation and two zeros. The farthest step before is preferred.
    """
    for base in _bases(step):
        y = values_between(base, step, GRID)
        if y is None or not y.isfinite().all():
            continue
        wide = values_between(base, step, _WIDE)
        assert wide is not None
        if found := _known(y, wide):
            return base, *found
    return None


def scale_between(base: Step, step: Step) -> float | None:
    """Return the factor by which one step is a multiple of another one, or None if it is none."""
    y = values_between(base, step, GRID)
    scale = 0.0 if y is None else float(y[-1] / GRID[-1])
    return scale if y is not None and _same(y, scale * GRID) else None


def _bases(step: Step) -> Iterator[Step]:
    """Yield steps that all paths into a step may go through, the farthest first."""
    near, at = [step], 0
    while at < len(near) and len(near) < _FAR:
        if near[at].op in EVALUATED and "function" in near[at].options:
            near += [each for each in near[at].inputs if each not in near]
        at += 1
    yield from near[:0:-1]


def values_between(base: Step, step: Step, t: Tensor) -> Tensor | None:
    """Return the values of a step where a step before has the values t, or None if others matter too."""
    known: dict[Step, Tensor | None] = {base: t}

    def run(each: Step, depth: int) -> Tensor | None:
        if each not in known:
            known[each] = None
            if each.op in EVALUATED and "function" in each.options and depth < _FAR:
                given: list[Tensor] = []
                for before in each.inputs:
                    y = run(before, depth + 1)
                    if y is None:
                        return None
                    given.append(y)
                known[each] = each.options["function"](*(y.clone() for y in given))
        return known[each]

    return run(step, 0)


def _known(y: Tensor, wide: Tensor) -> tuple[str | Activation, float, float] | None:
    """Return the function that has the values y on the grid, and others far from 0."""
    zero, slope = float(y[400]), float((y[440] - y[360]) / 2)
    if abs(slope) > _CLOSE and _same(y, slope * GRID + zero) and _same(wide, slope * _WIDE + zero):
        return "affine", slope, zero
    top = float(wide[-1])
    if top > 0 and _same(y, GRID.clamp(0, top)) and _same(wide, _WIDE.clamp(0, top)):
        return "relu", inf if top > 9e3 else top, 0.0
    for name, function in _PLAIN.items():
        if _same(y, function(GRID)):
            return Activation(name), 0.0, 0.0
    for name, slope in (("leaky_relu", -float(y[-2]) / 30), ("elu", -float(y[-2]))):
        if _same(y, _SLOPED[name](GRID, slope)):
            return Activation(name, round(slope, 6)), 0.0, 0.0
    return None


def _same(y: Tensor, expected: Tensor) -> bool:
    return bool(((y - expected).abs() <= _CLOSE * expected.abs().clamp(min=1)).all())
