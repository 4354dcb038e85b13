"""Find the baseline of a board: a run in the store, or a results file."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from hil.errors import BaselineError
from hil.options import NO_STORE, names_file
from hil.results import file
from hil.results.gate import baseline as baselines
from hil.results.gate.baseline import Baseline, Figure
from hil.results.gate.times import MOST_RUNS
from hil.results.measurement import Measurement
from hil.results.run import BoardIdentity, Run
from hil.results.store import Store, open_store
from hil.results.store.good import good
from hil.results.store.reference import find_run
from hil.suite import kept_run
from reds.reading import user_path

AUTO = "auto"
"""Value of --baseline for the last good run."""
_LOOKED_AT = 3 * MOST_RUNS
"""Newest runs of a figure among which good ones are looked for."""


@contextmanager
def found(asked: str, where: str | None, board: BoardIdentity, shape: str) -> Iterator[Baseline | None]:
    """Yield the baseline that --baseline asks for; None if `auto` finds no good run.

    Args:
        asked: `auto`, the name of a run, or a file.
        where: Value of --store.
        board: The board of this run.
        shape: Shape of the pack of this run.

    Raises:
        BaselineError: The baseline cannot be compared with this run.
        ResultsError: The file is no results file.
        StoreError: The store cannot be read, or keeps no run of this name.
    """
    if names_file(asked):
        yield _from_file(asked, board, shape)
    elif asked == AUTO and where == NO_STORE:
        yield None
    else:
        with _store(asked, where) as store:
            yield _from_store(store, asked, board, shape)


def resolved(asked: str, where: str | None, kinds: Iterable[tuple[str, str]], shape: str) -> str:
    """Return what --baseline asks for, a run by its whole id, if it may be compared with each board.

    It is called before the bench: `last` would mean the bench itself once that has begun.

    Args:
        asked: `auto`, the name of a run, or a file.
        where: Value of --store.
        kinds: Target and provenance of each board of this run.
        shape: Shape of the pack of this run.

    Raises:
        BaselineError: There is no such file, or what was measured cannot be compared with this run.
        ResultsError: The file is no results file.
        StoreError: The store cannot be read, or keeps no run of this name.
    """
    if asked == AUTO:
        return asked
    if names_file(asked):
        path, (_, measured) = _file(asked)
        called, name = path.name, asked
    else:
        with _store(asked, where) as store:
            name = find_run(store, asked).id
            called, measured = f"run {name}", store.measurements(name)
    for kind in kinds:
        baselines.chosen(called, measured, *kind, shape)
    return name


def labeled_of(card: Mapping[str, Any] | None) -> str:
    """Return the checksum of the labeled examples that a card names, empty if it names none."""
    labeled = (card or {}).get("labelled")
    return str(labeled.get("sha256", "")) if isinstance(labeled, Mapping) else ""


def _store(asked: str, where: str | None) -> AbstractContextManager[Store]:
    if where == NO_STORE:
        raise BaselineError(f"--baseline is {asked}, but --store none keeps no run; name a file, or a store")
    return open_store(where, patience=kept_run.PATIENCE_SECONDS)  # else a server that hangs stops the bench


def _file(asked: str) -> tuple[Path, tuple[file.Header | None, list[Measurement]]]:
    """Return the path of a results file, and what it holds."""
    try:
        path = user_path(asked)
    except ValueError as error:
        raise BaselineError(
            f"--baseline is {asked!r}: {error}; name a file of --results, or a run"
        ) from error
    if not path.exists():
        raise BaselineError(f"there is no file {path}; name a file of --results, or a run")
    return path, file.read_run(path)


def _from_file(asked: str, board: BoardIdentity, shape: str) -> Baseline:
    path, (header, measured) = _file(asked)
    alike = baselines.chosen(path.name, measured, board.target, board.provenance, shape)
    if header is not None:
        names = _names(path.name, header.boards, board)
        own = [m for m in measured if m.board in names]
        alike = baselines.chosen(path.name, own, board.target, board.provenance, shape)
    return baselines.of(path.name, alike, _labeled(header.run if header else None))


def _from_store(store: Store, asked: str, board: BoardIdentity, shape: str) -> Baseline | None:
    run = store.last_good(board, shape) if asked == AUTO else find_run(store, asked)
    if run is None:
        return None
    name = f"run {run.id}"
    if asked != AUTO:
        baselines.chosen(name, store.measurements(run.id), board.target, board.provenance, shape)
        _names(name, store.boards(run.id), board)
    alike = baselines.chosen(name, store.measurements(run.id, board), board.target, board.provenance, shape)
    figures = {(m.subnet, m.metric, m.unit): m for m in alike}

    def history(figure: Figure) -> Sequence[Sequence[float]]:
        past = store.history(board, shape, *figure, limit=_LOOKED_AT)
        kept = good(past, run.id, "" if asked == AUTO else run.id)
        return [m.samples for m in kept] or [figures[figure].samples]

    return Baseline(name, figures, _labeled(run), history)


def _labeled(run: Run | None) -> str:
    """Return the checksum of the labeled examples of a run."""
    return labeled_of(run.pack.fields if run and run.pack else None)


def _names(name: str, boards: Sequence[BoardIdentity], board: BoardIdentity) -> set[str]:
    """Return the names of a board in a run; its own name only, if the run has it.

    Raises:
        BaselineError: The run measured other boards only.
    """
    kind = board.target, board.provenance
    alike = [other for other in boards if (other.target, other.provenance) == kind]
    keys = {other.key for other in alike}
    if keys and board.key not in keys:
        other = f"{name} measured the {board.target} {', '.join(sorted(keys))}, this run {board.key}"
        raise BaselineError(f"{other}; boards are compared with themselves only: name a run of this one")
    names = {other.board for other in alike if other.key == board.key}
    return names & {board.board} or names
