"""Generations of projections: those that are fed, and the one that is read."""

from alembic import op

revision = "0009"
down_revision = "0008"

STATEMENTS = """
create table messaging.generation (
    number integer generated always as identity primary key,
    projection text not null,
    version integer not null,
    state text not null check (state in ('building', 'live', 'retired', 'dropping', 'dropped')),
    handlers text[] not null,
    types text[] not null,
    caught_up text[] not null default '{}',
    switch_when_ready boolean not null default false,
    started_at timestamptz not null default clock_timestamp(),
    started_by text not null default '',
    introduced_at timestamptz,
    switched_at timestamptz,
    switched_by text,
    dropped_at timestamptz
);
comment on table messaging.generation is
    'Each time a projection was built: the live generation is read, others may be fed beside it';
comment on column messaging.generation.types is 'The event of each of the handlers, in their order';
comment on column messaging.generation.caught_up is
    'Events of which the past has come through; from then on they arrive as they are published';
comment on column messaging.generation.introduced_at is
    'When its queue was there, with a mark in front of all else: it must not be heard before';
comment on column messaging.generation.switched_at is 'When it was last made live';
create unique index generation_live on messaging.generation (projection) where state = 'live';
create unique index generation_building on messaging.generation (projection)
    where state = 'building'
"""


def upgrade() -> None:
    """Make the table."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop it. The schemas of the generations stay."""
    op.execute("drop table messaging.generation")
