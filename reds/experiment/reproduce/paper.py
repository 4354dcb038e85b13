"""What the paper reports, so that ours can stand beside it.

Accuracies are of REDS, arXiv 2311.13349: tables of the appendix, those of DS-CNN S on speech read off a
figure (+-0.5 point). Its labels count every unit's full fan-in: `share` is what the published widths truly
take of the full net, classifier counted, where that is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One subnet of the paper."""

    label: str
    share: float
    """Of the full net's multiply-accumulates."""
    nested: float
    """Accuracy, %, chosen bottom-up."""
    alone: float | None = None
    """Accuracy, %, of the same widths trained alone."""


@dataclass(frozen=True)
class Table:
    """One of the paper's tables, smallest subnet first, and the recipe that answers it."""

    recipe: str
    """One of fixtures/recipes."""
    rows: tuple[Row, ...]
    least: int | None = None
    """Fewest units of a group, where the recipe's are too many for the smallest share."""
    note: str = ""
    """What keeps the two from equal terms."""


SPEECH = (
    "The paper trained on the whole of Speech Commands. Unless that was downloaded, ours learned from a small"
    " part of it and was tested on 1,859 clips: the columns are not on equal terms."
)
LABELS = (
    "What the paper's widths truly take of this net is not known: its labels stand for it, which are more"
    " than the widths take where both are known. Ours are held to true MACs."
)


def _rows(labels: str, shares: str, nested: str, alone: str = "") -> tuple[Row, ...]:
    """Columns as the paper prints them, the largest first."""
    each = [[float(x) for x in column.split("/")] for column in (shares, nested)]
    beside = [float(x) for x in alone.split("/")] if alone else [None] * len(each[0])
    rows = zip(labels.split("/"), *each, beside, strict=True)
    return tuple(Row(f"{label}%", share / 100, mine, other) for label, share, mine, other in rows)[::-1]


BASELINES = ("alone", "uniform", "magnitude", "random")
"""What ours is held against: the same widths, each trained as a net of its own; and nested subnets that keep
the same share of every group, or are chosen by the magnitude of weights, or by random scores.
"""
NOMINAL = "100/75/50/25"
TENTHS = "100/90/80/70/60/50/40/30/20/10"
PAPER: Mapping[str, Table] = {
    "fashion-mnist": Table(
        "fashion-ds-cnn-s", _rows(NOMINAL, NOMINAL, "91.6/91.51/90.75/89.22"), note=LABELS
    ),
    "cifar10": Table("cifar10-ds-cnn-s", _rows(NOMINAL, NOMINAL, "81.07/80.17/76.72/68.66"), note=LABELS),
    "kws-dnn-s": Table(
        "kws-dnn-s",
        _rows(NOMINAL, "100/65.8/33.8/9.8", "83.52/82.29/78.36/64.42", "84.30/83.77/80.91/69.77"),
        4,
        SPEECH,
    ),
    "kws-cnn-s": Table(
        "kws-cnn-s",
        _rows(NOMINAL, "100/68.4/42.6/19.2", "91.60/90.63/88.39/79.52", "91.10/90.40/89.07/82.57"),
        4,
        SPEECH,
    ),
    "kws-ds-cnn-s": Table(
        "kws-ds-cnn-s", _rows(NOMINAL, "100/63.4/41.1/17.7", "94.1/93.2/92.1/89.6"), 16, SPEECH
    ),
    "kws-ds-cnn-s-10": Table(
        "kws-ds-cnn-s-10",
        _rows(TENTHS, TENTHS, "93.50/93.33/92.84/92.64/92.27/91.04/89.42/87.63/84.14/58.46"),
        note=f"{SPEECH} {LABELS}",
    ),
}
"""By the name that `reds reproduce` takes."""
