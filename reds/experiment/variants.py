"""Trains variants of one recipe, side by side: what `compare` and `reproduce` put in their tables."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reds.experiment.build import checkpoint, save
from reds.experiment.pipeline import Trained, train_alone, train_nested
from reds.experiment.prepare import Ready
from reds.experiment.recipe import Recipe
from reds.graph import Widths
from reds.quantization.range_search import hits
from reds.training.checkpoint import Checkpoint
from reds.training.progress import Progress


@dataclass(frozen=True)
class Trial:
    """A trained net of one or more subnets, tested in int8."""

    labels: tuple[str, ...]
    widths: tuple[Widths, ...]
    macs: tuple[int, ...]
    hits: NDArray[np.bool_]
    """Which test examples each subnet classifies right [subnets, examples]."""
    written: int
    """Bytes of its pack."""


class Trials:
    """Every trial leaves its pack and card in `out`; killed, the same ones go on where they stood."""

    def __init__(self, made_of: Ready, out: Path, progress: Progress) -> None:
        self.made_of, self.out, self.progress = made_of, out, progress
        self._kept: list[Checkpoint] = []

    def nested(self, recipe: Recipe, name: str) -> Trial:
        """All subnets of a variant of the recipe in one weight set. Raises as `train_nested`."""
        kept, examples = self._checkpoint(recipe, name), self.made_of.examples
        trained = train_nested(recipe, examples, self.made_of.device, self.progress, kept)
        return self._tested(recipe, trained, name)

    def alone(self, recipe: Recipe, index: int, widths: Widths, name: str) -> Trial:
        """One subnet as a net of its own: a pack of one subnet. Raises as `train_alone`."""
        kept, examples = self._checkpoint(recipe, name), self.made_of.examples
        trained = train_alone(recipe, index, widths, examples, self.progress, kept)
        return self._tested(replace(recipe, subnet=(recipe.subnet[index],)), trained, name)

    def done(self) -> None:
        """All trials are: nothing is to be resumed."""
        for kept in self._kept:
            kept.remove()

    def _checkpoint(self, recipe: Recipe, name: str) -> Checkpoint:
        self._kept.append(checkpoint(self.made_of, recipe, self.out / f"{name}.reds"))
        return self._kept[-1]

    def _tested(self, recipe: Recipe, trained: Trained, name: str) -> Trial:
        model = trained.model
        every = range(len(model.subnets))
        return Trial(
            tuple(subnet.name for subnet in model.subnets),
            trained.net.widths,
            tuple(model.macs(i) for i in every),
            np.stack([hits(model, i, *self.made_of.test) for i in every]),
            save(self.made_of, recipe, trained, self.out / f"{name}.reds")["bytes"],
        )
