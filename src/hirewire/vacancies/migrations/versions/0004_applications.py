"""Applications, their moves and their messages."""

from alembic import op

revision = "0004"
down_revision = "0003"

OPEN = "stage in ('response', 'consider', 'phone_interview', 'assessment', 'interview', 'offer')"
STATEMENTS = f"""
create table application (
    id uuid primary key,
    vacancy_id uuid not null references vacancy (id),
    company_id uuid not null references company (id),
    resume_id uuid not null,
    user_id uuid not null,
    origin text not null,
    stage text not null,
    letter text,
    closed_reason text,
    version integer not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    viewed_at timestamptz,
    accepted_at timestamptz,
    constraint application_origin check (origin in ('response', 'invitation')),
    constraint application_stage check (
        {OPEN} or stage in (
            'hired', 'discard_by_employer', 'discard_by_applicant', 'discard_vacancy_closed'
        )
    )
);
create unique index application_open on application (vacancy_id, resume_id) where {OPEN};
create index application_resume on application (resume_id) where {OPEN};
create index application_user on application (user_id, id);
create index application_company on application (company_id, id);
create index application_vacancy on application (vacancy_id, id);
create table application_move (
    position bigint generated always as identity primary key,
    application_id uuid not null references application (id),
    from_stage text,
    to_stage text not null,
    side text not null,
    user_id uuid,
    comment text,
    shared boolean not null,
    reason text,
    created_at timestamptz not null,
    constraint application_move_side check (side in ('employer', 'applicant', 'system'))
);
create index application_move_application on application_move (application_id, position);
create table application_message (
    id uuid primary key,
    application_id uuid not null references application (id),
    side text not null,
    user_id uuid not null,
    text text not null,
    sent_at timestamptz not null,
    constraint application_message_side check (side in ('employer', 'applicant'))
);
create index application_message_application on application_message (application_id, id)
"""


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables."""
    for table in ("application_message", "application_move", "application"):
        op.execute(f"drop table {table}")
