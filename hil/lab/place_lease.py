"""Lease a place of a lab: reserve, acquire, show that the run lives, and give back in every ending.

An ending by an error or a signal leaves the `with` block. After a kill the guard of this process gives back.
If the guard is killed too, the next run that waits for the place does.
"""

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hil.errors import BoardAbsent, BoardBusy, LabError, LeaseLost
from hil.lab import listing, owner
from hil.lab.client import Client
from hil.lab.give_back import release
from hil.lab.listing import NAME, Place, Resource
from hil.lab.reclaim import Watch
from hil.lab.reserving import ALIVE, Reserving
from hil.lifetime.last_command import LastCommand
from hil.transports.deadline import Deadline
from reds.text import printable

LOOK_SECONDS = 3.0
"""Seconds between two looks at who has the places that a run waits for."""
_GRACE_SECONDS = 2.0
"""Seconds in which a free place is allocated, granted to a run that does not wait."""
_UNSERVED = ("no matching remote resource", "Failed to acquire resources")
_TAKEN = ("already acquired", "was not reserved for", "matches nothing", "matches multiple", "does not exist")
Say = Callable[[str], None]
Held = tuple[Place, tuple[Resource, ...]]


@dataclass(frozen=True)
class HeldPlace:
    """A place that this run has, with its resources."""

    place: Place
    resources: tuple[Resource, ...]
    _alive: Reserving

    @property
    def is_known(self) -> bool:
        """Return whether the lab still knows that this run has the place."""
        return self._alive.asking

    def check(self) -> None:
        """Raise `LeaseLost` if the lab no longer knows that this run has the place."""
        if not self.is_known:
            lost = f"its lease of place {self.place.name} is lost: {self._alive.error().observation}"
            raise LeaseLost(f"{lost}; see that labgrid-coordinator and its network are up, then run again")


@contextmanager
def held(
    coordinator: str,
    board: str,
    tags: Mapping[str, str],
    seconds: float,
    say: Say,
    emulated: bool = False,
    first: str = "",
) -> Iterator[HeldPlace]:
    """Hold a place with these tags.

    Args:
        coordinator: Address of the coordinator.
        board: Name of the board, for errors.
        tags: Tags that the place must have.
        seconds: How long to wait for a place that others use.
        say: Called once with the owner, if no place is free.
        emulated: Whether the board of the place must be an emulated one.
        first: Name of a place that is tried before others are asked for, which saves calls.

    Raises:
        BoardBusy: No place was free in time.
        BoardAbsent: No exporter serves a place.
        LabError: The coordinator does not answer, or refuses.
    """
    client = Client(coordinator, owner.new())
    client.command()  # the program is there
    with _guarded(client), ExitStack() as stack:
        alive = Reserving(client, {ALIVE: client.owner.lease})
        stack.push(_telling(say, board, alive.__exit__))
        seeker = _Seeker(client, board, tags, emulated, Deadline.after(seconds), say)
        place, resources = (first and seeker.tried(first, stack)) or seeker.acquired(stack)
        alive.token  # noqa: B018  # from here on others see that this run lives
        yield HeldPlace(place, resources, alive)


@contextmanager
def _guarded(client: Client) -> Iterator[None]:
    """Let the guard give back what the block has in the lab, if this process ends within the block."""
    program = [sys.executable, "-m", "hil.lab.give_back", client.coordinator, str(client.owner)]
    last = LastCommand(program, {"PYTHONPATH": str(Path(__file__).parents[2])})
    try:
        yield
    except LabError:
        raise  # a call without an answer may have acquired a place: it is left to the guard
    except Exception:
        last.forget()
        raise
    last.forget()  # not after an interrupt: what it cut short is left to the guard


def _telling(say: Say, board: str, give_back: Callable[..., None]) -> Callable[..., None]:
    """Return a function that gives back, and only says so if the lab does not answer: the run is over."""

    def tell(*error: object) -> None:
        try:
            give_back(*error)
        except LabError as gone:
            say(f"{board}: {gone.observation}, so nothing was given back there; the next run does that")

    return tell


