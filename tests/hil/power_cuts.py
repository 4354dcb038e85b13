"""Cut the power of an emulated Nano at every flash operation and every frame of an update, then ask it.

    python -m tests.hil.power_cuts [--states N] [--every N]

For developers. After each cut the board must answer with the old pack or the new one.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

from hil.protocol.agent import Agent
from reds import pack
from reds.pack.model import Model
from tests.hil.support.power import Answer, CutNano, update_of, with_new_head
from tests.support.nets import dense_model

Cut = Callable[[], None]
RECORD = 5
"""Words of the record of a slot, which are written last."""


def packs(model: Model) -> tuple[Answer, Answer]:
    """Return a pack, and one whose last layer alone was trained again."""
    new = with_new_head(model, 7)
    return Answer(model, pack.dumps(model)), Answer(new, pack.dumps(new))


def small() -> Model:
    """Return a net whose pack takes three pages, of which the second stays as it is."""
    return dense_model([64, 108, 8], [[24, 8], [108, 8]])


def cuts(nano: CutNano, update: bytes, operations: int, states: int, every: int) -> Iterator[tuple[str, Cut]]:
    """Yield each kind of cut and the cut: in operations, those of the record too, and in and after frames."""
    for operation in sorted({*range(1, operations + 1, every), *range(operations - RECORD, operations + 1)}):
        for state in range(states):
            leaves = 0 if state == 0 else 1000 * operation + state
            yield "operations", partial(nano.cut_in_operation, update, operation, leaves)
    end = 0
    while end < len(update):
        begin, end = end, update.index(0, end) + 1
        for size in ((begin + end) // 2, end - 1, end):
            yield "frames", partial(nano.cut_after_bytes, update, size)


def outcome(agent: Agent, old: Answer, new: Answer) -> str:
    """Return what the board answers with."""
    if old.is_of(agent):
        return "old"
    return "new" if new.is_of(agent) else "a third thing"


def count(model: Model, states: int, every: int, say: Callable[[str], None]) -> dict[str, Counter[str]]:
    """Cut the power everywhere, and return how often each pack answered, by kind of cut."""
    found: dict[str, Counter[str]] = {"operations": Counter(), "frames": Counter()}
    old, new = packs(model)
    update, what = update_of(new.data, old.data), ""
    with CutNano() as nano:
        nano.agent().put_pack(old.data, 4096, lambda done: None)
        operations = nano.operations(update)
        for kind, cut in cuts(nano, update, operations, states, every):
            if what != "old":
                nano.agent().put_pack(old.data, 4096, lambda done: None)
            cut()
            what = outcome(nano.agent(), old, new)
            found[kind][what] += 1
            say(f"{kind}: {dict(found[kind])} of {operations:,} operations")
    return found


def main() -> None:
    """Cut the power everywhere, and print how often each pack answered."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=2, help="states that a cut leaves of an operation")
    parser.add_argument("--every", type=int, default=1, help="cut in every N-th operation")
    given = parser.parse_args()
    found = count(small(), given.states, given.every, lambda what: print(what, end="\r", flush=True))
    for kind, counts in found.items():
        print(f"{kind}: {sum(counts.values()):,} cuts; {dict(counts)}")


if __name__ == "__main__":
    main()
