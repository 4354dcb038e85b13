"""Accuracies that the paper reports (REDS, arXiv 2311.13349), to stand beside ours.

They are from the tables of its appendix; those of DS-CNN S on speech are read off a figure (+-0.5 point). The
paper names subnets by MACs that count the full fan-in of every unit. `share` is the true share of MACs of the
published widths, with the classifier, where these widths are known.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class PaperSubnet:
    """Hold what the paper reports of one subnet."""

    name: str
    """Name in the paper, as `25%`."""
    share: float
    """Share of the full net's multiply-accumulates (MACs)."""
    nested: float
    """Accuracy in %, nested, selected bottom-up."""
    alone: float | None = None
    """Accuracy in % of the same widths trained alone; None if the paper does not report it."""


@dataclass(frozen=True)
class PaperTable:
    """Hold one table of the paper and the shipped recipe that reproduces it."""

    recipe: str
    """Name of a recipe in fixtures/recipes."""
    subnets: tuple[PaperSubnet, ...]
    """Smallest first."""
    least: int | None = None
    """Fewest units of a group, where the recipe's number is too large for the smallest share."""
    note: str = ""
    """Why the comparison is not on equal terms."""


SPEECH = (
    "The paper trained on the whole of Speech Commands. Unless that was downloaded, ours was trained on a"
    " small part of it and tested on 1,859 clips: the columns are not on equal terms."
)
NOMINAL_MACS = (
    "The true MACs of the paper's widths of this net are not known. Its nominal percentages stand for them;"
    " where both are known, the nominal ones are larger. Ours are budgeted by true MACs."
)


def _subnets(names: str, shares: str, nested: str, alone: str = "") -> tuple[PaperSubnet, ...]:
    """Return subnets from columns as the paper prints them: largest first, in %, divided by slashes."""
    columns = [[float(x) for x in column.split("/")] for column in (shares, nested)]
    alone_column = [float(x) for x in alone.split("/")] if alone else [None] * len(columns[0])
    rows = zip(names.split("/"), *columns, alone_column, strict=True)
    return tuple(PaperSubnet(f"{name}%", share / 100, a, b) for name, share, a, b in rows)[::-1]


BASELINES = ("alone", "uniform", "even", "magnitude", "random")
"""Contenders that ours is compared with.

`alone` trains the same widths as separate nets. The others are nested subnets. `uniform` keeps the same share
of every unit group, `even` shares as large and as even as a budget allows. `magnitude` scores units by their
weights, `random` scores them at random.
"""
NOMINAL = "100/75/50/25"
TENTHS = "100/90/80/70/60/50/40/30/20/10"
PAPER: Mapping[str, PaperTable] = {
    "fashion-mnist": PaperTable(
        "fashion-ds-cnn-s", _subnets(NOMINAL, NOMINAL, "91.6/91.51/90.75/89.22"), note=NOMINAL_MACS
    ),
    "cifar10": PaperTable(
        "cifar10-ds-cnn-s", _subnets(NOMINAL, NOMINAL, "81.07/80.17/76.72/68.66"), note=NOMINAL_MACS
    ),
    "kws-dnn-s": PaperTable(
        "kws-dnn-s",
        _subnets(NOMINAL, "100/65.8/33.8/9.8", "83.52/82.29/78.36/64.42", "84.30/83.77/80.91/69.77"),
        4,
        SPEECH,
    ),
    "kws-cnn-s": PaperTable(
        "kws-cnn-s",
        _subnets(NOMINAL, "100/68.4/42.6/19.2", "91.60/90.63/88.39/79.52", "91.10/90.40/89.07/82.57"),
        4,
        SPEECH,
    ),
    "kws-ds-cnn-s": PaperTable(
        "kws-ds-cnn-s", _subnets(NOMINAL, "100/63.4/41.1/17.7", "94.1/93.2/92.1/89.6"), 16, SPEECH
    ),
    "kws-ds-cnn-s-10": PaperTable(
        "kws-ds-cnn-s-10",
        _subnets(TENTHS, TENTHS, "93.50/93.33/92.84/92.64/92.27/91.04/89.42/87.63/84.14/58.46"),
        note=f"{SPEECH} {NOMINAL_MACS}",
    ),
}
"""By the name that `reds reproduce` takes."""
