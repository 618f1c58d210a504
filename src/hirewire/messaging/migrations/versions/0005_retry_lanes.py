"""Retries by lane: who has claimed what; paused subscriptions; edited dead letters."""

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS = """
alter table messaging.open_message
    add column claimed_by uuid,
    add column claimed_with uuid[],
    add column suspect boolean not null default false,
    add column closing integer;
comment on column messaging.open_message.claimed_by is
    'The process that has taken it to be handled';
comment on column messaging.open_message.claimed_with is
    'The messages behind it that were taken with it; null when it was taken alone';
comment on column messaging.open_message.suspect is
    'A process ended while handling it with others: it is handled alone';
comment on column messaging.open_message.closing is
    'It is handled, as so many messages of its key; their key is still to be released';
drop index messaging.open_message_due;
create index open_message_lane on messaging.open_message (subscription, next_attempt_at, arrival)
    where state in ('retrying', 'waiting') and next_attempt_at is not null;
create index open_message_oldest on messaging.open_message (subscription, arrival)
    where state in ('retrying', 'waiting');

create table messaging.pause (
    subscription text primary key,
    paused_at timestamptz not null default clock_timestamp(),
    why text not null default '',
    by text not null default ''
);
comment on table messaging.pause is
    'Subscriptions whose messages are kept waiting until an operator resumes them';

create table messaging.edit (
    id bigint generated always as identity primary key,
    event_id uuid not null,
    subscription text not null,
    edited_at timestamptz not null default clock_timestamp(),
    why text not null,
    by text not null,
    body_before bytea not null,
    body_after bytea not null
);
comment on table messaging.edit is
    'Dead letters whose body an operator replaced, with both bodies, for the retention time';
create index edit_event on messaging.edit (event_id);

alter table messaging.job drop constraint if exists job_kind_check;
alter table messaging.job add constraint job_kind_check check (kind in
    ('replay', 'repair', 'retry', 'discard', 'edit', 'pause', 'resume'))
"""


def upgrade() -> None:
    """Add the columns, the indexes and the tables."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """There is no way back: a former version would not know what is claimed or paused."""
    raise NotImplementedError
