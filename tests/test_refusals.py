"""The page of refusals lists what each common mistake is answered, as the tests of messages hold it.

After a change of wording write the files of messages anew, and then the page:

    REDS_WRITE_MESSAGES=1 python -m pytest tests/reds/test_messages.py tests/hil/test_messages.py
    REDS_WRITE_MESSAGES=1 python -m pytest tests/test_refusals.py
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reds.tables import markdown

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "refusals.md"
PARTS = {
    "reds": "Data, recipes, networks and packs",
    "hil": "Boards and this machine",
}
HEAD = """# What is refused, and how

Each common mistake has an answer of one line: what was found, what is expected, what to do. None is a
traceback. The commands and pytest print the answer as an error. In Python it is the text of an exception,
whose class comes first below. [Troubleshooting](troubleshooting.md) explains messages by situation.

This page is written by `tests/test_refusals.py` from the answers that the tests hold.
"""


def answers(part: str) -> Iterator[tuple[str, str, str]]:
    """Kind, mistake and answer of each fault of a part."""
    lines = (ROOT / "tests" / part / "messages.txt").read_text(encoding="utf-8").splitlines()
    for name, answer in zip(lines[::2], lines[1::2], strict=True):
        kind, _, mistake = name.partition(": ")
        yield kind, mistake, answer.strip()


def page() -> str:
    """The content of the page: one table for each kind."""
    found = [HEAD]
    for part, title in PARTS.items():
        tables: dict[str, list[tuple[str, str]]] = {}
        for kind, mistake, answer in answers(part):
            tables.setdefault(kind, []).append((mistake, answer))
        found += [f"## {title}\n"]
        found += [f"{markdown([kind, 'answer'], rows)}\n" for kind, rows in tables.items()]
    return "\n".join(found)


def test_the_page_lists_every_mistake_with_its_answer() -> None:
    if os.environ.get("REDS_WRITE_MESSAGES"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("part", PARTS)
def test_no_answer_is_of_another_library_or_a_traceback(part: str) -> None:
    rows = list(answers(part))
    assert len(rows) >= 60
    for _, _, answer in rows:
        kind, _, text = answer.partition(": ")
        assert kind.isidentifier(), answer
        assert kind not in ("Error", "Exception", "ValueError", "OSError", "KeyError", "TypeError"), answer
        assert "Traceback" not in text
