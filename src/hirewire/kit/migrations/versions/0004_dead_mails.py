"""Finds dead mails without reading the rows of all mails that were sent."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the index."""
    op.execute("create index mail_dead on kit.mail (created_at) where state = 'dead'")


def downgrade() -> None:
    """Drop it."""
    op.execute("drop index kit.mail_dead")
