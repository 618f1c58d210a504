"""When each vacancy and each resume was last changed, and people's saved searches."""

from alembic import op

revision = "0005"
down_revision = "0004"

FUNCTION = """
create function note_change() returns trigger language plpgsql as $$
begin
    new.changed := pg_current_xact_id();
    return new;
end
$$
"""
SAVED = """
create table saved_search (
    id uuid primary key,
    user_id uuid not null,
    name text not null,
    query jsonb not null,
    created_at timestamptz not null,
    seen_at timestamptz not null
)
"""


def upgrade() -> None:
    """Add the columns, their triggers and the table."""
    op.execute(FUNCTION)
    for table in ("vacancy", "resume"):
        op.execute(f"alter table {table} add changed xid8 not null default pg_current_xact_id()")
        op.execute(f"create index {table}_changed on {table} (changed)")
        op.execute(
            f"create trigger {table}_changed before update on {table} "
            "for each row execute function note_change()"
        )
    op.execute(SAVED)
    op.execute("create index saved_search_user on saved_search (user_id, id)")


def downgrade() -> None:
    """Drop them."""
    op.execute("drop table saved_search")
    for table in ("vacancy", "resume"):
        op.execute(f"drop trigger {table}_changed on {table}")
        op.execute(f"alter table {table} drop column changed")
    op.execute("drop function note_change()")
