"""Measure on the emulated Nano what selected subnets take, with random weights: trained ones take as long."""

from collections.abc import Sequence

from hil.boards import boards_toml
from hil.boards.facts import Provenance
from hil.cli.status import board_and_status
from hil.kernels.nano import some_input
from reds.graph import Graph, Widths
from reds.zoo.random_weights import with_random_weights


def microseconds(graph: Graph, nets: Sequence[Sequence[Widths]]) -> list[list[float]]:
    """Return the microseconds of one inference of each subnet of each net.

    Args:
        graph: The full net.
        nets: The widths of the subnets of each net, smallest first.
    """
    found = []
    entry = boards_toml.named(None, "nano33ble")
    with board_and_status(entry, Provenance.EMULATED) as (board, _):
        clock = next(clock for clock in board.facts().clocks if clock.name == "cycles")
        for subnets in nets:
            model = with_random_weights("net", graph, {str(i): each for i, each in enumerate(subnets)})
            board.deploy(model)
            x = some_input(model)
            found.append([float(board.measure(i, 1, clock, x).microseconds[0]) for i in range(len(subnets))])
    return found
