"""How well a match is made for each other, beside how much of what is asked for is met.

The new ruleset compares everything again, which fills it.
"""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the column."""
    op.execute("alter table recommendation add column strength double precision not null default 0")


def downgrade() -> None:
    """Drop it."""
    op.execute("alter table recommendation drop column strength")
