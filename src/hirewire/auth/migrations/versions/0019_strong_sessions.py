"""Whether a session began with a passkey, or with a code after the password."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Add the column."""
    op.execute("alter table session add column is_strong boolean not null default false")
    op.execute(
        "comment on column session.is_strong is "
        "'Begun with a passkey, or a code after the password'"
    )


def downgrade() -> None:
    """Drop it."""
    op.execute("alter table session drop column is_strong")
