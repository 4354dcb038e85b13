"""Say which kernels run the layers of a pack, and why portable ones run some: they are slower."""

from collections.abc import Iterable

from reds.pack.layouts import CANONICAL, LAYOUTS, best, names
from reds.pack.model import Model

PROCESSORS = {"radix256": "Cortex-M4", "vnni": "x86-64", "neon": "aarch64", "helium": "Cortex-M55"}
"""Processors whose kernels read a layout, by its name."""
PORTABLE = "portable kernels"
"""Beginning of the lines about them."""
_MOST = 8
"""Layers that a line names one by one."""


def portable_layers(model: Model, ids: Iterable[int]) -> dict[str, list[int]]:
    """Return the layers that portable kernels run, by the reason.

    Args:
        model: The integer network.
        ids: Ids of the layouts that an agent knows.

    Raises:
        ModelError: A layer has no such layout.
    """
    known = sorted(set(ids) & LAYOUTS.keys() - {CANONICAL.id})
    found: dict[str, list[int]] = {}
    for i, (layer, chosen) in enumerate(zip(model.layers, best(model, {*known, CANONICAL.id}), strict=True)):
        if chosen is CANONICAL:
            sources = [model.tensors[tensor] for tensor in layer.inputs]
            reason = "this processor has no others"
            if known:
                fast = LAYOUTS[known[-1]]
                reason = f"{fast.name} has no kernel for {fast.refusal(layer, sources)}"
            found.setdefault(reason, []).append(i)
    return found


def kernel_lines(model: Model, ids: Iterable[int]) -> list[str]:
    """Return one line if the fast kernels of these layouts run all layers, else one for each reason.

    Args and errors are those of `portable_layers`.
    """
    known, count = set(ids) | {CANONICAL.id}, len(model.layers)
    portable = portable_layers(model, known)
    if not portable:
        every = "the only layer" if count == 1 else f"all {count} layers"
        return [f"fast kernels ({names(best(model, known))}) run {every}"]
    return [f"{PORTABLE} run {_layers(model, of)} of {count}: {why}" for why, of in portable.items()]


def _layers(model: Model, indices: list[int]) -> str:
    """Return layers as `layer 3 (depthwise)`, `layers 3, 5`, or `9 layers` if they are many."""
    if len(indices) == 1:
        return f"layer {indices[0]} ({model.layers[indices[0]].kind.name.lower().replace('_', ' ')})"
    if len(indices) > _MOST:
        return f"{len(indices)} layers"
    return f"layers {', '.join(map(str, indices))}"
