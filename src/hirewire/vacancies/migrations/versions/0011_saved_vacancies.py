"""Vacancies that people have saved for later."""

from alembic import op

revision = "0011"
down_revision = "0010"

SAVED = """
create table saved_vacancy (
    user_id uuid not null,
    vacancy_id uuid not null references vacancy (id) on delete cascade,
    saved_at timestamptz not null,
    primary key (user_id, vacancy_id)
)
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(SAVED)
    op.execute("create index saved_vacancy_order on saved_vacancy (user_id, saved_at, vacancy_id)")
    op.execute("create index saved_vacancy_vacancy on saved_vacancy (vacancy_id)")


def downgrade() -> None:
    """Drop it."""
    op.execute("drop table saved_vacancy")
