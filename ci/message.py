#!/usr/bin/env python3
"""Keep one message about failing nights on GitHub or GitLab: `ci/message.py NIGHT...`.

NIGHT is a folder below results/nightly, as `ci/nightly` keeps one. A first bad night opens a message, another
that fails in the same way is silent, one that fails otherwise adds a comment, and a good one closes it. The
exit status says whether that was told, not whether the night is good: its own job says so.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from forges import Forge, ForgeError, Issue, forge  # noqa: E402
from nights import Night, body, read, title, verdict  # noqa: E402

_MARK = re.compile(r"<!-- night (\{.*?\}) -->")
_MOST_OPEN = 100


def _told(issue: Issue) -> tuple[int, str]:
    """Return the pipeline and the verdict of a message; 0 and an empty text if it was edited by hand."""
    try:
        mark = json.loads(_MARK.findall(issue.body)[-1])
        return int(mark["order"]), str(mark["verdict"])
    except (LookupError, TypeError, ValueError):
        return 0, ""


def tell(here: Forge, nights: list[Night]) -> str:
    """Open, comment or close the message, or leave it; return what was done."""
    opened = here.issues("open", _MOST_OPEN)
    if all(night.good for night in nights):
        return _close(here, opened)
    if opened:
        return _say(here, min(opened, key=lambda issue: issue.number), nights)
    if any(_told(issue)[0] > here.order for issue in here.issues("closed", 1)):
        return "a later night was good: nothing to tell"
    number = here.create(title(nights), _marked(here, nights))
    first = min(here.issues("open", _MOST_OPEN), key=lambda issue: issue.number, default=None)
    if first is None or first.number >= number:
        return f"opened message {number}"
    # Another night told at the same time, and was first.
    here.comment(number, f"The same nights are told in #{first.number}.")
    here.edit(number, state="closed")
    return _say(here, first, nights)


def _say(here: Forge, issue: Issue, nights: list[Night]) -> str:
    """Comment on an open message if the nights fail in another way than it says."""
    order, said = _told(issue)
    if said == verdict(nights):
        return f"message {issue.number} says the same already"
    if order > here.order:
        return f"message {issue.number} is of a later night"
    here.comment(issue.number, f"**{title(nights)}**\n\n{body(nights, here.link, here.commit)}")
    here.edit(issue.number, title=title(nights), body=_marked(here, nights))
    return f"commented on message {issue.number}"


def _close(here: Forge, opened: list[Issue]) -> str:
    """Close the messages that no later night opened."""
    past = [issue for issue in opened if _told(issue)[0] <= here.order]
    for issue in past:
        mark = json.dumps({"order": here.order, "verdict": "good"})
        here.comment(issue.number, f"[This night]({here.link}) was good.")
        here.edit(issue.number, body=f"{_MARK.sub('', issue.body)}\n<!-- night {mark} -->", state="closed")
    return f"closed message {', '.join(str(issue.number) for issue in past)}" if past else "nothing to tell"


def _marked(here: Forge, nights: list[Night]) -> str:
    mark = json.dumps({"order": here.order, "verdict": verdict(nights)})
    return f"{body(nights, here.link, here.commit)}\n\n<!-- night {mark} -->"


def main(names: list[str]) -> int:
    """Tell what the nights of these names kept."""
    if not names:
        print("usage: ci/message.py NIGHT...", file=sys.stderr)
        return 2
    nights = [read(ROOT / "results" / "nightly", name) for name in names]
    for night in nights:
        print(f"{night.name}: {'good' if night.good else night.why}")
    try:
        print(tell(forge(), nights))
    except ForgeError as error:
        print(f"message: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
