"""The security log."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """
        create table security_event (
            id uuid primary key,
            user_id uuid references user_account (id) on delete cascade,
            what text not null,
            at timestamptz not null,
            device text,
            network text
        )
        """
    )
    op.execute("create index security_event_user on security_event (user_id, at, id)")
    op.execute("create index security_event_at on security_event (at)")
    op.execute(
        "comment on column security_event.user_id is "
        "'Null: an address without an account was tried; deleted within an hour'"
    )
    op.execute("comment on column security_event.device is 'Browser and system'")
    op.execute("comment on column security_event.network is 'IPv4 /24 or IPv6 /48'")


def downgrade() -> None:
    """Drop the table."""
    op.execute("drop table security_event")
