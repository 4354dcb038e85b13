r"""Compare the instructions of an inference with LiteRT's on emulated aarch64 processors.

    mmdebstrap --mode=chrootless --variant=extract --architectures=arm64 --include=python3 bookworm root
    pip install --target site --python-version 3.11 --only-binary :all: \
        --platform manylinux_2_17_aarch64 --platform manylinux_2_27_aarch64 ai-edge-litert==2.0.3
    python -m tests.targets.litert_instructions root site

LiteRT runs in QEMU's user mode, in the Python of a folder of Debian's packages for arm64. Its 2.3.0 crashes
there. Each subnet is compared with a `.tflite` file of that subnet alone. Counts are of the whole inference,
less a call of LiteRT's Python that does nothing, on a processor with SDOT and on one without.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from reds.export import tflite
from reds.zoo import by_name
from reds.zoo.random_weights import uniform_widths, with_random_weights
from tests.random_nets.families import EVERY, Program, build
from tests.support.nets import inputs
from tests.targets.support.sources import SUPPORT

NETS = ("dnn-s", "dnn-l", "cnn-s", "ds-cnn-s", "mobilenet-0.25", "resnet8", "autoencoder")
KINDS = {"neon": "baseline", "dotprod": "SDOT"}
GETPPID = 173
"""The system call that marks, by its number on aarch64."""
MARKS, CALLS = 5, 2
"""Marks of a net, and calls that the longer parts have more than the shorter ones."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit status."""
    options = _parser().parse_args(arguments)
    if lacks := _lacks(options.root, options.site):
        print(f"litert_instructions: {lacks}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as made:
        folder, files = Path(made), list[Path]()
        for net in options.nets:
            graph = by_name(net)
            for label, widths in uniform_widths(graph).items():
                files.append(folder / f"{net}-{label}.tflite")
                files[-1].write_bytes(
                    tflite.dumps(with_random_weights("peer", graph, {"peer": widths}, 1), 0)
                )
        for kind, said in KINDS.items():
            program = build(kind, folder)
            mine = [count for net in options.nets for count in ours(program, net)]
            version, peer = theirs(kind, options.root, options.site, files, folder)
            emulator = " ".join(EVERY[kind].emulator)
            print(f"\n{said} ({emulator}), LiteRT {version}, instructions of an inference\n")
            print("| net | ours | LiteRT | ours : LiteRT |\n| --- | ---: | ---: | ---: |")
            for file, a, b in zip(files, mine, peer, strict=True):
                print(f"| {file.stem} | {a:,} | {b:,} | {a / b:.2f} |", flush=True)
    return 0


def ours(program: Program, net: str) -> list[int]:
    """Return the instructions of each subnet of a net, the smallest first."""
    model = with_random_weights(net, by_name(net))
    return [sum(layers) for layers in program.run(model, inputs(model, 1)).instructions]


def theirs(kind: str, root: Path, site: Path, files: Sequence[Path], folder: Path) -> tuple[str, list[int]]:
    """Return LiteRT's version and the instructions that it takes for each file."""
    counts, program = folder / "litert.counts", SUPPORT / "litert_invocations.py"
    plugin = f"{folder / 'instructions.so'},system_call={GETPPID},counts={counts}"
    emulator = [*EVERY[kind].emulator, "-L", str(root), "-plugin", plugin]
    done = subprocess.run(
        [*emulator, str(_python(root)), str(program), *map(str, files)],
        env={"PYTHONPATH": str(site), "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    marks = [int(line) for line in counts.read_text().split()][-MARKS * len(files) :]
    found = []
    for i in range(0, len(marks), MARKS):
        parts = [after - before for before, after in pairwise(marks[i : i + MARKS])]
        found.append((parts[3] - parts[2] - parts[1] + parts[0]) // CALLS)
    return done.stdout.strip(), found


def _python(root: Path) -> Path | None:
    return next((path for path in sorted((root / "usr/bin").glob("python3.[0-9]*"))), None)


def _lacks(root: Path, site: Path) -> str:
    """Return what is missing and how to get it; empty if nothing is."""
    lacking = [name for kind in KINDS if (name := EVERY[kind].lacks)]
    if lacking:
        return f"this machine lacks {lacking[0]}"
    if shutil.which("cc") is None:
        return "this machine lacks cc, which builds the counting plugin; install gcc"
    how = f"see the top of {Path(__file__).name}"
    if _python(root) is None:
        return f"{root} has no usr/bin/python3 of Debian's arm64; {how}"
    if not (site / "ai_edge_litert").is_dir():
        return f"{site} has no ai_edge_litert; {how}"
    return ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.targets.litert_instructions", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("root", type=Path, help="folder of Debian's packages for arm64, with Python")
    parser.add_argument("site", type=Path, help="folder with ai-edge-litert for that Python")
    parser.add_argument("--nets", nargs="+", default=NETS, help="names of the zoo")
    return parser


if __name__ == "__main__":
    sys.exit(main())
