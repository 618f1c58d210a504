"""The one row that readiness writes."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """
        create table kit.probe (
            one boolean primary key default true check (one),
            at timestamptz not null default now()
        )
        """
    )


def downgrade() -> None:
    """Drop the table."""
    op.execute("drop table kit.probe")
