"""Cutovers that survive what happens to their relay; since when each handler exists."""

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = """
alter table messaging.job
    add column held boolean not null default false,
    add column attempt integer not null default 0,
    add column announced boolean not null default false,
    add column first_snapshot pg_snapshot,
    add column first_epoch integer not null default 0,
    add column next_attempt_at timestamptz;
comment on column messaging.job.held is
    'Not to be ended yet: migrate has not written the list of subscribers';
comment on column messaging.job.attempt is
    'How many relays have had it; marks of an earlier attempt do not count any more';
comment on column messaging.job.announced is
    'Whether the begin mark of this attempt is in the queue';
comment on column messaging.job.first_snapshot is
    'Taken before the begin mark: what it does not see was never published before that';
comment on column messaging.job.first_epoch is 'The epoch of `first_snapshot`';
comment on column messaging.job.next_attempt_at is
    'Not before then, after the broker has said that it must not';

create table messaging.job_unsent (
    job uuid not null references messaging.job on delete cascade,
    position bigint not null,
    primary key (job, position)
);
comment on table messaging.job_unsent is
    'Events that `first_snapshot` sees and that were unsent when the job began';

update messaging.job
set snapshot = null, pass_snapshot = null, pass_position = null, asked = asked - 'since'
where state = 'open' and kind = 'replay' and asked ->> 'handover' = 'true';

alter table messaging.awaiting
    add column source text,
    add column attempt integer not null default 0,
    add column nth bigint generated always as identity;
comment on column messaging.awaiting.source is
    'The `source` of the events that the replay brings; null for any, from before it was kept';

create table messaging.replay_ended (
    queue text not null,
    job uuid not null,
    attempt integer not null,
    ended_at timestamptz not null default clock_timestamp(),
    primary key (queue, job)
);
comment on table messaging.replay_ended is
    'Replays whose end has come through a queue: a begin mark that comes after it is ignored';

delete from messaging.listener l where until is null and exists (
    select from messaging.listener e
    where e.type = l.type and e.service = l.service and e.until is null and e.since < l.since);
create unique index listener_open on messaging.listener (type, service) where until is null;

create table messaging.handler (
    queue text not null,
    name text not null,
    since timestamptz not null,
    primary key (queue, name)
);
comment on table messaging.handler is
    'Since when a handler has been there for what comes through a queue';

with recursive known(name) as (
    (select min(subscription) from messaging.progress)
    union all
    select (select min(subscription) from messaging.progress where subscription > k.name)
    from known k where k.name is not null
)
insert into messaging.handler (queue, name, since)
select '', name, '-infinity' from known where name is not null
"""


def upgrade() -> None:
    """Add what replays, their marks and the handlers need."""
    run = op.get_bind().exec_driver_sql
    for statement in STATEMENTS.split(";\n"):
        run(statement)


def downgrade() -> None:
    """Take it away again. Open cutovers begin from the start."""
    for statement in (
        "drop table messaging.handler, messaging.replay_ended, messaging.job_unsent",
        "drop index messaging.listener_open",
        "alter table messaging.awaiting drop column source, drop column attempt, drop column nth",
        "alter table messaging.job drop column held, drop column attempt, drop column announced, "
        "drop column first_snapshot, drop column first_epoch, drop column next_attempt_at",
    ):
        op.execute(statement)
