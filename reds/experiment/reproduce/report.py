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


def render(table: PaperTable, contenders: Sequence[Contender], seeds: Sequence[int], command: str) -> str:
    """Return the report, with one row for each subnet, largest first.

    Args:
        table: The accuracies of the paper.
        contenders: Ours first, then the baselines.
        seeds: Seeds that were trained with.
        command: The command that made the report.
    """
    ours, others = contenders[0], contenders[1:]
    rows, differences = [], []
    for i, subnet in reversed(list(enumerate(table.subnets))):
        alone = "-" if subnet.alone is None else f"{subnet.alone:.2f}"
        cells = [_mean_and_range(each.accuracies[:, i]) for each in contenders]
        rows.append([subnet.name, f"{100 * ours.shares[i]:.1f} %", f"{subnet.nested:.2f}", alone, *cells])
        hits = np.array(ours.hits)[:, i]
        differences.append(
            [subnet.name, *(paired(hits, np.array(each.hits)[:, i]).difference for each in others)]
        )
    heads = ["paper's subnet", "of full MACs", "paper, REDS", "paper, alone"]
    seed_list = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    spread = ", lowest and highest of the seeds" if len(seeds) > 1 else ""
    examples = ours.hits[0].shape[1]
    shares = "; ".join(
        f"{each.name} {'/'.join(f'{100 * x:.1f}' for x in each.shares[::-1])}" for each in contenders
    )
    parts = [
        f"Accuracy, %, int8, {examples:,} test examples, {seed_list}{spread} (`{command}`).",
        markdown([*heads, *(f"our {each.name}" for each in contenders)], rows),
        f"Of the full net's MACs, %: {shares}.",
    ]
    if others:
        parts += [
            "Our reds less each of the others, points, with the paired 95 % interval over seeds and"
            " examples.",
            markdown([heads[0], *(each.name for each in others)], differences),
        ]
    return "\n\n".join([*parts, *([table.note] if table.note else [])]) + "\n"


def _mean_and_range(accuracies: NDArray[np.float64]) -> str:
    """Return the mean over seeds, with the range in brackets if there are several."""
    spread = f" ({accuracies.min():.2f}-{accuracies.max():.2f})" if len(accuracies) > 1 else ""
    return f"{accuracies.mean():.2f}{spread}"
