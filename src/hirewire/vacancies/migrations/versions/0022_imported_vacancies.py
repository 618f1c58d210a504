"""The keys of imported vacancies, and how many were imported."""

from alembic import op

revision = "0022"
down_revision = "0021"

KEYS = """
create table imported_vacancy (
    company_id uuid references company (id),
    external_id text,
    vacancy_id uuid not null references vacancy (id) on delete cascade,
    primary key (company_id, external_id),
    constraint imported_vacancy_vacancy unique (vacancy_id)
)
"""
IMPORTS = """
create table vacancy_import (
    company_id uuid not null references company (id),
    at timestamptz not null,
    rows integer not null
)
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(KEYS)
    op.execute(
        "comment on column imported_vacancy.external_id is"
        " 'Its key in the other system of the company'"
    )
    op.execute(IMPORTS)
    op.execute("create index vacancy_import_company on vacancy_import (company_id, at)")


def downgrade() -> None:
    """Drop them."""
    op.execute("drop table vacancy_import")
    op.execute("drop table imported_vacancy")
