"""Train all subnets of an elastic net together; a net with one subnet is simply trained.

The trainer keeps the epoch that is best on validation data. `losses` has the loss.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from reds.elastic.net import ElasticNet, check_elastic
from reds.elastic.standardized import check_standardization
from reds.elastic.torch_defaults import torch_defaults
from reds.errors import DataError, DivergedError, SettingsError
from reds.graph import Graph
from reds.pack.scale import Standardization
from reds.pack.task import Task
from reds.rules import Rule, check_argument, check_kind, is_number, seed_rule
from reds.training import processes
from reds.training.checkpoint import Checkpoint
from reds.training.losses import backward, loss_shares
from reds.training.options import TrainingOptions
from reds.training.report import Report
from reds.training.rules import training_rules
from reds.training.synchronized_norm import synchronized
from reds.training.tasks import goal_of
from reds.training.torch_setup import random_state, set_random_state, training_device

BATCH = 256
"""Examples that a net runs at once where it is only judged."""
FAR = 1 << 31
"""Distance of the seeds of dropout in two processes, beyond all seeds of a recipe."""


class Stateful(Protocol):
    """Hold state that a checkpoint keeps."""

    def state_dict(self) -> dict[str, Any]:
        """Return everything that is needed to continue."""

    def load_state_dict(self, state: dict[str, Any], /) -> object:
        """Continue from a state."""


@runtime_checkable
class TrainingExamples(Protocol):
    """Give the minibatches and the validation data of a training."""

    def batches(self, size: int, generator: torch.Generator) -> Sequence[Tensor]:
        """Return the example indices of each minibatch of one epoch."""

    def augmented(self, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return features float32 [N, features] and targets float32 [N, outputs]."""

    @property
    def task(self) -> Task:
        """Return what the outputs of a net for these examples are."""

    @property
    def standardization(self) -> Standardization:
        """Return how the features are made from the user's own."""

    @property
    def validation(self) -> tuple[Tensor, Tensor]:
        """Return features float32 [M, features], and labels int64 [M] or values float32 [M, outputs]."""


@torch_defaults()
def train(
    net: ElasticNet, examples: TrainingExamples, options: TrainingOptions, *, seed: int = 0,
    report: Report | None = None, distil: float = 0.0, checkpoint: Checkpoint | None = None,
) -> tuple[float, ...]:  # fmt: skip
    """Train a net in place, keep the weights of the best epoch, and return its validation scores.

    A score is the accuracy, or r2 of a net that gives values (`reds.pack.task`). The best epoch has the
    largest mean score over subnets; of equal epochs the later one counts. The same
    seed on the same machine gives the same bits, also where a training that was killed continues. Under
    `processes.joined` every process takes its share of each minibatch and of the validation examples, and
    ends with the same weights.

    Args:
        net: All its subnets are trained together.
        examples: Training examples, and the validation examples that choose the epoch.
        options: Epochs, minibatch size, learning rate and regularization.
        seed: Seed of minibatches, augmentation and dropout.
        report: Follows the training.
        distil: Share of the full net's probabilities in the targets of the smaller subnets.
        checkpoint: Keeps the state after every epoch; training resumes from the state that it holds.

    Returns:
        The validation score of each subnet, a fraction.

    Raises:
        DataError: The examples have another shape, number of outputs or standardization than the net.
        SettingsError: An argument is outside its range, a minibatch has one example and the net a batch norm,
            or there are fewer examples than processes.
        LostProcessError: Another process of the training has ended.
        DivergedError: A weight or a statistic is not finite after an epoch.
    """
    check_elastic(net)
    check_kind(
        "examples", examples, TrainingExamples, "make reds.data.examples.Examples of data.stored(name)"
    )
    check_kind("report", report, Report | None, "give a reds.training.report.Report")
    check_kind("checkpoint", checkpoint, Checkpoint | None, "give a reds.training.checkpoint.Checkpoint")
    check_argument(_rules(options, seed, distil))
    _check_examples(net, examples)
    seed = int(seed)  # torch takes none of numpy's
    torch.manual_seed(seed + FAR * processes.rank())  # dropout, of other units in each process
    generator = torch.Generator().manual_seed(seed)
    checkpoint, report, device = checkpoint or Checkpoint(), report or Report(), training_device()
    net.dropout = options.dropout
    net.to(device)
    processes.agree(net)
    optimizer = torch.optim.AdamW(
        net.parameters(), lr=options.rate, weight_decay=options.weight_decay, fused=True
    )
    batches = examples.batches(options.batch, torch.Generator().manual_seed(seed))
    if min(map(len, batches)) < 2 and any(isinstance(module, nn.BatchNorm1d) for module in net.modules()):
        raise SettingsError(
            f"batch: a minibatch of {options.batch} leaves a batch norm one example, it needs 2 or more:"
            " raise it, or give more examples"
        )
    if (fewest := min(map(len, batches))) < processes.count():
        raise SettingsError(
            f"batch: {processes.count()} processes cannot share a minibatch of {fewest} examples: raise it,"
            " give more examples, or start fewer processes"
        )
    steps = len(batches)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, options.rate, total_steps=options.epochs * steps)
    shares = loss_shares(net)
    best = BestEpoch()
    short = steps < len(shares) - 2  # an epoch does not reach every subnet between: the next one goes on
    stateful: dict[str, Stateful] = {"net": net, "optimizer": optimizer, "cycle": cycle, "best": best}
    start = 0
    if state := checkpoint.phases.get(options.table):
        start = state["epoch"]
        for name, each in stateful.items():
            each.load_state_dict(state[name])
        generator.set_state(state["generator"])
        set_random_state(device, state["dropout"][processes.rank()])
    mine, truth = (processes.share(each) for each in examples.validation)
    goal = goal_of(examples.task, examples.validation[1], options.smoothing)
    report.start(start, steps)
    for epoch in range(start + 1, options.epochs + 1):
        net.train()
        first = (epoch - 1) * steps if short else 0
        with synchronized(net):
            for step, batch in enumerate(examples.batches(options.batch, generator), first):
                x, target = (processes.share(each) for each in examples.augmented(batch, generator))
                optimizer.zero_grad(set_to_none=True)
                smoothed, part = goal.smoothed(target.to(device)), len(x) / len(batch)
                backward(net, x.to(device), smoothed, goal, [part * each for each in shares], distil, step)
                processes.add_up_gradients(net)
                optimizer.step()
                cycle.step()
                report.step()
        processes.agree(net)
        if not all(value.isfinite().all() for value in net.state_dict().values()):
            raise DivergedError(
                f"training {options.phase} diverged in epoch {epoch}: lower its rate (`training.rate` of"
                f" reds.compress, `{options.table} rate` of a recipe): it is {options.rate:g}"
            )
        counts = [goal.counts(outputs(net, i, mine), truth) for i in range(len(net.subnets))]
        every = processes.add_up(torch.stack(counts).to(device)).cpu()
        scores = tuple(goal.score(each, examples.validation[1]) for each in every)
        best.update(scores, net)
        state = {name: each.state_dict() for name, each in stateful.items()}
        state |= {"epoch": epoch, "generator": generator.get_state()}
        state["dropout"] = processes.gathered_states(random_state(device))
        checkpoint.save(options.table, state)
        report.epoch(epoch, scores)
    net.to("cpu").load_state_dict(best.weights)
    return best.scores


