"""Resumes by user, to erase them."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make the index."""
    op.execute("create index resume_user on resume (user_id)")


def downgrade() -> None:
    """Drop it."""
    op.execute("drop index resume_user")
