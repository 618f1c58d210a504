"""When each signing key was published last."""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add the column; null: by an older version."""
    op.execute("alter table signing_key add column announced_at timestamptz")
    op.execute("comment on column signing_key.announced_at is 'When it was published last'")


def downgrade() -> None:
    """Drop it."""
    op.execute("alter table signing_key drop column announced_at")
