"""Print a pack as tables, for the command `reds inspect`, which needs neither torch nor a recipe."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reds import pack
from reds.errors import ModelError, PackError
from reds.pack import capacity, layouts
from reds.pack.card import read_card, shares
from reds.pack.kernel_use import PROCESSORS, kernel_lines
from reds.pack.layouts import CANONICAL, LAYOUTS, Layout
from reds.pack.model import MIXING, WINDOWED, IntegerLayer, Kind, Model, TensorShape
from reds.pack.reader import loads, outline, read_bytes
from reds.pack.task import METRICS
from reds.text import printable


def print_pack(path: Path, console: Console) -> None:
    """Print layers, subnets, accuracies and memory of a pack, and which boards have room for it.

    Of a pack in the layout of a device its headers are printed.

    Raises:
        PackError: The pack is missing, damaged or breaks a rule.
    """
    data = read_bytes(path)
    try:
        model, chosen = outline(data)
    except ModelError as error:
        raise PackError(f"{path}: not a usable pack: {error}") from error
    canonical = all(layout is CANONICAL for layout in chosen)
    if canonical:
        model = loads(data, str(path))
    layout = layouts.names(chosen)
    real = "(x - mean) / deviation of the card" if model.standardized else "real"
    stored = f"{real} = (q - {model.input_zero}) * {model.input_scale:.6g}"
    source = model.tensors[0]
    console.print(
        f"{printable(model.name)}: {source.size(source.units)} int8 inputs, {stored}, layout {layout}",
        markup=False,
        emoji=False,
    )
    card = read_card(path.with_suffix(".json"), hashlib.sha256(data).hexdigest())
    console.print(layer_table(model, chosen))
    console.print(subnet_table(model, _accuracies(model, card), _metric(card)))
    names = [f"{layer.kind.name.lower()}{i}" for i, layer in enumerate(model.layers)]
    run = {subnet.name: [step.layer for step in subnet.steps] for subnet in model.subnets}
    for line in left_out_lines(names, run):
        console.print(line, markup=False, emoji=False, soft_wrap=True)
    if canonical:
        for line in (_bytes(model), *capacity.lines(model), *_kernels(model)):
            console.print(line, soft_wrap=True)
    else:
        console.print(_laid_out(layout, len(data)))


def _accuracies(model: Model, card: Mapping[str, Any] | None) -> Sequence[str]:
    """Return the accuracy of each subnet on the test examples, as the card has it; none without."""
    if card is None:
        return ()
    try:
        found = shares(card, [subnet.name for subnet in model.subnets], "accuracy", "test")
    except ValueError:  # a card of another tool
        return ()
    return [f"{100 * share:.1f} %" for share in found]


def _metric(card: Mapping[str, Any] | None) -> str:
    """Return how the card calls the accuracies of its subnets."""
    stated = (card or {}).get("metric")
    return str(stated) if stated in METRICS.values() else METRICS["classes"]


def _bytes(model: Model) -> str:
    sizes = pack.sizes(model)
    plans = sizes.total - sizes.weights - sizes.tables
    return (
        f"{sizes.total:,} bytes: weights {sizes.weights:,}, tables {sizes.tables:,},"
        f" plans and headers {plans:,}"
    )


def _kernels(model: Model) -> Iterator[str]:
    """Yield for each processor with fast kernels which layers they run, and why not all."""
    for layout in LAYOUTS.values():
        if layout is not CANONICAL:
            for line in kernel_lines(model, {layout.id}):
                yield f"{PROCESSORS.get(layout.name, layout.name)}: {line}"


def _laid_out(layout: str, size: int) -> str:
    return (
        f"{size:,} bytes, laid out for the kernels of {layout}: its checksum is right; its weights, tables"
        " and arenas are not checked; boards and `reds` read the pack that it was converted from"
    )


def layer_table(model: Model, chosen: Sequence[Layout]) -> Table:
    """Return a table with a row for each layer of the full network; layouts are shown where they differ."""
    mixed = len({layout.id for layout in chosen}) > 1
    rows = (
        [str(i), layer.kind.name.lower(), _shape(model.tensors[layer.inputs[0]]), _window(layer),
         _shape(model.tensors[layer.output]), _activation(model, i), f"{layer.weights.size:,}",
         *[chosen[i].name] * mixed]
        for i, layer in enumerate(model.layers)
    )  # fmt: skip
    return table_of("layer kind reads window writes output weights" + " layout" * mixed, rows)


def _activation(model: Model, index: int) -> str:
    """Return what follows a layer: a ReLU, an activation table in some subnet, or nothing."""
    if model.layers[index].relu:
        return "ReLU"
    steps = (step for subnet in model.subnets for step in subnet.steps if step.layer == index)
    return "table" if any(step.activation is not None for step in steps) else "linear"


def _shape(tensor: TensorShape) -> str:
    """Return a shape as `25x5x64`, or as `144` if there is one spatial position."""
    sides = (tensor.height, tensor.width, tensor.units)
    return "x".join(map(str, sides if tensor.positions > 1 else sides[2:]))


def _window(layer: IntegerLayer) -> str:
    """Return kernel, stride and more as `3x3 by 2x2, 4 groups`; nothing for a layer that has none of them."""
    kernel, stride, dilation = (
        "x".join(map(str, pair)) for pair in (layer.kernel, layer.stride, layer.dilation)
    )
    shown = [kernel] if layer.kind in WINDOWED else []
    shown += [f"by {stride}"] if stride != "1x1" else []
    shown += [f"dilated {dilation}"] if dilation != "1x1" else []
    groups = f"{layer.groups} {'heads' if layer.kind is Kind.ATTENTION else 'groups'}"
    return ", ".join([" ".join(shown)] * bool(shown) + [groups] * (layer.groups > 1))


def subnet_table(model: Model, accuracies: Sequence[str] = (), metric: str = METRICS["classes"]) -> Table:
    """Return a table with the units, cost, memory and, where they are known, accuracies of the subnets."""
    full = model.subnets[-1].macs
    rows = (
        [subnet.name, "-".join(str(n) for n in subnet_units(model, i)),
         f"{subnet.macs:,}", f"{100 * subnet.macs / full:.2f} %" if full else "-",
         f"{layouts.plan(model, i, layouts.canonical(model)).size:,}", *accuracies[i : i + 1]]
        for i, subnet in enumerate(model.subnets)
    )  # fmt: skip
    return table_of("subnet units MACs of-full arena-bytes" + f" {metric}" * bool(accuracies), rows)


def subnet_units(model: Model, subnet: int) -> list[int]:
    """Return the units of a subnet's input, then of the output of each layer that mixes units.

    A layer that it leaves out has 0.
    """
    rooms = model.rooms(subnet)
    mixing = [layer.output for layer in model.layers if layer.kind in MIXING]
    return [rooms[tensor].units for tensor in (0, *mixing)]


def left_out_lines(names: Sequence[str], run: Mapping[str, Sequence[int]]) -> list[str]:
    """Return a line for each subnet that leaves out layers.

    Args:
        names: The names of all layers.
        run: For each subnet, by its name, the layers that it runs.
    """
    lines = []
    for subnet, layers in run.items():
        left_out = [printable(name) for i, name in enumerate(names) if i not in layers]
        if left_out:
            lines.append(f"{printable(subnet)} leaves out {', '.join(left_out)}")
    return lines


def table_of(heads: str, rows: Iterable[list[str]]) -> Table:
    """Return a table; `heads` are separated by spaces, and a hyphen in a head is printed as a space."""
    table = Table()
    for head in heads.split():
        table.add_column(head.replace("-", " "), justify="right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table
