"""Requests for a new password that were answered, and whose mail is to be queued."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """
        create table link_to_send (
            id uuid primary key,
            request bytea not null,
            at timestamptz not null
        )
        """
    )
    op.execute("create index link_to_send_at on link_to_send (at)")
    op.execute(
        "comment on column link_to_send.request is "
        "'The address as asked for and the language, encrypted'"
    )


def downgrade() -> None:
    """Drop the table."""
    op.execute("drop table link_to_send")
