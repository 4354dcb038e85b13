"""Render figures: one specification serves the page and the files."""

import re
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from hil.report.figure import Figure
from hil.report.theme import CONFIG, PAPER, dark_style

_VEGA_LITE = "6.1"
_SCALE = 2.0
"""Pixels of a PNG for each of the figure's."""
_COLUMNS = 64
"""Characters of a line of a subtitle."""


@dataclass(frozen=True)
class Drawing:
    """A figure as pictures.

    Attributes:
        page: SVG for the page, which has the title beside it; follows light and dark.
        svg: SVG with title, provenance and a white background, for files.
        png: The same as PNG.
        width: Width of `page` in CSS pixels.
        height: Height of `page`.
    """

    page: str
    svg: str
    png: bytes
    width: int
    height: int


def draw(figure: Figure) -> Drawing:
    """Return the pictures of a figure."""
    import vl_convert  # imported here: it takes as much memory as a browser

    def svg(**more: Any) -> str:
        spec = {**figure.spec, "config": {**CONFIG, **more.pop("config", {})}, **more}
        return str(vl_convert.vegalite_to_svg(spec, vl_version=_VEGA_LITE))

    about = [line for text in figure.about for line in wrap(text, _COLUMNS)]
    titled = svg(
        title={"text": wrap(figure.title, _COLUMNS), "subtitle": about},
        config={"background": PAPER},
        padding=12,
    )
    page = svg(padding={"left": 24, "right": 16, "top": 4, "bottom": 4})  # fonts of readers may be wider
    width, height = (round(float(n)) for n in re.findall(r'(?:width|height)="([\d.]+)"', page)[:2])
    styled = page.replace(">", f">{dark_style()}", 1)
    return Drawing(styled, titled, vl_convert.svg_to_png(titled, scale=_SCALE), width, height)
