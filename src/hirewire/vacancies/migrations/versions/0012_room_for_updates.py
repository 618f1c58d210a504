"""Room in each page of recommendations for a second version of all its rows."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """A changed resume updates all its rows, which are neighbours: no index is written then."""
    op.execute("alter table recommendation set (fillfactor = 50)")


def downgrade() -> None:
    """As it was."""
    op.execute("alter table recommendation set (fillfactor = 80)")
