"""Reduce chains of functions of single values to activations."""

from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

import torch

from reds.elastic.from_module.recognition import EVALUATED, recognized
from reds.elastic.from_module.steps import Step
from reds.graph.parts import Activation


def in_order(end: Step) -> list[Step]:
    """Return all steps that a step depends on, each after its inputs, and the step itself at last."""
    done: dict[Step, None] = {}
    left = [(end, False)]
    while left:
        step, ready = left.pop()
        if ready:
            done[step] = None
        elif step not in done:
            left.append((step, True))
            left += [(each, False) for each in reversed(step.inputs) if each not in done]
    return list(done)


def resolved(end: Step, reject: Callable[[Step], NoReturn]) -> Step:
    """Replace chains of functions by activations.

    Args:
        end: The last step.
        reject: Called with a step whose function no layer computes.

    Returns:
        The last step, which may be another one.
    """
    known: dict[Step, Step | None] = {}
    for step in in_order(end):
        simple = _simple(step, known) if step.op in EVALUATED else None
        if simple is None and step.op == "pointwise":
            known[step] = None
            continue
        if simple is None:
            inputs = [known[each] for each in step.inputs]
            if any(each is None for each in inputs):
                if step.op in EVALUATED:
                    known[step] = None
                    continue
                reject(next(each for each in step.inputs if known[each] is None))
            step.inputs = [each for each in inputs if each is not None]
        known[step] = simple or step
    last = known[end]
    return reject(end) if last is None else last


def _simple(step: Step, known: dict[Step, Step | None]) -> Step | None:
    """Return the step of one function that stands for a chain, or None if there is none."""
    found = recognized(step)
    if found is None:
        return None
    base, kind, first, second = found
    before = known[base]
    if before is None:
        return None
    if isinstance(kind, Activation):
        return replace(step, op="activation", inputs=[before], options={}, activation=kind)
    if kind == "relu":
        return replace(step, op="relu", inputs=[before], options={}, ceiling=first)
    if (first, second) == (1, 0):
        return before
    units = step.units
    gain, offset = torch.full((units,), first), torch.full((units,), second)
    return replace(step, op="affine", inputs=[before], options={}, weight=gain, bias=offset)
