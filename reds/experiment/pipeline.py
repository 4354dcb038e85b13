"""The method from end to end: score, select, permute, nest, train, quantize.

`reds build`, `reds compare`, `reds reproduce` and `reds.compress` all run it. Everything is chosen on
validation data; no test example comes here.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reds.data.examples import Examples
from reds.data.catalog import DataSpec
from reds.elastic.net import ElasticNet, nest
from reds.graph import Graph
from reds.graph.subnets import Budget, SubnetSpec
from reds.nesting.budgets import TargetProfile
from reds.nesting.importance import score
from reds.nesting.options import SelectionOptions
from reds.nesting.permute import most_important_first, permute
from reds.nesting.select import select
from reds.pack.model import Model
from reds.quantization.calibrate import ranges
from reds.quantization.range_search import PERCENTILES, Integer, best_ranges, calibration_part
from reds.training.checkpoint import Checkpoint
from reds.training.options import JointOptions, RoundingOptions, TrainingOptions
from reds.training.progress import Progress
from reds.training.rounding_aware import RoundedNet
from reds.training.trainer import accuracy, train

SCORED_BATCHES, SCORED_EXAMPLES = 100, 100
"""Minibatches, and examples in each, that importance sums over (REDS, arXiv 2311.13349)."""


@dataclass(frozen=True)
class Method:
    """Everything that decides a training, beside the net, the examples and the target's profile."""

    name: str
    """Of the pack, 1 to 31 bytes."""
    budgets: tuple[Budget, ...]
    """Of the subnets, smallest first."""
    seed: int = 0
    full: TrainingOptions | None = field(default_factory=TrainingOptions)
    """How to train the full net before its units are scored; None: it is trained already."""
    selection: SelectionOptions = field(default_factory=SelectionOptions)
    joint: JointOptions = field(default_factory=JointOptions)
    rounding: RoundingOptions | None = None
    """How to train the last epochs, rounded as int8 rounds them, if there are any."""


@dataclass(frozen=True)
class Trained:
    """A net of one or more subnets, in float and in int8, with its validation accuracy per subnet."""

    net: ElasticNet
    model: Model
    float_validation: tuple[float, ...]
    validation: tuple[float, ...]


def train_nested(
    full: ElasticNet,
    examples: Examples,
    method: Method,
    profile: TargetProfile,
    progress: Progress,
    checkpoint: Checkpoint,
) -> Trained:
    """Train all subnets of a method in one weight set, from where the checkpoint stands.

    Args:
        full: The full net, random or trained; it is changed in place.
        examples: To train on and to choose by.
        method: Budgets and options.
        profile: Where the subnets shall run.
        progress: Shows each phase.
        checkpoint: Keeps each epoch.

    Raises:
        BudgetError: No subnet fits a budget.
        DivergedError: Training left the finite numbers.
    """
    how = method.selection
    if method.full:
        with progress.phase("full net", ["100%"], method.full.epochs) as report:
            train(full, examples, method.full, seed=method.seed, report=report, checkpoint=checkpoint)
    with progress.step("scoring units"):
        generator = torch.Generator().manual_seed(method.seed)
        seen = (examples.plain(SCORED_EXAMPLES, generator) for _ in range(SCORED_BATCHES))
        scores = score(full, seen, measure=how.importance, seed=method.seed)
    with progress.step("selecting subnets"):
        selected = select(
            full.graph,
            scores.units,
            method.budgets,
            step=how.step,
            least=how.least,
            order=how.order,
            objective=how.objective,
            kernels=scores.kernels if how.scored == "kernels" else {},
            profile=profile,
        )
    permute(full, most_important_first(full.graph, scores.units))
    return train_jointly(
        nest(full, selected, norms=method.joint.norms), examples, method, progress, checkpoint
    )


def train_alone(
    graph: Graph,
    subnet: SubnetSpec,
    examples: Examples,
    method: Method,
    progress: Progress,
    checkpoint: Checkpoint,
) -> Trained:
    """Train one subnet's widths as a net of its own: the same code, options and epochs, nothing shared.

    Args:
        graph: The full net that the subnet is part of.
        subnet: Gives name and widths.
        examples: To train on and to choose by.
        method: Its budgets are not read.
        progress: Shows each phase.
        checkpoint: Keeps each epoch.

    Raises:
        DivergedError: Training left the finite numbers.
    """
    net = random_net(graph.resized(subnet.widths), examples, method.seed, subnet)
    if method.full:
        with progress.phase(f"{subnet.name} alone", [subnet.name], method.full.epochs) as report:
            train(net, examples, method.full, seed=method.seed, report=report, checkpoint=checkpoint)
    return train_jointly(net, examples, method, progress, checkpoint)


def random_net(graph: Graph, examples: Examples, seed: int, subnet: SubnetSpec | None = None) -> ElasticNet:
    """Return a full net with random weights and the standardization of the training examples.

    Args:
        graph: The net.
        examples: Give mean and deviation of each feature, where dense layers read them.
        seed: Of the weights.
        subnet: Its only subnet, which keeps all units; by default `full_subnet`.
    """
    torch.manual_seed(seed)
    net = ElasticNet(graph, [subnet] if subnet else ())
    if len(net.mean) > 1:
        for own, moment in zip((net.mean, net.std), examples.moments(), strict=True):
            own.copy_(moment)
    return net


def train_jointly(
    net: ElasticNet, examples: Examples, method: Method, progress: Progress, checkpoint: Checkpoint
) -> Trained:
    """Train the subnets of a net together and quantize it with the activation ranges best on validation."""
    names, joint = [subnet.name for subnet in net.subnets], method.joint
    with progress.phase("together", names, joint.epochs) as report:
        floats = train(
            net, examples, joint,
            seed=method.seed + 1, report=report, distil=joint.distil, checkpoint=checkpoint,
        )  # fmt: skip
    with progress.step("quantizing"):
        calibration = calibration_part(net, examples, method.seed)
        integer = best_ranges(net, method.name, ranges(net, calibration, PERCENTILES), examples)
    if rounding := method.rounding:
        tuned = deepcopy(net)
        with progress.phase("rounded", names, rounding.epochs) as report:
            train(
                RoundedNet(tuned, integer.ranges), examples, rounding,
                seed=method.seed + 2, report=report, distil=rounding.distil, checkpoint=checkpoint,
            )  # fmt: skip
        with progress.step("quantizing again"):
            tried = np.concatenate([integer.ranges[None], ranges(tuned, calibration, PERCENTILES)])
            again = best_ranges(tuned, method.name, tried, examples)
        integer = max(integer, again, key=_validation)
    return Trained(net, integer.model, floats, integer.validation)


def _validation(integer: Integer) -> float:
    return sum(integer.validation)


def float_accuracy(
    net: ElasticNet, data_set: DataSpec, x: NDArray[np.int8], y: NDArray[np.integer[Any]]
) -> tuple[float, ...]:
    """Return the share of x int8 [N, input_size] that each subnet classifies as y [N] in float."""
    features, labels = torch.from_numpy(data_set.real(x)), torch.from_numpy(y.astype(np.int64))
    return tuple(accuracy(net, i, features, labels) for i in range(len(net.subnets)))
