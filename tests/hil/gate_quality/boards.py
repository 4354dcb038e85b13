"""Boards that never change: each draws the measurements of one run after the other."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hil.results.gate.times import AGENTS, TRIES

RECORDED = Path(__file__).with_name("desktop.npz")
"""Latencies of kws-ds-cnn-s, 25%, in ns: int32 [600 measurements, 100 samples], one every second or so.

Each measurement is of a fresh agent. The machine had two cores and was idle at first. Later up to eight
programs ran on it.
"""
EDGE = "runs differ by 1 %"
"""A board as noisy as the gate takes boards to be: a slowdown of 5 % can hardly be told from it."""
NOISY = "runs differ by 2 %"
"""A board that is noisier than the gate takes boards to be, so that it errs more often."""
N = 100
"""Samples of a measurement on a real board by default."""
Samples = NDArray[np.float64]
Draw = Callable[[np.random.Generator], Iterator[Samples]]
"""Yields the measurements of one run, [100] each, in microseconds."""


def _board(draw: Callable[[np.random.Generator], Samples], noise: float = 0.003) -> Draw:
    """Return a board whose runs differ by a normal share, besides the samples of each measurement."""

    def run(rng: np.random.Generator) -> Iterator[Samples]:
        usual = 100 * (1 + noise * rng.standard_normal())
        while True:
            yield usual * draw(rng)

    return run


def _normal(rng: np.random.Generator) -> Samples:
    return 1 + 0.01 * rng.standard_normal(N)


def _two_modes(rng: np.random.Generator) -> Samples:
    return _normal(rng) + 0.06 * (rng.random(N) < 0.5)


def _disturbed(rng: np.random.Generator) -> Samples:
    return _normal(rng) * (1 + 0.3 * rng.random() * (rng.random() < 0.3))


def _slow_processes(rng: np.random.Generator) -> Samples:
    return _normal(rng) + 0.06 * (rng.random() < 0.2)


def _recorded() -> Draw:
    with np.load(RECORDED) as file:
        taken = file["ns"] / 1000

    def run(rng: np.random.Generator) -> Iterator[Samples]:
        at = rng.integers(len(taken) - TRIES - AGENTS)
        yield from taken[at:]

    return run


BOARDS: dict[str, Draw] = {
    "normal": _board(_normal),
    "lognormal, 5 %": _board(lambda rng: rng.lognormal(0, 0.05, N)),
    "two modes, 6 % apart": _board(_two_modes),
    "drifting by up to 4 %": _board(lambda rng: _normal(rng) + np.linspace(0, rng.uniform(0, 0.04), N)),
    "heavy tail": _board(lambda rng: 1 + 0.02 * rng.pareto(1.2, N)),
    "3 of 10 measurements disturbed": _board(_disturbed),
    "2 of 10 processes 6 % slower": _board(_slow_processes),
    "recorded desktop under load": _recorded(),
    EDGE: _board(_normal, noise=0.01),
    NOISY: _board(_normal, noise=0.02),
}
