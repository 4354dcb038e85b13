"""Compile all sources for all processors: `python -m tests.targets.compilers`.

gcc and clang, four levels of the optimizer, warnings as errors. Builds for size and at link time are run too:
every subnet of many nets is compared with the interpreter. It takes minutes; a test checks a part of it.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from reds import pack
from reds.pack import interpreter
from reds.pack.layouts import CANONICAL, LAYOUTS
from reds.pack.model import Model
from tests.support.nets import inputs
from tests.targets.support import bare
from tests.targets.support.cross import Cross
from tests.targets.support.machines import MACHINES, Machine
from tests.targets.support.models import shapes, stored
from tests.targets.support.sources import CORTEX_M4, RUNTIME, SUPPORT, WARNINGS, X86_LAYOUT

COMPILERS = ("gcc", "clang")
LEVELS = (("-O3",), ("-O2",), ("-Os",), ("-O3", "-flto"))
SMALL = (("-Os",), ("-Os", "-flto"))


def failure(machine: Machine, compiler: str, flags: Sequence[str], folder: Path, files: str = "") -> str:
    """Return what a compiler says of the sources, or an empty string if it compiles them.

    Args:
        machine: What to compile for.
        compiler: `gcc` or `clang`.
        flags: Further flags. With `-fsyntax-only` no code is generated.
        folder: Receives the objects.
        files: Suffix of the files to compile; all of them if empty.
    """
    sources = [str(file) for file in machine.sources() if file.name.endswith(files)]
    command = [*machine.command(compiler), *flags, "-c", *sources]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stderr


def built_small(folder: Path, compiler: str, flags: Sequence[str]) -> Path:
    """Return a program of this machine that runs packs, compiled for size."""
    program = folder / f"run_pack-{compiler}{''.join(flags)}"
    files = [str(file) for file in (SUPPORT / "run_pack.c", *RUNTIME)]
    subprocess.run([compiler, *WARNINGS, *flags, *files, "-o", str(program)], check=True)
    return program


def differing(program: Path, models: Sequence[Model], folder: Path) -> Iterator[str]:
    """Yield the models whose outputs differ from the interpreter's in a program of this machine."""
    file = folder / "net.reds"
    for model in models:
        x = inputs(model, 2)
        expected = b"".join(interpreter.run(model, s, x).tobytes() for s in range(len(model.subnets)))
        for layout in (CANONICAL, LAYOUTS[X86_LAYOUT]):
            file.write_bytes(stored(model, layout))
            command = [str(program), str(file)]
            done = subprocess.run(command, input=x.tobytes(), capture_output=True, check=False)
            if done.stdout != expected:
                yield f"{model.name} in layout {layout.name}"


def differing_on(program: bare.Bare, models: Sequence[Model], folder: Path) -> Iterator[str]:
    """Yield the models whose outputs differ from the interpreter's on a processor without a system."""
    file = folder / "net.reds"
    for model in models:
        x = inputs(model, 2)
        file.write_bytes(pack.dumps(model))
        expected = b"".join(interpreter.run(model, s, x).tobytes() for s in range(len(model.subnets)))
        if program.run(file, x.tobytes()).output != expected:
            yield model.name


def differing_on_m4(cross: Cross, flags: Sequence[str], models: Sequence[Model]) -> Iterator[str]:
    """Yield the models whose outputs differ on a processor with Linux and the instructions of a Cortex-M4."""
    program = cross.program("run_pack.c", flags=["-mcpu=cortex-a7", "-mfpu=vfpv4", "-mthumb", *flags])
    file = cross.folder / "net.reds"
    for model in models:
        x = inputs(model, 2)
        file.write_bytes(stored(model, LAYOUTS[4]))
        expected = b"".join(interpreter.run(model, s, x).tobytes() for s in range(len(model.subnets)))
        if cross.run(program, "cortex-a7", str(file), stdin=x.tobytes()).stdout != expected:
            yield model.name


def faults(folder: Path) -> Iterator[str]:
    """Yield a line for each build, and what is wrong with it."""
    for name, machine in MACHINES.items():
        for compiler in COMPILERS:
            for flags in LEVELS:
                said = failure(machine, compiler, flags, folder)
                yield f"{name}, {compiler} {' '.join(flags)}: {said or 'ok'}"
    models = shapes()
    for flags in SMALL:
        for compiler in COMPILERS:
            if "-flto" in flags and compiler == "clang":
                continue  # Debian's clang links at link time with a linker of its own
            different = ", ".join(differing(built_small(folder, compiler, flags), models, folder))
            yield f"this machine, {compiler} {' '.join(flags)}, run: {different or 'ok'}"
        cross = Cross("arm-linux-gnueabihf-gcc", "qemu-arm", tuple(CORTEX_M4), folder / "".join(flags))
        cross.folder.mkdir()
        different = ", ".join(differing_on_m4(cross, flags, models))
        yield f"cortex-m4, gcc {' '.join(flags)}, run: {different or 'ok'}"
        for name, core in bare.CORES.items():
            program = bare.build(folder / f"{name}{''.join(flags)}", core, *flags)
            different = ", ".join(differing_on(program, models, folder))
            yield f"{name}, gcc {' '.join(flags)}, run: {different or 'ok'}"


def main() -> int:
    """Print all builds, and return whether one is wrong."""
    wrong = 0
    with TemporaryDirectory() as folder:
        for line in faults(Path(folder)):
            wrong += not line.endswith(": ok")
            print(line, flush=True)
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
