"""When a user has shown that they read mails to their address."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column."""
    op.execute("alter table user_account add column email_verified_at timestamptz")


def downgrade() -> None:
    """Drop it."""
    op.execute("alter table user_account drop column email_verified_at")
