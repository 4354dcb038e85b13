"""Plot accuracy against MACs, ours beside the paper's."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from reds.experiment.reproduce.paper import PaperTable
from reds.experiment.reproduce.report import Contender
from reds.files import write_atomically


def draw(table: PaperTable, contenders: Sequence[Contender], origin: str, path: Path) -> None:
    """Write an SVG: one line for each contender with the range of its seeds, the paper's lines dashed.

    Args:
        table: The accuracies of the paper.
        contenders: Ours first, then the baselines.
        origin: What was trained: recipe, epochs, seeds.
        path: The file to write.

    Raises:
        OSError: The file cannot be written.
    """
    plt.rcParams.update({"svg.hashsalt": "reds", "svg.fonttype": "none"})  # text; the same bytes each time
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    full = np.mean([macs[-1] for macs in contenders[0].macs]) / 1e6
    for contender in contenders:
        macs, accuracies = np.mean(contender.macs, axis=0) / 1e6, contender.accuracies
        (drawn,) = axes.plot(macs, accuracies.mean(0), marker="o", label=f"our {contender.name}")
        axes.fill_between(
            macs, accuracies.min(0), accuracies.max(0), color=drawn.get_color(), alpha=0.2, lw=0
        )
    for name in ("nested", "alone"):
        points = [(each.share * full, y) for each in table.subnets if (y := getattr(each, name)) is not None]
        if points:
            title = "paper, REDS" if name == "nested" else "paper, alone"
            axes.plot(
                *zip(*points, strict=True), "--s", color="black" if name == "nested" else "gray", label=title
            )
    axes.set(xlabel="million multiply-accumulates", ylabel="test accuracy, %, int8")
    axes.set_title(origin, fontsize="small")
    axes.grid(alpha=0.3)
    axes.legend()
    written = BytesIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    plt.close(figure)
    write_atomically(path, written.getvalue())
