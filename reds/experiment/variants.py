"""Describe and run one of the trainings of a table, for `compare` and `reproduce`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reds.experiment.answers import Answers
from reds.experiment.build import tested_by_recipe
from reds.experiment.pipeline import random_net, train_alone, train_nested
from reds.experiment.prepare import Prepared
from reds.experiment.recipe import Recipe, method_of
from reds.experiment.result import Result, int8_answers
from reds.experiment.schedule import alone_phases, nested_phases
from reds.graph.subnets import SubnetSpec
from reds.training.checkpoint import Checkpoint
from reds.training.progress import Progress
from reds.training.time_left import Phase


@dataclass(frozen=True)
class Training:
    """Describe one training: all subnets of a variant in one weight set, or one subnet of another alone."""

    name: str
    """Name of its pack."""
    recipe: Recipe
    """The variant."""
    alone: int | None = None
    """Index of the subnet that is trained alone; None for all subnets in one weight set."""
    widths_of: str = ""
    """Name of the training that selected the subnet which is trained alone."""

    @property
    def phases(self) -> list[Phase]:
        """Return its phases, to estimate its time."""
        method = method_of(self.recipe)
        if self.alone is None:
            return nested_phases(method)
        share = self.recipe.budgets[self.alone].share or 1.0
        return alone_phases(method, self.recipe.titles[self.alone], share)


@dataclass(frozen=True)
class Variant:
    """Hold the test results of one training."""

    subnets: tuple[SubnetSpec, ...]
    macs: tuple[int, ...]
    test: Answers
    """Answers to the test examples, in int8."""
    validation: Answers
    """Answers to the validation examples, in int8."""
    size: int
    """Bytes of the pack."""


def run_training(
    prepared: Prepared, training: Training, subnets: Sequence[SubnetSpec], progress: Progress,
    states: Checkpoint,
) -> Result:  # fmt: skip
    """Run one training and test its net.

    Args:
        prepared: The recipe that was read from a file, with its data.
        training: What to train.
        subnets: The subnets of the training `widths_of`; none where all are trained in one weight set.
        progress: Shows each phase.
        states: Keeps the state after each epoch; the training resumes from the state that it holds.

    Raises:
        BudgetError: No subnet fits a budget.
        DivergedError: Training left the finite numbers.
    """
    recipe, examples = training.recipe, prepared.examples
    method = method_of(recipe)
    if training.alone is None:
        full = random_net(prepared.graph, examples, recipe.seed)
        trained = train_nested(full, examples, method, prepared.profile, progress, states)
    else:
        subnet = subnets[training.alone]
        trained = train_alone(prepared.graph, subnet, examples, method, progress, states)
        recipe = replace(recipe, subnet=(recipe.subnet[training.alone],))
    with progress.step("testing"):
        return tested_by_recipe(prepared, recipe, trained, [])


def written(result: Result, pack: Path) -> Variant:
    """Write a pack with its card, and return the figures of a table's row. Raises `PackError`."""
    size = result.save(pack).stat().st_size
    macs = tuple(subnet.macs for subnet in result.subnets)
    x, y = result.data.validation_x[:, :: result.every], result.data.validation_y
    validation = int8_answers(result.trained.model, x.reshape(len(x), -1), y)
    return Variant(result.trained.net.subnets, macs, result.answers, validation, size)
