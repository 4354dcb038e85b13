"""Whether a pack fits a board, found out before anything is sent."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hil.errors import PackRefused
from reds import arena, pack
from reds.layouts import LAYOUTS, Layout
from reds.model import WEIGHTED, Kind, Layer, Model, Step


def check_fit(board: str, model: Model, layout: Layout, capacity: int, ram: int) -> bytes:
    """The pack's bytes in this layout, for a board with `capacity` bytes for packs and `ram` for the arena.

    Raises `PackRefused`, which says what is too large and which subnets would fit by themselves.
    """
    data = pack.dumps(model, layout)
    needs = max(_arena(model, s, layout) for s in range(len(model.subnets)))
    over = []
    if len(data) > capacity:
        over.append(f"{len(data):,} bytes and there are {capacity:,}")
    if needs > ram:
        over.append(f"an arena of {needs:,} bytes and there are {ram:,}")
    if over:
        fits = [
            subnet.label
            for s, subnet in enumerate(model.subnets)
            if len(pack.dumps(cut(model, s), layout)) <= capacity and _arena(model, s, layout) <= ram
        ]
        advice = f"cut down to {' or '.join(fits)} it would fit" if fits else "no subnet of it would fit"
        raise PackRefused(f"{board}: {model.name} takes {', and '.join(over)}; {advice}")
    return data


def best_layout(board: str, model: Model, known: frozenset[int]) -> Layout:
    """The layout with the highest id of those an agent knows that has a kernel for every layer.

    Raises `PackRefused` if there is none.
    """
    kinds = {layer.kind for layer in model.layers}
    fitting = [layout for i, layout in sorted(LAYOUTS.items()) if i in known and kinds <= layout.kinds]
    if not fitting:
        names = ", ".join(sorted(kind.name.lower() for kind in kinds))
        what = f"no layout of its agent runs the {names} of {model.name}"
        raise PackRefused(f"{board}: {what}; upload the agent again")
    return fitting[-1]


def cut(model: Model, subnet: int) -> Model:
    """The net as large as this subnet, with the subnets up to it and nothing of the larger ones."""
    steps = model.subnets[subnet].steps
    units = [model.tensors[0].units, *(step.units_out for step in steps)]
    return replace(
        model,
        tensors=tuple(replace(t, units=n) for t, n in zip(model.tensors, units, strict=True)),
        layers=tuple(
            replace(layer, weights=_cut_weights(layer, step))
            for layer, step in zip(model.layers, steps, strict=True)
        ),
        subnets=model.subnets[: subnet + 1],
    )


def _cut_weights(layer: Layer, step: Step) -> NDArray[np.int8]:
    if layer.kind not in WEIGHTED:
        return layer.weights
    rows = layer.weights[: step.units_out]
    if layer.kind is not Kind.DEPTHWISE:
        rows = rows.reshape(step.units_out, layer.taps, -1)[..., : step.units_in]
    return np.ascontiguousarray(rows.reshape(step.units_out, -1))


def _arena(model: Model, subnet: int, layout: Layout) -> int:
    steps = model.subnets[subnet].steps
    scratch = [layout.scratch(layer, step) for layer, step in zip(model.layers, steps, strict=True)]
    return arena.plan(model, subnet, scratch).size
