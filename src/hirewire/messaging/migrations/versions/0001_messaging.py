"""Outbox, inbox and their books."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = """
create table messaging.counter (
    key text primary key,
    last bigint not null
) with (fillfactor = 70);
comment on table messaging.counter is
    'The last sequence number of each key; its row lock puts the commits of a key in order';

create table messaging.outbox (
    id uuid primary key,
    position bigint generated always as identity,
    type text not null,
    key text not null,
    sequence bigint not null,
    body json not null,
    headers json not null,
    recorded_at timestamptz not null default clock_timestamp(),
    sent_at timestamptz,
    attempts integer not null default 0,
    next_attempt_at timestamptz,
    error text,
    unique (key, sequence)
);
comment on table messaging.outbox is
    'Events as recorded; unsent ones are published in order of position, sent ones are the log';
create index outbox_unsent on messaging.outbox (position) where sent_at is null;
create index outbox_recorded on messaging.outbox using brin (recorded_at);
create index outbox_blocked on messaging.outbox (key)
    where sent_at is null and next_attempt_at is not null;

create table messaging.listener (
    type text not null,
    service text not null,
    primary key (type, service)
);
comment on table messaging.listener is 'Who hears the events of this service; written by migrate';

create table messaging.inbox (
    event_id uuid not null,
    subscription text not null,
    state text not null default 'handled'
        check (state in ('handled', 'retrying', 'waiting', 'dead', 'discarded')),
    arrival bigint generated always as identity,
    arrived_at timestamptz not null default clock_timestamp(),
    settled_at timestamptz,
    type text not null,
    source text not null,
    key text not null,
    sequence bigint,
    late boolean not null default false,
    body bytea,
    headers json,
    attempts integer not null default 0,
    next_attempt_at timestamptz,
    error text,
    history jsonb,
    note text,
    primary key (event_id, subscription)
);
comment on table messaging.inbox is
    'What was heard, by handler. Open messages keep their body; handled ones only their id';
create index inbox_arrived on messaging.inbox using brin (arrived_at);
create index inbox_due on messaging.inbox (next_attempt_at) where state = 'retrying';
create index inbox_waiting on messaging.inbox (subscription, source, key, arrival)
    where state = 'waiting';
create index inbox_dead on messaging.inbox (arrival) where state = 'dead';

create table messaging.progress (
    subscription text not null,
    source text not null,
    key text not null,
    sequence bigint,
    previous bigint,
    open integer not null default 0,
    primary key (subscription, source, key)
) with (fillfactor = 70);
comment on table messaging.progress is
    'How far each handler is with each key, and how many of its messages are open';

create table messaging.suspect (
    fingerprint uuid primary key,
    starts integer not null,
    first_start timestamptz not null default clock_timestamp()
);
comment on table messaging.suspect is
    'Messages that were handed out again and again; starts of their handling are counted'
"""


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables."""
    for table in ("suspect", "progress", "inbox", "listener", "outbox", "counter"):
        op.execute(f"drop table messaging.{table}")
