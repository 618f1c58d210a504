"""Reports of vacancies and companies, what operators decide about them, and the owners' answers."""

from alembic import op

revision = "0016"
down_revision = "0015"

REPORTED = """
create table reported (
    target_id uuid primary key,
    target text not null constraint reported_target check (target in ('vacancy', 'company')),
    company_id uuid not null references company (id),
    reports integer not null,
    is_answered boolean not null,
    at timestamptz not null
)
"""
DECISION = """
create table decision (
    id uuid primary key,
    target_id uuid not null references reported (target_id),
    company_id uuid not null references company (id),
    operator_id uuid not null,
    kind text not null constraint decision_kind
        check (kind in ('dismissed', 'taken_down', 'upheld', 'restored')),
    reason text,
    text text not null,
    decided_at timestamptz not null,
    answer text,
    answered_at timestamptz
)
"""
REPORT = """
create table report (
    id uuid primary key,
    target_id uuid not null references reported (target_id),
    user_id uuid,
    network bytea not null,
    reason text not null,
    text text,
    reported_at timestamptz not null,
    decision_id uuid references decision (id)
)
"""
INDEXES = (
    "create index reported_newest on reported (at, target_id) where reports > 0 or is_answered",
    "create index reported_most on reported (reports, at, target_id) "
    "where reports > 0 or is_answered",
    "create index decision_target on decision (target_id, id)",
    "create unique index report_person on report (target_id, user_id) where decision_id is null",
    "create unique index report_network on report (target_id, network) "
    "where user_id is null and decision_id is null",
    "create index report_by_network on report (network, reported_at)",
    "create index report_by_person on report (user_id, reported_at)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in (REPORTED, DECISION, REPORT, *INDEXES):
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    for table in ("report", "decision", "reported"):
        op.execute(f"drop table {table}")
