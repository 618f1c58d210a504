"""Which company has looked at which resume; a company's recommendations, the newest first."""

from alembic import op

revision = "0006"
down_revision = "0005"

VIEWS = """
create table card_view (
    resume_id uuid not null,
    company_id uuid not null references company (id),
    times integer not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    primary key (resume_id, company_id)
)
"""


def upgrade() -> None:
    """Add the table and the index."""
    op.execute(VIEWS)
    op.execute("create index recommendation_company on recommendation (company_id, created_at, id)")


def downgrade() -> None:
    """Drop them."""
    op.execute("drop index recommendation_company")
    op.execute("drop table card_view")
