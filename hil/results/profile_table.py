"""Show a profile as a table, and as plain values for other programs."""

import io
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from rich.table import Table

from hil.results.memory import Memory
from hil.results.profile import Cost, Profile
from reds.console import wide_console
from reds.text import LINE, printable

_UNITS = ("cycles", "instructions", "flash_words", "us")
"""Units in the order of their columns."""


def render(profile: Profile, memory: Memory | str) -> str:
    """Return the table as text.

    Args:
        profile: The layers of a subnet.
        memory: The RAM that the subnet takes, or the reason why it is not known.
    """
    costs = {unit: profile.costs[unit] for unit in _UNITS if unit in profile.costs}
    table = Table(box=None, pad_edge=False, header_style="")
    for head in ("", "layer", "MACs", *(unit.replace("_", " ") for unit in costs), "share", "flash", "arena"):
        table.add_column(head, justify="left" if head == "layer" else "right", no_wrap=True)
    for i, (layer, share) in enumerate(zip(profile.layers, profile.costs[profile.unit].shares, strict=True)):
        figures = _figures(costs, lambda cost, i=i: cost.layers[i])  # type: ignore[misc]
        sizes = f"{layer.flash:,}", f"{layer.arena:,}"
        table.add_row(
            str(layer.index),
            f"{layer.kind.replace('_', ' ')} {layer.shape}",
            f"{layer.macs:,}",
            *figures,
            f"{share:.1%}",
            *sizes,
        )
    together = f"{sum(layer.macs for layer in profile.layers):,}"
    flash, most = (f"{n:,}" for n in (_flash(profile), max(layer.arena for layer in profile.layers)))
    table.add_row("", "layers together", together, *_figures(costs, lambda c: c.total), "", flash, most)
    table.add_row("", "whole inference", together, *_figures(costs, lambda c: c.whole), "", "", "")
    out = io.StringIO()
    console = wide_console(out)
    where = f"{profile.pack} {profile.subnet} on {profile.board} ({profile.provenance})"
    console.print(printable(f"{where}; flash and arena in bytes", LINE), soft_wrap=True)
    console.print(table)
    for line in (*_layouts(profile), *profile.kernels):
        console.print(printable(line, LINE), soft_wrap=True)
    console.print(printable(_ram(memory), LINE), soft_wrap=True)
    return out.getvalue()


def plain(profile: Profile, memory: Memory | str) -> dict[str, Any]:
    """Return the profile as JSON holds it. Args are those of `render`."""
    layers = [
        {**asdict(layer), **{unit: cost.layers[i] for unit, cost in profile.costs.items()}}
        for i, layer in enumerate(profile.layers)
    ]
    where = {"pack": profile.pack, "subnet": profile.subnet, "board": profile.board}
    return {
        **where,
        "provenance": profile.provenance,
        "kernels": [*profile.kernels],
        "layers": layers,
        "together": {unit: cost.total for unit, cost in profile.costs.items()},
        "whole": {unit: cost.whole for unit, cost in profile.costs.items()},
        "memory": {"absent": memory} if isinstance(memory, str) else {**asdict(memory), "ram": memory.ram},
    }


def _figures(costs: dict[str, Cost], of: Callable[[Cost], float]) -> list[str]:
    decimals = {unit: 0 if unit != "us" else 1 if cost.whole >= 100 else 2 for unit, cost in costs.items()}
    return [f"{of(cost):,.{decimals[unit]}f}" for unit, cost in costs.items()]


def _flash(profile: Profile) -> int:
    return sum(layer.flash for layer in profile.layers)


def _layouts(profile: Profile) -> list[str]:
    """Return a line for each layout of weights, if the layers have several."""
    layers: dict[str, list[str]] = {}
    for layer in profile.layers:
        layers.setdefault(layer.layout, []).append(str(layer.index))
    return (
        [f"layout {name}: layers {', '.join(of)}" for name, of in layers.items()] if len(layers) > 1 else []
    )


def _ram(memory: Memory | str) -> str:
    if isinstance(memory, str):
        return f"stack and RAM are not known: {memory}"
    parts = f"arena {memory.arena:,}, stack {memory.stack:,}, runtime {memory.state:,}"
    return f"{memory.ram:,} bytes of RAM: {parts}"
