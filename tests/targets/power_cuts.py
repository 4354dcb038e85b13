"""Cut the power at every flash operation of updates, and count which pack answers after each.

    python -m tests.targets.power_cuts [STATES]

For developers: each operation is cut in so many states. `tests.hil.power_cuts` cuts the emulated Nano.
"""

import subprocess
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hil.protocol.definition import (
    HELLO_REQUEST,
    INFER,
    OFFSET,
    PAGES,
    PUT_BEGIN,
    PUT_COPY,
    SELECT,
    VERSION,
    Command,
)
from hil.protocol.frame import Frame, encode
from reds import pack
from tests.support.nets import dense_model, inputs
from tests.targets.support.compilation import Compiler

PAGE = 64
SLOT = 4096 // 2 - 20
SEED = 20_311_13349
OLD, NEW, OLDER = (pack.dumps(dense_model([12, 8, 4], [[4, 4], [8, 4]], seed)) for seed in (1, 2, 3))
LARGE = pack.dumps(dense_model([12, 60, 16, 4], [[60, 16, 4]], 4))
X = inputs(dense_model([12, 8, 4], [[4, 4], [8, 4]], 1), 2).tobytes()


def frames(*requests: tuple[Command, bytes]) -> bytes:
    return b"\0" + b"".join(encode(Frame(command, 1, payload)) for command, payload in requests)


def put(data: bytes, loaded: bytes = b"") -> bytes:
    """Return the requests that store a pack, and copy the pages that the loaded one has too."""
    requests = [(Command.PUT_BEGIN, PUT_BEGIN.pack(len(data), zlib.crc32(data)))]
    for at in range(0, len(data), PAGE):
        piece = data[at : at + PAGE]
        if piece == loaded[at : at + PAGE]:
            requests.append((Command.PUT_COPY, PUT_COPY.pack(at, len(piece))))
        else:
            requests.append((Command.PUT_DATA, OFFSET.pack(at) + piece))
    return frames(*requests, (Command.PUT_END, b""))


ASK = frames(
    (Command.HELLO, HELLO_REQUEST.pack(VERSION)),
    (Command.PAGES, PAGES.pack(0)),
    (Command.INPUTS, OFFSET.pack(0) + X),
    (Command.INFER, INFER.pack(2)),
    (Command.SELECT, SELECT.pack(1)),
    (Command.INFER, INFER.pack(2)),
)


@dataclass(frozen=True)
class Update:
    """Packs that were stored one after the other, and the new one; `safe` if the last of them must stay."""

    before: Sequence[bytes]
    new: bytes
    safe: bool


UPDATES = {
    "the first pack": Update([], NEW, False),
    "from the first slot": Update([OLD], NEW, True),
    "from the second slot": Update([OLDER, OLD], NEW, True),
    "over a large pack": Update([OLDER, OLD, LARGE], NEW, False),
    "a large pack, from the first slot": Update([OLD, OLDER, OLD], LARGE, False),
    "a large pack, from the second slot": Update([OLDER, OLD], LARGE, False),
}


def count(compiler: Compiler, folder: Path, update: Update, states: int) -> dict[str, int]:
    """Return the operations of an update, the cuts, and how often which pack answered."""
    loaded = update.before[-1] if update.safe else b""
    streams = [b"".join(map(put, update.before)), put(update.new, loaded), ASK]
    files = [folder / part for part in ("before", "update", "ask")]
    for file, stream in zip(files, streams, strict=True):
        file.write_bytes(stream)
    program = compiler.program("power.c", agent=True)
    command = [str(program), str(SEED), str(states), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return {what: int(n) for what, n in map(str.split, done.stdout.splitlines())}


def main() -> None:
    """Print the counts of each kind of update."""
    states = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    with TemporaryDirectory() as folder:
        for name, update in UPDATES.items():
            print(f"{name}: {count(Compiler(Path(folder)), Path(folder), update, states)}", flush=True)


if __name__ == "__main__":
    main()
