"""People who were erased: ids only."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the table."""
    op.execute(
        """
        create table messaging.erased (
            subject text primary key,
            erasure_id uuid not null,
            erased_at timestamptz not null,
            queues_redacted boolean not null default false
        )
        """
    )
    op.execute(
        "comment on table messaging.erased is "
        "'People who were erased, for ever: nothing about them is handled any more'"
    )


def downgrade() -> None:
    """Drop it: events about erased people would be handled again."""
    op.execute("drop table messaging.erased")
