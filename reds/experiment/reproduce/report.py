"""Report ours beside the paper's in Markdown: accuracies, true MACs, and differences with their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reds.experiment.answers import Answers, Tempered, temper
from reds.experiment.compare import TEMPERED, paired
from reds.experiment.reproduce.paper import PaperTable
from reds.tables import markdown


@dataclass
class Contender:
    """Hold the MACs and the answers of one way to make subnets, for every seed."""

    name: str
    macs: list[tuple[int, ...]] = field(default_factory=list)
    """MACs of each subnet, for each seed."""
    test: list[Answers] = field(default_factory=list)
    """Answers of the subnets to the test examples, for each seed."""
    validation: list[Answers] = field(default_factory=list)
    """Answers to the validation examples, likewise."""

    def add(self, macs: tuple[int, ...], test: Answers, validation: Answers) -> None:
        """Add the results of the next seed."""
        self.macs.append(macs)
        self.test.append(test)
        self.validation.append(validation)

    @property
    def hits(self) -> NDArray[np.bool_]:
        """Return the test examples that are classified correctly, [seeds, subnets, examples]."""
        return np.array([answers.hits for answers in self.test])

    @property
    def shares(self) -> NDArray[np.float64]:
        """Return each subnet's share of the full net's MACs, mean over seeds [subnets]."""
        return np.asarray(np.mean([np.array(macs) / macs[-1] for macs in self.macs], axis=0))

    @property
    def accuracies(self) -> NDArray[np.float64]:
        """Return accuracies in % [seeds, subnets]."""
        return np.asarray(100 * self.hits.mean(2))


def tempered(contenders: Sequence[Contender], subnet: int) -> Tempered:
    """Return the losses of one subnet of every contender."""
    validation = [[answers.subnet(subnet) for answers in each.validation] for each in contenders]
    return temper(validation, [[answers.subnet(subnet) for answers in each.test] for each in contenders])


def render(table: PaperTable, contenders: Sequence[Contender], origin: str, command: str) -> str:
    """Return the report: tables with one row for each subnet, largest first, that fit 80 columns.

    Args:
        table: The accuracies of the paper.
        contenders: Ours first, then the baselines.
        origin: What was trained: recipe, epochs, seeds.
        command: The command that made the report.
    """
    ours, others = contenders[0], contenders[1:]
    rows, loss_rows, spreads, differences = [], [], [], []
    judged = [tempered(contenders, i) for i in range(len(table.subnets))]
    for i, subnet in reversed(list(enumerate(table.subnets))):
        paper = f"{subnet.nested:.2f}" + ("" if subnet.alone is None else f", {subnet.alone:.2f}")
        means = [f"{each.accuracies[:, i].mean():.2f}" for each in contenders]
        rows.append([subnet.name, paper, *means])
        spreads.append([subnet.name, *(f"{np.ptp(each.accuracies[:, i]):.2f}" for each in contenders)])
        losses = [each.mean() for each in judged[i].losses]
        loss_rows.append([subnet.name, f"{judged[i].temperature:.2f}", *(f"{each:.3f}" for each in losses)])
        differences += [
            [
                subnet.name,
                other.name,
                paired(ours.hits[:, i], other.hits[:, i]).points,
                paired(judged[i].losses[0], judged[i].losses[k]).nats,
            ]
            for k, other in enumerate(others, 1)
        ]
    names, examples = [each.name for each in contenders], ours.hits.shape[2]
    shares = "\n".join(
        f"- {each.name} {'/'.join(f'{100 * x:.1f}' for x in each.shares[::-1])}" for each in contenders
    )
    parts = [
        f"{origin} Accuracy, %, int8, {examples:,} test examples (`{command}`). `paper` is nested, then, if"
        " reported, the same widths as separate nets; the other columns are ours, means over the seeds.",
        markdown(["subnet", "paper, alone", *names], rows),
    ]
    if len(ours.test) > 1:
        parts += ["Highest less lowest of the seeds, points:", markdown(["subnet", *names], spreads)]
    parts += [
        f"Of the full net's MACs, %:\n\n{shares}",
        TEMPERED,
        markdown(["subnet", "temperature", *names], loss_rows),
    ]
    if others:
        parts += [
            "Our reds less each of the others, with the paired 95 % interval over seeds and examples; more"
            " accuracy is better, and less loss:",
            markdown(["subnet", "less", "accuracy, points", "tempered loss"], differences),
        ]
    return "\n\n".join([*parts, *([table.note] if table.note else [])]) + "\n"
