"""Operators, and vacancies and companies that are not shown."""

from alembic import op

revision = "0015"
down_revision = "0014"

OPERATOR = """
create table operator (
    user_id uuid primary key,
    since timestamptz not null
)
"""
BLOCKED = """
create table blocked_user (
    user_id uuid primary key,
    blocked boolean not null,
    at timestamptz not null
)
"""
COMPANY = """
alter table company
    add taken_down boolean not null default false,
    add owner_blocked boolean not null default false,
    add held boolean not null generated always as (taken_down or owner_blocked) stored
"""
VACANCY = """
alter table vacancy
    add taken_down boolean not null default false,
    add company_held boolean not null default false,
    add held boolean not null generated always as (taken_down or company_held) stored
"""


def upgrade() -> None:
    """Create the tables and add the columns."""
    op.execute(OPERATOR)
    op.execute(BLOCKED)
    op.execute(COMPANY)
    op.execute(VACANCY)
    op.execute("create index vacancy_taken_down on vacancy (company_id) where taken_down")


def downgrade() -> None:
    """Drop them."""
    op.execute("drop index vacancy_taken_down")
    for table, columns in (
        ("vacancy", ("held", "taken_down", "company_held")),
        ("company", ("held", "taken_down", "owner_blocked")),
    ):
        for column in columns:
            op.execute(f"alter table {table} drop column {column}")
    op.execute("drop table blocked_user")
    op.execute("drop table operator")
