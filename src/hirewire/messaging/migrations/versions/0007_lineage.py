"""The lineage of a database and its epochs; what retention and the audit need to know besides."""

from alembic import op

revision = "0007"
down_revision = "0006"

STATEMENTS = (
    """
create table messaging.lineage (
    epoch integer primary key,
    system_id text,
    database_id text,
    table_id text,
    timeline text,
    since timestamptz not null default clock_timestamp(),
    why text not null
)""",
    """
comment on table messaging.lineage is
    'Epochs of this database: one more whenever it is another server, copy or timeline than before'
""",
    """
create function messaging.identity(out system_id text, out database_id text, out table_id text,
    out timeline text) language plpgsql as $$
begin
    select oid::text into database_id from pg_database where datname = current_database();
    table_id := 'messaging.lineage'::regclass::oid::text;
    begin
        select system_identifier::text into system_id from pg_control_system();
    exception when others then system_id := null;
    end;
    begin
        timeline := left(pg_walfile_name(pg_current_wal_lsn()), 8);
    exception when others then timeline := null;
    end;
end
$$""",
    """
comment on function messaging.identity is
    'What tells this database from a copy of it; null is what this role or server does not say'
""",
    "alter table messaging.log add column epoch integer not null default 0",
    "alter table messaging.listener add column since_epoch integer not null default 0",
    "alter table messaging.fence add column epoch integer not null default 0",
    """
create table messaging.fence_unsent (
    fence_id uuid not null references messaging.fence on delete cascade,
    event_id uuid not null,
    primary key (fence_id, event_id)
)""",
    """
comment on table messaging.fence_unsent is
    'Events that the broker had not taken when a marker was sent: the marker is not behind them'
""",
    """
insert into messaging.fence_unsent
select id, unnest(unsent) from messaging.fence on conflict do nothing""",
    "alter table messaging.fence drop column unsent",
    "alter table messaging.inbox add column origin text",
    """
comment on column messaging.inbox.origin is
    'Null for an event of its owner''s log; else who sent it, or what it repeats'
""",
    """
create table messaging.retention (
    single boolean primary key default true check (single),
    ran_at timestamptz not null,
    held interval not null default '0',
    log_from timestamptz,
    inbox_from timestamptz,
    forgotten bigint not null default 0
)""",
    """
comment on table messaging.retention is
    'When old rows were last looked for, for how much more running time none are removed, and
from when on all rows of log and inbox are kept; the base of new counters'
""",
    "alter table messaging.counter add column used_on date not null default current_date",
    "alter table messaging.counter add column base bigint not null default 0",
    """
comment on column messaging.counter.base is
    'What the key''s numbers are counted from: the highest of all counters that retention had
forgotten when this one was made'
""",
    "alter table messaging.progress add column moved_on date not null default current_date",
    # As in 0002, but a lock that is not to be had at once is an error: waiting for it would make
    # all traffic wait that comes after.
    """
create or replace function messaging.add_part(parent text, column_name text, starts timestamptz,
    ends timestamptz) returns void language plpgsql as $$
declare
    name text := parent || to_char(starts at time zone 'UTC', '_YYYYMMDD');
begin
    execute format('lock table only messaging.%I in share update exclusive mode nowait', parent);
    execute format('lock table messaging.%I in access exclusive mode nowait', parent || '_between');
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
$$""",
)


def upgrade() -> None:
    """Make the tables; the epoch of what is there is 0."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """There is no way back: epochs above 0 would be forgotten."""
    raise NotImplementedError
