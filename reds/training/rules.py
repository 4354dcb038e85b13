"""State the rules on the settings of a training."""

from collections.abc import Iterator

from reds.rules import Rule, type_rules
from reds.training.options import JointOptions, TrainingOptions


def training_rules(options: TrainingOptions, least_batch: int = 1) -> Iterator[Rule]:
    """Give the rules on all settings of a training; a minibatch has `least_batch` examples or more."""
    table = options.table
    yield from type_rules(table, options)
    yield Rule(table, "epochs", options.epochs >= 1, "1 or more", options.epochs)
    yield Rule(table, "batch", options.batch >= least_batch, f"{least_batch} or more", options.batch)
    yield Rule(table, "rate", options.rate > 0, "more than 0", options.rate)
    yield Rule(table, "weight_decay", options.weight_decay >= 0, "0 or more", options.weight_decay)
    yield Rule(table, "smoothing", 0 <= options.smoothing < 1, "0 to less than 1", options.smoothing)
    yield Rule(table, "dropout", 0 <= options.dropout < 1, "0 to less than 1", options.dropout)
    if isinstance(options, JointOptions):
        yield Rule(table, "distil", 0 <= options.distil <= 1, "0 to 1", options.distil)
