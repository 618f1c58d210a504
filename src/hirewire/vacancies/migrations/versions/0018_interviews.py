"""Interviews of applications."""

from alembic import op

revision = "0018"
down_revision = "0017"

INTERVIEW = """
create table interview (
    id uuid primary key,
    application_id uuid not null references application (id),
    version integer not null,
    state text not null,
    time_zone text not null,
    minutes integer not null,
    slots timestamptz[] not null,
    last_at timestamptz not null,
    starts_at timestamptz,
    place text,
    note text,
    reply text,
    cancelled_by text,
    proposed_by uuid,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint interview_state check
        (state in ('proposed', 'asked', 'chosen', 'declined', 'cancelled', 'expired')),
    constraint interview_chosen check (state <> 'chosen' or starts_at is not null),
    constraint interview_slots check (cardinality(slots) between 1 and 5)
)
"""
INDEXES = (
    "interview_application on interview (application_id, id)",
    "interview_proposed_by on interview (proposed_by, starts_at)",
    "interview_waiting on interview (last_at) where state = 'proposed'",
)


def upgrade() -> None:
    """Create the table."""
    op.execute(INTERVIEW)
    for index in INDEXES:
        op.execute(f"create index {index}")


def downgrade() -> None:
    """Drop it."""
    op.execute("drop table interview")
