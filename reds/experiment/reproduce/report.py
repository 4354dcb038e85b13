"""Report ours beside the paper's in Markdown: accuracies, true MACs, and differences with their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reds.experiment.compare import paired
from reds.experiment.reproduce.paper import PaperTable
from reds.tables import markdown


@dataclass
class Contender:
    """Hold the MACs and the test hits of one way to make subnets, for every seed."""

    name: str
    macs: list[tuple[int, ...]] = field(default_factory=list)
    """MACs of each subnet, for each seed."""
    hits: list[NDArray[np.bool_]] = field(default_factory=list)
    """True for each test example that a subnet classifies correctly, [subnets, examples], for each seed."""

    def add(self, macs: tuple[int, ...], hits: NDArray[np.bool_]) -> None:
        """Add the results of the next seed."""
        self.macs.append(macs)
        self.hits.append(hits)

    @property
    def shares(self) -> NDArray[np.float64]:
        """Return each subnet's share of the full net's MACs, mean over seeds [subnets]."""
        return np.asarray(np.mean([np.array(macs) / macs[-1] for macs in self.macs], axis=0))

    @property
    def accuracies(self) -> NDArray[np.float64]:
        """Return accuracies in % [seeds, subnets]."""
        return np.asarray(100 * np.array(self.hits).mean(2))


def render(table: PaperTable, contenders: Sequence[Contender], origin: str, command: str) -> str:
    """Return the report: tables with one row for each subnet, largest first, that fit 80 columns.

    Args:
        table: The accuracies of the paper.
        contenders: Ours first, then the baselines.
        origin: What was trained: recipe, epochs, seeds.
        command: The command that made the report.
    """
    ours, others = contenders[0], contenders[1:]
    rows, spreads, differences = [], [], []
    for i, subnet in reversed(list(enumerate(table.subnets))):
        alone = "-" if subnet.alone is None else f"{subnet.alone:.2f}"
        means = [f"{each.accuracies[:, i].mean():.2f}" for each in contenders]
        rows.append([subnet.name, f"{subnet.nested:.2f}", alone, *means])
        spreads.append([subnet.name, *(_range(each.accuracies[:, i]) for each in contenders)])
        hits = np.array(ours.hits)[:, i]
        differences += [
            [subnet.name, each.name, paired(hits, np.array(each.hits)[:, i]).difference] for each in others
        ]
    names, examples = [each.name for each in contenders], ours.hits[0].shape[1]
    shares = "\n".join(
        f"- {each.name} {'/'.join(f'{100 * x:.1f}' for x in each.shares[::-1])}" for each in contenders
    )
    parts = [
        f"{origin} Accuracy, %, int8, {examples:,} test examples (`{command}`). `paper` is nested, `its"
        " alone` the same widths as separate nets; the other columns are ours, means over the seeds.",
        markdown(["subnet", "paper", "its alone", *names], rows),
    ]
    if len(ours.hits) > 1:
        parts += ["Lowest and highest of the seeds:", markdown(["subnet", *names], spreads)]
    parts += [f"Of the full net's MACs, %:\n\n{shares}"]
    if others:
        parts += [
            "Our reds less each of the others, points, with the paired 95 % interval over seeds and"
            " examples:",
            markdown(["subnet", "less", "difference"], differences),
        ]
    return "\n\n".join([*parts, *([table.note] if table.note else [])]) + "\n"


def _range(accuracies: NDArray[np.float64]) -> str:
    """Return the lowest and the highest of the seeds."""
    return f"{accuracies.min():.2f}-{accuracies.max():.2f}"
