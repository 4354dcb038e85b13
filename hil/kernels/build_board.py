"""Measure what a build of `reds` needs of a board: layer times before it trains, costs of subnets after it.

`reds` finds `opened` by the entry point `hil` of the group `reds.boards`. Layer times are kept in the cache
of this user, for the same net, widths, board, agent and clock. Emptying the cache costs only time.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hil import cache
from hil.boards import boards_toml, opening
from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.metering import measure_energy
from hil.emulators import cortex_m4, cycles
from hil.errors import HilError, NotMeasurable
from hil.kernels.layer_latency import POINTS, measure, running_widths
from hil.kernels.nano import some_input
from hil.results.samples import by_unit
from hil.results.statistics.quantiles import median
from reds.errors import BoardError, LatencyError
from reds.graph import Graph
from reds.nesting.cost.axes import Grid
from reds.nesting.cost.latency import Latency, load, times_json
from reds.pack import layouts
from reds.pack.layouts import Layout
from reds.pack.model import Model
from reds.zoo.random_weights import with_random_weights

_SAMPLES = 20
"""Timed inferences of each subnet on hardware; one where counts repeat exactly."""


def times_folder() -> Path:
    """Return the folder of kept layer times."""
    return cache.cache_dir() / "layer-times"


@contextmanager
def opened(name: str, emulate: bool, boards: Path | None) -> Iterator["BuildBoard"]:
    """Open a board for a build, and close it at the end of the `with` block.

    Args:
        name: Name of a board in the boards file, or a target.
        emulate: Use the emulator of the board.
        boards: The boards file; None for the shipped one.

    Raises:
        BoardError: The board cannot be opened, is lost, or cannot measure what is asked.
    """
    try:
        entry = boards_toml.named(boards, name)
        provenance = Provenance.EMULATED if emulate else Provenance.HARDWARE
        with opening.started(entry, provenance) as board:
            yield BuildBoard(board, entry)
    except HilError as error:
        raise BoardError(str(error)) from error


class BuildBoard:
    """An open board, as `reds.experiment.board.Board` describes it. Methods raise `HilError`."""

    def __init__(self, board: Board, entry: Entry) -> None:
        self._board, self._entry = board, entry

    @property
    def facts(self) -> Mapping[str, str]:
        """Return the identity of the board; what is unknown is left out."""
        facts = self._board.facts()
        found = {
            "board": facts.name, "target": facts.target, "provenance": str(facts.provenance),
            "model": facts.model, "build": facts.build, "serial": facts.identity.serial,
            "emulator": facts.identity.emulator,
        }  # fmt: skip
        return {key: text for key, text in found.items() if text}

    def layout(self, graph: Graph) -> Layout:
        """Return the layout that the board's agent runs the net in, where it has kernels for a layer."""
        return max(self._board.layouts(_model(graph)), key=lambda layout: layout.id)

    def latency(self, graph: Graph, grids: Sequence[Grid]) -> Latency:
        """Return the times of all layers at these widths, measured now or kept from before."""
        path = times_folder() / f"{self._key(graph, grids)}.json"
        if cache.whole(path):
            try:
                return load(path)
            except LatencyError:
                pass  # of another version: it is measured again
        found = measure(self._board, graph, grids, POINTS, _silent)
        cache.keep(path, times_json(found))
        return found

    def energy_per_cycle(self, graph: Graph) -> float:
        """Return the nanojoules of a cycle of the full net's inferences, by the board's meter."""
        meter, name = self._entry.meter, self._board.name
        clock = next((c for c in self._board.facts().clocks if c.name == "cycles" and c.hz), None)
        if meter is None or clock is None:
            lacks = "it has no meter" if meter is None else "it counts no cycles"
            remedy = "state `energy_per_cycle`, in nJ, in [device] or to `compress`"
            raise NotMeasurable(f"{lacks}, so a cycle has no energy; {remedy}", board=name)
        model = _model(graph)
        self._board.deploy(model)
        x = some_input(model)
        energy = measure_energy(self._board, meter, 0, x)
        ticks = median(self._board.measure(0, _SAMPLES, clock, x).ticks)
        return 1e6 * median(energy.millijoules) / ticks

    def costs(self, model: Model) -> Sequence[Mapping[str, float]]:
        """Return what an inference of each subnet costs: `us`, counts, bytes of `arena`, `uJ`."""
        self._board.deploy(model)
        x, chosen = some_input(model), self._board.layouts(model)
        found = []
        for subnet in range(len(model.subnets)):
            costs = self._times(subnet, x)
            costs["arena"] = layouts.plan(model, subnet, chosen).size
            if self._entry.meter and self._board.facts().provenance is Provenance.HARDWARE:
                energy = measure_energy(self._board, self._entry.meter, subnet, x)
                costs["uJ"] = 1000 * median(energy.millijoules)
            found.append(costs)
        return found

    def _times(self, subnet: int, x: NDArray[np.int8]) -> dict[str, float]:
        """Return the medians of the board's clocks, in microseconds and in counts."""
        facts = self._board.facts()
        n = 1 if facts.provenance is Provenance.EMULATED else _SAMPLES
        self._board.settle()
        taken = by_unit(self._board.measure(subnet, n, clock, x) for clock in facts.clocks)
        return {unit: median(values) for unit, values in taken.items()}

    def _key(self, graph: Graph, grids: Sequence[Grid]) -> str:
        """Return a digest of all that the times of a net depend on."""
        emulated = self._board.facts().provenance is Provenance.EMULATED
        table = [Path(cycles.__file__), Path(cortex_m4.__file__).with_name("counter.c")] if emulated else []
        depends = {
            "net": repr(graph),
            "widths": [grid.tolist() for grid in running_widths(grids)],
            "points": POINTS,
            "board": dict(self.facts),
            "clocks": [[clock.name, clock.hz] for clock in self._board.facts().clocks],
            "conditions": [self._entry.core, self._entry.governor],
            "emulation": [hashlib.sha256(path.read_bytes()).hexdigest() for path in table],
        }
        return hashlib.sha256(json.dumps(depends).encode()).hexdigest()[:32]


def _model(graph: Graph) -> Model:
    return with_random_weights("layers", graph, {"100%": graph.full})


def _silent(what: str) -> None:
    """Say nothing: the build shows how long the board has been measuring."""
