"""The wording of errors, in one place: `messages.txt` holds what each of the common mistakes is answered.

After a change of wording, write the file anew and read the difference:

    REDS_WRITE_MESSAGES=1 python -m pytest tests/reds/test_messages.py
"""

import os
import re
from pathlib import Path

import pytest

from reds.errors import RedsError
from tests.reds.support.fault_makers import Fault, same_random_numbers
from tests.reds.support.faults import FAULTS

FILE = Path(__file__).with_name("messages.txt")


def message(fault: Fault, folder: Path) -> str:
    """The type and the text of the error that a mistake raises, less the place of its folder."""
    with same_random_numbers(), pytest.raises(RedsError) as caught:
        fault(folder)
    text = str(caught.value).replace(f"{folder}{os.sep}", "").replace(str(Path(__file__).parents[2]), "")
    return f"{type(caught.value).__name__}: {text}"


def test_every_mistake_is_answered_as_written(tmp_path_factory: pytest.TempPathFactory) -> None:
    found = {name: message(fault, tmp_path_factory.mktemp("fault")) for name, fault in FAULTS.items()}
    text = "".join(f"{name}\n    {answer}\n" for name, answer in found.items())
    if os.environ.get("REDS_WRITE_MESSAGES"):
        FILE.write_text(text, encoding="utf-8")
    assert FILE.read_text(encoding="utf-8").splitlines() == text.splitlines()


def test_every_answer_is_one_line_that_says_more_than_its_place() -> None:
    lines = FILE.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2 * len(FAULTS), "an answer takes several lines"
    for line in lines[1::2]:
        assert re.fullmatch(r"    \w+: \S.*\w{2,}.* .*\S", line)
