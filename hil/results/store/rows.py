"""Turn runs, boards, tests and measurements into rows of the store's tables, and back."""

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from struct import pack, unpack
from typing import Any

from hil.results.limit import Limit
from hil.results.measurement import Measurement, measurement_of
from hil.results.run import BoardIdentity, PackFacts, Run, TestOutcome

Row = Mapping[str, Any]
BOARD = tuple(BoardIdentity.__dataclass_fields__)
"""Columns that tell boards apart."""
_DOUBLE = 8
"""Bytes of a sample."""


def samples_to_bytes(samples: Sequence[float]) -> bytes:
    """Return samples as compressed little-endian doubles, the same in every database."""
    return zlib.compress(pack(f"<{len(samples)}d", *samples))


def samples_from_bytes(data: bytes) -> tuple[float, ...]:
    """Return the samples that `samples_to_bytes` packed."""
    raw = zlib.decompress(data)
    return unpack(f"<{len(raw) // _DOUBLE}d", raw)


def run_row(run: Run, pack_id: int | None) -> dict[str, Any]:
    """Return the row of a run, whose pack has the row `pack_id`."""
    row = asdict(run)
    del row["pack"]
    texts = {"settings": json.dumps(row["settings"]), "provenances": ",".join(run.provenances)}
    return {**row, **texts, "pack_id": pack_id}


def run_from(row: Row) -> Run:
    """Return the run of a row that is joined with its pack."""
    facts = {key: row[f"packs_{key}"] for key in ("name", "sha256", "shape", "card")}
    pack_facts = None if row["pack_id"] is None else PackFacts(**facts)
    own = {key: row[key] for key in Run.__dataclass_fields__ if key != "pack"}
    kept = {
        "settings": json.loads(row["settings"]),
        "provenances": tuple(filter(None, row["provenances"].split(","))),
    }
    return Run(**{**own, **kept, "pack": pack_facts})


def pack_row(facts: PackFacts) -> dict[str, Any]:
    """Return the row of a pack. `digest` is the same for equal packs with equal cards."""
    row = asdict(facts)
    return {**row, "digest": hashlib.sha256(json.dumps(row).encode()).hexdigest()}


def board_row(board: BoardIdentity) -> dict[str, Any]:
    """Return the row of a board."""
    return {**asdict(board), "key": board.key}


def board_from(row: Row) -> BoardIdentity:
    """Return the board of a row."""
    return BoardIdentity(**{key: row[key] for key in BOARD})


def test_row(run_id: str, test: TestOutcome) -> dict[str, Any]:
    """Return the row of a test of a run."""
    return {**asdict(test), "run_id": run_id}


def test_from(row: Row) -> TestOutcome:
    """Return the test of a row."""
    return TestOutcome(**{key: row[key] for key in TestOutcome.__dataclass_fields__})


def limit_row(run_id: str, limit: Limit) -> dict[str, Any]:
    """Return the row of a limit that a run was held to."""
    return {**asdict(limit), "value": float(limit.value), "run_id": run_id}


def limit_from(row: Row) -> Limit:
    """Return the limit of a row."""
    return Limit(**{key: row[key] for key in Limit.__dataclass_fields__})


def measurement_row(run_id: str, board_id: int, measurement: Measurement) -> dict[str, Any]:
    """Return the row of a measurement.

    Args:
        run_id: Id of its run.
        board_id: Id of the row of its board.
        measurement: The measurement.
    """
    row = asdict(measurement)
    seen = row.pop("conditions")
    for key in ("target", "board", "provenance"):
        del row[key]
    packed = {
        "value": float(measurement.value),  # no database takes whole numbers of any size
        "samples": samples_to_bytes(measurement.samples),
        "conditions": zlib.compress(json.dumps(seen).encode()) if seen else None,
    }
    return {**row, **packed, "run_id": run_id, "board_id": board_id}


def measurement_from(row: Row) -> Measurement:
    """Return the measurement of a row that is joined with its board."""
    own = {key: row[key] for key in Measurement.__dataclass_fields__}
    seen = row["conditions"]
    packed = {
        "samples": samples_from_bytes(row["samples"]),
        "conditions": json.loads(zlib.decompress(seen)) if seen else None,
    }
    return measurement_of({**own, **packed})
