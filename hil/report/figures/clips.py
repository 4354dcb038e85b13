"""Show which classes and which clips a smaller subnet loses."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from hil.report.figure import Figure, Section, Table, between, file_name, percent
from hil.report.taken import Bench
from hil.report.theme import SERIES
from hil.results.statistics.proportions import lost_and_gained, paired_p, proportion_interval

_KINDS = (("label", "class"), ("answer", "class"))
_MOST = 300
"""Most clips of a table."""
_TOP = {"orient": "top", "labelAngle": 0}
"""Axis above a matrix."""
_CLASSES = 40
"""Most classes of a confusion matrix."""


@dataclass(frozen=True)
class Answers:
    """Answers of the subnets of a pack to its labeled examples.

    Attributes:
        benches: Benches whose boards answered alike.
        labels: The right class of each clip.
        given: The answers of each subnet, the smallest first.
    """

    benches: tuple[Bench, ...]
    labels: tuple[int, ...]
    given: Mapping[str, tuple[int, ...]]

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes, their numbers where the card has none."""
        most = max((*self.labels, *(c for each in self.given.values() for c in each)), default=-1) + 1
        named = self.benches[0].classes
        return named if len(named) >= most else tuple(f"class {i}" for i in range(most))

    @property
    def where(self) -> str:
        """Return the pack, and the boards that answered alike."""
        boards = ", ".join(dict.fromkeys(bench.board.board for bench in self.benches))
        return f"{self.benches[0].pack} on {boards}, {self.benches[0].board.provenance}"

    @property
    def about(self) -> tuple[str, ...]:
        """Return lines that say where the answers come from."""
        return tuple(dict.fromkeys(line for bench in self.benches for line in bench.about))

    @property
    def run(self) -> str:
        """Return the id of the run."""
        return self.benches[0].run.id

    def right(self, subnet: str) -> list[bool]:
        """Return whether each clip is right."""
        return [a == b for a, b in zip(self.given[subnet], self.labels, strict=True)]

    def file_name(self, kind: str) -> str:
        """Return the name of a file."""
        first = self.benches[0]
        return file_name(kind, first.pack, first.board.board, first.board.provenance, first.run.id)


def clips(benches: Sequence[Bench]) -> Section:
    """Return figures for each pack whose answers were kept; boards that answer alike share them."""
    groups: dict[object, list[Bench]] = {}
    for bench in benches:
        if (answered := _answered(bench)) is not None:
            labels, given = answered
            key = bench.run.id, bench.sha256, bench.board.provenance, labels, tuple(given.items())
            groups.setdefault(key, []).append(bench)
    figures = [figure for group in groups.values() for figure in _figures(_of(group))]
    reading = (
        "Lost: the largest subnet is right and a smaller one is wrong. Gained: the reverse. Clips count from "
        "0 in the pack's labeled examples. Boards whose answers are the same share a figure."
    )
    return Section("clips", "Classes and clips that a smaller subnet loses", reading, figures)


def _answered(bench: Bench) -> tuple[tuple[int, ...], dict[str, tuple[int, ...]]] | None:
    labels: tuple[int, ...] = ()
    given = {}
    for subnet in bench.subnets:
        label, answer = (bench.figures.get((subnet, *kind)) for kind in _KINDS)
        if label and answer and len(label.samples) == len(answer.samples) > 0:
            labels, given[subnet] = (tuple(map(int, m.samples)) for m in (label, answer))
    return (labels, given) if given else None


def _of(benches: Sequence[Bench]) -> Answers:
    found = _answered(benches[0])
    assert found
    return Answers(tuple(benches), *found)


def _figures(answers: Answers) -> Iterator[Figure]:
    names = list(answers.given)
    yield _by_class(answers)
    if len(names) > 1:
        yield _moved(answers)
    if len(answers.classes) <= _CLASSES:
        for subnet in dict.fromkeys((names[0], names[-1])):
            yield _confusion(answers, subnet)


def _by_class(answers: Answers) -> Figure:
    cells, rows = [], []
    for index, name in enumerate(answers.classes):
        of = [i for i, label in enumerate(answers.labels) if label == index]
        row = [name, f"{len(of):,}"]
        for subnet in answers.given:
            right = answers.right(subnet)
            hits = sum(right[i] for i in of)
            share = hits / len(of) if of else None
            bounds = between(*proportion_interval(hits, len(of)), "percent") if of else ""
            row.append(f"{percent(share)} ({bounds})" if of else "-")
            if share is not None:
                cells.append({"class": name, "subnet": subnet, "share": share, "text": f"{share:.0%}"})
        rows.append(tuple(row))
    small, *_, large = *answers.given, *answers.given
    gap = {
        name: sum(
            big - little
            for big, little, label in zip(
                answers.right(large), answers.right(small), answers.labels, strict=True
            )
            if label == index
        )
        for index, name in enumerate(answers.classes)
    }
    most = max(gap, key=lambda name: gap[name])
    alt = f"{answers.where}: from {large} to {small}, {most} loses the most, {gap[most]} clips."
    domain = list(answers.given)
    spec = {
        "data": {"values": cells},
        "encoding": {
            "x": {"field": "subnet", "type": "ordinal", "sort": domain, "title": "subnet", "axis": _TOP},
            "y": {"field": "class", "type": "ordinal", "sort": None, "title": None},
        },
        "layer": [_rect("share", 1), _text()],
        "width": {"step": 62},
        "height": {"step": 24},
    }
    heads = ("class", "clips", *(f"{subnet} (95 %)" for subnet in domain))
    title = f"Accuracy of each class: {answers.where}"
    return Figure(
        answers.file_name("classes"),
        title,
        answers.about,
        alt,
        spec,
        Table(heads, tuple(rows)),
        run=answers.run,
    )


