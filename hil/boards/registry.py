"""Find the targets: the modules of `hil.boards.targets`, and modules that other packages register.

Another package registers a module as an entry point under the name of its target:

    [project.entry-points."reds_hil.boards"]
    my-board = "my_package.my_board"
"""

import pkgutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, cast

from hil.boards import targets
from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.speed import UNKNOWN, Speed
from hil.errors import UnknownTarget
from reds.spelling import did_you_mean
from reds.text import printable

if TYPE_CHECKING:
    from hil.boards.serial_board import SerialBoard

GROUP = "reds_hil.boards"
"""Group of the entry points."""


class Target(Protocol):
    """Interface of a target's module.

    A module without `absent` and `device` opens a board that exists only in an emulator. These
    may be left out, too: `SPEED`, the `Speed` of its emulator; `BOARD`, a `SerialBoard` that is found on USB;
    `AGENT`, a `BareMetal`, and `MACHINE`, a `Machine`, whose programs `hil doctor` looks for.
    """

    HAS_EMULATOR: bool

    def absent(self, entry: Entry) -> str | None:
        """Return why the real board is absent, with a remedy, or None if it is present.

        This must be quick and start nothing.
        """
        ...

    def device(self, entry: Entry) -> str | None:
        """Return the identity of the real board for its lease, whatever entries call it.

        None means that it is absent, an empty text that each run has its own.
        """
        ...

    def start(self, entry: Entry, provenance: Provenance) -> AbstractContextManager[Board]:
        """Open the board with its agent answering, and close it on the way out."""
        ...


class _OnlyEmulated:
    """A target of no real board: its module, with the functions that look for one."""

    HAS_EMULATOR = True

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def absent(self, entry: Entry) -> str:
        """Return that there is none."""
        return f"no real {entry.target} is known; name another board"

    def device(self, entry: Entry) -> None:
        """Return None: it is absent."""


def target_names() -> tuple[str, ...]:
    """Return the names of all targets, sorted."""
    return tuple(sorted(_modules()))


def target(name: str) -> Target:
    """Import the module that opens boards of this target. Raises `UnknownTarget`."""
    modules = _modules()
    if name not in modules:
        raise UnknownTarget(f"there is no target {name!r}; {did_you_mean(name, sorted(modules))}")
    module = _own(name) or _registered(name, modules[name])
    return cast(Target, module if hasattr(module, "absent") else _OnlyEmulated(module))


def is_only_emulated(name: str) -> bool:
    """Return whether there is no real board of a target. Raises `UnknownTarget`."""
    return isinstance(target(name), _OnlyEmulated)


def faults() -> dict[str, str]:
    """Return what is wrong with the targets of other packages, and a remedy, by target."""
    found = {}
    for point in entry_points(group=GROUP):
        if _is_own(point.name):
            found[point.name] = f"{point.value} is not used: reds-hil has a target of this name; rename it"
            continue
        try:
            target(point.name)
        except UnknownTarget as error:
            found[point.name] = error.text
    return found


def serial_boards() -> "dict[str, SerialBoard]":
    """Return the kinds of boards that have a serial port, by target: those whose module has a `BOARD`."""
    found = {name: getattr(module, "BOARD", None) for name, module in _usable()}
    return {name: board for name, board in found.items() if board is not None}


def programs() -> dict[str, str]:
    """Return the compilers and emulators of boards without a system, each with the targets that need it."""
    needed: dict[str, list[str]] = {}
    for name, module in _usable():
        for what, program in (("AGENT", "compiler"), ("MACHINE", "qemu")):
            if hasattr(module, what):
                needed.setdefault(getattr(getattr(module, what), program), []).append(name)
    return {program: " and ".join(names) for program, names in needed.items()}


def speed(name: str) -> Speed:
    """Return the speed of a target's emulator. Raises `UnknownTarget`."""
    found: Speed = getattr(target(name), "SPEED", UNKNOWN)
    return found


def _usable() -> Iterator[tuple[str, Target]]:
    """Yield the targets without those of packages that are damaged, which `faults` names."""
    for name in target_names():
        with suppress(UnknownTarget):
            yield name, target(name)


def _is_own(name: str) -> bool:
    return any(module.name == name for module in pkgutil.iter_modules(targets.__path__))


def _own(name: str) -> ModuleType | None:
    return import_module(f"{targets.__name__}.{name}") if _is_own(name) else None


def _registered(name: str, path: str) -> ModuleType:
    """Import the module that another package registers. Raises `UnknownTarget` if it is none of a target."""
    package = f"mend or uninstall the package that registers {path}"
    try:
        module = import_module(path)
    except Exception as error:  # whatever a module of somebody else does
        why = printable(f"{type(error).__name__}: {error}")
        raise UnknownTarget(
            f"target {name!r} cannot be used: {path} does not import: {why}; {package}"
        ) from error
    if lacks := [needed for needed in ("HAS_EMULATOR", "start") if not hasattr(module, needed)]:
        raise UnknownTarget(
            f"target {name!r} cannot be used: {path} has no {' and no '.join(lacks)}; {package}"
        )
    return module


def _modules() -> dict[str, str]:
    """Name the module of each target; one of this package's own is never replaced."""
    registered = {point.name: point.value for point in entry_points(group=GROUP)}
    own = {
        module.name: f"{targets.__name__}.{module.name}" for module in pkgutil.iter_modules(targets.__path__)
    }
    return registered | {name: f"{targets.__name__}.{name}" for name in own}
