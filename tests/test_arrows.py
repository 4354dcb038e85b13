"""Imports run one way: from a room of a package down to the rooms below it, and never round.

Every import counts: at the top of a module, inside a function, and for type checking alone. A reader follows
all three, so each of them couples the two rooms.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS: Mapping[str, Sequence[str]] = {
    "reds": (
        "text",
        "reading",
        "errors",
        "files",
        "fixtures",
        "spelling",
        "strict_tables",
        "rules",
        "tables",
        "torchrun",
        "console",
        "commands",
        "pack",
        "graph",
        "zoo",
        "elastic",
        "nesting",
        "data",
        "quantization",
        "training",
        "export",
        "experiment",
        "cli",
        "__main__",
    ),
    "hil": (
        "errors",
        "options",
        "lifetime",
        "cache",
        "transports",
        "protocol",
        "firmware",
        "emulators",
        "results",
        "energy",
        "boards",
        "load",
        "replay",
        "report",
        "lab",
        "xdist",
        "kernels",
        "suite",
        "plugin",
        "doctor",
        "cli",
    ),
}
"""The rooms of each package, each a module or a folder, from the bottom up."""
ABOVE = {"reds": ("hil", "tests"), "hil": ("tests",)}
"""Packages that a package never imports."""


def sources(package: str) -> Iterator[tuple[str, Path]]:
    """Name each module of the package, with its file."""
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(path: Path, modules: Mapping[str, Path]) -> set[str]:
    """Name what a file imports: a module of `modules` where it is one, else as it is written."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, f"{path}:{node.lineno}: a relative import; name the module"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in modules else node.module for name in inner}
    return found


def arrows(package: str) -> dict[str, set[str]]:
    """Map each module of the package to those of the package that it imports."""
    modules = dict(sources(package))
    return {name: (imports(path, modules) & modules.keys()) - {name} for name, path in modules.items()}


def room(module: str) -> str:
    """Return the room that a module lies in; for the package's own `__init__`, its name."""
    return module.split(".")[min(1, module.count("."))]


@pytest.mark.parametrize("package", ROOMS)
def test_imports_run_down_from_room_to_room(package: str) -> None:
    rank = {name: place for place, name in enumerate((*ROOMS[package], package))}
    up = [
        f"{module} -> {imported}"
        for module, all_imported in arrows(package).items()
        for imported in sorted(all_imported)
        if rank[room(imported)] > rank[room(module)]
    ]
    assert not up, "these imports run up: move what is shared down, or hand it in"


@pytest.mark.parametrize("package", ROOMS)
def test_no_modules_import_each_other_in_a_circle(package: str) -> None:
    try:
        TopologicalSorter(arrows(package)).prepare()
    except CycleError as error:
        pytest.fail(f"circle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("package", ROOMS)
def test_every_folder_and_module_has_its_place_among_the_rooms(package: str) -> None:
    there = {room(module) for module, _ in sources(package)} - {package}
    assert there == set(ROOMS[package])


@pytest.mark.parametrize("package", ABOVE)
def test_a_package_imports_none_of_those_above_it(package: str) -> None:
    for _, path in sources(package):
        tops = {name.partition(".")[0] for name in imports(path, {})}
        assert not tops & set(ABOVE[package]), path


@pytest.mark.parametrize("folder", ["hil", "reds", "support", "targets"])
def test_no_test_imports_another_module_of_tests(folder: str) -> None:
    """Helpers live in `support`, so that a test can be read, moved and removed alone."""
    modules = dict(sources("tests"))
    found = {
        f"{name} -> {imported}"
        for name, path in sources(f"tests/{folder}")
        for imported in imports(path, modules) & modules.keys()
        if imported.rpartition(".")[2].startswith(("test_", "conftest"))
    }
    assert not found, "move what these share to a module of support"
