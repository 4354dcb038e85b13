"""Hold and save the result of a training: test accuracies of the subnets, and the files to deploy."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from reds import pack
from reds.data.catalog import Data, DataSpec
from reds.data.labeled import save_labeled
from reds.elastic.net import ElasticNet
from reds.errors import PackError
from reds.experiment.answers import Answers
from reds.experiment.board import Measured, Target, measured_on
from reds.experiment.card import SubnetResult, card_of
from reds.experiment.int8_gap import Int8Gap, int8_gap
from reds.experiment.method import Method
from reds.experiment.pipeline import Trained
from reds.experiment.promises import predicted
from reds.files import write_atomically
from reds.nesting.budgets import TargetProfile
from reds.pack.model import Model
from reds.pack.paths import pack_path, writing
from reds.pack.subnets import Subnets
from reds.pack.task import mean_error, score
from reds.quantization.range_search import outputs
from reds.training import processes
from reds.training.trainer import BATCH
from reds.training.trainer import outputs as float_outputs


@dataclass(frozen=True)
class Result:
    """Hold a trained net with its test results; `save` writes its pack, card and labeled examples."""

    trained: Trained = field(repr=False)
    data: Data = field(repr=False)
    method: Method = field(repr=False)
    profile: TargetProfile = field(repr=False)
    every: int = field(repr=False)
    """Stride of the rows of an example that the net reads: 2 for every second row."""
    answers: Answers = field(repr=False)
    """Outputs of the subnets for the test examples, in int8, and what they should be."""
    float_answers: Answers = field(repr=False)
    """The same in float."""
    subnets: Subnets[SubnetResult]
    """Smallest first: `result.subnets[0]`, `result.subnets["25%"]`."""
    floors: tuple[float, ...] = field(repr=False)
    """Lowest accuracy of each subnet on the labeled examples that a bench accepts."""
    source: Mapping[str, Any] = field(repr=False)
    """Entries of the card on the origin of the net, as the recipe's name and checksum."""
    threads: int = field(repr=False)
    """Threads of torch that each process trained with."""
    processes: int = field(repr=False)
    """Processes that trained the net together."""
    measured: Measured | None = field(default=None, repr=False)
    """Costs that a board measured of each subnet; None if no board was asked."""

    @property
    def int8_gaps(self) -> tuple[Int8Gap, ...]:
        """Return how the answers of each subnet on the test examples differ between int8 and float.

        There are none for a net that does not tell classes apart.
        """
        if self.data.set.task != "classes":
            return ()
        return tuple(
            int8_gap(subnet.name, *answers)
            for subnet, *answers in zip(self.subnets, self.answers.hits, self.float_answers.hits, strict=True)
        )

    def save(self, path: str | Path) -> Path:
        """Write the pack, with its card and labeled examples beside it, and return its path.

        Of several processes of one training only the first one writes.

        Args:
            path: The file; `.reds` is added if it ends otherwise, and `~` is the home folder. Its folder is
                made if it does not exist.

        Raises:
            PackError: No file can have this name, or a file cannot be written.
        """
        path = pack_path(path)
        if path.name in ("", ".."):
            raise PackError(f"{path}: is a folder: name a file in it, as mine.reds")
        path = path if path.suffix == ".reds" else path.with_name(f"{path.name}.reds")
        if not processes.is_first():
            return path
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            written = pack.save(self.trained.model, path)
            labeled = save_labeled(self.data, self.every, path.parent)
            card = card_of(
                self.method, self.data, self.trained.model, self.subnets, self.floors,
                source=self.source, written=written, labeled=labeled, threads=self.threads,
                processes=self.processes, measured=self.measured,
            )  # fmt: skip
            write_atomically(path.with_suffix(".json"), (json.dumps(card, indent=2) + "\n").encode())
        return path

    def measured_on(self, board: Target, console: Console) -> "Result":
        """Return the same result with what a board measures of each subnet. Raises `BoardError`."""
        measured = processes.from_first(lambda: measured_on(board, self.trained.model, console))
        return replace(self, measured=measured)


def float_answers(
    net: ElasticNet, spec: DataSpec, x: NDArray[np.int8], truth: NDArray[Any]
) -> Answers:  # fmt: skip
    """Return the outputs of each subnet in float.

    Args:
        net: The float net.
        spec: Scale and zero point of the stored features.
        x: Stored features int8 [N, input_size].
        truth: Labels [N], or values [N, outputs].
    """
    parts = np.array_split(x, -(-len(x) // BATCH))  # real features of all of ImageNet would fill the memory
    found = [
        np.concatenate([float_outputs(net, i, torch.from_numpy(spec.real(part))).numpy() for part in parts])
        for i in range(len(net.subnets))
    ]
    return Answers(np.stack(found), truth)


def int8_answers(model: Model, x: NDArray[np.int8], truth: NDArray[Any]) -> Answers:
    """Return the outputs of all subnets, with the bit-exact interpreter.

    Args:
        model: The integer network.
        x: Stored features int8 [N, input_size].
        truth: Labels [N], or values [N, outputs].
    """
    found = np.stack([outputs(model, i, x) for i in range(len(model.subnets))])
    return Answers(found.astype(np.float32), truth)


def run_test(
    trained: Trained, data: Data, method: Method, profile: TargetProfile, *, every: int = 1,
    floors: Sequence[float] | None = None, source: Mapping[str, Any] | None = None,
) -> Result:  # fmt: skip
    """Test a trained net in int8, with the bit-exact interpreter, and in float.

    Args:
        trained: The net. All choices have to be made before this function reads the test examples.
        data: The test examples.
        method: The settings that the net was trained with.
        profile: The target; latencies are predicted if it has measured times.
        every: Read every second, third... row of an example.
        floors: Lowest score of each subnet on the labeled examples that a bench accepts; by default the score
            that this test reaches.
        source: Entries of the card on the origin of the net.
    """
    x, y = data.test_x[:, ::every].reshape(len(data.test_x), -1), data.test_y
    answers, floats = processes.from_first(
        lambda: (int8_answers(trained.model, x, y), float_answers(trained.net, data.set, x, y))
    )
    task, first = data.set.task, slice(data.set.labeled)
    real = data.set.real(x if task == "anomalies" else x[:, :0])  # others are not judged by their inputs
    subnets = []
    for i, subnet in enumerate(trained.net.subnets):
        costs = profile.costs(trained.net.graph, subnet.widths)
        subnets.append(
            SubnetResult(
                subnet.name,
                subnet.widths,
                trained.model.subnets[i].macs,
                score(task, answers.logits[i], y, real),
                trained.validation[i],
                score(task, answers.logits[i, first], y[first], real[first]),
                score(task, floats.logits[i], y, real),
                trained.float_validation[i],
                predicted(costs, profile),
                mean_error(*map(data.set.targets.undone, (answers.logits[i], y)))
                if task == "values"
                else None,
            )
        )
    reached = tuple(np.floor(1e4 * each.labeled_accuracy) / 1e4 for each in subnets)
    limits = reached if floors is None else tuple(floors)
    return Result(
        trained,
        data,
        method,
        profile,
        every,
        answers,
        floats,
        Subnets(subnets),
        limits,
        dict(source or {}),
        torch.get_num_threads(),
        processes.count(),
    )
