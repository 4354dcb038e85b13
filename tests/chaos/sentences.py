"""Judge what a user reads: errors are one printable line, and never a traceback."""

import re

_SECTION = re.compile(r"^=+ ERRORS =+\n(.*?)^=+ ", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r"^_+ .* _+$")
_RAISED = re.compile(r"^E +(\S.*)$", re.MULTILINE)
_LAST = re.compile(r"^(?:INTERNALERROR> )?([a-zA-Z_][\w.]*(?:: .*)?)$", re.MULTILINE)
"""The last line of a traceback."""
_ERROR = re.compile(r"^(?:ERROR|Error): |^# .*NOTHING WAS MEASURED")


def errors(text: str) -> list[str]:
    """Return the different errors that pytest or a command has printed."""
    section = _SECTION.search(text)
    if section is None:
        return list(dict.fromkeys(line for line in text.splitlines() if _ERROR.match(line)))
    parts: list[list[str]] = []
    for line in section[1].splitlines():
        if _TITLE.match(line):
            parts.append([])
        elif parts:
            parts[-1].append(line)
    return list(dict.fromkeys("\n".join(part).strip() for part in parts))


def faults(text: str) -> tuple[str, ...]:
    """Return what no output may have: tracebacks, and characters that are not printable."""
    found = []
    if "Traceback (most recent call last)" in text or "INTERNALERROR" in text:
        raised = _LAST.findall(text)
        found.append(f"a traceback: {ascii(raised[-1] if raised else text[-200:])[:200]}")
    odd = sorted({c for line in text.split("\n") for c in line if not c.isprintable()})
    if odd:
        found.append(f"unprintable characters: {ascii(''.join(odd))[:80]}")
    return tuple(found)


def one_sentence(text: str) -> tuple[str, ...]:
    """Return a violation unless the output has exactly one error, in one line."""
    found = errors(text)
    if raw := [line for error in found for line in _RAISED.findall(error)]:
        return (f"a raw exception: {raw[-1]!a}"[:300],)
    if len(found) == 1 and len(found[0].splitlines()) == 1:
        return ()
    shown = " / ".join(found) or (text.strip().splitlines() or ["no output"])[-1]
    return (f"not one sentence but {len(found)}: {shown!a}"[:300],)
