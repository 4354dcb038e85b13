"""Print which net a build trains, and at its end cost and accuracy of each subnet and missed floors."""

import torch
from rich.console import Console

from reds.console import print_notes
from reds.experiment.int8_gap import gap_notes
from reds.experiment.method import block_notes
from reds.experiment.prepare import Prepared
from reds.experiment.promises import costs_table, off_notes, over_notes
from reds.experiment.result import Result
from reds.pack.inspect import left_out_lines, table_of
from reds.training import processes
from reds.training.torch_setup import processor
from reds.zoo import other_net


def describe(prepared: Prepared, console: Console) -> None:
    """Print which net is trained, on which examples, and where."""
    graph, name, threads = prepared.graph, prepared.recipe.net.name, torch.get_num_threads()
    rows, columns, units = prepared.data.set.thinned(prepared.recipe.data.every)
    macs, (variants, examples) = graph.macs(graph.full), prepared.data.train_x.shape[:2]
    place = f"{threads} thread{'s' if threads > 1 else ''}" if processor() == "cpu" else processor()
    place = f"{processes.count()} processes on {place} each" if processes.count() > 1 else place
    console.print(
        f"{name} ({rows}x{columns}x{units}, {macs:,} MACs) on {examples:,} examples"
        f"{f' in {variants} variants' if variants > 1 else ''}, seed {prepared.recipe.seed}, {place}",
        soft_wrap=True,
    )
    print_notes(block_notes(prepared.recipe.selection, graph), console)
    if other := other_net(name):
        console.print(f"{name} is another net than {other}: {other} is the published one", soft_wrap=True)


def report(result: Result, console: Console) -> list[str]:
    """Print a table of all subnets, and a line for each subnet that int8 harms or that a bench would reject.

    Returns:
        The names of these subnets.
    """
    rows = []
    for subnet in result.subnets:
        accuracies = (subnet.validation_accuracy, subnet.accuracy, subnet.float_accuracy)
        widths = "-".join(map(str, subnet.widths))
        rows.append([subnet.name, widths, f"{subnet.macs:,}", *(f"{100 * a:.2f} %" for a in accuracies)])
    console.print(table_of("subnet units MACs validation test test-in-float", rows))
    graph = result.trained.net.graph
    run = {subnet.name: graph.running(subnet.widths).layers for subnet in result.subnets}
    for line in left_out_lines([layer.name for layer in graph.layers], run):
        console.print(line, markup=False, emoji=False, soft_wrap=True)
    print_costs(result, console)
    print_notes(gap_notes(result.int8_gaps), console)
    labeled = min(result.data.set.labeled, len(result.data.test_y))
    missed = [
        (subnet, floor)
        for subnet, floor in zip(result.subnets, result.floors, strict=True)
        if subnet.labeled_accuracy < floor
    ]
    for subnet, floor in missed:
        console.print(
            f"subnet {subnet.name} misses its floor: accuracy {subnet.labeled_accuracy:.4f} on"
            f" {labeled:,} labeled examples, floor {floor:g}: a bench of this pack will fail;"
            " train longer, or lower the floor",
            soft_wrap=True,
        )
    return [subnet.name for subnet, _ in missed]


def print_costs(result: Result, console: Console) -> None:
    """Print predicted and measured costs on the target, if they are known, and which of them are off."""
    names, before = [s.name for s in result.subnets], [s.predicted for s in result.subnets]
    measured = result.measured.subnets if result.measured else []
    if measured or result.profile.latency:
        console.print(table_of(*costs_table(names, before, measured)))
    print_notes(off_notes(names, before, measured), console)
    print_notes(over_notes(names, result.method.budgets, measured), console)
