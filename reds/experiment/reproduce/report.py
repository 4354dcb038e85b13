"""Ours beside the paper's, as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reds.experiment.compare import paired
from reds.experiment.reproduce.paper import Table


@dataclass
class Line:
    """One contender: a subnet's MACs and hits on the test examples, for every seed."""

    contender: str
    macs: list[tuple[int, ...]] = field(default_factory=list)
    hits: list[NDArray[np.bool_]] = field(default_factory=list)
    """One a seed, [subnets, examples]."""

    def add(self, macs: tuple[int, ...], hits: NDArray[np.bool_]) -> None:
        """The next seed's."""
        self.macs.append(macs)
        self.hits.append(hits)

    @property
    def shares(self) -> NDArray[np.float64]:
        """Of the full net's MACs, mean over seeds [subnets]."""
        return np.asarray(np.mean([np.array(macs) / macs[-1] for macs in self.macs], axis=0))

    @property
    def accuracies(self) -> NDArray[np.float64]:
        """In %, [seeds, subnets]."""
        return np.asarray(100 * np.array(self.hits).mean(2))


def markdown(table: Table, lines: Sequence[Line], seeds: Sequence[int], command: str) -> str:
    """A row a subnet, largest first: MACs, the paper's accuracies, ours; then ours less each contender's."""
    ours, others = lines[0], lines[1:]
    n = ours.hits[0].shape[1]
    said = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    spread = ", lowest and highest of the seeds" if len(seeds) > 1 else ""
    head = [
        "paper's label",
        "of full MACs",
        "paper, REDS",
        "paper, alone",
        *(f"our {x.contender}" for x in lines),
    ]
    rows, differences = [], []
    for i, row in reversed(list(enumerate(table.rows))):
        alone = "-" if row.alone is None else f"{row.alone:.2f}"
        share = ours.shares[i]
        each = [_cell(line.accuracies[:, i]) for line in lines]
        rows.append([row.label, f"{100 * share:.1f} %", f"{row.nested:.2f}", alone, *each])
        hits = np.array(ours.hits)[:, i]
        against = [paired(hits, np.array(line.hits)[:, i]).difference for line in others]
        differences.append([row.label, *against])
    shares = "; ".join(
        f"{line.contender} {'/'.join(f'{100 * x:.1f}' for x in line.shares[::-1])}" for line in lines
    )
    parts = [f"Accuracy, %, int8, {n:,} test examples, {said}{spread} (`{command}`).", _table(head, rows)]
    parts.append(f"Of the full net's MACs, %: {shares}.")
    if others:
        title = (
            "Our reds less each of the others, points, with the paired 95 % interval over seeds and examples."
        )
        parts += [title, _table(["paper's label", *(line.contender for line in others)], differences)]
    return "\n\n".join([*parts, *([table.note] if table.note else [])]) + "\n"


def _cell(accuracies: NDArray[np.float64]) -> str:
    """The mean, and the range where there is one."""
    spread = f" ({accuracies.min():.2f}-{accuracies.max():.2f})" if len(accuracies) > 1 else ""
    return f"{accuracies.mean():.2f}{spread}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))
