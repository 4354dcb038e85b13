"""Count what an update of shipped packs sends, when their last layer alone was trained again.

    python -m tests.hil.update_bytes [PACK ...]

For developers. All weights and tables of the last layer are others, in all subnets.
"""

import sys
from pathlib import Path

from hil.boards.capacity import check_capacity
from hil.protocol.definition import Command
from hil.protocol.frame import decode
from reds.fixtures import fixtures_dir
from reds.pack.pack import load_pack
from tests.hil.support.power import update_of, with_new_head

FLASH_PAGE = 4096
LAYOUTS = {"nano33ble": frozenset({0, 1}), "desktop": frozenset({0, 2})}
"""Layouts that the agents of boards know."""


def main() -> None:
    """Print a row for each pack and board."""
    print("pack, board: bytes of it; sent, pages of flash that differ; on the line, and for a whole pack")
    for name in sys.argv[1:] or ["kws-dnn-s", "kws-ds-cnn-s"]:
        file = Path(name) if name.endswith(".reds") else fixtures_dir() / f"{name}.reds"
        model = load_pack(file).model
        for board, layouts in LAYOUTS.items():
            both = (model, with_new_head(model, 1))
            old, new = (check_capacity(board, each, layouts, 16 << 20, 8 << 20) for each in both)
            update = update_of(new, old)
            frames = [decode(raw) for raw in update.split(b"\0") if raw]
            sent = sum(len(frame.payload) - 4 for frame in frames if frame.command == Command.PUT_DATA)
            starts = range(0, len(new), FLASH_PAGE)
            pages = [old[at : at + FLASH_PAGE] != new[at : at + FLASH_PAGE] for at in starts]
            line = f"{len(update):,} of {len(update_of(new, b'')):,}"
            print(f"{name}, {board}: {len(new):,}; {sent:,}, {sum(pages)} of {len(pages)}; {line}")


if __name__ == "__main__":
    main()
