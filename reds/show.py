"""`reds inspect`: what a pack holds, as tables. Needs neither torch nor the recipe."""

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from reds import arena, pack
from reds.model import Model


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
        [str(i), layer.kind.name.lower(), str(layer.weights.shape[1]), str(layer.weights.shape[0]),
         "ReLU" if layer.relu else "linear", f"{layer.weights.size:,}"]
        for i, layer in enumerate(model.layers)
    )  # fmt: skip
    return _table("layer kind reads writes output weights", rows)


def subnet_table(model: Model) -> Table:
    """A row for each subnet: its units, cost and memory."""
    full = model.macs(len(model.subnets) - 1)
    rows = (
        [subnet.label, "-".join(str(n) for n in widths(model, i)),
         f"{subnet.macs:,}", f"{100 * subnet.macs / full:.2f} %", f"{arena.plan(model, i).size:,}"]
        for i, subnet in enumerate(model.subnets)
    )  # fmt: skip
    return _table("subnet units MACs of-full arena-bytes", rows)


def widths(model: Model, subnet: int) -> list[int]:
    """Units of a subnet: what it reads, then what each layer writes."""
    steps = model.subnets[subnet].steps
    return [steps[0].units_in, *(step.units_out for step in steps)]


def _table(heads: str, rows: Iterable[list[str]]) -> Table:
    table = Table()
    for head in heads.split():
        table.add_column(head.replace("-", " "), justify="right")
    for row in rows:
        table.add_row(*row)
    return table
