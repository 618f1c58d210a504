"""The names of API keys beside what they did."""

from alembic import op

revision = "0020"
down_revision = "0019"
TABLES = ("vacancy", "application_move", "application_message")


def upgrade() -> None:
    """Add the columns."""
    for table in TABLES:
        op.execute(f"alter table {table} add column api_key text")


def downgrade() -> None:
    """Drop them."""
    for table in TABLES:
        op.execute(f"alter table {table} drop column api_key")
