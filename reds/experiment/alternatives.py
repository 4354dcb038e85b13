"""Train a recipe at several resolutions, and keep the one with the least validation loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console

from reds.experiment.answers import Answers, temper
from reds.experiment.pipeline import Trained
from reds.experiment.prepare import Prepared
from reds.experiment.result import int8_answers
from reds.pack.inspect import table_of


@dataclass(frozen=True)
class Candidate:
    """Hold a net that was trained at one resolution."""

    prepared: Prepared
    """The recipe with the strides of this candidate."""
    trained: Trained

    @property
    def validation(self) -> list[Answers]:
        """Return the answers of each subnet to the validation examples, in int8."""
        data, every = self.prepared.data, self.prepared.recipe.data.every
        x = data.validation_x[:, ::every].reshape(len(data.validation_x), -1)
        answers = int8_answers(self.trained.model, x, data.validation_y)
        return [answers.subnet(i) for i in range(len(self.trained.model.subnets))]


def best_of(candidates: Sequence[Candidate], console: Console) -> tuple[Candidate, list[dict[str, Any]]]:
    """Return the candidate with the least validation loss, and what the card says of all of them.

    The loss is the mean over the subnets of the cross-entropy in int8. The subnets of one budget share a
    temperature. Of equal losses the first one counts.

    Args:
        candidates: The nets, one or more.
        console: Shows their losses, if there are several.
    """
    if len(candidates) == 1:
        return candidates[0], []
    answers = [candidate.validation for candidate in candidates]
    subnets = range(len(answers[0]))
    compared = [[[each[i]] for each in answers] for i in subnets]
    losses = np.mean([temper(of_all, of_all).losses.mean((1, 2)) for of_all in compared], 0)
    best = int(losses.argmin())
    rows, entries = [], []
    for k, candidate in enumerate(candidates):
        net, accuracies = candidate.prepared.recipe.net, candidate.trained.validation
        shown = ", ".join(f"{100 * accuracy:.2f} %" for accuracy in accuracies)
        rows.append([net.resolution, f"{losses[k]:.4f}", shown, "kept" if k == best else ""])
        strides = {name: list(stride) for name, stride in net.strides.items()}
        entry = {"strides": strides, "validation_loss": round(float(losses[k]), 6), "kept": k == best}
        entries.append({**entry, "validation": [round(accuracy, 6) for accuracy in accuracies]})
    console.print(table_of("strides loss validation -", rows))
    return candidates[best], entries