def _rules(options: TrainingOptions, seed: int, distil: float) -> Iterator[Rule]:
    """Give the rules on the arguments of `train`."""
    yield Rule("", "options", isinstance(options, TrainingOptions), "a reds.JointOptions", options)
    yield from training_rules(options)
    yield seed_rule(seed)
    yield Rule("", "distil", is_number(distil) and 0 <= distil <= 1, "a number, 0 to 1,", distil)


def check_outputs(graph: Graph, task: Task, needed: int) -> None:
    """Raise `DataError` unless a net has as many outputs as its task needs."""
    found = graph.tensors[-1].positions * graph.tensors[-1].channels(graph.full)
    if needed != found:
        what = {"classes": "class", "values": "value", "anomalies": "feature"}[task]
        several = {"class": "classes"}.get(what, f"{what}s")
        raise DataError(
            f"the examples have {needed} {several} and the net has {found} outputs: give the net an output"
            f" for each {what}"
        )


def _check_examples(net: ElasticNet, examples: TrainingExamples) -> None:
    """Raise `DataError` unless the net reads the examples and has the outputs of their task."""
    x, target = examples.augmented(torch.zeros(1, dtype=torch.int64), torch.Generator())
    check_outputs(net.graph, examples.task, target.shape[1])
    net.check_batch(x, target.argmax(1) if examples.task == "classes" else target)
    check_standardization(net, examples.standardization)
    net.check_batch(*examples.validation)


class BestEpoch:
    """Keep the scores and the weights of the best epoch so far."""

    def __init__(self) -> None:
        self.scores: tuple[float, ...] = ()
        self.weights: dict[str, Tensor] = {}

    def update(self, scores: tuple[float, ...], net: ElasticNet) -> None:
        """Keep this epoch if its mean score is at least that of the best one."""
        if sum(scores) >= sum(self.scores):
            self.scores = scores
            self.weights = {name: value.to("cpu", copy=True) for name, value in net.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """Return the state for a checkpoint."""
        return {"accuracies": self.scores, "weights": self.weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from the state of a checkpoint."""
        self.scores, self.weights = state["accuracies"], state["weights"]


def accuracy(net: ElasticNet, subnet: int, x: Tensor, y: Tensor) -> float:
    """Return the fraction of examples that a subnet classifies correctly.

    Args:
        net: The net, on any device.
        subnet: Index of the subnet.
        x: Features float32 [N, features].
        y: Labels int64 [N].
    """
    return float((outputs(net, subnet, x).argmax(1) == y).double().mean())


@torch.no_grad()
def outputs(net: ElasticNet, subnet: int, x: Tensor) -> Tensor:
    """Return the outputs of a subnet for each example, float32 [N, outputs], on the CPU.

    Args:
        net: The net, on any device.
        subnet: Index of the subnet.
        x: Features float32 [N, features].
    """
    net.eval()
    device = net.weights[0].device
    return torch.cat([net(part.to(device), subnet).cpu() for part in torch.split(x, BATCH)])
