"""What a company says of itself, with its logo; a closed vacancy may be opened again."""

from alembic import op

revision = "0010"
down_revision = "0009"

LOGOS = """
create table company_logo (
    company_id uuid primary key references company (id),
    image bytea not null
)
"""


def upgrade() -> None:
    """Add the columns and the table."""
    op.execute("alter table company add description text, add site text, add logo_key text")
    op.execute(LOGOS)
    op.execute("alter table vacancy add reopened_at timestamptz")


def downgrade() -> None:
    """Drop them."""
    op.execute("alter table vacancy drop column reopened_at")
    op.execute("drop table company_logo")
    op.execute(
        "alter table company drop column description, drop column site, drop column logo_key"
    )
