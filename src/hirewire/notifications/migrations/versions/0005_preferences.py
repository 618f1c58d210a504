"""What people want to be notified of and when, in which language, and whether mails reach them."""

from alembic import op

revision = "0005"
down_revision = "0004"

COLUMNS = {
    "language": "text",
    "time_zone": "text",
    "locale_at": "timestamptz",
    "is_verified": "boolean not null default false",
    "quiet_from": "integer",
    "quiet_until": "integer",
}
PREFERENCE = """
create table preference (
    user_id uuid references person on delete cascade,
    kind text,
    mail text not null,
    push boolean not null,
    primary key (user_id, kind),
    constraint preference_mail check (mail in ('off', 'at_once', 'hourly', 'daily', 'weekly'))
)
"""
QUIET = """
alter table person add constraint person_quiet check (
    (quiet_from is null) = (quiet_until is null)
    and quiet_from between 0 and 1439 and quiet_until between 0 and 1439
)
"""
COMMENTS = {
    "table preference": "Only what differs from the defaults (kinds.py)",
    "column person.language": "Of mails; null: not known",
    "column person.time_zone": "Of the IANA database; null: the board''s",
    "column person.locale_at": "When these two changed last",
    "column person.is_verified": "Whether the address is known to be the person''s",
    "column person.quiet_from": "Minute of the day in the person''s zone; null: no quiet hours",
}


def upgrade() -> None:
    """Create the table and add the columns."""
    for column, definition in COLUMNS.items():
        op.execute(f"alter table person add column {column} {definition}")
    op.execute(QUIET)
    op.execute(PREFERENCE)
    for what, comment in COMMENTS.items():
        op.execute(f"comment on {what} is '{comment}'")


def downgrade() -> None:
    """Drop them."""
    op.execute("drop table preference")
    for column in COLUMNS:
        op.execute(f"alter table person drop column {column}")
