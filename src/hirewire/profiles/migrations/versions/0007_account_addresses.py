"""Since when an account has its address, so that an older event does not bring an old one back."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column."""
    op.execute("alter table profile add column account_email_at timestamptz")
    op.execute(
        "comment on column profile.account_email_at is "
        "'When it changed to this address; null: the one of the registration'"
    )


def downgrade() -> None:
    """Drop it."""
    op.execute("alter table profile drop column account_email_at")
