"""Companies, employers, vacancies, and resumes as heard."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = """
create table company (
    id uuid primary key,
    name text not null,
    created_at timestamptz not null
);
create table employer_profile (
    user_id uuid primary key,
    company_id uuid not null references company (id),
    phone text,
    created_at timestamptz not null
);
create index employer_profile_company on employer_profile (company_id);
create table vacancy (
    id uuid primary key,
    company_id uuid not null references company (id),
    version integer not null,
    status text not null,
    close_reason text,
    title text not null,
    description text,
    requirements jsonb not null,
    experience text,
    employment_type text,
    work_format text,
    area text,
    address text,
    salary jsonb,
    languages jsonb not null,
    valid_through date,
    response_letter_required boolean not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    published_at timestamptz,
    constraint vacancy_status
        check (status in ('draft', 'published', 'paused', 'closed', 'archived'))
);
create index vacancy_company on vacancy (company_id, id);
create index vacancy_published on vacancy (published_at, id);
create table resume (
    resume_id uuid primary key,
    user_id uuid not null,
    version integer,
    state text not null,
    snapshot jsonb,
    updated_at timestamptz not null,
    constraint resume_state check (state in ('visible', 'unseen', 'deleted'))
);
create table activity (
    position bigint generated always as identity primary key,
    event_id uuid not null unique,
    resume_id uuid not null,
    user_id uuid not null,
    action text not null,
    item_id uuid,
    version integer,
    occurred_at timestamptz not null,
    heard_at timestamptz not null
);
create index activity_resume on activity (resume_id);
create index activity_order on activity (occurred_at, position)
"""


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables."""
    for table in ("activity", "resume", "vacancy", "employer_profile", "company"):
        op.execute(f"drop table {table}")
