"""When the database was restored from a backup."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the column."""
    op.execute("alter table beginning add column restored_at timestamptz")
    op.execute(
        "comment on column beginning.restored_at is "
        "'About repaired events that were recorded before, nothing is sent'"
    )


def downgrade() -> None:
    """Drop it."""
    op.execute("alter table beginning drop column restored_at")
