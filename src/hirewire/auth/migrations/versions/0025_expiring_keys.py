"""When a company was mailed that its API key expires soon."""

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add the column."""
    op.execute("alter table api_key_secret add column warned_at timestamptz")
    op.execute(
        "comment on column api_key_secret.warned_at is 'When mails said that it expires soon'"
    )


def downgrade() -> None:
    """Drop it."""
    op.execute("alter table api_key_secret drop column warned_at")
