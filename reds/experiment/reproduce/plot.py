"""Plot accuracy against MACs, ours beside the paper's, and tempered loss below."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from reds.experiment.reproduce.paper import PaperTable
from reds.experiment.reproduce.report import Contender, tempered
from reds.files import write_atomically


def draw(table: PaperTable, contenders: Sequence[Contender], origin: str, path: Path) -> None:
    """Write an SVG: a line for each contender with the range of its seeds, the paper's accuracies dashed.

    Args:
        table: The accuracies of the paper.
        contenders: Ours first, then the baselines.
        origin: What was trained: recipe, epochs, seeds.
        path: The file to write.

    Raises:
        OSError: The file cannot be written.
    """
    plt.rcParams.update({"svg.hashsalt": "reds", "svg.fonttype": "none"})  # text; the same bytes each time
    figure, (axes, below) = plt.subplots(
        2, figsize=(7, 8), sharex=True, height_ratios=(3, 2), layout="constrained"
    )
    full = np.mean([macs[-1] for macs in contenders[0].macs]) / 1e6
    judged = [tempered(contenders, i) for i in range(len(table.subnets))]
    for k, contender in enumerate(contenders):
        macs = np.mean(contender.macs, axis=0) / 1e6
        losses = np.array([each.losses[k].mean(1) for each in judged]).T
        for where, of_seeds in ((axes, contender.accuracies), (below, losses)):
            (drawn,) = where.plot(macs, of_seeds.mean(0), marker="o", label=f"our {contender.name}")
            where.fill_between(
                macs, of_seeds.min(0), of_seeds.max(0), color=drawn.get_color(), alpha=0.2, lw=0
            )
    for name in ("nested", "alone"):
        points = [(each.share * full, y) for each in table.subnets if (y := getattr(each, name)) is not None]
        if points:
            title = "paper, REDS" if name == "nested" else "paper, alone"
            axes.plot(
                *zip(*points, strict=True), "--s", color="black" if name == "nested" else "gray", label=title
            )
    axes.set(ylabel="test accuracy, %, int8")
    below.set(xlabel="million multiply-accumulates", ylabel="tempered loss, nats", yscale="log")
    axes.set_title(origin, fontsize="small")
    for each in (axes, below):
        each.grid(alpha=0.3)
    axes.legend()
    written = BytesIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    plt.close(figure)
    write_atomically(path, written.getvalue())
