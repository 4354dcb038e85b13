"""Set fonts and colors of figures for light and dark.

A figure is rendered once, in the colors for light. The style that is added to it replaces each of them where
the reader prefers dark. Every color has a contrast of 3:1 or more with its background, and texts of 4.5:1.
"""

from collections.abc import Mapping
from typing import Any

INK, SOFT, GRID, PAPER = "#1b1f24", "#4c545e", "#d5dae0", "#ffffff"
"""Colors of texts, of axes, of lines behind the figures, and of what separates parts."""
SERIES = ("#0b62a8", "#b84a00", "#00785a", "#9c4380", "#7a5c00", "#5b4bb7", "#a3303a", "#4b5563")
"""Colors of series, in order; shapes tell them apart, too."""
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "stroke")
LIMIT = "#c01c28"
"""Color of limits."""
DARK: Mapping[str, str] = {
    INK: "#eceff3",
    SOFT: "#b3bcc7",
    GRID: "#3b424b",
    PAPER: "#15181c",
    LIMIT: "#ff8a80",
    **dict(
        zip(
            SERIES,
            ("#6cb6f5", "#ff9b5e", "#3fd0a4", "#e79acb", "#e0b84a", "#a99bf5", "#f58a92", "#b6bec9"),
            strict=True,
        )
    ),
}
"""The color in dark for each color in light."""
CONFIG: Mapping[str, Any] = {
    "aria": False,  # the page has a text and a table for each figure
    "background": None,
    "concat": {"spacing": 12},
    "font": "Arial, Liberation Sans, Helvetica, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "titleColor": INK,
        "domainColor": SOFT,
        "tickColor": SOFT,
        "gridColor": GRID,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 220,
    },
    "axisQuantitative": {"labelOverlap": "greedy", "labelSeparation": 8},  # else numbers touch
    "legend": {
        "labelColor": INK,
        "titleColor": INK,
        "labelFontSize": 12,
        "labelLimit": 250,
        "orient": "top",
        "direction": "vertical",
        "title": None,
    },
    "title": {
        "color": INK,
        "subtitleColor": SOFT,
        "anchor": "start",
        "fontSize": 14,
        "subtitleFontSize": 11,
        "offset": 12,
    },
    "range": {"category": list(SERIES), "symbol": list(SHAPES)},
    "text": {"color": INK, "fontSize": 12},
}
"""Configuration of every specification."""


def dark_style() -> str:
    """Return the style that gives a figure its colors for dark."""
    rules = "".join(
        f'[fill="{light}"]{{fill:{dark}}}[stroke="{light}"]{{stroke:{dark}}}' for light, dark in DARK.items()
    )
    return f"<style>@media (prefers-color-scheme:dark){{{rules}}}</style>"
