"""Who acts for which company, and which resumes are open to it."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = """
create table employer (
    user_id uuid primary key,
    company_id uuid not null,
    company_name text
);
create index employer_company on employer (company_id);
create table opened_resume (
    resume_id uuid not null references resume (id) on delete cascade,
    company_id uuid not null,
    opened_at timestamptz not null,
    first_read_at timestamptz,
    last_read_at timestamptz,
    times integer not null default 0,
    primary key (resume_id, company_id)
)
"""


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables."""
    for table in ("opened_resume", "employer"):
        op.execute(f"drop table {table}")
