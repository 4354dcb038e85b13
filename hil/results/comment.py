"""Write the difference of two runs as Markdown that is ready for a comment on a pull request."""

from collections import Counter
from collections.abc import Sequence

from hil.results.difference import Change, Kept
from hil.results.listing import HEADS, change_line
from reds.tables import code, escaped, markdown

_SHOWN = 40
"""Most figures of a kind that are listed; a comment of GitHub holds 65,536 characters."""
_ALIGN = "llllrrrl"


def render(before: Kept, after: Kept, changes: Sequence[Change], notes: Sequence[str]) -> str:
    """Return the comment: what became worse, then what became better, then the rest, folded.

    Args:
        before: The earlier run, which is called the baseline.
        after: The later run.
        changes: The figures of both.
        notes: What differs between the runs besides.
    """
    moved = [change for change in changes if change.differs]
    kinds = Counter(change.judged for change in moved)
    counts = [f"{kinds[word]} {word}" for word in ("worse", "better") if kinds[word]]
    counts += [f"{kinds['']} other" * (kinds[""] > 0), f"{len(changes) - len(moved)} equal"]
    parts = [f"### Bench: {', '.join(filter(None, counts))}"]
    parts += [f"- Baseline: {_told(before)}\n- This run: {_told(after)}"]
    parts += ["`better` and `worse` say nothing about noise."]
    parts += [f"> [!NOTE]\n> {escaped(note)}" for note in notes]
    for word, title in (("worse", "Worse"), ("better", "Better"), ("", "Other")):
        found = sorted((change for change in moved if change.judged == word), key=_size, reverse=True)
        if found:
            table = markdown(HEADS[:-1], [change_line(change)[:-1] for change in found[:_SHOWN]], _ALIGN[:-1])
            more = f"\n\nand {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            shown = f"{table}{more}"
            parts.append(f"**{title}**\n\n{shown}" if word == "worse" else _folded(title, len(found), shown))
    return "\n\n".join(parts) + "\n"


def _told(kept: Kept) -> str:
    """Return the name of a run, its time and commit, and its host if that is known."""
    if (run := kept.run) is None:
        return f"{code(kept.name)}, of which nothing else is known"
    changed = " with changes" if run.dirty else ""
    commit = f"commit {code(run.commit[:12])}{changed}" if run.commit else "no commit"
    name = code(run.id) if kept.name == run.id else f"{code(run.id)} of {code(kept.name)}"
    accepted = f", accepted as baseline on {run.accepted[:10]}" if run.accepted else ""
    host = f", on {escaped(run.host)}" if run.host else ""
    return f"run {name}, {run.started[:16].replace('T', ' ')} UTC, {commit}{host}{accepted}"


def _size(change: Change) -> float:
    """Return the size of a change relative to the value before."""
    return abs(change.relative or 0.0)


def _folded(title: str, count: int, body: str) -> str:
    return f"<details><summary>{title}: {count}</summary>\n\n{body}\n\n</details>"
