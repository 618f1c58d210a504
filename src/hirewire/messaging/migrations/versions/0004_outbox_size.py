"""Sizes beside unsent events: the relay reads so many bytes of them at once, and no more."""

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = """
alter table messaging.outbox add column size integer not null default 0;
comment on column messaging.outbox.size is 'Bytes of the body';
update messaging.outbox o set size = octet_length(l.body::text)
from messaging.log l where l.id = o.id
"""


def upgrade() -> None:
    """Add the column, and measure what is unsent."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Take the column away."""
    op.execute("alter table messaging.outbox drop column size")
