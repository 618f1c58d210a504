"""Alerts of saved searches, and which vacancies each has met."""

from alembic import op

revision = "0021"
down_revision = "0020"

SEARCH = """
alter table saved_search
    add alerts_since timestamptz,
    add changed xid8 not null default pg_current_xact_id()
"""
TRIGGER = """
create trigger saved_search_changed before update of query, alerts_since on saved_search
for each row execute function note_change()
"""
MATCH = """
create table search_match (
    saved_search_id uuid references saved_search (id) on delete cascade,
    vacancy_id uuid references vacancy (id) on delete cascade,
    at timestamptz not null,
    withdrawn boolean not null default false,
    primary key (saved_search_id, vacancy_id)
)
"""


def upgrade() -> None:
    """Add the columns and create the table. Searches that were saved before have no alerts."""
    op.execute(SEARCH)
    op.execute("create index saved_search_changed on saved_search (changed)")
    op.execute(TRIGGER)
    op.execute(
        "comment on column saved_search.alerts_since is"
        " 'It alerts about vacancies published since; null: no alerts'"
    )
    op.execute(MATCH)
    op.execute("create index search_match_vacancy on search_match (vacancy_id)")
    op.execute("comment on column search_match.withdrawn is 'It no longer meets the vacancy'")


def downgrade() -> None:
    """Drop them."""
    op.execute("drop table search_match")
    op.execute("drop trigger saved_search_changed on saved_search")
    op.execute("alter table saved_search drop column alerts_since, drop column changed")
