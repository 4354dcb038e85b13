"""Put figures on one page that opens offline.

The page runs no script and loads nothing: figures are pictures inside it, and its Content-Security-Policy
forbids all else. Names come from users, so every text is escaped, and what acts on a reader is made visible.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hil.errors import SetupError
from hil.report.draw import Drawing, draw
from hil.report.figure import Figure, Section
from hil.report.figures.change import side_by_side
from hil.report.figures.clips import clips
from hil.report.figures.history import history
from hil.report.figures.latency import latency
from hil.report.figures.layers import layers
from hil.report.figures.memory import memory
from hil.report.figures.pareto import pareto
from hil.report.figures.replay import replays
from hil.report.figures.switches import switches
from hil.report.leftovers import only_files
from hil.report.taken import Taken
from hil.report.verdict import OPEN, WRONG, verdict
from hil.results.measurement import UNJUDGED
from reds.files import ensure_writable, write_atomically
from reds.spelling import did_you_mean
from reds.text import LINE, printable

_HERE = Path(__file__).parent
_MOST = 50
"""Most failures of a run that are listed."""
_COLUMN = 372
"""Widest picture of one column, in CSS pixels; a phone shows 350."""


@dataclass(frozen=True)
class Written:
    """Page of a report, and the number of its figures."""

    page: Path
    figures: int


def sections(taken: Sequence[Taken], metrics: Sequence[str] = ()) -> list[Section]:
    """Return the sections of a report that have something to show.

    Args:
        taken: The runs.
        metrics: Metrics of the history; empty for accuracy and latency.
    """
    benches = [bench for each in taken for bench in each.benches]
    made = [
        pareto(benches),
        latency(benches),
        switches(benches),
        side_by_side(taken),
        history(benches, metrics),
        layers(benches),
        memory(benches),
        replays(benches),
        clips(benches),
    ]
    return [section for section in made if section.figures or section.notes]


def write(taken: Sequence[Taken], folder: Path, metrics: Sequence[str] = ()) -> Written:
    """Write `index.html`, and each figure as SVG and PNG below `figures`.

    Figures of an earlier report in the folder are removed; other files stay.

    Args:
        taken: The runs, at least one.
        folder: The folder, which is made if it is missing.
        metrics: Metrics of the history; empty for accuracy and latency.

    Raises:
        SetupError: No run has a figure of one of the metrics.
        OSError: A file cannot be written.
    """
    _check(taken, metrics)
    shown = _unique(sections(taken, metrics))
    ensure_writable(folder / "figures")
    drawings = {figure.name: draw(figure) for section in shown for figure in section.figures}
    files = {f"{name}.svg": drawing.svg.encode() for name, drawing in drawings.items()}
    files |= {f"{name}.png": drawing.png for name, drawing in drawings.items()}
    with only_files(folder / "figures", files):
        for name, content in files.items():
            write_atomically(folder / "figures" / name, content)
        page = folder / "index.html"
        write_atomically(page, _html(taken, shown, drawings).encode())
    return Written(page, len(drawings))


def _check(taken: Sequence[Taken], metrics: Sequence[str]) -> None:
    """Refuse a metric that no run measured."""
    figures = (key for each in taken for bench in each.benches for key in bench.figures)
    known = sorted({metric for _, metric, _ in figures} - {*UNJUDGED})
    for metric in metrics:
        if metric not in known:
            raise SetupError(f"--history: no run measured {metric!r}; {did_you_mean(metric, known)}")


def _unique(found: Sequence[Section]) -> list[Section]:
    """Return the sections with names and titles that tell all figures apart."""
    titles = Counter(figure.title for section in found for figure in section.figures)
    seen: set[str] = set()

    def renamed(figure: Figure) -> Figure:
        name, more = figure.name, 2
        while name in seen:
            name, more = f"{figure.name}-{more}", more + 1
        seen.add(name)
        several = figure.run and titles[figure.title] > 1
        return replace(
            figure, name=name, title=f"{figure.title}, run {figure.run}" if several else figure.title
        )

    return [replace(section, figures=[renamed(figure) for figure in section.figures]) for section in found]


def _html(taken: Sequence[Taken], shown: Sequence[Section], drawings: dict[str, Drawing]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def safe(value: object) -> object:
        return printable(value, LINE) if isinstance(value, str) and not isinstance(value, Markup) else value

    style = (_HERE / "page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    loader = FileSystemLoader(_HERE)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, finalize=safe)
    runs = sorted(((each, verdict(each)) for each in taken), key=lambda pair: pair[1].kind != WRONG)
    packs = dict.fromkeys(bench.pack for each in taken for bench in each.benches)
    return environment.get_template("page.html.j2").render(
        title=f"Bench of {', '.join(packs) or 'nothing'}",
        policy=Markup(policy),
        style=Markup(style),
        overall=_overall([said.kind for _, said in runs]),
        runs=runs,
        sections=shown,
        drawings=drawings,
        picture=_picture,
        most=_MOST,
        column=_COLUMN,
    )


def _overall(kinds: Sequence[str]) -> str:
    """Return the verdict of all runs; one without an end or without figures is no good news."""
    if bad := kinds.count(WRONG):
        return f"{bad} of {len(kinds)} runs failed"
    if unknown := kinds.count(OPEN):
        return f"No run failed, but {unknown} of {len(kinds)} did not end or measured nothing"
    return "No run failed"


def _picture(svg: str) -> object:
    """Return a picture as an address: a picture runs no script, and its ids stay apart from the page's."""
    from markupsafe import Markup

    return Markup(f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}")
