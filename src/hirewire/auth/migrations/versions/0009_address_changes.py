"""Addresses that users want to change to, until they are confirmed."""

from alembic import op

revision = "0009"
down_revision = "0008"

SENT = "The key of the address it was sent to"
NOW = "The key of the user''s address at that time"


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """
        create table address_change (
            user_id uuid primary key references user_account (id) on delete cascade,
            email text not null,
            email_key text not null,
            expires_at timestamptz not null
        )
        """
    )
    op.execute("create index address_change_expires_at on address_change (expires_at)")
    op.execute(f"comment on column one_time_secret.address_key is '{NOW}'")


def downgrade() -> None:
    """Drop it."""
    op.execute("drop table address_change")
    op.execute(f"comment on column one_time_secret.address_key is '{SENT}'")
