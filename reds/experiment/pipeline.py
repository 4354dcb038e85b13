"""Run the method from end to end: score, select, permute, nest, train, quantize.

`reds build`, `reds compare`, `reds reproduce` and `reds.compress` all call this module. Every choice is made
on validation data; test examples never come here.
"""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reds.data.examples import Examples
from reds.elastic.net import ElasticNet, cropped, nest
from reds.experiment.method import Method
from reds.graph import Graph
from reds.graph.subnets import SubnetSpec
from reds.nesting.budgets import TargetProfile
from reds.nesting.importance import score
from reds.nesting.permute import most_important_first, permute
from reds.nesting.select import select
from reds.pack.model import Model
from reds.quantization.calibrate import ranges
from reds.quantization.range_search import PERCENTILES, QuantizedNet, best_ranges, calibration_part
from reds.training.checkpoint import Checkpoint
from reds.training.processes import from_first
from reds.training.progress import Progress
from reds.training.rounding_aware import RoundedNet
from reds.training.trainer import train

SCORED_BATCHES, SCORED_EXAMPLES = 100, 100
"""Minibatches, and examples in each, that importance sums over (REDS, arXiv 2311.13349)."""


@dataclass(frozen=True)
class Trained:
    """Hold a trained net of one or more subnets, in float and in int8."""

    net: ElasticNet
    model: Model
    float_validation: tuple[float, ...]
    """Validation accuracy of each subnet in float, a fraction."""
    validation: tuple[float, ...]
    """Validation accuracy of each subnet in int8, a fraction."""


def train_nested(
    full: ElasticNet,
    examples: Examples,
    method: Method,
    profile: TargetProfile,
    progress: Progress,
    checkpoint: Checkpoint,
) -> Trained:
    """Train all subnets of a method in one weight set; resume from the checkpoint if it holds a state.

    Args:
        full: The full net, random or trained; it is changed in place. Units that no subnet keeps are
            not in the trained net.
        examples: Training and validation examples.
        method: Budgets and options.
        profile: The target: its weight layout and measured times.
        progress: Shows each phase.
        checkpoint: Keeps the state after each epoch.

    Raises:
        BudgetError: No subnet fits a budget.
        DivergedError: Training left the finite numbers.
    """
    options = method.selection
    if method.full:
        with progress.phase("full net", ["100%"], method.full.epochs) as report:
            train(full, examples, method.full, seed=method.seed, report=report, checkpoint=checkpoint)

    def choose() -> tuple[Sequence[SubnetSpec], list[NDArray[np.int64]]]:
        with progress.step("scoring units", SCORED_BATCHES) as advance:
            scored = _scored(examples, method.seed, advance)
            scores = score(full, scored, measure=options.importance, seed=method.seed, depth=options.depth)
        with progress.step("selecting subnets"):
            selected = select(
                full.graph,
                scores.units,
                method.budgets,
                step=options.step,
                least=options.least,
                order=options.order,
                objective=options.objective,
                kernels=scores.kernels if options.scored == "kernels" else {},
                profile=profile,
                depth=options.depth,
                identity=scores.identity,
                gains=options.gains,
            )
        return selected, most_important_first(full.graph, scores.units)

    selected, order = from_first(choose)
    permute(full, order)
    nested = nest(cropped(full, selected[-1].widths), selected, norms=method.joint.norms)
    return train_jointly(nested, examples, method, progress, checkpoint)


def train_alone(
    graph: Graph,
    subnet: SubnetSpec,
    examples: Examples,
    method: Method,
    progress: Progress,
    checkpoint: Checkpoint,
) -> Trained:
    """Train one subnet's widths as a separate net: the same code, options and epochs, no shared weights.

    Args:
        graph: The full net that the subnet is part of.
        subnet: Its name and widths.
        examples: Training and validation examples.
        method: Options; its budgets are not used.
        progress: Shows each phase.
        checkpoint: Keeps the state after each epoch.

    Raises:
        DivergedError: Training left the finite numbers.
    """
    net = random_net(graph.resized(subnet.widths), examples, method.seed, subnet)
    if method.full:
        with progress.phase(f"{subnet.name} alone", [subnet.name], method.full.epochs) as report:
            train(net, examples, method.full, seed=method.seed, report=report, checkpoint=checkpoint)
    return train_jointly(net, examples, method, progress, checkpoint)


def random_net(graph: Graph, examples: Examples, seed: int, subnet: SubnetSpec | None = None) -> ElasticNet:
    """Return a full net with random weights; dense inputs are standardized by the training examples.

    Args:
        graph: The net.
        examples: Their mean and standard deviation standardize inputs that dense layers read.
        seed: Seed of the weights.
        subnet: Its only subnet, which keeps all units; by default `full_subnet`.
    """
    torch.manual_seed(seed)
    net = ElasticNet(graph, [subnet] if subnet else ())
    net.standardization = examples.set.standardization
    if len(net.mean) > 1:
        for own, moment in zip((net.mean, net.std), examples.moments(), strict=True):
            own.copy_(moment)
    return net


def train_jointly(
    net: ElasticNet, examples: Examples, method: Method, progress: Progress, checkpoint: Checkpoint
) -> Trained:
    """Train the subnets of a net together, then quantize it with the best activation ranges.

    Args:
        net: A nested net, or a net with one subnet; it is changed in place.
        examples: Training and validation examples.
        method: Options; its budgets are not used.
        progress: Shows each phase.
        checkpoint: Keeps the state after each epoch.

    Raises:
        DivergedError: Training left the finite numbers.
    """
    names, joint = [subnet.name for subnet in net.subnets], method.joint
    with progress.phase("together", names, joint.epochs) as report:
        float_validation = train(
            net, examples, joint,
            seed=method.seed + 1, report=report, distil=joint.distil, checkpoint=checkpoint,
        )  # fmt: skip
    with progress.step("quantizing"):
        calibration = calibration_part(net, examples, method.seed)
        quantized = from_first(
            lambda: best_ranges(
                net, method.name, ranges(net, calibration, PERCENTILES), examples, calibration
            )
        )
    if rounding := method.rounding:
        tuned = deepcopy(net)
        with progress.phase("rounded", names, rounding.epochs) as report:
            train(
                RoundedNet(tuned, quantized.ranges), examples, rounding,
                seed=method.seed + 2, report=report, distil=rounding.distil, checkpoint=checkpoint,
            )  # fmt: skip
        with progress.step("quantizing again"):
            before = quantized.ranges[None]
            again = from_first(
                lambda: best_ranges(
                    tuned, method.name, np.concatenate([before, ranges(tuned, calibration, PERCENTILES)]),
                    examples, calibration,
                )
            )  # fmt: skip
        quantized = max(quantized, again, key=_total_validation)
    return Trained(net, quantized.model, float_validation, quantized.validation)


def _scored(examples: Examples, seed: int, advance: Callable[[], None]) -> Iterator[tuple[Tensor, Tensor]]:
    """Draw the minibatches that score units; call `advance` after each."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(SCORED_BATCHES):
        yield examples.plain(SCORED_EXAMPLES, generator)
        advance()


def _total_validation(quantized: QuantizedNet) -> float:
    return sum(quantized.validation)
