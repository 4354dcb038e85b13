"""`reds inspect`: what a pack holds, as tables. Needs neither torch nor the recipe."""

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from reds import pack
from reds.pack import arena
from reds.pack.model import WINDOWED, IntegerLayer, Kind, Model, TensorShape


def show(path: Path, console: Console) -> None:
    """Print layers, subnets, bytes and arena of a pack. Raises `PackError` if it cannot be used."""
    model = pack.load(path)
    sizes = pack.sizes(model)
    stored = f"real = (q - {model.input_zero}) * {model.input_scale:.6g}"
    console.print(f"{model.name}: {model.input_size} int8 inputs, {stored}")
    console.print(layer_table(model))
    console.print(subnet_table(model))
    plans = sizes.total - sizes.weights - sizes.tables
    console.print(
        f"{sizes.total:,} bytes: weights {sizes.weights:,}, tables of bias and multiplier {sizes.tables:,},"
        f" plans and headers {plans:,}"
    )


def layer_table(model: Model) -> Table:
    """A row for each layer of the full net."""
    rows = (
        [str(i), layer.kind.name.lower(), _sides(model.tensors[layer.inputs[0]]), _window(layer),
         _sides(model.tensors[layer.output]), "ReLU" if layer.relu else "linear", f"{layer.weights.size:,}"]
        for i, layer in enumerate(model.layers)
    )  # fmt: skip
    return table_of("layer kind reads window writes output weights", rows)


def _sides(tensor: TensorShape) -> str:
    """As `25x5x64`, or `144` where there is one site."""
    sides = (tensor.height, tensor.width, tensor.units)
    return "x".join(map(str, sides if tensor.sites > 1 else sides[2:]))


def _window(layer: IntegerLayer) -> str:
    """As `3x3 by 2x2`, the kernel and its stride; nothing where no window moves."""
    if layer.kind not in WINDOWED:
        return ""
    kernel, stride = ("x".join(map(str, pair)) for pair in (layer.kernel, layer.stride))
    return kernel if stride == "1x1" else f"{kernel} by {stride}"


def subnet_table(model: Model) -> Table:
    """A row for each subnet: its units, cost and memory."""
    full = model.macs(len(model.subnets) - 1)
    rows = (
        [subnet.name, "-".join(str(n) for n in widths(model, i)),
         f"{subnet.macs:,}", f"{100 * subnet.macs / full:.2f} %", f"{arena.plan(model, i).size:,}"]
        for i, subnet in enumerate(model.subnets)
    )  # fmt: skip
    return table_of("subnet units MACs of-full arena-bytes", rows)


def widths(model: Model, subnet: int) -> list[int]:
    """Units of a subnet: what it reads, then what each dense layer or convolution writes."""
    steps = model.subnets[subnet].steps
    mixed = zip(model.layers, steps, strict=True)
    return [steps[0].units_in, *(s.units_out for layer, s in mixed if layer.kind in (Kind.DENSE, Kind.CONV))]


def table_of(heads: str, rows: Iterable[list[str]]) -> Table:
    """A table with these heads, a hyphen in one for a space."""
    table = Table()
    for head in heads.split():
        table.add_column(head.replace("-", " "), justify="right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table
