"""Train variants of one recipe side by side, for the tables of `compare` and `reproduce`."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reds.experiment.build import checkpoint, tested_by_recipe
from reds.experiment.pipeline import Trained, random_net, train_alone, train_nested
from reds.experiment.prepare import Prepared, method_of
from reds.experiment.recipe import Recipe
from reds.graph.subnets import SubnetSpec
from reds.training.checkpoint import Checkpoint
from reds.training.progress import Progress


@dataclass(frozen=True)
class Variant:
    """A trained net of one or more subnets, tested in int8."""

    subnets: tuple[SubnetSpec, ...]
    macs: tuple[int, ...]
    hits: NDArray[np.bool_]
    """Which test examples each subnet classifies right [subnets, examples]."""
    size: int
    """Bytes of its pack."""


class Variants:
    """Trains variants; each leaves its pack and card in `out`, and goes on where it was killed."""

    def __init__(self, prepared: Prepared, out: Path, progress: Progress) -> None:
        self.prepared, self.out, self.progress = prepared, out, progress
        self._kept: list[Checkpoint] = []

    def nested(self, recipe: Recipe, name: str) -> Variant:
        """Train all subnets of a variant of the recipe in one weight set. Raises as `train_nested`."""
        kept, examples = self._checkpoint(recipe, name), self.prepared.examples
        full = random_net(self.prepared.graph, examples, recipe.seed)
        method, profile = method_of(recipe), self.prepared.profile
        trained = train_nested(full, examples, method, profile, self.progress, kept)
        return self._tested(recipe, trained, name)

    def alone(self, recipe: Recipe, index: int, subnet: SubnetSpec, name: str) -> Variant:
        """Train one subnet as a net of its own: a pack of one subnet. Raises as `train_alone`."""
        kept, examples = self._checkpoint(recipe, name), self.prepared.examples
        graph, method = self.prepared.graph, method_of(recipe)
        trained = train_alone(graph, subnet, examples, method, self.progress, kept)
        return self._tested(replace(recipe, subnet=(recipe.subnet[index],)), trained, name)

    def done(self) -> None:
        """Remove the checkpoints: every variant is trained, and nothing is to be resumed."""
        for kept in self._kept:
            kept.remove()

    def _checkpoint(self, recipe: Recipe, name: str) -> Checkpoint:
        self._kept.append(checkpoint(self.prepared, recipe, self.out / f"{name}.reds"))
        return self._kept[-1]

    def _tested(self, recipe: Recipe, trained: Trained, name: str) -> Variant:
        result = tested_by_recipe(self.prepared, recipe, trained)
        size = result.save(self.out / f"{name}.reds").stat().st_size
        macs = tuple(subnet.macs for subnet in result.subnets)
        return Variant(trained.net.subnets, macs, result.hits, size)
