"""Mails about notices: what waits for one, when to look, and in which one it was last."""

from alembic import op

revision = "0008"
down_revision = "0007"

COLUMNS = {
    "notice": {
        "mail_since": "timestamptz",
        "mailed_at": "timestamptz",
        "mail_id": "uuid",
        "mails": "integer not null default 0",
        "mailed_count": "integer not null default 0",
        "mailed_before": "integer not null default 0",
    },
    "notice_match": {"mails": "integer not null default 0"},
    "person": {
        "mailed_at": "timestamptz",
        "unsubscribe_key": "uuid not null default gen_random_uuid()",
    },
}
PLAN = """
create table mail_plan (
    id bigint generated always as identity primary key,
    user_id uuid not null references person on delete cascade,
    due_at timestamptz not null
)
"""
INDEXES = (
    "index mail_plan_due on mail_plan (due_at)",
    "index mail_plan_user on mail_plan (user_id)",
    "index notice_to_mail on notice (user_id, kind, mail_since) where mail_since is not null",
    "index notice_mail on notice (mail_id) where mail_id is not null",
)
COMMENTS = {
    "notice.mail_since": "Since when it waits to be mailed",
    "notice.mailed_at": "When a mail about it was queued last",
    "notice.mail_id": "The last mail that it is in",
    "notice.mails": "How many it was in",
    "notice.mailed_count": "The count with the last mail",
    "notice.mailed_before": "The count with the mail before",
    "notice_match.mails": "How many mails the notice was in before",
    "person.mailed_at": "When the last mail was queued",
    "person.unsubscribe_key": "Signs links that switch mails off",
}


def upgrade() -> None:
    """Add them. No notice that exists waits for a mail."""
    for table, columns in COLUMNS.items():
        for column, definition in columns.items():
            op.execute(f"alter table {table} add column {column} {definition}")
    op.execute(PLAN)
    for index in INDEXES:
        op.execute(f"create {index}")
    for column, comment in COMMENTS.items():
        op.execute(f"comment on column {column} is '{comment}'")


def downgrade() -> None:
    """Drop them."""
    op.execute("drop table mail_plan")
    for table, columns in COLUMNS.items():
        for column in columns:
            op.execute(f"alter table {table} drop column {column}")
