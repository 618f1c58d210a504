"""Whether the owners have stated all that was before this service."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns; notices wait until it is complete."""
    op.execute("alter table beginning add column stated text[] not null default '{}'")
    op.execute("alter table beginning add column complete_at timestamptz")
    op.execute("comment on column beginning.stated is 'Owners that have'")
    op.execute("comment on column beginning.complete_at is 'When all owners had stated all'")


def downgrade() -> None:
    """Drop them."""
    op.execute("alter table beginning drop column complete_at")
    op.execute("alter table beginning drop column stated")
