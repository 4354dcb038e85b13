"""Make the tables of runs, packs, boards, tests and measurements."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "packs",
        sa.Column("id", sa.Integer, primary_key=True),
        *_texts("name", "sha256", "shape", "card"),
        sa.Column("digest", sa.Text, nullable=False, unique=True),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Text, primary_key=True),
        *_texts("started", "ended", "status", "host", "tool", "commit"),
        sa.Column("dirty", sa.Boolean, nullable=False),
        *_texts("command", "settings", "provenances"),
        sa.Column("pack_id", sa.Integer, sa.ForeignKey("packs.id"), nullable=True),
    )
    op.create_table(
        "boards",
        sa.Column("id", sa.Integer, primary_key=True),
        *_texts("target", "board", "provenance", "serial", "emulator", "build", "key"),
        sa.UniqueConstraint(
            "target", "board", "provenance", "serial", "emulator", "build", name="boards_once"
        ),
    )
    op.create_index("boards_by_key", "boards", ["target", "provenance", "key"])
    op.create_table(
        "tests",
        sa.Column("id", sa.Integer, primary_key=True),
        _run(),
        *_texts("test", "outcome"),
        sa.Column("seconds", sa.Float, nullable=False),
        *_texts("why", "target", "board", "provenance"),
        sa.UniqueConstraint("run_id", "test", name="tests_once"),
    )
    op.create_table(
        "measurements",
        sa.Column("id", sa.Integer, primary_key=True),
        _run(),
        sa.Column("board_id", sa.Integer, sa.ForeignKey("boards.id"), nullable=False),
        *_texts("pack", "pack_sha256", "pack_shape", "subnet", "metric", "unit"),
        sa.Column("value", sa.Float, nullable=False),
        sa.Column("low", sa.Float, nullable=True),
        sa.Column("high", sa.Float, nullable=True),
        sa.Column("samples", sa.LargeBinary, nullable=False),
        sa.Column("conditions", sa.LargeBinary, nullable=True),
    )
    op.create_index("measurements_of_run", "measurements", ["run_id"])
    figure = ["board_id", "pack_shape", "subnet", "metric", "unit", "run_id"]
    op.create_index("measurements_by_figure", "measurements", figure)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _run() -> sa.Column[str]:
    return sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False)
