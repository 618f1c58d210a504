"""Events of later, and versions of events."""

from alembic import op

revision = "0008"
down_revision = "0007"

STATEMENTS = """
create table messaging.scheduled (
    id uuid primary key,
    due_at timestamptz not null,
    type text not null,
    version smallint not null default 1,
    body json not null,
    correlation_id text not null,
    causation_id text,
    traceparent text,
    error text,
    held_until timestamptz
);
comment on table messaging.scheduled is 'Events that are to be recorded at a time to come';
comment on column messaging.scheduled.held_until is
    'Of one that this version cannot read: when it is looked at again';
create index scheduled_due on messaging.scheduled (due_at, id);

create table messaging.recurring (
    name text primary key,
    cron text not null,
    time_zone text not null,
    next_at timestamptz not null,
    last_at timestamptz
);
comment on table messaging.recurring is 'Events that are recorded by a cron expression';

create table messaging.allowance (
    subscription text primary key,
    tokens float8 not null,
    counted_at timestamptz not null
);
comment on table messaging.allowance is
    'How many messages the rate of a subscription allows now, as a token bucket';

alter table messaging.log add column version smallint;
comment on column messaging.log.version is 'Version of the payload, where it is not the first'
"""


def upgrade() -> None:
    """Make the tables, and the column."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.execute("drop table messaging.scheduled, messaging.recurring, messaging.allowance")
    op.execute("alter table messaging.log drop column version")
