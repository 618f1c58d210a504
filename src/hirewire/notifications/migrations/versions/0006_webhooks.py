"""Webhooks: receivers, their secrets, deliveries with attempts; and who is an operator."""

from alembic import op

revision = "0006"
down_revision = "0005"

TABLES = {
    "webhook": """
        id uuid primary key,
        company_id uuid,
        url text not null,
        events text[] not null,
        created_at timestamptz not null,
        is_on boolean not null default true,
        off_at timestamptz,
        off_reason text,
        failures integer not null default 0,
        failing_since timestamptz,
        not_before timestamptz,
        constraint webhook_off check (is_on = (off_reason is null))
    """,
    "webhook_secret": """
        id uuid primary key,
        webhook_id uuid not null references webhook on delete cascade,
        secret bytea not null,
        created_at timestamptz not null,
        expires_at timestamptz
    """,
    "webhook_delivery": """
        id uuid primary key,
        webhook_id uuid not null references webhook on delete cascade,
        event_id uuid not null,
        type text not null,
        key text not null,
        position bigint not null,
        at timestamptz not null,
        subject_id uuid,
        body text not null,
        is_cut boolean not null default false,
        state text not null default 'waiting',
        attempts integer not null default 0,
        ended_at timestamptz,
        constraint webhook_delivery_state check (state in ('waiting', 'delivered', 'dead')),
        constraint webhook_delivery_event unique (webhook_id, event_id)
    """,
    "webhook_lane": """
        webhook_id uuid not null references webhook on delete cascade,
        key text not null,
        next_attempt_at timestamptz not null,
        claim bigint not null default 0,
        primary key (webhook_id, key)
    """,
    "webhook_attempt": """
        id uuid primary key,
        delivery_id uuid not null references webhook_delivery on delete cascade,
        at timestamptz not null,
        seconds double precision not null,
        url text not null,
        status integer,
        error text,
        headers jsonb,
        answer text,
        is_cut boolean not null default false
    """,
    "operator": "user_id uuid primary key, is_operator boolean not null",
}
INDEXES = (
    "index webhook_company on webhook (company_id)",
    "index webhook_secret_webhook on webhook_secret (webhook_id)",
    "index webhook_delivery_page on webhook_delivery (webhook_id, id)",
    "index webhook_delivery_at on webhook_delivery (at)",
    "index webhook_delivery_subject on webhook_delivery (subject_id)",
    "index webhook_delivery_key on webhook_delivery (key)",
    "index webhook_delivery_waiting on webhook_delivery (webhook_id, key, position, id)"
    " where state = 'waiting'",
    "index webhook_delivery_dead on webhook_delivery (webhook_id, id) where state = 'dead'",
    "index webhook_lane_due on webhook_lane (webhook_id, next_attempt_at)",
    "index webhook_attempt_delivery on webhook_attempt (delivery_id, id)",
)
COMMENTS = {
    "column webhook.company_id": "Null: of the board's operators",
    "column webhook.off_reason": "by_hand, failing or gone",
    "column webhook.failures": "In a row",
    "column webhook.not_before": "The receiver asked to wait until then",
    "column webhook_secret.secret": "Sealed",
    "column webhook_secret.expires_at": "Null: the current one",
    "column webhook_delivery.key": "Deliveries of a key are sent in order",
    "column webhook_delivery.position": "Of the event in those of the key",
    "column webhook_delivery.at": "When the event was recorded",
    "column webhook_delivery.subject_id": "The person whom the event is about",
    "column webhook_attempt.status": "Null: there was no answer",
    "column webhook_attempt.error": "Why there was none",
}


def upgrade() -> None:
    """Create the tables."""
    for table, columns in TABLES.items():
        op.execute(f"create table {table} ({columns})")
    for index in INDEXES:
        op.execute(f"create {index}")
    for what, comment in COMMENTS.items():
        op.execute(f"""comment on {what} is '{comment.replace("'", "''")}'""")


def downgrade() -> None:
    """Drop the tables."""
    for table in reversed(TABLES):
        op.execute(f"drop table {table}")
