"""Find a run by the name that a user gives: `last`, `last~1`, or the first characters of its id."""

import re

from hil.errors import StoreError
from hil.results.run import Run
from hil.results.store.store import Store

_LAST = re.compile(r"last(?:~(\d{1,6}))?", re.ASCII)


def find_run(store: Store, name: str) -> Run:
    """Return the run of a name: `last`, `last~1` (the one before), or the first characters of an id.

    Raises:
        StoreError: No run has this name, or several have.
    """
    if found := _LAST.fullmatch(name):
        back = int(found[1] or 0)
        newest = store.runs(limit=back + 1)
        if len(newest) <= back:
            runs = f"{len(newest)} run{'s' * (len(newest) > 1)}"
            kept = f"it keeps {runs}" if newest else "it keeps none yet; pytest hil keeps each"
            raise StoreError(f"no run {name}; {kept}", store=store.name)
        return newest[back]
    some = store.find(name) if name else []
    if len(some) == 1:
        return some[0]
    if some:
        such = " and ".join(run.id for run in some)
        raise StoreError(f"several runs begin with {name}, as {such}; write more of it", store=store.name)
    file = name.endswith(".jsonl")
    remedy = (
        "hil results import keeps that of a file" if file else "hil results list shows those that are kept"
    )
    raise StoreError(f"no run begins with {name!r}; {remedy}", store=store.name)