@dataclass
class _Seeker:
    """The search for a place that is free and will do."""

    client: Client
    board: str
    tags: Mapping[str, str]
    emulated: bool
    deadline: Deadline
    say: Say
    useless: dict[str, str] = field(default_factory=dict)
    """Why places that were allocated will not do."""

    def acquired(self, giving_back: ExitStack) -> Held:
        """Wait for a place, and return it with its resources; it is given back with the stack.

        A place that will not do stays reserved until another one is found, so that the coordinator does not
        allocate it again.
        """
        with ExitStack() as reservations:
            while True:
                reserving = Reserving(self.client, self.tags)
                reservations.push(_telling(self.say, self.board, reserving.__exit__))
                self._wait(reserving)
                if held := self.tried(f"+{reserving.token}", giving_back):
                    return held

    def tried(self, pattern: str, giving_back: ExitStack) -> Held | None:
        """Acquire a place; return None if somebody else has it, or if it will not do.

        Args:
            pattern: Name of a place, or `+` and the token of a reservation.
            giving_back: Gives the place back.
        """
        try:
            said = self.client.call("-p", pattern, "acquire")
        except LabError as error:
            if any(text in error.said for text in _UNSERVED):
                tokens = {r.token: r.place for r in listing.reservations(self.client)}
                name = tokens.get(pattern[1:], pattern)
                self.useless[name] = f"is not served: {printable(error.said)}; start its exporter"
            elif not any(text in error.said for text in _TAKEN):
                raise
            return None
        name = said.rpartition("acquired place ")[2].strip()
        owner_text = str(self.client.owner)
        give_back = _telling(self.say, self.board, lambda *_: release(self.client, name, owner_text))
        with ExitStack() as here:
            here.push(give_back)
            place, resources = listing.shown(self.client, name)
            if self._wanted(place) and place.is_emulated == self.emulated:
                giving_back.push(here.pop_all().__exit__)
                return place, resources
        self.useless[name] = (
            "is no emulated board" if self.emulated else "is emulated; only --emulate benches it"
        )
        return None

    def _wait(self, reserving: Reserving) -> None:
        """Wait until a place is allocated; meanwhile take places back from the dead."""
        if reserving.token and reserving.allocated(_GRACE_SECONDS):
            return
        watch, told = Watch(self.client), False
        while True:
            busy = watch.reclaim(self._wanted)
            if not busy and self.useless:
                raise BoardAbsent(self._unfit(), board=self.board)
            uses = f"{', '.join(f'{p.name} is in use by {owner.described(p.owner)}' for p in busy)}"
            uses = printable(uses or "no place is free")
            if not told and busy:
                self.say(f"{self.board}: {uses}; waiting up to {self.deadline.span:g} s")
                told = True
            if reserving.allocated(min(LOOK_SECONDS, self.deadline.left + _GRACE_SECONDS)):
                return
            if self.deadline.passed:
                self._give_up(busy, uses)

    def _wanted(self, place: Place) -> bool:
        return self.tags.items() <= {**place.tags, NAME: place.name}.items()

    def _unfit(self) -> str:
        return ", and ".join(f"place {name} {why}" for name, why in self.useless.items())

    def _give_up(self, busy: tuple[Place, ...], uses: str) -> None:
        lab = shlex.quote(self.client.coordinator)
        waited = f"{uses}, and none was free within {self.deadline.span:g} s"
        if busy:
            who = busy[0].owner
            remedy = f"end that run (hil release {shlex.quote(busy[0].name)} --lab {lab})"
        else:
            who = "nobody"
            remedy = f"see for whom they are reserved (labgrid-client -x {lab} reservations)"
        raise BoardBusy(f"{waited}; {remedy}, or wait longer with --lease-wait", owner=who, board=self.board)
