"""Keep when a run was accepted as a baseline; empty for one that was not."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; runs of before were not accepted."""
    op.add_column("runs", sa.Column("accepted", sa.Text, nullable=False, server_default=""))
