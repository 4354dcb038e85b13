"""Cut the power of an emulated Nano at every flash operation and every frame of an update, then ask it.

    python -m tests.hil.power_cuts [--states N] [--every N]

For developers. After each cut the board must answer with the old pack or the new one. A governor runs the
loaded one between the pieces of the other.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

from reds.pack import dumps
from reds.pack.model import Model
from tests.hil.support.power import CutNano, are_of, governed, question, update_of, with_new_head
from tests.support.nets import dense_model

Cut = Callable[[], None]
RECORD = 5
"""Words of the record of a slot, which are written last."""


def small() -> Model:
    """Return a net whose pack takes three pages, of which the second stays as it is."""
    return dense_model([64, 108, 8], [[24, 8], [108, 8]])


def cuts(nano: CutNano, update: bytes, operations: int, states: int, every: int) -> Iterator[tuple[str, Cut]]:
    """Yield each kind of cut and the cut: in operations, those of the record too, and in and after frames."""
    for operation in sorted({*range(1, operations + 1, every), *range(operations - RECORD, operations + 1)}):
        for leaves in (1000 * operation, 0, 1)[: states if operation < operations - RECORD else 3]:
            yield "operations", partial(nano.cut_in_operation, update, operation, leaves)
    end = 0
    while end < len(update):
        begin, end = end, update.index(0, end) + 1
        for size in ((begin + end) // 2, end - 1, end):
            yield "frames", partial(nano.cut_after_bytes, update, size)


def count(model: Model, states: int, every: int, say: Callable[[str], None]) -> dict[str, Counter[str]]:
    """Cut the power everywhere, and return how often each pack answered, by kind of cut."""
    found: dict[str, Counter[str]] = {"operations": Counter(), "frames": Counter()}
    packs = {"old": model, "new": with_new_head(model, 7)}
    old, new, ask = dumps(packs["old"]), dumps(packs["new"]), question(model)
    update, what = governed(update_of(new, old), model), "nothing"
    with CutNano() as nano:
        nano.ask(update_of(old, b""))
        operations = nano.operations(update)
        for kind, cut in cuts(nano, update, operations, states, every):
            if what != "old":
                nano.ask(update_of(old, b""))
            cut()
            said = nano.ask(ask, 2)
            what = next((name for name in packs if are_of(packs[name], said)), "a third thing")
            found[kind][what] += 1
            say(f"{kind}: {dict(found[kind])} of {operations:,} operations")
    return found


def main() -> None:
    """Cut the power everywhere, and print how often each pack answered."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=2, help="1: torn, 2: and before it, 3: and after it")
    parser.add_argument("--every", type=int, default=1, help="cut in every N-th operation")
    given = parser.parse_args()
    found = count(small(), given.states, given.every, lambda what: print(what, end="\r", flush=True))
    for kind, counts in found.items():
        print(f"{kind}: {sum(counts.values()):,} cuts; {dict(counts)}")


if __name__ == "__main__":
    main()
