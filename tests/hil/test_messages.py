"""The wording of errors that users meet, in one place: `messages.txt`. Other tests match types.

After a change of wording, write the file anew and read the difference:

    REDS_WRITE_MESSAGES=1 python -m pytest tests/hil/test_messages.py
"""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from hil.boards.entry import Entry
from hil.errors import HilError
from hil.results.gate.accuracy import judge_accuracy
from hil.results.gate.counts import judge_count
from hil.results.gate.times import judge_time, level
from hil.results.gate.verdict import sentence
from hil.transports.host import Host
from tests.hil.support.boards import open_pi
from tests.hil.support.faults import FAULTS, LOGINS, Fault
from tests.hil.support.lab_faults import LAB_FAULTS
from tests.hil.support.meter_faults import METER_FAULTS
from tests.hil.support.sshd import Sshd, Start, keygen
from tests.hil.support.trace_faults import TRACE_FAULTS

FILE = Path(__file__).with_name("messages.txt")
ROOT = Path(__file__).parents[2]


def message(fault: Fault, folder: Path) -> str:
    """The type and the text of the error that a mistake raises, less what differs between machines."""
    with pytest.raises(HilError) as caught:
        fault(folder)
    text = f"{type(caught.value).__name__}: {caught.value}"
    text = text.replace(f"{folder}{os.sep}", "").replace(f"{ROOT}{os.sep}", "")
    text = re.sub(r"127\.0\.0\.1 port \d+", "10.0.0.7", text)
    return re.sub(r"SHA256:[\w+/]{43}", "SHA256:...", text)


def opened(entry: Entry) -> Fault:
    def run(_: Path) -> None:
        with open_pi(entry):
            pass

    return run


def of_logins(there: Sshd, folder: Path) -> dict[str, str]:
    """What each mistake of a login over SSH is answered."""
    found = {}
    for name, login in LOGINS.items():
        (there.home / "login").write_text(login)
        found[name] = message(opened(there.entry()), folder)
    host = there.entry().host
    assert isinstance(host, Host)
    for name, changed in {
        "pi: a key that it does not know": replace(host, key=keygen(folder / "other")),
        "pi: a key that is no private key": replace(host, key=folder / "id.pub"),
        "pi: a key that is not there": replace(host, key=folder / "none"),
        "pi: a host key that nobody has confirmed": replace(host, host_key=None),
        "pi: another host key": replace(host, host_key="SHA256:" + "A" * 43),
    }.items():
        found[name] = message(opened(replace(there.entry(), host=changed)), folder)
    return found


def test_every_mistake_is_answered_as_written(
    tmp_path_factory: pytest.TempPathFactory, sshd: Start, tmp_path: Path
) -> None:
    found = {name: message(fault, tmp_path_factory.mktemp("fault")) for name, fault in FAULTS.items()}
    found |= {name: message(fault, tmp_path) for name, fault in METER_FAULTS.items()}
    found |= {name: message(fault, tmp_path) for name, fault in TRACE_FAULTS.items()}
    found |= {name: message(fault, tmp_path_factory.mktemp("lab")) for name, fault in LAB_FAULTS.items()}
    found |= of_logins(sshd(login='. "$HOME/login"'), tmp_path)
    text = "".join(f"{name}\n    {answer}\n" for name, answer in found.items())
    if os.environ.get("REDS_WRITE_MESSAGES"):
        FILE.write_text(text, encoding="utf-8")
    assert FILE.read_text(encoding="utf-8").splitlines() == text.splitlines()


def test_every_answer_is_one_printable_line() -> None:
    lines = FILE.read_text(encoding="utf-8").splitlines()
    assert len(lines) % 2 == 0, "an answer takes several lines"
    for line in lines[1::2]:
        assert re.fullmatch(r"    \S.*\w{2,}.* .*\S", line)
        assert line.isprintable()


def test_sentence_of_a_subnet_that_is_worse() -> None:
    verdicts = [
        judge_count("instructions", "instructions", 970, 1000),
        judge_count("cycles", "cycles", 1020, 1000),
        judge_time("latency", [[106.0] * 20] * 8, level("latency", [[100.0] * 20] * 20)),
        judge_accuracy([0.0] * 8 + [1.0] * 92, [1.0] * 100, same_clips=True),
    ]
    assert sentence("25%", "run 1", verdicts) == (
        "25% against run 1 is worse: cycles 1,020, was 1,000 (+2.0 %, exact),"
        " latency 106 us, was 100 (+6.0 %; margin by 20 earlier runs: 2.2 %, in each of 8 measurements),"
        " accuracy 92.0 %, was 100.0 % (lost 8 clips and gained 0, p = 0.0039)"
        " and better: instructions 970, was 1,000 (-3.0 %, exact); these disagree, so look at both"
    )
    assert sentence("25%", "run 1", [judge_count("cycles", "cycles", 7, 7)]) == (
        "25%: no change of cycles against run 1"
    )
