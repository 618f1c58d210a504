"""The addresses at which calendars read the interviews of a person."""

from alembic import op

revision = "0019"
down_revision = "0018"

FEED = """
create table calendar_feed (
    user_id uuid primary key,
    mark bytea not null unique,
    secret bytea not null,
    language text not null,
    created_at timestamptz not null,
    reads integer not null,
    hour_at timestamptz not null
)
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(FEED)


def downgrade() -> None:
    """Drop it."""
    op.execute("drop table calendar_feed")
