"""Devices that are notified by Web Push, and the pushes to them."""

from alembic import op

revision = "0009"
down_revision = "0008"

TABLES = {
    "push_key": """
        id uuid primary key,
        public text not null,
        sealed bytea not null,
        made_at timestamptz not null
    """,
    "push_device": """
        id uuid primary key,
        user_id uuid not null references person on delete cascade,
        session_id uuid not null,
        key_id uuid not null references push_key,
        mark bytea not null unique,
        sealed bytea not null,
        origin text not null,
        name text,
        created_at timestamptz not null,
        pushed_at timestamptz,
        failures integer not null default 0,
        failing_since timestamptz,
        error text,
        hold_until timestamptz,
        leased_until timestamptz,
        attempt integer not null default 0
    """,
    "push": """
        device_id uuid references push_device on delete cascade,
        notice_id uuid references notice on delete cascade,
        queued_at timestamptz not null,
        due_at timestamptz not null,
        changes integer not null default 0,
        primary key (device_id, notice_id)
    """,
    "ended_session": "id uuid primary key, at timestamptz not null",
}
INDEXES = (
    "push_device_user on push_device (user_id)",
    "push_device_session on push_device (session_id)",
    "push_due on push (due_at)",
    "push_notice on push (notice_id)",
    "ended_session_at on ended_session (at)",
)
COMMENTS = {
    "notice.pushed_at": "Last accepted by a push service",
    "push_device.session_id": "It ends with this session",
    "push_device.mark": "Digest of the endpoint",
    "push_device.sealed": "Endpoint and keys",
    "push_device.origin": "The push service",
    "push_device.pushed_at": "Last accepted by the push service",
    "push_device.failures": "In a row",
    "push_device.error": "Of the last failure",
    "push_device.leased_until": "Who has claimed it sends meanwhile",
}


def upgrade() -> None:
    """Create the tables."""
    op.execute("alter table notice add column pushed_at timestamptz")
    for table, columns in TABLES.items():
        op.execute(f"create table {table} ({columns})")
    for index in INDEXES:
        op.execute(f"create index {index}")
    for column, comment in COMMENTS.items():
        op.execute(f"comment on column {column} is '{comment}'")


def downgrade() -> None:
    """Drop the tables."""
    for table in reversed(TABLES):
        op.execute(f"drop table {table}")
    op.execute("alter table notice drop column pushed_at")
