"""Select the boards of a run, and decide for each whether it runs, is emulated, is skipped or fails."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hil.boards import boards_toml, registry
from hil.boards.entry import LIMITS_BY_SUBNET, Entry
from hil.boards.facts import Provenance
from hil.boards.lab_table import LabTable
from hil.boards.opening import Say, leased, to_stderr
from hil.errors import BoardAbsent, BoardsFileError, LabError, SetupError
from hil.lifetime.termination import termination_interrupts
from hil.options import ALL_BOARDS, LEASE_WAIT_SECONDS, NO_LAB, TARGET_LAB, Settings

if TYPE_CHECKING:
    from hil.lab.guest import Guest
    from hil.lab.offers import Offer

Shelf = Callable[[str, Mapping[str, str], Path], "tuple[Offer, ...]"]
"""Returns what a lab offers: by its coordinator, the tags that places must have, and the boards file."""


def _trust() -> None:
    """Return: a board on the desk is kept by the kernel until it is given back."""


def _ask_lab(coordinator: str, tags: Mapping[str, str], file: Path) -> "tuple[Offer, ...]":
    from hil.lab.offers import offers  # imported here: few runs use a lab

    return offers(coordinator, tags, file)


@dataclass(frozen=True)
class SelectedBoard:
    """A board of a run, with the decision whether it runs, is emulated, is skipped or fails."""

    entry: Entry
    provenance: Provenance
    absent: str = ""
    """The reason why the board cannot run; empty if it can."""
    fails: bool = False
    """True if the tests of an absent board fail; False if they are skipped."""
    no_hardware: str = ""
    """The reason why --missing=emulate chose the emulator; empty otherwise."""
    offer: "Offer | Guest | None" = None
    """Boards of a lab, of which the run takes one; None for a board of the boards file."""

    @property
    def id(self) -> str:
        """Return the name of the board in test ids."""
        return f"{self.entry.name}-{self.provenance}"

    @property
    def properties(self) -> list[tuple[str, str]]:
        """Return the JUnit properties of every test of the board, including skipped tests."""
        how = [("absent", self.absent)] if self.absent else [("provenance", str(self.provenance))]
        why = [("no hardware", self.no_hardware)] if self.no_hardware else []
        return [("target", self.entry.target), ("board", self.entry.name), *how, *why]

    def lease(
        self, say: Say = to_stderr, wait: float = LEASE_WAIT_SECONDS
    ) -> AbstractContextManager[tuple[Entry, Callable[[], None]]]:
        """Lease the board; yield its entry, and a function that raises `LeaseLost` once the lease is lost.

        Raises `BoardAbsent` if the board is absent.
        """
        if self.absent:
            raise BoardAbsent(self.absent)
        return self._leased(say, wait)

    @contextmanager
    def _leased(self, say: Say, wait: float) -> Iterator[tuple[Entry, Callable[[], None]]]:
        if self.offer is None:
            with leased(self.entry, self.provenance, say, wait):
                yield self.entry, _trust
            return
        with (
            termination_interrupts(),
            self.offer.held(wait, say) as (entry, check),
            leased(entry, self.provenance, say, wait),
        ):
            yield entry, check


def why_absent(entry: Entry) -> str | None:
    """Return the reason why a real board is absent, or None if it is here."""
    return registry.target(entry.target).absent(entry)


def any_meter(settings: Settings) -> bool:
    """Return whether a board of the boards file has a meter. Raises `BoardsFileError`."""
    path = settings.boards or boards_toml.shipped()
    of_places = boards_toml.load_lab(path).places.values()
    return any(entry.meter for entry in boards_toml.load(path)) or any("meter" in row for row in of_places)


def select_boards(
    settings: Settings,
    subnets: Collection[str] | None,
    probe: Callable[[Entry], str | None] = why_absent,
    shelf: Shelf = _ask_lab,
) -> tuple[SelectedBoard, ...]:
    """Return the boards of a run in the order of the boards file, without starting any.

    A target of --target that the boards file lacks comes last, with the default entry of its kind. With a lab
    there is one board of each kind that the lab offers, by name; the run takes a free place of the kind. With
    --boards-per-target there are so many, each a place.

    Args:
        settings: The options of the run.
        subnets: Names of the pack's subnets; None for a `.tflite` file, which no budget for a subnet is of.
        probe: Returns the reason why a real board is absent, as `why_absent` does.
        shelf: Returns what a lab offers.

    Raises:
        BoardsFileError: The boards file cannot be used, or has a budget for a subnet that the pack lacks.
        UnknownTarget: --target names no known target.
        LabError: The coordinator of the lab does not answer.
        SetupError: --boards-per-target is given without a lab.
    """
    for name in settings.target:
        registry.target(name)
    path = settings.boards or boards_toml.shipped()
    entries, lab = boards_toml.load(path), boards_toml.load_lab(path)
    coordinator = settings.lab or lab.coordinator
    if coordinator not in (None, NO_LAB):
        _check_budgets(path, map(_limits, entries), subnets)
        _check_budgets(path, lab.places.items(), subnets)
        if coordinator == TARGET_LAB:
            return (_of_guest(settings, path),)
        return _of_lab(settings, coordinator, lab, shelf(coordinator, lab.tags, path))
    if settings.boards_per_target is not None:
        remedy = "name one with --lab, or leave the option out: all boards of the boards file are benched"
        raise SetupError(f"--boards-per-target is for a lab; {remedy}")
    if settings.target:
        here = {entry.target for entry in entries}
        more = tuple(Entry(name, name) for name in dict.fromkeys(settings.target) if name not in here)
        entries = tuple(e for e in entries if e.target in settings.target) + more
    _check_budgets(path, map(_limits, entries), subnets)
    return tuple(_select(entry, settings, probe) for entry in entries)


def _limits(entry: Entry) -> tuple[str, Mapping[str, Mapping[str, float]]]:
    return entry.name, {key: getattr(entry, key) for key in LIMITS_BY_SUBNET}


def _check_budgets(
    path: Path,
    boards: Iterable[tuple[str, Mapping[str, Mapping[str, float]]]],
    subnets: Collection[str] | None,
) -> None:
    """Raise `BoardsFileError` if a board or a place has a budget for a subnet that the pack lacks."""
    if subnets is None:
        return
    for name, row in boards:
        limited = {subnet for key in LIMITS_BY_SUBNET for subnet in row.get(key, ())}
        if unknown := limited - set(subnets):
            budgets = f"{path}: board {name!r}: a budget for {', '.join(sorted(unknown))}"
            known = ", ".join(subnets)
            raise BoardsFileError(f"{budgets}, but the pack has {known}; remove or rename the budget")


def _of_lab(
    settings: Settings, coordinator: str, lab: LabTable, offered: "tuple[Offer, ...]"
) -> tuple[SelectedBoard, ...]:
    """Return a board for each kind that a lab offers, and for each target that is named but not offered.

    With --emulate no real board is used: emulated ones of the lab are, or else the emulators of this machine.
    """
    from hil.lab.listing import EMULATED, PROVENANCE
    from hil.lab.offers import none_of

    known = registry.target_names()
    offered = tuple(o for o in offered if o.target in known and (o.emulated or not settings.emulate))
    if not (wanted := settings.target or [offer.target for offer in offered]):
        emulated = {PROVENANCE: EMULATED} if settings.emulate else {}
        raise LabError(none_of(coordinator, "TARGET", {**emulated, **lab.tags}))
    boards = [board for offer in offered if offer.target in wanted for board in _of_offer(settings, offer)]
    for target in dict.fromkeys(wanted):
        if target not in {board.entry.target for board in boards}:
            if settings.emulate and registry.target(target).HAS_EMULATOR:
                boards.append(SelectedBoard(Entry(target, target), Provenance.EMULATED))
                continue
            reason = none_of(coordinator, target, lab.tags)
            boards.append(_missing(Entry(target, target), settings, f"{target}: {reason}"))
    return tuple(boards)


def _of_offer(settings: Settings, offer: "Offer") -> Iterator[SelectedBoard]:
    """Yield one board, which is any place of an offer; or as many places as --boards-per-target wants."""
    from hil.lab.offers import too_few

    wanted = settings.boards_per_target
    if wanted is None or offer.absent:
        yield _of_places(settings, offer, offer.target)
        return
    for place in offer.places[:wanted]:
        yield _of_places(settings, offer.only(place), place)
    if len(offer.places) < wanted < ALL_BOARDS:
        stand_in = Entry(offer.target, offer.target)
        yield _missing(stand_in, settings, f"{offer.target}: {too_few(offer, wanted)}")


def _of_places(settings: Settings, offer: "Offer", name: str) -> SelectedBoard:
    if offer.absent:  # what may stand in for it is an emulator of this machine
        return _missing(Entry(name, offer.target), settings, f"{name}: {offer.absent}")
    entry = Entry(name, offer.target, emulated=offer.emulated)
    provenance = Provenance.EMULATED if offer.emulated else Provenance.HARDWARE
    return SelectedBoard(entry, provenance, offer=offer)


def _of_guest(settings: Settings, file: Path) -> SelectedBoard:
    """Return the board of labgrid's `target`, which is known when its tests run."""
    from hil.lab.guest import Guest, not_yet

    if len(settings.target) != 1 or settings.boards_per_target is not None:
        alone = "--lab target benches one board; name its kind, as --target=nano33ble"
        raise SetupError(f"{alone}, without --boards-per-target")
    (target,) = settings.target
    provenance = Provenance.EMULATED if settings.emulate else Provenance.HARDWARE
    guest = Guest(target, settings.emulate, file, not_yet)
    return SelectedBoard(Entry(target, target, emulated=settings.emulate), provenance, offer=guest)


