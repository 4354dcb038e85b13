"""Ours beside the paper's, as a plot: accuracy against MACs."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from reds.experiment.reproduce.paper import Table
from reds.experiment.reproduce.report import Line
from reds.files import write_atomically


def draw(table: Table, lines: Sequence[Line], path: Path) -> None:
    """Write an SVG: a line a contender, its seeds' range shaded, and the paper's dashed. Raises `OSError`."""
    plt.rcParams.update({"svg.hashsalt": "reds", "svg.fonttype": "none"})  # the same bytes each time; text
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    full = np.mean([macs[-1] for macs in lines[0].macs]) / 1e6
    for line in lines:
        macs, accuracies = np.mean(line.macs, axis=0) / 1e6, line.accuracies
        (drawn,) = axes.plot(macs, accuracies.mean(0), marker="o", label=f"our {line.contender}")
        axes.fill_between(
            macs, accuracies.min(0), accuracies.max(0), color=drawn.get_color(), alpha=0.2, lw=0
        )
    for name in ("nested", "alone"):
        points = [(row.share * full, y) for row in table.rows if (y := getattr(row, name)) is not None]
        if points:
            title = "paper, REDS" if name == "nested" else "paper, alone"
            axes.plot(
                *zip(*points, strict=True), "--s", color="black" if name == "nested" else "gray", label=title
            )
    axes.set(xlabel="million multiply-accumulates", ylabel="test accuracy, %, int8", title=table.recipe)
    axes.grid(alpha=0.3)
    axes.legend()
    written = BytesIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    plt.close(figure)
    write_atomically(path, written.getvalue())
