"""Profiles, resumes and their items."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = """
create table profile (
    user_id uuid primary key,
    version integer not null,
    full_name text not null,
    headline text,
    area text,
    contacts jsonb not null,
    links jsonb not null,
    locale text,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create table resume (
    id uuid primary key,
    user_id uuid not null,
    version integer not null,
    status text not null,
    title text,
    summary text,
    area text,
    relocation boolean not null,
    employment_types text[] not null,
    work_formats text[] not null,
    salary jsonb,
    skills jsonb not null,
    languages jsonb not null,
    certificates jsonb not null,
    links jsonb not null,
    visibility text not null,
    imported json,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint resume_status check (status in ('draft', 'published', 'hidden'))
);
create index resume_owner on resume (user_id, id);
create table experience (
    id uuid primary key,
    resume_id uuid not null references resume (id) on delete cascade,
    place integer not null,
    company text,
    position text,
    start text,
    "end" text,
    description text,
    skills text[] not null,
    imported json
);
create index experience_resume on experience (resume_id, place);
create table education (
    id uuid primary key,
    resume_id uuid not null references resume (id) on delete cascade,
    place integer not null,
    organization text,
    level text,
    field text,
    start_year integer,
    end_year integer,
    imported json
);
create index education_resume on education (resume_id, place)
"""


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables."""
    for table in ("education", "experience", "resume", "profile"):
        op.execute(f"drop table {table}")
