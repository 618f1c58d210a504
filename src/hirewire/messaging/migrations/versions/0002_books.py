"""Log and inbox by day, open messages and unsent ones apart; fences and jobs."""

from alembic import op

revision = "0002"
down_revision = "0001"

LATER = """
alter table messaging.outbox rename to old_outbox;
alter table messaging.inbox rename to old_inbox;
alter table messaging.listener rename to old_listener;
alter table messaging.old_outbox rename constraint outbox_pkey to old_outbox_pkey;
alter table messaging.old_inbox rename constraint inbox_pkey to old_inbox_pkey;
alter table messaging.old_listener rename constraint listener_pkey to old_listener_pkey;

create sequence messaging.position;
create sequence messaging.arrival;

create table messaging.log (
    id uuid not null primary key,
    position bigint not null,
    xact xid8 not null default pg_current_xact_id(),
    recorded_at timestamptz not null default clock_timestamp(),
    type text not null,
    key text not null,
    sequence bigint not null,
    correlation_id text not null,
    causation_id text,
    traceparent text,
    body json not null
) partition by range (id);
comment on table messaging.log is
    'Every event recorded here, for the retention time; a partition a day by id (UUIDv7)';

create index log_position on messaging.log (position);

create table messaging.outbox (
    position bigint primary key,
    id uuid not null,
    key text not null,
    xact xid8 not null default pg_current_xact_id(),
    attempts integer not null default 0,
    next_attempt_at timestamptz,
    error text
);
comment on table messaging.outbox is 'Events of the log that the broker has not confirmed yet';
create index outbox_failing on messaging.outbox (key, position) where next_attempt_at is not null;

create table messaging.inbox (
    event_id uuid not null,
    subscription text not null,
    heard_at timestamptz not null default clock_timestamp(),
    settled_at timestamptz,
    late boolean not null default false,
    primary key (event_id, subscription)
) partition by range (event_id);
comment on table messaging.inbox is
    'What was heard, by handler, for the retention time; a partition a day by event id';
comment on column messaging.inbox.settled_at is
    'When it was handled, if that was not at once';

create table messaging.open_message (
    event_id uuid not null,
    subscription text not null,
    state text not null check (state in ('retrying', 'waiting', 'dead', 'discarded')),
    arrival bigint not null default nextval('messaging.arrival'),
    arrived_at timestamptz not null default clock_timestamp(),
    settled_at timestamptz,
    type text not null,
    source text not null,
    key text not null,
    sequence bigint,
    body bytea not null,
    headers json not null,
    attempts integer not null default 0,
    next_attempt_at timestamptz,
    error text,
    history jsonb,
    note text,
    by text,
    primary key (event_id, subscription)
);
comment on table messaging.open_message is
    'What was heard and not handled, whole: to be tried again, waiting behind such, or given up';
create index open_message_due on messaging.open_message (next_attempt_at)
    where state = 'retrying';
create index open_message_waiting on messaging.open_message (subscription, source, key, arrival)
    where state = 'waiting';
create index open_message_dead on messaging.open_message (arrival) where state = 'dead';

create table messaging.listener (
    type text not null,
    service text not null,
    since xid8 not null default pg_current_xact_id(),
    until xid8,
    primary key (type, service, since)
);
comment on table messaging.listener is
    'Who hears the events of this service, and from which transaction on; written by migrate';

create table messaging.part (
    parent text not null,
    name text not null,
    starts timestamptz not null,
    ends timestamptz not null,
    primary key (parent, starts)
);
comment on table messaging.part is 'The partitions of log and inbox that come and go with time';

create table messaging.fence (
    id uuid primary key,
    asked_at timestamptz not null default clock_timestamp(),
    snapshot pg_snapshot,
    reached text[] not null default '{}',
    published_at timestamptz,
    unsent uuid[] not null default '{}'
);
comment on table messaging.fence is
    'Markers sent to every queue behind all events that `snapshot` sees, but for the `unsent`';

create table messaging.fence_heard (
    fence_id uuid not null,
    queue text not null,
    heard_at timestamptz not null default clock_timestamp(),
    primary key (fence_id, queue)
);
comment on table messaging.fence_heard is 'Markers of other services that were heard here';

create table messaging.spread (
    single boolean primary key default true check (single),
    partitions integer not null
);
comment on table messaging.spread is
    'Over how many queues the keys are spread; no row for a service that has one queue only';

create table messaging.awaiting (
    queue text not null,
    type text not null,
    job uuid not null,
    primary key (queue, type, job)
);
comment on table messaging.awaiting is
    'Replays that have begun in a queue: what they bring is not taken from elsewhere';

create table messaging.job (
    id uuid primary key,
    kind text not null check (kind in ('replay', 'repair', 'retry', 'discard')),
    asked jsonb not null,
    asked_by text not null default '',
    asked_at timestamptz not null default clock_timestamp(),
    state text not null default 'open' check (state in ('open', 'done', 'failed')),
    snapshot pg_snapshot,
    pass_position bigint,
    pass_snapshot pg_snapshot,
    total bigint,
    done bigint not null default 0,
    outcome text,
    finished_at timestamptz
);
comment on table messaging.job is 'What operators asked of the messages here, and its outcome';
create index job_open on messaging.job (asked_at) where state = 'open';

create function messaging.first_id(moment timestamptz) returns uuid
language sql immutable parallel safe as $$
    select (lpad(to_hex(floor(extract(epoch from moment) * 1000)::bigint), 12, '0')
        || '00000000000000000000')::uuid
$$;
comment on function messaging.first_id is 'The least UUIDv7 of that millisecond';

create table messaging.log_before partition of messaging.log
    for values from (minvalue) to ('016f5e66-e800-0000-0000-000000000000');
create table messaging.log_after partition of messaging.log
    for values from ('03bb2cc3-d800-0000-0000-000000000000') to (maxvalue);
create table messaging.log_between partition of messaging.log default;
create table messaging.inbox_before partition of messaging.inbox
    for values from (minvalue) to ('016f5e66-e800-0000-0000-000000000000');
create table messaging.inbox_after partition of messaging.inbox
    for values from ('03bb2cc3-d800-0000-0000-000000000000') to (maxvalue);
create table messaging.inbox_between partition of messaging.inbox default;
create index inbox_before_heard on messaging.inbox_before using brin (heard_at);
create index inbox_after_heard on messaging.inbox_after using brin (heard_at);
create index inbox_between_heard on messaging.inbox_between using brin (heard_at);

create function messaging.add_part(parent text, column_name text, starts timestamptz,
    ends timestamptz) returns void language plpgsql as $$
declare
    name text := parent || to_char(starts at time zone 'UTC', '_YYYYMMDD');
begin
    execute format('lock table messaging.%I in access exclusive mode', parent || '_between');
    execute format('create table messaging.%I (like messaging.%I including defaults)', name,
        parent);
    execute format('with moved as (delete from messaging.%I where %I >= $1 and %I < $2 '
        'returning *) insert into messaging.%I select * from moved', parent || '_between',
        column_name, column_name, name)
        using messaging.first_id(starts), messaging.first_id(ends);
    execute format('alter table messaging.%I attach partition messaging.%I for values from (%L) '
        'to (%L)', parent, name, messaging.first_id(starts), messaging.first_id(ends));
    insert into messaging.part values (parent, name, starts, ends);
end
$$;
comment on function messaging.add_part is
    'Add a partition, with what its time has already brought into the one for the rest';

create function messaging.add_parts(days integer, width integer) returns integer
language plpgsql as $$
declare
    added integer := 0;
    parent_name text;
    column_name text;
    edge timestamptz;
begin
    foreach parent_name in array array['log', 'inbox'] loop
        column_name := case parent_name when 'log' then 'id' else 'event_id' end;
        select max(ends) into edge from messaging.part where parent = parent_name;
        if edge is null or edge < clock_timestamp() - interval '1 day' then
            edge := greatest(edge, date_trunc('day', clock_timestamp(), 'UTC') - interval '1 day');
        end if;
        while edge < clock_timestamp() + days * interval '1 day' loop
            perform messaging.add_part(parent_name, column_name, edge,
                edge + width * interval '1 day');
            edge := edge + width * interval '1 day';
            added := added + 1;
        end loop;
    end loop;
    return added;
end
$$;
comment on function messaging.add_parts is
    'Add partitions of so many days each until so many days ahead; how many were added';

select messaging.add_parts(7, 1);

insert into messaging.log (id, position, recorded_at, type, key, sequence, correlation_id,
    causation_id, traceparent, body)
select id, position, recorded_at, type, key, sequence,
    coalesce(headers->>'correlationid', id::text), headers->>'causationid',
    headers->>'traceparent', body
from messaging.old_outbox;
insert into messaging.outbox (position, id, key, attempts, next_attempt_at, error)
select position, id, key, attempts, next_attempt_at, error
from messaging.old_outbox where sent_at is null;
select setval('messaging.position', greatest(1, (select max(position) from messaging.old_outbox)));
insert into messaging.inbox (event_id, subscription, heard_at, settled_at, late)
select event_id, subscription, arrived_at, settled_at, late from messaging.old_inbox;
insert into messaging.open_message (event_id, subscription, state, arrival, arrived_at, settled_at,
    type, source, key, sequence, body, headers, attempts, next_attempt_at, error, history, note)
select event_id, subscription, state, arrival, arrived_at, settled_at, type, source, key, sequence,
    body, headers, attempts, next_attempt_at, error, history, note
from messaging.old_inbox where state <> 'handled' and body is not null;
select setval('messaging.arrival', greatest(1, (select max(arrival) from messaging.old_inbox)));
insert into messaging.listener (type, service) select type, service from messaging.old_listener;
drop table messaging.old_outbox, messaging.old_inbox, messaging.old_listener
"""


def upgrade() -> None:
    """Make the new tables, take over what the old ones held, and drop those."""
    run = op.get_bind().exec_driver_sql
    for statement in _statements():
        run(statement)


def _statements() -> list[str]:
    """The statements; a function's body has semicolons of its own."""
    found: list[str] = []
    inside = False
    for part in LATER.split(";\n"):
        if inside:
            found[-1] += ";\n" + part
        else:
            found.append(part)
        inside = found[-1].count("$$") % 2 == 1
    return found


def downgrade() -> None:
    """There is no way back: the old tables cannot hold what the new ones know."""
    raise NotImplementedError
