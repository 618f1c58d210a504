"""Unread messages about one application are one notice, and unread notices are found quickly."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table of counted messages. Notices from before stay one for each message."""
    op.execute("""
        create table counted_message (
            event_id uuid,
            user_id uuid references person on delete cascade,
            at timestamptz not null,
            primary key (event_id, user_id)
        )
    """)
    op.execute("create index counted_message_user on counted_message (user_id)")
    op.execute("create index counted_message_at on counted_message (at)")
    op.execute("""
        insert into counted_message
        select event_id, user_id, at from notice where kind = 'message'
    """)
    op.execute(
        "create index notice_unread on notice (user_id, id) "
        "where read_at is null and withdrawn_at is null"
    )
    op.execute("comment on column notice.about_id is 'What matches and messages are grouped by'")
    op.execute("comment on column notice.event_id is 'Of several events, the first'")


def downgrade() -> None:
    """Drop the table and the index."""
    op.execute("drop table counted_message")
    op.execute("drop index notice_unread")
    op.execute("comment on column notice.about_id is 'What matches are grouped by'")
    op.execute("comment on column notice.event_id is 'Of several matches, the first'")
