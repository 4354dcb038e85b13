"""`reds compare`: what nesting costs, against the same widths trained alone.

Alone means the same code with one subnet: the same recipe, examples, augmentation, optimizer, seed, epochs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from reds.experiment.prepare import read_and_prepare
from reds.experiment.variants import Variants
from reds.training.progress import Progress

RESAMPLES = 10_000


@dataclass(frozen=True)
class Paired:
    """Mean accuracies of one subnet, nested and alone, and the 95 % interval of their difference."""

    nested: float
    alone: float
    low: float
    high: float

    @property
    def difference(self) -> str:
        """In points."""
        return f"{100 * (self.nested - self.alone):+.2f} ({100 * self.low:+.2f} to {100 * self.high:+.2f})"


def compare(path: Path, seeds: Sequence[int], out: Path, console: Console) -> str:
    """Train nested and alone for every seed, write every pack and card into `out`, and return a table.

    All accuracies are int8, by the reference interpreter, on the recipe's test examples. Raises as `build`.
    """
    prepared = read_and_prepare(path, out, console)
    recipe, variants = prepared.recipe, Variants(prepared, out, Progress(console))
    right: list[list[list[NDArray[np.bool_]]]] = []
    sizes: list[tuple[int, int]] = []
    for seed in seeds:
        seeded, name = replace(recipe, seed=seed), f"{recipe.name}-seed{seed}"
        nested = variants.nested(seeded, name)
        alone = [
            variants.alone(seeded, i, subnet, f"{name}-alone{subnet.name.rstrip('%')}")
            for i, subnet in enumerate(nested.subnets)
        ]
        right.append([[mine, other.hits[0]] for mine, other in zip(nested.hits, alone, strict=True)])
        sizes.append((nested.size, sum(each.size for each in alone)))
    table = np.array(right)  # [seeds, subnets, nested or alone, clips]
    rows = [paired(table[:, i, 0], table[:, i, 1]) for i in range(table.shape[1])]
    text = markdown([subnet.name for subnet in recipe.subnet], rows, sizes, len(seeds), table.shape[-1])
    variants.done()
    return text


def paired(nested: NDArray[np.bool_], alone: NDArray[np.bool_]) -> Paired:
    """Means, and a 95 % interval of their difference, from right or wrong [seeds, clips].

    Differences are paired over seeds and clips. Both are samples, so both are resampled, independently of
    each other (the pigeonhole bootstrap of Owen, Annals of Applied Statistics 2007, which errs on the wide
    side), with a fixed seed. With few seeds the share of the seeds is itself a rough estimate.
    """
    difference = nested.astype(np.float64) - alone
    rng = np.random.default_rng(0)
    seeds, n = difference.shape
    by_seed = rng.multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES) / seeds
    means = np.empty(RESAMPLES)
    for i in range(RESAMPLES):
        clips = np.bincount(rng.integers(n, size=n), minlength=n) / n
        means[i] = by_seed[i] @ difference @ clips
    low, high = np.percentile(means, [2.5, 97.5])
    return Paired(float(nested.mean()), float(alone.mean()), float(low), float(high))


def markdown(
    labels: Sequence[str], rows: Sequence[Paired], sizes: Sequence[tuple[int, int]], seeds: int, clips: int
) -> str:
    """The comparison as a table, and the bytes of one nested pack beside those of separate ones."""
    lines = [
        f"Int8 accuracy, %, on {clips:,} test examples, mean of {seeds} seeds; difference in points with its"
        " paired 95 % interval.",
        "",
        "| subnet | nested | alone | nested - alone |",
        "| --- | --- | --- | --- |",
    ]
    for label, row in zip(labels, rows, strict=True):
        lines.append(f"| {label} | {100 * row.nested:.2f} | {100 * row.alone:.2f} | {row.difference} |")
    one, separate = np.mean(sizes, axis=0)
    lines += ["", f"One nested pack: {one:,.0f} bytes; {len(labels)} separate packs: {separate:,.0f} bytes."]
    return "\n".join(lines)
