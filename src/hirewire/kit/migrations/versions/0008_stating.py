"""Which state was published for which new subscriber."""

from alembic import op

revision = "0008"
down_revision = "0007"

STATEMENTS = """
create table kit.stating (
    type text not null,
    subscriber text not null,
    since text not null,
    after uuid,
    done_at timestamptz,
    primary key (type, subscriber, since)
);
comment on column kit.stating.since is 'The transaction in which it became a subscriber';
comment on column kit.stating.after is 'The rows up to this one are recorded'
"""


def upgrade() -> None:
    """Create the table."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop it."""
    op.execute("drop table kit.stating")
