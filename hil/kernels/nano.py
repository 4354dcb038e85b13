"""Count the cost of every subnet, every switch and single layers on the emulated Nano 33 BLE."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from hil.boards.board import Board
from hil.errors import HilError, PackRefused
from hil.kernels.baseline import Count
from hil.kernels.cases import graph_of, widths_of
from hil.kernels.layer_cases import LAYERS
from reds import pack
from reds.pack import interpreter
from reds.pack.extract import extract_subnet, extract_up_to
from reds.pack.layouts import Layout
from reds.pack.model import LIMIT, Model
from reds.zoo.random_weights import with_random_weights

Say = Callable[[str], None]


class WrongOutputs(HilError):  # noqa: N818, it names what happened, not a bug
    """A kernel's bits differ from those of the interpreter, so its speed is meaningless."""


@dataclass(frozen=True)
class NetCounts:
    """Counts of one net.

    Attributes:
        model: The net, without the largest subnets if they do not fit the board.
        layouts: Layout of each layer.
        steady: Count of each nested subnet.
        alone: Count of the same subnets in packs of their own.
        switch: Count of the slowest switch of all ordered pairs.
        first: Largest ratio of the first inference after a switch to a steady one.
        refused: Why the whole net does not fit the board, empty if it does.
    """

    model: Model
    layouts: tuple[Layout, ...]
    steady: tuple[Count, ...]
    alone: tuple[Count, ...]
    switch: Count
    first: float
    refused: str

    @property
    def flash(self) -> int:
        """Return the bytes of the pack on the board."""
        return len(pack.dumps(self.model, self.layouts))

    @property
    def flash_alone(self) -> tuple[int, ...]:
        """Return the bytes of a pack for each subnet alone."""
        sizes = []
        for s, subnet in enumerate(self.model.subnets):
            chosen = [self.layouts[step.layer] for step in subnet.steps]
            sizes.append(len(pack.dumps(extract_subnet(self.model, s), chosen)))
        return tuple(sizes)


def measure_net(board: Board, name: str, say: Say) -> NetCounts:
    """Bench a net of `hil.kernels.cases`, cut down to the largest subnet that fits the board.

    Args:
        board: The emulated Nano.
        name: Name of the net.
        say: Called with the present step.

    Raises:
        PackRefused: No subnet fits the board.
        WrongOutputs: An output differs from that of the interpreter.
    """
    say(name)
    graph = graph_of(name)
    model, refused = deploy(board, with_random_weights(name, graph, widths_of(name, graph)))
    x = some_input(model)
    subnets = range(len(model.subnets))
    for s, out in enumerate(board.infer_each(subnets, x)):
        if not np.array_equal(out, interpreter.run(model, s, x)):
            wrong = f"{name}, subnet {model.subnets[s].name}: outputs differ from the interpreter's"
            raise WrongOutputs(f"{wrong}; correct the kernels before timing them", board=board.name)
    steady = tuple(count(board, s, x) for s in subnets)
    switch, first = measure_switches(board, steady, x)
    by_itself = []
    for s in subnets:
        say(f"{name} {model.subnets[s].name} alone")
        board.deploy(extract_subnet(model, s))
        by_itself.append(count(board, 0, x))
    return NetCounts(model, board.layouts(model), steady, tuple(by_itself), switch, first, refused)


def deploy(board: Board, model: Model) -> tuple[Model, str]:
    """Deploy as many subnets of a net as fit, and return why the others do not."""
    refused = ""
    for largest in reversed(range(len(model.subnets))):
        try:
            board.deploy(extract_up_to(model, largest))
            return extract_up_to(model, largest), refused
        except PackRefused as error:
            refused = refused or str(error)
    raise PackRefused(refused)


def measure_switches(board: Board, steady: Sequence[Count], x: NDArray[np.int8]) -> tuple[Count, float]:
    """Measure the slowest switch of all ordered pairs, and the ratio of first to steady inferences.

    Args:
        board: The emulated Nano.
        steady: Count of each subnet.
        x: int8 [1, input].

    Returns:
        The count of the slowest switch, and the largest ratio.
    """
    worst, first = {}, 1.0
    for clock in board.facts().clocks:
        worst[clock.name] = 0
        for pair in permutations(range(len(steady)), 2):
            taken = board.measure_switch(pair, 1, clock, x)
            worst[clock.name] = max(worst[clock.name], taken.select.ticks[0])
            first = max(first, taken.first.ticks[0] / getattr(steady[pair[1]], clock.name))
    return Count(**worst), first


@dataclass(frozen=True)
class LayerCount:
    """Size and count of a net of one layer."""

    macs: int
    outputs: int
    count: Count

    @property
    def work(self) -> int:
        """Return the multiply-accumulates, or the outputs of a layer that has none."""
        return self.macs or self.outputs


def measure_layers(board: Board, say: Say) -> dict[str, LayerCount]:
    """Return the count of every single layer, by its name."""
    found = {}
    for name, case in LAYERS.items():
        say(name)
        whole = case.graph()
        model = with_random_weights("layer", whole, {"100%": whole.full})
        board.deploy(model)
        taken = count(board, 0, some_input(model))
        found[name] = LayerCount(model.subnets[0].macs, model.output_size(0), taken)
    return found


def count(board: Board, subnet: int, x: NDArray[np.int8]) -> Count:
    """Return the count of one steady inference."""
    return Count(**{c.name: board.measure(subnet, 1, c, x).ticks[0] for c in board.facts().clocks})


def some_input(model: Model) -> NDArray[np.int8]:
    """Return one random input, the same each time: int8 [1, input]."""
    rng = np.random.default_rng(0)
    return rng.integers(-LIMIT, LIMIT + 1, (1, model.input_size)).astype(np.int8)
