"""Train variants of one recipe side by side, for the tables of `compare` and `reproduce`."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reds.experiment.build import checkpoint, tested_by_recipe
from reds.experiment.out_folder import refuse_other_recipe
from reds.experiment.pipeline import Trained, random_net, train_alone, train_nested
from reds.experiment.prepare import Prepared
from reds.experiment.recipe import Recipe, method_of
from reds.graph.subnets import SubnetSpec
from reds.training.checkpoint import Checkpoint
from reds.training.progress import Progress


@dataclass(frozen=True)
class Variant:
    """Hold the test results of one variant."""

    subnets: tuple[SubnetSpec, ...]
    macs: tuple[int, ...]
    hits: NDArray[np.bool_]
    """True for each test example that a subnet classifies correctly in int8, [subnets, examples]."""
    size: int
    """Bytes of the pack."""


class Variants:
    """Train variants of a recipe; each writes its pack and card, and resumes where it was killed."""

    def __init__(self, prepared: Prepared, out: Path, progress: Progress, force: bool = False) -> None:
        """Write into `out`, over packs of another recipe only by `force`."""
        self.prepared, self.out, self.progress, self.force = prepared, out, progress, force
        self._checkpoints: list[Checkpoint] = []

    def nested(self, recipe: Recipe, name: str) -> Variant:
        """Train all subnets of a variant in one weight set; `name` names its pack. Raises `RedsError`."""
        states, examples = self._checkpoint(recipe, name), self.prepared.examples
        full = random_net(self.prepared.graph, examples, recipe.seed)
        method, profile = method_of(recipe), self.prepared.profile
        trained = train_nested(full, examples, method, profile, self.progress, states)
        return self._tested(recipe, trained, name)

    def alone(self, recipe: Recipe, index: int, subnet: SubnetSpec, name: str) -> Variant:
        """Train one subnet alone, to a pack of one subnet.

        Args:
            recipe: The variant.
            index: Index of the subnet in the recipe.
            subnet: Its name and widths, from the nested net.
            name: Name of the pack.

        Raises:
            DivergedError: Training left the finite numbers.
        """
        states, examples = self._checkpoint(recipe, name), self.prepared.examples
        graph, method = self.prepared.graph, method_of(recipe)
        trained = train_alone(graph, subnet, examples, method, self.progress, states)
        return self._tested(replace(recipe, subnet=(recipe.subnet[index],)), trained, name)

    def done(self) -> None:
        """Remove all checkpoints, once every variant is trained."""
        for each in self._checkpoints:
            each.remove()

    def _checkpoint(self, recipe: Recipe, name: str) -> Checkpoint:
        target = self.out / f"{name}.reds"
        if not self.force:
            refuse_other_recipe(target, self.prepared.sha256)
        self._checkpoints.append(checkpoint(self.prepared, recipe, target, self.progress.console))
        return self._checkpoints[-1]

    def _tested(self, recipe: Recipe, trained: Trained, name: str) -> Variant:
        with self.progress.step("testing"):
            result = tested_by_recipe(self.prepared, recipe, trained)
        size = result.save(self.out / f"{name}.reds").stat().st_size
        macs = tuple(subnet.macs for subnet in result.subnets)
        return Variant(trained.net.subnets, macs, result.hits, size)
