"""What is compared, and what fits."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = """
create table generation (
    one boolean primary key,
    last bigint not null,
    constraint generation_one check (one)
);
insert into generation (one, last) values (true, 0);
create table comparable (
    id uuid primary key,
    kind text not null,
    number bigint generated always as identity not null,
    owner_id uuid not null,
    version integer,
    state text not null,
    generation bigint not null,
    ruleset text not null,
    head bytea,
    skills bytea,
    languages bytea,
    words bytea,
    constraint comparable_kind check (kind in ('vacancy', 'resume')),
    constraint comparable_state check (state in ('open', 'closed', 'deleted'))
);
create index comparable_generation on comparable (generation);
create table recommendation (
    id uuid primary key,
    vacancy_id uuid not null,
    resume_id uuid not null,
    company_id uuid not null,
    user_id uuid not null,
    score double precision not null,
    resume_version integer,
    vacancy_version integer not null,
    ruleset text not null,
    state text not null,
    dismiss_reason text,
    withdrawn text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint recommendation_pair unique (resume_id, vacancy_id),
    constraint recommendation_state
        check (state in ('new', 'seen', 'shortlisted', 'invited', 'dismissed'))
) with (fillfactor = 80);
create index recommendation_vacancy on recommendation (vacancy_id);
create index recommendation_user on recommendation (user_id)
"""


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    for table in ("recommendation", "comparable", "generation"):
        op.execute(f"drop table {table}")
