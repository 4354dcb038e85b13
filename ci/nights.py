"""Read what the benches of a night kept: whether each is good, what failed, and what changed."""

import hashlib
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reds.tables import code, escaped

_SHOWN = 20
"""Most failures that are listed of each night."""
_MOST = 60_000
"""Most characters of a text; GitHub takes 65,536."""
_BAD = {"failure": "failed", "error": "error"}


@dataclass(frozen=True)
class Night:
    """One bench of a night: the exit status of `ci/nightly`, None if it kept none, and what it kept."""

    name: str
    status: int | None
    failures: tuple[tuple[str, str, str], ...]
    """Outcome and name of each failed test, and its sentence."""
    diff: str

    @property
    def good(self) -> bool:
        """Return whether the bench ended well."""
        return self.status == 0

    @property
    def why(self) -> str:
        """Return in a few words why it is bad."""
        if self.status is None:
            return "did not end, or kept no results"
        if not self.failures:
            return f"measured nothing, or could not start: exit status {self.status}"
        return f"{len(self.failures)} test{'s' * (len(self.failures) > 1)} failed"


def read(folder: Path, name: str) -> Night:
    """Read one bench. What is missing or damaged makes it a bad one."""
    place = folder / name
    try:
        status = int((place / "status").read_text())
    except (OSError, ValueError):
        status = None
    try:
        failures = tuple(_failures(ET.fromstring((place / "tests.xml").read_bytes())))
    except (OSError, ET.ParseError, LookupError, ValueError):
        failures = ()
    try:
        diff = (place / "diff.md").read_text(errors="replace").strip()
    except OSError:
        diff = ""
    return Night(name, status, failures, diff)


def _failures(root: ET.Element) -> Iterator[tuple[str, str, str]]:
    for test in root.iter("testcase"):
        for end in test:
            if end.tag in _BAD:
                why = (end.get("message", "").splitlines() or [""])[0]
                yield _BAD[end.tag], test.get("name", ""), why


def verdict(nights: Sequence[Night]) -> str:
    """Return a text that is the same for nights that fail in the same way, whatever their figures are."""
    ways = [
        [n.name, sorted({(outcome, test) for outcome, test, _ in n.failures}) or n.status]
        for n in nights
        if not n.good
    ]
    return hashlib.sha256(json.dumps(sorted(ways, key=str)).encode()).hexdigest()[:16]


def title(nights: Sequence[Night]) -> str:
    """Return one line that says which benches are bad."""
    bad = [night for night in nights if not night.good]
    return f"Nightly bench: {', '.join(f'{n.name} {n.why}' for n in bad)}"[:200]


def body(nights: Sequence[Night], link: str, commit: str) -> str:
    """Return what failed, sentence by sentence, and what changed since the last good run, in Markdown."""
    parts = [f"[This night]({link}) benched commit {code(commit or 'unknown')}."]
    for night in nights:
        if night.good:
            continue
        shown = night.failures[:_SHOWN]
        lines = [f"- {code(test)} {outcome}: {escaped(why)}" for outcome, test, why in shown]
        if len(night.failures) > _SHOWN:
            lines.append(f"- and {len(night.failures) - _SHOWN} more")
        listed = "\n".join(lines)
        parts += [f"## {escaped(night.name)}: {night.why}", listed, _within(night.diff, _MOST // len(nights))]
    parts.append("The artifacts of the night hold all results. The next good night closes this message.")
    text = "\n\n".join(part for part in parts if part)
    return _within(text.replace("@", "@\u200b"), _MOST)  # nobody is called by a name in a test


def _within(text: str, most: int) -> str:
    """Cut a text at the end of a line, and say so."""
    if len(text) <= most:
        return text
    return f"{text[:most].rpartition(chr(10))[0]}\n\nThe rest is in the artifacts of the night."