def _select(entry: Entry, settings: Settings, probe: Callable[[Entry], str | None]) -> SelectedBoard:
    target = registry.target(entry.target)
    if settings.emulate and target.HAS_EMULATOR:
        return SelectedBoard(entry, Provenance.EMULATED)
    reason = probe(entry)
    if reason is None:
        return SelectedBoard(entry, Provenance.HARDWARE)
    advice = ", or add --emulate to bench the emulated one" if target.HAS_EMULATOR else ""
    return _missing(entry, settings, f"{entry.name}: {reason}", advice)


def _missing(entry: Entry, settings: Settings, why: str, advice: str = "") -> SelectedBoard:
    """Return an absent board, which is emulated, skipped or fails, as --missing says.

    Args:
        entry: The board.
        settings: The options of the run.
        why: The board's name, and the reason why it is absent.
        advice: What to add to the reason.
    """
    target = registry.target(entry.target)
    missing = settings.missing or ("fail" if settings.target else "skip")
    if missing == "emulate" and target.HAS_EMULATOR:
        return SelectedBoard(entry, Provenance.EMULATED, no_hardware=why)
    fails = missing == "fail" or (missing == "emulate" and bool(settings.target))
    return SelectedBoard(entry, Provenance.HARDWARE, f"{why}{advice}", fails)


def summary(boards: Sequence[SelectedBoard]) -> str:
    """Return one line that lists every board with its provenance, or as absent."""
    words = (f"{c.entry.name} ({'absent' if c.absent else c.provenance})" for c in boards)
    return ", ".join(words)