def _moved(answers: Answers) -> Figure:
    """Return how many clips each smaller subnet loses and gains; the table names the clips."""
    *smaller, large = answers.given
    best, bars, notes = answers.right(large), [], []
    for subnet in smaller:
        right = answers.right(subnet)
        lost, gained = lost_and_gained(right, best)
        bars += [{"subnet": subnet, "what": "lost", "clips": -lost}]
        bars += [{"subnet": subnet, "what": "gained", "clips": gained}]
        p = paired_p(right, best)
        notes.append(f"{subnet} loses {lost:,} clips and gains {gained:,} against {large} (p = {p:.2g})")
    spec = {
        "data": {"values": bars},
        "mark": {"type": "bar", "height": 18},
        "encoding": {
            "x": {"field": "clips", "type": "quantitative", "title": "clips against the largest subnet"},
            "y": {"field": "subnet", "type": "nominal", "sort": smaller, "title": "subnet"},
            "color": {
                "field": "what",
                "type": "nominal",
                "scale": {"domain": ["lost", "gained"], "range": [SERIES[1], SERIES[2]]},
                "legend": {"direction": "horizontal"},
            },
        },
        "width": 230,
        "height": {"step": 32},
    }
    rows = [
        (str(i), answers.classes[label], *(answers.classes[given[i]] for given in answers.given.values()))
        for i, label in enumerate(answers.labels)
        if len({given[i] for given in answers.given.values()}) > 1
    ]
    said = f"The answer changes on {len(rows):,} of {len(answers.labels):,} clips"
    notes.append(f"{said}; the table shows {_MOST} of them" if len(rows) > _MOST else said)
    heads = ("clip", "right", *answers.given)
    title = f"Clips lost and gained: {answers.where}"
    table = Table(heads, tuple(rows[:_MOST]), len(heads))
    name = answers.file_name("clips")
    return Figure(
        name,
        title,
        answers.about,
        f"{answers.where}: {'; '.join(notes)}.",
        spec,
        table,
        tuple(notes),
        answers.run,
    )


def _confusion(answers: Answers, subnet: str) -> Figure:
    counted = Counter(zip(answers.labels, answers.given[subnet], strict=True))
    names = answers.classes
    cells = [
        {"right": names[a], "answer": names[b], "count": n, "text": str(n)}
        for (a, b), n in sorted(counted.items())
    ]
    wrong = {pair: n for pair, n in counted.items() if pair[0] != pair[1]}
    (a, b), most = max(wrong.items(), key=lambda item: item[1]) if wrong else ((0, 0), 0)
    axis = {"type": "ordinal", "sort": names, "scale": {"domain": names}}
    said = f"{names[a]} is taken for {names[b]} most often, {most} times" if wrong else "no answer is wrong"
    spec = {
        "data": {"values": cells},
        "encoding": {
            "x": {"field": "answer", "title": "answer", "axis": {**_TOP, "labelAngle": -45}, **axis},
            "y": {"field": "right", "title": "right class", **axis},
        },
        "layer": [_rect("count", max(counted.values(), default=1)), _text()],
        "width": {"step": 34},
        "height": {"step": 24},
    }
    rows = tuple((names[a], *(str(counted[a, b]) for b in range(len(names)))) for a in range(len(names)))
    title = f"Answers of {subnet} by right class: {answers.where}"
    table = Table(("right class", *names), rows)
    name = answers.file_name(f"confusion-{subnet}")
    return Figure(
        name, title, answers.about, f"{answers.where}, {subnet}: {said}.", spec, table, run=answers.run
    )


def _rect(field: str, most: float) -> dict[str, object]:
    scale = {"range": ["#f3f7fb", "#7fb2e0"], "domain": [0, most]}
    color = {"field": field, "type": "quantitative", "scale": scale, "legend": None}
    return {"mark": {"type": "rect"}, "encoding": {"color": color}}


def _text() -> dict[str, object]:
    mark = {"type": "text", "color": "#101418", "fontSize": 11}
    return {"mark": mark, "encoding": {"text": {"field": "text"}}}
