"""The vacancies that saved searches have found, and the notices that count them."""

from alembic import op

revision = "0010"
down_revision = "0009"

FOUND = """
create table found_vacancy (
    search_id uuid,
    vacancy_id uuid,
    user_id uuid not null references person on delete cascade,
    notice_id uuid references notice on delete set null,
    position bigint not null,
    mails integer not null default 0,
    at timestamptz not null,
    primary key (search_id, vacancy_id)
)
"""
INDEXES = (
    "user on found_vacancy (user_id)",
    "notice on found_vacancy (notice_id)",
    "at on found_vacancy (at)",
)
EVENT = "add constraint notice_event unique"


def upgrade() -> None:
    """Create the table. One event may make a notice for each of a person's searches."""
    op.execute("alter table notice drop constraint notice_event")
    op.execute(f"alter table notice {EVENT} nulls not distinct (event_id, user_id, kind, about_id)")
    op.execute(FOUND)
    for index in INDEXES:
        op.execute(f"create index found_vacancy_{index}")
    op.execute("comment on column found_vacancy.notice_id is 'Null: taken back'")
    op.execute("comment on column found_vacancy.mails is 'How many mails the notice was in before'")
    op.execute(
        "comment on column found_vacancy.position is 'Of the last event in those of the person'"
    )


def downgrade() -> None:
    """Drop it."""
    op.execute("drop table found_vacancy")
    op.execute("delete from notice where kind = 'saved_search'")
    op.execute("alter table notice drop constraint notice_event")
    op.execute(f"alter table notice {EVENT} (event_id, user_id, kind)")
