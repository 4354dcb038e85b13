"""Define the tables of the store, the same in SQLite and in PostgreSQL.

`migrations/` makes them; a test holds the two together. Ids of runs sort by their time, so an index that ends
in the id of the run serves "the newest".
"""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

VERSIONS = ("0001", "0002", "0003")
"""Versions of the schema: the names of the migrations, the oldest first."""
VERSION = VERSIONS[-1]
metadata = MetaData()

packs = Table(
    "packs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("shape", Text, nullable=False),
    Column("card", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True),  # of all others: an index holds no whole card
)

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("started", Text, nullable=False),
    Column("ended", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("commit", Text, nullable=False),
    Column("dirty", Boolean, nullable=False),
    Column("command", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("provenances", Text, nullable=False),
    Column("pack_id", ForeignKey("packs.id"), nullable=True),
    Column("accepted", Text, nullable=False, server_default=""),
)

boards = Table(
    "boards",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("target", Text, nullable=False),
    Column("board", Text, nullable=False),
    Column("provenance", Text, nullable=False),
    Column("serial", Text, nullable=False),
    Column("emulator", Text, nullable=False),
    Column("build", Text, nullable=False),
    Column("key", Text, nullable=False),
    UniqueConstraint("target", "board", "provenance", "serial", "emulator", "build", name="boards_once"),
    Index("boards_by_key", "target", "provenance", "key"),
)

tests = Table(
    "tests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("test", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("why", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("board", Text, nullable=False),
    Column("provenance", Text, nullable=False),
    UniqueConstraint("run_id", "test", name="tests_once"),
)

measurements = Table(
    "measurements",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("board_id", ForeignKey("boards.id"), nullable=False),
    Column("pack", Text, nullable=False),
    Column("pack_sha256", Text, nullable=False),
    Column("pack_shape", Text, nullable=False),
    Column("subnet", Text, nullable=False),
    Column("metric", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("value", Float, nullable=False),
    Column("low", Float, nullable=True),
    Column("high", Float, nullable=True),
    Column("samples", LargeBinary, nullable=False),
    Column("conditions", LargeBinary, nullable=True),
    Index("measurements_of_run", "run_id"),
    Index("measurements_by_figure", "board_id", "pack_shape", "subnet", "metric", "unit", "run_id"),
)

limits = Table(
    "limits",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("target", Text, nullable=False),
    Column("board", Text, nullable=False),
    Column("provenance", Text, nullable=False),
    Column("subnet", Text, nullable=False),
    Column("metric", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("value", Float, nullable=False),
    Column("least", Boolean, nullable=False),
    Column("kept", Boolean, nullable=False),
    UniqueConstraint(
        "run_id", "target", "board", "provenance", "subnet", "metric", "unit", name="limits_once"
    ),
)
